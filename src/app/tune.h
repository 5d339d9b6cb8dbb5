// SPDX-License-Identifier: Apache-2.0
// Thresholds that keep a tier's firings within a budget on the history that a replay showed. Pure.
//
// A rule's firings are its pages: from when an alert of a stream fires until none does, as the alerts' own state
// machine makes it of the readings, open windows included. The tier's budget for the history's length, rounded down, is
// shared out: rules that fire less than an equal share keep what they have, and what they leave goes to the others.
// A rule over its share gets the threshold nearest to its own that meets it, found by bisection of its readings and
// rounded outward to three digits; the number of firings need not fall evenly with the threshold, but at the one
// that is chosen it was counted. A rule with a budget of its own is held against that one (tune_budget.h).
#ifndef KD_APP_TUNE_H
#define KD_APP_TUNE_H
#include "app/tune_budget.h"

struct tune_rule {
	const struct rule *rule;
	const char *left;      // why it is not tuned; NULL: it is
	bool below;            // the threshold is a lower one
	uint64_t readings;     // with a value
	uint64_t before, after, share; // firings on the history
	double from, to;       // thresholds; the same: it meets its share
	bool budgeted;         // it has a budget of its own: `budget` alone says how it did
	struct tune_budget budget;
};

struct tune_tier {
	bool given;
	struct budget budget;
	uint64_t allowed;      // in the history
};

struct tuning {
	struct tune_tier tiers[TIERS];
	int64_t history_ms;
	struct tune_rule *rules; // as given
	size_t n;
};

// tiers and history_ms are set by the caller. To be released in any case.
void tune(struct tuning *t, const struct rule *rules, size_t n, const struct timelines *history);
void tuning_release(struct tuning *t);
#endif
