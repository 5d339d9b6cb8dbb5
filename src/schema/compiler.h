// SPDX-License-Identifier: Apache-2.0
// Inside plan_compile(): plan_compile.c finds what is monitored, plan_emit.c writes the opcodes.
#ifndef KD_SCHEMA_COMPILER_H
#define KD_SCHEMA_COMPILER_H
#include "schema/ops.h"
#include "schema/rule_set.h"
#include "util/buf.h"

#define MAX_DEPTH 64

enum source { // what a value in the writer's schema is
	SRC_NULL,
	SRC_NUMBER,
	SRC_STRING,
	SRC_BYTES,
	SRC_UUID,
	SRC_BOOL,
	SRC_TIME,
	SRC_TEXT_TIME, // a string that says when
	SRC_OPAQUE,    // record, array, map
	SRC_ANY,       // of no type; what was learned of it stands beside it
	SOURCES
};

struct found {			       // a monitored path
	const struct field_rule *rule; // NULL: none
	unsigned seen;		       // bit set of sources
	enum source first;	       // but null
	int32_t element;	       // the innermost one around it
	uint32_t slot;
	bool secret, encrypted; // by its tags
	const void *place; // plan_tree.c: the first one of this path; two may be spelled alike (JSON)
};

struct compiler {
	struct plan *plan;
	const struct plan_options *opt;
	struct map rules, found; // by path
	struct map elements;	 // by path: index + 1
	int32_t element;	 // of an array or a map: the one in hand; -1: none
	struct buf path;
	const struct avsc_type *stack[MAX_DEPTH + 1]; // records around the one in hand
	size_t depth, base;			      // those below base do not count
	size_t steps;
	size_t again;	  // recursive records that are followed, for the sake of a rule
	bool routine;	  // nothing is monitored
	bool must;	  // some slot must not be null
	uint32_t barrier; // the last opcode that a jump leads to
	const struct avsc_type **called;
	uint32_t *entry; // by called: its routine
	size_t ncalled, capcalled, capentry;
	struct rule_set rule_set;	   // the registry's, of the schema
	const struct avsc_field *field;	   // the innermost one around the type in hand
	size_t secret;			   // fields around it that are tagged PII
	struct rules_compile *rules_found; // plan_rules.c
	struct error *err;
};

// Does a field of this type, under this rule (NULL: none), count such a value?
bool type_counts(const struct field_rule *r, enum field_type type, enum source src);

enum source source_of(const struct avsc_type *t);
int compile_step(struct compiler *c); // one more type; -1: too many, or too deep
bool compile_inside(const struct compiler *c, const struct avsc_type *record);
// Is the record unrolled here? A recursive one is where a rule names what lies below.
bool compile_follows(const struct compiler *c, const struct avsc_type *record);
void compile_enter(struct compiler *c, const struct avsc_type *record);
void compile_leave(struct compiler *c);
const char *path_text(const struct compiler *c);
size_t path_push(struct compiler *c, const struct avsc_type *record, size_t field);
size_t path_push_element(struct compiler *c, const struct avsc_type *t); // of an array or a map
void path_pop(struct compiler *c, size_t before);
int32_t path_element(struct compiler *c,
		     const char *path); // the index of the element at or around it; -1: none
bool path_is_event_time(const struct compiler *c);
struct found *path_found(const struct compiler *c, const struct avsc_type *t); // NULL: not monitored
// Marks the slots under t that must not be null and get a value, or a breach of their own, within it, but
// not those of the elements below it: an array may be empty.
int mark_filled(struct compiler *c, const struct avsc_type *t, uint8_t *filled);

// Is the field one that the rule set has encrypted?
bool compile_encrypted(const struct compiler *c, const struct avsc_field *f);

// Is anything judged of the field's values, or handed out exactly for the caller to judge?
bool checks_judge(const struct field_rule *r);
struct checks *checks_new(const struct field_rule *r, struct error *err); // NULL: a pattern that is none
void checks_free(struct checks *k);
struct leaf leaf_make(struct compiler *c, const struct avsc_type *t, uint32_t slot, bool event_time);

// The opcodes of the whole schema, with the routines of its recursive records.
int plan_emit(struct compiler *c);
// plan_vector.c: the rule whose vector's numbers the path is, or NULL; the slots of such numbers joined to the vector's.
const struct field_rule *vector_around(const struct compiler *c, const char *path);
void vectors_join(struct compiler *c);
#endif
