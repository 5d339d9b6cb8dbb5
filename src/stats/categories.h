// SPDX-License-Identifier: Apache-2.0
// Bottom-k counting of categories (private to stats/).
//
// With T the smallest hash ever dropped, cutoff = T - 1, and a value that is not known is kept if and only
// if its hash is at most cutoff. Which hash is T depends only on the set of values: it is the
// (PANE_MAX_VALUES + 1)-th smallest hash. So counting and merging in any order end in the same state, what
// is kept was never dropped and its count is exact, and the kept hashes are a KMV sketch.
#ifndef KD_STATS_CATEGORIES_H
#define KD_STATS_CATEGORIES_H
#include "stats/pane.h"

// Text keeps no values, and of its hashes the upper 40 bits: enough to tell 10^10 values apart in a sketch.
#define TEXT_HASH(h) ((h) & ~(uint64_t)0xffffff)

void categories_init(struct categories *c);
void categories_release(struct categories *c);
// A category of the baseline, with a count of 0. For many of them quicker in any order than while counting.
void categories_know(struct categories *c, char *const *values, size_t n);
// A value, so many times; false if it is not one of the baseline's. With keep false only the hash is kept.
bool categories_count(struct categories *c, const char *s, size_t n, uint64_t hash, bool keep, uint64_t times);
// Makes these, and only these, the baseline's own; others stay as far as their bound goes.
void categories_know_only(struct categories *c, char *const *values, size_t n);
void categories_merge(struct categories *dst, const struct categories *src);
// For the decoder: at the end, items in order. Takes over value.
void categories_append(struct categories *c, struct category item);
// The same of many: before the first one room for all of them and their values, which is given to the values one behind
// the other (a NUL behind each counts).
char *categories_room(struct categories *c, size_t items, size_t bytes);
int category_cmp(const struct category *a, const struct category *b); // by (hash, value)
#endif
