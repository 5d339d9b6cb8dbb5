// SPDX-License-Identifier: Apache-2.0
#ifndef KD_UTIL_SEARCH_H
#define KD_UTIL_SEARCH_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// The first of n items that is not below `key`, n where there is none. Each begins with an int64_t, by which they ascend.
static inline size_t search_i64(const void *items, size_t n, size_t size, int64_t key)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int64_t at;

		memcpy(&at, (const char *)items + mid * size, sizeof at);
		if (at < key)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}
#endif
