// SPDX-License-Identifier: Apache-2.0
#include "schema/wire.h"

#include <inttypes.h>
#include <stdio.h>

enum { V0 = 5, V1 = 17, LONG_ID = 9, SINGLE_OBJECT = 10 };

static uint64_t big_endian(const uint8_t *p, int n)
{
	uint64_t v = 0;

	for (int i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

static uint64_t little_endian(const uint8_t *p)
{
	uint64_t v = 0;

	for (int i = 8; i-- > 0;)
		v = v << 8 | p[i];
	return v;
}

static int no_frame(const char **why, const char *reason)
{
	*why = reason;
	return -1;
}

static int frame(struct frame *out, enum schema_by by, uint64_t hi, uint64_t lo, const uint8_t *payload, size_t len)
{
	*out = (struct frame){.schema = {by, hi, lo}, .payload = payload, .len = len};
	return 0;
}

static int parse_prefix(const uint8_t *p, size_t n, struct frame *out, const char **why)
{
	if (n < V0)
		return no_frame(why, "shorter than the 5 bytes of a frame");
	if (p[0] == 0)
		return frame(out, SCHEMA_BY_ID, 0, big_endian(p + 1, 4), p + V0, n - V0);
	if (p[0] != 1)
		return no_frame(why, "does not begin with the magic byte 0 or 1");
	if (n < V1)
		return no_frame(why, "shorter than the 17 bytes of a frame with a GUID");
	return frame(out, SCHEMA_BY_GUID, big_endian(p + 1, 8), big_endian(p + 9, 8), p + V1, n - V1);
}

static const char *schema_header(const struct wire_headers *headers)
{
	return headers->key ? "__key_schema_id" : "__value_schema_id";
}

// 1: there is no such header.
static int parse_header(const uint8_t *p, size_t n, const struct wire_headers *headers, struct frame *out,
			const char **why)
{
	size_t len;
	const uint8_t *id = (const uint8_t *)headers->get(headers->message, schema_header(headers), &len);

	if (!id)
		return 1;
	const size_t used = len && id[0] ? V1 : V0;
	if (len < used || id[0] > 1)
		return no_frame(why, headers->key ? "its header __key_schema_id is neither byte 0 and an id nor byte 1 and a GUID"
						  : "its header __value_schema_id is neither byte 0 and an id nor byte 1 and a GUID");
	if (id[0])
		frame(out, SCHEMA_BY_GUID, big_endian(id + 1, 8), big_endian(id + 9, 8), p, n);
	else
		frame(out, SCHEMA_BY_ID, 0, big_endian(id + 1, 4), p, n);
	out->rest = id + used;
	out->nrest = len - used;
	return 0;
}

static int long_id(const uint8_t *id, const uint8_t *payload, size_t len, struct frame *out, const char **why)
{
	uint64_t v = big_endian(id, 8);

	if (v > INT32_MAX)
		return no_frame(why, "its id of 8 bytes is greater than 2147483647");
	return frame(out, SCHEMA_BY_ID, 0, v, payload, len);
}

static const char *const apicurio_names[2][2] = {{"apicurio.value.contentId", "apicurio.value.globalId"},
						 {"apicurio.key.contentId", "apicurio.key.globalId"}};

static int parse_apicurio(const uint8_t *p, size_t n, const struct wire_headers *headers, struct frame *out,
			  const char **why)
{
	for (int i = 0; i < 2; i++) {
		size_t len;
		const uint8_t *id = (const uint8_t *)headers->get(headers->message, apicurio_names[headers->key][i], &len);
		if (id && len != 8)
			return no_frame(why, "the id in its Apicurio header has not 8 bytes");
		if (id)
			return long_id(id, p, n, out, why);
	}
	if (n < V0)
		return no_frame(why, "shorter than the 5 bytes of a frame");
	if (p[0])
		return no_frame(why, "does not begin with the magic byte 0");
	if (big_endian(p + 1, 4)) // no id is 0: these are not the upper half of 8 bytes
		return frame(out, SCHEMA_BY_ID, 0, big_endian(p + 1, 4), p + V0, n - V0);
	if (n < LONG_ID)
		return no_frame(why, "shorter than the 9 bytes of a frame with an id of 8 bytes");
	return long_id(p + 1, p + LONG_ID, n - LONG_ID, out, why);
}

static int parse_single_object(const uint8_t *p, size_t n, struct frame *out, const char **why)
{
	if (n < SINGLE_OBJECT)
		return no_frame(why, "shorter than the 10 bytes of a single object's frame");
	if (p[0] != 0xc3 || p[1] != 1)
		return no_frame(why, "does not begin with the marker C3 01 of a single object");
	return frame(out, SCHEMA_BY_FINGERPRINT, 0, little_endian(p + 2), p + SINGLE_OBJECT, n - SINGLE_OBJECT);
}

int wire_parse(enum framing framing, const void *value, size_t n, const struct wire_headers *headers,
	       struct frame *out, const char **why)
{
	const uint8_t *p = value;
	int rc;

	switch (framing) {
	case FRAMING_HEADER_FIRST:
		rc = parse_header(p, n, headers, out, why);
		return rc > 0 ? parse_prefix(p, n, out, why) : rc;
	case FRAMING_PREFIX_FIRST:
		if (!parse_prefix(p, n, out, why))
			return 0;
		return parse_header(p, n, headers, out, why) ? -1 : 0;
	case FRAMING_APICURIO:
		return parse_apicurio(p, n, headers, out, why);
	case FRAMING_SINGLE_OBJECT:
		return parse_single_object(p, n, out, why);
	case FRAMING_NONE:
		return frame(out, SCHEMA_BY_STREAM, 0, 0, p, n);
	}
	return no_frame(why, "unknown framing");
}

static bool has_frame(enum framing framing, const uint8_t *p, size_t n, const struct wire_headers *headers)
{
	size_t len;

	switch (framing) {
	case FRAMING_HEADER_FIRST:
	case FRAMING_PREFIX_FIRST:
		return (n && p[0] <= 1) || headers->get(headers->message, schema_header(headers), &len);
	case FRAMING_APICURIO:
		return (n && !p[0]) || headers->get(headers->message, apicurio_names[headers->key][0], &len) ||
		       headers->get(headers->message, apicurio_names[headers->key][1], &len);
	case FRAMING_SINGLE_OBJECT:
		return n && p[0] == 0xc3;
	case FRAMING_NONE:
		break;
	}
	return true;
}

int wire_parse_json(enum framing framing, const void *value, size_t n, const struct wire_headers *headers,
		    struct frame *out, const char **why)
{
	if (!has_frame(framing, value, n, headers))
		framing = FRAMING_NONE;
	return wire_parse(framing, value, n, headers, out, why);
}

void schema_ref_text(const struct schema_ref *r, char out[SCHEMA_REF_TEXT])
{
	out[0] = 0;
	if (r->by == SCHEMA_BY_ID)
		snprintf(out, SCHEMA_REF_TEXT, "%" PRId32, schema_ref_id(r));
	else if (r->by == SCHEMA_BY_GUID)
		snprintf(out, SCHEMA_REF_TEXT, "%08" PRIx64 "-%04" PRIx64 "-%04" PRIx64 "-%04" PRIx64 "-%012" PRIx64,
			 r->hi >> 32, r->hi >> 16 & 0xffff, r->hi & 0xffff, r->lo >> 48, r->lo & 0xffffffffffff);
	else if (r->by == SCHEMA_BY_FINGERPRINT)
		snprintf(out, SCHEMA_REF_TEXT, "%016" PRIx64, r->lo);
}
