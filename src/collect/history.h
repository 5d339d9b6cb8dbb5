// SPDX-License-Identifier: Apache-2.0
// Private to collect: rules over several records, for one stream in one partition. `unique`: the same value did not
// come before within a span of event time (seen.h). `monotonic`: a value is on the right side of the one before it.
//
// They see the values of every counted record in the order of offsets, after its walk and before it is counted, and
// nothing but these, the event time and the stream's newest event time. What they remember is state of the
// partition (store/types.h): "unique:WIDTH:START:PATH" for each bucket, "monotonic:PATH" for the value before.
#ifndef KD_COLLECT_HISTORY_H
#define KD_COLLECT_HISTORY_H
#include "config/config.h"
#include "schema/plan.h"
#include "store/types.h"

struct history;
struct history *history_new(const struct stream_conf *c); // NULL: the stream has no such rules
void history_free(struct history *h);
// Its memory; the state in the store stays.
void history_clear(struct history *h);
// The rule of a path, for history_judge; SIZE_MAX: none.
size_t history_rule(const struct stream_conf *c, const char *path);

struct history_record {
	int64_t event_ms, max_event; // max_event: before this record; INT64_MIN: none
	bool in_time; // it has an event time of its own and is not late: else `unique` does not look at it
};
// Adds the breaches of one side's values. rules: by slot. -> how many values are unknown to `unique`, whose memory is full.
uint64_t history_judge(struct history *h, const struct plan *plan, const size_t *rules, struct record_values *r,
		       const struct history_record *at);

// Of a claim. False: it is the state of a rule that is no more.
bool history_load(struct history *h, const struct state_blob *b);
bool history_owns(const char *name); // a state's name is of this kind; h may be NULL there
// Forgets everything, in the store with the next checkpoint.
void history_drop(struct history *h);
// What the next checkpoint has to write.
void history_write(struct history *h, void (*write)(void *arg, const char *name, enum state_op op, const void *bytes, size_t n),
		   void *arg);
#endif
