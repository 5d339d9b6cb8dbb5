// SPDX-License-Identifier: Apache-2.0
// What a schema says beside its types: rules (confluent:rules) and tags (confluent:tags) of records and fields.
// Avro C drops such properties, so they are read from the JSON.
#ifndef KD_SCHEMA_AVSC_NOTES_H
#define KD_SCHEMA_AVSC_NOTES_H
#include <stdbool.h>
#include <stddef.h>

struct avsc_rule {
	char *name; // never NULL
	char *expr; // NULL: it has none
	char *doc;  // NULL: none
	bool branch; // JSON: it stands in one of several schemas that a value may have (anyOf, oneOf, if)
};

struct avsc_notes {
	struct avsc_rule *rules;
	size_t nrules;
	char **tags;
	size_t ntags;
};

struct json_t;
// Reads the properties of a record or a field (JSON Schema: of an object or a property). What is malformed is
// ignored, as the clients of the registry do, but a rule without an expression is kept to be shown.
void avsc_notes_read(struct avsc_notes *n, const struct json_t *node);
void avsc_notes_add_rule(struct avsc_notes *n, const char *name, const char *expr, const char *doc); // NULL: none
void avsc_notes_add_tag(struct avsc_notes *n, const char *tag);
void avsc_notes_drop_rules(struct avsc_notes *n);
void avsc_notes_release(struct avsc_notes *n);
bool avsc_notes_tagged(const struct avsc_notes *n, const char *tag);
#endif
