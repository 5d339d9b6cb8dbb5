// SPDX-License-Identifier: Apache-2.0
// JSON Schema's patterns are ECMA 262's, over characters; POSIX's extended ones go over bytes in the C locale.
// Whether a pattern is found does not depend on greed or on which of several matches is taken, so what remains
// is to write classes and escapes out, and to make a dot, a complement and a repeated letter one UTF-8
// character. What POSIX cannot say (assertions, references back, classes of Unicode) is refused.
#include <stdlib.h>
#include <string.h>

#include "schema/json_schema.h"
#include "util/buf.h"

#define HIGH "[\xc2-\xf4][\x80-\xbf]+" // one character past ASCII: the next one begins with another byte

struct class { // of ASCII; a class of characters past it is one bit
	bool in[128];
	bool high;
};

static void add_range(struct class *c, int from, int to)
{
	for (int i = from; i <= to; i++)
		c->in[i] = true;
}

// What \d, \w, \s and their complements stand for. False: the letter is none of them.
static bool add_escape_class(struct class *c, char letter)
{
	struct class k = {0};
	const bool not = letter == 'D' || letter == 'W' || letter == 'S';

	switch (letter) {
	case 'd':
	case 'D':
		add_range(&k, '0', '9');
		break;
	case 'w':
	case 'W':
		add_range(&k, '0', '9');
		add_range(&k, 'a', 'z');
		add_range(&k, 'A', 'Z');
		k.in['_'] = true;
		break;
	case 's':
	case 'S': // and some spaces past ASCII, which few mean
		add_range(&k, 9, 13);
		k.in[' '] = true;
		break;
	default:
		return false;
	}
	for (int i = 0; i < 128; i++)
		c->in[i] |= k.in[i] != not;
	c->high |= not;
	return true;
}

static void put_byte(struct buf *out, unsigned char c)
{
	if (strchr("\\^$.[]|()*+?{}", c) && c)
		buf_addc(out, '\\');
	buf_addc(out, (char)c);
}

static void put_class(struct buf *out, const struct class *c)
{
	size_t n = 0;

	buf_adds(out, "(");
	for (int i = 1; i < 128; i++) {
		if (!c->in[i])
			continue;
		buf_adds(out, n++ ? "|" : "");
		if (i + 2 < 128 && c->in[i + 1] && c->in[i + 2] && i != '[' && i != ']' && i != '-' && i != '^') {
			int last = i;

			while (last + 1 < 128 && c->in[last + 1])
				last++;
			if (last != '[' && last != ']' && last != '-' && last != '^') {
				buf_addf(out, "[%c-%c]", i, last);
				i = last;
				continue;
			}
		}
		put_byte(out, (unsigned char)i);
	}
	if (c->high)
		buf_addf(out, "%s" HIGH, n++ ? "|" : "");
	buf_adds(out, n ? ")" : "[^\x01-\xff])");
}

// An escape that stands for one ASCII character. -1: it stands for something else.
static int escaped(const char **p)
{
	char c = *(*p)++;
	char hex[5] = "";
	size_t digits = c == 'x' ? 2 : 4;

	switch (c) {
	case 't':
		return '\t';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 'f':
		return '\f';
	case 'v':
		return '\v';
	case 'x':
	case 'u':
		memcpy(hex, *p, strnlen(*p, digits));
		if (strspn(hex, "0123456789abcdefABCDEF") != digits || strtol(hex, NULL, 16) > 127)
			return -1;
		*p += digits;
		return (int)strtol(hex, NULL, 16);
	default:
		return c && strchr("^$\\.*+?()[]{}|/-\"' #&~%!,:;<=>@`", c) ? c : -1;
	}
}

static int read_class(struct class *c, const char **at)
{
	const char *p = *at;
	const bool not = *p == '^';

	p += not;
	while (*p != ']') {
		int from, to;

		if (!*p || *p & 0x80)
			return -1;
		if (*p == '\\' && add_escape_class(c, p[1])) {
			p += 2;
			continue;
		}
		from = *p++;
		if (from == '\\' && (from = escaped(&p)) < 0)
			return -1;
		to = from;
		if (*p == '-' && p[1] && p[1] != ']') {
			p++;
			to = *p++;
			if (to & 0x80 || (to == '\\' && (to = escaped(&p)) < 0))
				return -1;
		}
		if (to < from)
			return -1;
		add_range(c, from, to);
	}
	if (not) {
		for (int i = 0; i < 128; i++)
			c->in[i] = !c->in[i];
		c->high = !c->high;
	}
	*at = p + 1;
	return 0;
}

static void put_dot(struct buf *out)
{
	struct class c = {.high = true};

	add_range(&c, 0, 127);
	c.in['\n'] = c.in['\r'] = false;
	put_class(out, &c);
}

// {m}, {m,} or {m,n}, else a brace means itself.
static size_t quantifier(const char *p)
{
	size_t n = 1 + strspn(p + 1, "0123456789");

	if (n == 1)
		return 0;
	if (p[n] == ',')
		n += 1 + strspn(p + n + 1, "0123456789");
	return p[n] == '}' ? n + 1 : 0;
}

static int translate(struct buf *out, const char *p)
{
	while (*p) {
		struct class c = {0};
		size_t n;

		if (*p == '\\' && add_escape_class(&c, p[1])) {
			p += 2;
			put_class(out, &c);
		} else if (*p == '\\' && (p[1] == 'b' || p[1] == 'B')) {
			buf_add(out, p, 2);
			p += 2;
		} else if (*p == '\\') {
			p++;
			int letter = escaped(&p);
			if (letter <= 0)
				return -1;
			put_byte(out, (unsigned char)letter);
		} else if (*p == '[') {
			p++;
			if (read_class(&c, &p))
				return -1;
			put_class(out, &c);
		} else if (*p == '.') {
			p++;
			put_dot(out);
		} else if (*p == '(') {
			p++;
			if (*p == '?' && p[1] != ':')
				return -1;
			p += *p == '?' ? 2 : 0;
			buf_addc(out, '(');
			if (*p == ')' || *p == '|') // POSIX has no empty branch
				return -1;
		} else if (strchr("*+?", *p) || (*p == '{' && quantifier(p))) {
			n = *p == '{' ? quantifier(p) : 1;
			buf_add(out, p, n);
			p += n;
			p += *p == '?'; // as few as will do: found all the same
			if (*p && strchr("*+?", *p))
				return -1;
		} else if (*p == '|' && (!p[1] || strchr("|)", p[1]))) {
			return -1;
		} else if (*p & 0x80) {
			for (n = 1; (p[n] & 0xc0) == 0x80;)
				n++;
			buf_addf(out, "(%.*s)", (int)n, p);
			p += n;
		} else {
			if (strchr("{}]", *p))
				buf_addc(out, '\\');
			buf_addc(out, *p++);
		}
	}
	return 0;
}

int json_regex(regex_t *out, const char *pattern)
{
	struct buf text = BUF_INIT;

	buf_adds(&text, "");
	int rc = *pattern == '|' || translate(&text, pattern) || regcomp(out, text.data, REG_EXTENDED | REG_NOSUB) ? -1 : 0;
	buf_release(&text);
	return rc;
}
