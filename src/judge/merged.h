// SPDX-License-Identifier: Apache-2.0
// What was merged of a stretch of a stream, slice by slice: a window, or a block that windows are put together from.
// A block is kept packed: its panes are bytes, which take a tenth of the memory and are added as they are read.
//
//     window: merged_init -> merged_add (blocks) ... -> merged_total -> merged_release
//     block:  merged_init -> merged_segment or merged_add ... -> merged_pack -> merged_release
#ifndef KD_JUDGE_MERGED_H
#define KD_JUDGE_MERGED_H
#include "drift/baseline.h"
#include "stats/pane.h"
#include "store/types.h"

// Offsets of one partition that went into a pane, and of its violations (bad_from > bad_to: none).
struct part_range {
	char *topic;
	int32_t partition;
	int64_t from, to, bad_from, bad_to;
};

struct slice_stats {
	char *name;
	struct pane *pane;        // NULL when it is `packed`
	struct buf packed[2];     // whole, and its moments once they are asked for
	struct part_range *parts; // ordered by topic and partition
	size_t nparts, capparts;
	bool damaged;             // a pane could not be read: what is known is not all
	uint64_t met;             // of the overflows, those at which it had a pane of its own
};

// Every slice by itself (ordered by name; none where the stream has no slices) and all of
// them together. An empty one has no records and total.pane is an empty pane.
struct merged {
	int64_t from, to;
	struct slice_stats total; // its name is ""
	struct slice_stats *slices;
	size_t nslices, capslices;
	bool lost;                // records of it were lost unread
	bool cut;                 // a rolled-up interval reaches beyond it, or across its blocks: nothing is in it
	uint64_t overflows;       // intervals of a partition in which slice `other` took those without room
};

void merged_init(struct merged *m, int64_t from, int64_t to);
void merged_release(struct merged *m);
const struct slice_stats *merged_slice(const struct merged *m, const char *name); // "": total; NULL if absent
// Are all records of the slice in it? Wherever one overflowed, so may those that had no pane there.
bool slice_whole(const struct merged *m, const struct slice_stats *s);
// Drops all slices but the `max` with the most records (ties: by name); the total keeps them all.
void merged_limit(struct merged *m, size_t max);

// m += a packed block, or its moments. Until merged_total, `total` holds what is in no slice.
void merged_add(struct merged *m, struct merged *block, bool moments, const struct baseline *grids, const char *stream);
// m += a pane as it was counted in one partition. One whose bytes cannot be read makes the slice damaged: its measures
// are unknown rather than wrong. -> its slice, NULL: the stream has none. *overflowed: other slices' records are in it.
const struct slice_stats *merged_segment(struct merged *m, const struct segment_view *v, const struct baseline *grids,
					 const char *stream, bool *overflowed);
struct slice_stats *merged_make(struct merged *m, const char *name); // the slice, added if need be
void merged_pack(struct merged *m);
void merged_drop_moments(struct merged *m); // of a packed one, until they are asked for again
void merged_total(struct merged *m);
#endif
