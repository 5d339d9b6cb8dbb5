// SPDX-License-Identifier: Apache-2.0
// The baselines that streams name, and whether what rules compare is counted on one grid. Used by `run` and `check`.
#ifndef KD_APP_BASELINES_H
#define KD_APP_BASELINES_H
#include "config/config.h"
#include "drift/baseline.h"

// The baseline of the stream: its own, or that of another stream of the configuration whose grid it is to share.
// NULL with err; where the stream names none, NULL without.
struct baseline *stream_baseline_load(const struct config *c, const struct stream_conf *s, struct error *err) MUST_CHECK;
// The baseline of one of its slices, on the same grid as the stream's own.
struct baseline *slice_baseline_load(const struct config *c, const struct stream_conf *s, size_t i, const struct baseline *own,
				     struct error *err) MUST_CHECK;
// Tells of each rule with against: {stream: ...} whose measure needs one grid on both sides and does not find it. by_stream
// has NULL where a stream has none.
void baselines_check(const struct config *c, struct baseline *const *by_stream,
		     void (*bad)(void *ctx, const struct rule *r, const char *text), void *ctx);
#endif
