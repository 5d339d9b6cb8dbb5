// SPDX-License-Identifier: Apache-2.0
#include "judge/alert.h"

#include <string.h>

static const struct held not_held = {ALERT_NEVER, ALERT_NEVER};

void alert_init(struct alert_state *a)
{
	*a = (struct alert_state){
		.window = not_held, .eager = not_held, .started = ALERT_NEVER, .true_until = ALERT_NEVER};
}

static bool held(const struct held *h)
{
	return h->at != ALERT_NEVER;
}

bool alert_pending(const struct alert_state *a)
{
	return !a->firing && (held(&a->window) || held(&a->eager));
}

bool alert_ok(const struct alert_state *a)
{
	return !a->firing && !a->unknown && !alert_pending(a);
}

static enum alert_change fire(struct alert_state *a, const struct held *since)
{
	a->firing = true;
	a->unknown = false;
	a->started = since->from;
	a->window = a->eager = not_held;
	return ALERT_FIRED;
}

static enum alert_change apply_firing(struct alert_state *a, const struct alert_step *s)
{
	if (s->mode == ALERT_EAGER && s->truth == TRUTH_TRUE && s->boundary > a->true_until) {
		a->true_until = s->boundary;
		return ALERT_CHANGED;
	}
	if (s->truth != TRUTH_FALSE || s->mode == ALERT_EAGER)
		return ALERT_SAME;
	if (s->mode == ALERT_WINDOW && s->boundary < a->true_until)
		return ALERT_SAME;
	alert_init(a);
	return ALERT_RESOLVED;
}

enum alert_change alert_apply(struct alert_state *a, const struct alert_step *s)
{
	struct held *h = s->mode == ALERT_EAGER ? &a->eager : &a->window;
	const struct alert_state was = *a;

	if (a->firing)
		return apply_firing(a, s);
	if (s->truth != TRUTH_TRUE) {
		*h = not_held;
		if (s->mode == ALERT_EAGER)
			a->true_until = ALERT_NEVER;
		a->unknown = s->truth == TRUTH_UNKNOWN;
		a->why = a->unknown ? s->why : READING_KNOWN;
		return a->unknown != was.unknown || a->why != was.why || alert_pending(a) != alert_pending(&was)
			       ? ALERT_CHANGED
			       : ALERT_SAME;
	}
	bool began = !held(h);
	if (began)
		*h = (struct held){s->boundary, s->at};
	a->unknown = false;
	a->why = READING_KNOWN;
	if (s->mode == ALERT_EAGER)
		a->true_until = s->boundary;
	if (s->at - h->at >= s->for_ms)
		return fire(a, h);
	return began || was.unknown ? ALERT_CHANGED : ALERT_SAME;
}

enum alert_change alert_absent(struct alert_state *a, enum alert_mode mode)
{
	const struct alert_state was = *a;

	if (a->firing)
		return ALERT_SAME;
	if (mode == ALERT_EAGER) {
		a->eager = not_held;
		a->true_until = ALERT_NEVER;
	} else {
		a->window = not_held;
		a->unknown = false;
		a->why = READING_KNOWN;
	}
	return a->unknown != was.unknown || alert_pending(a) != alert_pending(&was) ? ALERT_CHANGED : ALERT_SAME;
}

const char *alert_state_name(const struct alert_state *a)
{
	return a->firing ? "firing" : alert_pending(a) ? "pending" : a->unknown ? "unknown" : "ok";
}

static void put_time(json_t *obj, const char *key, int64_t v)
{
	if (v != ALERT_NEVER)
		json_object_set_new(obj, key, json_integer(v));
}

void alert_to_json(const struct alert_state *a, json_t *obj)
{
	json_object_set_new(obj, "state", json_string(alert_state_name(a)));
	if (a->unknown)
		json_object_set_new(obj, "why", json_string(reading_state_names[a->why]));
	put_time(obj, "window_from", a->window.from);
	put_time(obj, "window_at", a->window.at);
	put_time(obj, "eager_from", a->eager.from);
	put_time(obj, "eager_at", a->eager.at);
	put_time(obj, "started", a->started);
	put_time(obj, "true_until", a->true_until);
}

void alert_from_json(struct alert_state *a, const json_t *obj)
{
	const char *state = json_get_str(obj, "state", "ok"), *why = json_get_str(obj, "why", "");

	alert_init(a);
	a->firing = !strcmp(state, "firing");
	a->unknown = !strcmp(state, "unknown");
	for (int i = 0; i < READING_STATES; i++)
		if (!strcmp(reading_state_names[i], why))
			a->why = (enum reading_state)i;
	a->window.from = json_get_int(obj, "window_from", ALERT_NEVER);
	a->window.at = json_get_int(obj, "window_at", ALERT_NEVER);
	a->eager.from = json_get_int(obj, "eager_from", ALERT_NEVER);
	a->eager.at = json_get_int(obj, "eager_at", ALERT_NEVER);
	a->started = json_get_int(obj, "started", ALERT_NEVER);
	a->true_until = json_get_int(obj, "true_until", ALERT_NEVER);
}
