// SPDX-License-Identifier: Apache-2.0
#include "schema/wire.h"

int wire_parse(const void *value, size_t n, struct frame *out, const char **why)
{
	const uint8_t *p = value;

	if (n < 5) {
		*why = "shorter than the 5 bytes of a frame";
		return -1;
	}
	if (p[0]) {
		*why = "does not begin with the magic byte 0";
		return -1;
	}
	uint32_t id = (uint32_t)p[1] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 8 | p[4];
	*out = (struct frame){(int32_t)id, p + 5, n - 5};
	return 0;
}
