// SPDX-License-Identifier: Apache-2.0
// Protobuf's tags, numbers and stretches of bytes, every bound checked. Each moves *p behind what it read; -1: the fault
// says what is wrong and where. Private to proto_read.c.
#ifndef KD_SCHEMA_PROTO_WIRE_H
#define KD_SCHEMA_PROTO_WIRE_H
#include <stddef.h>
#include <stdint.h>

enum proto_wire { WIRE_VARINT, WIRE_FIXED64, WIRE_BYTES, WIRE_GROUP, WIRE_END_GROUP, WIRE_FIXED32 };

struct proto_fault {
	const uint8_t *at;
	const char *why;
};

struct proto_value {
	const uint8_t *p; // NULL: a number
	uint64_t bits;	  // the number, or how many bytes
};

int proto_fail(struct proto_fault *f, const uint8_t *at, const char *why); // -1
int proto_get_tag(struct proto_fault *f, const uint8_t **p, const uint8_t *end, uint32_t *number, enum proto_wire *wire);
// What stands behind a tag, or in a packed run. Not for groups.
int proto_get_value(struct proto_fault *f, const uint8_t **p, const uint8_t *end, enum proto_wire wire,
		    struct proto_value *out);
// An unknown group, from behind its tag.
int proto_skip_group(struct proto_fault *f, const uint8_t **p, const uint8_t *end, uint32_t number);
#endif
