// SPDX-License-Identifier: Apache-2.0
// The total pane gives grids, categories and sums; its own statistics are taken over, so that they are exact.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "drift/baseline_make.h"
#include "drift/sides.h"
#include "stats/categories.h"
#include "stats/pane_lists.h"
#include "stats/regrid.h"
#include "util/xalloc.h"

static int by_path(const void *a, const void *b)
{
	const struct field_stats *x = *(struct field_stats *const *)a, *y = *(struct field_stats *const *)b;
	int d = strcmp(x->path, y->path);

	return d ? d : (x->present < y->present) - (x->present > y->present);
}

// Of a path that writers gave several types the one with most values. What is left out is freed.
static size_t choose_fields(struct pane *p)
{
	size_t n = 0, kept = 0;
	struct pane *rest = pane_new();

	for (size_t i = 0; i < p->nfields; i++) {
		struct field_stats *f = p->fields[i];

		if (f && f->present && f->type != FIELD_NONE)
			p->fields[n++] = f;
		else if (f)
			pane_insert_field(rest, f);
	}
	if (n)
		qsort(p->fields, n, sizeof *p->fields, by_path);
	for (size_t i = 0; i < n; i++) {
		if (kept && !strcmp(p->fields[kept - 1]->path, p->fields[i]->path))
			pane_insert_field(rest, p->fields[i]);
		else
			p->fields[kept++] = p->fields[i];
	}
	p->nfields = kept;
	pane_free(rest);
	return kept;
}

static int make_grid(struct baseline_field *f, struct error *err)
{
	struct field_stats *t = f->total;

	if (!t->count && !t->grid) { // NaN, infinities and others only
		free(t->bins);
		t->bins = NULL;
		t->nbins = 0;
		t->grid_id[0] = 0;
		return 0;
	}
	if (t->mixed)
		return error_set(err, "field %s was counted on two grids in the range, because the stream's baseline changed "
				      "in it; choose a range after that", t->path);
	if (t->bins && !t->grid)
		return error_set(err, "field %s was counted on the grid %s, which the stream's baseline does not have; choose a "
				      "range that was counted with the present one", t->path, t->grid_id);
	if (t->grid) {
		f->def.grid = grid_new(t->grid->edges, t->grid->n);
		t->grid = f->def.grid;
		return 0;
	}
	f->def.grid = grid_from_log(t);
	return field_to_grid(t, f->def.grid) ? 0 : error_set(err, "field %s does not fit its own grid", t->path);
}

static int more_frequent(const void *a, const void *b)
{
	const struct category *x = *(const struct category *const *)a, *y = *(const struct category *const *)b;

	if (x->n != y->n)
		return x->n > y->n ? -1 : 1;
	return strcmp(x->value, y->value);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

// As baseline_build.c makes them. One with a NUL inside has no name in a field_def.
static void make_categories(struct baseline_field *f)
{
	struct categories *c = &f->total->cats;
	const struct category **all = xcalloc(c->n + 1, sizeof *all);
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		if (c->items[i].n && strlen(c->items[i].value) == c->items[i].len)
			all[n++] = &c->items[i];
	if (n)
		qsort(all, n, sizeof *all, more_frequent);
	n = n < PANE_MAX_VALUES ? n : PANE_MAX_VALUES;
	f->def.categories = xcalloc(n + 1, sizeof *f->def.categories);
	for (size_t i = 0; i < n; i++)
		f->def.categories[i] = xstrdup(all[i]->value);
	f->def.ncategories = n;
	if (n)
		qsort(f->def.categories, n, sizeof *f->def.categories, by_name);
	free(all);
	field_know(f->total, f->def.categories, n); // they are in it, so it cannot fail
}

static int make_field(struct baseline_field *f, struct error *err)
{
	struct field_stats *t = f->total;
	int rc = 0;

	f->def.path = xstrdup(t->path);
	f->def.type = t->type;
	f->def.in_elements = t->in_elements;
	if (t->type == FIELD_NUMERIC)
		rc = make_grid(f, err);
	else if (t->type == FIELD_CATEGORICAL)
		make_categories(f);
	else if (t->type == FIELD_TEXT)
		categories_release(&t->cats); // of text a baseline keeps no values
	if (!rc)
		baseline_coarse(f);
	return rc;
}

struct baseline *baseline_from_pane(const char *stream, struct pane *total, int64_t from, int64_t to, int64_t chunk_ms,
				    json_t *provenance, struct error *err)
{
	struct baseline *b = xcalloc(1, sizeof *b);
	int rc = 0;

	b->stream = xstrdup(stream);
	b->has_event_time = true;
	b->from = from;
	b->to = to;
	b->chunk_ms = chunk_ms;
	b->provenance = provenance;
	b->total = total;
	if (!total->decoded)
		rc = error_set(err, "a baseline of stream %s needs at least one record with values, and the range has none: widen "
				    "it", stream);
	b->nfields = choose_fields(total);
	b->fields = xcalloc(b->nfields + 1, sizeof *b->fields);
	for (size_t i = 0; i < b->nfields; i++) {
		b->fields[i] = xcalloc(1, sizeof *b->fields[i]);
		b->fields[i]->total = total->fields[i];
		if (!rc)
			rc = make_field(b->fields[i], err);
	}
	if (!rc)
		return b;
	baseline_free(b);
	return NULL;
}

static void count_numbers(const struct baseline_field *f, struct baseline_chunk *k, const struct field_stats *s)
{
	for (size_t i = 0; i < s->nbins; i++)
		k->bins[f->coarse[i]] += s->bins[i];
	for (size_t i = 0; i < s->nlogbins; i++) {
		double lo = fmax(loggrid_least(s->logbins[i].bin), s->min);

		k->bins[f->coarse[grid_bin(f->def.grid, lo)]] += s->logbins[i].n;
	}
}

static void count_chunk(const struct baseline_field *f, struct baseline_chunk *k, const struct pane *p,
			const struct field_stats *s)
{
	const struct category *top[BASELINE_BINS - 1];

	k->count = s->count;
	k->missing = field_missing(p, s);
	k->min = s->min;
	k->max = s->max;
	k->mean = field_mean(s);
	k->variance = field_variance(s);
	if (f->coarse)
		count_numbers(f, k, s);
	else if (f->nbins)
		coarse_counts(s, top, coarse_categories(f->total, top), k->bins);
}

void baseline_add_chunk(struct baseline *b, int64_t from, int64_t to, const struct pane *p)
{
	if (!p->decoded)
		return;
	for (size_t i = 0; i < b->nfields; i++) {
		struct baseline_field *f = b->fields[i];
		const struct field_stats *s = pane_find(p, f->def.path, f->def.type);
		struct baseline_chunk k = {.from = from, .to = to, .records = p->decoded, .missing = p->decoded, .mean = NAN,
					   .variance = NAN, .min = INFINITY, .max = -INFINITY};

		if (s)
			count_chunk(f, &k, p, s);
		baseline_field_add_chunk(f, &k);
	}
}
