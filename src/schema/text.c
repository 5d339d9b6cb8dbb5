// SPDX-License-Identifier: Apache-2.0
#include "schema/text.h"

#include <stdlib.h>
#include <string.h>

#include "util/xalloc.h"

const char *const schema_type_names[SCHEMA_TYPES] = {"AVRO", "JSON", "PROTOBUF"};

enum schema_type schema_type_of(const char *name)
{
	int i = 0;

	while (i < SCHEMA_TYPES && strcmp(name, schema_type_names[i]) != 0)
		i++;
	return (enum schema_type)i;
}

struct schema_text schema_text_avro(const char *json, size_t len)
{
	return (struct schema_text){.type = SCHEMA_AVRO, .text = (char *)json, .len = len};
}

struct schema_text schema_text_copy(const struct schema_text *s)
{
	struct schema_text c = *s;

	c.text = s->text ? xstrndup(s->text, s->len) : NULL;
	c.rule_set = s->rule_set ? xstrdup(s->rule_set) : NULL;
	c.refs = xcalloc(s->nrefs + 1, sizeof *c.refs);
	for (size_t i = 0; i < s->nrefs; i++)
		c.refs[i] = (struct schema_part){xstrdup(s->refs[i].name), xstrdup(s->refs[i].text)};
	return c;
}

void schema_text_release(struct schema_text *s)
{
	for (size_t i = 0; i < s->nrefs; i++) {
		free(s->refs[i].name);
		free(s->refs[i].text);
	}
	free(s->refs);
	free(s->text);
	free(s->rule_set);
	*s = (struct schema_text){0};
}
