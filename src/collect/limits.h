// SPDX-License-Identifier: Apache-2.0
// Private to collect. When a stream's violating records of one partition are copied to its dead-letter topic, and
// when they are so many that the copying stops. Data in, data out: what is decided follows from the sequence of
// the partition's records alone, not from clocks, batches or restarts.
//
// The copying stops at the first violating record that is one of more than `max_consecutive` in a row, or of more
// than `max_ratio` x 10,000 among the last 10,000 records (up to 10,499: they are kept in blocks of 500), which
// is not copied itself. Records before the first count as good, so that the share of a few records means nothing.
// It starts again at the first record without a violation at which the share is no more than half of max_ratio.
#ifndef KD_COLLECT_LIMITS_H
#define KD_COLLECT_LIMITS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"

enum { LIMIT_WINDOW = 10000, LIMIT_BLOCK = 500, LIMIT_BLOCKS = LIMIT_WINDOW / LIMIT_BLOCK + 1 };

enum limit_stop { LIMIT_NONE, LIMIT_RATIO, LIMIT_CONSECUTIVE, LIMIT_STOPS };
extern const char *const limit_names[LIMIT_STOPS]; // "", "max_ratio", "max_consecutive"

struct limits {
	double max_ratio;         // 1: none
	uint32_t max_consecutive; // 0: none
};

struct limit_state {
	enum limit_stop stopped;
	uint32_t run;             // violating records in a row, up to now
	uint32_t share;           // violating records among the last LIMIT_WINDOW
	uint64_t missed;          // not copied since it stopped
	int64_t since;            // Kafka time of the record at which it stopped
	uint32_t at, filled;      // the block in hand, and how many records it has
	uint16_t blocks[LIMIT_BLOCKS];
};

enum limit_answer { LIMIT_GOOD, LIMIT_COPY, LIMIT_SKIP };
// The next record, of Kafka time `ms`. *changed: it stopped or started with this one (`missed` is still that of the
// stop).
enum limit_answer limit_record(struct limit_state *s, const struct limits *l, bool violating, int64_t ms, bool *changed);

void limit_encode(const struct limit_state *s, struct buf *out);
// False, and *s as at the start, for bytes that are no state.
bool limit_decode(struct limit_state *s, const void *bytes, size_t len);
#endif
