// SPDX-License-Identifier: Apache-2.0
// Inside the compilation of rules: plan_rules.c finds and places them, rule_refs.c looks up what they refer to.
#ifndef KD_SCHEMA_RULE_REFS_H
#define KD_SCHEMA_RULE_REFS_H
#include "schema/compiler.h"
#include "schema/rule_set.h"
#include "schema/rules.h"

struct operand {
	uint32_t index;
	int32_t element;
	char *parent; // the path of the record, or element, that holds it
	bool itself;  // it is an element's own value
};

struct group_key {
	const struct avsc_type *record; // NULL: an element
	char *path;
	int32_t element;
	uint32_t index;
};

struct rules_compile {
	struct map operands; // path -> struct operand
	struct map groups; // path and record -> struct group_key
};

// Where a rule stands, and what the names in its expression mean there. The path in hand is the record's, or the
// element's.
struct stand {
	const struct avsc_type *record; // NULL: an element of an array or a map
	size_t field;			// of the record; SIZE_MAX: the rule is the record's
	const struct avsc_type *value;	// of the element
	const char *self;		// the name of what is judged: this, message, value; NULL: bare paths
	// Of CEL_FIELD, else NULL:
	const struct avsc_field *about;
	const struct avsc_type *owner; // the record that it is a field of
	const char *type_name;
	enum cel_type type;
	bool lenient;	    // a field that is not there is null
	bool *lacks;	    // NULL, or set where there is such a field
	const char *breach; // the path of the field that a breach is told of, where it is another
};

struct operand_found {
	uint32_t operand;
	unsigned classes;
};

// The operand that `rest` leads to, from a field of a record and from an element's value; the path in hand is the
// record's, the element's. 0; -1: there is none.
int operand_of_field(struct compiler *c, const struct avsc_type *record, size_t field, const char *rest,
		     struct operand_found *out);
int operand_of_element(struct compiler *c, const struct avsc_type *value, const char *rest, struct operand_found *out);
// Parses a text and binds what it refers to; NULL with the reason.
struct expr *expr_prepare(struct compiler *c, const struct stand *s, const char *text, struct error *err);
const char *rule_text_kept(struct compiler *c, char *text); // owned by the plan from here
#endif
