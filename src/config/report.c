// SPDX-License-Identifier: Apache-2.0
#include "config/report.h"

#include <string.h>

#include "util/clock.h"

static size_t count(const struct config_problems *p, bool warnings)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		n += p->items[i].warning == warnings;
	return n;
}

void problems_text(const struct config_problems *p, struct buf *out)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct config_problem *q = &p->items[i];
		buf_adds(out, q->file);
		if (q->line)
			buf_addf(out, ":%d", q->line);
		buf_addf(out, ": %s: %s\n", q->warning ? "warning" : "error", q->text);
	}
}

static void add_stream(const struct stream_conf *s, struct buf *out)
{
	char window[32], slide[32], text[32];

	if (s->baseline_previous_ms)
		duration_format(s->baseline_previous_ms, text, sizeof text);
	buf_addf(out, "  %s: %s%s%s as %s, window %s every %s, by %s, %s%s\n", s->name, s->is_regex ? "/" : "",
		 s->topic, s->is_regex ? "/" : "", role_names[s->role],
		 duration_format(s->window_ms, window, sizeof window),
		 duration_format(s->slide_ms, slide, sizeof slide),
		 s->event_time ? s->event_time : "the Kafka timestamp",
		 s->baseline_previous_ms ? "beside the same window earlier by " : "",
		 s->baseline_previous_ms ? text : s->baseline ? s->baseline : "no baseline");
}

static void add_tier(const struct config *c, enum tier t, struct buf *out)
{
	size_t n = 0;

	buf_addf(out, "%s:", tier_names[t]);
	for (size_t i = 0; i < c->nrules; i++)
		if (c->rules[i].tier == t)
			buf_addf(out, "%s %s", n++ ? "," : "", c->rules[i].name);
	buf_adds(out, n ? " -> " : " no rules -> ");
	for (size_t i = 0; i < c->nroutes[t]; i++)
		buf_addf(out, "%s%s", i ? ", " : "", c->routes[t][i]);
	buf_adds(out, c->nroutes[t] ? "\n" : "nobody\n");
}

void report_text(const struct config *c, const struct config_problems *p, struct buf *out)
{
	size_t errors = count(p, false), warnings = count(p, true);

	if (!c) {
		buf_addf(out, "%zu error%s, %zu warning%s: nothing would run\n", errors,
			 errors == 1 ? "" : "s", warnings, warnings == 1 ? "" : "s");
		return;
	}
	buf_addf(out, "streams:\n");
	for (size_t i = 0; i < c->nstreams; i++)
		add_stream(&c->streams[i], out);
	for (int t = 0; t < TIERS; t++)
		add_tier(c, (enum tier)t, out);
	buf_addf(out, "%s is good", c->path);
	if (warnings)
		buf_addf(out, ", with %zu warning%s", warnings, warnings == 1 ? "" : "s");
	buf_addc(out, '\n');
}

static json_t *problems_json(const struct config_problems *p)
{
	json_t *list = json_array();

	for (size_t i = 0; i < p->n; i++) {
		const struct config_problem *q = &p->items[i];
		json_t *v = json_object();
		json_object_set_new(v, "file", json_str(q->file));
		json_object_set_new(v, "line", q->line ? json_integer(q->line) : json_null());
		json_object_set_new(v, "severity", json_str(q->warning ? "warning" : "error"));
		json_object_set_new(v, "text", json_str(q->text));
		json_array_append_new(list, v);
	}
	return list;
}

static json_t *streams_json(const struct config *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->nstreams; i++) {
		const struct stream_conf *s = &c->streams[i];
		char text[32];
		json_t *v = json_object();
		json_object_set_new(v, "name", json_str(s->name));
		json_object_set_new(v, "topic", json_str(s->topic));
		json_object_set_new(v, "regex", json_boolean(s->is_regex));
		json_object_set_new(v, "role", json_str(role_names[s->role]));
		json_object_set_new(v, "window", json_str(duration_format(s->window_ms, text, sizeof text)));
		json_object_set_new(v, "slide", json_str(duration_format(s->slide_ms, text, sizeof text)));
		json_object_set_new(v, "pane", json_str(duration_format(s->pane_ms, text, sizeof text)));
		json_object_set_new(v, "event_time", json_str(s->event_time));
		json_object_set_new(v, "baseline", json_str(s->baseline));
		if (s->baseline_previous_ms)
			json_object_set_new(v, "previous", json_str(duration_format(s->baseline_previous_ms, text, sizeof text)));
		json_object_set_new(v, "owner", json_str(s->owner));
		json_array_append_new(list, v);
	}
	return list;
}

static void add_threshold(json_t *v, const struct rule *r)
{
	char text[32];

	if (r->budget.firings)
		json_object_set_new(v, "budget", json_str(budget_format(&r->budget, text, sizeof text)));
	else if (r->chunks.kind)
		json_object_set_new(v, "above", json_pack("{s:{s:f}}", "chunks", r->chunks.kind == CHUNKS_STD ? "std" : "quantile",
							  r->chunks.at));
	else
		json_object_set_new(v, r->has_above ? "above" : "below", json_num(r->has_above ? r->above : r->below));
}

static json_t *rules_json(const struct config *c)
{
	json_t *tiers = json_object();

	for (int t = 0; t < TIERS; t++) {
		json_t *list = json_array();
		for (size_t i = 0; i < c->nrules; i++) {
			const struct rule *r = &c->rules[i];
			if (r->tier != (enum tier)t)
				continue;
			json_t *v = json_object();
			json_object_set_new(v, "alert", json_str(r->name));
			json_object_set_new(v, "stream", json_str(r->stream));
			json_object_set_new(v, "measure", json_str(r->measure->name));
			add_threshold(v, r);
			json_object_set_new(v, "file", json_str(r->file));
			json_object_set_new(v, "line", json_integer(r->line));
			json_object_set_new(v, "summary", json_str(r->summary));
			json_array_append_new(list, v);
		}
		json_object_set_new(tiers, tier_names[t], list);
	}
	return tiers;
}

static json_t *receivers_json(const struct config *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->nreceivers; i++) {
		json_t *v = json_object(), *tiers = json_array();
		json_object_set_new(v, "name", json_str(c->receivers[i].name));
		json_object_set_new(v, "type", json_str(c->receivers[i].type));
		for (int t = 0; t < TIERS; t++)
			for (size_t j = 0; j < c->nroutes[t]; j++)
				if (!strcmp(c->routes[t][j], c->receivers[i].name))
					json_array_append_new(tiers, json_str(tier_names[t]));
		json_object_set_new(v, "tiers", tiers);
		json_array_append_new(list, v);
	}
	return list;
}

json_t *report_json(const struct config *c, const struct config_problems *p)
{
	json_t *v = json_object();

	json_object_set_new(v, "ok", json_boolean(c != NULL));
	json_object_set_new(v, "errors", json_integer((json_int_t)count(p, false)));
	json_object_set_new(v, "warnings", json_integer((json_int_t)count(p, true)));
	json_object_set_new(v, "problems", problems_json(p));
	if (c) {
		json_object_set_new(v, "streams", streams_json(c));
		json_object_set_new(v, "rules", rules_json(c));
		json_object_set_new(v, "receivers", receivers_json(c));
	}
	return v;
}
