// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdlib.h>

#include "drift/family.h"
#include "drift/quadratic.h"
#include "drift/shares.h"
#include "util/xalloc.h"

// The first n design effects for this window's size; returns their sum.
static double effects_here(const struct pooling *by, double grows, size_t n, double *out)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += out[i] = 1 + fmax(0, by->effects[i] - 1) * grows;
	return sum;
}

// By how much what the groups show beyond independence weighs more in this window than in one of their size.
static double weight_here(const struct family *f)
{
	return f->history->spread->rest / (1 / f->m + 1 / (f->season ? f->usual.n : f->n));
}

static double chi2_p(const struct family *f, const struct columns *t, const struct pooling *by)
{
	double df, statistic = t->nc > 0 ? fmin(columns_chi2(t, &df), shares_g(t, &df)) : 0, effects[BASELINE_BINS];

	if (t->nc <= 0 || df < 1)
		return 1;
	if (!by)
		return chi2_sf(statistic, df);
	effects_here(by, weight_here(f), (size_t)df, effects);
	return quadratic_sf(effects, (size_t)df, by->chi2.n_eff - 1, statistic);
}

// All of the window in the rarest column.
static double chi2_least(const struct family *f, struct columns *t, const struct pooling *by)
{
	size_t rarest = 0;

	for (size_t i = 0; i < t->n; i++) {
		t->c[i] = 0;
		if (t->r[i] && (!t->r[rarest] || t->r[i] < t->r[rarest]))
			rarest = i;
	}
	if (t->n)
		t->c[rarest] = t->nc;
	return chi2_p(f, t, by);
}

// To the number of values that are to be supposed.
static void scale_to(const struct family *f, struct columns *t)
{
	if (!f->in->suppose || t->nc <= 0)
		return;
	for (size_t i = 0; i < t->n; i++)
		t->c[i] *= f->m / t->nc;
	t->nc = f->m;
}

static void chi2_note(struct family *f, const struct columns *t, const struct pooling *by)
{
	double most = 0, effects[BASELINE_BINS];

	for (size_t i = 0; i < t->n; i++)
		most = fmax(most, t->r[i] / t->nr);
	f->chi2.df = (double)t->n - 1;
	if (by && t->n > 1)
		f->chi2.factor = effects_here(by, weight_here(f), t->n - 1, effects) / effects_here(by, 1, t->n - 1, effects);
	f->chi2.share = most;
	f->chi2.size = 1 / (1 / t->nr + 1 / t->nc);
}

void add_chi2(struct family *f, const struct columns *all)
{
	const struct pooling *by = f->history ? spread_pooling(f->history->spread, f->m) : NULL;
	uint32_t *own = by ? NULL : xcalloc(all->n + 1, sizeof *own);
	const uint32_t *group = by ? by->group : own;
	size_t used = by ? by->used : pool_columns(all->r, all->n, f->m, own);
	struct columns t = {.r = xcalloc(used, sizeof *t.r), .c = xcalloc(used, sizeof *t.c)};

	pool(&t, f->season ? f->usual.bins : all->r, all->c, all->n, group, used);
	scale_to(f, &t);
	if (f->in->limit_p > 0)
		chi2_note(f, &t, by);
	family_add(f, CHI2, chi2_p(f, &t, by));
	if (asks_bound(f))
		family_bound(f, chi2_least(f, &t, by));
	columns_release(&t);
	free(own);
}

void add_poisson(struct family *f, enum member member, double reference, double current, double factor)
{
	double rate = (reference + UNSEEN_PRIOR) / f->n * f->m / factor;

	if (f->in->suppose)
		current *= f->m / (double)f->in->current.field->count;
	f->poisson.expected = reference / f->n;
	f->poisson.rate = rate;
	f->poisson.factor = factor;
	family_add(f, member, poisson_sf_from(current / factor, rate));
	if (asks_bound(f))
		family_bound(f, poisson_sf_from(f->m / factor, rate));
}

// Of a window of the groups' size.
static double chi2_quantile(const struct family *f, double p)
{
	const struct pooling *by = spread_pooling(f->history->spread, f->m);
	struct quantile *q = &f->history->spread->chi2;
	double effects[BASELINE_BINS];

	if (q->p != p || q->of != by->size) {
		effects_here(by, 1, by->used - 1, effects);
		*q = (struct quantile){p, by->size, quadratic_isf(effects, by->used - 1, by->chi2.n_eff - 1, p)};
	}
	return q->x;
}

double smallest_share(const struct family *f, double p)
{
	double statistic = f->history ? chi2_quantile(f, p) * f->chi2.factor : chi2_isf(p, f->chi2.df);

	return sqrt(statistic * f->chi2.share * (1 - f->chi2.share) / f->chi2.size);
}

double smallest_count(const struct family *f, double p)
{
	double lo = 0, hi = f->m;

	for (int i = 0; i < 60 && hi - lo > 0.5; i++) {
		double k = (lo + hi) / 2;
		*(poisson_sf_from(ceil(k) / f->poisson.factor, f->poisson.rate) > p ? &lo : &hi) = k;
	}
	return ceil(hi) / f->m - f->poisson.expected;
}
