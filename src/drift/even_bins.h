// SPDX-License-Identifier: Apache-2.0
// Bins of equal width as the dialects' packages make them, and counts of sorted samples in them. Private to
// the drift room.
#ifndef KD_DRIFT_EVEN_BINS_H
#define KD_DRIFT_EVEN_BINS_H
#include <stdbool.h>
#include <stddef.h>

enum { EVEN_BINS_MAX = 256 };

struct even_bins {
	size_t n;                        // 0: they cannot be made, as edges would fall together
	double edges[EVEN_BINS_MAX + 1]; // ascending; the last bin holds its upper edge too
};

// From lo to hi in bins of about `width` (0: one bin); lo = hi gives one bin one unit wide. whole: of whole
// numbers, never narrower than 1.
void even_bins_make(struct even_bins *b, double lo, double hi, double width, bool whole);
// Widths by the rules of Sturges and of Doane (skew: NaN where the deviation is 0).
double sturges_width(double range, size_t n);
double doane_width(double range, size_t n, double skew);
// counts[i] gets how many of v are in bin i; returns how many are in any.
size_t even_bins_count(const struct even_bins *b, const double *v, size_t n, double *counts);
// How many values of the sorted v are below x; with `or_equal` also those equal to it.
size_t values_below(const double *v, size_t n, double x, bool or_equal);
#endif
