// SPDX-License-Identifier: Apache-2.0
#include "files/words.h"

#include <stdlib.h>
#include <string.h>

#include "util/xalloc.h"

enum { CHUNK = 1 << 16 };

struct words_chunk {
	struct words_chunk *next;
	size_t used, cap;
	char data[];
};

void words_init(struct words *w)
{
	*w = (struct words){0};
}

void words_release(struct words *w)
{
	while (w->chunks) {
		struct words_chunk *next = w->chunks->next;

		free(w->chunks);
		w->chunks = next;
	}
	free(w->items);
	free(w->hashes);
	free(w->slots);
	words_init(w);
}

// Both halves of the product, so that every bit of the input reaches the low bits.
static uint64_t mix(uint64_t a, uint64_t b)
{
	unsigned __int128 p = (unsigned __int128)a * b;

	return (uint64_t)p ^ (uint64_t)(p >> 64);
}

static uint64_t bytes(const char *s, size_t n)
{
	uint64_t x = 0;

	memcpy(&x, s, n);
	return x;
}

static uint64_t hash(const char *s, size_t n)
{
	uint64_t h = n + 0x9e3779b97f4a7c15, tail = 0;
	size_t i = 0;

	for (; i + 8 <= n; i += 8)
		h = mix(h ^ bytes(s + i, 8), 0xd6e8feb86659fd93);
	if (n - i >= 4) { // two reads that may overlap
		tail = bytes(s + i, 4) << 32 | bytes(s + n - 4, 4);
	} else if (n > i) {
		tail = (uint64_t)(unsigned char)s[i] << 16 |
		       (uint64_t)(unsigned char)s[i + (n - i) / 2] << 8 | (unsigned char)s[n - 1];
	}
	return mix(h ^ tail, 0xa0761d6478bd642f);
}

static void place(struct words *w, uint32_t item)
{
	size_t k = w->hashes[item] & w->mask;

	while (w->slots[k])
		k = (k + 1) & w->mask;
	w->slots[k] = item + 1;
}

static void grow(struct words *w)
{
	w->cap = w->cap ? w->cap * 2 : 32;
	w->items = xrealloc(w->items, w->cap * sizeof *w->items);
	w->hashes = xrealloc(w->hashes, w->cap * sizeof *w->hashes);
	free(w->slots);
	w->slots = xcalloc(w->cap * 2, sizeof *w->slots);
	w->mask = w->cap * 2 - 1;
	for (size_t i = 0; i < w->n; i++)
		place(w, (uint32_t)i);
}

static const char *keep(struct words *w, const char *s, size_t len)
{
	struct words_chunk *c = w->chunks;
	char *at;

	if (!c || c->cap - c->used < len + 1) {
		size_t cap = len + 1 > CHUNK ? len + 1 : CHUNK;

		c = xmalloc(sizeof *c + cap);
		*c = (struct words_chunk){w->chunks, 0, cap};
		w->chunks = c;
	}
	at = c->data + c->used;
	memcpy(at, s, len);
	at[len] = 0;
	c->used += len + 1;
	return at;
}

void words_count(struct words *w, const char *s, size_t len)
{
	uint64_t h = hash(s, len);

	for (size_t k = h & w->mask; w->slots && w->slots[k]; k = (k + 1) & w->mask) {
		uint32_t i = w->slots[k] - 1;
		struct word *item = &w->items[i];

		if (w->hashes[i] == h && item->len == len && !memcmp(item->s, s, len)) {
			item->n++;
			return;
		}
	}
	if (w->n == w->cap)
		grow(w);
	w->hashes[w->n] = h;
	w->items[w->n] = (struct word){keep(w, s, len), len, 1};
	place(w, (uint32_t)w->n++);
}
