// SPDX-License-Identifier: Apache-2.0
#include "schema/json_keys.h"

#include <stdlib.h>

#include "schema/json_schema.h"
#include "schema/plan_tree.h"
#include "util/map.h"
#include "util/xalloc.h"

static size_t hash(const char *p, size_t n)
{
	const uint64_t times = 0x9e3779b97f4a7c15;
	uint64_t h = (key_first(p, n) ^ n) * times;

	for (size_t i = 8; i < n; i += 8)
		h = (h ^ h >> 32 ^ key_first(p + i, n - i)) * times;
	return (size_t)(h >> 32);
}

const struct json_key *json_keys_probe(const struct json_keys *keys, const char *p, size_t n)
{
	for (size_t at = hash(p, n) & keys->mask; keys->table[at]; at = (at + 1) & keys->mask) {
		const struct json_key *k = &keys->items[keys->table[at] - 1];

		if (key_is(k, p, n))
			return k;
	}
	return NULL;
}

// Its own copy of the name, with eight bytes to be read behind it.
static struct json_key *key_of(struct json_keys *keys, struct map *known, const char *name, size_t n)
{
	size_t at = (size_t)map_get(known, name, n);

	if (!at) {
		char *copy = xcalloc(1, n + 9);

		memcpy(copy, name, n);
		keys->items[keys->n] = (struct json_key){.name = copy, .len = n, .first = key_first(copy, n), .mask = key_first("\xff\xff\xff\xff\xff\xff\xff\xff", n)};
		at = ++keys->n;
		map_put(known, name, n, (void *)at);
	}
	return &keys->items[at - 1];
}

static void fill_table(struct json_keys *keys)
{
	size_t slots = 4;

	while (slots < 2 * keys->n)
		slots *= 2;
	keys->mask = slots - 1;
	keys->table = xcalloc(slots, sizeof *keys->table);
	for (size_t i = 0; i < keys->n; i++) {
		const struct json_key *k = &keys->items[i];
		size_t at = hash(k->name, k->len) & keys->mask;

		while (keys->table[at])
			at = (at + 1) & keys->mask;
		keys->table[at] = (uint32_t)i + 1;
	}
}

struct json_keys *json_keys_new(const struct js *schema, const struct tree *tree)
{
	struct json_keys *keys = xcalloc(1, sizeof *keys);
	size_t nproperties = schema ? schema->nproperties : 0, nchildren = tree ? tree->nchildren : 0;
	struct map known;

	map_init(&known);
	keys->items = xcalloc(nproperties + nchildren + 1, sizeof *keys->items);
	keys->words = (nproperties + nchildren + 63) / 64;
	keys->required = xcalloc(keys->words + 1, sizeof *keys->required);
	for (size_t i = 0; i < nproperties; i++) {
		const struct js_property *p = &schema->properties[i];
		struct json_key *k = key_of(keys, &known, p->name, p->len);
		const size_t at = (size_t)(k - keys->items);

		k->schema = p->schema;
		k->property = p->schema != NULL;
		if (p->required)
			keys->required[at / 64] |= 1ULL << at % 64;
		keys->requires |= p->required;
	}
	for (size_t i = 0; i < nchildren; i++)
		key_of(keys, &known, tree->children[i].name, tree->children[i].len)->tree = tree->children[i].tree;
	keys->words = (keys->n + 63) / 64;
	fill_table(keys);
	map_release(&known, NULL);
	return keys;
}

void json_keys_free(void *p)
{
	struct json_keys *keys = p;

	if (!keys)
		return;
	for (size_t i = 0; i < keys->n; i++)
		free((char *)(uintptr_t)keys->items[i].name);
	free(keys->items);
	free(keys->required);
	free(keys->table);
	free(keys);
}
