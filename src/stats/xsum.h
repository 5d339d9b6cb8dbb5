// SPDX-License-Identifier: Apache-2.0
// An exact sum of doubles, or of their squares: a fixed-point number of as many bits as its addends reach
// (Neal 2015, arXiv:1505.05571, the small superaccumulator). Nothing is rounded before the sum is read, so it is the
// same in whatever order it was added and merged.
//
//     struct xsum s = {0}, q = {0};
//     xsum_add(&s, x), xsum_add_square(&q, x);
//     xsum_mean(&s, n), xsum_stddev(&s, &q, n);
//     xsum_release(&s), xsum_release(&q);
#ifndef KD_STATS_XSUM_H
#define KD_STATS_XSUM_H
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "util/buf.h"

// Digits of 32 bits that are carried late: an int64_t holds 2^30 additions of them. All zero: the sum is 0.
struct xsum {
	int64_t *digit; // digit[i] weighs 2^(32 (low + i))
	int32_t low;
	uint32_t n;    // digits there are
	uint32_t adds; // since they were carried
};

enum { XSUM_ADDS = 1 << 30 };

void xsum_release(struct xsum *s);
void xsum_clear(struct xsum *s); // 0 again; keeps its memory
// Makes room for the `n` digits from `at` on, and carries what is due. Private to the functions below.
void xsum_reach(struct xsum *s, int32_t at, uint32_t n);

// x = m 2^e with m an integer, e = exponent - 1075, and x < 0 where sign is -1.
static inline uint64_t xsum_split(double x, uint32_t *exponent, int64_t *sign)
{
	uint64_t u;

	memcpy(&u, &x, sizeof u);
	*sign = (int64_t)u >> 63;
	*exponent = (uint32_t)(u >> 52) & 0x7ff;
	uint64_t normal = *exponent != 0;
	*exponent += !normal;
	return (u & 0xfffffffffffffULL) | normal << 52;
}

// s += m 2^e, or less where sign is -1.
static inline void xsum_add_scaled(struct xsum *s, uint64_t m, int32_t e, int64_t sign)
{
	int32_t at = e >> 5;
	unsigned __int128 w = (unsigned __int128)m << (e & 31);

	if ((uint64_t)(uint32_t)(at - s->low) + 3 > s->n || s->adds == XSUM_ADDS)
		xsum_reach(s, at, 3);
	int64_t *d = s->digit + (at - s->low);
	d[0] += ((int64_t)(uint32_t)w ^ sign) - sign;
	d[1] += ((int64_t)(uint32_t)(w >> 32) ^ sign) - sign;
	d[2] += ((int64_t)(uint32_t)(w >> 64) ^ sign) - sign;
	s->adds++;
}

// x is finite.
static inline void xsum_add(struct xsum *s, double x)
{
	uint32_t exponent;
	int64_t sign;
	uint64_t m = xsum_split(x, &exponent, &sign);

	xsum_add_scaled(s, m, (int32_t)exponent - 1075, sign);
}

void xsum_add_square(struct xsum *s, double x);
// n values to s and their squares to `squares`: several times as fast as one by one.
void xsum_add_all(struct xsum *s, struct xsum *squares, const double *x, size_t n);
void xsum_merge(struct xsum *dst, const struct xsum *src);
void xsum_subtract(struct xsum *dst, const struct xsum *src);
void xsum_copy(struct xsum *dst, const struct xsum *src); // dst is overwritten, not released

// Each is rounded once, to the nearest double, ties to even; past the range of a double it is infinite.
double xsum_value(const struct xsum *s);
double xsum_mean(const struct xsum *s, uint64_t n);	// n > 0
double xsum_variance(const struct xsum *s, const struct xsum *squares, uint64_t n); // n > 1: (n Q - S^2) / (n (n - 1))
double xsum_stddev(const struct xsum *s, const struct xsum *squares, uint64_t n);   // the root of it, rounded twice

// Canonical bytes: svar 8-bit digits below the first, uvar digits << 1 | negative, the digits from the lowest on.
void xsum_put(const struct xsum *s, struct buf *out);
// As text: "-0x1A2Bp-1074" is a hexadecimal integer times a power of two; "0x0p0" is 0. The caller frees.
char *xsum_text(const struct xsum *s);
bool xsum_parse(struct xsum *out, const char *text);
// The value of n such digits, in place of what it was; false where they are not canonical or out of a square's range.
bool xsum_set(struct xsum *out, int64_t low, bool negative, const uint8_t *digits, size_t n);
bool xsum_add_digits(struct xsum *s, int64_t low, bool negative, const uint8_t *digits, size_t n); // s += that value
#endif
