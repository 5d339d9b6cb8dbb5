// SPDX-License-Identifier: Apache-2.0
#include "files/avro_tree.h"

#include <avro.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/map.h"
#include "util/xalloc.h"

static const char *const kind_names[] = {"null",   "boolean", "int",   "long",	"float", "double", "bytes",
					 "string", "enum",    "fixed", "array", "map",	 "record", "union"};

static const struct {
	const char *name;
	enum avro_kind kind;
	enum avro_logical logical;
	int64_t per_second;
} logicals[] = {
    {"date", AVRO_K_INT, AVRO_L_DATE, 0},
    {"time-millis", AVRO_K_INT, AVRO_L_TIME, 1000},
    {"time-micros", AVRO_K_LONG, AVRO_L_TIME, 1000000},
    {"timestamp-millis", AVRO_K_LONG, AVRO_L_TIMESTAMP, 1000},
    {"timestamp-micros", AVRO_K_LONG, AVRO_L_TIMESTAMP, 1000000},
    {"timestamp-nanos", AVRO_K_LONG, AVRO_L_TIMESTAMP, 1000000000},
    {"local-timestamp-millis", AVRO_K_LONG, AVRO_L_TIMESTAMP, 1000},
    {"local-timestamp-micros", AVRO_K_LONG, AVRO_L_TIMESTAMP, 1000000},
    {"local-timestamp-nanos", AVRO_K_LONG, AVRO_L_TIMESTAMP, 1000000000},
    {"uuid", AVRO_K_STRING, AVRO_L_UUID, 0},
    {"decimal", AVRO_K_BYTES, AVRO_L_DECIMAL, 0},
    {"decimal", AVRO_K_FIXED, AVRO_L_DECIMAL, 0},
};

struct build {
	struct avro_tree *tree;
	struct map named; // full name -> node
};

static struct avro_node *build(struct build *b, const json_t *s, const char *space, struct error *err);

static char *full_name(const char *name, const char *space)
{
	return strchr(name, '.') || !*space ? xstrdup(name) : xasprintf("%s.%s", space, name);
}

static struct avro_node *by_name(struct build *b, const char *name, const char *space, struct error *err)
{
	char *full = full_name(name, space);
	struct avro_node *n = map_gets(&b->named, full);

	free(full);
	if (!n)
		n = map_gets(&b->named, name);
	if (!n)
		error_set(err, "schema: unknown type \"%s\"", name);
	else if (n->open) {
		error_set(err,
			  "schema: type \"%s\" contains itself; recursive records are not read or written "
			  "as rows",
			  name);
		return NULL;
	}
	return n;
}

static struct avro_node *node_new(struct build *b, enum avro_kind kind)
{
	struct avro_tree *t = b->tree;
	struct avro_node *n = xcalloc(1, sizeof *n);

	GROW(t->nodes, t->nnodes, t->capnodes);
	t->nodes[t->nnodes++] = n;
	n->kind = kind;
	return n;
}

static void set_logical(struct avro_node *n, const json_t *s)
{
	const char *name = json_get_str(s, "logicalType", "");

	for (size_t i = 0; i < ARRAY_LEN(logicals); i++)
		if (logicals[i].kind == n->kind && !strcmp(logicals[i].name, name)) {
			n->logical = logicals[i].logical;
			n->per_second = logicals[i].per_second;
			n->scale = (int)json_get_int(s, "scale", 0);
		}
}

static int build_children(struct build *b, struct avro_node *n, const json_t *list, const char *space,
			  struct error *err)
{
	size_t i;
	json_t *item;

	if (!json_is_array(list))
		return error_set(err, "schema: a %s without its list", kind_names[n->kind]);
	n->names = xcalloc(json_array_size(list) + 1, sizeof *n->names);
	n->children = xcalloc(json_array_size(list) + 1, sizeof *n->children);
	n->defaults = xcalloc(json_array_size(list) + 1, sizeof *n->defaults);
	json_array_foreach(list, i, item)
	{
		const json_t *type = item;
		n->n = i + 1;
		if (n->kind != AVRO_K_UNION) {
			const char *name = n->kind == AVRO_K_ENUM ? json_string_value(item)
								  : json_get_str(item, "name", NULL);
			if (!name)
				return error_set(err, "schema: a %s has an entry without a name",
						 kind_names[n->kind]);
			n->names[i] = xstrdup(name);
			type = json_object_get(item, "type");
			n->defaults[i] = json_object_get(item, "default");
		}
		if (n->kind != AVRO_K_ENUM && !(n->children[i] = build(b, type, space, err)))
			return -1;
	}
	return 0;
}

static struct avro_node *build_named(struct build *b, enum avro_kind kind, const json_t *s, const char *space,
				     struct error *err)
{
	const char *name = json_get_str(s, "name", NULL);
	int rc = 0;

	if (!name) {
		error_set(err, "schema: a %s without a name", kind_names[kind]);
		return NULL;
	}
	struct avro_node *n = node_new(b, kind);
	char *full = full_name(name, json_get_str(s, "namespace", space));
	const char *dot = strrchr(full, '.');
	char *inner = dot ? xstrndup(full, (size_t)(dot - full)) : xstrdup("");
	map_puts(&b->named, full, n);
	n->open = true;
	if (kind == AVRO_K_FIXED) {
		n->size = (size_t)json_get_int(s, "size", 0);
		set_logical(n, s);
	} else {
		rc = build_children(b, n, json_object_get(s, kind == AVRO_K_ENUM ? "symbols" : "fields"),
				    inner, err);
	}
	n->open = false;
	free(full);
	free(inner);
	return rc ? NULL : n;
}

static struct avro_node *build(struct build *b, const json_t *s, const char *space, struct error *err)
{
	struct avro_node *n;

	if (json_is_array(s)) {
		n = node_new(b, AVRO_K_UNION);
		return build_children(b, n, s, space, err) ? NULL : n;
	}
	const json_t *type = json_is_object(s) ? json_object_get(s, "type") : s;
	if (json_is_object(type) || json_is_array(type))
		return build(b, type, space, err);
	const char *name = json_string_value(type);
	if (!name) {
		error_set(err, "schema: a type is missing");
		return NULL;
	}
	if (!strcmp(name, "error"))
		name = "record";
	int kind = 0;
	while (kind < AVRO_K_UNION && strcmp(kind_names[kind], name))
		kind++;
	if (kind == AVRO_K_UNION)
		return by_name(b, name, space, err);
	if (kind == AVRO_K_RECORD || kind == AVRO_K_ENUM || kind == AVRO_K_FIXED)
		return build_named(b, (enum avro_kind)kind, s, space, err);
	n = node_new(b, (enum avro_kind)kind);
	if (kind == AVRO_K_ARRAY || kind == AVRO_K_MAP) {
		n->children = xcalloc(1, sizeof *n->children);
		n->children[0] =
		    build(b, json_object_get(s, kind == AVRO_K_MAP ? "values" : "items"), space, err);
		return n->children[0] ? n : NULL;
	}
	if (json_is_object(s))
		set_logical(n, s);
	return n;
}

struct avro_tree *avro_tree_new(const char *schema, size_t len, struct error *err)
{
	struct avro_tree *t = xcalloc(1, sizeof *t);
	struct build b = {.tree = t};
	avro_schema_t checked;

	t->schema = json_parse(schema, len, err);
	if (!t->schema) {
		error_prefix(err, "schema");
		avro_tree_free(t);
		return NULL;
	}
	if (avro_schema_from_json_length(schema, len, &checked)) {
		error_set(err, "schema: %s", avro_strerror());
		avro_tree_free(t);
		return NULL;
	}
	avro_schema_decref(checked);
	map_init(&b.named);
	t->root = build(&b, t->schema, "", err);
	map_release(&b.named, NULL);
	if (!t->root) {
		avro_tree_free(t);
		return NULL;
	}
	return t;
}

void avro_tree_free(struct avro_tree *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->nnodes; i++) {
		struct avro_node *n = t->nodes[i];
		for (size_t k = 0; n->names && k < n->n; k++)
			free(n->names[k]);
		free(n->names);
		free(n->defaults);
		free(n->children);
		free(n);
	}
	free(t->nodes);
	json_decref(t->schema);
	free(t);
}

const char *avro_node_name(const struct avro_node *n, char *buf, size_t cap)
{
	size_t at = 0;

	if (n->kind != AVRO_K_UNION) {
		for (size_t i = 0; n->logical && i < ARRAY_LEN(logicals); i++)
			if (logicals[i].kind == n->kind && logicals[i].logical == n->logical &&
			    logicals[i].per_second == n->per_second) {
				snprintf(buf, cap, "%s (%s)", logicals[i].name, kind_names[n->kind]);
				return buf;
			}
		snprintf(buf, cap, "%s", kind_names[n->kind]);
		return buf;
	}
	buf[0] = 0;
	for (size_t i = 0; i < n->n && at < cap; i++) {
		char one[64];
		at += (size_t)snprintf(buf + at, cap - at, "%s%s", i ? " or " : "",
				       avro_node_name(n->children[i], one, sizeof one));
	}
	return buf;
}

enum field_type avro_node_type(const struct avro_node *n)
{
	switch (n->logical) {
	case AVRO_L_DECIMAL:
		return FIELD_NUMERIC;
	case AVRO_L_UUID:
		return FIELD_TEXT;
	case AVRO_L_DATE:
	case AVRO_L_TIME:
	case AVRO_L_TIMESTAMP:
		return FIELD_TIME;
	case AVRO_L_NONE:
		break;
	}
	switch (n->kind) {
	case AVRO_K_BOOLEAN:
		return FIELD_BOOLEAN;
	case AVRO_K_INT:
	case AVRO_K_LONG:
	case AVRO_K_FLOAT:
	case AVRO_K_DOUBLE:
		return FIELD_NUMERIC;
	case AVRO_K_BYTES:
	case AVRO_K_STRING:
	case AVRO_K_ENUM:
	case AVRO_K_FIXED:
		return FIELD_CATEGORICAL;
	default:
		return FIELD_NONE;
	}
}

bool avro_node_nullable(const struct avro_node *n)
{
	for (size_t i = 0; n->kind == AVRO_K_UNION && i < n->n; i++)
		if (n->children[i]->kind == AVRO_K_NULL)
			return true;
	return n->kind == AVRO_K_NULL;
}
