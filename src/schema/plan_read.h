// SPDX-License-Identifier: Apache-2.0
// Avro's numbers, lengths and texts off a record's bytes, every bound checked. Each gives NULL and moves *at
// behind what it read, or gives what is wrong. Private to plan_walk.c and plan_leaf.c.
#ifndef KD_SCHEMA_PLAN_READ_H
#define KD_SCHEMA_PLAN_READ_H
#include <stddef.h>
#include <stdint.h>

#include "schema/utf8.h"

#define BYTES_END "the bytes end inside it"

static inline const char *varint_rest(const uint8_t **at, const uint8_t *end, uint64_t *out)
{
	const uint8_t *p = *at;
	uint64_t v = 0;

	for (int shift = 0; p < end; shift += 7) {
		uint8_t c = *p++;

		if (shift == 63 && c > 1)
			return "a number of more than 64 bits";
		v |= (uint64_t)(c & 0x7f) << shift;
		if (c < 0x80) {
			*at = p;
			*out = v;
			return NULL;
		}
	}
	return BYTES_END;
}

// A zigzag varint.
static inline const char *get_long(const uint8_t **at, const uint8_t *end, int64_t *out)
{
	const char *why = NULL;
	uint64_t v;

	if (*at < end && **at < 0x80)
		v = *(*at)++;
	else if ((why = varint_rest(at, end, &v)))
		return why;
	*out = (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
	return NULL;
}

static inline const char *get_int(const uint8_t **at, const uint8_t *end, int64_t *out)
{
	const char *why = get_long(at, end, out);

	return why ? why : *out == (int32_t)*out ? NULL : "a number of more than 32 bits";
}

// *at is left before the bytes.
static inline const char *get_length(const uint8_t **at, const uint8_t *end, size_t *n)
{
	int64_t v;
	const char *why = get_long(at, end, &v);

	if (why)
		return why;
	if (v < 0)
		return "a negative length";
	*n = (size_t)v;
	return (uint64_t)v > (uint64_t)(end - *at) ? "its length is more than the bytes left" : NULL;
}

static inline const char *get_text(const uint8_t **at, const uint8_t *end, size_t *n)
{
	const char *why = get_length(at, end, n);

	return why ? why : utf8_valid(*at, *n) ? NULL : "a text that is not UTF-8";
}
#endif
