// SPDX-License-Identifier: Apache-2.0
// Logarithmic bins of a field that is only counted into: a hash from bin to count, put in order when it is read
// (private to stats/). Where bins come in any order a sorted list has to move half of itself for each new one.
#ifndef KD_STATS_LOGTABLE_H
#define KD_STATS_LOGTABLE_H
#include "stats/pane.h"

struct logtable {
	size_t used, mask;
	struct logcell {
		int32_t bin;
		uint32_t n; // 0: the cell is free
	} *cells;
};

struct logtable *logtable_new(void);
void logtable_free(struct logtable *t);
// false, and nothing is counted: it is full, of `most` bins or of one's values.
bool logtable_count(struct logtable *t, int32_t bin, size_t most);
// In order; the caller frees.
struct logbin *logtable_sorted(const struct logtable *t, size_t *n);
#endif
