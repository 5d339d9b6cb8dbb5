// SPDX-License-Identifier: Apache-2.0
#include "judge/readings.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drift/special.h"
#include "judge/threshold.h"
#include "stats/regrid.h"
#include "util/xalloc.h"

struct listed {
	const struct field_def *def;
	const struct field_stats *counted; // of what is no def
	int rank;                          // of one path the least is taken
};

static const char *listed_path(const struct listed *l)
{
	return l->def ? l->def->path : l->counted->path;
}

static int by_path(const void *a, const void *b)
{
	const struct listed *x = a, *y = b;
	int d = strcmp(listed_path(x), listed_path(y));

	return d ? d : x->rank - y->rank;
}

void field_list_fill(struct field_list *l, const struct judge_stream *s, const struct merged *window)
{
	const struct pane *p = window ? window->total.pane : NULL;
	size_t nbaseline = s->baseline ? s->baseline->nfields : 0, most = s->nfields + nbaseline + (p ? p->nfields : 0), n = 0;
	struct listed *all = xmalloc((most + 1) * sizeof *all);

	// A configured field without a type of its own takes the baseline's or the counted one below.
	for (size_t i = 0; i < s->nfields; i++) {
		const struct baseline_field *b = nbaseline ? baseline_find(s->baseline, s->fields[i].path) : NULL;
		if (s->fields[i].type == FIELD_TYPES)
			continue;
		all[n] = (struct listed){b && b->def.type == s->fields[i].type ? &b->def : &s->fields[i], NULL, (int)n};
		n++;
	}
	for (size_t i = 0; i < nbaseline; i++, n++)
		all[n] = (struct listed){&s->baseline->fields[i]->def, NULL, (int)n};
	for (size_t i = 0; p && i < p->nfields; i++) {
		const struct field_stats *f = p->fields[i];
		if (!f || f->type == FIELD_NONE)
			continue;
		all[n] = (struct listed){NULL, f, (int)n};
		n++;
	}
	if (n)
		qsort(all, n, sizeof *all, by_path);
	*l = (struct field_list){.items = xmalloc((n + 1) * sizeof *l->items), .cap = n + 1};
	for (size_t i = 0; i < n; i++) {
		const struct field_stats *f = all[i].counted;
		if (i && !strcmp(listed_path(&all[i - 1]), listed_path(&all[i])))
			continue;
		if (f)
			l->items[l->n++] = (struct field_def){.path = f->path, .type = f->type, .grid = f->grid};
		else if (all[i].def->type != FIELD_NONE)
			l->items[l->n++] = *all[i].def;
	}
	free(all);
}

void field_list_need(struct field_list *l, const struct judge_stream *s, const struct merged *window)
{
	if (!l->items)
		field_list_fill(l, s, window);
}

void field_list_release(struct field_list *l)
{
	free(l->items);
	*l = (struct field_list){0};
}

bool rule_needs_field(const struct rule *r, const struct field_def *f)
{
	return (r->measure->types & (1u << f->type)) && rule_matches_field(r, f->path);
}

bool rule_needs_slice(const struct rule *r, const struct slice_stats *s)
{
	if (r->against.kind == AGAINST_SLICE)
		return *s->name && strcmp(s->name, r->against.name) != 0 && strcmp(s->name, "other") != 0;
	return strcmp(s->name, "other") != 0;
}

// Where a baseline is compared with, only its own fields are tests: what else was counted can never fire.
uint64_t rule_tests(const struct rule *r, const struct judge_stream *s, const struct field_list *fields,
		    const struct merged *window)
{
	bool own = r->measure->needs_reference && r->against.kind == AGAINST_BASELINE && !s->previous_ms;
	uint64_t nfields = 0, nslices = rule_needs_slice(r, &window->total);

	for (size_t i = 0; i < fields->n; i++) {
		const struct field_def *def = &fields->items[i];
		const struct baseline_field *b = own && s->baseline ? baseline_find(s->baseline, def->path) : NULL;
		nfields += rule_needs_field(r, def) && (!own || (b && b->def.type == def->type));
	}
	for (size_t i = 0; i < window->nslices; i++)
		nslices += rule_needs_slice(r, &window->slices[i]);
	return budget_steady(nslices * (r->measure->scope & MEASURE_FIELD ? nfields : 1));
}

static struct measure_side side_of(const struct merged *m, const char *slice, const struct field_def *def,
				   bool *partial)
{
	const struct slice_stats *s = m ? merged_slice(m, slice) : NULL;
	struct measure_side side = {NULL, NULL};

	*partial |= m && m->cut;
	*partial |= s && (s->damaged || !slice_whole(m, s));
	if (s && s->pane->records) {
		side.pane = s->pane;
		side.field = def ? pane_find(s->pane, def->path, def->type) : NULL;
	}
	return side;
}

bool moment_lost(const struct rule *r, const struct moment *m)
{
	bool other = rule_previous(r, m->stream) || r->against.kind == AGAINST_STREAM;

	return (m->window && m->window->lost) || (other && m->other && m->other->lost);
}

bool moment_cut(const struct moment *m)
{
	return (m->window && m->window->cut) || (m->other && m->other->cut);
}

int64_t rule_previous(const struct rule *r, const struct judge_stream *s)
{
	if (r->against.kind == AGAINST_BASELINE && r->measure->needs_reference && !s->baseline)
		return s->previous_ms;
	return r->against.previous_ms;
}

bool rule_moves(const struct rule *r, const struct judge_stream *s)
{
	return r->against.kind == AGAINST_BASELINE && rule_previous(r, s) && !strcmp(r->measure->name, "drift");
}

const struct baseline *stream_baseline(const struct judge_stream *s, const char *slice)
{
	for (size_t i = 0; i < s->nslices; i++)
		if (!strcmp(s->slices[i].slice, slice))
			return s->slices[i].baseline;
	return s->baseline;
}

static void against_baseline(const struct baseline *b, const struct field_def *def, struct measure_input *in)
{
	const struct baseline_field *f = def ? baseline_find(b, def->path) : NULL;

	in->source = b;
	in->reference.pane = b->total;
	if (!f || f->def.type != def->type)
		return;
	in->baseline = f;
	in->def = &f->def;
	in->reference.field = f->total;
}

// The one place that knows what a rule's window is compared with.
static void reference_of(const struct rule *r, const struct moment *m, const struct field_def *def,
			 const char *slice, struct measure_input *in, bool *partial)
{
	const struct baseline *b = stream_baseline(m->stream, slice);

	switch (r->against.kind) {
	case AGAINST_BASELINE:
		if (b)
			against_baseline(b, def, in);
		else if (rule_previous(r, m->stream))
			in->reference = side_of(m->other, slice, def, partial);
		return;
	case AGAINST_SLICE:
		in->reference = side_of(m->window, r->against.name, def, partial);
		return;
	case AGAINST_STREAM:
	case AGAINST_PREVIOUS:
		in->reference = side_of(m->other, slice, def, partial);
		return;
	}
}

// What was counted before the baseline came is counted as it is, where that can be done exactly.
static struct pane *like_baseline(struct measure_input *in)
{
	struct pane *p = in->baseline && in->current.field
			     ? field_like(in->current.pane, in->current.field, in->baseline->total) : NULL;

	if (p)
		in->current = (struct measure_side){p, p->fields[0]};
	return p;
}

// By how windows moved before the earlier one, where that is known and the window can be put on its grid.
static struct pane *against_moving(const struct moving_history *h, const char *slice, struct measure_input *in)
{
	const struct measure_input plain = *in;
	const struct baseline *b = h ? moving_baseline(h, slice) : NULL;
	struct pane *p = NULL;

	if (!b || !in->def)
		return NULL;
	against_baseline(b, in->def, in);
	p = like_baseline(in);
	if (!in->baseline || !in->current.field || (in->baseline->def.grid && in->current.field->grid != in->baseline->def.grid))
		*in = plain;
	else
		in->history = histories_get(moving_histories(h), in->baseline, b, in->window_ms, in->window_to);
	return p;
}

static const char *const letter_words[] = {
	[LETTERS_GO] = "",
	[LETTERS_RATIO] = "past max_ratio",
	[LETTERS_CONSECUTIVE] = "past max_consecutive",
	[LETTERS_UNDELIVERED] = "the topic cannot be written",
};

static struct measure_input input_of(const struct rule *r, const struct moment *m, const struct field_def *def,
				     const char *slice, struct measure_side current, bool *partial, struct pane **counted)
{
	struct measure_input in = {
		.def = def,
		.current = current,
		.window_ms = m->window ? m->window->to - m->window->from : 0,
		.window_to = m->window ? m->window->to : 0,
		.newest = m->progress->newest,
		.version_known = m->version->said,
		.breaches = m->version->breaches,
		.since = m->since,
		.waiting_since = {m->progress->waiting_since},
		.letters_stopped = m->progress->letters_stopped,
		.letters_why = letter_words[m->progress->letters.why],
		.now = m->now,
	};

	reference_of(r, m, def, slice, &in, partial);
	*counted = rule_moves(r, m->stream) ? against_moving(m->moving, slice, &in) : like_baseline(&in);
	if (in.baseline && m->window && !in.history && m->histories && r->measure->scale == SCALE_Z && !r->measure->by_slide)
		in.history = histories_get(m->histories, in.baseline, in.source, in.window_ms, in.window_to);
	return in;
}

struct measure_input reading_input(const struct rule *r, const struct moment *m, const struct field_def *def,
				   const char *slice, bool *partial, struct pane **counted)
{
	return input_of(r, m, def, slice, side_of(m->window, slice, def, partial), partial, counted);
}

struct measure_value reading_of_pane(const struct rule *r, const struct moment *m, const struct field_def *def, const char *slice,
				     const struct pane *p)
{
	struct measure_side current = {p, def ? pane_find(p, def->path, def->type) : NULL};
	bool partial = false;
	struct pane *counted;
	struct measure_input in = input_of(r, m, def, slice, current, &partial, &counted);
	struct measure_value v = measure_compute(r->measure, &in);

	pane_free(counted);
	return v;
}

struct reading reading_of(const struct rule *r, const struct moment *m, const struct field_def *def,
			  const char *slice)
{
	bool partial = false;
	struct pane *counted;
	struct measure_input in = reading_input(r, m, def, slice, &partial, &counted);
	struct reading out = {.stream = m->stream->name,
			      .field = def ? def->path : "",
			      .slice = slice,
			      .measure = r->measure,
			      .from = INT64_MIN,
			      .to = INT64_MIN,
			      .adjusted = NAN};
	struct span spans[SPANS_MAX];
	uint64_t bins[SPANS_MAX][BASELINE_BINS];

	if (m->spans && in.baseline) {
		in.spans = spans;
		in.nspans = spans_of(m->spans, slice, in.baseline, spans, bins);
		in.slide_ms = m->stream->slide_ms;
	}
	out.limits = thresholds_of(r, m, &in);
	if (r->measure->scale == SCALE_Z && !isnan(out.limits.above))
		in.limit_p = normal_sf(out.limits.above);
	out.v = measure_compute(r->measure, &in);
	if (m->window) {
		out.from = m->window->from;
		out.to = m->window->to;
	}
	if (in.source && in.source->has_event_time && r->measure->needs_reference) {
		out.covers_from = in.source->from;
		out.covers_to = in.source->to;
	}
	if (in.source)
		snprintf(out.baseline, sizeof out.baseline, "%s", in.source->hash);
	uint64_t records = in.current.pane ? in.current.pane->records : 0;
	pane_free(counted);
	uint64_t least = records < out.v.n_current ? records : out.v.n_current;
	if (out.v.state == READING_MIXED_GRIDS && r->against.kind != AGAINST_STREAM)
		out.v.state = READING_RECALIBRATING; // one stream has two grids only where its baseline was changed
	if (partial)
		out.v.state = READING_APPROXIMATE;
	else if (m->thin && !rule_is_volume(r))
		out.v.state = READING_INCOMPLETE;
	else if (out.v.state == READING_KNOWN && isnan(out.limits.above) && isnan(out.limits.below))
		out.v.state = READING_UNCALIBRATED;
	else if (out.v.state == READING_KNOWN && m->window && least < r->min_records)
		out.v.state = READING_TOO_FEW;
	if (out.v.state != READING_KNOWN)
		out.v.value = NAN;
	return out;
}
