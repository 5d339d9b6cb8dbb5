// SPDX-License-Identifier: Apache-2.0
// How old times were when their records happened (event time less value, ms), and how long texts are (bytes). Counted in
// whole numbers, so that every machine has the same bins: below 32 each its own, from there on 16 to an octave (a bin is
// at most 1/16 of its values wide), as HdrHistogram has them; negative ones (times to come) likewise. Extremes are exact.
#include <math.h>
#include <stdlib.h>

#include "stats/numeric.h"

enum { STEP_BITS = 4, STEPS = 1 << STEP_BITS };

static int32_t bin_of(int64_t v)
{
	uint64_t x = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
	int shift = x < STEPS ? 0 : 63 - __builtin_clzll(x) - STEP_BITS;
	int32_t bin = (shift << STEP_BITS) + (int32_t)(x >> shift);

	return v < 0 ? -bin : bin;
}

// The least and the greatest value of a bin.
static void bin_range(int32_t bin, double *lo, double *hi)
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
	field_logbin_count(f, bin_of(age));
}

void field_add_length(struct field_stats *f, size_t n)
{
	field_logbin_count(f, bin_of((int64_t)n));
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

static uint64_t binned(const struct field_stats *f)
{
	uint64_t n = 0;

	for (size_t i = 0; i < f->nlogbins; i++)
		n += f->logbins[i].n;
	return n;
}

uint64_t field_ages(const struct field_stats *f)
{
	return f->type == FIELD_TIME ? binned(f) : 0;
}

static double quantile(const struct field_stats *f, double q, double min, double max, double *error)
{
	double target = q * (double)binned(f), before = 0, lo, hi;

	for (size_t i = 0; i < f->nlogbins; i++) {
		before += (double)f->logbins[i].n;
		if (before < target)
			continue;
		bin_range(f->logbins[i].bin, &lo, &hi);
		lo = fmax(lo, min);
		hi = fmin(hi, max);
		*error = (hi - lo) / 2;
		return lo + (hi - lo) / 2;
	}
	*error = NAN;
	return NAN;
}

double field_age_quantile(const struct field_stats *f, double q, double *error)
{
	*error = NAN;
	return f->type == FIELD_TIME ? quantile(f, q, (double)f->age_min, (double)f->age_max, error) : NAN;
}

double field_length_quantile(const struct field_stats *f, double q, double *error)
{
	*error = NAN;
	return binned(f) == f->count ? quantile(f, q, f->min, f->max, error) : NAN;
}
