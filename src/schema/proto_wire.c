// SPDX-License-Identifier: Apache-2.0
#include "schema/proto_wire.h"

#include "schema/plan_read.h"

#define MAX_GROUPS 64

int proto_fail(struct proto_fault *f, const uint8_t *at, const char *why)
{
	f->at = at;
	f->why = why;
	return -1;
}

static int get_varint(struct proto_fault *f, const uint8_t **p, const uint8_t *end, uint64_t *out)
{
	uint64_t v = 0;

	for (int i = 0; i < 10; i++) {
		if (*p + i == end)
			return proto_fail(f, end, BYTES_END);
		v |= (uint64_t)((*p)[i] & 0x7f) << (7 * i);
		if ((*p)[i] < 0x80) {
			*out = v;
			*p += i + 1;
			return 0;
		}
	}
	return proto_fail(f, *p, "a number of more than 10 bytes");
}

// Of a tag or a length.
static int get_varint32(struct proto_fault *f, const uint8_t **p, const uint8_t *end, uint32_t *out)
{
	const uint8_t *start = *p;
	uint64_t v;

	if (get_varint(f, p, end, &v))
		return -1;
	if (*p - start > 5 || v > UINT32_MAX)
		return proto_fail(f, start, "a tag or a length of more than 32 bits");
	*out = (uint32_t)v;
	return 0;
}

static int get_stretch(struct proto_fault *f, const uint8_t **p, const uint8_t *end, uint32_t *n)
{
	const uint8_t *start = *p;

	if (get_varint32(f, p, end, n))
		return -1;
	return *n > (size_t)(end - *p) ? proto_fail(f, start, "its length is more than the bytes left") : 0;
}

int proto_get_tag(struct proto_fault *f, const uint8_t **p, const uint8_t *end, uint32_t *number, enum proto_wire *wire)
{
	const uint8_t *start = *p;
	uint32_t tag;

	if (get_varint32(f, p, end, &tag))
		return -1;
	*number = tag >> 3;
	*wire = (enum proto_wire)(tag & 7);
	return !*number || *wire > WIRE_FIXED32 ? proto_fail(f, start, "a tag that is none") : 0;
}

int proto_get_value(struct proto_fault *f, const uint8_t **p, const uint8_t *end, enum proto_wire wire, struct proto_value *out)
{
	uint32_t n;

	*out = (struct proto_value){.p = NULL};
	switch (wire) {
	case WIRE_VARINT:
		return get_varint(f, p, end, &out->bits);
	case WIRE_FIXED64:
	case WIRE_FIXED32:
		n = wire == WIRE_FIXED64 ? 8 : 4;
		if ((size_t)(end - *p) < n)
			return proto_fail(f, end, BYTES_END);
		out->bits = n == 8 ? le64(*p) : le32(*p);
		break;
	default:
		if (get_stretch(f, p, end, &n))
			return -1;
		out->p = *p;
		out->bits = n;
		break;
	}
	*p += n;
	return 0;
}

int proto_skip_group(struct proto_fault *f, const uint8_t **p, const uint8_t *end, uint32_t number)
{
	uint32_t open[MAX_GROUPS];
	size_t depth = 0;
	struct proto_value v;
	enum proto_wire wire;

	open[depth++] = number;
	while (depth) {
		const uint8_t *start = *p;

		if (proto_get_tag(f, p, end, &number, &wire))
			return -1;
		if (wire == WIRE_END_GROUP) {
			if (open[--depth] != number)
				return proto_fail(f, start, "the end of another group");
		} else if (wire == WIRE_GROUP) {
			if (depth == MAX_GROUPS)
				return proto_fail(f, start, "groups nested deeper than 64");
			open[depth++] = number;
		} else if (proto_get_value(f, p, end, wire, &v)) {
			return -1;
		}
	}
	return 0;
}
