// SPDX-License-Identifier: Apache-2.0
// What the readings of a rule are held against: the numbers of the rule, or limits derived from its budget.
// Pure.
//
// A budget's limit is a p for one test (drift/budget.h); on a measure that is a z it is that p's deviate. Its
// alert ends only where ten times that p would not be met, or 0.001: a sliding window that has come up to its
// limit crosses it again and again on its way, and each would be a firing of its own.
#ifndef KD_JUDGE_THRESHOLD_H
#define KD_JUDGE_THRESHOLD_H
#include "judge/readings.h"

struct thresholds thresholds_of(const struct rule *r, const struct moment *m, const struct measure_input *in);
// Those that were derived earlier, from the one that was stored.
struct thresholds thresholds_stored(const struct rule *r, double threshold);
// Is small what is surprising?
bool rule_is_lower(const struct rule *r);
#endif
