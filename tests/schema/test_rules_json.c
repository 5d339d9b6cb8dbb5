// SPDX-License-Identifier: Apache-2.0
// Rules of the configuration on JSON records: with a schema, and with fields that are learned.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "plan_help.h"
#include "util/xalloc.h"

static const struct record_rule rules[] = {
	{"in_order", "start <= end", NULL},
	{"filled", "size(items) > 0", NULL},
	{"named", "!(kind == 'a') || who.name != null", "who.name"},
};

// "RULE PATH, RULE PATH", in the order of the rules.
static const char *broken(struct plan **p, const struct plan_options *opt, struct record_values *r, const char *json)
{
	static char text[200];
	struct error err = ERROR_INIT;
	size_t at = 0;

	do {
		walk(*p, json, strlen(json), r);
	} while (r->unknown && !plan_learn(*p, opt, r, &err));
	cr_assert(r->decoded && !err.set, "%s%s", r->detail, err.text);
	text[0] = 0;
	for (size_t i = 0; i < r->nbreaches; i++)
		if (r->breaches[i].kind == VIOLATION_RULE)
			at += (size_t)snprintf(text + at, sizeof text - at, "%s%s %s", at ? ", " : "", r->breaches[i].rule,
					       r->breaches[i].slot < 0 ? "-" : plan_slot(*p, (size_t)r->breaches[i].slot)->path);
	return text;
}

Test(rules_json, are_judged_whatever_the_schema_says)
{
	static const char typed[] =
		"{\"type\":\"object\",\"properties\":{\"start\":{\"type\":[\"integer\",\"null\"]},\"end\":{\"type\":\"number\"},"
		"\"kind\":{\"type\":\"string\"},\"items\":{\"type\":\"array\",\"items\":{\"type\":\"integer\"}},"
		"\"who\":{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"}}}}}";
	static const struct {
		const char *json, *want;
	} cases[] = {
		{"{\"start\":1,\"end\":2.5,\"items\":[1]}", ""},
		{"{\"end\":2.5,\"items\":[1],\"start\":3}", "in_order -"}, // in any order
		{"{\"start\":null,\"end\":2.5,\"items\":[1]}", ""},
		{"{\"start\":9007199254740993,\"end\":1,\"items\":[]}", "in_order -, filled -"},
		{"{\"start\":1,\"end\":2}", ""},			     // a null has no size
		{"{\"kind\":\"b\"}", ""},
		{"{\"kind\":\"a\",\"who\":{\"name\":\"x\"}}", ""},
		{"{\"kind\":\"a\",\"who\":{\"name\":null}}", "named who.name"},
		{"{\"who\":{},\"kind\":\"a\"}", "named who.name"},
	};

	for (int learned = 0; learned < 2; learned++) {
		const char *schema = learned ? "{}" : typed;
		struct schema_text text = {.type = SCHEMA_JSON, .text = (char *)(uintptr_t)schema, .len = strlen(schema)};
		struct plan_options opt = {.record_rules = rules, .nrecord_rules = ARRAY_LEN(rules), .all_fields = true};
		struct error err = ERROR_INIT;
		struct plan *p = plan_compile(&text, &opt, &err);
		struct record_values r;

		cr_assert(p, "%s", err.text);
		record_values_init(&r);
		for (size_t i = 0; learned && i < ARRAY_LEN(cases); i++) // until every field has come
			broken(&p, &opt, &r, cases[i].json);
		for (size_t i = 0; i < ARRAY_LEN(cases); i++)
			cr_expect_str_eq(broken(&p, &opt, &r, cases[i].json), cases[i].want, "%s: %s", schema, cases[i].json);
		record_values_release(&r);
		plan_free(p);
	}
}

// confluent:rules of objects and properties; null beside a schema is no choice, other branches are.
Test(rules_json, in_a_json_schema)
{
	static const char schema[] =
	    "{\"type\":\"object\",\"confluent:rules\":[{\"name\":\"ordered\",\"expr\":\"this.start <= this.end\"}],"
	    "\"required\":[\"start\"],\"properties\":{"
	    "\"start\":{\"type\":\"integer\",\"confluent:rules\":[{\"name\":\"positive\",\"expr\":\"this > 0\"}]},"
	    "\"end\":{\"oneOf\":[{\"type\":\"null\"},{\"type\":\"integer\",\"confluent:rules\":["
	    "{\"name\":\"small\",\"expr\":\"this < 100\"}]}]},"
	    "\"any\":{\"oneOf\":[{\"type\":\"string\",\"confluent:rules\":[{\"name\":\"branch\",\"expr\":\"this != ''\"}]},"
	    "{\"type\":\"integer\"}]},"
	    "\"who\":{\"type\":\"object\",\"confluent:tags\":[\"PII\"],\"confluent:rules\":[{\"name\":\"named\","
	    "\"expr\":\"size(this.name) > 1\"}],\"properties\":{\"name\":{\"type\":\"string\"}}},"
	    "\"list\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"confluent:rules\":[{\"name\":\"cheap\","
	    "\"expr\":\"this.p < 10.5\"}],\"properties\":{\"p\":{\"type\":\"number\"}}}}}}";
	static const struct {
		const char *json, *want;
	} cases[] = {
	    {"{\"start\":1,\"end\":2,\"who\":{\"name\":\"ab\"}}", ""},
	    {"{\"start\":1}", ""},
	    {"{\"start\":3,\"end\":2}", "ordered -"},
	    {"{\"start\":0,\"end\":null}", "positive start"},
	    {"{\"start\":1,\"end\":100}", "small end"},
	    {"{\"start\":1,\"any\":\"\"}", ""},
	    {"{\"start\":1,\"who\":{\"name\":\"a\"}}", "named -"},
	    {"{\"start\":1,\"who\":{}}", ""},
	    {"{\"start\":1,\"list\":[{\"p\":1},{\"p\":11},{\"p\":12.5}]}", "cheap -"},
	};
	const struct plan_options opt = {.all_fields = true};
	const struct schema_text text = {.type = SCHEMA_JSON, .text = (char *)schema, .len = strlen(schema)};
	struct error err = ERROR_INIT;
	struct plan *p = plan_compile(&text, &opt, &err);
	struct record_values r;

	cr_assert(p != NULL, "%s", err.text);
	record_values_init(&r);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *got = broken(&p, &opt, &r, cases[i].json);
		cr_expect(strcmp(got, cases[i].want) == 0, "%s: \"%s\", not \"%s\"", cases[i].json, got, cases[i].want);
	}
	for (size_t i = 0; i < plan_rules(p); i++)
		cr_expect((strcmp(plan_rule(p, i)->name, "branch") == 0) != plan_rule(p, i)->supported, "%s: %s",
			  plan_rule(p, i)->name, plan_rule(p, i)->reason);
	for (size_t i = 0; i < plan_slots(p); i++)
		cr_expect((strcmp(plan_slot(p, i)->path, "who.name") == 0) == plan_slot(p, i)->redacted, "%s", plan_slot(p, i)->path);
	record_values_release(&r);
	plan_free(p);
}

// Objects of several shapes share their place: each has the rules of its own fields.
Test(rules_json, of_every_branch_of_a_union)
{
	static char set[] = "{\"domainRules\":[{\"name\":\"short\",\"kind\":\"CONDITION\",\"mode\":\"WRITE\",\"type\":\"CEL_FIELD\","
			    "\"expr\":\"typeName == 'STRING' ; size(value) <= 2\"}]}";
	static const char schema[] =
		"{\"type\":\"object\",\"properties\":{\"in\":{\"oneOf\":["
		"{\"type\":\"object\",\"title\":\"A\",\"properties\":{\"a\":{\"type\":\"string\"}},\"required\":[\"a\"]},"
		"{\"type\":\"object\",\"title\":\"B\",\"properties\":{\"b\":{\"type\":\"string\"}},\"required\":[\"b\"]}]}}}";
	struct schema_text text = {.type = SCHEMA_JSON, .text = (char *)(uintptr_t)schema, .len = sizeof schema - 1, .rule_set = set};
	struct plan_options opt = {.all_fields = true};
	struct error err = ERROR_INIT;
	struct plan *p = plan_compile(&text, &opt, &err);
	struct record_values r;

	cr_assert(p, "%s", err.text);
	record_values_init(&r);
	cr_expect_str_eq(broken(&p, &opt, &r, "{\"in\":{\"a\":\"xy\"}}"), "");
	cr_expect_str_eq(broken(&p, &opt, &r, "{\"in\":{\"a\":\"xyz\"}}"), "short in.a");
	cr_expect_str_eq(broken(&p, &opt, &r, "{\"in\":{\"b\":\"xyz\"}}"), "short in.b");
	cr_expect_str_eq(broken(&p, &opt, &r, "{\"in\":{\"b\":\"xy\"}}"), "");
	record_values_release(&r);
	plan_free(p);
}
