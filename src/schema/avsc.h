// SPDX-License-Identifier: Apache-2.0
// A schema of Avro, or the types that a JSON Schema allows, as a graph: names resolved, logical types recognised (an
// unknown or misplaced one is ignored, as the specification says). A named type is one node however often it is
// referred to, so the graph of a recursive schema has cycles; each goes through a record.
#ifndef KD_SCHEMA_AVSC_H
#define KD_SCHEMA_AVSC_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/avsc_notes.h"
#include "schema/text.h"
#include "util/error.h"

enum avsc_kind {
	AVSC_NULL,
	AVSC_BOOLEAN,
	AVSC_INT,
	AVSC_LONG,
	AVSC_FLOAT,
	AVSC_DOUBLE,
	AVSC_BYTES,
	AVSC_STRING,
	AVSC_FIXED,
	AVSC_ENUM,
	AVSC_RECORD,
	AVSC_ARRAY,
	AVSC_MAP,
	AVSC_UNION,
	AVSC_ANY, // not said (JSON); like a union, its parts are what was learned of it from records
	AVSC_KINDS
};

enum avsc_logical {
	LOGICAL_NONE,
	LOGICAL_DECIMAL,
	LOGICAL_BIG_DECIMAL,
	LOGICAL_DURATION,
	LOGICAL_UUID,
	LOGICAL_DATE,
	LOGICAL_TIME_MILLIS,
	LOGICAL_TIME_MICROS,
	LOGICAL_TIMESTAMP_MILLIS, // the local-* forms too
	LOGICAL_TIMESTAMP_MICROS,
	LOGICAL_TIMESTAMP_NANOS,
	LOGICAL_UNSIGNED, // a long that holds a number from 0, in 64 bits without a sign (Protobuf)
	LOGICAL_TEXT_DATE_TIME, // a string: RFC 3339 (JSON)
	LOGICAL_TEXT_DATE,
	LOGICAL_TEXT_TIME,
};

struct avsc_type;

struct avsc_field {
	char *name;
	char **aliases;
	size_t naliases;
	const struct avsc_type *type;
	bool has_default;
	struct avsc_notes notes;
};

struct avsc_type {
	enum avsc_kind kind;
	enum avsc_logical logical;
	bool json;                      // numbers have no width, an enum is a string, any name matches
	int32_t scale;                  // decimal
	uint32_t size;                  // fixed; any: how deep it lies below the one that was not learned
	char *name;                     // full name; NULL for unnamed types; "" for JSON's records and enums
	char **aliases;                 // full names
	size_t naliases;
	struct avsc_field *fields;      // record
	size_t nfields;
	char **symbols;                 // enum
	size_t nsymbols;
	bool open;                      // one more symbol, behind these, stands for every other number (Protobuf)
	bool has_default;               // enum
	const struct avsc_type **parts; // union: its branches; array and map: one, the items
	size_t nparts;
	struct avsc_notes notes;        // record
};

struct avsc;
// NULL with a reason for what is no schema, what Avro C refuses, and what nests deeper than 128.
struct avsc *avsc_parse(const struct schema_text *schema, struct error *err) MUST_CHECK;
void avsc_free(struct avsc *a);
const struct avsc_type *avsc_root(const struct avsc *a);
const char *avsc_record_name(const struct avsc *a); // of the top-level type: its full name, JSON's title, or ""
bool avsc_has_rules(const struct avsc *a); // on any record or field
const char *avsc_kind_name(enum avsc_kind k);
// A reader's named type takes a writer's of the same unqualified name, or of one of its aliases; its field a
// writer's of the same name, else of the first alias that the writer has.
bool avsc_names_match(const struct avsc_type *writer, const struct avsc_type *reader);
const struct avsc_field *avsc_written_field(const struct avsc_type *writer, const struct avsc_field *reader);
// The record of a reader's schema that takes the writer's; NULL: none.
const struct avsc_type *avsc_reading_record(const struct avsc *reader, const struct avsc_type *writer);
const char *avsc_unqualified(const char *name); // behind the last dot
#endif
