// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/backtest.h"
#include "report/html.h"
#include "report/svg.h"
#include "util/clock.h"
#include "util/xalloc.h"

enum { POINTS = 700, LINES = 8, PICTURED = 400, MESSAGES = 200, RUNS = 300, ITEMS = 5 };

// 2026-11-20T01:30:00Z is 2026-11-20 01:30.
static void cell_when(struct html *h, const char *text)
{
	char out[17];

	snprintf(out, sizeof out, "%.10s %.5s", text, strlen(text) > 11 ? text + 11 : "");
	html_cell(h, *text ? out : "");
}

// --- tiers --------------------------------------------------------------------------------------------

static void names_of(const struct outcome_tier *t, const json_t *ids, struct buf *out)
{
	for (size_t i = 0; i < json_array_size(ids); i++) {
		size_t at = (size_t)map_gets(&t->by_id, json_string_value(json_array_get(ids, i)));
		const json_t *p = at ? json_array_get(t->pages, at - 1) : NULL;
		buf_addf(out, "%s%s on %s", i ? ", " : "", json_get_str(p, "alert", ""), json_get_str(p, "stream", ""));
	}
	if (!json_array_size(ids))
		buf_adds(out, "nothing to tell");
}

// Digests of the same pages are one line.
static void message_row(struct html *h, const struct outcome_tier *t, size_t i, size_t n)
{
	const json_t *m = json_array_get(t->messages, i), *last = json_array_get(t->messages, i + n - 1);
	const json_t *pages = json_object_get(m, "pages");
	struct buf text = BUF_INIT;

	html_row(h);
	cell_when(h, json_get_str(m, "at", ""));
	cell_when(h, n > 1 ? json_get_str(last, "at", "") : "");
	if (pages) {
		buf_addf(&text, "%zu digest%s: ", n, n == 1 ? "" : "s");
		names_of(t, pages, &text);
	} else {
		size_t at = (size_t)map_gets(&t->by_id, json_get_str(m, "id", ""));
		const json_t *p = at ? json_array_get(t->pages, at - 1) : NULL;
		buf_addf(&text, "%s: %s on %s", json_get_str(m, "status", ""), json_get_str(p, "alert", ""),
			 json_get_str(p, "stream", ""));
	}
	html_cell(h, text.data);
	buf_release(&text);
}

static void messages_table(struct html *h, const struct outcome_tier *t)
{
	static const struct html_column columns[] = {{"sent at", false}, {"and up to", false}, {"message", false}};
	size_t rows = 0, i = 0;

	html_table_begin(h, columns, 3);
	for (size_t n; i < json_array_size(t->messages) && rows < MESSAGES; i += n, rows++)
		message_row(h, t, i, n = outcome_same_digests(t, i));
	html_table_end(h);
	if (i < json_array_size(t->messages))
		html_paragraph(h, "And %zu more messages.", json_array_size(t->messages) - i);
}

// Where it was, and how much: "nswprice 0.43, nswdemand 0.39 (limit 0.3)".
static void cell_items(struct html *h, const json_t *items)
{
	struct buf text = BUF_INIT;
	size_t n = json_array_size(items);

	for (size_t i = 0; i < n && i < ITEMS; i++) {
		const json_t *item = json_array_get(items, i);
		const char *field = json_get_str(item, "field", NULL), *slice = json_get_str(item, "slice", NULL);
		buf_addf(&text, "%s%s%s%s%s %.4g", i ? ", " : "", field ? field : json_get_str(item, "measure", ""), slice ? " [" : "",
			 slice ? slice : "", slice ? "]" : "", json_get_num(item, "value", NAN));
	}
	if (n > ITEMS)
		buf_addf(&text, " and %zu more", n - ITEMS);
	if (n)
		buf_addf(&text, " (threshold %.4g)", json_get_num(json_array_get(items, 0), "threshold", NAN));
	html_cell(h, text.data ? text.data : "");
	buf_release(&text);
}

static void pages_table(struct html *h, const json_t *pages)
{
	static const struct html_column columns[] = {{"alert", false}, {"stream", false}, {"from", false}, {"to", false},
						     {"where", false}};

	html_table_begin(h, columns, 5);
	for (size_t i = 0; i < json_array_size(pages) && i < MESSAGES; i++) {
		const json_t *p = json_array_get(pages, i);
		html_row(h);
		html_cell(h, json_get_str(p, "alert", ""));
		html_cell(h, json_get_str(p, "stream", ""));
		cell_when(h, json_get_str(p, "starts_at", ""));
		if (json_get_str(p, "ends_at", NULL))
			cell_when(h, json_get_str(p, "ends_at", ""));
		else
			html_cell(h, "still firing");
		cell_items(h, json_object_get(p, "items"));
	}
	html_table_end(h);
	if (json_array_size(pages) > MESSAGES)
		html_paragraph(h, "And %zu more pages.", json_array_size(pages) - MESSAGES);
}

static void tiers(struct html *h, const struct outcome *o)
{
	for (int i = 0; i < TIERS; i++) {
		const struct outcome_tier *t = &o->tiers[i];
		size_t sent = json_array_size(t->messages), pages = json_array_size(t->pages);
		char *title = xasprintf("%c%s: %zu message%s, %zu page%s", tier_names[i][0] - 32, tier_names[i] + 1, sent,
					sent == 1 ? "" : "s", pages, pages == 1 ? "" : "s");
		html_heading(h, 2, title);
		free(title);
		if (pages)
			pages_table(h, t->pages);
		if (!sent)
			continue;
		html_fold_begin(h, "All messages", NULL, false);
		messages_table(h, t);
		html_fold_end(h);
	}
}

// --- what changed -------------------------------------------------------------------------------------

static size_t run_rows(struct html *h, const json_t *tier, const char *tier_name, const char *member, const char *word, size_t rows)
{
	const json_t *list = json_object_get(tier, member);

	for (size_t i = 0; i < json_array_size(list) && rows < RUNS; i++, rows++) {
		const json_t *r = json_array_get(list, i);
		html_row(h);
		html_cell(h, tier_name);
		html_cell(h, word);
		html_cell(h, json_get_str(r, "alert", ""));
		html_cell(h, json_get_str(r, "stream", ""));
		html_cell(h, json_get_str(r, "field", ""));
		html_cell(h, json_get_str(r, "slice", ""));
		cell_when(h, json_get_str(r, "from", ""));
		cell_when(h, json_get_str(r, "to", ""));
		html_cell_count(h, (uint64_t)json_get_int(r, "windows", 0));
	}
	return rows;
}

static void changes(struct html *h, const json_t *diff)
{
	static const struct html_column columns[] = {{"tier", false},  {"", false},     {"alert", false}, {"stream", false},
						     {"field", false}, {"slice", false}, {"from", false},  {"to", false},
						     {"windows", true}};
	size_t rows = 0;

	html_heading(h, 2, "What the changed rules say otherwise");
	for (int t = 0; t < TIERS; t++) {
		const json_t *d = json_object_get(diff, tier_names[t]), *m = json_object_get(d, "messages");
		const json_t *p = json_object_get(d, "pages");
		html_paragraph(h, "%s: messages %" PRId64 " before, %" PRId64 " now; pages %" PRId64 " before, %" PRId64 " now.",
			       tier_names[t], json_get_int(m, "current", 0), json_get_int(m, "changed", 0),
			       json_get_int(p, "current", 0), json_get_int(p, "changed", 0));
	}
	html_table_begin(h, columns, 9);
	for (int t = 0; t < TIERS; t++) {
		const json_t *d = json_object_get(diff, tier_names[t]);
		rows = run_rows(h, d, tier_names[t], "new", "fires newly", rows);
		rows = run_rows(h, d, tier_names[t], "gone", "no longer", rows);
	}
	html_table_end(h);
	if (rows == RUNS)
		html_paragraph(h, "Of more, `--json` tells all.");
}

// --- pictures -----------------------------------------------------------------------------------------

struct line {
	struct svg_point *points;
	struct svg_span *spans;
	char *title;
};

// At most POINTS: of neighbours the one that goes farthest in the direction of the threshold.
static size_t thin(const struct timeline *s, bool lower, struct svg_point *out)
{
	size_t each = (s->n + POINTS - 1) / POINTS, n = 0;

	for (size_t i = 0; i < s->n; i += each) {
		const struct timeline_point *best = &s->points[i];
		for (size_t k = i; k < i + each && k < s->n; k++) {
			const struct timeline_point *p = &s->points[k];
			if (isnan(best->value) || (lower ? p->value < best->value : p->value > best->value))
				best = p;
		}
		out[n++] = (struct svg_point){best->to, best->value};
	}
	return n;
}

static struct svg_line line_of(const struct timeline *s, struct line *l)
{
	bool lower = isnan(s->above) && !isnan(s->below);
	struct timeline_run *runs;
	size_t n = timeline_firing(s, NULL, &runs);

	l->points = xmalloc((POINTS + 1) * sizeof *l->points);
	l->spans = xmalloc((n + 1) * sizeof *l->spans);
	l->title = xasprintf("%s%s%s", *s->field ? s->field : s->rule->measure->name, *s->slice ? ", " : "", s->slice);
	for (size_t i = 0; i < n; i++) // of windows that overlap, each one's own part
		l->spans[i] = (struct svg_span){runs[i].from + s->window - s->slide, runs[i].to};
	free(runs);
	return (struct svg_line){.title = l->title, .points = l->points, .npoints = thin(s, lower, l->points),
				 .above = s->above, .below = s->below, .firing = l->spans, .nfiring = n,
				 .scale = s->rule->measure->scale == SCALE_P ? SVG_LOG : SVG_AUTO};
}

static void picture(struct html *h, const struct timeline *const *some, size_t n, int64_t from, int64_t to, size_t number)
{
	struct svg_line lines[LINES];
	struct line own[LINES];
	const struct rule *r = some[0]->rule;
	char *id = xasprintf("rule-%zu", number), *title = xasprintf("%s on %s: %s", r->name, some[0]->stream, r->measure->name);

	for (size_t i = 0; i < n; i++)
		lines[i] = line_of(some[i], &own[i]);
	svg_time(&h->body, &(struct svg_time){.id = id, .title = title, .desc = "value and threshold over time; firing windows shaded",
					      .from = from, .to = to, .lines = lines, .nlines = n});
	for (size_t i = 0; i < n; i++) {
		free(own[i].points);
		free(own[i].spans);
		free(own[i].title);
	}
	free(id);
	free(title);
}

static int by_rule(const void *a, const void *b)
{
	const struct timeline *x = *(const struct timeline *const *)a, *y = *(const struct timeline *const *)b;
	int c = (int)x->rule->tier - (int)y->rule->tier;

	c = c ? c : strcmp(x->rule->name, y->rule->name);
	c = c ? c : strcmp(x->stream, y->stream);
	c = c ? c : (y->nfiring > 0) - (x->nfiring > 0);
	c = c ? c : strcmp(x->field, y->field);
	return c ? c : strcmp(x->slice, y->slice);
}

static bool one_group(const struct timeline *a, const struct timeline *b)
{
	return a->rule == b->rule && !strcmp(a->stream, b->stream) && a->window == b->window && !a->nfiring == !b->nfiring;
}

static void group_title(struct html *h, const struct timeline *const *some, size_t n)
{
	const struct rule *r = some[0]->rule;
	char length[32];
	bool fires = some[0]->nfiring > 0;
	char *title = xasprintf("%s on %s (%s, %s over %s): %zu %s", r->name, some[0]->stream, tier_names[r->tier], r->measure->name,
				duration_format(some[0]->window, length, sizeof length), n,
				fires ? n == 1 ? "place fires" : "places fire" : n == 1 ? "place never fires" : "places never fire");

	html_fold_begin(h, title, NULL, fires);
	free(title);
}

static void pictures(struct html *h, const struct timelines *l, int64_t from, int64_t to)
{
	const struct timeline **all = xcalloc(l->n + 1, sizeof *all);
	size_t shown = 0;

	for (size_t i = 0; i < l->n; i++)
		all[i] = l->items[i];
	qsort(all, l->n, sizeof *all, by_rule);
	html_heading(h, 2, "Rules over time");
	for (size_t i = 0, n; i < l->n && shown < PICTURED; i += n) {
		n = 1;
		while (i + n < l->n && one_group(all[i], all[i + n]))
			n++;
		group_title(h, all + i, n);
		for (size_t k = 0; k < n && shown < PICTURED; k += LINES) {
			size_t some = n - k < LINES ? n - k : LINES;
			picture(h, all + i + k, some, from, to, shown);
			shown += some;
		}
		html_fold_end(h);
	}
	if (shown < l->n)
		html_paragraph(h, "%zu more are not pictured.", l->n - shown);
	free(all);
}

char *backtest_html(const struct outcome *o, const struct backtest *b, const struct timelines *timelines, const json_t *diff,
		    const char *rules)
{
	int64_t from, to;
	char first[40], last[40];
	struct html h;

	html_init(&h, "Backtest");
	if (!backtest_range(b, &from, &to)) {
		html_paragraph(&h, "There was no record.");
		return html_finish(&h);
	}
	html_paragraph(&h, "%" PRIu64 " records from %s to %s, %" PRIu64 " windows, %" PRIu64 " verdicts. Rules: %s. Times are UTC. "
			   "Made by kdrift " KDRIFT_VERSION ".",
		       backtest_records(b), time_format(from, first, sizeof first), time_format(to, last, sizeof last), o->windows,
		       o->nverdicts, rules);
	if (diff)
		changes(&h, diff);
	tiers(&h, o);
	pictures(&h, timelines, from, to);
	return html_finish(&h);
}
