// SPDX-License-Identifier: Apache-2.0
#include "web/page.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "util/xalloc.h"
#include "web/html.h"
#include "web/look.h"

enum { ROWS_SHOWN = 50 };

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
	int64_t clock; // INT64_MIN: not told
	size_t looks_of_streams[LOOKS], looks_of_alerts[LOOKS];
	size_t firing[TIER_ROWS];
};

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

	json_array_foreach(p->streams, i, v) p->looks_of_streams[look_of(v)]++;
	json_array_foreach(p->alerts, i, v)
	{
		p->looks_of_alerts[look_of(v)]++;
		if (look_of(v) == LOOK_FIRING && !json_get_str(v, "follows", NULL)) // its cause counts
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
		buf_addf(say, "%s%zu of %zu stream%s cannot be judged", urgent ? "; " : "", unknown, n,
			 plural(n));
	else if (p->looks_of_alerts[LOOK_UNKNOWN])
		buf_addf(say, "%s%zu alert%s cannot tell", urgent ? "; " : "",
			 p->looks_of_alerts[LOOK_UNKNOWN], plural(p->looks_of_alerts[LOOK_UNKNOWN]));
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
		 json_is_true(v)    ? yes
		 : json_is_false(v) ? no
				    : "not known");
}

static void number_fact(struct page *p, const char *name, int64_t n, bool bad)
{
	buf_addf(p->out, "<li class=\"%s\">%s <b>", bad ? "bad" : "", name);
	html_count(p->out, n);
	buf_adds(p->out, "</b></li>");
}

static void verdict(struct page *p, const json_t *status)
{
	struct buf say = BUF_INIT;
	enum look look = headline(p, status, &say);

	buf_addf(p->out, "<section class=\"verdict %s\"><p><i aria-hidden=\"true\">%s</i> %s</p><ul>",
		 looks[look].class, looks[look].mark, say.data);
	buf_release(&say);
	for (size_t t = 0; t < TIER_ROWS; t++)
		number_fact(p, tiers[t].name, (int64_t)p->firing[t], false);
	number_fact(p, "streams", (int64_t)json_array_size(p->streams), false);
	number_fact(p, "unknown", (int64_t)p->looks_of_streams[LOOK_UNKNOWN],
		    p->looks_of_streams[LOOK_UNKNOWN] > 0);
	fact(p, status, "store_up", "Redis", "up", "away");
	fact(p, status, "registry_up", "registry", "up", "away");
	const json_t *leader = json_object_get(status, "leader");
	if (json_is_boolean(leader))
		buf_addf(p->out, "<li>this process <b>%s</b></li>",
			 json_is_true(leader) ? "leads" : "stands by");
	if (json_object_get(status, "outbox"))
		number_fact(p, "messages owed", json_get_int(status, "outbox", 0), false);
	if (json_get_int(status, "dead_deliveries", 0) > 0)
		number_fact(p, "messages refused for good", json_get_int(status, "dead_deliveries", 0), true);
	buf_adds(p->out, "</ul>");
	html_wrap(p->out, "<p class=\"trouble\">", json_get_str(status, "trouble", ""), "</p>");
	if (!json_is_true(json_object_get(status, "registry_up")))
		html_wrap(p->out, "<p class=\"trouble\">", json_get_str(status, "registry_error", ""),
			  "</p>");
	if (json_is_true(json_object_get(status, "behind")))
		buf_adds(p->out, "<p class=\"trouble\">the judge is behind: what stands below is older than "
				 "the data</p>");
	buf_adds(p->out, "</section>\n");
}

// --- alerts -------------------------------------------------------------------------------------------

static void since(struct page *p, const json_t *alert)
{
	int64_t ms = html_time(alert, "since");

	if (ms != INT64_MIN && p->clock != INT64_MIN)
		html_age(p->out, p->clock - ms);
	html_moment(p->out, "<small>since ", ms, "</small>");
}

// A link only where it leads to a page: the text comes from a rules file.
static void runbook(struct page *p, const char *url)
{
	if (strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0) {
		html_wrap(p->out, "<small>runbook ", url, "</small>");
		return;
	}
	html_wrap(p->out, "<small><a rel=\"noreferrer\" href=\"", url, "\">runbook</a></small>");
}

// The name of the alert whose page tells of this one; "" for one that has a page of its own.
static const char *cause_of(const struct page *p, const json_t *alert)
{
	const char *page = json_get_str(alert, "follows", NULL);
	const json_t *v;
	size_t i;

	if (!page)
		return "";
	json_array_foreach(p->alerts, i, v) if (!strcmp(json_get_str(v, "page", ""), page)) return json_get_str(v, "alert", "");
	return page;
}

static void alert_row(struct page *p, const json_t *a)
{
	const char *why = json_get_str(a, "why", "");

	buf_adds(p->out, "<tr><td>");
	look_state_badge(p->out, a);
	buf_adds(p->out, "<td><b>");
	html_text(p->out, json_get_str(a, "alert", "(no name)"));
	buf_adds(p->out, "</b><small>");
	html_text(p->out, json_get_str(a, "measure", ""));
	buf_adds(p->out, *why ? ": cannot tell, " : "");
	html_words(p->out, why);
	html_wrap(p->out, "; follows from ", cause_of(p, a), "");
	html_wrap(p->out, "; owner ", json_get_str(a, "owner", ""), "");
	buf_adds(p->out, "</small>");
	runbook(p, json_get_str(a, "runbook", ""));
	buf_adds(p->out, "<td>");
	html_text(p->out, json_get_str(a, "stream", ""));
	html_wrap(p->out, " <span class=\"sep\">/</span> ", json_get_str(a, "field", ""), "");
	html_wrap(p->out, "<small>", json_get_str(a, "slice", ""), "</small>");
	buf_adds(p->out, "<td class=\"num\">");
	html_number(p->out, json_object_get(a, "value"));
	buf_adds(p->out, "<td class=\"num\">");
	html_number(p->out, json_object_get(a, "threshold"));
	buf_adds(p->out, "<td class=\"for\">");
	since(p, a);
	buf_adds(p->out, "</tr>\n");
}

static void tier_table(struct page *p, size_t tier, const struct ranked *ranked, size_t n)
{
	size_t rows = 0;

	buf_addf(p->out, "<section class=\"tier\"><h3>%s <small>%s", tiers[tier].name, tiers[tier].about);
	html_moment(p->out, ", next ", html_time(json_object_get(p->digests, tiers[tier].name), "next"), "");
	buf_adds(p->out, "</small></h3>");
	for (size_t i = 0; i < n; i++) {
		if (ranked[i].look == LOOK_OK || tier_of(ranked[i].item) != tier)
			continue;
		if (!rows)
			buf_adds(
				p->out,
				"<div class=\"wide\"><table "
				"class=\"alerts\"><thead><tr><th>state<th>alert<th>stream / field"
				"<th class=\"num\">value<th class=\"num\">threshold<th>for</thead><tbody>\n");
		if (rows++ < ROWS_SHOWN)
			alert_row(p, ranked[i].item);
	}
	buf_adds(p->out, rows ? "</tbody></table></div>" : "<p class=\"none\">nothing</p>");
	if (rows > ROWS_SHOWN)
		buf_addf(
			p->out,
			"<p class=\"none\">and %zu more in <a href=\"/api/v1/alerts\">/api/v1/alerts</a></p>",
			rows - ROWS_SHOWN);
	buf_adds(p->out, "</section>\n");
}

static void alerts(struct page *p)
{
	struct ranked *ranked = look_rank(p->alerts, look_of);

	buf_adds(p->out, "<h2>Alerts</h2>\n");
	for (size_t t = 0; t < TIER_ROWS; t++)
		tier_table(p, t, ranked, json_array_size(p->alerts));
	free(ranked);
}

void page_render(struct buf *out, const json_t *status)
{
	struct page p = {
		.out = out,
		.streams = json_object_get(status, "streams"),
		.alerts = json_object_get(status, "alerts"),
		.digests = json_object_get(status, "digests"),
		.clock = html_time(status, "clock"),
	};

	count(&p);
	size_t urgent = p.firing[0];
	buf_adds(out, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta "
		      "http-equiv=\"refresh\" content=\"5\">"
		      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
		      "<meta name=\"color-scheme\" content=\"light dark\"><title>");
	if (urgent)
		buf_addf(out, "(%zu) ", urgent);
	buf_adds(out, "kdrift</title><style>");
	buf_adds(out, page_style);
	buf_adds(out, "</style></head>\n<body><header class=\"top\"><h1>kdrift</h1>");
	html_wrap(out, "<span>", json_get_str(status, "version", ""), "</span>");
	html_moment(out, "<span class=\"clock\">as of ", p.clock, "</span>");
	buf_adds(out, "</header><main>\n");
	verdict(&p, status);
	alerts(&p);
	page_streams(out, p.streams, p.clock);
	buf_adds(out, "</main><footer><a href=\"/api/v1/status\">status as JSON</a> <a "
		      "href=\"/api/v1/alerts\">alerts as JSON</a> "
		      "<a href=\"/metrics\">metrics</a></footer></body></html>\n");
}
