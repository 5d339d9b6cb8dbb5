// SPDX-License-Identifier: Apache-2.0
#include "web/page.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/clock.h"
#include "util/xalloc.h"
#include "web/html.h"

enum { ROWS_SHOWN = 50, FIELDS_SHOWN = 60, HASH_SHOWN = 12 };

enum look { LOOK_FIRING, LOOK_UNKNOWN, LOOK_PENDING, LOOK_OK, LOOK_NONE, LOOKS }; // the worst first

static const struct {
	const char *class, *mark;
} looks[LOOKS] = {
	[LOOK_FIRING] = {"firing", "&#9650;"},
	[LOOK_UNKNOWN] = {"unknown", "?"},
	[LOOK_PENDING] = {"pending", "&#9670;"},
	[LOOK_OK] = {"ok", "&#9679;"},
	[LOOK_NONE] = {"none", "&#8211;"},
};

static const struct {
	const char *name, *about;
} tiers[] = {
	{"immediate", "a model is broken: wakes someone"},
	{"daily", "quality: goes into the daily digest"},
	{"weekly", "drift: goes into the weekly digest"},
};

enum { TIER_ROWS = ARRAY_LEN(tiers) };

struct page {
	struct buf *out;
	const json_t *streams, *alerts, *digests;
	int64_t clock;                 // INT64_MIN: not told
	size_t looks_of_streams[LOOKS], looks_of_alerts[LOOKS];
	size_t firing[TIER_ROWS];
};

// Of a stream, an alert or a reading. Whatever is not known to be good is unknown.
static enum look look_of(const json_t *thing)
{
	static const struct {
		const char *state;
		enum look look;
	} states[] = {
		{"firing", LOOK_FIRING}, {"alerting", LOOK_FIRING}, {"pending", LOOK_PENDING},
		{"ok", LOOK_OK},	 {"healthy", LOOK_OK},	    {"resolved", LOOK_OK},
	};
	const char *state = json_get_str(thing, "state", "");

	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		if (!strcmp(states[i].state, state))
			return states[i].look;
	return LOOK_UNKNOWN;
}

static int64_t time_of(const json_t *obj, const char *key)
{
	int64_t ms;

	return time_parse(json_get_str(obj, key, ""), &ms) < 0 ? INT64_MIN : ms;
}

static void add(struct page *p, const char *markup)
{
	buf_adds(p->out, markup);
}

static void text(struct page *p, const char *s)
{
	html_text(p->out, s);
}

// before, the escaped text, after; nothing at all for an empty text.
static void wrap(struct page *p, const char *before, const char *s, const char *after)
{
	if (!*s)
		return;
	add(p, before);
	text(p, s);
	add(p, after);
}

// "2026-11-21T03:04:00Z" to the second and with a space; nothing for what is no time.
static void moment(struct page *p, const char *before, int64_t ms, const char *after)
{
	char when[40];

	if (ms == INT64_MIN)
		return;
	time_format(time_floor(ms, 1000), when, sizeof when);
	char *t = strchr(when, 'T');
	if (t)
		*t = ' ';
	wrap(p, before, when, after);
}

// Names as the status has them, with spaces for people: "no_data".
static void words(struct page *p, const char *s)
{
	for (; *s; s++)
		text(p, *s == '_' ? " " : (const char[]){*s, 0});
}

static void badge(struct page *p, enum look look, const char *state)
{
	buf_addf(p->out, "<span class=\"badge %s\"><i aria-hidden=\"true\">%s</i> ", looks[look].class, looks[look].mark);
	words(p, state);
	add(p, "</span>");
}

static void state_badge(struct page *p, const json_t *thing)
{
	badge(p, look_of(thing), json_get_str(thing, "state", "unknown"));
}

// --- order: the worst first, else as given ------------------------------------------------------------

struct ranked {
	const json_t *item;
	enum look look;
	size_t index;
};

static int by_look(const void *va, const void *vb)
{
	const struct ranked *a = va, *b = vb;
	int d = (int)a->look - (int)b->look;

	return d ? d : (a->index > b->index) - (a->index < b->index);
}

static struct ranked *rank(const json_t *array, enum look (*look)(const json_t *item))
{
	size_t n = json_array_size(array);
	struct ranked *r = xcalloc(n + 1, sizeof *r);

	for (size_t i = 0; i < n; i++)
		r[i] = (struct ranked){json_array_get(array, i), look(json_array_get(array, i)), i};
	qsort(r, n, sizeof *r, by_look);
	return r;
}

// --- the verdict --------------------------------------------------------------------------------------

static size_t tier_of(const json_t *alert)
{
	const char *name = json_get_str(alert, "tier", "");

	for (size_t t = 0; t < TIER_ROWS; t++)
		if (!strcmp(tiers[t].name, name))
			return t;
	return 0; // better too loud than lost
}

static void count(struct page *p)
{
	const json_t *v;
	size_t i;

	json_array_foreach(p->streams, i, v)
		p->looks_of_streams[look_of(v)]++;
	json_array_foreach(p->alerts, i, v) {
		p->looks_of_alerts[look_of(v)]++;
		if (look_of(v) == LOOK_FIRING)
			p->firing[tier_of(v)]++;
	}
}

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

static enum look headline(const struct page *p, const json_t *status, struct buf *say)
{
	size_t n = json_array_size(p->streams), urgent = p->firing[0], later = p->firing[1] + p->firing[2];
	size_t unknown = p->looks_of_streams[LOOK_UNKNOWN];

	if (json_is_false(json_object_get(status, "store_up"))) {
		buf_adds(say, "Blind: Redis does not answer. What stands below is old.");
		return LOOK_UNKNOWN;
	}
	if (!n) {
		buf_adds(say, "Nothing is known yet: no stream has been judged.");
		return LOOK_UNKNOWN;
	}
	if (urgent)
		buf_addf(say, "%zu immediate alert%s firing", urgent, plural(urgent));
	if (unknown)
		buf_addf(say, "%s%zu of %zu stream%s cannot be judged", urgent ? "; " : "", unknown, n, plural(n));
	else if (p->looks_of_alerts[LOOK_UNKNOWN])
		buf_addf(say, "%s%zu alert%s cannot tell", urgent ? "; " : "", p->looks_of_alerts[LOOK_UNKNOWN],
			 plural(p->looks_of_alerts[LOOK_UNKNOWN]));
	if (say->len)
		return urgent ? LOOK_FIRING : LOOK_UNKNOWN;
	if (later) {
		buf_addf(say, "Nothing urgent. %zu finding%s for the digests", later, plural(later));
		return LOOK_PENDING;
	}
	if (p->looks_of_streams[LOOK_FIRING]) {
		buf_addf(say, "%zu of %zu stream%s firing", p->looks_of_streams[LOOK_FIRING], n, plural(n));
		return LOOK_FIRING;
	}
	if (p->looks_of_streams[LOOK_PENDING] || p->looks_of_alerts[LOOK_PENDING]) {
		buf_adds(say, "Nothing fires yet, but something is pending");
		return LOOK_PENDING;
	}
	buf_addf(say, "Nothing fires. %zu stream%s judged", n, plural(n));
	return LOOK_OK;
}

static void fact(struct page *p, const json_t *status, const char *key, const char *name, const char *yes,
		 const char *no)
{
	const json_t *v = json_object_get(status, key);

	buf_addf(p->out, "<li class=\"%s\">%s <b>%s</b></li>", json_is_true(v) ? "" : "bad", name,
		 json_is_true(v) ? yes : json_is_false(v) ? no : "not known");
}

static void number_fact(struct page *p, const char *name, int64_t n, bool bad)
{
	buf_addf(p->out, "<li class=\"%s\">%s <b>", bad ? "bad" : "", name);
	html_count(p->out, n);
	add(p, "</b></li>");
}

static void verdict(struct page *p, const json_t *status)
{
	struct buf say = BUF_INIT;
	enum look look = headline(p, status, &say);

	buf_addf(p->out, "<section class=\"verdict %s\"><p><i aria-hidden=\"true\">%s</i> %s</p><ul>", looks[look].class,
		 looks[look].mark, say.data);
	buf_release(&say);
	for (size_t t = 0; t < TIER_ROWS; t++)
		number_fact(p, tiers[t].name, (int64_t)p->firing[t], false);
	number_fact(p, "streams", (int64_t)json_array_size(p->streams), false);
	number_fact(p, "unknown", (int64_t)p->looks_of_streams[LOOK_UNKNOWN], p->looks_of_streams[LOOK_UNKNOWN] > 0);
	fact(p, status, "store_up", "Redis", "up", "away");
	fact(p, status, "registry_up", "registry", "up", "away");
	const json_t *leader = json_object_get(status, "leader");
	if (json_is_boolean(leader))
		buf_addf(p->out, "<li>this process <b>%s</b></li>", json_is_true(leader) ? "leads" : "stands by");
	if (json_object_get(status, "outbox"))
		number_fact(p, "messages owed", json_get_int(status, "outbox", 0), false);
	if (json_get_int(status, "dead_deliveries", 0) > 0)
		number_fact(p, "messages refused for good", json_get_int(status, "dead_deliveries", 0), true);
	add(p, "</ul>");
	wrap(p, "<p class=\"trouble\">", json_get_str(status, "trouble", ""), "</p>");
	if (!json_is_true(json_object_get(status, "registry_up")))
		wrap(p, "<p class=\"trouble\">", json_get_str(status, "registry_error", ""), "</p>");
	if (json_is_true(json_object_get(status, "behind")))
		add(p, "<p class=\"trouble\">the judge is behind: what stands below is older than the data</p>");
	add(p, "</section>\n");
}

// --- alerts -------------------------------------------------------------------------------------------

static void since(struct page *p, const json_t *alert)
{
	int64_t ms = time_of(alert, "since");

	if (ms != INT64_MIN && p->clock != INT64_MIN)
		html_age(p->out, p->clock - ms);
	moment(p, "<small>since ", ms, "</small>");
}

// A link only where it leads to a page: the text comes from a rules file.
static void runbook(struct page *p, const char *url)
{
	if (strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0) {
		wrap(p, "<small>runbook ", url, "</small>");
		return;
	}
	wrap(p, "<small><a rel=\"noreferrer\" href=\"", url, "\">runbook</a></small>");
}

static void alert_row(struct page *p, const json_t *a)
{
	const char *why = json_get_str(a, "why", "");

	add(p, "<tr><td>");
	state_badge(p, a);
	add(p, "<td><b>");
	text(p, json_get_str(a, "alert", "(no name)"));
	add(p, "</b><small>");
	text(p, json_get_str(a, "measure", ""));
	add(p, *why ? ": cannot tell, " : "");
	words(p, why);
	add(p, "</small>");
	wrap(p, "<small>owner ", json_get_str(a, "owner", ""), "</small>");
	runbook(p, json_get_str(a, "runbook", ""));
	add(p, "<td>");
	text(p, json_get_str(a, "stream", ""));
	wrap(p, " <span class=\"sep\">/</span> ", json_get_str(a, "field", ""), "");
	wrap(p, "<small>", json_get_str(a, "slice", ""), "</small>");
	add(p, "<td class=\"num\">");
	html_number(p->out, json_object_get(a, "value"));
	add(p, "<td class=\"num\">");
	html_number(p->out, json_object_get(a, "threshold"));
	add(p, "<td class=\"for\">");
	since(p, a);
	add(p, "</tr>\n");
}

static void tier_table(struct page *p, size_t tier, const struct ranked *ranked, size_t n)
{
	size_t rows = 0;

	buf_addf(p->out, "<section class=\"tier\"><h3>%s <small>%s", tiers[tier].name, tiers[tier].about);
	moment(p, ", next ", time_of(json_object_get(p->digests, tiers[tier].name), "next"), "");
	add(p, "</small></h3>");
	for (size_t i = 0; i < n; i++) {
		if (ranked[i].look == LOOK_OK || tier_of(ranked[i].item) != tier)
			continue;
		if (!rows)
			add(p, "<div class=\"wide\"><table class=\"alerts\"><thead><tr><th>state<th>alert<th>stream / field"
			       "<th class=\"num\">value<th class=\"num\">threshold<th>for</thead><tbody>\n");
		if (rows++ < ROWS_SHOWN)
			alert_row(p, ranked[i].item);
	}
	add(p, rows ? "</tbody></table></div>" : "<p class=\"none\">nothing</p>");
	if (rows > ROWS_SHOWN)
		buf_addf(p->out, "<p class=\"none\">and %zu more in <a href=\"/api/v1/alerts\">/api/v1/alerts</a></p>",
			 rows - ROWS_SHOWN);
	add(p, "</section>\n");
}

static void alerts(struct page *p)
{
	struct ranked *ranked = rank(p->alerts, look_of);

	add(p, "<h2>Alerts</h2>\n");
	for (size_t t = 0; t < TIER_ROWS; t++)
		tier_table(p, t, ranked, json_array_size(p->alerts));
	free(ranked);
}

// --- streams ------------------------------------------------------------------------------------------

// The reading to show of a field: the worst state, and of equal ones that which is furthest beyond its
// limit, which the judge names. NULL where no rule looks at the field.
static const json_t *worst_reading(const json_t *field)
{
	const json_t *worst = json_object_get(field, "worst"), *r;
	size_t i;

	if (!json_is_object(worst))
		worst = NULL;
	json_array_foreach(json_object_get(field, "readings"), i, r)
		if (!worst || look_of(r) < look_of(worst))
			worst = r;
	return worst;
}

static enum look look_of_field(const json_t *field)
{
	const json_t *worst = worst_reading(field);

	return worst ? look_of(worst) : LOOK_NONE;
}

static void field_row(struct page *p, const json_t *f)
{
	const json_t *worst = worst_reading(f);

	add(p, "<tr><td>");
	if (worst)
		state_badge(p, worst);
	else
		badge(p, LOOK_NONE, "no rule");
	add(p, "<td class=\"path\">");
	text(p, json_get_str(f, "path", "(no name)"));
	wrap(p, " <small class=\"type\">", json_get_str(f, "type", ""), "</small>");
	if (!worst) {
		add(p, "<td><td class=\"num\"><td class=\"num\"><td></tr>\n");
		return;
	}
	const char *reading = json_get_str(worst, "reading", "known");
	add(p, "<td>");
	text(p, json_get_str(worst, "measure", ""));
	if (strcmp(reading, "known") != 0) {
		add(p, "<small>");
		words(p, reading);
		add(p, "</small>");
	}
	wrap(p, "<small>", json_get_str(worst, "slice", ""), "</small>");
	add(p, "<td class=\"num\">");
	html_number(p->out, json_object_get(worst, "value"));
	add(p, "<td class=\"num\">");
	html_number(p->out, json_object_get(worst, "threshold"));
	add(p, "<td class=\"rule\">");
	text(p, json_get_str(worst, "rule", ""));
	add(p, "</tr>\n");
}

static void field_table(struct page *p, const json_t *fields)
{
	size_t n = json_array_size(fields);

	if (!n)
		return;
	struct ranked *ranked = rank(fields, look_of_field);
	add(p, "<div class=\"wide\"><table class=\"fields\"><thead><tr><th>state<th>field<th>worst measure"
	       "<th class=\"num\">value<th class=\"num\">threshold<th>rule</thead><tbody>\n");
	size_t shown = 0;
	for (; shown < n && (shown < FIELDS_SHOWN || ranked[shown].look < LOOK_OK); shown++)
		field_row(p, ranked[shown].item);
	add(p, "</tbody></table></div>");
	if (shown < n)
		buf_addf(p->out, "<p class=\"none\">and %zu more fields where nothing is wrong, in <a href=\"/api/v1/status\">"
				 "/api/v1/status</a></p>",
			 n - shown);
	free(ranked);
}

static void violations(struct page *p, const json_t *window)
{
	const char *kind;
	json_t *n;
	bool any = false;

	json_object_foreach(json_object_get(window, "violations"), kind, n) {
		if (json_integer_value(n) <= 0)
			continue;
		add(p, any ? ", " : " <small>");
		text(p, kind);
		add(p, " ");
		html_count(p->out, json_integer_value(n));
		any = true;
	}
	if (any)
		add(p, "</small>");
}

static void watermark(struct page *p, const json_t *stream)
{
	int64_t mark = time_of(stream, "watermark");

	if (mark == INT64_MIN)
		add(p, "none yet");
	else if (p->clock == INT64_MIN)
		moment(p, "", mark, "");
	else
		html_age(p->out, p->clock - mark);
}

static void window_facts(struct page *p, const json_t *window)
{
	if (!json_is_object(window)) {
		add(p, "<div><dt>records in the last window</dt><dd>no window yet</dd></div>");
		return;
	}
	add(p, "<div><dt>records in the last window</dt><dd>");
	html_count(p->out, json_get_int(window, "records", 0));
	moment(p, "<small>to ", time_of(window, "to"), "</small>");
	add(p, "</dd></div><div><dt>violating</dt><dd>");
	html_ratio(p->out, json_get_num(window, "violating_records", 0), json_get_num(window, "records", 0));
	violations(p, window);
	add(p, "</dd></div>");
}

static void stream(struct page *p, const json_t *s)
{
	buf_addf(p->out, "<article class=\"%s\"><header><h3>", looks[look_of(s)].class);
	text(p, json_get_str(s, "name", "(no name)"));
	add(p, "</h3>");
	state_badge(p, s);
	wrap(p, "<span class=\"meta\">", json_get_str(s, "role", ""), "</span>");
	wrap(p, "<span class=\"meta\">topic <code>", json_get_str(s, "topic", ""), "</code></span>");
	wrap(p, "<span class=\"meta\">owner ", json_get_str(s, "owner", ""), "</span>");
	add(p, "</header>");
	wrap(p, "<p class=\"reason\">", json_get_str(s, "reason", ""), "</p>");
	add(p, "<dl>");
	window_facts(p, json_object_get(s, "window"));
	add(p, "<div><dt>watermark age</dt><dd>");
	watermark(p, s);
	add(p, "</dd></div><div><dt>baseline</dt><dd>");
	add(p, "<span title=\"");
	text(p, json_get_str(s, "baseline", ""));
	add(p, "\">");
	char hash[HASH_SHOWN + 1];
	snprintf(hash, sizeof hash, "%.*s", HASH_SHOWN, json_get_str(s, "baseline", "none"));
	text(p, hash);
	add(p, "</span>");
	add(p, "</dd></div></dl>");
	field_table(p, json_object_get(s, "fields"));
	add(p, "</article>\n");
}

static void streams(struct page *p)
{
	struct ranked *ranked = rank(p->streams, look_of);

	add(p, "<h2>Streams</h2>\n");
	for (size_t i = 0; i < json_array_size(p->streams); i++)
		stream(p, ranked[i].item);
	if (!json_array_size(p->streams))
		add(p, "<p class=\"none\">none judged yet</p>\n");
	free(ranked);
}

void page_render(struct buf *out, const json_t *status)
{
	struct page p = {
		.out = out,
		.streams = json_object_get(status, "streams"),
		.alerts = json_object_get(status, "alerts"),
		.digests = json_object_get(status, "digests"),
		.clock = time_of(status, "clock"),
	};

	count(&p);
	size_t urgent = p.firing[0];
	add(&p, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta http-equiv=\"refresh\" content=\"5\">"
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
		"<meta name=\"color-scheme\" content=\"light dark\"><title>");
	if (urgent)
		buf_addf(out, "(%zu) ", urgent);
	add(&p, "kdrift</title><style>");
	add(&p, page_style);
	add(&p, "</style></head>\n<body><header class=\"top\"><h1>kdrift</h1>");
	wrap(&p, "<span>", json_get_str(status, "version", ""), "</span>");
	moment(&p, "<span class=\"clock\">as of ", p.clock, "</span>");
	add(&p, "</header><main>\n");
	verdict(&p, status);
	alerts(&p);
	streams(&p);
	add(&p, "</main><footer><a href=\"/api/v1/status\">status as JSON</a> <a href=\"/api/v1/alerts\">alerts as JSON</a> "
		"<a href=\"/metrics\">metrics</a></footer></body></html>\n");
}
