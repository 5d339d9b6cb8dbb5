// SPDX-License-Identifier: Apache-2.0
// The members of `drift` (drift/composite.c): each adds its p to a family. Private to the drift room.
#ifndef KD_DRIFT_FAMILY_H
#define KD_DRIFT_FAMILY_H
#include <math.h>

#include "drift/special.h"
#include "drift/spread.h"

enum member { MEAN_SHIFT, LOG_VARIANCE, KS, WASSERSTEIN, CHI2, UNSEEN, CONSTANT, MEMBERS };
enum { FAMILY = 4 };

struct family {
	const struct measure_input *in;
	const struct chunk_history *history; // NULL: records are taken as independent
	struct usual usual;            // at the window's phase, where there is a season
	bool season;
	double n, m;                   // reference, current
	struct {
		enum member member;
		double p, least; // least: the smallest that any window could get, as far as it was asked for
	} members[FAMILY];
	int count;
	struct { // what a chi-square would have to be, and what a share's shift makes of it
		double df, factor, share, size; // factor: by how much the effects are greater than of a window of the groups' size
	} chi2;
	struct {
		double expected, rate, factor;
	} poisson;
};

static inline void family_add(struct family *f, enum member member, double p)
{
	if (isnan(p))
		return;
	f->members[f->count].member = member;
	f->members[f->count].p = p;
	f->members[f->count++].least = 0;
}

// That no window could give the member that was added last a smaller p.
static inline void family_bound(struct family *f, double least)
{
	f->members[f->count - 1].least = least;
}

// Must it be known how small the p of the member that was added last could be?
static inline bool asks_bound(const struct family *f)
{
	return f->count && f->in->limit_p > 0 && f->members[f->count - 1].p * FAMILY > f->in->limit_p;
}

// family_numbers.c: mean shift and log variance ratio, ks and wasserstein.
void add_moments(struct family *f, const struct cells *s);
void add_distances(struct family *f, const struct cells *s);
// family_counts.c. `all` holds every column; where there is a history they are the baseline's coarse bins.
void add_chi2(struct family *f, const struct columns *all);
// `reference` of n reference values were such, `current` are now. `factor` is by how much more than Poisson
// their count varies: it divides count and rate.
void add_poisson(struct family *f, enum member member, double reference, double current, double factor);

// The shift that is expected to be at the limit p: the mean's, in the reference's standard deviations; what the most
// frequent value's share has to gain or lose, the others changing in proportion; the share of values never seen.
double smallest_mean(const struct family *f, double p);
double smallest_share(const struct family *f, double p);
double smallest_count(const struct family *f, double p);

// Student's quantile: the last one is kept in q.
static inline double remembered(struct quantile *q, double p, double df)
{
	if (q->p != p || q->of != df)
		*q = (struct quantile){p, df, student_isf(p, df)};
	return q->x;
}
#endif
