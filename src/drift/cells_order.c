// SPDX-License-Identifier: Apache-2.0
// F and G are the distribution functions of reference and current, n and m their sizes, N = n + m, and d is
// F - G. At the ends of cells d is known. Inside an open cell with r and c values after R and C
//
//     d lies in [R/n - (C + c)/m, (R + r)/n - C/m]
//
// and the cell's values in what it shares with [least, greatest]. So much bounds every measure here; the
// estimates take values as evenly spread and each different from the others.
//
//   integrals  of |d| and of d^2: the width times the least and the most that |d| and d^2 can be. In an outer
//              cell the integrals of F and of G are exact (the values' sums are), hence for |d| the difference
//              and the sum of both; for d^2 the square of the difference over the width (Cauchy and Schwarz)
//              and the sum times the most that |d| can be.
//   cvm        as many times d^2 as there are values.
//   ad         a group of s equal values with b before and t after it adds s d^2 / (bt + s(b + t)/4), with d at
//              its middle rank (equation 7 of Scholz and Stephens 1987). What is divided by is concave in both
//              ends of the group, so it is least at a corner: the first value alone, the last alone, or all.
//              Before the first cell there is nothing, so |d| is at most B/min(n, m) at the middle rank B, and
//              s B^2 over it at most 2 s B/t, which sums to l^2/T for a cell of l values with T after it.
#include "drift/cells_order.h"

#include <math.h>

#include "drift/order.h"

enum { STEPS = 8 };

struct walk {
	double n, m, total, least, greatest;
	double r, c; // before the cell
	double up, down, up_most, down_most;
	struct within area, squares, weighted, ad;
};

// A cell with what is known of d in it.
struct span {
	double r, c, lo, hi;
	double before, after, most, least; // d; most and least of |d|
};

static void add(struct within *sum, double value, double low, double high)
{
	sum->value += fmin(fmax(value, low), high);
	sum->low += low;
	sum->high += high;
}

// The integral of |d0 + (d1 - d0) t| over the given width.
static double linear_area(double d0, double d1, double width)
{
	double a = fabs(d0), b = fabs(d1);

	if ((d0 < 0) == (d1 < 0) || a + b == 0)
		return width * (a + b) / 2;
	return width * (a * a + b * b) / (2 * (a + b));
}

static double linear_square(double d0, double d1)
{
	return (d0 * d0 + d0 * d1 + d1 * d1) / 3;
}

static void integrate(struct walk *w, const struct span *s)
{
	double width = s->hi - s->lo;

	add(&w->area, linear_area(s->before, s->after, width), width * s->least, width * s->most);
	add(&w->squares, width * linear_square(s->before, s->after), width * s->least * s->least,
	    width * s->most * s->most);
}

// What one side has beyond the grid's edge: its share, and the integral of that share over the distance.
struct tail {
	double share, area;
};

static struct tail tail_of(const struct field_stats *f, uint64_t n, const struct xsum *sum, double edge)
{
	double share = (double)n / (double)f->count;

	return (struct tail){share, n ? share * fabs(mean_from(sum, n, edge)) : 0};
}

// The integral of the product of two shares that fall evenly from the edge on, each over twice its mean distance.
static double ramps(struct tail a, struct tail b)
{
	double wide_a = a.share ? 2 * a.area / a.share : 0, wide_b = b.share ? 2 * b.area / b.share : 0;
	double h = fmin(wide_a, wide_b), p, q;

	if (!(h > 0))
		return 0;
	p = h / wide_a;
	q = h / wide_b;
	return a.share * b.share * h * (1 - (p + q) / 2 + p * q / 3);
}

static void integrate_outer(struct walk *w, struct tail r, struct tail c, double width)
{
	double apart = fabs(r.area - c.area), both = r.area + c.area;
	double low = width > 0 ? apart / width * apart : 0;

	add(&w->area, apart, apart, fmax(apart, fmin(both, width * fmax(r.share, c.share))));
	add(&w->squares, ramps(r, r) + ramps(c, c) - 2 * ramps(r, c), low, fmax(low, both * fmax(r.share, c.share)));
}

static void add_weighted(struct walk *w, const struct span *s)
{
	double l = s->r + s->c, d = s->before, step = s->after - d;

	add(&w->weighted, l * d * d + d * step * (l + 1) + step * step * (l + 1) * (2 * l + 1) / (6 * l),
	    l * s->least * s->least, l * s->most * s->most);
}

// What d^2 is divided by, for s equal values after b of all.
static double spread_of(double total, double b, double s)
{
	double t = total - b - s;

	return b * t + s * (b + t) / 4;
}

static double ad_high(const struct walk *w, const struct span *s)
{
	double b = w->r + w->c, l = s->r + s->c, t = w->total - b - l, smaller = fmin(w->n, w->m);
	double divisor = fmin(spread_of(w->total, b, l),
			      fmin(spread_of(w->total, b, 1), spread_of(w->total, b + l - 1, 1)));
	double high = l * s->most * s->most / divisor;

	if (!b && t > 0)
		high = fmin(high, l / smaller * (l / smaller) / t);
	if (!t && b > 0)
		high = fmin(high, l / smaller * (l / smaller) / b);
	return high;
}

static void add_ad(struct walk *w, const struct span *s)
{
	double b = w->r + w->c, l = s->r + s->c, steps = fmin(l, STEPS), value = 0, middle;

	for (double k = 0.5; k < steps; k++) {
		double d = s->before + (s->after - s->before) * k / steps, at = b + l * k / steps;

		value += l / steps * d * d / (at * (w->total - at) - w->total / 4);
	}
	middle = fmin(fmax(w->total / 2, b + 0.5), b + l - 0.5);
	add(&w->ad, value, l * s->least * s->least / (middle * (w->total - middle) - w->total / 4), ad_high(w, s));
}

static void add_point(struct walk *w, const struct span *s)
{
	double l = s->r + s->c, middle = (s->before + s->after) / 2, known = l * s->after * s->after;
	double ad = l * middle * middle / spread_of(w->total, w->r + w->c, l);

	add(&w->weighted, known, known, known);
	if (w->least < w->greatest)
		add(&w->ad, ad, ad, ad);
}

// The cells' values one after another; `outer`: the walk knows the integrals there.
static void step(struct walk *w, struct span *s, bool outer)
{
	double top = (w->r + s->r) / w->n - w->c / w->m, bottom = w->r / w->n - (w->c + s->c) / w->m;
	bool point = s->r + s->c == 1 || (s->lo == s->hi && !outer);

	s->before = w->r / w->n - w->c / w->m;
	s->after = (w->r + s->r) / w->n - (w->c + s->c) / w->m;
	s->most = fmax(top, -bottom);
	s->least = fmax(0, fmax(bottom, -top));
	if (!outer)
		integrate(w, s);
	if (s->r + s->c == 0)
		return;
	if (point) {
		add_point(w, s);
	} else {
		add_weighted(w, s);
		add_ad(w, s);
	}
	w->up = fmax(w->up, s->after);
	w->down = fmax(w->down, -s->after);
	w->up_most = fmax(w->up_most, point ? s->after : top);
	w->down_most = fmax(w->down_most, point ? -s->after : -bottom);
	w->r += s->r;
	w->c += s->c;
}

// d from where the walk is to the next cell.
static void gap(struct walk *w, double from, double to)
{
	double d = fabs(w->r / w->n - w->c / w->m), width = fmax(0, to - from);

	add(&w->area, width * d, width * d, width * d);
	add(&w->squares, width * d * d, width * d * d, width * d * d);
}

static double clamped(const struct walk *w, double x)
{
	return fmin(fmax(x, w->least), w->greatest);
}

static void walk_cells(struct walk *w, const struct cells *s, const struct measure_input *in)
{
	const struct field_stats *r = in->reference.field, *c = in->current.field;
	size_t last = s->n - 1;

	for (size_t i = 0; i < s->n; i++) {
		const struct cell *v = &s->v[i];
		bool outer = s->outer && (!i || i == last);
		struct span one = {v->r, v->c, clamped(w, v->lo), clamped(w, v->hi), 0, 0, 0, 0};

		if (i)
			gap(w, clamped(w, s->v[i - 1].hi), one.lo);
		if (outer && !i)
			integrate_outer(w, tail_of(r, r->bins[0], &r->low_sum, v->hi),
					tail_of(c, c->bins[0], &c->low_sum, v->hi), fmax(0, v->hi - w->least));
		else if (outer)
			integrate_outer(w, tail_of(r, r->bins[i], &r->high_sum, v->lo),
					tail_of(c, c->bins[i], &c->high_sum, v->lo), fmax(0, w->greatest - v->lo));
		step(w, &one, outer);
	}
}

static struct within scaled(const struct within *w, double by)
{
	return (struct within){w->value * by, w->low * by, w->high * by};
}

void cells_order(struct cells_order *o, const struct cells *s, const struct measure_input *in)
{
	const struct field_stats *r = in->reference.field, *c = in->current.field;
	struct walk w = {.n = s->nr, .m = s->nc, .total = s->nr + s->nc};
	double both = w.n / w.total * (w.m / w.total);

	w.least = fmin(r->min, c->min);
	w.greatest = fmax(r->max, c->max);
	walk_cells(&w, s, in);
	o->vague = r->approximate || c->approximate;
	o->ks = (struct within){fmax(w.up, w.down), fmax(w.up, w.down), fmax(w.up_most, w.down_most)};
	o->kuiper = (struct within){w.up + w.down, w.up + w.down, w.up_most + w.down_most};
	o->wasserstein = w.area;
	o->energy = (struct within){sqrt(2 * w.squares.value), sqrt(2 * w.squares.low), sqrt(2 * w.squares.high)};
	o->cvm = scaled(&w.weighted, both);
	o->ad = scaled(&w.ad, w.n * w.m / w.total * (w.total - 1)); // of num^2 = (nm d)^2, as order.c has it
	o->ad.value = w.least < w.greatest ? ad_normalised(o->ad.value, w.n, w.m) : NAN;
	o->ad.low = ad_normalised(o->ad.low, w.n, w.m);
	o->ad.high = ad_normalised(o->ad.high, w.n, w.m);
}

double within_error(const struct cells_order *o, const struct within *w)
{
	return o->vague ? NAN : fmax(0, fmax(w->high - w->value, w->value - w->low));
}
