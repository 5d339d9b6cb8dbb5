// SPDX-License-Identifier: Apache-2.0
// Decimal numbers to doubles, correctly rounded, several times as fast as strtod. Private to files/.
#ifndef KD_FILES_DECIMAL_H
#define KD_FILES_DECIMAL_H
#include <stdbool.h>

// Reads a number at *p: sign, digits with a point among them, exponent. True: *p is behind it. False where
// it is no such number or one that needs more than 64 bits (then number_parse knows). *whole: digits only.
// Eight bytes behind the number are read, whatever they are.
bool decimal_read(const char **p, double *out, bool *whole);
#endif
