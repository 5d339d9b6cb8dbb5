// SPDX-License-Identifier: Apache-2.0
#include "drift/exact_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "util/map.h"
#include "util/xalloc.h"

static int more_frequent(const void *a, const void *b)
{
	const struct exact_word *x = *(const struct exact_word *const *)a,
				*y = *(const struct exact_word *const *)b;

	if (x->n != y->n)
		return x->n > y->n ? -1 : 1;
	return strcmp(x->s, y->s);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

// As baseline_build.c has them.
static void make_categories(struct field_def *d, const struct exact_side *r)
{
	const struct exact_word **words = xmalloc((r->nwords + 1) * sizeof *words);
	size_t n = 0;

	for (size_t i = 0; i < r->nwords; i++)
		if (!memchr(r->words[i].s, 0, r->words[i].len))
			words[n++] = &r->words[i];
	qsort(words, n, sizeof *words, more_frequent);
	n = n < PANE_MAX_VALUES ? n : PANE_MAX_VALUES;
	d->categories = xcalloc(n + 1, sizeof *d->categories);
	for (size_t i = 0; i < n; i++)
		d->categories[i] = xstrndup(words[i]->s, words[i]->len);
	d->ncategories = n;
	qsort(d->categories, n, sizeof *d->categories, by_name);
	free(words);
}

static struct pane *make_pane(const struct field_def *def, const struct exact_side *s)
{
	struct pane *p = pane_new();
	struct field_stats *f = pane_field(p, 0, def);

	p->records = p->decoded = s->rows;
	field_add_sorted(f, s->sorted, s->n);
	for (size_t i = 0; i < s->nwords; i++)
		field_add_category_times(f, s->words[i].s, s->words[i].len, s->words[i].n);
	f->nan = s->nan;
	f->inf = s->inf;
	f->other = s->other;
	f->present += s->nan + s->inf + s->other;
	return p;
}

static void columns_add(struct columns *t, double r, double c)
{
	t->r[t->n] = r;
	t->c[t->n++] = c;
	t->nr += r;
	t->nc += c;
}

static void columns_words(struct columns *t, const struct exact_side *r, const struct exact_side *c)
{
	struct map index;

	*t = (struct columns){.r = xcalloc(r->nwords + c->nwords, sizeof *t->r),
			      .c = xcalloc(r->nwords + c->nwords, sizeof *t->c)};
	map_init(&index);
	for (size_t i = 0; i < r->nwords; i++) {
		columns_add(t, (double)r->words[i].n, 0);
		map_put(&index, r->words[i].s, r->words[i].len, &t->c[i]);
	}
	for (size_t i = 0; i < c->nwords; i++) {
		double *count = map_get(&index, c->words[i].s, c->words[i].len), n = (double)c->words[i].n;

		if (count) {
			*count = n;
			t->nc += n;
		} else {
			columns_add(t, 0, n);
		}
	}
	map_release(&index, NULL);
}

static size_t run_length(const double *v, size_t n, double x)
{
	size_t k = 0;

	while (k < n && v[k] == x)
		k++;
	return k;
}

static void columns_values(struct columns *t, const double *r, size_t n, const double *c, size_t m,
			   size_t distinct)
{
	*t = (struct columns){.r = xcalloc(distinct, sizeof *t->r), .c = xcalloc(distinct, sizeof *t->c)};
	for (size_t i = 0, j = 0; i < n || j < m;) {
		double x = j == m || (i < n && r[i] <= c[j]) ? r[i] : c[j];
		size_t in_r = run_length(r + i, n - i, x), in_c = run_length(c + j, m - j, x);

		columns_add(t, (double)in_r, (double)in_c);
		i += in_r;
		j += in_c;
	}
}

// Ranks are small whole numbers, so they are doubles without loss.
static void make_ranks(struct exact *e)
{
	const int64_t *r = e->r->integers, *c = e->c->integers;
	size_t n = e->r->n, m = e->c->n, rank = 0;

	e->rank_r = xcalloc(n, sizeof *e->rank_r);
	e->rank_c = xcalloc(m, sizeof *e->rank_c);
	for (size_t i = 0, j = 0; i < n || j < m; rank++) {
		int64_t x = j == m || (i < n && r[i] <= c[j]) ? r[i] : c[j];

		while (i < n && r[i] == x)
			e->rank_r[i++] = (double)rank;
		while (j < m && c[j] == x)
			e->rank_c[j++] = (double)rank;
	}
}

// What depends on the order alone is taken of the ranks, where there are any.
static void init_order(struct exact *e)
{
	const double *r = e->r->sorted, *c = e->c->sorted;
	struct order values;

	order_compare(&e->order, r, e->r->n, c, e->c->n);
	if (e->r->integers && e->c->integers) {
		make_ranks(e);
		values = e->order;
		r = e->rank_r;
		c = e->rank_c;
		order_compare(&e->order, r, e->r->n, c, e->c->n);
		e->order.wasserstein = values.wasserstein;
		e->order.energy = values.energy;
	}
	if (e->order.distinct_r <= BY_VALUE)
		columns_values(&e->values, r, e->r->n, c, e->c->n, e->order.distinct);
}

static void init_numbers(struct exact *e)
{
	const struct exact_side *r = e->r, *c = e->c;
	double r_lo = r->sorted[0], r_hi = r->sorted[r->n - 1], sd, skew;
	double lo = fmin(r_lo, c->sorted[0]), hi = fmax(r_hi, c->sorted[c->n - 1]);
	struct measure_value unused;

	if (columns_init(&e->bare, &e->in, &unused) != READING_KNOWN)
		e->bare = (struct columns){0};
	init_order(e);
	moments_of(&e->moments_r, r->sorted, r->n);
	moments_of(&e->moments_c, c->sorted, c->n);
	even_bins_make(&e->rows_bins, lo, hi, sturges_width(hi - lo, r->n + c->n), r->whole && c->whole);
	sd = moments_plain_sd(&e->moments_r);
	skew = sd > 0 ? isinf(sd) ? 0 : e->moments_r.skew : NAN;
	even_bins_make(&e->reference_bins, r_lo, r_hi, doane_width(r_hi - r_lo, r->n, skew), false);
}

void exact_init(struct exact *e, const char *path, enum field_type type, const struct exact_side *r,
		const struct exact_side *c)
{
	*e = (struct exact){.type = type, .r = r, .c = c, .def = {.path = xstrdup(path), .type = type}};
	if (type == FIELD_NUMERIC && r->n)
		e->def.grid = grid_from_sorted(r->sorted, r->n);
	else if (type == FIELD_CATEGORICAL)
		make_categories(&e->def, r);
	e->pane_r = make_pane(&e->def, r);
	e->pane_c = make_pane(&e->def, c);
	e->in = (struct measure_input){.def = &e->def,
				       .current = {e->pane_c, e->pane_c->fields[0]},
				       .reference = {e->pane_r, e->pane_r->fields[0]},
				       .newest = EVENT_TIME_NONE};
	e->both = e->pane_r->fields[0]->count && e->pane_c->fields[0]->count;
	if (!e->both)
		return;
	if (type == FIELD_NUMERIC) {
		init_numbers(e);
	} else {
		columns_words(&e->bare, r, c);
		columns_words(&e->values, r, c);
	}
}

void exact_release(struct exact *e)
{
	columns_release(&e->bare);
	columns_release(&e->values);
	free(e->rank_r);
	free(e->rank_c);
	pane_free(e->pane_r);
	pane_free(e->pane_c);
	for (size_t i = 0; i < e->def.ncategories; i++)
		free(e->def.categories[i]);
	free(e->def.categories);
	grid_free((struct grid *)(uintptr_t)e->def.grid);
	free(e->def.path);
}
