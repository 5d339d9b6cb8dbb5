// SPDX-License-Identifier: Apache-2.0
#include "util/escape.h"

#include <inttypes.h>
#include <stdio.h>

#define ELLIPSIS "\xe2\x80\xa6"

void html_text(struct buf *out, const char *s)
{
	for (; *s; s++) {
		switch (*s) {
		case '&':
			buf_adds(out, "&amp;");
			break;
		case '<':
			buf_adds(out, "&lt;");
			break;
		case '>':
			buf_adds(out, "&gt;");
			break;
		case '"':
			buf_adds(out, "&quot;");
			break;
		case '\'':
			buf_adds(out, "&#39;");
			break;
		default:
			buf_addc(out, *s);
		}
	}
}

void html_count(struct buf *out, int64_t n)
{
	char digits[32];
	int len = snprintf(digits, sizeof digits, "%" PRId64, n < 0 ? 0 : n);

	for (int i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			buf_addc(out, ',');
		buf_addc(out, digits[i]);
	}
}

// The character at s and how many bytes it has; 0 bytes: none that may be shown.
static size_t character(const unsigned char *s, size_t n, uint32_t *out)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t len = *s < 0x80 ? 1 : *s >> 5 == 6 ? 2 : *s >> 4 == 14 ? 3 : *s >> 3 == 30 ? 4 : 0;
	uint32_t c = len == 1 ? *s : len ? *s & (0x7fu >> len) : 0;

	if (!len || len > n)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if (s[i] >> 6 != 2)
			return 0;
		c = c << 6 | (s[i] & 0x3fu);
	}
	*out = c;
	if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	// Controls, and those that change the direction of what follows or break the line.
	if (c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x2028 && c <= 0x202e) ||
	    (c >= 0x2066 && c <= 0x2069))
		return 0;
	return len;
}

// Columns of a terminal: East Asian wide ones take two, marks over others none.
static size_t columns_of(uint32_t c)
{
	static const struct {
		uint32_t first, last;
		size_t columns;
	} ranges[] = {
	    {0x300, 0x36f, 0},	   {0x1100, 0x115f, 2}, {0x200b, 0x200f, 0}, {0x20d0, 0x20ff, 0},
	    {0x2e80, 0x303e, 2},   {0x3041, 0x33ff, 2}, {0x3400, 0x4dbf, 2}, {0x4e00, 0x9fff, 2},
	    {0xa000, 0xa4cf, 2},   {0xac00, 0xd7a3, 2}, {0xf900, 0xfaff, 2}, {0xfe00, 0xfe0f, 0},
	    {0xfe30, 0xfe4f, 2},   {0xff00, 0xff60, 2}, {0xffe0, 0xffe6, 2}, {0x1f300, 0x1faff, 2},
	    {0x20000, 0x3fffd, 2},
	};

	for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return ranges[i].columns;
	return 1;
}

size_t plain_text(struct buf *out, const char *s, size_t n, size_t columns)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t used = 0, cut = out->len, cut_used = 0; // where an ellipsis would still fit

	for (size_t i = 0, len; i < n; i += len) {
		uint32_t c;
		size_t shown = character(p + i, n - i, &c), width = shown ? columns_of(c) : 4;

		len = shown ? shown : 1;
		if (used + width > columns) {
			out->len = cut;
			if (out->data)
				out->data[cut] = 0;
			if (!columns)
				return 0;
			buf_adds(out, ELLIPSIS);
			return cut_used + 1;
		}
		if (shown)
			buf_add(out, p + i, len);
		else
			buf_addf(out, "\\x%02x", p[i]);
		used += width;
		if (used < columns) {
			cut = out->len;
			cut_used = used;
		}
	}
	return used;
}
