// SPDX-License-Identifier: Apache-2.0
// What a rule could see at all, in windows of as many values as the baseline's own: known before any window is, so
// that `kdrift check` can say it. Pure.
#ifndef KD_JUDGE_REACH_H
#define KD_JUDGE_REACH_H
#include "judge/judge.h"

struct reach {
	char *field;             // the caller's array frees it: reaches_free
	enum reading_state state; // READING_KNOWN; READING_UNCALIBRATED: it can never fire
	double threshold;
	double smallest;         // 0: not known
	const char *smallest_in; // static
	uint64_t values;         // of a usual window; 0: the baseline's rows had no event time
};

// Of rules whose limit is derived, and of `drift`; the others have none (*n 0). Fields in order of path.
struct reach *rule_reaches(const struct rule *r, const struct judge_stream *s, size_t *n);
void reaches_free(struct reach *v, size_t n);
#endif
