// SPDX-License-Identifier: Apache-2.0
// The composite `drift`: a small family of tests, each against what the baseline itself did from window to
// window; the z of the smallest p-value times the number of members (Bonferroni).
//
// With a history, groups of chunks of about the window's length give each member's spread. A mean over n
// records has variance e + v/n: e is what truly moves from window to window, v/n what sampling alone gives.
// e is estimated once, at the groups' size, never below 0, so that it holds for a window of any size m and
// the spread is never below what independence would give. Estimated means are compared by Student's t with
// n_eff - 1 degrees, and to the spread that of the groups over n_eff is added, because the reference's own mean is as
// uncertain. The distances ks and wasserstein have squares that add up in the same way; being positive and
// skewed they are compared on their logarithm, with each group held against the others.
//
// Chi-square has no useful logarithm at few degrees of freedom (its left tail is too long), so its excess
// over independence scales it as in surveys (Rao and Scott, Ann. Stat. 12, 1984; F by Thomas and Rao, 1987),
// with Satterthwaite's degrees from the groups' own variance. The smaller of Pearson's statistic and the
// likelihood ratio is taken, over columns of at least 5 expected values: where counts are small one of the
// two overstates.
//
// Where the baseline shows a season, a window and each group are held against what is usual at their phase
// (drift/history.h); the centre's own uncertainty is then that of a phase's few groups.
//
// A member that could not reach the p that the value is held against, whatever came, is left out of the family
// and not counted; a shift of a thousand standard deviations or a variance ratio of a million count as the most
// that can come.
//
// Without a history records are taken as independent: z, Kolmogorov's law, and for wasserstein the first
// two moments of the integral of a Brownian bridge's absolute value.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "drift/measures.h"
#include "drift/sides.h"
#include "drift/special.h"
#include "drift/spread.h"
#include "util/xalloc.h"

// Mean and standard deviation of the logarithm under Kolmogorov's law.
#define KS_LOG_MEAN (-0.183599)
#define KS_LOG_SD 0.291973
#define LEAST_P 1e-300
#define MOST_SHIFT 1e3
#define MOST_RATIO 1e6
// Poisson rate of what the reference never showed: three more than seen is its 95 % bound at none.
#define UNSEEN_PRIOR 3

enum member { MEAN_SHIFT, LOG_VARIANCE, KS, WASSERSTEIN, CHI2, UNSEEN, CONSTANT, MEMBERS };
enum { FAMILY = 4 };

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
	const struct chunk_history *history; // NULL: records are taken as independent
	struct usual usual;            // at the window's phase, where there is a season
	bool season;
	double n, m;                   // reference, current
	struct {
		enum member member;
		double p, least; // least: the smallest that any window could get, as far as it was asked for
	} members[FAMILY];
	int count;
	struct { // what a chi-square would have to be, and what a share's shift makes of it
		double df, eff, factor, share, size;
	} chi2;
	struct {
		double expected, rate, factor;
	} poisson;
};

static double limit_p(const struct family *f)
{
	return f->in->limit_p > 0 ? f->in->limit_p : 1;
}

static void family_add(struct family *f, enum member member, double p)
{
	if (isnan(p))
		return;
	f->members[f->count].member = member;
	f->members[f->count].p = p;
	f->members[f->count++].least = 0;
}

// That no window could give the member that was added last a smaller p.
static void family_bound(struct family *f, double least)
{
	f->members[f->count - 1].least = least;
}

// Must it be known how small the p of the member that was added last could be?
static bool asks_bound(const struct family *f)
{
	return f->count && f->in->limit_p > 0 && f->members[f->count - 1].p * FAMILY > limit_p(f);
}

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
	family_add(f, KS, kolmogorov_sf(cells_ks(cells) / scale));
	if (asks_bound(f))
		family_bound(f, kolmogorov_sf(1 / scale));
	double w_null = k.w_mean * exp(-k.w_log_sd * k.w_log_sd / 2);
	if (!(w_null > 0 && k.w_log_sd > 0))
		return;
	double w = distances_of(&k, k.r, k.n, c, cells->nc).wasserstein;
	family_add(f, WASSERSTEIN, normal_sf(log(w / (scale * w_null)) / k.w_log_sd));
	if (asks_bound(f))
		family_bound(f, normal_sf(log(most(&k, k.r, k.n).wasserstein / (scale * w_null)) / k.w_log_sd));
}

// --- counts -------------------------------------------------------------------------------------------

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
	double df, statistic = t->nc > 0 ? fmin(columns_chi2(t, &df), likelihood_ratio(t)) : 0;

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

// `all` holds every column; where there is a history they are the baseline's coarse bins.
static void add_chi2(struct family *f, const struct columns *all)
{
	const struct pooling *by = f->history ? spread_pooling(f->history->spread, f->m) : NULL;
	size_t *own = by ? NULL : xcalloc(all->n + 1, sizeof *own);
	const size_t *group = by ? by->group : own;
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

// `reference` of n reference values were such, `current` are now. `factor` is by how much more than Poisson
// their count varies: it divides count and rate.
static void add_poisson(struct family *f, enum member member, double reference, double current, double factor)
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

static void add_unseen_cells(struct family *f, const struct cells *s, enum member member)
{
	double unseen = 0;

	for (size_t i = 0; i < s->n; i++)
		unseen += s->v[i].r ? 0 : s->v[i].c;
	add_poisson(f, member, 0, unseen, 1);
}

// --- the two families ---------------------------------------------------------------------------------

static void judge_few(struct family *f, const struct cells *s)
{
	struct columns t = {.r = xcalloc(s->n, sizeof *t.r), .c = xcalloc(s->n, sizeof *t.c)};

	t.n = f->history ? f->history->spread->bins : s->n;
	for (size_t i = 0; i < s->n; i++) {
		size_t k = f->history ? f->history->field->coarse[i] : i;

		t.r[k] += s->v[i].r;
		t.c[k] += s->v[i].c;
	}
	add_chi2(f, &t);
	add_unseen_cells(f, s, UNSEEN);
	columns_release(&t);
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
		add_poisson(f, CONSTANT, 0, r->min == c->min ? 0 : f->m, 1);
		return READING_KNOWN;
	}
	if (state != READING_KNOWN)
		return state;
	if (r->min == r->max) {
		add_unseen_cells(f, &s, CONSTANT);
	} else if (f->history ? f->history->spread->few : cells_few(&s)) {
		judge_few(f, &s);
	} else {
		if (c->count > 2) {
			struct moments but_one = without_farthest(r, c);

			add_mean_shift(f, &but_one);
			add_log_variance(f, &but_one, f->history ? f->history->spread->kurtosis : kurtosis_of(&s));
		}
		if (f->history)
			distances_by_history(f, &s);
		else
			distances_by_chance(f, &s);
	}
	cells_release(&s);
	return READING_KNOWN;
}

// The counts in the baseline's coarse bins: its most frequent categories, and last all others.
static void coarse_columns(const struct family *f, struct columns *t)
{
	const struct field_stats *c = f->in->current.field;
	const struct spread *s = f->history->spread;
	double rest = (double)c->count;

	*t = (struct columns){.n = s->bins, .r = xcalloc(s->bins, sizeof *t->r), .c = xcalloc(s->bins, sizeof *t->c)};
	memcpy(t->r, s->r, s->bins * sizeof *t->r);
	for (size_t i = 0; i < s->ntop; i++) {
		const struct category *k = category_find(c, s->top[i]);

		t->c[i] = k ? (double)k->n : 0;
		rest -= t->c[i];
	}
	t->c[s->ntop] = rest;
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
	if (f->history) {
		columns_release(&t);
		coarse_columns(f, &t);
		if (unseen_r > 0) // all others: as near as chunks come
			factor = 1 + f->history->spread->others * f->m / f->history->size;
	}
	add_chi2(f, &t);
	add_poisson(f, UNSEEN, unseen_r, unseen_c, factor);
	columns_release(&t);
	return READING_KNOWN;
}

// --- the verdict --------------------------------------------------------------------------------------

// Leaves out what could not fire, as if it had never been asked.
static void drop_unreachable(struct family *f)
{
	int kept = 0, all = f->count;

	for (int i = 0; i < all; i++)
		if (f->in->limit_p <= 0 || f->members[i].least * all <= f->in->limit_p)
			f->members[kept++] = f->members[i];
	f->count = kept;
}

static double remembered(struct quantile *q, double p, double df1, double df2)
{
	if (q->p != p || q->df1 != df1 || q->df2 != df2)
		*q = (struct quantile){p, df1, df2, df2 > 0 ? f_isf(p, df1, df2) : student_isf(p, df1)};
	return q->x;
}

// The mean's shift that is expected to be at the limit.
static double smallest_mean(const struct family *f, double p)
{
	const struct field_stats *r = f->in->reference.field;
	const struct chunk_history *h = f->history;
	double t = h ? remembered(&h->spread->student, p / 2, h->spread->mean.n_eff - 1, 0) : normal_isf(p / 2);

	return t * mean_sd(f) / (field_stddev(r) * sqrt((f->n - 1) / f->n));
}

// What the most frequent value's share has to gain or lose, the others changing in proportion.
static double smallest_share(const struct family *f, double p)
{
	const struct chunk_history *h = f->history;
	double statistic = h ? remembered(&h->spread->f, p, f->chi2.eff, spread_pooling(h->spread, f->m)->chi2.n_eff - 1) *
				       f->chi2.df * f->chi2.factor
			     : chi2_isf(p, f->chi2.df);

	return sqrt(statistic * f->chi2.share * (1 - f->chi2.share) / f->chi2.size);
}

// The share of values that were never seen.
static double smallest_count(const struct family *f, double p)
{
	double lo = 0, hi = f->m;

	for (int i = 0; i < 60 && hi - lo > 0.5; i++) {
		double k = (lo + hi) / 2;
		*(poisson_sf_from(ceil(k) / f->poisson.factor, f->poisson.rate) > p ? &lo : &hi) = k;
	}
	return ceil(hi) / f->m - f->poisson.expected;
}

// By the first of the members, which is the one that speaks of it most plainly.
static void say_smallest(const struct family *f, struct measure_value *out)
{
	double p = f->in->limit_p / f->count;

	switch (f->members[0].member) {
	case MEAN_SHIFT:
		out->smallest = smallest_mean(f, p);
		out->smallest_in = "sd";
		return;
	case CHI2:
		if (f->chi2.df < 1)
			return;
		out->smallest = smallest_share(f, p);
		break;
	case UNSEEN:
	case CONSTANT:
		out->smallest = smallest_count(f, p);
		break;
	default:
		return;
	}
	out->smallest_in = "share";
	if (out->smallest > 1)
		out->smallest = 0;
}

static void say(const struct family *f, struct measure_value *out)
{
	int best = 0;
	unsigned note = (!f->history || f->history->shorter ? 1 : 0) | (f->history && f->history->n < HISTORY_ENOUGH ? 2 : 0);

	for (int i = 1; i < f->count; i++)
		if (f->members[i].p < f->members[best].p)
			best = i;
	double p = fmax(LEAST_P, f->members[best].p) * f->count;
	value_within(out, p >= 0.5 ? 0 : normal_isf(p), NAN);
	out->detail = details[f->members[best].member][note];
	if (f->season)
		out->season = f->history->period > 86400000 ? "week" : "day";
}

void measure_drift(const struct measure_input *in, struct measure_value *out)
{
	struct family f = {.in = in};
	struct chunk_history *own = NULL;

	out->n_reference = in->reference.field ? in->reference.field->count : 0;
	out->n_current = in->current.field ? in->current.field->count : 0;
	f.n = (double)out->n_reference;
	f.m = (double)(in->suppose ? in->suppose : out->n_current);
	if (in->history && (in->window_to || !in->history->period))
		f.history = in->history;
	else if (in->baseline && in->source)
		f.history = own = chunk_history_new(in->baseline, in->source, in->window_ms, in->window_to != 0);
	f.season = f.history && f.history->period;
	if (f.season)
		chunk_history_usual(f.history, in->window_to - in->window_ms, in->window_ms, &f.usual);
	out->state = in->def->type == FIELD_NUMERIC ? judge_number(&f, out) : judge_category(&f, out);
	if (out->state == READING_KNOWN) {
		drop_unreachable(&f);
		if (!f.count) {
			out->state = READING_UNCALIBRATED;
		} else {
			say(&f, out);
			if (in->limit_p > 0)
				say_smallest(&f, out);
		}
	}
	chunk_history_free(own);
}
