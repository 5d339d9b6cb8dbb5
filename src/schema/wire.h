// SPDX-License-Identifier: Apache-2.0
// Framing: what names a record's schema, and where its payload begins.
#ifndef KD_SCHEMA_WIRE_H
#define KD_SCHEMA_WIRE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// In the order of the configuration's words for streams[].framing.
enum framing {
	FRAMING_HEADER_FIRST,  // the record header __value_schema_id (of a key __key_schema_id), else the value's prefix
	FRAMING_PREFIX_FIRST,  // the value's prefix, else the header
	FRAMING_APICURIO,      // Apicurio's headers, else byte 0 and an id of 8 bytes (4 where these are not all 0)
	FRAMING_SINGLE_OBJECT, // Avro single-object encoding: C3 01 and a fingerprint
	FRAMING_NONE,	       // Avro alone; the configuration names its schema
};

// A prefix, and the value of __value_schema_id, is byte 0 and an id (v0) or byte 1 and a GUID (v1), big-endian.
enum schema_by { SCHEMA_BY_ID, SCHEMA_BY_GUID, SCHEMA_BY_FINGERPRINT, SCHEMA_BY_STREAM };

struct schema_ref {
	enum schema_by by;
	uint64_t hi, lo; // lo: id or fingerprint; both: a GUID
};

static inline bool schema_ref_equal(const struct schema_ref *a, const struct schema_ref *b)
{
	return a->lo == b->lo && a->hi == b->hi && a->by == b->by;
}

static inline int32_t schema_ref_id(const struct schema_ref *r) // -1: it is no id
{
	return r->by == SCHEMA_BY_ID ? (int32_t)(uint32_t)r->lo : -1;
}

enum { SCHEMA_REF_TEXT = 40 };
// As people write it: a decimal, 8-4-4-4-12 or 16 hexadecimal digits; "" for SCHEMA_BY_STREAM.
void schema_ref_text(const struct schema_ref *r, char out[SCHEMA_REF_TEXT]);

// A message's headers: the bytes of the last one of that name, NULL if absent.
struct wire_headers {
	const void *message;
	const char *(*get)(const void *message, const char *name, size_t *len);
	bool key; // those that are about the message's key
};

struct frame {
	struct schema_ref schema;
	const uint8_t *payload;
	size_t len;
	const uint8_t *rest; // behind the id in a header: a Protobuf message's indexes; NULL: there is no header
	size_t nrest;
};

// 0, or -1 with a static reason in *why. A NULL value (tombstone) is the caller's to count; it has no frame.
int wire_parse(enum framing framing, const void *value, size_t n, const struct wire_headers *headers,
	       struct frame *out, const char **why);
// The same where records may be JSON: a value that names no schema, neither before it nor in a header, is the
// payload itself, SCHEMA_BY_STREAM. (No JSON text begins with any frame's first byte.)
int wire_parse_json(enum framing framing, const void *value, size_t n, const struct wire_headers *headers,
		    struct frame *out, const char **why);
#endif
