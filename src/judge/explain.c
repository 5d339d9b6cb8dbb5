// SPDX-License-Identifier: Apache-2.0
#include "judge/explain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "judge/explain_parts.h"
#include "judge/page.h"
#include "judge/threshold.h"
#include "util/xalloc.h"

enum {
	ITEMS = 5,		       // explained a page; the rest are listed
	AROUND_LEAST = 15 * 60 * 1000, // events so near in time are told, or within two windows
};

// --- finding the page ---------------------------------------------------------------------------------

struct finding {
	const char *id;
	json_t *page;
	int64_t fired_at;
};

// Of several incidents with one fingerprint the newest; of one incident what was said last.
static void consider(struct finding *f, json_t *page, int64_t at)
{
	bool same = !strcmp(json_get_str(page, "id", ""), f->id);

	if (!same && strcmp(json_get_str(page, "fingerprint", ""), f->id) != 0)
		return;
	if (f->page &&
	    strcmp(json_get_str(page, "starts_at", ""), json_get_str(f->page, "starts_at", "")) < 0)
		return;
	if (at != INT64_MIN &&
	    (!f->page || strcmp(json_get_str(page, "id", ""), json_get_str(f->page, "id", "")) != 0))
		f->fired_at = at;
	json_decref(f->page);
	f->page = json_incref(page);
}

static void see_event(void *arg, const char *text)
{
	json_t *event = json_parse(text, strlen(text), NULL), *page = json_object_get(event, "page");

	if (json_is_object(page))
		consider(arg, page, json_get_int(event, "at", INT64_MIN));
	json_decref(event);
}

static void see_doc(void *arg, const char *key, const char *text)
{
	json_t *doc = json_parse(text, strlen(text), NULL), *page = json_object_get(doc, "data");

	(void)key;
	if (json_is_object(page))
		consider(arg, page, INT64_MIN);
	json_decref(doc);
}

json_t *explain_find(const struct judge_port *port, const char *id, struct error *err)
{
	struct finding f = {id, NULL, INT64_MIN};
	json_t *out = NULL;

	if (!port->journal(port->ctx, 0, INT64_MAX, see_event, &f, err) &&
	    !port->docs(port->ctx, "page", see_doc, &f, err)) {
		if (f.page)
			out = json_pack("{s:O, s:o}", "page", f.page, "fired_at",
					f.fired_at == INT64_MIN ? json_null() : json_integer(f.fired_at));
		else
			error_set(err,
				  "no page %s: neither among those that are kept nor in the journal; "
				  "`kdrift alerts --all` lists the former",
				  id);
	}
	json_decref(f.page);
	return out;
}

// --- what the numbers stand on ------------------------------------------------------------------------

static const struct judge_stream *stream_named(const struct judge_conf *c, const char *name)
{
	for (size_t i = 0; i < c->nstreams; i++)
		if (!strcmp(c->streams[i].name, name))
			return &c->streams[i];
	return NULL;
}

// The rule as configured now. One that is configured no more is taken from what the page says of it.
static bool rule_of(const struct judge_conf *c, const struct judge_stream *s, const json_t *page,
		    const json_t *item, struct rule *out)
{
	const char *name = json_get_str(page, "alert", ""), *tier = json_get_str(page, "tier", "");
	const struct measure *m = measure_find(json_get_str(item, "measure", ""));
	double value = json_get_num(item, "value", NAN), limit = json_get_num(item, "threshold", NAN);

	for (size_t i = 0; i < c->nrules; i++) {
		const struct rule *r = &c->rules[i];
		bool here = rule_matches_stream(r, s->name, s->role) ||
			    (s->of && rule_matches_stream(r, s->of, s->role));
		if (here && !strcmp(r->name, name) && !strcmp(tier_names[r->tier], tier) && r->measure == m) {
			*out = *r;
			return true;
		}
	}
	*out = (struct rule){.name = (char *)(uintptr_t)name,
			     .measure = m,
			     .above = limit,
			     .below = limit,
			     .has_above = value > limit,
			     .has_below = !(value > limit)};
	return m != NULL;
}

static int first_of(struct ground *g, struct error *err)
{
	const struct judge_port *port = g->conf->port;
	struct interval_view *iv;
	size_t n;

	if (port->intervals(port->ctx, g->stream->name, INT64_MIN / 2, INT64_MAX / 2, &iv, &n, err))
		return -1;
	g->first = n ? iv[0].start : INT64_MAX;
	free(iv);
	return 0;
}

// By default, whatever the measure: what else moved is compared so, too.
static bool compares_earlier(const struct rule *r, const struct judge_stream *s)
{
	return r->against.kind == AGAINST_BASELINE && !s->baseline && s->previous_ms;
}

int ground_init(struct ground *g, const struct explain_conf *c, const struct judge_stream *s,
		const struct rule *r, int64_t length, struct error *err)
{
	const struct judge_stream *other =
	    r->against.kind == AGAINST_STREAM ? stream_named(c->judge, r->against.name) : NULL;

	*g = (struct ground){.conf = c, .stream = s, .rule = *r, .length = length};
	if (c->port->view(c->port->ctx, s->name, &g->view, err) || first_of(g, err))
		return -1;
	g->progress = progress_of(&g->view);
	g->histories = histories_new();
	g->reach =
	    SCAN_WINDOWS * s->window_ms < s->retention_ms ? SCAN_WINDOWS * s->window_ms : s->retention_ms;
	g->reach = g->reach > length ? g->reach : length;
	g->windows = windows_new(c->port, s->name, s->pane_ms, s->pane_ms, g->reach, s->baseline);
	if (r->measure->by_slide && (s->baseline || s->nslices))
		g->spans = spans_new(g->windows, s, g->reach);
	if (compares_earlier(r, s))
		g->moving = moving_new(c->port, s);
	if (other)
		g->others = windows_new(c->port, other->name, other->pane_ms, other->pane_ms, length, other->baseline);
	return 0;
}

void ground_release(struct ground *g)
{
	spans_free(g->spans);
	windows_free(g->windows);
	windows_free(g->others);
	histories_free(g->histories);
	moving_free(g->moving);
	stream_view_release(&g->view);
}

bool ground_redacted(const struct ground *g, const char *path)
{
	return path_redacted(path, g->conf->redact, g->conf->nredact);
}

int scene_init(struct scene *s, struct ground *g, int64_t end, struct error *err)
{
	const struct rule *r = &g->rule;
	int64_t previous = compares_earlier(r, g->stream) ? g->stream->previous_ms : rule_previous(r, g->stream);
	int64_t from = end - g->length, earlier = time_floor(previous, g->stream->pane_ms);
	int rc;

	*s = (struct scene){0};
	rc = windows_merge(g->windows, from, end, &s->now, err);
	if (!rc && earlier)
		rc = windows_merge(g->windows, from - earlier, end - earlier, &s->other, err);
	else if (!rc && g->others)
		rc = windows_merge(g->others, from, end, &s->other, err);
	if (!rc && g->moving)
		rc = moving_look(g->moving, g->length, end - earlier, g->first, &g->view, err);
	if (!rc && g->spans)
		rc = windows_need(g->windows, end - g->reach, end, err) ||
			     spans_at(g->spans, &g->view, end, g->first, err)
			 ? -1
			 : 0;
	if (rc)
		return -1;
	s->now.lost = view_lost(&g->view, from, end);
	field_list_fill(&s->fields, g->stream, &s->now);
	s->moment = (struct moment){.stream = g->stream,
				    .window = &s->now,
				    .other = s->other.total.pane ? &s->other : NULL,
				    .progress = &g->progress,
				    .version = &g->version,
				    .histories = g->histories,
				    .moving = g->moving ? moving_of(g->moving, g->length) : NULL,
				    .spans = g->spans};
	s->moment.tests = rule_tests(r, g->stream, &s->fields, &s->now);
	return 0;
}

struct measure_value scene_value(const struct scene *s, const struct rule *r, const struct measure *m, const struct field_def *def,
				 const char *slice, double limit_p)
{
	struct rule other = *r;
	bool partial = false;
	struct pane *counted;

	other.measure = m;
	struct measure_input in = reading_input(&other, &s->moment, def, slice, &partial, &counted);
	in.limit_p = limit_p;
	struct measure_value v = measure_compute(m, &in);
	pane_free(counted);
	if (partial && v.state == READING_KNOWN)
		v = (struct measure_value){.state = READING_APPROXIMATE, .value = NAN};
	return v;
}

void scene_release(struct scene *s)
{
	merged_release(&s->now);
	merged_release(&s->other);
	field_list_release(&s->fields);
}

const struct field_def *scene_field(const struct scene *s, const char *path)
{
	for (size_t i = 0; i < s->fields.n; i++)
		if (!strcmp(s->fields.items[i].path, path))
			return &s->fields.items[i];
	return NULL;
}

json_t *value_json(const struct measure_value *v)
{
	return json_pack("{s:o, s:s, s:I, s:I}", "value", json_num(v->value), "state",
			 reading_state_names[v->state], "n_reference", (json_int_t)v->n_reference,
			 "n_current", (json_int_t)v->n_current);
}

// --- the page -----------------------------------------------------------------------------------------

static json_t *against_json(const struct rule *r, const struct judge_stream *s)
{
	char span[40], from[40], to[40];
	const struct baseline *b = s->baseline;
	int64_t previous = rule_previous(r, s);
	struct buf text = BUF_INIT;

	if (r->against.kind == AGAINST_SLICE)
		buf_addf(&text, "slice %s", r->against.name);
	else if (r->against.kind == AGAINST_STREAM)
		buf_addf(&text, "stream %s", r->against.name);
	else if (previous)
		buf_addf(&text, "the window %s earlier", duration_format(previous, span, sizeof span));
	else if (b && b->has_event_time)
		buf_addf(&text, "baseline %.12s (%s to %s)", b->hash, time_format(b->from, from, sizeof from),
			 time_format(b->to, to, sizeof to));
	else
		buf_addf(&text, b ? "baseline %.12s" : "nothing", b ? b->hash : "");
	if (b && s->next && r->against.kind == AGAINST_BASELINE)
		buf_addf(&text, ", in force until %.12s has filled the windows", s->next->hash);
	json_t *out = json_str(text.data);
	buf_release(&text);
	return out;
}

static json_t *rule_json(const struct rule *r, const struct judge_stream *s, bool needs)
{
	char text[40], limit[80];

	return json_pack("{s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "name", json_str(r->name),
			 "measure", r->measure->name, "help", r->measure->help, "above",
			 r->has_above ? json_num(r->above) : json_null(), "below",
			 r->has_below ? json_num(r->below) : json_null(), "over",
			 json_str(duration_format(r->over_ms ? r->over_ms : s->window_ms, text, sizeof text)),
			 "for_ms", json_integer(r->for_ms), "limit",
			 json_str(threshold_words(r, limit, sizeof limit)), "against",
			 needs ? against_json(r, s) : json_null());
}

static double excess(const json_t *item)
{
	return fabs(json_get_num(item, "value", 0) - json_get_num(item, "threshold", 0));
}

static int by_excess(const void *a, const void *b)
{
	double x = excess(*(json_t *const *)a), y = excess(*(json_t *const *)b);

	return (x < y) - (x > y);
}

// The page's items, the farthest from its limit first; copies.
static json_t *items_of(const json_t *page)
{
	const json_t *all = json_object_get(page, "items");
	size_t n = json_array_size(all);
	json_t **sorted = xcalloc(n + 1, sizeof *sorted), *out = json_array();

	for (size_t i = 0; i < n; i++)
		sorted[i] = json_array_get(all, i);
	qsort(sorted, n, sizeof *sorted, by_excess);
	for (size_t i = 0; i < n; i++)
		json_array_append_new(out, json_deep_copy(sorted[i]));
	free(sorted);
	return out;
}

static int64_t time_in(const json_t *window, const char *key)
{
	int64_t ms;

	return time_parse(json_get_str(window, key, ""), &ms) < 0 ? INT64_MIN : ms;
}

static int by_breaches(const void *a, const void *b)
{
	const struct violation_count *x = *(const struct violation_count *const *)a;
	const struct violation_count *y = *(const struct violation_count *const *)b;

	return (x->n < y->n) - (x->n > y->n);
}

static json_t *violations_json(const struct pane *p)
{
	const struct violation_count **sorted = xcalloc(p->nviolations + 1, sizeof *sorted);
	json_t *out = json_array();

	for (size_t i = 0; i < p->nviolations; i++)
		sorted[i] = &p->violations[i];
	qsort(sorted, p->nviolations, sizeof *sorted, by_breaches);
	for (size_t i = 0; i < p->nviolations && i < EXPLAIN_LISTED; i++) {
		const struct violation_count *v = sorted[i];
		json_array_append_new(
		    out,
		    json_pack("{s:s, s:o, s:o, s:I, s:I, s:I, s:s}", "kind", violation_table[v->kind].name,
			      "field", *v->field ? json_str(v->field) : json_null(), "rule",
			      *v->rule ? json_str(v->rule) : json_null(), "n", (json_int_t)v->n,
			      "first_offset", (json_int_t)v->first_offset, "last_offset",
			      (json_int_t)v->last_offset, "mend", violation_table[v->kind].mend));
	}
	free(sorted);
	return out;
}

// Of the first item also what else happened, from which the others hardly differ.
static int explain_one(const struct explain_conf *c, const struct judge_stream *s, const json_t *page,
		       json_t *item, bool first, const json_t *items, json_t *out, struct error *err)
{
	const json_t *window = json_object_get(item, "window");
	int64_t from = time_in(window, "from"), to = time_in(window, "to"), before;
	struct ground g;
	struct scene scene;
	struct rule rule;

	if (!rule_of(c->judge, s, page, item, &rule))
		return 0;
	if (first)
		json_object_set_new(out, "rule", rule_json(&rule, s, rule.measure->needs_reference));
	if (from == INT64_MIN || to <= from) // judged by the clock
		return 0;
	int rc = ground_init(&g, c, s, &rule, to - from, err);
	if (rc)
		return -1;
	rc = scene_init(&scene, &g, to, err);
	bool cut = !rc && scene.now.cut, kept = !rc && !cut && g.first < to && windows_next(g.windows, from) < to;
	if (first && !rc) {
		json_object_set_new(out, "window", json_deep_copy(window));
		json_object_set_new(out, "kept", json_boolean(kept));
		if (cut)
			json_object_set_new(out, "rolled_up", json_true());
	}
	if (kept)
		rc = explain_item(&g, &scene, item, &before, err);
	if (kept && !rc && first) {
		const struct slice_stats *all = merged_slice(&scene.now, json_get_str(item, "slice", ""));
		json_object_set_new(out, "records", json_integer(all ? (json_int_t)all->pane->records : 0));
		json_object_set_new(out, "violations", all ? violations_json(all->pane) : json_array());
		rc = explain_around(&g, &scene, before, items, out, err);
	}
	scene_release(&scene);
	ground_release(&g);
	return rc;
}

// --- events -------------------------------------------------------------------------------------------

struct watching {
	const char *stream, *page;
	int64_t from, to;
	json_t *events;
};

static void see_near(void *arg, const char *text)
{
	struct watching *w = arg;
	json_t *event = json_parse(text, strlen(text), NULL);
	int64_t at = json_get_int(event, "at", INT64_MIN);
	const json_t *page = json_object_get(event, "page");
	const char *stream = json_get_str(event, "stream", w->stream);

	if (json_is_object(event) && at >= w->from && at <= w->to && !strcmp(stream, w->stream) &&
	    strcmp(json_get_str(page, "id", ""), w->page) != 0 &&
	    json_array_size(w->events) < EXPLAIN_LISTED) {
		if (page)
			json_object_set(event, "page_id", json_object_get(page, "id"));
		json_object_del(event, "page");
		json_object_set_new(event, "at", json_time(at));
		json_array_append(w->events, event);
	}
	json_decref(event);
}

static int add_events(const struct explain_conf *c, const json_t *found, const struct judge_stream *s,
		      json_t *out, struct error *err)
{
	const json_t *page = json_object_get(found, "page");
	int64_t at = json_get_int(found, "fired_at", 0), reach = 2 * s->window_ms;
	struct watching w = {s->name, json_get_str(page, "id", ""), 0, 0, json_array()};

	reach = reach > AROUND_LEAST ? reach : AROUND_LEAST;
	w.from = at - reach;
	w.to = at + s->window_ms;
	json_object_set_new(out, "events", w.events);
	if (json_is_null(json_object_get(found, "fired_at")))
		return 0;
	return c->port->journal(c->port->ctx, w.from, w.to + 1, see_near, &w, err);
}

json_t *explain_page(const struct explain_conf *c, const json_t *found, struct error *err)
{
	const json_t *page = json_object_get(found, "page");
	const struct judge_stream *s = stream_named(c->judge, json_get_str(page, "stream", ""));
	json_t *items = items_of(page), *told = json_deep_copy(page), *out;
	size_t n = json_array_size(items);

	json_object_del(told, "items");
	out = json_pack("{s:o, s:o, s:o}", "page", told, "items", items, "items_listed_only",
			json_integer(n > ITEMS ? (json_int_t)(n - ITEMS) : 0));
	int rc = s ? add_events(c, found, s, out, err)
		   : error_set(err, "page %s is of stream %s, which is not in the configuration",
			       json_get_str(page, "id", ""), json_get_str(page, "stream", ""));
	for (size_t i = 0; !rc && i < n && i < ITEMS; i++)
		rc = explain_one(c, s, page, json_array_get(items, i), !i, items, out, err);
	if (!rc)
		return out;
	json_decref(out);
	return NULL;
}
