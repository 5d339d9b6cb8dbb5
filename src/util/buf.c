// SPDX-License-Identifier: Apache-2.0
#include "util/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/xalloc.h"

void buf_init(struct buf *b)
{
	*b = (struct buf)BUF_INIT;
}

void buf_release(struct buf *b)
{
	free(b->data);
	buf_init(b);
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	if (b->data)
		b->data[0] = 0;
}

char *buf_steal(struct buf *b)
{
	char *p = b->data ? b->data : xstrdup("");

	buf_init(b);
	return p;
}

void buf_reserve(struct buf *b, size_t more)
{
	size_t want = b->len + more + 1;

	if (want <= b->cap)
		return;
	b->cap = want > b->cap * 2 ? want : b->cap * 2;
	b->data = xrealloc(b->data, b->cap);
}

void buf_trim(struct buf *b)
{
	if (!b->data)
		return;
	b->cap = b->len + 1;
	b->data = xrealloc(b->data, b->cap);
}

void buf_add(struct buf *b, const void *p, size_t n)
{
	buf_reserve(b, n);
	if (n)
		memcpy(b->data + b->len, p, n);
	b->len += n;
	b->data[b->len] = 0;
}

void buf_adds(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_addc(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	buf_reserve(b, (size_t)n);
	va_start(ap, fmt);
	vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
}

static void put_le(struct buf *b, uint64_t v, int n)
{
	char c[8];

	for (int i = 0; i < n; i++)
		c[i] = (char)(v >> (8 * i));
	buf_add(b, c, (size_t)n);
}

void buf_u8(struct buf *b, uint8_t v)
{
	put_le(b, v, 1);
}

void buf_u32(struct buf *b, uint32_t v)
{
	put_le(b, v, 4);
}

void buf_u64(struct buf *b, uint64_t v)
{
	put_le(b, v, 8);
}

void buf_f64(struct buf *b, double v)
{
	uint64_t u;

	memcpy(&u, &v, 8);
	put_le(b, u, 8);
}

void buf_uvar_long(struct buf *b, uint64_t v)
{
	char c[10];
	size_t n = 0;

	do {
		c[n++] = (char)((v & 0x7f) | (v > 0x7f ? 0x80 : 0));
		v >>= 7;
	} while (v);
	buf_add(b, c, n);
}

void buf_svar(struct buf *b, int64_t v)
{
	buf_uvar(b, ((uint64_t)v << 1) ^ (uint64_t)(v >> 63));
}

void buf_str(struct buf *b, const char *p, size_t n)
{
	buf_uvar(b, n);
	buf_add(b, p, n);
}

void rd_init(struct rd *r, const void *p, size_t n)
{
	r->p = p;
	r->end = r->p + n;
	r->bad = false;
}

size_t rd_left(const struct rd *r)
{
	return (size_t)(r->end - r->p);
}

static uint64_t get_le(struct rd *r, size_t n)
{
	uint64_t v = 0;

	if (r->bad || rd_left(r) < n) {
		r->bad = true;
		return 0;
	}
	for (size_t i = 0; i < n; i++)
		v |= (uint64_t)r->p[i] << (8 * i);
	r->p += n;
	return v;
}

uint32_t rd_u32(struct rd *r)
{
	return (uint32_t)get_le(r, 4);
}

uint64_t rd_u64(struct rd *r)
{
	return get_le(r, 8);
}

double rd_f64(struct rd *r)
{
	uint64_t u = get_le(r, 8);
	double v;

	memcpy(&v, &u, 8);
	return v;
}

uint64_t rd_uvar_long(struct rd *r)
{
	uint64_t v = 0;

	for (int shift = 0; shift < 64 && !r->bad; shift += 7) {
		uint8_t c = rd_u8(r);

		if (shift == 63 && c > 1)
			break;
		v |= (uint64_t)(c & 0x7f) << shift;
		if (!(c & 0x80))
			return r->bad ? 0 : v;
	}
	r->bad = true;
	return 0;
}

int64_t rd_svar(struct rd *r)
{
	uint64_t v = rd_uvar(r);

	return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

const char *rd_str(struct rd *r, size_t *n)
{
	uint64_t len = rd_uvar(r);
	const char *s = (const char *)r->p;

	if (r->bad || len > rd_left(r)) {
		r->bad = true;
		*n = 0;
		return NULL;
	}
	*n = (size_t)len;
	r->p += len;
	return s;
}

ssize_t buf_read_file(struct buf *b, const char *path, size_t limit)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n, total = 0;

	if (fd < 0)
		return -1;
	for (;;) {
		buf_reserve(b, 65536);
		n = read(fd, b->data + b->len, 65536);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		b->len += (size_t)n;
		total += n;
		if ((size_t)total > limit) {
			errno = EFBIG;
			n = -1;
			break;
		}
	}
	b->data[b->len] = 0;
	int saved = errno;
	close(fd);
	errno = saved;
	return n < 0 ? -1 : total;
}

static int write_all(int fd, const struct buf *b)
{
	for (size_t done = 0; done < b->len;) {
		ssize_t n = write(fd, b->data + done, b->len - done);

		if (n < 0 && errno != EINTR)
			return -1;
		done += n > 0 ? (size_t)n : 0;
	}
	return fsync(fd);
}

int buf_write_file(const struct buf *b, const char *path)
{
	char *part = xasprintf("%s.part", path);
	int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666), rc = -1, saved;

	if (fd >= 0) {
		rc = write_all(fd, b);
		saved = errno;
		close(fd);
		errno = saved;
		if (!rc)
			rc = rename(part, path);
		if (rc) {
			saved = errno;
			unlink(part);
			errno = saved;
		}
	}
	saved = errno;
	free(part);
	errno = saved;
	return rc;
}
