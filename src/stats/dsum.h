// SPDX-License-Identifier: Apache-2.0
// A sum held as the unevaluated hi + lo + rest (Ogita, Rump, Oishi 2005, SumK): every addition's rounding
// error is computed exactly and summed in lo, lo's errors in rest. About 159 bits, so that what is summed
// over up to 30 orders of magnitude is exact, and then the same bytes in whatever order it was added. Merging
// is commutative to the last bit always. Squares outside about 1e-146 < |x| < 1e154 lose digits; past the
// range of a double hi is infinite.
#ifndef KD_STATS_DSUM_H
#define KD_STATS_DSUM_H
#include <math.h>

struct dsum {
	double hi, lo, rest;
};

// a + b == *s + *e exactly, unless it overflows.
static inline void two_sum(double a, double b, double *s, double *e)
{
	double t = a + b, z = t - a;

	*e = (a - (t - z)) + (b - z);
	*s = t;
}

static inline void dsum_add_low(struct dsum *d, double x)
{
	double e;

	two_sum(d->lo, x, &d->lo, &e);
	d->rest += e;
}

static inline void dsum_add(struct dsum *d, double x)
{
	double e;

	two_sum(d->hi, x, &d->hi, &e);
	dsum_add_low(d, e);
}

static inline void dsum_add_product(struct dsum *d, double x, double y)
{
	double p = x * y;

	dsum_add(d, p);
	dsum_add_low(d, fma(x, y, -p));
}

// The same value, each part at most half an ulp of the one before; only hi where that is not finite.
static inline struct dsum dsum_normal(struct dsum d)
{
	for (int i = 0; i < 3; i++) {
		two_sum(d.lo, d.rest, &d.lo, &d.rest);
		two_sum(d.hi, d.lo, &d.hi, &d.lo);
	}
	if (!isfinite(d.hi))
		d.lo = d.rest = 0;
	return d;
}

static inline void dsum_merge(struct dsum *d, struct dsum b)
{
	struct dsum a = dsum_normal(*d);
	double e, f, g;

	b = dsum_normal(b);
	two_sum(a.hi, b.hi, &a.hi, &e);
	two_sum(a.lo, b.lo, &a.lo, &f);
	two_sum(a.lo, e, &a.lo, &g);
	a.rest = (a.rest + b.rest) + (f + g);
	*d = dsum_normal(a);
}

static inline double dsum_value(struct dsum d)
{
	return dsum_normal(d).hi;
}
#endif
