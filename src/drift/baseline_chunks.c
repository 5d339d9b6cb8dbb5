// SPDX-License-Identifier: Apache-2.0
// A thousand fields of 256 chunks of 32 bins are held by a monitor as long as it runs, though they are only read when a
// rule or a window is new. So a chunk is packed, and the chunks of a large file are kept in a file again (util/spill.h):
//
//     svar  from, less the end of the one before       svar  its length, less that of the one before
//     svar  records, less count and missing            uvar  count    uvar  missing
//     u8    1: it has moments; then f64 mean, variance, min, max
//     u8    width of a bin, and the bins in so many bits each, the lowest first
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "drift/baseline_json.h"
#include "util/xalloc.h"

static void put_bins(struct buf *out, const uint64_t *bins, size_t n)
{
	unsigned __int128 bits = 0;
	unsigned width = 0, held = 0;

	for (size_t i = 0; i < n; i++)
		while (width < 64 && bins[i] >> width)
			width++;
	buf_u8(out, (uint8_t)width);
	for (size_t i = 0; i < n; i++) {
		bits |= (unsigned __int128)bins[i] << held;
		for (held += width; held >= 8; held -= 8, bits >>= 8)
			buf_u8(out, (uint8_t)bits);
	}
	if (held)
		buf_u8(out, (uint8_t)bits);
}

static void get_bins(struct rd *r, uint64_t *bins, size_t n)
{
	unsigned __int128 bits = 0;
	unsigned width = rd_u8(r), held = 0;
	uint64_t mask = width ? UINT64_MAX >> (64 - width) : 0;

	for (size_t i = 0; i < n; i++) {
		for (; held < width; held += 8)
			bits |= (unsigned __int128)rd_u8(r) << held;
		bins[i] = (uint64_t)bits & mask;
		bits >>= width;
		held -= width;
	}
}

// Differences are taken modulo 2^64, so that any file's numbers come back.
static int64_t less(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a - (uint64_t)b);
}

static int64_t plus(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a + (uint64_t)b);
}

void baseline_field_add_chunk(struct baseline_field *f, const struct baseline_chunk *k)
{
	struct baseline_chunks *c = &f->chunks;
	bool moments = !isnan(k->mean) || !isnan(k->variance) || k->min != INFINITY || k->max != -INFINITY;
	struct buf b = BUF_INIT;

	buf_svar(&b, less(k->from, c->to));
	buf_svar(&b, less(less(k->to, k->from), c->length));
	buf_svar(&b, (int64_t)(k->records - k->count - k->missing));
	buf_uvar(&b, k->count);
	buf_uvar(&b, k->missing);
	buf_u8(&b, moments);
	if (moments) {
		buf_f64(&b, k->mean);
		buf_f64(&b, k->variance);
		buf_f64(&b, k->min);
		buf_f64(&b, k->max);
	}
	put_bins(&b, k->bins, f->nbins);
	if (c->len + b.len > c->cap) {
		c->cap = c->len + b.len + c->len / 8;
		c->bytes = xrealloc(c->bytes, c->cap);
	}
	memcpy(c->bytes + c->len, b.data, b.len);
	c->len += b.len;
	c->to = k->to;
	c->length = less(k->to, k->from);
	f->nchunks++;
	buf_release(&b);
}

void baseline_field_spill(struct baseline_field *f, struct spill *to)
{
	struct baseline_chunks *c = &f->chunks;
	const uint8_t *there = c->cap ? spill_add(to, c->bytes, c->len) : NULL;

	if (!there)
		return;
	free(c->bytes);
	c->bytes = (uint8_t *)(uintptr_t)there;
	c->cap = 0;
}

struct chunk_reader baseline_field_chunks(const struct baseline_field *f)
{
	struct chunk_reader r = {.left = f->nchunks, .nbins = f->nbins};

	rd_init(&r.bytes, f->chunks.bytes, f->chunks.len);
	return r;
}

bool chunk_next(struct chunk_reader *r)
{
	struct baseline_chunk *k = &r->chunk;
	int64_t length = less(k->to, k->from);

	if (!r->left)
		return false;
	r->left--;
	k->from = plus(k->to, rd_svar(&r->bytes));
	k->to = plus(k->from, plus(length, rd_svar(&r->bytes)));
	k->records = (uint64_t)rd_svar(&r->bytes);
	k->count = rd_uvar(&r->bytes);
	k->missing = rd_uvar(&r->bytes);
	k->records += k->count + k->missing;
	k->mean = k->variance = NAN;
	k->min = INFINITY;
	k->max = -INFINITY;
	if (rd_u8(&r->bytes)) {
		k->mean = rd_f64(&r->bytes);
		k->variance = rd_f64(&r->bytes);
		k->min = rd_f64(&r->bytes);
		k->max = rd_f64(&r->bytes);
	}
	get_bins(&r->bytes, k->bins, r->nbins);
	return true;
}
