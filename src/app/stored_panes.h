// SPDX-License-Identifier: Apache-2.0
// What the store holds of a range of event time, as the judge of a replay is shown it: moment by moment the panes that
// were counted by then, and event time as far as they had brought it. The store is only read.
//
// The panes' heads are read first, so that each pane has two moments: its first record comes, and its last is counted.
// What lies within one is not known, nor is the order in which records came: one that came too late for a window that
// a run had closed is in it here.
//
//     p = stored_panes_open(&conf, err); port = stored_panes_port(p); stored_panes_next(p, ...) ...;
//     stored_panes_check(p, err); stored_panes_free(p)
#ifndef KD_APP_STORED_PANES_H
#define KD_APP_STORED_PANES_H
#include "judge/judge.h"

struct stored_panes_conf {
	const struct judge_port *port;      // of the store; borrowed, as the streams are
	const struct judge_stream *streams; // sub-streams behind the stream that they are of
	size_t nstreams;
	int64_t from, to;                   // event ms; rounded outward to panes, or to what they were rolled up to
	void *ctx;
	void (*progress)(void *ctx, double share, uint64_t records);
};

struct stored_panes;
struct stored_panes *stored_panes_open(const struct stored_panes_conf *conf, struct error *err) MUST_CHECK;
void stored_panes_free(struct stored_panes *p);
// Views, intervals and segments as of the moment.
struct judge_port stored_panes_port(struct stored_panes *p);
// On to the next moment: *stream, which is no sub-stream, comes to *ms. false: that was the last.
bool stored_panes_next(struct stored_panes *p, size_t *stream, int64_t *ms);
double stored_panes_share(const struct stored_panes *p); // of the moments that are over
// How many records the panes have, and the oldest and the newest event time; from > to: none.
uint64_t stored_panes_records(const struct stored_panes *p, int64_t *from, int64_t *to);
// How wide the panes of a stream and its sub-streams are at least, where they are not rolled up: rules that need narrower
// ones cannot be judged.
int64_t stored_panes_spread(const struct stored_panes *p, size_t stream);
// At the end: an error where panes were removed from the store meanwhile.
int stored_panes_check(struct stored_panes *p, struct error *err) MUST_CHECK;
#endif
