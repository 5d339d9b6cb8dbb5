// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "judge/explain_parts.h"
#include "util/xalloc.h"

#define MISSING_MOVES 0.01 // of a share
#define VOLUME_MOVES  1.5  // times as many, or as few

static bool named(const json_t *items, const char *path, const char *measure)
{
	for (size_t i = 0; i < json_array_size(items); i++) {
		const json_t *item = json_array_get(items, i);
		if (!strcmp(json_get_str(item, "field", ""), path) &&
		    !strcmp(json_get_str(item, "measure", ""), measure))
			return true;
	}
	return false;
}

// Of all slices together: what the rule compares with, by a measure of one's own.
static double value_of(const struct ground *g, const struct scene *s, const struct measure *m,
		       const char *path)
{
	const struct field_def *def = *path ? scene_field(s, path) : NULL;

	if ((*path && !def) || !s->now.total.pane->records)
		return NAN;
	struct measure_value v = scene_value(s, &g->rule, m, def, "", 0);
	return v.state == READING_KNOWN ? v.value : NAN;
}

static bool moved(const struct measure *m, double before, double now)
{
	if (isnan(now))
		return false;
	if (!strcmp(m->name, "records"))
		return now > before * VOLUME_MOVES || now * VOLUME_MOVES < before;
	if (!m->needs_reference)
		return fabs(now - before) >= MISSING_MOVES;
	return now >= m->threshold && !(before >= m->threshold);
}

static void compare(const struct ground *g, const struct scene *now, const struct scene *before,
		    const char *measure, const char *path, const json_t *items, json_t *out)
{
	const struct measure *m = measure_find(measure);
	double a = before ? value_of(g, before, m, path) : NAN, b = value_of(g, now, m, path);

	if (!named(items, path, measure) && moved(m, a, b))
		json_array_append_new(out, json_pack("{s:o, s:s, s:o, s:o}", "field",
						     *path ? json_str(path) : json_null(), "measure", measure,
						     "before", json_num(a), "now", json_num(b)));
}

static void compare_all(const struct ground *g, const struct scene *now, const struct scene *before,
			const json_t *items, json_t *out)
{
	compare(g, now, before, "records", "", items, out);
	compare(g, now, before, "violation_ratio", "", items, out);
	for (size_t i = 0; i < now->fields.n && json_array_size(out) < EXPLAIN_LISTED; i++) {
		const char *path = now->fields.items[i].path;
		bool known = isfinite(value_of(g, now, measure_find("drift"), path));
		compare(g, now, before, "missing_ratio", path, items, out);
		if (!named(items, path, g->rule.measure->name))
			compare(g, now, before, known ? "drift" : "js", path, items, out);
	}
}

// --- schemas ------------------------------------------------------------------------------------------

static json_t *mix(const struct pane *p)
{
	json_t *out = json_array();

	for (size_t i = 0; p && i < p->nschemas; i++)
		json_array_append_new(
		    out, json_pack("{s:o, s:I}", "id",
				   p->schemas[i].id < 0 ? json_null() : json_integer(p->schemas[i].id),
				   "records", (json_int_t)p->schemas[i].n));
	return out;
}

static bool holds(const struct pane *p, int64_t id)
{
	for (size_t i = 0; i < p->nschemas; i++)
		if (p->schemas[i].id == id)
			return true;
	return false;
}

static json_t *schemas_json(const struct pane *now, const struct pane *before, const struct pane *baseline)
{
	const struct pane *known = before ? before : baseline;
	json_t *fresh = json_array();

	for (size_t i = 0; known && known->nschemas && i < now->nschemas; i++)
		if (now->schemas[i].id >= 0 && !holds(known, now->schemas[i].id))
			json_array_append_new(fresh, json_integer(now->schemas[i].id));
	return json_pack("{s:o, s:o, s:o, s:o}", "now", mix(now), "before",
			 before ? mix(before) : json_null(), "baseline",
			 baseline ? mix(baseline) : json_null(), "new", fresh);
}

int explain_around(struct ground *g, const struct scene *s, int64_t before, const json_t *items, json_t *out,
		   struct error *err)
{
	const struct baseline *b = g->stream->baseline;
	bool known = before != INT64_MIN;
	json_t *list = json_array();
	struct scene old;

	if (known && scene_init(&old, g, before, err)) {
		scene_release(&old);
		json_decref(list);
		return -1;
	}
	compare_all(g, s, known ? &old : NULL, items, list);
	json_object_set_new(
	    out, "before",
	    known ? json_pack("{s:o, s:o}", "from", json_time(old.now.from), "to", json_time(old.now.to))
		  : json_null());
	json_object_set_new(out, "also_moved", list);
	json_object_set_new(
	    out, "schemas",
	    schemas_json(s->now.total.pane, known ? old.now.total.pane : NULL, b ? b->total : NULL));
	if (known)
		scene_release(&old);
	return 0;
}
