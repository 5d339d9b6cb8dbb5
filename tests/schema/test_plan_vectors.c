// SPDX-License-Identifier: Apache-2.0
// Fields that a rule calls vectors: a record's array is one value.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "plan_help.h"
#include "schema/text.h"
#include "util/xalloc.h"

static struct record_values r;
static struct plan *p;

static void release(void)
{
	plan_free(p);
	record_values_release(&r);
}
TestSuite(plan_vectors, .fini = release);

#define ARRAY(items) "{\"type\":\"array\",\"items\":" items "}"

static struct field_rule rule = {.path = "e", .type = FIELD_VECTOR, .cast = true};
static const struct plan_options options = {.rules = &rule, .nrules = 1, .all_fields = true};

// "path v1 v2 ..., path other"
static const char *values(void)
{
	static char text[1000];
	size_t at = 0;

	*text = 0;
	for (size_t i = 0; i < r.nvalues; i++) {
		const struct value *v = &r.values[i];

		at += (size_t)snprintf(text + at, sizeof text - at, "%s%s", i ? ", " : "", plan_slot(p, v->slot)->path);
		if (v->kind == VALUE_NUMBER)
			at += (size_t)snprintf(text + at, sizeof text - at, " %g", v->num);
		else if (v->kind != VALUE_VECTOR)
			at += (size_t)snprintf(text + at, sizeof text - at, " other");
		for (size_t k = 0; v->kind == VALUE_VECTOR && k < v->len; k++)
			at += (size_t)snprintf(text + at, sizeof text - at, "%s%g", k ? " " : " <", v->vector[k]);
	}
	return text;
}
#define assert_values(want) cr_assert_str_eq(values(), want)

Test(plan_vectors, of_avro)
{
	p = compile(RECORD(FIELD("a", "\"int\"") "," FIELD("e", NULLABLE(ARRAY("\"double\""))) "," FIELD("l", ARRAY("\"int\""))),
		    &options);
	for (int n = -1; n < 4; n++) {
		struct buf b = BUF_INIT;
		char want[100] = "a 7";
		size_t at = strlen(want);

		buf_svar(&b, 7);
		buf_svar(&b, n >= 0);
		if (n > 0)
			buf_svar(&b, n);
		for (int i = 0; i < n; i++) {
			put_double(&b, i + 0.5);
			at += (size_t)snprintf(want + at, sizeof want - at, "%s%g", i ? " " : ", e <", i + 0.5);
		}
		if (n >= 0)
			buf_svar(&b, 0);
		buf_svar(&b, 2); // another array's elements are values of their own
		buf_svar(&b, 1);
		buf_svar(&b, 2);
		buf_svar(&b, 0);
		snprintf(want + at, sizeof want - at, ", l[] 1, l[] 2");
		walk(p, b.data, b.len, &r);
		cr_assert(r.decoded, "%s", r.detail);
		assert_values(want);
		buf_release(&b);
	}
	cr_assert_eq(plan_slot(p, r.values[0].slot)->part_of, -1);
}

// Two blocks, as Avro may write an array.
Test(plan_vectors, of_blocks_and_many_numbers)
{
	struct buf b = BUF_INIT;
	enum { N = 5000 };

	p = compile(RECORD(FIELD("e", ARRAY("\"int\""))), &options);
	for (int block = 0; block < 2; block++) {
		buf_svar(&b, N);
		for (int i = 0; i < N; i++)
			buf_svar(&b, block * N + i);
	}
	buf_svar(&b, 0);
	for (int again = 0; again < 2; again++) {
		walk(p, b.data, b.len, &r);
		cr_assert_eq(r.nvalues, 1);
		cr_assert_eq((int)r.values[0].kind, VALUE_VECTOR);
		cr_assert_eq(r.values[0].len, 2 * N);
		for (int i = 0; i < 2 * N; i++)
			cr_assert_eq(r.values[0].vector[i], i);
	}
	buf_release(&b);
}

// A null or a text among the numbers: there is a value, but no vector.
Test(plan_vectors, with_what_is_no_number)
{
	struct buf b = BUF_INIT;

	p = compile(RECORD(FIELD("e", ARRAY("[\"null\",\"int\",\"string\"]"))), &options);
	for (int branch = 0; branch < 3; branch++) {
		b.len = 0;
		buf_svar(&b, 2);
		buf_svar(&b, 1);
		buf_svar(&b, 5);
		buf_svar(&b, branch);
		if (branch == 1)
			buf_svar(&b, 6);
		else if (branch == 2)
			put_text(&b, "x");
		buf_svar(&b, 0);
		walk(p, b.data, b.len, &r);
		cr_assert(r.decoded, "%s", r.detail);
		assert_values(branch == 1 ? "e <5 6" : "e other");
	}
	buf_release(&b);
}

// What lies in another array or a map is no vector, nor are arrays of arrays.
Test(plan_vectors, lie_in_no_array)
{
	struct field_rule inside = {.path = "l[].e", .type = FIELD_VECTOR, .cast = true};
	const struct plan_options opt = {.rules = &inside, .nrules = 1, .all_fields = true};
	struct buf b = BUF_INIT;

	p = compile(RECORD(FIELD("l", ARRAY("{\"type\":\"record\",\"name\":\"I\",\"fields\":[" FIELD("e", ARRAY("\"int\"")) "]}"))),
		    &opt);
	buf_svar(&b, 1);
	buf_svar(&b, 1);
	buf_svar(&b, 3);
	buf_svar(&b, 0);
	buf_svar(&b, 0);
	walk(p, b.data, b.len, &r);
	cr_assert(r.decoded, "%s", r.detail);
	assert_values("");
	plan_free(p);
	p = compile(RECORD(FIELD("e", ARRAY(ARRAY("\"int\"")))), &options);
	walk(p, b.data, b.len, &r);
	cr_assert(r.decoded, "%s", r.detail);
	assert_values("");
	buf_release(&b);
}

static void take(const char *record)
{
	walk(p, record, strlen(record), &r);
	cr_assert(r.decoded, "%s", r.detail);
}

Test(plan_vectors, of_json)
{
	static const char schema[] = "{\"type\":\"object\",\"properties\":{\"e\":{\"type\":\"array\",\"items\":"
				     "{\"type\":\"number\"}},\"a\":{\"type\":\"number\"}}}";
	const struct schema_text text = {.type = SCHEMA_JSON, .text = (char *)(uintptr_t)schema, .len = strlen(schema)};
	struct error err = ERROR_INIT;

	p = plan_compile(&text, &options, &err);
	cr_assert(p, "%s", err.text);
	take("{\"e\":[1,2.5,-3],\"a\":4}");
	assert_values("e <1 2.5 -3, a 4");
	take("{\"a\":4,\"e\":[]}");
	assert_values("a 4");
	take("{\"e\":[1,\"x\"]}");
	assert_values("e other");
	take("{\"e\":null,\"a\":1}");
	assert_values("a 1");
	take("{\"e\":7}");
	assert_values("e other");
}
