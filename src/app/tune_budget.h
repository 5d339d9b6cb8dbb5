// SPDX-License-Identifier: Apache-2.0
// A rule with a budget of its own, held against history: did the limit that is derived from the budget keep to it? Pure.
//
// On each stream the budget allows `expected` firings in the history's length. Counts up to `most` are luck: the least
// number that a Poisson variable of that mean stays at or below with 95 %, over all streams together (Bonferroni). A stream
// with more is past the budget. So few in all that such a variable has them or fewer with under 5 % are room.
//
// What is past gets a proposal at which every stream is within `expected`, rounded down: where the measure is a z or a p, so
// that one number suits all fields, the nearest number to the derived limit, with the derived limits' hysteresis; else,
// limits differing from field to field, the shortest `for` of whole windows. Where there is room, the most sensitive number
// that would have been within the budget is told, and nothing changed.
#ifndef KD_APP_TUNE_BUDGET_H
#define KD_APP_TUNE_BUDGET_H
#include "app/firings.h"

enum budget_state { BUDGET_WITHIN, BUDGET_PAST, BUDGET_ROOM, BUDGET_STATES };
extern const char *const budget_state_names[BUDGET_STATES];
enum budget_way { WAY_NONE, WAY_NUMBER, WAY_FOR };

struct tune_budget {
	double expected;         // on one stream
	uint64_t most;
	struct firings now;
	enum budget_state state;
	enum budget_way way;     // of a proposal, or of what there is room for
	bool below;              // the number is a lower limit
	double derived;          // the limit that the search began at, the most sensitive there was; NaN: of fields' own
	double number, clear;
	int64_t for_ms;
	struct firings then;
	bool confirmed;          // `then` is of a replay with it
	unsigned rounds;
};

// false: no reading of the rule has a limit.
bool tune_budget(struct tune_budget *t, const struct rule *r, const struct timelines *history, int64_t history_ms);
bool tune_budget_waits(const struct tune_budget *t);
void tune_budget_apply(const struct tune_budget *t, struct rule *r);
void tune_budget_confirm(struct tune_budget *t, const struct rule *r, const struct timelines *replayed);
#endif
