// SPDX-License-Identifier: Apache-2.0
#include "schema/avsc_build.h"

#include <stdlib.h>

#include "schema/json_schema.h"
#include "schema/proto.h"
#include "util/xalloc.h"

struct avsc *avsc_new(void)
{
	return xcalloc(1, sizeof(struct avsc));
}

struct avsc_type *avsc_add(struct avsc *a, enum avsc_kind kind)
{
	struct avsc_type *t = xcalloc(1, sizeof *t);

	t->kind = kind;
	GROW(a->types, a->ntypes, a->captypes);
	a->types[a->ntypes++] = t;
	return t;
}

// Arrays grow at powers of two, so that no capacity need be kept.
static void *grown(void *list, size_t n, size_t size)
{
	return n & (n - 1) ? list : xrealloc(list, (n ? 2 * n : 1) * size);
}

struct avsc_field *avsc_add_field(struct avsc_type *record, const char *name, size_t n, const struct avsc_type *type)
{
	record->fields = grown(record->fields, record->nfields, sizeof *record->fields);
	record->fields[record->nfields] = (struct avsc_field){.name = xstrndup(name, n), .type = type};
	return &record->fields[record->nfields++];
}

void avsc_add_symbol(struct avsc_type *t, const char *symbol, size_t n)
{
	t->symbols = grown(t->symbols, t->nsymbols, sizeof *t->symbols);
	t->symbols[t->nsymbols++] = xstrndup(symbol, n);
}

void avsc_add_part(struct avsc_type *t, const struct avsc_type *part)
{
	t->parts = grown(t->parts, t->nparts, sizeof *t->parts);
	t->parts[t->nparts++] = part;
}

static void strings_free(char **s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(s[i]);
	free(s);
}

void avsc_free(struct avsc *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < a->ntypes; i++) {
		struct avsc_type *t = a->types[i];

		for (size_t f = 0; f < t->nfields; f++) {
			free(t->fields[f].name);
			avsc_notes_release(&t->fields[f].notes);
			strings_free(t->fields[f].aliases, t->fields[f].naliases);
		}
		free(t->fields);
		strings_free(t->symbols, t->nsymbols + t->open);
		strings_free(t->aliases, t->naliases);
		free(t->parts);
		avsc_notes_release(&t->notes);
		free(t->name);
		free(t);
	}
	free(a->types);
	free(a->title);
	json_schema_free(a->json);
	proto_free(a->proto);
	free(a);
}

const struct avsc_type *avsc_root(const struct avsc *a)
{
	return a->root;
}

const char *avsc_record_name(const struct avsc *a)
{
	return a->title ? a->title : a->root->name ? a->root->name : "";
}
