// SPDX-License-Identifier: Apache-2.0
#ifndef KD_UTIL_GCD_H
#define KD_UTIL_GCD_H
#include <stdint.h>

// The greatest common divisor (Euclid); gcd(a, 0) is a. Neither is negative.
static inline int64_t gcd(int64_t a, int64_t b)
{
	while (b) {
		int64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}
#endif
