// SPDX-License-Identifier: Apache-2.0
// A rule: a condition on a measure, in a tier. Parsed by config/, judged by judge/. Plain data.
#ifndef KD_JUDGE_RULE_H
#define KD_JUDGE_RULE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drift/budget.h"
#include "drift/chunks.h"
#include "drift/measure.h"

enum tier { TIER_IMMEDIATE, TIER_DAILY, TIER_WEEKLY, TIERS };
extern const char *const tier_names[TIERS]; // "immediate", "daily", "weekly"

enum against_kind { AGAINST_BASELINE, AGAINST_PREVIOUS, AGAINST_SLICE, AGAINST_STREAM };

struct against {
	enum against_kind kind;
	int64_t previous_ms; // AGAINST_PREVIOUS: the same window that much earlier
	char *name;          // AGAINST_SLICE: "k=v,k2=v2"; AGAINST_STREAM: the stream
};

enum rule_adjust { ADJUST_FDR, ADJUST_NONE };

struct rule {
	char *name;              // alert:
	enum tier tier;          // of the file it stands in
	char *file;              // where it stands
	int line;
	char *stream;            // a name, or a glob ("*", "payments-*")
	char *field;             // a path or a glob; NULL or "*" = every field (field measures only)
	char *role;              // NULL or "features", "predictions", "labels": only streams of that role
	const struct measure *measure;
	bool has_above, has_below;
	double above, below;     // condition: value > above, or value < below
	struct budget budget;    // or the threshold is derived (judge/threshold.h) from a false-alarm budget,
	struct chunks_limit chunks; // or from the baseline's chunks
	unsigned adjust;         // of a p without a budget: enum rule_adjust
	bool has_clear;          // hysteresis: clear_below / clear_above; without: the threshold itself
	double clear;
	int64_t over_ms;         // 0: the stream's window
	int64_t every_ms;        // how often it is judged, whole slides; 0: at each slide
	int64_t for_ms;          // condition must hold that long (event time for windows, judge clock for staleness)
	uint64_t min_records;    // of records and of the measure's values; 0: the measure's own minimum
	struct against against;
	char *owner, *runbook, *summary; // may be NULL
};

void rule_release(struct rule *r);
bool rule_matches_stream(const struct rule *r, const char *stream, const char *role);
bool rule_matches_field(const struct rule *r, const char *field);
// Count measures with an upper limit in the immediate tier are judged at each checkpoint with open panes
// (docs/exactly-once.md). A lower limit is not: an open pane is not complete.
bool rule_is_eager(const struct rule *r);
// Judged by the judge's clock at each tick, not on windows: staleness, and what is registered.
bool rule_is_wait(const struct rule *r); // schema_wait
bool rule_is_letters(const struct rule *r); // dead_letters_stopped
bool rule_is_clock(const struct rule *r);
bool rule_is_volume(const struct rule *r); // records: how much comes
bool rule_is_version(const struct rule *r); // on what is registered: it looks at no record
bool rule_is_dropped(const struct rule *r); // dropped_field
// What other alerts may follow from: 2 dropped_field, 1 incompatible_schema, 0 none. Those of a higher rank are
// judged before, and nothing follows from its equal.
int rule_rank(const struct rule *r);
enum { RULE_RANKS = 3 };
#endif
