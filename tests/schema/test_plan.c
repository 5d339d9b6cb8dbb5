// SPDX-License-Identifier: Apache-2.0
// Slots, rules and refusals of plans. Payloads are written out by hand from the Avro specification.
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>

#include "plan_help.h"
#include "schema/avsc.h"
#include "util/buf.h"
#include "util/xalloc.h"

static bool has_value(const struct plan *p, const struct record_values *r, const char *path)
{
	for (size_t i = 0; i < r->nvalues; i++)
		if (!strcmp(plan_slot(p, r->values[i].slot)->path, path))
			return true;
	return false;
}

Test(plan, slots_follow_the_writer)
{
	const char *schema = RECORD(
	    FIELD("a", "\"int\"") "," FIELD("s", "\"string\"") "," FIELD("b", "\"boolean\"") "," FIELD("t", "{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}") "," FIELD("u", "{\"type\":\"string\",\"logicalType\":\"uuid\"}") "," FIELD(
		"l",
		"{\"type\":\"array\",\"items\":"
		"\"int\"}") "," FIELD("r",
				      "[\"null\","
				      "{\"type\":"
				      "\"record\""
				      ",\"name\":"
				      "\"In\","
				      "\"fields\""
				      ":[" FIELD("x", "\"floa"
						      "t\"") "]}]") "," FIELD("mixed",
									      "[\"null\",\"string\","
									      "\"long\"]") "," FIELD("n",
												     "\"null"
												     "\""));
	static const struct {
		const char *path;
		enum field_type type;
		int element;
	} want[] = {
	    {"a", FIELD_NUMERIC, -1},	{"s", FIELD_CATEGORICAL, -1}, {"b", FIELD_BOOLEAN, -1},
	    {"t", FIELD_TIME, -1},	{"u", FIELD_TEXT, -1},	      {"l[]", FIELD_NUMERIC, 0},
	    {"r.x", FIELD_NUMERIC, -1}, {"mixed", FIELD_NUMERIC, -1},
	};
	struct plan *p = compile(schema, &(struct plan_options){.all_fields = true});

	cr_assert(eq(sz, plan_slots(p), ARRAY_LEN(want)));
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		cr_assert(eq(str, plan_slot(p, i)->path, (char *)(uintptr_t)want[i].path));
		cr_assert(eq(int, plan_slot(p, i)->type, want[i].type), "%s", want[i].path);
		cr_assert(eq(int, plan_slot(p, i)->element, want[i].element), "%s", want[i].path);
	}
	cr_assert(eq(str, (char *)(uintptr_t)plan_record_name(p), (char *)(uintptr_t) "R"));
	plan_free(p);
}

Test(plan, a_field_may_be_called_value)
{
	struct plan *p =
	    compile(RECORD(FIELD("value", "\"int\"")), &(struct plan_options){.all_fields = true});
	struct record_values r;

	record_values_init(&r);
	walk(p, "\x06", 1, &r);
	cr_assert(eq(sz, r.nvalues, 1));
	cr_assert(r.values[0].kind == VALUE_NUMBER && r.values[0].num == 3);
	record_values_release(&r);
	plan_free(p);
}

Test(plan, types_by_rule)
{
	static const struct {
		const char *type;
		enum field_type as;
		const char *bytes;
		size_t n;
		enum value_kind kind;
		const char *text;
		double num;
		const char *breach;
	} cases[] = {
	    {"\"int\"", FIELD_CATEGORICAL, "\x54", 1, VALUE_STRING, "42", 0, ""},
	    {"\"long\"", FIELD_CATEGORICAL, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, VALUE_STRING,
	     "-9223372036854775808", 0, ""},
	    {"\"double\"", FIELD_CATEGORICAL, "\x9a\x99\x99\x99\x99\x99\xb9\x3f", 8, VALUE_STRING, "0.1", 0,
	     ""},
	    {"\"float\"", FIELD_CATEGORICAL, "\xcd\xcc\xcc\x3d", 4, VALUE_STRING, "0.1", 0, ""},
	    {"\"boolean\"", FIELD_CATEGORICAL, "\1", 1, VALUE_STRING, "true", 0, ""},
	    {"\"string\"", FIELD_TEXT, "\4ab", 3, VALUE_STRING, "ab", 0, ""},
	    {"\"long\"", FIELD_TIME, "\xd0\x0f", 2, VALUE_TIME, "", 1000, ""},
	    {"\"double\"", FIELD_TIME, "\0\0\0\0\0\x44\x8f\x40", 8, VALUE_TIME, "", 1000.5, ""},
	    {"{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}", FIELD_NUMERIC, "\xd0\x0f", 2,
	     VALUE_NUMBER, "", 1, ""},
	    {"\"string\"", FIELD_NUMERIC, "\4ab", 3, VALUE_OTHER, "", 0, "wrong_type f"},
	    {"\"int\"", FIELD_TEXT, "\x54", 1, VALUE_OTHER, "", 0, "wrong_type f"},
	    {"\"int\"", FIELD_BOOLEAN, "\x02", 1, VALUE_OTHER, "", 0, "wrong_type f"},
	    {"[\"null\",\"string\",\"long\"]", FIELD_NUMERIC, "\2\4ab", 4, VALUE_OTHER, "", 0, ""},
	    {"[\"null\",\"string\",\"long\"]", FIELD_NUMERIC, "\4\x54", 2, VALUE_NUMBER, "", 42, ""},
	    {"[\"null\",\"string\",\"long\"]", FIELD_CATEGORICAL, "\4\x54", 2, VALUE_STRING, "42", 0, ""},
	    {"[\"null\",\"string\",\"long\"]", FIELD_BOOLEAN, "\4\x54", 2, VALUE_OTHER, "", 0,
	     "wrong_type f"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *schema = xasprintf(RECORD("{\"name\":\"f\",\"type\":%s}"), cases[i].type);
		struct field_rule rule = {.path = "f", .type = cases[i].as, .cast = true, .required = true};
		struct plan *p = compile(schema, &(struct plan_options){.rules = &rule, .nrules = 1});
		struct record_values r;

		record_values_init(&r);
		walk(p, cases[i].bytes, cases[i].n, &r);
		cr_assert(r.decoded, "case %zu: %s", i, r.detail);
		assert_breaches(p, &r, cases[i].breach);
		cr_assert(eq(sz, r.nvalues, 1), "case %zu", i);
		cr_assert(eq(int, r.values[0].kind, cases[i].kind), "case %zu", i);
		cr_assert(eq(int, plan_slot(p, 0)->type, cases[i].as), "case %zu", i);
		if (cases[i].kind == VALUE_STRING)
			cr_assert(r.values[0].len == strlen(cases[i].text) &&
				      !memcmp(r.values[0].str, cases[i].text, r.values[0].len),
				  "case %zu: %.*s", i, (int)r.values[0].len, r.values[0].str);
		else if (cases[i].kind != VALUE_OTHER)
			cr_assert(r.values[0].num == cases[i].num, "case %zu: %g", i, r.values[0].num);
		record_values_release(&r);
		plan_free(p);
		free(schema);
	}
}

// Numbers that two roundings get wrong, from Python's fractions: float(Fraction(unscaled, 10**scale)).
Test(plan, decimals_are_rounded_once)
{
	static const struct {
		int scale;
		const char *bytes;
		double want;
	} cases[] = {
	    {4, "\x10\x02\x02\xfe\xb8\x41\x4c\x34\x3c", 14495820535222.79},
	    {2, "\x10\x06\x32\xe7\x69\xa6\xce\xcc\x1b", 4466737540192532.75},
	    {4, "\x10\x00\x45\xb4\x13\x8a\x9a\x02\x1e", 1961976941576.2462},
	    {4, "\x10\xff\xba\x4b\xec\x75\x65\xfd\xe2", -1961976941576.2462},
	    {2, "\x10\x04\xc2\xf2\x0a\xf3\xc6\x4a\xf7", 3431026504870325.67},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *type = xasprintf(
		    RECORD("{\"name\":\"d\",\"type\":{\"type\":\"bytes\",\"logicalType\":\"decimal\","
			   "\"precision\":18,\"scale\":%d}}"),
		    cases[i].scale);
		struct plan *p = compile(type, &(struct plan_options){.all_fields = true});
		struct record_values r;

		record_values_init(&r);
		walk(p, cases[i].bytes, 9, &r);
		cr_assert(r.nvalues == 1 && r.values[0].num == cases[i].want, "%.17g", r.values[0].num);
		record_values_release(&r);
		plan_free(p);
		free(type);
	}
}

Test(plan, range)
{
	static const struct {
		double v;
		bool breaks;
	} cases[] = {{0, false},	{1e6, false},	  {5, false},	     {-0.0, false}, {-1e-9, true},
		     {1000000.5, true}, {INFINITY, true}, {-INFINITY, true}, {NAN, false}};
	struct field_rule rule = {.path = "x",
				  .type = FIELD_TYPES,
				  .required = true,
				  .has_range = true,
				  .range_min = 0,
				  .range_max = 1e6};
	struct plan *p =
	    compile(RECORD(FIELD("x", "\"double\"")), &(struct plan_options){.rules = &rule, .nrules = 1});
	struct record_values r;

	record_values_init(&r);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf b = BUF_INIT;

		put_double(&b, cases[i].v);
		walk(p, b.data, b.len, &r);
		assert_breaches(p, &r, cases[i].breaks ? "range x" : "");
		cr_assert(eq(sz, r.nvalues, 1)); // a value that breaks a rule is still a value
		buf_release(&b);
	}
	record_values_release(&r);
	plan_free(p);
}

Test(plan, allowed_and_pattern)
{
	char *allowed[] = {(char *)(uintptr_t) "EUR", (char *)(uintptr_t) "USD", (char *)(uintptr_t) "7",
			   (char *)(uintptr_t) "true"};
	struct field_rule rules[] = {
	    {.path = "s", .type = FIELD_TYPES, .allowed = allowed, .nallowed = 4, .pattern = "^[A-Z]+$"},
	    {.path = "e", .type = FIELD_TYPES, .allowed = allowed, .nallowed = 4, .pattern = "^U"},
	    {.path = "n", .type = FIELD_TYPES, .allowed = allowed, .nallowed = 4},
	    {.path = "c",
	     .type = FIELD_CATEGORICAL,
	     .cast = true,
	     .allowed = allowed,
	     .nallowed = 4,
	     .pattern = "^[0-9]$"},
	    {.path = "b", .type = FIELD_TYPES, .allowed = allowed, .nallowed = 4},
	};
	const char *schema = RECORD(FIELD("s", "\"string\"") "," FIELD(
	    "e",
	    "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":["
	    "\"EUR\",\"USD\",\"XXX\"]}") "," FIELD("n", "\"double\"") "," FIELD("c",
										"\"int\"") "," FIELD("b",
												     "\"boole"
												     "an\""));
	static const struct {
		const char *s;
		int e;
		double n;
		int c;
		bool b;
		const char *want;
	} cases[] = {
	    {"USD", 1, 7, 7, true, ""},
	    {"GBP", 1, 7, 7, true, "allowed s"},
	    {"eur", 1, 7, 7, true, "allowed s, pattern s"},
	    {"USD", 0, 7, 7, true, "pattern e"},
	    {"USD", 2, 7, 7, true, "allowed e, pattern e"},
	    {"USD", 1, 7.5, 7, true, "allowed n"},
	    {"USD", 1, 7, 77, true, "allowed c, pattern c"},
	    {"USD", 1, 7, 7, false, "allowed b"},
	    {"", 1, NAN, 7, true, "allowed s, pattern s, allowed n"},
	};
	struct plan *p = compile(schema, &(struct plan_options){.rules = rules, .nrules = ARRAY_LEN(rules)});
	struct record_values r;

	record_values_init(&r);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf b = BUF_INIT;

		put_text(&b, cases[i].s);
		buf_svar(&b, cases[i].e);
		put_double(&b, cases[i].n);
		buf_svar(&b, cases[i].c);
		buf_u8(&b, cases[i].b);
		walk(p, b.data, b.len, &r);
		assert_breaches(p, &r, cases[i].want);
		cr_assert(eq(sz, r.nvalues, 5));
		buf_release(&b);
	}
	record_values_release(&r);
	plan_free(p);
}

Test(plan, a_pattern_is_held_against_the_whole_text)
{
	struct field_rule rule = {.path = "s", .type = FIELD_TYPES, .pattern = "^ab$"};
	struct plan *p =
	    compile(RECORD(FIELD("s", "\"string\"")), &(struct plan_options){.rules = &rule, .nrules = 1});
	struct record_values r;

	record_values_init(&r);
	walk(p, "\4ab", 3, &r);
	assert_breaches(p, &r, "");
	walk(p, "\10ab\0c", 5, &r); // a NUL does not end it
	assert_breaches(p, &r, "pattern s");
	record_values_release(&r);
	plan_free(p);
}

// Order{customer: null | Customer{id: null | long, tag: string}, gone: null}
static const char order[] = RECORD(FIELD(
    "customer", NULLABLE("{\"type\":\"record\",\"name\":\"C\",\"fields\":[" FIELD(
		    "id", NULLABLE("\"long\"")) "," FIELD("tag", "\"string\"") "]}")) "," FIELD("gone",
												"\"null\""));

Test(plan, not_null)
{
	struct field_rule rules[] = {
	    {.path = "customer.id", .type = FIELD_TYPES, .not_null = true},
	    {.path = "customer.tag", .type = FIELD_TYPES, .not_null = true},
	    {.path = "customer", .type = FIELD_TYPES, .not_null = true},
	    {.path = "gone", .type = FIELD_TYPES, .not_null = true},
	};
	static const struct {
		size_t nrules;
		const char *bytes;
		size_t n;
		const char *want;
	} cases[] = {
	    {2, "\2\2\6\2x", 5, ""},
	    {2, "\2\0\2x", 4, "null customer.id"},
	    {2, "\0", 1, "null customer.id, null customer.tag"},
	    {3, "\0", 1, "null customer, null customer.id, null customer.tag"},
	    {3, "\2\2\6\2x", 5, ""},
	    {4, "\2\2\6\2x", 5, "null gone"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan *p =
		    compile(order, &(struct plan_options){.rules = rules, .nrules = cases[i].nrules});
		struct record_values r;

		record_values_init(&r);
		walk(p, cases[i].bytes, cases[i].n, &r);
		assert_breaches(p, &r, cases[i].want);
		record_values_release(&r);
		plan_free(p);
	}
}

Test(plan, required_but_not_in_the_writer)
{
	struct field_rule rules[] = {
	    {.path = "customer.name", .type = FIELD_CATEGORICAL, .required = true, .not_null = true},
	    {.path = "optional", .type = FIELD_TYPES, .not_null = true},
	    {.path = "unasked", .type = FIELD_TYPES},
	    {.path = "ignored", .type = FIELD_NONE, .required = true},
	    {.path = "gone", .type = FIELD_NUMERIC, .required = true},
	};
	struct plan *p = compile(order, &(struct plan_options){.rules = rules, .nrules = ARRAY_LEN(rules)});
	struct record_values r;

	record_values_init(&r);
	for (int i = 0; i < 2; i++) { // on every record
		walk(p, "\0", 1, &r);
		assert_breaches(p, &r, "wrong_type gone, missing_field customer.name, null optional");
		cr_assert(r.decoded);
		cr_assert(strstr(r.detail, "gone") != NULL);
	}
	for (size_t i = 0; i < plan_slots(p); i++)
		cr_assert(plan_slot(p, i)->in_writer == !strcmp(plan_slot(p, i)->path, "gone"));
	walk(p, "\2", 1, &r); // a record that cannot be decoded has no other breach
	assert_breaches(p, &r, "undecodable -");
	walk(p, "\0\0", 2, &r);
	assert_breaches(p, &r, "trailing_bytes -");
	record_values_release(&r);
	plan_free(p);
}

Test(plan, ignored_fields_and_what_lies_below_them)
{
	struct field_rule rules[] = {{.path = "customer", .type = FIELD_NONE},
				     {.path = "customer.id", .type = FIELD_TYPES}};
	struct plan *p =
	    compile(order, &(struct plan_options){.rules = rules, .nrules = 2, .all_fields = true});

	cr_assert(eq(sz, plan_slots(p), 1));
	cr_assert(eq(str, plan_slot(p, 0)->path, (char *)(uintptr_t) "customer.id"));
	plan_free(p);
}

Test(plan, the_event_time_is_no_statistic_unless_a_rule_names_it)
{
	const char *schema = RECORD(FIELD("ts", NULLABLE("\"long\"")) "," FIELD("x", "\"int\""));
	struct field_rule rule = {.path = "ts", .type = FIELD_TIME, .required = true};
	struct record_values r;

	record_values_init(&r);
	for (size_t named = 0; named < 2; named++) {
		struct plan *p = compile(
		    schema, &(struct plan_options){
				.event_time = "ts", .rules = &rule, .nrules = named, .all_fields = true});
		cr_assert(eq(sz, plan_slots(p), 1 + named));
		walk(p, "\2\xd0\x0f\2", 4, &r);
		cr_assert(r.has_event_time && r.event_ms == 1000);
		cr_assert(has_value(p, &r, "ts") == (named == 1));
		walk(p, "\0\2", 2, &r);
		cr_assert(r.has_event_time == false);
		plan_free(p);
	}
	record_values_release(&r);
}

Test(plan, undecodable_says_where_and_why)
{
	static const struct {
		const char *type, *bytes;
		size_t n;
		const char *why;
	} cases[] = {
	    {"\"boolean\"", "\2", 1, "boolean"},
	    {"\"int\"", "\x80\x80\x80\x80\x20", 5, "32 bits"},
	    {"\"int\"", "\x80\x80\x80\x80\x10", 5, "32 bits"},
	    {"\"long\"", "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02", 10, "64 bits"},
	    {"\"long\"", "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11, "64 bits"},
	    {"\"long\"", "\x80", 1, "end"},
	    {"\"string\"", "\1x", 2, "negative"},
	    {"\"bytes\"", "\1x", 2, "negative"},
	    {"\"string\"", "\4x", 2, "length"},
	    {"\"bytes\"", "\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01x", 11, "length"},
	    {"\"string\"", "\4\xc0\xaf", 3, "UTF-8"},
	    {"{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\"]}", "\4", 1, "enum"},
	    {"{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\"]}", "\1", 1, "enum"},
	    {"[\"null\",\"int\"]", "\4", 1, "union"},
	    {"[\"null\",\"int\"]", "\1", 1, "union"},
	    {"{\"type\":\"fixed\",\"name\":\"F\",\"size\":4}", "abc", 3, "end"},
	    {"{\"type\":\"array\",\"items\":\"int\"}", "\x0a\2\2\2", 4, "more items"},
	    {"{\"type\":\"array\",\"items\":\"int\"}", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\2\2\0", 13,
	     "too many"},
	    {"{\"type\":\"array\",\"items\":\"int\"}", "\1\4\2\0", 4, "another size"},
	    {"{\"type\":\"array\",\"items\":\"int\"}", "\1\x40\2\0", 4, "larger"},
	    {"{\"type\":\"array\",\"items\":\"int\"}", "\1\3\2\0", 4, "larger"},
	    {"{\"type\":\"array\",\"items\":\"double\"}", "\4\0\0\0\0\0\0\0\0\0", 10, "more items"},
	    {"{\"type\":\"map\",\"values\":\"int\"}", "\2\2\xff\2\0", 5, "UTF-8"},
	    {"{\"type\":\"array\",\"items\":\"boolean\"}", "\4\1\2\0", 4, "boolean"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		for (int shown = 0; shown < 2; shown++) {
			char *schema = xasprintf(RECORD("{\"name\":\"f\",\"type\":%s}"), cases[i].type);
			struct plan *p = compile(schema, &(struct plan_options){.all_fields = shown});
			struct record_values r;

			record_values_init(&r);
			walk(p, cases[i].bytes, cases[i].n, &r);
			assert_breaches(p, &r, "undecodable -");
			cr_assert(r.decoded == false);
			cr_assert(strncmp(r.detail, i + 1 < ARRAY_LEN(cases) ? "f: " : "f[]: ",
					  i + 1 < ARRAY_LEN(cases) ? 3 : 5) == 0 &&
				      strstr(r.detail, cases[i].why),
				  "case %zu: %s", i, r.detail);
			record_values_release(&r);
			plan_free(p);
			free(schema);
		}
	}
}

Test(plan, items_without_bytes_cost_nothing, .timeout = 10)
{
	const char *schema = RECORD(FIELD("a", "{\"type\":\"array\",\"items\":\"null\"}"));
	struct plan *p = compile(schema, &(struct plan_options){.all_fields = true});
	struct record_values r;

	record_values_init(&r);
	walk(p, "\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01\0", 11, &r);
	cr_assert(r.decoded);
	record_values_release(&r);
	plan_free(p);
}

Test(plan, a_field_that_a_contract_reads_by_an_alias_has_the_contracts_path)
{
	const char *writer = RECORD(FIELD("sum", "\"int\"") "," FIELD(
	    "who", "{\"type\":\"record\",\"name\":\"C\",\"fields\":[" FIELD("id", "\"int\"") "," FIELD(
		       "age", "\"int\"") "]}") "," FIELD("old", "\"int\"") "," FIELD("x", "\"int\""));
	const char *reader =
	    RECORD("{\"name\":\"amount\",\"type\":\"long\",\"aliases\":[\"total\",\"sum\"]},"
		   "{\"name\":\"client\",\"aliases\":[\"who\"],\"type\":{\"type\":\"record\",\"name\":"
		   "\"Client\",\"aliases\":[\"C\"],"
		   "\"fields\":[{\"name\":\"key\",\"type\":\"int\",\"aliases\":[\"id\"]}]}},"
		   "{\"name\":\"fresh\",\"type\":\"int\",\"aliases\":[\"old\"]},"
		   "{\"name\":\"y\",\"type\":\"int\",\"aliases\":[\"x\"]},{\"name\":\"x\",\"type\":\"int\"}");
	struct field_rule rules[] = {{.path = "amount", .type = FIELD_NUMERIC, .required = true},
				     {.path = "old", .type = FIELD_NUMERIC, .required = true}};
	static const char *const want[] = {"amount", "client.key", "client.age", "old", "x"};
	struct error err = ERROR_INIT;
	struct avsc *contract = avsc_parse(&(struct schema_text){.text = (char *)reader, .len = strlen(reader)}, &err);
	struct record_values r;

	cr_assert(contract != NULL, "%s", err.text);
	struct plan *p = compile(
	    writer,
	    &(struct plan_options){
		.rules = rules, .nrules = 2, .all_fields = true, .event_time = "ts", .reader = contract});
	record_values_init(&r);
	walk(p, "\2\4\6\10\12", 5, &r);
	assert_breaches(p, &r, "");
	cr_assert(eq(sz, r.nvalues, ARRAY_LEN(want)));
	for (size_t i = 0; i < r.nvalues; i++)
		cr_assert(eq(str, plan_slot(p, r.values[i].slot)->path, (char *)(uintptr_t)want[i]));
	record_values_release(&r);
	plan_free(p);
	avsc_free(contract);
}

Test(plan, record_values_serve_several_plans)
{
	struct plan *small =
	    compile(RECORD(FIELD("x", "\"int\"")), &(struct plan_options){.all_fields = true});
	struct plan *large = compile(order, &(struct plan_options){.all_fields = true});
	struct record_values r;

	record_values_init(&r);
	for (int i = 0; i < 3; i++) {
		walk(small, "\2", 1, &r);
		cr_assert(eq(sz, r.nvalues, 1));
		walk(large, "\2\2\6\2x", 5, &r);
		cr_assert(eq(sz, r.nvalues, 2));
		cr_assert(zero(sz, r.nbreaches));
		cr_assert(r.detail[0] == 0);
	}
	record_values_release(&r);
	plan_free(small);
	plan_free(large);
}

Test(plan, refused_schemas)
{
	static const struct {
		const char *schema, *why;
	} cases[] = {
	    {"", "line"},
	    {"{", "line"},
	    {"\"strange\"", "unknown type"},
	    {"{\"type\":\"record\",\"name\":\"R\"}", "fields"},
	    {"{\"type\":\"record\",\"fields\":[]}", "without a name"},
	    {"[\"int\",\"int\"]", "two branches"},
	    {"[\"int\",[\"long\"]]", "union"},
	    {"{\"type\":\"fixed\",\"name\":\"F\",\"size\":-1}", "size"},
	    {RECORD(FIELD("x", "\"int\"") "," FIELD("x", "\"int\"")), "twice"},
	    {"{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"A\"]}", "twice"},
	    {"{\"type\":\"record\",\"name\":\"no-name\",\"fields\":[]}", "identifier"},
	    {"{\"type\":\"array\"}", "missing"},
	    {"17", "neither"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error err = ERROR_INIT;
		struct plan *p =
		    plan_compile(&(struct schema_text){.text = (char *)cases[i].schema, .len = strlen(cases[i].schema)}, &(struct plan_options){0}, &err);

		cr_assert(p == NULL, "%s", cases[i].schema);
		cr_assert(strstr(err.text, cases[i].why) != NULL, "%s: %s", cases[i].schema, err.text);
	}
}

Test(plan, a_bad_pattern_is_refused)
{
	struct field_rule rule = {.path = "x", .type = FIELD_TYPES, .pattern = "["};
	struct error err = ERROR_INIT;
	const char *schema = RECORD(FIELD("x", "\"string\""));
	struct plan *p =
	    plan_compile(&(struct schema_text){.text = (char *)schema, .len = strlen(schema)}, &(struct plan_options){.rules = &rule, .nrules = 1}, &err);

	cr_assert(p == NULL);
	cr_assert(strstr(err.text, "\"x\"") != NULL, "%s", err.text);
}

// Every record twice in the one above it: 2^30 fields.
static void put_record(struct buf *b, int level)
{
	if (level == 30) {
		buf_adds(b, "{\"type\":\"fixed\",\"name\":\"L30\",\"size\":1}");
		return;
	}
	buf_addf(b, "{\"type\":\"record\",\"name\":\"L%d\",\"fields\":[{\"name\":\"a\",\"type\":", level);
	put_record(b, level + 1);
	buf_addf(b, "},{\"name\":\"b\",\"type\":\"L%d\"}]}", level + 1);
}

// Schemas nested or unrolled without end are refused, not followed.
Test(plan, bombs_are_refused, .timeout = 10)
{
	struct buf deep = BUF_INIT, wide = BUF_INIT;
	struct error err = ERROR_INIT;

	for (int i = 0; i < 200; i++)
		buf_adds(&deep, "{\"type\":\"array\",\"items\":");
	buf_adds(&deep, "\"int\"");
	for (int i = 0; i < 200; i++)
		buf_adds(&deep, "}");
	cr_assert(plan_compile(&(struct schema_text){.text = (char *)deep.data, .len = deep.len}, &(struct plan_options){.all_fields = true}, &err) ==
		  NULL);
	cr_assert(strstr(err.text, "deeper") != NULL, "%s", err.text);
	error_clear(&err);
	put_record(&wide, 0);
	cr_assert(plan_compile(&(struct schema_text){.text = (char *)wide.data, .len = wide.len}, &(struct plan_options){.all_fields = true}, &err) ==
		  NULL);
	cr_assert(strstr(err.text, "unrolled") != NULL, "%s", err.text);
	buf_release(&deep);
	buf_release(&wide);
}
