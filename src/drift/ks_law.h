// SPDX-License-Identifier: Apache-2.0
// Tail probabilities of the Kolmogorov-Smirnov statistic, as SciPy's kstwo and ks_2samp give them.
// Private to the drift room.
#ifndef KD_DRIFT_KS_LAW_H
#define KD_DRIFT_KS_LAW_H
#include <stdint.h>

// P(D_n >= d) of one sample of n >= 1 values: exact for n <= 140, and up to a million for large and for tiny
// d; else an expansion. Equal to SciPy's to 1e-9 where that is not under 1e-300.
double ks_one_sample_sf(uint64_t n, double d);
// P(D >= d) of two samples without ties: exact where each has at most 10,000 values, else
// ks_one_sample_sf with nm/(n+m) rounded to even.
double ks_two_sample_sf(uint64_t n, uint64_t m, double d);
#endif
