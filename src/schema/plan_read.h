// SPDX-License-Identifier: Apache-2.0
// Avro's numbers, lengths and texts off a record's bytes, every bound checked. Each gives NULL and moves *at
// behind what it read, or gives what is wrong. Private to plan_walk.c and plan_leaf.c.
#ifndef KD_SCHEMA_PLAN_READ_H
#define KD_SCHEMA_PLAN_READ_H
#include <stddef.h>
#include <stdint.h>

#include "schema/utf8.h"

#define BYTES_END "the bytes end inside it"

static inline uint32_t le32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t le64(const uint8_t *p)
{
	return (uint64_t)le32(p) | (uint64_t)le32(p + 4) << 32;
}

// By value, so that a walk's position can stay in a register. end: behind the number; NULL: why tells.
struct varint {
	union {
		uint64_t bits;
		const char *why;
	};
	const uint8_t *end;
};

// A number of any length, a byte a time.
struct varint varint_bytewise(const uint8_t *p, const uint8_t *end);

// Up to eight bytes at once: what lies behind the number is masked off, then the sevens of bits are pushed
// together in pairs, fours and eights. No branch depends on the length.
static inline struct varint varint_read(const uint8_t *p, const uint8_t *end)
{
	if (end - p < 8)
		return varint_bytewise(p, end);
	uint64_t v = le64(p);
	uint64_t last = ~v & 0x8080808080808080ULL;
	if (!last)
		return varint_bytewise(p, end);
	v &= last ^ (last - 1);
	v = (v & 0x007f007f007f007fULL) | (v & 0x7f007f007f007f00ULL) >> 1;
	v = (v & 0x00003fff00003fffULL) | (v & 0x3fff00003fff0000ULL) >> 2;
	v = (v & 0x000000000fffffffULL) | (v & 0x0fffffff00000000ULL) >> 4;
	return (struct varint){.bits = v, .end = p + (__builtin_ctzll(last) >> 3) + 1};
}

// A zigzag varint of whatever length.
static inline const char *get_number(const uint8_t **at, const uint8_t *end, int64_t *out)
{
	struct varint v = varint_read(*at, end);

	if (!v.end) {
		*out = 0;
		return v.why;
	}
	*at = v.end;
	*out = (int64_t)(v.bits >> 1) ^ -(int64_t)(v.bits & 1);
	return NULL;
}

static inline const char *get_int(const uint8_t **at, const uint8_t *end, int64_t *out)
{
	const char *why = get_number(at, end, out);

	return why ? why : *out == (int32_t)*out ? NULL : "a number of more than 32 bits";
}

// One that mostly has one byte: a length, a count, an index.
static inline const char *get_small(const uint8_t **at, const uint8_t *end, int64_t *out)
{
	uint64_t v;

	if (*at < end && **at < 0x80) {
		v = *(*at)++;
	} else {
		struct varint long_one = varint_bytewise(*at, end);

		if (!long_one.end) {
			*out = 0;
			return long_one.why;
		}
		v = long_one.bits;
		*at = long_one.end;
	}
	*out = (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
	return NULL;
}

// *at is left before the bytes.
static inline const char *get_length(const uint8_t **at, const uint8_t *end, size_t *n)
{
	int64_t v;
	const char *why = get_small(at, end, &v);

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

	return why ? why : utf8_valid(*at, *n, end) ? NULL : "a text that is not UTF-8";
}
#endif
