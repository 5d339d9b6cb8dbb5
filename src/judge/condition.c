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

enum truth condition_eval(const struct thresholds *t, const struct measure_value *v, bool firing)
{
	if (v->state != READING_KNOWN || isnan(v->value))
		return TRUTH_UNKNOWN;
	bool clear = firing && !isnan(t->clear);
	enum truth high = TRUTH_FALSE, low = TRUTH_FALSE;
	if (!isnan(t->above))
		high = clear ? v->value >= t->clear : v->value > t->above;
	if (!isnan(t->below))
		low = clear && isnan(t->above) ? v->value <= t->clear : v->value < t->below;
	return truth_or(high, low);
}

double condition_threshold(const struct thresholds *t, double value)
{
	if (isnan(t->above) || isnan(t->below))
		return isnan(t->above) ? t->below : t->above;
	return value > t->above || fabs(value - t->above) <= fabs(value - t->below) ? t->above : t->below;
}
