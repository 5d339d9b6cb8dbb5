// SPDX-License-Identifier: Apache-2.0
// How often a rule fires on the readings that a replay showed, by the alerts' own state machine, under its own limits or
// others. A firing is a page: from when an alert of the rule and a stream fires until none of them does. Pure.
#ifndef KD_APP_FIRINGS_H
#define KD_APP_FIRINGS_H
#include "app/timeline.h"

struct firings {
	uint64_t total;
	uint64_t most;      // of any one stream
	const char *stream; // that one, borrowed; NULL: none fired
	size_t streams;     // with readings
	uint64_t readings;  // with a value and a limit
};

// limits NULL: those that the judge had for each reading.
struct firings firings_count(const struct rule *r, const struct timelines *history, const struct thresholds *limits, int64_t for_ms);

// Readings beyond `at`, each once, from the nearest on; the caller frees.
double *firings_beyond(const struct rule *r, const struct timelines *history, bool below, double at, size_t *n);
// The threshold in three digits, rounded outward.
double firings_rounded(double v, bool below);
#endif
