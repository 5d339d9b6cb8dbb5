// SPDX-License-Identifier: Apache-2.0
// Vectors against plain sums of whole numbers, which are exact.
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "stats/pane.h"
#include "support.h"
#include "util/xalloc.h"

static struct field_stats *vector_field(struct pane *p, size_t dims)
{
	const struct field_def def = {.path = (char[]){"v"}, .type = FIELD_VECTOR, .dims = dims};

	return pane_field(p, 0, &def);
}

Test(vector, centroid_and_norm_do_not_depend_on_the_split)
{
	enum { N = 300, D = 5 };
	struct rng rng = rng_seeded("vectors");
	struct pane *p = pane_new(), *q = pane_new();
	double sum[D] = {0}, norms = 0, least = INFINITY;
	struct error err = ERROR_INIT;
	struct buf bytes = BUF_INIT;

	for (int i = 0; i < N; i++) {
		double x[D], square = 0;

		for (int k = 0; k < D; k++) {
			x[k] = (double)rng_below(&rng, 2001) - 1000;
			sum[k] += x[k];
			square += x[k] * x[k];
		}
		norms += sqrt(square);
		least = fmin(least, sqrt(square));
		field_add_vector(vector_field(rng_below(&rng, 2) ? p : q, 0), x, D);
	}
	pane_merge(p, q);
	pane_encode(p, &bytes);
	pane_free(p);
	p = pane_decode(bytes.data, bytes.len, NULL, NULL, &err);
	cr_assert(p, "%s", err.text);
	const struct field_stats *f = pane_find(p, "v", FIELD_VECTOR);
	cr_assert_eq(f->dims, D);
	cr_assert_eq(f->count, N);
	for (int k = 0; k < D; k++)
		cr_expect_eq(field_centroid(f, (size_t)k), sum[k] / N);
	cr_expect(isnan(field_centroid(f, D)));
	cr_expect_float_eq(field_mean(f), norms / N, 1e-9);
	cr_expect_float_eq(f->min, least, 1e-9);
	buf_release(&bytes);
	pane_free(p);
	pane_free(q);
}

// Whichever came first, the centroid is given up and the norms stay.
Test(vector, of_two_dimensions_have_no_centroid)
{
	const double x[] = {3, 4, 12};

	for (int order = 0; order < 2; order++)
		for (int merged = 0; merged < 2; merged++) {
			struct pane *p = pane_new(), *q = pane_new();

			field_add_vector(vector_field(p, 0), x, order ? 2 : 3);
			field_add_vector(vector_field(merged ? q : p, 0), x, order ? 3 : 2);
			pane_merge(p, q);
			cr_expect(p->fields[0]->mixed);
			cr_expect_null(p->fields[0]->dim_sums);
			cr_expect_eq(p->fields[0]->count, 2);
			cr_expect_eq(field_mean(p->fields[0]), 9);
			field_add_vector(p->fields[0], x, 2);
			cr_expect_null(p->fields[0]->dim_sums);
			pane_free(p);
			pane_free(q);
		}
}

Test(vector, of_the_baselines_dimension_alone_are_counted)
{
	static double many[VECTOR_MAX_DIMS + 1];
	const double x[] = {3, 4, 12}, odd[] = {NAN, INFINITY}, wide[] = {1, INFINITY}, huge[] = {3e200, 4e200};
	struct pane *p = pane_new();
	struct field_stats *f = vector_field(p, 2);

	field_add_vector(f, x, 2);
	field_add_vector(f, x, 3);
	field_add_vector(f, x, 0);
	field_add_vector(f, odd, 2);
	field_add_vector(f, wide, 2);
	field_add_vector(f, huge, 2);
	cr_expect_eq(f->present, 6);
	cr_expect_eq(f->count, 2);
	cr_expect_eq(f->other, 2);
	cr_expect_eq(f->nan, 1);
	cr_expect_eq(f->inf, 1);
	cr_expect_eq(f->min, 5);
	cr_expect_float_eq(f->max, 5e200, 1e186);
	pane_free(p);
	p = pane_new();
	f = vector_field(p, 0);
	field_add_vector(f, many, VECTOR_MAX_DIMS + 1);
	cr_expect_eq(f->other, 1);
	field_add_vector(f, many, VECTOR_MAX_DIMS);
	cr_expect_eq(f->count, 1);
	cr_expect_eq(f->max, 0);
	pane_free(p);
}
