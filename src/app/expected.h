// SPDX-License-Identifier: Apache-2.0
// How many records a stream's windows usually have: the median over those windows of the same length that lie
// whole within the data and whose last slide has records. One with under half of it is not judged.
#ifndef KD_APP_EXPECTED_H
#define KD_APP_EXPECTED_H
#include "judge/judge.h"
#include "util/map.h"

struct expected;
struct expected *expected_new(void);
void expected_free(struct expected *e);
void expected_add(struct expected *e, const char *stream, int64_t slide_ms, int64_t event_ms);
// The fewest records that a window of that length may have. For struct judge_replay.
uint64_t expected_least(void *e, const struct judge_stream *s, int64_t window_ms);
#endif
