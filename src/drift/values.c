// SPDX-License-Identifier: Apache-2.0
// Measures of one side's values: what is new, frequent or all there is.
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
