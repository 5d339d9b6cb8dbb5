// SPDX-License-Identifier: Apache-2.0
#include "drift/baseline_make.h"

#include "drift/sides.h"
#include "util/clock.h"
#include "util/xalloc.h"

// Chunk lengths: each about twice the one before, and most of them divide the usual windows evenly. Past the
// last one they double.
static const int64_t lengths_ms[] = {
	1000,     2000,     5000,     10000,    15000,     30000,     60000,    120000,   300000,    600000,
	900000,   1800000,  3600000,  7200000,  10800000,  21600000,  43200000, 86400000, 172800000, 345600000,
	604800000,
};

static int64_t next_length(int64_t length)
{
	for (size_t i = 0; i < ARRAY_LEN(lengths_ms); i++)
		if (lengths_ms[i] > length)
			return lengths_ms[i];
	return length * 2;
}

int64_t baseline_chunk_ms(int64_t from, int64_t to, int64_t pane)
{
	int64_t length = lengths_ms[0] > pane ? lengths_ms[0] : pane;

	while (length % pane ||
	       time_floor(to - 1, length) / length - time_floor(from, length) / length >= BASELINE_CHUNKS)
		length = next_length(length);
	return length;
}

void baseline_coarse(struct baseline_field *f)
{
	if (f->total->bins) {
		struct cells s = {.n = f->total->nbins, .nr = (double)f->total->count};

		s.v = xcalloc(s.n, sizeof *s.v);
		for (size_t i = 0; i < s.n; i++)
			s.v[i].r = (double)f->total->bins[i];
		f->coarse = xcalloc(s.n, sizeof *f->coarse);
		f->nbins = cells_group(&s, BASELINE_BINS, f->coarse);
		cells_release(&s);
	} else if (f->def.type == FIELD_CATEGORICAL || f->def.type == FIELD_BOOLEAN) {
		const struct category *top[BASELINE_BINS - 1];

		f->nbins = coarse_categories(f->total, top) + 1;
	} else if (f->total->dim_sums) {
		f->def.dims = f->total->dims;
	}
}
