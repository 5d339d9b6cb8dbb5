// SPDX-License-Identifier: Apache-2.0
// Inside the parser of expressions: expr.c has the grammar, expr_lex.c the symbols, names and literals.
#ifndef KD_SCHEMA_EXPR_LEX_H
#define KD_SCHEMA_EXPR_LEX_H
#include "schema/expr_node.h"

struct parser {
	const char *text, *p, *end;
	struct expr *e;
	int depth;
	bool failed;
	struct error *err;
};

// All that give a node give 0 once the parser has failed; the first failure is the one that is told.
uint32_t lex_fail(struct parser *r, const char *at, const char *what);
uint32_t lex_unsupported(struct parser *r, const char *at, const char *what);
uint32_t lex_node(struct parser *r, struct expr_node n);
uint32_t lex_const(struct parser *r, struct cel_value v);

void lex_blank(struct parser *r);
size_t lex_ident_length(const struct parser *r); // of the name that is next; 0: none
size_t lex_ident(struct parser *r, char *out, size_t cap);
// Takes the symbol if it is next. A longer symbol must be tried before its beginning.
bool lex_take(struct parser *r, const char *symbol);
bool lex_take_word(struct parser *r, const char *word);
void lex_need(struct parser *r, const char *symbol);
bool lex_digit(char c);
bool lex_letter(char c); // one that a name begins with
uint32_t lex_number(struct parser *r, bool negative); // behind its sign
bool lex_starts_string(const struct parser *r);
uint32_t lex_string(struct parser *r);
#endif
