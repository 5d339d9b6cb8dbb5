// SPDX-License-Identifier: Apache-2.0
#include "schema/utf8.h"

bool utf8_valid_rest(const uint8_t *p, const uint8_t *end)
{
	while (p < end) {
		uint8_t c = *p++;
		uint8_t low = 0x80, high = 0xbf; // what the second byte may be
		int more;

		if (c < 0x80)
			continue;
		if (c >= 0xc2 && c <= 0xdf) {
			more = 1;
		} else if (c >= 0xe0 && c <= 0xef) {
			more = 2;
			low = c == 0xe0 ? 0xa0 : low;
			high = c == 0xed ? 0x9f : high;
		} else if (c >= 0xf0 && c <= 0xf4) {
			more = 3;
			low = c == 0xf0 ? 0x90 : low;
			high = c == 0xf4 ? 0x8f : high;
		} else {
			return false;
		}
		if (end - p < more || *p < low || *p > high)
			return false;
		for (p++; --more; p++)
			if ((*p & 0xc0) != 0x80)
				return false;
	}
	return true;
}
