// SPDX-License-Identifier: Apache-2.0
// The last pass, kept as it was so that another thread may ask for it as JSON while the next one runs.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "judge/condition.h"
#include "judge/in_force.h"
#include "judge/page.h"
#include "judge/state.h"
#include "judge/threshold.h"
#include "util/xalloc.h"

struct verdict {
	const char *state, *reason; // static
};

struct status {
	int64_t clock;
	bool behind;
	json_t *digests;
	struct stream_shown {
		const struct judge_stream *conf;
		struct verdict verdict;
		int64_t watermark, newest;
		uint64_t too_old, records_lost;
		json_t *window, *fields;
		json_t *changes; // what fields_show and in_force_show add
	} *streams;
	size_t nstreams;
	struct readings_shown {
		const struct group *group; // its rule and stream, which stay
		struct shown_list *list;
	} *readings;
	size_t nreadings;
	struct alert_shown {
		const struct group *group;
		struct alert a; // its strings are its own
		char *page;     // NULL: it has none of its own
	} *alerts;
	size_t nalerts, capalerts;
};

void shown_release(struct shown_list *l)
{
	if (!l || --l->holders)
		return;
	for (size_t i = 0; i < l->n; i++) {
		free((char *)(uintptr_t)l->items[i].v.field);
		free((char *)(uintptr_t)l->items[i].v.slice);
	}
	free(l->items);
	free(l);
}

void status_free(struct status *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->nalerts; i++) {
		free(s->alerts[i].a.field);
		free(s->alerts[i].a.slice);
		free(s->alerts[i].a.follows);
		free(s->alerts[i].page);
	}
	for (size_t i = 0; i < s->nreadings; i++)
		shown_release(s->readings[i].list);
	for (size_t i = 0; i < s->nstreams; i++) {
		json_decref(s->streams[i].window);
		json_decref(s->streams[i].fields);
		json_decref(s->streams[i].changes);
	}
	json_decref(s->digests);
	free(s->alerts);
	free(s->readings);
	free(s->streams);
	free(s);
}

// --- taking it ----------------------------------------------------------------------------------------

// The records of a stream of several types are in its sub-streams, where all is well.
static bool is_elsewhere(const struct stream_state *s, enum reading_state why)
{
	return s->conf->by_record && (why == READING_NO_DATA || why == READING_TOO_FEW);
}

// Why the stream is in the state it is in: the worst that is known comes first, and unknown is not healthy.
static struct verdict stream_verdict(const struct judge *j, const struct stream_state *s)
{
	bool firing = false, no_baseline = false;
	const char *unknown = NULL;

	for (size_t i = 0; i < j->ngroups; i++) {
		const struct group *g = j->groups[i];
		const struct rule *r = g->rule;
		if (g->stream != s)
			continue;
		no_baseline |= r->measure->needs_reference && r->against.kind == AGAINST_BASELINE && !s->conf->baseline && !s->conf->previous_ms;
		for (struct map_entry *e = NULL; (e = map_next(&g->alerts, e));) {
			const struct alert *a = e->value;
			firing |= a->state.firing;
			if (a->state.unknown && !is_elsewhere(s, a->state.why))
				unknown = reading_state_names[a->state.why];
		}
	}
	if (firing)
		return (struct verdict){"alerting", "an alert fires"};
	if (!s->view.nparts)
		return (struct verdict){"never_seen", "no worker has read the topic yet"};
	if (s->progress.waiting_since)
		return (struct verdict){"unknown", "records wait for a schema that the registry does not give yet"};
	if (s->progress.catching_up)
		return (struct verdict){"catching_up", "the position was behind when it was claimed"};
	if (!event_time_set(s->progress.newest))
		return (struct verdict){"never_seen", "no record has ever come"};
	if (j->clock != TIME_NONE && j->clock - s->progress.newest.ms > s->conf->window_ms + s->conf->lateness_ms)
		return (struct verdict){"no_data", "no record for longer than a window"};
	if (no_baseline)
		return (struct verdict){"no_baseline", "rules compare with a baseline and the stream has none"};
	int64_t end = j->tracks[s - j->streams].end;
	if (end != TIME_NONE && view_lost(&s->view, end - s->conf->window_ms, end))
		return (struct verdict){"unknown", "records of the last window were lost before they were read"};
	if (unknown)
		return (struct verdict){"unknown", unknown};
	for (size_t i = 0; i < j->ntracks; i++)
		if (j->tracks[i].stream == s && (j->tracks[i].end == TIME_NONE || j->tracks[i].cut || !s->window))
			return (struct verdict){"unknown", "the data does not fill a window yet"};
	return (struct verdict){"healthy", "every rule's condition is known and not met"};
}

static json_t *digests_json(const struct judge *j)
{
	json_t *out = json_object();

	for (int t = 0; t < TIERS; t++) {
		const struct digest_state *d = &j->digests[t];
		if (d->zone && d->last != TIME_NONE)
			json_object_set_new(out, tier_names[t],
					    json_pack("{s:o, s:o}", "last", json_time(d->last), "next",
						      json_time(schedule_next(&j->conf->digests[t], d->zone, d->last))));
	}
	return out;
}

static void take_alerts(struct status *s, const struct group *g)
{
	for (struct map_entry *e = NULL; (e = map_next(&g->alerts, e));) {
		const struct alert *a = e->value;
		GROW(s->alerts, s->nalerts, s->capalerts);
		struct alert_shown *out = &s->alerts[s->nalerts++];
		*out = (struct alert_shown){.group = g, .a = *a};
		out->a.field = xstrdup(a->field);
		out->a.slice = xstrdup(a->slice);
		out->a.follows = a->follows ? xstrdup(a->follows) : NULL;
		out->page = a->state.firing && g->page && !a->follows ? xstrdup(g->page->id) : NULL;
	}
}

void status_take(struct judge *j)
{
	struct status *s = xcalloc(1, sizeof *s);

	s->clock = j->clock;
	s->behind = j->behind;
	s->digests = digests_json(j);
	s->streams = xcalloc(j->conf->nstreams + 1, sizeof *s->streams);
	for (size_t i = 0; i < j->conf->nstreams; i++) {
		const struct stream_state *from = &j->streams[i];
		json_t *changes = json_object();
		fields_show(from, changes);
		in_force_show(from, changes);
		s->streams[s->nstreams++] = (struct stream_shown){.conf = from->conf,
								  .verdict = stream_verdict(j, from),
								  .watermark = from->progress.watermark.ms,
								  .newest = from->progress.newest.ms,
								  .too_old = from->view.too_old,
								  .records_lost = from->view.records_lost,
								  .window = json_incref(from->window),
								  .fields = json_incref(from->fields),
								  .changes = json_deep_copy(changes)};
		json_decref(changes);
	}
	s->readings = xcalloc(j->ngroups + 1, sizeof *s->readings);
	for (size_t i = 0; i < j->ngroups; i++) {
		const struct group *g = j->groups[i];
		take_alerts(s, g);
		if (!g->shown)
			continue;
		g->shown->holders++;
		s->readings[s->nreadings++] = (struct readings_shown){g, g->shown};
	}
	pthread_mutex_lock(&j->lock);
	struct status *old = j->status;
	j->status = s;
	pthread_mutex_unlock(&j->lock);
	status_free(old);
}

// --- telling it ---------------------------------------------------------------------------------------

// How far a reading is beyond its limit, in limits; -inf where it is not known.
static double excess(const struct rule *r, const json_t *reading)
{
	const json_t *value = json_object_get(reading, "value");

	if (!json_is_number(value))
		return -INFINITY;
	double v = json_number_value(value), t = json_get_num(reading, "threshold", NAN);
	return (rule_is_lower(r, v, t) ? t - v : v - t) / (fabs(t) + 1e-9);
}

static json_t *reading_json(const struct rule *r, const struct shown *s)
{
	json_t *item = page_item(r, &s->v);

	json_object_set_new(item, "rule", json_str(r->name));
	json_object_set_new(item, "reading", json_string(reading_state_names[s->v.v.state]));
	json_object_set_new(item, "state", json_string(s->state));
	return item;
}

static void add_readings(json_t *stream, json_t *by_field, const struct readings_shown *r)
{
	for (size_t i = 0; i < r->list->n; i++) {
		const struct shown *s = &r->list->items[i];
		json_t *f = *s->v.field ? json_object_get(by_field, s->v.field) : NULL;
		if (*s->v.field && !f)
			continue;
		json_t *v = reading_json(r->group->rule, s);
		json_array_append_new(json_object_get(f ? f : stream, "readings"), v);
		double x = f ? excess(r->group->rule, v) : NAN;
		if (f && x > json_get_num(f, "excess", -INFINITY)) {
			json_object_set_new(f, "excess", json_num(x));
			json_object_set(f, "worst", v);
		}
	}
}

static json_t *stream_json(const struct status *status, const struct stream_shown *s)
{
	const struct judge_stream *c = s->conf;
	json_t *out = json_pack("{s:o, s:o, s:o, s:o, s:s, s:s, s:o, s:o, s:o?, s:o, s:I, s:I, s:o, s:o}", "name",
				json_str(c->name), "topic", json_str(c->topic), "role", json_str(c->role), "owner",
				json_str(c->owner), "state", s->verdict.state, "reason", s->verdict.reason, "watermark",
				json_time(s->watermark), "newest", json_time(s->newest), "window",
				json_deep_copy(s->window), "baseline", json_null(), "too_old",
				(json_int_t)s->too_old, "records_lost", (json_int_t)s->records_lost, "readings",
				json_array(), "fields", json_array());
	json_t *by_field = json_object();
	size_t left_off = 0;
	char span[32];

	if (c->previous_ms)
		json_object_set_new(out, "previous", json_string(duration_format(c->previous_ms, span, sizeof span)));
	for (size_t i = 0; i < json_array_size(s->fields); i++) {
		json_t *f = json_deep_copy(json_array_get(s->fields, i));
		json_object_set_new(f, "worst", json_null());
		json_object_set_new(f, "readings", json_array());
		json_object_set(by_field, json_get_str(f, "path", ""), f);
		json_array_append_new(json_object_get(out, "fields"), f);
	}
	for (size_t i = 0; i < status->nreadings; i++) {
		const struct readings_shown *r = &status->readings[i];
		if (r->group->stream->conf != c)
			continue;
		add_readings(out, by_field, r);
		left_off += r->list->left_off;
	}
	for (size_t i = 0; i < json_array_size(json_object_get(out, "fields")); i++)
		json_object_del(json_array_get(json_object_get(out, "fields"), i), "excess");
	json_t *changes = json_deep_copy(s->changes);
	json_object_update(out, changes);
	json_decref(changes);
	if (left_off)
		json_object_set_new(out, "readings_left_off", json_integer((json_int_t)left_off));
	if (c->of)
		json_object_set_new(out, "of", json_str(c->of));
	json_decref(by_field);
	return out;
}

static json_t *alert_json(const struct alert_shown *shown)
{
	const struct rule *r = shown->group->rule;
	const struct judge_stream *c = shown->group->stream->conf;
	const struct alert *a = &shown->a;
	const struct alert_state *s = &a->state;
	int64_t since = s->firing ? s->started : s->window.from != ALERT_NEVER ? s->window.from : s->eager.from;

	return json_pack("{s:o, s:s, s:o, s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:o, s:o, s:o, s:o}", "alert",
			 json_str(r->name), "tier", tier_names[r->tier], "stream", json_str(c->name), "field",
			 *a->field ? json_str(a->field) : json_null(), "slice",
			 *a->slice ? json_str(a->slice) : json_null(), "measure", r->measure->name, "state",
			 alert_state_name(s), "why", s->unknown ? json_string(reading_state_names[s->why]) : json_null(),
			 "since", json_time(since), "value", json_num(a->last.value), "error", json_num(a->last.error),
			 "threshold", json_num(condition_threshold(&a->limits, a->last.value)), "n_reference",
			 (json_int_t)a->last.n_reference,
			 "n_current", (json_int_t)a->last.n_current, "page",
			 shown->page ? json_string(shown->page) : json_null(), "follows",
			 a->follows ? json_string(a->follows) : json_null(), "owner", json_str(r->owner ? r->owner : c->owner),
			 "runbook", json_str(r->runbook));
}

json_t *judge_status(struct judge *j)
{
	json_t *streams = json_array(), *alerts = json_array(), *out = NULL;

	pthread_mutex_lock(&j->lock);
	const struct status *s = j->status;
	for (size_t i = 0; s && i < s->nstreams; i++)
		json_array_append_new(streams, stream_json(s, &s->streams[i]));
	for (size_t i = 0; s && i < s->nalerts; i++)
		json_array_append_new(alerts, alert_json(&s->alerts[i]));
	if (s)
		out = json_pack("{s:o, s:O, s:O, s:o, s:b}", "clock", json_time(s->clock), "streams", streams, "alerts", alerts,
				"digests", json_deep_copy(s->digests), "behind", s->behind);
	pthread_mutex_unlock(&j->lock);
	json_decref(streams);
	json_decref(alerts);
	return out ? out : json_object();
}
