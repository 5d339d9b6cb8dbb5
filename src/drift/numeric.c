// SPDX-License-Identifier: Apache-2.0
// Bare measures of numbers, from the histograms of both sides. NaN and infinities are in neither.
#include <math.h>
#include <stddef.h>

#include "drift/cells_order.h"
#include "drift/edf_law.h"
#include "drift/measures.h"
#include "drift/shares.h"
#include "drift/special.h"

static bool order_of(const struct measure_input *in, struct measure_value *out, struct cells_order *o)
{
	struct cells s;

	out->state = cells_init(&s, in, out);
	if (out->state != READING_KNOWN)
		return false;
	cells_order(o, &s, in);
	cells_release(&s);
	return true;
}

// The statistic at `member` of struct cells_order, or its p by a law.
static void statistic_of(const struct measure_input *in, struct measure_value *out, size_t member, two_sample_p *law)
{
	struct cells_order o;

	if (!order_of(in, out, &o))
		return;
	const struct within *w = (const void *)((const char *)&o + member);
	if (!law) {
		value_within(out, w->value, within_error(&o, w));
		return;
	}
	double n = (double)out->n_reference, m = (double)out->n_current, p = law(w->value, n, m);
	value_within(out, p, o.vague ? NAN : fmax(law(w->low, n, m) - p, p - law(w->high, n, m)));
}

void measure_ks(const struct measure_input *in, struct measure_value *out)
{
	statistic_of(in, out, offsetof(struct cells_order, ks), NULL);
}

void measure_kuiper(const struct measure_input *in, struct measure_value *out)
{
	statistic_of(in, out, offsetof(struct cells_order, kuiper), NULL);
}

void measure_wasserstein(const struct measure_input *in, struct measure_value *out)
{
	statistic_of(in, out, offsetof(struct cells_order, wasserstein), NULL);
}

void measure_energy(const struct measure_input *in, struct measure_value *out)
{
	statistic_of(in, out, offsetof(struct cells_order, energy), NULL);
}

void measure_cvm(const struct measure_input *in, struct measure_value *out)
{
	statistic_of(in, out, offsetof(struct cells_order, cvm), NULL);
}

void measure_ad(const struct measure_input *in, struct measure_value *out)
{
	statistic_of(in, out, offsetof(struct cells_order, ad), NULL);
}

void measure_ks_p(const struct measure_input *in, struct measure_value *out)
{
	statistic_of(in, out, offsetof(struct cells_order, ks), ks_two_sample_p);
}

void measure_kuiper_p(const struct measure_input *in, struct measure_value *out)
{
	statistic_of(in, out, offsetof(struct cells_order, kuiper), kuiper_two_sample_p);
}

void measure_cvm_p(const struct measure_input *in, struct measure_value *out)
{
	statistic_of(in, out, offsetof(struct cells_order, cvm), cvm_two_sample_p);
}

void measure_ad_p(const struct measure_input *in, struct measure_value *out)
{
	statistic_of(in, out, offsetof(struct cells_order, ad), ad_two_sample_p);
}

// Of numbers deequ takes ks.
void measure_linf_deequ(const struct measure_input *in, struct measure_value *out)
{
	struct cells_order o;
	double n, m, value;

	if (in->def->type != FIELD_NUMERIC) {
		measure_linf(in, out);
		if (out->state == READING_KNOWN)
			out->value = linf_robust(out->value, (double)out->n_reference, (double)out->n_current);
		return;
	}
	if (!order_of(in, out, &o))
		return;
	n = (double)out->n_reference;
	m = (double)out->n_current;
	value = linf_robust(o.ks.value, n, m);
	value_within(out, value, o.vague ? NAN : linf_robust(o.ks.high, n, m) - value);
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

void measure_mean_shift(const struct measure_input *in, struct measure_value *out)
{
	if (!both_counted(in, out) || constant_reference(in, out))
		return;
	double n = (double)out->n_reference, sd = field_stddev(in->reference.field) * sqrt((n - 1) / n);
	double about = field_mean(in->reference.field);
	value_known(out, (mean_from(&in->current.field->sum, out->n_current, about) -
			  mean_from(&in->reference.field->sum, out->n_reference, about)) / sd);
}

void measure_variance_ratio(const struct measure_input *in, struct measure_value *out)
{
	if (!both_counted(in, out) || constant_reference(in, out))
		return;
	double ratio = field_stddev(in->current.field) / field_stddev(in->reference.field);
	value_known(out, ratio * ratio);
}

// Squares as plain doubles give them, 0 or infinite where they do not fit: so does Evidently.
void measure_wasserstein_evidently(const struct measure_input *in, struct measure_value *out)
{
	struct cells_order o;
	double n, sd;

	if (!order_of(in, out, &o))
		return;
	n = (double)out->n_reference;
	sd = n > 1 ? field_stddev(in->reference.field) * sqrt((n - 1) / n) : 0;
	sd = fmax(sqrt(sd * sd), 0.001);
	value_within(out, o.wasserstein.value / sd, within_error(&o, &o.wasserstein) / sd);
}

// Welch's; degrees of freedom by Satterthwaite. Deviations in units of the larger, so that no square overflows.
void measure_t_p(const struct measure_input *in, struct measure_value *out)
{
	const struct field_stats *r = in->reference.field, *c = in->current.field;

	if (!both_counted(in, out))
		return;
	double n = (double)out->n_reference, m = (double)out->n_current, about = field_mean(r);
	double sd_r = r->min < r->max ? field_stddev(r) : 0, sd_c = c->min < c->max ? field_stddev(c) : 0;
	double unit = fmax(sd_r, sd_c), a = sd_r / unit * (sd_r / unit) / n, b = sd_c / unit * (sd_c / unit) / m;
	double t = (mean_from(&c->sum, c->count, about) - mean_from(&r->sum, r->count, about)) / unit / sqrt(a + b);

	if (n < 2 || m < 2 || !unit) {
		out->state = READING_NOT_APPLICABLE;
		out->detail = "both sides are constant";
		return;
	}
	value_known(out, 2 * student_sf(fabs(t), (a + b) * (a + b) / (a * a / (n - 1) + b * b / (m - 1))));
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

static double field_min(const struct field_stats *f)
{
	return f->min;
}

static double field_max(const struct field_stats *f)
{
	return f->max;
}

void measure_min(const struct measure_input *in, struct measure_value *out)
{
	moment(in, out, field_min);
}

void measure_max(const struct measure_input *in, struct measure_value *out)
{
	moment(in, out, field_max);
}

static void no_quantile(const struct measure_input *in, struct measure_value *out)
{
	if (out->state == READING_KNOWN)
		return;
	if (in->def->type == FIELD_TEXT)
		out->detail = "lengths were not counted then";
	else
		out->state = READING_MIXED_GRIDS;
}

static void quantile(const struct measure_input *in, struct measure_value *out, double q)
{
	const struct field_stats *f = in->current.field;
	double v, error;

	out->n_current = f ? f->count : 0;
	if (!out->n_current)
		return;
	v = field_quantile_within(f, q, &error);
	value_within(out, v, error);
	no_quantile(in, out);
}

void measure_p50(const struct measure_input *in, struct measure_value *out)
{
	quantile(in, out, 0.5);
}

void measure_p99(const struct measure_input *in, struct measure_value *out)
{
	quantile(in, out, 0.99);
}

static void quantile_shift(const struct measure_input *in, struct measure_value *out, double q)
{
	double n, sd, r, c, error_r, error_c;

	if (!both_counted(in, out) || constant_reference(in, out))
		return;
	n = (double)out->n_reference;
	sd = field_stddev(in->reference.field) * sqrt((n - 1) / n);
	r = field_quantile_within(in->reference.field, q, &error_r);
	c = field_quantile_within(in->current.field, q, &error_c);
	value_within(out, (c - r) / sd, (error_r + error_c) / sd);
	no_quantile(in, out);
}

void measure_p50_shift(const struct measure_input *in, struct measure_value *out)
{
	quantile_shift(in, out, 0.5);
}

void measure_p99_shift(const struct measure_input *in, struct measure_value *out)
{
	quantile_shift(in, out, 0.99);
}
