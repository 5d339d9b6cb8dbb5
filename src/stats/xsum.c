// SPDX-License-Identifier: Apache-2.0
#include "stats/xsum.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "util/xalloc.h"

enum {
	LOWEST = -68, // digit of the square of the least double; a sum of 2^64 greatest squares ends below HIGHEST
	HIGHEST = 68,
	MAX_DIGITS = HIGHEST - LOWEST,
	BIG = 2 * MAX_DIGITS + 8,
};

// Sign and magnitude: digits from the lowest on, of weight 2^(32 (low + i)).
struct big {
	bool negative;
	int32_t low;
	size_t n;
	uint32_t d[BIG];
};

void xsum_release(struct xsum *s)
{
	free(s->digit);
	*s = (struct xsum){0};
}

// Digits but the last come to lie in [0, 2^32); the last keeps the sign and gets another above it when it is long.
static void carry(struct xsum *s)
{
	int64_t up = 0;

	s->adds = s->n != 0;
	for (uint32_t i = 0; i < s->n; i++) {
		int64_t v = s->digit[i] + up;

		up = v >> 32;
		if (i + 1 < s->n) {
			s->digit[i] = v & 0xffffffff;
		} else if (v == (int32_t)v) {
			s->digit[i] = v;
		} else {
			s->digit = xrealloc(s->digit, (s->n + 1) * sizeof *s->digit);
			s->digit[i] = v & 0xffffffff;
			s->digit[++i] = up;
			s->n++;
		}
	}
}

void xsum_reach(struct xsum *s, int32_t at, uint32_t n)
{
	int32_t low = s->n && s->low < at ? s->low : at;
	int32_t end = s->n && s->low + (int32_t)s->n > at + (int32_t)n ? s->low + (int32_t)s->n : at + (int32_t)n;

	if (s->adds >= XSUM_ADDS - 1)
		carry(s);
	if (end < s->low + (int32_t)s->n)
		end = s->low + (int32_t)s->n;
	if (s->n && low == s->low && end == s->low + (int32_t)s->n)
		return;
	int64_t *d = xmalloc((size_t)(end - low) * sizeof *d); // cheaper than calloc, and as small
	memset(d, 0, (size_t)(end - low) * sizeof *d);
	if (s->n)
		memcpy(d + (s->low - low), s->digit, s->n * sizeof *d);
	free(s->digit);
	s->digit = d;
	s->low = low;
	s->n = (uint32_t)(end - low);
}

// s += q 2^e; q has at most 128 bits.
static void add_wide(struct xsum *s, unsigned __int128 q, int32_t e)
{
	int32_t at = e >> 5, shift = e & 31;
	unsigned __int128 w = q << shift;

	if ((uint64_t)(uint32_t)(at - s->low) + 5 > s->n || s->adds == XSUM_ADDS)
		xsum_reach(s, at, 5);
	int64_t *d = s->digit + (at - s->low);
	d[0] += (uint32_t)w;
	d[1] += (uint32_t)(w >> 32);
	d[2] += (uint32_t)(w >> 64);
	d[3] += (uint32_t)(w >> 96);
	d[4] += (uint32_t)(q >> 96 >> (32 - shift));
	s->adds++;
}

void xsum_add_square(struct xsum *s, double x)
{
	uint32_t exponent;
	int64_t sign;
	uint64_t m = xsum_split(x, &exponent, &sign);

	add_wide(s, (unsigned __int128)m * m, 2 * ((int32_t)exponent - 1075));
}

// Values of one exponent are added as integers (Neal's large superaccumulator, a window of it): 2^10 of 53 bits fit.
enum { BATCH = 1024, WINDOW = 64 };

static void add_batch(struct xsum *s, struct xsum *squares, const double *x, size_t n)
{
	int64_t sum[WINDOW], sign;
	unsigned __int128 square[WINDOW];
	uint64_t used = 0;
	uint32_t exponent;

	xsum_split(x[0], &exponent, &sign);
	const uint32_t least = exponent - WINDOW / 2;
	for (size_t i = 0; i < n; i++) {
		uint64_t m = xsum_split(x[i], &exponent, &sign);
		uint32_t k = exponent - least;

		if (k >= WINDOW) {
			xsum_add(s, x[i]);
			xsum_add_square(squares, x[i]);
			continue;
		}
		if (!(used >> k & 1)) {
			used |= 1ULL << k;
			sum[k] = 0;
			square[k] = 0;
		}
		sum[k] += ((int64_t)m ^ sign) - sign;
		square[k] += (unsigned __int128)m * m;
	}
	for (; used; used &= used - 1) {
		uint32_t k = (uint32_t)__builtin_ctzll(used);
		int32_t e = (int32_t)(least + k) - 1075;

		sign = sum[k] >> 63;
		xsum_add_scaled(s, (uint64_t)((sum[k] ^ sign) - sign), e, sign);
		add_wide(squares, square[k], 2 * e);
	}
}

void xsum_add_all(struct xsum *s, struct xsum *squares, const double *x, size_t n)
{
	for (size_t i = 0; i < n; i += BATCH)
		add_batch(s, squares, x + i, n - i < BATCH ? n - i : BATCH);
}

static void merge(struct xsum *dst, const struct xsum *src, int64_t sign)
{
	if (!src->n)
		return;
	if (dst->adds > XSUM_ADDS - src->adds)
		carry(dst);
	xsum_reach(dst, src->low, src->n);
	for (uint32_t i = 0; i < src->n; i++)
		dst->digit[(int32_t)i + src->low - dst->low] += sign * src->digit[i];
	dst->adds += src->adds;
	if (dst->adds >= XSUM_ADDS)
		carry(dst);
}

void xsum_merge(struct xsum *dst, const struct xsum *src)
{
	merge(dst, src, 1);
}

void xsum_subtract(struct xsum *dst, const struct xsum *src)
{
	merge(dst, src, -1);
}

void xsum_copy(struct xsum *dst, const struct xsum *src)
{
	*dst = *src;
	if (src->n) {
		dst->digit = xmalloc(src->n * sizeof *dst->digit);
		memcpy(dst->digit, src->digit, src->n * sizeof *dst->digit);
	}
}

static void big_trim(struct big *b)
{
	size_t skip = 0;

	while (b->n && !b->d[b->n - 1])
		b->n--;
	while (skip < b->n && !b->d[skip])
		skip++;
	memmove(b->d, b->d + skip, (b->n - skip) * sizeof *b->d);
	b->n -= skip;
	b->low += (int32_t)skip;
}

static void big_of(const struct xsum *s, struct big *b)
{
	int64_t up = 0;

	b->low = s->low;
	b->n = 0;
	for (uint32_t i = 0; i < s->n; i++) {
		int64_t v = s->digit[i] + up;

		up = v >> 32;
		b->d[b->n++] = (uint32_t)v;
	}
	b->d[b->n++] = (uint32_t)up;
	b->d[b->n++] = (uint32_t)(up >> 32);
	b->negative = up < 0;
	for (size_t i = 0, one = 1; b->negative && i < b->n; i++) { // two's complement
		uint64_t v = (uint64_t)(uint32_t)~b->d[i] + one;

		b->d[i] = (uint32_t)v;
		one = v >> 32;
	}
	big_trim(b);
}

// The highest 64 bits of d / den, d of n digits, as *q 2^*e of the first digit's weight. -> whether less than that is left.
static bool quotient(const uint32_t *d, size_t n, uint64_t den, uint64_t *q, int64_t *e)
{
	unsigned __int128 bits = 0;
	uint64_t rest = 0;
	int64_t i = (int64_t)n;

	while (!(bits >> 64)) {
		unsigned __int128 part = (unsigned __int128)rest << 32 | (--i >= 0 ? d[i] : 0);

		bits = bits << 32 | (uint64_t)(part / den);
		rest = (uint64_t)(part % den);
	}
	int drop = 64 - __builtin_clzll((uint64_t)(bits >> 64));
	bool sticky = rest || (bits & (((unsigned __int128)1 << drop) - 1));
	*e += 32 * i + drop;
	*q = (uint64_t)(bits >> drop);
	while (i > 0 && !sticky)
		sticky = d[--i] != 0;
	return sticky;
}

// The same, bit by bit: of variances of 2^32 values and more.
static bool long_quotient(const uint32_t *d, size_t n, unsigned __int128 den, uint64_t *q, int64_t *e)
{
	unsigned __int128 rest = 0;
	int64_t i = 32 * (int64_t)n;
	bool sticky = false;

	*q = 0;
	for (; !(*q >> 63); i--) {
		bool bit = i > 0 && d[(i - 1) / 32] >> ((i - 1) % 32) & 1;

		rest = rest << 1 | bit;
		*q = *q << 1 | (rest >= den);
		rest -= rest >= den ? den : 0;
	}
	*e += i;
	for (; i > 0; i--)
		sticky |= d[(i - 1) / 32] >> ((i - 1) % 32) & 1;
	return sticky || rest;
}

// a * 2^shift / den, rounded once.
static double big_divide(const struct big *a, unsigned __int128 den, int shift)
{
	int64_t e = 32 * (int64_t)a->low + shift;
	uint64_t q;

	if (!a->n)
		return 0;
	bool sticky = den >> 64 ? long_quotient(a->d, a->n, den, &q, &e) : quotient(a->d, a->n, (uint64_t)den, &q, &e);
	// the weight of the last bit that the double can hold
	int64_t drop = 11, least = -1074 - e;
	if (least > drop)
		drop = least;
	if (drop > 64)
		return a->negative ? -0.0 : 0.0;
	uint64_t kept = drop == 64 ? 0 : q >> drop, half = 1ULL << (drop - 1), below = drop == 64 ? q : q & (2 * half - 1);
	if (below > half || (below == half && (sticky || (kept & 1))))
		kept++;
	double v = ldexp((double)kept, (int)(e + drop));
	return a->negative ? -v : v;
}

double xsum_value(const struct xsum *s)
{
	struct big b;

	big_of(s, &b);
	return big_divide(&b, 1, 0);
}

double xsum_mean(const struct xsum *s, uint64_t n)
{
	struct big b;

	big_of(s, &b);
	return big_divide(&b, n, 0);
}

static void big_scale(struct big *b, uint64_t n)
{
	unsigned __int128 up = 0;

	for (size_t i = 0; i < b->n; i++) {
		up += (unsigned __int128)b->d[i] * n;
		b->d[i] = (uint32_t)up;
		up >>= 32;
	}
	for (; up; up >>= 32)
		b->d[b->n++] = (uint32_t)up;
}

static void big_square(const struct big *a, struct big *out)
{
	out->negative = false;
	out->low = 2 * a->low;
	out->n = 2 * a->n;
	memset(out->d, 0, out->n * sizeof *out->d);
	for (size_t i = 0; i < a->n; i++) {
		uint64_t up = 0;

		for (size_t j = 0; j < a->n; j++) {
			up += (uint64_t)a->d[i] * a->d[j] + out->d[i + j];
			out->d[i + j] = (uint32_t)up;
			up >>= 32;
		}
		out->d[i + a->n] = (uint32_t)up;
	}
	big_trim(out);
}

// a -= b, where a >= b >= 0.
static void big_subtract(struct big *a, const struct big *b)
{
	int64_t up = 0;

	if (!b->n)
		return;
	if (b->low < a->low) {
		size_t more = (size_t)(a->low - b->low);

		memmove(a->d + more, a->d, a->n * sizeof *a->d);
		memset(a->d, 0, more * sizeof *a->d);
		a->n += more;
		a->low = b->low;
	}
	for (size_t i = 0, at = (size_t)(b->low - a->low); at + i < a->n && (i < b->n || up); i++) {
		up += (int64_t)a->d[at + i] - (i < b->n ? b->d[i] : 0);
		a->d[at + i] = (uint32_t)up;
		up >>= 32;
	}
	big_trim(a);
}

// n Q - S^2, never negative (Cauchy and Schwarz).
static void spread(const struct xsum *s, const struct xsum *squares, uint64_t n, struct big *out)
{
	struct big sum, squared;

	big_of(s, &sum);
	big_of(squares, out);
	big_scale(out, n);
	big_square(&sum, &squared);
	big_subtract(out, &squared);
}

double xsum_variance(const struct xsum *s, const struct xsum *squares, uint64_t n)
{
	struct big b;

	spread(s, squares, n, &b);
	return big_divide(&b, (unsigned __int128)n * (n - 1), 0);
}

double xsum_stddev(const struct xsum *s, const struct xsum *squares, uint64_t n)
{
	struct big b;

	spread(s, squares, n, &b);
	int shift = -32 * (b.low + (int32_t)b.n) & ~1; // so that the variance lies in a double's range
	return ldexp(sqrt(big_divide(&b, (unsigned __int128)n * (n - 1), shift)), -shift / 2);
}

// Bytes without zeros at either end; the lowest weighs 256^*low.
static size_t bytes_of(const struct xsum *s, uint8_t out[4 * BIG], int64_t *low, bool *negative)
{
	struct big b;
	size_t n = 0, from = 0;

	big_of(s, &b);
	for (size_t i = 0; i < b.n; i++)
		for (int k = 0; k < 32; k += 8)
			out[n++] = (uint8_t)(b.d[i] >> k);
	while (n && !out[n - 1])
		n--;
	while (from < n && !out[from])
		from++;
	memmove(out, out + from, n - from);
	*low = n ? 4 * (int64_t)b.low + (int64_t)from : 0;
	*negative = n && b.negative;
	return n - from;
}

void xsum_put(const struct xsum *s, struct buf *out)
{
	uint8_t bytes[4 * BIG];
	bool negative;
	int64_t low;
	size_t n = bytes_of(s, bytes, &low, &negative);

	buf_svar(out, low);
	buf_uvar(out, (uint64_t)n << 1 | negative);
	buf_add(out, bytes, n);
}

char *xsum_text(const struct xsum *s)
{
	struct buf text = BUF_INIT;
	uint8_t bytes[4 * BIG];
	bool negative;
	int64_t low;
	size_t n = bytes_of(s, bytes, &low, &negative);

	buf_addf(&text, "%s0x%s", negative ? "-" : "", n ? "" : "0");
	while (n)
		buf_addf(&text, "%02x", bytes[--n]);
	buf_addf(&text, "p%lld", 8 * (long long)low);
	return buf_steal(&text);
}

bool xsum_parse(struct xsum *out, const char *text)
{
	bool negative = *text == '-';
	const char *hex = text + negative + 2, *p = hex + strspn(hex, "0123456789abcdef");
	uint8_t bytes[4 * BIG];
	size_t n = (size_t)(p - hex) / 2;
	char *end;

	*out = (struct xsum){0};
	if (strncmp(text + negative, "0x", 2) || *p != 'p' || n > sizeof bytes)
		return false;
	long long low = strtoll(p + 1, &end, 10);
	if (end == p + 1 || *end || low % 8)
		return false;
	if (p - hex == 1)
		return *hex == '0' && !low && !negative;
	for (size_t i = 0; i < n; i++) {
		unsigned byte;

		sscanf(hex + 2 * i, "%2x", &byte);
		bytes[n - 1 - i] = (uint8_t)byte;
	}
	return (p - hex) % 2 == 0 && n && xsum_set(out, low / 8, negative, bytes, n);
}

void xsum_clear(struct xsum *s)
{
	if (s->n)
		memset(s->digit, 0, s->n * sizeof *s->digit);
	s->adds = 0;
}

static bool digits_valid(int64_t low, bool negative, const uint8_t *digits, size_t n)
{
	if (!n)
		return !low && !negative;
	return digits[0] && digits[n - 1] && low >= 4 * LOWEST && low <= 4 * HIGHEST && (int64_t)n <= 4 * HIGHEST - low;
}

// How many digits they lie in, and one for what is carried.
static uint32_t digits_reach(int64_t low, size_t n)
{
	return (uint32_t)((low + (int64_t)n - 1) / 4 - (low >> 2) + 2);
}

static uint64_t four_bytes(const uint8_t *b, size_t n)
{
	uint64_t v = 0;

	if (n >= 4)
		return (uint64_t)b[0] | (uint64_t)b[1] << 8 | (uint64_t)b[2] << 16 | (uint64_t)b[3] << 24;
	while (n--)
		v = v << 8 | b[n];
	return v;
}

bool xsum_add_digits(struct xsum *s, int64_t low, bool negative, const uint8_t *digits, size_t n)
{
	const int64_t sign = negative ? -1 : 1;
	const int32_t first = (int32_t)(low >> 2);
	const int shift = 8 * (int)(low & 3);

	if (!digits_valid(low, negative, digits, n))
		return false;
	if (!n)
		return true;
	uint32_t reach = digits_reach(low, n);
	if (first < s->low || first + (int64_t)reach > s->low + (int64_t)s->n || s->adds >= XSUM_ADDS - 1)
		xsum_reach(s, first, reach);
	int64_t *d = s->digit + (first - s->low);
	for (size_t i = 0; i < n; i += 4, d++) {
		uint64_t w = four_bytes(digits + i, n - i) << shift;

		d[0] += sign * (int64_t)(w & 0xffffffff);
		d[1] += sign * (int64_t)(w >> 32);
	}
	s->adds++;
	return true;
}

bool xsum_set(struct xsum *out, int64_t low, bool negative, const uint8_t *digits, size_t n)
{
	xsum_clear(out);
	if (!digits_valid(low, negative, digits, n))
		return false;
	if (n && digits_reach(low, n) <= out->n)
		out->low = (int32_t)(low >> 2);
	else
		xsum_release(out);
	return xsum_add_digits(out, low, negative, digits, n);
}
