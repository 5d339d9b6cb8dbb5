// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/grid.h"
#include "support.h"
#include "util/sort.h"
#include "util/xalloc.h"

static size_t naive_bin(const double *edges, size_t n, double x)
{
	size_t i = 0;

	while (i < n && !(x < edges[i]))
		i++;
	return i;
}

// Magnitudes, clusters and gaps of many kinds; ascending and distinct.
static size_t random_edges(struct rng *r, double *e, size_t most)
{
	size_t n = 1 + rng_below(r, most), k = 0;
	uint64_t kind = rng_below(r, 6);

	for (size_t i = 0; i < n; i++) {
		double z = rng_normal(r);

		switch (kind) {
		case 0:
			e[i] = z;
			break;
		case 1:
			e[i] = exp(8 * z);
			break;
		case 2:
			e[i] = i && rng_below(r, 2) ? nextafter(e[i - 1], INFINITY) : floor(5 * z);
			break;
		case 3: // any finite double at all
			do {
				uint64_t u = rng_u64(r);
				memcpy(&e[i], &u, 8);
			} while (!isfinite(e[i]));
			break;
		case 4:
			e[i] = 1e9 + z * 1e-6;
			break;
		default: // subnormal
			e[i] = (double)((int)rng_below(r, 2000) - 1000) * 5e-324;
		}
		e[i] += 0.0;
	}
	qsort(e, n, sizeof *e, double_cmp);
	for (size_t i = 0; i < n; i++)
		if (!k || e[i] != e[k - 1])
			e[k++] = e[i];
	return k;
}

Test(grid, every_bin_is_the_naive_one)
{
	struct rng r = rng_seeded("every_bin_is_the_naive_one");
	double e[600];

	for (int round = 0; round < 600; round++) {
		size_t n = random_edges(&r, e, round % 2 ? 600 : 8);
		struct grid *g = grid_new(e, n);

		cr_assert(grid_edges_valid(e, n));
		cr_assert_eq(grid_bins(g), n + 1);
		for (size_t i = 0; i < n; i++) {
			double near[] = {e[i], nextafter(e[i], INFINITY), nextafter(e[i], -INFINITY),
					 e[i] + rng_normal(&r), e[i] * rng_unit(&r), -0.0, DBL_MAX, -DBL_MAX};

			for (size_t k = 0; k < ARRAY_LEN(near); k++)
				if (isfinite(near[k]))
					cr_assert_eq(grid_bin(g, near[k]), naive_bin(e, n, near[k]), "%a in %zu edges",
						     near[k], n);
		}
		grid_free(g);
	}
}

Test(grid, identity_is_the_hash_of_the_edges)
{
	// python3: hashlib.sha256(struct.pack('<4d', -1.5, 0, 2, 1e300)).hexdigest()[:16]
	static const double e[] = {-1.5, 0.0, 2.0, 1e300}, negative_zero[] = {-1.5, -0.0, 2.0, 1e300};
	struct grid *g = grid_new(e, 4), *h = grid_new(negative_zero, 4);

	cr_assert_str_eq(g->id, "747096f0cad43fe5");
	cr_assert_str_eq(h->id, g->id);
	cr_assert_eq(grid_bin(h, -0.0), grid_bin(h, 0.0));
	grid_free(g);
	grid_free(h);
}

Test(grid, edges_are_checked)
{
	static double many[GRID_MAX_EDGES + 1];

	for (size_t i = 0; i < ARRAY_LEN(many); i++)
		many[i] = (double)i;
	cr_assert(grid_edges_valid(many, GRID_MAX_EDGES));
	cr_assert_not(grid_edges_valid(many, GRID_MAX_EDGES + 1));
	cr_assert_not(grid_edges_valid(many, 0));
	cr_assert_not(grid_edges_valid((double[]){1, 1}, 2));
	cr_assert_not(grid_edges_valid((double[]){-0.0, 0.0}, 2));
	cr_assert_not(grid_edges_valid((double[]){2, 1}, 2));
	cr_assert_not(grid_edges_valid((double[]){NAN}, 1));
	cr_assert_not(grid_edges_valid((double[]){1, INFINITY}, 2));
	struct grid *g = grid_new(many, GRID_MAX_EDGES);
	for (size_t i = 0; i < GRID_MAX_EDGES; i += 997)
		cr_assert_eq(grid_bin(g, many[i] + 0.5), i + 1);
	grid_free(g);
}

static bool has_point(const struct grid *g, double v)
{
	size_t bin = grid_bin(g, v);

	return grid_bin_is_point(g, bin) && g->edges[bin - 1] == v;
}

static double *sorted_sample(struct rng *r, size_t n, int kind)
{
	double *s = xmalloc(n * sizeof *s);

	for (size_t i = 0; i < n; i++) {
		double z = rng_normal(r);

		s[i] = kind == 0 ? z : kind == 1 ? exp(3 * z) : kind == 2 ? floor(20 * z) : rng_below(r, 3) ? exp(z) : 7;
	}
	qsort(s, n, sizeof *s, double_cmp);
	return s;
}

Test(grid, from_sorted_keeps_its_promises)
{
	struct rng r = rng_seeded("from_sorted_keeps_its_promises");

	for (int round = 0; round < 40; round++) {
		size_t n = 1 + rng_below(&r, round % 2 ? 30000 : 600), distinct = 0;
		double *s = sorted_sample(&r, n, round % 4);
		struct grid *g = grid_from_sorted(s, n);
		size_t *bins = xcalloc(grid_bins(g), sizeof *bins);

		cr_assert(grid_edges_valid(g->edges, g->n));
		cr_assert_eq(g->edges[0], s[0]);
		cr_assert_eq(g->edges[g->n - 1], nextafter(s[n - 1], INFINITY));
		for (size_t i = 0; i < n; i++) {
			bins[grid_bin(g, s[i])]++;
			distinct += !i || s[i] != s[i - 1];
		}
		for (size_t i = 0, j; i < n; i = j) {
			for (j = i; j < n && s[j] == s[i]; j++)
				;
			if ((j - i) * GRID_CUTS >= n || distinct <= GRID_CUTS)
				cr_assert(has_point(g, s[i]), "%g of %zu rows has no bin of its own", s[i], j - i);
		}
		if (s[0] <= 0 && s[n - 1] >= 0)
			cr_assert(has_point(g, 0));
		cr_assert_eq(bins[0] + bins[g->n], 0);
		for (size_t i = 1; i < g->n; i++)
			cr_assert(grid_bin_is_point(g, i) || bins[i] <= n / GRID_CUTS + 1, "bin %zu holds %zu of %zu", i,
				  bins[i], n);
		free(bins);
		free(s);
		grid_free(g);
	}
}

Test(grid, tails_have_cuts)
{
	enum { N = 100000 };
	double *s = xmalloc(N * sizeof *s);

	for (int i = 0; i < N; i++)
		s[i] = i + 1;
	struct grid *g = grid_from_sorted(s, N);
	const double cuts[] = {11, 101, 99901, 99991, 50001}; // 1e-4, 1e-3, their mirrors, the median

	for (size_t i = 0; i < ARRAY_LEN(cuts); i++)
		cr_assert_not_null(bsearch(&cuts[i], g->edges, g->n, sizeof *g->edges, double_cmp), "%g", cuts[i]);
	cr_assert_eq(g->n, 255 + 4 + 2);
	free(s);
	grid_free(g);
}

Test(grid, constant_and_extreme_data)
{
	struct grid *g = grid_from_sorted((double[]){3, 3, 3}, 3);

	cr_assert_eq(g->n, 2);
	cr_assert_eq(g->edges[0], 3);
	cr_assert_eq(g->edges[1], nextafter(3, INFINITY));
	grid_free(g);
	g = grid_from_sorted((double[]){-DBL_MAX, -5e-324, DBL_MAX}, 3);
	cr_assert(grid_edges_valid(g->edges, g->n));
	cr_assert(has_point(g, 0) && has_point(g, -5e-324) && has_point(g, -DBL_MAX));
	cr_assert_eq(grid_bin(g, DBL_MAX), g->n, "nothing lies above the largest double");
	grid_free(g);
}

Test(grid, logarithmic_bins_hold_their_values)
{
	struct rng r = rng_seeded("logarithmic_bins_hold_their_values");
	double lo, hi;

	for (int i = 0; i < 200000; i++) {
		double x;
		uint64_t u = rng_u64(&r);

		memcpy(&x, &u, 8);
		if (!isfinite(x) || fabs(x) < DBL_MIN)
			continue;
		loggrid_range(loggrid_bin(x), &lo, &hi);
		cr_assert(lo < hi && lo - fabs(lo) * 1e-10 <= x && x <= hi + fabs(hi) * 1e-10, "%a in [%a, %a]", x, lo, hi);
		if (hi < DBL_MAX && lo > -DBL_MAX)
			cr_assert(fabs(hi - lo) <= 0.005 * fabs(lo + hi) * (1 + 1e-9), "%a in [%a, %a]", x, lo, hi);
		cr_assert_eq(loggrid_bin(-x), -loggrid_bin(x));
	}
	loggrid_range(0, &lo, &hi);
	cr_assert(lo == 0 && hi == 0);
	cr_assert_eq(loggrid_bin(-0.0), 0);
	// python3: math.ceil(math.log(12345.678) / math.log(1.005 / 0.995)) is 943, of 0.001 (-690)
	cr_assert_eq(loggrid_bin(12345.678) - loggrid_bin(0.001), 943 - (-690));
}

Test(grid, logarithmic_bins_are_in_value_order)
{
	static const double x[] = {-DBL_MAX, -1e10, -1, -1e-10, -5e-324, 0, 5e-324, 1e-10, 1, 1e10, DBL_MAX};

	for (size_t i = 1; i < ARRAY_LEN(x); i++)
		cr_assert_lt(loggrid_bin(x[i - 1]), loggrid_bin(x[i]));
}
