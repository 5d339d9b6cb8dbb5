// SPDX-License-Identifier: Apache-2.0
// Records: the first byte chooses a plan, the others are walked. Each plan has rules on what it can have.
#include <string.h>

#include "checks.h"

#define FIELD(name, type)    "{\"name\":\"" name "\",\"type\":" type "}"
#define RECORD(name, fields) "{\"type\":\"record\",\"name\":\"" name "\",\"fields\":[" fields "]}"
#define OF(type, more)	     "{\"type\":\"" type "\"," more "}"

static const char *const schemas[] = {
    "[\"null\",\"string\",\"long\",\"double\"]",
    RECORD(
	"Flat",
	FIELD("a", "\"int\"") "," FIELD("b", "\"long\"") "," FIELD("c", "\"float\"") "," FIELD("d", "\"double"
												    "\"") "," FIELD("e", "\"boolean\"") "," FIELD(
	    "f", "\"string\"") "," FIELD("g",
					 "\"bytes\"") "," FIELD("h",
								OF("enum",
								   "\"name\":\"E\",\"symbols\":[\"A\",\"B\","
								   "\"C\"]")) "," FIELD("i",
											OF("fixed",
											   "\"name\":\"F\","
											   "\"size\":5"))),
    RECORD(
	"Logical",
	FIELD("a", OF("int", "\"logicalType\":\"date\"")) "," FIELD("b", OF("long", "\"logicalType\":"
										    "\"timestamp-micros\"")) "," FIELD("c", OF("bytes", "\"logicalType\":\"decimal\",\"precision\":40,\"scale\":3")) "," FIELD(
	    "d",
	    OF("bytes",
	       "\"logicalType\":\"big-decimal\"")) "," FIELD("e",
							     OF("fixed",
								"\"name\":\"U\",\"size\":16,\"logicalType\":"
								"\"uuid\"")) "," FIELD("f",
										       OF("fixed",
											  "\"name\":\"D\","
											  "\"size\":12,"
											  "\"logicalType\":"
											  "\"duration\""))),
    RECORD(
	"Cart",
	FIELD("items",
	      "[\"null\"," OF(
		  "array",
		  "\"items\":" RECORD(
		      "Item",
		      FIELD("price", "[\"null\",\"double\",\"int\"]") "," FIELD(
			  "tags",
			  OF("map", "\"values\":[\"null\",\"string\"]")))) "]") "," FIELD("ts", "\"long\"")),
    RECORD("Tree", FIELD("v", "\"int\"") "," FIELD("next", "[\"null\",\"Tree\"]") "," FIELD(
		       "kids", OF("array", "\"items\":\"Tree\""))),
    OF("array", "\"items\":" OF("map", "\"values\":" OF("array", "\"items\":\"boolean\""))),
    OF("array", "\"items\":" RECORD("Empty", FIELD("n", "\"null\"")))};

static char *allowed[] = {(char *)(uintptr_t) "A", (char *)(uintptr_t) "7", (char *)(uintptr_t) "true"};
#define RULE(p)                                                                                              \
	{                                                                                                    \
		.path = p, .type = FIELD_TYPES, .not_null = true, .has_range = true, .range_max = 9,         \
		.allowed = allowed, .nallowed = 3                                                            \
	}
#define TEXTS(p)                                                                                             \
	{                                                                                                    \
		.path = p, .type = FIELD_CATEGORICAL, .cast = true, .required = true, .pattern = "^[0-9]+$"  \
	}
static const struct field_rule rules[] = {RULE("value"),
					  RULE("a"),
					  TEXTS("b"),
					  TEXTS("c"),
					  RULE("d"),
					  RULE("e"),
					  RULE("f"),
					  RULE("g"),
					  RULE("h"),
					  RULE("i"),
					  TEXTS("items[].price"),
					  RULE("items[].tags{}"),
					  RULE("next.next.v"),
					  TEXTS("kids[].kids[].v"),
					  TEXTS("value[]{}[]"),
					  RULE("value[].n")};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct plan *plans[sizeof schemas / sizeof *schemas];
	static struct record_values r, again;
	struct error err = ERROR_INIT;

	if (!plans[0])
		for (size_t i = 0; i < sizeof schemas / sizeof *schemas; i++)
			check((plans[i] =
				   plan_compile(&(struct schema_text){.text = (char *)schemas[i], .len = strlen(schemas[i])}, &(struct plan_options){.event_time = i % 2 ? "ts" : "f",
								       .rules = rules,
								       .nrules = sizeof rules / sizeof *rules,
								       .all_fields = true}, &err)) != NULL);
	if (!n)
		return 0;
	const struct plan *p = plans[*data % (sizeof schemas / sizeof *schemas)];
	plan_walk(p, data + 1, n - 1, &r);
	check_walk(p, &r, n);
	plan_walk(p, data + 1, n - 1, &again);
	check(r.nvalues == again.nvalues && r.nbreaches == again.nbreaches && r.decoded == again.decoded);
	return 0;
}
