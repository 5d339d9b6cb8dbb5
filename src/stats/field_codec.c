// SPDX-License-Identifier: Apache-2.0
// A field of a pane as bytes (of the whole: pane_codec.c).
//
//   field     str path, u8 type, u8 flags (STATS_*), uvar present nan inf other count,
//             [uvar elements] where STATS_ELEMENTS;
//             numeric, text, time, vector with count > 0: num min max, sums of the values and of their squares
//             vector with count > 0, not mixed: uvar dimensions, as many sums
//             time: [range, logarithmic of ages], text: [logarithmic of lengths] where STATS_WHOLE
//             numeric with count > 0, not mixed: quantile (where STATS_GRID) or logarithmic; behind a quantile another
//             one (where STATS_SECOND, in order of their ids) or logarithmic (where STATS_LOG)
//             categorical, boolean, text: categories
//   num       u8 k, the k leading bytes of the double, the most significant first; the others are 0
//   sum       as xsum_put() writes it; of version 1 three nums, whose sum it is
//   quantile  str grid id, uvar bins, tokens until the bins are full, sums of bin 0 and of the last bin
//   logarithmic  uvar n, svar first bin, n tokens
//   token     uvar gap << 4 | c: `gap` empty bins, then one bin that holds c, or 15 + the uvar that follows
//             where c is 15; c = 0 (quantile only): the gap alone. A quantile gap is at most GAP_MAX, so that
//             the memory for bins is bounded by the bytes that tell of them.
//   categories  uvar unseen, uvar rest, [u64 cutoff] where rest > 0, uvar n, then each
//             str value, uvar count << 1 | known; or, of text, uvar (hash - hash before) >> 24, uvar count
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/categories.h"
#include "stats/field_bytes.h"
#include "stats/numeric.h"
#include "stats/pane.h"
#include "stats/pane_bytes.h"
#include "stats/pane_lists.h"
#include "util/map.h"
#include "util/xalloc.h"

static bool has_moments(enum field_type t)
{
	return t == FIELD_NUMERIC || t == FIELD_TEXT || t == FIELD_TIME || t == FIELD_VECTOR;
}

// A histogram of whole numbers: ages, lengths.
static bool has_whole(enum field_type t)
{
	return t == FIELD_TIME || t == FIELD_TEXT;
}

static bool has_categories(enum field_type t)
{
	return t == FIELD_CATEGORICAL || t == FIELD_BOOLEAN || t == FIELD_TEXT;
}

static void put_num(struct buf *out, double v)
{
	uint64_t u;
	uint8_t k = 8;

	v = isnan(v) ? NAN : v + 0.0; // one NaN, one zero
	memcpy(&u, &v, 8);
	while (k && !((u >> (8 * (8 - k))) & 0xff))
		k--;
	buf_u8(out, k);
	for (int i = 0; i < k; i++)
		buf_u8(out, (uint8_t)(u >> (56 - 8 * i)));
}

// Of version 1 three doubles, of which it is the sum.
static void get_sum(struct rd *r, uint8_t version, struct xsum *s)
{
	if (version < 2) {
		for (int i = 0; i < 3; i++) {
			double v = get_num(r);

			if (isfinite(v))
				xsum_add(s, v);
		}
		return;
	}
	struct sum_bytes b = get_sum_bytes(r);
	r->bad |= !r->bad && !xsum_set(s, b.low, b.negative, b.digits, b.n);
}

enum { TOKEN_MAX = 20 };

static char *write_uvar(char *p, uint64_t v)
{
	for (; v > 0x7f; v >>= 7)
		*p++ = (char)(v | 0x80);
	*p++ = (char)v;
	return p;
}

static char *write_token(char *p, uint64_t gap, uint64_t n)
{
	p = write_uvar(p, gap << 4 | (n < 15 ? n : 15));
	return n < 15 ? p : write_uvar(p, n - 15);
}

static void put_token(struct buf *out, uint64_t gap, uint64_t n)
{
	char token[TOKEN_MAX];

	buf_add(out, token, (size_t)(write_token(token, gap, n) - token));
}

static void put_bins(struct buf *out, const struct second_grid *g)
{
	size_t gap = 0;

	put_cstr(out, g->grid_id);
	buf_uvar(out, g->nbins);
	buf_reserve(out, (g->nbins + 1) * TOKEN_MAX);
	char *p = out->data + out->len;
	for (size_t i = 0; i < g->nbins; i++) {
		uint64_t n = g->narrow ? g->narrow[i] : g->bins[i];

		if (!n && ++gap < GAP_MAX)
			continue;
		p = write_token(p, gap, n);
		gap = 0;
	}
	if (gap)
		p = write_token(p, gap, 0);
	out->len = (size_t)(p - out->data);
	xsum_put(&g->low_sum, out);
	xsum_put(&g->high_sum, out);
}

static void put_grids(struct buf *out, const struct field_stats *f)
{
	struct second_grid first = field_first_grid(f);

	if (f->second && strcmp(f->second->grid_id, f->grid_id) < 0)
		put_bins(out, f->second);
	put_bins(out, &first);
	if (f->second && strcmp(f->second->grid_id, f->grid_id) > 0)
		put_bins(out, f->second);
}

static uint64_t *bins_for(struct field_target *t, size_t n)
{
	if (!t->passing)
		return xcalloc(n, sizeof *t->bins);
	if (n > t->capbins) {
		free(t->bins);
		t->bins = xmalloc(n * sizeof *t->bins);
		t->capbins = n;
	}
	memset(t->bins, 0, n * sizeof *t->bins);
	return t->bins;
}

static uint64_t get_bins(struct rd *r, struct field_target *t, uint8_t version)
{
	struct field_stats *f = t->f;
	size_t n;
	const char *id = rd_str(r, &n);
	uint64_t total, bins;

	r->bad |= n == 0 || n >= sizeof f->grid_id || memchr(id, 0, n);
	bins = rd_uvar(r);
	r->bad |= bins < 2 || bins / GAP_MAX > rd_left(r);
	if (r->bad)
		return 0;
	memcpy(f->grid_id, id, n);
	f->nbins = (size_t)bins;
	f->bins = bins_for(t, f->nbins);
	total = get_tokens(r, f->bins, f->nbins);
	get_sum(r, version, &f->low_sum);
	get_sum(r, version, &f->high_sum);
	return total;
}

static void put_logbins(struct buf *out, const struct field_stats *f)
{
	struct logbin *made;
	size_t n;
	const struct logbin *bins = field_logbins(f, &n, &made);
	int64_t before = n ? bins[0].bin - (int64_t)1 : 0;

	buf_uvar(out, n);
	buf_svar(out, before + 1);
	for (size_t i = 0; i < n; i++) {
		put_token(out, (uint64_t)(bins[i].bin - before - 1), bins[i].n);
		before = bins[i].bin;
	}
	free(made);
}

static uint64_t get_logbins(struct rd *r, struct field_target *t)
{
	struct field_stats *f = t->f;
	size_t n = get_count(r), others = 0;
	int64_t bin = rd_svar(r);
	uint64_t total = 0, gap;

	r->bad |= n > LOGBINS_MAX + 1 || bin < INT32_MIN || bin > INT32_MAX;
	if (r->bad)
		return 0;
	if (!t->passing)
		f->logbins = xmalloc((n + 1) * sizeof *f->logbins);
	else if (!t->logbins)
		t->logbins = xmalloc((LOGBINS_MAX + 2) * sizeof *f->logbins);
	f->logbins = t->passing ? t->logbins : f->logbins;
	f->caplogbins = n + 1;
	for (size_t i = 0; i < n && !r->bad; i++, bin++) {
		uint64_t c = get_token(r, &gap);

		r->bad |= !c || gap > UINT32_MAX || bin + (int64_t)gap > INT32_MAX;
		if (r->bad)
			break;
		bin += (int64_t)gap;
		f->logbins[f->nlogbins++] = (struct logbin){(int32_t)bin, c};
		others += bin != 0;
		total = add_checked(r, total, c);
	}
	r->bad |= others > LOGBINS_MAX;
	return total;
}

// What the first histogram is read to is used again for the second.
static void set_aside(struct field_target *t)
{
	struct field_stats *f = t->f;

	if (t->passing) {
		uint64_t *own = xmalloc(f->nbins * sizeof *own);
		memcpy(own, f->bins, f->nbins * sizeof *own);
		f->bins = own;
	}
	field_first_becomes_second(f);
}

// All of them have all values. -> how many; of other numbers it is bad.
static uint64_t get_histograms(struct rd *r, struct field_target *t, uint8_t flags, uint8_t version)
{
	struct field_stats *f = t->f;
	uint64_t total = flags & STATS_GRID ? get_bins(r, t, version) : get_logbins(r, t);

	r->bad |= flags & (STATS_SECOND | STATS_LOG) && !(flags & STATS_GRID);
	if (flags & STATS_SECOND && !r->bad) {
		set_aside(t);
		r->bad |= get_bins(r, t, version) != total || strcmp(f->second->grid_id, f->grid_id) >= 0;
	}
	if (flags & STATS_LOG && !r->bad) {
		r->bad |= get_logbins(r, t) != total;
		f->log_too = true;
	}
	return total;
}

// As if all of them were past the bound.
static void put_no_categories(struct buf *out, const struct field_stats *f)
{
	buf_uvar(out, f->unseen);
	buf_uvar(out, f->count);
	if (f->count)
		buf_u64(out, 0);
	buf_uvar(out, 0);
}

static void put_categories(struct buf *out, const struct field_stats *f)
{
	const struct categories *c = &f->cats;
	uint64_t before = 0, n = 0;

	for (size_t i = 0; i < c->n; i++)
		n += c->items[i].n > 0;
	buf_uvar(out, f->unseen);
	buf_uvar(out, c->rest);
	if (c->rest)
		buf_u64(out, c->cutoff);
	buf_uvar(out, n);
	for (size_t i = 0; i < c->n; i++) {
		const struct category *item = &c->items[i];

		if (!item->n)
			continue;
		if (f->type == FIELD_TEXT) {
			buf_uvar(out, (item->hash - before) >> TEXT_SHIFT);
			buf_uvar(out, item->n);
			before = item->hash;
		} else {
			buf_str(out, item->value, item->len);
			buf_uvar(out, item->n << 1 | item->known);
		}
	}
}

// With a NUL behind each.
static size_t bytes_of_values(struct rd r, size_t n)
{
	size_t bytes = 0, len;

	for (; n && !r.bad; n--, rd_uvar(&r)) {
		rd_str(&r, &len);
		bytes += len + 1;
	}
	return bytes;
}

static uint64_t get_categories(struct rd *r, struct field_target *t)
{
	struct field_stats *f = t->f;
	struct categories *c = &f->cats;
	uint64_t total, before = 0;
	size_t n;

	f->unseen = rd_uvar(r);
	total = c->rest = rd_uvar(r);
	if (c->rest)
		c->cutoff = rd_u64(r);
	n = get_count(r);
	char *own = !t->passing && f->type != FIELD_TEXT && n ? categories_room(c, n, bytes_of_values(*r, n)) : NULL;
	for (size_t i = 0; i < n && !r->bad; i++) {
		struct category item = {0};

		if (f->type == FIELD_TEXT) {
			uint64_t gap = rd_uvar(r);

			r->bad |= gap > UINT64_MAX >> TEXT_SHIFT;
			item.hash = add_checked(r, before, gap << TEXT_SHIFT);
			before = item.hash;
			item.n = rd_uvar(r);
		} else {
			const char *s = rd_str(r, &item.len);
			uint64_t v = rd_uvar(r);

			item.n = v >> 1;
			item.known = v & 1;
			if (!r->bad) {
				item.value = own ? memcpy(own, s, item.len) : (char *)(uintptr_t)s;
				item.hash = hash_bytes(s, item.len);
			}
			if (!r->bad && own) {
				own[item.len] = 0;
				own += item.len + 1;
			}
		}
		total = add_checked(r, total, item.n);
		r->bad |= !item.n || (!item.known && item.hash > c->cutoff) ||
			  (i && category_cmp(&c->items[i - 1], &item) >= 0);
		if (!r->bad)
			categories_append(c, item);
	}
	r->bad |= c->unknown > PANE_MAX_VALUES;
	return total;
}

static void put_dims(struct buf *out, const struct field_stats *f)
{
	buf_uvar(out, f->dims);
	for (size_t i = 0; i < f->dims; i++)
		xsum_put(&f->dim_sums[i], out);
}

static void get_dims(struct rd *r, struct field_stats *f, uint8_t version)
{
	size_t n = get_count(r);

	r->bad |= !n || n > VECTOR_MAX_DIMS;
	if (r->bad)
		return;
	f->dims = n;
	f->dim_sums = xcalloc(n, sizeof *f->dim_sums);
	for (size_t i = 0; i < n && !r->bad; i++)
		get_sum(r, version, &f->dim_sums[i]);
}

void field_encode(const struct field_stats *f, bool moments, struct buf *out)
{
	bool mixed = f->mixed || (moments && (f->type == FIELD_NUMERIC || f->type == FIELD_VECTOR) && f->count);
	bool histogram = f->type == FIELD_NUMERIC && f->count && !mixed;
	bool whole = has_whole(f->type) && f->nlogbins && !moments;

	put_cstr(out, f->path);
	buf_u8(out, (uint8_t)f->type);
	buf_u8(out, (uint8_t)((f->approximate ? STATS_APPROXIMATE : 0) | (mixed ? STATS_MIXED : 0) |
			      (histogram && f->nbins ? STATS_GRID : 0) | (f->in_elements ? STATS_ELEMENTS : 0) |
			      (whole ? STATS_WHOLE : 0) | (histogram && f->second ? STATS_SECOND : 0) |
			      (histogram && f->nbins && field_has_log(f) ? STATS_LOG : 0)));
	buf_uvar(out, f->present);
	buf_uvar(out, f->nan);
	buf_uvar(out, f->inf);
	buf_uvar(out, f->other);
	buf_uvar(out, f->count);
	if (f->in_elements)
		buf_uvar(out, f->elements);
	if (f->count && has_moments(f->type)) {
		put_num(out, f->min);
		put_num(out, f->max);
		xsum_put(&f->sum, out);
		xsum_put(&f->sumsq, out);
	}
	if (f->type == FIELD_VECTOR && f->count && !mixed)
		put_dims(out, f);
	if (whole && f->type == FIELD_TIME)
		put_range(out, f->age_min, f->age_max);
	if (whole)
		put_logbins(out, f);
	if (histogram && f->nbins)
		put_grids(out, f);
	if (histogram && (!f->nbins || field_has_log(f)))
		put_logbins(out, f);
	if (has_categories(f->type) && moments)
		put_no_categories(out, f);
	else if (has_categories(f->type))
		put_categories(out, f);
}

// Makes an empty f of that path, which is "" when bad.
static void begin_field(struct rd *r, struct field_target *t)
{
	struct categories cats = {.cutoff = UINT64_MAX};
	size_t n;
	const char *path;

	path = rd_str(r, &n);
	r->bad |= n && memchr(path, 0, n);
	n = r->bad ? 0 : n;
	if (!t->passing) {
		t->f = field_stats_new(path, n, FIELD_NONE);
		return;
	}
	if (n + 1 > t->cappath)
		t->path = xrealloc(t->path, t->cappath = n + 64);
	if (n)
		memcpy(t->path, path, n);
	t->path[n] = 0;
	field_drop_second(t->f);
	struct field_stats was = *t->f;
	cats.items = was.cats.items;
	cats.cap = was.cats.cap;
	field_vector_release(&was);
	xsum_clear(&was.sum);
	xsum_clear(&was.sumsq);
	xsum_clear(&was.low_sum);
	xsum_clear(&was.high_sum);
	*t->f = (struct field_stats){.path = t->path, .min = INFINITY, .max = -INFINITY, .cats = cats, .sum = was.sum,
				     .sumsq = was.sumsq, .low_sum = was.low_sum, .high_sum = was.high_sum};
}

void field_decode(struct rd *r, struct field_target *t, uint8_t version)
{
	begin_field(r, t);
	struct field_stats *f = t->f;
	uint8_t type = rd_u8(r), flags = rd_u8(r);
	uint64_t counted;

	r->bad |= type >= FIELD_TYPES || flags & ~STATS_FLAGS;
	f->type = r->bad ? FIELD_NONE : (enum field_type)type;
	f->approximate = flags & STATS_APPROXIMATE;
	f->mixed = flags & STATS_MIXED;
	f->present = rd_uvar(r);
	f->nan = rd_uvar(r);
	f->inf = rd_uvar(r);
	f->other = rd_uvar(r);
	counted = f->count = rd_uvar(r);
	f->in_elements = flags & STATS_ELEMENTS;
	if (f->in_elements)
		f->elements = rd_uvar(r);
	if (f->count && has_moments(f->type)) {
		f->min = get_num(r);
		f->max = get_num(r);
		get_sum(r, version, &f->sum);
		get_sum(r, version, &f->sumsq);
		r->bad |= !isfinite(f->min) || !isfinite(f->max) || f->min > f->max;
	}
	if (f->type == FIELD_VECTOR && f->count && !f->mixed)
		get_dims(r, f, version);
	r->bad |= flags & STATS_WHOLE && !has_whole(f->type);
	if (flags & STATS_WHOLE && f->type == FIELD_TIME)
		get_range(r, &f->age_min, &f->age_max);
	if (flags & STATS_WHOLE && !r->bad)
		r->bad |= get_logbins(r, t) > f->count || !f->nlogbins ||
			  f->logbins[0].bin < (f->type == FIELD_TIME ? -AGE_BINS : 0) ||
			  f->logbins[f->nlogbins - 1].bin > AGE_BINS;
	if (f->type == FIELD_NUMERIC && f->count && !f->mixed)
		counted = get_histograms(r, t, flags, version);
	else
		r->bad |= flags & (STATS_GRID | STATS_SECOND | STATS_LOG);
	if (has_categories(f->type))
		counted = get_categories(r, t);
	r->bad |= counted != f->count || f->unseen > f->count;
}

void field_target_release(struct field_target *t)
{
	field_drop_second(t->f);
	xsum_release(&t->f->sum);
	xsum_release(&t->f->sumsq);
	xsum_release(&t->f->low_sum);
	xsum_release(&t->f->high_sum);
	field_vector_release(t->f);
	free(t->f->cats.items);
	free(t->path);
	free(t->bins);
	free(t->logbins);
}
