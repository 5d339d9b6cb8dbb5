// SPDX-License-Identifier: Apache-2.0
// How old times were when their records happened: event time less value, ms. Counted in whole numbers, so that every
// machine has the same bins: below 16 ms each its own, from there on 16 to an octave (a bin is at most 1/16 of its
// values wide), as HdrHistogram has them; negative ones (times to come) likewise. Extremes are exact.
#include <math.h>
#include <stdlib.h>

#include "stats/numeric.h"

enum { STEP_BITS = 4, STEPS = 1 << STEP_BITS };

static int32_t age_bin(int64_t ms)
{
	uint64_t x = ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms;
	int shift = x < STEPS ? 0 : 63 - __builtin_clzll(x) - STEP_BITS;
	int32_t bin = (shift << STEP_BITS) + (int32_t)(x >> shift);

	return ms < 0 ? -bin : bin;
}

// The least and the greatest age of a bin.
static void age_range(int32_t bin, double *lo, double *hi)
{
	int32_t i = abs(bin), shift = i < STEPS ? 0 : (i >> STEP_BITS) - 1;
	double from = ldexp((double)(i - (shift << STEP_BITS)), shift), to = from + ldexp(1, shift) - 1;

	*lo = bin < 0 ? -to : from;
	*hi = bin < 0 ? -from : to;
}

static int64_t less(int64_t a, int64_t b)
{
	int64_t d;

	if (__builtin_sub_overflow(a, b, &d))
		return a < b ? INT64_MIN + 1 : INT64_MAX;
	return d;
}

void field_add_age(struct field_stats *f, int64_t ms, int64_t event_ms)
{
	int64_t age = less(event_ms, ms);

	if (!f->nlogbins || age < f->age_min)
		f->age_min = age;
	if (!f->nlogbins || age > f->age_max)
		f->age_max = age;
	field_logbin_count(f, age_bin(age));
}

void field_ages_merge(struct field_stats *dst, const struct field_stats *src)
{
	if (!src->nlogbins)
		return;
	if (!dst->nlogbins || src->age_min < dst->age_min)
		dst->age_min = src->age_min;
	if (!dst->nlogbins || src->age_max > dst->age_max)
		dst->age_max = src->age_max;
	field_logbins_merge(dst, src);
}

uint64_t field_ages(const struct field_stats *f)
{
	uint64_t n = 0;

	for (size_t i = 0; f->type == FIELD_TIME && i < f->nlogbins; i++)
		n += f->logbins[i].n;
	return n;
}

double field_age_quantile(const struct field_stats *f, double q, double *error)
{
	double target = q * (double)field_ages(f), before = 0, lo, hi;

	*error = NAN;
	for (size_t i = 0; f->type == FIELD_TIME && i < f->nlogbins; i++) {
		before += (double)f->logbins[i].n;
		if (before < target)
			continue;
		age_range(f->logbins[i].bin, &lo, &hi);
		lo = fmax(lo, (double)f->age_min);
		hi = fmin(hi, (double)f->age_max);
		*error = (hi - lo) / 2;
		return lo + (hi - lo) / 2;
	}
	return NAN;
}
