// SPDX-License-Identifier: Apache-2.0
// What a measure's value is made of: a term for each category or range of values, the largest first. Pure.
//
// The terms are those of the measure itself where it is a sum (psi, js, kl, chi2, hellinger, tvd,
// wasserstein): they add up to it, or to its square for js and hellinger. Of ks they are half the differences
// of the shares, p-q below the point where the distribution functions are farthest apart and q-p above it or
// the other way round, which add up to ks; of mean_shift the pull of each range on the mean, (q x - p x)
// about the reference's mean, which adds up to the difference of the means; of variance_ratio the same of
// squares. Of `drift` they are those of the member that spoke. For the rest they are half the differences of
// the shares. docs/explain.md has the table.
//
// Numbers are taken in the ranges that the measure itself takes (values by themselves where they are few,
// else ten groups of the grid's bins with near-equal reference mass; what is out of the grid by itself where
// order matters), categories as they are.
#ifndef KD_DRIFT_CONTRIBUTION_H
#define KD_DRIFT_CONTRIBUTION_H
#include "drift/measure.h"

struct contribution {
	const char *value; // a category (borrowed from the sides, len bytes); NULL: a range of numbers
	size_t len;
	double lo, hi; // lo == hi: a single value
	double r, c;   // shares of reference and current
	double part;   // the term
	double share;  // |part| of the sum of them all; 0 where that is 0
};

struct contributions {
	struct contribution *items;
	size_t n;
	const char *of;	 // what is taken apart: "psi", "ks", ...
	const char *how; // what a term is
	double total;	 // the terms' sum
	double gap_at, gap_r,
	    gap_c; // of ks: where the distribution functions are farthest apart, and both there; else NaN
};

// READING_KNOWN, or why there is nothing to take apart; only then there is something to release. `v` is the
// measure's value for the same input: of `drift` it names the member.
enum reading_state contributions_of(struct contributions *out, const struct measure *m,
				    const struct measure_value *v, const struct measure_input *in) MUST_CHECK;
void contributions_release(struct contributions *c);
#endif
