// SPDX-License-Identifier: Apache-2.0
#include "report/shape.h"

#include <math.h>
#include <stdlib.h>

#include "report/axis.h"
#include "util/xalloc.h"

enum { STRETCHES = 2048, RUNS = 512 };

void shape_add(struct shape *s, const char *label, size_t len, double r, double c)
{
	GROW(s->points, s->npoints, s->cappoints);
	s->points[s->npoints++] = (struct share_row){xstrndup(label, len), r, c};
}

void shape_release(struct shape *s)
{
	for (size_t i = 0; i < s->npoints; i++)
		free(s->points[i].label);
	free(s->points);
	free(s->cells);
	*s = (struct shape)SHAPE_INIT;
}

double shape_most(const struct share_row *rows, size_t n)
{
	double most = 0;

	for (size_t i = 0; i < n; i++)
		most = fmax(most, fmax(rows[i].r, rows[i].c));
	return most;
}

// --- numbers ------------------------------------------------------------------------------------------

static int by_place(const void *a, const void *b)
{
	const struct fine_bin *x = a, *y = b;

	return x->lo != y->lo ? (x->lo < y->lo ? -1 : 1) : (x->hi > y->hi) - (x->hi < y->hi);
}

struct work {
	struct fine_bin *bins; // shares, ascending, none empty
	size_t n;
	double lo, hi; // the axis
	double rest;   // of both sides together, what the points leave
};

static void tell_outer(struct shape *s, const struct fine_bin *b)
{
	struct share_cell *side = b->outer < 0 ? &s->below : &s->above;
	bool first = !side->r && !side->c;

	side->lo = first ? b->lo : fmin(side->lo, b->lo);
	side->hi = first ? b->hi : fmax(side->hi, b->hi);
	side->r += b->r;
	side->c += b->c;
}

static void work_init(struct work *w, struct shape *s, const struct fine_bin *bins, size_t n)
{
	double r = 0, c = 0;
	bool inner = false;

	*w = (struct work){.bins = xcalloc(n + 1, sizeof *bins)};
	for (size_t i = 0; i < n; i++) {
		r += bins[i].r;
		c += bins[i].c;
		inner |= !bins[i].outer && (bins[i].r || bins[i].c);
	}
	s->n_r = (uint64_t)r;
	s->n_c = (uint64_t)c;
	for (size_t i = 0; i < n; i++) {
		struct fine_bin b = bins[i];
		b.r /= r ? r : 1;
		b.c /= c ? c : 1;
		if (!b.r && !b.c)
			continue;
		if (inner && b.outer)
			tell_outer(s, &b);
		else
			w->bins[w->n++] = b;
	}
	qsort(w->bins, w->n, sizeof *w->bins, by_place);
}

static void add_point(struct shape *s, const struct fine_bin *b)
{
	char label[AXIS_LABEL];

	number_label(b->lo, 0, label);
	shape_add(s, label, AXIS_LABEL, b->r, b->c);
}

static double weight(const struct fine_bin *b)
{
	return fmax(b->r, b->c);
}

// The least share that a value of its own must have: that of the SHAPE_HEAVY heaviest.
static double heavy_from(const struct work *w)
{
	double least[SHAPE_HEAVY + 1] = {0}; // descending; the last: what just fails

	for (size_t i = 0; i < w->n; i++) {
		double v = w->bins[i].lo == w->bins[i].hi ? weight(&w->bins[i]) : 0;
		for (size_t k = 0; k <= SHAPE_HEAVY; k++)
			if (v > least[k]) {
				double t = least[k];
				least[k] = v;
				v = t;
			}
	}
	return fmax(1.0 / SHAPE_HEAVY_SHARE, nextafter(least[SHAPE_HEAVY], 2));
}

static void take_points(struct shape *s, struct work *w)
{
	size_t left = 0;
	bool all = w->n <= SHAPE_POINTS;

	for (size_t i = 0; i < w->n; i++)
		all &= w->bins[i].lo == w->bins[i].hi;
	double heavy = all ? 0 : heavy_from(w);
	for (size_t i = 0; i < w->n; i++) {
		const struct fine_bin *b = &w->bins[i];
		if (b->lo == b->hi && weight(b) >= heavy) {
			add_point(s, b);
		} else {
			w->rest += b->r + b->c;
			w->bins[left++] = *b;
		}
	}
	w->n = left;
}

// Where the share q of what is left has passed.
static double place_of(const struct work *w, double q)
{
	double sum = 0;

	for (size_t i = 0; i < w->n; i++) {
		const struct fine_bin *b = &w->bins[i];
		double own = b->r + b->c;
		if (sum + own >= q * w->rest)
			return b->lo + (b->hi - b->lo) * fmax(0, q * w->rest - sum) / own;
		sum += own;
	}
	return w->bins[w->n - 1].hi;
}

static bool whole_numbers(const struct work *w)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->bins[i].lo != floor(w->bins[i].lo) || w->bins[i].hi != floor(w->bins[i].hi))
			return false;
	return true;
}

static void lay_out(struct shape *s, struct work *w, size_t cells)
{
	double lo = INFINITY, hi = -INFINITY, near = place_of(w, 0.01), far = place_of(w, 0.99);

	for (size_t i = 0; i < w->n; i++) {
		lo = fmin(lo, w->bins[i].lo);
		hi = fmax(hi, w->bins[i].hi);
	}
	s->log = lo > 0 && far / near > 200;
	if (s->log) {
		double fit = (double)cells / ceil(log10(hi) - log10(lo) + 1e-9); // cells a decade
		double per = fit >= 10	  ? 10
			     : fit >= 5	  ? 5
			     : fit >= 2	  ? 2
			     : fit >= 0.9 ? 1
					  : 1 / ceil(1 / fit);
		double first = floor(log10(lo) * per + 1e-9), last = floor(log10(hi) * per + 1e-9) + 1;
		w->lo = first / per;
		w->hi = last / per;
		s->ncells = (size_t)(last - first);
		return;
	}
	double reach = far - near;
	lo = near - reach > lo ? near - reach / 4 : lo;
	hi = far + reach < hi ? far + reach / 4 : hi;
	if (lo >= hi || !isfinite(hi - lo) || (hi - lo) / fmax(fabs(lo), fabs(hi)) < 1e-12) {
		w->lo = lo;
		w->hi = hi > lo ? hi : nextafter(lo, INFINITY);
		s->ncells = 1;
		return;
	}
	s->step = nice_step((hi - lo) / (double)cells);
	if (whole_numbers(w))
		s->step = fmax(s->step, 1);
	w->lo = floor(lo / s->step + 1e-9) * s->step;
	s->ncells = (size_t)(floor((hi - w->lo) / s->step + 1e-9)) + 1;
	w->hi = w->lo + (double)s->ncells * s->step;
}

// In axis units.
static double on_axis(const struct shape *s, double x)
{
	return s->log ? log10(x) : x;
}

static void add_share(struct share_cell *cell, const struct fine_bin *b, double part)
{
	cell->r += b->r * part;
	cell->c += b->c * part;
}

static size_t cell_of(const struct shape *s, const struct work *w, double x)
{
	double at = (x - w->lo) / (w->hi - w->lo) * (double)s->ncells + 1e-9;

	return at <= 0 ? 0 : at >= (double)s->ncells ? s->ncells - 1 : (size_t)at;
}

static void spread(struct shape *s, const struct work *w, const struct fine_bin *b)
{
	double lo = on_axis(s, b->lo), hi = on_axis(s, b->hi), width = (w->hi - w->lo) / (double)s->ncells;

	if (hi < w->lo || (lo < w->lo && lo == hi)) {
		add_share(&s->below, b, 1);
		return;
	}
	if (lo > w->hi) {
		add_share(&s->above, b, 1);
		return;
	}
	if (lo == hi) {
		add_share(&s->cells[cell_of(s, w, lo)], b, 1);
		return;
	}
	if (lo < w->lo)
		add_share(&s->below, b, (w->lo - lo) / (hi - lo));
	if (hi > w->hi)
		add_share(&s->above, b, (hi - w->hi) / (hi - lo));
	for (size_t i = cell_of(s, w, lo), last = cell_of(s, w, hi); i <= last; i++) {
		double from = fmax(lo, w->lo + (double)i * width),
		       to = fmin(hi, w->lo + (double)(i + 1) * width);
		if (to > from)
			add_share(&s->cells[i], b, (to - from) / (hi - lo));
	}
}

static void fill(struct shape *s, const struct work *w)
{
	double width = (w->hi - w->lo) / (double)s->ncells;

	s->cells = xcalloc(s->ncells, sizeof *s->cells);
	for (size_t i = 0; i < s->ncells; i++) {
		double lo = w->lo + (double)i * width,
		       hi = i + 1 < s->ncells ? w->lo + (double)(i + 1) * width : w->hi;
		s->cells[i].lo = s->log ? pow(10, lo) : lo;
		s->cells[i].hi = s->log ? pow(10, hi) : hi;
	}
	s->below.lo = s->below.r + s->below.c > 0 ? fmin(s->below.lo, w->bins[0].lo) : w->bins[0].lo;
	s->below.hi = s->cells[0].lo;
	s->above.lo = s->cells[s->ncells - 1].hi;
	s->above.hi = fmax(s->above.hi, s->above.lo);
	for (size_t i = 0; i < w->n; i++) {
		s->above.hi = fmax(s->above.hi, w->bins[i].hi);
		spread(s, w, &w->bins[i]);
	}
}

void shape_of_bins(struct shape *s, const struct fine_bin *bins, size_t n, size_t cells)
{
	struct work w;

	*s = (struct shape)SHAPE_INIT;
	work_init(&w, s, bins, n);
	take_points(s, &w);
	if (w.n) {
		lay_out(s, &w, cells);
		fill(s, &w);
	}
	free(w.bins);
}

// Takes all values equal to the least of both samples.
static struct fine_bin next_value(const double *r, size_t n, const double *c, size_t m, size_t *i, size_t *j)
{
	double v = *j == m || (*i < n && r[*i] <= c[*j]) ? r[*i] : c[*j];
	struct fine_bin b = {.lo = v + 0.0, .hi = v + 0.0};

	for (; *i < n && r[*i] == v; ++*i)
		b.r++;
	for (; *j < m && c[*j] == v; ++*j)
		b.c++;
	return b;
}

struct bins {
	struct fine_bin *v;
	size_t n, cap;
};

static void bins_add(struct bins *b, const struct fine_bin *one)
{
	if (!one->r && !one->c)
		return;
	GROW(b->v, b->n, b->cap);
	b->v[b->n++] = *one;
}

// Each side by itself: one is not drawn where only the other has values.
struct stretch {
	struct fine_bin r, c;
};

static void stretch_add(struct stretch *s, const struct fine_bin *b)
{
	if (b->r)
		s->r = (struct fine_bin){.lo = s->r.r ? s->r.lo : b->lo, .hi = b->hi, .r = s->r.r + b->r};
	if (b->c)
		s->c = (struct fine_bin){.lo = s->c.c ? s->c.lo : b->lo, .hi = b->hi, .c = s->c.c + b->c};
}

static void stretch_end(struct stretch *s, struct bins *bins)
{
	if (s->r.r && s->c.c && s->r.lo == s->c.lo && s->r.hi == s->c.hi) {
		s->r.c = s->c.c;
		s->c.c = 0;
	}
	bins_add(bins, &s->r);
	bins_add(bins, &s->c);
	*s = (struct stretch){.r = {.lo = 0}};
}

static bool few_values(const double *r, size_t n, const double *c, size_t m)
{
	size_t values = 0;

	for (size_t i = 0, j = 0; (i < n || j < m) && values <= SHAPE_POINTS; values++)
		next_value(r, n, c, m, &i, &j);
	return values <= SHAPE_POINTS;
}

void shape_of_samples(struct shape *s, const double *r, size_t n, const double *c, size_t m, size_t cells)
{
	struct bins bins = {NULL, 0, 0};
	struct stretch open = {.r = {.lo = 0}};
	double full = (double)(n + m) / STRETCHES;
	bool apart = few_values(r, n, c, m);

	for (size_t i = 0, j = 0; i < n || j < m;) {
		struct fine_bin b = next_value(r, n, c, m, &i, &j);
		bool heavy = apart || b.r * RUNS >= (double)n || b.c * RUNS >= (double)m;

		if (heavy || open.r.r + open.c.c >= full)
			stretch_end(&open, &bins);
		if (heavy)
			bins_add(&bins, &b);
		else
			stretch_add(&open, &b);
	}
	stretch_end(&open, &bins);
	shape_of_bins(s, bins.v, bins.n, cells);
	free(bins.v);
}
