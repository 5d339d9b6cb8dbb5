// SPDX-License-Identifier: Apache-2.0
// A plan of JSON records: the monitored places with the schemas that hold there. simdjson reads a record whole;
// one pass over its tape then hands out the values and judges it by the schema. What the schema gives no type is
// learned from records (json_learn.c). Private to schema/.
#ifndef KD_SCHEMA_JSON_PLAN_H
#define KD_SCHEMA_JSON_PLAN_H
#include "schema/compiler.h"
#include "schema/json_dom.h"
#include "schema/json_schema.h"

struct json_plan {
	const struct json_schema *schema; // of plan->schema
	struct tree *tree;
	char **absent; // by slot: the words for a null where there must be none; NULL: it may be
	bool must;     // there are such
};

// Before the fields are looked for: what rules name in places of no type is there.
void json_plan_seed(struct compiler *c);
// Once slots are made. -1 with c->err set.
int json_plan_make(struct compiler *c) MUST_CHECK;
void json_plan_free(struct json_plan *p, size_t nslots);
// Fills `out`, which plan_walk() has reserved and cleared. *why tells of what is not read.
enum json_verdict json_plan_walk(const struct plan *p, const uint8_t *bytes, size_t n, struct record_values *out,
				 const char **why);

struct json_scratch; // of a record_values
void json_scratch_free(struct json_scratch *s);
const struct json_tape *json_scratch_tape(const struct json_scratch *s); // of the last record

// What a place of no type may take up.
#define JSON_MAX_LEARNED 1000 // fields, in a schema
#define JSON_MAX_KEY	 100  // bytes of a key
#define JSON_MAX_BELOW	 32   // objects and arrays within one another
struct tree; // schema/plan_tree.h
// A key, or a value, at a place that does not know it: to be learned, or past the bound.
void json_met(const struct plan *p, const struct tree *t, const char *key, size_t n, struct record_values *out);
// Adds what the record on the tape has to the types. False: there was nothing.
bool json_learn(struct avsc *a, const struct json_tape *t);
#endif
