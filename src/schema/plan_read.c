// SPDX-License-Identifier: Apache-2.0
#include "schema/plan_read.h"

static struct varint refuse(const char *why)
{
	return (struct varint){.why = why, .end = NULL};
}

struct varint varint_bytewise(const uint8_t *p, const uint8_t *end)
{
	uint64_t v = 0;

	for (int shift = 0; p < end; shift += 7) {
		uint8_t c = *p++;

		if (shift == 63 && c > 1)
			return refuse("a number of more than 64 bits");
		v |= (uint64_t)(c & 0x7f) << shift;
		if (c < 0x80)
			return (struct varint){.bits = v, .end = p};
	}
	return refuse(BYTES_END);
}
