// SPDX-License-Identifier: Apache-2.0
// The trailing spans of one field, of any length up to TRAIL_SLIDES slides, from running sums: the numbers that the
// judge reads from merged panes, up to the last digits.
#ifndef KD_BENCH_ALERTS_TRAIL_H
#define KD_BENCH_ALERTS_TRAIL_H
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>

#include "alerts_source.h"
#include "drift/scan.h"

enum { TRAIL_SLIDES = 16384, TRAIL_BEYOND = 1024 };

struct slide_sums {
	double count, sum, squares;
	double min, max;
	uint64_t categories[CATEGORIES]; // in the baseline's coarse bins
};

struct trail {
	bool numbers;
	int64_t n, slide_ms, first;  // slides so far, and when the first began
	double least, greatest;      // of the baseline
	struct {
		double count, sum, squares;
	} sums[TRAIL_SLIDES];        // up to and with a slide
	uint64_t categories[TRAIL_SLIDES][CATEGORIES];
	double min, max;             // of the newest slide
	struct {
		int64_t slide;
		double min, max;
	} beyond[TRAIL_BEYOND];      // the newest slides with a value beyond the baseline's extremes
	size_t nbeyond;              // ever
	uint64_t bins[SCAN_LENGTHS][BASELINE_BINS]; // what the spans point at
};

// least, greatest: of the baseline (numbers). A span's extremes are told if they lie beyond those.
void trail_init(struct trail *t, int64_t first, int64_t slide_ms, bool numbers, double least, double greatest);
void trail_push(struct trail *t, const struct slide_sums *slide);
// A span for each of the lengths, which ascend, that there are data for; how many. Those that are not due yet, by their
// slide, have a count of 0.
size_t trail_spans(struct trail *t, const int64_t *lengths, const int64_t *due, size_t n, struct span *out);
#endif
