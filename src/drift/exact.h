// SPDX-License-Identifier: Apache-2.0
// Two samples held in full: every measure and every dialect of one field, computed on the data themselves
// and not on a grid. `kdrift compare` is made of it. Pure.
//
// Bare psi, js, hellinger, linf and tvd of numbers are the exception: they are taken on the reference's grid
// in 10 groups, as the monitor takes them, so that both agree. Rows of the table without `exact` are computed
// through the same panes as the monitor's.
#ifndef KD_DRIFT_EXACT_H
#define KD_DRIFT_EXACT_H
#include "drift/measure.h"

struct exact_word {
	const char *s;
	size_t len;
	uint64_t n;
};

// One side of a field. Missing values are rows less n (or the words' counts), nan, inf and other.
struct exact_side {
	uint64_t rows, nan, inf, other; // rows: or elements; other: values that are not looked at (times)
	const double *sorted;		// numbers: the finite ones, ascending
	size_t n;
	const int64_t
	    *integers; // or NULL: the same exactly, where some are past 2^53; of both sides or of none
	bool whole;    // every one holds a whole number, written as one
	const struct exact_word *words; // categories, booleans: distinct, each with n > 0, in any order
	size_t nwords;
};

// Whether it is had of two files: by `exact`, or from panes where it is about a field's values.
bool exact_has(const struct measure *m);
// A value for each row of measure_table, NaN where there is none. The caller frees.
double *exact_compute(const char *path, enum field_type type, const struct exact_side *reference,
		      const struct exact_side *current);
#endif
