// SPDX-License-Identifier: Apache-2.0
// Decimal numbers to doubles, correctly rounded, several times as fast as strtod. Private to files/; in a
// header because it is called for every cell.
//
// Up to eight digits are taken at once out of a 64-bit word: after the exclusive or with "00000000" a byte is
// a digit's value or above 9, and three multiplications add neighbours up to pairs, fours and eights.
//
// The digits as a whole number w and the exponent of ten e give the double: if w < 2^53 and |e| <= 22 one
// operation on exact operands rounds once (Clinger 1990). For e from -19 to -1 and any w below 2^64 the
// quotient of whole numbers to 62 bits or more, with its last bit set where a rest remains, rounds as the
// true quotient does.
#ifndef KD_FILES_DECIMAL_H
#define KD_FILES_DECIMAL_H
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { DECIMAL_EXACT = 22, DECIMAL_WIDE = 19, DECIMAL_DIGITS = 19 };

static const double decimal_tens[DECIMAL_EXACT + 1] = {1e0,  1e1,  1e2,	 1e3,  1e4,  1e5,  1e6,	 1e7,
						       1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
						       1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
static const uint64_t decimal_whole_tens[DECIMAL_WIDE + 1] = {1u,
							      10u,
							      100u,
							      1000u,
							      10000u,
							      100000u,
							      1000000u,
							      10000000u,
							      100000000u,
							      1000000000u,
							      10000000000u,
							      100000000000u,
							      1000000000000u,
							      10000000000000u,
							      100000000000000u,
							      1000000000000000u,
							      10000000000000000u,
							      100000000000000000u,
							      1000000000000000000u,
							      10000000000000000000u};

// Appends the digits at *p to *w; returns how many.
static inline int decimal_digits(const char **p, uint64_t *w)
{
	int total = 0, n;

	do {
		uint64_t t, others;

		memcpy(&t, *p, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
		t = __builtin_bswap64(t);
#endif
		t ^= 0x3030303030303030;
		others = ((t + 0x7676767676767676) | t) & 0x8080808080808080;
		n = others ? __builtin_ctzll(others) >> 3 : 8;
		if (!n)
			break;
		t <<= 64 - 8 * n;
		t = (t & 0x0f0f0f0f0f0f0f0f) * 2561 >> 8;
		t = (t & 0x00ff00ff00ff00ff) * 6553601 >> 16;
		t = (t & 0x0000ffff0000ffff) * 42949672960001 >> 32;
		*w = *w * decimal_whole_tens[n] + t;
		*p += n;
		total += n;
	} while (n == 8 && total <= DECIMAL_DIGITS);
	return total;
}

static inline double decimal_quotient(uint64_t w, int power)
{
	uint64_t d = decimal_whole_tens[power];
	int a = __builtin_clzll(w), b = __builtin_clzll(d);
	unsigned __int128 num = (unsigned __int128)(w << a) << 63;
	uint64_t q = (uint64_t)(num / (d << b)), rest = (uint64_t)(num % (d << b));

	return ldexp((double)(q | (rest != 0)), b - a - 63);
}

static inline bool decimal_combine(uint64_t w, int e, double *out)
{
	if (w < 1ull << 53 && e >= -DECIMAL_EXACT && e <= DECIMAL_EXACT)
		*out = e < 0 ? (double)w / decimal_tens[-e] : (double)w * decimal_tens[e];
	else if (e == 0)
		*out = (double)w;
	else if (e < 0 && e >= -DECIMAL_WIDE)
		*out = decimal_quotient(w, -e);
	else
		return false;
	return true;
}

// Reads a number at *p: sign, digits with a point among them, exponent. True: *p is behind it. False where
// it is no such number or one that needs more than 64 bits (then number_parse knows). *whole: digits only.
// Eight bytes behind the number are read, whatever they are.
static inline bool decimal_read(const char **p, double *out, bool *whole)
{
	const char *s = *p;
	bool minus = *s == '-';
	uint64_t w = 0;
	int n, after = 0, e = 0;

	s += minus || *s == '+';
	n = decimal_digits(&s, &w);
	*whole = *s != '.';
	if (*s == '.') {
		s++;
		after = decimal_digits(&s, &w);
	}
	if (!(n + after) || n + after > DECIMAL_DIGITS)
		return false;
	if ((*s | 0x20) == 'e') {
		bool below;
		uint64_t x = 0;
		int digits;

		below = *++s == '-';
		s += below || *s == '+';
		digits = decimal_digits(&s, &x);
		if (!digits || digits > 4)
			return false;
		e = below ? -(int)x : (int)x;
		*whole = false;
	}
	if (!decimal_combine(w, e - after, out))
		return false;
	*out = minus ? -*out : *out;
	*p = s;
	return true;
}
#endif
