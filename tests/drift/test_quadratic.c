// SPDX-License-Identifier: Apache-2.0
// Weighted sums of squares, against the integral of their characteristic function along a line through the saddlepoint
// (mpmath 1.3, 30 digits).
#include <criterion/criterion.h>
#include <math.h>

#include "drift/quadratic.h"
#include "drift/special.h"
#include "drift/spread.h"
#include "helper.h"

#define WIDE {40, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}
#define AR {19, 9.5, 6.4, 5}

static const struct {
	double w[20], df, x, p;
} sums[] = {
	{AR, 255, 20, 0.70098222898427},
	{AR, 255, 40, 0.383296492253783},
	{AR, 255, 60, 0.200623090483775},
	{AR, 255, 300, 0.000199559484307246},
	{AR, 255, 700, 9.61737398122803e-9},
	{AR, 20, 700, 1.38138566341399e-5},
	{{3, 1}, 255, 20, 0.0132061696090326},
	{{3, 1}, 255, 120, 1.39527560593602e-9},
	{{3, 1}, 5, 40, 0.0196826706193458},
	{{2, 1}, 2, 1000, 0.00299053139200724},
	{WIDE, 100, 200, 0.0365881090849272},
	{WIDE, 100, 1500, 2.31942344800607e-8},
	{{1.2, 1.1, 1, 0.9, 0.8, 0.7}, 60, 45, 4.32067636263786e-6},
	{{10, 9, 8, 7, 6, 5, 4, 3, 2, 1}, 300, 400, 6.68178090066728e-8},
};

static size_t terms(const double *w)
{
	size_t n = 0;

	while (n < 20 && w[n] > 0)
		n++;
	return n;
}

Test(quadratic, tails)
{
	for (size_t i = 0; i < sizeof sums / sizeof *sums; i++) {
		double p = quadratic_sf(sums[i].w, terms(sums[i].w), sums[i].df, sums[i].x);
		cr_expect(fabs(p / sums[i].p - 1) < 0.125, "row %zu: %g, not %g", i, p, sums[i].p);
	}
}

Test(quadratic, equal_weights_are_the_law_of_f)
{
	const double w[] = {2, 2, 2};

	for (double x = 0.5; x < 1000; x *= 1.7)
		cr_expect_eq(quadratic_sf(w, 3, 40, x), f_sf(x / 6, 3, 40));
	cr_expect_eq(quadratic_sf(w, 3, 40, 0), 1);
}

Test(quadratic, falls_through_its_mean)
{
	const double w[] = AR;

	for (double x = 30, last = 1; x < 50; x += 0.001) {
		double p = quadratic_sf(w, 4, 255, x);
		cr_assert(p < last && p > last * 0.99 - 0.5 * (last == 1), "at %g: %g after %g", x, p, last);
		last = p;
	}
}

Test(quadratic, inverse)
{
	const double w[] = AR;

	for (double p = 0.3; p > 1e-12; p /= 7)
		cr_expect_float_eq(quadratic_sf(w, 4, 255, quadratic_isf(w, 4, 255, p)) / p, 1, 1e-6, "p = %g", p);
}

// Of Q diag(w) Q' with random rotations Q.
Test(quadratic, eigenvalues)
{
	enum { N = 31 };
	double s[N * N] = {0}, want[N], got[N];
	struct rng r;

	rng_seed(&r, 7);
	for (size_t i = 0; i < N; i++)
		want[i] = s[i * N + i] = i + 3 < N ? 100.0 / (double)(i + 1) : 0; // three of the least alike
	for (int k = 0; k < 5000; k++) {
		size_t p = (size_t)(rng_uniform(&r) * N), q = (size_t)(rng_uniform(&r) * N);
		double a = rng_uniform(&r) * 6, c = cos(a), d = sin(a);
		if (p == q)
			continue;
		for (size_t i = 0; i < N; i++) {
			double x = s[i * N + p], y = s[i * N + q];
			s[i * N + p] = c * x - d * y;
			s[i * N + q] = d * x + c * y;
		}
		for (size_t i = 0; i < N; i++) {
			double x = s[p * N + i], y = s[q * N + i];
			s[p * N + i] = c * x - d * y;
			s[q * N + i] = d * x + c * y;
		}
	}
	symmetric_eigenvalues(s, N, got);
	for (size_t i = 0; i < N; i++)
		cr_expect_float_eq(got[i], want[i], 1e-9, "%zu: %.17g", i, got[i]);
}

// A group for each column that expects five, with or without one for all others: every group has a column.
Test(quadratic, groups_of_columns)
{
	double even[BASELINE_BINS];
	const double tail[5] = {50, 30, 10, 6, 4}, one[3] = {97, 2, 1}, gone[3] = {60, 0, 40};
	uint32_t group[BASELINE_BINS];

	for (size_t i = 0; i < BASELINE_BINS; i++)
		even[i] = 10;
	cr_expect_eq(pool_columns(even, BASELINE_BINS, 1000, group), BASELINE_BINS);
	for (uint32_t i = 0; i < BASELINE_BINS; i++)
		cr_expect_eq(group[i], i);
	cr_expect_eq(pool_columns(tail, 5, 60, group), 4); // 3.6 and 2.4 make six
	cr_expect_arr_eq(group, ((uint32_t[]){1, 2, 3, 0, 0}), 5 * sizeof *group);
	cr_expect_eq(pool_columns(tail, 5, 90, group), 4); // 3.6 goes to the smallest other
	cr_expect_arr_eq(group, ((uint32_t[]){0, 1, 2, 3, 3}), 5 * sizeof *group);
	cr_expect_eq(pool_columns(one, 3, 100, group), 1);
	cr_expect_arr_eq(group, ((uint32_t[]){0, 0, 0}), 3 * sizeof *group);
	cr_expect_eq(pool_columns(gone, 3, 100, group), 2);
	cr_expect_arr_eq(group, ((uint32_t[]){0, UINT32_MAX, 1}), 3 * sizeof *group);
}
