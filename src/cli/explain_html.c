// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/explain.h"
#include "report/html.h"
#include "report/svg.h"
#include "util/clock.h"
#include "util/xalloc.h"

static void paragraph(struct html *h, struct buf *text)
{
	if (text->len)
		html_paragraph(h, "%s", text->data);
	buf_release(text);
}

static void cell(struct html *h, struct buf *text)
{
	html_cell(h, text->data ? text->data : "");
	buf_release(text);
}

static void cell_percent(struct html *h, double share)
{
	char text[32];

	snprintf(text, sizeof text, "%.2f %%", 100 * share);
	html_cell(h, text);
}

// --- an item ------------------------------------------------------------------------------------------

static void picture(struct html *h, const json_t *item, size_t at)
{
	char id[32], r[64], c[64];
	struct buf title = BUF_INIT, desc = BUF_INIT;
	struct shape s;

	if (!explain_shape(&s, item, SVG_CELLS))
		return;
	snprintf(id, sizeof id, "sides-%zu", at);
	snprintf(r, sizeof r, "reference, %" PRIu64 " values", s.n_r);
	snprintf(c, sizeof c, "window, %" PRIu64 " values", s.n_c);
	explain_place(&title, item);
	buf_adds(&title, ": both distributions");
	explain_value(&desc, item);
	const struct svg_about about = {id, title.data, desc.data, r, c};
	svg_shape(&h->body, &about, &s);
	shape_release(&s);
	buf_release(&title);
	buf_release(&desc);
}

static int64_t time_of(const json_t *obj, const char *key)
{
	int64_t ms;

	return time_parse(json_get_str(obj, key, ""), &ms) < 0 ? INT64_MIN : ms;
}

// The measure in the windows before, at each one's end, with its limit; shaded from where the alert began.
static void history(struct html *h, const json_t *v, const json_t *item, size_t at)
{
	const json_t *list = json_object_get(item, "history"), *page = json_object_get(v, "page");
	double value = json_get_num(item, "value", NAN), limit = json_get_num(item, "threshold", NAN);
	size_t n = json_array_size(list), i;
	struct svg_point *points = xcalloc(n + 1, sizeof *points);
	char id[32];
	struct buf title = BUF_INIT, desc = BUF_INIT;
	json_t *one;

	json_array_foreach(list, i, one) points[i] =
	    (struct svg_point){time_of(one, "to"), json_get_num(one, "value", NAN)};
	if (n > 1) {
		struct svg_span firing = {time_of(page, "starts_at"), points[n - 1].at};
		struct svg_mark began = {time_of(json_object_get(item, "began"), "window_to"),
					 "began to move"};
		struct svg_line line = {.points = points,
					.npoints = n,
					.above = value < limit ? NAN : limit,
					.below = value < limit ? limit : NAN,
					.firing = &firing,
					.nfiring = firing.from != INT64_MIN && firing.from <= firing.to};
		snprintf(id, sizeof id, "past-%zu", at);
		explain_place(&title, item);
		buf_addf(&title, ": %s, window after window", json_get_str(item, "measure", ""));
		explain_since(&desc, v, item);
		line.title = title.data;
		const struct svg_time t = {id,
					   title.data,
					   desc.data,
					   points[0].at,
					   points[n - 1].at,
					   &line,
					   1,
					   &began,
					   began.at != INT64_MIN && began.at >= points[0].at};
		svg_time(&h->body, &t);
	}
	buf_release(&title);
	buf_release(&desc);
	free(points);
}

static void contributions(struct html *h, const json_t *item)
{
	static const struct html_column columns[] = {{"value or range", false},
						     {"of the whole", true},
						     {"term", true},
						     {"reference", true},
						     {"window", true}};
	const json_t *c = json_object_get(item, "contributions"), *rows = json_object_get(c, "rows");
	struct buf text = BUF_INIT;
	size_t i;
	json_t *row;

	if (!c)
		return;
	html_heading(h, 3, "What makes it up");
	html_paragraph(h, "Terms of %s: %s.", json_get_str(c, "of", ""), json_get_str(c, "how", ""));
	explain_gap(&text, item);
	paragraph(h, &text);
	html_table_begin(h, columns, ARRAY_LEN(columns));
	json_array_foreach(rows, i, row)
	{
		html_row(h);
		explain_label(&text, row);
		cell(h, &text);
		cell_percent(h, json_get_num(row, "share", 0));
		html_cell_number(h, json_get_num(row, "part", NAN));
		cell_percent(h, json_get_num(row, "reference", 0));
		cell_percent(h, json_get_num(row, "current", 0));
	}
	html_table_end(h);
}

static void carriers(struct html *h, const json_t *item, const char *key, const char *title,
		     const char *column)
{
	const struct html_column columns[] = {
	    {column, false}, {json_get_str(item, "measure", ""), true}, {"records", true}, {"offsets", true}};
	const json_t *list = json_object_get(item, key);
	bool parts = !strcmp(key, "partitions");
	struct buf text = BUF_INIT;
	size_t i;
	json_t *one;

	if (!json_array_size(list))
		return;
	html_heading(h, 3, title);
	html_table_begin(h, columns, ARRAY_LEN(columns) - !parts);
	json_array_foreach(list, i, one)
	{
		html_row(h);
		explain_carrier(&text, one);
		cell(h, &text);
		if (json_is_number(json_object_get(one, "value")))
			html_cell_number(h, json_get_num(one, "value", NAN));
		else
			html_cell(h, json_get_str(one, "state", ""));
		html_cell_count(h, (uint64_t)json_get_int(one, "records", 0));
		if (parts) {
			buf_addf(&text, "%" PRId64 " to %" PRId64, json_get_int(one, "from_offset", 0),
				 json_get_int(one, "to_offset", 0));
			cell(h, &text);
		}
	}
	html_table_end(h);
}

static void item_html(struct html *h, const json_t *v, const json_t *item, size_t at)
{
	struct buf text = BUF_INIT;

	explain_place(&text, item);
	html_heading(h, 2, text.data);
	buf_release(&text);
	explain_value(&text, item);
	paragraph(h, &text);
	explain_since(&text, v, item);
	paragraph(h, &text);
	explain_hidden(&text, item);
	paragraph(h, &text);
	picture(h, item, at);
	history(h, v, item, at);
	contributions(h, item);
	carriers(h, item, "slices", "In each slice", "slice");
	carriers(h, item, "partitions", "In each partition", "partition");
	carriers(h, item, "schemas", "In panes of one schema id alone", "schema id");
	if (json_get_int(item, "records_of_mixed_schemas", 0))
		html_paragraph(
		    h,
		    "%" PRId64
		    " records are in panes of several schema ids, which do not tell their values apart.",
		    json_get_int(item, "records_of_mixed_schemas", 0));
}

// --- the page -----------------------------------------------------------------------------------------

static void listed(struct html *h, const char *title, const json_t *list,
		   void (*say)(struct buf *, const json_t *))
{
	struct buf lines = BUF_INIT;
	size_t i;
	json_t *one;

	if (!json_array_size(list))
		return;
	html_heading(h, 2, title);
	json_array_foreach(list, i, one)
	{
		say(&lines, one);
		buf_addc(&lines, '\n');
	}
	html_pre(h, lines.data);
	buf_release(&lines);
}

static void header(struct html *h, const json_t *v)
{
	const json_t *page = json_object_get(v, "page");
	struct buf text = BUF_INIT;

	html_paragraph(h, "%s: %s, %s, on stream %s.", json_get_str(page, "id", ""),
		       json_get_str(page, "status", ""), json_get_str(page, "tier", ""),
		       json_get_str(page, "stream", ""));
	html_paragraph(h, "%s", json_get_str(page, "summary", ""));
	if (json_object_get(v, "rule")) {
		buf_adds(&text, "Rule: ");
		explain_rule(&text, v);
		paragraph(h, &text);
	}
	explain_window(&text, v);
	if (text.len)
		buf_addc(&text, '.');
	paragraph(h, &text);
}

char *explain_html(const json_t *v)
{
	const json_t *items = json_object_get(v, "items"), *page = json_object_get(v, "page");
	struct buf text = BUF_INIT;
	struct html h;

	buf_addf(&text, "%s on %s", json_get_str(page, "alert", ""), json_get_str(page, "stream", ""));
	html_init(&h, text.data);
	buf_release(&text);
	header(&h, v);
	size_t shown = json_array_size(items) - (size_t)json_get_int(v, "items_listed_only", 0);
	for (size_t i = 0; i < shown; i++)
		item_html(&h, v, json_array_get(items, i), i + 1);
	json_t *others = explain_others(v);
	listed(&h, "The page also has", others, explain_other);
	json_decref(others);
	listed(&h, "Violations in the window", json_object_get(v, "violations"), explain_violation);
	listed(&h, "Samples", json_object_get(json_object_get(page, "evidence"), "samples"), explain_sample);
	if (json_object_get(v, "schemas")) {
		html_heading(&h, 2, "Schema ids");
		explain_schemas(&text, v);
		paragraph(&h, &text);
	}
	listed(&h, "What else moved then", json_object_get(v, "also_moved"), explain_moved);
	listed(&h, "What happened around the time it was told", json_object_get(v, "events"), explain_event);
	listed(&h, "To look further", json_object_get(page, "commands"), explain_command);
	return html_finish(&h);
}
