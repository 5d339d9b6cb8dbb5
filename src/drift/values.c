// SPDX-License-Identifier: Apache-2.0
// Measures of one side's values: what is new, frequent or all there is.
#include <math.h>

#include "drift/measures.h"

void measure_unseen(const struct measure_input *in, struct measure_value *out)
{
	const struct field_stats *f = in->current.field;

	out->n_current = f ? f->count : 0;
	if (!in->def->ncategories)
		out->state = READING_NO_BASELINE;
	else if (!out->n_current)
		out->state = READING_NO_DATA;
	else
		value_known(out, (double)f->unseen / (double)f->count);
}

// The count of the most frequent value lies between these two.
static void top_count(const struct field_stats *f, uint64_t *least, uint64_t *most)
{
	*least = *most = f->mixed ? f->count : 1;
	if (f->type != FIELD_NUMERIC) {
		const struct category *top;

		if (field_top(f, &top, 1))
			*least = top->n;
		*most = f->cats.rest > *least ? f->cats.rest : *least;
		return;
	}
	if (f->min == f->max)
		*least = *most = f->count;
	else if (f->mixed)
		*least = 1;
	for (size_t i = 0; i < f->nbins; i++) {
		if (f->bins[i] > *most)
			*most = f->bins[i];
		if (f->bins[i] > *least && f->grid && grid_bin_is_point(f->grid, i))
			*least = f->bins[i];
	}
	for (size_t i = 0; i < f->nlogbins; i++) {
		if (f->logbins[i].n > *most)
			*most = f->logbins[i].n;
		if (f->logbins[i].n > *least && !f->logbins[i].bin && !f->approximate)
			*least = f->logbins[i].n;
	}
}

void measure_top_share(const struct measure_input *in, struct measure_value *out)
{
	const struct field_stats *f = in->current.field;
	uint64_t least, most;

	out->n_current = f ? f->count : 0;
	if (!out->n_current) {
		out->state = READING_NO_DATA;
		return;
	}
	top_count(f, &least, &most);
	value_within(out, (double)least / (double)f->count, (double)(most - least) / (double)f->count);
	if (least < most)
		out->detail = "a lower bound: not every value is counted singly";
}

void measure_constant(const struct measure_input *in, struct measure_value *out)
{
	const struct field_stats *f = in->current.field;
	const struct category *most;
	bool equal;

	out->n_current = f ? f->present : 0;
	if (!out->n_current) {
		out->state = READING_NO_DATA;
		return;
	}
	if (f->type == FIELD_NUMERIC)
		equal = f->min == f->max;
	else
		equal = field_top(f, &most, 1) && most->n == f->count;
	value_known(out, equal && f->count == f->present);
}

void measure_distinct_ratio(const struct measure_input *in, struct measure_value *out)
{
	const struct field_stats *f = in->current.field;
	bool approximate;
	uint64_t n;

	out->n_current = f ? f->count : 0;
	if (!out->n_current)
		return;
	n = field_distinct(f, &approximate);
	value_within(out, fmin(1, (double)n / (double)f->count), approximate ? NAN : 0);
	if (approximate)
		out->detail = "estimated: not every value is counted singly";
}

// Bits. Values that are not counted singly add least if they are one value, and most if each is another.
static bool entropy_of(const struct measure_input *in, struct measure_value *out)
{
	const struct field_stats *f = in->current.field;
	double n, rest, sum = 0, least, most;

	out->n_current = f ? f->count : 0;
	if (!out->n_current)
		return false;
	n = (double)f->count;
	for (size_t i = 0; i < f->cats.n; i++) {
		double q = (double)f->cats.items[i].n / n;
		sum -= q ? q * log2(q) : 0;
	}
	rest = (double)f->cats.rest / n;
	least = rest ? -rest * log2(rest) : 0;
	most = rest ? rest * log2(n) : 0;
	value_within(out, fmax(0, sum) + (least + most) / 2, (most - least) / 2);
	return true;
}

void measure_entropy(const struct measure_input *in, struct measure_value *out)
{
	entropy_of(in, out);
}

void measure_normalized_entropy(const struct measure_input *in, struct measure_value *out)
{
	bool approximate;
	uint64_t n;

	if (!entropy_of(in, out))
		return;
	n = field_distinct(in->current.field, &approximate);
	value_within(out, n > 1 ? fmin(1, out->value / log2((double)n)) : 0, approximate ? NAN : 0);
}

// Seconds; of the current side alone.
static void age(const struct measure_input *in, struct measure_value *out, double q)
{
	const struct field_stats *f = in->current.field;
	double ms, error;

	out->n_current = f ? field_ages(f) : 0;
	if (!out->n_current)
		return;
	ms = field_age_quantile(f, q, &error);
	value_within(out, ms / 1000, error / 1000);
}

void measure_freshness_p50(const struct measure_input *in, struct measure_value *out)
{
	age(in, out, 0.5);
}

void measure_freshness_max(const struct measure_input *in, struct measure_value *out)
{
	if (in->current.field && (out->n_current = field_ages(in->current.field)))
		value_known(out, (double)in->current.field->age_max / 1000);
}
