// SPDX-License-Identifier: Apache-2.0
// Inside an expression: the tree that expr.c parses and expr_eval.c evaluates. Private to them.
#ifndef KD_SCHEMA_EXPR_NODE_H
#define KD_SCHEMA_EXPR_NODE_H
#include "schema/expr.h"
#include "util/re.h"

enum expr_op {
	EXPR_CONST,
	EXPR_OPERAND, // a: the reference
	EXPR_HAS,     // a: the reference
	EXPR_OR,
	EXPR_AND,
	EXPR_NOT,
	EXPR_NEGATE,
	EXPR_CHOOSE, // a ? b : c
	EXPR_ADD,
	EXPR_SUB,
	EXPR_MUL,
	EXPR_DIV,
	EXPR_MOD,
	EXPR_EQ,
	EXPR_NE,
	EXPR_LT,
	EXPR_LE,
	EXPR_GT,
	EXPR_GE,
	EXPR_IN, // a in the list b
	EXPR_LIST, // parts a .. a + b
	EXPR_SIZE,
	EXPR_STARTS,
	EXPR_ENDS,
	EXPR_CONTAINS,
	EXPR_MATCHES, // a; the pattern is re
	EXPR_TO_INT,
	EXPR_TO_DOUBLE,
	EXPR_TO_STRING,
};

struct expr_node {
	enum expr_op op;
	uint32_t a, b, c;
	uint32_t height; // of the tree below it, with it
	union {
		struct cel_value value;
		struct re *re;
	};
};

struct expr_reference {
	char *path;
	unsigned use;
	uint32_t operand;
	bool is_const;
	struct cel_value value;
};

struct expr {
	struct expr_node *nodes;
	size_t nnodes, capnodes;
	uint32_t *parts; // of lists
	size_t nparts, capparts;
	struct expr_reference *refs;
	size_t nrefs, caprefs;
	char **texts; // of string literals
	size_t ntexts, captexts;
	uint32_t root;
};
#endif
