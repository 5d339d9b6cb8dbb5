// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/compare.h"
#include "util/sort.h"
#include "util/xalloc.h"

// Both files and the measures are one bar.
struct part {
	table_progress *progress;
	void *ctx;
	double from, size;
	uint64_t rows; // of what was read before
};

static void tell(void *ctx, double share, uint64_t rows)
{
	const struct part *p = ctx;

	if (p->progress)
		p->progress(p->ctx, p->from + p->size * share, p->rows + rows);
}

// What the column counts as on both sides: what differs is categories.
static enum field_type common_type(const struct table_column *r, const struct table_column *c)
{
	enum field_type a = r ? r->type : FIELD_NONE, b = c ? c->type : FIELD_NONE;

	if (a == FIELD_NONE)
		a = b;
	if (b != FIELD_NONE && b != a)
		return FIELD_CATEGORICAL;
	return a == FIELD_NONE ? FIELD_NUMERIC : a;
}

static bool needs_words(const struct table_column *c, enum field_type type)
{
	return c && type == FIELD_CATEGORICAL && (c->type == FIELD_NUMERIC || c->type == FIELD_TIME);
}

static void add_field(struct comparison *c, struct table_column *r, struct table_column *k)
{
	struct compared_field *f = &c->fields[c->n++];

	f->path = r ? r->path : k->path;
	f->type = common_type(r, k);
}

static int settle_types(struct comparison *c, const struct part *p, struct error *err)
{
	struct table *both[2] = {c->reference, c->current};

	for (int side = 0; side < 2; side++) {
		struct table *t = both[side];
		bool *which = xcalloc(t->ncolumns + 1, sizeof *which), any = false;
		int rc = 0;

		for (size_t i = 0; i < c->n; i++) {
			struct table_column *column = table_find(t, c->fields[i].path);

			if (needs_words(column, c->fields[i].type))
				any = which[column - t->columns] = true;
		}
		if (any)
			rc = table_as_words(t, which, p->progress ? tell : NULL, (void *)(uintptr_t)p, err);
		free(which);
		if (rc)
			return -1;
	}
	return 0;
}

// Both sides' words in one form: struct word is laid out for files/, struct exact_word for drift/.
static struct exact_word *words_of(const struct table_column *c)
{
	struct exact_word *w = xcalloc(c->words.n + 1, sizeof *w);

	for (size_t i = 0; i < c->words.n; i++)
		w[i] = (struct exact_word){c->words.items[i].s, c->words.items[i].len, c->words.items[i].n};
	return w;
}

static void side_of(struct exact_side *s, struct compared_side *out, uint64_t places, struct table_column *c,
		    enum field_type type, double *scratch)
{
	*s = (struct exact_side){.rows = places};
	*out = (struct compared_side){.there = c != NULL, .places = places};
	if (!c)
		return;
	out->present = c->present;
	if (type == FIELD_NUMERIC) {
		sort_doubles(c->numbers, scratch, c->n);
		s->sorted = c->numbers;
		s->n = c->n;
		s->nan = c->nan;
		s->inf = c->inf;
		s->whole = c->whole;
		out->count = c->n;
	} else if (type == FIELD_TIME) {
		s->other = c->present;
	} else {
		s->words = words_of(c);
		s->nwords = c->words.n;
		out->count = c->present;
	}
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

// Sorted after the numbers were, so these stay the same values.
static void sort_integers(struct exact_side *s, struct table_column *c)
{
	if (!c->integers) {
		c->integers = xcalloc(c->n + 1, sizeof *c->integers);
		for (size_t i = 0; i < c->n; i++)
			c->integers[i] = (int64_t)c->numbers[i];
	}
	qsort(c->integers, c->n, sizeof *c->integers, by_value);
	s->integers = c->integers;
}

static void forget(struct table_column *c)
{
	if (!c)
		return;
	free(c->numbers);
	free(c->integers);
	c->numbers = NULL;
	c->integers = NULL;
	c->n = c->cap = 0;
	words_release(&c->words);
}

static void compute(struct comparison *c, struct compared_field *f, bool picture, double *scratch)
{
	struct table_column *r = table_find(c->reference, f->path), *k = table_find(c->current, f->path);
	struct exact_side rs, cs;

	side_of(&rs, &f->reference, r ? r->places : table_places(c->reference, k), r, f->type, scratch);
	side_of(&cs, &f->current, k ? k->places : table_places(c->current, r), k, f->type, scratch);
	if (r && k && (r->integers || k->integers) && r->whole && k->whole) {
		sort_integers(&rs, r);
		sort_integers(&cs, k);
	}
	f->values = exact_compute(f->path, f->type, &rs, &cs);
	if (picture && f->reference.count && f->current.count)
		f->picture = picture_new(f->type, &rs, &cs);
	free((void *)(uintptr_t)rs.words);
	free((void *)(uintptr_t)cs.words);
	forget(r);
	forget(k);
}

static size_t longest(const struct table *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->ncolumns; i++)
		n = t->columns[i].n > n ? t->columns[i].n : n;
	return n;
}

int comparison_make(struct comparison *c, const char *reference, const char *current, bool pictures,
		    table_progress *progress, void *ctx, struct error *err)
{
	struct part p = {progress, ctx, 0, 0.4, 0};
	double *scratch;
	size_t most;

	*c = (struct comparison){0};
	c->reference = table_load(reference, tell, &p, err);
	if (!c->reference)
		return -1;
	p = (struct part){progress, ctx, 0.4, 0.4, c->reference->rows};
	c->current = table_load(current, tell, &p, err);
	if (!c->current)
		return -1;
	p.rows += c->current->rows;
	c->fields = xcalloc(c->reference->ncolumns + c->current->ncolumns + 1, sizeof *c->fields);
	for (size_t i = 0; i < c->reference->ncolumns; i++)
		add_field(c, &c->reference->columns[i],
			  table_find(c->current, c->reference->columns[i].path));
	for (size_t i = 0; i < c->current->ncolumns; i++)
		if (!table_find(c->reference, c->current->columns[i].path))
			add_field(c, NULL, &c->current->columns[i]);
	p = (struct part){progress, ctx, 0.8, 0, 0};
	if (settle_types(c, &p, err))
		return -1;
	most = longest(c->reference) > longest(c->current) ? longest(c->reference) : longest(c->current);
	scratch = xmalloc((most + 1) * sizeof *scratch);
	for (size_t i = 0; i < c->n; i++) {
		compute(c, &c->fields[i], pictures, scratch);
		if (progress)
			progress(ctx, 0.8 + 0.2 * (double)(i + 1) / (double)c->n,
				 c->reference->rows + c->current->rows);
	}
	free(scratch);
	return 0;
}

void comparison_release(struct comparison *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->fields[i].values);
		picture_free(c->fields[i].picture);
	}
	free(c->fields);
	table_free(c->reference);
	table_free(c->current);
}

double compared_value(const struct compared_field *f, const char *name)
{
	return f->values[measure_find(name) - measure_table];
}
