// SPDX-License-Identifier: Apache-2.0
// Two sides laid over one another: what every comparing measure works on. Private to the drift room.
//
// Numbers become *cells*, one a histogram bin, in order of value. Categories become *columns* of a
// contingency table; numbers can be had as columns too (groups of cells).
#ifndef KD_DRIFT_SIDES_H
#define KD_DRIFT_SIDES_H
#include "drift/measure.h"

struct cell {
	double lo, hi; // lo == hi: all its values are equal. The outer cells of a quantile grid begin and end
		       // at their one edge.
	double r, c;   // counts: reference, current
};

struct cells {
	struct cell *v;
	size_t n;
	double nr, nc;
	bool outer; // the first and last cell hold what is out of the grid
};

struct columns {
	double *r, *c;
	size_t n;
	double nr, nc;
	bool merged; // rare values share the last column: a bound on categories was hit
	double spare; // of few-valued numbers: at most so many columns more, where new values share one
};

enum { PSI_GROUPS = 10, FEW_VALUES = 10 };
// Poisson rate of what the reference never showed: three more than seen is its 95 % bound at none.
#define UNSEEN_PRIOR 3

// READING_KNOWN, or why there is nothing to compare; only then there is something to release. Sets the
// sample sizes in any case.
enum reading_state cells_init(struct cells *s, const struct measure_input *in, struct measure_value *out);
void cells_release(struct cells *s);
// A group for each cell, ascending from 0, of near-equal reference mass: a cell goes where its middle
// falls among `groups` equal parts. At most `groups` cells are left as they are. Returns how many.
size_t cells_group(const struct cells *s, size_t groups, uint32_t *group);
// sup |F_ref - F_cur| over the cells' ends: exact where every distinct reference value has a cell of its
// own, else low by at most the largest cell's reference mass.
double cells_ks(const struct cells *s);
// The reference has at most FEW_VALUES distinct values, each in a cell of its own.
bool cells_few(const struct cells *s);

// How far the mean of n values with this sum lies above x, which the difference of two rounded numbers would not give.
double mean_from(const struct xsum *sum, uint64_t n, double x);

// Categories as they are, few-valued numbers by value, other numbers in PSI_GROUPS groups.
enum reading_state columns_init(struct columns *t, const struct measure_input *in, struct measure_value *out);
// The same; says in `out` where rare values share a column.
bool columns_known(struct columns *t, const struct measure_input *in, struct measure_value *out);
void columns_release(struct columns *t);
double columns_chi2(const struct columns *t, double *df); // Pearson's, without continuity correction

// The baseline's own values in the order of its coarse bins (by count, then by value), at most
// BASELINE_BINS - 1 of them. Pointers into total; returns how many.
size_t coarse_categories(const struct field_stats *total, const struct category *out[BASELINE_BINS - 1]);
// f's counts in those bins, n + 1 of them: of each value, and last of all others.
void coarse_counts(const struct field_stats *f, const struct category *const *top, size_t n, uint64_t *out);
const struct category *category_find(const struct field_stats *f, const struct category *like); // NULL if absent
#endif
