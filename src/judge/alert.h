// SPDX-License-Identifier: Apache-2.0
// The state of one rule for one stream, field and slice: ok, unknown, pending or firing. Pure.
//
// Three kinds of evaluation step it. ALERT_WINDOW: a closed window; `for` is event time. ALERT_CLOCK
// (staleness): at each tick, `for` is the judge's clock. ALERT_EAGER: the trailing window with open panes, at
// each tick; it may make an alert fire but never resolves one, and a closed window resolves it only from the
// boundary on up to which the eager evaluation saw it true. Unknown neither fires nor resolves, and ends a
// pending.
#ifndef KD_JUDGE_ALERT_H
#define KD_JUDGE_ALERT_H
#include <stdbool.h>
#include <stdint.h>

#include "judge/condition.h"
#include "util/json.h"

#define ALERT_NEVER INT64_MIN

enum alert_mode { ALERT_WINDOW, ALERT_EAGER, ALERT_CLOCK };
enum alert_change { ALERT_SAME, ALERT_CHANGED, ALERT_FIRED, ALERT_RESOLVED };

// Since when the condition has been true without a break: the event-time boundary at which it became so, and
// what `for` is measured on.
struct held {
	int64_t from, at; // ALERT_NEVER: it is not
};

struct alert_state {
	bool firing, unknown;
	enum reading_state why;  // of an unknown
	struct held window, eager;
	int64_t started;         // while firing: the boundary at which it became true
	int64_t true_until;      // the last boundary that an eager evaluation saw true
};

struct alert_step {
	enum alert_mode mode;
	enum truth truth;
	enum reading_state why;
	int64_t boundary;        // event ms: the window's end; ALERT_CLOCK: the newest event
	int64_t at;              // ALERT_WINDOW: the boundary; else the judge's clock
	int64_t for_ms;
};

void alert_init(struct alert_state *a);
enum alert_change alert_apply(struct alert_state *a, const struct alert_step *s);
// An evaluation did not meet its slice or field: what evaluations of that mode held is over. An alert that
// fires goes on firing.
enum alert_change alert_absent(struct alert_state *a, enum alert_mode mode);
bool alert_pending(const struct alert_state *a);
bool alert_ok(const struct alert_state *a);            // nothing to remember
const char *alert_state_name(const struct alert_state *a); // "ok", "unknown", "pending", "firing"
void alert_to_json(const struct alert_state *a, json_t *obj);
void alert_from_json(struct alert_state *a, const json_t *obj);
#endif
