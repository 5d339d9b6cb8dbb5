// SPDX-License-Identifier: Apache-2.0
// What a picture of two distributions shows: shares of both sides over the same values and ranges.
//
// Numbers come as fine bins of any widths (a pane's grid, or a sample's values). What is drawn is at most a
// few values that hold much by themselves, and cells of equal width on a linear or logarithmic axis: a fine
// bin's share is spread evenly over the cells that it covers, so a wide bin is never drawn higher than a
// narrow one of the same density. What lies far out (beyond the middle 98 % by more than that is wide) is not
// drawn but told: below and above the axis.
#ifndef KD_REPORT_SHAPE_H
#define KD_REPORT_SHAPE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fine_bin {
	double lo, hi; // finite, lo <= hi; lo == hi: all its values are equal
	double r, c;   // counts: reference, current
	int outer; // -1, 1: what a grid has below or above it, which is told, not drawn, as nothing is known
		   // inside
};

struct share_row {
	char *label; // as it is, to be escaped where it is shown
	double r, c; // shares of their side
};

struct share_cell {
	double lo, hi, r, c;
};

enum { SHAPE_POINTS = 20, SHAPE_HEAVY = 6, SHAPE_HEAVY_SHARE = 25 };

struct shape {
	uint64_t n_r, n_c;	  // values
	struct share_row *points; // ascending values of numbers; categories in the order they were added
	size_t npoints, cappoints;
	double others_r, others_c; // categories without a row: told, not drawn
	struct share_cell *cells;  // none: the points are all
	size_t ncells;
	bool log;
	double step;			// the cells' width; 0 where log
	struct share_cell below, above; // beyond the axis: lo, hi are the extremes there
};

// All values apart where there are at most SHAPE_POINTS, else those with at least 1/SHAPE_HEAVY_SHARE of a
// side (at most SHAPE_HEAVY), and about `cells` cells for the rest. Bins may overlap.
void shape_of_bins(struct shape *s, const struct fine_bin *bins, size_t n, size_t cells);
// Of two sorted samples without NaN and infinities: their values or some thousand stretches of them.
void shape_of_samples(struct shape *s, const double *r, size_t n, const double *c, size_t m, size_t cells);
// Categories: begin with an empty one (SHAPE_INIT and the sizes), then one row after the other.
#define SHAPE_INIT                                                                                           \
	{                                                                                                    \
		.n_r = 0                                                                                     \
	}
void shape_add(struct shape *s, const char *label, size_t len, double r, double c);
void shape_release(struct shape *s);
double shape_most(const struct share_row *rows, size_t n); // the largest share of any
#endif
