// SPDX-License-Identifier: Apache-2.0
// How much a mean over some length of time moves in a baseline: by length, and by phase of the day or week.
//
// A *series* is something every value has: a number's deviation from its mean, that squared, or whether a text
// is one category. A mean of n independent values has the variance v/n; means over groups of a length have
// more where values depend on their neighbours, or where the level itself moves. The *design effect* is how
// many times more, at lengths that double from one minute or so up to an eighth of the baseline. From it
// follows how many independent values a span of any length is worth.
//
// Where the baseline has a daily rhythm (or a weekly one beyond that), the table keeps its profile, and the
// design effects are of what the profile does not explain.
//
// All is kept as integers, made from integer sums, so that it is the same in whatever order rows came.
#ifndef KD_DRIFT_MOVEMENT_H
#define KD_DRIFT_MOVEMENT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	MOVEMENT_LEVELS = 24,
	MOVEMENT_SERIES = 32,
	MOVEMENT_PHASES = 4096, // phases times series
	MOVEMENT_GROUPS = 65536,
	MOVEMENT_VALUES = 8,    // that the shortest groups hold on average, at least
	MOVEMENT_PERIODS = 3,   // that make a profile
};

struct movement_series {
	uint64_t residual;                // variance of what the profile leaves, in millionths of the unit's variance
	uint32_t design[MOVEMENT_LEVELS];   // effect, in thousandths
	int32_t lag1[MOVEMENT_LEVELS];      // autocorrelation of neighbouring groups, in thousandths
	int32_t *profile;                 // per phase the mean, in millionths; NULL without a profile
};

struct movement {
	bool of_chunks;                   // made of the baseline's chunks: shorter lengths are not known
	int64_t length;                   // of the shortest groups, ms
	int64_t covers;                   // ms
	size_t nlevels;                   // level k is of length << k
	uint32_t groups[MOVEMENT_LEVELS];
	uint64_t size[MOVEMENT_LEVELS];     // values a group, in thousandths
	int64_t phase, period;            // ms; 0: no profile
	uint32_t *weight;                 // values of a phase each time it comes, in millionths of a period's
	size_t nseries;
	struct movement_series *series;
	double *sums;                     // before each phase: of weight times profile, a series each, of the weights, of
					  // weight times the square of the means' profile (movement_sum)
};

// Numbers have two series: deviations in standard deviations, and squared deviations from the profile in
// variances. Categories have one a coarse bin: is it that one?
enum { SERIES_MEAN, SERIES_SQUARE, SERIES_NUMERIC };

void movement_free(struct movement *s);
static inline size_t movement_phases(const struct movement *s)
{
	return s->period ? (size_t)(s->period / s->phase) : 0;
}

// Building: groups of the shortest length, in order of time, without holes (n may be 0).
struct movement_groups {
	int64_t first, length; // of group 0: its start, a multiple of length
	size_t n, nseries;
	uint32_t *count;       // values of each group
	int64_t *sum;          // [group * nseries + series], in MOVEMENT_ONE-ths
};
enum { MOVEMENT_ONE = 1 << 20 };
// The length of groups for so many values over a range; 0: too few values.
int64_t movement_length(int64_t from, int64_t to, uint64_t values);
void movement_groups_init(struct movement_groups *g, int64_t from, int64_t to, int64_t length, size_t nseries);
void movement_groups_release(struct movement_groups *g);
// The profile, if there is one. Numbers have sums of deviations and of their squares.
struct movement *movement_new(const struct movement_groups *g, bool numbers);
// What the profile leaves of a deviation.
double movement_rest(const struct movement *s, int64_t at, double deviation);
// The design effects. square_variance: of numbers, the variance of the squares of what the profile leaves.
void movement_measure(struct movement *s, const struct movement_groups *g, bool numbers, double square_variance);

// Makes the sums from weights and profiles.
void movement_sum(struct movement *m);

// What is asked of a table of one series: prepared once, then for each span.
struct movement_law {
	const struct movement *of; // NULL: independence
	size_t series;
	double values;           // the baseline's
	double effect[MOVEMENT_LEVELS], df[MOVEMENT_LEVELS]; // smoothed
	double growth;           // of the logarithm, an octave, past the last level
	double own;              // 1 / the values that the baseline's own mean is worth, for a span of at least a
				 // period
};
void movement_law_init(struct movement_law *l, const struct movement *s, size_t series, double values);
// What a law says of spans of one length, whatever they hold.
struct movement_length {
	double excess;           // of the variance of a mean over that of independent values
	double own, periods;     // own as above; periods: the mean of a phase is known from so many; 0: own holds
	double df;               // degrees of freedom with which that is known
};
struct movement_length movement_length_of(const struct movement_law *l, double length);
// How many independent values the difference between the mean of n values over that length and what the baseline
// expects is worth.
static inline double movement_worth(const struct movement_length *l, double n)
{
	return 1 / (1 / n + l->excess + (l->periods > 0 ? (1 / n + l->excess) / l->periods : l->own));
}

// What the profile says of [from, to): the mean of a series, and the variance of the means of SERIES_MEAN over
// the phases. Both 0 without a profile.
double movement_expected(const struct movement *s, size_t series, int64_t from, int64_t to);
double movement_between(const struct movement *s, int64_t from, int64_t to);
// The same for many ranges with one end, and many questions of each.
struct movement_ranges {
	const struct movement *of;   // NULL: no profile
	int64_t begin;               // of the period that the end is in
	double to[MOVEMENT_SERIES + 2], sums[MOVEMENT_SERIES + 2]; // up to the end; over the range
};
void movement_ranges_init(struct movement_ranges *r, const struct movement *s, int64_t to);
void movement_ranges_from(struct movement_ranges *r, int64_t from);
static inline double movement_ranges_expected(const struct movement_ranges *r, size_t series)
{
	return r->of && r->sums[r->of->nseries] > 0 ? r->sums[series] / r->sums[r->of->nseries] : 0;
}
double movement_ranges_between(const struct movement_ranges *r);
#endif
