// SPDX-License-Identifier: Apache-2.0
#include "judge/threshold.h"

#include <math.h>

#include "drift/special.h"

#define CLEAR_TIMES 10
#define CLEAR_MOST 0.001

static const struct thresholds none = {NAN, NAN, NAN};

bool rule_is_lower(const struct rule *r)
{
	return r->budget.firings ? r->measure->scale == SCALE_P : !r->has_above;
}

static struct thresholds numbers_of(const struct rule *r)
{
	return (struct thresholds){r->has_above ? r->above : NAN, r->has_below ? r->below : NAN,
				   r->has_clear ? r->clear : NAN};
}

static struct thresholds budgeted(const struct rule *r, const struct moment *m)
{
	struct budget_tests t = {m->tests, m->window->to - m->window->from, m->stream->slide_ms, r->measure->by_slide};
	double p = budget_p(&r->budget, &t), clear = fmin(CLEAR_MOST, CLEAR_TIMES * p);

	switch (r->measure->scale) {
	case SCALE_Z:
		return (struct thresholds){normal_isf(p), NAN, normal_isf(clear)};
	case SCALE_P:
		return (struct thresholds){NAN, p, clear};
	case SCALE_OWN:
		break;
	}
	return none;
}

struct thresholds thresholds_of(const struct rule *r, const struct moment *m, const struct measure_input *in)
{
	(void)in;
	return r->budget.firings ? m->window ? budgeted(r, m) : none : numbers_of(r);
}

struct thresholds thresholds_stored(const struct rule *r, double threshold)
{
	if (!r->budget.firings)
		return numbers_of(r);
	return rule_is_lower(r) ? (struct thresholds){NAN, threshold, NAN} : (struct thresholds){threshold, NAN, NAN};
}
