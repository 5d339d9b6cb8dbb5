// SPDX-License-Identifier: Apache-2.0
// Elec2, a real data set with a known drift, compiled in (README.md beside it), and a model fitted on it.
#ifndef KD_SANDBOX_ELEC2_H
#define KD_SANDBOX_ELEC2_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ELEC2_FEATURES = 6 };
extern const char *const elec2_names[ELEC2_FEATURES]; // "period", "nswprice", ...

struct elec2_row {
	int64_t ts; // unix ms
	double features[ELEC2_FEATURES];
	bool up; // the label
};

struct elec2_row *elec2_rows(size_t *n);	 // in time order; the caller frees
double elec2_predict(const struct elec2_row *r); // P(up)
#endif
