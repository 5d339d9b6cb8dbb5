// SPDX-License-Identifier: Apache-2.0
// Private to collect: numbers on their way into an open pane, a column a field. Counted a column at a time they share
// what a field's grid and sums cost to fetch.
#ifndef KD_COLLECT_STAGE_H
#define KD_COLLECT_STAGE_H
#include "stats/pane.h"

enum { STAGE_NUMBERS = 64 };

struct stage {
	struct column_stage {
		double *x; // grown up to STAGE_NUMBERS; NULL: none yet
		uint32_t n, cap;
	} *columns; // by the pane's index of fields
	size_t n;
};

// f: the field's statistics, `k` its index.
void stage_number(struct stage *s, struct field_stats *f, size_t k, double x);
void stage_flush(struct stage *s, struct pane *p); // all of it into the pane, before it is read; releases
void stage_release(struct stage *s);
#endif
