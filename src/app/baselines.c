// SPDX-License-Identifier: Apache-2.0
#include "app/baselines.h"

#include <stdlib.h>
#include <string.h>

#include "util/xalloc.h"

static struct baseline *load(const struct config *c, const struct stream_conf *s, const char *path, struct error *err)
{
	struct baseline *b = baseline_load(path, err);
	int rc = 0;

	if (!b)
		return NULL;
	if (strcmp(b->stream, s->name) != 0 && !config_stream(c, b->stream))
		rc = error_set(err, "%s is the baseline of stream %s, which is none of the configuration's; make one for this stream "
				    "with `kdrift baseline`", path, b->stream);
	for (size_t k = 0; !rc && k < b->nfields; k++) {
		const struct field_def *d = &b->fields[k]->def;
		if (d->type == FIELD_CATEGORICAL && path_redacted(d->path, s->redact, s->nredact))
			rc = error_set(err, "%s holds values of '%s', which redact hides; make it anew with `kdrift baseline`",
				       path, d->path);
	}
	if (!rc)
		return b;
	baseline_free(b);
	return NULL;
}

struct baseline *stream_baseline_load(const struct config *c, const struct stream_conf *s, struct error *err)
{
	return s->baseline ? load(c, s, s->baseline, err) : NULL;
}

struct baseline *slice_baseline_load(const struct config *c, const struct stream_conf *s, size_t i, const struct baseline *own,
				     struct error *err)
{
	struct baseline *b = load(c, s, s->slice_baselines[i].path, err);

	for (size_t k = 0; b && k < b->nfields; k++) {
		const struct field_def *d = &b->fields[k]->def;
		const struct baseline_field *f = baseline_find(own, d->path);

		if (!f || !d->grid || (f->def.grid && !strcmp(f->def.grid->id, d->grid->id)))
			continue;
		error_set(err, "%s has field %s on another grid than %s, and a stream has one grid; make it of the slice's panes "
			       "(kdrift baseline --from-store --slice), counted while the stream has that baseline",
			  s->slice_baselines[i].path, d->path, s->baseline);
		baseline_free(b);
		return NULL;
	}
	return b;
}

// Asked of the measure itself: two sides of one value on two grids.
static bool needs_one_grid(const struct measure *m)
{
	static const double edges[] = {0, 1, 2};
	struct grid *g[] = {grid_new(edges, 2), grid_new(edges, 3)};
	struct pane *p[] = {pane_new(), pane_new()};
	struct measure_side side[2];
	struct measure_value v = {.state = READING_KNOWN};
	char path[] = "x";

	for (int i = 0; i < 2; i++) {
		const struct field_def def = {.path = path, .type = FIELD_NUMERIC, .grid = g[i]};
		side[i] = (struct measure_side){p[i], pane_field(p[i], 0, &def)};
		pane_count_record(p[i], 0, 0, 1, true, false, false);
		for (int k = 0; k < 3; k++)
			field_add_number(p[i]->fields[0], k / 2.0);
	}
	const struct field_def def = {.path = path, .type = FIELD_NUMERIC, .grid = g[0]};
	struct measure_input in = {.def = &def, .current = side[0], .reference = side[1]};
	if (m->compute && m->needs_reference && m->types & 1u << FIELD_NUMERIC)
		m->compute(&in, &v);
	for (int i = 0; i < 2; i++) {
		pane_free(p[i]);
		grid_free(g[i]);
	}
	return v.state == READING_MIXED_GRIDS;
}

// A field of a (may be NULL) that the rule compares on another grid than b's (may be NULL); NULL: there is none.
static const char *other_grid(const struct rule *r, const struct baseline *a, const struct baseline *b)
{
	for (size_t i = 0; a && i < a->nfields; i++) {
		const struct field_def *d = &a->fields[i]->def;
		const struct baseline_field *f = b ? baseline_find(b, d->path) : NULL;
		const struct grid *g = f ? f->def.grid : NULL;

		if (!d->grid || !rule_matches_field(r, d->path) || (b && !f))
			continue;
		if (!g || strcmp(g->id, d->grid->id) != 0)
			return d->path;
	}
	return NULL;
}

void baselines_check(const struct config *c, struct baseline *const *by_stream,
		     void (*bad)(void *ctx, const struct rule *r, const char *text), void *ctx)
{
	for (size_t i = 0; i < c->nrules; i++) {
		const struct rule *r = &c->rules[i];
		const struct stream_conf *other = r->against.kind == AGAINST_STREAM ? config_stream(c, r->against.name) : NULL;

		if (!other || !needs_one_grid(r->measure))
			continue;
		for (size_t k = 0; k < c->nstreams; k++) {
			const struct stream_conf *s = &c->streams[k];
			const struct baseline *a = by_stream[k], *b = by_stream[other - c->streams];
			const char *field = config_rule_concerns(r, s) && s != other ? other_grid(r, a, b) : NULL;

			if (!field && config_rule_concerns(r, s) && s != other && !a)
				field = other_grid(r, b, a);
			if (!field)
				continue;
			char *text = xasprintf("%s.against.stream: field %s of stream %s is not counted on the grid of stream %s, and %s "
					       "needs one grid; give both streams the same `baseline:` file, or none",
					       r->name, field, s->name, other->name, r->measure->name);
			bad(ctx, r, text);
			free(text);
		}
	}
}
