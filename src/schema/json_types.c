// SPDX-License-Identifier: Apache-2.0
// The types of a JSON Schema, so that its records have fields, and contracts can be held against them. A type is
// made of every schema that speaks of the same place, wherever it stands: by $ref, allOf, anyOf, oneOf, if, then
// and else. What any of them allows is part of it; exactly what they allow is json_check.c's to judge.
#include <stdlib.h>
#include <string.h>

#include "schema/avsc_build.h"
#include "schema/json_schema.h"
#include "util/map.h"
#include "util/xalloc.h"

#define MAX_TYPES 100000
#define MAX_DEPTH 200

struct making {
	struct avsc *a;
	struct map made; // by the set of schemas: struct avsc_type
	struct error *err;
	int depth;
};

// Schemas that speak of one place; `sure`: not only in a branch that another one may be chosen for.
struct set {
	struct member {
		const struct js *j;
		bool sure;
	} *items;
	size_t n, cap;
};

struct property { // of an object, as the whole set has it
	const char *name;
	struct set schemas;
	bool required;
};

static void set_add(struct set *s, const struct js *j, bool sure)
{
	if (!j)
		return;
	for (size_t i = 0; i < s->n; i++) {
		if (s->items[i].j == j) {
			s->items[i].sure |= sure;
			return;
		}
	}
	GROW(s->items, s->n, s->cap);
	s->items[s->n++] = (struct member){j, sure};
	for (size_t i = 0; i < j->all.n; i++)
		set_add(s, j->all.items[i], sure);
	for (size_t i = 0; i < j->any.n; i++)
		set_add(s, j->any.items[i], false);
	for (size_t i = 0; i < j->one.n; i++)
		set_add(s, j->one.items[i], false);
	set_add(s, j->then, false);
	set_add(s, j->otherwise, false);
	for (size_t i = 0; i < j->ndependents; i++)
		set_add(s, j->dependents[i].schema, false);
}

static unsigned kind_of_value(const json_t *v)
{
	return json_is_null(v)	    ? JS_NULL
	       : json_is_boolean(v) ? JS_BOOL
	       : json_is_integer(v) ? JS_INTEGER
	       : json_is_real(v)    ? JS_NUMBER
	       : json_is_string(v)  ? JS_STRING
	       : json_is_array(v)   ? JS_ARRAY
				    : JS_OBJECT;
}

// What a schema says of kinds itself; 0: nothing.
static unsigned said_kinds(const struct js *j)
{
	unsigned kinds = j->typed ? j->types : 0;
	const json_t *v;
	size_t i;

	if (j->typed || !j->values)
		return kinds;
	json_array_foreach(j->values, i, v) kinds |= kind_of_value(v);
	return kinds;
}

// What its other keywords are for, where nobody says more.
static unsigned hinted_kinds(const struct js *j)
{
	const unsigned texts = 1u << JSK_MIN_LENGTH | 1u << JSK_MAX_LENGTH | 1u << JSK_PATTERN | 1u << JSK_FORMAT;
	const unsigned numbers = 1u << JSK_MINIMUM | 1u << JSK_MAXIMUM | 1u << JSK_EXCLUSIVE_MINIMUM |
				 1u << JSK_EXCLUSIVE_MAXIMUM | 1u << JSK_MULTIPLE_OF;

	return (j->nproperties || j->npatterns || j->additional ? JS_OBJECT : 0) |
	       (j->items || j->prefix.n || j->contains ? JS_ARRAY : 0) | (j->checks & texts ? JS_STRING : 0) |
	       (j->checks & numbers ? JS_INTEGER | JS_NUMBER : 0);
}

static unsigned kinds_of(const struct set *s)
{
	unsigned kinds = 0, sure = JS_ANY;

	for (size_t i = 0; i < s->n; i++) {
		unsigned said = said_kinds(s->items[i].j);

		kinds |= said;
		if (said && s->items[i].sure)
			sure &= said;
	}
	for (size_t i = 0; i < s->n && !kinds; i++)
		kinds |= hinted_kinds(s->items[i].j);
	return kinds & sure ? kinds & sure : kinds; // no value can suit schemas that exclude one another
}

static struct avsc_type *type_new(struct making *m, enum avsc_kind kind)
{
	struct avsc_type *t = avsc_add(m->a, kind);

	t->json = true;
	if (kind == AVSC_RECORD || kind == AVSC_ENUM)
		t->name = xstrdup("");
	return t;
}

static const struct avsc_type *type_of(struct making *m, const struct set *s);

static struct property *property_in(struct property **list, struct map *names, size_t *n, const char *name)
{
	size_t known = (size_t)map_gets(names, name);

	if (!known) {
		*list = xrealloc(*list, (*n + 1) * sizeof **list);
		(*list)[(*n)++] = (struct property){.name = name};
		known = *n;
		map_puts(names, name, (void *)known);
	}
	return &(*list)[known - 1];
}

static const struct avsc_type *nullable(struct making *m, const struct avsc_type *t)
{
	struct avsc_type *u = type_new(m, AVSC_UNION);

	avsc_add_part(u, type_new(m, AVSC_NULL));
	avsc_add_part(u, t); // which may not be made yet: flatten() takes it apart
	return u;
}

static bool is_plain_name(const char *s)
{
	const char *p = s;

	while ((unsigned char)*p >= ' ' && *p != 0x7f)
		p++;
	return p > s && !*p;
}

// Rules and tags of all the schemas. A rule of one that need not be the value's is none that must hold; null beside
// one other schema leaves no choice.
static void read_notes(struct avsc_notes *n, const struct set *s)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct js *j = s->items[i].j;
		const size_t before = n->nrules;
		bool sure = s->items[i].sure;

		for (size_t k = 0; k < s->n; k++)
			sure |= s->items[k].sure && s->items[k].j->null_or == j;
		avsc_notes_read(n, j->of);
		for (size_t k = before; k < n->nrules; k++)
			n->rules[k].branch = !sure;
	}
}

static bool is_record(const struct set *s)
{
	bool found = false;

	for (size_t i = 0; i < s->n; i++)
		found |= s->items[i].j->nproperties > 0;
	return found;
}

static int fill_record(struct making *m, struct avsc_type *t, const struct property *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct avsc_type *type;

		if (!is_plain_name(list[i].name))
			continue;
		type = type_of(m, &list[i].schemas);
		if (!type)
			return error_prefix(m->err, "property \"%.60s\"", list[i].name);
		struct avsc_field *f = avsc_add_field(t, list[i].name, strlen(list[i].name),
						      list[i].required ? type : nullable(m, type));
		read_notes(&f->notes, &list[i].schemas);
		if (is_record(&list[i].schemas)) // it has the rules itself
			avsc_notes_drop_rules(&f->notes);
	}
	return 0;
}

// An object with named properties is a record, one whose properties are all alike a map; what nothing is said of
// has no type.
static int add_object(struct making *m, const struct set *s, struct avsc_type *of)
{
	struct property *list = NULL;
	struct set values = {0};
	struct avsc_type *t = NULL;
	struct map names;
	size_t n = 0;
	int rc = 0;

	map_init(&names);
	for (size_t i = 0; i < s->n; i++) {
		const struct js *j = s->items[i].j;

		for (size_t k = 0; k < j->nproperties; k++) {
			struct property *p = property_in(&list, &names, &n, j->properties[k].name);

			set_add(&p->schemas, j->properties[k].schema, s->items[i].sure);
			p->required |= s->items[i].sure && j->properties[k].required;
		}
		if (j->additional && !json_is_boolean(j->additional->of))
			set_add(&values, j->additional, true);
		for (size_t k = 0; k < j->npatterns; k++)
			set_add(&values, j->patterns[k].schema, true);
	}
	if (n) {
		avsc_add_part(of, t = type_new(m, AVSC_RECORD));
		read_notes(&t->notes, s);
		rc = fill_record(m, t, list, n);
	} else if (values.n) {
		avsc_add_part(of, t = type_new(m, AVSC_MAP));
		const struct avsc_type *type = type_of(m, &values);
		rc = type ? 0 : -1;
		if (type)
			avsc_add_part(t, type);
	}
	for (size_t i = 0; i < n; i++)
		free(list[i].schemas.items);
	free(list);
	free(values.items);
	map_release(&names, NULL);
	return rc ? -1 : t ? 1 : 0;
}

static int add_array(struct making *m, const struct set *s, struct avsc_type *of)
{
	struct set items = {0};

	for (size_t i = 0; i < s->n; i++) {
		const struct js *j = s->items[i].j;

		for (size_t k = 0; k < j->prefix.n; k++)
			set_add(&items, j->prefix.items[k], false);
		if (j->items && !j->items->never)
			set_add(&items, j->items, !j->prefix.n);
	}
	struct avsc_type *t = type_new(m, AVSC_ARRAY);
	avsc_add_part(of, t);
	const struct avsc_type *type = type_of(m, &items);
	if (type)
		avsc_add_part(t, type);
	free(items.items);
	return type ? 0 : -1;
}

static void add_symbols(const struct set *s, struct avsc_type *t)
{
	const json_t *v;
	size_t i;

	for (size_t k = 0; k < s->n; k++)
		json_array_foreach(s->items[k].j->values, i, v)
		{
			size_t at = 0;

			while (json_is_string(v) && at < t->nsymbols && strcmp(t->symbols[at], json_string_value(v)) != 0)
				at++;
			if (json_is_string(v) && at == t->nsymbols)
				avsc_add_symbol(t, json_string_value(v), json_string_length(v));
		}
}

// A text is an enum where every schema that speaks of texts lists them.
static void add_text(struct making *m, const struct set *s, struct avsc_type *of)
{
	static const enum avsc_logical logical[JS_FORMATS] = {
	    [FORMAT_DATE_TIME] = LOGICAL_TEXT_DATE_TIME,
	    [FORMAT_DATE] = LOGICAL_TEXT_DATE,
	    [FORMAT_TIME] = LOGICAL_TEXT_TIME,
	    [FORMAT_UUID] = LOGICAL_UUID,
	};
	enum avsc_logical format = LOGICAL_NONE;
	bool listed = false, open = false;

	for (size_t i = 0; i < s->n; i++) {
		const struct js *j = s->items[i].j;
		const bool texts = said_kinds(j) & JS_STRING;

		listed |= texts && j->values;
		open |= texts && !j->values && !s->items[i].sure;
		if (logical[j->format])
			format = logical[j->format];
	}
	struct avsc_type *t = type_new(m, listed && !open ? AVSC_ENUM : AVSC_STRING);
	if (t->kind == AVSC_ENUM)
		add_symbols(s, t);
	else
		t->logical = format;
	avsc_add_part(of, t);
}

// Kafka Connect writes its own types as numbers and says so in the title.
static void add_number(struct making *m, const struct set *s, unsigned kinds, struct avsc_type *of)
{
	static const struct {
		const char *title;
		enum avsc_logical logical;
	} connect[] = {{"org.apache.kafka.connect.data.Timestamp", LOGICAL_TIMESTAMP_MILLIS},
		       {"org.apache.kafka.connect.data.Date", LOGICAL_DATE},
		       {"org.apache.kafka.connect.data.Time", LOGICAL_TIME_MILLIS}};
	struct avsc_type *t = type_new(m, kinds & JS_NUMBER ? AVSC_DOUBLE : AVSC_LONG);

	for (size_t i = 0; t->kind == AVSC_LONG && i < s->n; i++)
		for (size_t k = 0; k < ARRAY_LEN(connect); k++)
			if (!strcmp(json_get_str(s->items[i].j->of, "title", ""), connect[k].title))
				t->logical = connect[k].logical;
	avsc_add_part(of, t);
}

static int compare(const void *a, const void *b)
{
	const struct js *const *x = a, *const *y = b;

	return *x < *y ? -1 : *x > *y;
}

static int fill(struct making *m, const struct set *s, struct avsc_type *t)
{
	unsigned kinds = kinds_of(s);
	int rc = 0;

	if (kinds & JS_NULL)
		avsc_add_part(t, type_new(m, AVSC_NULL));
	if (kinds & JS_BOOL)
		avsc_add_part(t, type_new(m, AVSC_BOOLEAN));
	if (kinds & (JS_INTEGER | JS_NUMBER))
		add_number(m, s, kinds, t);
	if (kinds & JS_STRING)
		add_text(m, s, t);
	if (kinds & JS_ARRAY)
		rc = add_array(m, s, t);
	bool open = !kinds;
	if (!rc && kinds & JS_OBJECT) {
		rc = add_object(m, s, t);
		open |= !rc;
	}
	t->kind = open ? AVSC_ANY : AVSC_UNION;
	return rc < 0 ? -1 : 0;
}

static const struct avsc_type *type_of(struct making *m, const struct set *s)
{
	const struct js **key = xcalloc(s->n + 1, sizeof *key);

	for (size_t i = 0; i < s->n; i++)
		key[i] = s->items[i].j;
	qsort(key, s->n, sizeof *key, compare);
	struct avsc_type *t = s->n ? map_get(&m->made, key, s->n * sizeof *key) : NULL;
	if (t) {
		free(key);
		return t;
	}
	t = type_new(m, AVSC_UNION);
	if (s->n)
		map_put(&m->made, key, s->n * sizeof *key, t);
	free(key);
	if (m->a->ntypes > MAX_TYPES || ++m->depth > MAX_DEPTH) {
		error_set(m->err, "the schema has more than %d types, or nests deeper than %d", MAX_TYPES, MAX_DEPTH);
		return NULL;
	}
	int rc = fill(m, s, t);
	m->depth--;
	return rc ? NULL : t;
}

static void add_part_once(struct avsc_type *t, const struct avsc_type *part)
{
	for (size_t i = 0; i < t->nparts; i++)
		if (t->parts[i] == part || (part->kind == AVSC_NULL && t->parts[i]->kind == AVSC_NULL))
			return;
	avsc_add_part(t, part);
}

// The unions that stand in a union, which are no deeper.
static void flatten(struct avsc_type *t)
{
	const struct avsc_type **parts = t->parts;
	size_t n = t->nparts;

	t->parts = NULL;
	t->nparts = 0;
	for (size_t i = 0; i < n; i++) {
		if (parts[i]->kind != AVSC_UNION)
			add_part_once(t, parts[i]);
		for (size_t k = 0; parts[i]->kind == AVSC_UNION && k < parts[i]->nparts; k++)
			add_part_once(t, parts[i]->parts[k]);
	}
	free(parts);
}

// A union of one is that one. It was a union while it was made, as what recurs to it took hold of it.
static const struct avsc_type *alone(const struct avsc_type *t)
{
	return t->kind == AVSC_UNION && t->nparts == 1 ? t->parts[0] : t;
}

static void simplify(struct avsc *a)
{
	for (size_t i = 0; i < a->ntypes; i++)
		if (a->types[i]->kind == AVSC_UNION)
			flatten(a->types[i]);
	for (size_t i = 0; i < a->ntypes; i++) {
		struct avsc_type *t = a->types[i];

		for (size_t k = 0; k < t->nfields; k++)
			t->fields[k].type = alone(t->fields[k].type);
		for (size_t k = 0; (t->kind == AVSC_ARRAY || t->kind == AVSC_MAP) && k < t->nparts; k++)
			t->parts[k] = alone(t->parts[k]);
	}
	a->root = alone(a->root);
}

enum { MET = 1, DONE };

// A type that recurs without a record on the way, as an array of itself does, would have no end of paths: where it
// comes again a record without fields stands for it.
static void cut_recursion(struct making *m, struct map *state, struct avsc_type *t)
{
	if (t->kind == AVSC_RECORD || !t->nparts)
		return;
	map_put(state, &t, sizeof t, (void *)(uintptr_t)MET);
	for (size_t k = 0; k < t->nparts; k++) {
		struct avsc_type *part = (struct avsc_type *)t->parts[k];
		const uintptr_t known = (uintptr_t)map_get(state, &part, sizeof part);

		if (known == MET)
			t->parts[k] = type_new(m, AVSC_RECORD);
		else if (!known)
			cut_recursion(m, state, part);
	}
	map_put(state, &t, sizeof t, (void *)(uintptr_t)DONE);
}

static void cut_recursions(struct making *m)
{
	struct map state;

	map_init(&state);
	for (size_t i = 0, n = m->a->ntypes; i < n; i++)
		if (!map_get(&state, &m->a->types[i], sizeof m->a->types[i]))
			cut_recursion(m, &state, m->a->types[i]);
	map_release(&state, NULL);
}

struct avsc *json_types(struct json_schema *s, struct error *err)
{
	struct making m = {.a = avsc_new(), .err = err};
	struct set root = {0};
	const char *title = json_get_str(s->root->of, "title", NULL);

	map_init(&m.made);
	m.a->json = s;
	m.a->title = title ? xstrdup(title) : NULL;
	set_add(&root, s->root, true);
	m.a->root = type_of(&m, &root);
	map_release(&m.made, NULL);
	free(root.items);
	if (!m.a->root) {
		avsc_free(m.a);
		return NULL;
	}
	simplify(m.a);
	cut_recursions(&m);
	return m.a;
}
