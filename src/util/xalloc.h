// SPDX-License-Identifier: Apache-2.0
// Allocation that cannot fail: out of memory ends the process with a message. Everything that matters
// is in the store, so dying is safe (docs/exactly-once.md), and no caller has an untested failure path.
#ifndef KD_UTIL_XALLOC_H
#define KD_UTIL_XALLOC_H
#include <stddef.h>

void *xmalloc(size_t n);
void *xcalloc(size_t count, size_t size);  // zeroed
void *xrealloc(void *p, size_t n);
char *xstrdup(const char *s);              // NULL gives NULL
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
// Gives memory that was freed back to the system, of which malloc keeps what was freed among what is still held. Takes
// milliseconds.
void xtrim(void);
// Before the first thread, of a process that runs for long: blocks of 128 KiB or more have pages of their own, and the
// end of each arena goes back. Without this malloc stops both once a large block was freed.
void xalloc_lean(void);

// GROW(array, count, cap): makes room for one more element; array, count and cap are lvalues.
#define GROW(a, n, cap)                                                                                      \
	do {                                                                                                 \
		if ((n) + 1 > (cap)) {                                                                       \
			(cap) = (cap) ? (cap) * 2 : 8;                                                       \
			(a) = xrealloc((a), (cap) * sizeof *(a));                                            \
		}                                                                                            \
	} while (0)
#define ARRAY_LEN(a) (sizeof(a) / sizeof *(a))
#endif
