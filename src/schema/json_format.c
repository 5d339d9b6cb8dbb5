// SPDX-License-Identifier: Apache-2.0
// Formats of texts: dates and times as RFC 3339 writes them, uuid, ipv4, ipv6, and an e-mail address in the
// rough.
#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "schema/json_check.h"

// Does a text follow a shape, 0 standing for a digit?
static bool follows(const char *s, size_t n, const char *shape)
{
	if (n < strlen(shape))
		return false;
	for (; *shape; s++, shape++)
		if (*shape == '0' ? !isdigit((unsigned char)*s) : *s != *shape)
			return false;
	return true;
}

static int two(const char *s)
{
	return (s[0] - '0') * 10 + s[1] - '0';
}

static bool is_date(const char *s, size_t n)
{
	static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	if (n != 10 || !follows(s, n, "0000-00-00"))
		return false;
	int year = two(s) * 100 + two(s + 2), month = two(s + 5), day = two(s + 8);
	bool leap = (year % 4 == 0 && year % 100) || year % 400 == 0;

	return month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1] && (month != 2 || day < 29 || leap);
}

static bool is_time(const char *s, size_t n)
{
	size_t at = 8;

	if (!follows(s, n, "00:00:00") || two(s) > 23 || two(s + 3) > 59 || two(s + 6) > 60)
		return false;
	if (at < n && s[at] == '.') {
		size_t digits = 0;

		for (at++; at < n && isdigit((unsigned char)s[at]); at++)
			digits++;
		if (!digits)
			return false;
	}
	if (at < n && (s[at] == 'Z' || s[at] == 'z'))
		return at + 1 == n;
	return at < n && (s[at] == '+' || s[at] == '-') && n - at == 6 && follows(s + at + 1, 5, "00:00") &&
	       two(s + at + 1) < 24 && two(s + at + 4) < 60;
}

static bool is_uuid(const char *s, size_t n)
{
	for (size_t i = 0; i < n && n == 36; i++)
		if (i == 8 || i == 13 || i == 18 || i == 23 ? s[i] != '-' : !isxdigit((unsigned char)s[i]))
			return false;
	return n == 36;
}

static bool is_address(int family, const char *s, size_t n)
{
	unsigned char out[16];
	char text[64];

	if (n >= sizeof text || memchr(s, 0, n))
		return false;
	memcpy(text, s, n);
	text[n] = 0;
	return inet_pton(family, text, out) == 1;
}

static bool is_email(const char *s, size_t n)
{
	const char *at = memchr(s, '@', n);

	return at && at > s && at + 1 < s + n && !memchr(at + 1, '@', (size_t)(s + n - at - 1)) && !memchr(s, ' ', n);
}

bool js_text_is(enum js_format f, const char *s, size_t n)
{
	switch (f) {
	case FORMAT_DATE_TIME:
		return n > 11 && is_date(s, 10) && (s[10] == 'T' || s[10] == 't') && is_time(s + 11, n - 11);
	case FORMAT_DATE:
		return is_date(s, n);
	case FORMAT_TIME:
		return is_time(s, n);
	case FORMAT_UUID:
		return is_uuid(s, n);
	case FORMAT_IPV4:
		return is_address(AF_INET, s, n);
	case FORMAT_IPV6:
		return is_address(AF_INET6, s, n);
	case FORMAT_EMAIL:
		return is_email(s, n);
	default:
		return true;
	}
}
