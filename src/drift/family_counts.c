// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdlib.h>

#include "drift/family.h"
#include "drift/shares.h"
#include "util/xalloc.h"

// By how much the groups' chi-square is greater than of independent records, for this window's size; *df gets
// the degrees that its variance is worth.
static double chi2_factor(const struct family *f, const struct series *s, double *df)
{
	double n = f->season ? f->usual.n : f->n;
	double moves = fmax(0, s->mean / *df - 1) * f->history->spread->rest, factor = 1 + moves / (1 / f->m + 1 / n);

	if (s->variance > 0)
		*df = fmax(1, fmin(*df, 2 * s->mean * s->mean / s->variance));
	return factor;
}

static double chi2_p(const struct family *f, const struct columns *t, const struct series *s)
{
	double df, statistic = t->nc > 0 ? fmin(columns_chi2(t, &df), shares_g(t, &df)) : 0;

	if (t->nc <= 0 || df < 1)
		return 1;
	if (!s)
		return chi2_sf(statistic, df);
	double eff = df, factor = chi2_factor(f, s, &eff);
	return f_sf(statistic / (df * factor), eff, s->n_eff - 1);
}

// All of the window in the rarest column.
static double chi2_least(const struct family *f, struct columns *t, const struct series *s)
{
	size_t rarest = 0;

	for (size_t i = 0; i < t->n; i++) {
		t->c[i] = 0;
		if (t->r[i] && (!t->r[rarest] || t->r[i] < t->r[rarest]))
			rarest = i;
	}
	if (t->n)
		t->c[rarest] = t->nc;
	return chi2_p(f, t, s);
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

static void chi2_note(struct family *f, const struct columns *t, const struct series *s)
{
	double most = 0;

	for (size_t i = 0; i < t->n; i++)
		most = fmax(most, t->r[i] / t->nr);
	f->chi2.df = f->chi2.eff = (double)t->n - 1;
	f->chi2.factor = s && t->n > 1 ? chi2_factor(f, s, &f->chi2.eff) : 1;
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
		chi2_note(f, &t, by ? &by->chi2 : NULL);
	family_add(f, CHI2, chi2_p(f, &t, by ? &by->chi2 : NULL));
	if (asks_bound(f))
		family_bound(f, chi2_least(f, &t, by ? &by->chi2 : NULL));
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

double smallest_share(const struct family *f, double p)
{
	const struct chunk_history *h = f->history;
	double statistic = h ? remembered(&h->spread->f, p, f->chi2.eff, spread_pooling(h->spread, f->m)->chi2.n_eff - 1) *
				       f->chi2.df * f->chi2.factor
			     : chi2_isf(p, f->chi2.df);

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
