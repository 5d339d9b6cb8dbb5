// SPDX-License-Identifier: Apache-2.0
// Edges of a grid under construction. Private to the stats room.
#ifndef KD_STATS_EDGES_H
#define KD_STATS_EDGES_H
#include <math.h>
#include <stddef.h>

#include "util/xalloc.h"

struct edges {
	double *e; // the owner frees
	size_t n, cap;
};

static inline void edge_add(struct edges *s, double x)
{
	if (!isfinite(x)) // above DBL_MAX
		return;
	GROW(s->e, s->n, s->cap);
	s->e[s->n++] = x;
}
#endif
