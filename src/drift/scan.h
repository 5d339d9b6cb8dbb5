// SPDX-License-Identifier: Apache-2.0
// Sequential detection: the window-limited generalised likelihood ratio scan. Whatever began to change, and
// however slowly, some trailing span begins near where it began: so at every slide the spans that end there,
// of lengths that grow geometrically, are each compared with the baseline, and the least probable speaks. A big
// shift shows in the first slides, a small one or a ramp in spans longer than any window.
//
// Willsky and Jones (IEEE Trans. Autom. Control 21, 1976) gave the scan its window, Lai (J. R. Stat. Soc. B 57,
// 1995; IEEE Trans. Inf. Theory 44, 1998) the geometric lengths and the proof that nothing of first order is
// lost by them: the delay is that of CUSUM tuned to the shift, for every shift at once. CUSUM or Page-Hinkley
// would carry a sum from slide to slide; this is a function of the spans' statistics, so it is the same after a
// restart, with late data, and whoever computes it.
//
//     scan_init(&scan, baseline, field);
//     n = scan_lengths(slide_ms, longest_ms, lengths);
//     ... fill a span for each length that the data reach back to: spans[i]
//     z = scan_value(&scan, spans, n, slide_ms, &found);
//     scan_release(&scan);
#ifndef KD_DRIFT_SCAN_H
#define KD_DRIFT_SCAN_H
#include "drift/baseline.h"
#include "drift/movement.h"
#include "drift/tail.h"

enum {
	SCAN_LENGTHS = 64,
	SCAN_WINDOWS = 32,    // the longest span, in windows
};

// One trailing span's statistics of one field.
struct span {
	int64_t from, to;        // event ms
	uint64_t count;
	double mean, variance;   // numbers: variance n - 1
	double min, max;
	const uint64_t *bins;    // categories: in the baseline's coarse bins
};

enum scan_member { SCAN_MEAN, SCAN_VARIANCE, SCAN_CONSTANT, SCAN_SHARE };

struct scan {
	const struct baseline *source;
	const struct baseline_field *field;
	const struct movement *movement;
	double count, mean, variance, sd;
	double scale, square;       // what the profile leaves of a number's deviations (a standard deviation) and of their
				    // squares (a variance)
	uint64_t bins[BASELINE_BINS]; // categories: counts
	size_t members;
	bool constant;
	double most;             // p from here on are not told apart
	struct scan_kept *kept;  // NULL: the scan judges one slide
	bool has_law[MOVEMENT_SERIES], has_tail; // what follows, 19 KB, is made when first needed
	struct movement_law law[MOVEMENT_SERIES];
	struct tail tail, square_tail;
};

struct scan_found {
	size_t span;
	enum scan_member member;
	size_t bin;              // SCAN_SHARE: which
	double p;                // its own, times the tests that it counts as
};

// Lengths in ms, ascending: whole slides from one up to `longest`, each about 1.25 times the one before.
size_t scan_lengths(int64_t slide_ms, int64_t longest_ms, int64_t out[SCAN_LENGTHS]);
// False where the field's type has nothing to scan, or the baseline no value of it.
bool scan_init(struct scan *s, const struct baseline *b, const struct baseline_field *f);
// For a scan that judges many slides with the same lengths: what follows from these is kept, and values up to `least`
// are 0, which spares most of the work; greater ones are the same.
void scan_keep(struct scan *s, double least);
void scan_release(struct scan *s);
// The normal deviate of the smallest p times the tests that its span and member count as (so that one evaluation a
// slide is what a budget counts); 0 where that is 0.5 or more.
double scan_value(struct scan *s, const struct span *spans, size_t n, int64_t slide_ms, struct scan_found *found);
#endif
