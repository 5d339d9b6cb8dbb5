// SPDX-License-Identifier: Apache-2.0
// Private to collect: one assigned partition in memory. Its open panes are those written under the present
// claim; all of it may be dropped at any time, and the store's offset says where to go on.
#ifndef KD_COLLECT_PARTITION_H
#define KD_COLLECT_PARTITION_H
#include "collect/history.h"
#include "collect/stage.h"
#include "collect/letter.h"
#include "collect/limits.h"
#include "collect/stream.h"
#include "kafka/consumer.h"
#include "schema/wire.h"
#include "util/map.h"

enum { SLICE_MAX = 512 }; // bytes of a slice's name, with its end

struct open_pane {
	int64_t interval;
	char *slice;
	struct pane *pane;
	struct stage stage;       // numbers that are not in the pane yet
	uint32_t n;               // segment number under this claim
	bool written;             // it was acknowledged before
	bool dirty, reopened;     // reopened: its interval was closed when this segment began
};

struct framed {
	struct frame frame;
	const char *no_frame;     // why there is none; NULL: there is
	struct plan_entry *plan;  // of the frame
};

struct part_stream {
	struct wstream *stream;
	// What says how far event time has come here, what is late, too old or lost: itself; of a sub-stream its parent,
	// for a type that is rare must not hold a window open, nor one that is new close it.
	struct part_stream *clock;
	struct part_stream *type; // of the record in hand: itself, or the sub-stream that counts it
	char *born;               // the journal entry of a sub-stream that may be new, with the next checkpoint
	int64_t max_event;        // INT64_MIN: none
	int64_t max_untimed;      // as in the store's mark
	int64_t floor;            // records below it are too_old; INT64_MIN: none
	struct hole hole;         // as in the store's mark
	bool hole_closed;
	struct open_pane *panes;
	size_t npanes, cappanes;
	struct map at;            // interval and slice -> index in panes + 1; interval -> how many it has
	struct framed value, key; // of the record in hand
	size_t last;              // index of the pane used last
	struct history *history;  // NULL: no rule looks back
	int64_t reopened[64];     // intervals to look at for compaction
	size_t nreopened;
	bool letters;             // violating records are to be copied to the dead-letter topic
	bool shut;                // but cannot be for now: it cannot be written
	bool drafting;            // the record in hand is copied if it turns out to be violating
	struct letter_draft draft;
	struct limit_state limits;
	struct letter_stop stop;  // as in the store's mark
	uint64_t undelivered;     // since it was shut
	struct collect_stream_stats fresh; // counted since the last acknowledged checkpoint
};

struct part {
	char *topic;
	int32_t partition;
	bool claimed, started, waiting, idle, reported_idle, wake, dirty, check_wanted;
	struct mono_time retry_at;     // of a claim; of a schema look-up while waiting
	int64_t waiting_since;         // wall ms when the record at `next` began to wait for its schema; 0: not
	int64_t told_waiting;          // the offset at which it was last said to wait
	struct mono_time written_at;   // last acknowledged checkpoint
	struct mono_time wake_since;
	char nonce[STORE_NONCE + 1];
	uint64_t generation;           // of the store's connection that the claim was taken on
	int64_t acked, next;           // next offset: in the store, in memory
	int64_t check_offset, check_ts;
	uint32_t check_crc;
	int64_t target;                // catching up below it; -1: not
	int64_t end;
	int64_t held_at;               // last stable offset that an open transaction holds while the log goes on; -1: none
	struct mono_time held_since;
	int64_t shown_next;            // `next` when it was last looked at from outside,
	struct mono_time moved_at;     // and when it was last seen to move, or at the end
	uint32_t segments;             // segment numbers handed out
	size_t kept;                   // fields of panes that the last checkpoint left open
	uint64_t too_old, records_lost;
	int32_t partitions;            // of the topic, told with the next checkpoint; 0: not
	char **events;                 // journal entries owed with the next checkpoint
	size_t nevents, capevents;
	struct state_write *states;    // owed with the next checkpoint; their texts are the part's
	size_t nstates, capstates;
	struct part_stream **streams; // those of the configuration, then sub-streams
	struct letter **letters;       // to be sent before the next checkpoint
	size_t nletters, capletters, letters_size;
	int64_t sent_to;               // the letters of records below it were sent, so says Kafka; -1: of none
	size_t nstreams;
	struct mono_time committed_at;
};

struct part *part_new(const char *topic, int32_t partition, struct wstream *streams, size_t n);
void part_free(struct part *p);
// Forgets the claim, every pane and sub-stream: the store is the truth.
void part_drop(struct part *p);
// Takes over a claim: panes are empty, marks are the store's.
void part_adopt(struct part *p, const struct claim *c);
// The partition's part of the sub-stream of a record of s.
struct part_stream *part_type(struct part *p, struct part_stream *s, const struct plan_entry *of, int64_t offset);
// No record in time can reach the interval any more.
bool part_closed(const struct part_stream *s, int64_t interval);
// Queues a journal entry with the next checkpoint; takes over `fields`.
void part_event(struct part *p, const char *type, json_t *fields);
// State that the next checkpoint writes (struct state_blob in store/types.h); copies. A put takes the place of one
// that is still owed. What is lost with the part's memory was not written, nor were the records that it comes from.
void part_state(struct part *p, const char *stream, const char *name, enum state_op op, const void *bytes, size_t n);
void part_state_forget(struct part *p);
// The partition is another one: what rules remember of it is dropped, here and in the store.
void part_history_drop(struct part *p);
// post.c: dead letters. After the record's breaches were noted: takes it into the limits, and writes the letter.
void part_post(struct part *p, struct part_stream *s, const struct message *m, int64_t schema_id, bool violating);
bool part_posts(const struct part *p); // a stream of it has dead letters
void part_letters_free(struct part *p, enum letter_outcome as); // LETTER_UNDELIVERED: counts them as such
// Tells of the topic's trouble, and of its end, in the journal and in the mark.
bool part_is_shut(const struct part *p); // so it was told last
void part_shut(struct part *p, const char *why, struct wall_time since);
void part_reopen(struct part *p);
void part_limits_save(struct part *p); // into the next checkpoint
void part_letters_adopt(struct part_stream *s, const struct claim *c, const struct stream_mark *mark);
// Records after those that were counted are lost to the stream: opens its hole (docs/exactly-once.md).
void part_lost(struct part_stream *s, struct wall_time now);
// To every stream of the partition, with an event.
void part_lost_event(struct part *p, const char *type, json_t *fields);

// The slice's open pane in the interval, or that of `other` where it already has max_slices of them.
struct open_pane *part_pane(struct part *p, struct part_stream *s, int64_t interval, const char *slice);
void part_panes_moved(struct part_stream *s); // after panes were taken out
size_t part_panes(const struct part *p);      // that are open
size_t part_open_fields(const struct part *p); // of all open panes
// So many more fields of panes are open than the last checkpoint left, most of them of closed intervals, that another
// is due.
bool fields_crowd(size_t open, size_t kept);
bool part_is_crowded(const struct part *p);

// Counts one message (a record or a tombstone). `now` tells the future. False: its schema cannot be had yet,
// nothing was counted.
bool part_record(struct part *p, const struct message *m, const struct collect_port *port, struct record_values *scratch,
		 struct wall_time now);

// Writes what is dirty. On anything but STORE_OK the partition's memory must be dropped.
enum store_result part_checkpoint(struct part *p, const struct collect_port *port, struct error *err) MUST_CHECK;
// The same for given segments, as one fenced write with the partition's present offset.
enum store_result part_write(struct part *p, const struct collect_port *port, const struct segment_write *segments, size_t n,
			     struct error *err) MUST_CHECK;
#endif
