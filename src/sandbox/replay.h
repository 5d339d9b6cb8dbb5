// SPDX-License-Identifier: Apache-2.0
// The demo's play: Elec2 as the messages of four topics in event order, with faults at known times and a
// count of everything that was put in, against which the monitor is held. Deterministic; no I/O.
//
// Streams: features; predictions of the model; labels; and `elec2-aa`, every other half hour of the
// features, whose baseline is made of those between: one source on both sides, so it must stay silent.
#ifndef KD_SANDBOX_REPLAY_H
#define KD_SANDBOX_REPLAY_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sandbox/elec2.h"
#include "util/buf.h"

enum replay_stream { REPLAY_FEATURES, REPLAY_PREDICTIONS, REPLAY_LABELS, REPLAY_AA, REPLAY_STREAMS };

struct replay_topic {
	const char *name; // of the stream and the topic
	const char *role;
	const char *schema; // Avro
};
extern const struct replay_topic replay_topics[REPLAY_STREAMS];
// What the careless producer writes to elec2-features: demand became a string.
extern const char replay_broken_schema[];

enum replay_fault { FAULT_SCHEMA, FAULT_SILENCE, FAULT_MISSING, FAULT_CONSTANT, REPLAY_FAULTS };
struct replay_fault_info {
	const char *from, *to; // RFC 3339
	const char *said;      // the announcement
};
extern const struct replay_fault_info replay_faults[REPLAY_FAULTS];
extern const char replay_drift_begins[]; // RFC 3339: the joint market

enum { REPLAY_BASELINE_ROWS = 26 * 7 * 48 }; // the first 26 weeks

struct replay_message {
	enum replay_stream stream;
	int32_t schema_id;
	int64_t ts;
	const void *value; // framed; valid until the next message
	size_t len;
	int fault_begins; // the fault announced before this message, or -1
};

struct replay;
// schema_ids: one a stream, and last that of replay_broken_schema.
struct replay *replay_new(const int32_t schema_ids[REPLAY_STREAMS + 1]);
void replay_free(struct replay *r);
bool replay_next(struct replay *r, struct replay_message *out);	     // false at the end
uint64_t replay_count(const struct replay *r, enum replay_stream s); // messages given out so far
uint64_t replay_broken(const struct replay *r);			     // those with the broken schema
int64_t replay_end(const struct replay *r);			     // event ms of the last row
// The rows a stream's baseline is made of.
bool replay_in_baseline(enum replay_stream s, size_t row);
const struct elec2_row *replay_rows(const struct replay *r, size_t *n);
#endif
