// SPDX-License-Identifier: Apache-2.0
// Which baseline a stream is judged by. The store keeps its hash (document "baseline", by stream), so every process and
// every restart judges by the same one, whatever its configuration says.
//
// A configured baseline on the same grids is taken to at once. One on other grids is not while windows still have panes
// that were counted on the old ones alone: the old baseline stays in force (a copy of it is in the store meanwhile), until
// all that the stream's rules look at at a boundary was counted on the new grids. That is asked of the panes themselves,
// so the answer is the same whoever asks. The new baseline is written as the one in force by the commit of that boundary,
// and judges it.
#ifndef KD_JUDGE_IN_FORCE_H
#define KD_JUDGE_IN_FORCE_H
#include "judge/state.h"

// After the other documents. The baseline in force may have to be read anew.
int in_force_load(struct judge *j, struct error *err) MUST_CHECK;
// Back to the configured one.
void in_force_drop(struct judge *j, struct stream_state *s);
// Before the boundary is judged: takes to the configured baseline where it can.
int in_force_look(struct judge *j, struct stream_state *s, int64_t end, int64_t at, struct error *err) MUST_CHECK;
// What the status says of the stream's baselines.
void in_force_show(const struct stream_state *s, json_t *out);
#endif
