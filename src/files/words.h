// SPDX-License-Identifier: Apache-2.0
// A dictionary of texts with their counts: what a column of categories is.
#ifndef KD_FILES_WORDS_H
#define KD_FILES_WORDS_H
#include <stddef.h>
#include <stdint.h>

struct word {
	const char *s; // NUL-terminated; in an arena of the dictionary
	size_t len;
	uint64_t n;
};

struct words {
	struct word *items; // in order of first appearance
	size_t n, cap;
	uint64_t *hashes;   // of each item
	uint32_t *slots;    // item + 1; 0: free
	size_t mask;
	struct words_chunk *chunks;
};

void words_init(struct words *w);
void words_release(struct words *w);
void words_count(struct words *w, const char *s, size_t len);
#endif
