// SPDX-License-Identifier: Apache-2.0
#include "drift/tail.h"

#include <math.h>
#include <stdbool.h>

#include "stats/grid.h"

// Atoms hold at most this share, and of the tail beyond them.
#define ATOM 0.025
#define ATOM_OF_TAIL 0.3
// Bins of less (a grid's are 1/256 but in the tails) are wide: the tail's logarithm falls evenly from edge to edge.
#define WIDE 0.003
enum { PARTS = 8 };

static void put(struct tail *t, double x, double w)
{
	if (w <= 0)
		return;
	if (t->n && (t->n == TAIL_ATOMS || t->x[t->n - 1] >= x)) {
		double sum = t->w[t->n - 1] + w;

		t->x[t->n - 1] += (x - t->x[t->n - 1]) * w / sum;
		t->w[t->n - 1] = sum;
		return;
	}
	t->x[t->n] = x;
	t->w[t->n++] = w;
}

// To mean `mean` and variance 1, or to the mean alone.
static void moments(const struct tail *t, double *mean, double *variance)
{
	*mean = *variance = 0;
	for (size_t i = 0; i < t->n; i++)
		*mean += t->w[i] * t->x[i];
	for (size_t i = 0; i < t->n; i++)
		*variance += t->w[i] * (t->x[i] - *mean) * (t->x[i] - *mean);
}

// How far beyond the last value the next is to be had: from where ten values lie beyond. `step` 1 or -1.
static double slope(const struct grid *g, const uint64_t *bins, double end, double runs, int step)
{
	size_t n = grid_bins(g), i = step > 0 ? n - 1 : 0;
	uint64_t beyond = 0;

	for (size_t k = 0; k < n; k++, i = step > 0 ? i - 1 : i + 1) {
		beyond += bins[i];
		if ((double)beyond >= 10 * runs && i && i < n - 1) {
			double edge = step > 0 ? g->edges[i - 1] : g->edges[i];

			return end - edge;
		}
	}
	return 0;
}

// A bin of the tail, with the shares beyond its edges on the outer side.
static void put_wide(struct tail *t, double lo, double hi, double beyond_lo, double beyond_hi)
{
	double step = (hi - lo) / PARTS, ratio = pow(beyond_hi / beyond_lo, 1.0 / PARTS), beyond = beyond_lo;

	for (int i = 0; i < PARTS; i++, beyond *= ratio)
		put(t, lo + (i + 0.5) * step, fabs(beyond - beyond * ratio));
}

// The cumulant generating function at s and its first two derivatives, about the tilted mean.
static double cumulant(const struct tail *t, double s, double *mean, double *variance)
{
	double top = s * (s > 0 ? t->x[t->n - 1] : t->x[0]), m0 = 0, m1 = 0, m2 = 0;

	for (size_t i = 0; i < t->n; i++) {
		double w = t->w[i] * exp(s * t->x[i] - top);

		m0 += w;
		m1 += w * t->x[i];
		m2 += w * t->x[i] * t->x[i];
	}
	*mean = m1 / m0;
	*variance = fmax(0, m2 / m0 - *mean * *mean);
	return log(m0) + top;
}

bool tail_init(struct tail *t, const struct grid *g, const uint64_t *bins, double least, double greatest, double runs)
{
	double all = 0, before = 0, held = 0, at = 0, mean, variance;
	size_t nbins = grid_bins(g);

	*t = (struct tail){0};
	if (!(greatest - least > 0) || !isfinite(greatest - least))
		return false;
	for (size_t i = 0; i < nbins; i++)
		all += (double)bins[i];
	double end = runs / (all + 2 * runs); // the mass beyond each
	put(t, least + slope(g, bins, least, runs, -1), end);
	for (size_t i = 0; i < nbins; i++) {
		double w = (double)bins[i] / (all + 2 * runs);
		double lo = fmin(greatest, fmax(least, g->edges[i ? i - 1 : 0]));
		double hi = fmin(greatest, fmax(least, g->edges[i < g->n ? i : g->n - 1]));

		if (w <= 0)
			continue;
		double tail = fmin(before + w, 1 - before);
		if (held > 0 && held + w > fmin(ATOM, ATOM_OF_TAIL * tail)) {
			put(t, at / held, held);
			held = at = 0;
		}
		if (!grid_bin_is_point(g, i) && w < WIDE && hi > lo) {
			if (held > 0)
				put(t, at / held, held);
			held = at = 0;
			double below = before + end, above = 1 - below - w;
			if (below < above)
				put_wide(t, lo, hi, below, below + w);
			else
				put_wide(t, lo, hi, above + w, fmax(above, end));
		} else {
			at += w * (lo + (grid_bin_is_point(g, i) ? 0 : (hi - lo) / 2));
			held += w;
		}
		before += w;
	}
	if (held > 0)
		put(t, at / held, held);
	put(t, greatest + slope(g, bins, greatest, runs, 1), end);
	moments(t, &mean, &variance);
	if (!(variance > 0))
		return false;
	for (size_t i = 0; i < t->n; i++)
		t->x[i] = (t->x[i] - mean) / sqrt(variance);
	t->variance = 1;
	cumulant(t, 0, &t->centre, &t->spread);
	return true;
}

void tail_square(struct tail *t, const struct tail *of)
{
	size_t lo = 0, hi = of->n;
	double mean;

	*t = (struct tail){0};
	// From the middle outward, whichever side is nearer.
	while (lo < of->n && of->x[lo] < 0)
		lo++;
	for (hi = lo; lo > 0 || hi < of->n;) {
		size_t i = hi == of->n || (lo > 0 && -of->x[lo - 1] < of->x[hi]) ? --lo : hi++;

		put(t, of->x[i] * of->x[i], of->w[i]);
	}
	moments(t, &mean, &t->variance);
	for (size_t i = 0; i < t->n; i++)
		t->x[i] /= mean;
	t->variance /= mean * mean;
	cumulant(t, 0, &t->centre, &t->spread);
}

double tail_deviate(const struct tail *t, double mean, double n)
{
	double centre = t->centre, variance = t->spread, k = 0, sign = mean < centre ? -1 : 1;
	double end = sign > 0 ? t->x[t->n - 1] : t->x[0], at;

	if (fabs(mean - centre) < 0.1 * sqrt(variance / n)) // where the approximation is 0 over 0
		return (mean - centre) / sqrt(variance / n);
	if ((mean - end) * sign >= 0)
		return sign * sqrt(-2 * n * log(sign > 0 ? t->w[t->n - 1] : t->w[0]));
	// Newton within a bracket.
	double lo = 0, hi = INFINITY, s = fabs(mean - centre) / variance;
	for (int i = 0; i < 100; i++) {
		k = cumulant(t, sign * s, &at, &variance);
		double miss = sign * (mean - at);

		if (fabs(miss) <= 1e-9 * fabs(mean - centre))
			break;
		*(miss > 0 ? &lo : &hi) = s;
		double next = variance > 0 ? s + miss / variance : INFINITY;
		if (!(next > lo && next < hi))
			next = isinf(hi) ? 2 * s : (lo + hi) / 2;
		s = next;
	}
	double w2 = 2 * n * (s * sign * mean - k), u = s * sqrt(n * variance), w = sqrt(fmax(0, w2));
	if (!(w > 0) || !(u > 0))
		return sign * w;
	return sign * fmax(0, w + log(u / w) / w);
}

// In powers of this of the tilt.
#define CHORD 1.25
#define FIRST_TILT 0.002

void tail_bound_init(struct tail_bound *b, const struct tail *t)
{
	for (size_t side = 0; side < 2; side++) {
		double s = side ? -FIRST_TILT : FIRST_TILT, mean, variance;
		size_t n = 1;

		b->x[side][0] = b->rate[side][0] = b->more[side][0] = 0;
		for (; n < TAIL_CHORDS; n++, s *= CHORD) {
			double k = cumulant(t, s, &mean, &variance), x = fabs(mean - t->centre), rate = s * mean - k;

			if (!(x > b->x[side][n - 1] && variance > 0))
				break;
			b->x[side][n] = x;
			b->rate[side][n] = rate;
			b->more[side][n] = fmax(0, log(s * s * variance / (2 * rate)) / 2);
		}
		b->n[side] = n;
	}
}

double tail_bound(const struct tail_bound *b, double far, double n)
{
	size_t side = far < 0, lo = 0, hi = b->n[side];
	const double *x = b->x[side], *rate = b->rate[side];

	far = fabs(far);
	if (!hi || far >= x[hi - 1])
		return INFINITY;
	while (hi - lo > 1) {
		size_t mid = (lo + hi) / 2;

		if (x[mid] <= far)
			lo = mid;
		else
			hi = mid;
	}
	double chord = rate[lo] + (rate[hi] - rate[lo]) * (far - x[lo]) / (x[hi] - x[lo]), w = sqrt(2 * n * chord);
	return w > 1 ? w + fmax(b->more[side][lo], b->more[side][hi]) / w : INFINITY;
}
