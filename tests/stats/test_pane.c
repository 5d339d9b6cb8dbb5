// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "stats/pane.h"
#include "support.h"
#include "util/xalloc.h"

static char path[] = "x";

Test(pane, counts_records)
{
	struct pane *p = pane_new();

	cr_assert(p->min_event == INT64_MAX && p->max_event == INT64_MIN);
	pane_count_record(p, 1000, 7, 3, true, false, false);
	pane_count_record(p, 500, 9, 1, false, true, true);
	pane_count_record(p, 2000, 8, 3, true, true, false);
	pane_count_record(p, 700, 8, -1, true, false, false);
	cr_assert(p->records == 4 && p->decoded == 3 && p->violating_records == 2 && p->late == 1);
	cr_assert(p->min_event == 500 && p->max_event == 2000 && p->min_offset == 7 && p->max_offset == 9);
	cr_assert_eq(p->nschemas, 2, "a record without a schema is counted under none");
	cr_assert(p->schemas[0].id == 1 && p->schemas[0].n == 1 && p->schemas[1].id == 3 && p->schemas[1].n == 2);
	pane_free(p);
}

Test(pane, counts_breaches_by_kind_and_field)
{
	struct pane *p = pane_new();

	pane_count_breach(p, VIOLATION_NULL, "b", NULL, 5);
	pane_count_breach(p, VIOLATION_NULL, "a", "", 6);
	pane_count_breach(p, VIOLATION_FRAMING, NULL, NULL, 4);
	pane_count_breach(p, VIOLATION_NULL, "b", "", 9);
	pane_count_breach(p, VIOLATION_NULL, "b", NULL, 2);
	cr_assert_eq(p->nviolations, 3);
	cr_assert(p->violations[0].kind == VIOLATION_FRAMING && !strcmp(p->violations[0].field, ""));
	cr_assert(!strcmp(p->violations[1].field, "a") && !strcmp(p->violations[2].field, "b"));
	cr_assert(p->violations[2].n == 3 && p->violations[2].first_offset == 2 && p->violations[2].last_offset == 9);
	cr_assert_eq(pane_violations(p, VIOLATION_NULL), 4);
	cr_assert_eq(pane_violations(p, VIOLATION_RANGE), 0);
	pane_free(p);
}

Test(pane, counts_rules_apart)
{
	struct pane *p = pane_new(), *q = pane_new();

	pane_count_breach(p, VIOLATION_RULE, "", "late_start", 5);
	pane_count_breach(p, VIOLATION_RULE, "", "early_end", 5);
	pane_count_breach(q, VIOLATION_RULE, "", "late_start", 3);
	pane_merge(p, q);
	cr_assert_eq(p->nviolations, 2);
	cr_assert(!strcmp(p->violations[0].rule, "early_end") && p->violations[0].n == 1);
	cr_assert(!strcmp(p->violations[1].rule, "late_start") && p->violations[1].n == 2);
	cr_assert_eq(p->violations[1].first_offset, 3);
	cr_assert_eq(pane_violations(p, VIOLATION_RULE), 3);
	pane_free(p);
	pane_free(q);
}

Test(pane, keeps_the_smallest_schema_ids)
{
	struct pane *p = pane_new();

	for (int64_t id = 200; id > 0; id--)
		pane_count_record(p, 0, id, id, true, false, false);
	cr_assert_eq(p->nschemas, PANE_MAX_SCHEMAS + 1);
	cr_assert(p->schemas[0].id == -1 && p->schemas[0].n == 200 - PANE_MAX_SCHEMAS);
	for (int i = 1; i <= PANE_MAX_SCHEMAS; i++)
		cr_assert(p->schemas[i].id == i && p->schemas[i].n == 1);
	pane_free(p);
}

Test(pane, keeps_the_samples_of_smallest_offset)
{
	struct rng r = rng_seeded("keeps_the_samples_of_smallest_offset");
	struct pane *p = pane_new();
	char reason[] = "reason", topic[] = "t";

	for (int i = 0; i < 3000; i++) {
		struct violation_sample s = {(enum violation_kind)(i % 3), NULL, NULL, topic, reason, (int32_t)rng_below(&r, 2),
					     10 + (int64_t)rng_below(&r, 1 << 30), -1};
		if (i % 1000 < 9)
			s.offset = i % 1000 / 3; // offsets 0 to 2 of each kind
		pane_sample(p, &s);
		pane_sample(p, &s);
	}
	cr_assert_eq(p->nsamples, 3 * PANE_MAX_SAMPLES);
	for (size_t i = 0; i < p->nsamples; i++) {
		cr_assert_lt(p->samples[i].offset, 3);
		cr_assert_str_eq(p->samples[i].detail, "reason");
		cr_assert_str_eq(p->samples[i].field, "");
		cr_assert(!i || p->samples[i - 1].partition < p->samples[i].partition ||
			  (p->samples[i - 1].partition == p->samples[i].partition &&
			   p->samples[i - 1].offset <= p->samples[i].offset));
	}
	pane_free(p);
}

Test(pane, finds_fields_by_path_and_type)
{
	struct field_def number = {path, FIELD_NUMERIC, NULL, NULL, 0, 0, false}, time = {path, FIELD_TIME, NULL, NULL, 0, 0, false};
	struct pane *p = pane_new();
	struct field_stats *f = pane_field(p, 5, &number), *g = pane_field(p, 2, &time);

	cr_assert_eq(p->nfields, 6);
	cr_assert_null(p->fields[0]);
	cr_assert_eq(pane_field(p, 5, &number), f);
	cr_assert_eq(pane_find(p, "x", FIELD_NUMERIC), f);
	cr_assert_eq(pane_find(p, "x", FIELD_TIME), g);
	cr_assert_eq(pane_find(p, "x", FIELD_TYPES), g);
	cr_assert_null(pane_find(p, "x", FIELD_TEXT));
	cr_assert_null(pane_find(p, "y", FIELD_TYPES));
	pane_free(p);
}

// Two records of three and no items, three prices among them: the empty one lacks nothing.
Test(pane, counts_what_elements_lack)
{
	struct field_def price = {path, FIELD_NUMERIC, NULL, NULL, 0, 0, true}, flat = {path, FIELD_TEXT, NULL, NULL, 0, 0, false};
	struct pane *p = pane_new(), *q = pane_new();
	struct field_stats *f = pane_field(p, 0, &price), *g = pane_field(p, 1, &flat);

	for (int i = 0; i < 2; i++)
		pane_count_record(p, 0, i, 1, true, false, false);
	cr_assert_eq(field_missing(p, f), 0);
	cr_assert_eq(field_missing(p, g), 2);
	field_add_elements(f, 3);
	field_add_elements(f, 0);
	field_add_number(f, 1);
	cr_assert_eq(field_missing(p, f), 2);
	cr_assert_eq(field_places(p, f), 3);
	pane_merge(q, p);
	pane_merge(q, p);
	cr_assert_eq(field_missing(q, pane_find(q, path, FIELD_NUMERIC)), 4);
	cr_assert_eq(field_missing(q, pane_find(q, path, FIELD_TEXT)), 4);
	pane_free(p);
	pane_free(q);
}

static void assert_same(const struct buf *x, const struct buf *y, const char *what)
{
	cr_assert(same_bytes(x, y), "%s: %zu and %zu bytes", what, x->len, y->len);
}

Test(merge, is_commutative_and_associative_to_the_byte)
{
	struct rng r = rng_seeded("is_commutative_and_associative_to_the_byte");

	for (int round = 0; round < 60; round++) {
		size_t most = round % 3 ? 60 : 1500;
		struct pane *a = random_pane(&r, rng_below(&r, most), true);
		struct pane *b = random_pane(&r, rng_below(&r, most), true);
		struct pane *c = random_pane(&r, rng_below(&r, most), true);
		struct pane *ab = copied(a), *bc = copied(b), *empty = pane_new();
		struct buf x = merged_bytes(a, b), y = merged_bytes(b, a);

		assert_same(&x, &y, "a + b, b + a");
		buf_release(&x);
		buf_release(&y);
		pane_merge(ab, b);
		pane_merge(bc, c);
		x = merged_bytes(ab, c);
		y = merged_bytes(a, bc);
		assert_same(&x, &y, "(a + b) + c, a + (b + c)");
		buf_release(&y);
		y = merged_bytes(bc, a);
		assert_same(&x, &y, "(a + b) + c, (b + c) + a");
		buf_release(&x);
		buf_release(&y);
		x = merged_bytes(empty, a);
		y = encoded(a);
		assert_same(&x, &y, "0 + a, a");
		buf_release(&x);
		buf_release(&y);
		pane_free(a);
		pane_free(b);
		pane_free(c);
		pane_free(ab);
		pane_free(bc);
		pane_free(empty);
	}
}

static struct pane *on_grid(const struct grid *g, double x)
{
	struct field_def def = {path, FIELD_NUMERIC, g, NULL, 0, 0, false};
	struct pane *p = pane_new();

	field_add_number(pane_field(p, 0, &def), x);
	return p;
}

Test(merge, of_two_grids_drops_the_histogram)
{
	const struct grid *grids[] = {grid_a(), grid_b(), NULL};

	for (int i = 0; i < 3; i++) {
		struct pane *a = on_grid(grids[i], 1), *b = on_grid(grids[(i + 1) % 3], 3);

		pane_merge(a, b);
		struct field_stats *f = a->fields[0];
		cr_assert(a->mixed_grids && f->mixed && !f->bins && !f->logbins && !f->grid && !f->grid_id[0]);
		cr_assert(f->count == 2 && field_mean(f) == 2 && isnan(field_quantile(f, 0.5)));
		field_add_number(f, 5);
		cr_assert(f->count == 3 && !f->logbins);
		struct pane *c = copied(a);
		cr_assert(c->mixed_grids && c->fields[0]->mixed);
		pane_merge(b, c); // stays mixed
		cr_assert(b->mixed_grids && b->fields[0]->count == 4);
		pane_free(a);
		pane_free(b);
		pane_free(c);
	}
}

Test(merge, with_an_unused_field_takes_the_other_grid)
{
	struct field_def def = {path, FIELD_NUMERIC, grid_b(), NULL, 0, 0, false};
	struct pane *a = pane_new(), *b = on_grid(grid_a(), 1);

	field_add_other(pane_field(a, 0, &def));
	pane_merge(a, b);
	cr_assert(!a->mixed_grids && a->fields[0]->grid == grid_a() && a->fields[0]->nbins == grid_bins(grid_a()));
	cr_assert_eq(a->fields[0]->present, 2);
	cr_assert_eq(field_quantile(a->fields[0], 0.5), 1);
	pane_free(a);
	pane_free(b);
}

Test(merge, of_unknown_grids_goes_by_their_id)
{
	struct pane *a = on_grid(grid_a(), 1), *b = on_grid(grid_a(), 200);
	struct buf x = encoded(a), y = encoded(b);
	struct pane *p = pane_decode(x.data, x.len, NULL, NULL, NULL), *q = pane_decode(y.data, y.len, NULL, NULL, NULL);

	pane_merge(p, q);
	cr_assert(!p->mixed_grids && p->fields[0]->grid == NULL);
	cr_assert_eq(p->fields[0]->bins[grid_bin(grid_a(), 1)], 1);
	cr_assert_eq(p->fields[0]->bins[grid_bin(grid_a(), 200)], 1);
	pane_merge(p, a); // which knows its grid
	cr_assert_eq(p->fields[0]->grid, grid_a());
	cr_assert_eq(p->fields[0]->bins[grid_bin(grid_a(), 1)], 2);
	buf_release(&x);
	buf_release(&y);
	pane_free(a);
	pane_free(b);
	pane_free(p);
	pane_free(q);
}

static struct pane *wide(size_t n, size_t shift)
{
	struct pane *p = pane_new();
	char name[32];

	for (size_t i = 0; i < n; i++) {
		snprintf(name, sizeof name, "field%06zu", i);
		struct field_def def = {name, FIELD_TIME, NULL, NULL, 0, 0, false};
		field_add_time(pane_field(p, (i + shift) % n, &def), 1);
	}
	return p;
}

static double merge_ms(size_t n)
{
	struct pane *a = wide(n, 0), *b = wide(n, n / 2);
	struct timespec from, to;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	pane_merge(a, b);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	cr_assert_eq(a->nfields, n);
	for (size_t i = 0; i < n; i++)
		cr_assert_eq(a->fields[i]->count, 2);
	pane_free(a);
	pane_free(b);
	return (double)(to.tv_sec - from.tv_sec) * 1e3 + (double)(to.tv_nsec - from.tv_nsec) / 1e6;
}

Test(merge, of_many_fields_is_not_quadratic)
{
	double small = merge_ms(1000), large = merge_ms(32000);

	cr_assert(large < 32 * 8 * (small + 0.05), "%g ms for 1000 fields, %g for 32000", small, large);
}
