// SPDX-License-Identifier: Apache-2.0
// Is a text UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing past U+10FFFF)?
#ifndef KD_SCHEMA_UTF8_H
#define KD_SCHEMA_UTF8_H
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

// The rest of a text from its first byte past ASCII.
bool utf8_valid_rest(const uint8_t *p, const uint8_t *end);

// The first n of eight bytes, as they lie in memory.
static inline uint64_t utf8_first(const uint8_t *p, size_t n)
{
	static const uint8_t ones[16] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	uint64_t word, mask;

	memcpy(&word, p, 8);
	memcpy(&mask, ones + 8 - n, 8);
	return word & mask;
}

// The n bytes at p, of which those up to `end` may be read: a short ASCII text costs no branch on its length.
static inline bool utf8_valid(const uint8_t *p, size_t n, const uint8_t *end)
{
	const uint64_t high = 0x8080808080808080ULL;
	const uint8_t *last = p + n;
	uint64_t word;

	if (n <= 16 && end - p >= 16) {
		word = utf8_first(p, n < 8 ? n : 8) | utf8_first(p + 8, n < 8 ? 0 : n - 8);
		return !(word & high) || utf8_valid_rest(p, last);
	}
	for (; last - p >= 8; p += 8) {
		memcpy(&word, p, 8);
		if (word & high)
			return utf8_valid_rest(p, last);
	}
	for (; p < last; p++)
		if (*p & 0x80)
			return utf8_valid_rest(p, last);
	return true;
}
// Of a text that is UTF-8.
static inline uint64_t utf8_characters(const uint8_t *p, size_t n)
{
	uint64_t characters = 0;

	for (size_t i = 0; i < n; i++)
		characters += (p[i] & 0xc0) != 0x80;
	return characters;
}
#endif
