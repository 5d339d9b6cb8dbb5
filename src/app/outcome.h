// SPDX-License-Identifier: Apache-2.0
// What one set of rules would have said of a replay: its messages and pages by tier, and a verdict a rule, field,
// slice and window. Verdicts may be millions: they lie in an unnamed temporary file, a line of JSON each.
#ifndef KD_APP_OUTCOME_H
#define KD_APP_OUTCOME_H
#include <stdio.h>

#include "app/backtest.h"
#include "util/json.h"
#include "util/map.h"

struct outcome_tier {
	json_t *messages;          // {at, type, status, id, alert, stream} each, in order; of a digest with its pages' ids
	json_t *pages;             // the data of each page, as it was last told
	struct map by_id;          // page id -> its place in pages + 1
};

struct outcome {
	struct outcome_tier tiers[TIERS];
	json_t *field_changes;     // the journal's, in order: fields that appeared and disappeared
	FILE *verdicts;
	uint64_t nverdicts, windows;
	const char *stream;        // the boundary in hand: of this stream,
	int64_t to;                // here,
	int64_t *spans;            // and where its windows begin
	size_t nspans, capspans;
	void (*also)(void *ctx, const struct judge_verdict *v); // told of each verdict; may be NULL
	void *ctx;
};

int outcome_init(struct outcome *o, struct error *err) MUST_CHECK;
void outcome_release(struct outcome *o);
// The callbacks that fill it.
struct memory_sink outcome_sink(struct outcome *o);
struct judge_replay outcome_replay(struct outcome *o);
// How many messages from the i-th on are digests of the same pages; 1 where it is none.
size_t outcome_same_digests(const struct outcome_tier *t, size_t i);
// The contract's answer, without its last brace: the caller may add members. 0, or -1 where a file fails.
int outcome_write(struct outcome *o, const struct backtest *b, FILE *out, struct error *err) MUST_CHECK;
#endif
