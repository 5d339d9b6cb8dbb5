// SPDX-License-Identifier: Apache-2.0
// Rules inside a plan: expressions placed on records and fields (plan_rules.c), judged while a record is walked
// (plan_judge.c). Private to schema/.
//
// What a rule reads is an operand, one a path: a leaf writes its value there beside what it hands out. A record,
// and an element of an array or a map, has a group: at its beginning the operands that it holds are cleared, at
// its end its rules are judged. So every element is judged by its own values.
#ifndef KD_SCHEMA_RULES_H
#define KD_SCHEMA_RULES_H
#include "schema/avsc.h"
#include "schema/expr.h"
#include "schema/plan.h"

#define NO_GROUP UINT32_MAX

struct placed_rule {
	const char *name; // of the plan's list of rules
	struct expr *guard, *expr; // guard: NULL or what must be true for it to be judged
	uint32_t self;		   // the operand, + 1, whose null skips the rule; 0: none
	uint32_t self_type;	   // enum cel_type that it must have; CEL_ABSENT: any
	int32_t slot;
	char *why;
};

struct operand_reset {
	uint32_t operand;
	enum cel_type type;
};

struct rule_group {
	struct operand_reset *resets;
	uint32_t *rules;
	size_t nresets, nrules;
};

struct compiler;
struct walk;

// Finds the rules of the schema, of its rule set and of the options, once the slots stand. 0 or -1 with c->err.
int rules_discover(struct compiler *c) MUST_CHECK;
void rules_forget(struct compiler *c);	      // what only the compilation needs
uint32_t rules_operand(const struct compiler *c); // of the path in hand, + 1; 0: no rule reads it
// The group of a record at the path in hand; NULL: of the element there. NO_GROUP: no rule looks at it.
uint32_t rules_group(const struct compiler *c, const struct avsc_type *record);
void rules_release(struct plan *p);

void rules_reset(const struct plan *p, uint32_t group, struct cel_value *operands);
void rules_judge(const struct plan *p, uint32_t group, struct record_values *out);
// Room for the plan's operands in a record's values.
void rules_begin(const struct plan *p, struct record_values *out);
#endif
