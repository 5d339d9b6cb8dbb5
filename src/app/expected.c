// SPDX-License-Identifier: Apache-2.0
#include "app/expected.h"

#include <stdlib.h>

#include "util/clock.h"
#include "util/xalloc.h"

enum { TIDY = 1 << 16 };

struct slide {
	int64_t start;
	uint64_t n;
};

struct counts { // of one stream, by slide; ascending once tidied
	struct slide *items;
	size_t n, cap, tidied;
	struct least {
		int64_t window;
		uint64_t n;
	} *least;
	size_t nleast, capleast;
};

struct expected {
	struct map streams; // name -> struct counts
};

struct expected *expected_new(void)
{
	struct expected *e = xcalloc(1, sizeof *e);

	map_init(&e->streams);
	return e;
}

static void counts_free(void *p)
{
	struct counts *c = p;

	free(c->items);
	free(c->least);
	free(c);
}

void expected_free(struct expected *e)
{
	if (!e)
		return;
	map_release(&e->streams, counts_free);
	free(e);
}

static int by_start(const void *a, const void *b)
{
	const struct slide *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

static void tidy(struct counts *c)
{
	size_t k = 0;

	if (c->n)
		qsort(c->items, c->n, sizeof *c->items, by_start);
	for (size_t i = 0; i < c->n; i++) {
		if (k && c->items[k - 1].start == c->items[i].start)
			c->items[k - 1].n += c->items[i].n;
		else
			c->items[k++] = c->items[i];
	}
	c->n = c->tidied = k;
}

void expected_add(struct expected *e, const char *stream, int64_t slide_ms, int64_t event_ms)
{
	struct counts *c = map_gets(&e->streams, stream);
	int64_t start = time_floor(event_ms, slide_ms);

	if (!c)
		map_puts(&e->streams, stream, c = xcalloc(1, sizeof *c));
	if (c->n && c->items[c->n - 1].start == start) {
		c->items[c->n - 1].n++;
		return;
	}
	if (c->n - c->tidied >= TIDY)
		tidy(c);
	GROW(c->items, c->n, c->cap);
	c->items[c->n++] = (struct slide){start, 1};
}

static int by_count(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

// Half the median.
static uint64_t least_of(const struct counts *c, int64_t slide, int64_t window)
{
	uint64_t *sums = xmalloc((c->n + 1) * sizeof *sums), sum = 0;
	size_t n = 0, first = 0;

	for (size_t i = 0; i < c->n; i++) {
		int64_t from = c->items[i].start + slide - window;
		sum += c->items[i].n;
		while (c->items[first].start < from)
			sum -= c->items[first++].n;
		if (from >= c->items[0].start && i + 1 < c->n)
			sums[n++] = sum;
	}
	if (n)
		qsort(sums, n, sizeof *sums, by_count);
	uint64_t least = n ? (sums[(n - 1) / 2] + 1) / 2 : 0;
	free(sums);
	return least;
}

uint64_t expected_least(void *ctx, const struct judge_stream *s, int64_t window_ms)
{
	struct expected *e = ctx;
	struct counts *c = map_gets(&e->streams, s->name);

	if (!c)
		return 0;
	for (size_t i = 0; i < c->nleast; i++)
		if (c->least[i].window == window_ms)
			return c->least[i].n;
	if (c->tidied < c->n)
		tidy(c);
	GROW(c->least, c->nleast, c->capleast);
	c->least[c->nleast] = (struct least){window_ms, least_of(c, s->slide_ms, window_ms)};
	return c->least[c->nleast++].n;
}
