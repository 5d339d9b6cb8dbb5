// SPDX-License-Identifier: Apache-2.0
#include "drift/spread.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "drift/quadratic.h"
#include "util/xalloc.h"

enum { LEAST_EXPECTED = 5 };

double cell_middle(const struct cell *c)
{
	return c->lo + (c->hi - c->lo) / 2;
}

double kurtosis_of(const struct cells *s)
{
	double mean = 0, m2 = 0, m4 = 0;

	for (size_t i = 0; i < s->n; i++)
		mean += s->v[i].r / s->nr * cell_middle(&s->v[i]);
	for (size_t i = 0; i < s->n; i++) {
		double d = cell_middle(&s->v[i]) - mean;
		m2 += s->v[i].r / s->nr * d * d;
		m4 += s->v[i].r / s->nr * d * d * d * d;
	}
	return m4 / (m2 * m2);
}

// --- distances ----------------------------------------------------------------------------------------

struct distances distances_of(const struct coarse *k, const double *r, double nr, const double *c, double nc)
{
	double d = 0;
	struct distances out = {0, 0};

	for (size_t i = 0; i + 1 < k->bins; i++) {
		d += r[i] / nr - c[i] / nc;
		out.ks = fmax(out.ks, fabs(d));
		out.wasserstein += fabs(d) * k->step[i];
	}
	return out;
}

// With B a Brownian bridge: E|B(s)| = sqrt(2 s(1-s)/pi).
double coarse_w_mean(const struct coarse *k, const double *r, double n)
{
	double cum = 0, mean = 0;

	for (size_t i = 0; i + 1 < k->bins; i++) {
		cum += r[i] / n;
		mean += sqrt(2 / M_PI * fmax(0, cum * (1 - cum))) * k->step[i];
	}
	return mean;
}

// For two normal variables of correlation c: E|XY| = (2/pi) sd(X) sd(Y) (sqrt(1 - c^2) + c asin c).
static void coarse_null(struct coarse *k)
{
	double sd[BASELINE_BINS], odds[BASELINE_BINS], cum = 0, square = 0;

	for (size_t i = 0; i + 1 < k->bins; i++) {
		cum += k->r[i] / k->n;
		sd[i] = sqrt(fmax(0, cum * (1 - cum)));
		odds[i] = cum < 1 ? cum / (1 - cum) : INFINITY;
		for (size_t j = 0; j <= i; j++) {
			double c = sd[j] > 0 && sd[i] > 0 ? fmin(1, sqrt(odds[j] / odds[i])) : 0;
			double e = 2 / M_PI * sd[i] * sd[j] * (sqrt(1 - c * c) + c * asin(c));
			square += (i == j ? 1 : 2) * e * k->step[i] * k->step[j];
		}
	}
	k->w_mean = coarse_w_mean(k, k->r, k->n);
	k->w_log_sd = k->w_mean > 0 ? sqrt(log(fmax(1, square / (k->w_mean * k->w_mean)))) : 0;
}

void coarse_init(struct coarse *k, const struct cells *s, const uint32_t *group, size_t n)
{
	double at[BASELINE_BINS] = {0}, plain[BASELINE_BINS] = {0}, cells[BASELINE_BINS] = {0};

	*k = (struct coarse){.bins = n, .n = s->nr};
	for (size_t i = 0; i < s->n; i++) {
		uint32_t g = group[i];

		k->r[g] += s->v[i].r;
		at[g] += s->v[i].r * cell_middle(&s->v[i]);
		plain[g] += cell_middle(&s->v[i]);
		cells[g]++;
	}
	for (size_t i = 0; i < n; i++)
		at[i] = k->r[i] ? at[i] / k->r[i] : plain[i] / cells[i];
	for (size_t i = 0; i + 1 < n; i++)
		k->step[i] = fmax(0, at[i + 1] - at[i]);
	coarse_null(k);
}

// --- columns ------------------------------------------------------------------------------------------

size_t pool_columns(const double *r, size_t n, double size, uint32_t *group)
{
	double total = 0, pooled = 0, least = INFINITY;
	size_t used = 1, smallest = 0; // column 0 is the pool

	for (size_t i = 0; i < n; i++)
		total += r[i];
	for (size_t i = 0; i < n; i++) {
		if (!r[i]) {
			group[i] = UINT32_MAX;
		} else if (r[i] / total * size < LEAST_EXPECTED) {
			group[i] = 0;
			pooled += r[i];
		} else {
			if (r[i] < least) {
				least = r[i];
				smallest = used;
			}
			group[i] = (uint32_t)used++;
		}
	}
	if (pooled / total * size >= LEAST_EXPECTED || used == 1)
		return used;
	for (size_t i = 0; i < n; i++) // there is no pool
		if (group[i] != UINT32_MAX)
			group[i] = (group[i] ? group[i] : (uint32_t)smallest) - 1;
	return used - 1;
}

void pool(struct columns *t, const double *r, const double *c, size_t n, const uint32_t *group, size_t used)
{
	size_t kept = 0;

	memset(t->r, 0, used * sizeof *t->r);
	memset(t->c, 0, used * sizeof *t->c);
	t->nr = t->nc = 0;
	for (size_t i = 0; i < n; i++) {
		if (group[i] == UINT32_MAX)
			continue;
		t->r[group[i]] += r[i];
		t->c[group[i]] += c[i];
		t->nr += r[i];
		t->nc += c[i];
	}
	for (size_t i = 0; i < used; i++)
		if (t->r[i] || t->c[i]) {
			t->r[kept] = t->r[i];
			t->c[kept++] = t->c[i];
		}
	t->n = kept;
}

// --- over the groups ----------------------------------------------------------------------------------

// What a group is held against: all others, or those of its phase. Where it is alone at its phase: all others.
static double others_of(const struct chunk_history *h, const struct spread *s, const struct chunk_group *g, double *rest)
{
	const struct usual *own = h->period ? chunk_history_phase(h, g) : NULL;
	double n = 0;

	for (int pass = 0; pass < 2 && n <= 0; pass++, own = NULL) {
		n = 0;
		for (size_t j = 0; j < s->bins; j++) {
			rest[j] = fmax(0, (own ? own->bins[j] : s->r[j]) - g->bins[j]);
			n += rest[j];
		}
	}
	return n;
}

static size_t centres(const struct chunk_history *h)
{
	size_t n = 0;

	for (size_t k = 0; k < h->nphases; k++)
		n += h->phases[k].n > 0;
	return n;
}

static void over_numbers(struct spread *s, const struct chunk_history *h)
{
	double mean[BASELINE_CHUNKS], log_variance[BASELINE_CHUNKS], ks[BASELINE_CHUNKS], w[BASELINE_CHUNKS];
	double least = LEAST_SHARE * field_variance(h->field->total), rest[BASELINE_BINS];
	double here = s->coarse.w_mean * LEAST_SHARE * sqrt(s->rest);

	for (size_t i = 0; i < h->n; i++) {
		const struct chunk_group *g = &h->groups[i];
		const struct usual *usual = chunk_history_phase(h, g);
		double n = others_of(h, s, g, rest);
		struct distances d = distances_of(&s->coarse, rest, n, g->bins, g->n);

		mean[i] = g->mean - (h->period ? usual->mean : 0);
		log_variance[i] = log(fmax(least, g->m2 / (g->n - 1)));
		if (h->period)
			log_variance[i] -= log(fmax(least, usual->variance));
		ks[i] = log(fmax(LEAST_SHARE * sqrt(s->rest), d.ks));
		w[i] = log(fmax(here, d.wasserstein));
	}
	s->mean = series_of(mean, h->n, centres(h));
	s->log_variance = series_of(log_variance, h->n, centres(h));
	s->ks = series_of(ks, h->n, 1);
	s->wasserstein = series_of(w, h->n, 1);
}

// Each column's part of the root of Pearson's statistic: what a group's share differs by from the others', over its
// standard deviation if all records were independent.
static void deviations(const struct pooling *p, const double *rest, const struct chunk_group *g, size_t bins, double *out)
{
	double r[BASELINE_BINS] = {0}, c[BASELINE_BINS] = {0}, nr = 0, nc = 0;

	for (size_t i = 0; i < bins; i++) {
		if (p->group[i] == UINT32_MAX)
			continue;
		r[p->group[i]] += rest[i];
		c[p->group[i]] += g->bins[i];
		nr += rest[i];
		nc += g->bins[i];
	}
	for (size_t j = 0; j < p->used; j++)
		out[j] = nr > 0 && nc > 0 && r[j] + c[j] > 0 ? (c[j] / nc - r[j] / nr) * sqrt(nr * nc / (r[j] + c[j])) : 0;
}

// The eigenvalues of a sample's squares spread more than the true ones, whose spread is left: their variance less what
// normal variables give (as in Ledoit and Wolf 2004).
static void shrink(double *effects, size_t n, double groups)
{
	double mean = 0, square = 0;

	for (size_t i = 0; i < n; i++) {
		mean += effects[i] / (double)n;
		square += effects[i] * effects[i] / (double)n;
	}
	double spread = square - mean * mean, chance = (square + (double)n * mean * mean) / groups;
	double kept = spread > chance ? sqrt(1 - chance / spread) : 0;
	for (size_t i = 0; i < n; i++)
		effects[i] = mean + kept * (effects[i] - mean);
}

static void over_pooling(const struct spread *s, const struct chunk_history *h, struct pooling *p)
{
	double *squares = xcalloc(p->used * p->used, sizeof *squares), *all = xcalloc(p->used, sizeof *all);
	double rest[BASELINE_BINS], z[BASELINE_BINS], y[BASELINE_CHUNKS];

	for (size_t i = 0; i < h->n; i++) {
		others_of(h, s, &h->groups[i], rest);
		deviations(p, rest, &h->groups[i], s->bins, z);
		y[i] = 0;
		for (size_t j = 0; j < p->used; j++) {
			y[i] += z[j] * z[j];
			for (size_t k = 0; k < p->used; k++)
				squares[j * p->used + k] += z[j] * z[k] / (double)h->n;
		}
	}
	p->chi2 = series_of(y, h->n, 1);
	symmetric_eigenvalues(squares, p->used, all); // shares sum to 1, so the least is 0
	p->effects = all;
	if (p->used > 1)
		shrink(p->effects, p->used - 1, p->chi2.n_eff);
	free(squares);
}

static void over_columns(struct spread *s, const struct chunk_history *h)
{
	s->pooling = xcalloc(POOLINGS, sizeof *s->pooling);
	for (int k = 0; k < POOLINGS; k++) {
		struct pooling next = {.size = h->size / (1 << k)}, *last = s->npooling ? &s->pooling[s->npooling - 1] : NULL;

		next.used = pool_columns(s->r, s->bins, next.size, next.group);
		if (last && last->used == next.used && !memcmp(last->group, next.group, s->bins * sizeof *next.group)) {
			last->size = next.size;
			continue;
		}
		over_pooling(s, h, &next);
		s->pooling[s->npooling++] = next;
	}
	s->pooling = xrealloc(s->pooling, s->npooling * sizeof *s->pooling);
}

// By how much more than Poisson the count in the last bin varies from group to group.
static double overdispersion(const struct spread *s, const struct chunk_history *h)
{
	double share = 0, n = 0, sum = 0;

	for (size_t i = 0; i < h->n; i++) {
		share += h->groups[i].bins[s->bins - 1];
		n += h->groups[i].n;
	}
	share /= n;
	if (share <= 0)
		return 0;
	for (size_t i = 0; i < h->n; i++) {
		double e = share * h->groups[i].n, d = h->groups[i].bins[s->bins - 1] - e;
		sum += d * d / e;
	}
	return fmax(0, sum / (double)(h->n - 1) - 1);
}

static void numbers_init(struct spread *s, const struct chunk_history *h)
{
	const struct baseline_field *f = h->field;
	const struct measure_side total = {NULL, f->total};
	const struct measure_input in = {.def = &f->def, .reference = total, .current = total};
	struct measure_value none;
	struct cells cells;

	s->few = true;
	if (cells_init(&cells, &in, &none) != READING_KNOWN)
		return;
	s->bins = f->nbins;
	for (size_t i = 0; i < cells.n; i++)
		s->r[f->coarse[i]] += cells.v[i].r;
	s->few = cells_few(&cells) || f->total->min == f->total->max;
	if (!s->few) {
		coarse_init(&s->coarse, &cells, f->coarse, f->nbins);
		s->kurtosis = kurtosis_of(&cells);
	}
	cells_release(&cells);
}

static void categories_init(struct spread *s, const struct chunk_history *h)
{
	const struct field_stats *total = h->field->total;
	uint64_t counts[BASELINE_BINS];

	s->few = true;
	s->ntop = coarse_categories(total, s->top);
	s->bins = s->ntop + 1;
	coarse_counts(total, s->top, s->ntop, counts);
	for (size_t i = 0; i < s->bins; i++)
		s->r[i] = (double)counts[i];
	s->others = overdispersion(s, h);
}

struct spread *spread_new(const struct chunk_history *h)
{
	struct spread *s = xcalloc(1, sizeof *s);
	double rest[BASELINE_BINS];

	if (h->field->def.type == FIELD_NUMERIC)
		numbers_init(s, h);
	else
		categories_init(s, h);
	for (size_t i = 0; i < h->n; i++)
		s->rest += (1 / h->groups[i].n + 1 / others_of(h, s, &h->groups[i], rest)) / (double)h->n;
	if (s->few)
		over_columns(s, h);
	else
		over_numbers(s, h);
	return s;
}

void spread_free(struct spread *s)
{
	for (size_t i = 0; s && i < s->npooling; i++)
		free(s->pooling[i].effects);
	if (s)
		free(s->pooling);
	free(s);
}

const struct pooling *spread_pooling(const struct spread *s, double m)
{
	size_t k = 0;

	while (k + 1 < s->npooling && s->pooling[k].size > 1.25 * m)
		k++;
	return &s->pooling[k];
}
