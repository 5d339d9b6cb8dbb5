// SPDX-License-Identifier: Apache-2.0
// A vector field counts the Euclidean norm of its vectors as a numeric field counts its values, and sums each
// dimension exactly, so that the centroid of merged panes is that of all their vectors. Vectors of another dimension
// than the baseline's are `other`. Where nobody said which it is and two meet, the centroid is given up (mixed): what is
// left does not depend on which came first.
#include <math.h>
#include <stdlib.h>

#include "stats/numeric.h"
#include "util/xalloc.h"

static void drop_sums(struct field_stats *f)
{
	for (size_t i = 0; f->dim_sums && i < f->dims; i++)
		xsum_release(&f->dim_sums[i]);
	free(f->dim_sums);
	f->dim_sums = NULL;
}

void field_vector_release(struct field_stats *f)
{
	drop_sums(f);
}

// Without overflow; in the order of the dimensions, so it is the same wherever the vector is counted.
double vector_norm(const double *x, size_t n)
{
	double most = 0, sum = 0;

	for (size_t i = 0; i < n; i++)
		most = fmax(most, fabs(x[i]));
	if (!(most > 0) || isinf(most))
		return most;
	for (size_t i = 0; i < n; i++)
		sum += x[i] / most * (x[i] / most);
	return most * sqrt(sum);
}

void field_add_vector(struct field_stats *f, const double *x, size_t n)
{
	double norm = vector_norm(x, n);
	bool nan = false;

	for (size_t i = 0; i < n; i++)
		nan |= isnan(x[i]) != 0;
	if (!n || n > VECTOR_MAX_DIMS || (f->fixed_dims && f->dims != n)) {
		field_add_other(f);
		return;
	}
	f->present++;
	if (nan || isinf(norm)) {
		f->nan += nan;
		f->inf += !nan;
		return;
	}
	if (!f->count)
		f->dims = n;
	field_moments_add(f, &norm, 1);
	if (!f->mixed && f->dims != n) {
		drop_sums(f);
		f->mixed = true;
	}
	if (f->mixed)
		return;
	if (!f->dim_sums)
		f->dim_sums = xcalloc(n, sizeof *f->dim_sums);
	for (size_t i = 0; i < n; i++)
		xsum_add(&f->dim_sums[i], x[i] + 0.0);
}

// Before the moments: whether dst has any is looked at.
void field_vectors_merge(struct field_stats *dst, const struct field_stats *src)
{
	if (!src->count || dst->mixed)
		return;
	if (src->mixed || (dst->count && dst->dims != src->dims)) {
		drop_sums(dst);
		dst->mixed = true;
		return;
	}
	dst->dims = src->dims;
	if (!dst->dim_sums)
		dst->dim_sums = xcalloc(src->dims, sizeof *dst->dim_sums);
	for (size_t i = 0; i < src->dims; i++)
		xsum_merge(&dst->dim_sums[i], &src->dim_sums[i]);
}

double field_centroid(const struct field_stats *f, size_t i)
{
	return f->dim_sums && i < f->dims ? xsum_mean(&f->dim_sums[i], f->count) : NAN;
}
