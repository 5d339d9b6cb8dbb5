// SPDX-License-Identifier: Apache-2.0
// What a measure was over the baseline's own chunks, each against the whole baseline, and limits taken from it.
// Chunks are put together to groups of the window's length; where fewer than HISTORY_ENOUGH of that length are
// left, shorter ones are taken for a tail probability (which only widens it) and none for the other kinds.
//
// Limits:
//     CHUNKS_STD       mean + k standard deviations (population), as NannyML has it
//     CHUNKS_QUANTILE  the groups' own quantile (linear between order statistics) as far as they reach; beyond,
//                      that of the law below, but never under the greatest
//     CHUNKS_TAIL      what is exceeded with probability p: Student's t with n_eff - 1 degrees about the mean, on
//                      the logarithm of what cannot be negative, spread widened by sqrt(1 + 1/n_eff). Measures
//                      with a sign or a ratio have a limit on either side, each with half of p.
// There is none where the groups are too few, the window is shorter than a chunk (a longer chunk varies less), the
// rows had no event time, or where it would lie at the end of the measure's range or beyond.
#ifndef KD_DRIFT_CHUNKS_H
#define KD_DRIFT_CHUNKS_H
#include "drift/measure.h"

enum chunks_kind { CHUNKS_NONE, CHUNKS_STD, CHUNKS_QUANTILE, CHUNKS_TAIL };

struct chunks_limit {
	enum chunks_kind kind;
	double at; // k, the quantile, p
};

enum { CHUNKS_MIN = 6 }; // groups, for a mean or a quantile of them

struct chunk_series;

bool measure_has_chunks(const struct measure *m);
bool measure_has_tail(const struct measure *m); // can a budget become a limit of it?
struct chunk_series *chunk_series_new(const struct measure *m, const struct baseline_field *f, const struct baseline *b,
				      int64_t window_ms, bool tail); // never NULL; tail: for CHUNKS_TAIL
void chunk_series_free(struct chunk_series *s);
bool chunk_limits(const struct chunk_series *s, struct chunks_limit l, struct thresholds *out); // false: none
// The values, ascending; *n of them.
const double *chunk_series_values(const struct chunk_series *s, size_t *n);
#endif
