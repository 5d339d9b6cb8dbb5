// SPDX-License-Identifier: Apache-2.0
// One sample. Which way is taken where follows Simard and L'Ecuyer (J. Stat. Softw. 39(11), 2011), so that
// the values are those of everybody who does:
//   - n d <= 1 and n d >= n - 1: the closed forms of Ruben and Gambino;
//   - d >= 1/2, or n d^2 >= 2.2 (> 4 for n <= 140): twice the one-sided probability;
//   - n <= 140, or n d^1.5 <= 1.4: Durbin's matrix (Marsaglia, Tsang and Wang, J. Stat. Softw. 8(18), 2003);
//   - else the expansion of Pelz and Good (J. R. Stat. Soc. B 38, 1976).
//
// One-sided: P(D+ >= d) = sum over j of B(j; n, d + j/n) d/(d + j/n), with B the binomial probability (Dwass
// 1959). B is taken as Loader does (2000), by deviances, so nothing cancels. The terms are a smooth bell in
// j that vanishes with all its derivatives at both ends, so for large n every h-th term times h is the same
// sum to far below rounding (the trapezoidal rule's error falls exponentially). Past a million values the
// limit exp(-(6nd + 1)^2 / 18n) (Maag and Dicaire 1971) is taken, because SciPy takes it, though the sum is
// exact.
//
// Two samples. A random path from (0,0) to (n,m) in unit steps is outside once |x/n - y/m| >= d; the chance
// u(x,y) of having been outside on the way to (x,y) is 1 outside and else x/(x+y) u(x-1,y) + y/(x+y) u(x,y-1)
// (Viehmann, arXiv:2102.08037): all terms are positive. For n = m a sum of quotients of binomials (Hodges
// 1958).
#include "drift/ks_law.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "util/gcd.h"
#include "util/xalloc.h"

enum { SMALL_N = 140, EXACT_N = 10000, LIMIT_N = 1000000, TERMS = 4000 };
#define GIVE_UP 760 // exp(-GIVE_UP) is 0

// log(n! / (sqrt(2 pi n) (n/e)^n)), Stirling's series; below 16 by the gamma function.
static double stirling_rest(double n)
{
	int sign;
	double s = 1 / (n * n);

	if (n == 0)
		return 0;
	if (n < 16)
		return lgamma_r(n + 1, &sign) - ((n + 0.5) * log(n) - n + log(2 * M_PI) / 2);
	return (1.0 / 12 - s * (1.0 / 360 - s * (1.0 / 1260 - s * (1.0 / 1680 - s / 1188)))) / n;
}

// x log(x/np) + np - x without cancellation near x = np.
static double deviance(double x, double np)
{
	double v = (x - np) / (x + np), s, term;

	if (x == 0)
		return np;
	if (fabs(x - np) >= 0.1 * (x + np))
		return x * log(x / np) + np - x;
	s = (x - np) * v;
	term = 2 * x * v;
	for (int j = 1; j < 1000; j++) {
		double next;

		term *= v * v;
		next = s + term / (2 * j + 1);
		if (next == s)
			break;
		s = next;
	}
	return s;
}

// B(j; n, p) d/p with p = d + j/n, 0 < p < 1.
static double one_sided_term(double n, double j, double d, double rest_n)
{
	double p = d + j / n, k = n - j, exponent;

	if (j == 0)
		return exp(n * log1p(-d));
	if (k == 0)
		return 0;
	exponent =
	    rest_n - stirling_rest(j) - stirling_rest(k) - deviance(j, n * d + j) - deviance(k, k - n * d);
	return exp(exponent) * sqrt(n / (2 * M_PI * j * k)) * d / p;
}

static double one_sided_sf(double n, double d)
{
	double rest = stirling_rest(n), last = floor(n * (1 - d)), sum = 0;
	double step = n > 4 * TERMS ? floor(n / TERMS) : 1, root = 6 * n * d + 1;

	if (n > LIMIT_N)
		return exp(-root * root / (18 * n));
	for (double j = 0; j <= last; j += step)
		if (d + j / n < 1)
			sum += one_sided_term(n, j, d, rest);
	return sum * step;
}

static void multiply(const double *a, const double *b, double *out, size_t m)
{
	memset(out, 0, m * m * sizeof *out);
	for (size_t i = 0; i < m; i++)
		for (size_t k = 0; k < m; k++)
			for (size_t j = 0; a[i * m + k] != 0 && j < m; j++)
				out[i * m + j] += a[i * m + k] * b[k * m + j];
}

// Keeps the matrix' middle element in range.
static int rescale(double *a, size_t m, size_t middle)
{
	int e = 0;

	frexp(a[middle * m + middle], &e);
	for (size_t i = 0; i < m * m; i++)
		a[i] = ldexp(a[i], -e);
	return e;
}

static void durbin_matrix(double *h, size_t m, double frac)
{
	for (size_t i = 0; i < m; i++) {
		double factorial = 1;

		// What is k below the upper diagonal is 1/k!.
		for (size_t j = i + 2; j-- > 0;) {
			if (j < m)
				h[i * m + j] = 1 / factorial;
			factorial *= (double)(i + 2 - j);
		}
	}
	for (size_t i = 0; i < m; i++) {
		double factorial = tgamma((double)i + 2), edge = 1 - pow(frac, (double)i + 1);

		if (i == m - 1)
			edge += pow(fmax(2 * frac - 1, 0), (double)m) - pow(frac, (double)m);
		h[i * m] = edge / factorial;
		h[(m - 1) * m + m - 1 - i] = edge / factorial;
	}
}

static double durbin_cdf(uint64_t n, double d)
{
	double nd = (double)n * d, k = ceil(nd), p;
	size_t middle = (size_t)k - 1, m = 2 * middle + 1;
	double *power = xcalloc(m * m, sizeof *power), *h = xcalloc(m * m, sizeof *h),
	       *out = xcalloc(m * m, sizeof *out);
	int e_power = 0, e_h = 0;

	durbin_matrix(h, m, k - nd);
	for (size_t i = 0; i < m; i++)
		power[i * m + i] = 1;
	for (uint64_t left = n; left; left >>= 1) {
		double *t;

		if (left & 1) {
			multiply(power, h, out, m);
			t = power, power = out, out = t;
			e_power += e_h + rescale(power, m, middle);
		}
		multiply(h, h, out, m);
		t = h, h = out, out = t;
		e_h = 2 * e_h + rescale(h, m, middle);
	}
	p = power[middle * m + middle];
	for (uint64_t i = 1; i <= n; i++) {
		int e;

		p = frexp(p * (double)i / (double)n, &e);
		e_power += e;
	}
	free(power);
	free(h);
	free(out);
	return ldexp(p, e_power);
}

// 1 + sum of the four terms' complement: 1 - K0 - K1/sqrt(n) - K2/n - K3/n^1.5.
static double pelz_good_sf(double n, double d)
{
	double z = sqrt(n) * d, z2 = z * z, z4 = z2 * z2, z6 = z4 * z2, pi2 = M_PI * M_PI;
	double k0 = 0, k1 = 0, k2 = 0, k3 = 0, even2 = 0, even3 = 0, root = sqrt(2 * M_PI);

	if (-pi2 / (8 * z2) < -708)
		return 1;
	for (int j = (int)ceil(16 * z / M_PI); j >= 1; j--) {
		double odd = (2 * j - 1) * (2 * j - 1) * pi2 / 4, q = exp(-odd / (2 * z2));
		double whole = pi2 * j * j, w = exp(-whole / (2 * z2));

		k0 += q;
		k1 += (odd - z2) * q;
		k2 += (6 * z6 + 2 * z4 + (2 * z4 - 5 * z2) * odd + (1 - 2 * z2) * odd * odd) * q;
		k3 += ((5 - 30 * z2) * odd * odd * odd + (212 * z4 - 60 * z2) * odd * odd +
		       (135 * z4 - 96 * z6) * odd - 30 * z6 - 90 * z4 * z4) *
		      q;
		even2 += whole * w;
		even3 += (3 * z2 - whole) * whole * w;
	}
	k0 *= root / z;
	k1 *= root / (6 * z4);
	k2 = root * (k2 / (72 * z6 * z) - even2 / (36 * z2 * z));
	k3 = root * (k3 / (6480 * z4 * z6) + even3 / (216 * z6));
	return (1 - k0) - k1 / sqrt(n) - k2 / n - k3 / (n * sqrt(n));
}

static double clip(double p)
{
	return fmin(fmax(p, 0), 1);
}

double ks_one_sample_sf(uint64_t count, double d)
{
	double n = (double)count, t = n * d;

	if (d >= 1)
		return 0;
	if (t <= 0.5)
		return 1;
	if (t <= 1) {
		double p = 1;

		for (uint64_t i = 1; i <= count && p > 0; i++)
			p *= (double)i / n * (2 * t - 1);
		return 1 - p;
	}
	if (t >= n - 1)
		return clip(2 * pow(1 - d, n));
	if (d >= 0.5)
		return clip(2 * one_sided_sf(n, d));
	if (count <= SMALL_N)
		return clip(t * d <= 4 ? 1 - durbin_cdf(count, d) : 2 * one_sided_sf(n, d));
	if (t * d >= 370)
		return 0;
	if (t * d >= 2.2)
		return clip(2 * one_sided_sf(n, d));
	if (count <= 100000 && n * pow(d, 1.5) <= 1.4)
		return clip(1 - durbin_cdf(count, d));
	return clip(pelz_good_sf(n, d));
}

// 2 (C(2n,n-h) - C(2n,n-2h) + ...) / C(2n,n), each quotient from the one before, inside out.
static double equal_sizes_sf(uint64_t n, uint64_t h)
{
	double p = 0;

	for (uint64_t k = n / h + 1; k-- > 0;) {
		double quotient = 1;

		for (uint64_t j = 0; j < h && quotient > 0; j++)
			quotient *= ((double)n - (double)(k * h + j)) / (double)(n + k * h + j + 1);
		p = quotient * (1 - p);
	}
	return 2 * p;
}

// Columns x in turn; u[y] is of the column in hand. Inside are the y with |x m - y n| < limit.
static double paths_outside(uint64_t n, uint64_t m, double limit)
{
	double *u = xmalloc((m + 1) * sizeof *u), last;
	double dn = (double)n, dm = (double)m;
	size_t from = 0; // below it and from `to` on all is outside

	for (size_t y = 0; y <= m; y++)
		u[y] = (double)y * dn >= limit; // x = 0
	for (uint64_t x = 1; x <= n; x++) {
		double dx = (double)x;

		while (from <= m && dx * dm - (double)from * dn >= limit)
			u[from++] = 1;
		for (size_t y = from; y <= m && (double)y * dn - dx * dm < limit; y++) {
			double below = y ? u[y - 1] : 0, dy = (double)y;

			u[y] = (dx * u[y] + dy * below) / (dx + dy);
		}
	}
	last = u[m];
	free(u);
	return last;
}

double ks_two_sample_sf(uint64_t n, uint64_t m, double d)
{
	double en = (double)n * (double)m / (double)(n + m);
	uint64_t g, lcm, h;

	if (n > EXACT_N || m > EXACT_N)
		return ks_one_sample_sf((uint64_t)nearbyint(en), d);
	g = (uint64_t)gcd((int64_t)n, (int64_t)m);
	lcm = n / g * m;
	h = (uint64_t)nearbyint(d * (double)lcm);
	if (!h)
		return 1;
	if (2 * en * d * d > GIVE_UP)
		return 0;
	if (n == m)
		return clip(equal_sizes_sf(n, h));
	return clip(paths_outside(n, m, (double)h * (double)g));
}
