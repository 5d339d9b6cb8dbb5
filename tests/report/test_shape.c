// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "report/shape.h"
#include "util/sort.h"
#include "util/xalloc.h"

// Nothing is drawn past a side's greatest value.
static void expect_none_past(const struct shape *s, double most_r, double most_c)
{
	for (size_t i = 0; i < s->ncells; i++) {
		cr_expect(s->cells[i].lo <= most_r || !s->cells[i].r);
		cr_expect(s->cells[i].lo <= most_c || !s->cells[i].c);
	}
}

static void expect_whole(const struct shape *s)
{
	double r = s->below.r + s->above.r, c = s->below.c + s->above.c;

	for (size_t i = 0; i < s->npoints; i++) {
		r += s->points[i].r;
		c += s->points[i].c;
	}
	for (size_t i = 0; i < s->ncells; i++) {
		r += s->cells[i].r;
		c += s->cells[i].c;
	}
	cr_expect_float_eq(r, s->n_r ? 1 : 0, 1e-9);
	cr_expect_float_eq(c, s->n_c ? 1 : 0, 1e-9);
}

Test(shape, bins_of_any_width_show_the_same_density)
{
	// Uniform on [0, 100): one bin of 50, one of 40, ten of 1.
	struct fine_bin bins[12] = {{0, 50, 500, 100, 0}, {50, 90, 400, 80, 0}};
	struct shape s;

	for (int i = 0; i < 10; i++)
		bins[2 + i] = (struct fine_bin){90 + i, 91 + i, 10, 2, 0};
	shape_of_bins(&s, bins, 12, 20);
	cr_expect_eq(s.npoints, 0);
	cr_expect_eq(s.step, 5);
	cr_assert_geq(s.ncells, 20);
	for (size_t i = 0; i < 20; i++) {
		cr_expect_float_eq(s.cells[i].r, 0.05, 1e-12);
		cr_expect_float_eq(s.cells[i].c, 0.05, 1e-12);
	}
	expect_whole(&s);
	shape_release(&s);
}

Test(shape, few_values_stand_by_themselves)
{
	struct fine_bin bins[] = {{3, 3, 1, 0, 0}, {-1, -1, 3, 5, 0}, {7, 7, 0, 0, 0}};
	struct shape s;

	shape_of_bins(&s, bins, 3, 20);
	cr_assert_eq(s.npoints, 2);
	cr_expect_str_eq(s.points[0].label, "-1");
	cr_expect_float_eq(s.points[0].r, 0.75, 1e-12);
	cr_expect_float_eq(s.points[0].c, 1, 1e-12);
	cr_expect_eq(s.ncells, 0);
	cr_expect_eq(s.n_r, 4);
	shape_release(&s);
}

Test(shape, a_heavy_value_is_taken_out)
{
	struct fine_bin bins[] = {{0, 0, 60, 10, 0}, {1, 11, 40, 90, 0}};
	struct shape s;

	shape_of_bins(&s, bins, 2, 10);
	cr_assert_eq(s.npoints, 1);
	cr_expect_str_eq(s.points[0].label, "0");
	cr_assert(s.ncells >= 10);
	cr_expect_float_eq(s.cells[0].r, 0.04, 1e-12);
	cr_expect_float_eq(s.cells[9].c, 0.09, 1e-12);
	expect_whole(&s);
	shape_release(&s);
}

Test(shape, what_lies_far_out_is_told)
{
	struct fine_bin bins[] = {{0, 10, 1000, 999, 0}, {1e9, 1e9, 0, 1, 0}};
	struct shape s;

	shape_of_bins(&s, bins, 2, 10);
	cr_expect(!s.log);
	cr_expect(s.cells[s.ncells - 1].hi < 100);
	cr_expect_float_eq(s.above.c, 0.001, 1e-12);
	cr_expect_eq(s.above.hi, 1e9);
	expect_whole(&s);
	shape_release(&s);
}

Test(shape, a_wide_range_above_zero_is_logarithmic)
{
	struct fine_bin bins[40];
	struct shape s;

	for (int i = 0; i < 40; i++) // one a tenth of a decade, from 1 to 10,000
		bins[i] = (struct fine_bin){pow(10, i / 10.0), pow(10, (i + 1) / 10.0), 1, 1, 0};
	shape_of_bins(&s, bins, 40, 50);
	cr_assert(s.log);
	cr_assert_geq(s.ncells, 40);
	for (int i = 0; i < 40; i++)
		cr_expect_float_eq(s.cells[i].r, 1 / 40.0, 1e-6, "%d: %g", i, s.cells[i].r);
	expect_whole(&s);
	shape_release(&s);
}

// Beside a count of each cell, value by value.
Test(shape, samples_are_counted_to_a_thousandth)
{
	enum { N = 20000, M = 5000 };
	double *r = xmalloc(N * sizeof *r), *c = xmalloc(M * sizeof *c);
	struct shape s;

	srand48(7);
	for (int i = 0; i < N; i++)
		r[i] = i % 10 ? -log(drand48()) * 10 : 5;
	for (int i = 0; i < M; i++)
		c[i] = -log(drand48()) * 20;
	qsort(r, N, sizeof *r, double_cmp);
	qsort(c, M, sizeof *c, double_cmp);
	shape_of_samples(&s, r, N, c, M, 50);
	cr_expect_eq(s.n_r, N);
	cr_expect_eq(s.n_c, M);
	cr_assert_eq(s.npoints, 1);
	cr_expect_float_eq(s.points[0].r, 0.1, 1e-12);
	cr_assert_gt(s.ncells, 20);
	for (size_t i = 0; i < s.ncells; i++) {
		double nr = 0, nc = 0;
		for (int k = 0; k < N; k++)
			nr += r[k] >= s.cells[i].lo && r[k] < s.cells[i].hi && r[k] != 5;
		for (int k = 0; k < M; k++)
			nc += c[k] >= s.cells[i].lo && c[k] < s.cells[i].hi;
		cr_expect_float_eq(s.cells[i].r, nr / N, 0.001, "%zu: %g not %g", i, s.cells[i].r, nr / N);
		cr_expect_float_eq(s.cells[i].c, nc / M, 0.001, "%zu: %g not %g", i, s.cells[i].c, nc / M);
	}
	expect_whole(&s);
	expect_none_past(&s, r[N - 1], c[M - 1]);
	shape_release(&s);
	free(r);
	free(c);
}

Test(shape, odd_samples_are_drawn_too)
{
	static const double huge[] = {-1.7e308, -1e300, 0, 1e300, 1.7e308}, tiny[] = {5e-324, 1e-300, 1e-299};
	double many[100];
	struct shape s;

	shape_of_samples(&s, huge, 5, tiny, 3, 50);
	expect_whole(&s);
	shape_release(&s);
	shape_of_samples(&s, tiny, 3, NULL, 0, 50);
	cr_expect_eq(s.n_c, 0);
	expect_whole(&s);
	shape_release(&s);
	shape_of_samples(&s, NULL, 0, NULL, 0, 50);
	cr_expect_eq(s.npoints + s.ncells, 0);
	shape_release(&s);
	for (int i = 0; i < 100; i++)
		many[i] = (i - 50) * 3e306;
	shape_of_samples(&s, many, 100, huge, 5, 50);
	expect_whole(&s);
	shape_release(&s);
	for (int i = 0; i < 100; i++)
		many[i] = pow(10, 6 * (i - 50));
	shape_of_samples(&s, many, 100, tiny, 3, 16);
	cr_expect(s.log);
	cr_expect_lt(s.ncells, 40);
	expect_whole(&s);
	shape_release(&s);
}

Test(shape, what_is_out_of_the_grid_does_not_stretch_the_axis)
{
	struct fine_bin bins[] = {{.lo = 0, .hi = 10, .r = 100, .c = 90}, {.lo = 10, .hi = 5000, .c = 9, .outer = 1},
				  {.lo = -7, .hi = 0, .c = 1, .outer = -1}};
	struct shape s;

	shape_of_bins(&s, bins, 3, 10);
	cr_expect_leq(s.cells[s.ncells - 1].hi, 11);
	cr_expect_float_eq(s.above.c, 0.09, 1e-12);
	cr_expect_eq(s.above.hi, 5000);
	cr_expect_float_eq(s.below.c, 0.01, 1e-12);
	cr_expect_eq(s.below.lo, -7);
	expect_whole(&s);
	shape_release(&s);
	shape_of_bins(&s, bins + 1, 2, 10); // nothing inside: then it is all there is to draw
	cr_expect_gt(s.ncells, 0);
	expect_whole(&s);
	shape_release(&s);
	bins[0].hi = 0; // one value inside
	shape_of_bins(&s, bins, 3, 10);
	cr_expect_eq(s.npoints, 1);
	cr_expect_eq(s.ncells, 0);
	cr_expect_eq(s.above.hi, 5000);
	expect_whole(&s);
	shape_release(&s);
}
