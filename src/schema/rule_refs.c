// SPDX-License-Identifier: Apache-2.0
#include "schema/rule_refs.h"

#include <stdlib.h>
#include <string.h>

#include "schema/avsc_build.h"
#include "util/xalloc.h"

// `before`: the length of the path of what holds it; SIZE_MAX: it is an element's own value.
static uint32_t operand_at(struct compiler *c, size_t before)
{
	struct rules_compile *rc = c->rules_found;
	struct operand *o = map_gets(&rc->operands, c->path.data);

	if (!o) {
		o = xcalloc(1, sizeof *o);
		o->index = (uint32_t)c->plan->noperands++;
		o->element = path_element(c, c->path.data);
		o->itself = before == SIZE_MAX;
		o->parent = o->itself ? xstrdup(c->path.data) : xstrndup(c->path.data, before);
		map_puts(&rc->operands, c->path.data, o);
	}
	return o->index;
}

enum { HAS_SCALAR = 1, HAS_LIST = 2, HAS_RECORD = 4, HAS_NUMBER_AS_BYTES = 8, RECURSIVE = 16, ENCRYPTED = 32 };

static unsigned classes_of(const struct avsc_type *t)
{
	unsigned classes = 0;

	switch (t->kind) {
	case AVSC_UNION:
	case AVSC_ANY:
		for (size_t i = 0; i < t->nparts; i++)
			classes |= classes_of(t->parts[i]);
		return classes;
	case AVSC_NULL:
		return 0;
	case AVSC_RECORD:
		return HAS_RECORD;
	case AVSC_ARRAY:
	case AVSC_MAP:
		return HAS_LIST;
	case AVSC_BYTES:
	case AVSC_FIXED:
		return t->logical && t->logical != LOGICAL_UUID ? HAS_SCALAR | HAS_NUMBER_AS_BYTES : HAS_SCALAR;
	default:
		return HAS_SCALAR;
	}
}


static int look_up(struct compiler *c, const struct avsc_type *t, const char *rest, size_t before, struct operand_found *out);

int operand_of_field(struct compiler *c, const struct avsc_type *record, size_t field, const char *rest, struct operand_found *out)
{
	const struct avsc_field *f = &record->fields[field];
	const size_t before = path_push(c, record, field);
	const int rc = look_up(c, f->type, rest, before, out);

	if (!rc && !*rest && compile_encrypted(c, f))
		out->classes |= ENCRYPTED;
	path_pop(c, before);
	return rc;
}

// "a.b" among a record's fields. 0; -1: there is none.
static int look_in(struct compiler *c, const struct avsc_type *record, const char *rest, struct operand_found *out)
{
	const size_t n = strcspn(rest, ".");

	for (size_t i = 0; i < record->nfields; i++)
		if (!strncmp(record->fields[i].name, rest, n) && !record->fields[i].name[n])
			return operand_of_field(c, record, i, rest[n] ? rest + n + 1 : "", out);
	return -1;
}

// What `rest` leads to from a value of type t at the path in hand; "" is the value itself.
static int look_up(struct compiler *c, const struct avsc_type *t, const char *rest, size_t before, struct operand_found *out)
{
	int rc = -1;

	if (!*rest) {
		out->classes = classes_of(t);
		out->operand = operand_at(c, before);
		return 0;
	}
	if (t->kind == AVSC_UNION || t->kind == AVSC_ANY) {
		for (size_t i = 0; i < t->nparts && rc; i++)
			rc = look_up(c, t->parts[i], rest, before, out);
		return rc;
	}
	if (t->kind != AVSC_RECORD)
		return -1;
	if (c->depth >= MAX_DEPTH || !compile_follows(c, t)) {
		out->classes = RECURSIVE;
		return -1;
	}
	compile_enter(c, t);
	rc = look_in(c, t, rest, out);
	compile_leave(c);
	return rc;
}

int operand_of_element(struct compiler *c, const struct avsc_type *value, const char *rest, struct operand_found *out)
{
	return look_up(c, value, rest, SIZE_MAX, out);
}

// Behind the first name of a path; NULL: it is another.
static const char *behind(const char *path, const char *name)
{
	const size_t n = strlen(name);

	if (strncmp(path, name, n) != 0 || (path[n] && path[n] != '.'))
		return NULL;
	return path[n] ? path + n + 1 : path + n;
}

const char *rule_text_kept(struct compiler *c, char *text)
{
	char *known = map_gets(&c->plan->paths, text);

	if (!known)
		map_puts(&c->plan->paths, text, known = text);
	else
		free(text);
	return known;
}

// What CEL_FIELD says of the field besides its value. 1: it is none of these names.
static int bind_about(struct compiler *c, const struct stand *s, struct expr *e, size_t ref, struct error *err)
{
	const char *path = expr_ref(e, ref), *text;

	if (!strcmp(path, "tags"))
		return expr_bind_texts(e, ref, s->about->notes.tags, s->about->notes.ntags, err);
	if (!strcmp(path, "name"))
		text = s->about->name;
	else if (!strcmp(path, "typeName"))
		text = s->type_name;
	else if (!strcmp(path, "fullName"))
		text = rule_text_kept(c, xasprintf("%s.%s", s->owner->name ? s->owner->name : "", s->about->name));
	else
		return 1;
	expr_bind_const(e, ref, cel_text(CEL_STRING, text, strlen(text)));
	return 0;
}

static int check_use(const struct expr *e, size_t ref, unsigned classes, struct error *err)
{
	const unsigned use = expr_ref_use(e, ref);
	const char *path = expr_ref(e, ref);

	if (use & (USED_VALUE | USED_SIZE) && classes & ENCRYPTED)
		return error_set(err, "%s is encrypted", path);
	if (use & USED_VALUE && classes & HAS_LIST)
		return error_set(err, "%s is an array or a map, of which only size() is supported", path);
	if (use & (USED_VALUE | USED_SIZE) && classes & HAS_RECORD)
		return error_set(err, "%s is a record, of which only the fields are supported", path);
	if (use & USED_VALUE && classes & HAS_NUMBER_AS_BYTES)
		return error_set(err, "%s is a decimal or a duration, for which CEL has no type", path);
	return 0;
}

static int bind_reference(struct compiler *c, const struct stand *s, struct expr *e, size_t ref, struct error *err)
{
	const char *path = expr_ref(e, ref), *rest = s->self ? behind(path, s->self) : path;
	struct operand_found found = {0};
	int rc = -1;

	if (rest && !s->record) {
		rc = operand_of_element(c, s->value, rest, &found);
	} else if (rest && s->field != SIZE_MAX) {
		rc = operand_of_field(c, s->record, s->field, rest, &found);
	} else {
		if (!rest && s->about) {
			rc = bind_about(c, s, e, ref, err);
			if (rc <= 0)
				return rc;
			rest = behind(path, "message");
		}
		if (!rest)
			return error_set(err, "%s is not supported", path);
		if (!s->record)
			return error_set(err, "message is not supported for the elements of an array or a map");
		if (!*rest)
			return error_set(err, "%s is a record, of which only the fields are supported", path);
		rc = look_in(c, s->record, rest, &found);
	}
	if (rc && found.classes & RECURSIVE)
		return error_set(err, "%s lies within the recursion of a record", path);
	// A record of JSON may yet have the field; and who asks whether there is one takes no for an answer.
	if (rc && s->lenient && (s->lacks || c->plan->schema->json || expr_ref_use(e, ref) & (USED_HAS | USED_NULL))) {
		if (s->lacks)
			*s->lacks = true;
		expr_bind_const(e, ref, (struct cel_value){.type = CEL_NULL});
		return 0;
	}
	if (rc)
		return error_set(err, "%s is no field of the schema", path);
	if (check_use(e, ref, found.classes, err))
		return -1;
	expr_bind(e, ref, found.operand);
	return 0;
}

struct expr *expr_prepare(struct compiler *c, const struct stand *s, const char *text, struct error *err)
{
	struct expr *e = expr_parse(text, err);

	for (size_t i = 0; e && i < expr_refs(e); i++) {
		if (bind_reference(c, s, e, i, err)) {
			expr_free(e);
			return NULL;
		}
	}
	return e;
}
