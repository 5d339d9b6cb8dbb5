// SPDX-License-Identifier: Apache-2.0
// When a measure began to move, from its values in earlier windows. Pure.
//
// What is quiet is taken from the values themselves: the quarter of them (at least three) that is farthest
// from the limit's side. A value has moved where it lies beyond their median by a quarter of what the last
// one does, and by three times the range of the quarter. The move began with the first value of the last
// stretch without one that has not; unknown ones within it do not end it.
#ifndef KD_JUDGE_SINCE_H
#define KD_JUDGE_SINCE_H
#include <stdbool.h>
#include <stddef.h>

struct since {
	size_t at;    // the index at which it began
	bool earlier; // it had moved before all that was looked at
};

// values ascend in time, NaN where unknown; the last is known and has crossed `limit`: from below where
// `above`, else from above. n >= 1. Where all crossed it, or too few are known to tell, the limit itself
// decides.
struct since since_of(const double *values, size_t n, double limit, bool above);
#endif
