// SPDX-License-Identifier: Apache-2.0
// A growable byte buffer and a bounds-checked reader over bytes. Numbers are little-endian whatever the
// machine; varints are LEB128. A buffer's text is always followed by a NUL that does not count in len.
#ifndef KD_UTIL_BUF_H
#define KD_UTIL_BUF_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct buf {
	char *data; // NULL until the first byte
	size_t len, cap;
};

#define BUF_INIT {NULL, 0, 0}

void buf_init(struct buf *b);
void buf_release(struct buf *b);
void buf_clear(struct buf *b);            // keeps the memory
char *buf_steal(struct buf *b);           // the caller frees; never NULL
void buf_reserve(struct buf *b, size_t more);
void buf_trim(struct buf *b);             // gives back what it does not need
void buf_add(struct buf *b, const void *p, size_t n);
void buf_adds(struct buf *b, const char *s);
void buf_addc(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void buf_u8(struct buf *b, uint8_t v);
void buf_u32(struct buf *b, uint32_t v);
void buf_u64(struct buf *b, uint64_t v);
void buf_f64(struct buf *b, double v);
void buf_uvar_long(struct buf *b, uint64_t v); // for buf_uvar
// Most are of one byte.
static inline void buf_uvar(struct buf *b, uint64_t v)
{
	if (v > 0x7f || b->len + 2 > b->cap) {
		buf_uvar_long(b, v);
		return;
	}
	b->data[b->len++] = (char)v;
	b->data[b->len] = 0;
}
void buf_svar(struct buf *b, int64_t v);  // zigzag
void buf_str(struct buf *b, const char *p, size_t n); // uvar length, then the bytes

// Reader: past the end every read gives zero and sets bad; check bad once at the end.
struct rd {
	const uint8_t *p, *end;
	bool bad;
};

void rd_init(struct rd *r, const void *p, size_t n);
uint32_t rd_u32(struct rd *r);
uint64_t rd_u64(struct rd *r);
double rd_f64(struct rd *r);
uint64_t rd_uvar_long(struct rd *r); // for rd_uvar
// Most are of one byte.
static inline uint64_t rd_uvar(struct rd *r)
{
	return !r->bad && r->p < r->end && *r->p < 0x80 ? *r->p++ : rd_uvar_long(r);
}
static inline uint8_t rd_u8(struct rd *r)
{
	if (!r->bad && r->p < r->end)
		return *r->p++;
	r->bad = true;
	return 0;
}
int64_t rd_svar(struct rd *r);
const char *rd_str(struct rd *r, size_t *n);  // points into the input; NULL and *n = 0 when bad
size_t rd_left(const struct rd *r);

// The whole file; -1 with errno set. limit bounds the size (EFBIG).
ssize_t buf_read_file(struct buf *b, const char *path, size_t limit);
// Replaces the file as a whole: readers see the old one or the new. -1 with errno set.
int buf_write_file(const struct buf *b, const char *path);
#endif
