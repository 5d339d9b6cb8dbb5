// SPDX-License-Identifier: Apache-2.0
// What the exact measures share of a pair of samples, made once. Private to the drift room.
#ifndef KD_DRIFT_EXACT_PARTS_H
#define KD_DRIFT_EXACT_PARTS_H
#include "drift/even_bins.h"
#include "drift/exact.h"
#include "drift/order.h"
#include "drift/sides.h"

enum { BY_VALUE = 20 }; // up to so many distinct values of the reference Evidently counts by value

struct exact {
	enum field_type type;
	const struct exact_side *r, *c;
	struct field_def def; // with the grid or the categories that a baseline of the reference has
	struct pane *pane_r, *pane_c;
	struct measure_input in; // the same as the monitor's measures take it
	bool both;		 // both sides have values; what follows is set only then
	struct columns bare;	 // categories; numbers in 10 groups of the grid
	struct columns values;	 // categories; numbers by value where the reference has at most BY_VALUE
	// numbers only
	double *rank_r, *rank_c; // of whole numbers past 2^53: their ranks among all, exactly; else NULL
	struct order order;
	struct moments moments_r, moments_c;
	struct even_bins rows_bins;	 // Sturges over the rows of both sides
	struct even_bins reference_bins; // Doane over the reference
};

void exact_init(struct exact *e, const char *path, enum field_type type, const struct exact_side *r,
		const struct exact_side *c);
void exact_release(struct exact *e);
#endif
