// SPDX-License-Identifier: Apache-2.0
// Inside a plan of records that name their fields (JSON) or number them (Protobuf): the monitored fields as a
// tree of places. Where Avro's bytes follow the schema step by step, here a value says what it is, so the
// branches of a union share their place. What lies below no place is not monitored. Private to schema/.
#ifndef KD_SCHEMA_PLAN_TREE_H
#define KD_SCHEMA_PLAN_TREE_H
#include "schema/compiler.h"

enum shape { SHAPE_NUMBER, SHAPE_TEXT, SHAPE_BOOL, SHAPE_BYTES, SHAPES };

struct tree_child {
	char *name;
	size_t len;
	struct tree *tree;
};

struct tree {
	uint32_t slot;	      // NO_SLOT: none, or another place has the path already
	int32_t leaf[SHAPES]; // index in plan->leaves; -1: such a value is VALUE_OTHER
	uint8_t plain[SHAPES]; // the leaf has nothing to convert, date or judge
	uint8_t wrong;	      // bit set of shapes, and SHAPES for what is no scalar, that are a breach wrong_type
	uint8_t shapes;	      // bit set: those that the type has
	bool record;	      // the type has a record
	bool open;	      // of no type in the schema: more may be learned of it from records
	uint32_t depth;	      // of an open one: avsc_type.size
	struct tree_child *children; // of a record, in the schema's order
	size_t nchildren;
	struct tree *items, *values;	       // of an array, of a map
	int32_t items_element, values_element; // indices of record_values.elements
	uint32_t group, element_group; // of rules: of the record, of an element as which it stands; NO_GROUP: none
	uint32_t operand;	       // of rules, + 1: how many elements an array or a map has; 0: none
	void *more;			       // the walker's own (json_walk.c)
};

// The tree of the compiler's plan, whose leaves it adds. NULL with c->err set.
struct tree *tree_build(struct compiler *c) MUST_CHECK;
void tree_free(struct tree *t, void (*free_more)(void *more)); // free_more may be NULL
#endif
