// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "framing_cases.h"
#include "schema/fingerprint.h"
#include "schema/utf8.h"
#include "schema/wire.h"
#include "util/xalloc.h"

// The one header that a test's message has; NULL: none.
struct header {
	const char *name, *bytes;
	size_t n;
};

static const char *header_of(const void *message, const char *name, size_t *len)
{
	const struct header *h = message;

	*len = h->n;
	return h->name && !strcmp(h->name, name) ? h->bytes : NULL;
}

// The same message, had its headers and its bytes been written for the key.
static const char *key_header_of(const void *message, const char *name, size_t *len)
{
	static const char *const names[][2] = {{"__key_schema_id", "__value_schema_id"},
					       {"apicurio.key.contentId", "apicurio.value.contentId"},
					       {"apicurio.key.globalId", "apicurio.value.globalId"}};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcmp(name, names[i][0]))
			return header_of(message, names[i][1], len);
	cr_assert(false, "a key is not named by %s", name);
	return NULL;
}

#define SIZED(s) s, sizeof(s) - 1
#define VALUE_ID  "__value_schema_id"
#define NO_HEADER {NULL, NULL, 0}

// `at`: where the payload begins; -1 with a word of the reason for what has no frame.
static const struct framed {
	enum framing framing;
	const char *value;
	size_t n;
	struct header header;
	int at;
	enum schema_by by;
	const char *text; // of the reference, or of the reason
} framed[] = {
	{FRAMING_HEADER_FIRST, SIZED(V0 "ab"), NO_HEADER, 5, SCHEMA_BY_ID, "123456"},
	{FRAMING_HEADER_FIRST, SIZED("\0\xff\xff\xff\xff"), NO_HEADER, 5, SCHEMA_BY_ID, "-1"},
	{FRAMING_HEADER_FIRST, SIZED(V1 "ab"), NO_HEADER, 17, SCHEMA_BY_GUID, GUID},
	{FRAMING_HEADER_FIRST, SIZED(V1), NO_HEADER, 17, SCHEMA_BY_GUID, GUID},
	{FRAMING_HEADER_FIRST, SIZED("ab"), {VALUE_ID, SIZED(V0)}, 0, SCHEMA_BY_ID, "123456"},
	{FRAMING_HEADER_FIRST, SIZED(""), {VALUE_ID, SIZED(V1)}, 0, SCHEMA_BY_GUID, GUID},
	{FRAMING_HEADER_FIRST, SIZED("\0\0\0\0\7ab"), {VALUE_ID, SIZED(V1)}, 0, SCHEMA_BY_GUID, GUID},
	{FRAMING_HEADER_FIRST, SIZED(V0 "ab"), {"__key_schema_id", SIZED(V1)}, 5, SCHEMA_BY_ID, "123456"},
	{FRAMING_HEADER_FIRST, SIZED(V0 "ab"), {VALUE_ID, SIZED("7")}, -1, SCHEMA_BY_ID, "__value_schema_id"},
	{FRAMING_HEADER_FIRST, SIZED(V0 "ab"), {VALUE_ID, SIZED("\2\0\0\0\7")}, -1, SCHEMA_BY_ID, "__value_schema_id"},
	{FRAMING_HEADER_FIRST, SIZED(V0 "ab"), {VALUE_ID, SIZED("\1\0\0\0\7")}, -1, SCHEMA_BY_ID, "__value_schema_id"},
	{FRAMING_HEADER_FIRST, SIZED(V0 "ab"), {VALUE_ID, SIZED("")}, -1, SCHEMA_BY_ID, "__value_schema_id"},
	{FRAMING_HEADER_FIRST, SIZED(""), NO_HEADER, -1, SCHEMA_BY_ID, "shorter"},
	{FRAMING_HEADER_FIRST, SIZED("\0\0\0\1"), NO_HEADER, -1, SCHEMA_BY_ID, "shorter"},
	{FRAMING_HEADER_FIRST, SIZED("\1\0\0\0\1x"), NO_HEADER, -1, SCHEMA_BY_ID, "GUID"},
	{FRAMING_HEADER_FIRST, SIZED("{\"a\":1}"), NO_HEADER, -1, SCHEMA_BY_ID, "magic"},
	{FRAMING_HEADER_FIRST, SIZED(SINGLE "ab"), NO_HEADER, -1, SCHEMA_BY_ID, "magic"},
	{FRAMING_PREFIX_FIRST, SIZED(V0 "ab"), {VALUE_ID, SIZED(V1)}, 5, SCHEMA_BY_ID, "123456"},
	{FRAMING_PREFIX_FIRST, SIZED(V1 "ab"), {VALUE_ID, SIZED("7")}, 17, SCHEMA_BY_GUID, GUID},
	{FRAMING_PREFIX_FIRST, SIZED("\4ab"), {VALUE_ID, SIZED(V1)}, 0, SCHEMA_BY_GUID, GUID},
	{FRAMING_PREFIX_FIRST, SIZED("\4ab"), {VALUE_ID, SIZED("7")}, -1, SCHEMA_BY_ID, "__value_schema_id"},
	{FRAMING_PREFIX_FIRST, SIZED("{\"a\":1}"), NO_HEADER, -1, SCHEMA_BY_ID, "magic"},
	{FRAMING_APICURIO, SIZED(LONG_V0 "ab"), NO_HEADER, 9, SCHEMA_BY_ID, "123456"},
	{FRAMING_APICURIO, SIZED(V0 "abcd"), NO_HEADER, 5, SCHEMA_BY_ID, "123456"},
	{FRAMING_APICURIO, SIZED(V0), NO_HEADER, 5, SCHEMA_BY_ID, "123456"},
	{FRAMING_APICURIO, SIZED("ab"), {"apicurio.value.globalId", SIZED(LONG)}, 0, SCHEMA_BY_ID, "123456"},
	{FRAMING_APICURIO, SIZED("ab"), {"apicurio.value.contentId", SIZED(LONG)}, 0, SCHEMA_BY_ID, "123456"},
	{FRAMING_APICURIO, SIZED("ab"), {"apicurio.value.contentId", SIZED(V0)}, -1, SCHEMA_BY_ID, "8 bytes"},
	{FRAMING_APICURIO, SIZED("ab"), {"apicurio.value.globalId", SIZED("\1\0\0\0\0\0\0\1\2")}, -1, SCHEMA_BY_ID, "8 bytes"},
	{FRAMING_APICURIO, SIZED("ab"), {VALUE_ID, SIZED(V0)}, -1, SCHEMA_BY_ID, "shorter"},
	{FRAMING_APICURIO, SIZED("\0\0\0\0\0\0\0\0"), NO_HEADER, -1, SCHEMA_BY_ID, "9 bytes"},
	{FRAMING_APICURIO, SIZED("\0\0\0\0\0\x80\0\0\0x"), NO_HEADER, -1, SCHEMA_BY_ID, "2147483647"},
	{FRAMING_APICURIO, SIZED(V1 "ab"), NO_HEADER, -1, SCHEMA_BY_ID, "magic"},
	{FRAMING_SINGLE_OBJECT, SIZED(SINGLE "ab"), NO_HEADER, 10, SCHEMA_BY_FINGERPRINT, "7275d51a3f395c8f"},
	{FRAMING_SINGLE_OBJECT, SIZED(SINGLE "ab"), {VALUE_ID, SIZED(V0)}, 10, SCHEMA_BY_FINGERPRINT, "7275d51a3f395c8f"},
	{FRAMING_SINGLE_OBJECT, SIZED("\xc3\1\0\0\0\0\0\0\0"), NO_HEADER, -1, SCHEMA_BY_ID, "shorter"},
	{FRAMING_SINGLE_OBJECT, SIZED("\xc3\0\0\0\0\0\0\0\0\0"), NO_HEADER, -1, SCHEMA_BY_ID, "C3 01"},
	{FRAMING_SINGLE_OBJECT, SIZED(V0 "abcdefgh"), NO_HEADER, -1, SCHEMA_BY_ID, "C3 01"},
	{FRAMING_NONE, SIZED(V0 "ab"), {VALUE_ID, SIZED(V0)}, 0, SCHEMA_BY_STREAM, ""},
	{FRAMING_NONE, SIZED(""), NO_HEADER, 0, SCHEMA_BY_STREAM, ""},
};

static void check_framings(bool key)
{
	for (size_t i = 0; i < ARRAY_LEN(framed); i++) {
		const struct framed *c = &framed[i];
		const struct wire_headers headers = {&c->header, key ? key_header_of : header_of, key};
		uint8_t *exact = xmalloc(c->n ? c->n : 1); // a read past the end is for the sanitizer to see
		char text[SCHEMA_REF_TEXT];
		const char *why = "";
		struct frame f;

		memcpy(exact, c->value, c->n);
		int rc = wire_parse(c->framing, exact, c->n, &headers, &f, &why);
		cr_assert(eq(int, rc, c->at < 0 ? -1 : 0), "case %zu", i);
		if (rc) {
			const char *word = key && !strcmp(c->text, VALUE_ID) ? "__key_schema_id" : c->text;
			cr_assert(strstr(why, word) != NULL, "case %zu: %s", i, why);
		} else {
			schema_ref_text(&f.schema, text);
			cr_assert_str_eq(text, c->text, "case %zu: %s", i, text);
			cr_assert(eq(int, f.schema.by, c->by), "case %zu", i);
			cr_assert(f.payload == exact + c->at && f.len == c->n - (size_t)c->at, "case %zu", i);
		}
		free(exact);
	}
}

Test(wire, framings)
{
	check_framings(false);
}

Test(wire, framings_of_keys)
{
	check_framings(true);
}

Test(wire, an_id_is_no_guid_and_no_fingerprint)
{
	const struct schema_ref refs[] = {{SCHEMA_BY_ID, 0, 7}, {SCHEMA_BY_GUID, 0, 7}, {SCHEMA_BY_GUID, 7, 0},
					  {SCHEMA_BY_FINGERPRINT, 0, 7}};

	for (size_t i = 0; i < ARRAY_LEN(refs); i++)
		for (size_t j = 0; j < ARRAY_LEN(refs); j++)
			cr_assert(schema_ref_equal(&refs[i], &refs[j]) == (i == j));
	cr_assert(eq(int, schema_ref_id(&refs[0]), 7));
	cr_assert(eq(int, schema_ref_id(&refs[1]), -1));
}

Test(wire, fingerprints_are_those_of_fastavro)
{
	for (size_t i = 0; i < ARRAY_LEN(fingerprints); i++) {
		struct error err = ERROR_INIT;
		struct avsc *a = avsc_parse(&(struct schema_text){.text = (char *)fingerprints[i].schema, .len = strlen(fingerprints[i].schema)}, &err);

		cr_assert(a != NULL, "%s", err.text);
		cr_assert(eq(u64, schema_fingerprint(a), fingerprints[i].fingerprint), "%s", fingerprints[i].schema);
		avsc_free(a);
	}
}

Test(wire, a_header_has_room_for_a_message)
{
	static const struct {
		const char *bytes;
		size_t n, rest;
	} ids[] = {{SIZED(V0), 0}, {SIZED(V0 "\2\4"), 2}, {SIZED(V1), 0}, {SIZED(V1 "\0"), 1}};

	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		const struct header h = {VALUE_ID, ids[i].bytes, ids[i].n};
		const struct wire_headers headers = {&h, header_of, false};
		const char *why = "";
		struct frame f;

		cr_assert(zero(int, wire_parse(FRAMING_HEADER_FIRST, "ab", 2, &headers, &f, &why)), "%s", why);
		cr_assert(f.rest == (const uint8_t *)ids[i].bytes + ids[i].n - ids[i].rest && f.nrest == ids[i].rest && f.len == 2);
	}
	const struct wire_headers none = {&(struct header)NO_HEADER, header_of, false};
	const char *why = "";
	struct frame f;
	cr_assert(zero(int, wire_parse(FRAMING_HEADER_FIRST, V0, sizeof V0 - 1, &none, &f, &why)));
	cr_assert(f.rest == NULL && f.nrest == 0);
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
