// SPDX-License-Identifier: Apache-2.0
// The values of one field in one partition that came within a span of event time, for `unique`.
//
// A value breaks where an earlier one, which broke nothing, was the same and less than the span away. What lies
// further back than span and lateness of the newest event time can break nothing that comes in time, and is dropped.
// What is remembered follows from the sequence of records alone, so that a partition that is read again from a
// stored offset, with the state of that offset, gives the same answers.
//
// A value is its hash of 64 bits: among n that are remembered, a new one is taken for a known one with a chance of
// n / 2^64 (5e-15 at the bound). Values lie in buckets of event time; each is a blob of the partition's state
// (store/types.h), appended to by a checkpoint and dropped whole: entries of u64 hash, u32 ms from the bucket's
// start, little-endian.
#ifndef KD_COLLECT_SEEN_H
#define KD_COLLECT_SEEN_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/types.h"

enum { SEEN_MAX = 100000 };

enum seen_answer {
	SEEN_NEW,
	SEEN_BEFORE,
	SEEN_FULL, // not among those remembered, and there are SEEN_MAX of them: not remembered either
};

struct seen;
struct seen *seen_new(int64_t span_ms, int64_t lateness_ms);
void seen_free(struct seen *s);
void seen_clear(struct seen *s);
int64_t seen_width(const struct seen *s); // of a bucket: blobs of another width are of another rule
// max_event: the newest event time before this record; INT64_MIN: none. The record must not be late against it.
enum seen_answer seen_value(struct seen *s, uint64_t hash, int64_t event_ms, int64_t max_event);
// A bucket's blob, as it was written.
void seen_load(struct seen *s, int64_t start, const void *bytes, size_t n);
// Forgets everything; seen_write then drops the blobs.
void seen_drop(struct seen *s);
// Hands out what changed since the last call.
void seen_write(struct seen *s,
		void (*write)(void *arg, int64_t start, enum state_op op, const void *bytes, size_t n), void *arg);
#endif
