// SPDX-License-Identifier: Apache-2.0
// A registry of a few schemas, and a store that keeps what is written to it as a real one does: whole checkpoints
// or nothing, and only the last version of a segment.
#ifndef KD_TESTS_COLLECT_PLAY_H
#define KD_TESTS_COLLECT_PLAY_H
#include "collect/partition.h"

struct played_schema {
	const char *text, *subject; // subject: the only one that it is registered under
	enum registry_answer is;
};

// By id; {0} past the last. Reset by play_begin.
extern struct played_schema played_schemas[16];
extern enum schema_type played_types[16];

void play_begin(void);
void play_end(void);
struct collect_port play_port(void);
// The next checkpoints get this answer; anything but STORE_OK writes nothing.
void play_answer(enum store_result r);
void play_type(const char *name);  // a sub-stream that somebody counted before
void play_types_away(bool away);
const struct stream_mark *played_mark(const char *stream); // the last one stored; NULL: none
// The sum of what is stored of a stream, over all slices or in one; NULL: nothing. Valid until the next call.
const struct pane *played_pane(const char *stream, const char *slice);
size_t played_events(const char *type); // how many journal entries of that type are stored

// How many states are stored of a stream, and their bytes together.
size_t played_states(const char *stream, size_t *bytes);

// A worker's side: a partition of "topic" of the streams, under a new claim that gives the stored marks.
struct part *play_part(struct wstream *streams, size_t n, int64_t next);
// The same as the store has it: offset, marks and states of the last checkpoint that it took.
struct part *play_claim(struct wstream *streams, size_t n);
extern struct record_values play_scratch;

// One stream "s" of "topic" and its partition, for tests that look at no more.
struct played {
	struct stream_conf conf;
	struct collect_stream def;
	struct wstream stream;
	struct part *part;
	struct collect_port port;
};
extern struct played play;
void play_stream(void);         // after play_begin: the rest of conf is the test's to set
void play_worker(int64_t next); // a worker that begins at that offset, before or after another
void play_stop(void);           // the worker's end, and play_end
// The record with the value (and key) of m, counted at the worker's next offset; time 1000 where m has none. False: it
// waits for its schema.
bool play_record(struct message m);

void avro_long(struct buf *b, int64_t v);
void avro_text(struct buf *b, const char *s);
struct buf framed(int32_t id); // the prefix; the caller appends and releases
#endif
