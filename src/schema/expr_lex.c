// SPDX-License-Identifier: Apache-2.0
#include "schema/expr_lex.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/xalloc.h"

enum { MAX_HEIGHT = 250 };

uint32_t lex_fail(struct parser *r, const char *at, const char *what)
{
	if (!r->failed)
		error_set(r->err, "column %zu: %s", (size_t)(at - r->text) + 1, what);
	r->failed = true;
	return 0;
}

uint32_t lex_unsupported(struct parser *r, const char *at, const char *what)
{
	char text[576];

	snprintf(text, sizeof text, "%.300s is not supported", what);
	return lex_fail(r, at, text);
}

uint32_t lex_node(struct parser *r, struct expr_node n)
{
	struct expr *e = r->e;

	if (n.height > MAX_HEIGHT)
		return lex_fail(r, r->p, "the expression is too long or nested too deep");
	GROW(e->nodes, e->nnodes, e->capnodes);
	e->nodes[e->nnodes] = n;
	return (uint32_t)e->nnodes++;
}

uint32_t lex_const(struct parser *r, struct cel_value v)
{
	return lex_node(r, (struct expr_node){.op = EXPR_CONST, .height = 1, .value = v});
}

void lex_blank(struct parser *r)
{
	for (; r->p < r->end; r->p++) {
		if (r->p[0] == '/' && r->end - r->p > 1 && r->p[1] == '/')
			while (r->p < r->end && *r->p != '\n')
				r->p++;
		if (r->p == r->end || !strchr(" \t\n\f\r", *r->p))
			break;
	}
}

bool lex_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool lex_digit(char c)
{
	return c >= '0' && c <= '9';
}

size_t lex_ident_length(const struct parser *r)
{
	const char *p = r->p;

	if (p < r->end && lex_letter(*p))
		while (p < r->end && (lex_letter(*p) || lex_digit(*p)))
			p++;
	return (size_t)(p - r->p);
}

bool lex_take(struct parser *r, const char *symbol)
{
	const size_t n = strlen(symbol);

	lex_blank(r);
	if ((size_t)(r->end - r->p) < n || memcmp(r->p, symbol, n) != 0)
		return false;
	r->p += n;
	return true;
}

bool lex_take_word(struct parser *r, const char *word)
{
	lex_blank(r);
	if (lex_ident_length(r) != strlen(word) || memcmp(r->p, word, strlen(word)) != 0)
		return false;
	r->p += strlen(word);
	return true;
}

void lex_need(struct parser *r, const char *symbol)
{
	char text[32];

	if (r->failed || lex_take(r, symbol))
		return;
	snprintf(text, sizeof text, "expected '%s'", symbol);
	lex_fail(r, r->p, text);
}

size_t lex_ident(struct parser *r, char *out, size_t cap)
{
	const size_t n = lex_ident_length(r);

	if (n >= cap) {
		lex_fail(r, r->p, "a name this long");
		return 0;
	}
	memcpy(out, r->p, n);
	out[n] = 0;
	r->p += n;
	return n;
}

uint32_t lex_number(struct parser *r, bool negative)
{
	const char *start = r->p;
	char copy[400];
	size_t n = 0;
	char *stop;

	if (r->end - r->p > 1 && r->p[0] == '0' && (r->p[1] | 0x20) == 'x') {
		n = 2;
		while (r->p + n < r->end && r->p[n] && strchr("0123456789abcdefABCDEF", r->p[n]))
			n++;
	} else {
		while (r->p + n < r->end && lex_digit(r->p[n]))
			n++;
		const char *more = r->p + n;
		if (r->end - more > 1 && *more == '.' && lex_digit(more[1]))
			for (n++; r->p + n < r->end && lex_digit(r->p[n]);)
				n++;
		more = r->p + n;
		const size_t sign = r->end - more > 1 && (more[1] == '-' || more[1] == '+');
		if (r->end - more > (ssize_t)(1 + sign) && (*more | 0x20) == 'e' && lex_digit(more[1 + sign]))
			for (n += 1 + sign; r->p + n < r->end && lex_digit(r->p[n]);)
				n++;
	}
	if (n + 2 > sizeof copy)
		return lex_fail(r, start, "a number this long");
	copy[0] = '-';
	memcpy(copy + 1, r->p, n);
	copy[n + 1] = 0;
	r->p += n;
	const char *number = copy + !negative;
	const bool hex = n > 1 && (copy[2] | 0x20) == 'x';
	const bool is_unsigned = r->p < r->end && (*r->p | 0x20) == 'u';
	errno = 0;
	struct cel_value v;
	if (!hex && strpbrk(copy, ".eE")) {
		v = cel_double(strtod(number, &stop));
		if (errno == ERANGE && (v.d > 1 || v.d < -1))
			return lex_fail(r, start, "a double out of range");
		return lex_const(r, v);
	}
	if (is_unsigned) {
		r->p++;
		if (negative)
			return lex_fail(r, start, "a negative uint");
		v = (struct cel_value){.type = CEL_UINT, .u = strtoull(number, &stop, hex ? 16 : 10)};
	} else {
		v = cel_int(strtoll(number, &stop, hex ? 16 : 10));
	}
	if (errno == ERANGE || *stop)
		return lex_fail(r, start, "an int out of range");
	if (lex_ident_length(r))
		return lex_fail(r, start, "a number with letters behind it");
	return lex_const(r, v);
}

static int digits_of(struct parser *r, int n, int base, uint32_t *out)
{
	*out = 0;
	for (; n; n--, r->p++) {
		const char *digits = "0123456789abcdef";
		const char c = r->p < r->end ? *r->p : 'x';
		const char *at = strchr(digits, c >= 'A' && c <= 'F' ? c | 0x20 : c);

		if (!c || !at || at - digits >= base)
			return -1;
		*out = *out * (uint32_t)base + (uint32_t)(at - digits);
	}
	return 0;
}

static void add_rune(struct buf *out, uint32_t c)
{
	if (c < 0x80) {
		buf_addc(out, (char)c);
		return;
	}
	const unsigned more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
	static const uint8_t first[] = {0, 0xc0, 0xe0, 0xf0};
	buf_addc(out, (char)(first[more] | c >> (6 * more)));
	for (unsigned i = more; i-- > 0;)
		buf_addc(out, (char)(0x80 | (c >> (6 * i) & 0x3f)));
}

static void parse_escape(struct parser *r, struct buf *out)
{
	static const char letters[] = "abfnrtv\\?\"'`", means[] = "\a\b\f\n\r\t\v\\?\"'`";
	const char *start = r->p - 1;
	const char c = r->p < r->end ? *r->p : 0;
	const char *at = c ? strchr(letters, c) : NULL;
	uint32_t rune = 0;
	int rc = 0;

	if (at) {
		r->p++;
		buf_addc(out, means[at - letters]);
		return;
	}
	if (c >= '0' && c <= '3') {
		rc = digits_of(r, 3, 8, &rune);
	} else {
		r->p += r->p < r->end;
		rc = c == 'x' || c == 'X' ? digits_of(r, 2, 16, &rune)
		     : c == 'u'		  ? digits_of(r, 4, 16, &rune)
		     : c == 'U'		  ? digits_of(r, 8, 16, &rune)
					  : -1;
	}
	if (rc || rune > 0x10ffff || (rune >= 0xd800 && rune < 0xe000))
		lex_fail(r, start, "an escape that is none");
	else
		add_rune(out, rune);
}

uint32_t lex_string(struct parser *r)
{
	const char *start = r->p;
	const bool raw = (*r->p | 0x20) == 'r';
	struct buf out = BUF_INIT;

	r->p += raw;
	const char quote = *r->p;
	const char three[] = {quote, quote, quote, 0};
	const bool is_long = r->end - r->p > 2 && !memcmp(r->p, three, 3);
	const size_t n = is_long ? 3 : 1;
	for (r->p += n; !r->failed;) {
		if ((size_t)(r->end - r->p) < n || (!is_long && (*r->p == '\n' || *r->p == '\r'))) {
			lex_fail(r, start, "a text without its end");
		} else if (!memcmp(r->p, three, n)) {
			r->p += n;
			break;
		} else if (*r->p == '\\' && !raw) {
			r->p++;
			parse_escape(r, &out);
		} else {
			buf_addc(&out, *r->p++);
		}
	}
	const size_t len = out.len;
	struct expr *e = r->e;
	GROW(e->texts, e->ntexts, e->captexts);
	e->texts[e->ntexts] = buf_steal(&out);
	return lex_const(r, cel_text(CEL_STRING, e->texts[e->ntexts++], len));
}

bool lex_starts_string(const struct parser *r)
{
	const char *p = r->p;

	p += (*p | 0x20) == 'r' && r->end - p > 1;
	return *p == '"' || *p == '\'';
}

