// SPDX-License-Identifier: Apache-2.0
#include "collect/seen.h"

#include <stdlib.h>
#include <string.h>

#include "util/buf.h"
#include "util/clock.h"
#include "util/xalloc.h"

enum { BUCKETS = 8, LEAST_WIDTH_MS = 1000, ENTRY = 12, FIRST_SLOTS = 64 };

#define NO_TIME INT64_MIN

struct bucket {
	int64_t start, newest;
	struct buf fresh; // entries that are not stored yet
	bool stored;      // some are
};

struct seen {
	int64_t span, lateness, width;
	struct entry {
		uint64_t hash;
		int64_t ms; // NO_TIME: a free slot
	} *slots;
	size_t mask, n;
	struct bucket *buckets;
	size_t nbuckets, capbuckets;
	int64_t *gone; // starts of stored buckets that are to be dropped
	size_t ngone, capgone;
};

static void slots_new(struct seen *s, size_t n)
{
	s->slots = xmalloc(n * sizeof *s->slots);
	s->mask = n - 1;
	s->n = 0;
	for (size_t i = 0; i < n; i++)
		s->slots[i].ms = NO_TIME;
}

struct seen *seen_new(int64_t span_ms, int64_t lateness_ms)
{
	struct seen *s = xcalloc(1, sizeof *s);

	s->span = span_ms;
	s->lateness = lateness_ms;
	s->width = (span_ms + lateness_ms) / BUCKETS;
	s->width = s->width < LEAST_WIDTH_MS ? LEAST_WIDTH_MS : s->width;
	slots_new(s, FIRST_SLOTS);
	return s;
}

void seen_clear(struct seen *s)
{
	while (s->nbuckets)
		buf_release(&s->buckets[--s->nbuckets].fresh);
	s->ngone = 0;
	free(s->slots);
	slots_new(s, FIRST_SLOTS);
}

void seen_free(struct seen *s)
{
	if (!s)
		return;
	seen_clear(s);
	free(s->slots);
	free(s->buckets);
	free(s->gone);
	free(s);
}

int64_t seen_width(const struct seen *s)
{
	return s->width;
}

static void insert(struct seen *s, uint64_t hash, int64_t ms)
{
	size_t i = hash & s->mask;

	while (s->slots[i].ms != NO_TIME)
		i = (i + 1) & s->mask;
	s->slots[i] = (struct entry){hash, ms};
	s->n++;
}

static bool holds(const struct seen *s, int64_t start)
{
	for (size_t i = 0; i < s->nbuckets; i++)
		if (s->buckets[i].start == start)
			return true;
	return false;
}

// With room for more, and without the entries of buckets that are gone.
static void rebuild(struct seen *s, size_t slots)
{
	struct entry *old = s->slots;
	size_t n = s->mask + 1;

	slots_new(s, slots);
	for (size_t i = 0; i < n; i++)
		if (old[i].ms != NO_TIME && holds(s, time_floor(old[i].ms, s->width)))
			insert(s, old[i].hash, old[i].ms);
	free(old);
}

static struct bucket *bucket_of(struct seen *s, int64_t start)
{
	for (size_t i = s->nbuckets; i-- > 0;)
		if (s->buckets[i].start == start)
			return &s->buckets[i];
	GROW(s->buckets, s->nbuckets, s->capbuckets);
	s->buckets[s->nbuckets] = (struct bucket){.start = start, .newest = NO_TIME, .fresh = BUF_INIT};
	return &s->buckets[s->nbuckets++];
}

static struct bucket *remember(struct seen *s, uint64_t hash, int64_t ms)
{
	struct bucket *b = bucket_of(s, time_floor(ms, s->width));

	b->newest = ms > b->newest ? ms : b->newest;
	if (2 * (s->n + 1) > s->mask + 1)
		rebuild(s, 2 * (s->mask + 1));
	insert(s, hash, ms);
	return b;
}

static void forget(struct seen *s, struct bucket *b)
{
	if (b->stored) {
		GROW(s->gone, s->ngone, s->capgone);
		s->gone[s->ngone++] = b->start;
	}
	buf_release(&b->fresh);
}

static void drop_old(struct seen *s, int64_t max_event)
{
	size_t k = 0;

	for (size_t i = 0; i < s->nbuckets; i++) {
		struct bucket *b = &s->buckets[i];
		if (b->newest > max_event - s->lateness - s->span)
			s->buckets[k++] = *b;
		else
			forget(s, b);
	}
	if (k == s->nbuckets)
		return;
	s->nbuckets = k;
	rebuild(s, s->mask + 1);
}

void seen_drop(struct seen *s)
{
	while (s->nbuckets)
		forget(s, &s->buckets[--s->nbuckets]);
	rebuild(s, FIRST_SLOTS);
}

enum seen_answer seen_value(struct seen *s, uint64_t hash, int64_t event_ms, int64_t max_event)
{
	if (max_event != INT64_MIN)
		drop_old(s, max_event);
	for (size_t i = hash & s->mask; s->slots[i].ms != NO_TIME; i = (i + 1) & s->mask)
		if (s->slots[i].hash == hash && llabs(s->slots[i].ms - event_ms) < s->span)
			return SEEN_BEFORE;
	if (s->n >= SEEN_MAX)
		return SEEN_FULL;
	struct bucket *b = remember(s, hash, event_ms);
	buf_u64(&b->fresh, hash);
	buf_u32(&b->fresh, (uint32_t)(event_ms - b->start));
	return SEEN_NEW;
}

void seen_load(struct seen *s, int64_t start, const void *bytes, size_t n)
{
	struct rd r;

	rd_init(&r, bytes, n);
	while (rd_left(&r) >= ENTRY) {
		uint64_t hash = rd_u64(&r);
		remember(s, hash, start + rd_u32(&r))->stored = true;
	}
}

void seen_write(struct seen *s,
		void (*write)(void *arg, int64_t start, enum state_op op, const void *bytes, size_t n), void *arg)
{
	for (size_t i = 0; i < s->ngone; i++)
		write(arg, s->gone[i], STATE_DROP, NULL, 0);
	s->ngone = 0;
	for (size_t i = 0; i < s->nbuckets; i++) {
		struct bucket *b = &s->buckets[i];
		if (!b->fresh.len)
			continue;
		write(arg, b->start, STATE_APPEND, b->fresh.data, b->fresh.len);
		buf_release(&b->fresh);
		b->stored = true;
	}
}
