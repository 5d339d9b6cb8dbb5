// SPDX-License-Identifier: Apache-2.0
// Evaluation walks the tree; its height is bounded by the parser. Errors are values, as in CEL, so that && and ||
// can absorb one when the other side decides.
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/expr_node.h"

enum { MAX_TEXT = 1 << 20 }; // of texts joined in one evaluation

struct eval {
	const struct expr *e;
	const struct cel_value *operands;
	struct buf *scratch;
	size_t need; // of scratch; more than it has: evaluate anew
};

static const char *const no_overload[] = {
    [EXPR_OR] = "|| of what is no bool",
    [EXPR_AND] = "&& of what is no bool",
    [EXPR_NOT] = "! of what is no bool",
    [EXPR_NEGATE] = "- of what is no int or double",
    [EXPR_CHOOSE] = "? of what is no bool",
    [EXPR_ADD] = "+ of types that it does not take",
    [EXPR_SUB] = "- of types that it does not take",
    [EXPR_MUL] = "* of types that it does not take",
    [EXPR_DIV] = "/ of types that it does not take",
    [EXPR_MOD] = "% of types that it does not take",
    [EXPR_EQ] = "== of records or lists",
    [EXPR_NE] = "!= of records or lists",
    [EXPR_LT] = "< of types that it does not take",
    [EXPR_LE] = "<= of types that it does not take",
    [EXPR_GT] = "> of types that it does not take",
    [EXPR_GE] = ">= of types that it does not take",
    [EXPR_SIZE] = "size() of a type that has none",
    [EXPR_STARTS] = "startsWith() of what is no string",
    [EXPR_ENDS] = "endsWith() of what is no string",
    [EXPR_CONTAINS] = "contains() of what is no string",
    [EXPR_MATCHES] = "matches() of what is no string",
    [EXPR_TO_INT] = "int() of a type that it does not take",
    [EXPR_TO_DOUBLE] = "double() of a type that it does not take",
    [EXPR_TO_STRING] = "string() of a type that it does not take",
};

static struct cel_value error_value(const char *why)
{
	return (struct cel_value){.type = CEL_ERROR, .s = why};
}

static bool is_error(const struct cel_value *v)
{
	return v->type >= CEL_ERROR;
}

// No meaning for these types: the null among them is the cause where there is one.
static struct cel_value misfit(enum expr_op op, const struct cel_value *a, const struct cel_value *b)
{
	const bool null = a->type == CEL_NULL || (b && b->type == CEL_NULL);

	return (struct cel_value){.type = null ? CEL_SKIP : CEL_ERROR, .s = no_overload[op]};
}

static struct cel_value eval(struct eval *v, uint32_t at);

static struct cel_value eval_logic(struct eval *v, const struct expr_node *n)
{
	const bool decides = n->op == EXPR_OR;
	const struct cel_value a = eval(v, n->a);

	if (a.type == CEL_BOOL && a.i == decides)
		return a;
	const struct cel_value b = eval(v, n->b);
	if (b.type == CEL_BOOL && (b.i == decides || a.type == CEL_BOOL))
		return b;
	if (a.type == CEL_SKIP || (b.type == CEL_SKIP && !is_error(&a)))
		return a.type == CEL_SKIP ? a : b;
	if (is_error(&a))
		return b.type == CEL_SKIP ? b : a;
	if (a.type == CEL_BOOL && is_error(&b))
		return b;
	return misfit(n->op, &a, &b);
}

static struct cel_value int_math(enum expr_op op, int64_t a, int64_t b)
{
	int64_t r = 0;
	bool over = false;

	if ((op == EXPR_DIV || op == EXPR_MOD) && !b)
		return error_value(op == EXPR_DIV ? "division by zero" : "modulus by zero");
	switch (op) {
	case EXPR_ADD:
		over = __builtin_add_overflow(a, b, &r);
		break;
	case EXPR_SUB:
		over = __builtin_sub_overflow(a, b, &r);
		break;
	case EXPR_MUL:
		over = __builtin_mul_overflow(a, b, &r);
		break;
	default:
		over = a == INT64_MIN && b == -1;
		if (!over)
			r = op == EXPR_DIV ? a / b : a % b;
	}
	return over ? error_value("integer overflow") : cel_int(r);
}

static struct cel_value uint_math(enum expr_op op, uint64_t a, uint64_t b)
{
	uint64_t r = 0;
	bool over = false;

	if ((op == EXPR_DIV || op == EXPR_MOD) && !b)
		return error_value(op == EXPR_DIV ? "division by zero" : "modulus by zero");
	switch (op) {
	case EXPR_ADD:
		over = __builtin_add_overflow(a, b, &r);
		break;
	case EXPR_SUB:
		over = __builtin_sub_overflow(a, b, &r);
		break;
	case EXPR_MUL:
		over = __builtin_mul_overflow(a, b, &r);
		break;
	default:
		r = op == EXPR_DIV ? a / b : a % b;
	}
	return over ? error_value("unsigned overflow") : (struct cel_value){.type = CEL_UINT, .u = r};
}

// Room for n bytes that hold until the evaluation ends; NULL: evaluate anew with more.
static char *room(struct eval *v, size_t n)
{
	const size_t at = v->need;

	v->need += n;
	return v->need <= v->scratch->cap ? v->scratch->data + at : NULL;
}

static struct cel_value join(struct eval *v, const struct cel_value *a, const struct cel_value *b)
{
	const size_t n = (size_t)a->len + b->len;

	if (!n)
		return *a;
	if (v->need + n > MAX_TEXT)
		return error_value("texts joined to more than 1 MiB");
	char *s = room(v, n);
	if (s) {
		memcpy(s, a->s, a->len);
		memcpy(s + a->len, b->s, b->len);
	}
	return s ? cel_text(a->type, s, n) : error_value("no room");
}

static struct cel_value eval_math(struct eval *v, const struct expr_node *n)
{
	const struct cel_value a = eval(v, n->a);

	if (is_error(&a))
		return a;
	const struct cel_value b = eval(v, n->b);
	if (is_error(&b))
		return b;
	if (a.type != b.type)
		return misfit(n->op, &a, &b);
	switch (a.type) {
	case CEL_INT:
		return int_math(n->op, a.i, b.i);
	case CEL_UINT:
		return uint_math(n->op, a.u, b.u);
	case CEL_DOUBLE:
		switch (n->op) {
		case EXPR_ADD:
			return cel_double(a.d + b.d);
		case EXPR_SUB:
			return cel_double(a.d - b.d);
		case EXPR_MUL:
			return cel_double(a.d * b.d);
		case EXPR_DIV:
			return cel_double(a.d / b.d);
		default:
			return misfit(n->op, &a, &b);
		}
	case CEL_STRING:
	case CEL_BYTES:
		if (n->op == EXPR_ADD)
			return join(v, &a, &b);
		return misfit(n->op, &a, &b);
	default:
		return misfit(n->op, &a, &b);
	}
}

static bool is_number(const struct cel_value *v)
{
	return v->type == CEL_INT || v->type == CEL_UINT || v->type == CEL_DOUBLE;
}

enum { LESS = -1, EQUAL = 0, MORE = 1, UNORDERED = 2 };

static int order_int_double(int64_t a, double b)
{
	if (isnan(b))
		return UNORDERED;
	if (b >= 9223372036854775808.0)
		return LESS;
	if (b < -9223372036854775808.0)
		return MORE;
	const int64_t whole = (int64_t)b; // towards zero
	if (a != whole)
		return a < whole ? LESS : MORE;
	const double rest = b - (double)whole;
	return rest > 0 ? LESS : rest < 0 ? MORE : EQUAL;
}

static int order_uint_double(uint64_t a, double b)
{
	if (isnan(b))
		return UNORDERED;
	if (b >= 18446744073709551616.0)
		return LESS;
	if (b < 0)
		return MORE;
	const uint64_t whole = (uint64_t)b;
	if (a != whole)
		return a < whole ? LESS : MORE;
	return b - (double)whole > 0 ? LESS : EQUAL;
}

static int turned(int order)
{
	return order == UNORDERED ? UNORDERED : -order;
}

static int order_numbers(const struct cel_value *a, const struct cel_value *b)
{
	if (a->type == CEL_DOUBLE && b->type == CEL_DOUBLE)
		return isnan(a->d) || isnan(b->d) ? UNORDERED : (a->d > b->d) - (a->d < b->d);
	if (a->type == CEL_DOUBLE)
		return turned(b->type == CEL_INT ? order_int_double(b->i, a->d) : order_uint_double(b->u, a->d));
	if (b->type == CEL_DOUBLE)
		return a->type == CEL_INT ? order_int_double(a->i, b->d) : order_uint_double(a->u, b->d);
	if (a->type == b->type)
		return a->type == CEL_INT ? (a->i > b->i) - (a->i < b->i) : (a->u > b->u) - (a->u < b->u);
	if (a->type == CEL_INT)
		return a->i < 0 || (uint64_t)a->i < b->u ? LESS : (uint64_t)a->i > b->u;
	return b->i < 0 || (uint64_t)b->i < a->u ? MORE : (uint64_t)b->i > a->u ? LESS : EQUAL;
}

static int order_texts(const struct cel_value *a, const struct cel_value *b)
{
	const uint32_t n = a->len < b->len ? a->len : b->len;
	const int c = n ? memcmp(a->s, b->s, n) : 0;

	return c ? (c > 0) - (c < 0) : (a->len > b->len) - (a->len < b->len);
}

static struct cel_value compare(enum expr_op op, const struct cel_value *a, const struct cel_value *b)
{
	int order;

	if (is_number(a) && is_number(b))
		order = order_numbers(a, b);
	else if (a->type == b->type && (a->type == CEL_STRING || a->type == CEL_BYTES))
		order = order_texts(a, b);
	else if (a->type == b->type && a->type == CEL_BOOL)
		order = (int)(a->i - b->i);
	else
		return misfit(op, a, b);
	switch (op) {
	case EXPR_LT:
		return cel_bool(order == LESS);
	case EXPR_LE:
		return cel_bool(order == LESS || order == EQUAL);
	case EXPR_GT:
		return cel_bool(order == MORE);
	default:
		return cel_bool(order == MORE || order == EQUAL);
	}
}

// Values of different types are not equal, numbers of any two types are compared as numbers.
static struct cel_value equal(enum expr_op op, const struct cel_value *a, const struct cel_value *b)
{
	if (is_number(a) && is_number(b))
		return cel_bool(order_numbers(a, b) == EQUAL);
	if (a->type != b->type)
		return cel_bool(false);
	switch (a->type) {
	case CEL_NULL:
		return cel_bool(true);
	case CEL_BOOL:
		return cel_bool(a->i == b->i);
	case CEL_STRING:
	case CEL_BYTES:
		return cel_bool(a->len == b->len && (!a->len || !memcmp(a->s, b->s, a->len)));
	default:
		return misfit(op, a, b);
	}
}

static struct cel_value eval_relation(struct eval *v, const struct expr_node *n)
{
	const struct cel_value a = eval(v, n->a);

	if (is_error(&a))
		return a;
	const struct cel_value b = eval(v, n->b);
	if (is_error(&b))
		return b;
	if (n->op != EXPR_EQ && n->op != EXPR_NE)
		return compare(n->op, &a, &b);
	struct cel_value same = equal(n->op, &a, &b);
	if (n->op == EXPR_NE && same.type == CEL_BOOL)
		same.i = !same.i;
	return same;
}

static struct cel_value eval_in(struct eval *v, const struct expr_node *n)
{
	const struct cel_value a = eval(v, n->a);
	const struct expr_node *list = &v->e->nodes[n->b];
	bool found = false;

	if (is_error(&a))
		return a;
	if (list->op != EXPR_LIST)
		return error_value("in before what is no list");
	for (uint32_t i = list->a; i < list->a + list->b; i++) {
		const struct cel_value b = eval(v, v->e->parts[i]);

		if (is_error(&b))
			return b;
		const struct cel_value same = equal(EXPR_EQ, &a, &b);
		if (is_error(&same))
			return same;
		found |= same.i;
	}
	return cel_bool(found);
}

static struct cel_value eval_size(const struct cel_value *a)
{
	int64_t n = 0;

	switch (a->type) {
	case CEL_LIST:
		return cel_int(a->i);
	case CEL_BYTES:
		return cel_int(a->len);
	case CEL_STRING:
		for (uint32_t i = 0; i < a->len; i++)
			n += ((uint8_t)a->s[i] & 0xc0) != 0x80;
		return cel_int(n);
	default:
		return misfit(EXPR_SIZE, a, NULL);
	}
}

static struct cel_value eval_texts(struct eval *v, const struct expr_node *n)
{
	const struct cel_value a = eval(v, n->a);

	if (is_error(&a))
		return a;
	const struct cel_value b = eval(v, n->b);
	if (is_error(&b))
		return b;
	if (a.type != CEL_STRING || b.type != CEL_STRING)
		return misfit(n->op, &a, &b);
	if (n->op == EXPR_CONTAINS)
		return cel_bool(!b.len || (a.len && memmem(a.s, a.len, b.s, b.len)));
	if (b.len > a.len)
		return cel_bool(false);
	return cel_bool(!b.len || !memcmp(n->op == EXPR_STARTS ? a.s : a.s + (a.len - b.len), b.s, b.len));
}

// A decimal number, nothing before or behind it.
static bool plain_number(const struct cel_value *a, bool whole, char *copy, size_t cap)
{
	size_t i = 0, digits = 0;

	if (!a->len || a->len >= cap)
		return false;
	memcpy(copy, a->s, a->len);
	copy[a->len] = 0;
	i += copy[0] == '-' || copy[0] == '+';
	for (; copy[i] >= '0' && copy[i] <= '9'; i++)
		digits++;
	if (!whole && copy[i] == '.')
		for (i++; copy[i] >= '0' && copy[i] <= '9'; i++)
			digits++;
	if (!digits)
		return false;
	if (!whole && (copy[i] | 0x20) == 'e') {
		i += copy[i + 1] == '-' || copy[i + 1] == '+' ? 2 : 1;
		const size_t start = i;
		while (copy[i] >= '0' && copy[i] <= '9')
			i++;
		if (i == start)
			return false;
	}
	return i == a->len;
}

static struct cel_value to_int(const struct cel_value *a)
{
	char copy[64];
	long long v;

	switch (a->type) {
	case CEL_INT:
		return *a;
	case CEL_UINT:
		return a->u > INT64_MAX ? error_value("int() of a number that is too large") : cel_int((int64_t)a->u);
	case CEL_DOUBLE: // false for NaN
		if (a->d > -9223372036854775808.0 && a->d < 9223372036854775808.0)
			return cel_int((int64_t)a->d);
		return error_value("int() of a number that is too large");
	case CEL_STRING:
		if (!plain_number(a, true, copy, sizeof copy))
			return error_value("int() of a text that is no number");
		// LLONG_MAX and LLONG_MIN may be meant
		v = strtoll(copy, NULL, 10);
		if (v == LLONG_MAX || v == LLONG_MIN) {
			char same[64];
			const char *digits = copy + (copy[0] == '-' || copy[0] == '+');

			while (*digits == '0' && digits[1])
				digits++;
			snprintf(same, sizeof same, "%s%s", v < 0 ? "-" : "", digits);
			char back[64];
			snprintf(back, sizeof back, "%lld", v);
			if (strcmp(same, back) != 0)
				return error_value("int() of a number that is too large");
		}
		return cel_int(v);
	default:
		return misfit(EXPR_TO_INT, a, NULL);
	}
}

static struct cel_value to_double(const struct cel_value *a)
{
	char copy[512];

	switch (a->type) {
	case CEL_INT:
		return cel_double((double)a->i);
	case CEL_UINT:
		return cel_double((double)a->u);
	case CEL_DOUBLE:
		return *a;
	case CEL_STRING:
		return plain_number(a, false, copy, sizeof copy) ? cel_double(strtod(copy, NULL))
								 : error_value("double() of a text that is no number");
	default:
		return misfit(EXPR_TO_DOUBLE, a, NULL);
	}
}

static struct cel_value to_string(struct eval *v, const struct cel_value *a)
{
	char *s;
	int n;

	switch (a->type) {
	case CEL_STRING:
		return *a;
	case CEL_BOOL:
		return a->i ? cel_text(CEL_STRING, "true", 4) : cel_text(CEL_STRING, "false", 5);
	case CEL_INT:
	case CEL_UINT:
		if (!(s = room(v, 24)))
			return error_value("no room");
		n = a->type == CEL_INT ? snprintf(s, 24, "%lld", (long long)a->i)
				       : snprintf(s, 24, "%llu", (unsigned long long)a->u);
		return cel_text(CEL_STRING, s, (size_t)n);
	default:
		return misfit(EXPR_TO_STRING, a, NULL);
	}
}

static struct cel_value reference(const struct eval *v, uint32_t ref)
{
	const struct expr_reference *r = &v->e->refs[ref];

	return r->is_const ? r->value : v->operands[r->operand];
}

static struct cel_value eval_unary(struct eval *v, const struct expr_node *n)
{
	const struct cel_value a = eval(v, n->a);

	if (is_error(&a))
		return a;
	switch (n->op) {
	case EXPR_NOT:
		return a.type == CEL_BOOL ? cel_bool(!a.i) : misfit(n->op, &a, NULL);
	case EXPR_NEGATE:
		if (a.type == CEL_INT)
			return int_math(EXPR_SUB, 0, a.i);
		return a.type == CEL_DOUBLE ? cel_double(-a.d) : misfit(n->op, &a, NULL);
	case EXPR_CHOOSE:
		return a.type == CEL_BOOL ? eval(v, a.i ? n->b : n->c) : misfit(n->op, &a, NULL);
	case EXPR_SIZE:
		return eval_size(&a);
	case EXPR_MATCHES:
		return a.type == CEL_STRING ? cel_bool(re_found(n->re, a.s, a.len)) : misfit(n->op, &a, NULL);
	case EXPR_TO_INT:
		return to_int(&a);
	case EXPR_TO_DOUBLE:
		return to_double(&a);
	default:
		return to_string(v, &a);
	}
}

static struct cel_value eval(struct eval *v, uint32_t at)
{
	const struct expr_node *n = &v->e->nodes[at];
	struct cel_value value;

	switch (n->op) {
	case EXPR_CONST:
		return n->value;
	case EXPR_OPERAND:
		value = reference(v, n->a);
		if (value.type == CEL_ABSENT)
			return (struct cel_value){.type = CEL_SKIP, .s = "the record around the field is null"};
		return value;
	case EXPR_HAS:
		value = reference(v, n->a);
		if (value.type == CEL_ABSENT)
			return (struct cel_value){.type = CEL_SKIP, .s = "the record around the field is null"};
		return cel_bool(value.type != CEL_NULL);
	case EXPR_OR:
	case EXPR_AND:
		return eval_logic(v, n);
	case EXPR_ADD:
	case EXPR_SUB:
	case EXPR_MUL:
	case EXPR_DIV:
	case EXPR_MOD:
		return eval_math(v, n);
	case EXPR_EQ:
	case EXPR_NE:
	case EXPR_LT:
	case EXPR_LE:
	case EXPR_GT:
	case EXPR_GE:
		return eval_relation(v, n);
	case EXPR_IN:
		return eval_in(v, n);
	case EXPR_STARTS:
	case EXPR_ENDS:
	case EXPR_CONTAINS:
		return eval_texts(v, n);
	default:
		return eval_unary(v, n);
	}
}

enum expr_verdict expr_eval(const struct expr *e, const struct cel_value *operands, struct buf *scratch, const char **why)
{
	struct eval v = {e, operands, scratch, 0};
	struct cel_value value = eval(&v, e->root);

	while (v.need > scratch->cap) { // once in the life of a scratch, or twice
		buf_reserve(scratch, v.need);
		v.need = 0;
		value = eval(&v, e->root);
	}
	*why = "";
	switch (value.type) {
	case CEL_BOOL:
		return value.i ? EXPR_TRUE : EXPR_FALSE;
	case CEL_STRING:
		return value.len ? EXPR_FALSE : EXPR_TRUE;
	case CEL_NULL:
		return EXPR_NULL;
	case CEL_SKIP:
		*why = value.s;
		return EXPR_NULL;
	case CEL_ERROR:
		*why = value.s;
		return EXPR_ERROR;
	default:
		*why = "the expression gives neither a bool nor a text";
		return EXPR_ERROR;
	}
}
