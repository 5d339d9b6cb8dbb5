// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdlib.h>

#include "drift/baseline_rows.h"
#include "util/clock.h"
#include "util/xalloc.h"

struct groups group_rows(const struct baseline *out, const struct baseline_builder *b)
{
	struct groups g = {.length = b->has_event_time ? movement_length(out->from, out->to, b->nrows) : 0};

	if (!g.length)
		return g;
	g.first = time_floor(out->from, g.length);
	g.of_row = xmalloc(b->nrows * sizeof *g.of_row);
	for (size_t i = 0; i < b->nrows; i++)
		g.of_row[i] = (uint32_t)((b->rows[i].event_ms - g.first) / g.length);
	return g;
}

static bool counted(const struct baseline_field *f, const struct value *v)
{
	return v->id != OTHER && (f->def.type != FIELD_NUMERIC || isfinite(v->number));
}

static void add_categories(struct movement_groups *s, const struct baseline_field *f, const struct column *c,
			   const struct groups *g)
{
	for (size_t i = 0; i < c->n; i++) {
		uint32_t k = g->of_row[c->values[i].row];

		if (!counted(f, &c->values[i]))
			continue;
		s->count[k]++;
		s->sum[k * s->nseries + c->by_id[c->values[i].id]->bin] += MOVEMENT_ONE;
	}
}

static void add_numbers(struct movement_groups *s, const struct baseline_field *f, const struct column *c,
			const struct groups *g, double mean, double sd)
{
	for (size_t i = 0; i < c->n; i++) {
		uint32_t k = g->of_row[c->values[i].row];
		double d = (c->values[i].number - mean) / sd;

		if (!counted(f, &c->values[i]))
			continue;
		s->count[k]++;
		s->sum[k * s->nseries + SERIES_MEAN] += llrint(d * MOVEMENT_ONE);
		s->sum[k * s->nseries + SERIES_SQUARE] += llrint(d * d * MOVEMENT_ONE);
	}
}

// Of the squares of what the profile leaves.
static double square_variance(const struct movement *movement, const struct baseline_field *f, const struct column *c,
			      const struct groups *g, double mean, double sd)
{
	__int128 fourth = 0, second = 0;
	double n = (double)f->total->count;

	for (size_t i = 0; i < c->n; i++) {
		int64_t at = g->first + g->of_row[c->values[i].row] * g->length;
		double d, d2;

		if (!counted(f, &c->values[i]))
			continue;
		d = movement_rest(movement, at, (c->values[i].number - mean) / sd);
		d2 = d * d;
		second += llrint(d2 * MOVEMENT_ONE);
		fourth += (__int128)(d2 * d2 * MOVEMENT_ONE + 0.5);
	}
	double m2 = (double)second / MOVEMENT_ONE / n;
	return (double)fourth / MOVEMENT_ONE / n - m2 * m2;
}

void make_movement(struct baseline_field *f, const struct column *c, const struct baseline *out, const struct groups *g)
{
	bool numbers = f->def.type == FIELD_NUMERIC;
	double mean = numbers ? field_mean(f->total) : 0, sd = numbers ? field_stddev(f->total) : 1;
	struct movement_groups s;

	if (!g->length || f->total->count < MOVEMENT_VALUES * MOVEMENT_VALUES)
		return;
	if (numbers ? !(sd > 0) || !isfinite(mean) || !isfinite(sd) || !isfinite((f->total->max - mean) / sd) ||
			      !isfinite((f->total->min - mean) / sd)
		    : f->def.type != FIELD_CATEGORICAL && f->def.type != FIELD_BOOLEAN)
		return;
	movement_groups_init(&s, out->from, out->to, g->length, numbers ? SERIES_NUMERIC : f->nbins);
	if (numbers)
		add_numbers(&s, f, c, g, mean, sd);
	else
		add_categories(&s, f, c, g);
	f->movement = movement_new(&s, numbers);
	movement_measure(f->movement, &s, numbers, numbers ? square_variance(f->movement, f, c, g, mean, sd) : 0);
	movement_groups_release(&s);
}
