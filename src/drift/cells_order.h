// SPDX-License-Identifier: Apache-2.0
// What depends on the order of values, from cells: an estimate and the two numbers between which the measure
// of the values themselves lies, whatever their order inside open cells. Private to the drift room.
#ifndef KD_DRIFT_CELLS_ORDER_H
#define KD_DRIFT_CELLS_ORDER_H
#include "drift/sides.h"

struct within {
	double value, low, high;
};

struct cells_order {
	bool vague; // an edge of a cell is not where it says: there are no bounds
	struct within ks, kuiper, wasserstein, energy, cvm, ad; // ad: NaN where all values are equal, or under 4
};

void cells_order(struct cells_order *o, const struct cells *s, const struct measure_input *in);
// How far the truth may be from the value.
double within_error(const struct cells_order *o, const struct within *w);
#endif
