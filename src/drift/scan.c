// SPDX-License-Identifier: Apache-2.0
// A span's mean is that of so many independent values as the baseline's table says (drift/movement.h); its tail
// is the saddlepoint's of that many values of the baseline's own distribution (drift/tail.h), and Student's
// where the table rests on few groups. The variance is a mean too, of squared deviations. Shares are binomial of
// that many values, or Poisson where they are small.
//
// A value beyond everything in the baseline is one record's affair: the farthest such is left out, if that makes
// the span less surprising.
#include "drift/scan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "drift/sides.h"
#include "drift/special.h"
#include "util/xalloc.h"

#define RATIO 1.25
// The lengths of one slide are fewer different tests than they are, for neighbours share most of their values.
// Simulated on normal slides, with HALF below, all as different would spend 0.60 of the false alarms at
// p = 1e-6 a slide and 0.73 at 1e-7.
#define DIFFERENT 0.7
// Slides of a span that counts as half a test a slide, since so many of its values are those of the slide before. How often
// a sum that slides passes 6, over how often one value does (Siegmund, Sequential Analysis, 1985, chapter X), is
// HALF / (HALF + slides) within a tenth.
#define HALF 30
// Deviates below this are nothing.
#define PLAIN 2.5
#define RARE 0.01
// Of the false alarms of a number's two members: changes of the mean are the smaller ones to find.
#define MEAN_SHARE 0.9
enum { LEAST_MEAN = 4, LEAST_VARIANCE = 8, LEAST_SHARE = 1 };

struct scan_kept {
	int64_t ms[MOVEMENT_SERIES][SCAN_LENGTHS]; // 0: not known yet
	struct movement_length of[MOVEMENT_SERIES][SCAN_LENGTHS];
	struct tail_bound mean, square;
};

size_t scan_lengths(int64_t slide_ms, int64_t longest_ms, int64_t out[SCAN_LENGTHS])
{
	size_t n = 0;

	for (int64_t k = 1; k * slide_ms <= longest_ms && n < SCAN_LENGTHS;) {
		int64_t next = (int64_t)llrint((double)k * RATIO);

		out[n++] = k * slide_ms;
		k = next > k ? next : k + 1;
	}
	return n;
}

bool scan_init(struct scan *s, const struct baseline *b, const struct baseline_field *f)
{
	const struct category *top[BASELINE_BINS - 1];
	const struct field_stats *t = f->total;
	bool shares = f->def.type == FIELD_CATEGORICAL || f->def.type == FIELD_BOOLEAN;
	size_t series;

	memset(s, 0, offsetof(struct scan, law));
	s->source = b;
	s->field = f;
	s->movement = f->movement;
	s->count = (double)t->count;
	s->most = INFINITY;
	if ((!shares && f->def.type != FIELD_NUMERIC) || !t->count)
		return false;
	if (shares) {
		series = f->nbins;
		// Of two values one says it all.
		s->members = f->def.type == FIELD_BOOLEAN ? 1 : series;
		coarse_counts(t, top, coarse_categories(t, top), s->bins);
	} else {
		s->constant = t->min == t->max;
		s->mean = field_mean(t);
		s->variance = field_variance(t);
		series = s->constant ? 0 : SERIES_NUMERIC;
		s->members = s->constant ? 1 : SERIES_NUMERIC;
	}
	if (s->movement && s->movement->nseries < series)
		s->movement = NULL;
	s->sd = sqrt(s->variance);
	s->scale = 1;
	if (s->movement && series == SERIES_NUMERIC) {
		double residual = (double)s->movement->series[SERIES_MEAN].residual / 1e6;

		s->scale = sqrt(residual);
		s->square = (double)s->movement->series[SERIES_SQUARE].residual / 1e6 / (residual * residual);
	}
	return true;
}

static double worth_of(struct scan *s, size_t series, const struct span *span, size_t i, double n, double *df)
{
	int64_t ms = span->to - span->from;
	bool known = s->kept && s->kept->ms[series][i] == ms;
	struct movement_length at;

	if (!known && !s->has_law[series])
		movement_law_init(&s->law[series], s->movement, series, s->count);
	s->has_law[series] = true;
	at = known ? s->kept->of[series][i] : movement_length_of(&s->law[series], (double)ms);
	if (s->kept && !known) {
		s->kept->of[series][i] = at;
		s->kept->ms[series][i] = ms;
	}
	*df = at.df;
	return movement_worth(&at, n);
}

// Whether p of that deviate, normal or Student's, is above `enough` for sure: the normal's hazard rate is less than
// z + sqrt(2/pi).
static bool surely(double z, double enough)
{
	return z * (z / 2 + 0.7978845608) < -log(enough);
}

// Student's tail is longer than the normal's and far dearer: a p that is above `enough` either way is given as
// that of the normal.
static double p_of(double z, double df, double enough)
{
	z = fabs(z);
	double normal = 2 * normal_sf(z);
	return fmin(1, df > 1e6 || normal * 0.999999 > enough ? normal : 2 * student_sf(z, df));
}

static bool tails(struct scan *s)
{
	const struct baseline_field *f = s->field;
	double runs = 1;

	if (s->has_tail)
		return s->tail.n > 0;
	s->has_tail = true;
	for (size_t k = 0; s->movement && k < s->movement->nlevels; k++)
		runs = fmax(runs, s->movement->series[SERIES_MEAN].design[k] / 1000.0);
	runs = fmin(runs, s->count / 100);
	if (f->def.grid && f->total->bins &&
	    tail_init(&s->tail, f->def.grid, f->total->bins, f->total->min, f->total->max, fmax(1, runs)))
		tail_square(&s->square_tail, &s->tail);
	else
		s->tail.n = 0;
	return s->tail.n > 0;
}

// Of a mean of n values that are worth fewer. Where each stands for several, those are many at a time and few at
// others, as runs of equal values are: the tail is that of so many runs (as for shares below) at the same
// variance, or that of fewer independent values, whichever is longer. Neither can go past the extremes of the
// baseline's distribution, where a mean of many dependent values can: then it is not shorter than the normal's.
static double deviate(const struct tail *t, double centre, double mean, double n, double worth)
{
	double runs = n / (2 * n / worth - 1), far = centre + (mean - centre) * sqrt(worth / runs);
	double z = (mean - centre) * sqrt(worth / t->variance), a = tail_deviate(t, mean, worth), b = tail_deviate(t, far, runs);

	a = fabs(a) < fabs(b) ? a : b;
	return 2 * worth < n && fabs(z) < fabs(a) ? z : a;
}

// Its p; 1 where that is above `enough` for sure.
static double p_tail(const struct tail *t, const struct tail_bound *bound, double centre, double mean, double n, double worth,
		     double df, double enough)
{
	if (2 * worth < n && surely(fabs(mean - centre) * sqrt(worth / t->variance), enough))
		return 1;
	if (bound && surely(tail_bound(bound, mean - centre, worth), enough))
		return 1;
	return p_of(deviate(t, centre, mean, n, worth), df, enough);
}

// Of a mean in the reference's standard deviations.
static double p_mean(struct scan *s, const struct span *span, size_t i, double n, double mean, double expected, double enough)
{
	double df, worth, x = ((mean - s->mean) / s->sd - expected) / s->scale;

	// n values are worth n at most.
	if (n < LEAST_MEAN || !(x * x * n > PLAIN * PLAIN))
		return 1;
	worth = worth_of(s, SERIES_MEAN, span, i, n, &df);
	if (x * x * worth < PLAIN * PLAIN)
		return 1;
	return tails(s) ? p_tail(&s->tail, s->kept ? &s->kept->mean : NULL, 0, x, n, worth, df, enough)
			: p_of(x * sqrt(worth), df, enough);
}

// Of the mean square deviation: from the reference's mean where that is small, from the span's own where that is
// large, for a level that moves is not to speak twice. Its expectation over several phases has the spread of their
// means in it, which adds to its own variance, too.
static double p_variance(struct scan *s, const struct span *span, size_t i, double n, double mean, double variance,
			 const struct movement_ranges *at, double expected, double enough)
{
	double df, worth, scale = s->scale * s->scale, between = movement_ranges_between(at);
	double own = movement_ranges_expected(at, SERIES_SQUARE), noise;

	if (n < LEAST_VARIANCE || (!s->movement && !tails(s)))
		return 1;
	own = own > 0 ? own : scale;
	// Of the ratio, per independent value.
	noise = s->movement ? s->square : s->square_tail.variance;
	noise = (noise * own * own + 4 * between * own) / ((own + between) * (own + between));
	double d = (mean - s->mean) / s->sd - expected;
	double square = (n - 1) / n * variance / s->variance, ratio = fmax(square, fmin(own + between, square + d * d));
	ratio /= own + between;

	if (!(noise > 0) || !((ratio - 1) * (ratio - 1) * n > PLAIN * PLAIN * noise))
		return 1;
	worth = worth_of(s, SERIES_SQUARE, span, i, n, &df);
	if ((ratio - 1) * (ratio - 1) * worth < PLAIN * PLAIN * noise || !tails(s))
		return 1;
	noise = s->square_tail.variance / noise;
	return p_tail(&s->square_tail, s->kept ? &s->kept->square : NULL, 1, ratio, n * noise, worth * noise, df, enough);
}

// Sets the moments without the farthest value; false where nothing can be said of the others, next to it.
static bool without(const struct span *span, double far, double *mean, double *variance)
{
	double n = (double)span->count, d = far - span->mean, rest = (n - 1) * span->variance - d * d * n / (n - 1);

	*mean = span->mean - d / (n - 1);
	*variance = rest / (n - 2);
	return rest > 1e-9 * (n - 1) * span->variance && isfinite(*mean);
}

// tests: as how many it counts.
static void consider(struct scan_found *best, double p, double tests, size_t i, enum scan_member member, size_t bin)
{
	if (p < 1 && p * tests < best->p)
		*best = (struct scan_found){i, member, bin, p * tests};
}

static void scan_number(struct scan *s, const struct span *span, const struct movement_ranges *at, double tests, size_t i,
			struct scan_found *best)
{
	const struct field_stats *t = s->field->total;
	double n = (double)span->count, above = span->max - t->max, below = t->min - span->min, mean, variance;
	double enough[2] = {best->p * MEAN_SHARE / tests, best->p * (1 - MEAN_SHARE) / tests};
	double expected = movement_ranges_expected(at, SERIES_MEAN);
	double p[2] = {p_mean(s, span, i, n, span->mean, expected, enough[0]),
		       p_variance(s, span, i, n, span->mean, span->variance, at, expected, enough[1])};

	if ((above > 0 || below > 0) && (p[0] < 1 || p[1] < 1)) {
		if (n > 2 && without(span, above > below ? span->max : span->min, &mean, &variance)) {
			p[0] = fmax(p[0], p_mean(s, span, i, n - 1, mean, expected, enough[0]));
			p[1] = fmax(p[1], p_variance(s, span, i, n - 1, mean, variance, at, expected, enough[1]));
		} else {
			p[0] = p[1] = 1;
		}
	}
	consider(best, p[0], tests / MEAN_SHARE, i, SCAN_MEAN, 0);
	consider(best, p[1], tests / (1 - MEAN_SHARE), i, SCAN_VARIANCE, 0);
}

// At least so many values are not the constant: none is farther from it than the extremes are.
static void scan_constant(const struct scan *s, const struct span *span, double tests, size_t i,
			  struct scan_found *best)
{
	double n = (double)span->count, c = s->field->total->min, far = fmax(fabs(span->max - c), fabs(span->min - c));
	double others = 0, d = (span->mean - c) / far, v = span->variance / far / far;

	if (far > 0)
		others = fmin(n, fmax(1, ceil(fmax(n * fabs(d), n * d * d + (n > 1 ? (n - 1) * v : 0)) - 1e-6)));
	if (others >= 1)
		consider(best, poisson_sf_from(others, UNSEEN_PRIOR / s->count * n), tests, i, SCAN_CONSTANT, 0);
}

// P(X >= k) of a binomial of n trials, neither need be whole.
static double binomial_from(double k, double n, double share)
{
	return k <= 0 ? 1 : k >= n ? pow(share, n) : beta_i(k, n - k + 1, share);
}

// k of n against r of so many: two Poisson counts compared, each being its part of their sum. Upward: a category
// seen seldom may be more frequent than it seemed.
static double rare(double k, double n, double r, double values, bool more)
{
	double part = n / (n + values);

	return more ? (k <= 0 ? 1 : beta_i(k, r + UNSEEN_PRIOR + 1, part)) : beta_i(fmax(r, 1e-9), k + 1, 1 - part);
}

// The deviate of a count k where r is expected and its variance is d r, d >= 1: of values that come in runs of
// geometric length (Polya and Aeppli's law), by the saddlepoint. One long run is a common thing among them; as so
// many fewer independent values it would not be.
static double in_runs(double k, double r, double d)
{
	double mean = (d + 1) / 2, p = 1 / mean, q = 1 - p, runs = r / mean, b = 2 * k * q + p * runs, y, w, u;

	if (k <= 0)
		return -normal_isf(exp(-runs));
	y = 2 * k / (b + sqrt(b * b - 4 * k * k * q * q)); // e^s at which the mean is k
	if (fabs(k - r) < 0.1 * sqrt(r * d))
		return (k - r) / sqrt(r * d);
	w = sqrt(2 * fmax(0, k * log(y) - runs * (p * y / (1 - q * y) - 1)));
	u = fabs(1 - 1 / y) * sqrt(runs * p * y * (1 + q * y)) / pow(1 - q * y, 1.5);
	return w > 0 && u > 0 ? (k > r ? 1 : -1) * fmax(0, w + log(u / w) / w) : 0;
}

// Whether p of a count k or farther from its expectation is above `enough` for sure: Ash's bound (Information Theory,
// 1965, lemma 4.7.2).
static bool surely_share(double q, double n, double share, double enough)
{
	if (q <= 0 || q >= 1)
		return false;
	double distance = q * log(q / share) + (1 - q) * log((1 - q) / (1 - share));
	return n * distance + log(8 * n * q * (1 - q)) / 2 < -log(enough);
}

static void scan_share(struct scan *s, const struct span *span, const struct movement_ranges *at, double tests, size_t i,
		       size_t bin, double all, struct scan_found *best)
{
	double df, worth, n = (double)span->count, q, share = all / s->count, p, enough = best->p / tests;
	double expected = at->of ? movement_ranges_expected(at, bin) : share;
	double v = expected * (1 - expected), more = (double)span->bins[bin] - n * expected;

	if (n < LEAST_SHARE || more * more < PLAIN * PLAIN * n * v)
		return;
	q = (double)span->bins[bin] / n;
	if (q == expected && q == share)
		return;
	worth = worth_of(s, bin, span, i, n, &df);
	if (fmin(expected, 1 - expected) < RARE) {
		bool few = expected < 0.5;
		double k = few ? q : 1 - q, r = few ? expected : 1 - expected, thin = fmin(1, worth / n);

		if (k * n < 1 && r * n < 3)
			return;
		p = 2 * rare(k * n * thin, n * thin, r * s->count * thin, s->count * thin, k > r);
	} else {
		if ((q - expected) * (q - expected) * worth < PLAIN * PLAIN * v || surely_share(q, worth, expected, enough))
			return;
		double z, k = q * worth;

		p = q > expected ? binomial_from(k, worth, expected) : binomial_from(worth - k, worth, 1 - expected);
		z = normal_isf(fmin(0.5, p));
		p = p_of(z, df, enough);
	}
	double least = fmin(expected, 1 - expected), k = expected < 0.5 ? q : 1 - q, runs = n / worth * (1 - least);
	if (runs > 1)
		p = fmax(p, p_of(in_runs(k * n, (least + (k > least ? UNSEEN_PRIOR / s->count : 0)) * n, runs), df, enough));
	consider(best, p, tests, i, SCAN_SHARE, bin);
}

void scan_keep(struct scan *s, double least)
{
	s->most = normal_sf(least);
	s->kept = xcalloc(1, sizeof *s->kept);
	if (s->field->def.type == FIELD_NUMERIC && !s->constant && tails(s)) {
		tail_bound_init(&s->kept->mean, &s->tail);
		tail_bound_init(&s->kept->square, &s->square_tail);
	}
}

void scan_release(struct scan *s)
{
	free(s->kept);
	s->kept = NULL;
}

// Every length has the same share of the false alarms. Long spans, which overlap most, have greater p at the same cost,
// and small changes are what they find.
double scan_value(struct scan *s, const struct span *spans, size_t n, int64_t slide_ms, struct scan_found *found)
{
	struct movement_ranges at = {.of = NULL};
	const struct span *last = NULL;

	*found = (struct scan_found){.p = s->most};
	for (size_t i = 0; i < n; i++) {
		const struct span *span = &spans[i];
		double slides = (double)(span->to - span->from) / (double)slide_ms;
		double tests = fmax(1, DIFFERENT * (double)n) * HALF / (HALF + slides);

		if (!span->count)
			continue;
		if (s->constant) {
			scan_constant(s, span, tests, i, found);
			continue;
		}
		if (!last || last->to != span->to)
			movement_ranges_init(&at, s->movement, span->to);
		last = span;
		movement_ranges_from(&at, span->from);
		if (s->field->def.type == FIELD_NUMERIC)
			scan_number(s, span, &at, tests, i, found);
		for (size_t k = 0; s->field->def.type != FIELD_NUMERIC && k < s->members; k++)
			scan_share(s, span, &at, tests * (double)s->members, i, k, (double)s->bins[k], found);
	}
	return found->p >= fmin(0.5, s->most) ? 0 : normal_isf(found->p);
}
