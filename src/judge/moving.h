// SPDX-License-Identifier: Apache-2.0
// What a stream's windows did before the one that it is compared with (`baseline: {previous: 7d}`), as a baseline of
// its last MOVING_LEAST to MOVING_MOST whole windows: so `drift` is judged by the stream's own spread. Made anew
// whenever the windows are others, or one of their intervals was written.
#ifndef KD_JUDGE_MOVING_H
#define KD_JUDGE_MOVING_H
#include "drift/baseline.h"
#include "drift/history.h"
#include "judge/judge.h"

enum { MOVING_LEAST = 20, MOVING_MOST = 96 };

struct moving;         // of a stream
struct moving_history; // of its windows of one length

struct moving *moving_new(const struct judge_port *port, const struct judge_stream *s);
void moving_free(struct moving *m);
void moving_clear(struct moving *m); // the store lost state; NULL is fine
// Brings the history of windows of that length that end at or before `end` up to date. `first`: where the data begins.
int moving_look(struct moving *m, int64_t window_ms, int64_t end, int64_t first, const struct stream_view *view,
		struct error *err) MUST_CHECK;
// NULL: there are too few windows, some lost records, or their panes cannot be put together. Valid until the next look.
const struct moving_history *moving_of(const struct moving *m, int64_t window_ms);
const struct baseline *moving_baseline(const struct moving_history *h, const char *slice); // NULL: none
struct histories *moving_histories(const struct moving_history *h);
#endif
