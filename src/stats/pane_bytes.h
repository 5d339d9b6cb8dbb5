// SPDX-License-Identifier: Apache-2.0
// What the parts of a pane's bytes have in common (private to stats/).
#ifndef KD_STATS_PANE_BYTES_H
#define KD_STATS_PANE_BYTES_H
#include <string.h>

#include "util/buf.h"
#include "util/xalloc.h"

static inline void put_cstr(struct buf *out, const char *s)
{
	buf_str(out, s, strlen(s));
}

// A copy, "" when bad.
static inline char *get_cstr(struct rd *r)
{
	size_t n;
	const char *s = rd_str(r, &n);

	r->bad |= n && memchr(s, 0, n);
	return xstrndup(n ? s : "", n);
}

// How many elements follow: at least a byte each.
static inline size_t get_count(struct rd *r)
{
	uint64_t n = rd_uvar(r);

	r->bad |= n > rd_left(r);
	return r->bad ? 0 : (size_t)n;
}

static inline void put_range(struct buf *out, int64_t min, int64_t max)
{
	buf_svar(out, min);
	buf_uvar(out, (uint64_t)max - (uint64_t)min);
}

static inline void get_range(struct rd *r, int64_t *min, int64_t *max)
{
	*min = rd_svar(r);
	*max = (int64_t)((uint64_t)*min + rd_uvar(r));
	r->bad |= *max < *min;
}
#endif
