// SPDX-License-Identifier: Apache-2.0
// A baseline's chunks put together to the length of a window: what one member of `drift` does from window
// to window while nothing changes. Private to the drift room.
#ifndef KD_DRIFT_HISTORY_H
#define KD_DRIFT_HISTORY_H
#include "drift/measure.h"

enum { HISTORY_MIN = 3, HISTORY_ENOUGH = 20 };

struct group {
	int64_t slot;
	double n, mean, m2; // m2: sum of squared deviations
	double bins[BASELINE_BINS];
};

struct history {
	struct group *groups; // in order of time
	size_t n;
	double size;          // harmonic mean of the groups' counts
	double log_variance;  // mean log variance over groups of the window's full length; NaN if too few
	bool shorter;         // the window is shorter than a chunk
};

// A series of one statistic over the groups.
struct series {
	double mean, variance; // n - 1
	double n_eff;          // how many independent groups they are worth, at least HISTORY_MIN
};

// False where the baseline's rows had no event time or fewer than HISTORY_MIN groups are left; only where
// true there is something to release.
bool history_init(struct history *h, const struct baseline_field *f, const struct baseline *b, int64_t window_ms);
void history_release(struct history *h);
struct series series_of(const double *y, size_t n);
#endif
