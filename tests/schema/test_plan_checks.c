// SPDX-License-Identifier: Apache-2.0
// Lengths, ages and the exact integers that rules over several records compare.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "plan_help.h"
#include "util/xalloc.h"

static struct record_values r;

static void start(void)
{
	record_values_init(&r);
}

static void stop(void)
{
	record_values_release(&r);
}

TestSuite(plan_checks, .init = start, .fini = stop);

#define FIXED(size) "{\"type\":\"fixed\",\"name\":\"F\",\"size\":" size "}"
#define ENUM	    "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"BCD\",\"EFGHI\"]}"

Test(plan_checks, lengths_are_characters_of_texts_and_bytes_of_bytes)
{
	static const struct {
		const char *type;
		enum field_type as;
		const char *bytes;
		size_t n;
		bool breaks;
	} cases[] = {
		{"\"string\"", FIELD_TYPES, "\2a", 2, true},
		{"\"string\"", FIELD_TYPES, "\4ab", 3, false},
		{"\"string\"", FIELD_TEXT, "\x0a\xc3\xa9\xe2\x82\xac", 6, false}, // two characters, five bytes
		{"\"string\"", FIELD_TEXT, "\x08\xf0\x9f\x98\x80", 5, true},	   // one
		{"\"string\"", FIELD_TYPES, "\x08" "abcd", 5, false},
		{"\"string\"", FIELD_TYPES, "\x0a" "abcde", 6, true},
		{"\"string\"", FIELD_TYPES, "\0", 1, true},
		{"\"bytes\"", FIELD_TYPES, "\x0a\xc3\xa9\xe2\x82\xac", 6, true}, // five
		{"\"bytes\"", FIELD_TYPES, "\x08\xff\xff\xff\xff", 5, false},
		{FIXED("5"), FIELD_TYPES, "abcde", 5, true},
		{FIXED("2"), FIELD_TYPES, "ab", 2, false},
		{ENUM, FIELD_TYPES, "\0", 1, true},
		{ENUM, FIELD_TYPES, "\2", 1, false},
		{ENUM, FIELD_TYPES, "\4", 1, true},
		{"\"int\"", FIELD_CATEGORICAL, "\x12", 1, true}, // "9"
		{"\"int\"", FIELD_CATEGORICAL, "\x14", 1, false}, // "10"
		{NULLABLE("\"string\""), FIELD_TYPES, "\0", 1, false},
		{NULLABLE("\"string\""), FIELD_TYPES, "\2\2a", 3, true},
		{"\"boolean\"", FIELD_TYPES, "\0", 1, false}, // has no length
		{"\"long\"", FIELD_TYPES, "\0", 1, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct field_rule rule = {.path = "f", .type = cases[i].as, .cast = true, .has_length = true, .length_min = 2,
					  .length_max = 4};
		char *schema = xasprintf(RECORD("{\"name\":\"f\",\"type\":%s}"), cases[i].type);
		struct plan *p = compile(schema, &(struct plan_options){.rules = &rule, .nrules = 1});

		walk(p, cases[i].bytes, cases[i].n, &r);
		cr_expect_str_eq(breaches(p, &r), cases[i].breaks ? "length f" : "", "case %zu, %s: %s", i, schema, r.detail);
		plan_free(p);
		free(schema);
	}
}

Test(plan_checks, lengths_of_arrays_and_maps_are_their_elements)
{
	static const char schema[] = RECORD(FIELD("a", "{\"type\":\"array\",\"items\":\"int\"}") ","
		FIELD("m", NULLABLE("{\"type\":\"map\",\"values\":\"int\"}")) ","
		FIELD("o", "{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"O\",\"fields\":["
			   FIELD("t", "{\"type\":\"array\",\"items\":\"null\"}") "]}}"));
	struct field_rule rules[] = {
		{.path = "a", .type = FIELD_TYPES, .has_length = true, .length_min = 1, .length_max = 3},
		{.path = "m", .type = FIELD_TYPES, .has_length = true, .length_min = 2, .length_max = UINT64_MAX},
		{.path = "o[].t", .type = FIELD_TYPES, .has_length = true, .length_min = 0, .length_max = 2},
	};
	static const struct {
		const char *bytes;
		size_t n;
		const char *want;
	} cases[] = {
		{"\2\0\0" "\0" "\0", 5, ""},		 // [0], null, []
		{"\0" "\0" "\0", 3, "length a"},	 // []
		{"\6\0\0\0\0" "\0" "\0", 7, ""},	 // [0, 0, 0]
		{"\4\0\0\2\0\2\0\0" "\0" "\0", 10, "length a"}, // 2 + 1 + 1, in three blocks
		{"\3\4\0\0\2\0\0" "\0" "\0", 9, ""},	 // 2 + 1; a block with its size
		{"\2\0\0" "\2\0" "\0", 6, "length m"},	 // {}
		{"\2\0\0" "\2\2\2k\0\0" "\0", 10, "length m"}, // {k: 0}
		{"\2\0\0" "\2\4\2k\0\2l\0\0" "\0", 13, ""},
		{"\2\0\0" "\0" "\4\4\0\4\0\0", 10, ""},	 // [{t: 2}, {t: 2}]
		{"\2\0\0" "\0" "\4\6\0\6\0\0", 10, "length o[].t"}, // once a record
	};

	for (int all = 0; all < 2; all++) {
		struct plan *p = compile(schema, &(struct plan_options){.rules = rules, .nrules = 3, .all_fields = all});

		for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
			walk(p, cases[i].bytes, cases[i].n, &r);
			cr_expect_str_eq(breaches(p, &r), cases[i].want, "case %zu: got %s (%s)", i, breaches(p, &r), r.detail);
		}
		plan_free(p);
	}
}

Test(plan_checks, freshness_is_judged_against_the_kafka_timestamp)
{
	static const int64_t now = 1700000000000;
	static const struct {
		const char *type;
		int64_t value, kafka;
		bool stale;
	} cases[] = {
		{"{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}", now - 60000, now, false},
		{"{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}", now - 60001, now, true},
		{"{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}", now - 60001, 0, false}, // not known
		{"{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}", (now - 60000) * 1000, now, false},
		{"{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}", (now - 60000) * 1000 - 1, now, true},
		{"{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}", now + 1000000, now, false}, // ahead
		{"\"long\"", now - 60001, now, true},	   // unix milliseconds
		{"{\"type\":\"int\",\"logicalType\":\"date\"}", 19675, now, true},
		{"{\"type\":\"int\",\"logicalType\":\"time-millis\"}", 5, now, false}, // of a day that is not told
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct field_rule rule = {.path = "f", .type = FIELD_TIME, .cast = true, .freshness_ms = 60000};
		char *schema = xasprintf(RECORD("{\"name\":\"f\",\"type\":%s}"), cases[i].type);
		struct plan *p = compile(schema, &(struct plan_options){.rules = &rule, .nrules = 1});
		struct buf b = BUF_INIT;

		buf_svar(&b, cases[i].value);
		r.kafka_ms = cases[i].kafka;
		walk(p, b.data, b.len, &r);
		cr_expect_str_eq(breaches(p, &r), cases[i].stale ? "freshness f" : "", "case %zu: %s", i, r.detail);
		buf_release(&b);
		plan_free(p);
		free(schema);
	}
}

Test(plan_checks, compared_integers_are_exact)
{
	struct field_rule rules[] = {{.path = "id", .type = FIELD_TYPES, .compared = true},
				     {.path = "x", .type = FIELD_TYPES, .compared = true}};
	struct plan *p = compile(RECORD(FIELD("id", "\"long\"") "," FIELD("x", "\"double\"")),
				 &(struct plan_options){.rules = rules, .nrules = 2});
	struct buf b = BUF_INIT;

	buf_svar(&b, 9007199254740993); // 2^53 + 1, which no double is
	buf_f64(&b, 2.5);
	walk(p, b.data, b.len, &r);
	cr_assert_eq(r.nvalues, 2);
	cr_expect(r.values[0].whole && r.values[0].ms == 9007199254740993);
	cr_expect_not(r.values[1].whole);
	buf_release(&b);
	plan_free(p);
}
