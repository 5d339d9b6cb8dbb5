// SPDX-License-Identifier: Apache-2.0
// The trailing spans of one field, of any length up to TRAIL_SLIDES slides, from running sums: the numbers that the
// judge reads from merged panes, up to the last digits.
#ifndef KD_BENCH_ALERTS_TRAIL_H
#define KD_BENCH_ALERTS_TRAIL_H
#include <stddef.h>
#include <stdint.h>

#include "alerts_source.h"
#include "drift/scan.h"

enum { TRAIL_SLIDES = 16384, TRAIL_LEVELS = 15 };

struct slide_sums {
	double count, sum, squares;
	double min, max;
	uint64_t categories[CATEGORIES]; // in the baseline's coarse bins
};

struct trail {
	int64_t n, slide_ms, first; // slides so far, and when the first began
	struct slide_sums sums[TRAIL_SLIDES + 1];	     // up to and with a slide; its own extremes
	double min[TRAIL_LEVELS][TRAIL_SLIDES + 1], max[TRAIL_LEVELS][TRAIL_SLIDES + 1]; // of the last 2^level slides
	uint64_t bins[SCAN_LENGTHS][BASELINE_BINS];	     // what the spans point at
};

void trail_init(struct trail *t, int64_t first, int64_t slide_ms);
void trail_push(struct trail *t, const struct slide_sums *slide);
// A span for each of the lengths that there are data for; how many.
size_t trail_spans(struct trail *t, const int64_t *lengths, size_t n, struct span *out);
#endif
