// SPDX-License-Identifier: Apache-2.0
// Look-up. The line is cut into GUIDE_CELLS cells by c(x) = clamp((x - lo) * scale), which never falls as x
// rises, rounding included. guide[c] is the number of edges in cells before c: all of them are < x, all
// edges in later cells are > x, so the bin lies in [guide[c], guide[c + 1]] and only the cell's own edges are
// compared. The usual cell has at most LANES of them, counted without a branch; that may read on into later
// edges, which count nothing, and past the last edge, where LANES infinities stand.
#include "stats/grid.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/edges.h"
#include "util/buf.h"
#include "util/digest.h"
#include "util/sort.h"
#include "util/xalloc.h"

enum { LANES = 4 };

static inline size_t cell_of(double lo, double scale, double x)
{
	double t = (x - lo) * scale;

	t = t > 0 ? t : 0; // NaN (infinity times 0) too
	t = t < GUIDE_CELLS - 1 ? t : GUIDE_CELLS - 1;
	return (size_t)t;
}

// What a look-up costs on average, up to a constant, when every bin is equally likely.
static double guide_cost(const double *e, size_t n, double lo, double scale)
{
	double cost = 0;

	for (size_t i = 0, j; i < n; i = j) {
		size_t c = cell_of(lo, scale, e[i]);

		for (j = i + 1; j < n && cell_of(lo, scale, e[j]) == c; j++)
			;
		if (j - i > LANES)
			cost += (double)(j - i) * log2((double)(j - i) / LANES);
	}
	return cost;
}

// Far tails would squeeze all other edges into a few cells, so the cells may cover the middle only.
static void guide_build(struct grid *g)
{
	double best = INFINITY;

	for (size_t part = 0; part <= 5; part++) {
		size_t trim = part ? g->n >> (part + 1) : 0;
		double lo = g->edges[trim], width = g->edges[g->n - 1 - trim] - lo;
		double scale = width > 0 && isfinite(GUIDE_CELLS / width) ? GUIDE_CELLS / width : 0;
		double cost = guide_cost(g->edges, g->n, lo, scale);

		if (cost < best) {
			best = cost;
			g->guide_lo = lo;
			g->guide_scale = scale;
		}
	}
	g->guide = xmalloc((GUIDE_CELLS + 1) * sizeof *g->guide);
	for (size_t c = 0, i = 0; c <= GUIDE_CELLS; c++) {
		while (i < g->n && cell_of(g->guide_lo, g->guide_scale, g->edges[i]) < c)
			i++;
		g->guide[c] = (uint16_t)i;
	}
}

bool grid_edges_valid(const double *edges, size_t n)
{
	if (n < 1 || n > GRID_MAX_EDGES)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isfinite(edges[i]) || (i && edges[i - 1] >= edges[i]))
			return false;
	return true;
}

struct grid *grid_new(const double *edges, size_t n)
{
	struct grid *g = xcalloc(1, sizeof *g);
	struct buf b = BUF_INIT;

	g->n = n;
	g->edges = xmalloc((n + LANES) * sizeof *g->edges);
	for (size_t i = 0; i < n + LANES; i++)
		g->edges[i] = i < n ? edges[i] + 0.0 : INFINITY; // -0 becomes 0
	for (size_t i = 0; i < n; i++)
		buf_f64(&b, g->edges[i]);
	sha256_hex(b.data, b.len, g->id, sizeof g->id - 1);
	buf_release(&b);
	guide_build(g);
	return g;
}

void grid_free(struct grid *g)
{
	if (!g)
		return;
	free(g->edges);
	free(g->guide);
	free(g);
}

static inline size_t look_up(const struct grid *g, double x)
{
	size_t c = cell_of(g->guide_lo, g->guide_scale, x);
	size_t i = g->guide[c], end = g->guide[c + 1];
	const double *e = g->edges;

	while (end - i > LANES) {
		size_t mid = i + (end - i) / 2;

		if (e[mid] <= x)
			i = mid + 1;
		else
			end = mid;
	}
	return i + (e[i] <= x) + (e[i + 1] <= x) + (e[i + 2] <= x) + (e[i + 3] <= x);
}

size_t grid_bin(const struct grid *g, double x)
{
	return look_up(g, x);
}

void grid_bins_of(const struct grid *g, const double *x, size_t n, uint16_t *bins)
{
	for (size_t i = 0; i < n; i++)
		bins[i] = (uint16_t)look_up(g, x[i]);
}

int grid_bin_is_point(const struct grid *g, size_t bin)
{
	if (!bin || bin >= g->n)
		return 0;
	double lo = g->edges[bin - 1], hi = g->edges[bin], unit = fabs(lo) * DBL_EPSILON; // at most two of its neighbours
	return hi - lo <= fmax(unit, DBL_MIN) && hi == nextafter(lo, INFINITY);
}

static void point_add(struct edges *s, double v)
{
	edge_add(s, v);
	edge_add(s, nextafter(v, INFINITY));
}

struct grid *edges_grid(struct edges *s)
{
	size_t k = 0;

	qsort(s->e, s->n, sizeof *s->e, double_cmp);
	for (size_t i = 0; i < s->n; i++)
		if (!k || s->e[i] != s->e[k - 1])
			s->e[k++] = s->e[i];
	struct grid *g = grid_new(s->e, k);
	free(s->e);
	return g;
}

struct grid *grid_from_sorted(const double *sorted, size_t n)
{
	static const double tails[] = {1e-4, 1e-3, 1 - 1e-3, 1 - 1e-4};
	double min = sorted[0], max = sorted[n - 1];
	size_t distinct = 1;
	struct edges s = {0};

	for (size_t i = 1; i < n; i++)
		distinct += sorted[i] != sorted[i - 1];
	for (size_t i = 0, j; i < n; i = j) {
		for (j = i + 1; j < n && sorted[j] == sorted[i]; j++)
			;
		if (distinct <= GRID_CUTS || (j - i) >= (n + GRID_CUTS - 1) / GRID_CUTS)
			point_add(&s, sorted[i]);
	}
	if (distinct > GRID_CUTS) {
		for (size_t i = 1; i < GRID_CUTS + ARRAY_LEN(tails); i++) {
			double q = i < GRID_CUTS ? (double)i / GRID_CUTS : tails[i - GRID_CUTS];
			double cut = sorted[(size_t)(q * (double)n)];

			if (cut < max) // the largest value needs a bin of its own only where it is heavy
				edge_add(&s, cut);
		}
	}
	if (min <= 0 && max >= 0)
		point_add(&s, 0);
	edge_add(&s, min);
	edge_add(&s, nextafter(max, INFINITY));
	return edges_grid(&s);
}

// Logarithmic bins: sign * (LOG_SHIFT + ceil(log |x| / log gamma)). Every double's logarithm over log gamma
// lies within +-74,500, so the shift keeps the bins' numbers positive and their order that of the values.
enum { LOG_SHIFT = 100000 };
static const double log_gamma = 0.010000083334583356; // log(1.005 / 0.995)

int32_t loggrid_bin(double x)
{
	if (x == 0)
		return 0;
	int32_t i = LOG_SHIFT + (int32_t)ceil(log(fabs(x)) / log_gamma);
	return x < 0 ? -i : i;
}

void loggrid_range(int32_t bin, double *lo, double *hi)
{
	double i = fabs((double)bin) - LOG_SHIFT;

	*lo = bin ? fmin(exp((i - 1) * log_gamma), DBL_MAX) : 0;
	*hi = bin ? fmin(exp(i * log_gamma), DBL_MAX) : 0;
	if (bin < 0) {
		double t = *lo;

		*lo = -*hi;
		*hi = -t;
	}
}
