// SPDX-License-Identifier: Apache-2.0
// A store in memory behind the judge's port, with what the judge wrote laid open, and short ways to make
// records, rules and streams.
#ifndef KD_TESTS_JUDGE_FAKE_H
#define KD_TESTS_JUDGE_FAKE_H
#include "judge/judge.h"
#include "util/map.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };
#define DAY  ((int64_t)24 * HOUR)
#define WEEK (7 * DAY)

struct fake_message {
	char *id, *receiver;
	int64_t due;
	json_t *body;
};

struct fake {
	const struct baseline *baseline; // its fields are counted on its grids; NULL: none
	int64_t pane_ms;
	struct map streams;   // name -> struct fake_stream
	struct map docs;      // judge/memory_docs.h
	json_t *events;       // the journal, in order
	struct fake_message *messages;
	size_t nmessages, capmessages;
	uint64_t generation;
	int fail_commits;     // so many commits are refused
	bool has_journal;     // it may be read
	bool garble;          // segments come as bytes that are no pane
	int64_t floor;        // the last set_floor
	unsigned commits, intervals, segment_calls, segments_read;
	struct judge_port port;
};

struct fake *fake_new(int64_t pane_ms);
void fake_free(struct fake *f);
// The partition of the stream's topic (named as the stream), owned and not idle at first.
struct partition_view *fake_part(struct fake *f, const char *stream, int partition);

// The segment of a slice in an interval, to count into; it has been written once more.
struct pane *fake_pane(struct fake *f, const char *stream, int64_t start, const char *slice, int partition);

struct fake_value {
	const char *path;
	double v;
};
// One record in partition 0; `bad`: it has a range violation on field "amount".
void fake_record(struct fake *f, const char *stream, const char *slice, int64_t event, bool bad,
		 const struct fake_value *values, size_t n);
void fake_record_at(struct fake *f, const char *stream, const char *slice, int partition, int64_t event, bool bad,
		    const struct fake_value *values, size_t n);
// One record in partition 0 whose schema (id 8) lacks the fields (up to NULL), and breaks the contract for it;
// `bad`: it has a range violation besides.
void fake_dropped(struct fake *f, const char *stream, int64_t event, bool bad, const char *const *fields,
		  const struct fake_value *values, size_t n);
// One record in slice `other` because the partition's pane had no room for a slice of its own.
void fake_overflow(struct fake *f, const char *stream, int partition, int64_t event);
// A record that cannot be decoded in partition 0, counted at Kafka's time.
void fake_untimed(struct fake *f, const char *stream, int64_t kafka);
// Moves the watermark without a record: the partition's newest event.
void fake_newest(struct fake *f, const char *stream, int64_t event);
// Records with these event times [from, to) were lost.
void fake_hole(struct fake *f, const char *stream, int64_t from, int64_t to);
void fake_idle(struct fake *f, const char *stream, bool idle);

// The server loses what the judge wrote since the documents were saved: it comes back as another generation.
json_t *fake_save(const struct fake *f);
void fake_roll_back(struct fake *f, json_t *saved); // takes it

size_t fake_count(const struct fake *f, const char *type);              // journal entries of the type
const json_t *fake_event(const struct fake *f, const char *type, size_t nth);
const char *fake_doc(const struct fake *f, const char *table, const char *key);
size_t fake_docs(const struct fake *f, const char *table);

// Strings are borrowed; nothing is to be released.
struct rule rule_above(const char *name, enum tier tier, const char *measure, double above);
struct judge_stream stream_of(const char *name, int64_t window, int64_t slide);

// A tick that must not fail.
void tick(struct judge *j, int64_t now);
const char *status_state(struct judge *j, size_t stream); // static buffer
#endif
