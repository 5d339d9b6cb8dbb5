// SPDX-License-Identifier: Apache-2.0
#include "schema/proto_types.h"

#include <stdlib.h>
#include <string.h>

#include "schema/avsc_build.h"
#include "util/xalloc.h"

struct making {
	struct avsc *a;
	const struct proto *p;
	struct avsc_type **records, **enums; // by index; NULL: not made yet
};

static const struct avsc_type *record_type(struct making *k, uint32_t index);

static const struct avsc_type *enum_type(struct making *k, uint32_t index)
{
	const struct proto_enum *e = &k->p->enums[index];

	if (k->enums[index])
		return k->enums[index];
	struct avsc_type *t = k->enums[index] = avsc_add(k->a, AVSC_ENUM);
	t->name = xstrdup(e->name);
	for (size_t i = 0; i <= e->n; i++)
		avsc_add_symbol(t, e->symbols[i], strlen(e->symbols[i]));
	t->nsymbols--; // the last is none of the schema's
	t->open = true;
	return t;
}

static const struct avsc_type *value_type(struct making *k, const struct proto_field *f)
{
	static const struct {
		enum avsc_kind kind;
		enum avsc_logical logical;
	} types[] = {
	    [PROTO_DOUBLE] = {AVSC_DOUBLE, LOGICAL_NONE},   [PROTO_FLOAT] = {AVSC_FLOAT, LOGICAL_NONE},
	    [PROTO_INT32] = {AVSC_INT, LOGICAL_NONE},	    [PROTO_INT64] = {AVSC_LONG, LOGICAL_NONE},
	    [PROTO_UINT32] = {AVSC_LONG, LOGICAL_UNSIGNED},	    [PROTO_UINT64] = {AVSC_LONG, LOGICAL_UNSIGNED},
	    [PROTO_SINT32] = {AVSC_INT, LOGICAL_NONE},	    [PROTO_SINT64] = {AVSC_LONG, LOGICAL_NONE},
	    [PROTO_FIXED32] = {AVSC_LONG, LOGICAL_UNSIGNED},    [PROTO_FIXED64] = {AVSC_LONG, LOGICAL_UNSIGNED},
	    [PROTO_SFIXED32] = {AVSC_INT, LOGICAL_NONE},    [PROTO_SFIXED64] = {AVSC_LONG, LOGICAL_NONE},
	    [PROTO_BOOL] = {AVSC_BOOLEAN, LOGICAL_NONE},    [PROTO_STRING] = {AVSC_STRING, LOGICAL_NONE},
	    [PROTO_BYTES] = {AVSC_BYTES, LOGICAL_NONE},
	};

	if (f->kind == PROTO_MESSAGE)
		return record_type(k, f->type);
	if (f->kind == PROTO_ENUM)
		return enum_type(k, f->type);
	struct avsc_type *t = avsc_add(k->a, types[f->kind].kind);
	t->logical = types[f->kind].logical;
	return t;
}

static const struct avsc_type *field_type(struct making *k, const struct proto_field *f)
{
	struct avsc_type *t;

	if (f->shape == PROTO_MANY) {
		t = avsc_add(k->a, AVSC_ARRAY);
		avsc_add_part(t, value_type(k, f));
		return t;
	}
	if (f->shape == PROTO_MAP) {
		const struct proto_message *entry = &k->p->messages[f->type];

		t = avsc_add(k->a, AVSC_MAP);
		avsc_add_part(t, value_type(k, &entry->fields[entry->by_number[1]]));
		return t;
	}
	if (!f->presence)
		return value_type(k, f);
	t = avsc_add(k->a, AVSC_UNION);
	avsc_add_part(t, avsc_add(k->a, AVSC_NULL));
	avsc_add_part(t, value_type(k, f));
	return t;
}

static const struct avsc_type *record_type(struct making *k, uint32_t index)
{
	const struct proto_message *m = &k->p->messages[index];
	struct avsc_type *t;

	if (k->records[index])
		return k->records[index];
	if (m->special == PROTO_WRAPPER)
		return value_type(k, &m->fields[0]);
	if (m->special != PROTO_PLAIN) {
		t = k->records[index] = avsc_add(k->a, m->special == PROTO_DURATION ? AVSC_DOUBLE : AVSC_LONG);
		t->logical = m->special == PROTO_DURATION ? LOGICAL_NONE : LOGICAL_TIMESTAMP_MICROS;
		return t;
	}
	t = k->records[index] = avsc_add(k->a, AVSC_RECORD);
	t->name = xstrdup(m->name);
	for (size_t i = 0; i < m->nfields; i++) {
		const struct proto_field *f = &m->fields[i];
		const struct avsc_type *type = field_type(k, f);

		avsc_add_field(t, f->name, strlen(f->name), type)->has_default = !f->required;
	}
	return t;
}

struct avsc *proto_types(const struct schema_text *schema, struct error *err)
{
	struct making k = {.p = proto_parse(schema, err)};

	if (!k.p)
		return NULL;
	k.a = avsc_new();
	k.a->proto = (struct proto *)k.p;
	k.a->message = proto_message_at(k.p, &schema->message);
	if (!k.a->message) {
		error_set(err, "the schema has no such message");
		avsc_free(k.a);
		return NULL;
	}
	k.records = xcalloc(k.p->nmessages + 1, sizeof *k.records);
	k.enums = xcalloc(k.p->nenums + 1, sizeof *k.enums);
	k.a->root = record_type(&k, (uint32_t)(k.a->message - k.p->messages));
	free(k.records);
	free(k.enums);
	return k.a;
}
