// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "drift/baseline_make.h"
#include "drift/baseline_rows.h"
#include "util/clock.h"
#include "util/xalloc.h"

size_t cut_chunks(struct baseline *out, const struct baseline_builder *b, struct baseline_chunk *shape, uint16_t *slot)
{
	int64_t length = 1, first;
	uint16_t number[BASELINE_CHUNKS];
	size_t n = 0;

	if (b->has_event_time)
		length = baseline_chunk_ms(out->from, out->to, 1);
	else
		while ((out->to - 1) / length - out->from / length >= BASELINE_CHUNKS)
			length *= 2;
	out->chunk_ms = length;
	first = time_floor(out->from, length);
	for (size_t i = 0; i < BASELINE_CHUNKS; i++) {
		int64_t from = first + (int64_t)i * length;
		shape[i] = (struct baseline_chunk){.from = from, .to = from + length, .mean = NAN, .variance = NAN,
						   .min = INFINITY, .max = -INFINITY};
	}
	for (size_t i = 0; i < b->nrows; i++) {
		slot[i] = (uint16_t)((row_time(b, i) - first) / length);
		shape[slot[i]].records++;
		shape[slot[i]].missing++;
	}
	for (size_t i = 0; i < BASELINE_CHUNKS; i++) {
		number[i] = (uint16_t)n;
		if (shape[i].records)
			shape[n++] = shape[i];
	}
	for (size_t i = 0; i < b->nrows; i++)
		slot[i] = number[slot[i]];
	return n;
}

// Exact sums, so that a baseline's hash does not depend on the order in which partitions were read.
static void add_moment(struct field_stats *m, double x)
{
	m->count++;
	xsum_add(&m->sum, x);
	xsum_add_square(&m->sumsq, x);
	m->min = fmin(m->min, x);
	m->max = fmax(m->max, x);
}

static void chunk_value(struct baseline_chunk *k, struct field_stats *m, const struct baseline_field *f, const struct column *c,
			const struct value *v)
{
	if (v->id == OTHER)
		return;
	if (f->def.type == FIELD_CATEGORICAL || f->def.type == FIELD_BOOLEAN) {
		k->count++;
		k->bins[c->by_id[v->id]->bin]++;
	} else if (f->def.type == FIELD_TEXT) {
		k->count++;
		add_moment(m, (double)c->by_id[v->id]->len);
	} else if (isfinite(v->number)) {
		k->count++;
		add_moment(m, v->number);
		if (f->coarse)
			k->bins[f->coarse[grid_bin(f->def.grid, v->number)]]++;
	}
}

void make_chunks(struct baseline_field *f, const struct column *c, const struct baseline_chunk *shape, size_t nchunks,
		 const uint16_t *slot)
{
	struct field_stats *moments = xcalloc(nchunks, sizeof *moments);
	struct baseline_chunk *chunks = xmalloc(nchunks * sizeof *chunks);

	memcpy(chunks, shape, nchunks * sizeof *chunks);
	for (size_t i = 0; i < nchunks; i++) {
		moments[i].min = INFINITY;
		moments[i].max = -INFINITY;
	}
	for (size_t i = 0; i < c->n; i++) {
		size_t k = slot[c->values[i].row];

		chunks[k].missing -= chunks[k].missing > 0;
		chunk_value(&chunks[k], &moments[k], f, c, &c->values[i]);
	}
	for (size_t i = 0; i < nchunks; i++) {
		struct baseline_chunk *k = &chunks[i];

		k->mean = field_mean(&moments[i]);
		k->variance = field_variance(&moments[i]);
		k->min = moments[i].min;
		k->max = moments[i].max;
		xsum_release(&moments[i].sum);
		xsum_release(&moments[i].sumsq);
		baseline_field_add_chunk(f, k);
	}
	free(chunks);
	free(moments);
}
