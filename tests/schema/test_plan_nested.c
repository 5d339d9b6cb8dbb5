// SPDX-License-Identifier: Apache-2.0
// What lies inside arrays, maps and recursive records.
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <stdio.h>

#include "plan_help.h"
#include "util/buf.h"
#include "util/xalloc.h"

// Cart{items: [Item{price: null | double, tags: {null | string}}], all: null | {int}}
static const char cart[] = RECORD(
    FIELD("items",
	  "{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"Item\",\"fields\":[" FIELD(
	      "price", NULLABLE("\"double\"")) "," FIELD("tags",
							 "{\"type\":\"map\",\"values\":[\"null\",\"string\"]"
							 "}") "]}}") "," FIELD("all",
									       NULLABLE(
										   "{\"type\":\"map\","
										   "\"values\":\"int\"}")));

static void put_item(struct buf *b, double price, const char *tag)
{
	buf_svar(b, !isnan(price));
	if (!isnan(price))
		put_double(b, price);
	buf_svar(b, tag ? 2 : 0);
	if (tag) { // and one without a value
		put_text(b, "k");
		buf_svar(b, 1);
		put_text(b, tag);
		put_text(b, "l");
		buf_svar(b, 0);
		buf_svar(b, 0);
	}
}

Test(plan_nested, every_element_counts_and_breaks_a_rule_once_a_record)
{
	char *allowed[] = {(char *)(uintptr_t) "new"};
	struct field_rule rules[] = {
	    {.path = "items[].price",
	     .type = FIELD_NUMERIC,
	     .required = true,
	     .not_null = true,
	     .has_range = true,
	     .range_max = 100},
	    {.path = "items[].tags{}", .type = FIELD_TYPES, .allowed = allowed, .nallowed = 1},
	    {.path = "items[].weight", .type = FIELD_TYPES, .not_null = true},
	    {.path = "all{}", .type = FIELD_TEXT, .required = true},
	    {.path = "lines[].x", .type = FIELD_NUMERIC, .not_null = true},
	};
	struct plan *p = compile(cart, &(struct plan_options){.rules = rules, .nrules = ARRAY_LEN(rules)});
	struct record_values r;
	struct buf b = BUF_INIT;

	record_values_init(&r);
	walk(p, "\0\0", 2, &r); // an empty array lacks nothing
	assert_breaches(p, &r, "wrong_type all{}");
	cr_assert(zero(sz, r.nvalues));
	buf_svar(&b, 4);
	put_item(&b, 5, "new");
	put_item(&b, 101, "old");
	put_item(&b, NAN, NULL);
	put_item(&b, 102, "older");
	buf_svar(&b, 0);
	buf_svar(&b, 1);
	buf_svar(&b, 1);
	put_text(&b, "k");
	buf_svar(&b, 7);
	buf_svar(&b, 0);
	for (int again = 0; again < 2; again++) {
		static const char *const paths[] = {"items[].price",  "items[].tags{}", "items[].price",
						    "items[].tags{}", "items[].price",	"items[].tags{}",
						    "all{}"};

		walk(p, b.data, b.len, &r);
		assert_breaches(
		    p, &r,
		    "wrong_type all{}, null items[].weight, range items[].price, allowed items[].tags{}, "
		    "null items[].price");
		cr_assert(eq(sz, r.nvalues, ARRAY_LEN(paths)));
		for (size_t i = 0; i < r.nvalues; i++)
			cr_assert(eq(str, plan_slot(p, r.values[i].slot)->path, (char *)(uintptr_t)paths[i]));
		cr_assert(r.values[2].num == 101 && r.values[3].len == 3 &&
			  !memcmp(r.values[3].str, "old", 3));
		cr_assert(eq(int, r.values[6].kind, VALUE_OTHER));
		for (size_t i = 0; i < plan_slots(p); i++) {
			static const uint64_t elements[] = {4, 6, 4, 1,
							    0}; // of which items[].tags{} has 3 values
			const struct plan_slot *s = plan_slot(p, i);

			for (size_t k = 0; k < ARRAY_LEN(rules); k++)
				if (!strcmp(s->path, rules[k].path))
					cr_assert(eq(u64, r.elements[s->element], elements[k]), "%s",
						  s->path);
		}
	}
	buf_release(&b);
	record_values_release(&r);
	plan_free(p);
}

// 100,000 elements, written out: the texts stay where the values point.
Test(plan_nested, a_long_array_grows_the_values)
{
	struct field_rule rule = {.path = "l[]", .type = FIELD_CATEGORICAL, .cast = true};
	struct plan *p = compile(RECORD(FIELD("l", "{\"type\":\"array\",\"items\":\"int\"}")),
				 &(struct plan_options){.rules = &rule, .nrules = 1});
	struct record_values r;
	struct buf b = BUF_INIT;
	enum { N = 100000 };

	record_values_init(&r);
	buf_svar(&b, N);
	for (int i = 0; i < N; i++)
		buf_svar(&b, i);
	buf_svar(&b, 0);
	walk(p, b.data, b.len, &r);
	cr_assert(eq(sz, r.nvalues, N));
	for (int i = 0; i < N; i++) {
		char want[16];
		int n = snprintf(want, sizeof want, "%d", i);

		cr_assert(r.values[i].len == (uint32_t)n && !memcmp(r.values[i].str, want, (size_t)n), "%d",
			  i);
	}
	buf_release(&b);
	record_values_release(&r);
	plan_free(p);
}

Test(plan_nested, an_array_itself_may_be_required)
{
	struct field_rule rules[] = {
	    {.path = "items", .type = FIELD_TYPES, .required = true, .not_null = true},
	    {.path = "all", .type = FIELD_TYPES, .required = true, .not_null = true},
	};
	struct plan *p = compile(cart, &(struct plan_options){.rules = rules, .nrules = 2});
	struct record_values r;

	record_values_init(&r);
	walk(p, "\0\0", 2, &r);
	assert_breaches(p, &r, "null all");
	walk(p, "\0\2\0", 3, &r);
	assert_breaches(p, &r, "");
	record_values_release(&r);
	plan_free(p);
}

Test(plan_nested, rules_follow_a_recursion)
{
	const char *tree = RECORD(FIELD("v", "\"int\"") "," FIELD("next", NULLABLE("\"R\"")) "," FIELD(
	    "kids", "{\"type\":\"array\",\"items\":\"R\"}"));
	struct field_rule rules[] = {
	    {.path = "next.next.v", .type = FIELD_NUMERIC, .required = true},
	    {.path = "kids[].v", .type = FIELD_NUMERIC, .required = true, .not_null = true},
	};
	struct plan *p =
	    compile(tree, &(struct plan_options){.rules = rules, .nrules = 2, .all_fields = true});
	struct record_values r;

	cr_assert(eq(sz, plan_slots(p), 3)); // and v
	record_values_init(&r);
	// v 1, next {v 2, next {v 3, -, []}, []}, kids [{v 4, next {v 5, -, []}, []}, {v 6, -, []}]
	walk(p, "\2\2\4\2\6\0\0\0\4\10\2\12\0\0\0\14\0\0\0", 19, &r);
	assert_breaches(p, &r, "");
	cr_assert(eq(sz, r.nvalues, 4));
	static const double want[] = {1, 3, 4, 6};
	for (size_t i = 0; i < r.nvalues; i++)
		cr_assert(r.values[i].num == want[i], "%zu: %g", i, r.values[i].num);
	record_values_release(&r);
	plan_free(p);
}

Test(plan_nested, ignoring_an_array_ignores_its_elements)
{
	struct field_rule rules[] = {{.path = "items", .type = FIELD_NONE},
				     {.path = "items[].price", .type = FIELD_TYPES},
				     {.path = "all", .type = FIELD_VECTOR}};
	struct plan *p =
	    compile(cart, &(struct plan_options){.rules = rules, .nrules = 3, .all_fields = true});

	cr_assert(eq(sz, plan_slots(p), 2));
	cr_assert(eq(str, plan_slot(p, 0)->path, (char *)(uintptr_t) "items[].price"));
	cr_assert(eq(str, plan_slot(p, 1)->path, (char *)(uintptr_t) "all"));
	plan_free(p);
}

Test(plan_nested, an_event_time_is_not_inside_an_array)
{
	struct plan *p = compile(RECORD(FIELD("l", "{\"type\":\"array\",\"items\":\"long\"}")),
				 &(struct plan_options){.event_time = "l[]", .all_fields = true});
	struct record_values r;

	record_values_init(&r);
	walk(p, "\2\6\0", 3, &r);
	cr_assert(r.has_event_time == false && r.nvalues == 1);
	record_values_release(&r);
	plan_free(p);
}

Test(plan_nested, recursion_is_bounded)
{
	const char *list = RECORD(FIELD("v", "\"int\"") "," FIELD("next", NULLABLE("\"R\"")));
	const char *endless = RECORD(FIELD("self", "\"R\""));
	struct plan *p = compile(list, &(struct plan_options){.all_fields = true});
	struct record_values r;
	uint8_t bytes[400];

	record_values_init(&r);
	for (size_t depth = 60; depth <= 70; depth += 10) {
		for (size_t i = 0; i < depth; i++)
			memcpy(bytes + 2 * i, "\2\2", 2);
		memcpy(bytes + 2 * depth, "\2\0", 2);
		walk(p, bytes, 2 * depth + 2, &r);
		assert_breaches(p, &r, depth <= 64 ? "" : "undecodable -");
		cr_assert(eq(sz, r.nvalues, depth <= 64 ? 1 : 0));
	}
	cr_assert(strstr(r.detail, "nested deeper than 64") != NULL, "%s", r.detail);
	plan_free(p);
	p = compile(endless, &(struct plan_options){.all_fields = true});
	walk(p, "", 0, &r);
	assert_breaches(p, &r, "undecodable -");
	plan_free(p);
	record_values_release(&r);
}

// A million levels of bytes: refused at the bound, not followed down the stack.
Test(plan_nested, recursion_through_arrays_maps_and_unions_is_bounded)
{
	static const struct {
		const char *schema, *level;
		size_t n;
		const char *end;
		size_t nend;
	} cases[] = {
	    {RECORD(FIELD("a", "{\"type\":\"array\",\"items\":\"R\"}")), "\2", 1, "\0", 1},
	    {RECORD(FIELD("m", "{\"type\":\"map\",\"values\":\"R\"}")), "\2\2k", 3, "\0", 1},
	    {RECORD(FIELD("u", "[\"null\",\"int\",\"R\"]")), "\4", 1, "\0", 1},
	};
	struct record_values r;

	record_values_init(&r);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan *p = compile(cases[i].schema, &(struct plan_options){.all_fields = true});

		for (size_t depth = 20; depth <= 1000000; depth *= 50000) {
			struct buf b = BUF_INIT;

			for (size_t k = 0; k < depth; k++)
				buf_add(&b, cases[i].level, cases[i].n);
			for (size_t k = 0; k <= depth; k++)
				buf_add(&b, cases[i].end, k < depth && i == 2 ? 0 : cases[i].nend);
			walk(p, b.data, b.len, &r);
			assert_breaches(p, &r, depth == 20 ? "" : "undecodable -");
			cr_assert(depth == 20 || strstr(r.detail, "nested deeper than 64"), "%s", r.detail);
			buf_release(&b);
		}
		plan_free(p);
	}
	record_values_release(&r);
}
