// SPDX-License-Identifier: Apache-2.0
#include "app/row_schema.h"

#include <stdlib.h>
#include <string.h>

#include "util/map.h"
#include "util/xalloc.h"

// What a column is encoded as; FIELD_NONE: it is left out.
static enum field_type type_of(const struct stream_conf *s, const struct column *c)
{
	if (!strcmp(c->path, s->event_time))
		return FIELD_TIME;
	for (size_t i = 0; i < s->nfields; i++)
		if (!strcmp(s->fields[i].path, c->path) && s->fields[i].type != FIELD_TYPES)
			return s->fields[i].type;
	return c->type;
}

static json_t *avro_type(enum field_type type)
{
	switch (type) {
	case FIELD_NUMERIC:
		return json_string("double");
	case FIELD_BOOLEAN:
		return json_string("boolean");
	case FIELD_TIME:
		return json_pack("{s:s, s:s}", "type", "long", "logicalType", "timestamp-millis");
	case FIELD_CATEGORICAL:
	case FIELD_TEXT:
		return json_string("string");
	default:
		return NULL;
	}
}

static json_t *field_named(const json_t *record, const char *name)
{
	const json_t *fields = json_object_get(record, "fields");

	for (size_t i = 0; i < json_array_size(fields); i++)
		if (!strcmp(json_get_str(json_array_get(fields, i), "name", ""), name))
			return json_array_get(fields, i);
	return NULL;
}

// Takes the type.
static json_t *add_field(json_t *record, const char *name, json_t *type)
{
	json_t *field = json_pack("{s:s, s:[s,o], s:n}", "name", name, "type", "null", type, "default");

	json_array_append_new(json_object_get(record, "fields"), field);
	return field;
}

// What follows a name: so many arrays within one another. Moves *path behind them.
static int array_depth(const char **path)
{
	int n = 0;

	for (; !strncmp(*path, "[]", 2); *path += 2)
		n++;
	return n;
}

// Takes the type.
static json_t *in_arrays(json_t *type, int depth)
{
	for (; depth; depth--)
		type = json_pack("{s:s, s:[s,o]}", "type", "array", "items", "null", type);
	return type;
}

// What the elements of so many arrays are; NULL: it is no such.
static json_t *element_of(json_t *type, int depth)
{
	for (; type && depth; depth--)
		type = json_array_get(json_object_get(type, "items"), 1);
	return type;
}

// a.b.c is field c of record b of record a; a[].b is field b of the records in array a. Takes the type.
static int add_path(json_t *record, const char *path, json_t *type, int *records, struct error *err)
{
	const size_t len = strcspn(path, ".[");
	const char *rest = path + len;
	const int depth = array_depth(&rest);
	char *name = xstrndup(path, len);
	json_t *field = field_named(record, name);
	bool leaf = !*rest && !field;

	if (leaf) {
		add_field(record, name, in_arrays(type, depth));
	} else if (*rest && !field) {
		char *of = xasprintf("Row%d", ++*records);
		field = add_field(record, name, in_arrays(json_pack("{s:s, s:s, s:[]}", "type", "record", "name", of, "fields"), depth));
		free(of);
	}
	free(name);
	if (leaf)
		return 0;
	json_t *child = element_of(json_array_get(json_object_get(field, "type"), 1), depth);
	if (*rest && json_object_get(child, "fields"))
		return add_path(child, rest + 1, type, records, err);
	json_decref(type);
	return error_set(err, "column %s has values, and lies in another that has, or has others in it", path);
}

static json_t *columns_of(const struct stream_conf *s, const struct rows *const *files, size_t n, struct error *err)
{
	json_t *root = json_pack("{s:s, s:s, s:[]}", "type", "record", "name", "Row", "fields");
	struct map types; // path -> type + 1
	int records = 0, rc = 0;

	map_init(&types);
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < rows_columns(files[i]); k++) {
			const struct column *c = rows_column(files[i], k);
			intptr_t type = type_of(s, c), was = (intptr_t)map_gets(&types, c->path);
			if (strchr(c->path, '{')) // of a map, which only Avro files have
				continue;
			map_puts(&types, c->path, (void *)(was && was != type + 1 ? FIELD_CATEGORICAL + 1 : type + 1));
		}
	}
	for (struct map_entry *e = NULL; !rc && (e = map_next(&types, e));) {
		json_t *type = avro_type((enum field_type)((intptr_t)e->value - 1));
		if (type)
			rc = add_path(root, e->key, type, &records, err);
	}
	map_release(&types, NULL);
	if (!rc)
		return root;
	json_decref(root);
	return NULL;
}

// The schema that all of the files were written with; NULL: there is no such.
static const char *common_schema(const struct rows *const *files, size_t n)
{
	const char *first = rows_schema(files[0]);

	for (size_t i = 1; first && i < n; i++) {
		const char *other = rows_schema(files[i]);
		if (!other || strcmp(first, other) != 0)
			return NULL;
	}
	return first;
}

struct registry_schema *row_schema_make(const struct stream_conf *s, const struct rows *const *files, size_t n,
					struct error *err)
{
	const char *common = common_schema(files, n);
	json_t *root = common ? NULL : columns_of(s, files, n, err);

	if (!root && !common)
		return NULL;
	struct registry_schema *out = xcalloc(1, sizeof *out);
	out->id = -1;
	out->schema = (struct schema_text){.type = SCHEMA_AVRO, .text = common ? xstrdup(common) : json_text(root)};
	out->schema.len = strlen(out->schema.text);
	json_decref(root);
	return out;
}
