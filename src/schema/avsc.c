// SPDX-License-Identifier: Apache-2.0
#include "schema/avsc.h"

#include <avro.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "schema/avsc_build.h"
#include "schema/fingerprint.h"
#include "schema/json_schema.h"
#include "schema/proto_types.h"
#include "util/json.h"
#include "util/map.h"
#include "util/xalloc.h"

#define MAX_DEPTH 128

struct parse {
	struct avsc *a;
	struct map names; // full name -> struct avsc_type
	struct error *err;
};

static const char *const kind_names[AVSC_KINDS] = {
    [AVSC_NULL] = "null",   [AVSC_BOOLEAN] = "boolean", [AVSC_INT] = "int",	  [AVSC_LONG] = "long",
    [AVSC_FLOAT] = "float", [AVSC_DOUBLE] = "double",	[AVSC_BYTES] = "bytes",	  [AVSC_STRING] = "string",
    [AVSC_FIXED] = "fixed", [AVSC_ENUM] = "enum",	[AVSC_RECORD] = "record", [AVSC_ARRAY] = "array",
    [AVSC_MAP] = "map",	    [AVSC_UNION] = "union",   [AVSC_ANY] = "any",
};

static const struct {
	const char *name;
	enum avsc_kind kind;
	enum avsc_logical logical;
} logicals[] = {
    {"decimal", AVSC_BYTES, LOGICAL_DECIMAL},
    {"decimal", AVSC_FIXED, LOGICAL_DECIMAL},
    {"big-decimal", AVSC_BYTES, LOGICAL_BIG_DECIMAL},
    {"duration", AVSC_FIXED, LOGICAL_DURATION},
    {"uuid", AVSC_STRING, LOGICAL_UUID},
    {"uuid", AVSC_FIXED, LOGICAL_UUID},
    {"date", AVSC_INT, LOGICAL_DATE},
    {"time-millis", AVSC_INT, LOGICAL_TIME_MILLIS},
    {"time-micros", AVSC_LONG, LOGICAL_TIME_MICROS},
    {"timestamp-millis", AVSC_LONG, LOGICAL_TIMESTAMP_MILLIS},
    {"timestamp-micros", AVSC_LONG, LOGICAL_TIMESTAMP_MICROS},
    {"timestamp-nanos", AVSC_LONG, LOGICAL_TIMESTAMP_NANOS},
    {"local-timestamp-millis", AVSC_LONG, LOGICAL_TIMESTAMP_MILLIS},
    {"local-timestamp-micros", AVSC_LONG, LOGICAL_TIMESTAMP_MICROS},
    {"local-timestamp-nanos", AVSC_LONG, LOGICAL_TIMESTAMP_NANOS},
};

const char *avsc_kind_name(enum avsc_kind k)
{
	return kind_names[k];
}

const char *avsc_unqualified(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot ? dot + 1 : name;
}

bool avsc_names_match(const struct avsc_type *writer, const struct avsc_type *reader)
{
	if (writer->json || reader->json || !strcmp(avsc_unqualified(writer->name), avsc_unqualified(reader->name)))
		return true;
	for (size_t i = 0; i < reader->naliases; i++)
		if (!strcmp(writer->name, reader->aliases[i]))
			return true;
	return false;
}

static const struct avsc_field *field_named(const struct avsc_type *record, const char *name)
{
	for (size_t i = 0; i < record->nfields; i++)
		if (!strcmp(record->fields[i].name, name))
			return &record->fields[i];
	return NULL;
}

const struct avsc_field *avsc_written_field(const struct avsc_type *writer, const struct avsc_field *reader)
{
	const struct avsc_field *f = field_named(writer, reader->name);

	for (size_t i = 0; !f && i < reader->naliases; i++)
		f = field_named(writer, reader->aliases[i]);
	return f;
}

const struct avsc_type *avsc_reading_record(const struct avsc *reader, const struct avsc_type *writer)
{
	for (size_t i = 0; !writer->json && i < reader->ntypes; i++)
		if (reader->types[i]->kind == AVSC_RECORD && avsc_names_match(writer, reader->types[i]))
			return reader->types[i];
	return NULL;
}

bool avsc_has_rules(const struct avsc *a)
{
	size_t n = 0;

	for (size_t i = 0; i < a->ntypes; i++) {
		n += a->types[i]->notes.nrules;
		for (size_t k = 0; k < a->types[i]->nfields; k++)
			n += a->types[i]->fields[k].notes.nrules;
	}
	return n;
}

static char *full_name(const char *name, const char *space)
{
	return strchr(name, '.') || !*space ? xstrdup(name) : xasprintf("%s.%s", space, name);
}

static const struct avsc_type *parse_type(struct parse *p, const json_t *v, const char *space, int depth);

static const struct avsc_type *parse_reference(struct parse *p, const char *name, const char *space)
{
	for (int k = 0; k <= AVSC_STRING; k++)
		if (!strcmp(name, kind_names[k]))
			return avsc_add(p->a, (enum avsc_kind)k);
	char *full = full_name(name, space);
	const struct avsc_type *t = map_gets(&p->names, full);

	free(full);
	if (!t)
		t = map_gets(&p->names, name);
	if (!t)
		error_set(p->err, "unknown type \"%s\"", name);
	return t;
}

// Aliases become full names where `space` is given.
static int parse_aliases(struct parse *p, const json_t *v, const char *space, char ***out, size_t *n)
{
	const json_t *list = json_object_get(v, "aliases");
	const json_t *item;
	size_t i;

	if (!list)
		return 0;
	*out = xcalloc(json_array_size(list) + 1, sizeof **out);
	json_array_foreach(list, i, item)
	{
		if (!json_is_string(item))
			return error_set(p->err, "an alias is not a string");
		(*out)[(*n)++] = full_name(json_string_value(item), space);
	}
	return 0;
}

// Gives a named type its name and returns the namespace that holds inside it, to be freed.
static char *parse_name(struct parse *p, struct avsc_type *t, const json_t *v, const char *space)
{
	const char *name = json_get_str(v, "name", NULL);

	if (!name || !*name) {
		error_set(p->err, "%s without a name", kind_names[t->kind]);
		return NULL;
	}
	t->name = full_name(name, json_get_str(v, "namespace", space));
	if (map_gets(&p->names, t->name)) {
		error_set(p->err, "the name \"%s\" is defined twice", t->name);
		return NULL;
	}
	map_puts(&p->names, t->name, t);
	char *inside = xstrndup(t->name, (size_t)(avsc_unqualified(t->name) - t->name));
	if (*inside)
		inside[strlen(inside) - 1] = 0;
	if (parse_aliases(p, v, inside, &t->aliases, &t->naliases)) {
		free(inside);
		return NULL;
	}
	return inside;
}

static int parse_fields(struct parse *p, struct avsc_type *t, const json_t *v, const char *space, int depth)
{
	const json_t *list = json_object_get(v, "fields");
	const json_t *item;
	struct map seen;
	size_t i;
	int rc = 0;

	if (!json_is_array(list))
		return error_set(p->err, "record %s: \"fields\" must be an array", t->name);
	t->fields = xcalloc(json_array_size(list) + 1, sizeof *t->fields);
	map_init(&seen);
	json_array_foreach(list, i, item)
	{
		struct avsc_field *f = &t->fields[t->nfields++];
		const char *name = json_get_str(item, "name", NULL);

		if (!name)
			rc = error_set(p->err, "record %s: a field without a name", t->name);
		else if (map_puts(&seen, name, f))
			rc = error_set(p->err, "record %s: field \"%s\" is defined twice", t->name, name);
		if (rc)
			break;
		f->name = xstrdup(name);
		f->has_default = json_object_get(item, "default");
		avsc_notes_read(&f->notes, item);
		rc = parse_aliases(p, item, "", &f->aliases, &f->naliases);
		if (rc)
			break;
		f->type = parse_type(p, json_object_get(item, "type"), space, depth + 1);
		if (!f->type) {
			rc = error_prefix(p->err, "field \"%s\"", name);
			break;
		}
	}
	map_release(&seen, NULL);
	return rc;
}

static int parse_symbols(struct parse *p, struct avsc_type *t, const json_t *v)
{
	const json_t *list = json_object_get(v, "symbols");
	const json_t *item;
	struct map seen;
	size_t i;
	int rc = 0;

	if (!json_is_array(list))
		return error_set(p->err, "enum %s: \"symbols\" must be an array", t->name);
	t->symbols = xcalloc(json_array_size(list) + 1, sizeof *t->symbols);
	map_init(&seen);
	json_array_foreach(list, i, item)
	{
		if (!json_is_string(item))
			rc = error_set(p->err, "enum %s: a symbol is not a string", t->name);
		else if (map_puts(&seen, json_string_value(item), t))
			rc = error_set(p->err, "enum %s: symbol \"%s\" stands twice", t->name,
				       json_string_value(item));
		if (rc)
			break;
		t->symbols[t->nsymbols++] = xstrdup(json_string_value(item));
	}
	map_release(&seen, NULL);
	const char *fallback = json_get_str(v, "default", NULL);
	for (i = 0; fallback && i < t->nsymbols; i++)
		t->has_default |= !strcmp(t->symbols[i], fallback);
	return rc;
}

static bool same_branch(const struct avsc_type *a, const struct avsc_type *b)
{
	return a->kind == b->kind && (!a->name || !strcmp(a->name, b->name));
}

static const struct avsc_type *parse_union(struct parse *p, const json_t *v, const char *space, int depth)
{
	struct avsc_type *t = avsc_add(p->a, AVSC_UNION);
	const json_t *item;
	size_t i;

	t->parts = xcalloc(json_array_size(v) + 1, sizeof *t->parts);
	json_array_foreach(v, i, item)
	{
		const struct avsc_type *part = parse_type(p, item, space, depth + 1);

		if (!part)
			return NULL;
		if (part->kind == AVSC_UNION) {
			error_set(p->err, "a union stands directly in a union");
			return NULL;
		}
		for (size_t j = 0; j < t->nparts; j++) {
			if (same_branch(t->parts[j], part)) {
				error_set(p->err, "a union has two branches of type %s",
					  part->name ? part->name : kind_names[part->kind]);
				return NULL;
			}
		}
		t->parts[t->nparts++] = part;
	}
	return t;
}

static void parse_logical(struct avsc_type *t, const json_t *v)
{
	const char *name = json_get_str(v, "logicalType", NULL);

	for (size_t i = 0; name && i < ARRAY_LEN(logicals); i++)
		if (logicals[i].kind == t->kind && !strcmp(logicals[i].name, name))
			t->logical = logicals[i].logical;
	if (t->kind == AVSC_FIXED && ((t->logical == LOGICAL_UUID && t->size != 16) ||
				      (t->logical == LOGICAL_DURATION && t->size != 12)))
		t->logical = LOGICAL_NONE;
	if (t->logical == LOGICAL_DECIMAL) {
		int64_t precision = json_get_int(v, "precision", 0);
		int64_t scale = json_get_int(v, "scale", 0);

		if (precision < 1 || precision > INT32_MAX || scale < 0 || scale > precision)
			t->logical = LOGICAL_NONE;
		else
			t->scale = (int32_t)scale;
	}
}

static int parse_named(struct parse *p, struct avsc_type *t, const json_t *v, const char *space, int depth)
{
	char *inside = parse_name(p, t, v, space);
	int rc = 0;

	if (!inside)
		return -1;
	if (t->kind == AVSC_RECORD) {
		avsc_notes_read(&t->notes, v);
		rc = parse_fields(p, t, v, inside, depth);
	} else if (t->kind == AVSC_ENUM) {
		rc = parse_symbols(p, t, v);
	} else {
		const json_t *size = json_object_get(v, "size");

		if (!json_is_integer(size) || json_integer_value(size) < 0 ||
		    json_integer_value(size) > INT32_MAX)
			rc = error_set(p->err, "fixed %s: \"size\" must be an integer from 0", t->name);
		else
			t->size = (uint32_t)json_integer_value(size);
	}
	free(inside);
	return rc;
}

static const struct avsc_type *parse_object(struct parse *p, const json_t *v, const char *space, int depth)
{
	const json_t *type = json_object_get(v, "type");
	const char *name = json_string_value(type);

	if (!name) {
		error_set(p->err, "\"type\" must be a string");
		return NULL;
	}
	enum avsc_kind kind = AVSC_NULL;
	while (kind < AVSC_UNION && strcmp(name, kind_names[kind]))
		kind++;
	if (kind == AVSC_UNION)
		return parse_reference(p, name, space);
	struct avsc_type *t = avsc_add(p->a, kind);
	if (kind == AVSC_ARRAY || kind == AVSC_MAP) {
		const json_t *items = json_object_get(v, kind == AVSC_ARRAY ? "items" : "values");

		t->parts = xcalloc(1, sizeof *t->parts);
		t->parts[0] = parse_type(p, items, space, depth + 1);
		t->nparts = 1;
		if (!t->parts[0])
			return NULL;
	} else if (kind == AVSC_RECORD || kind == AVSC_ENUM || kind == AVSC_FIXED) {
		if (parse_named(p, t, v, space, depth))
			return NULL;
	}
	parse_logical(t, v);
	return t;
}

static const struct avsc_type *parse_type(struct parse *p, const json_t *v, const char *space, int depth)
{
	if (depth > MAX_DEPTH) {
		error_set(p->err, "nested deeper than %d", MAX_DEPTH);
		return NULL;
	}
	if (json_is_string(v))
		return parse_reference(p, json_string_value(v), space);
	if (json_is_array(v))
		return parse_union(p, v, space, depth);
	if (json_is_object(v))
		return parse_object(p, v, space, depth);
	error_set(p->err, "a type is missing, or neither a name, an object nor an array");
	return NULL;
}

// Avro C keeps the text of its last error in one place for all threads.
static int avro_accepts(const char *json, size_t len, struct error *err)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	avro_schema_t s;
	int rc = 0;

	pthread_mutex_lock(&lock);
	if (avro_schema_from_json_length(json, len, &s))
		rc = error_set(err, "%s", avro_strerror());
	else
		avro_schema_decref(s);
	pthread_mutex_unlock(&lock);
	return rc;
}

static int parse_text(struct parse *p, const char *text, size_t len)
{
	json_t *doc = json_parse(text, len, p->err);

	p->a->root = doc ? parse_type(p, doc, "", 0) : NULL;
	json_decref(doc);
	return p->a->root ? 0 : -1;
}

// Each text knows the names of those before it. Avro C reads one text, so it is shown the whole in one.
static int parse_all(struct parse *p, const struct schema_text *s)
{
	for (size_t i = 0; i < s->nrefs; i++)
		if (parse_text(p, s->refs[i].text, strlen(s->refs[i].text)))
			return error_prefix(p->err, "reference %.150s", s->refs[i].name);
	if (parse_text(p, s->text, s->len))
		return -1;
	if (!s->nrefs)
		return avro_accepts(s->text, s->len, p->err);
	struct buf whole = BUF_INIT;
	schema_canonical(p->a, &whole);
	int rc = avro_accepts(whole.data, whole.len, p->err);
	buf_release(&whole);
	return rc;
}

static struct avsc *parse_avro(const struct schema_text *schema, struct error *err)
{
	struct parse p = {.a = avsc_new(), .err = err};

	map_init(&p.names);
	int rc = parse_all(&p, schema);
	map_release(&p.names, NULL);
	if (rc) {
		avsc_free(p.a);
		return NULL;
	}
	return p.a;
}

static struct avsc *parse_json(const struct schema_text *schema, struct error *err)
{
	struct json_schema *json = json_schema_parse(schema, err);

	return json ? json_types(json, err) : NULL;
}

struct avsc *avsc_parse(const struct schema_text *schema, struct error *err)
{
	static struct avsc *(*const parsers[SCHEMA_TYPES])(const struct schema_text *, struct error *) = {
	    [SCHEMA_AVRO] = parse_avro, [SCHEMA_JSON] = parse_json, [SCHEMA_PROTOBUF] = proto_types};

	return parsers[schema->type](schema, err);
}
