// SPDX-License-Identifier: Apache-2.0
// Edges of a grid under construction. Private to the stats room.
#ifndef KD_STATS_EDGES_H
#define KD_STATS_EDGES_H
#include <math.h>
#include <stddef.h>

#include "util/xalloc.h"

struct grid;
struct edges {
	double *e; // edges_grid frees
	size_t n, cap;
};

static inline void edge_add(struct edges *s, double x)
{
	if (!isfinite(x)) // above DBL_MAX
		return;
	GROW(s->e, s->n, s->cap);
	s->e[s->n++] = x;
}

struct grid *edges_grid(struct edges *s); // of all of them, in order and each once
#endif
