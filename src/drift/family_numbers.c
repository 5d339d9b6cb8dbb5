// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdlib.h>

#include "drift/edf_law.h"
#include "drift/family.h"
#include "util/xalloc.h"

// Mean and standard deviation of the logarithm under Kolmogorov's law.
#define KS_LOG_MEAN (-0.183599)
#define KS_LOG_SD 0.291973
#define MOST_SHIFT 1e3
#define MOST_RATIO 1e6

// --- mean and variance --------------------------------------------------------------------------------

// The standard deviation of a deviation from the usual in a window, v being the sampling variance of one record.
static double deviation_sd(const struct family *f, const struct series *s, double v)
{
	if (!f->history)
		return sqrt(v / f->m + v / f->n);
	double independent = f->season ? fmin(s->n_eff, f->history->phase_groups) : s->n_eff;
	double moves = fmax(0, s->variance - v / f->history->size);
	// The reference's own mean is as uncertain as its groups say, however many records the window has.
	return sqrt(moves + v / f->m + (moves + v / f->history->size) / independent);
}

static double two_sided(const struct family *f, const struct series *s, double deviation, double sd)
{
	double t = fabs(deviation) / sd;

	return 2 * (f->history ? student_sf(t, s->n_eff - 1) : normal_sf(t));
}

struct moments {
	double mean, variance;
};

// Of the current side without the value farthest from the reference's mean: what one record alone does is no
// drift.
static struct moments without_farthest(const struct field_stats *r, const struct field_stats *c)
{
	double centre = field_mean(r), far = c->max - centre > centre - c->min ? c->max : c->min;
	struct xsum sum, squares, one = {0};
	uint64_t n = c->count - 1;

	xsum_copy(&sum, &c->sum);
	xsum_copy(&squares, &c->sumsq);
	xsum_add(&sum, -far);
	xsum_add_square(&one, far);
	xsum_subtract(&squares, &one);
	struct moments m = {n ? xsum_mean(&sum, n) : NAN, n > 1 ? xsum_variance(&sum, &squares, n) : NAN};
	xsum_release(&sum);
	xsum_release(&squares);
	xsum_release(&one);
	return m;
}

static const struct series *mean_series(const struct family *f)
{
	return f->history ? &f->history->spread->mean : NULL;
}

static double mean_sd(const struct family *f)
{
	double v = f->season ? f->usual.variance : field_variance(f->in->reference.field);

	return deviation_sd(f, mean_series(f), v);
}

static void add_mean_shift(struct family *f, const struct moments *but_one)
{
	const struct field_stats *r = f->in->reference.field, *c = f->in->current.field;
	double centre = f->season ? f->usual.mean : field_mean(r), sd = mean_sd(f);
	const struct series *s = mean_series(f);

	family_add(f, MEAN_SHIFT,
		   fmax(two_sided(f, s, field_mean(c) - centre, sd), two_sided(f, s, but_one->mean - centre, sd)));
	if (asks_bound(f))
		family_bound(f, two_sided(f, s, MOST_SHIFT * sqrt(field_variance(r)), sd));
}

static void add_log_variance(struct family *f, const struct moments *but_one, double kurtosis)
{
	const struct field_stats *r = f->in->reference.field, *c = f->in->current.field;
	const double variance[] = {field_variance(c), but_one->variance};
	const struct chunk_history *h = f->history;
	const struct series *s = h ? &h->spread->log_variance : NULL;
	double least = LEAST_SHARE * field_variance(r), centre = log(field_variance(r)), p = 0;
	double sd = deviation_sd(f, s, kurtosis - 1);

	if (h)
		centre = isnan(h->log_variance) ? s->mean : h->log_variance;
	if (f->season)
		centre += log(fmax(least, f->usual.variance));
	for (int i = 0; i < 2; i++)
		p = fmax(p, two_sided(f, s, log(fmax(least, variance[i])) - centre, sd));
	family_add(f, LOG_VARIANCE, p);
	if (asks_bound(f))
		family_bound(f, two_sided(f, s, log(MOST_RATIO), sd));
}

void add_moments(struct family *f, const struct cells *s)
{
	struct moments but_one;

	if (f->in->current.field->count <= 2)
		return;
	but_one = without_farthest(f->in->reference.field, f->in->current.field);
	add_mean_shift(f, &but_one);
	add_log_variance(f, &but_one, f->history ? f->history->spread->kurtosis : kurtosis_of(s));
}

double smallest_mean(const struct family *f, double p)
{
	const struct field_stats *r = f->in->reference.field;
	const struct chunk_history *h = f->history;
	double t = h ? remembered(&h->spread->student, p / 2, h->spread->mean.n_eff - 1) : normal_isf(p / 2);

	return t * mean_sd(f) / (field_stddev(r) * sqrt((f->n - 1) / f->n));
}

// --- distances ----------------------------------------------------------------------------------------

// P(distance >= d) with null_mean (geometric) and null_sd (of the logarithm) those of independence over
// sqrt(1/n + 1/m).
static double upper(const struct family *f, const struct series *s, double d, double null_mean, double null_sd)
{
	double n = f->season ? f->usual.n : f->n;
	double here = null_mean * null_mean * (1 / f->m + 1 / n), there = null_mean * null_mean * f->history->spread->rest;
	double mean2 = fmax(0, exp(2 * s->mean) - there) + here;
	double sd = fmax(sqrt(s->variance), null_sd) * sqrt(1 + 1 / s->n_eff);

	return student_sf((log(fmax(LEAST_SHARE * sqrt(here), d)) - log(mean2) / 2) / sd, s->n_eff - 1);
}

// The greatest that any window of values within the grid can have: all of it in the first or in the last bin.
static struct distances most(const struct coarse *k, const double *r, double n)
{
	struct distances out = {0, 0};

	for (size_t end = 0; end < 2; end++) {
		double all[BASELINE_BINS] = {0};

		all[end ? k->bins - 1 : 0] = 1;
		struct distances d = distances_of(k, r, n, all, 1);
		out.ks = fmax(out.ks, d.ks);
		out.wasserstein = fmax(out.wasserstein, d.wasserstein);
	}
	return out;
}

static void distances_by_history(struct family *f, const struct cells *cells)
{
	const struct spread *s = f->history->spread;
	const struct coarse *k = &s->coarse;
	const double *r = f->season ? f->usual.bins : k->r;
	double n = f->season ? f->usual.n : k->n, c[BASELINE_BINS] = {0};

	for (size_t i = 0; i < cells->n; i++)
		c[f->history->field->coarse[i]] += cells->v[i].c;
	struct distances now = distances_of(k, r, n, c, cells->nc), bound = most(k, r, n);
	family_add(f, KS, upper(f, &s->ks, now.ks, exp(KS_LOG_MEAN), KS_LOG_SD));
	if (asks_bound(f))
		family_bound(f, upper(f, &s->ks, bound.ks, exp(KS_LOG_MEAN), KS_LOG_SD));
	// The logarithm of a log-normal variable of that mean.
	double w_mean = f->season ? coarse_w_mean(k, r, n) : k->w_mean, w_null = w_mean * exp(-k->w_log_sd * k->w_log_sd / 2);
	if (!(w_null > 0))
		return;
	family_add(f, WASSERSTEIN, upper(f, &s->wasserstein, now.wasserstein, w_null, k->w_log_sd));
	if (asks_bound(f))
		family_bound(f, upper(f, &s->wasserstein, bound.wasserstein, w_null, k->w_log_sd));
}

static void distances_by_chance(struct family *f, const struct cells *cells)
{
	uint32_t *group = xcalloc(cells->n, sizeof *group);
	double scale = sqrt(1 / f->n + 1 / f->m), c[BASELINE_BINS] = {0};
	struct coarse k;

	coarse_init(&k, cells, group, cells_group(cells, BASELINE_BINS, group));
	for (size_t i = 0; i < cells->n; i++)
		c[group[i]] += cells->v[i].c;
	free(group);
	family_add(f, KS, ks_two_sample_p(cells_ks(cells), f->n, f->m));
	if (asks_bound(f))
		family_bound(f, ks_two_sample_p(1, f->n, f->m));
	double w_null = k.w_mean * exp(-k.w_log_sd * k.w_log_sd / 2);
	if (!(w_null > 0 && k.w_log_sd > 0))
		return;
	double w = distances_of(&k, k.r, k.n, c, cells->nc).wasserstein;
	family_add(f, WASSERSTEIN, normal_sf(log(w / (scale * w_null)) / k.w_log_sd));
	if (asks_bound(f))
		family_bound(f, normal_sf(log(most(&k, k.r, k.n).wasserstein / (scale * w_null)) / k.w_log_sd));
}

void add_distances(struct family *f, const struct cells *s)
{
	if (f->history)
		distances_by_history(f, s);
	else
		distances_by_chance(f, s);
}
