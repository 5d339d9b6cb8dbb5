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
	double df, period = (double)(s->period ? s->period : s->covers);
	double periods = (double)s->covers / period;

	l->own = 0;
	l->own = 1 / movement_worth(l, period, values / periods, &df) / periods;
}

double movement_worth(const struct movement_law *l, double length, double n, double *df)
{
	const struct movement *s = l->of;

	*df = INFINITY;
	if (!s)
		return 1 / (1 / n + l->own);
	double x = fmax(0, log2(length / (double)s->length)), effect, size, own = l->own;
	size_t last = s->nlevels - 1, k = x < (double)last ? (size_t)x : last;
	double part = fmin(x - (double)k, k < last ? 1 : INFINITY);

	if (k < last) {
		effect = l->effect[k] + part * (l->effect[k + 1] - l->effect[k]);
		*df = fmin(l->df[k], l->df[k + 1]);
	} else {
		effect = l->effect[k] + part * l->growth;
		*df = l->df[k];
	}
	size = (double)s->size[k] / 1000 * exp2(x - (double)k);
	// The mean of a phase is known from as many periods as there are, at that length.
	if (s->period && own > 0 && length < (double)s->period) {
		double periods = (double)s->covers / (double)s->period;
		own = (1 / n + (exp(effect) - 1) / size) / periods;
	}
	return 1 / (1 / n + (exp(effect) - 1) / size + own);
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

// Column i of the sums from the beginning of a period on, for so many ms, which may be more than one.
static double sum_to(const struct movement *m, size_t i, int64_t ms)
{
	size_t width = m->nseries + 2;
	int64_t rest = ms % m->period, part = rest % m->phase;
	const double *at = m->sums + (size_t)(rest / m->phase) * width + i;
	double whole = (double)(ms / m->period) * m->sums[movement_phases(m) * width + i];

	return whole + *at + (part ? (at[width] - *at) * (double)part / (double)m->phase : 0);
}

static double sum_over(const struct movement *m, size_t i, int64_t from, int64_t to)
{
	int64_t begin = time_floor(from, m->period);

	return sum_to(m, i, to - begin) - sum_to(m, i, from - begin);
}

double movement_expected(const struct movement *s, size_t series, int64_t from, int64_t to)
{
	if (!s || !s->period)
		return 0;
	double weight = sum_over(s, s->nseries, from, to);
	return weight > 0 ? sum_over(s, series, from, to) / weight : 0;
}

double movement_between(const struct movement *s, int64_t from, int64_t to)
{
	if (!s || !s->period)
		return 0;
	double weight = sum_over(s, s->nseries, from, to), mean = movement_expected(s, SERIES_MEAN, from, to);
	return weight > 0 ? fmax(0, sum_over(s, s->nseries + 1, from, to) / weight - mean * mean) : 0;
}
