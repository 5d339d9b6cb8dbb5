// SPDX-License-Identifier: Apache-2.0
// How far a stream's event time has come, over its partitions. A partition whose owner stands at its end
// (owned and idle) holds nothing back; one without an owner does, with what was counted of it, as does one
// that is being read. A window closes when the watermark less the lateness has reached its end.
#ifndef KD_JUDGE_WATERMARK_H
#define KD_JUDGE_WATERMARK_H
#include "store/types.h"
#include "util/clock.h"

struct progress {
	struct event_time watermark; // EVENT_TIME_NONE: nothing can close
	struct event_time newest;    // over all partitions; EVENT_TIME_NONE: no record ever
	struct event_time untimed;   // likewise, of records that have no event time and count at Kafka's
	bool at_end;                 // every partition is owned and idle: nothing more is coming
	bool lagging;                // records wait unread, or nobody reads a partition
	bool catching_up;
	int64_t waiting_since;       // wall ms since when a partition has waited for a schema; 0: none does
	uint32_t letters_stopped;    // partitions whose violating records are not copied though asked for
	struct letter_stop letters;  // the longest of these stops
	uint64_t position;           // changes whenever anything was counted
};

struct progress progress_of(const struct stream_view *v);
// Were records lost between the event times from and to (excluded)?
bool view_lost(const struct stream_view *v, int64_t from, int64_t to);
// Where the next such stretch, at or after `from`, begins or ends; INT64_MAX: nowhere.
int64_t view_lost_edge(const struct stream_view *v, int64_t from);
#endif
