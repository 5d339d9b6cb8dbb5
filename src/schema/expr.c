// SPDX-License-Identifier: Apache-2.0
// The parser: CEL's grammar by recursive descent, each function one level of precedence. What is CEL but not of
// the subset gets an error that names it.
#include "schema/expr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/expr_lex.h"
#include "schema/utf8.h"
#include "util/xalloc.h"

enum { MAX_TEXT = 65536, MAX_NESTING = 60, MAX_PATH = 512, NONE = -1 };

static const char *const reserved[] = {"as",	"break",   "const", "continue",	 "else",    "for",  "function", "if",
				       "import", "let",	   "loop",  "namespace", "package", "return", "var",	 "void",
				       "while",	"in"};

// Behind a dot, or as a function.
static const struct {
	const char *name;
	enum expr_op op;
	int args; // with the target
	bool method, function;
} calls[] = {
    {"size", EXPR_SIZE, 1, true, true},		{"startsWith", EXPR_STARTS, 2, true, false},
    {"endsWith", EXPR_ENDS, 2, true, false},	{"contains", EXPR_CONTAINS, 2, true, false},
    {"matches", EXPR_MATCHES, 2, true, true},	{"int", EXPR_TO_INT, 1, false, true},
    {"double", EXPR_TO_DOUBLE, 1, false, true}, {"string", EXPR_TO_STRING, 1, false, true},
};

static uint32_t higher(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

static uint32_t add_two(struct parser *r, enum expr_op op, uint32_t a, uint32_t b)
{
	if (r->failed)
		return 0;
	const struct expr_node *n = r->e->nodes;

	return lex_node(r, (struct expr_node){.op = op, .a = a, .b = b, .height = 1 + higher(n[a].height, n[b].height)});
}

static uint32_t add_one(struct parser *r, enum expr_op op, uint32_t a)
{
	return add_two(r, op, a, a);
}

static uint32_t parse_expr(struct parser *r);

static uint32_t reference_index(struct parser *r, const char *path)
{
	struct expr *e = r->e;

	for (size_t i = 0; i < e->nrefs; i++)
		if (!strcmp(e->refs[i].path, path))
			return (uint32_t)i;
	GROW(e->refs, e->nrefs, e->caprefs);
	e->refs[e->nrefs] = (struct expr_reference){.path = xstrdup(path)};
	return (uint32_t)e->nrefs++;
}

static uint32_t add_reference(struct parser *r, enum expr_op op, const char *path)
{
	const uint32_t ref = reference_index(r, path);

	if (op == EXPR_HAS)
		r->e->refs[ref].use |= USED_HAS;
	return lex_node(r, (struct expr_node){.op = op, .a = ref, .height = 1});
}

static uint32_t parse_list(struct parser *r)
{
	struct expr *e = r->e;
	uint32_t *parts = NULL;
	size_t n = 0, cap = 0;
	uint32_t height = 0;

	while (!r->failed && !lex_take(r, "]")) {
		const uint32_t part = parse_expr(r);

		if (r->failed)
			break;
		if (e->nodes[part].op == EXPR_LIST)
			lex_unsupported(r, r->p, "a list in a list");
		GROW(parts, n, cap);
		parts[n++] = part;
		height = higher(height, e->nodes[part].height);
		if (!lex_take(r, ",")) {
			lex_need(r, "]");
			break;
		}
	}
	const uint32_t first = (uint32_t)e->nparts;
	for (size_t i = 0; i < n; i++) {
		GROW(e->parts, e->nparts, e->capparts);
		e->parts[e->nparts++] = parts[i];
	}
	free(parts);
	return lex_node(r, (struct expr_node){.op = EXPR_LIST, .a = first, .b = (uint32_t)n, .height = height + 1});
}

static uint32_t parse_has(struct parser *r, const char *at)
{
	const uint32_t arg = parse_expr(r);

	lex_need(r, ")");
	if (r->failed)
		return 0;
	const struct expr_node *n = &r->e->nodes[arg];
	if (n->op != EXPR_OPERAND)
		return lex_fail(r, at, "has() takes a field");
	return add_reference(r, EXPR_HAS, r->e->refs[n->a].path);
}

static uint32_t add_matches(struct parser *r, const char *at, uint32_t a, uint32_t pattern)
{
	const struct expr_node *p = &r->e->nodes[pattern];
	struct error why = ERROR_INIT;

	if (p->op != EXPR_CONST || p->value.type != CEL_STRING)
		return lex_unsupported(r, at, "matches() with a pattern that is no literal");
	struct re *re = re_new(p->value.s, p->value.len, &why);
	if (!re)
		return lex_fail(r, at, why.text);
	const uint32_t n = add_one(r, EXPR_MATCHES, a);
	if (r->failed)
		re_free(re);
	else
		r->e->nodes[n].re = re;
	return n;
}

// Behind "(". `target` NONE: a function. `shown`: as the error calls it.
static uint32_t parse_call(struct parser *r, const char *at, const char *name, const char *shown, long target)
{
	uint32_t args[2] = {0};
	char text[MAX_PATH + 32];
	int n = 0;
	size_t k = 0;

	snprintf(text, sizeof text, "%s()", shown);
	if (target == NONE && !strcmp(name, "has"))
		return parse_has(r, at);
	const bool dyn = target == NONE && !strcmp(name, "dyn");
	while (k < ARRAY_LEN(calls) &&
	       (strcmp(calls[k].name, name) != 0 || !(target == NONE ? calls[k].function : calls[k].method)))
		k++;
	if (k == ARRAY_LEN(calls) && !dyn)
		return lex_unsupported(r, at, text);
	if (target != NONE)
		args[n++] = (uint32_t)target;
	const int want = dyn ? 1 : calls[k].args;
	while (!r->failed && !lex_take(r, ")")) {
		const uint32_t arg = parse_expr(r);

		if (n < 2)
			args[n] = arg;
		n++;
		if (!lex_take(r, ","))
			lex_need(r, ")");
		else
			continue;
		break;
	}
	if (r->failed)
		return 0;
	if (n != want) {
		snprintf(text, sizeof text, "%s() with this many arguments", shown);
		return lex_fail(r, at, text);
	}
	if (dyn)
		return args[0];
	if (calls[k].op == EXPR_MATCHES)
		return add_matches(r, at, args[0], args[1]);
	return want == 1 ? add_one(r, calls[k].op, args[0]) : add_two(r, calls[k].op, args[0], args[1]);
}

static bool is_reserved(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(reserved); i++)
		if (!strcmp(reserved[i], name))
			return true;
	return false;
}

// A name, a chain of fields, a function: what begins with a letter. What may follow is parse_member's.
static uint32_t parse_name(struct parser *r)
{
	const char *at = r->p;
	char path[MAX_PATH];
	size_t n = lex_ident(r, path, sizeof path);

	if (r->failed)
		return 0;
	if (!strcmp(path, "true") || !strcmp(path, "false"))
		return lex_const(r, cel_bool(*path == 't'));
	if (!strcmp(path, "null"))
		return lex_const(r, (struct cel_value){.type = CEL_NULL});
	if (is_reserved(path))
		return lex_fail(r, at, "a reserved word");
	if (lex_take(r, "("))
		return parse_call(r, at, path, path, NONE);
	for (;;) {
		const char *before = r->p;

		if (!lex_take(r, "."))
			break;
		lex_blank(r);
		const size_t name = n + 1;
		if (name >= sizeof path)
			return lex_fail(r, at, "a name this long");
		path[n] = '.';
		const size_t len = lex_ident(r, path + name, sizeof path - name);
		if (r->failed)
			return 0;
		if (!len)
			return lex_fail(r, r->p, "expected a field's name");
		lex_blank(r);
		if (r->p < r->end && *r->p == '(') { // a method of what stands before
			char shown[MAX_PATH];

			snprintf(shown, sizeof shown, "%s", path);
			r->p++;
			path[n] = 0;
			const uint32_t target = add_reference(r, EXPR_OPERAND, path);
			bool known = false;
			for (size_t i = 0; i < ARRAY_LEN(calls); i++)
				known |= calls[i].method && !strcmp(calls[i].name, shown + name);
			return r->failed ? 0 : parse_call(r, before, shown + name, known ? shown + name : shown, target);
		}
		n = name + len;
	}
	return add_reference(r, EXPR_OPERAND, path);
}

static uint32_t parse_primary(struct parser *r)
{
	lex_blank(r);
	if (r->p == r->end)
		return lex_fail(r, r->p, "the expression ends too early");
	const char *at = r->p;
	const char c = *at;
	if (c == '(') {
		r->p++;
		const uint32_t inside = parse_expr(r);
		lex_need(r, ")");
		return inside;
	}
	if (c == '[') {
		r->p++;
		return parse_list(r);
	}
	if (c == '{')
		return lex_unsupported(r, at, "a map or a message in braces");
	if (c == '`')
		return lex_unsupported(r, at, "a name in backquotes");
	if (lex_starts_string(r))
		return lex_string(r);
	if ((c | 0x20) == 'b' && r->end - at > 1 && (at[1] == '"' || at[1] == '\''))
		return lex_unsupported(r, at, "a bytes literal");
	if (lex_digit(c) || (c == '.' && r->end - at > 1 && lex_digit(at[1])))
		return lex_number(r, false);
	if (c == '.')
		return lex_unsupported(r, at, "a name that begins with a dot");
	if (!lex_letter(c))
		return lex_fail(r, at, "expected a value");
	return parse_name(r);
}

static uint32_t parse_member(struct parser *r)
{
	uint32_t a = parse_primary(r);
	char name[MAX_PATH];

	while (!r->failed) {
		const char *at = r->p;

		if (lex_take(r, "["))
			return lex_unsupported(r, at, "an index in brackets");
		if (lex_take(r, "{"))
			return lex_unsupported(r, at, "a message in braces");
		if (!lex_take(r, "."))
			break;
		lex_blank(r);
		if (!lex_ident(r, name, sizeof name))
			return lex_fail(r, r->p, "expected a name");
		if (!lex_take(r, "("))
			return lex_unsupported(r, at, "a field of what is no field");
		a = parse_call(r, at, name, name, a);
	}
	return a;
}

static uint32_t parse_unary(struct parser *r)
{
	size_t n = 0;

	if (++r->depth > MAX_NESTING)
		return lex_fail(r, r->p, "the expression is nested too deep");
	lex_blank(r);
	const char sign = r->p < r->end && (*r->p == '!' || *r->p == '-') ? *r->p : 0;
	while (sign && r->p < r->end && *r->p == sign) {
		r->p++;
		n++;
		lex_blank(r);
	}
	uint32_t a;
	if (sign == '-' && r->p < r->end && (lex_digit(*r->p) || *r->p == '.')) {
		a = lex_number(r, true);
		n--;
	} else {
		a = parse_member(r);
	}
	if (n % 2) // CEL's parsers drop the pairs
		a = add_one(r, sign == '!' ? EXPR_NOT : EXPR_NEGATE, a);
	r->depth--;
	return a;
}

// What a side of == or != needs of a reference, the other being null or not.
static bool is_null(const struct expr_node *n)
{
	return n->op == EXPR_CONST && n->value.type == CEL_NULL;
}

// Binary operators, the loosest first; those of a level associate to the left. A symbol stands before one that
// begins it.
enum { LEVELS = 5 };
static const struct operator {
	int level;
	const char *symbol;
	enum expr_op op;
} operators[] = {
	{0, "||", EXPR_OR},  {1, "&&", EXPR_AND}, {2, "==", EXPR_EQ}, {2, "!=", EXPR_NE}, {2, "<=", EXPR_LE},
	{2, "<", EXPR_LT},   {2, ">=", EXPR_GE},  {2, ">", EXPR_GT},  {2, "in", EXPR_IN}, {3, "+", EXPR_ADD},
	{3, "-", EXPR_SUB},  {4, "*", EXPR_MUL},  {4, "/", EXPR_DIV}, {4, "%", EXPR_MOD},
};

static const struct operator *take_operator(struct parser *r, int level)
{
	for (size_t i = 0; i < ARRAY_LEN(operators); i++)
		if (operators[i].level == level && (operators[i].op == EXPR_IN ? lex_take_word(r, operators[i].symbol)
										: lex_take(r, operators[i].symbol)))
			return &operators[i];
	return NULL;
}

static uint32_t parse_binary(struct parser *r, int level)
{
	const struct operator *o;

	if (level == LEVELS)
		return parse_unary(r);
	uint32_t a = parse_binary(r, level + 1);
	while (!r->failed && (o = take_operator(r, level))) {
		const uint32_t b = parse_binary(r, level + 1);
		a = add_two(r, o->op, a, b);
	}
	return a;
}

static uint32_t parse_expr(struct parser *r)
{
	if (++r->depth > MAX_NESTING)
		return lex_fail(r, r->p, "the expression is nested too deep");
	const uint32_t a = parse_binary(r, 0);

	if (r->failed || !lex_take(r, "?")) {
		r->depth--;
		return a;
	}
	const uint32_t b = parse_binary(r, 0);
	lex_need(r, ":");
	const uint32_t c = r->failed ? 0 : parse_expr(r);
	r->depth--;
	if (r->failed)
		return 0;
	const struct expr_node *n = r->e->nodes;
	const uint32_t height = higher(n[a].height, higher(n[b].height, n[c].height)) + 1;
	return lex_node(r, (struct expr_node){.op = EXPR_CHOOSE, .a = a, .b = b, .c = c, .height = height});
}

static void note_use(struct expr *e, uint32_t at, unsigned use)
{
	if (e->nodes[at].op == EXPR_OPERAND)
		e->refs[e->nodes[at].a].use |= use;
}

// Once the tree stands: what is needed of each reference, and that lists stand behind `in` alone.
static int settle(struct parser *r)
{
	struct expr *e = r->e;

	if (e->nodes[e->root].op == EXPR_LIST)
		lex_unsupported(r, r->text, "a list that does not stand behind in");
	note_use(e, e->root, USED_VALUE);
	for (size_t i = 0; i < e->nnodes; i++) {
		const struct expr_node *n = &e->nodes[i];
		const bool equality = n->op == EXPR_EQ || n->op == EXPR_NE;
		const bool one = n->op == EXPR_NOT || n->op == EXPR_NEGATE || n->op == EXPR_MATCHES ||
				 n->op == EXPR_TO_INT || n->op == EXPR_TO_DOUBLE || n->op == EXPR_TO_STRING;

		if (n->op == EXPR_CONST || n->op == EXPR_OPERAND || n->op == EXPR_HAS)
			continue;
		if (n->op == EXPR_LIST) {
			for (uint32_t k = n->a; k < n->a + n->b; k++)
				note_use(e, e->parts[k], USED_VALUE);
			continue;
		}
		if (e->nodes[n->a].op == EXPR_LIST || (n->op != EXPR_IN && e->nodes[n->b].op == EXPR_LIST) ||
		    (n->op == EXPR_CHOOSE && e->nodes[n->c].op == EXPR_LIST))
			lex_unsupported(r, r->text, "a list that does not stand behind in");
		if (n->op == EXPR_IN && e->nodes[n->b].op != EXPR_LIST && e->nodes[n->b].op != EXPR_OPERAND)
			lex_unsupported(r, r->text, "in before what is no list");
		if (n->op == EXPR_SIZE) {
			note_use(e, n->a, USED_SIZE);
			continue;
		}
		note_use(e, n->a, equality && is_null(&e->nodes[n->b]) ? USED_NULL : USED_VALUE);
		if (!one)
			note_use(e, n->b, equality && is_null(&e->nodes[n->a]) ? USED_NULL : USED_VALUE);
		if (n->op == EXPR_CHOOSE)
			note_use(e, n->c, USED_VALUE);
	}
	return r->failed ? -1 : 0;
}

struct expr *expr_parse(const char *text, struct error *err)
{
	const size_t len = strnlen(text, MAX_TEXT + 1);
	struct parser r = {.text = text, .p = text, .end = text + len, .err = err};

	if (len > MAX_TEXT || !utf8_valid((const uint8_t *)text, len, (const uint8_t *)text + len)) {
		error_set(err, len > MAX_TEXT ? "longer than 64 KiB" : "not valid UTF-8");
		return NULL;
	}
	r.e = xcalloc(1, sizeof *r.e);
	r.e->root = parse_expr(&r);
	lex_blank(&r);
	if (!r.failed && r.p < r.end)
		lex_fail(&r, r.p, "expected an operator or the end");
	if (r.failed || settle(&r)) {
		expr_free(r.e);
		return NULL;
	}
	return r.e;
}

void expr_free(struct expr *e)
{
	if (!e)
		return;
	for (size_t i = 0; i < e->nnodes; i++)
		if (e->nodes[i].op == EXPR_MATCHES)
			re_free(e->nodes[i].re);
	for (size_t i = 0; i < e->nrefs; i++)
		free(e->refs[i].path);
	for (size_t i = 0; i < e->ntexts; i++)
		free(e->texts[i]);
	free(e->nodes);
	free(e->parts);
	free(e->refs);
	free(e->texts);
	free(e);
}

size_t expr_refs(const struct expr *e)
{
	return e->nrefs;
}

const char *expr_ref(const struct expr *e, size_t ref)
{
	return e->refs[ref].path;
}

unsigned expr_ref_use(const struct expr *e, size_t ref)
{
	return e->refs[ref].use;
}

void expr_bind(struct expr *e, size_t ref, uint32_t operand)
{
	e->refs[ref].operand = operand;
	e->refs[ref].is_const = false;
}

void expr_bind_const(struct expr *e, size_t ref, struct cel_value v)
{
	e->refs[ref].value = v;
	e->refs[ref].is_const = true;
}

int expr_bind_texts(struct expr *e, size_t ref, char *const *texts, size_t n, struct error *err)
{
	const uint32_t first = (uint32_t)e->nparts;

	e->refs[ref].is_const = true;
	for (size_t i = 0; i < n; i++) {
		GROW(e->nodes, e->nnodes, e->capnodes);
		e->nodes[e->nnodes] = (struct expr_node){
		    .op = EXPR_CONST, .height = 1, .value = cel_text(CEL_STRING, texts[i], strlen(texts[i]))};
		GROW(e->parts, e->nparts, e->capparts);
		e->parts[e->nparts++] = (uint32_t)e->nnodes++;
	}
	for (size_t i = 0; i < e->nnodes; i++) { // every place where the reference stands must be behind an `in`
		struct expr_node *list = &e->nodes[i];
		bool behind = false;

		if (list->op != EXPR_OPERAND || list->a != ref)
			continue;
		for (size_t k = 0; k < e->nnodes; k++)
			behind |= e->nodes[k].op == EXPR_IN && e->nodes[k].b == i && e->nodes[k].a != i;
		if (!behind)
			return error_set(err, "%s is a list and may stand behind in only", e->refs[ref].path);
		*list = (struct expr_node){.op = EXPR_LIST, .a = first, .b = (uint32_t)n, .height = 2};
	}
	return 0;
}

bool expr_is_const(const struct expr *e)
{
	bool all = true;

	for (size_t i = 0; i < e->nrefs; i++)
		all &= e->refs[i].is_const;
	return all;
}
