// SPDX-License-Identifier: Apache-2.0
// What the readings of a rule are held against: the numbers of the rule, or limits derived from its budget.
// Pure.
//
// A budget's limit is a p for one test (drift/budget.h); on a measure that is a z it is that p's deviate, on one that
// is no p what its values over the baseline's chunks exceed with that p (drift/chunks.h). A z's or p's budgeted
// alert ends only where ten times that p would not be met, or 0.001: a sliding window that has come up to its
// limit crosses it again and again on its way, and each would be a firing of its own.
#ifndef KD_JUDGE_THRESHOLD_H
#define KD_JUDGE_THRESHOLD_H
#include "judge/readings.h"

// A p threshold without a budget is a false discovery rate over the fields and slices of an evaluation: sets what is
// adjusted, and the limits, of the n readings of one.
bool rule_adjusts(const struct rule *r);
void thresholds_adjust(const struct rule *r, struct reading *v, size_t n);

struct thresholds thresholds_of(const struct rule *r, const struct moment *m, const struct measure_input *in);
// Those that were derived earlier, from the one that was stored.
struct thresholds thresholds_stored(const struct rule *r, double threshold);
// Is the limit a lower one, for a value that it was met by?
bool rule_is_lower(const struct rule *r, double value, double limit);
// How the limit came about: "from the budget of 1/week"; NULL where it stands in the rule. buf of at least 80 bytes.
const char *threshold_words(const struct rule *r, char *buf, unsigned size);
#endif
