// SPDX-License-Identifier: Apache-2.0
// The judge: merged panes -> windows -> readings -> rules -> alerts -> pages and digests. One call of
// judge_tick is one pass: it reads through the port, decides purely, and commits everything that changed
// in one fenced write. Nothing here knows Redis, Kafka or a clock of its own.
//
//     judge_new -> judge_tick ... judge_tick -> judge_free
#ifndef KD_JUDGE_JUDGE_H
#define KD_JUDGE_JUDGE_H
#include <stdbool.h>

#include "drift/baseline.h"
#include "judge/ports.h"
#include "judge/rule.h"
#include "util/clock.h"
#include "util/json.h"

struct judge_stream {
	const char *name, *topic, *role, *owner;
	int64_t window_ms, slide_ms, lateness_ms, pane_ms, retention_ms;
	uint32_t max_slices;
	const struct baseline *baseline;      // NULL: none, or
	const char *baseline_file;            // where that is kept, absolute; NULL: not known
	const struct baseline *next;          // that it makes way for (judge/in_force.h); NULL: it does not
	int64_t previous_ms;                  // the same window that much earlier; 0: not so
	const struct slice_reference {
		const char *slice;
		const struct baseline *baseline;
		const char *file;
	} *slices;                            // with a baseline of their own, on the grid of `baseline`
	size_t nslices;
	const struct field_def *fields;       // named in the configuration (contract, fields:), may be 0
	size_t nfields;
	const char *of;                       // of a sub-stream: the stream, earlier in the list, whose event time is its
					      // own and whose rules hold for it, too; else NULL
	bool by_record;                       // most of its records are in its sub-streams
	bool contract;                        // it has one that the registry's newest version is held against
};

struct digest_schedule {
	bool enabled;
	int weekday, hour, minute;            // weekday -1: every day; 0 Sunday
	const char *timezone;                 // IANA
};

// What a rule says of one closed window, for one field and slice.
struct judge_verdict {
	const struct rule *rule;
	const struct reading *reading;        // with the stream, the window, and why there is no value
	double threshold;
	const char *state;                    // "ok", "pending", "firing", "unknown" or "uncalibrated"
	bool open;                            // of an eager rule's trailing window, up to an open pane
	int64_t at;                           // the judge's clock
};

// Who asks what rules would have said.
struct judge_replay {
	void *ctx;
	bool open_windows;                    // verdicts also of those that eager rules look at
	// Every closed window; those that the data's start or end cuts are unknown and change no alert.
	void (*verdict)(void *ctx, const struct judge_verdict *v);
	// A window with fewer records is incomplete, and what rules say of it unknown. NULL: none is.
	uint64_t (*least)(void *least_ctx, const struct judge_stream *s, int64_t window_ms);
	void *least_ctx;
};

struct judge_conf {                           // borrowed: must outlive the judge
	const struct judge_stream *streams;
	size_t nstreams;
	const struct rule *rules;
	size_t nrules;
	const char *const *routes[TIERS];     // receiver names
	size_t nroutes[TIERS];
	struct digest_schedule digests[TIERS]; // of daily and weekly
	bool clock_is_watermark;              // demo and backtest: now = the newest watermark of all streams
	const struct judge_replay *replay;    // NULL: none; with it nobody looks at the status, and there is none
	const char *config_path;              // for the commands that a page shows
};

struct judge;
struct judge *judge_new(const struct judge_conf *conf, const struct judge_port *port);
void judge_free(struct judge *j);
// One pass. `now` is ignored where clock_is_watermark. -1: nothing was committed; call again (state is
// loaded anew).
int judge_tick(struct judge *j, struct wall_time now, struct error *err) MUST_CHECK;
// Nothing more comes: tells the replay of the windows that the data's end cuts.
int judge_finish(struct judge *j, struct error *err) MUST_CHECK;
// The last pass stopped at its bound with closed windows left: tick again at once.
bool judge_behind(const struct judge *j);
// The last pass as JSON: {streams:[...], alerts:[...], clock, watermark ...}, made when it is asked for. Thread-safe.
json_t *judge_status(struct judge *j);

// The baselines, of streams and their slices, that are in force until the configured ones can be taken to. Thread-safe;
// they are valid during the call.
void judge_before(struct judge *j,
		  void (*each)(void *arg, const char *stream, const char *slice, const struct baseline *b), void *arg);

struct stored_range {
	int64_t from, to;                     // aligned to panes; rounded outward to what was rolled up
	int64_t widest;                       // the width of the widest interval of it, where that is more than it was
};
// Merges every segment of the range by slice; `slice` NULL merges all slices. Where panes are rolled up meanwhile it
// reads those again. Used by `kdrift stats`. The caller frees the pane.
int judge_merge_range(const struct judge_port *port, const char *stream, struct stored_range *r, const char *slice,
		      const struct baseline *b, struct pane **out, struct error *err) MUST_CHECK;
#endif
