// SPDX-License-Identifier: Apache-2.0
// Registry framing: byte 0, the schema id as a big-endian int32, the payload.
#ifndef KD_SCHEMA_WIRE_H
#define KD_SCHEMA_WIRE_H
#include <stddef.h>
#include <stdint.h>

struct frame {
	int32_t schema_id;
	const uint8_t *payload;
	size_t len;
};

// 0, or -1 with a static reason in *why. A NULL value (tombstone) is the caller's to count; it has no frame.
int wire_parse(const void *value, size_t n, struct frame *out, const char **why);
#endif
