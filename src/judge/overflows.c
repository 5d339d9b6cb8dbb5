// SPDX-License-Identifier: Apache-2.0
#include "judge/overflows.h"

#include <stdlib.h>
#include <string.h>

#include "util/map.h"
#include "util/xalloc.h"

void overflows_add(struct overflows *o, const struct interval_view *at, const struct segment_view *v, bool overflowed, void *of,
		   void *slice)
{
	uint64_t place[4] = {(uint64_t)at->start, hash_bytes(v->topic, strlen(v->topic)), (uint64_t)v->partition,
			     (uint64_t)at->width};

	GROW(o->parts, o->n, o->cap);
	o->parts[o->n++] = (struct overflow_part){hash_bytes(place, sizeof place), of, slice, v->rolled,
						  v->rolled ? v->overflows : overflowed, v->met};
}

static int by_place(const void *a, const void *b)
{
	const struct overflow_part *x = a, *y = b;

	if (x->place != y->place)
		return x->place < y->place ? -1 : 1;
	return (x->slice > y->slice) - (x->slice < y->slice);
}

void overflows_count(struct overflows *o, void (*each)(void *of, void *slice, uint64_t overflows, uint64_t met))
{
	const struct overflow_part *p = o->parts;

	if (o->n)
		qsort(o->parts, o->n, sizeof *o->parts, by_place);
	for (size_t i = 0, next; i < o->n; i = next) {
		uint64_t overflows = 0;
		for (next = i; next < o->n && p[next].place == p[i].place; next++)
			overflows |= p[next].overflows;
		for (size_t k = i; k < next; k++) {
			bool again = k > i && p[k].slice == p[k - 1].slice;
			uint64_t met = p[k].rolled ? p[k].met : overflows && !again;
			if (met || (k == i && overflows))
				each(p[k].of, p[k].slice, k == i ? overflows : 0, met);
		}
	}
}

void overflows_release(struct overflows *o)
{
	free(o->parts);
	*o = (struct overflows){0};
}
