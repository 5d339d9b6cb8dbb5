// SPDX-License-Identifier: Apache-2.0
// Schema resolution, pair by pair, from the rules of the Avro specification ("Schema Resolution").
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "schema/contract.h"
#include "util/xalloc.h"

static struct contract *load(const char *schema, struct error *err)
{
	char path[] = "/tmp/kdrift-contract-XXXXXX";
	int fd = mkstemp(path);

	cr_assert(fd >= 0 && write(fd, schema, strlen(schema)) == (ssize_t)strlen(schema));
	close(fd);
	struct contract *c = contract_load(path, err);
	unlink(path);
	return c;
}

#define REC(fields)	"{\"type\":\"record\",\"name\":\"R\",\"fields\":[" fields "]}"
#define F(name, type)	"{\"name\":\"" name "\",\"type\":" type "}"
#define FD(name, type)	"{\"name\":\"" name "\",\"type\":" type ",\"default\":null}"
#define ENUM(symbols)	"{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[" symbols "]}"
#define ENUMD(symbols)	"{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[" symbols "],\"default\":\"A\"}"
#define FIXED(n)	"{\"type\":\"fixed\",\"name\":\"X\",\"size\":" n "}"
#define ARRAY(t)	"{\"type\":\"array\",\"items\":" t "}"
#define MAP(t)		"{\"type\":\"map\",\"values\":" t "}"
#define DECIMAL(p, s)	"{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":" p ",\"scale\":" s "}"
#define TREE(name, more) "{\"type\":\"record\",\"name\":\"" name "\",\"fields\":[" F("v", "\"int\"") "," F("next",	\
			 "[\"null\",\"" name "\"]") more "]}"

static const struct {
	const char *writer, *reader;
	const char *why; // NULL: readable
} pairs[] = {
	// the same type, and promotions
	{"\"null\"", "\"null\"", NULL},
	{"\"boolean\"", "\"boolean\"", NULL},
	{"\"int\"", "\"int\"", NULL},
	{"\"int\"", "\"long\"", NULL},
	{"\"int\"", "\"float\"", NULL},
	{"\"int\"", "\"double\"", NULL},
	{"\"long\"", "\"float\"", NULL},
	{"\"long\"", "\"double\"", NULL},
	{"\"float\"", "\"double\"", NULL},
	{"\"string\"", "\"bytes\"", NULL},
	{"\"bytes\"", "\"string\"", NULL},
	{"\"long\"", "\"int\"", "type mismatch (reader int, writer long)"},
	{"\"float\"", "\"long\"", "type mismatch (reader long, writer float)"},
	{"\"double\"", "\"float\"", "type mismatch (reader float, writer double)"},
	{"\"int\"", "\"string\"", "type mismatch (reader string, writer int)"},
	{"\"string\"", "\"int\"", "type mismatch (reader int, writer string)"},
	{"\"boolean\"", "\"int\"", "type mismatch (reader int, writer boolean)"},
	{"\"null\"", "\"int\"", "type mismatch (reader int, writer null)"},
	{FIXED("4"), "\"bytes\"", "type mismatch (reader bytes, writer fixed)"},
	// records: fields by name, defaults, aliases
	{REC(F("a", "\"int\"")), REC(F("a", "\"int\"")), NULL},
	{REC(F("a", "\"int\"") "," F("b", "\"int\"")), REC(F("b", "\"int\"") "," F("a", "\"int\"")), NULL},
	{REC(F("a", "\"int\"") "," F("b", "\"int\"")), REC(F("a", "\"long\"")), NULL},
	{REC(F("a", "\"int\"")), REC(F("a", "\"int\"") "," FD("b", "[\"null\",\"int\"]")), NULL},
	{REC(F("a", "\"int\"")), REC(F("a", "\"int\"") "," F("b", "[\"null\",\"int\"]")),
	 "b: reader field missing default value"},
	{REC(F("a", "\"int\"")), REC(F("a", "\"string\"")), "a: type mismatch (reader string, writer int)"},
	{REC(F("old", "\"int\"")), REC("{\"name\":\"new\",\"aliases\":[\"x\",\"old\"],\"type\":\"int\"}"), NULL},
	{REC(F("old", "\"int\"")), REC("{\"name\":\"new\",\"aliases\":[\"x\"],\"type\":\"int\"}"),
	 "new: reader field missing default value"},
	{REC(F("in", "{\"type\":\"record\",\"name\":\"In\",\"fields\":[]}")),
	 REC(F("in", "{\"type\":\"record\",\"name\":\"In\",\"fields\":[" F("z", "\"int\"") "]}")),
	 "in.z: reader field missing default value"},
	// names
	{"{\"type\":\"record\",\"name\":\"R\",\"namespace\":\"a.b\",\"fields\":[]}", REC(""), NULL},
	{"{\"type\":\"record\",\"name\":\"S\",\"fields\":[]}", REC(""), "name mismatch (reader R, writer S)"},
	{"{\"type\":\"record\",\"name\":\"n.S\",\"fields\":[]}",
	 "{\"type\":\"record\",\"name\":\"n.R\",\"aliases\":[\"S\"],\"fields\":[]}", NULL},
	{"{\"type\":\"record\",\"name\":\"n.S\",\"fields\":[]}",
	 "{\"type\":\"record\",\"name\":\"R\",\"aliases\":[\"n.S\"],\"fields\":[]}", NULL},
	{"{\"type\":\"record\",\"name\":\"m.S\",\"fields\":[]}",
	 "{\"type\":\"record\",\"name\":\"n.R\",\"aliases\":[\"S\"],\"fields\":[]}",
	 "name mismatch (reader n.R, writer m.S)"},
	{"{\"type\":\"enum\",\"name\":\"D\",\"symbols\":[\"A\"]}", ENUM("\"A\""), "name mismatch (reader E, writer D)"},
	// enums
	{ENUM("\"A\",\"B\""), ENUM("\"B\",\"A\",\"C\""), NULL},
	{ENUM("\"A\",\"B\",\"C\""), ENUM("\"A\""), "missing enum symbols [B, C]"},
	{ENUM("\"A\",\"B\",\"C\""), ENUMD("\"A\""), NULL},
	{REC(F("e", ENUM("\"A\",\"Z\""))), REC(F("e", ENUM("\"A\""))), "e: missing enum symbols [Z]"},
	// fixed and decimals
	{FIXED("4"), FIXED("4"), NULL},
	{FIXED("4"), FIXED("8"), "fixed size mismatch (reader 8, writer 4)"},
	{DECIMAL("9", "2"), DECIMAL("12", "2"), NULL},
	{DECIMAL("9", "2"), DECIMAL("9", "4"), "decimal scale mismatch (reader 4, writer 2)"},
	{DECIMAL("9", "2"), "\"bytes\"", NULL},
	{"{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}", "\"long\"", NULL},
	{"{\"type\":\"int\",\"logicalType\":\"date\"}", "{\"type\":\"long\",\"logicalType\":\"unheard-of\"}", NULL},
	// containers
	{ARRAY("\"int\""), ARRAY("\"double\""), NULL},
	{ARRAY("\"int\""), ARRAY("\"string\""), "[]: type mismatch (reader string, writer int)"},
	{MAP("\"int\""), MAP("\"long\""), NULL},
	{MAP("\"long\""), MAP("\"int\""), "{}: type mismatch (reader int, writer long)"},
	{ARRAY("\"int\""), MAP("\"int\""), "type mismatch (reader map, writer array)"},
	{REC(F("l", ARRAY(ARRAY("\"long\"")))), REC(F("l", ARRAY(ARRAY("\"int\"")))),
	 "l[][]: type mismatch (reader int, writer long)"},
	// unions
	{"\"int\"", "[\"null\",\"int\"]", NULL},
	{"\"int\"", "[\"null\",\"double\"]", NULL},
	{"\"int\"", "[\"null\",\"string\"]", "missing union branch (writer int)"},
	{"[\"null\",\"int\"]", "[\"int\",\"null\"]", NULL},
	{"[\"null\",\"int\"]", "[\"null\",\"long\",\"string\"]", NULL},
	{"[\"null\",\"int\",\"string\"]", "[\"null\",\"int\"]", "missing union branch (writer string)"},
	{"[\"null\",\"int\"]", "\"int\"", "type mismatch (reader int, writer null)"},
	{"[\"int\",\"long\"]", "\"long\"", NULL},
	{"[\"int\"]", "\"int\"", NULL},
	{REC(F("u", "[\"null\",{\"type\":\"record\",\"name\":\"In\",\"fields\":[]}]")),
	 REC(F("u", "[\"null\",{\"type\":\"record\",\"name\":\"In\",\"fields\":[" F("z", "\"int\"") "]}]")),
	 "u.z: reader field missing default value"},
	{"{\"type\":\"record\",\"name\":\"b.X\",\"fields\":[]}",
	 "[{\"type\":\"record\",\"name\":\"a.X\",\"fields\":[" F("z", "\"int\"") "]},"
	 "{\"type\":\"record\",\"name\":\"b.X\",\"fields\":[]}]", NULL},
	// recursion
	{TREE("T", ""), TREE("T", ""), NULL},
	{TREE("T", "," F("more", "\"int\"")), TREE("T", ""), NULL},
	{TREE("T", ""), TREE("T", "," F("more", "\"int\"")), "more: reader field missing default value"},
};

Test(contract, pairs)
{
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		struct error err = ERROR_INIT;
		char why[200] = "";

		struct contract *c = load(pairs[i].reader, &err);
		cr_assert(c != NULL, "%s: %s", pairs[i].reader, err.text);
		enum contract_verdict v = contract_check(c, COMPAT_BACKWARD, &(struct schema_text){.text = (char *)pairs[i].writer, .len = strlen(pairs[i].writer)}, why, sizeof why);
		cr_assert(v == (pairs[i].why ? CONTRACT_BREACH : CONTRACT_OK), "%s -> %s: %s", pairs[i].writer,
			  pairs[i].reader, why);
		cr_assert(strcmp(why, pairs[i].why ? pairs[i].why : "") == 0, "%s -> %s: \"%s\"", pairs[i].writer,
			  pairs[i].reader, why);
		contract_free(c);
	}
}

Test(contract, levels)
{
	struct error err = ERROR_INIT;
	const char *writer = REC(F("a", "\"int\"") "," F("b", "\"int\""));
	struct contract *c = load(REC(F("a", "\"long\"")), &err);
	char why[200];

	cr_assert(c != NULL, "%s", err.text);
	cr_expect(contract_check(c, COMPAT_NONE, &(struct schema_text){.text = (char *)"{", .len = 1}, why, sizeof why) == CONTRACT_OK);
	cr_expect(contract_check(c, COMPAT_BACKWARD, &(struct schema_text){.text = (char *)writer, .len = strlen(writer)}, why, sizeof why) == CONTRACT_OK);
	cr_expect(contract_check(c, COMPAT_FULL_TRANSITIVE, &(struct schema_text){.text = (char *)writer, .len = strlen(writer)}, why, sizeof why) == CONTRACT_BREACH);
	cr_expect(strcmp(why, "FORWARD: a: type mismatch (reader int, writer long); and 1 more") == 0, "%s", why);
	contract_free(c);
}

Test(contract, fields_are_the_leaves)
{
	struct error err = ERROR_INIT;
	struct contract *c = load(REC(F("a", "\"int\"") "," F("in", "[\"null\",{\"type\":\"record\",\"name\":\"In\",\"fields\":[" F(
					  "s", "\"string\"") "]}]") "," F("l", ARRAY("\"int\"")) "," F("b", "\"boolean\"")),
				  &err);
	static const char *const want[] = {"a", "in.s", "l[]", "b"};
	static const enum field_type types[] = {FIELD_NUMERIC, FIELD_CATEGORICAL, FIELD_NUMERIC, FIELD_BOOLEAN};

	cr_assert(c != NULL, "%s", err.text);
	cr_assert(eq(sz, contract_fields(c), 4));
	for (size_t i = 0; i < 4; i++) {
		cr_assert(strcmp(contract_field(c, i), want[i]) == 0, "%s", contract_field(c, i));
		cr_assert(eq(int, contract_field_type(c, i), types[i]));
	}
	contract_free(c);
}

Test(contract, refused_files)
{
	struct error err = ERROR_INIT;

	cr_assert(contract_load("/nonexistent/a.avsc", &err) == NULL);
	cr_assert(strstr(err.text, "/nonexistent/a.avsc") && strstr(err.text, "No such file"), "%s", err.text);
	error_clear(&err);
	cr_assert(load("{\"type\":\"recrod\"}", &err) == NULL);
	cr_assert(strstr(err.text, "recrod") != NULL, "%s", err.text);
	error_clear(&err);
	cr_assert(load("", &err) == NULL);
}

Test(contract, a_writer_that_is_no_schema_is_a_breach)
{
	struct error err = ERROR_INIT;
	struct contract *c = load("\"int\"", &err);
	char why[60];

	cr_assert(contract_check(c, COMPAT_BACKWARD, &(struct schema_text){.text = (char *)"{", .len = 1}, why, sizeof why) == CONTRACT_BREACH);
	cr_assert(strstr(why, "writer's schema") != NULL, "%s", why);
	cr_assert(contract_check(c, COMPAT_BACKWARD, &(struct schema_text){.text = (char *)"\"string\"", .len = 8}, NULL, 0) == CONTRACT_BREACH);
	contract_free(c);
}
