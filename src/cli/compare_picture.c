// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdlib.h>

#include "cli/compare.h"
#include "report/svg.h"
#include "util/map.h"
#include "util/xalloc.h"

enum { TOP = 12 }; // categories of either side

const double compared_quantiles[QUANTILES] = {0, 0.05, 0.25, 0.5, 0.75, 0.95, 1};

// --- categories ---------------------------------------------------------------------------------------

struct row {
	const struct exact_word *word;
	double r, c;
};

static bool before(const struct exact_word *a, const struct exact_word *b)
{
	return a->n > b->n;
}

// The most frequent words of a side, the first of them first.
static size_t top_of(const struct exact_side *s, const struct exact_word *out[TOP])
{
	size_t n = 0;

	for (size_t i = 0; i < s->nwords; i++) {
		const struct exact_word *w = &s->words[i];
		size_t at = n;
		while (at && before(w, out[at - 1]))
			at--;
		if (at == TOP)
			continue;
		n += n < TOP;
		for (size_t k = n - 1; k > at; k--)
			out[k] = out[k - 1];
		out[at] = w;
	}
	return n;
}

static void take(struct map *rows, const struct exact_side *s)
{
	const struct exact_word *top[TOP];
	size_t n = top_of(s, top);

	for (size_t i = 0; i < n; i++) {
		if (map_get(rows, top[i]->s, top[i]->len))
			continue;
		struct row *row = xcalloc(1, sizeof *row);
		row->word = top[i];
		map_put(rows, top[i]->s, top[i]->len, row);
	}
}

// Fills the rows in; returns the share that has none.
static double rest_of(const struct exact_side *s, struct map *rows, bool current)
{
	double all = 0, rest = 0;

	for (size_t i = 0; i < s->nwords; i++)
		all += (double)s->words[i].n;
	for (size_t i = 0; i < s->nwords; i++) {
		struct row *row = map_get(rows, s->words[i].s, s->words[i].len);
		double share = (double)s->words[i].n / all;
		if (!row)
			rest += share;
		else if (current)
			row->c = share;
		else
			row->r = share;
	}
	return rest;
}

static void picture_words(struct shape *s, const struct exact_side *r, const struct exact_side *c)
{
	struct map rows;

	map_init(&rows);
	take(&rows, r);
	take(&rows, c);
	s->others_r = rest_of(r, &rows, false);
	s->others_c = rest_of(c, &rows, true);
	for (struct map_entry *e = NULL; (e = map_next(&rows, e));) {
		const struct row *row = e->value;
		shape_add(s, row->word->s, row->word->len, row->r, row->c);
	}
	map_release(&rows, free);
}

// --- numbers ------------------------------------------------------------------------------------------

static void quantiles(const double *sorted, size_t n, double out[QUANTILES])
{
	for (size_t i = 0; i < QUANTILES; i++) {
		double at = compared_quantiles[i] * (double)(n - 1), part = at - floor(at);
		size_t k = (size_t)at, next = k + 1 < n ? k + 1 : k;
		out[i] = sorted[k] * (1 - part) + sorted[next] * part;
	}
}

static double mean(const double *v, size_t n)
{
	long double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += v[i];
	return (double)(sum / n);
}

static void find_gap(struct compared_picture *p, const double *r, size_t n, const double *c, size_t m)
{
	double most = -1;

	for (size_t i = 0, j = 0; i < n && j < m;) {
		double v = fmin(r[i], c[j]);
		while (i < n && r[i] == v)
			i++;
		while (j < m && c[j] == v)
			j++;
		double fr = (double)i / (double)n, fc = (double)j / (double)m;
		if (fabs(fr - fc) <= most)
			continue;
		most = fabs(fr - fc);
		p->gap_at = v;
		p->gap_r = fr;
		p->gap_c = fc;
	}
}

struct compared_picture *picture_new(enum field_type type, const struct exact_side *r,
				     const struct exact_side *c)
{
	struct compared_picture *p = xcalloc(1, sizeof *p);

	if (type != FIELD_NUMERIC) {
		picture_words(&p->shape, r, c);
		return p;
	}
	shape_of_samples(&p->shape, r->sorted, r->n, c->sorted, c->n, SVG_CELLS);
	quantiles(r->sorted, r->n, p->quantiles_r);
	quantiles(c->sorted, c->n, p->quantiles_c);
	p->mean_r = mean(r->sorted, r->n);
	p->mean_c = mean(c->sorted, c->n);
	find_gap(p, r->sorted, r->n, c->sorted, c->n);
	return p;
}

void picture_free(struct compared_picture *p)
{
	if (!p)
		return;
	shape_release(&p->shape);
	free(p);
}
