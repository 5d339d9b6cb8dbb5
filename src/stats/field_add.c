// SPDX-License-Identifier: Apache-2.0
// A field's bytes are added to the field of the same path as they are read. That is how most of them are merged: one
// grid, known categories. What is not so simple is left to field_decode and field_merge.
#include <math.h>
#include <string.h>

#include "stats/field_bytes.h"
#include "stats/pane.h"
#include "stats/pane_lists.h"

enum { CATEGORIES = 64 };

struct head {
	uint64_t present, nan, inf, other, count;
};

static struct head get_head(struct rd *r)
{
	struct head h;

	h.present = rd_uvar(r);
	h.nan = rd_uvar(r);
	h.inf = rd_uvar(r);
	h.other = rd_uvar(r);
	h.count = rd_uvar(r);
	return h;
}

static void add_head(struct field_stats *dst, const struct head *h)
{
	dst->present += h->present;
	dst->nan += h->nan;
	dst->inf += h->inf;
	dst->other += h->other;
	dst->count += h->count;
}

static void add_sum(struct rd *r, struct xsum *sum, const struct sum_bytes *s)
{
	r->bad |= !r->bad && !xsum_add_digits(sum, s->low, s->negative, s->digits, s->n);
}

static bool is_text(const char *s, const char *bytes, size_t n)
{
	return strnlen(s, n + 1) == n && !memcmp(s, bytes, n);
}

// true: the bytes are used up, or bad. Nothing is added before it is known that all can be.
static bool add_numeric(struct rd *r, struct field_stats *dst, uint8_t flags)
{
	bool mixed = flags == STATS_MIXED && dst->mixed;

	if (!mixed && (flags != STATS_GRID || !dst->bins || dst->mixed || dst->second || field_has_log(dst)))
		return false;
	struct head h = get_head(r);
	if (!h.count || !dst->count)
		return false;
	double min = get_num(r), max = get_num(r);
	struct sum_bytes sum = get_sum_bytes(r), squares = get_sum_bytes(r);
	if (!mixed) {
		size_t n;
		const char *id = rd_str(r, &n);
		if (r->bad || !is_text(dst->grid_id, id, n) || rd_uvar(r) != dst->nbins || dst->nbins / GAP_MAX > rd_left(r))
			return false;
		r->bad |= get_tokens(r, dst->bins, dst->nbins) != h.count;
		struct sum_bytes low = get_sum_bytes(r), high = get_sum_bytes(r);
		add_sum(r, &dst->low_sum, &low);
		add_sum(r, &dst->high_sum, &high);
	}
	add_sum(r, &dst->sum, &sum);
	add_sum(r, &dst->sumsq, &squares);
	r->bad |= !isfinite(min) || !isfinite(max) || min > max;
	dst->min = min < dst->min ? min : dst->min;
	dst->max = max > dst->max ? max : dst->max;
	add_head(dst, &h);
	return true;
}

// Categories that dst has all, in its order.
static bool add_categorical(struct rd *r, struct field_stats *dst, uint8_t flags)
{
	struct categories *c = &dst->cats;
	uint64_t count[CATEGORIES], total, rest, cutoff = UINT64_MAX;
	size_t at[CATEGORIES], next = 0;

	if (flags)
		return false;
	struct head h = get_head(r);
	uint64_t unseen = rd_uvar(r);
	total = rest = rd_uvar(r);
	if (rest)
		cutoff = rd_u64(r);
	uint64_t n = rd_uvar(r);
	if (r->bad || n > CATEGORIES || cutoff < c->cutoff)
		return false;
	for (size_t i = 0; i < n; i++, next++) {
		size_t len;
		const char *s = rd_str(r, &len);
		uint64_t v = rd_uvar(r);

		if (r->bad || !(v >> 1))
			return false;
		while (next < c->n && (c->items[next].len != len || memcmp(c->items[next].value, s, len) != 0))
			next++;
		if (next == c->n || c->items[next].known != (v & 1) || (!(v & 1) && c->items[next].hash > cutoff))
			return false;
		at[i] = next;
		count[i] = v >> 1;
		total = add_checked(r, total, v >> 1);
	}
	if (r->bad || total != h.count || unseen > h.count)
		return false;
	for (size_t i = 0; i < n; i++)
		c->items[at[i]].n += count[i];
	c->rest += rest;
	dst->unseen += unseen;
	add_head(dst, &h);
	return true;
}

bool field_add_bytes(struct rd *r, struct field_stats *dst, uint8_t version)
{
	const struct rd begin = *r;
	bool done = false;
	size_t n;
	const char *path = rd_str(r, &n);

	if (version < 2 || r->bad || !is_text(dst->path, path, n) || rd_u8(r) != dst->type)
		goto out;
	uint8_t flags = rd_u8(r);
	if (dst->type == FIELD_NUMERIC)
		done = add_numeric(r, dst, flags);
	else if (dst->type == FIELD_CATEGORICAL || dst->type == FIELD_BOOLEAN)
		done = add_categorical(r, dst, flags);
out:
	if (!done)
		*r = begin;
	return done;
}
