// SPDX-License-Identifier: Apache-2.0
// simdjson's DOM parser for C. A parsed text is a tape of words, in the layout that simdjson documents as stable:
// the high byte of a word is what it is, the other 56 bits its payload.
//
//     { [    low 32 bits: the word behind the matching end
//     " l u d    a string's place among `strings` (4 bytes of length, the text, NUL); for numbers (int64, uint64,
//            double) the next word is the value
//     t f n
//
// Word 0 is the root; the value begins at word 1. A key is a string before its value.
#ifndef KD_SCHEMA_JSON_DOM_H
#define KD_SCHEMA_JSON_DOM_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define JSON_MAX_DEPTH 128 // arrays and objects within one another

struct json_dom; // one text at a time; its memory is kept for the next
struct json_dom *json_dom_new(void);
void json_dom_free(struct json_dom *d);

enum json_verdict { JSON_READ, JSON_UNREADABLE, JSON_TRAILING };
struct json_tape {
	const uint64_t *words;
	const uint8_t *strings;
	size_t end;	 // JSON_TRAILING: the bytes of the text before what is left over
	const char *why; // but for JSON_READ
};

// A number beyond 64 bits is its nearest double, which may be an infinity. Reads nothing outside of the n bytes.
enum json_verdict json_dom_parse(struct json_dom *d, const uint8_t *bytes, size_t n, struct json_tape *out);

#ifdef __cplusplus
}
#endif

static inline char tape_kind(uint64_t word)
{
	return (char)(word >> 56);
}

// The word behind a value.
static inline size_t tape_next(const uint64_t *words, size_t at)
{
	switch (tape_kind(words[at])) {
	case '{':
	case '[':
		return words[at] & 0xffffffff;
	case 'l':
	case 'u':
	case 'd':
		return at + 2;
	default:
		return at + 1;
	}
}

static inline const char *tape_text(const struct json_tape *t, size_t at, size_t *n)
{
	const uint8_t *p = t->strings + (t->words[at] & 0xffffffffffffff);
	uint32_t len;

	memcpy(&len, p, sizeof len);
	*n = len;
	return (const char *)p + sizeof len;
}

static inline double tape_number(const struct json_tape *t, size_t at)
{
	double v;

	if (tape_kind(t->words[at]) == 'l')
		return (double)(int64_t)t->words[at + 1];
	if (tape_kind(t->words[at]) == 'u')
		return (double)t->words[at + 1];
	memcpy(&v, &t->words[at + 1], sizeof v);
	return v;
}
#endif
