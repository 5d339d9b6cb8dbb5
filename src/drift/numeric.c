// SPDX-License-Identifier: Apache-2.0
// Bare measures of numbers, from the histograms of both sides. NaN and infinities are in neither.
#include <math.h>

#include "drift/measures.h"
#include "drift/sides.h"
#include "drift/special.h"

void measure_ks(const struct measure_input *in, struct measure_value *out)
{
	struct cells s;

	out->state = cells_init(&s, in, out);
	if (out->state != READING_KNOWN)
		return;
	value_known(out, cells_ks(&s));
	cells_release(&s);
}

void measure_ks_p(const struct measure_input *in, struct measure_value *out)
{
	measure_ks(in, out);
	if (out->state == READING_KNOWN) {
		double n = (double)out->n_reference, m = (double)out->n_current;
		out->value = kolmogorov_sf(sqrt(n * m / (n + m)) * out->value);
	}
}

// The integral of |d0 + (d1 - d0) t| over a cell of the given width.
static double linear_area(double d0, double d1, double width)
{
	double a = fabs(d0), b = fabs(d1);

	if ((d0 < 0) == (d1 < 0) || a + b == 0)
		return width * (a + b) / 2;
	return width * (a * a + b * b) / (2 * (a + b));
}

// Mean distance of one side's values in an outer cell from its edge, times their share: exact.
static double outer_area(const struct field_stats *f, double n_outer, const struct xsum *sum, double edge)
{
	return n_outer ? fabs(n_outer * edge - xsum_value(sum)) / (double)f->count : 0;
}

// Values are taken as evenly spread inside a cell, and as lying outside the grid where their sums say.
void measure_wasserstein(const struct measure_input *in, struct measure_value *out)
{
	const struct field_stats *r = in->reference.field, *c = in->current.field;
	struct cells s;
	double fr = 0, fc = 0, d = 0, area = 0;

	out->state = cells_init(&s, in, out);
	if (out->state != READING_KNOWN)
		return;
	for (size_t i = 0; i < s.n; i++) {
		double before = d;

		if (i && s.v[i].lo > s.v[i - 1].hi)
			area += fabs(d) * (s.v[i].lo - s.v[i - 1].hi);
		fr += s.v[i].r;
		fc += s.v[i].c;
		d = fr / s.nr - fc / s.nc;
		area += linear_area(before, d, s.v[i].hi - s.v[i].lo);
	}
	if (s.outer) {
		const struct cell *lo = &s.v[0], *hi = &s.v[s.n - 1];
		area += fabs(outer_area(r, lo->r, &r->low_sum, lo->hi) - outer_area(c, lo->c, &c->low_sum, lo->hi));
		area += fabs(outer_area(r, hi->r, &r->high_sum, hi->lo) - outer_area(c, hi->c, &c->high_sum, hi->lo));
	}
	value_known(out, area);
	cells_release(&s);
}

static bool both_counted(const struct measure_input *in, struct measure_value *out)
{
	out->n_current = in->current.field ? in->current.field->count : 0;
	out->n_reference = in->reference.field ? in->reference.field->count : 0;
	if (!out->n_current || !out->n_reference)
		out->state = out->n_current ? READING_NO_BASELINE : READING_NO_DATA;
	return out->n_current && out->n_reference;
}

// Equal values can have a tiny deviation from rounding; that is never divided by.
static bool constant_reference(const struct measure_input *in, struct measure_value *out)
{
	if (in->reference.field->min != in->reference.field->max)
		return false;
	out->state = READING_NOT_APPLICABLE;
	out->detail = "the reference is constant";
	return true;
}

// The mean's distance from x, which the difference of two rounded numbers would not give.
static double mean_from(const struct field_stats *f, double x)
{
	double n = (double)f->count, high = n * x, low = fma(n, x, -high), mean;
	struct xsum s;

	if (!isfinite(high))
		return field_mean(f) - x;
	xsum_copy(&s, &f->sum);
	xsum_add(&s, -high);
	xsum_add(&s, -low);
	mean = xsum_mean(&s, f->count);
	xsum_release(&s);
	return mean;
}

void measure_mean_shift(const struct measure_input *in, struct measure_value *out)
{
	if (!both_counted(in, out) || constant_reference(in, out))
		return;
	double n = (double)out->n_reference, sd = field_stddev(in->reference.field) * sqrt((n - 1) / n);
	double about = field_mean(in->reference.field);
	value_known(out, (mean_from(in->current.field, about) - mean_from(in->reference.field, about)) / sd);
}

void measure_variance_ratio(const struct measure_input *in, struct measure_value *out)
{
	if (!both_counted(in, out) || constant_reference(in, out))
		return;
	double ratio = field_stddev(in->current.field) / field_stddev(in->reference.field);
	value_known(out, ratio * ratio);
}

void measure_out_of_range(const struct measure_input *in, struct measure_value *out)
{
	const struct field_stats *f = in->current.field;

	out->n_current = f ? f->count : 0;
	if (!out->n_current)
		out->state = READING_NO_DATA;
	else if (!f->bins)
		out->state = f->nlogbins ? READING_NO_BASELINE : READING_MIXED_GRIDS;
	else
		value_known(out, (double)(f->bins[0] + f->bins[f->nbins - 1]) / (double)f->count);
}

static void moment(const struct measure_input *in, struct measure_value *out, double (*of)(const struct field_stats *))
{
	const struct field_stats *f = in->current.field;

	out->n_current = f ? f->count : 0;
	if (out->n_current)
		value_known(out, of(f));
	else
		out->state = READING_NO_DATA;
}

void measure_sum(const struct measure_input *in, struct measure_value *out)
{
	moment(in, out, field_sum);
}

void measure_mean(const struct measure_input *in, struct measure_value *out)
{
	moment(in, out, field_mean);
}

void measure_stddev(const struct measure_input *in, struct measure_value *out)
{
	moment(in, out, field_stddev);
}
