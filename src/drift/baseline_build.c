// SPDX-License-Identifier: Apache-2.0
// Building keeps every value once, as a number or as the id of an interned text, with its row. Grid and
// chunk length are known only at the end; then each field's values are walked once more.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "drift/baseline_make.h"
#include "drift/baseline_rows.h"
#include "drift/sides.h"
#include "stats/categories.h"
#include "util/sort.h"
#include "util/xalloc.h"

struct baseline_builder *baseline_builder_new(const char *stream, bool has_event_time)
{
	struct baseline_builder *b = xcalloc(1, sizeof *b);

	b->stream = xstrdup(stream);
	b->has_event_time = has_event_time;
	map_init(&b->columns);
	return b;
}

static void text_free(void *p)
{
	struct text *t = p;

	free(t->s);
	free(t);
}

static void column_free(void *p)
{
	struct column *c = p;

	map_release(&c->texts, text_free);
	pane_free(c->vectors);
	free(c->by_id);
	free(c->values);
	free(c->path);
	free(c);
}

void baseline_builder_free(struct baseline_builder *b)
{
	if (!b)
		return;
	map_release(&b->columns, column_free);
	free(b->rows);
	free(b->stream);
	free(b);
}

void baseline_builder_row(struct baseline_builder *b, int64_t event_ms, int64_t schema_id)
{
	GROW(b->rows, b->nrows, b->caprows);
	b->rows[b->nrows++] = (struct row){event_ms, schema_id};
}

static struct column *column_of(struct baseline_builder *b, const char *path, enum field_type type)
{
	struct column *c = map_gets(&b->columns, path);

	if (!c) {
		c = xcalloc(1, sizeof *c);
		c->path = xstrdup(path);
		c->type = type;
		map_init(&c->texts);
		map_puts(&b->columns, path, c);
	}
	return c;
}

static struct value *value_add(struct baseline_builder *b, struct column *c)
{
	GROW(c->values, c->n, c->cap);
	c->values[c->n] = (struct value){.row = (uint32_t)(b->nrows - 1)};
	return &c->values[c->n++];
}

void baseline_builder_number(struct baseline_builder *b, const char *path, enum field_type type, double v)
{
	struct column *c = column_of(b, path, type);
	struct value *value = value_add(b, c);

	if (c->type == type)
		value->number = v;
	else
		value->id = OTHER;
}

// Of a vector that is not counted, NaN.
void baseline_builder_vector(struct baseline_builder *b, const char *path, const double *x, size_t n)
{
	struct column *c = column_of(b, path, FIELD_VECTOR);
	const struct field_def def = {.path = c->path, .type = FIELD_VECTOR};
	struct value *value = value_add(b, c);
	struct field_stats *f;
	uint64_t count;

	if (c->type != FIELD_VECTOR) {
		value->id = OTHER;
		return;
	}
	if (!c->vectors)
		c->vectors = pane_new();
	f = pane_field(c->vectors, 0, &def);
	count = f->count;
	field_add_vector(f, x, n);
	value->number = f->count > count ? vector_norm(x, n) : NAN;
}

void baseline_builder_text(struct baseline_builder *b, const char *path, enum field_type type, const char *s, size_t n)
{
	struct column *c = column_of(b, path, type);
	struct value *value = value_add(b, c);
	struct text *t;

	if (c->type != type) {
		value->id = OTHER;
		return;
	}
	t = map_get(&c->texts, s, n);
	if (!t) {
		t = xcalloc(1, sizeof *t);
		*t = (struct text){.s = xstrndup(s, n), .len = n, .id = (uint32_t)c->ntexts};
		map_put(&c->texts, s, n, t);
		GROW(c->by_id, c->ntexts, c->captexts);
		c->by_id[c->ntexts++] = t;
	}
	t->n++;
	value->id = t->id;
}

static const struct grid *make_grid(const struct column *c)
{
	double *sorted = xmalloc((c->n + 1) * sizeof *sorted), *scratch;
	struct grid *g = NULL;
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		if (!c->values[i].id && isfinite(c->values[i].number))
			sorted[n++] = c->values[i].number;
	scratch = xmalloc((n + 1) * sizeof *scratch);
	sort_doubles(sorted, scratch, n);
	free(scratch);
	if (n)
		g = grid_from_sorted(sorted, n);
	free(sorted);
	return g;
}

static int more_frequent(const void *a, const void *b)
{
	const struct text *x = *(const struct text *const *)a, *y = *(const struct text *const *)b;

	if (x->n != y->n)
		return x->n > y->n ? -1 : 1;
	return strcmp(x->s, y->s);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

// The most frequent values are the baseline's own. One with a NUL inside has no name in a field_def.
static void make_categories(struct field_def *d, const struct column *c)
{
	struct text **texts = xmalloc((c->ntexts + 1) * sizeof *texts);
	size_t n = 0;

	for (size_t i = 0; i < c->ntexts; i++)
		if (strlen(c->by_id[i]->s) == c->by_id[i]->len)
			texts[n++] = c->by_id[i];
	qsort(texts, n, sizeof *texts, more_frequent);
	n = n < PANE_MAX_VALUES ? n : PANE_MAX_VALUES;
	d->categories = xcalloc(n, sizeof *d->categories);
	for (size_t i = 0; i < n; i++)
		d->categories[i] = xstrdup(texts[i]->s);
	d->ncategories = n;
	qsort(d->categories, n, sizeof *d->categories, by_name);
	free(texts);
}

static void count_values(struct field_stats *f, const struct column *c)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct value *v = &c->values[i];
		const struct text *t;

		if (v->id == OTHER) {
			field_add_other(f);
			continue;
		}
		switch (f->type) {
		case FIELD_NUMERIC:
			field_add_number(f, v->number);
			break;
		case FIELD_TIME:
			field_add_time(f, (int64_t)v->number);
			break;
		case FIELD_VECTOR: // counted as it came
			break;
		case FIELD_TEXT:
			t = c->by_id[v->id];
			field_add_text(f, t->s, t->len);
			break;
		default:
			t = c->by_id[v->id];
			field_add_category(f, t->s, t->len);
		}
	}
	if (f->type == FIELD_TEXT)
		categories_release(&f->cats); // of text a baseline keeps no values
}

// The coarse bins, and for texts the bin of each.
static void make_coarse(struct baseline_field *f, struct column *c)
{
	const struct category *top[BASELINE_BINS - 1];

	baseline_coarse(f);
	if (f->def.type != FIELD_CATEGORICAL && f->def.type != FIELD_BOOLEAN)
		return;
	for (size_t i = 0; i < c->ntexts; i++)
		c->by_id[i]->bin = (uint32_t)f->nbins - 1;
	for (size_t i = 0, n = coarse_categories(f->total, top); i < n; i++) {
		struct text *t = map_get(&c->texts, top[i]->value, top[i]->len);

		t->bin = (uint32_t)i;
	}
}

static int by_path(const void *a, const void *b)
{
	return strcmp((*(struct column *const *)a)->path, (*(struct column *const *)b)->path);
}

static void make_total(struct baseline *out, const struct baseline_builder *b)
{
	out->total = pane_new();
	out->from = INT64_MAX;
	out->to = INT64_MIN;
	for (size_t i = 0; i < b->nrows; i++) {
		int64_t t = row_time(b, i);

		pane_count_record(out->total, t, 0, b->rows[i].schema_id, true, false, false);
		out->from = t < out->from ? t : out->from;
		out->to = t >= out->to ? t + 1 : out->to;
	}
	out->total->min_offset = INT64_MAX; // rows have none
	out->total->max_offset = INT64_MIN;
}

static struct baseline_field *make_field(struct baseline *out, size_t index, struct column *c)
{
	struct baseline_field *f = xcalloc(1, sizeof *f);

	f->def.path = xstrdup(c->path);
	f->def.type = c->type;
	if (c->type == FIELD_NUMERIC)
		f->def.grid = make_grid(c);
	else if (c->type == FIELD_CATEGORICAL)
		make_categories(&f->def, c);
	f->total = pane_field(out->total, index, &f->def);
	if (c->vectors) {
		out->total->fields[index] = c->vectors->fields[0];
		c->vectors->fields[0] = f->total;
		f->total = out->total->fields[index];
	}
	count_values(f->total, c);
	make_coarse(f, c);
	return f;
}

struct baseline *baseline_builder_finish(struct baseline_builder *b, json_t *provenance, struct error *err)
{
	struct baseline_chunk shape[BASELINE_CHUNKS];
	struct baseline *out;
	struct column **columns;
	struct groups groups;
	uint16_t *slot;
	size_t nchunks, n = 0;

	if (!b->nrows) {
		error_set(err, "a baseline of stream %s needs at least one row: widen the range, or look at the files",
			  b->stream);
		json_decref(provenance);
		baseline_builder_free(b);
		return NULL;
	}
	out = xcalloc(1, sizeof *out);
	out->stream = xstrdup(b->stream);
	out->has_event_time = b->has_event_time;
	out->provenance = provenance ? provenance : json_object();
	make_total(out, b);
	slot = xmalloc(b->nrows * sizeof *slot);
	nchunks = cut_chunks(out, b, shape, slot);
	groups = group_rows(out, b);
	columns = xcalloc(b->columns.count + 1, sizeof *columns);
	for (struct map_entry *e = NULL; (e = map_next(&b->columns, e));)
		columns[n++] = e->value;
	qsort(columns, n, sizeof *columns, by_path);
	out->fields = xcalloc(n + 1, sizeof *out->fields);
	out->nfields = n;
	for (size_t i = 0; i < n; i++) {
		out->fields[i] = make_field(out, i, columns[i]);
		make_chunks(out->fields[i], columns[i], shape, nchunks, slot);
		make_movement(out->fields[i], columns[i], out, &groups);
	}
	free(groups.of_row);
	free(columns);
	free(slot);
	baseline_builder_free(b);
	return out;
}
