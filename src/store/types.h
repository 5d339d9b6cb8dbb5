// SPDX-License-Identifier: Apache-2.0
// What is said between the store and those who use it: plain data, no I/O (docs/exactly-once.md). collect,
// judge and deliver are given the operations as function pointers (their ports.h), so that their decisions
// can be tested without a server.
#ifndef KD_STORE_TYPES_H
#define KD_STORE_TYPES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { STORE_NONCE = 32 }; // hex digits of a claim's or lease's nonce

// Event times [from, to) at which records were lost before they were read; from >= to: none.
struct hole {
	int64_t from, to;
};

// Why a stream's violating records of one partition are not copied to its dead-letter topic.
enum letter_why { LETTERS_GO, LETTERS_RATIO, LETTERS_CONSECUTIVE, LETTERS_UNDELIVERED };
struct letter_stop {
	enum letter_why why; // LETTERS_GO: they are, or nobody asked
	int64_t since;       // ms
};

// How far a stream has come in one partition.
struct stream_mark {
	char *stream;
	int64_t max_event;   // newest event time, ms; INT64_MIN: none
	int64_t max_untimed; // newest Kafka time, up to the wall clock, of a record without an event time of its own
	int64_t next;        // of a claim: the offset up to which the stream was counted; -1: none
	struct hole hole;    // open: its bounds are the worst case, until a record that came after it tells its end
	bool hole_closed;    // of a checkpoint: that record is counted, and the bounds are final
	const char *born;    // of a checkpoint: the journal entry of a stream that no one counted before; NULL: none
	struct letter_stop letters;
};

// --- collecting ---------------------------------------------------------------------------------------

// State that a partition's owner keeps across claims beside the panes, as named blobs of a stream: what a rule or
// a counter must remember of the records before `next`. A blob is written by the checkpoint that moves `next`, or
// not at all, and comes back with the claim, so it is always as of that offset: a record that is read again meets
// the state that it met the first time. Blobs that grow are appended to, so that a checkpoint carries only what is
// new; what is forgotten together should be one blob, to be dropped whole.
struct state_blob {
	char *stream, *name;
	void *bytes;
	size_t len;
};

enum state_op { STATE_PUT, STATE_APPEND, STATE_DROP };

struct state_write {         // applied in order; neither name holds the character 1f
	const char *stream, *name;
	enum state_op op;
	const void *bytes;
	size_t len;
};

struct claim {
	char nonce[STORE_NONCE + 1];
	int64_t epoch;
	bool fresh;              // the store knew nothing of this partition
	int64_t next;            // the offset to count next; -1 while fresh
	int64_t check_offset;    // the last counted record, -1 if there is none, with its
	int64_t check_ts;        // Kafka timestamp
	uint32_t check_crc;      // and the CRC-32 of its value
	int64_t waiting_since;   // as in the last checkpoint
	struct stream_mark *marks;
	size_t nmarks;
	struct state_blob *states;
	size_t nstates;
};

static inline void claim_release(struct claim *c)
{
	for (size_t i = 0; i < c->nstates; i++) {
		free(c->states[i].stream);
		free(c->states[i].name);
		free(c->states[i].bytes);
	}
	free(c->states);
	c->states = NULL;
	c->nstates = 0;
	for (size_t i = 0; i < c->nmarks; i++)
		free(c->marks[i].stream);
	free(c->marks);
	c->marks = NULL;
	c->nmarks = 0;
}

// NULL: there is none.
static inline const struct state_blob *claim_state(const struct claim *c, const char *stream, const char *name)
{
	for (size_t i = 0; i < c->nstates; i++)
		if (!strcmp(c->states[i].stream, stream) && !strcmp(c->states[i].name, name))
			return &c->states[i];
	return NULL;
}

struct segment_write {
	const char *stream;
	const char *slice;       // "" where the stream has no slices
	int64_t interval;        // start of the pane, event ms
	uint32_t n;              // the segment's number under this claim
	const void *bytes;       // an encoded pane; NULL: remove this segment (compaction)
	size_t len;
	const char *key;         // compaction: the full segment key to remove; else NULL
	bool again;              // it was acknowledged under this claim before: refused if it is there no more
};

struct checkpoint {
	const char *topic;
	int32_t partition;
	const char *nonce;
	int64_t expected_next;   // what was last acknowledged to this claim
	int64_t next;
	int64_t check_offset, check_ts;
	uint32_t check_crc;
	bool idle;               // the owner stands at the partition's end
	int64_t end;             // last stable offset as known, -1 unknown
	int64_t target;          // catching up until next >= target; -1: not
	uint64_t too_old, records_lost; // increments
	const struct stream_mark *marks;
	size_t nmarks;
	const struct segment_write *segments;
	size_t nsegments;
	const struct state_write *states;
	size_t nstates;
	const char *const *events; // journal entries, JSON
	size_t nevents;
	bool wake;               // new breaches: the judge should look now
	int64_t waiting_since;   // wall ms when the record at `next` began to wait for its schema; 0: none waits
	int32_t partitions;      // of the topic, kept from the first time it is told; 0: not told
};

enum store_result {
	STORE_OK,
	STORE_FENCED, // another holds the claim, the stored offset is another, or a segment was rolled up: nothing was written
	STORE_LOST,   // no answer came: unknown whether it was written; never send it again
	STORE_FAILED, // the server refused (script error, wrong type, read-only): quarantine, start afresh
};

// --- judging ------------------------------------------------------------------------------------------

struct partition_view {
	char *topic;
	int32_t partition;
	int64_t max_event, max_untimed; // of the stream asked for; INT64_MIN: none
	int64_t next, end;      // end -1: unknown
	bool idle, owned;       // owned: its owner wrote within the last 15 s by the store's clock
	bool catching_up;
	int64_t waiting_since;  // wall ms, for a schema; 0: not
	struct letter_stop letters; // of the stream asked for
};

struct stream_view {
	struct partition_view *parts;
	size_t nparts;
	int64_t first_seen;     // wall ms when the stream was first claimed; INT64_MIN: never
	uint64_t too_old, records_lost;
	struct hole *holes;     // open and closed ones of all partitions
	size_t nholes;
};

struct interval_view {
	int64_t start;          // event ms
	uint64_t writes;        // write counter: changes with every checkpoint that touches it
	int64_t width;          // of rolled-up panes, ms; 0: a pane's own
};

struct segment_view {
	const char *slice, *topic;
	int32_t partition;
	const void *bytes;
	size_t len;
	bool rolled;            // of several intervals: in so many of them a slice overflowed in this partition, and this
	uint64_t overflows, met; // slice had a pane in so many of those
};

// The segments of `sources`, merged by slice and partition into those of one interval, which takes their place.
struct roll_up {
	int64_t start, width;
	uint64_t generation;    // of the store when the sources were listed
	const struct interval_view *sources; // all within; as listed before they were read
	size_t nsources;
	const struct segment_view *segments;
	size_t nsegments;
};

// One document of the judge's. Tables are names: "alert", "page", "mark", "digest".
struct doc {
	const char *table, *key;
	const char *json;       // NULL: remove
};

struct outbox_entry {
	char *id;               // delivery id = webhook-id
	char *receiver, *tier;
	char *body;             // rendered; never changes
	int64_t created, due;   // wall ms
	uint32_t attempts;
	char *last_error;       // "" at first
};

// Everything that one evaluation changes: one atomic write under the leader's fencing token.
struct judge_commit {
	const struct doc *docs;
	size_t ndocs;
	const char *const *events; // journal
	size_t nevents;
	const struct outbox_entry *outbox;
	size_t noutbox;
};
#endif
