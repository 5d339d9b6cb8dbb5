// SPDX-License-Identifier: Apache-2.0
// A hash map from byte strings to pointers. Keys are copied; values belong to the caller. Open hashing
// over insertion-ordered entries: iteration is in order of insertion (deletions aside), so that output
// does not depend on addresses or seeds.
#ifndef KD_UTIL_MAP_H
#define KD_UTIL_MAP_H
#include <stddef.h>
#include <stdint.h>

struct map_entry {
	char *key; // NUL-terminated copy; NULL where deleted
	size_t len;
	uint64_t hash;
	void *value;
};

struct map {
	struct map_entry *entries;
	size_t used, cap, count; // used counts deleted entries too
	uint32_t *slots;         // entry index + 1; 0 empty
	size_t mask;
};

void map_init(struct map *m);
void map_release(struct map *m, void (*free_value)(void *)); // free_value may be NULL
void *map_get(const struct map *m, const void *key, size_t len); // NULL if absent
void *map_gets(const struct map *m, const char *key);
// Returns the value that was there before, or NULL. value must not be NULL.
void *map_put(struct map *m, const void *key, size_t len, void *value);
void *map_puts(struct map *m, const char *key, void *value);
void *map_del(struct map *m, const void *key, size_t len); // returns the removed value
// for (struct map_entry *e = NULL; (e = map_next(m, e));)
struct map_entry *map_next(const struct map *m, const struct map_entry *after);

// FNV-1a finished by a 64-bit mix: stable across runs and machines (bottom-k sketches rely on it).
uint64_t hash_bytes(const void *p, size_t n);
#endif
