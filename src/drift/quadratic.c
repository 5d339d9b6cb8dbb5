// SPDX-License-Identifier: Apache-2.0
#include "drift/quadratic.h"

#include <math.h>
#include <stdlib.h>

#include "drift/special.h"

enum { SWEEPS = 50, STEPS = 200 };

static void rotate(double *s, size_t n, size_t p, size_t q)
{
	double theta = (s[q * n + q] - s[p * n + p]) / (2 * s[p * n + q]);
	double t = copysign(1, theta) / (fabs(theta) + hypot(theta, 1)), c = 1 / hypot(t, 1), d = t * c;

	s[p * n + p] -= t * s[p * n + q];
	s[q * n + q] += t * s[p * n + q];
	s[p * n + q] = s[q * n + p] = 0;
	for (size_t i = 0; i < n; i++) {
		if (i == p || i == q)
			continue;
		double a = s[i * n + p], b = s[i * n + q];
		s[i * n + p] = s[p * n + i] = c * a - d * b;
		s[i * n + q] = s[q * n + i] = d * a + c * b;
	}
}

static int falling(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x < y) - (x > y);
}

void symmetric_eigenvalues(double *s, size_t n, double *out)
{
	double trace = 0, off = 1;

	for (size_t i = 0; i < n; i++)
		trace += fabs(s[i * n + i]);
	for (int sweep = 0; sweep < SWEEPS && off > 1e-14 * trace; sweep++) {
		off = 0;
		for (size_t p = 0; p < n; p++)
			for (size_t q = p + 1; q < n; q++) {
				off = fmax(off, fabs(s[p * n + q]));
				if (s[p * n + q] != 0)
					rotate(s, n, p, q);
			}
	}
	for (size_t i = 0; i < n; i++)
		out[i] = s[i * n + i];
	qsort(out, n, sizeof *out, falling);
}

// The cumulants' generating function of the sum less x Y, and its derivatives at t.
struct cumulants {
	double k, k1, k2, k3;
};

static struct cumulants cumulants_at(const double *w, size_t n, double df, double a, double t)
{
	double y = a / (1 + 2 * a * t);
	struct cumulants c = {-df / 2 * log1p(2 * a * t), -df * y, 2 * df * y * y, -8 * df * y * y * y};

	for (size_t i = 0; i < n; i++) {
		double v = w[i] / (1 - 2 * w[i] * t);
		c.k -= log1p(-2 * w[i] * t) / 2;
		c.k1 += v;
		c.k2 += 2 * v * v;
		c.k3 += 8 * v * v * v;
	}
	return c;
}

// The first derivative rises from -inf to inf between its poles: Newton's method, halving where it would leave.
static double saddlepoint(const double *w, size_t n, double df, double a)
{
	double lo = -1 / (2 * a), hi = 1 / (2 * w[0]), t = 0;

	for (int i = 0; i < STEPS; i++) {
		struct cumulants c = cumulants_at(w, n, df, a, t);
		double next = t - c.k1 / c.k2;

		*(c.k1 < 0 ? &lo : &hi) = t;
		if (!(next > lo && next < hi))
			next = lo + (hi - lo) / 2;
		if (fabs(next - t) <= 1e-13 * fabs(t))
			break;
		t = next;
	}
	return t;
}

double quadratic_sf(const double *w, size_t n, double df, double x)
{
	if (x <= 0)
		return 1;
	if (w[n - 1] == w[0])
		return f_sf(x / ((double)n * w[0]), (double)n, df);
	double a = x / df, t = saddlepoint(w, n, df, a);
	struct cumulants c = cumulants_at(w, n, df, a, t);
	double r = copysign(sqrt(fmax(0, -2 * c.k)), t);
	return normal_sf(fabs(r) < 1e-4 ? c.k3 / (6 * c.k2 * sqrt(c.k2)) : r + log(t * sqrt(c.k2) / r) / r);
}

double quadratic_isf(const double *w, size_t n, double df, double p)
{
	double lo = 0, hi = 0;

	for (size_t i = 0; i < n; i++)
		hi += w[i];
	while (quadratic_sf(w, n, df, hi) > p && hi < 1e300) {
		lo = hi;
		hi *= 2;
	}
	for (int i = 0; i < STEPS && hi - lo > 1e-9 * hi; i++) {
		double x = (lo + hi) / 2;
		*(quadratic_sf(w, n, df, x) > p ? &lo : &hi) = x;
	}
	return hi;
}
