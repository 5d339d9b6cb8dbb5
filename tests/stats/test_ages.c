// SPDX-License-Identifier: Apache-2.0
// Ages against the sorted ages themselves.
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/pane.h"
#include "support.h"
#include "util/xalloc.h"

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static struct field_stats *time_field(struct pane *p)
{
	const struct field_def def = {.path = (char[]){"t"}, .type = FIELD_TIME};

	return pane_field(p, 0, &def);
}

static void add(struct field_stats *f, int64_t age)
{
	int64_t event = 1700000000000;

	field_add_time(f, event - age);
	field_add_age(f, event - age, event);
}

Test(ages, quantiles_lie_within_their_error)
{
	struct rng rng = rng_seeded("ages");

	for (int trial = 0; trial < 200; trial++) {
		size_t n = 1 + rng_below(&rng, 300);
		int64_t *ages = xcalloc(n, sizeof *ages);
		struct pane *p = pane_new(), *q = pane_new();

		for (size_t i = 0; i < n; i++) {
			ages[i] = (int64_t)rng_below(&rng, 1ull << (1 + rng_below(&rng, 40))) - (trial % 2 ? 500 : 0);
			add(time_field(i % 3 ? p : q), ages[i]);
		}
		pane_merge(p, q);
		qsort(ages, n, sizeof *ages, by_value);
		cr_assert_eq(field_ages(p->fields[0]), n);
		cr_assert_eq(p->fields[0]->age_min, ages[0]);
		cr_assert_eq(p->fields[0]->age_max, ages[n - 1]);
		for (double q_of = 0.01; q_of <= 1; q_of += 0.0625) {
			double error, got = field_age_quantile(p->fields[0], q_of, &error);
			double want = (double)ages[(size_t)ceil(q_of * (double)n) - 1];

			cr_assert(fabs(got - want) <= error, "trial %d, q %g: %g, not %g within %g", trial, q_of,
				  got, want, error);
			cr_assert_leq(error, fabs(got) / 30 + 0.5);
		}
		pane_free(p);
		pane_free(q);
		free(ages);
	}
}

Test(ages, small_ones_are_exact_and_large_ones_fit)
{
	static const int64_t ages[] = {0, 1, 15, -1, -15};
	struct pane *p;
	double error;

	for (size_t i = 0; i < ARRAY_LEN(ages); i++) {
		p = pane_new();
		add(time_field(p), ages[i]);
		cr_expect_eq(field_age_quantile(p->fields[0], 0.5, &error), (double)ages[i]);
		cr_expect_eq(error, 0);
		pane_free(p);
	}
	p = pane_new();
	field_add_time(time_field(p), INT64_MIN);
	field_add_age(p->fields[0], INT64_MIN, INT64_MAX);
	field_add_time(p->fields[0], INT64_MAX);
	field_add_age(p->fields[0], INT64_MAX, INT64_MIN);
	cr_expect_eq(p->fields[0]->age_max, INT64_MAX);
	cr_expect_leq(0x1p63 - field_age_quantile(p->fields[0], 1, &error), error);
	cr_expect(isnan(field_age_quantile(p->fields[0], 2, &error)));
	struct buf bytes = BUF_INIT;
	struct error err = ERROR_INIT;
	pane_encode(p, &bytes);
	struct pane *back = pane_decode(bytes.data, bytes.len, NULL, NULL, &err);
	cr_assert(back, "%s", err.text);
	cr_expect_eq(field_ages(back->fields[0]), 2);
	cr_expect_eq(back->fields[0]->age_min, p->fields[0]->age_min);
	buf_release(&bytes);
	pane_free(back);
	pane_free(p);
}

// A pane from before lengths were counted has none: then the quantiles of the whole are not known.
Test(ages, lengths)
{
	struct rng rng = rng_seeded("lengths");
	const struct field_def def = {.path = (char[]){"x"}, .type = FIELD_TEXT};
	struct pane *p = pane_new(), *q = pane_new(), *old = pane_new();
	struct field_stats *f = pane_field(p, 0, &def), *g = pane_field(q, 0, &def);
	char text[3000] = "";
	int64_t lengths[500];
	double error;

	memset(text, 'x', sizeof text);
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		lengths[i] = (int64_t)rng_below(&rng, 1u << (1 + rng_below(&rng, 11)));
		field_add_text(i % 3 ? f : g, text, (size_t)lengths[i]);
	}
	pane_merge(p, q);
	qsort(lengths, ARRAY_LEN(lengths), sizeof *lengths, by_value);
	for (int k = 1; k <= 100; k++) {
		double got = field_quantile_within(f, k / 100.0, &error), want = (double)lengths[k * 5 - 1];

		cr_assert(fabs(got - want) <= error, "%d: %g, not %g within %g", k, got, want, error);
		cr_assert_leq(error, got / 30 + 0.5);
	}
	cr_expect_eq(field_quantile_within(f, 0, &error), (double)lengths[0]);
	field_add_text(pane_field(old, 0, &def), "y", 1);
	old->fields[0]->nlogbins = 0;
	pane_merge(p, old);
	cr_expect(isnan(field_quantile(f, 0.5)));
	pane_free(p);
	pane_free(q);
	pane_free(old);
}
