// SPDX-License-Identifier: Apache-2.0
// Asking a table of design effects.
//
// Effects at short lengths rest on thousands of groups and are taken as they are. Where there are fewer than
// SURE groups an effect starts from the last sure one (the anchor): how far the level's own rises above it
// counts with t^2 / (1 + t^2) of itself, t being that rise over its standard error, so that noise alone hardly
// widens the movement and a true rise is followed. With nested groups the logarithm of an effect moves away from
// the anchor's by steps of variance 2/K, whence standard errors and degrees of freedom. Past the last level it
// grows on as it did since the anchor.
#include "drift/movement.h"

#include <math.h>

#include "util/clock.h"
#include "util/xalloc.h"

enum { SURE = 4096 };

double movement_rest(const struct movement *s, int64_t at, double deviation)
{
	if (!s->period)
		return deviation;
	return deviation - s->series[SERIES_MEAN].profile[(at - time_floor(at, s->period)) / s->phase] / 1e6;
}

// Groups that the variance of a series of that autocorrelation rests on.
static double independent(const struct movement *s, size_t series, size_t level)
{
	double r = fmin(0.95, fabs(s->series[series].lag1[level] / 1000.0));

	return fmax(2, (s->groups[level] - 1) * (1 - r * r) / (1 + r * r));
}

void movement_law_init(struct movement_law *l, const struct movement *s, size_t series, double values)
{
	double anchor = 0, anchor_variance = 0;
	size_t at = 0;

	*l = (struct movement_law){.of = s && s->nlevels ? s : NULL, .series = series, .values = values,
				 .own = 1 / values};
	if (!l->of)
		return;
	for (size_t k = 0; k < s->nlevels; k++) {
		double effect = log(fmax(1, s->series[series].design[k] / 1000.0)), n = independent(s, series, k);

		if (!k || n >= SURE) {
			anchor = effect;
			anchor_variance = 2 / n;
			at = k;
			l->effect[k] = effect;
			l->df[k] = n;
			continue;
		}
		double rise = fmax(0, effect - anchor), t2 = rise * rise * n / 2, h = t2 / (1 + t2);

		l->effect[k] = fmax(l->effect[k - 1], anchor + h * rise);
		l->df[k] = 2 / (anchor_variance + h * h * 2 / n);
	}
	size_t last = s->nlevels - 1;
	l->growth = last > at ? (l->effect[last] - anchor) / (double)(last - at)
			      : last ? fmax(0, l->effect[last] - l->effect[last - 1]) : 0;
	double period = (double)(s->period ? s->period : s->covers), periods = (double)s->covers / period;

	l->own = 0;
	struct movement_length whole = movement_length_of(l, period);
	l->own = 1 / movement_worth(&whole, values / periods) / periods;
}

struct movement_length movement_length_of(const struct movement_law *l, double length)
{
	struct movement_length out = {.own = l->own, .df = INFINITY};
	const struct movement *s = l->of;
	double effect;

	if (!s)
		return out;
	double x = fmax(0, log2(length / (double)s->length));
	size_t last = s->nlevels - 1, k = x < (double)last ? (size_t)x : last;
	double part = x - (double)k;

	if (k < last) {
		effect = l->effect[k] + part * (l->effect[k + 1] - l->effect[k]);
		out.df = fmin(l->df[k], l->df[k + 1]);
	} else {
		effect = l->effect[k] + part * l->growth;
		out.df = l->df[k];
	}
	out.excess = (exp(effect) - 1) / ((double)s->size[k] / 1000 * exp2(part));
	if (s->period && l->own > 0 && length < (double)s->period)
		out.periods = (double)s->covers / (double)s->period;
	return out;
}

void movement_sum(struct movement *m)
{
	size_t n = movement_phases(m);

	if (!n)
		return;
	m->sums = xcalloc((n + 1) * (m->nseries + 2), sizeof *m->sums);
	for (size_t j = 0; j < n; j++) {
		const double *before = m->sums + j * (m->nseries + 2);
		double *sums = m->sums + (j + 1) * (m->nseries + 2), w = m->weight[j];

		for (size_t i = 0; i < m->nseries; i++)
			sums[i] = before[i] + w * (m->series[i].profile[j] / 1e6);
		double x = m->series[SERIES_MEAN].profile[j] / 1e6;
		sums[m->nseries] = before[m->nseries] + w;
		sums[m->nseries + 1] = before[m->nseries + 1] + w * x * x;
	}
}

// Up to so many ms, which may be more than one period or negative, from the beginning of one on.
static void sums_to(const struct movement *m, int64_t ms, double *out)
{
	size_t width = m->nseries + 2;
	double period = (double)m->period, phase = (double)m->phase, periods = floor((double)ms / period);
	double rest = (double)ms - periods * period, before = trunc(rest / phase), part = (rest - before * phase) / phase;
	const double *at = m->sums + (size_t)before * width, *whole = m->sums + movement_phases(m) * width;

	for (size_t i = 0; i < width; i++)
		out[i] = periods * whole[i] + at[i];
	for (size_t i = 0; part > 0 && i < width; i++)
		out[i] += (at[width + i] - at[i]) * part;
}

void movement_ranges_init(struct movement_ranges *r, const struct movement *s, int64_t to)
{
	r->of = s && s->period ? s : NULL;
	if (!r->of)
		return;
	r->begin = time_floor(to, s->period);
	sums_to(s, to - r->begin, r->to);
}

void movement_ranges_from(struct movement_ranges *r, int64_t from)
{
	double before[MOVEMENT_SERIES + 2];

	if (!r->of)
		return;
	sums_to(r->of, from - r->begin, before);
	for (size_t i = 0; i < r->of->nseries + 2; i++)
		r->sums[i] = r->to[i] - before[i];
}

double movement_ranges_between(const struct movement_ranges *r)
{
	double mean = movement_ranges_expected(r, SERIES_MEAN);
	size_t n = r->of ? r->of->nseries : 0;

	return n && r->sums[n] > 0 ? fmax(0, r->sums[n + 1] / r->sums[n] - mean * mean) : 0;
}

double movement_expected(const struct movement *s, size_t series, int64_t from, int64_t to)
{
	struct movement_ranges r;

	movement_ranges_init(&r, s, to);
	movement_ranges_from(&r, from);
	return movement_ranges_expected(&r, series);
}

double movement_between(const struct movement *s, int64_t from, int64_t to)
{
	struct movement_ranges r;

	movement_ranges_init(&r, s, to);
	movement_ranges_from(&r, from);
	return movement_ranges_between(&r);
}
