// SPDX-License-Identifier: Apache-2.0
// Protobuf: the first byte chooses a plan, whose records the others are; 255: the others are a schema.
#include <string.h>

#include "checks.h"
#include "schema/message.h"

#define PROTO3 "syntax=\"proto3\"; import \"google/protobuf/timestamp.proto\"; import \"google/protobuf/wrappers.proto\";"

static const char *const schemas[] = {
    PROTO3 "message M { double a=1; float b=2; int32 c=3; int64 d=4; uint32 e=5; uint64 f=6; sint32 g=7; sint64 h=8;"
	   "fixed32 i=9; fixed64 j=10; sfixed32 k=11; sfixed64 l=12; bool m=13; string n=14; bytes o=15; E p=16; }"
	   "enum E { X=0; Y=1; Z=-1; }",
    PROTO3 "message M { repeated double a=1; repeated sint32 b=2; repeated bool c=3; repeated string d=4; repeated E e=5;"
	   "repeated M f=6; repeated fixed32 g=7; } enum E { X=0; Y=5; }",
    PROTO3 "message M { map<string, int32> a=1; map<int32, M> b=2; map<bool, string> c=3; map<sint64, E> d=4; }"
	   "enum E { X=0; Y=1; }",
    PROTO3 "message M { oneof x { string a=1; M b=2; sint64 c=3; google.protobuf.Timestamp d=4; } optional int32 e=5;"
	   "google.protobuf.Timestamp f=6; google.protobuf.UInt64Value g=7; N h=8; } message N { M m=1; string s=2; }",
    "syntax=\"proto2\"; message M { required int32 a=1; optional string b=2 [default=\"x\"]; repeated E c=3 [packed=true];"
    "optional group G=4 { optional int32 x=1; } optional N d=5; map<string, E> f=6; extensions 100 to 200; }"
    "message N { required bytes a=1; optional M m=2; } enum E { X=0; Y=2; }",
};

static char *allowed[] = {(char *)(uintptr_t) "X", (char *)(uintptr_t) "7", (char *)(uintptr_t) "true"};
#define RULE(p) {.path = p, .type = FIELD_TYPES, .not_null = true, .has_range = true, .range_max = 9, .allowed = allowed, .nallowed = 3}
#define TEXTS(p) {.path = p, .type = FIELD_CATEGORICAL, .cast = true, .required = true, .pattern = "^[0-9]+$"}
static const struct field_rule rules[] = {RULE("a"), TEXTS("f"), RULE("e"), RULE("a[]"), TEXTS("b[]"), RULE("f[].f[].a[]"),
					  RULE("b{}.a{}"), TEXTS("d{}"), RULE("b.c"), RULE("h.m.h.s"), RULE("d.m.a"), TEXTS("g")};

static void parse(const uint8_t *data, size_t n)
{
	const struct schema_text s = {.type = SCHEMA_PROTOBUF, .text = (char *)(uintptr_t)data, .len = n};
	struct error err = ERROR_INIT;
	struct plan *p = plan_compile(&s, &(struct plan_options){.all_fields = true}, &err);

	check(p || err.text[0]);
	plan_free(p);
}

static void find_message(const uint8_t *data, size_t n)
{
	const uint8_t *at = data;
	struct message_path path;

	if (!message_path_read(&at, data + n, &path))
		check(at > data && at <= data + n && path.n && path.n <= MESSAGE_DEPTH);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct plan *plans[sizeof schemas / sizeof *schemas];
	static struct record_values r, again;
	struct error err = ERROR_INIT;

	for (size_t i = 0; !plans[sizeof schemas / sizeof *schemas - 1] && i < sizeof schemas / sizeof *schemas; i++) {
		const struct schema_text s = {.type = SCHEMA_PROTOBUF, .text = (char *)(uintptr_t)schemas[i],
					      .len = strlen(schemas[i])};
		plans[i] = plan_compile(&s, &(struct plan_options){.event_time = i % 2 ? "f" : "d", .rules = rules,
								   .nrules = sizeof rules / sizeof *rules, .all_fields = true}, &err);
		check(plans[i] != NULL);
	}
	if (!n)
		return 0;
	if (*data == 255) {
		parse(data + 1, n - 1);
		return 0;
	}
	find_message(data + 1, n - 1);
	const struct plan *p = plans[*data % (sizeof schemas / sizeof *schemas)];
	plan_walk(p, data + 1, n - 1, &r);
	check_walk(p, &r, n);
	plan_walk(p, data + 1, n - 1, &again);
	check(r.nvalues == again.nvalues && r.nbreaches == again.nbreaches && r.decoded == again.decoded);
	return 0;
}
