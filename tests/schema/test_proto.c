// SPDX-License-Identifier: Apache-2.0
// Protobuf schemas and records by hand; random ones in test_proto_cases.c.
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#include "plan_help.h"
#include "schema/avsc.h"
#include "schema/message.h"
#include "util/xalloc.h"

#define PROTO3 "syntax = \"proto3\"; package p; "

static struct plan *compiled(const char *text, const struct plan_options *opt)
{
	const struct plan_options all = {.all_fields = true};
	const struct schema_text s = {.type = SCHEMA_PROTOBUF, .text = (char *)(uintptr_t)text, .len = strlen(text)};
	struct error err = ERROR_INIT;
	struct plan *p = plan_compile(&s, opt ? opt : &all, &err);

	cr_assert(p != NULL, "%s", err.text);
	return p;
}

static void refused(const struct schema_text *s, const char *reason)
{
	const struct plan_options all = {.all_fields = true};
	struct error err = ERROR_INIT;
	struct plan *p = plan_compile(s, &all, &err);

	cr_assert(p == NULL, "%s", s->text);
	cr_assert(strstr(err.text, reason) != NULL, "%s: %s", s->text, err.text);
}

Test(proto, what_is_no_schema_is_refused_with_the_reason)
{
	static const char *const cases[][2] = {
	    {"", "no message"},
	    {"syntax = \"proto4\";", "proto4"},
	    {PROTO3 "message M { int32 x = 1; ", "line 1"},
	    {PROTO3 "message M { N x = 1; }", "N"},
	    {PROTO3 "message M { int32 x = 1; int32 y = 1; }", "p.M.y"},
	    {PROTO3 "import \"a/b.proto\"; message M { }", "it imports a/b.proto, which is none of its references"},
	    {PROTO3 "enum E { A = 0; }", "no message"},
	    {"////", "base64"},
	    {"\xff\xfe", "line 1"},
	};
	struct buf deep = BUF_INIT;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		refused(&(struct schema_text){.type = SCHEMA_PROTOBUF, .text = (char *)(uintptr_t)cases[i][0],
					      .len = strlen(cases[i][0])},
			cases[i][1]);
	for (int i = 0; i < 100000; i++)
		buf_adds(&deep, "message M {");
	refused(&(struct schema_text){.type = SCHEMA_PROTOBUF, .text = deep.data, .len = deep.len}, "nested deeper");
	buf_release(&deep);
	struct schema_part part = {(char *)(uintptr_t) "a.proto", (char *)(uintptr_t) "message {"};
	refused(&(struct schema_text){.type = SCHEMA_PROTOBUF, .text = (char *)(uintptr_t) "import \"a.proto\";", .len = 17,
				      .refs = &part, .nrefs = 1},
		"reference a.proto: line 1");
}

// The descriptor that protoc 3.21 makes of `syntax = "proto3"; package p; message M { int32 x = 1; }`.
Test(proto, a_descriptor_in_base64_is_a_schema_too)
{
	struct plan *p = compiled("CgdtLnByb3RvEgFwIhEKAU0SDAoBeBgBIAEoBVIBeGIGcHJvdG8z", NULL);
	struct record_values r;

	record_values_init(&r);
	cr_assert(eq(str, (char *)(uintptr_t)plan_record_name(p), (char *)"p.M"));
	walk(p, "\x08\x2a", 2, &r);
	cr_assert(r.decoded && r.nvalues == 1 && r.values[0].num == 42);
	record_values_release(&r);
	plan_free(p);
}

Test(proto, what_confluents_schemas_import_is_there)
{
	struct plan *p = compiled(PROTO3 "import \"confluent/meta.proto\"; import \"confluent/type/decimal.proto\";"
					 "message M { option (confluent.message_meta).doc = \"d\";"
					 "string card = 1 [(confluent.field_meta) = {tags: [\"PII\"]}];"
					 "confluent.type.Decimal price = 2; }",
				  NULL);

	cr_assert(eq(sz, plan_slots(p), 4));
	plan_free(p);
}

Test(proto, the_message_is_named_by_its_indexes)
{
	static const struct {
		struct message_path path;
		const char *name; // NULL: there is none
	} cases[] = {
	    {{0, {0}}, "p.A"},	       {{1, {0}}, "p.A"},	   {{1, {1}}, "p.B"},	    {{2, {1, 0}}, "p.B.C"},
	    {{2, {1, 1}}, "p.B.D"},    {{3, {1, 1, 0}}, "p.B.D.E"}, {{1, {2}}, NULL},	    {{1, {-1}}, NULL},
	    {{2, {0, 0}}, NULL},       {{3, {1, 0, 0}}, NULL},	   {{2, {1, 2}}, NULL},
	};
	const char *text = PROTO3 "message A { } message B { map<string, int32> m = 1; message C { } message D { message E { } } }";
	struct schema_text s = {.type = SCHEMA_PROTOBUF, .text = (char *)(uintptr_t)text, .len = strlen(text)};
	const struct plan_options all = {.all_fields = true};
	struct error err = ERROR_INIT;
	struct messages *m = messages_new(&s, &err);

	cr_assert(m != NULL, "%s", err.text);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		error_clear(&err);
		s.message = cases[i].path;
		struct plan *p = plan_compile(&s, &all, &err);
		cr_assert(messages_has(m, &cases[i].path) == (cases[i].name != NULL), "case %zu", i);
		cr_assert(p ? cases[i].name != NULL : !cases[i].name, "case %zu: %s", i, err.text);
		if (p)
			cr_assert(eq(str, (char *)(uintptr_t)plan_record_name(p), (char *)(uintptr_t)cases[i].name));
		plan_free(p);
	}
	messages_free(m);
}

// What confluent_kafka.schema_registry.serde.SchemaId writes for these paths.
Test(proto, indexes_before_a_record)
{
	static const struct {
		const char *bytes;
		size_t len;
		int used; // -1: refused
		struct message_path path;
	} cases[] = {
	    {"\0x", 2, 1, {1, {0}}},		       {"\2\0x", 3, 2, {1, {0}}},     {"\2\4", 2, 2, {1, {2}}},
	    {"\4\2\0x", 4, 3, {2, {1, 0}}},	       {"\2\x80\2", 3, 3, {1, {128}}}, {"", 0, -1, {0, {0}}},
	    {"\4\2", 2, -1, {0, {0}}},		       {"\1", 1, -1, {0, {0}}},	       {"\x80", 1, -1, {0, {0}}},
	    {"\x22xxxxxxxxxxxxxxxxxxxxx", 22, -1, {0, {0}}},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const uint8_t *start = (const uint8_t *)cases[i].bytes, *at = start;
		struct message_path path;
		int rc = message_path_read(&at, start + cases[i].len, &path);

		cr_assert(eq(int, rc, cases[i].used < 0 ? -1 : 0), "case %zu", i);
		if (!rc)
			cr_assert(at - start == cases[i].used && message_path_equal(&path, &cases[i].path), "case %zu", i);
	}
}

static const char *types_of(const struct plan *p)
{
	static const char *const names[FIELD_TYPES] = {[FIELD_NUMERIC] = "numeric", [FIELD_CATEGORICAL] = "categorical",
						       [FIELD_BOOLEAN] = "boolean", [FIELD_TEXT] = "text",
						       [FIELD_TIME] = "time"};
	static char out[400];
	size_t at = 0;

	out[0] = 0;
	for (size_t i = 0; i < plan_slots(p); i++)
		at += (size_t)snprintf(out + at, sizeof out - at, "%s%s %s", i ? ", " : "", plan_slot(p, i)->path,
				       names[plan_slot(p, i)->type]);
	return out;
}

Test(proto, fields_count_by_their_types)
{
	struct plan *p = compiled(PROTO3 "import \"google/protobuf/timestamp.proto\"; import \"google/protobuf/duration.proto\";"
					 "import \"google/protobuf/wrappers.proto\";"
					 "enum E { X = 0; } message N { N next = 1; int32 v = 2; }"
					 "message M { sint64 a = 1; bool b = 2; string c = 3; bytes d = 4; E e = 5; repeated N f = 6;"
					 "map<int32, double> g = 7; google.protobuf.Timestamp h = 8; google.protobuf.Duration i = 9;"
					 "google.protobuf.StringValue j = 10; oneof k { uint64 l = 11; } N m = 12; }"
					 "message Z {}",
				  &(struct plan_options){.all_fields = true});

	cr_assert_str_eq(types_of(p), "v numeric"); // the file's first message, whose own fields within itself are not followed
	plan_free(p);
	const char *text = PROTO3 "import \"google/protobuf/timestamp.proto\"; import \"google/protobuf/duration.proto\";"
				  "import \"google/protobuf/wrappers.proto\";"
				  "message M { sint64 a = 1; bool b = 2; string c = 3; bytes d = 4; E e = 5; repeated N f = 6;"
				  "map<int32, double> g = 7; google.protobuf.Timestamp h = 8; google.protobuf.Duration i = 9;"
				  "google.protobuf.StringValue j = 10; oneof k { uint64 l = 11; } N m = 12; }"
				  "enum E { X = 0; } message N { N next = 1; int32 v = 2; }";
	p = compiled(text, NULL);
	cr_assert_str_eq(types_of(p), "a numeric, b boolean, c categorical, d text, e categorical, f[].v numeric, g{} numeric, "
				      "h time, i numeric, j categorical, l numeric, m.v numeric");
	plan_free(p);
}

// A record of {ts, amount, kind, items, opt}: Python's protobuf wrote
//   M(ts=Timestamp(seconds=1700000000, nanos=5000000), amount=2.5, kind=7, items=[I(price=1), I()]).
#define SHOP                                                                                                               \
	PROTO3 "import \"google/protobuf/timestamp.proto\"; enum K { A = 0; B = 1; } message M {"                          \
	       "google.protobuf.Timestamp ts = 1; double amount = 2; K kind = 3; repeated I items = 4; optional int32 opt = 5; }" \
	       "message I { optional double price = 1; }"
static const char shop[] = "\x0a\x0b\x08\x80\xe2\xcf\xaa\x06\x10\xc0\x96\xb1\x02\x11\0\0\0\0\0\0\x04\x40\x18\x07"
			   "\x22\x09\x09\0\0\0\0\0\0\xf0\x3f\x22\x00";

Test(proto, rules_and_event_time_hold_as_in_avro)
{
	char *allowed[] = {(char *)(uintptr_t) "A", (char *)(uintptr_t) "B"};
	const struct field_rule rules[] = {
	    {.path = "amount", .type = FIELD_TYPES, .has_range = true, .range_min = 0, .range_max = 2},
	    {.path = "kind", .type = FIELD_TYPES, .allowed = allowed, .nallowed = 2},
	    {.path = "opt", .type = FIELD_TYPES, .not_null = true},
	    {.path = "gone", .type = FIELD_NUMERIC, .required = true},
	    {.path = "items[].price", .type = FIELD_TYPES, .not_null = true}};
	const struct plan_options opt = {.event_time = "ts", .rules = rules, .nrules = ARRAY_LEN(rules), .all_fields = true};
	struct plan *p = compiled(SHOP, &opt);
	struct record_values r;

	record_values_init(&r);
	walk(p, shop, sizeof shop - 1, &r);
	assert_breaches(p, &r, "missing_field gone, range amount, allowed kind, null items[].price, null opt");
	cr_assert(r.has_event_time);
	cr_assert(eq(i64, r.event_ms, 1700000000005));
	record_values_release(&r);
	plan_free(p);
}

Test(proto, what_is_wrong_is_said_with_its_place)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *why;
	} cases[] = {
	    {"\x11\0\0", 3, "p.M: the bytes end inside it (byte 3 of 3)"},
	    {"\x0c", 1, "p.M: the end of a group that did not begin (byte 0 of 1)"},
	    {"\x0f", 1, "p.M: a tag that is none"},
	    {"\x00", 1, "p.M: a tag that is none"},
	    {"\x18\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 12, "a number of more than 10 bytes"},
	    {"\x22\x05\x09", 3, "its length is more than the bytes left (byte 1 of 3)"},
	    {"\x22\x02\x09\0", 4, "items: the bytes end inside it"},
	    {"\x0a\x02\x10\x01\x0a\x06\x10\xff\xff\xff\xff\x0f", 12, "ts: a Timestamp outside the years 1 to 9999"},
	};
	struct plan *p = compiled(SHOP, NULL);
	struct record_values r;

	record_values_init(&r);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		walk(p, cases[i].bytes, cases[i].n, &r);
		assert_breaches(p, &r, "undecodable -");
		cr_assert(strstr(r.detail, cases[i].why) != NULL, "%s", r.detail);
	}
	record_values_release(&r);
	plan_free(p);
}

// 65 messages in one another; a reader of Python's stops at 100.
Test(proto, depth_is_bounded)
{
	struct plan *p = compiled(PROTO3 "message N { N next = 1; int32 v = 2; }", NULL);
	struct buf b = BUF_INIT;
	struct record_values r;

	record_values_init(&r);
	for (int depth = 1; depth < 80; depth++) {
		struct buf outer = BUF_INIT;

		buf_u8(&outer, 0x0a);
		buf_str(&outer, b.data, b.len);
		buf_release(&b);
		b = outer;
		walk(p, b.data, b.len, &r);
		cr_assert(r.decoded == (depth <= 64), "%d: %s", depth, r.detail);
	}
	cr_assert(strstr(r.detail, "nested deeper than 64") != NULL, "%s", r.detail);
	buf_release(&b);
	record_values_release(&r);
	plan_free(p);
}

Test(proto, a_contract_is_held_against_the_message)
{
	const char *contract = "{\"type\":\"record\",\"name\":\"M\",\"fields\":[{\"name\":\"amount\",\"type\":\"double\"},"
			       "{\"name\":\"opt\",\"type\":[\"null\",\"long\"]}]}";
	const struct schema_text a = schema_text_avro(contract, strlen(contract));
	const struct schema_text s = {.type = SCHEMA_PROTOBUF, .text = (char *)(uintptr_t)SHOP, .len = strlen(SHOP)};
	struct error err = ERROR_INIT;
	struct avsc *reader = avsc_parse(&a, &err), *writer = avsc_parse(&s, &err);

	cr_assert(reader && writer, "%s", err.text);
	const struct avsc_type *t = avsc_root(writer);
	cr_assert(avsc_names_match(t, avsc_root(reader)));
	cr_assert(eq(sz, t->nfields, 5));
	cr_assert(t->fields[4].type->kind == AVSC_UNION && t->fields[4].type->parts[1]->kind == AVSC_INT);
	cr_assert(t->fields[2].type->kind == AVSC_ENUM && t->fields[2].type->nsymbols == 2 && t->fields[2].type->open);
	avsc_free(reader);
	avsc_free(writer);
}
