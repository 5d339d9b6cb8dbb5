// SPDX-License-Identifier: Apache-2.0
// Where a baseline has no table of its own, its chunks are the shortest groups.
#include <math.h>

#include "drift/baseline.h"
#include "drift/tail.h"

// Whole sums of all chunks then fit 64 bits. A file may hold anything.
#define MOST 0x1p33

static bool add_chunk(struct movement_groups *g, const struct baseline_field *f, const struct baseline_chunk *k,
		      double mean, double sd)
{
	size_t at = (size_t)((k->from - g->first) / g->length);
	int64_t *sum = g->sum + at * g->nseries;
	double n = (double)k->count, d = (k->mean - mean) / sd, v = k->count > 1 ? k->variance / sd / sd : 0;

	if (n >= UINT32_MAX / BASELINE_CHUNKS)
		return false;
	g->count[at] += (uint32_t)k->count;
	for (size_t i = 0; f->def.type != FIELD_NUMERIC && i < f->nbins; i++)
		sum[i] += (int64_t)k->bins[i] * MOVEMENT_ONE;
	if (f->def.type != FIELD_NUMERIC)
		return true;
	double squares = (n - 1) * v + n * d * d;
	if (!(fabs(n * d) < MOST) || !(squares < MOST))
		return false;
	sum[SERIES_MEAN] += llrint(n * d * MOVEMENT_ONE);
	sum[SERIES_SQUARE] += llrint(squares * MOVEMENT_ONE);
	return true;
}

struct movement *movement_of_chunks(const struct baseline *b, const struct baseline_field *f)
{
	bool numbers = f->def.type == FIELD_NUMERIC;
	double mean = numbers ? field_mean(f->total) : 0, sd = numbers ? field_stddev(f->total) : 1;
	struct movement_groups g;
	struct movement *m = NULL;
	bool fits = true;
	struct tail t, square = {.variance = 0};

	if (!b->has_event_time || f->nchunks < MOVEMENT_VALUES || !(sd > 0) || !isfinite(mean) || !isfinite(sd) ||
	    (!numbers && f->def.type != FIELD_CATEGORICAL && f->def.type != FIELD_BOOLEAN))
		return NULL;
	int64_t last = f->chunks.to - f->chunks.length;
	struct chunk_reader r = baseline_field_chunks(f);
	chunk_next(&r);
	if ((last - r.chunk.from) / b->chunk_ms >= BASELINE_CHUNKS)
		return NULL;
	if (numbers) {
		if (!f->def.grid || !tail_init(&t, f->def.grid, f->total->bins, f->total->min, f->total->max, 1))
			return NULL;
		tail_square(&square, &t);
	}
	movement_groups_init(&g, r.chunk.from, last + 1, b->chunk_ms,
			     numbers ? SERIES_NUMERIC : f->nbins);
	do
		fits &= !r.chunk.count || add_chunk(&g, f, &r.chunk, mean, sd);
	while (chunk_next(&r));
	if (fits) {
		m = movement_new(&g, numbers);
		m->of_chunks = true;
		movement_measure(m, &g, numbers, square.variance);
	}
	movement_groups_release(&g);
	return m;
}
