// SPDX-License-Identifier: Apache-2.0
// A baseline of what the store holds: "last week was good".
#ifndef KD_APP_STORE_RANGE_H
#define KD_APP_STORE_RANGE_H
#include "config/config.h"
#include "drift/baseline.h"
#include "judge/ports.h"

struct store_range {
	const struct judge_port *port; // of the store
	const struct stream_conf *stream;
	int64_t from, to;      // event ms, rounded outward to panes; INT64_MIN, INT64_MAX: as far as there are panes
	const char *slice;     // NULL: all
	bool allow_violations; // else an error counts them by kind; so are records that were lost unread
	void *ctx;
	void (*progress)(void *ctx, double share, uint64_t records);
};

// NULL with err. Its panes must be on the logarithmic grid, or on that of the stream's present baseline.
struct baseline *store_range_baseline(const struct store_range *r, struct error *err) MUST_CHECK;
#endif
