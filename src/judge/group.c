// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "judge/condition.h"
#include "judge/page.h"
#include "judge/state.h"
#include "judge/threshold.h"
#include "util/xalloc.h"

enum { SHOWN = 200 }; // readings a group in the status

static void alert_free(void *p)
{
	struct alert *a = p;

	free(a->field);
	free(a->slice);
	free(a->follows);
	free(a);
}

void group_clear(struct group *g)
{
	map_release(&g->alerts, alert_free);
	shown_release(g->shown);
	g->shown = NULL;
	g->page = NULL;
	g->nfiring = 0;
}

void page_free(struct page *p)
{
	json_decref(p->data);
	free(p->id);
	free(p);
}

static void show(struct shown_list *l, const struct reading *v, const struct alert *a)
{
	if (l->n >= SHOWN) {
		l->left_off++;
		return;
	}
	GROW(l->items, l->n, l->cap);
	struct shown *s = &l->items[l->n++];
	*s = (struct shown){*v, a ? alert_state_name(&a->state) : "ok"};
	s->v.field = xstrdup(v->field);
	s->v.slice = xstrdup(v->slice);
}

static char *alert_key(const struct reading *v)
{
	size_t nfield = strlen(v->field), nslice = strlen(v->slice);
	char *key = xmalloc(nfield + nslice + 2);

	memcpy(key, v->field, nfield);
	key[nfield] = '\037';
	memcpy(key + nfield + 1, v->slice, nslice + 1);
	return key;
}

static struct alert *alert_get(struct group *g, const char *key, const char *field, const char *slice)
{
	struct alert *a = map_gets(&g->alerts, key);

	if (!a) {
		a = xcalloc(1, sizeof *a);
		a->field = xstrdup(field);
		a->slice = xstrdup(slice);
		alert_init(&a->state);
		map_puts(&g->alerts, key, a);
	}
	return a;
}

// --- alerts that follow from another ------------------------------------------------------------------

static void tell_item(struct evaluation *e, const struct page *p, const char *type, const json_t *item);

static json_t *item_of(const struct evaluation *e, const struct reading *v)
{
	const struct page *p = e->group->page;

	if (!rule_rank(e->group->rule))
		return page_item(e->group->rule, v);
	return cause_item(e, v, p ? page_item_of(p->data, v->field, v->slice) : NULL);
}

// It fires, and its group's page says so.
static void fires(struct evaluation *e, struct alert *a, const struct reading *v)
{
	e->group->nfiring++;
	if (!json_array_size(e->fired))
		e->slice = a->slice;
	else if (e->slice && strcmp(e->slice, a->slice) != 0)
		e->slice = NULL;
	json_array_append_new(e->fired, item_of(e, v));
	if (a->state.started < e->started)
		e->started = a->state.started;
}

// It fires, and the page of its cause says so.
static void follows(struct evaluation *e, struct alert *a, struct group *cause, const struct reading *v)
{
	const struct rule *r = e->group->rule;
	json_t *item = page_item(r, v);

	a->follows = xstrdup(cause->page->id);
	json_object_set_new(item, "alert", json_str(r->name));
	json_object_set_new(item, "tier", json_string(tier_names[r->tier]));
	json_object_set_new(item, "starts_at", json_time(a->state.started));
	page_add_follower(cause->page->data, item);
	if (!cause->page->owed)
		tell_item(e, cause->page, "item_follows", item);
	json_decref(item);
	page_store(e->judge, cause->page);
}

static void released(struct alert *a)
{
	free(a->follows);
	a->follows = NULL;
}

static void settle_reading(struct evaluation *e, struct alert *a, struct reading *v, const struct alert_step *step)
{
	struct group *g = e->group;
	enum alert_change change = alert_apply(&a->state, step);
	bool explained = false;
	struct group *cause = a->state.firing && step->truth == TRUTH_TRUE && (change == ALERT_FIRED || a->follows)
				      ? cause_of(e, v, &explained)
				      : NULL;

	if (change == ALERT_FIRED && cause) {
		follows(e, a, cause, v);
	} else if (change == ALERT_FIRED) {
		fires(e, a, v);
	} else if (change == ALERT_RESOLVED && a->follows) {
		released(a);
	} else if (change == ALERT_RESOLVED) {
		g->nfiring--;
		json_array_append_new(e->ended, page_item(g->rule, v));
	} else if (a->follows && a->state.firing && step->truth == TRUTH_TRUE && !explained) {
		released(a);
		fires(e, a, v);
		change = ALERT_CHANGED;
	}
	if (change != ALERT_SAME)
		alert_store(e->judge, g, a);
	else if (a->state.firing && !a->follows && v->v.state == READING_KNOWN &&
		 (rule_rank(g->rule) ? g->page && cause_spreads(e, v, page_item_of(g->page->data, v->field, v->slice))
				     : g->rule->tier != TIER_IMMEDIATE))
		json_array_append_new(e->still, item_of(e, v));
}

static void tell_verdict(const struct evaluation *e, const struct reading *v, const struct alert *a, enum truth truth)
{
	const struct judge_replay *replay = e->judge->conf->replay;
	const bool open = e->mode == ALERT_EAGER;
	const char *state = a ? alert_state_name(&a->state) : "ok";

	if (!replay || e->mode == ALERT_CLOCK || (open && !replay->open_windows))
		return;
	if (truth == TRUTH_UNKNOWN)
		state = v->v.state == READING_UNCALIBRATED ? "uncalibrated" : "unknown";
	replay->verdict(replay->ctx, &(struct judge_verdict){.rule = e->group->rule,
							     .reading = v,
							     .threshold = condition_threshold(&v->limits, v->v.value),
							     .state = state,
							     .open = open,
							     .at = e->at});
}

static void judge_reading(struct evaluation *e, struct reading *v)
{
	struct group *g = e->group;
	const struct rule *r = g->rule;

	if (e->cut) {
		v->v.state = READING_INCOMPLETE;
		v->v.value = NAN;
		tell_verdict(e, v, NULL, TRUTH_UNKNOWN);
		return;
	}
	char *key = g->alerts.count ? alert_key(v) : NULL; // most readings have no alert, and most groups none at all
	struct alert *a = key ? map_gets(&g->alerts, key) : NULL;
	enum truth truth = condition_eval(&v->limits, &v->v, a && a->state.firing);
	// An eager verdict is on what has come so far. That a condition is not met needs every record.
	if (moment_lost(r, e->moment) && (e->mode != ALERT_EAGER || truth != TRUTH_TRUE)) {
		truth = TRUTH_UNKNOWN;
		v->v.state = READING_RECORDS_LOST;
		v->v.value = NAN;
	}
	if (moment_cut(e->moment)) {
		truth = TRUTH_UNKNOWN;
		v->v.state = READING_ROLLED_UP;
		v->v.value = NAN;
	}
	struct alert_step step = {e->mode, truth, v->v.state, e->boundary, e->mode == ALERT_WINDOW ? e->boundary : e->at,
				  r->for_ms};

	// A stream looks stale, too, while we lag behind it or nobody reads it. That it is not stale, a new
	// event proves at any time.
	if (e->mode == ALERT_CLOCK && !rule_is_version(r) && !rule_is_wait(r)) {
		const struct progress *p = e->moment->progress;
		step.truth = truth_and(p->lagging || p->catching_up ? TRUTH_UNKNOWN : TRUTH_TRUE, truth);
		if (step.truth == TRUTH_UNKNOWN && truth == TRUTH_TRUE)
			step.why = READING_CATCHING_UP;
	}
	if (a || step.truth != TRUTH_FALSE) {
		key = key ? key : alert_key(v);
		a = alert_get(g, key, v->field, v->slice);
		a->touched = g->evaluation;
		a->last = v->v;
		a->limits = v->limits;
		settle_reading(e, a, v, &step);
	}
	if (e->show)
		show(g->shown, v, a);
	tell_verdict(e, v, a, step.truth);
	if (a && alert_ok(&a->state))
		alert_free(map_del(&g->alerts, key, strlen(key)));
	free(key);
}

// Alerts that this evaluation did not meet: their slice or field is not in its window.
static void judge_absent(struct evaluation *e)
{
	struct group *g = e->group;

	for (struct map_entry *it = NULL; (it = map_next(&g->alerts, it));) {
		struct alert *a = it->value;
		if (a->touched == g->evaluation || alert_absent(&a->state, e->mode) == ALERT_SAME)
			continue;
		alert_store(e->judge, g, a);
		if (alert_ok(&a->state))
			alert_free(map_del(&g->alerts, it->key, it->len));
	}
}

// --- pages --------------------------------------------------------------------------------------------

static json_t *event_of(const char *type, int64_t at, const json_t *data)
{
	json_t *event = json_pack("{s:I, s:s, s:O, s:O, s:O}", "at", (json_int_t)at, "type", type, "tier",
				  json_object_get(data, "tier"), "rule", json_object_get(data, "alert"), "stream",
				  json_object_get(data, "stream"));

	return event;
}

static void tell_page(struct judge *j, struct page *p, int64_t at)
{
	const char *status = json_get_str(p->data, "status", "");
	int64_t repeat = p->firing ? json_get_int(p->data, "updates", 0) : 0;
	const struct judge_conf *c = j->conf;
	json_t *event = event_of(p->firing ? "alert_firing" : "alert_resolved", at, p->data);

	json_object_set(event, "page", p->data);
	batch_event(&j->batch, event);
	p->told = at;
	p->owed = false;
	if (p->tier == TIER_IMMEDIATE) {
		char *identity = xasprintf("%s\n%s\n%" PRId64, p->id, status, repeat);
		batch_message(&j->batch, "kdrift.alert", at, p->data, identity, p->tier, c->routes[p->tier],
			      c->nroutes[p->tier]);
		free(identity);
	}
}

void page_store(struct judge *j, const struct page *p)
{
	batch_doc(&j->batch, "page", p->id, json_pack("{s:I, s:O}", "told", (json_int_t)p->told, "data", p->data));
}

void page_end(struct judge *j, struct page *p, int64_t ended, int64_t at, const char *why)
{
	p->firing = false;
	page_resolve(p->data, ended, why);
	tell_page(j, p, at);
	if (j->digests[p->tier].zone) { // its digest has still to tell it
		page_store(j, p);
		return;
	}
	batch_doc(&j->batch, "page", p->id, NULL);
	map_del(&j->pages, p->id, strlen(p->id));
	page_free(p);
}

static void tell_item(struct evaluation *e, const struct page *p, const char *type, const json_t *item)
{
	json_t *event = event_of(type, e->at, p->data);

	json_object_set_new(event, "page_id", json_string(p->id));
	json_object_set_new(event, "item", json_deep_copy(item));
	batch_event(&e->judge->batch, event);
}

static struct page_about about_of(const struct evaluation *e)
{
	const struct merged *w = e->moment->window;

	return (struct page_about){
		.rule = e->group->rule,
		.stream = e->moment->stream,
		.window = w ? merged_slice(w, e->slice ? e->slice : "") : NULL,
		.view = &e->group->stream->view,
		.version = &e->group->stream->version,
		.config_path = e->judge->conf->config_path,
		.started = e->started,
	};
}

static void open_page(struct evaluation *e)
{
	struct group *g = e->group;
	struct page_about about = about_of(e);
	struct page *p = xcalloc(1, sizeof *p);

	p->data = page_firing(&about, json_incref(e->fired));
	p->id = xstrdup(json_get_str(p->data, "id", ""));
	p->tier = g->rule->tier;
	p->firing = true;
	struct page *old = map_puts(&e->judge->pages, p->id, p);
	if (old) // the same incident, resolved and not told yet: it goes on
		page_free(old);
	g->page = p;
	if (rule_rank(g->rule)) {
		p->owed = true;
		return;
	}
	tell_page(e->judge, p, e->at);
	page_store(e->judge, p);
}

// More fields have been dropped since it was told: it is told again, as the same page.
static void update_page(struct evaluation *e)
{
	struct page *p = e->group->page;
	struct page_about about = about_of(e);

	page_renew(p->data, &about);
	if (p->owed)
		return;
	json_object_set_new(p->data, "updates", json_integer(json_get_int(p->data, "updates", 0) + 1));
	p->owed = true;
}

void causes_tell(struct judge *j, struct stream_state *s, int64_t at)
{
	for (size_t i = 0; i < s->ncauses; i++) {
		struct page *p = s->causes[i]->page;
		if (!p || !p->owed)
			continue;
		tell_page(j, p, at);
		page_store(j, p);
	}
}

// A digest tells how things stand at its time, not at the first one's.
static void renew_page(struct evaluation *e)
{
	struct page *p = e->group->page;
	bool renewed = false;

	for (size_t i = 0; p && i < json_array_size(e->still); i++)
		renewed |= page_renew_item(p->data, json_array_get(e->still, i));
	if (renewed && rule_rank(e->group->rule)) {
		struct page_about about = about_of(e);
		page_renew(p->data, &about);
	}
	if (renewed)
		page_store(e->judge, p);
}

static void settle_page(struct evaluation *e)
{
	struct group *g = e->group;
	size_t n = json_array_size(e->fired), k = json_array_size(e->ended);

	if (n && !g->page) {
		open_page(e);
	} else if (n) {
		for (size_t i = 0; i < n; i++) {
			tell_item(e, g->page, "item_firing", json_array_get(e->fired, i));
			page_add_item(g->page->data, json_incref(json_array_get(e->fired, i)));
		}
		if (rule_is_dropped(g->rule))
			update_page(e);
		page_store(e->judge, g->page);
	}
	renew_page(e);
	if (!k || !g->page)
		return;
	for (size_t i = 0; g->nfiring && i < k; i++)
		tell_item(e, g->page, "item_resolved", json_array_get(e->ended, i));
	if (!g->nfiring) {
		page_end(e->judge, g->page, e->boundary, e->at, "the condition is no longer met");
		g->page = NULL;
	}
}

// --- one evaluation -----------------------------------------------------------------------------------

static void judge_slice(struct evaluation *e, const struct slice_stats *s)
{
	const struct rule *r = e->group->rule;
	const struct field_list *fields = e->fields;

	if (!rule_needs_slice(r, s))
		return;
	if (r->measure->scope & MEASURE_STREAM) {
		struct reading v = reading_of(r, e->moment, NULL, s->name);
		judge_reading(e, &v);
		return;
	}
	for (size_t i = 0; i < fields->n; i++) {
		if (!rule_needs_field(r, &fields->items[i]))
			continue;
		struct reading v = reading_of(r, e->moment, &fields->items[i], s->name);
		if (v.v.state == READING_NOT_APPLICABLE)
			continue;
		if (!rule_adjusts(r)) {
			judge_reading(e, &v);
			continue;
		}
		GROW(e->together, e->ntogether, e->captogether);
		e->together[e->ntogether++] = v;
	}
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

// Every field that a schema in the window is to blame for, and those that have an alert of it.
static void judge_dropped(struct evaluation *e)
{
	const struct pane *p = e->moment->window->total.pane;
	struct group *g = e->group;
	char **fields = xcalloc(p->nfaults + g->alerts.count + 1, sizeof *fields);
	size_t n = 0;

	for (size_t i = 0; i < p->nfaults; i++)
		if (fault_of_field(&p->faults[i]) && rule_matches_field(g->rule, p->faults[i].field))
			fields[n++] = xstrdup(p->faults[i].field);
	for (struct map_entry *it = NULL; (it = map_next(&g->alerts, it));)
		fields[n++] = xstrdup(((struct alert *)it->value)->field);
	qsort(fields, n, sizeof *fields, by_text);
	for (size_t i = 0; i < n; i++) {
		if (!i || strcmp(fields[i], fields[i - 1]) != 0) {
			struct field_def def = {.path = fields[i]};
			struct reading v = reading_of(g->rule, e->moment, &def, "");
			judge_reading(e, &v);
		}
	}
	for (size_t i = 0; i < n; i++)
		free(fields[i]);
	free(fields);
}

void group_evaluate(struct evaluation *e)
{
	const struct merged *w = e->moment->window;

	e->group->evaluation = ++e->judge->evaluation;
	e->fired = json_array();
	e->ended = json_array();
	e->still = json_array();
	e->started = INT64_MAX;
	if (e->show) {
		shown_release(e->group->shown);
		e->group->shown = xcalloc(1, sizeof *e->group->shown);
		e->group->shown->holders = 1;
	}
	if (w && rule_is_dropped(e->group->rule)) {
		judge_dropped(e);
	} else if (w) {
		field_list_need(e->fields, e->moment->stream, w);
		e->moment->tests = rule_tests(e->group->rule, e->moment->stream, e->fields, w);
		judge_slice(e, &w->total);
		for (size_t i = 0; i < w->nslices; i++)
			judge_slice(e, &w->slices[i]);
		if (e->ntogether)
			thresholds_adjust(e->group->rule, e->together, e->ntogether);
		for (size_t i = 0; i < e->ntogether; i++)
			judge_reading(e, &e->together[i]);
		free(e->together);
		e->together = NULL;
	} else {
		struct reading v = reading_of(e->group->rule, e->moment, NULL, "");
		judge_reading(e, &v);
	}
	if (!e->cut) {
		judge_absent(e);
		settle_page(e);
	}
	json_decref(e->fired);
	json_decref(e->ended);
	json_decref(e->still);
}
