// SPDX-License-Identifier: Apache-2.0
// Rolling up (docs/exactly-once.md): what is stored of whole hours, later of whole days, is merged into one
// interval each, once no window has a boundary within any more. What windows merge to stays the same to the bit.
#ifndef KD_JUDGE_ROLLUP_H
#define KD_JUDGE_ROLLUP_H
#include "judge/ports.h"
#include "judge/windows.h"

// Merges the sources into [start, start + width). 1: done; 0: not, a pane cannot be read or a source was written
// meanwhile.
int roll_up(const struct judge_port *port, const char *stream, int64_t start, int64_t width,
	    const struct interval_view *sources, size_t n, uint64_t generation, struct error *err) MUST_CHECK;

// Where the next interval of each of the roll_widths begins that may be left to do; INT64_MIN: not known.
struct rolled {
	int64_t at[ROLL_WIDTHS];
};
void rolled_forget(struct rolled *r);
void rolled_reopen(struct rolled *r, int64_t start); // an interval was written to

// Rolls up what ends by limits[i], the oldest first: a few a call. *any: something was rolled up.
int roll_up_stream(const struct judge_port *port, const char *stream, const int64_t *limits, struct rolled *r, bool *any,
		   struct error *err) MUST_CHECK;

// A window of a stream's rules, for roll_up_limit: its length, how much earlier it is compared, how far apart its
// boundaries lie at least, and the last one that was judged.
struct roll_use {
	int64_t over, earlier, step, end;
};
// Lowers *limit to what the window leaves for intervals of a width.
void roll_up_limit(const struct roll_use *u, int64_t width, int64_t *limit);
#endif
