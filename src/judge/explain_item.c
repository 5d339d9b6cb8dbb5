// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "drift/contribution.h"
#include "drift/distribution.h"
#include "judge/explain_parts.h"
#include "judge/since.h"
#include "util/xalloc.h"

enum { BACK = 48, FINE = 60 }; // windows looked back, side by side; steps between two of them

// --- since when ---------------------------------------------------------------------------------------

struct past {
	int64_t ends[BACK + FINE];
	double values[BACK + FINE];
	bool there[BACK + FINE]; // the slice and the field were
	size_t n;
};

static int past_value(struct ground *g, const char *path, const char *slice, int64_t end, struct past *p,
		      struct error *err)
{
	struct scene s;
	int rc = scene_init(&s, g, end, err);

	if (!rc) {
		const struct field_def *def = *path ? scene_field(&s, path) : NULL;
		struct field_def bare = {.path = (char *)(uintptr_t)path};
		struct reading v = reading_of(&g->rule, &s.moment, *path && !def ? &bare : def, slice);
		const struct slice_stats *own = merged_slice(&s.now, slice);
		p->there[p->n] =
		    own && (!*path || rule_rank(&g->rule) || pane_find(own->pane, path, FIELD_TYPES));
		p->ends[p->n] = end;
		p->values[p->n++] = own && v.v.state == READING_KNOWN ? v.v.value : NAN;
	}
	scene_release(&s);
	return rc;
}

// Windows side by side, the last one `to`; none that begins before what the store still has.
static int look_back(struct ground *g, const char *path, const char *slice, int64_t to, struct past *p,
		     struct error *err)
{
	int64_t first = to - BACK * g->length;

	p->n = 0;
	if (windows_need(g->windows, first, to, err))
		return -1;
	int64_t data = windows_next(g->windows, first);
	for (int64_t end = first + g->length; end <= to; end += g->length)
		if ((end == to || end - g->length >= data) && past_value(g, path, slice, end, p, err))
			return -1;
	return 0;
}

// A p-value by its order of magnitude, as that is what moves.
static double comparable(const struct measure *m, double v)
{
	return m->scale == SCALE_P ? log10(fmax(v, 1e-300)) : v;
}

static struct since since_when(const struct ground *g, const struct past *p, double value, double limit)
{
	double *v = xcalloc(p->n, sizeof *v);

	for (size_t i = 0; i < p->n; i++)
		v[i] = comparable(g->rule.measure, i + 1 < p->n ? p->values[i] : value);
	struct since s = since_of(v, p->n, comparable(g->rule.measure, limit), value > limit);
	free(v);
	return s;
}

static json_t *history_json(const struct past *p)
{
	json_t *out = json_array();

	for (size_t i = 0; i < p->n; i++)
		json_array_append_new(out, json_pack("{s:o, s:o}", "to", json_time(p->ends[i]), "value",
						     json_num(p->values[i])));
	return out;
}

// Between the last window that had not moved and the first that had, slide by slide.
static int refine(struct ground *g, const char *path, const char *slice, const struct past *coarse, size_t at,
		  double value, double limit, int64_t *end, struct error *err)
{
	int64_t slide = g->stream->slide_ms, from = coarse->ends[at - 1], to = coarse->ends[at];
	int64_t step = time_floor((to - from) / FINE + slide - 1, slide);
	struct past fine = {.n = 0};

	for (size_t i = 0; i < at; i++) {
		fine.ends[i] = coarse->ends[i];
		fine.values[i] = coarse->values[i];
		fine.there[i] = coarse->there[i];
	}
	fine.n = at;
	for (int64_t k = from + step; k < to; k += step)
		if (past_value(g, path, slice, k, &fine, err))
			return -1;
	fine.ends[fine.n] = to;
	fine.values[fine.n++] = value;
	struct since s = since_when(g, &fine, value, limit);
	*end = fine.ends[s.at];
	return 0;
}

static int add_since(struct ground *g, const char *path, const char *slice, int64_t to, json_t *item,
		     int64_t *before, struct error *err)
{
	double value = json_get_num(item, "value", NAN), limit = json_get_num(item, "threshold", NAN);
	struct past p;

	*before = INT64_MIN;
	if (look_back(g, path, slice, to, &p, err))
		return -1;
	json_object_set_new(item, "history", history_json(&p));
	if (isnan(value) || isnan(limit))
		return 0;
	struct since s = since_when(g, &p, value, limit);
	int64_t end = p.ends[s.at];
	bool appeared = s.earlier && s.at && !p.there[s.at - 1],
	     alone = s.at + 1 == p.n && s.earlier && !appeared;
	s.earlier &= !appeared;
	if (!s.earlier && s.at && g->stream->slide_ms < g->length &&
	    refine(g, path, slice, &p, s.at, value, limit, &end, err))
		return -1;
	for (size_t i = 0; i < p.n; i++) // the last one that holds nothing of it
		if (!s.earlier && p.ends[i] <= end - g->stream->slide_ms &&
		    (appeared || isfinite(p.values[i])))
			*before = p.ends[i];
	json_object_set_new(item, "began",
			    json_pack("{s:o, s:b, s:b, s:b, s:o}", "window_to", json_time(end), "or_earlier",
				      (int)s.earlier, "alone", (int)alone, "appeared", (int)appeared,
				      "looked_back_to", json_time(p.ends[0] - g->length)));
	return 0;
}

// --- both distributions -------------------------------------------------------------------------------

static json_t *place_json(const char *value, size_t len, double lo, double hi)
{
	if (value)
		return json_pack("{s:o}", "value", json_strn(value, len));
	if (lo == hi)
		return json_pack("{s:o}", "value", json_num(lo));
	return json_pack("{s:o, s:o}", "from", json_num(lo), "to", json_num(hi));
}

static json_t *distribution_json(const struct distribution *d)
{
	double others_r = d->others_r, others_c = d->others_c;
	json_t *rows = json_array();

	for (size_t i = 0; i < d->n; i++) {
		const struct distribution_row *r = &d->rows[i];
		if (r->value && i >= EXPLAIN_LISTED) {
			others_r += r->r;
			others_c += r->c;
			continue;
		}
		json_t *row = place_json(r->value, r->len, r->lo, r->hi);
		json_object_set_new(row, "reference", json_integer((json_int_t)r->r));
		json_object_set_new(row, "current", json_integer((json_int_t)r->c));
		if (r->outer)
			json_object_set_new(row, "outside", json_string(r->outer < 0 ? "below" : "above"));
		json_array_append_new(rows, row);
	}
	return json_pack("{s:o, s:{s:I, s:I}}", "rows", rows, "others", "reference", (json_int_t)others_r,
			 "current", (json_int_t)others_c);
}

static json_t *contributions_json(const struct contributions *c)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < c->n && i < EXPLAIN_LISTED; i++) {
		const struct contribution *one = &c->items[i];
		json_t *row = place_json(one->value, one->len, one->lo, one->hi);
		json_object_set_new(row, "reference", json_num(one->r));
		json_object_set_new(row, "current", json_num(one->c));
		json_object_set_new(row, "part", json_num(one->part));
		json_object_set_new(row, "share", json_num(one->share));
		json_array_append_new(rows, row);
	}
	json_t *out = json_pack("{s:s, s:s, s:o, s:o}", "of", c->of, "how", c->how, "total",
				json_num(c->total), "rows", rows);
	if (isfinite(c->gap_at))
		json_object_set_new(out, "gap",
				    json_pack("{s:f, s:f, s:f}", "at", c->gap_at, "reference", c->gap_r,
					      "current", c->gap_c));
	return out;
}

static void add_sides(const struct ground *g, const struct scene *s, const struct field_def *def,
		      const char *slice, json_t *item)
{
	bool partial = false;
	struct pane *counted;
	struct measure_input in = reading_input(&g->rule, &s->moment, def, slice, &partial, &counted);
	struct measure_value v = measure_compute(g->rule.measure, &in);
	struct contributions c;
	struct distribution d;

	if (ground_redacted(g, def->path)) {
		json_object_set_new(item, "redacted", json_true());
		pane_free(counted);
		return;
	}
	enum reading_state state = distribution_of(&d, &in);
	if (state == READING_KNOWN) {
		json_object_set_new(item, "distribution", distribution_json(&d));
		distribution_release(&d);
	} else if (g->rule.measure->needs_reference) {
		json_object_set_new(item, "not_compared", json_string(reading_state_names[state]));
	}
	if (g->rule.measure->needs_reference &&
	    contributions_of(&c, g->rule.measure, &v, &in) == READING_KNOWN) {
		json_object_set_new(item, "contributions", contributions_json(&c));
		contributions_release(&c);
	}
	pane_free(counted);
}

// What was told on the way, before the window was complete, may differ from what it came to.
static void add_whole(const struct ground *g, const struct scene *s, const struct field_def *def,
		      const char *slice, json_t *item)
{
	struct reading v = reading_of(&g->rule, &s->moment, def, slice);

	if (v.v.state == READING_KNOWN && (json_int_t)v.v.n_current != json_get_int(item, "n_current", 0))
		json_object_set_new(item, "whole_window", value_json(&v.v));
}

int explain_item(struct ground *g, const struct scene *s, json_t *item, int64_t *before, struct error *err)
{
	const char *path = json_get_str(item, "field", ""), *slice = json_get_str(item, "slice", "");
	const struct field_def *def = *path ? scene_field(s, path) : NULL,
			       bare = {.path = (char *)(uintptr_t)path};

	if (def) {
		json_object_set_new(item, "type", json_string(field_type_name(def->type)));
		add_sides(g, s, def, slice, item);
	}
	if (*path && !def) // no value of it came
		def = &bare;
	add_whole(g, s, def, slice, item);
	if (explain_split(g, s, def, slice, item, err))
		return -1;
	return add_since(g, path, slice, s->now.to, item, before, err);
}
