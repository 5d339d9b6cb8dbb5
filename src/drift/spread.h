// SPDX-License-Identifier: Apache-2.0
// What the members of `drift` did over a history's groups, each group held against the others (of its phase):
// all that a window is judged by, computed once. Private to the drift room.
#ifndef KD_DRIFT_SPREAD_H
#define KD_DRIFT_SPREAD_H
#include "drift/history.h"
#include "drift/sides.h"

// Variances and distances below this share of the reference's own count as this share.
#define LEAST_SHARE 1e-6

enum { POOLINGS = 8 };

// The reference in coarse bins, with the distance between neighbouring bins' mean values.
struct coarse {
	double r[BASELINE_BINS], step[BASELINE_BINS], n;
	size_t bins;
	double w_mean, w_log_sd; // of wasserstein over sqrt(1/n + 1/m), if records were independent
};

struct distances {
	double ks, wasserstein;
};

// Columns put together so that each expects enough of `size` records.
struct pooling {
	double size;
	uint32_t group[BASELINE_BINS]; // UINT32_MAX: left out
	size_t used;
	struct series chi2;
	// used - 1 generalised design effects (Rao and Scott 1981), the greatest first: by how much more the shares of a
	// group vary than those of independent records, in each direction of theirs.
	double *effects;
};

struct quantile { // the last one that was asked for
	double p, of, x;
};

struct spread {
	bool few;          // judged by chi2
	double r[BASELINE_BINS]; // the reference's coarse counts
	size_t bins;
	double rest;       // mean of 1/n + 1/(n of the others) over the groups
	// numbers
	double kurtosis;
	struct coarse coarse;
	struct series mean, log_variance, ks, wasserstein; // the last three of logarithms
	// categories, numbers with few values
	struct pooling *pooling; // for windows of the groups' size, of half, ...: those that differ
	size_t npooling;
	const struct category *top[BASELINE_BINS - 1];
	size_t ntop;
	double others;     // variance over Poisson's of the count of all other categories, less 1
	struct quantile student, chi2; // of their degrees, of the pooling's size
};

struct spread *spread_new(const struct chunk_history *h);
void spread_free(struct spread *s);
const struct pooling *spread_pooling(const struct spread *s, double m);

void coarse_init(struct coarse *k, const struct cells *s, const uint32_t *group, size_t n);
// The mean of wasserstein over sqrt(1/n + 1/m) for a reference r of n.
double coarse_w_mean(const struct coarse *k, const double *r, double n);
struct distances distances_of(const struct coarse *k, const double *r, double nr, const double *c, double nc);
double cell_middle(const struct cell *c);
double kurtosis_of(const struct cells *s);

// Puts columns with fewer than five expected of `size` records together, and those without a reference apart
// (group UINT32_MAX). Returns the number of columns left; t, with room for them, gets the others by pool.
size_t pool_columns(const double *r, size_t n, double size, uint32_t *group);
void pool(struct columns *t, const double *r, const double *c, size_t n, const uint32_t *group, size_t used);
#endif
