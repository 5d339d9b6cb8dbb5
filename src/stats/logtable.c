// SPDX-License-Identifier: Apache-2.0
#include "stats/logtable.h"

#include <stdlib.h>
#include <string.h>

#include "util/xalloc.h"

enum { LEAST_CELLS = 32, DIGIT = 10, DIGITS = 1 << DIGIT, FEW = 24 };

struct logtable *logtable_new(void)
{
	struct logtable *t = xmalloc(sizeof *t);

	*t = (struct logtable){.mask = LEAST_CELLS - 1, .cells = xcalloc(LEAST_CELLS, sizeof *t->cells)};
	return t;
}

void logtable_free(struct logtable *t)
{
	if (t)
		free(t->cells);
	free(t);
}

static struct logcell *cell_of(const struct logtable *t, int32_t bin)
{
	size_t k = (uint32_t)bin * 0x9e3779b1u >> 16 & t->mask; // Fibonacci hashing

	while (t->cells[k].n && t->cells[k].bin != bin)
		k = (k + 1) & t->mask;
	return &t->cells[k];
}

static void grow(struct logtable *t)
{
	struct logtable old = *t;

	t->mask = 2 * t->mask + 1;
	t->cells = xcalloc(t->mask + 1, sizeof *t->cells);
	for (size_t i = 0; i <= old.mask; i++)
		if (old.cells[i].n)
			*cell_of(t, old.cells[i].bin) = old.cells[i];
	free(old.cells);
}

bool logtable_count(struct logtable *t, int32_t bin, size_t most)
{
	struct logcell *c = cell_of(t, bin);

	if (c->n) {
		if (c->n == UINT32_MAX)
			return false;
		c->n++;
		return true;
	}
	if (t->used == most)
		return false;
	*c = (struct logcell){bin, 1};
	if (2 * ++t->used > t->mask)
		grow(t);
	return true;
}

// By so many bits of the distance from the least bin.
static void pass(const struct logbin *from, struct logbin *to, size_t n, int32_t least, unsigned shift)
{
	uint32_t at[DIGITS] = {0}, sum = 0;

	for (size_t i = 0; i < n; i++)
		at[(uint32_t)(from[i].bin - least) >> shift & (DIGITS - 1)]++;
	for (size_t k = 0; k < DIGITS; k++) {
		uint32_t here = at[k];

		at[k] = sum;
		sum += here;
	}
	for (size_t i = 0; i < n; i++)
		to[at[(uint32_t)(from[i].bin - least) >> shift & (DIGITS - 1)]++] = from[i];
}

static void insertion(struct logbin *v, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct logbin x = v[i];
		size_t at = i;

		for (; at > 0 && v[at - 1].bin > x.bin; at--)
			v[at] = v[at - 1];
		v[at] = x;
	}
}

struct logbin *logtable_sorted(const struct logtable *t, size_t *n)
{
	struct logbin *v = xmalloc((t->used + 1) * sizeof *v), *scratch;
	int32_t least = INT32_MAX, most = INT32_MIN;

	*n = 0;
	for (size_t i = 0; i <= t->mask; i++) {
		const struct logcell *c = &t->cells[i];

		if (!c->n)
			continue;
		v[(*n)++] = (struct logbin){c->bin, c->n};
		least = c->bin < least ? c->bin : least;
		most = c->bin > most ? c->bin : most;
	}
	if (*n < FEW) {
		insertion(v, *n);
		return v;
	}
	scratch = xmalloc(*n * sizeof *scratch);
	for (unsigned shift = 0; (uint32_t)(most - least) >> shift; shift += DIGIT) {
		pass(v, scratch, *n, least, shift);
		struct logbin *other = v;
		v = scratch;
		scratch = other;
	}
	free(scratch);
	return v;
}
