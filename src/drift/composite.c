// SPDX-License-Identifier: Apache-2.0
// The composite `drift`: a small family of tests, each against what the baseline itself did from window to
// window; the z of the smallest p-value times the number of members (Bonferroni).
//
// With a history, groups of chunks of about the window's length give each member's spread. A mean over n
// records has variance e + v/n: e is what truly moves from window to window, v/n what sampling alone gives.
// e is estimated once, at the groups' size, never below 0, so that it holds for a window of any size m and
// the spread is never below what independence would give. Estimated means are compared by Student's t with
// n_eff - 1 degrees, and the spread is widened by 1 + 1/n_eff, because the reference's own mean is as
// uncertain. The distances ks and wasserstein have squares that add up in the same way; being positive and
// skewed they are compared on their logarithm, with each group held against the others.
//
// Chi-square has no useful logarithm at few degrees of freedom (its left tail is too long), so its excess
// over independence scales it as in surveys (Rao and Scott, Ann. Stat. 12, 1984; F by Thomas and Rao, 1987),
// with Satterthwaite's degrees from the groups' own variance. The smaller of Pearson's statistic and the
// likelihood ratio is taken, over columns of at least 5 expected values: where counts are small one of the
// two overstates.
//
// Without a history records are taken as independent: z, Kolmogorov's law, and for wasserstein the first
// two moments of the integral of a Brownian bridge's absolute value.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "drift/history.h"
#include "drift/measures.h"
#include "drift/sides.h"
#include "drift/special.h"
#include "util/xalloc.h"

// Mean and standard deviation of the logarithm under Kolmogorov's law.
#define KS_LOG_MEAN (-0.183599)
#define KS_LOG_SD 0.291973
// Variances and distances below this share of the reference's own count as this share.
#define LEAST_SHARE 1e-6
#define LEAST_EXPECTED 5
#define LEAST_P 1e-300
// Poisson rate of what the reference never showed: three more than seen is its 95 % bound at none.
#define UNSEEN_PRIOR 3

enum member { MEAN_SHIFT, LOG_VARIANCE, KS, WASSERSTEIN, CHI2, UNSEEN, CONSTANT, MEMBERS };

#define NOTES(name)                                                                                          \
	{                                                                                                    \
		name, name "; independence assumed", name "; under 20 chunks",                               \
			name "; independence assumed; under 20 chunks"                                       \
	}
static const char *const details[MEMBERS][4] = {
	[MEAN_SHIFT] = NOTES("mean shift"),       [LOG_VARIANCE] = NOTES("log variance ratio"),
	[KS] = NOTES("ks"),                       [WASSERSTEIN] = NOTES("wasserstein"),
	[CHI2] = NOTES("chi2"),                   [UNSEEN] = NOTES("unseen share"),
	[CONSTANT] = NOTES("other than the constant"),
};

struct family {
	const struct measure_input *in;
	struct history history;
	bool calibrated;
	double n, m; // reference, current
	double p;    // the smallest
	enum member member;
	int members;
};

static void family_add(struct family *f, enum member member, double p)
{
	if (isnan(p))
		return;
	if (!f->members++ || p < f->p) {
		f->p = p;
		f->member = member;
	}
}

// What moves from group to group beyond sampling, v being the sampling variance of one record.
static double excess(const struct family *f, double observed, double v)
{
	return fmax(0, observed - v / f->history.size);
}

static double two_sided(const struct family *f, const struct series *s, double deviation, double v)
{
	if (!f->calibrated)
		return 2 * normal_sf(fabs(deviation) / sqrt(v / f->m + v / f->n));
	double spread2 = (excess(f, s->variance, v) + v / f->m) * (1 + 1 / s->n_eff);
	return 2 * student_sf(fabs(deviation) / sqrt(spread2), s->n_eff - 1);
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

static void add_mean_shift(struct family *f)
{
	const struct field_stats *r = f->in->reference.field, *c = f->in->current.field;
	const struct moments but_one = without_farthest(r, c);
	double y[BASELINE_CHUNKS], v = field_variance(r), p;
	struct series s = {0};

	for (size_t i = 0; i < f->history.n; i++)
		y[i] = f->history.groups[i].mean;
	if (f->calibrated)
		s = series_of(y, f->history.n);
	p = two_sided(f, &s, field_mean(c) - field_mean(r), v);
	family_add(f, MEAN_SHIFT, fmax(p, two_sided(f, &s, but_one.mean - field_mean(r), v)));
}

static double cell_middle(const struct cell *c)
{
	return c->lo + (c->hi - c->lo) / 2;
}

// From the reference's histogram.
static double kurtosis(const struct cells *s)
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

static void add_log_variance(struct family *f, const struct cells *cells)
{
	const struct field_stats *r = f->in->reference.field, *c = f->in->current.field;
	const double variance[] = {field_variance(c), without_farthest(r, c).variance};
	double least = LEAST_SHARE * field_variance(r), centre = log(field_variance(r)), v = kurtosis(cells) - 1;
	double y[BASELINE_CHUNKS], p = 0;
	struct series s = {0};

	for (size_t i = 0; i < f->history.n; i++)
		y[i] = log(fmax(least, f->history.groups[i].m2 / (f->history.groups[i].n - 1)));
	if (f->calibrated) {
		s = series_of(y, f->history.n);
		centre = isnan(f->history.log_variance) ? s.mean : f->history.log_variance;
	}
	for (int i = 0; i < 2; i++)
		p = fmax(p, two_sided(f, &s, log(fmax(least, variance[i])) - centre, v));
	family_add(f, LOG_VARIANCE, p);
}

// The reference in coarse bins, with the distance between neighbouring bins' mean values.
struct coarse {
	double r[BASELINE_BINS], c[BASELINE_BINS], step[BASELINE_BINS];
	size_t n;
	double w_mean, w_log_sd; // of wasserstein over sqrt(1/n + 1/m), if records were independent
};

struct distances {
	double ks, wasserstein;
};

static struct distances distances_of(const struct coarse *k, const double *r, double nr, const double *c, double nc)
{
	double d = 0;
	struct distances out = {0, 0};

	for (size_t i = 0; i + 1 < k->n; i++) {
		d += r[i] / nr - c[i] / nc;
		out.ks = fmax(out.ks, fabs(d));
		out.wasserstein += fabs(d) * k->step[i];
	}
	return out;
}

// With B a Brownian bridge: E|B(s)| = sqrt(2 s(1-s)/pi), and for two normal variables of correlation c
// E|XY| = (2/pi) sd(X) sd(Y) (sqrt(1 - c^2) + c asin c).
static void coarse_null(struct coarse *k, double n)
{
	double sd[BASELINE_BINS], odds[BASELINE_BINS], cum = 0, square = 0;

	for (size_t i = 0; i + 1 < k->n; i++) {
		cum += k->r[i] / n;
		sd[i] = sqrt(fmax(0, cum * (1 - cum)));
		odds[i] = cum < 1 ? cum / (1 - cum) : INFINITY;
		k->w_mean += sqrt(2 / M_PI) * sd[i] * k->step[i];
		for (size_t j = 0; j <= i; j++) {
			double c = sd[j] > 0 && sd[i] > 0 ? fmin(1, sqrt(odds[j] / odds[i])) : 0;
			double e = 2 / M_PI * sd[i] * sd[j] * (sqrt(1 - c * c) + c * asin(c));
			square += (i == j ? 1 : 2) * e * k->step[i] * k->step[j];
		}
	}
	k->w_log_sd = k->w_mean > 0 ? sqrt(log(fmax(1, square / (k->w_mean * k->w_mean)))) : 0;
}

static void coarse_init(struct coarse *k, const struct cells *s, const uint32_t *group, size_t n)
{
	double at[BASELINE_BINS] = {0}, plain[BASELINE_BINS] = {0}, cells[BASELINE_BINS] = {0};

	*k = (struct coarse){.n = n};
	for (size_t i = 0; i < s->n; i++) {
		uint32_t g = group[i];

		k->r[g] += s->v[i].r;
		k->c[g] += s->v[i].c;
		at[g] += s->v[i].r * cell_middle(&s->v[i]);
		plain[g] += cell_middle(&s->v[i]);
		cells[g]++;
	}
	for (size_t i = 0; i < n; i++)
		at[i] = k->r[i] ? at[i] / k->r[i] : plain[i] / cells[i];
	for (size_t i = 0; i + 1 < n; i++)
		k->step[i] = fmax(0, at[i + 1] - at[i]);
	coarse_null(k, s->nr);
}

// P(distance >= d) with null_mean (geometric) and null_sd (of the logarithm) those of independence over
// sqrt(1/n + 1/m).
static double upper(const struct family *f, double *y, double d, double null_mean, double null_sd)
{
	double here = null_mean * null_mean * (1 / f->m + 1 / f->n), least = LEAST_SHARE * sqrt(here);
	double size = f->history.size, there = null_mean * null_mean * (1 / size + 1 / (f->n - size));
	double mean2, sd;
	struct series s;

	for (size_t i = 0; i < f->history.n; i++)
		y[i] = log(fmax(least, y[i]));
	s = series_of(y, f->history.n);
	mean2 = fmax(0, exp(2 * s.mean) - there) + here;
	sd = fmax(sqrt(s.variance), null_sd) * sqrt(1 + 1 / s.n_eff);
	return student_sf((log(fmax(least, d)) - log(mean2) / 2) / sd, s.n_eff - 1);
}

static void add_distances(struct family *f, const struct cells *cells)
{
	const struct baseline_field *b = f->in->baseline;
	uint32_t *own = NULL;
	const uint32_t *group = f->calibrated ? b->coarse : NULL;
	double ks[BASELINE_CHUNKS], w[BASELINE_CHUNKS];
	struct coarse k;
	struct distances now;

	if (group) {
		coarse_init(&k, cells, group, b->nbins);
	} else {
		own = xcalloc(cells->n, sizeof *own);
		coarse_init(&k, cells, own, cells_group(cells, BASELINE_BINS, own));
		free(own);
	}
	now = distances_of(&k, k.r, cells->nr, k.c, cells->nc);
	// The logarithm of a log-normal variable of that mean.
	double w_null = k.w_mean * exp(-k.w_log_sd * k.w_log_sd / 2);
	if (!f->calibrated) {
		double scale = sqrt(1 / f->n + 1 / f->m);

		family_add(f, KS, kolmogorov_sf(cells_ks(cells) / scale));
		if (w_null > 0 && k.w_log_sd > 0)
			family_add(f, WASSERSTEIN, normal_sf(log(now.wasserstein / (scale * w_null)) / k.w_log_sd));
		return;
	}
	for (size_t i = 0; i < f->history.n; i++) {
		const struct group *g = &f->history.groups[i];
		double rest[BASELINE_BINS];

		for (size_t j = 0; j < k.n; j++)
			rest[j] = k.r[j] - g->bins[j];
		struct distances d = distances_of(&k, rest, f->n - g->n, g->bins, g->n);
		ks[i] = d.ks;
		w[i] = d.wasserstein;
	}
	family_add(f, KS, upper(f, ks, now.ks, exp(KS_LOG_MEAN), KS_LOG_SD));
	if (w_null > 0)
		family_add(f, WASSERSTEIN, upper(f, w, now.wasserstein, w_null, k.w_log_sd));
}

// Puts columns with fewer than LEAST_EXPECTED of `size` records together, and columns without a reference
// apart (those are unseen). group[i] is SIZE_MAX where left out; returns the number of columns left.
static size_t pool_columns(const double *r, size_t n, double size, size_t *group)
{
	double total = 0, pooled = 0, least = INFINITY;
	size_t used = 1, smallest = 0; // column 0 is the pool

	for (size_t i = 0; i < n; i++)
		total += r[i];
	for (size_t i = 0; i < n; i++) {
		if (!r[i]) {
			group[i] = SIZE_MAX;
		} else if (r[i] / total * size < LEAST_EXPECTED) {
			group[i] = 0;
			pooled += r[i];
		} else {
			if (r[i] < least) {
				least = r[i];
				smallest = used;
			}
			group[i] = used++;
		}
	}
	if (pooled / total * size < LEAST_EXPECTED)
		for (size_t i = 0; i < n; i++)
			if (!group[i])
				group[i] = smallest;
	return used;
}

static void pool(struct columns *t, const double *r, const double *c, size_t n, const size_t *group, size_t used)
{
	size_t kept = 0;

	memset(t->r, 0, used * sizeof *t->r);
	memset(t->c, 0, used * sizeof *t->c);
	t->nr = t->nc = 0;
	for (size_t i = 0; i < n; i++) {
		if (group[i] == SIZE_MAX)
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

static double likelihood_ratio(const struct columns *t)
{
	double all = t->nr + t->nc, g = 0;

	for (size_t i = 0; i < t->n; i++) {
		double column = t->r[i] + t->c[i];
		g += (t->r[i] ? t->r[i] * log(t->r[i] * all / (column * t->nr)) : 0) +
		     (t->c[i] ? t->c[i] * log(t->c[i] * all / (column * t->nc)) : 0);
	}
	return 2 * g;
}

static double chi2_calibrated(const struct family *f, struct columns *t, const struct columns *now,
			      const size_t *group, size_t used, double statistic, double df)
{
	double y[BASELINE_CHUNKS], size = f->history.size, excess2, factor, eff;
	struct series s;

	for (size_t i = 0; i < f->history.n; i++) {
		const struct group *g = &f->history.groups[i];
		double rest[BASELINE_BINS], own_df;

		for (size_t j = 0; j < now->n; j++)
			rest[j] = fmax(0, now->r[j] - g->bins[j]);
		pool(t, rest, g->bins, now->n, group, used);
		y[i] = t->nc > 0 && t->nr > 0 ? columns_chi2(t, &own_df) : 0;
	}
	s = series_of(y, f->history.n);
	excess2 = fmax(0, s.mean / df - 1) * (1 / size + 1 / (f->n - size));
	factor = 1 + excess2 / (1 / f->m + 1 / f->n);
	eff = s.variance > 0 ? fmax(1, fmin(df, 2 * s.mean * s.mean / s.variance)) : df;
	return f_sf(statistic / (df * factor), eff, s.n_eff - 1);
}

// `all` holds every column; where calibrated they are the baseline's coarse bins.
static void add_chi2(struct family *f, const struct columns *all)
{
	size_t *group = xcalloc(all->n + 1, sizeof *group), used;
	struct columns t = {.n = 0};
	double df = 0, statistic;

	used = pool_columns(all->r, all->n, f->calibrated ? fmin(f->m, f->history.size) : f->m, group);
	t.r = xcalloc(used, sizeof *t.r);
	t.c = xcalloc(used, sizeof *t.c);
	pool(&t, all->r, all->c, all->n, group, used);
	statistic = t.nc > 0 ? fmin(columns_chi2(&t, &df), likelihood_ratio(&t)) : 0;
	if (df < 1 || t.nc <= 0)
		family_add(f, CHI2, 1);
	else if (f->calibrated)
		family_add(f, CHI2, chi2_calibrated(f, &t, all, group, used, statistic, df));
	else
		family_add(f, CHI2, chi2_sf(statistic, df));
	columns_release(&t);
	free(group);
}

// `reference` of n reference values were such, `current` are now. `factor` is by how much more than Poisson
// their count varies: it divides count and rate.
static double poisson(const struct family *f, double reference, double current, double factor)
{
	return poisson_sf_from(current / factor, (reference + UNSEEN_PRIOR) / f->n * f->m / factor);
}

// From the counts in one coarse bin of every group.
static double dispersion(const struct family *f, size_t bin)
{
	double share = 0, n = 0, sum = 0;

	for (size_t i = 0; i < f->history.n; i++) {
		share += f->history.groups[i].bins[bin];
		n += f->history.groups[i].n;
	}
	share /= n;
	if (share <= 0)
		return 1;
	for (size_t i = 0; i < f->history.n; i++) {
		double e = share * f->history.groups[i].n, d = f->history.groups[i].bins[bin] - e;
		sum += d * d / e;
	}
	return 1 + fmax(0, sum / (double)(f->history.n - 1) - 1) * f->m / f->history.size;
}

static void cells_unseen(struct family *f, const struct cells *s, enum member member)
{
	double unseen = 0;

	for (size_t i = 0; i < s->n; i++)
		unseen += s->v[i].r ? 0 : s->v[i].c;
	family_add(f, member, poisson(f, 0, unseen, 1));
}

static enum reading_state judge_number(struct family *f, struct measure_value *out)
{
	const struct field_stats *r = f->in->reference.field, *c = f->in->current.field;
	struct cells s;
	enum reading_state state = cells_init(&s, f->in, out);

	if (r && c && r->count && c->count && r->min == r->max && c->min == c->max) {
		// Two constants can be told apart on any grid.
		if (state == READING_KNOWN)
			cells_release(&s);
		family_add(f, CONSTANT, poisson(f, 0, r->min == c->min ? 0 : f->m, 1));
		return READING_KNOWN;
	}
	if (state != READING_KNOWN)
		return state;
	if (r->min == r->max) {
		cells_unseen(f, &s, CONSTANT);
	} else if (cells_few(&s)) {
		const struct baseline_field *b = f->in->baseline;
		struct columns t = {.r = xcalloc(s.n, sizeof *t.r), .c = xcalloc(s.n, sizeof *t.c)};

		t.n = f->calibrated ? b->nbins : s.n;
		for (size_t i = 0; i < s.n; i++) {
			size_t k = f->calibrated ? b->coarse[i] : i;

			t.r[k] += s.v[i].r;
			t.c[k] += s.v[i].c;
		}
		add_chi2(f, &t);
		cells_unseen(f, &s, UNSEEN);
		columns_release(&t);
	} else {
		if (c->count > 2) {
			add_mean_shift(f);
			add_log_variance(f, &s);
		}
		add_distances(f, &s);
	}
	cells_release(&s);
	return READING_KNOWN;
}

// The counts in the baseline's coarse bins: its most frequent categories, and last all others.
static void coarse_columns(const struct family *f, struct columns *t)
{
	const struct field_stats *sides[2] = {f->in->reference.field, f->in->current.field};
	const struct category *top[BASELINE_BINS - 1];
	size_t n = coarse_categories(f->in->baseline->total, top);

	*t = (struct columns){.n = n + 1, .r = xcalloc(n + 1, sizeof *t->r), .c = xcalloc(n + 1, sizeof *t->c)};
	for (int side = 0; side < 2; side++) {
		double *out = side ? t->c : t->r, rest = (double)sides[side]->count;

		for (size_t i = 0; i < n; i++) {
			const struct category *c = category_find(sides[side], top[i]);

			out[i] = c ? (double)c->n : 0;
			rest -= out[i];
		}
		out[n] = rest;
	}
}

static enum reading_state judge_category(struct family *f, struct measure_value *out)
{
	const struct field_stats *r = f->in->reference.field, *c = f->in->current.field;
	double unseen_r = 0, unseen_c = 0, factor = 1;
	struct columns t;
	enum reading_state state = columns_init(&t, f->in, out);

	if (state != READING_KNOWN)
		return state;
	if (f->in->def->type == FIELD_CATEGORICAL && f->in->def->ncategories) {
		unseen_r = (double)r->unseen;
		unseen_c = (double)c->unseen;
	} else {
		for (size_t i = 0; i < t.n; i++)
			unseen_c += t.r[i] ? 0 : t.c[i];
	}
	if (f->calibrated) {
		columns_release(&t);
		coarse_columns(f, &t);
		if (unseen_r > 0)
			factor = dispersion(f, t.n - 1); // all others: as near as chunks come
	}
	add_chi2(f, &t);
	family_add(f, UNSEEN, poisson(f, unseen_r, unseen_c, factor));
	columns_release(&t);
	return READING_KNOWN;
}

void measure_drift(const struct measure_input *in, struct measure_value *out)
{
	struct family f = {.in = in};
	double p;
	unsigned note;

	out->n_reference = in->reference.field ? in->reference.field->count : 0;
	out->n_current = in->current.field ? in->current.field->count : 0;
	f.n = (double)out->n_reference;
	f.m = (double)out->n_current;
	if (in->baseline && in->source)
		f.calibrated = history_init(&f.history, in->baseline, in->source, in->window_ms);
	out->state = in->def->type == FIELD_NUMERIC ? judge_number(&f, out) : judge_category(&f, out);
	note = (!f.calibrated || f.history.shorter ? 1 : 0) | (f.calibrated && f.history.n < HISTORY_ENOUGH ? 2 : 0);
	if (f.calibrated)
		history_release(&f.history);
	if (out->state != READING_KNOWN)
		return;
	if (!f.members) {
		out->state = READING_UNCALIBRATED;
		return;
	}
	p = fmax(LEAST_P, f.p) * f.members;
	value_known(out, p >= 0.5 ? 0 : normal_isf(p));
	out->detail = details[f.member][note];
}
