// SPDX-License-Identifier: Apache-2.0
// Plans of JSON by hand: places of no type, rules, bounds, references, and what stands in a record's way.
#include <criterion/criterion.h>
#include <stdio.h>

#include "plan_help.h"
#include "schema/avsc.h"
#include "schema/contract.h"
#include "util/xalloc.h"

static struct record_values r;
static struct plan *p;

static void release(void)
{
	plan_free(p);
	record_values_release(&r);
}
TestSuite(json, .fini = release);

static const struct plan_options all = {.all_fields = true};

static struct schema_text text_of(const char *schema)
{
	return (struct schema_text){.type = SCHEMA_JSON, .text = (char *)(uintptr_t)schema, .len = strlen(schema)};
}

static void plan_of(const char *schema, const struct plan_options *opt)
{
	struct error err = ERROR_INIT;
	const struct schema_text text = text_of(schema);

	p = plan_compile(&text, opt, &err);
	cr_assert(p != NULL, "%s", err.text);
}

// The record by the plan, which learns what it may.
static void take(const char *record, const struct plan_options *opt)
{
	struct error err = ERROR_INIT;

	walk(p, record, strlen(record), &r);
	if (r.unknown && !plan_learn(p, opt, &r, &err))
		walk(p, record, strlen(record), &r);
	cr_assert(!r.unknown, "%s", record);
}

// "path type value, ..."
static const char *values(void)
{
	static char text[1000];
	size_t at = 0;

	*text = 0;
	for (size_t i = 0; i < r.nvalues && at < sizeof text; i++) {
		const struct value *v = &r.values[i];
		const struct plan_slot *slot = plan_slot(p, v->slot);

		at += (size_t)snprintf(text + at, sizeof text - at, "%s%s %s ", i ? ", " : "", slot->path,
				       field_type_name(slot->type));
		if (v->kind == VALUE_STRING)
			at += (size_t)snprintf(text + at, sizeof text - at, "%.*s", (int)v->len, v->str);
		else if (v->kind == VALUE_TIME)
			at += (size_t)snprintf(text + at, sizeof text - at, "%lld ms", (long long)v->ms);
		else
			at += (size_t)snprintf(text + at, sizeof text - at, v->kind == VALUE_OTHER ? "other" : "%.17g", v->num);
	}
	return text;
}
#define assert_values(want) cr_assert_str_eq(values(), want)

Test(json, without_a_schema_fields_are_learned_with_the_type_of_their_first_value)
{
	plan_of("{}", &all);
	take("{\"a\":null,\"b\":{\"c\":\"x\",\"d\":[1,true,{\"e\":false}]}}", &all);
	assert_values("b.c categorical x, b.d[] numeric 1, b.d[] numeric other, b.d[] numeric other, b.d[].e boolean 0");
	take("{\"a\":\"7\",\"b\":{\"c\":5}}", &all);
	assert_values("a categorical 7, b.c categorical other");
	take("{\"b\":[2]}", &all);
	assert_values("b[] numeric 2");
	cr_assert_eq(r.nbreaches, 0);
}

Test(json, a_plan_that_has_learned_knows_the_record)
{
	plan_of("{}", &all);
	take("{\"a\":1,\"b\":{\"c\":\"x\"}}", &all);
	walk(p, "{\"b\":{\"c\":\"y\"},\"a\":2}", 21, &r);
	cr_assert(!r.unknown);
	assert_values("b.c categorical y, a numeric 2");
}

Test(json, no_more_than_1000_fields_are_learned)
{
	struct buf b = BUF_INIT;

	plan_of("{}", &all);
	for (int i = 0; i < 1200; i++)
		buf_addf(&b, "%s\"k%d\":%d", i ? "," : "{", i, i);
	buf_addc(&b, '}');
	take(b.data, &all);
	cr_assert_eq(plan_slots(p), 1000);
	cr_assert_eq(r.nvalues, 1000);
	cr_assert(plan_full(p) && r.unlearned);
	take("{\"other\":1,\"k0\":2}", &all);
	assert_values("k0 numeric 2");
	cr_assert(r.unlearned);
	take("{\"k0\":2}", &all);
	cr_assert(!r.unlearned);
	buf_release(&b);
}

Test(json, deep_records_are_read_and_too_deep_ones_are_none)
{
	struct buf b = BUF_INIT;

	plan_of("{}", &all);
	for (int depth = 100; depth <= 200; depth += 100) {
		buf_clear(&b);
		for (int i = 0; i < depth; i++)
			buf_adds(&b, "{\"a\":");
		buf_adds(&b, "1");
		for (int i = 0; i < depth; i++)
			buf_addc(&b, '}');
		take(b.data, &all);
		cr_assert_eq(r.decoded, depth == 100);
	}
	cr_assert(strstr(r.detail, "deeper") != NULL, "%s", r.detail);
	buf_release(&b);
}

Test(json, rules_reach_into_places_of_no_type)
{
	static const struct field_rule rules[] = {
	    {.path = "score", .type = FIELD_NUMERIC, .required = true, .not_null = true, .has_range = true, .range_max = 10},
	    {.path = "when.at", .type = FIELD_TIME, .required = true},
	    {.path = "ids{}", .type = FIELD_CATEGORICAL, .required = true, .cast = true},
	    {.path = "list[].x", .type = FIELD_TYPES, .required = true, .not_null = true},
	    {.path = "hidden", .type = FIELD_NONE},
	};
	const struct plan_options opt = {.rules = rules, .nrules = 5, .all_fields = true, .event_time = "t"};

	plan_of("{}", &opt);
	take("{\"score\":11,\"when\":{\"at\":\"2024-02-29T00:00:00Z\"},\"ids\":{\"u1\":5,\"u2\":true},"
	     "\"list\":[{\"x\":1},{}],\"hidden\":{\"y\":1},\"t\":1700000000000}", &opt);
	assert_values("score numeric 11, when.at time 1709164800000 ms, ids{} categorical 5, ids{} categorical true, "
		      "list[].x numeric 1");
	assert_breaches(p, &r, "range score, null list[].x");
	cr_assert(r.has_event_time && r.event_ms == 1700000000000);
	take("{\"score\":\"high\",\"t\":\"2023-11-14T22:13:20Z\"}", &opt);
	assert_values("score numeric other");
	assert_breaches(p, &r, "wrong_type score");
	cr_assert(r.has_event_time && r.event_ms == 1700000000000);
	take("{}", &opt);
	assert_breaches(p, &r, "null score");
}

Test(json, a_key_twice_is_no_record)
{
	plan_of("{\"properties\":{\"a\":{\"type\":\"integer\"}}}", &all);
	take("{\"a\":1,\"a\":1}", &all);
	assert_breaches(p, &r, "undecodable -");
	take("{\"b\":1,\"b\":1}", &all); // the schema does not speak of it
	cr_assert(r.decoded);
}

Test(json, a_number_of_any_length_is_one)
{
	plan_of("{\"type\":\"array\",\"items\":{\"type\":\"number\"}}", &all);
	take("[18446744073709551616, -1e999, 12345678901234567890123, 0.1, 1e-999, \"x\\\"9\", 3]", &all);
	assert_values("value[] numeric 1.8446744073709552e+19, value[] numeric -inf, value[] numeric 1.2345678901234568e+22, "
		      "value[] numeric 0.10000000000000001, value[] numeric 0, value[] numeric other, value[] numeric 3");
	take("[1, 01]", &all);
	assert_breaches(p, &r, "undecodable -");
}

// By Python's fractions of the decimals as they are written.
Test(json, multiples_are_those_of_the_written_numbers)
{
	static const struct {
		const char *of, *value;
		bool is;
	} cases[] = {{"0.5", "92233720368.54775808", false}, {"0.5", "92233720368.5", true}, {"0.1", "0.3", true}, {"0.1", "0.35", false},
		     {"0.01", "123456789.01", true}, {"0.01", "123456789.015", false}, {"0.01", "92233720368.5477", false},
		     {"2.3", "1932103794.4", true}, {"2", "3", false}, {"3", "-9", true}, {"0.25", "1e30", true}};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *schema = xasprintf("{\"type\":\"number\",\"multipleOf\":%s}", cases[i].of);
		plan_of(schema, &all);
		walk(p, cases[i].value, strlen(cases[i].value), &r);
		cr_expect_eq(r.decoded && !r.nbreaches, cases[i].is, "%s of %s", cases[i].value, cases[i].of);
		plan_free(p);
		free(schema);
	}
	plan_of("{}", &all);
}

Test(json, what_recurs_without_a_record_has_an_end)
{
	static const char *const schemas[] = {
	    "{\"type\":\"array\",\"items\":{\"$ref\":\"#\"}}",
	    "{\"type\":[\"array\",\"number\"],\"items\":{\"$ref\":\"#\"}}",
	    "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"array\",\"items\":{\"$ref\":\"#\"}}}",
	    "{\"anyOf\":[{\"type\":\"array\",\"items\":{\"$ref\":\"#\"}},{\"type\":\"number\"}]}",
	};

	for (size_t i = 0; i < ARRAY_LEN(schemas); i++) {
		plan_of(schemas[i], &all);
		take(i == 2 ? "{\"a\":[{\"b\":[]}]}" : "[[[]],[]]", &all);
		cr_assert(r.decoded && !r.nbreaches, "%s", schemas[i]);
		plan_free(p);
	}
	plan_of(schemas[1], &all);
	take("[1,[2,[3,\"x\"]]]", &all);
	cr_assert_eq(r.nbreaches, 1, "what is not followed is judged all the same");
}

// Each 0 stands before digits that would be read with it, so that what is written in its place is longer.
Test(json, a_number_with_leading_zeros_is_none)
{
	struct buf record = BUF_INIT;

	plan_of("{}", &all);
	buf_adds(&record, "[1e999,");
	for (int i = 0; i < 3000; i++)
		buf_addc(&record, '0');
	for (int i = 0; i < 30; i++)
		buf_addc(&record, '9');
	buf_addc(&record, ']');
	walk(p, record.data, record.len, &r);
	cr_assert(!r.decoded && r.breaches[0].kind == VIOLATION_UNDECODABLE);
	buf_release(&record);
}

Test(json, what_follows_a_record_is_told)
{
	plan_of("{}", &all);
	take("{\"a\":1} \n", &all);
	cr_assert(r.decoded);
	take("{\"a\":1}{\"a\":2}", &all);
	assert_breaches(p, &r, "trailing_bytes -");
	take("{\"a\":1", &all);
	assert_breaches(p, &r, "undecodable -");
	walk(p, "{\"a\":\"\xff\"}", 9, &r);
	assert_breaches(p, &r, "undecodable -");
	walk(p, "", 0, &r);
	assert_breaches(p, &r, "undecodable -");
}

Test(json, references_are_followed_by_name_id_anchor_and_pointer)
{
	struct schema_part refs[] = {
	    {(char *)(uintptr_t) "item.json", (char *)(uintptr_t) "{\"definitions\":{\"p\":{\"type\":\"number\"}}}"},
	    {(char *)(uintptr_t) "other", (char *)(uintptr_t) "{\"$id\":\"http://x/y/z.json\",\"type\":\"string\"}"}};
	struct schema_text text = text_of(
	    "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"$id\":\"http://x/y/root.json\",\"properties\":{"
	    "\"a\":{\"$ref\":\"item.json#/definitions/p\"},\"b\":{\"$ref\":\"z.json\"},\"c\":{\"$ref\":\"#here\"},"
	    "\"d\":{\"$ref\":\"#/$defs/a~1b\"},\"e\":{\"$ref\":\"#\"}},"
	    "\"$defs\":{\"x\":{\"$anchor\":\"here\",\"type\":\"boolean\"},\"a/b\":{\"type\":\"integer\",\"minimum\":5}}}");
	struct error err = ERROR_INIT;

	text.refs = refs;
	text.nrefs = 2;
	p = plan_compile(&text, &all, &err);
	cr_assert(p != NULL, "%s", err.text);
	take("{\"a\":1,\"b\":\"s\",\"c\":true,\"d\":4,\"e\":{\"a\":\"not followed, but judged\"}}", &all);
	assert_values("a numeric 1, b categorical s, c boolean 1, d numeric 4");
	assert_breaches(p, &r, "range d, wrong_type -");
}

Test(json, what_cannot_be_read_has_a_reason)
{
	static const char *const bad[] = {"", "[]", "5", "{\"$ref\":\"#/nowhere\"}", "{\"$ref\":\"#\"}", "{\"type\":\"text\"}",
					  "{\"allOf\":[{\"$ref\":\"#/definitions/a\"}],\"definitions\":{\"a\":{\"$ref\":\"#\"}}}"};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct error err = ERROR_INIT;
		const struct schema_text text = text_of(bad[i]);

		p = plan_compile(&text, &all, &err);
		cr_assert(!p && *err.text, "%s", bad[i]);
	}
}

Test(json, keywords_that_are_not_checked_are_named)
{
	char **names;

	plan_of("{\"properties\":{\"a\":{\"format\":\"iri\"},\"b\":{\"pattern\":\"(?=x)\"},\"c\":{\"format\":\"iri\"}},"
		"\"unevaluatedProperties\":false}", &all);
	cr_assert_eq(plan_unchecked(p, &names), 3);
	cr_assert_str_eq(names[0], "unevaluatedProperties");
	cr_assert_str_eq(names[1], "format \"iri\"");
	cr_assert_str_eq(names[2], "pattern \"(?=x)\"");
}

Test(json, the_reason_names_the_place_and_no_payload)
{
	plan_of("{\"properties\":{\"a\":{\"type\":\"array\",\"items\":{\"properties\":{\"b\":{\"minimum\":3}},"
		"\"additionalProperties\":false}}}}", &all);
	take("{\"a\":[{\"b\":1}]}", &all);
	cr_assert_str_eq(r.detail, "a[].b: breaks the schema's minimum 3");
	take("{\"a\":[{\"secret\":1}]}", &all);
	cr_assert_str_eq(r.detail, "a[]{}: breaks the schema's additionalProperties");
	cr_assert_str_eq(r.breaches[0].rule, "additionalProperties");
}

static void resolves(const char *schema, const char *want)
{
	static const char contract[] =
	    "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"n\",\"type\":\"int\"},{\"name\":\"s\",\"type\":[\"null\","
	    "\"string\"],\"default\":null},{\"name\":\"e\",\"type\":{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\"]}}]}";
	const struct schema_text writer = text_of(schema), reader = schema_text_avro(contract, sizeof contract - 1);
	struct error err = ERROR_INIT;
	struct compat found = {0};
	char why[300];
	struct avsc *w = avsc_parse(&writer, &err), *a = avsc_parse(&reader, &err);

	cr_assert(w && a, "%s", err.text);
	compat_check(COMPAT_BACKWARD, w, a, &found);
	compat_why(&found, why, sizeof why);
	cr_assert_str_eq(why, want);
	compat_release(&found);
	avsc_free(w);
	avsc_free(a);
}

Test(json, a_contract_of_avro_reads_a_json_schema)
{
	resolves("{\"type\":\"object\",\"required\":[\"n\",\"e\"],\"properties\":{\"n\":{\"type\":\"integer\"},\"s\":{\"enum\":[\"x\"]},"
		 "\"e\":{\"enum\":[\"A\"]}}}", "");
	resolves("{\"type\":\"object\",\"required\":[\"n\",\"e\"],\"properties\":{\"n\":{\"type\":\"number\"},\"e\":{\"enum\":[\"A\","
		 "\"C\"]}}}", "n: type mismatch (reader int, writer double); and 1 more");
	resolves("{\"type\":\"object\",\"required\":[\"n\"],\"properties\":{\"n\":{\"type\":\"integer\"}}}",
		 "e: reader field missing default value");
	resolves("{}", "");
}
