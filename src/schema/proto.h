// SPDX-License-Identifier: Apache-2.0
// A Protobuf schema as tables: proto_parse.cc makes them with libprotobuf, proto_types.c makes types of them, and
// proto_read.c reads records by them. A message's fields stand in the schema's order. Groups and extensions are
// left out: on the wire they are skipped like unknown fields. Private to schema/.
#ifndef KD_SCHEMA_PROTO_H
#define KD_SCHEMA_PROTO_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/text.h"
#include "util/error.h"

enum proto_kind {
	PROTO_DOUBLE,
	PROTO_FLOAT,
	PROTO_INT32,
	PROTO_INT64,
	PROTO_UINT32,
	PROTO_UINT64,
	PROTO_SINT32,
	PROTO_SINT64,
	PROTO_FIXED32,
	PROTO_FIXED64,
	PROTO_SFIXED32,
	PROTO_SFIXED64,
	PROTO_BOOL,
	PROTO_ENUM,
	PROTO_STRING,
	PROTO_BYTES,
	PROTO_MESSAGE,
};

enum proto_shape { PROTO_ONE, PROTO_MANY, PROTO_MAP };

struct proto_enum {
	char *name;	  // full name
	char **symbols;	  // one a number, the first where a number has several; then PROTO_OTHER_SYMBOL where open
	int32_t *numbers; // by symbol
	size_t n;	  // without the last
	uint32_t *sorted; // symbols by ascending number
	bool closed;	  // proto2: a field with another number is an unknown field
};
#define PROTO_OTHER_SYMBOL "UNRECOGNIZED"

struct proto_field {
	char *name;
	uint32_t number;
	enum proto_kind kind;
	enum proto_shape shape;
	bool presence; // may be absent: then null, and not the default
	bool required;
	bool utf8;	  // proto3: also what is written over must be
	int32_t oneof;	  // -1: in none
	uint32_t type;	  // index of its message or enum; of a map the entry's, with the fields key and value
	uint32_t initial; // enum: the default's symbol
};

enum proto_special { PROTO_PLAIN, PROTO_TIMESTAMP, PROTO_DURATION, PROTO_WRAPPER };

struct proto_message {
	char *name; // full name
	enum proto_special special;
	bool entry; // of a map
	struct proto_field *fields;
	size_t nfields, noneofs;
	uint32_t *by_number; // fields in ascending order of their numbers
	uint32_t *nested;    // indices of the messages declared in it
	size_t nnested;
};

struct proto {
	struct proto_message *messages;
	size_t nmessages;
	struct proto_enum *enums;
	size_t nenums;
	uint32_t *top; // the messages of the schema itself, in order
	size_t ntop;
};

struct proto *proto_parse(const struct schema_text *schema, struct error *err) MUST_CHECK;
void proto_free(struct proto *p);
// The message that a path of indexes leads to; NULL: none.
const struct proto_message *proto_message_at(const struct proto *p, const struct message_path *path);
const struct proto_field *proto_field_of(const struct proto_message *m, uint64_t number); // NULL: unknown
// The symbol of an enum's number; e->n where it has none.
size_t proto_symbol(const struct proto_enum *e, int32_t number);
#endif
