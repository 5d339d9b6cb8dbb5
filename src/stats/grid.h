// SPDX-License-Identifier: Apache-2.0
// Grids for numeric histograms.
//
// A *quantile grid* is a sorted array of edges; bin i holds edges[i-1] <= x < edges[i], bin 0 everything
// below the first edge and bin n everything from the last edge on (the two outer bins are "out of
// range"). A value v in a bin of its own is the pair of edges v and nextafter(v, +inf), so point bins and
// open gaps need no special case, and one upper-bound search serves them all. -0 counts as 0.
//
// The *logarithmic grid* (no baseline yet) has relative error 0.5 %: bin index ceil(log(|x|)/log(gamma))
// with gamma = 1.005/0.995, signs apart, zero in a bin of its own (Masson, Rim, Lee: DDSketch, VLDB 2019).
#ifndef KD_STATS_GRID_H
#define KD_STATS_GRID_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct grid {
	char id[17];   // 16 hex digits of the SHA-256 of the little-endian edges
	size_t n;      // edges, 1 to GRID_MAX_EDGES; bins = n + 1
	double *edges; // strictly ascending, finite
	uint16_t *guide; // look-up accelerator, private to grid.c
	double guide_lo, guide_scale;
};

enum { GRID_CUTS = 256, GUIDE_CELLS = 1024, GRID_MAX_EDGES = 65535 };

// Strictly ascending, finite, 1 <= n <= GRID_MAX_EDGES: what grid_new demands. Ask before, of a file's edges.
bool grid_edges_valid(const double *edges, size_t n);
// From valid edges (copied). The caller frees with grid_free.
struct grid *grid_new(const double *edges, size_t n);
void grid_free(struct grid *g);
// GRID_CUTS quantile cuts of `sorted` (ascending, finite, n >= 1), tail cuts at 1e-3 and 1e-4, every value
// that holds at least 1/GRID_CUTS of the rows (and 0 where it lies between the extremes, and all values where
// there are at most GRID_CUTS distinct ones) in a bin of its own; the outer bins begin below the minimum and
// above the maximum.
struct grid *grid_from_sorted(const double *sorted, size_t n);
size_t grid_bin(const struct grid *g, double x);          // x finite
void grid_bins_of(const struct grid *g, const double *x, size_t n, uint16_t *bins); // the same for n of them
static inline size_t grid_bins(const struct grid *g)
{
	return g->n + 1;
}
// A point bin [v, nextafter(v)).
int grid_bin_is_point(const struct grid *g, size_t bin);

int32_t loggrid_bin(double x);             // x finite
// The bin's interval [lo, hi] in value order; zero's bin is [0, 0].
void loggrid_range(int32_t bin, double *lo, double *hi);
#endif
