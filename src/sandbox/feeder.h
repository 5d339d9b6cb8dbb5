// SPDX-License-Identifier: Apache-2.0
// Produces a replay's messages in event order on a thread of its own, no faster than they are read: it
// never runs more than `ahead_ms` of event time ahead of what the monitor has judged of any stream, so that
// the monitor sees every hour of the play in its turn, however slow the machine is.
#ifndef KD_SANDBOX_FEEDER_H
#define KD_SANDBOX_FEEDER_H
#include "sandbox/replay.h"
#include "util/clock.h"
#include "util/error.h"

struct feeder_conf {
	const char *bootstrap;
	int64_t ahead_ms;
	double days_per_second; // event time per wall time, at most; 0: as fast as it is read
	void *ctx;
	// The newest event of each stream that the monitor has judged; EVENT_TIME_NONE: none yet.
	void (*position)(void *ctx, struct event_time newest[REPLAY_STREAMS]);
	void (*announce)(void *ctx, enum replay_fault fault); // before the fault's first message
};

struct feeder;
struct feeder *feeder_start(struct replay *r, const struct feeder_conf *conf, struct error *err) MUST_CHECK;
// 1 when everything is produced and acknowledged, 0 while not, -1 with err.
int feeder_done(struct feeder *f, struct error *err) MUST_CHECK;
void feeder_stop(struct feeder *f); // stops where it is; the replay may be read after it
#endif
