// SPDX-License-Identifier: Apache-2.0
// A sum of independent chi-squares, each over x_j with x_1 < x_2 < ..., is at least z with probability
//   1/pi sum_k (-1)^(k+1) integral over [x_(2k-1), x_(2k)] of exp(-xz/2) / (x sqrt|D(x)|) dx,  D(x) = prod (1 - x/x_j)
// (Smirnov 1937). Every term has the size of what it adds, so small probabilities keep their digits. The x_j are evenly
// spaced in a variable u, and the integrand is singular like 1/sqrt at both ends, which u = a + h (1 - cos t) takes away.
#include "drift/edf_law.h"

#include <math.h>

enum { POINTS = 256, PAIRS = 400 };

// The integrand at u, with dx/du in it.
typedef double integrand_fn(double u, double z);

static double tail(integrand_fn *f, double first, double step, double z)
{
	double sum = 0;

	for (int k = 0; k < PAIRS; k++) {
		double from = first + 2 * k * step, part = 0;
		for (int i = 0; i < POINTS; i++) {
			double t = M_PI * (i + 0.5) / POINTS;
			part += f(from + step / 2 * (1 - cos(t)), z) * sin(t);
		}
		part *= step / 2 / POINTS; // and pi / pi
		sum += k % 2 ? -part : part;
		if (part <= 1e-17 * sum)
			break;
	}
	return fmin(1, fmax(0, sum));
}

// x_j = (pi j)^2, u = sqrt x, D = sin u / u.
static double of_cramer_von_mises(double u, double z)
{
	return 2 * exp(-u * u * z / 2) / sqrt(u * fabs(sin(u)));
}

// x_j = j (j + 1), u = sqrt(1 + 4x), D = -cos(pi u / 2) / (pi x).
static double of_anderson_darling(double u, double z)
{
	double x = (u * u - 1) / 4;

	return u / 2 * exp(-x * z / 2) * sqrt(M_PI / (x * fabs(cos(M_PI * u / 2))));
}

double kolmogorov_sf(double x)
{
	double sum = 0;

	if (x <= 0)
		return 1;
	if (x < 1) {
		double q = -M_PI * M_PI / (8 * x * x);

		for (int j = 1; j <= 9; j += 2)
			sum += exp(q * j * j);
		return 1 - sqrt(2 * M_PI) / x * sum;
	}
	for (int j = 1; j <= 6; j++)
		sum += (j & 1 ? 2 : -2) * exp(-2 * x * x * j * j);
	return sum;
}

double cramer_von_mises_sf(double w2)
{
	return isnan(w2) ? NAN : w2 < 1e-3 ? 1 : tail(of_cramer_von_mises, M_PI, M_PI, w2);
}

double anderson_darling_sf(double a2)
{
	return isnan(a2) ? NAN : a2 < 1e-2 ? 1 : tail(of_anderson_darling, 3, 2, a2);
}

double kuiper_sf(double x)
{
	double sum = 0;

	if (x < 0.4) // where it is 1 to 1e-15
		return 1;
	for (int j = 1; j < 100; j++) {
		double q = 2.0 * j * j * x * x, term = 2 * (2 * q - 1) * exp(-q);
		sum += term;
		if (q > 1 && term <= 1e-17 * sum)
			break;
	}
	return fmin(1, sum);
}

double ks_two_sample_p(double d, double n, double m)
{
	return kolmogorov_sf(sqrt(n * m / (n + m)) * d);
}

double cvm_two_sample_p(double cvm, double n, double m)
{
	double both = n + m, mean = (1 + 1 / both) / 6,
	       variance = (both + 1) * (4 * n * m * both - 3 * (n * n + m * m) - 2 * n * m) / (45 * both * both * 4 * n * m);

	return cramer_von_mises_sf(1.0 / 6 + (cvm - mean) / sqrt(45 * variance));
}

// A^2 has the mean 1 and the variance 2 (pi^2/3 - 3).
double ad_two_sample_p(double ad, double n, double m)
{
	(void)n, (void)m;
	return anderson_darling_sf(1 + ad * sqrt(2 * (M_PI * M_PI / 3 - 3)));
}

double kuiper_two_sample_p(double v, double n, double m)
{
	return kuiper_sf(sqrt(n * m / (n + m)) * v);
}
