// SPDX-License-Identifier: Apache-2.0
#include "stats/categories.h"

#include <stdlib.h>
#include <string.h>

#include "util/map.h"
#include "util/xalloc.h"

void categories_init(struct categories *c)
{
	*c = (struct categories){.cutoff = UINT64_MAX};
}

static void value_free(const struct categories *c, char *value)
{
	if (value < c->text || value >= c->text_end)
		free(value);
}

char *categories_room(struct categories *c, size_t items, size_t bytes)
{
	c->items = xmalloc((items + 1) * sizeof *c->items);
	c->cap = items + 1;
	c->text = xmalloc(bytes + 1);
	c->text_end = c->text + bytes + 1;
	return c->text;
}

void categories_release(struct categories *c)
{
	for (size_t i = 0; i < c->n; i++)
		value_free(c, c->items[i].value);
	free(c->text);
	free(c->items);
	free(c->slots);
	categories_init(c);
}

static int value_cmp(uint64_t h, const char *s, size_t n, const struct category *b)
{
	size_t common = n < b->len ? n : b->len;
	int d = 0;

	if (h != b->hash)
		return h < b->hash ? -1 : 1;
	if (common)
		d = memcmp(s, b->value, common);
	return d ? d : (n > b->len) - (n < b->len);
}

int category_cmp(const struct category *a, const struct category *b)
{
	return value_cmp(a->hash, a->value, a->len, b);
}

static int item_cmp(const void *a, const void *b)
{
	return category_cmp(a, b);
}

// The first item that is not before (h, s).
static size_t lower_bound(const struct categories *c, uint64_t h, const char *s, size_t n)
{
	size_t lo = 0, hi = c->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (value_cmp(h, s, n, &c->items[mid]) > 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void index_drop(struct categories *c)
{
	free(c->slots);
	c->slots = NULL;
	c->finds = 0;
}

// Of a text's hash the low bits are 0, of a kept one's the high bits.
static size_t slot_of(const struct categories *c, uint64_t hash)
{
	return (hash >> 24) & c->mask;
}

static void index_build(struct categories *c)
{
	size_t want = 16;

	while (want < 2 * (c->n + 1))
		want *= 2;
	c->slots = xcalloc(want, sizeof *c->slots);
	c->mask = want - 1;
	for (size_t i = 0; i < c->n; i++) {
		size_t k = slot_of(c, c->items[i].hash);

		while (c->slots[k])
			k = (k + 1) & c->mask;
		c->slots[k] = (uint32_t)i + 1;
	}
}

// Drops what is not known and hashes to `from` or more.
static void trim(struct categories *c, uint64_t from)
{
	size_t k = lower_bound(c, from, "", 0);

	for (size_t i = k; i < c->n; i++) {
		if (c->items[i].known) {
			c->items[k++] = c->items[i];
			continue;
		}
		c->rest += c->items[i].n;
		c->unknown--;
		value_free(c, c->items[i].value);
	}
	c->n = k;
	c->cutoff = from ? from - 1 : 0;
}

static void keep_bound(struct categories *c)
{
	while (c->unknown > PANE_MAX_VALUES) {
		size_t i = c->n - 1;

		while (c->items[i].known)
			i--;
		trim(c, c->items[i].hash);
	}
}

void categories_know(struct categories *c, char *const *values, size_t n)
{
	size_t k = 0, bytes = 0;
	char *at = NULL;

	for (size_t i = 0; i < n; i++)
		bytes += strlen(values[i]) + 1;
	if (n && !c->items)
		at = categories_room(c, n, bytes);
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(values[i]);
		char *value = at ? memcpy(at, values[i], len + 1) : xstrndup(values[i], len);

		at += at ? len + 1 : 0;
		GROW(c->items, c->n, c->cap);
		c->items[c->n++] = (struct category){value, len, hash_bytes(values[i], len), 0, true};
	}
	if (c->n)
		qsort(c->items, c->n, sizeof *c->items, item_cmp);
	for (size_t i = 0; i < c->n; i++) {
		if (k && !category_cmp(&c->items[k - 1], &c->items[i]))
			value_free(c, c->items[i].value);
		else
			c->items[k++] = c->items[i];
	}
	c->n = k;
	index_drop(c);
}

void categories_know_only(struct categories *c, char *const *values, size_t n)
{
	struct map own;
	size_t k = 0;

	map_init(&own);
	for (size_t i = 0; i < n; i++)
		map_puts(&own, values[i], values[i]);
	c->unknown = 0;
	for (size_t i = 0; i < c->n; i++) {
		struct category item = c->items[i];

		item.known = map_get(&own, item.value, item.len) != NULL;
		if (!item.known && !item.n) {
			value_free(c, item.value);
			continue;
		}
		c->unknown += !item.known;
		c->items[k++] = item;
	}
	c->n = k;
	map_release(&own, NULL);
	if (c->cutoff < UINT64_MAX)
		trim(c, c->cutoff + 1);
	keep_bound(c);
	index_drop(c);
}

// NULL if it is not there; *at is then its place, if it may have one. The index is made when it was missed as often as it costs:
// a field whose values are all new never has one.
static struct category *find(struct categories *c, const char *s, size_t n, uint64_t hash, size_t *at)
{
	if (!c->slots && ++c->finds > c->n)
		index_build(c);
	for (size_t k = slot_of(c, hash); c->slots && c->slots[k]; k = (k + 1) & c->mask) {
		struct category *item = &c->items[c->slots[k] - 1];

		if (item->hash == hash && item->len == n && (!n || !memcmp(item->value, s, n)))
			return item;
	}
	if (c->slots && hash > c->cutoff)
		return NULL;
	*at = lower_bound(c, hash, s, n);
	return !c->slots && *at < c->n && !value_cmp(hash, s, n, &c->items[*at]) ? &c->items[*at] : NULL;
}

static bool count_new(struct categories *c, const char *s, size_t n, uint64_t hash, bool keep, size_t at,
		      uint64_t times)
{
	if (hash > c->cutoff) {
		c->rest += times;
		return false;
	}
	GROW(c->items, c->n, c->cap);
	memmove(c->items + at + 1, c->items + at, (c->n - at) * sizeof *c->items);
	c->items[at] = (struct category){keep ? xstrndup(s, n) : NULL, n, hash, times, false};
	c->n++;
	c->unknown++;
	keep_bound(c);
	index_drop(c);
	return false;
}

bool categories_count(struct categories *c, const char *s, size_t n, uint64_t hash, bool keep, uint64_t times)
{
	struct category *item;
	size_t at;

	if (hash > c->cutoff && c->n == c->unknown) {
		c->rest += times;
		return false;
	}
	item = find(c, s, n, hash, &at);
	if (!item)
		return count_new(c, s, n, hash, keep, at, times);
	item->n += times;
	return item->known;
}

// Where dst has all that src has, as it mostly is: no memory is needed.
static bool merge_in_place(struct categories *dst, const struct categories *src)
{
	size_t i = 0, j = 0;

	if (src->cutoff < dst->cutoff)
		return false;
	for (j = 0; j < src->n; j++, i++) {
		while (i < dst->n && dst->items[i].hash < src->items[j].hash)
			i++;
		while (i < dst->n && category_cmp(&dst->items[i], &src->items[j]) < 0)
			i++;
		if (i == dst->n || category_cmp(&dst->items[i], &src->items[j]))
			return false;
	}
	for (i = j = 0; j < src->n; j++, i++) {
		while (dst->items[i].hash < src->items[j].hash || category_cmp(&dst->items[i], &src->items[j]))
			i++;
		dst->items[i].n += src->items[j].n;
		dst->unknown -= src->items[j].known && !dst->items[i].known;
		dst->items[i].known |= src->items[j].known;
	}
	dst->rest += src->rest;
	return true;
}

void categories_merge(struct categories *dst, const struct categories *src)
{
	uint64_t cutoff = dst->cutoff < src->cutoff ? dst->cutoff : src->cutoff;
	struct category *a = dst->items;
	size_t na = dst->n, i = 0, j = 0, n = 0;

	if ((!src->n && !src->rest) || merge_in_place(dst, src))
		return;
	dst->cap = na + src->n;
	dst->items = xmalloc(dst->cap * sizeof *dst->items);
	dst->rest += src->rest;
	while (i < na || j < src->n) {
		const struct category *b = &src->items[j];
		int d = i == na ? 1 : j == src->n ? -1 : category_cmp(&a[i], b);

		if (d <= 0) {
			struct category item = a[i++];

			if (d == 0) {
				item.n += b->n;
				item.known |= b->known;
				j++;
			}
			dst->items[n++] = item;
			continue;
		}
		j++;
		if (!b->known && b->hash > cutoff) {
			dst->rest += b->n;
			continue;
		}
		dst->items[n] = *b;
		dst->items[n].value = b->value ? xstrndup(b->value, b->len) : NULL;
		n++;
	}
	free(a);
	dst->n = n;
	dst->unknown = 0;
	for (i = 0; i < n; i++)
		dst->unknown += !dst->items[i].known;
	if (cutoff < UINT64_MAX)
		trim(dst, cutoff + 1);
	keep_bound(dst);
	index_drop(dst);
}

void categories_append(struct categories *c, struct category item)
{
	GROW(c->items, c->n, c->cap);
	c->items[c->n++] = item;
	c->unknown += !item.known;
	index_drop(c);
}
