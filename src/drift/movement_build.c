// SPDX-License-Identifier: Apache-2.0
// From the sums of the shortest groups: first whether means differ by phase (analysis of variance over periods),
// then, of what is left, the mean square between groups of each length over the variance of one value.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "drift/special.h"
#include "drift/movement.h"
#include "util/clock.h"
#include "util/xalloc.h"

#define DAY ((int64_t)86400000)
#define MILLION 1e6
// Below this p a rhythm is there.
#define RHYTHM_P 1e-4

// Divisors of a day, and then its multiples.
static const int64_t lengths_ms[] = {1000,     5000,	 15000,	   60000,     300000,	 900000,
				     3600000,  10800000, 21600000, 43200000,  86400000,	 172800000,
				     345600000, 691200000, 1382400000, 2764800000};
static const int64_t phases_ms[] = {300000, 900000, 3600000, 10800000, 21600000};
static const int64_t periods_ms[] = {DAY, 7 * DAY};

void movement_free(struct movement *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->nseries; i++)
		free(s->series[i].profile);
	free(s->series);
	free(s->weight);
	free(s->sums);
	free(s);
}

int64_t movement_length(int64_t from, int64_t to, uint64_t values)
{
	for (size_t i = 0; i < ARRAY_LEN(lengths_ms); i++) {
		double groups = (double)(to - from) / (double)lengths_ms[i];

		if (groups + 2 <= MOVEMENT_GROUPS && (double)values >= MOVEMENT_VALUES * groups)
			return groups >= MOVEMENT_VALUES ? lengths_ms[i] : 0;
	}
	return 0;
}

void movement_groups_init(struct movement_groups *g, int64_t from, int64_t to, int64_t length, size_t nseries)
{
	*g = (struct movement_groups){.first = time_floor(from, length), .length = length, .nseries = nseries};
	g->n = (size_t)((time_floor(to - 1, length) - g->first) / length) + 1;
	g->count = xcalloc(g->n, sizeof *g->count);
	g->sum = xcalloc(g->n * nseries, sizeof *g->sum);
}

void movement_groups_release(struct movement_groups *g)
{
	free(g->count);
	free(g->sum);
	*g = (struct movement_groups){0};
}

// Sums by phase and, for the analysis of variance, by phase and period.
struct rhythm {
	size_t phases, periods;
	int64_t phase, period, first; // first: start of the first period
	double *n, *sum;	      // [(p * phases + phase)], sum [... * nseries + series]
};

static size_t phase_of(const struct rhythm *c, int64_t at)
{
	return (size_t)((at - time_floor(at, c->period)) / c->phase);
}

static void rhythm_init(struct rhythm *c, const struct movement_groups *g, int64_t period, int64_t phase)
{
	int64_t end = g->first + (int64_t)g->n * g->length;

	*c = (struct rhythm){.phases = (size_t)(period / phase), .phase = phase, .period = period,
			    .first = time_floor(g->first, period)};
	c->periods = (size_t)((time_floor(end - 1, period) - c->first) / period) + 1;
	c->n = xcalloc(c->phases * c->periods, sizeof *c->n);
	c->sum = xcalloc(c->phases * c->periods * g->nseries, sizeof *c->sum);
	for (size_t i = 0; i < g->n; i++) {
		int64_t at = g->first + (int64_t)i * g->length;
		size_t k = (size_t)((at - c->first) / period) * c->phases + phase_of(c, at);

		c->n[k] += g->count[i];
		for (size_t s = 0; s < g->nseries; s++)
			c->sum[k * g->nseries + s] += (double)g->sum[i * g->nseries + s] / MOVEMENT_ONE;
	}
}

static void rhythm_release(struct rhythm *c)
{
	free(c->n);
	free(c->sum);
}

struct mean {
	double n, sum;
};

static struct mean phase_mean(const struct rhythm *c, const struct movement_groups *g, size_t phase, size_t series)
{
	struct mean m = {0, 0};

	for (size_t p = 0; p < c->periods; p++) {
		size_t k = p * c->phases + phase;

		m.n += c->n[k];
		m.sum += c->sum[k * g->nseries + series];
	}
	return m;
}

// How many times the values cover a phase: the baseline's first and last period are not whole.
static double phase_times(const struct rhythm *c, const struct movement_groups *g, size_t phase)
{
	int64_t end = g->first + (int64_t)g->n * g->length;
	double ms = 0;

	for (size_t p = 0; p < c->periods; p++) {
		int64_t from = c->first + (int64_t)p * c->period + (int64_t)phase * c->phase, to = from + c->phase;

		from = from > g->first ? from : g->first;
		to = to < end ? to : end;
		if (to > from && c->n[p * c->phases + phase] > 0)
			ms += (double)(to - from);
	}
	return ms / (double)c->phase;
}

// p of the hypothesis that phases do not differ, beyond the rhythm `known` (or the mean, where NULL).
static double rhythm_p(const struct rhythm *c, const struct movement_groups *g, size_t series, const struct rhythm *known)
{
	double between = 0, within = 0, df_between = -1, df_within = 0, n = 0, sum = 0;

	for (size_t j = 0; j < c->phases; j++) {
		struct mean m = phase_mean(c, g, j, series);

		n += m.n;
		sum += m.sum;
	}
	if (known)
		df_between = -(double)known->phases;
	for (size_t j = 0; j < c->phases; j++) {
		struct mean m = phase_mean(c, g, j, series);
		double base = sum / n;

		if (m.n <= 0)
			continue;
		if (known) {
			struct mean k = phase_mean(known, g, phase_of(known, (int64_t)j * c->phase), series);
			base = k.sum / k.n;
		}
		df_between++;
		df_within--;
		between += m.n * (m.sum / m.n - base) * (m.sum / m.n - base);
		for (size_t p = 0; p < c->periods; p++) {
			size_t k = p * c->phases + j;
			double d = c->n[k] > 0 ? c->sum[k * g->nseries + series] / c->n[k] - m.sum / m.n : 0;

			df_within += c->n[k] > 0;
			within += c->n[k] * d * d;
		}
	}
	if (df_between < 1 || df_within < 1 || within <= 0)
		return 1;
	return f_sf(between / df_between / (within / df_within), df_between, df_within);
}

static int64_t choose_phase(const struct movement_groups *g, int64_t period)
{
	for (size_t i = 0; i < ARRAY_LEN(phases_ms); i++)
		if (phases_ms[i] % g->length == 0 && (size_t)(period / phases_ms[i]) * g->nseries <= MOVEMENT_PHASES)
			return phases_ms[i];
	return 0;
}

// The longest rhythm that is there and has been seen often enough; `out` is empty (no phases) without one.
static void find_rhythm(const struct movement_groups *g, struct rhythm *out)
{
	int64_t range = (int64_t)g->n * g->length;

	*out = (struct rhythm){0};
	for (size_t i = 0; i < ARRAY_LEN(periods_ms); i++) {
		int64_t phase = choose_phase(g, periods_ms[i]);
		struct rhythm c;
		double p = 1;

		if (!phase || range < MOVEMENT_PERIODS * periods_ms[i])
			continue;
		rhythm_init(&c, g, periods_ms[i], phase);
		for (size_t s = 0; s < g->nseries; s++)
			p = fmin(p, rhythm_p(&c, g, s, out->phases ? out : NULL) * (double)g->nseries);
		if (p < RHYTHM_P) {
			rhythm_release(out);
			*out = c;
		} else {
			rhythm_release(&c);
		}
	}
}

static double millionth(int32_t v)
{
	return v / MILLION;
}

static int32_t to_millionths(double v)
{
	return (int32_t)llrint(fmax(-2000, fmin(2000, v)) * MILLION);
}

static void keep_profile(struct movement *out, const struct movement_groups *g, const struct rhythm *c)
{
	double all = 0, *rate;

	if (!c->phases)
		return;
	rate = xcalloc(c->phases, sizeof *rate);
	out->phase = c->phase;
	out->period = c->period;
	out->weight = xcalloc(c->phases, sizeof *out->weight);
	for (size_t j = 0; j < c->phases; j++) {
		double times = phase_times(c, g, j);

		rate[j] = times > 0 ? phase_mean(c, g, j, 0).n / times : 0;
		all += rate[j];
	}
	for (size_t j = 0; j < c->phases; j++)
		out->weight[j] = (uint32_t)llrint(rate[j] / all * MILLION);
	free(rate);
	for (size_t s = 0; s < g->nseries; s++) {
		out->series[s].profile = xcalloc(c->phases, sizeof *out->series[s].profile);
		for (size_t j = 0; j < c->phases; j++) {
			struct mean m = phase_mean(c, g, j, s);

			out->series[s].profile[j] = to_millionths(m.n > 0 ? m.sum / m.n : 0);
		}
	}
}

static size_t phase_at(const struct movement *s, int64_t at)
{
	return (size_t)((at - time_floor(at, s->period)) / s->phase);
}

// Sets the squares' own profile, which depends on that of the means.
static void centre_squares(struct movement *out)
{
	struct movement_series *mean = &out->series[SERIES_MEAN], *square = &out->series[SERIES_SQUARE];

	for (size_t j = 0; out->period && j < movement_phases(out); j++) {
		double m = millionth(mean->profile[j]);

		square->profile[j] = to_millionths(fmax(0, millionth(square->profile[j]) - m * m));
	}
}

// Every group's deviation from what is expected of its phase, summed over its values. Returns the mean of the
// squares (numbers).
static double deviations(const struct movement *s, const struct movement_groups *g, bool numbers, double *n, double *d)
{
	double total[MOVEMENT_SERIES] = {0}, all = 0, squares = 0;

	for (size_t i = 0; i < g->n; i++) {
		size_t phase = s->period ? phase_at(s, g->first + (int64_t)i * g->length) : 0;
		double mean = s->period && numbers ? millionth(s->series[SERIES_MEAN].profile[phase]) : 0;

		n[i] = g->count[i];
		all += n[i];
		for (size_t k = 0; k < g->nseries; k++) {
			double x = (double)g->sum[i * g->nseries + k] / MOVEMENT_ONE;

			if (numbers && k == SERIES_SQUARE) {
				x += n[i] * mean * mean - 2 * mean * (double)g->sum[i * g->nseries] / MOVEMENT_ONE;
				squares += x;
			}
			if (s->period)
				x -= n[i] * millionth(s->series[k].profile[phase]);
			d[i * g->nseries + k] = x;
			total[k] += x;
		}
	}
	for (size_t i = 0; i < g->n; i++)
		for (size_t k = 0; k < g->nseries; k++)
			d[i * g->nseries + k] -= n[i] * total[k] / all;
	return squares / all;
}

struct level {
	double groups, size; // size: of groups that differ in theirs, as analysis of variance has it
};

static struct level measure_level(const double *n, size_t count)
{
	double k = 0, all = 0, squares = 0;

	for (size_t i = 0; i < count; i++) {
		k += n[i] > 0;
		all += n[i];
		squares += n[i] * n[i];
	}
	return (struct level){k, k > 1 ? (all - squares / all) / (k - 1) : 0};
}

// Mean square between groups, and the autocorrelation of neighbours.
static double between_groups(const double *n, const double *d, size_t count, size_t stride, double groups, double *lag1)
{
	double squares = 0, lagged = 0, pairs = 0;

	for (size_t i = 0; i < count; i++) {
		double x = n[i] > 0 ? d[i * stride] / sqrt(n[i]) : 0;

		squares += x * x;
		if (i && n[i] > 0 && n[i - 1] > 0) {
			lagged += x * d[(i - 1) * stride] / sqrt(n[i - 1]);
			pairs++;
		}
	}
	*lag1 = pairs > 0 && squares > 0 ? fmax(-1, fmin(1, lagged / pairs * groups / squares)) : 0;
	return squares / groups;
}

// Groups of twice the length, aligned to the epoch.
static size_t halve(double *n, double *d, size_t count, size_t stride, int64_t *first, int64_t length)
{
	size_t odd = (size_t)((*first - time_floor(*first, 2 * length)) / length), out = (count + odd + 1) / 2;

	for (size_t i = 0; i < out; i++) {
		size_t a = 2 * i - odd, b = a + 1; // a wraps where the first is alone
		bool left = (i || !odd) && a < count, right = b < count;

		n[i] = (left ? n[a] : 0) + (right ? n[b] : 0);
		for (size_t k = 0; k < stride; k++)
			d[i * stride + k] = (left ? d[a * stride + k] : 0) + (right ? d[b * stride + k] : 0);
	}
	*first = time_floor(*first, 2 * length);
	return out;
}

static void measure_levels(struct movement *s, const struct movement_groups *g, const double *variance, double *n, double *d)
{
	double range = (double)g->n * (double)g->length, periods = s->period ? range / (double)s->period : 1;
	int64_t first = g->first, length = g->length;
	size_t count = g->n;

	while (s->nlevels < MOVEMENT_LEVELS && (!s->nlevels || (double)length <= range / 8)) {
		struct level level = measure_level(n, count);
		// What the profile, or the mean, took out of the groups.
		double left = 1 - fmax(s->period ? 1 / periods : 0, (double)length / range);
		size_t l = s->nlevels;

		if (level.groups < MOVEMENT_VALUES)
			break;
		s->groups[l] = (uint32_t)level.groups;
		s->size[l] = (uint64_t)llrint(level.size * 1000);
		for (size_t k = 0; k < g->nseries; k++) {
			double lag1, ms = between_groups(n, d + k, count, g->nseries, level.groups, &lag1);

			s->series[k].design[l] =
				variance[k] > 0 ? (uint32_t)llrint(fmin(2e6, ms / left / variance[k]) * 1000) : 1000;
			s->series[k].lag1[l] = (int32_t)llrint(lag1 * 1000);
		}
		s->nlevels++;
		count = halve(n, d, count, g->nseries, &first, length);
		length *= 2;
	}
}

struct movement *movement_new(const struct movement_groups *g, bool numbers)
{
	struct movement *s = xcalloc(1, sizeof *s);
	struct rhythm rhythm;

	s->length = g->length;
	s->covers = (int64_t)g->n * g->length;
	s->nseries = g->nseries;
	s->series = xcalloc(g->nseries, sizeof *s->series);
	find_rhythm(g, &rhythm);
	keep_profile(s, g, &rhythm);
	rhythm_release(&rhythm);
	if (numbers)
		centre_squares(s);
	movement_sum(s);
	return s;
}

// Variance of one text's being category k, over what it is without the profile.
static double share_residual(const struct movement *s, const struct movement_groups *g, size_t k, double *unit)
{
	double all = 0, sum = 0, kept = 0, share;

	for (size_t i = 0; i < g->n; i++) {
		all += g->count[i];
		sum += (double)g->sum[i * g->nseries + k] / MOVEMENT_ONE;
	}
	share = sum / all;
	*unit = share * (1 - share);
	if (!s->period || *unit <= 0)
		return 1;
	for (size_t j = 0; j < movement_phases(s); j++) {
		double p = fmin(1, fmax(0, millionth(s->series[k].profile[j])));

		kept += millionth((int32_t)s->weight[j]) * p * (1 - p);
	}
	return kept / *unit;
}

void movement_measure(struct movement *s, const struct movement_groups *g, bool numbers, double square_variance)
{
	double *n = xcalloc(g->n, sizeof *n), *d = xcalloc(g->n * g->nseries, sizeof *d);
	double variance[MOVEMENT_SERIES] = {0}, square = deviations(s, g, numbers, n, d);

	for (size_t k = 0; k < g->nseries; k++) {
		double unit = 1, v = !numbers ? share_residual(s, g, k, &unit) : k == SERIES_MEAN ? square : square_variance;

		s->series[k].residual = (uint64_t)llrint(fmin(1e12, v) * MILLION);
		variance[k] = v * unit;
	}
	measure_levels(s, g, variance, n, d);
	free(n);
	free(d);
}
