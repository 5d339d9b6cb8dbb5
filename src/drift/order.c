// SPDX-License-Identifier: Apache-2.0
// With F and G the distribution functions of reference and current, N = n + m, and over the distinct values
// z_k of both with l_k occurrences:
//     ks           max |F - G|                     kuiper  max (F - G) + max (G - F)
//     wasserstein  integral of |F - G|             energy  sqrt(2 integral of (F - G)^2)
//     cvm          nm/N^2 sum l_k (F - G)^2 (Anderson 1962). By values, not ranks: where none are equal this
//                  is the rank formula, and two equal constants give 0.
//     ad           Scholz and Stephens (1987), equation 7 with midranks, less its mean and over its standard
//                  deviation.
//
// The walk makes blocks of distinct values with the counts up to and including each; sums are taken a block
// at a time, which also keeps their rounding small. n m (F - G) is a whole number below 2^53 up to 94 million
// values a side, so differences are exact.
#include "drift/order.h"

#include <math.h>

enum { BLOCK = 1024 };
#define EULER 0.57721566490153286061

struct walk {
	double n, m;
	double v[BLOCK + 1], r[BLOCK], c[BLOCK]; // v: and the first value of what follows
	double before_r, before_c;
	double up, down, area, squares, weighted, ad;
	struct order *o;
};

// The first k values of the block, v[k] being the next one.
static void add_block(struct walk *w, size_t k)
{
	double n = w->n, m = w->m, total = n + m, unit = 1 / (n * m);
	double ar = w->before_r, ac = w->before_c, area = 0, squares = 0, weighted = 0, ad = 0;

	for (size_t i = 0; i < k; i++) {
		double r = w->r[i], c = w->c[i], gap = w->v[i + 1] - w->v[i];
		double whole = r * m - c * n, d = whole * unit, here = r - ar + c - ac;
		double middle = ar + ac + here / 2, num = total * ((r + ar) / 2) - middle * n;

		w->up = whole > w->up ? whole : w->up;
		w->down = -whole > w->down ? -whole : w->down;
		area += fabs(d) * gap;
		squares += d * d * gap;
		weighted += here * d * d;
		ad += here * num * num / (middle * (total - middle) - total * here / 4);
		w->o->distinct_r += r > ar;
		ar = r;
		ac = c;
	}
	w->o->distinct += k;
	w->area += area;
	w->squares += squares;
	w->weighted += weighted;
	w->ad += ad;
	w->before_r = ar;
	w->before_c = ac;
}

// Everything but the last value, which may go on.
static size_t flush(struct walk *w, size_t k)
{
	add_block(w, k - 1);
	w->v[0] = w->v[k - 1];
	w->r[0] = w->r[k - 1];
	w->c[0] = w->c[k - 1];
	return 1;
}

static void walk_both(struct walk *w, const double *r, size_t n, const double *c, size_t m)
{
	size_t i = 0, j = 0, k = 0;
	double last = NAN;

	while (i < n || j < m) {
		if (k == BLOCK)
			k = flush(w, k);
		for (; i < n && j < m && k < BLOCK; last = w->v[k - 1]) {
			double x = r[i], y = c[j], z = x <= y ? x : y;

			i += x <= y;
			j += y <= x;
			k += z != last;
			w->v[k - 1] = z;
			w->r[k - 1] = (double)i;
			w->c[k - 1] = (double)j;
		}
		for (; (i == n) != (j == m) && k < BLOCK; last = w->v[k - 1]) {
			double z = i < n ? r[i++] : c[j++];

			k += z != last;
			w->v[k - 1] = z;
			w->r[k - 1] = (double)i;
			w->c[k - 1] = (double)j;
		}
	}
	w->v[k] = w->v[k - 1];
	add_block(w, k);
}

// Sums of 1/j and 1/j^2 for j = 1 .. n, by Euler and Maclaurin's expansion where n is large.
static void harmonic(double n, double *first, double *second)
{
	double s = 1 / (n * n);

	*first = *second = 0;
	if (n >= 100) {
		*first = log(n) + EULER + 1 / (2 * n) - s * (1.0 / 12 - s * (1.0 / 120 - s / 252));
		*second = M_PI * M_PI / 6 - 1 / n + s / 2 - s / n * (1.0 / 6 - s * (1.0 / 30 - s / 42));
		return;
	}
	for (double j = n; j >= 1; j--) {
		*first += 1 / j;
		*second += 1 / (j * j);
	}
}

// The mean of the statistic is 1 for two samples. h and g as in the paper; the double sum g has the closed
// form below, as the sum of H_k/(N-k) is H_N^2 less the sum of 1/k^2.
double ad_normalised(double a2, double n, double m)
{
	double total = n + m, inverse = 1 / n + 1 / m, h, second, g, a, b, c, d, variance;

	if (total < 4)
		return NAN;
	harmonic(total, &h, &second);
	h -= 1 / total;
	g = second - 2 * h / total - 1 / (total * total);
	a = 4 * g - 6 + (10 - 6 * g) * inverse;
	b = (2 * g - 4) * 4 + 16 * h + (2 * g - 14 * h - 4) * inverse - 8 * h + 4 * g - 6;
	c = (6 * h + 2 * g - 2) * 4 + (4 * h - 4 * g + 6) * 2 + (2 * h - 6) * inverse + 4 * h;
	d = (2 * h + 6) * 4 - 8 * h;
	variance = (((a * total + b) * total + c) * total + d) / ((total - 1) * (total - 2) * (total - 3));
	return (a2 - 1) / sqrt(variance);
}

void order_compare(struct order *o, const double *r, size_t n, const double *c, size_t m)
{
	struct walk w = {.n = (double)n, .m = (double)m, .o = o};
	double total = w.n + w.m;

	*o = (struct order){0};
	walk_both(&w, r, n, c, m);
	o->ks = fmax(w.up, w.down) / (w.n * w.m);
	o->kuiper = (w.up + w.down) / (w.n * w.m);
	o->wasserstein = w.area;
	o->energy = sqrt(2 * w.squares);
	o->cvm = w.weighted * w.n * w.m / (total * total);
	o->ad = o->distinct < 2
		    ? NAN
		    : ad_normalised(w.ad / total * (1 / w.n + 1 / w.m) * (total - 1) / total, w.n, w.m);
}

static double mean_of(const double *v, size_t n, double scale, double origin)
{
	double sum = 0;

	for (size_t at = 0; at < n; at += BLOCK) {
		size_t end = at + BLOCK < n ? at + BLOCK : n;
		double even = 0, odd = 0;

		for (size_t i = at; i < end; i++) {
			double t = even;

			even = odd + (v[i] * scale - origin); // two sums in turn
			odd = t;
		}
		sum += even + odd;
	}
	return sum / (double)n;
}

void moments_of(struct moments *s, const double *v, size_t n)
{
	double range = v[n - 1] - v[0], dn = (double)n, scale, origin, off = 0, squares = 0, cubes = 0;

	*s = (struct moments){.origin = v[0], .variance = n > 1 ? 0 : NAN, .skew = NAN};
	if (!(range > 0))
		return;
	s->exponent = isinf(range) ? 1023 : ilogb(range);
	s->exponent = s->exponent < -1000 ? -1000 : s->exponent;
	scale = ldexp(1, -s->exponent);
	origin = v[0] * scale;
	s->mean = mean_of(v, n, scale, origin);
	for (size_t at = 0; at < n; at += BLOCK) {
		size_t end = at + BLOCK < n ? at + BLOCK : n;
		double sum1 = 0, sum2 = 0, sum3 = 0;

		for (size_t i = at; i < end; i++) {
			double x = v[i] * scale - origin - s->mean;

			sum1 += x;
			sum2 += x * x;
			sum3 += x * x * x;
		}
		off += sum1;
		squares += sum2;
		cubes += sum3;
	}
	off /= dn; // what the mean is off by
	s->mean += off;
	squares -= off * off * dn;
	s->variance = squares / (dn - 1);
	s->sd = sqrt(squares / dn);
	s->skew = (cubes / dn - 3 * off * squares / dn) / (s->sd * s->sd * s->sd);
}

double moments_plain_sd(const struct moments *s)
{
	double square = ldexp(s->sd * s->sd, 2 * s->exponent);

	return sqrt(square);
}
