// SPDX-License-Identifier: Apache-2.0
// Incomplete gamma: the power series below a + 1, Legendre's continued fraction above (Abramowitz and
// Stegun 6.5.29, 6.5.31). Incomplete beta: the continued fraction 26.5.8 of the same, on the side of
// x = a/(a+b) where it converges fast. Fractions are evaluated by Lentz's method (Thompson and Barnett,
// J. Comput. Phys. 64, 1986). Kolmogorov's law: his alternating series for large x and its theta-function
// transform for small x (Feller, Ann. Math. Stat. 19, 1948). The rest are identities:
//     chi2_sf(x, k) = Q(k/2, x/2)               F_sf(x; a, b) = I_{b/(b+ax)}(b/2, a/2)
//     student_sf(t, k) = I_{k/(k+t^2)}(k/2, 1/2) / 2         P(Poisson(m) >= k) = P(k, m)
#include "drift/special.h"

#include <math.h>

#define EPS 1e-16
#define TINY 1e-300
enum { TERMS = 100000 };

static double log_gamma(double a)
{
	int sign;

	return lgamma_r(a, &sign);
}

static double gamma_series(double a, double x)
{
	double term = 1, sum = 1;

	for (int i = 1; i < TERMS && term > sum * EPS; i++) {
		term *= x / (a + i);
		sum += term;
	}
	return sum * exp(a * log(x) - x - log_gamma(a + 1));
}

static double gamma_fraction(double a, double x)
{
	double b = x + 1 - a, c = 1 / TINY, d = 1 / b, h = d;

	for (int i = 1; i < TERMS; i++) {
		double an = -i * (i - a), step;

		b += 2;
		d = an * d + b;
		d = 1 / (fabs(d) < TINY ? TINY : d);
		c = b + an / c;
		c = fabs(c) < TINY ? TINY : c;
		step = d * c;
		h *= step;
		if (fabs(step - 1) < EPS)
			break;
	}
	return h * exp(a * log(x) - x - log_gamma(a));
}

double gamma_p(double a, double x)
{
	if (x <= 0)
		return 0;
	return x < a + 1 ? gamma_series(a, x) : 1 - gamma_fraction(a, x);
}

double gamma_q(double a, double x)
{
	if (x <= 0)
		return 1;
	return x < a + 1 ? 1 - gamma_series(a, x) : gamma_fraction(a, x);
}

static double beta_fraction(double a, double b, double x)
{
	double c = 1, d = 1 - (a + b) * x / (a + 1), h;

	d = 1 / (fabs(d) < TINY ? TINY : d);
	h = d;
	for (int m = 1; m < TERMS; m++) {
		double step = 1;

		for (int odd = 0; odd < 2; odd++) {
			double t = odd ? -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
				       : m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
			d = 1 + t * d;
			d = 1 / (fabs(d) < TINY ? TINY : d);
			c = 1 + t / c;
			c = fabs(c) < TINY ? TINY : c;
			step = c * d;
			h *= step;
		}
		if (fabs(step - 1) < EPS)
			break;
	}
	return h;
}

double beta_i(double a, double b, double x)
{
	double front;

	if (x <= 0)
		return 0;
	if (x >= 1)
		return 1;
	front = exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(x) + b * log1p(-x));
	if (x < (a + 1) / (a + b + 2))
		return front * beta_fraction(a, b, x) / a;
	return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

double chi2_sf(double x, double df)
{
	return gamma_q(df / 2, x / 2);
}

double f_sf(double x, double df1, double df2)
{
	return x <= 0 ? 1 : beta_i(df2 / 2, df1 / 2, df2 / (df2 + df1 * x));
}

double student_sf(double t, double df)
{
	double tail = beta_i(df / 2, 0.5, df / (df + t * t)) / 2;

	return t < 0 ? 1 - tail : tail;
}

double normal_sf(double z)
{
	return erfc(z / M_SQRT2) / 2;
}

// Newton's method on log sf, which is concave and falling, so that a start right of the root stays right
// of it; sf(z) < exp(-z^2/2)/2 gives such a start.
double normal_isf(double p)
{
	double z, target;

	if (p > 0.5)
		return -normal_isf(1 - p);
	target = log(p < TINY ? TINY : p);
	z = sqrt(-2 * target);
	for (int i = 0; i < 100; i++) {
		double q = normal_sf(z), density = exp(-z * z / 2) / sqrt(2 * M_PI);
		double step = (log(q) - target) * q / density;

		z += step;
		if (fabs(step) <= 1e-15 * z)
			break;
	}
	return z;
}

double poisson_sf_from(double k, double rate)
{
	return k <= 0 ? 1 : gamma_p(k, rate);
}

// The root of log sf(x) = log p over log x, where both tails of Student's law and of chi-square's are nearly straight: a
// secant kept inside a bracket (Illinois's rule).
static double isf(double (*sf)(double x, double df), double p, double df)
{
	double lo = 0, hi = 0, target = log(p), flo, fhi;

	while ((flo = log(sf(exp(lo), df)) - target) < 0 && lo > -700)
		lo -= 2;
	while ((fhi = log(sf(exp(hi), df)) - target) > 0 && hi < 700)
		hi += 2;
	for (int i = 0, side = 0; i < 200 && hi - lo > 1e-14; i++) {
		double x = isfinite(flo) && isfinite(fhi) ? hi - fhi * (hi - lo) / (fhi - flo) : (lo + hi) / 2;
		double f = log(sf(exp(x), df)) - target;

		if (fabs(f) < 1e-13)
			return exp(x);
		if (f > 0) {
			lo = x;
			flo = f;
			fhi = side == 1 ? fhi / 2 : fhi;
			side = 1;
		} else {
			hi = x;
			fhi = f;
			flo = side == -1 ? flo / 2 : flo;
			side = -1;
		}
	}
	return exp((lo + hi) / 2);
}

double student_isf(double p, double df)
{
	if (p >= 0.5)
		return p > 0.5 ? -student_isf(1 - p, df) : 0;
	return isf(student_sf, fmax(p, TINY), df);
}

double chi2_isf(double p, double df)
{
	return isf(chi2_sf, fmax(p, TINY), df);
}
