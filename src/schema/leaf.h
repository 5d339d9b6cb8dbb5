// SPDX-License-Identifier: Apache-2.0
// Inside a walk: what becomes of a value once its bytes are read and checked. Private to plan_walk.c and
// plan_leaf.c. A plain leaf is one opcode of plan_walk.c; every other one is converted, dated and judged
// here.
#ifndef KD_SCHEMA_LEAF_H
#define KD_SCHEMA_LEAF_H
#include "schema/ops.h"

struct walk {
	const struct plan *plan;
	const uint8_t *p, *end;
	struct record_values *out;
	struct value *value; // the next one
	uint64_t items;	     // of the loop that ended last
	char *text;	     // where the next number is written out
	const char *why;     // of a failure, and the opcode it struck
	const struct op *op;
};

static inline struct value *add_value(struct walk *w, uint32_t slot, enum value_kind kind)
{
	struct value *v = w->value++;

	v->slot = slot;
	v->kind = kind;
	return v;
}

static inline void add_text(struct walk *w, uint32_t slot, const char *s, size_t n)
{
	struct value *v = add_value(w, slot, VALUE_STRING);

	v->str = s;
	v->len = (uint32_t)n;
}

void vectors_gather(const struct plan *p, struct record_values *out); // plan_vector.c
void walk_grow(struct walk *w); // room for what one more element can give, and what lies around it still may
void set_detail(struct record_values *out, const char *text);
void add_breach(struct walk *w, enum violation_kind kind, uint32_t slot, const char *text);
void leaf_length(struct walk *w, uint32_t slot, uint64_t n); // the elements of an array or a map
void leaf_integer(struct walk *w, const struct leaf *l, int64_t v);
void leaf_real(struct walk *w, const struct leaf *l, double v, bool single);
void leaf_bool(struct walk *w, const struct leaf *l, bool v);
void leaf_enum(struct walk *w, const struct leaf *l, size_t i);
void leaf_string(struct walk *w, const struct leaf *l, const uint8_t *p, size_t n);
void leaf_bytes(struct walk *w, const struct leaf *l, const uint8_t *p, size_t n); // and fixed
#endif
