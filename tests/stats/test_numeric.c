// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "moments_table.h"
#include "stats/pane.h"
#include "support.h"
#include "util/sort.h"
#include "util/xalloc.h"

static char path[] = "x";

static struct pane *numeric_pane(const struct grid *g, const double *x, size_t n)
{
	struct field_def def = {path, FIELD_NUMERIC, g, NULL, 0, 0, false};
	struct pane *p = pane_new();
	struct field_stats *f = pane_field(p, 0, &def);

	for (size_t i = 0; i < n; i++)
		field_add_number(f, x[i]);
	return p;
}

static double table_value(const char *kind, int i, uint64_t u)
{
	double unit = (double)(u >> 11) * 0x1p-53;

	if (!strcmp(kind, "counting"))
		return i + 1;
	if (!strcmp(kind, "unit"))
		return unit;
	if (!strcmp(kind, "far"))
		return 1e9 + unit;
	if (!strcmp(kind, "tiny_spread"))
		return 1e6 + unit * 0x1p-30;
	if (!strcmp(kind, "cancel"))
		return (double[]){1e16, 1, -1e16}[i % 3];
	if (!strcmp(kind, "wide"))
		return ldexp(unit - 0.5, (int)(u & 127) - 64);
	if (!strcmp(kind, "far_and_long"))
		return 1e12 + unit;
	if (!strcmp(kind, "huge"))
		return ldexp(unit, 500);
	if (!strcmp(kind, "milliseconds"))
		return 1.7e12 + (double)(u & 0xfffff);
	return (double[]){0.1, 0.3}[i % 2];
}

static void close_to(const char *what, double got, double want, double relative)
{
	cr_assert(fabs(got - want) <= relative * fabs(want), "%s: %.17g, want %.17g", what, got, want);
}

Test(moments, are_those_of_exact_arithmetic)
{
	for (size_t k = 0; k < ARRAY_LEN(moments_table); k++) {
		struct rng r = {k};
		struct pane *p = pane_new();
		struct field_def def = {path, FIELD_NUMERIC, NULL, NULL, 0, 0, false};
		struct field_stats *f = pane_field(p, 0, &def);

		for (int i = 0; i < moments_table[k].n; i++)
			field_add_number(f, table_value(moments_table[k].kind, i, rng_u64(&r)));
		close_to(moments_table[k].kind, field_sum(f), moments_table[k].sum, 0);
		close_to(moments_table[k].kind, field_mean(f), moments_table[k].mean, 0);
		close_to(moments_table[k].kind, field_stddev(f), moments_table[k].stddev, 0x1p-52);
		pane_free(p);
	}
}

Test(moments, are_undefined_where_there_is_too_little)
{
	struct pane *p = numeric_pane(NULL, NULL, 0);
	struct field_stats *f = p->fields[0];

	cr_assert(isnan(field_mean(f)) && isnan(field_stddev(f)) && isnan(field_quantile(f, 0.5)));
	cr_assert(field_sum(f) == 0 && f->min == INFINITY && f->max == -INFINITY);
	field_add_number(f, 4);
	cr_assert(field_mean(f) == 4 && isnan(field_stddev(f)) && field_quantile(f, 0.5) == 4);
	field_add_number(f, 4);
	cr_assert_eq(field_stddev(f), 0);
	field_add_number(f, 1e200);
	close_to("a square past a double", field_stddev(f), 1e200 / sqrt(3), 1e-15);
	cr_assert_eq(field_mean(f), 1e200 / 3);
	pane_free(p);
}

Test(moments, of_a_constant_have_no_spread)
{
	struct pane *p = pane_new();
	struct field_def def = {path, FIELD_NUMERIC, NULL, NULL, 0, 0, false};
	struct field_stats *f = pane_field(p, 0, &def);

	for (int i = 0; i < 1000; i++)
		field_add_number(f, 0.1);
	cr_assert_eq(field_stddev(f), 0);
	cr_assert_eq(field_mean(f), 0.1);
	pane_free(p);
}

Test(numbers, are_counted_by_kind)
{
	const double x[] = {1, NAN, -INFINITY, INFINITY, -0.0, 0.0, -NAN, 20000, -20001, 30000};
	struct pane *p = numeric_pane(grid_a(), x, ARRAY_LEN(x));
	struct field_stats *f = p->fields[0];

	field_add_other(f);
	cr_assert_eq(f->present, 11);
	cr_assert_eq(f->nan, 2);
	cr_assert_eq(f->inf, 2);
	cr_assert_eq(f->other, 1);
	cr_assert_eq(f->count, 6);
	cr_assert_eq(f->bins[grid_bin(grid_a(), 0)], 2);
	cr_assert(f->min == -20001 && f->max == 30000);
	cr_assert(xsum_value(&f->low_sum) == -20001 && xsum_value(&f->high_sum) == 50000);
	cr_assert_eq(f->bins[0], 1);
	cr_assert_eq(f->bins[f->nbins - 1], 2);
	p->decoded = 15;
	cr_assert_eq(field_missing(p, f), 4);
	p->decoded = 3;
	cr_assert_eq(field_missing(p, f), 0);
	pane_free(p);
	p = numeric_pane(NULL, (double[]){-0.0}, 1);
	cr_assert(!signbit(p->fields[0]->min) && !signbit(p->fields[0]->max));
	pane_free(p);
}

// The q-quantile must lie in the bin of the value at that rank.
static void check_quantiles(struct rng *r, const struct field_stats *f, const double *s, size_t n)
{
	for (int k = 0; k <= 100; k++) {
		double q = k == 0 ? 0 : k == 100 ? 1 : rng_unit(r), got = field_quantile(f, q), lo, hi;
		size_t rank = (size_t)ceil(q * (double)n);
		double want = s[rank ? rank - 1 : 0];

		if (f->grid) {
			size_t bin = grid_bin(f->grid, want);

			lo = bin ? f->grid->edges[bin - 1] : s[0];
			hi = bin < f->grid->n ? f->grid->edges[bin] : s[n - 1];
			if (grid_bin_is_point(f->grid, bin))
				cr_assert_eq(got, want, "q %g: %g, want the point %g", q, got, want);
		} else {
			lo = want - fabs(want) * 0.0101;
			hi = want + fabs(want) * 0.0101;
		}
		cr_assert(got >= lo && got <= hi, "q %g: %.17g, want %.17g in [%.17g, %.17g]", q, got, want, lo, hi);
		cr_assert(got >= s[0] && got <= s[n - 1]);
		cr_assert(k < 100 || got == s[n - 1]);
	}
}

Test(quantiles, lie_in_the_right_bin)
{
	struct rng r = rng_seeded("lie_in_the_right_bin");

	for (int round = 0; round < 60; round++) {
		size_t n = 1 + rng_below(&r, 3000);
		double *s = xmalloc(n * sizeof *s);

		for (size_t i = 0; i < n; i++) {
			double z = rng_normal(&r);
			s[i] = round % 3 == 0 ? floor(5 * z) : round % 3 == 1 ? 50 * z : -exp(3 * z);
		}
		qsort(s, n, sizeof *s, double_cmp);
		struct grid *own = grid_from_sorted(s, n);
		const struct grid *on[] = {own, grid_a(), NULL};
		for (size_t g = 0; g < ARRAY_LEN(on); g++) {
			struct pane *p = numeric_pane(on[g], s, n);

			check_quantiles(&r, p->fields[0], s, n);
			pane_free(p);
		}
		grid_free(own);
		free(s);
	}
}

Test(quantiles, interpolate_inside_a_bin)
{
	// grid_b's bin [0.5, 500): four values, so a quarter of its width each
	struct pane *p = numeric_pane(grid_b(), (double[]){-1000, 0.5, 1, 2, 3, 1000}, 6);
	struct field_stats *f = p->fields[0];

	cr_assert_float_eq(field_quantile(f, 3.0 / 6), 0.5 + 499.5 * 0.5, 1e-9);
	cr_assert_eq(field_quantile(f, 0), -1000);
	cr_assert_eq(field_quantile(f, 1), 1000);
	cr_assert(isnan(field_quantile(f, -0.1)) && isnan(field_quantile(f, 1.1)) && isnan(field_quantile(f, NAN)));
	pane_free(p);
}

Test(quantiles, are_unknown_on_an_unknown_grid)
{
	struct pane *p = numeric_pane(grid_a(), (double[]){1, 2, 3}, 3);
	struct buf b = encoded(p);
	struct pane *q = pane_decode(b.data, b.len, NULL, NULL, NULL);

	cr_assert(isnan(field_quantile(q->fields[0], 0.5)));
	cr_assert_eq(field_mean(q->fields[0]), 2);
	field_add_number(q->fields[0], 6); // has no bin here: moments only from now on
	cr_assert(q->fields[0]->mixed && field_mean(q->fields[0]) == 3);
	buf_release(&b);
	pane_free(q);
	pane_free(p);
}

// One value a bin, in the order given.
static struct pane *log_pane(const int *bins, size_t n)
{
	struct field_def def = {path, FIELD_NUMERIC, NULL, NULL, 0, 0, false};
	struct pane *p = pane_new();
	struct field_stats *f = pane_field(p, 0, &def);

	for (size_t i = 0; i < n; i++)
		field_add_number(f, (bins[i] < 0 ? -1 : 1) * exp(0.010000083334583356 * (abs(bins[i]) - 0.5)));
	return p;
}

Test(logarithmic, smallest_magnitudes_join_zero_in_any_order)
{
	enum { N = 3000, KEPT = 2048 };
	struct rng r = rng_seeded("smallest_magnitudes_join_zero_in_any_order");
	int bins[N];

	for (int i = 0; i < N; i++)
		bins[i] = i % 2 ? i / 2 + 1 : -(i / 2 + 1); // magnitudes 1 to 1500, each with both signs
	for (int round = 0; round < 8; round++) {
		for (size_t i = N - 1; i > 0; i--) {
			size_t j = rng_below(&r, i + 1);
			int t = bins[i];

			bins[i] = bins[j];
			bins[j] = t;
		}
		size_t cut = rng_below(&r, N);
		struct pane *whole = log_pane(bins, N), *a = log_pane(bins, cut), *b = log_pane(bins + cut, N - cut);
		struct field_stats *f = whole->fields[0];

		cr_assert_eq(f->count, N);
		cr_assert_eq(f->nlogbins, KEPT + 1);
		cr_assert(f->approximate);
		for (size_t i = 0; i < f->nlogbins; i++) {
			// magnitudes 1500 to 477 are 1024 pairs
			double lo, hi;

			loggrid_range(f->logbins[i].bin, &lo, &hi);
			if (f->logbins[i].bin == 0)
				cr_assert_eq(f->logbins[i].n, N - KEPT);
			else
				cr_assert(fmax(fabs(lo), fabs(hi)) > exp(0.0100000833 * 476.5) && f->logbins[i].n == 1);
			cr_assert(!i || f->logbins[i - 1].bin < f->logbins[i].bin);
		}
		struct buf y = merged_bytes(a, b), z = merged_bytes(b, a);
		cr_assert(same_bytes(&y, &z));
		struct pane *back = decoded(&y);
		cr_assert(back->approximate && back->fields[0]->nlogbins == f->nlogbins);
		for (size_t i = 0; i < f->nlogbins; i++)
			cr_assert(back->fields[0]->logbins[i].bin == f->logbins[i].bin &&
				  back->fields[0]->logbins[i].n == f->logbins[i].n);
		buf_release(&y);
		buf_release(&z);
		pane_free(back);
		pane_free(whole);
		pane_free(a);
		pane_free(b);
	}
}

// NaN, infinities and -0 among them, on a grid and without one.
Test(numbers, at_once_are_those_one_by_one)
{
	static const double odd[] = {NAN, INFINITY, -INFINITY, -0.0, 0.0};
	struct rng r = rng_seeded("at_once_are_those_one_by_one");

	for (int round = 0; round < 100; round++) {
		const struct grid *g = round % 2 ? grid_a() : NULL;
		size_t n = rng_below(&r, 300);
		double *x = xcalloc(n + 1, sizeof *x);

		for (size_t i = 0; i < n; i++)
			x[i] = round % 3 && !rng_below(&r, 10) ? odd[rng_below(&r, ARRAY_LEN(odd))] : 30000 * rng_normal(&r);
		struct pane *one = numeric_pane(g, x, n), *all = numeric_pane(g, NULL, 0);
		field_add_numbers(all->fields[0], x, n);
		struct buf want = encoded(one), got = encoded(all);
		cr_assert(same_bytes(&want, &got), "%zu values", n);
		buf_release(&want);
		buf_release(&got);
		pane_free(one);
		pane_free(all);
		free(x);
	}
}

static struct pane *narrow_pane(const double *x, size_t n)
{
	struct field_def def = {path, FIELD_NUMERIC, grid_a(), NULL, 0, 0, false};
	struct pane *p = pane_new();

	field_add_numbers(pane_field_narrow(p, 0, &def), x, n);
	return p;
}

static void expect_same(const struct pane *a, const struct pane *b, const char *what)
{
	struct buf x = encoded(a), y = encoded(b);

	cr_expect(same_bytes(&x, &y), "%s", what);
	buf_release(&x);
	buf_release(&y);
}

// On the logarithmic grid: few bins, many, and more than are kept, merged either way and on top of one another.
Test(numbers, logarithmic_bins_counted_narrow_are_those_counted_wide)
{
	enum { MANY = 20000 };
	struct rng r = rng_seeded("logarithmic_bins_counted_narrow_are_those_counted_wide");
	struct field_def def = {path, FIELD_NUMERIC, NULL, NULL, 0, 0, false};
	double *x = xmalloc(MANY * sizeof *x);

	for (int trial = 0; trial < 120; trial++) {
		size_t n = rng_below(&r, trial % 3 ? 500 : MANY), cut = rng_below(&r, n + 1);
		struct pane *wide[2] = {pane_new(), pane_new()}, *narrow[2] = {pane_new(), pane_new()};

		for (size_t i = 0; i < n; i++)
			x[i] = rng_below(&r, 50) ? rng_normal(&r) * exp(trial % 4 * 4 * rng_normal(&r)) : 0;
		for (int k = 0; k < 2; k++) {
			const double *at = k ? x + cut : x;
			size_t m = k ? n - cut : cut;

			field_add_numbers(pane_field(wide[k], 0, &def), at, m);
			field_add_numbers(pane_field_narrow(narrow[k], 0, &def), at, m);
			expect_same(wide[k], narrow[k], "encoded");
			expect_same(wide[k], narrow[k], "and again");
		}
		struct pane *into = pane_new();
		pane_merge(into, narrow[0]);
		expect_same(wide[0], into, "merged into nothing");
		pane_merge(into, narrow[1]);
		pane_merge(narrow[1], wide[0]);
		pane_merge(wide[0], wide[1]);
		expect_same(wide[0], into, "merged");
		expect_same(wide[0], narrow[1], "merged into what was counted narrow");
		field_add_numbers(wide[0]->fields[0], x, cut);
		field_add_numbers(narrow[1]->fields[0], x, cut);
		expect_same(wide[0], narrow[1], "and counted on");
		pane_free(into);
		for (int k = 0; k < 2; k++) {
			pane_free(wide[k]);
			pane_free(narrow[k]);
		}
	}
	free(x);
}

// Bins up to, at and past what 16 bits hold.
Test(numbers, counted_narrow_are_those_counted_wide)
{
	enum { MANY = 66000 };
	static const size_t times[] = {0, 1, 1000, 65535, 65536, MANY};
	struct rng r = rng_seeded("counted_narrow_are_those_counted_wide");
	double *x = xmalloc((MANY + 300) * sizeof *x);

	for (size_t k = 0; k < ARRAY_LEN(times); k++) {
		size_t n = times[k];
		for (size_t i = 0; i < n + 300; i++)
			x[i] = i < n ? 5 : 30000 * rng_normal(&r);
		struct pane *wide = numeric_pane(grid_a(), x, n + 300), *narrow = narrow_pane(x, n + 300);
		expect_same(wide, narrow, "encoded");
		struct pane *ab = narrow_pane(x, n / 2), *into = pane_new(), *want = numeric_pane(grid_a(), x, n / 2);
		pane_merge(ab, narrow);
		pane_merge(into, narrow);
		pane_merge(want, wide);
		expect_same(wide, into, "merged into nothing");
		expect_same(want, ab, "merged");
		pane_free(wide);
		pane_free(narrow);
		pane_free(ab);
		pane_free(into);
		pane_free(want);
	}
	free(x);
}

Test(numbers, sorted_are_those_one_by_one)
{
	struct rng r = rng_seeded("sorted_are_those_one_by_one");

	for (int round = 0; round < 100; round++) {
		const struct grid *g = round % 4 ? grid_a() : NULL;
		size_t n = rng_below(&r, 300);
		double *x = xcalloc(n + 1, sizeof *x);

		for (size_t i = 0; i < n; i++)
			x[i] = round % 2 ? (double)rng_below(&r, 9) : 30000 * rng_normal(&r);
		qsort(x, n, sizeof *x, double_cmp);
		struct pane *one = numeric_pane(g, x, n), *all = numeric_pane(g, NULL, 0);
		field_add_sorted(all->fields[0], x, n);
		struct buf want = encoded(one), got = encoded(all);
		cr_assert(same_bytes(&want, &got), "%zu values", n);
		buf_release(&want);
		buf_release(&got);
		pane_free(one);
		pane_free(all);
		free(x);
	}
}
