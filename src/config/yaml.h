// SPDX-License-Identifier: Apache-2.0
// A YAML file (JSON is YAML) as a tree of nodes that know their line. One document a file; aliases are
// copied, and depth and size are bounded, so that no input makes the tree larger than NODE_MAX nodes.
//
// Scalars stay text: what `NO` or `1e6` means is decided by the key that it stands behind.
#ifndef KD_CONFIG_YAML_H
#define KD_CONFIG_YAML_H
#include <stdbool.h>
#include <stddef.h>

#include "util/error.h"

enum { NODE_MAX = 100000, NODE_DEPTH = 32, NODE_FILE_MAX = 4 << 20 };

enum node_kind { NODE_NULL, NODE_SCALAR, NODE_LIST, NODE_MAP };

struct node {
	enum node_kind kind;
	const char *file;      // where it stands, for messages; outlives the tree (the caller's)
	int line;              // 0: not in a file (the environment)
	char *text;            // NODE_SCALAR
	size_t from, to;       // NODE_SCALAR: where it stands, in characters of the file
	char **keys;           // NODE_MAP: names of items
	int *key_lines;        // NODE_MAP
	bool braces;           // NODE_MAP: {a: 1, b: 2}
	struct node **items;   // NODE_LIST, NODE_MAP
	size_t n, cap;
};

// The tree of a text; an empty one gives a NODE_NULL. NULL with err and *line where it is not YAML.
// `file` is kept by reference.
struct node *node_parse(const char *text, size_t len, const char *file, int *line, struct error *err) MUST_CHECK;
void node_free(struct node *n);
struct node *node_new(enum node_kind kind, const char *file, int line);
struct node *node_get(const struct node *map, const char *key); // NULL if absent; map may be NULL or of any kind
// Puts (or replaces) a key of a map, or appends to a list (key NULL). Takes the item over.
void node_put(struct node *to, const char *key, struct node *item);
void node_remove(struct node *map, const char *key);
// Line of the key of a map (where the key itself stands), else the map's line.
int node_key_line(const struct node *map, const char *key);
#endif
