// SPDX-License-Identifier: Apache-2.0
// A schema as a registry keeps it: its text, the language it is written in, and what it refers to.
#ifndef KD_SCHEMA_TEXT_H
#define KD_SCHEMA_TEXT_H
#include <stddef.h>
#include <stdint.h>

enum schema_type { SCHEMA_AVRO, SCHEMA_JSON, SCHEMA_PROTOBUF, SCHEMA_TYPES };
extern const char *const schema_type_names[SCHEMA_TYPES]; // as registries write them: "AVRO", ...
enum schema_type schema_type_of(const char *name);	  // SCHEMA_TYPES: none of them

// What a schema refers to: an Avro type's full name, a Protobuf file's path, a JSON Schema's URI.
struct schema_part {
	char *name, *text;
};

// Which message of a Protobuf file: its index among the file's, then among those declared in it, and so on. n 0: the
// file's first.
enum { MESSAGE_DEPTH = 16 };
struct message_path {
	size_t n;
	int32_t at[MESSAGE_DEPTH];
};

struct schema_text {
	enum schema_type type;
	struct message_path message; // PROTOBUF
	char *text;
	size_t len;
	struct schema_part *refs; // each before those that refer to it
	size_t nrefs;
	char *rule_set; // the registry's ruleSet (JSON); NULL: none
};

// Avro without references; borrows `json`, so it is not to be released.
struct schema_text schema_text_avro(const char *json, size_t len);
struct schema_text schema_text_copy(const struct schema_text *s);
void schema_text_release(struct schema_text *s);
#endif
