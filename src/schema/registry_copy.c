// SPDX-License-Identifier: Apache-2.0
// The persisted copy of a schema: {"kdrift_schema": 1, "type", "schema", "references", "parts": [{name, schema}],
// "rule_set"}. Before version 1 a copy was an Avro schema's own text, which told nothing of rules: such a one is
// no copy, and the schema is asked for again.
#include <stdlib.h>
#include <string.h>

#include "schema/avsc.h"
#include "schema/registry_ask.h"
#include "util/xalloc.h"

enum { COPY_VERSION = 1 };

char *registry_copy_write(const struct registry_schema *s)
{
	const struct schema_text *t = &s->schema;
	json_t *parts = json_array();
	json_t *doc = json_pack("{s:i, s:s, s:o}", "kdrift_schema", COPY_VERSION, "type", schema_type_names[t->type], "schema",
				json_strn(t->text, t->len));

	for (size_t i = 0; i < t->nrefs; i++)
		json_array_append_new(parts, json_pack("{s:o, s:o}", "name", json_str(t->refs[i].name), "schema",
						       json_str(t->refs[i].text)));
	json_object_set_new(doc, "parts", parts);
	if (s->references)
		json_object_set_new(doc, "references", json_str(s->references));
	if (t->rule_set)
		json_object_set_new(doc, "rule_set", json_str(t->rule_set));
	char *text = json_text(doc);
	json_decref(doc);
	return text;
}

static bool sound(const struct schema_text *s)
{
	struct error why = ERROR_INIT;
	struct avsc *parsed = s->text && s->type == SCHEMA_AVRO ? avsc_parse(s, &why) : NULL;

	avsc_free(parsed);
	return s->text && s->type != SCHEMA_TYPES && (parsed || s->type != SCHEMA_AVRO);
}

bool registry_copy_read(const char *text, struct registry_schema *s)
{
	struct error why = ERROR_INIT;
	json_t *doc = json_parse(text, strlen(text), &why);
	const json_t *parts = json_object_get(doc, "parts"), *part;
	struct schema_text t = {0};
	size_t i;

	if (json_get_int(doc, "kdrift_schema", 0) != COPY_VERSION) {
		json_decref(doc);
		return false;
	}
	t.type = schema_type_of(json_get_str(doc, "type", ""));
	t.text = xstrdup(json_get_str(doc, "schema", NULL));
	t.len = t.text ? strlen(t.text) : 0;
	t.rule_set = xstrdup(json_get_str(doc, "rule_set", NULL));
	t.refs = xcalloc(json_array_size(parts) + 1, sizeof *t.refs);
	json_array_foreach(parts, i, part) t.refs[t.nrefs++] = (struct schema_part){
	    xstrdup(json_get_str(part, "name", "")), xstrdup(json_get_str(part, "schema", ""))};
	bool fine = sound(&t);
	if (fine) {
		s->schema = t;
		s->references = xstrdup(json_get_str(doc, "references", NULL));
	} else {
		schema_text_release(&t);
	}
	json_decref(doc);
	return fine;
}
