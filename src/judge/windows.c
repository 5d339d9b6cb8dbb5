// SPDX-License-Identifier: Apache-2.0
#include "judge/windows.h"

#include <stdlib.h>
#include <string.h>

#include "judge/overflows.h"
#include "util/clock.h"
#include "util/map.h"
#include "util/search.h"
#include "util/xalloc.h"

enum { FAN = 4, MAX_WIDTHS = 24, KEEP_BOUNDARIES = 8, RUN = 3, BATCH = 1024 };

const int64_t roll_widths[ROLL_WIDTHS] = {3600000, 86400000};

struct block {
	int64_t start, width;
	uint64_t stamp, used, moments_used;
	bool run; // of RUN blocks or more in a row, which windows share until it moves on by one
	struct merged m;
};

struct windows {
	const struct judge_port *port;
	const char *stream;
	const struct baseline *baseline;
	int64_t widths[MAX_WIDTHS]; // ascending, each a multiple of the one before
	size_t nwidths, nleaf;      // the first nleaf widths are read from segments, the others built of those before
	struct interval_view *iv;   // what the store has in [lo, hi)
	size_t niv;
	int64_t lo, hi;
	struct map blocks;          // {start, width} -> struct block
	uint64_t boundary; // counts calls of windows_evict
};

// FAN times as wide, or less where that would not divide the next width that panes are rolled up to.
static int64_t wider(int64_t k)
{
	for (size_t i = 0; i < ROLL_WIDTHS; i++) {
		int64_t times = roll_widths[i] / k, f = FAN;
		if (k >= roll_widths[i] || roll_widths[i] % k)
			continue;
		while (f > 1 && times % f)
			f--;
		for (f = f > 1 ? f : FAN + 1; times % f; f++)
			;
		return k * f;
	}
	return k * FAN;
}

struct windows *windows_new(const struct judge_port *port, const char *stream, int64_t pane, int64_t unit,
			    int64_t longest, const struct baseline *b)
{
	struct windows *w = xcalloc(1, sizeof *w);

	w->port = port;
	w->stream = stream;
	w->baseline = b;
	w->widths[w->nwidths++] = pane;
	if (unit > pane)
		w->widths[w->nwidths++] = unit;
	w->nleaf = w->nwidths;
	for (int64_t k = wider(unit); k <= longest && w->nwidths < MAX_WIDTHS; k = wider(k))
		w->widths[w->nwidths++] = k;
	map_init(&w->blocks);
	return w;
}

void windows_take(struct windows *w, const struct baseline *b)
{
	w->baseline = b;
}

static void block_free(void *p)
{
	struct block *b = p;

	merged_release(&b->m);
	free(b);
}

void windows_free(struct windows *w)
{
	if (!w)
		return;
	windows_clear(w);
	free(w);
}

void windows_clear(struct windows *w)
{
	map_release(&w->blocks, block_free);
	windows_begin(w);
}

void windows_begin(struct windows *w)
{
	free(w->iv);
	w->iv = NULL;
	w->niv = 0;
	w->lo = w->hi = 0;
}

int windows_need(struct windows *w, int64_t from, int64_t to, struct error *err)
{
	struct interval_view *iv;
	size_t n;

	if (from >= to || (w->lo < w->hi && w->lo <= from && w->hi >= to))
		return 0;
	if (w->lo < w->hi) {
		from = w->lo < from ? w->lo : from;
		to = w->hi > to ? w->hi : to;
	}
	if (w->port->intervals(w->port->ctx, w->stream, from, to, &iv, &n, err))
		return -1;
	free(w->iv);
	w->iv = iv;
	w->niv = n;
	w->lo = from;
	w->hi = to;
	return 0;
}

static size_t interval_at(const struct windows *w, int64_t from)
{
	return search_i64(w->iv, w->niv, sizeof *w->iv, from);
}

int64_t windows_next(const struct windows *w, int64_t from)
{
	size_t i = interval_at(w, from);

	return i < w->niv ? w->iv[i].start : INT64_MAX;
}

uint64_t windows_stamp(const struct windows *w, int64_t start, int64_t width)
{
	uint64_t stamp = 0;

	for (size_t i = interval_at(w, start); i < w->niv && w->iv[i].start < start + width; i++) {
		uint64_t mix[4] = {stamp, (uint64_t)w->iv[i].start, w->iv[i].writes, (uint64_t)w->iv[i].width};
		stamp = hash_bytes(mix, sizeof mix) | 1;
	}
	return stamp;
}

static struct block *block_get(const struct windows *w, int64_t start, int64_t width)
{
	int64_t key[2] = {start, width};

	return map_get(&w->blocks, key, sizeof key);
}

// Blocks whose content is out of date and must be read, in order of start.
struct wanted {
	struct block **blocks;
	size_t n, cap, packed; // the first `packed` of them are whole
	const struct windows *w;
	struct overflows overflows;
};

// Is there a rolled-up interval in the block that is in none of its parts?
static bool rolled_whole(const struct windows *w, int64_t start, int64_t width, int64_t part)
{
	for (size_t i = interval_at(w, start); i < w->niv && w->iv[i].start < start + width; i++)
		if (w->iv[i].width && time_floor(w->iv[i].start, part) + part < w->iv[i].start + w->iv[i].width)
			return true;
	return false;
}

// Does one reach beyond [start, start + width)?
static bool rolled_cut(const struct windows *w, int64_t start, int64_t width)
{
	for (size_t i = 0; i < w->niv && w->iv[i].start < start + width; i++) {
		const struct interval_view *v = &w->iv[i];
		if (v->width && v->start + v->width > start && (v->start < start || v->start + v->width > start + width))
			return true;
	}
	return false;
}

// Makes sure that the block exists with its present stamp; what has to be read goes to `want`. A composite
// is emptied here and filled by block_fill.
static void block_prepare(struct windows *w, size_t level, int64_t start, struct wanted *want)
{
	int64_t width = w->widths[level], key[2] = {start, width};
	uint64_t stamp = windows_stamp(w, start, width);
	struct block *b = block_get(w, start, width);

	if (!stamp)
		return;
	if (b && b->stamp == stamp) {
		b->used = w->boundary;
		return;
	}
	if (!b) {
		b = xcalloc(1, sizeof *b);
		b->start = start;
		b->width = width;
		map_put(&w->blocks, key, sizeof key, b);
	} else {
		merged_release(&b->m);
	}
	merged_init(&b->m, start, start + width);
	b->stamp = 0; // until it is filled
	b->used = w->boundary;
	if (level >= w->nleaf && !rolled_whole(w, start, width, w->widths[level - 1])) {
		for (int64_t at = start; at < start + width; at += w->widths[level - 1])
			block_prepare(w, level - 1, at, want);
		return;
	}
	GROW(want->blocks, want->n, want->cap);
	want->blocks[want->n++] = b;
}

// One that is unpacked takes ten times the memory: there is one at a time.
static void pack_before(struct wanted *want, size_t n)
{
	for (; want->packed < n; want->packed++)
		merged_pack(&want->blocks[want->packed]->m);
}

static void on_segment(void *arg, const struct interval_view *of, const struct segment_view *v)
{
	struct wanted *want = arg;
	int64_t start = of->start;
	size_t lo = 0, hi = want->n;
	bool overflowed;

	while (hi - lo > 1) {
		size_t mid = (lo + hi) / 2;
		if (want->blocks[mid]->start <= start)
			lo = mid;
		else
			hi = mid;
	}
	pack_before(want, lo);
	const struct slice_stats *s =
		merged_segment(&want->blocks[lo]->m, v, want->w->baseline, want->w->stream, &overflowed);
	if (s)
		overflows_add(&want->overflows, of, v, overflowed, want->blocks[lo], s->name);
}

static void on_overflow(void *block, void *slice, uint64_t overflows, uint64_t met)
{
	struct merged *m = &((struct block *)block)->m;

	m->overflows += overflows;
	merged_make(m, slice)->met += met;
}

static int read_batch(const struct windows *w, struct wanted *batch, const struct interval_view *iv, size_t n, struct error *err)
{
	int rc = n ? w->port->segments(w->port->ctx, w->stream, iv, n, on_segment, batch, err) : 0;

	pack_before(batch, rc ? batch->packed : batch->n);
	overflows_count(&batch->overflows, on_overflow);
	overflows_release(&batch->overflows);
	for (size_t k = 0; !rc && k < batch->n; k++)
		batch->blocks[k]->stamp = windows_stamp(w, batch->blocks[k]->start, batch->blocks[k]->width);
	return rc;
}

// Some at a time: what is read stays so where the next are rolled up meanwhile. -> as the port's segments
static int read_wanted(struct windows *w, struct wanted *want, struct error *err)
{
	struct interval_view *iv = xmalloc((w->niv + 1) * sizeof *iv);
	struct wanted batch = {.blocks = want->blocks, .w = w};
	size_t n = 0;
	int rc = 0;

	for (size_t k = 0; k < want->n && !rc; k++) {
		const struct block *b = want->blocks[k];
		for (size_t i = interval_at(w, b->start); i < w->niv && w->iv[i].start < b->start + b->width; i++)
			iv[n++] = w->iv[i];
		batch.n++;
		if (n < BATCH && k + 1 < want->n)
			continue;
		rc = read_batch(w, &batch, iv, n, err);
		batch = (struct wanted){.blocks = want->blocks + k + 1, .w = w};
		n = 0;
	}
	free(iv);
	return rc;
}

static struct block *block_fill(struct windows *w, size_t level, int64_t start);

// The block, put together from the n of that level that make it up.
static void fill(struct windows *w, struct block *b, size_t level, size_t n, uint64_t stamp)
{
	for (size_t i = 0; i < n; i++) {
		struct block *part = block_fill(w, level, b->start + (int64_t)i * w->widths[level]);
		if (part)
			merged_add(&b->m, &part->m, false, w->baseline, w->stream);
	}
	merged_pack(&b->m);
	b->stamp = stamp;
}

// The block, composites filled from their parts; NULL where nothing was counted.
static struct block *block_fill(struct windows *w, size_t level, int64_t start)
{
	int64_t width = w->widths[level];
	uint64_t stamp = windows_stamp(w, start, width);
	struct block *b = block_get(w, start, width);

	if (!stamp || !b)
		return NULL;
	if (b->stamp != stamp)
		fill(w, b, level - 1, (size_t)(width / w->widths[level - 1]), stamp);
	return b;
}

// The same of n blocks in a row.
static struct block *run_fill(struct windows *w, size_t level, int64_t start, size_t n)
{
	int64_t width = w->widths[level] * (int64_t)n, key[2] = {start, width};
	uint64_t stamp = windows_stamp(w, start, width);
	struct block *b = block_get(w, start, width);

	if (!stamp)
		return NULL;
	if (!b) {
		b = xcalloc(1, sizeof *b);
		*b = (struct block){.start = start, .width = width, .run = true};
		map_put(&w->blocks, key, sizeof key, b);
	}
	b->used = w->boundary;
	if (b->stamp == stamp)
		return b;
	merged_release(&b->m);
	merged_init(&b->m, start, start + width);
	fill(w, b, level, n, stamp);
	return b;
}

static size_t widest(const struct windows *w, int64_t at, int64_t to)
{
	size_t level = w->nwidths - 1;

	while (level && (at % w->widths[level] || at + w->widths[level] > to))
		level--;
	return level;
}

// Makes sure that the blocks of [from, to) can be filled. -> as the port's segments
static int read_blocks(struct windows *w, int64_t from, int64_t to, bool *cut, struct error *err)
{
	struct wanted want = {.w = w};

	*cut = false;
	for (int64_t at = from; at < to; at += w->widths[widest(w, at, to)])
		*cut |= rolled_cut(w, at, w->widths[widest(w, at, to)]);
	if (*cut)
		return 0;
	for (int64_t at = from; at < to;) {
		size_t level = widest(w, at, to);
		block_prepare(w, level, at, &want);
		at += w->widths[level];
	}
	int rc = read_wanted(w, &want, err);
	for (size_t k = 0; rc && k < want.n; k++) { // half-read blocks must not be added to
		int64_t key[2] = {want.blocks[k]->start, want.blocks[k]->width};
		if (!want.blocks[k]->stamp)
			block_free(map_del(&w->blocks, key, sizeof key));
	}
	free(want.blocks);
	return rc;
}

static int list_again(struct windows *w, struct error *err)
{
	int64_t lo = w->lo, hi = w->hi;

	windows_begin(w);
	return windows_need(w, lo, hi, err);
}

static int merge(struct windows *w, int64_t from, int64_t to, bool moments, struct merged *out, struct error *err)
{
	merged_init(out, from, to);
	int rc = windows_need(w, from, to, err) ? -1 : read_blocks(w, from, to, &out->cut, err);
	for (int tries = 1; rc > 0 && tries < ROLL_TRIES; tries++)
		rc = list_again(w, err) ? -1 : read_blocks(w, from, to, &out->cut, err);
	if (rc > 0)
		rc = error_set(err, "read stream %s: its panes were being rolled up all the while; try again", w->stream);
	if (rc || out->cut)
		return rc;
	for (int64_t at = from; at < to;) {
		size_t level = widest(w, at, to), n = 1;
		while (level > w->nleaf && at + w->widths[level] * (int64_t)n < to &&
		       widest(w, at + w->widths[level] * (int64_t)n, to) == level)
			n++;
		n = n < RUN ? 1 : n;
		struct block *b = n > 1 ? run_fill(w, level, at, n) : block_fill(w, level, at);
		if (b)
			merged_add(out, &b->m, moments, w->baseline, w->stream);
		if (b && moments)
			b->moments_used = w->boundary;
		at += w->widths[level] * (int64_t)n;
	}
	merged_total(out);
	return 0;
}

int windows_merge(struct windows *w, int64_t from, int64_t to, struct merged *out, struct error *err)
{
	int rc = merge(w, from, to, false, out, err);

	baseline_keep_grids(w->baseline, out->total.pane);
	for (size_t i = 0; i < out->nslices; i++)
		baseline_keep_grids(w->baseline, out->slices[i].pane);
	return rc;
}

int windows_grids(struct windows *w, int64_t from, int64_t to, struct merged *out, struct error *err)
{
	return merge(w, from, to, false, out, err);
}

int windows_moments(struct windows *w, int64_t from, int64_t to, struct merged *out, struct error *err)
{
	return merge(w, from, to, true, out, err);
}

void windows_evict(struct windows *w, int64_t before)
{
	w->boundary++;
	for (struct map_entry *e = NULL; (e = map_next(&w->blocks, e));) {
		struct block *b = e->value;
		int64_t key[2] = {b->start, b->width};
		if (b->start + b->width <= before || b->used + (b->run ? 1 : KEEP_BOUNDARIES) < w->boundary) {
			map_del(&w->blocks, key, sizeof key);
			block_free(b);
		} else if (b->moments_used + KEEP_BOUNDARIES < w->boundary) {
			merged_drop_moments(&b->m);
		}
	}
}
