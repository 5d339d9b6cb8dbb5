// SPDX-License-Identifier: Apache-2.0
// The order of operations is that of NumPy's histogram_bin_edges, so that edges are the same doubles.
#include "drift/even_bins.h"

#include <math.h>

double sturges_width(double range, size_t n)
{
	return range / (log2((double)n) + 1);
}

double doane_width(double range, size_t n, double skew)
{
	double size = (double)n, spread = sqrt(6 * (size - 2) / ((size + 1) * (size + 3)));

	return n > 2 && !isnan(skew) ? range / (1 + log2(size) + log2(1 + fabs(skew) / spread)) : 0;
}

void even_bins_make(struct even_bins *b, double lo, double hi, double width, bool whole)
{
	double step, n;

	b->n = 0;
	if (lo == hi) {
		lo -= 0.5;
		hi += 0.5;
	}
	if (whole && width > 0 && width < 1)
		width = 1;
	n = width > 0 ? ceil((hi - lo) / width) : 1;
	step = (hi - lo) / n;
	if (!(n >= 1 && n <= EVEN_BINS_MAX) || !isfinite(step))
		return;
	for (size_t i = 0; i <= (size_t)n; i++) {
		b->edges[i] = (double)i * step + lo;
		if (i == (size_t)n)
			b->edges[i] = hi;
		if (i && b->edges[i - 1] >= b->edges[i])
			return;
	}
	b->n = (size_t)n;
}

size_t values_below(const double *v, size_t n, double x, bool or_equal)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (v[mid] < x || (or_equal && v[mid] == x))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

size_t even_bins_count(const struct even_bins *b, const double *v, size_t n, double *counts)
{
	size_t first = values_below(v, n, b->edges[0], false), at = first;

	for (size_t i = 0; i < b->n; i++) {
		size_t to = values_below(v, n, b->edges[i + 1], i + 1 == b->n);

		counts[i] = (double)(to - at);
		at = to;
	}
	return at - first;
}
