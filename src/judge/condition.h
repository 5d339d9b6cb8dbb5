// SPDX-License-Identifier: Apache-2.0
// Three-valued logic and the condition of a rule. Unknown is not false: true OR unknown is true, false AND
// unknown is false, else unknown stays unknown.
#ifndef KD_JUDGE_CONDITION_H
#define KD_JUDGE_CONDITION_H
#include "judge/rule.h"

enum truth { TRUTH_FALSE, TRUTH_TRUE, TRUTH_UNKNOWN };

enum truth truth_and(enum truth a, enum truth b);
enum truth truth_or(enum truth a, enum truth b);
// Is the condition met? With both limits, outside of either is met. While the alert fires the clear value
// (where there is one) takes the limit's place, so that a value between the two changes nothing.
enum truth condition_eval(const struct thresholds *t, const struct measure_value *v, bool firing);
// The limit that the value crossed, or the nearest where it crossed none.
double condition_threshold(const struct thresholds *t, double value);
#endif
