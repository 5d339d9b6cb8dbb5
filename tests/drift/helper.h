// SPDX-License-Identifier: Apache-2.0
#ifndef TEST_DRIFT_HELPER_H
#define TEST_DRIFT_HELPER_H
#include <stdint.h>

#include "drift/baseline.h"
#include "drift/measure.h"
#include "util/json.h"

// xoshiro256** (Blackman, Vigna 2018), seeded by splitmix64.
struct rng {
	uint64_t s[4];
};
void rng_seed(struct rng *r, uint64_t seed);
double rng_uniform(struct rng *r); // (0, 1)
double rng_normal(struct rng *r);

// A pane of one field, at index 0, with these values; NaN is a missing value.
struct pane *pane_numbers(const struct field_def *def, const double *v, size_t n);
struct pane *pane_categories(const struct field_def *def, const char *const *values, const uint64_t *counts, size_t n);
// A baseline without event time and with one field "x".
struct baseline *baseline_numbers(const double *v, size_t n);
struct baseline *baseline_categories(const char *const *values, const uint64_t *counts, size_t n);

// The measure of the baseline's first field against the pane, as the judge would have it.
struct measure_value against(const char *measure, const struct baseline *b, const struct pane *p, int64_t window_ms);
// The same through the measure's own function: no least number of values.
double plain(const char *measure, const struct baseline *b, const struct pane *p);
// One pane's field 0 against another's.
struct measure_value between(const char *measure, const struct field_def *def, const struct pane *reference,
			     const struct pane *current);
// A member of a file of expected values, tests/data/drift/FILE; the caller releases.
json_t *golden(const char *file, const char *key);
char *temp_path(const char *name); // in a directory of this process; the caller frees
#endif
