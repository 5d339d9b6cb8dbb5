// SPDX-License-Identifier: Apache-2.0
#include "judge/condition.h"

#include <math.h>

enum { F = TRUTH_FALSE, T = TRUTH_TRUE, U = TRUTH_UNKNOWN };

static const struct {
	unsigned char and, or;
} table[3][3] = {
	[F] = {[F] = {F, F}, [T] = {F, T}, [U] = {F, U}},
	[T] = {[F] = {F, T}, [T] = {T, T}, [U] = {U, T}},
	[U] = {[F] = {F, U}, [T] = {U, T}, [U] = {U, U}},
};

enum truth truth_and(enum truth a, enum truth b)
{
	return (enum truth)table[a][b].and;
}

enum truth truth_or(enum truth a, enum truth b)
{
	return (enum truth)table[a][b].or;
}

enum truth condition_eval(const struct rule *r, const struct measure_value *v, bool firing)
{
	if (v->state != READING_KNOWN || isnan(v->value))
		return TRUTH_UNKNOWN;
	bool clear = firing && r->has_clear;
	enum truth high = TRUTH_FALSE, low = TRUTH_FALSE;
	if (r->has_above)
		high = clear ? v->value >= r->clear : v->value > r->above;
	if (r->has_below)
		low = clear && !r->has_above ? v->value <= r->clear : v->value < r->below;
	return truth_or(high, low);
}

double condition_threshold(const struct rule *r, double value)
{
	if (r->has_above && r->has_below)
		return value > r->above || fabs(value - r->above) <= fabs(value - r->below) ? r->above : r->below;
	return r->has_above ? r->above : r->below;
}
