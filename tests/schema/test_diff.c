// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "schema/diff.h"
#include "util/buf.h"
#include "util/xalloc.h"

#define REC(name, fields) "{\"type\":\"record\",\"name\":\"" name "\",\"fields\":[" fields "]}"
#define F(name, type)	  "{\"name\":\"" name "\",\"type\":" type "}"
#define FD(name, type)	  "{\"name\":\"" name "\",\"type\":" type ",\"default\":0}"
#define ENUM(symbols)	  "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[" symbols "]}"
#define LOGICAL(t, l)	  "{\"type\":\"" t "\",\"logicalType\":\"" l "\"}"

static const struct {
	const char *older, *newer, *text; // a line a change
} cases[] = {
    {"\"int\"", "\"int\"", ""},
    {"\"int\"", "\"long\"", ": type int is now long\n"},
    {"\"int\"", "[\"null\",\"int\"]", ": type int is now null or int\n"},
    {"[\"null\",\"int\"]", "[\"int\",\"null\"]", ""},
    {"[\"null\",\"int\",\"string\"]", "[\"null\",\"int\"]", ": type null or int or string is now null or int\n"},
    {REC("R", F("a", "\"int\"")), "{\"type\":\"record\",\"name\":\"R\",\"doc\":\"x\",\"fields\":[{\"name\":\"a\",\"doc\":\"y\",\"type\":\"int\"}]}",
     ""},
    {REC("R", F("a", "\"int\"") "," F("b", "\"string\"")), REC("R", F("b", "\"string\"") "," F("a", "\"int\"")), ""},
    {REC("R", F("a", "\"int\"")), REC("S", F("a", "\"int\"")), ": record R is now called S\n"},
    {REC("R", F("a", "\"int\"")), REC("R", F("b", "{\"type\":\"array\",\"items\":\"string\"}")),
     "b: added, array of string, without default\na: dropped, was int\n"},
    {REC("R", ""), REC("R", FD("b", "\"int\"")), "b: added, int, with a default\n"},
    {REC("R", F("a", "\"int\"")), REC("R", FD("a", "\"int\"")), "a: has a default now\n"},
    {REC("R", FD("a", "\"int\"")), REC("R", F("a", "\"int\"")), "a: has no default any more\n"},
    {REC("R", F("old", "\"int\"")), REC("R", "{\"name\":\"new\",\"aliases\":[\"old\"],\"type\":\"long\"}"),
     "new: was called old, which is an alias now\nnew: type int is now long\n"},
    {ENUM("\"A\",\"B\",\"C\""), ENUM("\"C\",\"A\",\"D\",\"E\""), ": symbols added: D, E\n: symbols dropped: B\n"},
    {ENUM("\"A\""), "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\"],\"default\":\"A\"}", ": the enum has a default now\n"},
    {"{\"type\":\"fixed\",\"name\":\"X\",\"size\":4}", "{\"type\":\"fixed\",\"name\":\"X\",\"size\":8}",
     ": type fixed X of 4 bytes is now fixed X of 8 bytes\n"},
    {LOGICAL("long", "timestamp-millis"), LOGICAL("long", "timestamp-micros"),
     ": type long (timestamp-millis) is now long (timestamp-micros)\n"},
    {"{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":9,\"scale\":2}",
     "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":9,\"scale\":4}",
     ": type bytes (decimal of scale 2) is now bytes (decimal of scale 4)\n"},
    {REC("R", F("l", "{\"type\":\"map\",\"values\":" REC("I", F("v", "\"int\"")) "}")),
     REC("R", F("l", "{\"type\":\"map\",\"values\":" REC("I", F("v", "\"boolean\"")) "}")),
     "l{}.v: type int is now boolean\n"},
    {REC("R", F("in", REC("I", F("v", "\"int\"")))), REC("R", F("in", "[\"null\"," REC("I", F("v", "\"long\"")) "]")),
     "in: type record I is now null or record I\nin.v: type int is now long\n"},
    {REC("T", F("v", "\"int\"") "," F("next", "[\"null\",\"T\"]")), REC("T", F("v", "\"long\"") "," F("next", "[\"null\",\"T\"]")),
     "v: type int is now long\n"},
};

static void add(void *arg, const char *path, const char *text)
{
	buf_addf(arg, "%s: %s\n", path, text);
}

Test(diff, cases)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error err = ERROR_INIT;
		struct avsc *older = avsc_parse(&(struct schema_text){.text = (char *)cases[i].older, .len = strlen(cases[i].older)}, &err);
		struct avsc *newer = avsc_parse(&(struct schema_text){.text = (char *)cases[i].newer, .len = strlen(cases[i].newer)}, &err);
		struct buf got = BUF_INIT;

		cr_assert(older && newer, "%s", err.text);
		avsc_diff(older, newer, add, &got);
		cr_expect(strcmp(got.data ? got.data : "", cases[i].text) == 0, "%s -> %s:\n%s", cases[i].older, cases[i].newer,
			  got.data);
		buf_release(&got);
		avsc_free(older);
		avsc_free(newer);
	}
}
