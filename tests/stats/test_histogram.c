// SPDX-License-Identifier: Apache-2.0
// Two histograms of a field: each must be what it would be alone, and what is left after merging depends on which
// grids there were, not on the order.
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/pane.h"
#include "stats/regrid.h"
#include "support.h"
#include "util/xalloc.h"

enum { PAIRS = 9, PANES = 6 };
static char path[] = "x";

static const struct grid *grid_of(int i)
{
	return i == 0 ? NULL : i == 1 ? grid_a() : grid_b();
}

static struct field_def on(int grid)
{
	return (struct field_def){path, FIELD_NUMERIC, grid_of(grid), NULL, 0, 0, false};
}

// On grids first and second (the same: one).
static struct pane *counted(int first, int second, bool narrow, const double *x, size_t n)
{
	struct field_def def = on(first), also = on(second);
	struct pane *p = pane_new();
	struct field_stats *f = (narrow ? pane_field_narrow : pane_field)(p, 0, &def);

	field_count_also(f, &also);
	field_add_numbers(f, x, n);
	return p;
}

static void expect_same(const struct pane *a, const struct pane *b, const char *what, int k)
{
	struct buf x = encoded(a), y = encoded(b);

	cr_expect(same_bytes(&x, &y), "%s, %d", what, k);
	buf_release(&x);
	buf_release(&y);
}

static void fill(struct rng *r, double *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		x[i] = rng_below(r, 20) ? 300 * rng_normal(r) : NAN;
}

Test(histogram, each_of_two_is_what_it_is_alone)
{
	struct rng r = rng_seeded("each_of_two_is_what_it_is_alone");
	double x[700];

	for (int k = 0; k < PAIRS; k++) {
		int first = k / 3, second = k % 3;
		size_t n = rng_below(&r, ARRAY_LEN(x));
		fill(&r, x, n);
		for (int keep = 0; keep < 3; keep++) {
			bool has = keep == first || keep == second;
			struct pane *two = counted(first, second, rng_below(&r, 2), x, n), *wire = copied(two), *sum = pane_new();
			pane_merge(sum, two);
			struct pane *all[] = {two, wire, sum}, *alone = counted(has ? keep : first, has ? keep : first, false, x, n);
			for (int i = 0; i < 3; i++) {
				struct field_stats *f = all[i]->fields[0];
				cr_expect(!f->count || field_has_grid(f, grid_of(keep)) == has, "%d: %d of %d, %d", i, keep, first, second);
				field_keep_grid(f, grid_of(keep));
				cr_expect(!f->second && !f->log_too);
				if (has)
					expect_same(all[i], alone, "kept", 100 * k + 10 * keep + i);
				pane_free(all[i]);
			}
			pane_free(alone);
		}
	}
}

// A naive model: of a sum stays what all parts with values have.
Test(histogram, of_a_sum_stay_those_that_all_parts_have)
{
	struct rng r = rng_seeded("of_a_sum_stay_those_that_all_parts_have");
	double x[PANES * 50];

	for (int round = 0; round < 500; round++) {
		struct pane *sum = pane_new();
		bool common[3] = {true, true, true};
		size_t total = 0;
		for (int i = 0; i < PANES; i++) {
			int first = (int)rng_below(&r, 3), second = round % 3 ? round % 3 : (int)rng_below(&r, 3);
			size_t n = rng_below(&r, 50);
			for (size_t k = 0; k < n; k++)
				x[total + k] = 300 * rng_normal(&r);
			struct pane *p = counted(first, second, true, x + total, n);
			for (int g = 0; n && g < 3; g++)
				common[g] &= g == first || g == second;
			if (rng_below(&r, 2)) {
				struct buf b = encoded(p);
				struct error err = ERROR_INIT;
				struct pane *head = pane_add(sum, b.data, b.len, resolve_ab, NULL, &err);
				cr_assert_not_null(head, "%s", err.text);
				pane_free(head);
				buf_release(&b);
			} else {
				pane_merge(sum, p);
			}
			pane_free(p);
			total += n;
		}
		struct field_stats *f = sum->fields[0];
		cr_expect_eq(f->count, total);
		for (int g = 0; total && g < 3; g++)
			cr_expect_eq(field_has_grid(f, grid_of(g)), common[g], "round %d, grid %d", round, g);
		cr_expect(!total || f->mixed == !(common[0] || common[1] || common[2]), "round %d", round);
		for (int g = 2; g >= 0 && total; g--) {
			if (!common[g])
				continue;
			struct pane *alone = counted(g, g, false, x, total);
			field_keep_grid(f, grid_of(g));
			expect_same(sum, alone, "round", round);
			pane_free(alone);
			break;
		}
		pane_free(sum);
	}
}

Test(histogram, two_take_a_version_of_their_own)
{
	const double x[] = {1, 2, 300};
	struct pane *two = counted(1, 2, false, x, 3), *one = counted(1, 1, false, x, 3), *none = counted(1, 2, false, x, 0);
	struct buf a = encoded(two), b = encoded(one), c = encoded(none), d = BUF_INIT;

	pane_encode_moments(two, &d);
	cr_expect(a.data[0] == 3 && b.data[0] == 2 && c.data[0] == 2 && d.data[0] == 2);
	buf_release(&a);
	buf_release(&b);
	buf_release(&c);
	buf_release(&d);
	pane_free(two);
	pane_free(one);
	pane_free(none);
}

Test(histogram, is_counted_like_a_model_on_either_grid)
{
	const double x[] = {-5, 0.7, 2, 300, 12000};
	struct pane *two = counted(1, 2, false, x, 5);

	for (int g = 1; g < 3; g++) {
		struct pane *model = counted(g, g, false, x, 2), *want = counted(g, g, false, x, 5);
		struct pane *got = field_like(two, two->fields[0], model->fields[0]);
		cr_assert(got || two->fields[0]->grid == grid_of(g));
		if (got)
			cr_expect(got->fields[0]->grid == grid_of(g) && !got->fields[0]->second &&
				  !memcmp(got->fields[0]->bins, want->fields[0]->bins, want->fields[0]->nbins * sizeof(uint64_t)));
		pane_free(model);
		pane_free(want);
		pane_free(got);
	}
	pane_free(two);
}

Test(histogram, categories_of_both_are_known)
{
	static char a[] = "a", b[] = "b", c[] = "c", *of_def[] = {a, b}, *of_other[] = {b, c};
	struct field_def def = {path, FIELD_CATEGORICAL, NULL, of_def, 2, 0, false},
			 also = {path, FIELD_CATEGORICAL, NULL, of_other, 2, 0, false};
	struct pane *p = pane_new();
	struct field_stats *f = pane_field(p, 0, &def);
	bool known = true;

	field_count_also(f, &also);
	for (const char *v = "abcd"; *v; v++)
		field_add_category(f, v, 1);
	cr_expect_eq(f->unseen, 1);
	for (size_t i = 0; i < f->cats.n; i++)
		known &= f->cats.items[i].known == (f->cats.items[i].value[0] != 'd');
	cr_expect(known && f->cats.n == 4);
	cr_expect(field_know(f, of_def, 2) && f->unseen == 2);
	pane_free(p);
}
