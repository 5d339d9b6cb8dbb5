// SPDX-License-Identifier: Apache-2.0
// A baseline of panes against one of the same rows.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "drift/baseline_json.h"
#include "helper.h"
#include "util/clock.h"
#include "util/xalloc.h"

enum { ROWS = 4000, PANES = 400, MINUTE = 60000, FIELDS = 6 };
static const int64_t start = 1700000040000; // not where a chunk begins

static struct row {
	double x, at;
	char c[16], t[16];
	bool b;
} rows[ROWS];

static void make_rows(uint64_t seed)
{
	struct rng r;

	rng_seed(&r, seed);
	for (int i = 0; i < ROWS; i++) {
		double u = rng_uniform(&r);
		rows[i].x = u < 0.02 ? NAN : u < 0.04 ? INFINITY : u < 0.2 ? 0 : rng_normal(&r) * 10;
		rows[i].at = 1.7e12 + i * 10;
		rows[i].b = rng_uniform(&r) < 0.3;
		snprintf(rows[i].c, sizeof rows[i].c, "c%d", (int)(100 * rng_uniform(&r) * rng_uniform(&r)));
		snprintf(rows[i].t, sizeof rows[i].t, "%d", (int)(1e6 * rng_uniform(&r)));
	}
}

static int64_t at(int i)
{
	return start + (int64_t)i * PANES * MINUTE / ROWS;
}

static struct baseline *of_rows(void)
{
	struct baseline_builder *b = baseline_builder_new("s", true);
	struct error err = ERROR_INIT;

	for (int i = 0; i < ROWS; i++) {
		const struct row *r = &rows[i];
		baseline_builder_row(b, at(i), 7);
		baseline_builder_number(b, "x", FIELD_NUMERIC, r->x);
		baseline_builder_number(b, "at", FIELD_TIME, r->at);
		baseline_builder_text(b, "b", FIELD_BOOLEAN, r->b ? "true" : "false", r->b ? 4 : 5);
		if (i % 3)
			baseline_builder_text(b, "c", FIELD_CATEGORICAL, r->c, strlen(r->c));
		baseline_builder_text(b, "t", FIELD_TEXT, r->t, strlen(r->t));
		if (i < ROWS / 2)
			baseline_builder_number(b, "k", FIELD_NUMERIC, -4);
	}
	struct baseline *out = baseline_builder_finish(b, NULL, &err);
	cr_assert(out, "%s", err.text);
	return out;
}

// The panes of one stream whose fields are counted on the baseline's grids, NULL: without a baseline.
static void make_panes(struct pane *panes[PANES], const struct baseline *b)
{
	static char names[FIELDS][3] = {"at", "b", "c", "k", "t", "x"};
	static const enum field_type types[FIELDS] = {FIELD_TIME, FIELD_BOOLEAN, FIELD_CATEGORICAL,
						      FIELD_NUMERIC, FIELD_TEXT, FIELD_NUMERIC};

	for (int k = 0; k < PANES; k++)
		panes[k] = pane_new();
	for (int i = 0; i < ROWS; i++) {
		struct pane *p = panes[(at(i) - start) / MINUTE];
		struct field_stats *f[FIELDS];
		const struct row *r = &rows[i];
		for (size_t k = 0; k < FIELDS; k++) {
			struct field_def def = {.path = names[k], .type = types[k]};
			f[k] = pane_field(p, k, b ? &baseline_find(b, names[k])->def : &def);
		}
		pane_count_record(p, at(i), i, 7, true, false, false);
		field_add_number(f[5], r->x);
		field_add_time(f[0], (int64_t)r->at);
		field_add_bool(f[1], r->b);
		if (i % 3)
			field_add_category(f[2], r->c, strlen(r->c));
		field_add_text(f[4], r->t, strlen(r->t));
		if (i < ROWS / 2)
			field_add_number(f[3], -4);
	}
}

// Takes the panes.
static struct baseline *of_panes(struct pane *panes[PANES], int64_t chunk_ms)
{
	struct pane *total = pane_new(), *chunk = NULL;
	struct error err = ERROR_INIT;

	for (int k = 0; k < PANES; k++)
		pane_merge(total, panes[k]);
	struct baseline *b = baseline_from_pane("s", total, start, start + (int64_t)PANES * MINUTE, chunk_ms, json_object(), &err);
	cr_assert(b, "%s", err.text);
	for (int k = 0; k < PANES; k++) {
		int64_t from = start + (int64_t)k * MINUTE, slot = time_floor(from, chunk_ms);
		chunk = chunk ? chunk : pane_new();
		pane_merge(chunk, panes[k]);
		pane_free(panes[k]);
		if (k + 1 < PANES && time_floor(from + MINUTE, chunk_ms) == slot)
			continue;
		baseline_add_chunk(b, slot, slot + chunk_ms, chunk);
		pane_free(chunk);
		chunk = NULL;
	}
	return b;
}

static json_t *fields_of(const struct baseline *b)
{
	json_t *all = baseline_encode(b), *fields = json_incref(json_object_get(all, "fields"));

	json_decref(all);
	return fields;
}

Test(baseline_panes, on_its_grids_is_that_of_the_rows)
{
	struct pane *panes[PANES];
	make_rows(3);
	struct baseline *rowwise = of_rows();
	make_panes(panes, rowwise);
	struct baseline *b = of_panes(panes, rowwise->chunk_ms);
	json_t *got = fields_of(b), *want = fields_of(rowwise);

	cr_assert_eq(json_array_size(got), FIELDS);
	for (size_t i = 0; i < FIELDS; i++) {
		json_object_del(json_array_get(want, i), "movement"); // it takes the rows
		char *x = json_pretty(json_array_get(got, i)), *y = json_pretty(json_array_get(want, i));
		cr_expect_str_eq(x, y);
		free(x);
		free(y);
	}
	for (size_t i = 0; i < FIELDS; i++)
		if (b->fields[i]->def.grid)
			cr_expect_str_eq(b->fields[i]->def.grid->id, rowwise->fields[i]->def.grid->id);
	json_decref(got);
	json_decref(want);
	baseline_free(b);
	baseline_free(rowwise);
}

// Without a baseline: sums, chunks and categories are exact, and the grid holds every value of the chunks.
Test(baseline_panes, of_the_logarithmic_grid)
{
	struct pane *panes[PANES];
	struct error err = ERROR_INIT;
	make_rows(4);
	struct baseline *rowwise = of_rows();
	make_panes(panes, NULL);
	struct baseline *b = of_panes(panes, rowwise->chunk_ms);

	cr_assert_eq(b->nfields, rowwise->nfields);
	for (size_t i = 0; i < b->nfields; i++) {
		const struct baseline_field *f = b->fields[i], *r = rowwise->fields[i];

		cr_expect_str_eq(f->def.path, r->def.path);
		cr_expect_eq(f->total->count, r->total->count, "%s", f->def.path);
		cr_expect_eq(f->total->nan, r->total->nan);
		cr_expect_eq(f->total->inf, r->total->inf);
		cr_expect_eq(f->def.ncategories, r->def.ncategories);
		cr_expect_eq(f->total->unseen, 0, "%s", f->def.path);
		cr_assert_eq(f->nchunks, r->nchunks);
		struct chunk_reader ours = baseline_field_chunks(f), theirs = baseline_field_chunks(r);
		while (chunk_next(&ours) && chunk_next(&theirs)) {
			const struct baseline_chunk *x = &ours.chunk, *y = &theirs.chunk;
			uint64_t n = 0;
			cr_expect_eq(x->from, y->from);
			cr_expect_eq(x->count, y->count);
			cr_expect_eq(x->missing, y->missing);
			cr_expect(x->mean == y->mean || (isnan(x->mean) && isnan(y->mean)));
			cr_expect(x->variance == y->variance || (isnan(x->variance) && isnan(y->variance)));
			for (size_t j = 0; j < f->nbins; j++)
				n += x->bins[j];
			cr_expect_eq(n, f->nbins ? x->count : 0, "%s: all values are in a bin", f->def.path);
		}
	}
	const struct baseline_field *x = baseline_find(b, "x"), *k = baseline_find(b, "k");
	cr_expect_eq(x->total->grid, x->def.grid);
	cr_expect(grid_bin_is_point(x->def.grid, grid_bin(x->def.grid, 0)), "zero has a bin of its own");
	cr_expect(grid_bin_is_point(k->def.grid, grid_bin(k->def.grid, -4)), "so has a constant");
	// What is saved can be loaded, and is the same.
	char *path = temp_path("panes.json");
	cr_assert_eq(baseline_save(b, path, &err), 0, "%s", err.text);
	struct baseline *again = baseline_load(path, &err);
	cr_assert(again, "%s", err.text);
	json_t *got = fields_of(again), *want = fields_of(b);
	cr_expect(json_equal(got, want));
	json_decref(got);
	json_decref(want);
	baseline_free(again);
	baseline_free(b);
	baseline_free(rowwise);
	unlink(path);
	free(path);
}

// A window that is like the rest does not drift from a baseline of panes, and one that is not does: with the
// chunks' own spread, not as if records were independent.
Test(baseline_panes, drift_is_calibrated)
{
	struct pane *panes[PANES], *now = pane_new();
	make_rows(5);
	make_panes(panes, NULL);
	struct baseline *b = of_panes(panes, 2 * MINUTE);
	const struct baseline_field *x = baseline_find(b, "x");
	struct field_stats *f = pane_field(now, 0, &x->def);
	struct rng r;

	rng_seed(&r, 6);
	for (int i = 0; i < 2000; i++) {
		pane_count_record(now, start, i, 7, true, false, false);
		field_add_number(f, rng_uniform(&r) < 0.16 ? 0 : rng_normal(&r) * 10);
	}
	struct measure_input in = {.def = &x->def, .current = {now, f}, .reference = {b->total, x->total}, .baseline = x, .source = b,
				   .window_ms = 20 * MINUTE};
	struct measure_value v = measure_compute(measure_find("drift"), &in);
	cr_expect_eq(v.state, READING_KNOWN);
	cr_expect_lt(v.value, 4, "%g, %s", v.value, v.detail);
	cr_expect(!v.detail || !strstr(v.detail, "independence"), "%s", v.detail);
	for (int i = 0; i < 2000; i++) {
		pane_count_record(now, start, i, 7, true, false, false);
		field_add_number(f, rng_normal(&r) * 10 + 10);
	}
	v = measure_compute(measure_find("drift"), &in);
	cr_expect_gt(v.value, 5, "%g", v.value);
	pane_free(now);
	baseline_free(b);
}

Test(baseline_panes, what_cannot_be_put_together)
{
	const double edges[] = {1, 2}, values[] = {1, 5};
	struct grid *g = grid_new(edges, 2);
	struct error err = ERROR_INIT;
	char name[] = "x";
	struct field_def log = {.path = name, .type = FIELD_NUMERIC}, on = {.path = name, .type = FIELD_NUMERIC, .grid = g};
	struct pane *a = pane_new(), *b = pane_new();

	cr_expect_null(baseline_from_pane("s", pane_new(), 0, 1000, 1000, json_object(), &err));
	cr_expect(strstr(err.text, "at least one record"), "%s", err.text);
	error_clear(&err);
	for (int i = 0; i < 2; i++) {
		pane_count_record(a, i, i, 1, true, false, false);
		field_add_number(pane_field(a, 0, &log), values[i]);
		pane_count_record(b, i, i, 1, true, false, false);
		field_add_number(pane_field(b, 0, &on), values[i]);
	}
	pane_merge(a, b);
	cr_expect_null(baseline_from_pane("s", a, 0, 1000, 1000, json_object(), &err));
	cr_expect(strstr(err.text, "two grids"), "%s", err.text);
	error_clear(&err);
	b->fields[0]->grid = NULL; // of another baseline
	cr_expect_null(baseline_from_pane("s", b, 0, 1000, 1000, json_object(), &err));
	cr_expect(strstr(err.text, "does not have"), "%s", err.text);
	grid_free(g);
}

Test(baseline_panes, chunks_are_whole_panes)
{
	static const int64_t day = 86400000;

	cr_expect_eq(baseline_chunk_ms(0, 7 * day, MINUTE), 3600000);       // 168 of them
	cr_expect_eq(baseline_chunk_ms(0, 2 * 3600000, MINUTE), MINUTE);
	cr_expect_eq(baseline_chunk_ms(0, 3600000, 12000), 60000); // of 15 and 30 s no multiple
	for (int64_t pane = 1000; pane <= MINUTE; pane += 1000) {
		if (MINUTE % pane)
			continue; // a stream's pane divides the minute
		int64_t c = baseline_chunk_ms(start, start + 30 * day, pane);
		cr_expect_eq(c % pane, 0);
		cr_expect_leq(30 * day / c, BASELINE_CHUNKS);
	}
}
