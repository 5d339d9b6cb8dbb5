// SPDX-License-Identifier: Apache-2.0
#include "util/xalloc.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEAN = 128 << 10 };

static void *checked(void *p, size_t n)
{
	if (!p && n) {
		fprintf(stderr, "kdrift: out of memory while asking for %zu bytes\n", n);
		abort();
	}
	return p;
}

void *xmalloc(size_t n)
{
	return checked(malloc(n), n);
}

void *xcalloc(size_t count, size_t size)
{
	return checked(calloc(count, size), count * size);
}

void *xrealloc(void *p, size_t n)
{
	return checked(realloc(p, n), n);
}

char *xstrdup(const char *s)
{
	return s ? xstrndup(s, strlen(s)) : NULL;
}

char *xstrndup(const char *s, size_t n)
{
	char *p = xmalloc(n + 1);

	memcpy(p, s, n);
	p[n] = 0;
	return p;
}

char *xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *p = NULL;

	va_start(ap, fmt);
	int n = vasprintf(&p, fmt, ap);
	va_end(ap);
	return checked(n < 0 ? NULL : p, 1);
}

void xalloc_lean(void)
{
#ifdef __GLIBC__
	mallopt(M_MMAP_THRESHOLD, LEAN);
	mallopt(M_TRIM_THRESHOLD, LEAN);
#endif
}

void xtrim(void)
{
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}
