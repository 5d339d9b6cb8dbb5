// SPDX-License-Identifier: Apache-2.0
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "web/html.h"
#include "web/look.h"
#include "web/page.h"

enum { FIELDS_SHOWN = 60, HASH_SHOWN = 12 };

// The reading to show of a field: the worst state, and of equal ones that which is furthest beyond its
// limit, which the judge names. NULL where no rule looks at the field.
static const json_t *worst_reading(const json_t *field)
{
	const json_t *worst = json_object_get(field, "worst"), *r;
	size_t i;

	if (!json_is_object(worst))
		worst = NULL;
	json_array_foreach(json_object_get(field, "readings"), i,
			   r) if (!worst || look_of(r) < look_of(worst)) worst = r;
	return worst;
}

static enum look look_of_field(const json_t *field)
{
	const json_t *worst = worst_reading(field);

	return worst ? look_of(worst) : LOOK_NONE;
}

static void field_row(struct buf *out, const json_t *f)
{
	const json_t *worst = worst_reading(f);

	buf_adds(out, "<tr><td>");
	if (worst)
		look_state_badge(out, worst);
	else
		look_badge(out, LOOK_NONE, "no rule");
	buf_adds(out, "<td class=\"path\">");
	html_text(out, json_get_str(f, "path", "(no name)"));
	html_wrap(out, " <small class=\"type\">", json_get_str(f, "type", ""), "</small>");
	if (!worst) {
		buf_adds(out, "<td><td class=\"num\"><td class=\"num\"><td></tr>\n");
		return;
	}
	const char *reading = json_get_str(worst, "reading", "known");
	buf_adds(out, "<td>");
	html_text(out, json_get_str(worst, "measure", ""));
	if (strcmp(reading, "known") != 0) {
		buf_adds(out, "<small>");
		html_words(out, reading);
		buf_adds(out, "</small>");
	}
	html_wrap(out, "<small>", json_get_str(worst, "slice", ""), "</small>");
	buf_adds(out, "<td class=\"num\">");
	html_number(out, json_object_get(worst, "value"));
	buf_adds(out, "<td class=\"num\">");
	html_number(out, json_object_get(worst, "threshold"));
	buf_adds(out, "<td class=\"rule\">");
	html_text(out, json_get_str(worst, "rule", ""));
	buf_adds(out, "</tr>\n");
}

static void field_table(struct buf *out, const json_t *fields)
{
	size_t n = json_array_size(fields);

	if (!n)
		return;
	struct ranked *ranked = look_rank(fields, look_of_field);
	buf_adds(out,
		 "<div class=\"wide\"><table class=\"fields\"><thead><tr><th>state<th>field<th>worst measure"
		 "<th class=\"num\">value<th class=\"num\">threshold<th>rule</thead><tbody>\n");
	size_t shown = 0;
	for (; shown < n && (shown < FIELDS_SHOWN || ranked[shown].look < LOOK_OK); shown++)
		field_row(out, ranked[shown].item);
	buf_adds(out, "</tbody></table></div>");
	if (shown < n)
		buf_addf(out,
			 "<p class=\"none\">and %zu more fields where nothing is wrong, in <a "
			 "href=\"/api/v1/status\">"
			 "/api/v1/status</a></p>",
			 n - shown);
	free(ranked);
}

static void violations(struct buf *out, const json_t *window)
{
	const char *kind;
	json_t *n;
	bool any = false;

	json_object_foreach(json_object_get(window, "violations"), kind, n)
	{
		if (json_integer_value(n) <= 0)
			continue;
		buf_adds(out, any ? ", " : " <small>");
		html_text(out, kind);
		buf_adds(out, " ");
		html_count(out, json_integer_value(n));
		any = true;
	}
	if (any)
		buf_adds(out, "</small>");
}

static void watermark(struct buf *out, const json_t *stream, int64_t clock)
{
	int64_t mark = html_time(stream, "watermark");

	if (mark == INT64_MIN)
		buf_adds(out, "none yet");
	else if (clock == INT64_MIN)
		html_moment(out, "", mark, "");
	else
		html_age(out, clock - mark);
}

// Records that are counted and not judged, where there are any.
static void unread(struct buf *out, const char *name, const char *why, int64_t n)
{
	if (!n)
		return;
	buf_addf(out, "<div><dt>%s</dt><dd>", name);
	html_count(out, n);
	buf_addf(out, "<small>%s</small></dd></div>", why);
}

static void window_facts(struct buf *out, const json_t *window)
{
	if (!json_is_object(window)) {
		buf_adds(out, "<div><dt>records in the last window</dt><dd>no window yet</dd></div>");
		return;
	}
	buf_adds(out, "<div><dt>records in the last window</dt><dd>");
	html_count(out, json_get_int(window, "records", 0));
	html_moment(out, "<small>to ", html_time(window, "to"), "</small>");
	buf_adds(out, "</dd></div><div><dt>violating</dt><dd>");
	html_ratio(out, json_get_num(window, "violating_records", 0), json_get_num(window, "records", 0));
	violations(out, window);
	buf_adds(out, "</dd></div>");
	unread(out, "opaque", "encrypted: counted, not judged", json_get_int(window, "opaque", 0));
	unread(out, "unsupported", "their schema uses what kdrift does not read", json_get_int(window, "unsupported", 0));
}

// Rules in the writers' schemas that nobody judges must not look like rules that hold.
static void unjudged(struct buf *out, const json_t *rules)
{
	const json_t *r;
	size_t i;

	if (!json_array_size(rules))
		return;
	buf_adds(out, "<p class=\"reason\">rules of the schema that are not judged: ");
	json_array_foreach(rules, i, r) {
		html_wrap(out, i ? ", <code>" : "<code>", json_get_str(r, "name", ""), "</code>");
		html_wrap(out, " (", json_get_str(r, "reason", ""), ")");
	}
	buf_adds(out, "</p>");
}

static void baseline(struct buf *out, const char *hash, const char *previous)
{
	char shown[HASH_SHOWN + 1];

	if (!*hash) {
		buf_adds(out, *previous ? "the window " : "none");
		html_wrap(out, "", previous, " earlier");
		return;
	}
	snprintf(shown, sizeof shown, "%s", hash);
	buf_adds(out, "<a href=\"/api/v1/baselines/");
	html_text(out, hash);
	buf_adds(out, "\" title=\"");
	html_text(out, hash);
	buf_adds(out, "\">");
	html_text(out, shown);
	buf_adds(out, "</a>");
}

static void stream(struct buf *out, const json_t *s, int64_t clock)
{
	buf_addf(out, "<article class=\"%s\"><header><h3>", looks[look_of(s)].class);
	html_text(out, json_get_str(s, "name", "(no name)"));
	buf_adds(out, "</h3>");
	look_state_badge(out, s);
	html_wrap(out, "<span class=\"meta\">", json_get_str(s, "role", ""), "</span>");
	html_wrap(out, "<span class=\"meta\">topic <code>", json_get_str(s, "topic", ""), "</code></span>");
	html_wrap(out, "<span class=\"meta\">owner ", json_get_str(s, "owner", ""), "</span>");
	buf_adds(out, "</header>");
	html_wrap(out, "<p class=\"reason\">", json_get_str(s, "reason", ""), "</p>");
	unjudged(out, json_object_get(s, "unsupported_rules"));
	buf_adds(out, "<dl>");
	window_facts(out, json_object_get(s, "window"));
	buf_adds(out, "<div><dt>watermark age</dt><dd>");
	watermark(out, s, clock);
	buf_adds(out, "</dd></div><div><dt>baseline</dt><dd>");
	baseline(out, json_get_str(s, "baseline", ""), json_get_str(s, "previous", ""));
	buf_adds(out, "</dd></div></dl>");
	field_table(out, json_object_get(s, "fields"));
	buf_adds(out, "</article>\n");
}

void page_streams(struct buf *out, const json_t *streams, int64_t clock)
{
	struct ranked *ranked = look_rank(streams, look_of);

	buf_adds(out, "<h2>Streams</h2>\n");
	for (size_t i = 0; i < json_array_size(streams); i++)
		stream(out, ranked[i].item, clock);
	if (!json_array_size(streams))
		buf_adds(out, "<p class=\"none\">none judged yet</p>\n");
	free(ranked);
}
