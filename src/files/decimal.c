// SPDX-License-Identifier: Apache-2.0
// Up to eight digits are taken at once out of a 64-bit word: after the exclusive or with "00000000" a byte is
// a digit's value or above 9, and three multiplications add neighbours up to pairs, fours and eights.
//
// The digits as a whole number w and the exponent of ten e give the double: if w < 2^53 and |e| <= 22 one
// operation on exact operands rounds once (Clinger 1990). For e from -19 to -1 and any w below 2^64 the
// quotient of whole numbers to 62 bits or more, with its last bit set where a rest remains, rounds as the
// true quotient does.
#include "files/decimal.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

enum { EXACT_TENS = 22, WIDE_TENS = 19, MAX_DIGITS = 19 };

static const double tens[EXACT_TENS + 1] = {1e0,  1e1,	1e2,  1e3,  1e4,  1e5,	1e6,  1e7,
					    1e8,  1e9,	1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
					    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
static const uint64_t whole_tens[WIDE_TENS + 1] = {1u,
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
static inline int take_digits(const char **p, uint64_t *w)
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
		*w = *w * whole_tens[n] + t;
		*p += n;
		total += n;
	} while (n == 8 && total <= MAX_DIGITS);
	return total;
}

static double quotient(uint64_t w, int power)
{
	uint64_t d = whole_tens[power];
	int a = __builtin_clzll(w), b = __builtin_clzll(d);
	unsigned __int128 num = (unsigned __int128)(w << a) << 63;
	uint64_t q = (uint64_t)(num / (d << b)), rest = (uint64_t)(num % (d << b));

	return ldexp((double)(q | (rest != 0)), b - a - 63);
}

static bool combine(uint64_t w, int e, double *out)
{
	if (w < 1ull << 53 && e >= -EXACT_TENS && e <= EXACT_TENS)
		*out = e < 0 ? (double)w / tens[-e] : (double)w * tens[e];
	else if (e == 0)
		*out = (double)w;
	else if (e < 0 && e >= -WIDE_TENS)
		*out = quotient(w, -e);
	else
		return false;
	return true;
}

bool decimal_read(const char **p, double *out, bool *whole)
{
	const char *s = *p;
	bool minus = *s == '-';
	uint64_t w = 0;
	int n, after = 0, e = 0;

	s += minus || *s == '+';
	n = take_digits(&s, &w);
	*whole = *s != '.';
	if (*s == '.') {
		s++;
		after = take_digits(&s, &w);
	}
	if (!(n + after) || n + after > MAX_DIGITS)
		return false;
	if ((*s | 0x20) == 'e') {
		bool below;
		uint64_t x = 0;
		int digits;

		below = *++s == '-';
		s += below || *s == '+';
		digits = take_digits(&s, &x);
		if (!digits || digits > 4)
			return false;
		e = below ? -(int)x : (int)x;
		*whole = false;
	}
	if (!combine(w, e - after, out))
		return false;
	*out = minus ? -*out : *out;
	*p = s;
	return true;
}
