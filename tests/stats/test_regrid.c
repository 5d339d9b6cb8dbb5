// SPDX-License-Identifier: Apache-2.0
// Counts that were moved must be those of the values counted on the grid from the start.
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stats/pane.h"
#include "stats/regrid.h"
#include "support.h"
#include "util/xalloc.h"

enum { VALUES = 20000 };
static char path[] = "x";

static struct pane *counted(const struct grid *g, const double *x, size_t n)
{
	struct field_def def = {path, FIELD_NUMERIC, g, NULL, 0, 0, false};
	struct pane *p = pane_new();

	field_add_numbers(pane_field(p, 0, &def), x, n);
	return p;
}

static double value(const char *kind, struct rng *r)
{
	double u = (double)(rng_u64(r) >> 11) * 0x1p-53;

	if (!strcmp(kind, "signed"))
		return (u - 0.5) * exp(20 * u); // more than 2048 bins: small magnitudes share zero's
	if (!strcmp(kind, "small integers"))
		return (double)(rng_u64(r) % 9) - 2;
	if (!strcmp(kind, "heavy"))
		return u < 0.4 ? 7.5 : exp(u * 3);
	if (!strcmp(kind, "constant"))
		return -3.25;
	if (!strcmp(kind, "zero"))
		return 0;
	if (!strcmp(kind, "huge"))
		return ldexp(u + 0.5, u < 0.5 ? 1023 : -1022);
	return 100 + u;
}

Test(regrid, moved_is_as_counted)
{
	static const char *const kinds[] = {"signed", "small integers", "heavy", "constant", "zero", "huge", "narrow"};
	double *x = xcalloc(VALUES, sizeof *x);
	struct rng r = rng_seeded("moved_is_as_counted");

	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
		for (size_t i = 0; i < VALUES; i++)
			x[i] = value(kinds[k], &r);
		struct pane *log = counted(NULL, x, VALUES), *later = counted(NULL, x + VALUES / 2, VALUES / 2);
		struct grid *g = grid_from_log(log->fields[0]);
		struct pane *direct = counted(g, x, VALUES), *direct_later = counted(g, x + VALUES / 2, VALUES / 2);

		cr_expect(grid_edges_valid(g->edges, g->n), "%s", kinds[k]);
		cr_expect_leq(g->n, 2 * GRID_CUTS + 520, "%s: %zu edges", kinds[k], g->n);
		cr_expect(field_to_grid(log->fields[0], g), "%s", kinds[k]);
		if (!later->fields[0]->approximate)
			cr_expect(field_to_grid(later->fields[0], g), "%s", kinds[k]);
		cr_expect_str_eq(log->fields[0]->grid_id, g->id);
		for (size_t i = 0; i < grid_bins(g); i++) {
			cr_expect_eq(log->fields[0]->bins[i], direct->fields[0]->bins[i], "%s, bin %zu", kinds[k], i);
			if (later->fields[0]->bins)
				cr_expect_eq(later->fields[0]->bins[i], direct_later->fields[0]->bins[i], "%s, bin %zu", kinds[k], i);
		}
		cr_expect_eq(direct->fields[0]->bins[0], 0, "%s: nothing lies outside", kinds[k]);
		cr_expect_eq(direct->fields[0]->bins[g->n], 0, "%s: nothing lies outside", kinds[k]);
		pane_merge(log, direct); // the same grid now
		cr_expect_not(log->fields[0]->mixed, "%s", kinds[k]);
		cr_expect_eq(log->fields[0]->count, 2 * VALUES);
		pane_free(log);
		pane_free(later);
		pane_free(direct);
		pane_free(direct_later);
		grid_free(g);
	}
	free(x);
}

// A quantile cut of 1000 logarithmic bins holds about the share that it should.
Test(regrid, cuts_are_quantiles)
{
	double *x = xcalloc(VALUES, sizeof *x);
	struct rng r = {1};

	for (size_t i = 0; i < VALUES; i++)
		x[i] = exp(10 * (double)(rng_u64(&r) >> 11) * 0x1p-53);
	struct pane *p = counted(NULL, x, VALUES);
	struct grid *g = grid_from_log(p->fields[0]);
	cr_assert(field_to_grid(p->fields[0], g));
	for (size_t i = 0; i < grid_bins(g); i++)
		cr_expect_leq(p->fields[0]->bins[i], 2 * VALUES / GRID_CUTS, "bin %zu holds %zu", i, (size_t)p->fields[0]->bins[i]);
	pane_free(p);
	grid_free(g);
	free(x);
}

// Values of one logarithmic bin on both sides of an edge have no place.
Test(regrid, what_does_not_fit_is_left_alone)
{
	const double edges[] = {100, 101}, inside[] = {100.2, 100.4}, across[] = {100.9, 101.1}, far[] = {3, 500};
	struct grid *g = grid_new(edges, 2);
	struct pane *fits = counted(NULL, inside, 2), *lies_across = counted(NULL, across, 2), *outer = counted(NULL, far, 2);

	cr_expect(field_to_grid(fits->fields[0], g));
	cr_expect_eq(fits->fields[0]->bins[1], 2);
	cr_expect_not(field_to_grid(lies_across->fields[0], g));
	cr_expect_eq(lies_across->fields[0]->nlogbins > 0, true);
	cr_expect(field_to_grid(outer->fields[0], g));
	cr_expect_eq(outer->fields[0]->bins[0], 1);
	cr_expect_eq(outer->fields[0]->bins[2], 1);
	cr_expect_float_eq(xsum_value(&outer->fields[0]->low_sum), 3, 0.015);
	cr_expect_float_eq(xsum_value(&outer->fields[0]->high_sum), 500, 2.5);
	struct pane *on_it = counted(g, inside, 2), *other = counted(NULL, inside, 2);
	pane_merge(other, on_it); // two grids
	cr_expect_not(field_to_grid(other->fields[0], g));
	pane_free(fits);
	pane_free(lies_across);
	pane_free(outer);
	pane_free(on_it);
	pane_free(other);
	grid_free(g);
}

Test(regrid, bins_begin_where_they_say)
{
	struct rng r = rng_seeded("bins_begin_where_they_say");

	for (int i = 0; i < 2000; i++) {
		double x = ldexp((double)(rng_u64(&r) >> 11) * 0x1p-53 + 0.5, (int)(rng_u64(&r) % 2000) - 1000) * (i & 1 ? -1 : 1);
		int32_t bin = loggrid_bin(x);
		double least = loggrid_least(bin);

		cr_expect_eq(loggrid_bin(least), bin, "%.17g", x);
		cr_expect_lt(loggrid_bin(nextafter(least, -INFINITY)), bin, "%.17g", x);
		cr_expect_leq(least, x);
	}
	cr_expect_eq(loggrid_least(0), 0);
	cr_expect_eq(loggrid_least(1), 4.9406564584124654e-324);
}

Test(regrid, known_categories)
{
	char a[] = "a", b[] = "b", z[] = "z", *own[] = {a, b, z}, *old[] = {b};
	struct field_def def = {path, FIELD_CATEGORICAL, NULL, old, 1, 0, false};
	struct pane *p = pane_new();
	struct field_stats *f = pane_field(p, 0, &def);

	field_add_category_times(f, "a", 1, 5);
	field_add_category_times(f, "b", 1, 2);
	field_add_category_times(f, "c", 1, 4);
	cr_assert_eq(f->unseen, 9);
	cr_expect(field_know(f, own, 3));
	cr_expect_eq(f->unseen, 4);
	cr_expect_eq(f->cats.unknown, 1);
	field_add_category_times(f, "c", 1, 1);
	field_add_category_times(f, "a", 1, 1);
	cr_expect_eq(f->unseen, 5);
	pane_free(p);
	// Where values were dropped, one that may be among them cannot be told.
	struct field_def none = {path, FIELD_CATEGORICAL, NULL, NULL, 0, 0, false};
	p = pane_new();
	f = pane_field(p, 0, &none);
	for (int i = 0; i < 1000; i++) {
		char name[16];
		field_add_category(f, name, (size_t)snprintf(name, sizeof name, "v%d", i));
	}
	bool kept = true;
	for (int i = 0; i < 1000 && kept; i++) {
		char name[16], *one[] = {name};
		snprintf(name, sizeof name, "v%d", i);
		kept = field_know(f, one, 1);
	}
	cr_expect_not(kept);
	pane_free(p);
}
