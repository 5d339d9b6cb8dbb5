// SPDX-License-Identifier: Apache-2.0
// Which readings a rule needs, and their computation from merged windows. Pure.
#ifndef KD_JUDGE_READINGS_H
#define KD_JUDGE_READINGS_H
#include "drift/history.h"
#include "judge/judge.h"
#include "judge/moving.h"
#include "judge/spans.h"
#include "judge/watermark.h"
#include "judge/windows.h"

// The newest version under the stream's subject.
struct version {
	bool said;           // the registry said so lately
	int32_t version, id; // version 0: nothing is registered
	uint64_t breaches;   // of the contract
	char *subject, *why;
	int64_t since;       // the judge's clock when it was first seen; INT64_MIN: never
};

// What is judged at one moment.
struct moment {
	const struct judge_stream *stream;
	const struct merged *window;     // NULL: judged by the clock alone
	const struct merged *other;      // against a time before or another stream: that window; NULL: it is not whole
	const struct progress *progress;
	const struct version *version;   // registered under the stream's subject
	bool thin;                       // the window has far fewer records than its like
	struct wall_time since;          // when the monitor first saw the stream
	struct wall_time now;            // the judge's clock
	struct histories *histories;     // of the stream's baseline; NULL: made for each reading
	uint64_t tests;                  // that the rule makes at this moment (rule_tests)
	const struct moving_history *moving; // what windows did before the earlier one; NULL: not known, or not asked
	struct spans *spans;             // up to this moment; NULL: the rule needs none
};

// The fields that are judged in a window: the configured ones, the baseline's and those that were counted,
// without the ignored ones, ordered by path. Paths and grids are borrowed.
struct field_list {
	struct field_def *items;
	size_t n, cap;
};

void field_list_fill(struct field_list *l, const struct judge_stream *s, const struct merged *window);
void field_list_need(struct field_list *l, const struct judge_stream *s, const struct merged *window); // unless it is filled
void field_list_release(struct field_list *l);
// What a slice is compared with: a baseline of its own, else the stream's; NULL: none.
const struct baseline *stream_baseline(const struct judge_stream *s, const char *slice);
bool rule_needs_field(const struct rule *r, const struct field_def *f); // by scope, type and name

// How much earlier the window is that the rule compares with, by itself or because its stream's baseline is one; 0: none.
int64_t rule_previous(const struct rule *r, const struct judge_stream *s);
// Is it judged by how windows moved before the earlier one?
bool rule_moves(const struct rule *r, const struct judge_stream *s);
// How many tests the rule makes in a window: fields x slices, rounded up (budget_steady).
uint64_t rule_tests(const struct rule *r, const struct judge_stream *s, const struct field_list *fields,
		    const struct merged *window);
// What the rule's measure is taken of. `partial`: what is known of a side is not all of it. The caller frees *counted (may be
// NULL), a pane of the current side, after use.
struct measure_input reading_input(const struct rule *r, const struct moment *m, const struct field_def *def,
				   const char *slice, bool *partial, struct pane **counted);
// The rule's measure of a pane that was counted like the current side: a part of it.
struct measure_value reading_of_pane(const struct rule *r, const struct moment *m, const struct field_def *def, const char *slice,
				     const struct pane *p);
// One reading of the rule's measure. `def` NULL for stream measures. Strings are borrowed.
struct reading reading_of(const struct rule *r, const struct moment *m, const struct field_def *def,
			  const char *slice);
// Were records lost of what the rule looks at?
bool moment_lost(const struct rule *r, const struct moment *m);
// Is one of its windows not to be had whole, since panes were rolled up across its bounds?
bool moment_cut(const struct moment *m);
// Is this slice judged by this rule? `other` is not, nor is the slice that the rule compares with.
bool rule_needs_slice(const struct rule *r, const struct slice_stats *s);
#endif
