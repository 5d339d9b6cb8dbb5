// SPDX-License-Identifier: Apache-2.0
// How a front end (avsc.c, json_types.c, proto_types.c) makes the graph. Private to schema/.
#ifndef KD_SCHEMA_AVSC_BUILD_H
#define KD_SCHEMA_AVSC_BUILD_H
#include "schema/avsc.h"

struct json_schema; // schema/json_schema.h
struct proto;	    // schema/proto.h

struct avsc {
	struct avsc_type **types; // owned, whatever refers to them
	size_t ntypes, captypes;
	const struct avsc_type *root;
	char *title;		  // JSON; NULL: none
	struct json_schema *json; // what it was made of; NULL: another language
	struct proto *proto;	  // Protobuf: the same; NULL: another language
	const struct proto_message *message; // of it: the one that the root stands for
	size_t nlearned;	  // fields that records added to its places of no type
};

struct avsc *avsc_new(void);
struct avsc_type *avsc_add(struct avsc *a, enum avsc_kind kind);
// The names are copied. A field is valid until the next one is added.
struct avsc_field *avsc_add_field(struct avsc_type *record, const char *name, size_t n, const struct avsc_type *type);
void avsc_add_symbol(struct avsc_type *t, const char *symbol, size_t n);
void avsc_add_part(struct avsc_type *t, const struct avsc_type *part); // of a union, an array, a map
#endif
