// SPDX-License-Identifier: Apache-2.0
// Two samples held in full: every measure and every dialect of one field, computed on the data themselves
// and not on a grid. `kdrift compare` is made of it. Pure.
//
// Bare psi, js, hellinger, linf and tvd of numbers are the exception: they are taken on the reference's grid
// in 10 groups, as the monitor takes them, so that both agree. What a monitor's rule can ask of a field
// (measure_table) is computed too, through the same panes.
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
	uint64_t rows, nan, inf, other; // other: values that are not looked at (times)
	const double *sorted;		// numbers: the finite ones, ascending
	size_t n;
	const int64_t
	    *integers; // or NULL: the same exactly, where some are past 2^53; of both sides or of none
	bool whole;    // every row holds a whole number, written as one
	const struct exact_word *words; // categories, booleans: distinct, each with n > 0, in any order
	size_t nwords;
};

struct exact;

struct exact_measure {
	const char *name, *help, *unit, *range, *source;
	const char *dialect; // whose number it is; "" for our own
	unsigned types;	     // bit per field_type
	double threshold;    // what that tool, or a shipped rule, compares with; NaN where there is none
	double (*compute)(const struct exact *e); // NaN where it is not defined
};

extern const struct exact_measure exact_table[];
extern const size_t exact_table_len;
const struct exact_measure *exact_find(const char *name); // NULL if unknown

// Which of measure_table are computed too: those of fields that exact_table does not have and that are not
// about schemas.
bool exact_keeps(const struct measure *m);

// A value for each row of exact_table and of measure_table; NaN where there is none. The caller releases.
struct exact_values {
	double *exact, *kept;
};
void exact_compute(struct exact_values *out, const char *path, enum field_type type,
		   const struct exact_side *reference, const struct exact_side *current);
void exact_values_release(struct exact_values *v);
#endif
