// SPDX-License-Identifier: Apache-2.0
#include "judge/threshold.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "drift/fdr.h"
#include "drift/special.h"
#include "util/xalloc.h"

#define CLEAR_TIMES 10
#define CLEAR_MOST 0.001

static const struct thresholds none = {NAN, NAN, NAN};

bool rule_is_lower(const struct rule *r, double value, double limit)
{
	if (r->budget.firings && r->measure->scale == SCALE_OWN) // there may be one on either side
		return value < limit;
	if (r->budget.firings)
		return r->measure->scale == SCALE_P;
	return r->chunks.kind == CHUNKS_NONE && !(r->has_above && (!r->has_below || limit == r->above));
}

const char *threshold_words(const struct rule *r, char *buf, unsigned size)
{
	char budget[32];

	if (r->budget.firings)
		snprintf(buf, size, "from the budget of %s", budget_format(&r->budget, budget, sizeof budget));
	else if (r->chunks.kind == CHUNKS_STD)
		snprintf(buf, size, "mean + %g std of the baseline's chunks", r->chunks.at);
	else if (r->chunks.kind == CHUNKS_QUANTILE)
		snprintf(buf, size, "quantile %g of the baseline's chunks", r->chunks.at);
	else if (rule_adjusts(r))
		snprintf(buf, size, "%g adjusted for all fields and slices", r->below);
	else
		return NULL;
	return buf;
}

static struct thresholds numbers_of(const struct rule *r)
{
	return (struct thresholds){r->has_above ? r->above : NAN, r->has_below ? r->below : NAN,
				   r->has_clear ? r->clear : NAN};
}

static struct thresholds by_chunks(const struct measure *measure, const struct moment *m, const struct measure_input *in,
				   struct chunks_limit l)
{
	struct thresholds out = none;
	struct chunk_series *own = NULL;
	const struct chunk_series *s;

	if (!in->baseline || !measure_has_chunks(measure))
		return none;
	s = m->histories ? histories_chunks(m->histories, measure, in->baseline, in->source, in->window_ms,
					     l.kind == CHUNKS_TAIL)
			 : (own = chunk_series_new(measure, in->baseline, in->source, in->window_ms, l.kind == CHUNKS_TAIL));
	if (!chunk_limits(s, l, &out))
		out = none;
	chunk_series_free(own);
	return out;
}

static struct thresholds budgeted(const struct rule *r, const struct moment *m, const struct measure_input *in)
{
	struct budget_tests t = {m->tests, m->window->to - m->window->from, m->stream->slide_ms, r->measure->by_slide};
	double p = budget_p(&r->budget, &t), clear = fmin(CLEAR_MOST, CLEAR_TIMES * p);

	switch (r->measure->scale) {
	case SCALE_Z:
		return (struct thresholds){normal_isf(p), NAN, normal_isf(clear)};
	case SCALE_P:
		return (struct thresholds){NAN, p, clear};
	case SCALE_OWN:
		return by_chunks(r->measure, m, in, (struct chunks_limit){CHUNKS_TAIL, p});
	}
	return none;
}

struct thresholds thresholds_of(const struct rule *r, const struct moment *m, const struct measure_input *in)
{
	if (!r->budget.firings && !r->chunks.kind)
		return numbers_of(r);
	if (!m->window)
		return none;
	return r->budget.firings ? budgeted(r, m, in) : by_chunks(r->measure, m, in, r->chunks);
}

struct thresholds thresholds_stored(const struct rule *r, double threshold)
{
	struct thresholds out = numbers_of(r);

	if (r->budget.firings || r->chunks.kind || rule_adjusts(r)) {
		bool lower = r->measure->scale == SCALE_P;
		out.above = lower ? NAN : threshold;
		out.below = lower ? threshold : NAN;
	}
	return out;
}

bool rule_adjusts(const struct rule *r)
{
	return r->measure->scale == SCALE_P && r->has_below && r->adjust == ADJUST_FDR;
}

void thresholds_adjust(const struct rule *r, struct reading *v, size_t n)
{
	double *p = xcalloc(n + 1, sizeof *p), *adjusted = xcalloc(n + 1, sizeof *adjusted);
	size_t known = 0;

	for (size_t i = 0; i < n; i++)
		if (v[i].v.state == READING_KNOWN)
			p[known++] = v[i].v.value;
	fdr_adjust(p, known, adjusted);
	double limit = nextafter(fdr_limit(p, known, r->below), 1); // at the limit is called, too
	known = 0;
	for (size_t i = 0; i < n; i++) {
		v[i].limits.below = limit;
		if (v[i].v.state == READING_KNOWN)
			v[i].adjusted = adjusted[known++];
	}
	free(p);
	free(adjusted);
}
