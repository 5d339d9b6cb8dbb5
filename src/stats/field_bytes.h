// SPDX-License-Identifier: Apache-2.0
// How a field's bytes are read (format: field_codec.c), for those who read them (private to stats/).
#ifndef KD_STATS_FIELD_BYTES_H
#define KD_STATS_FIELD_BYTES_H
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "util/buf.h"

enum { GAP_MAX = 64, TEXT_SHIFT = 24 };
enum { STATS_APPROXIMATE = 1, STATS_MIXED = 2, STATS_GRID = 4, STATS_ELEMENTS = 8, STATS_WHOLE = 16, STATS_SECOND = 32,
       STATS_LOG = 64, STATS_FLAGS = 127 };

static inline double get_num(struct rd *r)
{
	uint8_t k = rd_u8(r);
	uint64_t u = 0;
	double v;

	r->bad |= k > 8 || k > rd_left(r);
	for (int i = 0; i < k && !r->bad; i++)
		u |= (uint64_t)r->p[i] << (56 - 8 * i);
	r->p += r->bad ? 0 : k;
	memcpy(&v, &u, 8);
	return v;
}

// a + b, bad where that is past 64 bits
static inline uint64_t add_checked(struct rd *r, uint64_t a, uint64_t b)
{
	r->bad |= a + b < a;
	return a + b;
}

static inline uint64_t get_token(struct rd *r, uint64_t *gap)
{
	uint64_t t = rd_uvar(r), n = t & 15;

	*gap = t >> 4;
	return n < 15 ? n : add_checked(r, 15, rd_uvar(r));
}

// Adds tokens that are short, which most are, to bins from *bin on, up to one that is not. -> the sum of them.
static inline uint64_t get_short_tokens(struct rd *r, uint64_t *bins, size_t nbins, size_t *bin)
{
	const uint8_t *p = r->p;
	uint64_t total = 0;
	size_t i = *bin;

	while (r->end - p >= 3) {
		size_t at = i + (*p >> 4);
		unsigned c = *p & 15, len = 1;

		if (*p > 0x7f || !c || at >= nbins)
			break;
		if (c == 15) {
			if (p[1] <= 0x7f)
				c += p[1], len = 2;
			else if (p[2] <= 0x7f)
				c += (p[1] & 0x7f) | (unsigned)p[2] << 7, len = 3;
			else
				break;
		}
		p += len;
		bins[at] += c;
		total += c;
		i = at + 1;
	}
	r->p = p;
	*bin = i;
	return total;
}

// Adds tokens until the bins are full. -> the sum of them.
static inline uint64_t get_tokens(struct rd *r, uint64_t *bins, size_t nbins)
{
	uint64_t total = 0, gap;

	for (size_t i = 0; i < nbins && !r->bad;) {
		total = add_checked(r, total, get_short_tokens(r, bins, nbins, &i));
		if (i == nbins)
			break;
		uint64_t c = get_token(r, &gap);

		r->bad |= gap > GAP_MAX || gap + (c > 0) > nbins - i || gap + c == 0;
		if (r->bad)
			break;
		i += gap;
		if (c)
			bins[i++] += c;
		total = add_checked(r, total, c);
	}
	return total;
}

// The bytes of a sum (xsum_put), not looked into.
struct sum_bytes {
	int64_t low;
	bool negative;
	const uint8_t *digits;
	size_t n;
};

static inline struct sum_bytes get_sum_bytes(struct rd *r)
{
	int64_t low = rd_svar(r);
	uint64_t n = rd_uvar(r);
	struct sum_bytes s = {low, n & 1, r->p, n >> 1};

	r->bad |= s.n > rd_left(r);
	r->p += r->bad ? 0 : s.n;
	return s;
}
#endif
