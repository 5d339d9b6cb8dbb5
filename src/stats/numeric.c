// SPDX-License-Identifier: Apache-2.0
#include "stats/numeric.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/logtable.h"
#include "util/xalloc.h"

enum { LOG_HINTS = 1024, NUMBERS = 64 }; // NUMBERS: that are worked on at a time

void field_moments_add(struct field_stats *f, const double *x, size_t n)
{
	double min = f->min, max = f->max;

	f->count += n;
	for (size_t i = 0; i < n; i++) {
		min = x[i] < min ? x[i] : min;
		max = x[i] > max ? x[i] : max;
	}
	f->min = min;
	f->max = max;
	xsum_add_all(&f->sum, &f->sumsq, x, n);
}

void field_moments_merge(struct field_stats *dst, const struct field_stats *src)
{
	dst->count += src->count;
	dst->min = src->min < dst->min ? src->min : dst->min;
	dst->max = src->max > dst->max ? src->max : dst->max;
	xsum_merge(&dst->sum, &src->sum);
	xsum_merge(&dst->sumsq, &src->sumsq);
}

// The first bin that is not below `bin`.
static size_t log_lower_bound(const struct field_stats *f, int32_t bin)
{
	size_t lo = 0, hi = f->nlogbins;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (f->logbins[mid].bin < bin)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void log_collapse(struct field_stats *f)
{
	size_t zero = log_lower_bound(f, 0);
	bool has_zero = zero < f->nlogbins && f->logbins[zero].bin == 0;
	struct logbin *b = f->logbins;

	while (f->nlogbins - has_zero > LOGBINS_MAX) {
		size_t above = zero + has_zero, small;

		small = zero && (above == f->nlogbins || -b[zero - 1].bin <= b[above].bin) ? zero - 1 : above;
		f->approximate = true;
		if (!has_zero) {
			b[small].bin = 0;
			zero = small;
			has_zero = true;
			continue;
		}
		b[zero].n += b[small].n;
		memmove(b + small, b + small + 1, (--f->nlogbins - small) * sizeof *b);
		zero -= small < zero;
	}
}

const struct logbin *field_logbins(const struct field_stats *f, size_t *n, struct logbin **made)
{
	*made = f->logtable ? logtable_sorted(f->logtable, n) : NULL;
	if (*made)
		return *made;
	*n = f->nlogbins;
	return f->logbins;
}

static void table_end(struct field_stats *f)
{
	if (!f->logtable)
		return;
	f->logbins = logtable_sorted(f->logtable, &f->nlogbins);
	f->caplogbins = f->nlogbins;
	logtable_free(f->logtable);
	f->logtable = NULL;
}

// As good as counted and then joined to zero's bin: of smaller magnitude than all that a full list has.
static bool log_below(const struct field_stats *f, int32_t bin)
{
	size_t below = f->nlogbins > LOGBINS_MAX ? log_lower_bound(f, 0) : 0, above = below + 1;
	int32_t most = abs(bin);

	if (f->nlogbins <= LOGBINS_MAX || f->logbins[below].bin)
		return false;
	return (!below || -f->logbins[below - 1].bin > most) && (above == f->nlogbins || f->logbins[above].bin > most);
}

void field_logbin_count(struct field_stats *f, int32_t bin)
{
	if (f->logtable && logtable_count(f->logtable, bin, LOGBINS_MAX))
		return;
	table_end(f);
	if (!f->loghints)
		f->loghints = xcalloc(LOG_HINTS, sizeof *f->loghints);
	uint16_t *hint = &f->loghints[(uint32_t)bin % LOG_HINTS];
	size_t at = *hint;

	if (at >= f->nlogbins || f->logbins[at].bin != bin)
		at = log_lower_bound(f, bin);
	if (at < f->nlogbins && f->logbins[at].bin == bin) {
		f->logbins[at].n++;
		*hint = (uint16_t)at;
		return;
	}
	if (log_below(f, bin)) {
		f->approximate = true;
		f->logbins[log_lower_bound(f, 0)].n++;
		return;
	}
	GROW(f->logbins, f->nlogbins, f->caplogbins);
	memmove(f->logbins + at + 1, f->logbins + at, (f->nlogbins - at) * sizeof *f->logbins);
	f->logbins[at] = (struct logbin){bin, 1};
	f->nlogbins++;
	log_collapse(f);
}

void field_logbins_merge(struct field_stats *dst, const struct field_stats *src)
{
	struct logbin *made, *a;
	size_t na, nb, i = 0, j = 0, n = 0;
	const struct logbin *from = field_logbins(src, &nb, &made);

	table_end(dst);
	a = dst->logbins;
	na = dst->nlogbins;
	dst->caplogbins = na + nb;
	dst->logbins = xmalloc((dst->caplogbins + 1) * sizeof *dst->logbins);
	while (i < na || j < nb) {
		const struct logbin *b = &from[j];

		if (j == nb || (i < na && a[i].bin < b->bin)) {
			dst->logbins[n++] = a[i++];
			continue;
		}
		dst->logbins[n] = *b;
		j++;
		if (i < na && a[i].bin == b->bin)
			dst->logbins[n].n += a[i++].n;
		n++;
	}
	free(a);
	free(made);
	dst->nlogbins = n;
	log_collapse(dst);
}

// x is finite and no -0.
static void add_finite(struct field_stats *f, const double *x, size_t n)
{
	if (!n)
		return;
	field_moments_add(f, x, n);
	field_histogram_add(f, x, n);
	for (size_t i = 0; (f->log_too || !f->grid) && !f->mixed && i < n; i++)
		field_logbin_count(f, loggrid_bin(x[i]));
}

void field_add_numbers(struct field_stats *f, const double *x, size_t n)
{
	f->present += n;
	while (n) {
		size_t part = n < NUMBERS ? n : NUMBERS, finite = 0;
		double y[NUMBERS];
		bool odd = false;

		for (size_t i = 0; i < part; i++) {
			y[i] = x[i] + 0.0; // -0 becomes 0
			odd |= !isfinite(x[i]);
		}
		for (size_t i = 0; odd && i < part; i++) {
			y[finite] = y[i];
			finite += isfinite(x[i]) != 0;
			f->nan += isnan(x[i]) != 0;
			f->inf += isinf(x[i]) != 0;
		}
		add_finite(f, y, odd ? finite : part);
		x += part;
		n -= part;
	}
}

// How many of the sorted v are below x.
static size_t below(const double *v, size_t n, double x)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (v[mid] < x)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

// Bins are found for an edge at a time instead of a value.
void field_add_sorted(struct field_stats *f, const double *x, size_t n)
{
	const struct grid *g = f->grid;
	size_t at = 0;

	if (!g || !n || f->narrow || f->log_too || f->second) {
		field_add_numbers(f, x, n);
		return;
	}
	f->present += n;
	field_moments_add(f, x, n);
	for (size_t bin = 0; bin < f->nbins; bin++) {
		size_t to = bin < g->n ? below(x, n, g->edges[bin]) : n;

		f->bins[bin] += to - at;
		for (; at < to && (bin == 0 || bin == g->n); at++)
			xsum_add(bin ? &f->high_sum : &f->low_sum, x[at]);
		at = to;
	}
}

void field_add_number(struct field_stats *f, double x)
{
	field_add_numbers(f, &x, 1);
}

double field_sum(const struct field_stats *f)
{
	return xsum_value(&f->sum);
}

double field_mean(const struct field_stats *f)
{
	return f->min <= f->max ? xsum_mean(&f->sum, f->count) : NAN;
}

double field_variance(const struct field_stats *f)
{
	return f->count < 2 || f->min > f->max ? NAN : xsum_variance(&f->sum, &f->sumsq, f->count);
}

double field_stddev(const struct field_stats *f)
{
	return f->count < 2 || f->min > f->max ? NAN : xsum_stddev(&f->sum, &f->sumsq, f->count);
}

// The point at `target` values from the bottom of a bin [lo, hi) that holds n after `before`.
static double inside(const struct field_stats *f, double lo, double hi, uint64_t before, uint64_t n, double target,
		     double *error)
{
	double share = (target - (double)before) / (double)n, x;

	lo = fmin(fmax(lo, f->min), f->max);
	hi = fmax(fmin(hi, f->max), lo);
	x = hi > lo ? fmin(fmax(lo * (1 - share) + hi * share, lo), hi) : lo;
	*error = fmax(x - lo, hi - x);
	return x;
}

double field_quantile_within(const struct field_stats *f, double q, double *error)
{
	double target = q * (double)f->count, lo, hi;
	uint64_t before = 0;

	*error = NAN;
	if (f->type == FIELD_TEXT && q >= 0 && q <= 1)
		return field_length_quantile(f, q, error);
	if (f->type != FIELD_NUMERIC || !f->count || f->mixed || !(q >= 0 && q <= 1) || (f->bins && !f->grid))
		return NAN;
	for (size_t i = 0; i < f->nbins; before += f->bins[i++]) {
		if (!f->bins[i] || (double)(before + f->bins[i]) < target)
			continue;
		lo = i ? f->grid->edges[i - 1] : f->min;
		hi = grid_bin_is_point(f->grid, i) ? lo : i < f->grid->n ? f->grid->edges[i] : f->max;
		return inside(f, lo, hi, before, f->bins[i], target, error);
	}
	for (size_t i = 0; i < f->nlogbins; before += f->logbins[i++].n) {
		if ((double)(before + f->logbins[i].n) < target)
			continue;
		loggrid_range(f->logbins[i].bin, &lo, &hi);
		lo = inside(f, lo, hi, before, f->logbins[i].n, target, error);
		if (f->approximate && !f->logbins[i].bin) // small magnitudes are there, too
			*error = NAN;
		return lo;
	}
	return NAN;
}

double field_quantile(const struct field_stats *f, double q)
{
	double error;

	return field_quantile_within(f, q, &error);
}
