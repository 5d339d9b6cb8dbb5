// SPDX-License-Identifier: Apache-2.0
// Private to the store: the indexes of a stream's intervals.
#ifndef KD_STORE_SEGMENTS_H
#define KD_STORE_SEGMENTS_H
#include "store/conn.h"

// What stands for it in the indexes and among the write counters; the caller frees.
char *segment_member(const struct interval_view *v);
// Rolled-up intervals that overlap [from, to), by start and width, with their write counters. The caller frees *out.
int segment_rolls(struct store *s, const char *stream, int64_t from, int64_t to, struct interval_view **out, size_t *n,
		  struct error *err);
redisReply *segment_widths(struct store *s, const char *stream, struct error *err); // of panes
#endif
