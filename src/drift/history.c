// SPDX-License-Identifier: Apache-2.0
// Groups are aligned to the epoch as windows are. Where the window's own length gives fewer than
// HISTORY_ENOUGH groups, shorter ones are taken: a mean over a shorter time varies at least as much, so
// the spread is rather too wide than too narrow.
//
// Whether the time of day or of the week matters is asked of the coarse bins: the groups' chi-square distances
// from their phases' shares against those from the shares of all, as in an analysis of variance. Bins are
// counted as one dimension, because what moves them is often one cause.
#include "drift/history.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "drift/chunks.h"
#include "drift/phases.h"
#include "drift/special.h"
#include "drift/spread.h"
#include "util/clock.h"
#include "util/map.h"
#include "util/sort.h"
#include "util/xalloc.h"

#define DAY_MS INT64_C(86400000)
#define SEASON_P 0.01

static void group_add(struct chunk_group *g, const struct baseline_chunk *c, size_t nbins)
{
	double n = (double)c->count, d = c->mean - g->mean;

	g->records += (double)c->records;
	g->missing += (double)c->missing;
	for (size_t i = 0; i < nbins; i++)
		g->bins[i] += (double)c->bins[i];
	if (isnan(c->mean)) { // no numbers
		g->n += n;
		return;
	}
	// Chan, Golub, LeVeque (1979): the moments of a union.
	g->m2 += (c->count > 1 ? c->variance * (n - 1) : 0) + d * d * g->n * n / (g->n + n);
	g->mean += d * n / (g->n + n);
	g->n += n;
}

static size_t phase_of(int64_t slot, int64_t period, int64_t length)
{
	return period ? (size_t)((slot - time_floor(slot, period)) / length) : 0;
}

static double median(double *v, size_t n)
{
	qsort(v, n, sizeof *v, double_cmp);
	return n ? v[n / 2] : 0;
}

// A group cut short by an end of the data, or with a hole in it, is not like a window. Where volume has a
// rhythm, it is held against those of its own phase.
static size_t drop_partial(struct chunk_group *g, size_t n, int64_t period, int64_t length)
{
	size_t nphases = period ? (size_t)(period / length) : 1, kept = 0;
	double *sizes = xmalloc((n + 1) * sizeof *sizes), *least = xcalloc(nphases, sizeof *least);

	for (size_t phase = 0; phase < nphases; phase++) {
		size_t k = 0;
		for (size_t i = 0; i < n; i++)
			if (phase_of(g[i].slot, period, length) == phase)
				sizes[k++] = g[i].n;
		least[phase] = fmax(2, median(sizes, k) / 2);
	}
	for (size_t i = 0; i < n; i++)
		if (g[i].n >= least[phase_of(g[i].slot, period, length)])
			g[kept++] = g[i];
	free(sizes);
	free(least);
	return kept;
}

static bool has_periods(const struct baseline *b, int64_t period, int64_t length)
{
	return length < period && period % length == 0 && b->to - b->from >= HISTORY_PERIODS * period;
}

static size_t group_chunks(struct chunk_group *g, const struct baseline_field *f, const struct baseline *b,
			   int64_t length)
{
	int64_t period = has_periods(b, 7 * DAY_MS, length) ? 7 * DAY_MS : has_periods(b, DAY_MS, length) ? DAY_MS : 0;
	size_t n = 0;

	for (struct chunk_reader r = baseline_field_chunks(f); chunk_next(&r);) {
		int64_t slot = time_floor(r.chunk.from, length);

		if (!n || g[n - 1].slot != slot)
			g[n++] = (struct chunk_group){.slot = slot};
		group_add(&g[n - 1], &r.chunk, f->nbins);
	}
	return drop_partial(g, n, period, length);
}

// --- seasons ------------------------------------------------------------------------------------------

static void usual_add(struct usual *u, double n, double mean, double variance, const double *bins, double weight)
{
	double w = weight * n, all = u->n + w, d = mean - u->mean;

	if (w <= 0)
		return;
	u->variance = (u->variance * u->n + variance * w + d * d * u->n * w / all) / all;
	u->mean += d * w / all;
	for (size_t i = 0; i < BASELINE_BINS; i++)
		u->bins[i] += weight * bins[i];
	u->n = all;
}

// The centre of each phase. A phase's variance is that within its groups: what moves from group to group is the
// spread's.
static struct usual *phases_new(const struct chunk_history *h, int64_t period)
{
	size_t n = period ? (size_t)(period / h->length) : 1;
	struct usual *u = xcalloc(n, sizeof *u);
	double *degrees = xcalloc(n, sizeof *degrees);

	for (size_t i = 0; i < h->n; i++) {
		const struct chunk_group *g = &h->groups[i];
		size_t k = phase_of(g->slot, period, h->length);

		usual_add(&u[k], g->n, g->mean, 0, g->bins, 1);
		degrees[k] += g->n - 1;
	}
	for (size_t k = 0; k < n; k++)
		u[k].variance = 0;
	for (size_t i = 0; i < h->n; i++) {
		size_t k = phase_of(h->groups[i].slot, period, h->length);
		u[k].variance += h->groups[i].m2 / degrees[k];
	}
	free(degrees);
	return u;
}

// The groups' chi-square distance from their phases; *used counts the phases that have a group.
static double distance(const struct chunk_history *h, const struct usual *all, int64_t period, size_t *used)
{
	struct usual *u = phases_new(h, period);
	size_t n = period ? (size_t)(period / h->length) : 1;
	double sum = 0;

	*used = 0;
	for (size_t k = 0; k < n; k++)
		*used += u[k].n > 0;
	for (size_t i = 0; i < h->n; i++) {
		const struct chunk_group *g = &h->groups[i];
		const struct usual *own = &u[phase_of(g->slot, period, h->length)];

		for (size_t j = 0; j < BASELINE_BINS; j++) {
			double d = g->bins[j] / g->n - own->bins[j] / own->n;
			sum += all->bins[j] > 0 ? g->n * d * d * all->n / all->bins[j] : 0;
		}
	}
	free(u);
	return sum;
}

// Takes the period if it explains more than `before` did, and if enough groups are left to tell.
static bool explains(const struct chunk_history *h, const struct usual *all, int64_t before, int64_t period)
{
	size_t was, now;
	double wide = distance(h, all, before, &was), narrow = distance(h, all, period, &now);

	if (h->n < now + HISTORY_ENOUGH || now <= was)
		return false;
	double df1 = (double)(now - was), df2 = (double)(h->n - now);
	return narrow <= 0 ? wide > 0 : f_sf((wide - narrow) / df1 / (narrow / df2), df1, df2) < SEASON_P;
}

static void find_season(struct chunk_history *h, const struct baseline *b, int64_t window_ms, bool seasons)
{
	static const int64_t periods[] = {DAY_MS, 7 * DAY_MS};
	struct usual *all = phases_new(h, 0);

	for (size_t i = 0; seasons && i < ARRAY_LEN(periods); i++)
		if (window_ms < periods[i] && has_periods(b, periods[i], h->length) &&
		    explains(h, all, h->period, periods[i]))
			h->period = periods[i];
	h->phases = h->period ? phases_new(h, h->period) : all;
	h->nphases = h->period ? (size_t)(h->period / h->length) : 1;
	if (h->period)
		free(all);
	size_t used = 0;
	for (size_t k = 0; k < h->nphases; k++)
		used += h->phases[k].n > 0;
	h->phase_groups = (double)h->n / (double)used;
}

const struct usual *chunk_history_phase(const struct chunk_history *h, const struct chunk_group *g)
{
	return &h->phases[phase_of(g->slot, h->period, h->length)];
}

static void usual_at(const struct chunk_history *h, size_t phase, struct usual *out)
{
	if (h->packed)
		phases_get(h->packed, phase, out);
	else
		*out = h->phases[phase];
}

static struct usual phase_at(const struct chunk_history *h, int64_t slot, const struct usual *otherwise)
{
	struct usual u;

	usual_at(h, phase_of(slot, h->period, h->length), &u);
	return u.n > 0 ? u : *otherwise;
}

// The part [x0, x1] of a phase, -0.5 being its beginning and 0.5 its end, by the parabola that has the means of the
// phase and of those beside it: a rhythm goes on within a phase.
static void part_add(const struct chunk_history *h, int64_t slot, double x0, double x1, struct usual *out)
{
	struct usual own;
	usual_at(h, phase_of(slot, h->period, h->length), &own);
	if (own.n <= 0)
		return;
	double b = (x0 + x1) / 4, a = ((x0 * x0 + x0 * x1 + x1 * x1) / 3 - 1.0 / 12) / 2;
	const struct {
		struct usual phase;
		double weight;
	} parts[] = {{phase_at(h, slot - h->length, &own), a - b},
		     {own, 1 - 2 * a},
		     {phase_at(h, slot + h->length, &own), a + b}};
	double mean = 0, bins[BASELINE_BINS] = {0};

	for (size_t k = 0; k < ARRAY_LEN(parts); k++) {
		const struct usual *u = &parts[k].phase;

		mean += parts[k].weight * u->mean;
		for (size_t i = 0; i < BASELINE_BINS; i++)
			bins[i] += parts[k].weight * u->bins[i] / u->n * own.n;
	}
	for (size_t i = 0; i < BASELINE_BINS; i++)
		bins[i] = fmax(0, bins[i]);
	usual_add(out, own.n, mean, own.variance, bins, x1 - x0);
}

void chunk_history_usual(const struct chunk_history *h, int64_t from, int64_t window_ms, struct usual *out)
{
	double length = (double)h->length;

	*out = (struct usual){0};
	for (int64_t slot = time_floor(from, h->length); slot < from + window_ms; slot += h->length) {
		int64_t lo = slot > from ? slot : from, hi = slot + h->length;

		hi = hi < from + window_ms ? hi : from + window_ms;
		part_add(h, slot, (double)(lo - slot) / length - 0.5, (double)(hi - slot) / length - 0.5, out);
	}
	for (size_t i = 0; out->n > 0 && window_ms < h->length && i < BASELINE_BINS; i++)
		out->bins[i] *= length / (double)window_ms; // it rests on all of the phase
	if (window_ms < h->length)
		out->n *= length / (double)window_ms;
}

bool chunk_history_suits(const struct chunk_history *h, int64_t to, int64_t window_ms)
{
	struct usual u = {0};

	for (int64_t slot = time_floor(to - window_ms, h->length); h->period && to && u.n <= 0 && slot < to; slot += h->length)
		usual_at(h, phase_of(slot, h->period, h->length), &u);
	return !h->period || u.n > 0;
}

// --- making it ----------------------------------------------------------------------------------------

// Less that of the groups' phases, once a season is known.
static double mean_log_variance(const struct chunk_history *h)
{
	double sum = 0;
	size_t used = 0;

	for (size_t i = 0; i < h->n; i++)
		if (h->groups[i].m2 > 0) {
			const struct chunk_group *g = &h->groups[i];
			sum += log(g->m2 / (g->n - 1)) - (h->period ? log(chunk_history_phase(h, g)->variance) : 0);
			used++;
		}
	return used >= HISTORY_MIN ? sum / (double)used : NAN;
}

struct chunk_history *chunk_history_build(const struct baseline_field *f, const struct baseline *b, int64_t window_ms,
					  bool seasons, size_t enough)
{
	int64_t times = window_ms / b->chunk_ms;
	double inverse = 0;

	if (!b->has_event_time || f->nchunks < HISTORY_MIN)
		return NULL;
	struct chunk_history *h = xcalloc(1, sizeof *h);
	h->field = f;
	h->shorter = times < 1;
	times = times < 1 ? 1 : times > BASELINE_CHUNKS ? BASELINE_CHUNKS : times;
	h->groups = xcalloc(f->nchunks, sizeof *h->groups);
	h->n = group_chunks(h->groups, f, b, times * b->chunk_ms);
	h->length = times * b->chunk_ms;
	h->log_variance = mean_log_variance(h);
	while (h->n < enough && times > 1) {
		times /= 2;
		h->length = times * b->chunk_ms;
		h->n = group_chunks(h->groups, f, b, h->length);
	}
	if (h->n < HISTORY_MIN) {
		chunk_history_free(h);
		return NULL;
	}
	for (size_t i = 0; i < h->n; i++)
		inverse += 1 / h->groups[i].n;
	h->size = (double)h->n / inverse;
	find_season(h, b, window_ms, seasons);
	if (h->period)
		h->log_variance = mean_log_variance(h);
	h->spread = spread_new(h);
	return h;
}

struct chunk_history *chunk_history_new(const struct baseline_field *f, const struct baseline *b, int64_t window_ms,
					bool seasons)
{
	struct chunk_history *h = chunk_history_build(f, b, window_ms, seasons, HISTORY_ENOUGH);

	if (h) {
		h->packed = phases_pack(h->phases, h->nphases, f->nbins);
		free(h->groups);
		free(h->phases);
		h->groups = NULL;
		h->phases = NULL;
	}
	return h;
}

void chunk_history_free(struct chunk_history *h)
{
	if (!h)
		return;
	spread_free(h->spread);
	free(h->groups);
	free(h->phases);
	phases_free(h->packed);
	free(h);
}

struct series series_of(const double *y, size_t n, size_t centres)
{
	double mean = 0, squares = 0, lagged = 0, r1, free_groups = (double)(n - centres + 1);
	struct series s;

	for (size_t i = 0; i < n; i++)
		mean += y[i] / (double)n;
	for (size_t i = 0; i < n; i++) {
		squares += (y[i] - mean) * (y[i] - mean);
		if (i)
			lagged += (y[i] - mean) * (y[i - 1] - mean);
	}
	r1 = squares > 0 ? fmax(0, lagged / squares) : 0;
	s = (struct series){mean, squares / (free_groups - 1), free_groups * (1 - r1) / (1 + r1)};
	s.n_eff = fmax(HISTORY_MIN, s.n_eff);
	return s;
}

// --- those of many fields -------------------------------------------------------------------------------

struct histories {
	struct map map; // struct key -> struct held
};

struct key {
	const struct baseline_field *field;
	const struct measure *measure; // NULL: the history itself
	int64_t window_ms, tail; // tail of a history: it has no season
};

struct held {
	struct chunk_history *history; // NULL: there is none
	struct chunk_series *chunks;
};

struct histories *histories_new(void)
{
	struct histories *c = xcalloc(1, sizeof *c);

	map_init(&c->map);
	return c;
}

static void held_free(void *p)
{
	struct held *h = p;

	chunk_history_free(h->history);
	chunk_series_free(h->chunks);
	free(h);
}

void histories_free(struct histories *c)
{
	if (!c)
		return;
	map_release(&c->map, held_free);
	free(c);
}

// *made: it is new, and empty.
static struct held *held_get(struct histories *c, const struct baseline_field *f, const struct measure *m,
			     int64_t window_ms, bool tail, bool *made)
{
	struct key key = {f, m, window_ms, tail};
	struct held *h = map_get(&c->map, &key, sizeof key);

	*made = !h;
	if (!h) {
		h = xcalloc(1, sizeof *h);
		map_put(&c->map, &key, sizeof key, h);
	}
	return h;
}

const struct chunk_history *histories_get(struct histories *c, const struct baseline_field *f, const struct baseline *b,
					  int64_t window_ms, int64_t to)
{
	for (int plain = 0;; plain++) {
		bool made;
		struct held *h = held_get(c, f, NULL, window_ms, plain, &made);

		if (made)
			h->history = chunk_history_new(f, b, window_ms, !plain);
		if (plain || !h->history || chunk_history_suits(h->history, to, window_ms))
			return h->history;
	}
}

const struct chunk_series *histories_chunks(struct histories *c, const struct measure *m, const struct baseline_field *f,
					    const struct baseline *b, int64_t window_ms, bool tail)
{
	bool made;
	struct held *h = held_get(c, f, m, window_ms, tail, &made);

	if (made)
		h->chunks = chunk_series_new(m, f, b, window_ms, tail);
	return h->chunks;
}
