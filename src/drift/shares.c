// SPDX-License-Identifier: Apache-2.0
#include "drift/shares.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "drift/special.h"
#include "util/xalloc.h"

double shares_psi(const struct columns *t, double floor)
{
	double sum = 0;

	for (size_t i = 0; i < t->n; i++) {
		double p = fmax(t->r[i] / t->nr, floor), q = fmax(t->c[i] / t->nc, floor);
		sum += (q - p) * log(q / p);
	}
	return sum;
}

double shares_psi_plus_one(const struct columns *t)
{
	double sum = 0, nr = t->nr + (double)t->n, nc = t->nc + (double)t->n;

	for (size_t i = 0; i < t->n; i++) {
		double p = (t->r[i] + 1) / nr, q = (t->c[i] + 1) / nc;
		sum += (q - p) * log(q / p);
	}
	return sum;
}

double shares_js(const struct columns *t)
{
	double sum = 0;

	for (size_t i = 0; i < t->n; i++) {
		double p = t->r[i] / t->nr, q = t->c[i] / t->nc, mid = (p + q) / 2;
		sum += (p ? p * log2(p / mid) : 0) + (q ? q * log2(q / mid) : 0);
	}
	return fmax(0, sum / 2);
}

// As half the sum of squared differences of roots, which does not cancel where both sides are alike.
double shares_hellinger(const struct columns *t)
{
	double sum = 0;

	for (size_t i = 0; i < t->n; i++) {
		double d = sqrt(t->r[i] / t->nr) - sqrt(t->c[i] / t->nc);
		sum += d * d;
	}
	return sqrt(sum / 2);
}

double shares_linf(const struct columns *t)
{
	double most = 0;

	for (size_t i = 0; i < t->n; i++)
		most = fmax(most, fabs(t->r[i] / t->nr - t->c[i] / t->nc));
	return most;
}

double shares_tvd(const struct columns *t)
{
	double sum = 0;

	for (size_t i = 0; i < t->n; i++)
		sum += fabs(t->r[i] / t->nr - t->c[i] / t->nc);
	return sum / 2;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x < y) - (x > y);
}

static double *sorted(const double *counts, size_t n)
{
	double *out = xmalloc((n + 1) * sizeof *out);

	memcpy(out, counts, n * sizeof *out);
	qsort(out, n, sizeof *out, by_size);
	return out;
}

double shares_tvd_sorted(const struct columns *t)
{
	double *r = sorted(t->r, t->n), *c = sorted(t->c, t->n), sum = 0;

	for (size_t i = 0; i < t->n; i++)
		sum += fabs(r[i] / t->nr - c[i] / t->nc);
	free(r);
	free(c);
	return sum / 2;
}

// Each count's midrank, from 1 for the largest on.
static double *ranks_of(const double *counts, size_t n)
{
	double *order = sorted(counts, n), *out = xmalloc((n + 1) * sizeof *out);

	for (size_t i = 0; i < n; i++) {
		size_t lo = 0, hi = n, end;

		while (lo < hi) {
			size_t mid = lo + (hi - lo) / 2;
			if (order[mid] > counts[i])
				lo = mid + 1;
			else
				hi = mid;
		}
		for (end = lo, hi = n; end < hi;) {
			size_t mid = end + (hi - end) / 2;
			if (order[mid] >= counts[i])
				end = mid + 1;
			else
				hi = mid;
		}
		out[i] = (double)(lo + end + 1) / 2;
	}
	free(order);
	return out;
}

double shares_rank_correlation(const struct columns *t)
{
	double *r = ranks_of(t->r, t->n), *c = ranks_of(t->c, t->n), mean = ((double)t->n + 1) / 2, rr = 0, cc = 0, rc = 0;

	for (size_t i = 0; i < t->n; i++) {
		double x = r[i] - mean, y = c[i] - mean;

		rr += x * x;
		cc += y * y;
		rc += x * y;
	}
	free(r);
	free(c);
	return rr > 0 && cc > 0 ? fmin(fmax(rc / sqrt(rr * cc), -1), 1) : NAN;
}

static double present(const double *counts, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += counts[i] > 0;
	return sum;
}

// Fagin, Kumar and Sivakumar (Comparing top k lists, 2003), with location k + 1 for what is not in a list.
double shares_footrule(const struct columns *t)
{
	size_t n = t->n - t->merged; // the rest is no value
	double *r = ranks_of(t->r, n), *c = ranks_of(t->c, n), sum = 0;
	double k = fmin(RANK_TOP, fmax(present(t->r, n), present(t->c, n)));

	for (size_t i = 0; i < n; i++)
		sum += fabs((t->r[i] ? fmin(r[i], k + 1) : k + 1) - (t->c[i] ? fmin(c[i], k + 1) : k + 1));
	free(r);
	free(c);
	return sum / (k * (k + 1));
}

double shares_entropy(const double *counts, size_t n, double total)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum -= counts[i] ? counts[i] / total * log2(counts[i] / total) : 0;
	return fmax(0, sum);
}

double linf_robust(double d, double n, double m)
{
	return fmax(0, d - 1.8 * sqrt((n + m) / (n * m)));
}

// What an empty share of this side is filled with.
static double filling(const double *counts, size_t n, double total)
{
	double least = INFINITY;

	for (size_t i = 0; i < n; i++)
		if (counts[i] && counts[i] / total < least)
			least = counts[i] / total;
	return least <= 1e-4 ? least / 1e6 : 1e-4;
}

double shares_psi_filled(const struct columns *t)
{
	double fill_r = filling(t->r, t->n, t->nr), fill_c = filling(t->c, t->n, t->nc), sum = 0;

	for (size_t i = 0; i < t->n; i++) {
		double p = t->r[i] ? t->r[i] / t->nr : fill_r, q = t->c[i] ? t->c[i] / t->nc : fill_c;
		sum += (p - q) * log(p / q);
	}
	return sum;
}

double shares_kl(const struct columns *t, double floor)
{
	double sum = 0;

	for (size_t i = 0; i < t->n; i++) {
		double p = fmax(t->r[i] / t->nr, floor), q = fmax(t->c[i] / t->nc, floor);
		sum += p * log(p / q);
	}
	return fmax(0, sum);
}

double shares_kl_filled(const struct columns *t)
{
	double fill_r = filling(t->r, t->n, t->nr), fill_c = filling(t->c, t->n, t->nc);
	double sum = 0, all_p = 0, all_q = 0;

	for (size_t i = 0; i < t->n; i++) {
		double p = t->r[i] ? t->r[i] / t->nr : fill_r, q = t->c[i] ? t->c[i] / t->nc : fill_c;

		sum += p * log(p / q);
		all_p += p;
		all_q += q;
	}
	return sum / all_p + log(all_q / all_p);
}

double shares_g(const struct columns *t, double *df)
{
	double sum = 0, total = t->nr + t->nc;

	for (size_t i = 0; i < t->n; i++) {
		double column = t->r[i] + t->c[i];

		sum += t->r[i] ? t->r[i] * log(t->r[i] / (column * (t->nr / total))) : 0;
		sum += t->c[i] ? t->c[i] * log(t->c[i] / (column * (t->nc / total))) : 0;
	}
	*df = t->n ? (double)t->n - 1 : 0;
	return fmax(0, 2 * sum);
}

double shares_chi2_yates(const struct columns *t)
{
	double df, d, columns;

	if (t->n != 2)
		return columns_chi2(t, &df);
	// All four cells differ from what is expected by the same amount.
	d = fabs(t->r[0] * t->nc - t->c[0] * t->nr) / (t->nr + t->nc);
	d -= fmin(0.5, d);
	columns = (t->r[0] + t->c[0]) * (t->r[1] + t->c[1]);
	return d * d * (t->nr + t->nc) * (t->nr + t->nc) * (t->nr + t->nc) / (t->nr * t->nc * columns);
}

double shares_cramers_v(const struct columns *t)
{
	double df;

	return t->n > 1 ? sqrt(columns_chi2(t, &df) / (t->nr + t->nc)) : 0;
}

double shares_fit_p(const struct columns *t)
{
	double sum = 0;

	if (t->n < 2)
		return NAN;
	for (size_t i = 0; i < t->n; i++) {
		double expected = t->r[i] * (t->nc / t->nr), d = t->c[i] - expected;

		if (!expected)
			return 0;
		sum += d * d / expected;
	}
	return chi2_sf(sum, (double)t->n - 1);
}

// Without the columns in which levelling left nothing.
static void level(const struct columns *t, struct columns *out)
{
	double most = fmin(t->nr, t->nc), fr = t->nr > most ? most / t->nr : 1,
	       fc = t->nc > most ? most / t->nc : 1;

	*out = (struct columns){.r = xcalloc(t->n, sizeof *out->r), .c = xcalloc(t->n, sizeof *out->c)};
	for (size_t i = 0; i < t->n; i++) {
		double r = nearbyint(t->r[i] * fr), c = nearbyint(t->c[i] * fc);

		if (!r && !c)
			continue;
		out->r[out->n] = r;
		out->c[out->n++] = c;
		out->nr += r;
		out->nc += c;
	}
}

double shares_cramers_v_deepchecks(const struct columns *t)
{
	struct columns even;
	double v = 0, n, k, phi2;

	if (t->n == 1)
		return 0;
	level(t, &even);
	n = even.nr + even.nc;
	k = (double)even.n;
	if (!even.nr || !even.nc || even.n < 2) {
		v = NAN;
	} else {
		phi2 = fmax(0, shares_chi2_yates(&even) / n - (k - 1) / (n - 1));
		v = sqrt(phi2 / fmin(k - (k - 1) * (k - 1) / (n - 1) - 1, 1 - 1 / (n - 1)));
	}
	columns_release(&even);
	return v;
}
