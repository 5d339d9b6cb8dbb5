// SPDX-License-Identifier: Apache-2.0
// How often slice `other` took those without room. A place (an interval of a partition) overflows once, and each slice that
// has a pane there meets that once, however many segments of it there are; a rolled-up one brings its counts along.
//
//     overflows_add(...) for each segment -> overflows_count -> overflows_release
#ifndef KD_JUDGE_OVERFLOWS_H
#define KD_JUDGE_OVERFLOWS_H
#include "store/types.h"

struct overflow_part {      // a segment's
	uint64_t place;
	void *of, *slice;   // the caller's; one pointer a slice of a place
	bool rolled;
	uint64_t overflows, met; // of a rolled-up place; otherwise overflows is 1 where it overflowed
};

struct overflows {
	struct overflow_part *parts;
	size_t n, cap;
};

void overflows_add(struct overflows *o, const struct interval_view *at, const struct segment_view *v, bool overflowed, void *of,
		   void *slice);
// Calls `each` where there is anything to add: `overflows` once a place, `met` once a slice of it.
void overflows_count(struct overflows *o, void (*each)(void *of, void *slice, uint64_t overflows, uint64_t met));
void overflows_release(struct overflows *o); // empty again
#endif
