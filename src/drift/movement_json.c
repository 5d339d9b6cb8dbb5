// SPDX-License-Identifier: Apache-2.0
#include "drift/baseline_json.h"
#include "util/xalloc.h"

#define DAY ((int64_t)86400000)

static json_t *list(size_t n, size_t each, const void *v)
{
	json_t *a = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(a, json_integer(each == sizeof(uint64_t) ? (json_int_t)((const uint64_t *)v)[i]
								: (json_int_t)((const int32_t *)v)[i]));
	return a;
}

json_t *movement_encode(const struct movement *m)
{
	json_t *o = json_object(), *series = json_array();
	size_t phases = movement_phases(m);

	json_object_set_new(o, "length", json_integer(m->length));
	json_object_set_new(o, "covers", json_integer(m->covers));
	json_object_set_new(o, "groups", list(m->nlevels, sizeof *m->groups, m->groups));
	json_object_set_new(o, "size", list(m->nlevels, sizeof *m->size, m->size));
	if (phases) {
		json_object_set_new(o, "phase", json_integer(m->phase));
		json_object_set_new(o, "period", json_integer(m->period));
		json_object_set_new(o, "weight", list(phases, sizeof *m->weight, m->weight));
	}
	for (size_t i = 0; i < m->nseries; i++) {
		const struct movement_series *s = &m->series[i];
		json_t *v = json_object();

		json_object_set_new(v, "residual", json_integer((json_int_t)s->residual));
		json_object_set_new(v, "design", list(m->nlevels, sizeof *s->design, s->design));
		json_object_set_new(v, "lag1", list(m->nlevels, sizeof *s->lag1, s->lag1));
		if (phases)
			json_object_set_new(v, "profile", list(phases, sizeof *s->profile, s->profile));
		json_array_append_new(series, v);
	}
	json_object_set_new(o, "series", series);
	return o;
}

static int64_t whole(const json_t *v, int64_t least, int64_t most, const char *key, struct error *err)
{
	json_int_t n = json_integer_value(v);

	if (json_is_integer(v) && n >= least && n <= most)
		return n;
	error_set(err, "\"movement\": \"%s\" must be a whole number within its bounds", key);
	return least;
}

static void numbers(const json_t *o, const char *key, size_t n, int64_t least, int64_t most, size_t each, void *out,
		    struct error *err)
{
	const json_t *a = json_object_get(o, key);

	if (!json_is_array(a) || json_array_size(a) != n)
		error_set(err, "\"movement\": \"%s\" must be an array of %zu", key, n);
	for (size_t i = 0; i < n && i < json_array_size(a); i++) {
		int64_t v = whole(json_array_get(a, i), least, most, key, err);

		if (each == sizeof(uint64_t))
			((uint64_t *)out)[i] = (uint64_t)v;
		else
			((int32_t *)out)[i] = (int32_t)v;
	}
}

static void decode_rhythm(struct movement *m, const json_t *o, struct error *err)
{
	int64_t period = whole(json_object_get(o, "period"), 1, INT64_MAX, "period", err);
	int64_t phase = whole(json_object_get(o, "phase"), 1, period, "phase", err);

	if (err->set || (period != DAY && period != 7 * DAY) || period % phase || period / phase * (int64_t)m->nseries > MOVEMENT_PHASES) {
		error_set(err, "\"movement\": \"period\" must be a day or a week, and \"phase\" divide it into not too many");
		return;
	}
	m->period = period;
	m->phase = phase;
	m->weight = xcalloc(movement_phases(m), sizeof *m->weight);
	numbers(o, "weight", movement_phases(m), 0, 1000000, sizeof *m->weight, m->weight, err);
}

static void decode_series(struct movement *m, size_t i, const json_t *o, struct error *err)
{
	struct movement_series *s = &m->series[i];

	s->residual = (uint64_t)whole(json_object_get(o, "residual"), 0, INT64_MAX, "residual", err);
	numbers(o, "design", m->nlevels, 0, INT32_MAX, sizeof *s->design, s->design, err);
	numbers(o, "lag1", m->nlevels, -1000, 1000, sizeof *s->lag1, s->lag1, err);
	if (!m->period)
		return;
	s->profile = xcalloc(movement_phases(m), sizeof *s->profile);
	numbers(o, "profile", movement_phases(m), INT32_MIN, INT32_MAX, sizeof *s->profile, s->profile, err);
}

struct movement *movement_decode(const json_t *o, size_t nseries, struct error *err)
{
	const json_t *series = json_object_get(o, "series");
	size_t levels = json_array_size(json_object_get(o, "groups"));
	struct movement *m = xcalloc(1, sizeof *m);

	if (json_array_size(series) != nseries || !nseries || nseries > MOVEMENT_SERIES || levels > MOVEMENT_LEVELS)
		error_set(err, "\"movement\": \"series\" or \"groups\" has not the size it must have");
	m->length = whole(json_object_get(o, "length"), 1, INT64_MAX, "length", err);
	m->covers = whole(json_object_get(o, "covers"), m->length, INT64_MAX, "covers", err);
	if (!err->set) {
		m->nlevels = levels;
		m->nseries = nseries;
		m->series = xcalloc(nseries, sizeof *m->series);
		numbers(o, "groups", levels, 2, INT32_MAX, sizeof *m->groups, m->groups, err);
		numbers(o, "size", levels, 1, INT64_MAX, sizeof *m->size, m->size, err);
		if (json_object_get(o, "period"))
			decode_rhythm(m, o, err);
	}
	for (size_t i = 0; !err->set && i < nseries; i++)
		decode_series(m, i, json_array_get(series, i), err);
	if (!err->set) {
		movement_sum(m);
		return m;
	}
	movement_free(m);
	return NULL;
}
