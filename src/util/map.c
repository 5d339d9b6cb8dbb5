// SPDX-License-Identifier: Apache-2.0
#include "util/map.h"

#include <stdlib.h>
#include <string.h>

#include "util/xalloc.h"

uint64_t hash_bytes(const void *p, size_t n)
{
	const unsigned char *c = p;
	uint64_t h = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < n; i++)
		h = (h ^ c[i]) * 0x100000001b3ULL;
	h ^= h >> 33;
	h *= 0xff51afd7ed558ccdULL;
	h ^= h >> 33;
	h *= 0xc4ceb9fe1a85ec53ULL;
	return h ^ (h >> 33);
}

void map_init(struct map *m)
{
	*m = (struct map){0};
}

void map_release(struct map *m, void (*free_value)(void *))
{
	for (size_t i = 0; i < m->used; i++) {
		if (free_value && m->entries[i].key)
			free_value(m->entries[i].value);
		free(m->entries[i].key);
	}
	free(m->entries);
	free(m->slots);
	map_init(m);
}

// The slot that holds the key, or the first empty one. A deleted entry keeps its slot as a tombstone.
static size_t find(const struct map *m, const void *key, size_t len, uint64_t h)
{
	size_t i = h & m->mask;

	while (m->slots[i]) {
		const struct map_entry *e = &m->entries[m->slots[i] - 1];

		if (e->key && e->hash == h && e->len == len && !memcmp(e->key, key, len))
			break;
		i = (i + 1) & m->mask;
	}
	return i;
}

static void rebuild(struct map *m)
{
	size_t want = 16, k = 0;

	while (want < (m->count + 1) * 3)
		want *= 2;
	free(m->slots);
	m->slots = xcalloc(want, sizeof *m->slots);
	m->mask = want - 1;
	for (size_t i = 0; i < m->used; i++)
		if (m->entries[i].key)
			m->entries[k++] = m->entries[i];
	m->used = k;
	for (size_t i = 0; i < k; i++)
		m->slots[find(m, m->entries[i].key, m->entries[i].len, m->entries[i].hash)] = (uint32_t)(i + 1);
}

void *map_get(const struct map *m, const void *key, size_t len)
{
	if (!m->count)
		return NULL;
	size_t i = find(m, key, len, hash_bytes(key, len));
	return m->slots[i] ? m->entries[m->slots[i] - 1].value : NULL;
}

void *map_gets(const struct map *m, const char *key)
{
	return map_get(m, key, strlen(key));
}

void *map_put(struct map *m, const void *key, size_t len, void *value)
{
	uint64_t h = hash_bytes(key, len);

	if (!m->slots || (m->used + 1) * 2 > m->mask + 1)
		rebuild(m);
	size_t i = find(m, key, len, h);
	if (m->slots[i]) {
		struct map_entry *e = &m->entries[m->slots[i] - 1];
		void *old = e->value;
		e->value = value;
		return old;
	}
	GROW(m->entries, m->used, m->cap);
	m->entries[m->used] = (struct map_entry){xstrndup(key, len), len, h, value};
	m->slots[i] = (uint32_t)++m->used;
	m->count++;
	return NULL;
}

void *map_puts(struct map *m, const char *key, void *value)
{
	return map_put(m, key, strlen(key), value);
}

void *map_del(struct map *m, const void *key, size_t len)
{
	if (!m->count)
		return NULL;
	size_t i = find(m, key, len, hash_bytes(key, len));
	if (!m->slots[i])
		return NULL;
	struct map_entry *e = &m->entries[m->slots[i] - 1];
	void *old = e->value;
	free(e->key);
	e->key = NULL;
	m->count--;
	return old;
}

struct map_entry *map_next(const struct map *m, const struct map_entry *after)
{
	size_t i = after ? (size_t)(after - m->entries) + 1 : 0;

	for (; i < m->used; i++)
		if (m->entries[i].key)
			return &m->entries[i];
	return NULL;
}
