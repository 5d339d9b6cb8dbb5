// SPDX-License-Identifier: Apache-2.0
// Is a text UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing past U+10FFFF)? Eight bytes of ASCII a step.
#ifndef KD_SCHEMA_UTF8_H
#define KD_SCHEMA_UTF8_H
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

// The rest of a text from its first byte past ASCII.
bool utf8_valid_rest(const uint8_t *p, const uint8_t *end);

static inline bool utf8_valid(const uint8_t *p, size_t n)
{
	const uint8_t *end = p + n;
	uint64_t word = 0;

	for (; end - p >= 8; p += 8) {
		memcpy(&word, p, 8);
		if (word & 0x8080808080808080ULL)
			return utf8_valid_rest(p, end);
	}
	for (; p < end; p++)
		if (*p & 0x80)
			return utf8_valid_rest(p, end);
	return true;
}
#endif
