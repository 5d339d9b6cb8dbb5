// SPDX-License-Identifier: Apache-2.0
#include "drift/distribution.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "drift/sides.h"
#include "stats/categories.h"
#include "util/xalloc.h"

static void add(struct distribution *out, struct distribution_row row)
{
	if (row.r || row.c)
		out->rows[out->n++] = row;
}

static void add_outer(struct distribution *out, const struct cells *s, const struct measure_input *in,
		      bool high)
{
	const struct cell *v = &s->v[high ? s->n - 1 : 0];
	const struct field_stats *sides[2] = {in->reference.field, in->current.field};

	for (int k = 0; k < 2; k++) {
		double lo = high ? fmax(v->lo, sides[k]->min) : sides[k]->min,
		       hi = high ? sides[k]->max : fmin(v->hi, sides[k]->max);
		add(out,
		    (struct distribution_row){
			.lo = lo, .hi = hi, .r = k ? 0 : v->r, .c = k ? v->c : 0, .outer = high ? 1 : -1});
	}
}

static enum reading_state ranges_of(struct distribution *out, const struct measure_input *in)
{
	struct measure_value v = {.value = NAN};
	struct cells s;
	enum reading_state state = cells_init(&s, in, &v);

	if (state != READING_KNOWN)
		return state;
	out->rows = xcalloc(s.n + 2, sizeof *out->rows);
	for (size_t i = 0; i < s.n; i++) {
		if (s.outer && (!i || i == s.n - 1))
			add_outer(out, &s, in, i > 0);
		else
			add(out, (struct distribution_row){
				     .lo = s.v[i].lo, .hi = s.v[i].hi, .r = s.v[i].r, .c = s.v[i].c});
	}
	cells_release(&s);
	return state;
}

struct order {
	double nr, nc;
};

static int larger_first(const void *a, const void *b, void *arg)
{
	const struct distribution_row *x = a, *y = b;
	const struct order *o = arg;
	double dx = fmax(x->r / o->nr, x->c / o->nc), dy = fmax(y->r / o->nr, y->c / o->nc);

	if (dx != dy)
		return dx > dy ? -1 : 1;
	int d = memcmp(x->value, y->value, x->len < y->len ? x->len : y->len);
	return d ? d : (x->len > y->len) - (x->len < y->len);
}

static void categories_of(struct distribution *out, const struct measure_input *in)
{
	const struct categories *r = &in->reference.field->cats, *c = &in->current.field->cats;
	struct order order = {(double)in->reference.field->count, (double)in->current.field->count};

	out->rows = xcalloc(r->n + c->n + 1, sizeof *out->rows);
	out->others_r = (double)r->rest;
	out->others_c = (double)c->rest;
	for (size_t i = 0, j = 0; i < r->n || j < c->n;) {
		int at = i == r->n ? 1 : j == c->n ? -1 : category_cmp(&r->items[i], &c->items[j]);
		const struct category *any = at <= 0 ? &r->items[i] : &c->items[j];
		struct distribution_row row = {.value = any->value ? any->value : "", .len = any->len};
		row.r = at <= 0 ? (double)r->items[i++].n : 0;
		row.c = at >= 0 ? (double)c->items[j++].n : 0;
		add(out, row);
	}
	qsort_r(out->rows, out->n, sizeof *out->rows, larger_first, &order);
}

enum reading_state distribution_of(struct distribution *out, const struct measure_input *in)
{
	enum field_type type = in->def ? in->def->type : FIELD_NONE;

	*out = (struct distribution){0};
	if (type == FIELD_NUMERIC)
		return ranges_of(out, in);
	if (type != FIELD_CATEGORICAL && type != FIELD_BOOLEAN)
		return READING_NOT_APPLICABLE;
	if (!in->current.field || !in->current.field->count)
		return READING_NO_DATA;
	if (!in->reference.field || !in->reference.field->count)
		return READING_NO_BASELINE;
	categories_of(out, in);
	return READING_KNOWN;
}

void distribution_release(struct distribution *d)
{
	free(d->rows);
	*d = (struct distribution){0};
}
