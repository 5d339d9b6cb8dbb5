// SPDX-License-Identifier: Apache-2.0
// Measures on a table of counts: categories, or numbers by group or by value.
#include <math.h>

#include "drift/measures.h"
#include "drift/shares.h"
#include "drift/sides.h"
#include "drift/special.h"

static const char merged_note[] = "rare values share one column";

static bool table_of(struct columns *t, const struct measure_input *in, struct measure_value *out)
{
	out->state = columns_init(t, in, out);
	if (out->state == READING_KNOWN && t->merged)
		out->detail = merged_note;
	return out->state == READING_KNOWN;
}

static void of_table(const struct measure_input *in, struct measure_value *out, double (*measure)(const struct columns *))
{
	struct columns t;

	if (!table_of(&t, in, out))
		return;
	value_known(out, measure(&t));
	columns_release(&t);
}

static double psi(const struct columns *t)
{
	return shares_psi(t, PSI_FLOOR);
}

void measure_psi(const struct measure_input *in, struct measure_value *out)
{
	of_table(in, out, psi);
}

static double js(const struct columns *t)
{
	return sqrt(shares_js(t));
}

void measure_js(const struct measure_input *in, struct measure_value *out)
{
	of_table(in, out, js);
}

// On numbers only where they are few: with more, the table would be the grid's, not the data's.
static bool chi2_of(const struct measure_input *in, struct measure_value *out, double *df)
{
	struct columns t;

	if (in->def->type == FIELD_NUMERIC) {
		struct cells s;
		bool few;

		out->state = cells_init(&s, in, out);
		if (out->state != READING_KNOWN)
			return false;
		few = cells_few(&s);
		cells_release(&s);
		if (!few) {
			out->state = READING_NOT_APPLICABLE;
			out->detail = "the reference has more than 10 distinct values";
			return false;
		}
	}
	if (!table_of(&t, in, out))
		return false;
	value_known(out, columns_chi2(&t, df));
	columns_release(&t);
	return true;
}

void measure_chi2(const struct measure_input *in, struct measure_value *out)
{
	double df;

	chi2_of(in, out, &df);
}

void measure_chi2_p(const struct measure_input *in, struct measure_value *out)
{
	double df;

	if (chi2_of(in, out, &df))
		out->value = df > 0 ? chi2_sf(out->value, df) : 1;
}

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

// The count of the most frequent value, as far as values are counted singly: a lower bound.
static uint64_t top_count(const struct field_stats *f, bool *exact)
{
	uint64_t top = 0;

	*exact = true;
	if (f->type != FIELD_NUMERIC) {
		const struct category *most;

		if (field_top(f, &most, 1))
			top = most->n;
		*exact = top >= f->cats.rest;
		return top;
	}
	if (f->min == f->max)
		return f->count;
	*exact = false;
	for (size_t i = 1; f->bins && f->grid && i + 1 < f->nbins; i++)
		if (f->bins[i] > top && grid_bin_is_point(f->grid, i))
			top = f->bins[i];
	for (size_t i = 0; i < f->nlogbins; i++) {
		double lo, hi;

		loggrid_range(f->logbins[i].bin, &lo, &hi);
		if (lo == hi && f->logbins[i].n > top)
			top = f->logbins[i].n;
	}
	return top;
}

void measure_top_share(const struct measure_input *in, struct measure_value *out)
{
	const struct field_stats *f = in->current.field;
	bool exact;

	out->n_current = f ? f->count : 0;
	if (!out->n_current) {
		out->state = READING_NO_DATA;
		return;
	}
	value_known(out, (double)top_count(f, &exact) / (double)f->count);
	if (!exact)
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
