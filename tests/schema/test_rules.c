// SPDX-License-Identifier: Apache-2.0
// Rules in schemas: records that fastavro wrote against what a walk of them by Google's CEL says they break
// (tests/schema/make_rule_cases.py); the lines of tests/data/rule_cases.jsonl always, random ones where those are at
// hand. And by hand what is listed as unsupported.
//
// Environment: KDRIFT_SEED (else by the clock; printed).
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "plan_help.h"
#include "util/json.h"
#include "util/xalloc.h"

#define PYTHON SOURCE_DIR "/.cache/venv/bin/python"

static struct plan *plan_of(const char *schema, char *rule_set, const struct plan_options *opt)
{
	struct schema_text text = schema_text_avro(schema, strlen(schema));
	struct error err = ERROR_INIT;

	text.rule_set = rule_set;
	struct plan *p = plan_compile(&text, opt, &err);
	cr_assert(p != NULL, "%s", err.text);
	return p;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

// "rule path, rule path", sorted.
static char *broken(const struct plan *p, const struct record_values *r)
{
	char **texts = xcalloc(r->nbreaches + 1, sizeof *texts);
	struct buf out = BUF_INIT;

	buf_adds(&out, "");
	for (size_t i = 0; i < r->nbreaches; i++) {
		const struct breach *b = &r->breaches[i];

		cr_expect(eq(int, b->kind, VIOLATION_RULE));
		cr_expect(b->why && *b->why);
		texts[i] = xasprintf("%s %s", b->rule, b->slot < 0 ? "" : plan_slot(p, (size_t)b->slot)->path);
	}
	qsort(texts, r->nbreaches, sizeof *texts, by_text);
	for (size_t i = 0; i < r->nbreaches; i++) {
		buf_addf(&out, "%s%s", i ? ", " : "", texts[i]);
		free(texts[i]);
	}
	free(texts);
	return buf_steal(&out);
}

static char *wanted(const json_t *list)
{
	struct buf out = BUF_INIT;
	const json_t *b;
	size_t i;

	buf_adds(&out, "");
	json_array_foreach(list, i, b)
		buf_addf(&out, "%s%s %s", i ? ", " : "", json_string_value(json_array_get(b, 0)),
			 json_string_value(json_array_get(b, 1)));
	return buf_steal(&out);
}

static size_t check_lines(FILE *f)
{
	const struct plan_options opt = {.all_fields = true};
	struct record_values r;
	struct plan *p = NULL;
	char *line = NULL;
	size_t cap = 0, n = 0;

	record_values_init(&r);
	while (getline(&line, &cap, f) > 0) {
		struct error err = ERROR_INIT;
		json_t *doc = json_parse(line, strlen(line), &err);
		cr_assert(doc != NULL, "%s", err.text);
		if (json_object_get(doc, "schema")) {
			char *schema = json_text(json_object_get(doc, "schema"));
			char *set = json_text(json_object_get(doc, "rule_set"));

			plan_free(p);
			p = plan_of(schema, set, &opt);
			for (size_t i = 0; i < plan_rules(p); i++)
				cr_expect(plan_rule(p, i)->supported, "%s: %s", plan_rule(p, i)->name, plan_rule(p, i)->reason);
			free(schema);
			free(set);
		}
		const char *hex = json_get_str(doc, "hex", "");
		struct buf bytes = BUF_INIT;
		for (; *hex; hex += 2)
			buf_addc(&bytes, (char)((hex[0] % 32 + 9) % 25 << 4 | (hex[1] % 32 + 9) % 25));
		walk(p, bytes.data, bytes.len, &r);
		cr_expect(r.decoded, "%s", r.detail);
		char *got = broken(p, &r), *want = wanted(json_object_get(doc, "breaches"));
		cr_expect(eq(str, got, want), "%s", line);
		free(got);
		free(want);
		buf_release(&bytes);
		json_decref(doc);
		n++;
	}
	plan_free(p);
	record_values_release(&r);
	free(line);
	return n;
}

Test(rules, break_where_cel_says)
{
	FILE *f = fopen(SOURCE_DIR "/tests/data/rule_cases.jsonl", "r");

	cr_assert(f != NULL);
	cr_expect(eq(sz, check_lines(f), 60));
	fclose(f);
}

Test(rules, break_where_cel_says_at_random, .timeout = 120)
{
	const char *seed = getenv("KDRIFT_SEED");
	unsigned long s = seed ? strtoul(seed, NULL, 10) : (unsigned long)time(NULL);

	if (system(PYTHON " -c 'import cel_expr_python, fastavro' 2>/dev/null") != 0)
		cr_skip_test("no cel-expr-python in .cache/venv");
	fprintf(stderr, "rules: KDRIFT_SEED=%lu\n", s);
	char *cmd = xasprintf(PYTHON " " SOURCE_DIR "/tests/schema/make_rule_cases.py --seed %lu --cases 1500", s);
	FILE *f = popen(cmd, "r");
	cr_assert(f != NULL);
	cr_expect(eq(sz, check_lines(f), 1500));
	cr_expect(eq(int, pclose(f), 0));
	free(cmd);
}

#define RULE(name, expr) "{\"name\":\"" name "\",\"expr\":\"" expr "\"}"

Test(rules, what_cannot_be_judged_is_listed_by_name)
{
	static const char schema[] =
	    "{\"type\":\"record\",\"name\":\"R\",\"confluent:rules\":[" RULE("macro", "this.l.all(x, x > 0)") "," RULE(
		"now", "this.t < now") "," RULE("gone", "this.gone > 1") "," RULE("whole", "size(this) == 2") ","
	    "{\"name\":\"empty\"}," RULE("list", "1 in this.l") "," RULE("record", "this.n == this.n") "," RULE(
		"deep", "this.n.next.x > 1") "," RULE("money", "this.m > 1") "," RULE("good", "this.n.x > 1") ","
	    "{\"expr\":\"this.t > 1\"}],\"fields\":["
	    "{\"name\":\"t\",\"type\":\"long\"},{\"name\":\"l\",\"type\":{\"type\":\"array\",\"items\":\"int\"}},"
	    "{\"name\":\"m\",\"type\":{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":4,\"scale\":2}},"
	    "{\"name\":\"n\",\"type\":{\"type\":\"record\",\"name\":\"N\",\"fields\":["
	    "{\"name\":\"x\",\"type\":\"int\",\"confluent:rules\":[" RULE("inner", "this > 0") "]},"
	    "{\"name\":\"next\",\"type\":[\"null\",\"N\"]}]}}]}";
	static const char *const want[] = {
	    "other  rules of type JSONATA are not supported",
	    "macro  column 7: this.l.all() is not supported",
	    "now  now is not supported",
	    "gone  this.gone is no field of the schema",
	    "whole  this is a record, of which only the fields are supported",
	    "empty  it has no expression",
	    "list  this.l is an array or a map, of which only size() is supported",
	    "record  this.n is a record, of which only the fields are supported",
	    "deep  this.n.next.x lies within the recursion of a record",
	    "money  this.m is a decimal or a duration, for which CEL has no type",
	    "good  ",
	    "unnamed  ",
	    "inner n.x ",
	    "inner n.next N lies within itself: only its outermost record is judged",
	};
	char set[] = "{\"domainRules\":[{\"name\":\"other\",\"kind\":\"CONDITION\",\"type\":\"JSONATA\",\"mode\":\"WRITE\","
		     "\"expr\":\"x\"}]}";
	struct plan *p = plan_of(schema, set, &(struct plan_options){.all_fields = true});

	cr_expect(eq(sz, plan_rules(p), ARRAY_LEN(want)));
	for (size_t i = 0; i < plan_rules(p) && i < ARRAY_LEN(want); i++) {
		const struct plan_rule *r = plan_rule(p, i);
		char *got = xasprintf("%s %s %s", r->name, r->path, r->reason);

		cr_expect(eq(str, got, (char *)want[i]));
		cr_expect(eq(int, r->supported, !*r->reason));
		free(got);
	}
	plan_free(p);
}

// Rules of the configuration name fields bare. What a writer lacks is null to those that ask whether it is there; the
// others cannot be judged.
Test(rules, of_the_configuration)
{
	static const char schema[] = RECORD(FIELD("start", "\"long\"") "," FIELD("end", NULLABLE("\"long\"")) "," FIELD(
	    "status", "\"string\""));
	const struct record_rule rules[] = {
	    {"ordered", "start <= end", NULL},
	    {"paid", "status == 'paid' ? has(amount) : true", "amount"},
	    {"ended", "status == 'done' ? has(end) : true", "end"},
	    {"known", "amount == null || status != ''", NULL},
	    {"cheap", "amount < 10", NULL},
	};
	const struct field_rule ignored = {.path = "start", .type = FIELD_NONE};
	struct plan *p = plan_of(schema, NULL, &(struct plan_options){.all_fields = true, .rules = &ignored, .nrules = 1,
								       .record_rules = rules, .nrecord_rules = ARRAY_LEN(rules)});
	static const struct {
		int64_t start, end; // -1: null
		const char *status, *want;
	} cases[] = {
	    {1, 2, "open", ""}, {3, 2, "open", "ordered "}, {3, -1, "open", ""}, {1, 2, "paid", "paid "},
	    {1, -1, "done", "ended end"}, {2, 1, "done", "ordered "},
	};
	struct record_values r;

	for (size_t i = 0; i < plan_rules(p); i++) {
		const struct plan_rule *rule = plan_rule(p, i);

		cr_expect(eq(int, rule->supported, strcmp(rule->name, "cheap") != 0), "%s", rule->name);
		cr_expect(rule->supported || !strcmp(rule->reason, "amount is no field of the schema"), "%s", rule->reason);
	}
	record_values_init(&r);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf b = BUF_INIT;

		buf_svar(&b, cases[i].start);
		buf_svar(&b, cases[i].end >= 0);
		if (cases[i].end >= 0)
			buf_svar(&b, cases[i].end);
		put_text(&b, cases[i].status);
		walk(p, b.data, b.len, &r);
		char *got = broken(p, &r);
		cr_expect(eq(str, got, (char *)cases[i].want), "case %zu", i);
		for (size_t k = 0; k < r.nvalues; k++) // read for the rule alone
			cr_expect(ne(str, plan_slot(p, r.values[k].slot)->path, (char *)"start"));
		free(got);
		buf_release(&b);
	}
	record_values_release(&r);
	plan_free(p);
}

Test(rules, a_record_that_cannot_be_read_breaks_none)
{
	static const char schema[] = RECORD("{\"name\":\"a\",\"type\":{\"type\":\"record\",\"name\":\"A\",\"confluent:rules\":["
					     RULE("never", "false") "],\"fields\":[" FIELD("x", "\"int\"") "]}}," FIELD("b", "\"int\""));
	struct plan *p = compile(schema, &(struct plan_options){.all_fields = true});
	struct record_values r;

	record_values_init(&r);
	walk(p, "\x02\x02", 2, &r);
	cr_expect(eq(sz, r.nbreaches, 1));
	cr_expect(eq(int, r.breaches[0].kind, VIOLATION_RULE));
	cr_expect(eq(str, (char *)r.breaches[0].rule, (char *)"never"));
	walk(p, "\x02", 1, &r);
	cr_expect(eq(sz, r.nbreaches, 1));
	cr_expect(eq(int, r.breaches[0].kind, VIOLATION_UNDECODABLE));
	record_values_release(&r);
	plan_free(p);
}

#define TAGGED(name, type, tag) "{\"name\":\"" name "\",\"type\":" type ",\"confluent:tags\":[\"" tag "\"]}"

static const struct plan_slot *slot_named(const struct plan *p, const char *path)
{
	for (size_t i = 0; i < plan_slots(p); i++)
		if (!strcmp(plan_slot(p, i)->path, path))
			return plan_slot(p, i);
	cr_fatal("no slot %s", path);
	return NULL;
}

Test(rules, tags_take_samples_away)
{
	static const char schema[] =
	    RECORD(TAGGED("email", NULLABLE("\"string\""), "PII") "," TAGGED("plain", "\"string\"", "OTHER") "," TAGGED(
		"home", "{\"type\":\"record\",\"name\":\"H\",\"fields\":[" FIELD("zip", "{\"type\":\"array\",\"items\":\"int\"}") "]}",
		"PII") "," FIELD("last", "\"int\""));
	struct plan *p = plan_of(schema, NULL, &(struct plan_options){.all_fields = true});

	cr_expect(slot_named(p, "email")->redacted);
	cr_expect(slot_named(p, "home.zip[]")->redacted);
	cr_expect(not(slot_named(p, "plain")->redacted));
	cr_expect(not(slot_named(p, "last")->redacted));
	cr_expect(eq(int, slot_named(p, "email")->type, FIELD_CATEGORICAL));
	plan_free(p);
}

// Of a field that the rule set encrypts it is counted that it is there and how long it is, and nothing is broken by
// it but that it must not be null; a rule that looks at it says so.
Test(rules, encrypted_fields_are_not_judged)
{
	static const char schema[] =
	    "{\"type\":\"record\",\"name\":\"R\",\"confluent:rules\":[" RULE("card", "this.card.startsWith('4')") "," RULE(
		"cardThere", "has(this.card)") "],\"fields\":[" TAGGED("card", NULLABLE("\"string\""), "SECRET") ","
	    TAGGED("pin", "\"bytes\"", "SECRET") "," TAGGED("n", "\"int\"", "SECRET") "," FIELD("open", "\"string\"") "]}";
	char set[] = "{\"domainRules\":[{\"name\":\"enc\",\"kind\":\"TRANSFORM\",\"type\":\"ENCRYPT\",\"mode\":\"WRITEREAD\","
		     "\"tags\":[\"SECRET\"]}]}";
	char allowed[] = "4111", *list[] = {allowed};
	const struct field_rule rules[] = {
	    {.path = "card", .type = FIELD_CATEGORICAL, .allowed = list, .nallowed = 1, .pattern = "^4", .not_null = true, .required = true},
	    {.path = "pin", .type = FIELD_NUMERIC, .required = true},
	    {.path = "n", .type = FIELD_NUMERIC, .has_range = true, .range_min = 5, .range_max = 6},
	    {.path = "open", .type = FIELD_TEXT, .pattern = "^x"},
	};
	struct plan *p = plan_of(schema, set, &(struct plan_options){.rules = rules, .nrules = ARRAY_LEN(rules)});
	struct record_values r;
	struct buf b = BUF_INIT;

	cr_expect(slot_named(p, "card")->encrypted);
	cr_expect(slot_named(p, "card")->redacted);
	cr_expect(eq(int, slot_named(p, "card")->type, FIELD_TEXT));
	cr_expect(not(slot_named(p, "open")->encrypted));
	cr_expect(not(plan_opaque(p)));
	cr_expect(eq(sz, plan_rules(p), 2));
	cr_expect(eq(str, plan_rule(p, 0)->reason, (char *)"this.card is encrypted"));
	cr_expect(plan_rule(p, 1)->supported);
	record_values_init(&r);
	buf_svar(&b, 1);
	put_text(&b, "bGtqaA==");
	put_text(&b, "\x01\x02");
	buf_svar(&b, 9);
	put_text(&b, "x");
	walk(p, b.data, b.len, &r);
	assert_breaches(p, &r, "");
	cr_expect(eq(sz, r.nvalues, 4));
	cr_expect(eq(int, r.values[0].kind, VALUE_STRING));
	cr_expect(eq(u32, r.values[0].len, 8));
	cr_expect(eq(int, r.values[2].kind, VALUE_OTHER));
	buf_clear(&b);
	buf_svar(&b, 0);
	put_text(&b, "");
	buf_svar(&b, 9);
	put_text(&b, "y");
	walk(p, b.data, b.len, &r);
	cr_expect(eq(sz, r.nbreaches, 3)); // null, the pattern of `open`, cardThere
	buf_release(&b);
	record_values_release(&r);
	plan_free(p);

	char payload[] = "{\"encodingRules\":[{\"name\":\"enc\",\"kind\":\"TRANSFORM\",\"type\":\"ENCRYPT_PAYLOAD\","
			 "\"mode\":\"WRITEREAD\"}]}";
	p = plan_of(schema, payload, &(struct plan_options){.all_fields = true});
	cr_expect(plan_opaque(p));
	plan_free(p);
}
