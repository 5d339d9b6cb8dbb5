// SPDX-License-Identifier: Apache-2.0
// Both sides of a field as counts over the same values and ranges: what is drawn and listed. Pure.
#ifndef KD_DRIFT_DISTRIBUTION_H
#define KD_DRIFT_DISTRIBUTION_H
#include "drift/measure.h"

struct distribution_row {
	const char *value; // a category (borrowed from the sides, len bytes); NULL: a range
	size_t len;
	double lo, hi; // of a range; lo == hi: a single value
	double r, c;   // counts
	int outer;     // -1, 1: below, above the grid; nothing is known of where inside it the values are
};

// Ranges ascend; what is out of the grid is a range of each side's own, from its extreme to the grid's edge.
// Categories: the larger share of either side first, rare ones that were not kept apart in others_r and
// others_c.
struct distribution {
	struct distribution_row *rows; // none is empty
	size_t n;
	double others_r, others_c;
};

// READING_KNOWN, or why there is none; only then there is something to release.
enum reading_state distribution_of(struct distribution *out, const struct measure_input *in) MUST_CHECK;
void distribution_release(struct distribution *d);
#endif
