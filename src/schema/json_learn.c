// SPDX-License-Identifier: Apache-2.0
// What records tell of places that the schema gives no type. Such a type takes parts as a union has them: one
// scalar (the first that is met), a record or a map, an array. A record's fields are of no type themselves.
#include <string.h>

#include "schema/avsc_build.h"
#include "schema/json_plan.h"
#include "schema/plan_tree.h"
#include "util/xalloc.h"

static bool is_key(const char *key, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)key[i] < ' ' || key[i] == 0x7f)
			return false;
	return n && n <= JSON_MAX_KEY;
}

void json_met(const struct plan *p, const struct tree *t, const char *key, size_t n, struct record_values *out)
{
	const bool full = p->schema->nlearned >= JSON_MAX_LEARNED || t->depth >= JSON_MAX_BELOW || !is_key(key, n);

	out->unknown |= !full;
	out->unlearned |= full;
}

static struct avsc_type *type_new(struct avsc *a, enum avsc_kind kind, uint32_t depth)
{
	struct avsc_type *t = avsc_add(a, kind);

	t->json = true;
	t->size = depth;
	if (kind == AVSC_RECORD)
		t->name = xstrdup("");
	return t;
}

static struct avsc_type *part(const struct avsc_type *t, enum avsc_kind kind)
{
	for (size_t i = 0; i < t->nparts; i++)
		if (t->parts[i]->kind == kind)
			return (struct avsc_type *)(uintptr_t)t->parts[i];
	return NULL;
}

static struct avsc_type *part_of(struct avsc *a, struct avsc_type *any, enum avsc_kind kind, bool *added)
{
	struct avsc_type *t = part(any, kind);

	if (t)
		return t;
	t = type_new(a, kind, 0);
	if (kind == AVSC_ARRAY || kind == AVSC_MAP)
		avsc_add_part(t, type_new(a, AVSC_ANY, any->size + 1));
	avsc_add_part(any, t);
	*added = true;
	return t;
}

static struct avsc_type *field_type(const struct avsc_type *record, const char *name, size_t n)
{
	for (size_t i = 0; i < record->nfields; i++)
		if (!strncmp(record->fields[i].name, name, n) && !record->fields[i].name[n])
			return (struct avsc_type *)(uintptr_t)record->fields[i].type;
	return NULL;
}

static struct avsc_type *add_field(struct avsc *a, const struct avsc_type *any, struct avsc_type *record, const char *name,
				   size_t n)
{
	struct avsc_type *t = type_new(a, AVSC_ANY, any->size + 1);

	avsc_add_field(record, name, n, t);
	a->nlearned++;
	return t;
}

static bool has_scalar(const struct avsc_type *any)
{
	return part(any, AVSC_DOUBLE) || part(any, AVSC_STRING) || part(any, AVSC_BOOLEAN);
}

// --- from records ---------------------------------------------------------------------------------------

static bool learn(struct avsc *a, struct avsc_type *t, const struct json_tape *tape, size_t at);

static bool learn_members(struct avsc *a, const struct avsc_type *any, struct avsc_type *t, const struct json_tape *tape,
			  size_t at)
{
	bool added = false;
	size_t n;

	for (size_t i = at + 1; tape_kind(tape->words[i]) != '}'; i = tape_next(tape->words, i + 1)) {
		const char *key = tape_text(tape, i, &n);
		struct avsc_type *below = t->kind == AVSC_MAP ? (struct avsc_type *)(uintptr_t)t->parts[0]
				      : is_key(key, n)	  ? field_type(t, key, n)
							  : NULL;

		if (!below && any && is_key(key, n) && a->nlearned < JSON_MAX_LEARNED) {
			below = add_field(a, any, t, key, n);
			added = true;
		}
		if (below)
			added |= learn(a, below, tape, i + 1);
	}
	return added;
}

static bool learn_items(struct avsc *a, struct avsc_type *t, const struct json_tape *tape, size_t at)
{
	bool added = false;

	for (size_t i = at + 1; tape_kind(tape->words[i]) != ']'; i = tape_next(tape->words, i))
		added |= learn(a, t, tape, i);
	return added;
}

static bool learn_any(struct avsc *a, struct avsc_type *any, const struct json_tape *tape, size_t at)
{
	const char kind = tape_kind(tape->words[at]);
	bool added = false;

	if (kind == 'n' || any->size >= JSON_MAX_BELOW)
		return false;
	if (kind == '{') {
		struct avsc_type *map = part(any, AVSC_MAP), *t = map ? map : part_of(a, any, AVSC_RECORD, &added);

		return learn_members(a, any, t, tape, at) || added;
	}
	if (kind == '[') {
		struct avsc_type *t = part_of(a, any, AVSC_ARRAY, &added);

		return learn_items(a, (struct avsc_type *)(uintptr_t)t->parts[0], tape, at) || added;
	}
	if (!has_scalar(any))
		part_of(a, any, kind == '"' ? AVSC_STRING : kind == 't' || kind == 'f' ? AVSC_BOOLEAN : AVSC_DOUBLE, &added);
	return added;
}

static bool learn(struct avsc *a, struct avsc_type *t, const struct json_tape *tape, size_t at)
{
	const char kind = tape_kind(tape->words[at]);
	bool added = false;

	switch (t->kind) {
	case AVSC_ANY:
		return learn_any(a, t, tape, at);
	case AVSC_UNION:
		for (size_t i = 0; i < t->nparts; i++)
			added |= learn(a, (struct avsc_type *)(uintptr_t)t->parts[i], tape, at);
		return added;
	case AVSC_RECORD:
	case AVSC_MAP:
		return kind == '{' && learn_members(a, NULL, t, tape, at);
	case AVSC_ARRAY:
		return kind == '[' && learn_items(a, (struct avsc_type *)(uintptr_t)t->parts[0], tape, at);
	default:
		return false;
	}
}

bool json_learn(struct avsc *a, const struct json_tape *t)
{
	return learn(a, (struct avsc_type *)(uintptr_t)a->root, t, 1);
}

// --- from rules -----------------------------------------------------------------------------------------

static void seed_scalars(struct avsc *a, struct avsc_type *any, enum field_type type)
{
	bool added;

	if (type == FIELD_TYPES || has_scalar(any))
		return;
	part_of(a, any, AVSC_DOUBLE, &added);
	part_of(a, any, AVSC_STRING, &added)->logical = type == FIELD_TIME ? LOGICAL_TEXT_DATE_TIME : LOGICAL_NONE;
	part_of(a, any, AVSC_BOOLEAN, &added);
}

static void seed(struct avsc *a, struct avsc_type *t, const char *path, enum field_type type);

static void seed_any(struct avsc *a, struct avsc_type *any, const char *path, enum field_type type)
{
	size_t n = strcspn(path, ".[{");
	bool added;

	if (!*path) {
		seed_scalars(a, any, type);
	} else if (any->size >= JSON_MAX_BELOW) {
		return;
	} else if (!strncmp(path, "[]", 2) || !strncmp(path, "{}", 2)) {
		struct avsc_type *t = part_of(a, any, *path == '[' ? AVSC_ARRAY : AVSC_MAP, &added);

		seed(a, t, path, type);
	} else if (n && is_key(path, n)) {
		struct avsc_type *t = part_of(a, any, AVSC_RECORD, &added), *below = field_type(t, path, n);

		if (!below)
			below = add_field(a, any, t, path, n);
		seed(a, below, path + n + (path[n] == '.'), type);
	}
}

static void seed(struct avsc *a, struct avsc_type *t, const char *path, enum field_type type)
{
	size_t n;

	switch (t->kind) {
	case AVSC_ANY:
		seed_any(a, t, path, type);
		break;
	case AVSC_UNION:
		for (size_t i = 0; i < t->nparts; i++)
			seed(a, (struct avsc_type *)(uintptr_t)t->parts[i], path, type);
		break;
	case AVSC_ARRAY:
	case AVSC_MAP:
		if (!strncmp(path, t->kind == AVSC_MAP ? "{}" : "[]", 2))
			seed(a, (struct avsc_type *)(uintptr_t)t->parts[0], path + 2 + (path[2] == '.'), type);
		break;
	case AVSC_RECORD:
		for (size_t i = 0; i < t->nfields; i++) {
			n = strlen(t->fields[i].name);
			if (!strncmp(path, t->fields[i].name, n) && (!path[n] || strchr(".[{", path[n])))
				seed(a, (struct avsc_type *)(uintptr_t)t->fields[i].type, path + n + (path[n] == '.'), type);
		}
		break;
	default:
		break;
	}
}

// A map must be one before a record could take its place, and so its rules come first.
static void seed_path(struct avsc *a, const char *path, enum field_type type)
{
	// What is no record at the top is called "value".
	if (!strncmp(path, "value", 5) && (!path[5] || strchr("[{", path[5])))
		seed(a, (struct avsc_type *)(uintptr_t)a->root, path + 5, type);
	seed(a, (struct avsc_type *)(uintptr_t)a->root, path, type);
}

void json_plan_seed(struct compiler *c)
{
	struct avsc *a = c->plan->schema;

	for (size_t i = 0; i < c->opt->nrules; i++)
		if (c->opt->rules[i].type != FIELD_NONE)
			seed_path(a, c->opt->rules[i].path, c->opt->rules[i].type);
	if (c->opt->event_time)
		seed_path(a, c->opt->event_time, FIELD_NUMERIC);
}
