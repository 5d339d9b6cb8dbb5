// SPDX-License-Identifier: Apache-2.0
#include "judge/since.h"

#include <math.h>
#include <stdlib.h>

#include "util/sort.h"
#include "util/xalloc.h"

enum { QUIET_LEAST = 3 };

static struct since stretch_from(const double *values, size_t n, double sign, double beyond)
{
	struct since s = {n - 1, false};

	for (size_t i = n; i-- > 0;) {
		if (isnan(values[i]))
			continue;
		if (!(sign * values[i] > beyond) && i < n - 1)
			return s;
		s.at = i;
	}
	s.earlier = true;
	return s;
}

// Beyond this (times sign) a value has moved.
static double moved_beyond(const double *values, size_t n, double limit, double sign)
{
	double *known = xcalloc(n, sizeof *known), beyond = sign * limit;
	bool crossed = true;
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		if (isnan(values[i]))
			continue;
		known[k++] = sign * values[i];
		crossed &= sign * values[i] > sign * limit;
	}
	qsort(known, k, sizeof *known, double_cmp);
	size_t quiet = k / 4 > QUIET_LEAST ? k / 4 : QUIET_LEAST;
	if (!crossed && k > quiet) {
		double level = known[quiet / 2], width = known[quiet - 1] - known[0];
		beyond = level + fmax((sign * values[n - 1] - level) / 4, 3 * width);
	}
	free(known);
	return fmin(beyond, sign * limit);
}

struct since since_of(const double *values, size_t n, double limit, bool above)
{
	double sign = above ? 1 : -1;

	return stretch_from(values, n, sign, moved_beyond(values, n, limit, sign));
}
