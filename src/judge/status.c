// SPDX-License-Identifier: Apache-2.0
// The last pass as JSON: judge_status in full; in the store a document a stream, and "kdrift" for the whole
// without the readings.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "judge/condition.h"
#include "judge/state.h"
#include "judge/threshold.h"
#include "util/xalloc.h"

static json_t *alert_json(const struct group *g, const struct alert *a)
{
	const struct rule *r = g->rule;
	const struct alert_state *s = &a->state;
	int64_t since = s->firing ? s->started : s->window.from != ALERT_NEVER ? s->window.from : s->eager.from;
	const char *owner = r->owner ? r->owner : g->stream->conf->owner;

	return json_pack("{s:o, s:s, s:o, s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:o, s:o, s:o, s:o}", "alert",
			 json_str(r->name), "tier", tier_names[r->tier], "stream", json_str(g->stream->conf->name), "field",
			 *a->field ? json_str(a->field) : json_null(), "slice",
			 *a->slice ? json_str(a->slice) : json_null(), "measure", r->measure->name, "state",
			 alert_state_name(s), "why", s->unknown ? json_string(reading_state_names[s->why]) : json_null(),
			 "since", json_time(since), "value", json_num(a->last.value), "error", json_num(a->last.error),
			 "threshold", json_num(condition_threshold(&a->limits, a->last.value)), "n_reference",
			 (json_int_t)a->last.n_reference,
			 "n_current", (json_int_t)a->last.n_current, "page",
			 s->firing && g->page && !a->follows ? json_string(g->page->id) : json_null(), "follows",
			 a->follows ? json_string(a->follows) : json_null(), "owner", json_str(owner), "runbook",
			 json_str(r->runbook));
}

static json_t *alerts_json(const struct judge *j)
{
	json_t *out = json_array();

	for (size_t i = 0; i < j->ngroups; i++)
		for (struct map_entry *e = NULL; (e = map_next(&j->groups[i]->alerts, e));)
			json_array_append_new(out, alert_json(j->groups[i], e->value));
	return out;
}

struct verdict {
	const char *state, *reason;
};

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

// How far a reading is beyond its limit, in limits; -inf where it is not known.
static double excess(const struct rule *r, const json_t *reading)
{
	const json_t *value = json_object_get(reading, "value");

	if (!json_is_number(value))
		return -INFINITY;
	double v = json_number_value(value), t = json_get_num(reading, "threshold", NAN);
	return (rule_is_lower(r, v, t) ? t - v : v - t) / (fabs(t) + 1e-9);
}

static void add_readings(json_t *stream, json_t *by_field, const struct group *g)
{
	for (size_t i = 0; i < json_array_size(g->shown); i++) {
		json_t *v = json_array_get(g->shown, i);
		const char *path = json_get_str(v, "field", NULL);
		if (!path) {
			json_array_append(json_object_get(stream, "readings"), v);
			continue;
		}
		json_t *f = json_object_get(by_field, path);
		if (!f)
			continue;
		json_array_append(json_object_get(f, "readings"), v);
		double x = excess(g->rule, v);
		if (x > json_get_num(f, "excess", -INFINITY)) {
			json_object_set_new(f, "excess", json_num(x));
			json_object_set(f, "worst", v);
		}
	}
}

static json_t *stream_json(const struct judge *j, const struct stream_state *s)
{
	const struct judge_stream *c = s->conf;
	struct verdict v = stream_verdict(j, s);
	json_t *out = json_pack("{s:o, s:o, s:o, s:o, s:s, s:s, s:o, s:o, s:O?, s:o, s:I, s:I, s:o, s:o}", "name",
				json_str(c->name), "topic", json_str(c->topic), "role", json_str(c->role), "owner",
				json_str(c->owner), "state", v.state, "reason", v.reason, "watermark",
				json_time(s->progress.watermark.ms), "newest", json_time(s->progress.newest.ms), "window",
				s->window, "baseline", c->baseline ? json_string(c->baseline->hash) : json_null(), "too_old",
				(json_int_t)s->view.too_old, "records_lost", (json_int_t)s->view.records_lost, "readings",
				json_array(), "fields", json_array());
	json_t *by_field = json_object(), *slices = json_object();
	size_t left_off = 0;
	char span[32];

	if (c->previous_ms)
		json_object_set_new(out, "previous", json_string(duration_format(c->previous_ms, span, sizeof span)));
	for (size_t i = 0; i < c->nslices; i++)
		json_object_set_new(slices, c->slices[i].slice, json_string(c->slices[i].baseline->hash));
	if (c->nslices)
		json_object_set(out, "slice_baselines", slices);
	json_decref(slices);

	for (size_t i = 0; i < json_array_size(s->fields); i++) {
		json_t *f = json_copy(json_array_get(s->fields, i));
		json_object_set_new(f, "worst", json_null());
		json_object_set_new(f, "readings", json_array());
		json_object_set(by_field, json_get_str(f, "path", ""), f);
		json_array_append_new(json_object_get(out, "fields"), f);
	}
	for (size_t i = 0; i < j->ngroups; i++) {
		if (j->groups[i]->stream != s)
			continue;
		add_readings(out, by_field, j->groups[i]);
		left_off += j->groups[i]->unshown;
	}
	for (size_t i = 0; i < json_array_size(json_object_get(out, "fields")); i++)
		json_object_del(json_array_get(json_object_get(out, "fields"), i), "excess");
	fields_show(s, out);
	if (left_off)
		json_object_set_new(out, "readings_left_off", json_integer((json_int_t)left_off));
	if (c->of)
		json_object_set_new(out, "of", json_str(c->of));
	json_decref(by_field);
	return out;
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

void status_build(struct judge *j)
{
	json_t *streams = json_array(), *brief = json_array();

	for (size_t i = 0; i < j->conf->nstreams; i++) {
		const struct stream_state *s = &j->streams[i];
		json_t *full = stream_json(j, s), *less = json_copy(full);
		json_object_del(less, "readings");
		json_object_del(less, "fields");
		json_array_append_new(brief, less);
		batch_doc(&j->batch, "status", s->conf->name, json_incref(full));
		json_array_append_new(streams, full);
	}
	json_t *status = json_pack("{s:o, s:o, s:o, s:o, s:b}", "clock", json_time(j->clock), "streams", streams, "alerts",
				   alerts_json(j), "digests", digests_json(j), "behind", j->behind);
	json_t *whole = json_copy(status);
	json_object_set_new(whole, "streams", brief);
	batch_doc(&j->batch, "status", "kdrift", whole);

	pthread_mutex_lock(&j->lock);
	json_t *old = j->status;
	j->status = status;
	pthread_mutex_unlock(&j->lock);
	json_decref(old);
}
