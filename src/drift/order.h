// SPDX-License-Identifier: Apache-2.0
// Two sorted samples in one walk: everything that depends on the order of their values. Private to the
// drift room.
#ifndef KD_DRIFT_ORDER_H
#define KD_DRIFT_ORDER_H
#include <stddef.h>

// What is not defined is NaN.
struct order {
	size_t distinct, distinct_r; // values of both samples together, of the reference
	double ks, kuiper, wasserstein, energy, cvm, ad;
};

// Both ascending, finite and not empty.
void order_compare(struct order *o, const double *r, size_t n, const double *c, size_t m);

// The Anderson-Darling statistic of two samples, less its mean and over its standard deviation; NaN under 4 values.
double ad_normalised(double a2, double n, double m);

// Moments of a sorted sample of n >= 1 about its least value, in units of 2^exponent: nothing overflows,
// vanishes or loses what is small beside a large mean.
struct moments {
	double origin; // the least value
	int exponent;
	double mean, variance; // of (value - origin) / 2^exponent; variance: n - 1, NaN for one value
	double sd;	       // population's
	double skew;	       // of third order about the mean, population's; NaN where sd is 0
};
void moments_of(struct moments *s, const double *v, size_t n);
// The population's standard deviation in the values' unit as plain doubles give it: 0 or infinite where
// squares underflow or overflow.
double moments_plain_sd(const struct moments *s);
#endif
