// SPDX-License-Identifier: Apache-2.0
// Elec2: Victoria's three columns are constant until the joint market begins on 4 May 1997 (src/sandbox).
// Baseline: the first 26 weeks. Windows: whole weeks of the Unix epoch after it. Nothing was tuned to this.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drift/baseline.h"
#include "drift/measure.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/xalloc.h"

enum { COLUMNS = 7 }; // six numbers and the class
static const char *const names[COLUMNS] = {"period",   "nswprice", "nswdemand", "vicprice",
					   "vicdemand", "transfer", "class"};
static const int64_t WEEK = 604800000;

struct row {
	int64_t ts;
	double v[COLUMNS - 1];
	const char *class;
};

static struct row *read_rows(size_t *n)
{
	struct buf text = BUF_INIT;
	struct row *rows = NULL;
	size_t cap = 0;

	*n = 0;
	cr_assert_gt(buf_read_file(&text, SOURCE_DIR "/src/sandbox/elec2.csv", 1 << 24), 0);
	for (char *p = strchr(text.data, '\n') + 1; *p; p = strchr(p, '\n') + 1) {
		struct row r = {.ts = strtoll(p, &p, 10)};

		for (int i = 0; i < COLUMNS - 1; i++)
			r.v[i] = strtod(p + 1, &p);
		r.class = p[1] == 'U' ? "UP" : "DOWN";
		GROW(rows, *n, cap);
		rows[(*n)++] = r;
	}
	buf_release(&text);
	return rows;
}

static struct baseline *first_weeks(const struct row *rows, size_t n, int64_t end)
{
	struct baseline_builder *b = baseline_builder_new("elec2", true);
	struct error err = ERROR_INIT;

	for (size_t i = 0; i < n && rows[i].ts < end; i++) {
		baseline_builder_row(b, rows[i].ts, 1);
		for (int k = 0; k < COLUMNS - 1; k++)
			baseline_builder_number(b, names[k], FIELD_NUMERIC, rows[i].v[k]);
		baseline_builder_text(b, "class", FIELD_CATEGORICAL, rows[i].class, strlen(rows[i].class));
	}
	return baseline_builder_finish(b, NULL, &err);
}

static struct measure_value drift_of(const struct baseline *b, const char *name, const struct row *rows, size_t n)
{
	const struct baseline_field *f = baseline_find(b, name);
	struct pane *p = pane_new();
	struct field_stats *s = pane_field(p, 0, &f->def);
	int column = 0;

	while (strcmp(names[column], name))
		column++;
	for (size_t i = 0; i < n; i++) {
		pane_count_record(p, rows[i].ts, (int64_t)i, 1, true, false, false);
		if (column == COLUMNS - 1)
			field_add_category(s, rows[i].class, strlen(rows[i].class));
		else
			field_add_number(s, rows[i].v[column]);
	}
	struct measure_input in = {.def = &f->def, .current = {p, s}, .reference = {b->total, f->total},
				   .baseline = f, .source = b, .window_ms = WEEK};
	struct measure_value v = measure_compute(measure_find("drift"), &in);
	pane_free(p);
	return v;
}

Test(elec2, finds_victoria_and_only_when_it_changed)
{
	const double threshold = measure_find("drift")->threshold;
	size_t n, change = 0, before = 0, after = 0, fired[COLUMNS][2] = {{0}};
	struct row *rows = read_rows(&n);
	int64_t end = rows[0].ts + 26 * WEEK;
	struct baseline *b = first_weeks(rows, n, end);

	while (rows[change].v[3] == rows[0].v[3])
		change++;
	for (size_t i = 0, j; i < n; i = j) {
		int64_t from = time_floor(rows[i].ts, WEEK);

		for (j = i; j < n && rows[j].ts < from + WEEK; j++)
			;
		bool whole = from >= end && from + WEEK <= rows[n - 1].ts + 1800000;
		bool later = from >= rows[change].ts, mixed = !later && from + WEEK > rows[change].ts;
		if (!whole || mixed)
			continue;
		*(later ? &after : &before) += 1;
		for (int k = 0; k < COLUMNS; k++) {
			struct measure_value v = drift_of(b, names[k], rows + i, j - i);

			cr_expect_eq(v.state, READING_KNOWN);
			fired[k][later] += v.value > threshold;
		}
	}
	if (getenv("KDRIFT_REPORT"))
		for (int k = 0; k < COLUMNS; k++)
			printf("%-10s %zu of %zu weeks before, %zu of %zu after\n", names[k], fired[k][0], before, fired[k][1],
			       after);
	cr_expect_geq(before, 25);
	cr_expect_geq(after, 82);
	for (int k = 3; k < 6; k++) {
		cr_expect_eq(fired[k][0], 0, "%s", names[k]);
		cr_expect_eq(fired[k][1], after, "%s: %zu of %zu", names[k], fired[k][1], after);
	}
	for (int k = 0; k < COLUMNS; k++)
		cr_expect_eq(fired[k][0], 0, "%s: false alarms", names[k]);
	// The time of day is the same every week.
	cr_expect_eq(fired[0][1], 0);
	baseline_free(b);
	free(rows);
}
