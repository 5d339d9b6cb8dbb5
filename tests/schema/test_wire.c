// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "schema/utf8.h"
#include "schema/wire.h"
#include "util/xalloc.h"

Test(wire, frame)
{
	const uint8_t bytes[] = {0, 0x00, 0x01, 0xe2, 0x40, 'a', 'b'};
	struct frame f;
	const char *why = NULL;

	cr_assert(zero(int, wire_parse(bytes, sizeof bytes, &f, &why)));
	cr_assert(eq(int, f.schema_id, 123456));
	cr_assert(eq(sz, f.len, 2));
	cr_assert(f.payload == bytes + 5);
}

Test(wire, empty_payload_is_a_frame)
{
	const uint8_t bytes[] = {0, 0xff, 0xff, 0xff, 0xff};
	struct frame f;
	const char *why;

	cr_assert(zero(int, wire_parse(bytes, 5, &f, &why)));
	cr_assert(eq(int, f.schema_id, -1));
	cr_assert(zero(sz, f.len));
}

Test(wire, refused)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *why;
	} cases[] = {
		{"", 0, "shorter"}, {"\0\0\0\1", 4, "shorter"}, {"\1\0\0\0\1x", 6, "magic"}, {"{\"a\":1}", 7, "magic"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct frame f;
		const char *why = "";

		cr_assert(eq(int, wire_parse(cases[i].bytes, cases[i].n, &f, &why), -1));
		cr_assert(strstr(why, cases[i].why) != NULL, "%s", why);
	}
}

// The boundaries of RFC 3629's table of well-formed sequences, alone and behind eight bytes of ASCII.
Test(wire, utf8)
{
	static const struct {
		const char *text;
		bool good;
	} cases[] = {
		{"", true},		{"plain", true},	    {"\x7f", true},
		{"\xc2\x80", true},	{"\xdf\xbf", true},	    {"\xe0\xa0\x80", true},
		{"\xed\x9f\xbf", true}, {"\xee\x80\x80", true},	    {"\xef\xbf\xbf", true},
		{"\xf0\x90\x80\x80", true}, {"\xf4\x8f\xbf\xbf", true}, {"\xe2\x82\xac and more", true},
		{"\x80", false},	{"\xbf", false},	    {"\xc0\xaf", false},
		{"\xc1\xbf", false},	{"\xe0\x9f\xbf", false},    {"\xed\xa0\x80", false},
		{"\xf0\x8f\xbf\xbf", false}, {"\xf4\x90\x80\x80", false}, {"\xf5\x80\x80\x80", false},
		{"\xff", false},	{"\xc2", false},	    {"\xe2\x82", false},
		{"\xf0\x90\x80", false}, {"\xc2" "A", false},	    {"\xe2\x82" "A", false},
		{"ok\xf0\x90" "A\x80", false},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		for (int lead = 0; lead < 2; lead++) {
			char *text = xasprintf("%s%s", lead ? "12345678" : "", cases[i].text);
			size_t n = strlen(text);
			uint8_t *exact = xmalloc(n + 1); // a read past the end is for the sanitizer to see

			memcpy(exact, text, n);
			exact = xrealloc(exact, n ? n : 1);
			cr_assert(utf8_valid(exact, n, exact + n) == cases[i].good, "case %zu", i);
			free(exact);
			free(text);
		}
	}
}
