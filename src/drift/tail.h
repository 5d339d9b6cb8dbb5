// SPDX-License-Identifier: Apache-2.0
// How unlikely a mean of n values of a known distribution is, far in its tails. Private to the drift room.
//
// The normal approximation is wrong there unless n is large: the mean of 16 exponential values is six standard
// errors too high a thousand times as often as it says. The saddlepoint approximation (Lugannani and Rice, Adv.
// Appl. Prob. 12, 1980), in Barndorff-Nielsen's form (Biometrika 73, 1986), tilts the distribution until its
// mean is the one seen, and is right to a few per cent of the probability from n = 1 on. The distribution is a
// histogram put into few atoms, finer towards the tails; beyond each end there is one more value's worth of
// mass, as far out as the tail's own slope has the next tenfold rarer value, since a baseline has not seen
// everything.
#ifndef KD_DRIFT_TAIL_H
#define KD_DRIFT_TAIL_H
#include <stdbool.h>
#include <stddef.h>

#include "stats/field.h"

enum { TAIL_ATOMS = 160 };

struct tail {
	double x[TAIL_ATOMS], w[TAIL_ATOMS]; // ascending; sum of w 1
	size_t n;
	double variance;
	double centre, spread; // of the atoms: mean and variance
};

// Standardised: mean 0, variance 1. bins: counts on the grid; as many of them as `runs` (at least 1) are worth one,
// which says how far the tails are known. False where there is no spread.
bool tail_init(struct tail *t, const struct grid *g, const uint64_t *bins, double least, double greatest, double runs);
// Of the square of the first's values, scaled to a mean of 1.
void tail_square(struct tail *t, const struct tail *of);
// The normal deviate of a mean of n values (any n > 0) at `mean`, signed.
double tail_deviate(const struct tail *t, double mean, double n);

// An upper bound of the deviate's size in little time, for who asks often: the rate (w^2 / 2n above) is convex, so its
// chords lie above it.
enum { TAIL_CHORDS = 44 };
struct tail_bound {
	double x[2][TAIL_CHORDS], rate[2][TAIL_CHORDS], more[2][TAIL_CHORDS]; // to either side of the mean, from it on
	size_t n[2];
};
void tail_bound_init(struct tail_bound *b, const struct tail *t);
// Of a mean of n values so far from the law's own; INFINITY: not known.
double tail_bound(const struct tail_bound *b, double far, double n);
#endif
