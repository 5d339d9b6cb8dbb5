// SPDX-License-Identifier: Apache-2.0
// A baseline's chunks put together to groups of a window's length: what a field did from window to window while
// nothing changed. Made once for a field and a window length, it can be used for any number of windows:
//
//     struct chunk_history *h = chunk_history_new(field, baseline, window_ms, true); // NULL: there is nothing to go by
//     in.history = h; in.window_to = to; measure_compute(m, &in); ...
//     chunk_history_free(h);
//
// Seasons: where the baseline covers at least three periods (day, week) and the groups of the same phase are alike
// (F test), a window is compared with what is usual at its phase, and the spread is that of the groups about
// their phases. Where they are not alike, or the window is as long as the period, phase is a part of the spread.
#ifndef KD_DRIFT_HISTORY_H
#define KD_DRIFT_HISTORY_H
#include "drift/measure.h"

enum { HISTORY_MIN = 3, HISTORY_ENOUGH = 20, HISTORY_PERIODS = 3 };

struct chunk_group {
	int64_t slot;
	double n, mean, m2; // m2: sum of squared deviations
	double records, missing;
	double bins[BASELINE_BINS];
};

// What is usual in a window: all records of the baseline, or those of its phase.
struct usual {
	double n, mean, variance;
	double bins[BASELINE_BINS];
};

// A series of one statistic over the groups.
struct series {
	double mean, variance; // about the centres
	double n_eff;          // how many independent groups they are worth, at least HISTORY_MIN
};

struct spread;
struct phases;
struct chunk_series;

struct chunk_history {
	const struct baseline_field *field;
	struct chunk_group *groups; // in order of time; NULL: no longer kept
	size_t n;
	int64_t length;       // of a group, ms
	double size;          // harmonic mean of the groups' counts
	bool shorter;         // the window is shorter than a chunk
	int64_t period;       // of the season; 0: none
	size_t nphases;       // 1 where there is none
	struct usual *phases;   // NULL: no longer kept
	struct phases *packed;  // in their place (drift/phases.h)
	double phase_groups;  // groups that a phase's centre rests on
	double log_variance;  // mean log variance of groups of the window's full length, NaN if too few; where there
			      // is a season, less their phases'
	struct spread *spread; // what the members of `drift` did over the groups (drift/spread.h)
};

// NULL where the baseline's rows had no event time or fewer than HISTORY_MIN groups are left. Borrows f.
// `seasons`: look for them; a window of unknown time must be held against a history without. `enough`: shorter groups
// are taken where there would be fewer; HISTORY_ENOUGH.
struct chunk_history *chunk_history_new(const struct baseline_field *f, const struct baseline *b, int64_t window_ms,
					bool seasons);
struct chunk_history *chunk_history_build(const struct baseline_field *f, const struct baseline *b, int64_t window_ms,
					  bool seasons, size_t enough); // keeps groups
void chunk_history_free(struct chunk_history *h);
// What is usual in [from, from + window_ms), of a history with a season; n is 0 where nothing was ever seen at that time.
void chunk_history_usual(const struct chunk_history *h, int64_t from, int64_t window_ms, struct usual *out);
// May a window that ends there (0: not known) be held against it? Not beside a season in which nothing was seen at that
// time: its place is in the spread then, as of a history without.
bool chunk_history_suits(const struct chunk_history *h, int64_t to, int64_t window_ms);
// What is usual at the group's own phase, of a history that keeps its groups.
const struct usual *chunk_history_phase(const struct chunk_history *h, const struct chunk_group *g);

// The histories of any number of fields and window lengths, each made when it is first asked for; with seasons, where
// that suits a window that ends at `to`.
// Baselines are told apart by address: free it before a baseline that it knows.
struct histories;
struct histories *histories_new(void);
void histories_free(struct histories *c);
const struct chunk_history *histories_get(struct histories *c, const struct baseline_field *f, const struct baseline *b,
					  int64_t window_ms, int64_t to); // NULL: there is none

// Likewise of a measure over the chunks (drift/chunks.h).
const struct chunk_series *histories_chunks(struct histories *c, const struct measure *m, const struct baseline_field *f,
					    const struct baseline *b, int64_t window_ms, bool tail);

// Of deviations from `centres` estimated centres.
struct series series_of(const double *y, size_t n, size_t centres);
#endif
