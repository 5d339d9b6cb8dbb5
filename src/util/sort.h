// SPDX-License-Identifier: Apache-2.0
// Sorting doubles.
#ifndef KD_UTIL_SORT_H
#define KD_UTIL_SORT_H
#include <stddef.h>

// For qsort: ascending. No NaN; -0 equals 0.
int double_cmp(const void *a, const void *b);
// Several times as fast as qsort. No NaN; -0 sorts before 0. scratch has room for n.
void sort_doubles(double *v, double *scratch, size_t n);
#endif
