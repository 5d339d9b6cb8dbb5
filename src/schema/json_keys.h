// SPDX-License-Identifier: Apache-2.0
// The keys that an object is known to have, found by their bytes. Records mostly have them in the order of the
// schema, so the one behind the last is tried first. Private to schema/.
#ifndef KD_SCHEMA_JSON_KEYS_H
#define KD_SCHEMA_JSON_KEYS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct js;
struct tree;

struct json_key {
	const char *name; // of the schema or the tree
	size_t len;
	uint64_t first, mask; // its first eight bytes, as they lie in memory, and which of them it has
	const struct js *schema; // NULL: anything
	const struct tree *tree; // NULL: not monitored
	bool property;	   // named in the schema's `properties`
};

struct json_keys {
	struct json_key *items;
	size_t n;
	uint64_t *required; // a bit an item
	size_t words;	    // of it
	bool requires;
	uint32_t *table;    // index + 1; 0: free
	size_t mask;
};

// The properties of a schema and the children of a place, either of which may be NULL.
struct json_keys *json_keys_new(const struct js *schema, const struct tree *tree);
void json_keys_free(void *keys);

// A text on a tape has at least eight bytes behind its last one that may be read.
static inline uint64_t key_first(const char *p, size_t n)
{
	static const uint8_t ones[16] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	uint64_t word, mask;

	memcpy(&word, p, 8);
	memcpy(&mask, ones + 8 - (n < 8 ? n : 8), 8);
	return word & mask;
}

static inline bool key_is(const struct json_key *k, const char *p, size_t n)
{
	uint64_t word;

	memcpy(&word, p, 8);
	return k->len == n && !((word ^ k->first) & k->mask) && (n <= 8 || !memcmp(k->name + 8, p + 8, n - 8));
}

// NULL: none. *next is the item to try first, and then the one behind what was found.
const struct json_key *json_keys_probe(const struct json_keys *keys, const char *p, size_t n);
static inline const struct json_key *json_keys_find(const struct json_keys *keys, const char *p, size_t n, size_t *next)
{
	const struct json_key *k = NULL;

	if (*next < keys->n && key_is(&keys->items[*next], p, n))
		return &keys->items[(*next)++];
	if (keys->n && (k = json_keys_probe(keys, p, n)))
		*next = (size_t)(k - keys->items) + 1;
	return k;
}
#endif
