// SPDX-License-Identifier: Apache-2.0
// Expressions: a subset of CEL (docs/rules.md has it as a table), parsed to a flat tree and evaluated over a
// record's values without allocating. What lies outside the subset is refused by name and column. Arithmetic,
// comparisons, equality across types and the way && and || absorb errors are CEL's own.
//
// Life cycle: expr_parse; for every reference ("this.a.b", "a.b") expr_bind to an operand, or to a constant;
// expr_eval for each record, from any thread. An expression is immutable once its references are bound.
#ifndef KD_SCHEMA_EXPR_H
#define KD_SCHEMA_EXPR_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"
#include "util/error.h"

enum cel_type {
	CEL_ABSENT, // the record that would hold it is null: whoever looks at it cannot tell
	CEL_NULL,
	CEL_BOOL, // i is 0 or 1
	CEL_INT,
	CEL_UINT,
	CEL_DOUBLE,
	CEL_STRING, // s and len, valid UTF-8
	CEL_BYTES,
	CEL_LIST,   // an array or a map: i is how many
	CEL_RECORD, // there is one, no more
	CEL_ERROR,  // s: why, a static text
	CEL_SKIP,   // an error that a null is the cause of
};

struct cel_value {
	uint32_t type; // enum cel_type
	uint32_t len;
	union {
		int64_t i;
		uint64_t u;
		double d;
		const char *s;
	};
};

static inline struct cel_value cel_int(int64_t i)
{
	return (struct cel_value){.type = CEL_INT, .i = i};
}

static inline struct cel_value cel_double(double d)
{
	return (struct cel_value){.type = CEL_DOUBLE, .d = d};
}

static inline struct cel_value cel_bool(bool b)
{
	return (struct cel_value){.type = CEL_BOOL, .i = b};
}

static inline struct cel_value cel_text(enum cel_type type, const char *s, size_t n)
{
	return (struct cel_value){.type = type, .len = (uint32_t)n, .s = s};
}

struct expr;
// NULL with what is wrong or not supported, and the column. Texts up to 64 KiB.
struct expr *expr_parse(const char *text, struct error *err) MUST_CHECK;
void expr_free(struct expr *e);

// How a reference is used, a bit set: only USED_VALUE needs more of a record or an array than that it is there.
enum { USED_HAS = 1, USED_NULL = 2, USED_SIZE = 4, USED_VALUE = 8 };

// The references, each path once.
size_t expr_refs(const struct expr *e);
const char *expr_ref(const struct expr *e, size_t ref); // "this.a.b"
unsigned expr_ref_use(const struct expr *e, size_t ref);
void expr_bind(struct expr *e, size_t ref, uint32_t operand);
void expr_bind_const(struct expr *e, size_t ref, struct cel_value v); // a string is borrowed
// A list of texts, borrowed; the reference then stands behind `in` only.
int expr_bind_texts(struct expr *e, size_t ref, char *const *texts, size_t n, struct error *err) MUST_CHECK;
bool expr_is_const(const struct expr *e); // every reference is bound to a constant

enum expr_verdict {
	EXPR_FALSE,
	EXPR_TRUE,
	EXPR_NULL,  // a null stood where CEL has no meaning for one: the rule is skipped
	EXPR_ERROR, // CEL's evaluation error: overflow, division by zero, types that do not fit
};

// The value: a bool, or as Confluent's rules may have it a text, "" being true and any other false; anything else
// is an error. *why: of false and ERROR, static or the expression's. `scratch` holds joined texts and is re-used.
enum expr_verdict expr_eval(const struct expr *e, const struct cel_value *operands, struct buf *scratch, const char **why);
#endif
