// SPDX-License-Identifier: Apache-2.0
// A season's phases as they are kept: 56 phases of a week (of three hours), of 1,000 fields, are 16 MB as struct usual. What their bins
// hold are sums of counts, so they are kept as integers of the least width that they all fit. Private to the drift room.
#ifndef KD_DRIFT_PHASES_H
#define KD_DRIFT_PHASES_H
#include "drift/history.h"

struct phases;
// Of n phases the first `nbins` bins, whole numbers; the others are 0.
struct phases *phases_pack(const struct usual *u, size_t n, size_t nbins);
void phases_free(struct phases *p); // NULL is allowed
void phases_get(const struct phases *p, size_t k, struct usual *out); // as it was
#endif
