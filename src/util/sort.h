// SPDX-License-Identifier: Apache-2.0
// Sorting doubles, several times as fast as qsort.
#ifndef KD_UTIL_SORT_H
#define KD_UTIL_SORT_H
#include <stddef.h>

// Ascending. No NaN; -0 sorts before 0. scratch has room for n.
void sort_doubles(double *v, double *scratch, size_t n);
#endif
