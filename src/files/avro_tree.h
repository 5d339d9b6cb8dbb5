// SPDX-License-Identifier: Apache-2.0
// An Avro schema as a tree with what Avro C drops: logical types and defaults. For reading container files
// into rows and for encoding rows; not the monitor's hot path. Named types that are used twice share one
// node; a recursive schema is refused, because a row has no place for it.
#ifndef KD_FILES_AVRO_TREE_H
#define KD_FILES_AVRO_TREE_H
#include <stddef.h>
#include <stdint.h>

#include "stats/field.h"
#include "util/error.h"
#include "util/json.h"

enum avro_kind {
	AVRO_K_NULL,
	AVRO_K_BOOLEAN,
	AVRO_K_INT,
	AVRO_K_LONG,
	AVRO_K_FLOAT,
	AVRO_K_DOUBLE,
	AVRO_K_BYTES,
	AVRO_K_STRING,
	AVRO_K_ENUM,
	AVRO_K_FIXED,
	AVRO_K_ARRAY,
	AVRO_K_MAP,
	AVRO_K_RECORD,
	AVRO_K_UNION
};

enum avro_logical {
	AVRO_L_NONE,
	AVRO_L_DECIMAL,
	AVRO_L_UUID,
	AVRO_L_DATE,	 // int days
	AVRO_L_TIME,	 // int or long in units of `per_second`
	AVRO_L_TIMESTAMP // long in units of `per_second`; local-timestamp-* alike
};

struct avro_node {
	enum avro_kind kind;
	enum avro_logical logical;
	int64_t per_second;	     // 1000, 1000000 or 1000000000
	int scale;		     // decimal
	size_t size;		     // fixed
	char **names;		     // record: fields; enum: symbols
	const json_t **defaults;     // record: a field's default or NULL
	struct avro_node **children; // record: fields; union: branches; array, map: one
	size_t n;		     // of names and children
	bool open;		     // under construction: a reference to it is recursion
};

struct avro_tree {
	struct avro_node *root, **nodes;
	size_t nnodes, capnodes;
	json_t *schema;
};

// NULL with err for what is no Avro schema or is recursive.
struct avro_tree *avro_tree_new(const char *schema, size_t len, struct error *err) MUST_CHECK;
void avro_tree_free(struct avro_tree *t);
// "double", "timestamp-millis (long)", "null or string"; for messages.
const char *avro_node_name(const struct avro_node *n, char *buf, size_t cap);
// What a leaf's values count as; FIELD_NONE for null, array, map, record and union.
enum field_type avro_node_type(const struct avro_node *n);
bool avro_node_nullable(const struct avro_node *n); // null, or a union with null
#endif
