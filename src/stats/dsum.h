// SPDX-License-Identifier: Apache-2.0
// A sum held as the unevaluated pair hi + lo (Dekker 1971; Ogita, Rump, Oishi 2005), about 106 bits: every
// addition's rounding error is computed exactly and collected in lo. Adding is commutative to the last bit.
// Squares outside about 1e-146 < |x| < 1e154 lose digits; past the range of a double hi is infinite.
#ifndef KD_STATS_DSUM_H
#define KD_STATS_DSUM_H
#include <math.h>

struct dsum {
	double hi, lo;
};

// a + b == *s + *e exactly, unless it overflows.
static inline void two_sum(double a, double b, double *s, double *e)
{
	double t, z;

	*s = t = a + b;
	z = t - a;
	*e = (a - (t - z)) + (b - z);
}

static inline void dsum_add(struct dsum *d, double x)
{
	double e;

	two_sum(d->hi, x, &d->hi, &e);
	d->lo += e;
}

static inline void dsum_add_square(struct dsum *d, double x)
{
	double p = x * x;

	dsum_add(d, p);
	d->lo += fma(x, x, -p);
}

// The same value with |lo| at most half an ulp of hi; lo is 0 where hi is not finite.
static inline struct dsum dsum_normal(struct dsum d)
{
	double s = d.hi + d.lo;

	if (!isfinite(d.hi) || !isfinite(s))
		return (struct dsum){isfinite(d.hi) ? s : d.hi, 0};
	two_sum(d.hi, d.lo, &d.hi, &d.lo);
	return d;
}

static inline void dsum_merge(struct dsum *d, struct dsum b)
{
	struct dsum a = dsum_normal(*d);
	double e;

	b = dsum_normal(b);
	two_sum(a.hi, b.hi, &d->hi, &e);
	d->lo = e + (a.lo + b.lo);
	*d = dsum_normal(*d);
}

static inline double dsum_value(struct dsum d)
{
	return dsum_normal(d).hi;
}
#endif
