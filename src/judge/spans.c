// SPDX-License-Identifier: Apache-2.0
#include "judge/spans.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "drift/sides.h"
#include "judge/readings.h"
#include "util/map.h"
#include "util/xalloc.h"

enum { WIDTHS = 16, PART = 4, KEPT = 12 };
// Each span is at least so many times the one before.
#define RATIO 1.2

struct moments {
	double mean, variance, min, max;
};

struct row { // of a slice
	char *name;
	bool partial;
	const struct baseline *baseline; // the slice's own
	uint64_t *counts;        // of its fields
	struct moments *numbers; // of those that are numbers
	uint32_t *bins;          // of the others; NULL where one is past 32 bits:
	uint64_t *wide;
};

// Where a row has its fields: numbers by `numbers`, the others' first bin by `bins`.
struct places {
	const struct baseline *of;
	uint32_t *at;
	size_t numbers, bins;
};

struct block {
	int64_t start, width;
	uint64_t stamp;
	struct row *rows; // the first of all slices together, then by name
	size_t nrows;
};

struct spans {
	struct windows *windows;
	const struct judge_stream *stream;
	int64_t slide, longest;
	size_t nwidths;
	struct map blocks;        // {start, width} -> struct block
	int64_t end;
	const struct block **parts; // newest first; NULL: nothing was counted there
	int64_t *starts;
	size_t nparts, capparts;
	const char *slice;        // the parts' rows are those of it
	const struct row **rows;
	struct places places;     // of the baseline that was asked for last
};

struct spans *spans_new(struct windows *w, const struct judge_stream *stream, int64_t longest_ms)
{
	struct spans *s = xcalloc(1, sizeof *s);

	s->windows = w;
	s->stream = stream;
	s->slide = stream->slide_ms;
	s->longest = longest_ms;
	for (int64_t k = s->slide; s->nwidths < WIDTHS && (k == s->slide || k * 2 * PART <= longest_ms); k *= 2)
		s->nwidths++;
	map_init(&s->blocks);
	return s;
}

static void block_free(void *p)
{
	struct block *b = p;

	for (size_t i = 0; i < b->nrows; i++) {
		free(b->rows[i].name);
		free(b->rows[i].counts);
		free(b->rows[i].numbers);
		free(b->rows[i].bins);
		free(b->rows[i].wide);
	}
	free(b->rows);
	free(b);
}

void spans_clear(struct spans *s)
{
	if (!s)
		return;
	map_release(&s->blocks, block_free);
	s->places.of = NULL;
}

void spans_free(struct spans *s)
{
	if (!s)
		return;
	spans_clear(s);
	free(s->parts);
	free(s->starts);
	free(s->rows);
	free(s->places.at);
	free(s);
}

static const struct places *places_of(struct spans *s, const struct baseline *b)
{
	struct places *p = &s->places;

	if (p->of == b)
		return p;
	p->of = b;
	p->at = xrealloc(p->at, (b->nfields + 1) * sizeof *p->at);
	p->numbers = p->bins = 0;
	for (size_t i = 0; i < b->nfields; i++) {
		bool number = b->fields[i]->def.type == FIELD_NUMERIC;

		p->at[i] = (uint32_t)(number ? p->numbers : p->bins);
		p->numbers += number;
		p->bins += number ? 0 : b->fields[i]->nbins;
	}
	return p;
}

static void narrow(struct row *row, size_t nbins)
{
	uint64_t any = 0;

	for (size_t i = 0; i < nbins; i++)
		any |= row->wide[i];
	if (any > UINT32_MAX)
		return;
	row->bins = xcalloc(nbins + 1, sizeof *row->bins);
	for (size_t i = 0; i < nbins; i++)
		row->bins[i] = (uint32_t)row->wide[i];
	free(row->wide);
	row->wide = NULL;
}

static void fill_row(struct spans *s, struct row *row, const struct merged *m, const struct slice_stats *slice)
{
	const struct baseline *b = stream_baseline(s->stream, slice->name);
	const struct category *top[BASELINE_BINS - 1];

	row->name = xstrdup(slice->name);
	row->partial = m->cut || slice->damaged || !slice_whole(m, slice);
	row->baseline = b;
	if (!b)
		return;
	const struct places *places = places_of(s, b);
	row->counts = xcalloc(b->nfields + 1, sizeof *row->counts);
	row->numbers = xcalloc(places->numbers + 1, sizeof *row->numbers);
	row->wide = xcalloc(places->bins + 1, sizeof *row->wide);
	for (size_t i = 0; i < b->nfields; i++) {
		const struct field_def *def = &b->fields[i]->def;
		const struct field_stats *f = pane_find(slice->pane, def->path, def->type);

		if (!f || !f->count)
			continue;
		row->counts[i] = f->count;
		if (def->type == FIELD_NUMERIC)
			row->numbers[places->at[i]] =
				(struct moments){field_mean(f), f->count > 1 ? field_variance(f) : 0, f->min, f->max};
		else if (def->type == FIELD_CATEGORICAL || def->type == FIELD_BOOLEAN)
			coarse_counts(f, top, coarse_categories(b->fields[i]->total, top), row->wide + places->at[i]);
	}
	narrow(row, places->bins);
}

// NULL without an error: nothing was counted there.
static int block_make(struct spans *s, int64_t start, int64_t width, const struct block **out, struct error *err)
{
	int64_t key[2] = {start, width};
	uint64_t stamp = windows_stamp(s->windows, start, width);
	struct block *b = map_get(&s->blocks, key, sizeof key);
	struct merged m;

	*out = NULL;
	if (!stamp)
		return 0;
	if (b && b->stamp == stamp) {
		*out = b;
		return 0;
	}
	if (windows_merge(s->windows, start, start + width, &m, err)) {
		merged_release(&m);
		return -1;
	}
	if (b)
		block_free(map_del(&s->blocks, key, sizeof key));
	b = xcalloc(1, sizeof *b);
	*b = (struct block){.start = start, .width = width, .stamp = stamp, .nrows = m.nslices + 1};
	b->rows = xcalloc(b->nrows, sizeof *b->rows);
	fill_row(s, &b->rows[0], &m, &m.total);
	for (size_t i = 0; i < m.nslices; i++)
		fill_row(s, &b->rows[i + 1], &m, &m.slices[i]);
	merged_release(&m);
	map_put(&s->blocks, key, sizeof key, b);
	*out = b;
	return 0;
}

static int64_t width_of(const struct spans *s, size_t level)
{
	return s->slide << level;
}

// The width of the block that ends at `at`, so far behind the boundary.
static int64_t step(const struct spans *s, int64_t at)
{
	size_t level = s->nwidths - 1;

	while (level && (at % width_of(s, level) || width_of(s, level) * PART > s->end - at))
		level--;
	return width_of(s, level);
}

static void evict(struct spans *s)
{
	for (struct map_entry *e = NULL; (e = map_next(&s->blocks, e));) {
		struct block *b = e->value;
		int64_t key[2] = {b->start, b->width};
		int64_t kept = b->width == width_of(s, s->nwidths - 1) ? s->longest + b->width : KEPT * b->width;

		if (b->start < s->end - kept) {
			map_del(&s->blocks, key, sizeof key);
			block_free(b);
		}
	}
}

int spans_at(struct spans *s, const struct stream_view *view, int64_t end, int64_t first, struct error *err)
{
	const struct block *b;

	s->end = end;
	s->nparts = 0;
	s->slice = NULL;
	first = first > end - s->longest ? first : end - s->longest;
	// Wide blocks are made as soon as they are whole, while the panes that they are made of are at hand.
	for (size_t i = 1; i < s->nwidths; i++)
		if (end % width_of(s, i) == 0 && end - width_of(s, i) >= first &&
		    block_make(s, end - width_of(s, i), width_of(s, i), &b, err))
			return -1;
	for (int64_t at = end; at - step(s, at) >= first;) {
		int64_t width = step(s, at);

		at -= width;
		if (view_lost(view, at, at + width))
			break;
		if (block_make(s, at, width, &b, err))
			return -1;
		if (s->nparts == s->capparts) {
			s->capparts = s->capparts ? 2 * s->capparts : 64;
			s->parts = xrealloc(s->parts, s->capparts * sizeof *s->parts);
			s->starts = xrealloc(s->starts, s->capparts * sizeof *s->starts);
			s->rows = xrealloc(s->rows, s->capparts * sizeof *s->rows);
		}
		s->starts[s->nparts] = at;
		s->parts[s->nparts++] = b;
	}
	evict(s);
	return 0;
}

static const struct row *row_of(const struct block *b, const char *slice)
{
	if (!*slice)
		return &b->rows[0];
	for (size_t lo = 1, hi = b->nrows; lo < hi;) {
		size_t mid = (lo + hi) / 2;
		int c = strcmp(b->rows[mid].name, slice);

		if (!c)
			return &b->rows[mid];
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

static void find_rows(struct spans *s, const char *slice)
{
	if (s->slice == slice)
		return;
	s->slice = slice;
	for (size_t i = 0; i < s->nparts; i++)
		s->rows[i] = s->parts[i] ? row_of(s->parts[i], slice) : NULL;
}

static int path_order(const void *key, const void *field)
{
	return strcmp(key, (*(struct baseline_field *const *)field)->def.path);
}

// Where the baseline has the field; SIZE_MAX: it is not one of its own.
static size_t find_field(const struct baseline *b, const struct baseline_field *field)
{
	struct baseline_field **at = b ? bsearch(field->def.path, b->fields, b->nfields, sizeof *at, path_order) : NULL;

	return at && *at == field ? (size_t)(at - b->fields) : SIZE_MAX;
}

static struct span field_of(const struct row *row, size_t index, size_t place)
{
	struct span x = {.count = row->counts[index]};

	if (row->baseline->fields[index]->def.type == FIELD_NUMERIC) {
		const struct moments *m = &row->numbers[place];
		x.mean = m->mean;
		x.variance = m->variance;
		x.min = m->min;
		x.max = m->max;
	}
	return x;
}

// Chan, Golub, LeVeque (1979).
static void span_add(struct span *sum, const struct span *x)
{
	double a = (double)sum->count, b = (double)x->count, d = x->mean - sum->mean, m2;

	if (!sum->count) {
		*sum = *x;
		return;
	}
	m2 = (a - 1) * sum->variance + (b - 1) * x->variance + d * d * a * b / (a + b);
	sum->mean += d * b / (a + b);
	sum->variance = m2 / (a + b - 1);
	sum->min = fmin(sum->min, x->min);
	sum->max = fmax(sum->max, x->max);
	sum->count += x->count;
}

size_t spans_of(struct spans *s, const char *slice, const struct baseline_field *field, struct span out[SPANS_MAX],
		uint64_t bins[SPANS_MAX][BASELINE_BINS])
{
	size_t nbins = field->def.type == FIELD_NUMERIC ? 0 : field->nbins, n = 0, index = SIZE_MAX, place = 0;
	const struct baseline *found = NULL; // where index is in
	uint64_t counts[BASELINE_BINS] = {0};
	struct span sum = {0};
	int64_t last = 0;

	find_rows(s, slice);
	for (size_t i = 0; i < s->nparts && n < SPANS_MAX; i++) {
		const struct row *row = s->rows[i];

		if (row && row->partial)
			break;
		if (row && row->baseline != found) {
			index = find_field(found = row->baseline, field);
			place = index == SIZE_MAX ? 0 : places_of(s, found)->at[index];
		}
		if (row && index != SIZE_MAX && row->counts[index]) {
			struct span own = field_of(row, index, place);
			span_add(&sum, &own);
			for (size_t k = 0; k < nbins; k++)
				counts[k] += row->bins ? row->bins[place + k] : row->wide[place + k];
		}
		if ((double)(s->end - s->starts[i]) < RATIO * (double)last)
			continue;
		last = s->end - s->starts[i];
		out[n] = sum;
		out[n].from = s->starts[i];
		out[n].to = s->end;
		if (nbins) {
			memcpy(bins[n], counts, sizeof counts);
			out[n].bins = bins[n];
		}
		n++;
	}
	return n;
}
