// SPDX-License-Identifier: Apache-2.0
// A pattern becomes a tree, the tree a program of at most MAX_STATES instructions (a repetition is written out as
// often as it says), and the program is run for all its threads at once, one code point after another
// (Thompson 1968, in Pike's form). Only whether there is a match is asked, so a lazy quantifier is a greedy one.
#include "schema/re.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "util/xalloc.h"

enum { MAX_STATES = 2000, MAX_REPEAT = 1000, MAX_NESTING = 100, MAX_RUNE = 0x10ffff };

enum re_kind { RE_EMPTY, RE_CLASS, RE_CAT, RE_ALT, RE_REPEAT, RE_BEGIN, RE_END, RE_WORD, RE_NO_WORD };

struct re_node {
	enum re_kind kind;
	uint32_t a, b; // parts; of a class: its first range and how many
	int min, max;  // of a repetition; max -1: no end
};

struct range {
	uint32_t lo, hi;
};

enum re_code { DO_CLASS, DO_SPLIT, DO_JUMP, DO_BEGIN, DO_END, DO_WORD, DO_NO_WORD, DO_MATCH };

struct instr {
	enum re_code code;
	uint32_t a, b; // split: where to; jump: a; class: its first range and how many
};

struct re {
	struct range *ranges;
	size_t nranges, capranges;
	struct instr prog[MAX_STATES];
	uint32_t n;
};

struct reader {
	const char *start, *p, *end;
	struct re *re;
	struct re_node *nodes;
	size_t nnodes, capnodes;
	int depth;
	bool failed;
	struct error *err;
};

static uint32_t fail(struct reader *r, const char *what)
{
	if (!r->failed)
		error_set(r->err, "pattern: %s (at %zu)", what, (size_t)(r->p - r->start) + 1);
	r->failed = true;
	return 0;
}

static uint32_t node(struct reader *r, struct re_node n)
{
	GROW(r->nodes, r->nnodes, r->capnodes);
	r->nodes[r->nnodes] = n;
	return (uint32_t)r->nnodes++;
}

// Valid UTF-8 is taken for granted: texts are checked when they are read, patterns where they are parsed.
static uint32_t get_rune(const char **p)
{
	const uint8_t *s = (const uint8_t *)*p;

	if (s[0] < 0x80) {
		*p += 1;
		return s[0];
	}
	if (s[0] < 0xe0) {
		*p += 2;
		return (uint32_t)(s[0] & 0x1f) << 6 | (s[1] & 0x3f);
	}
	if (s[0] < 0xf0) {
		*p += 3;
		return (uint32_t)(s[0] & 0x0f) << 12 | (uint32_t)(s[1] & 0x3f) << 6 | (s[2] & 0x3f);
	}
	*p += 4;
	return (uint32_t)(s[0] & 0x07) << 18 | (uint32_t)(s[1] & 0x3f) << 12 | (uint32_t)(s[2] & 0x3f) << 6 | (s[3] & 0x3f);
}

static void add_range(struct re *re, uint32_t lo, uint32_t hi)
{
	GROW(re->ranges, re->nranges, re->capranges);
	re->ranges[re->nranges++] = (struct range){lo, hi};
}

static int by_lo(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return (x->lo > y->lo) - (x->lo < y->lo);
}

// The ranges from `first` on, turned into those of all other code points.
static void negate(struct re *re, size_t first)
{
	size_t n = re->nranges - first;
	struct range *own = xcalloc(n + 1, sizeof *own);
	uint32_t next = 0;

	if (n)
		memcpy(own, re->ranges + first, n * sizeof *own);
	qsort(own, n, sizeof *own, by_lo);
	re->nranges = first;
	for (size_t i = 0; i < n; i++) {
		if (own[i].lo > next)
			add_range(re, next, own[i].lo - 1);
		if (own[i].hi + 1 > next)
			next = own[i].hi + 1;
	}
	if (next <= MAX_RUNE)
		add_range(re, next, MAX_RUNE);
	free(own);
}

static uint32_t class_node(struct reader *r, size_t first)
{
	return node(r, (struct re_node){.kind = RE_CLASS, .a = (uint32_t)first, .b = (uint32_t)(r->re->nranges - first)});
}

// \d, \s, \w and their opposites. False: it is none of them.
static bool named_class(struct re *re, char c)
{
	size_t first = re->nranges;

	switch (c | 0x20) {
	case 'd':
		add_range(re, '0', '9');
		break;
	case 's':
		add_range(re, '\t', '\n');
		add_range(re, '\f', '\r');
		add_range(re, ' ', ' ');
		break;
	case 'w':
		add_range(re, '0', '9');
		add_range(re, 'A', 'Z');
		add_range(re, '_', '_');
		add_range(re, 'a', 'z');
		break;
	default:
		return false;
	}
	if (!(c & 0x20))
		negate(re, first);
	return true;
}

static int hex_digit(char c)
{
	const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c | 0x20 : c) : NULL;

	return at ? (int)(at - digits) : -1;
}

static uint32_t hex_escape(struct reader *r)
{
	uint32_t v = 0;
	int n = 0;
	const bool braces = r->p < r->end && *r->p == '{';

	for (r->p += braces; r->p < r->end && (braces || n < 2) && hex_digit(*r->p) >= 0 && v <= MAX_RUNE; n++)
		v = v * 16 + (uint32_t)hex_digit(*r->p++);
	if (braces ? (!n || r->p == r->end || *r->p++ != '}') : n != 2)
		return fail(r, "\\x without its digits");
	return v > MAX_RUNE ? fail(r, "no code point") : v;
}

// A character behind a backslash that stands for one code point.
static uint32_t escape(struct reader *r)
{
	static const char letters[] = "afnrtv", means[] = "\a\f\n\r\t\v";

	if (r->p == r->end)
		return fail(r, "a backslash at the end");
	const char c = *r->p;
	const char *at = strchr(letters, c);
	if (at && c) {
		r->p++;
		return (uint8_t)means[at - letters];
	}
	if (c == 'x') {
		r->p++;
		return hex_escape(r);
	}
	if ((uint8_t)c >= 0x80 || !strchr("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", c) || !c)
		return fail(r, "this escape is not supported");
	r->p++;
	return (uint8_t)c;
}

static uint32_t class_member(struct reader *r)
{
	if (*r->p == '\\') {
		r->p++;
		return escape(r);
	}
	return get_rune(&r->p);
}

static uint32_t read_class(struct reader *r)
{
	const size_t first = r->re->nranges;
	const bool not = r->p < r->end && *r->p == '^';
	bool any = false;

	for (r->p += not; r->p < r->end && (*r->p != ']' || !any); any = true) {
		if (*r->p == '[' && r->p + 1 < r->end && r->p[1] == ':')
			return fail(r, "[:classes:] are not supported");
		if (*r->p == '\\' && r->p + 1 < r->end && named_class(r->re, r->p[1])) {
			r->p += 2;
			continue;
		}
		const uint32_t lo = class_member(r);
		uint32_t hi = lo;
		if (r->end - r->p > 1 && r->p[0] == '-' && r->p[1] != ']') {
			r->p++;
			hi = class_member(r);
		}
		if (r->failed)
			return 0;
		if (hi < lo)
			return fail(r, "a range that ends before it begins");
		add_range(r->re, lo, hi);
	}
	if (r->p == r->end)
		return fail(r, "a [ without its ]");
	r->p++;
	if (not )
		negate(r->re, first);
	return class_node(r, first);
}

static uint32_t read_alternatives(struct reader *r);

static uint32_t read_group(struct reader *r)
{
	if (r->end - r->p > 1 && r->p[0] == '?') {
		if (r->p[1] == ':') {
			r->p += 2;
		} else if (r->end - r->p > 3 && r->p[1] == 'P' && r->p[2] == '<') {
			const char *name = r->p += 3;

			while (r->p < r->end && (*r->p == '_' || hex_digit(*r->p) >= 0 || (*r->p >= 'A' && *r->p <= 'Z') ||
						 (*r->p >= 'a' && *r->p <= 'z')))
				r->p++;
			if (r->p == name || r->p == r->end || *r->p++ != '>')
				return fail(r, "a group's name");
		} else {
			return fail(r, "flags are not supported");
		}
	}
	if (++r->depth > MAX_NESTING)
		return fail(r, "nested too deep");
	const uint32_t inside = read_alternatives(r);
	r->depth--;
	if (r->failed)
		return 0;
	if (r->p == r->end || *r->p != ')')
		return fail(r, "a ( without its )");
	r->p++;
	return inside;
}

static uint32_t read_escape(struct reader *r)
{
	static const struct {
		char c;
		enum re_kind kind;
	} places[] = {{'A', RE_BEGIN}, {'z', RE_END}, {'b', RE_WORD}, {'B', RE_NO_WORD}};
	const size_t first = r->re->nranges;
	const char c = r->p < r->end ? *r->p : 0;

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		if (c == places[i].c) {
			r->p++;
			return node(r, (struct re_node){.kind = places[i].kind});
		}
	}
	if (c && named_class(r->re, c)) {
		r->p++;
	} else {
		const uint32_t rune = escape(r);
		add_range(r->re, rune, rune);
	}
	return class_node(r, first);
}

static uint32_t read_atom(struct reader *r)
{
	const size_t first = r->re->nranges;
	const char c = *r->p;

	if (strchr("*+?", c))
		return fail(r, "nothing to repeat");
	switch (c) {
	case '(':
		r->p++;
		return read_group(r);
	case '[':
		r->p++;
		return read_class(r);
	case '\\':
		r->p++;
		return read_escape(r);
	case '^':
	case '$':
		r->p++;
		return node(r, (struct re_node){.kind = c == '^' ? RE_BEGIN : RE_END});
	case '.':
		r->p++;
		add_range(r->re, 0, '\n' - 1);
		add_range(r->re, '\n' + 1, MAX_RUNE);
		return class_node(r, first);
	default: {
		const uint32_t rune = get_rune(&r->p);
		add_range(r->re, rune, rune);
		return class_node(r, first);
	}
	}
}

// "{2,3}" behind an atom; anything else there is text.
static bool read_counts(struct reader *r, int *min, int *max)
{
	const char *p = r->p + 1;
	int n[2] = {-1, -1};
	int k = 0;

	for (; p < r->end && *p != '}'; p++) {
		if (*p == ',' && !k && n[0] >= 0)
			k = 1;
		else if (*p >= '0' && *p <= '9' && n[k] <= MAX_REPEAT)
			n[k] = (n[k] < 0 ? 0 : n[k]) * 10 + (*p - '0');
		else
			return false;
	}
	if (p == r->end || n[0] < 0)
		return false;
	*min = n[0];
	*max = k ? n[1] : n[0];
	r->p = p + 1;
	return true;
}

static uint32_t read_repeated(struct reader *r)
{
	uint32_t a = read_atom(r);
	bool repeated = false;

	while (!r->failed && r->p < r->end) {
		int min = *r->p == '+', max = *r->p == '?' ? 1 : -1;

		if (!strchr("*+?", *r->p)) {
			if (*r->p != '{' || !read_counts(r, &min, &max))
				break;
			if (min > MAX_REPEAT || max > MAX_REPEAT || (max >= 0 && max < min))
				return fail(r, "a repetition of this size");
		} else {
			r->p++;
		}
		if (repeated)
			return fail(r, "a repetition of a repetition");
		repeated = true;
		if (r->p < r->end && *r->p == '?')
			r->p++;
		a = node(r, (struct re_node){.kind = RE_REPEAT, .a = a, .min = min, .max = max});
	}
	return a;
}

static uint32_t read_alternatives(struct reader *r)
{
	uint32_t all = 0;

	for (bool more = false;; more = true) {
		uint32_t a = node(r, (struct re_node){.kind = RE_EMPTY});

		while (!r->failed && r->p < r->end && *r->p != '|' && *r->p != ')') {
			const uint32_t b = read_repeated(r);
			a = node(r, (struct re_node){.kind = RE_CAT, .a = a, .b = b});
		}
		all = more ? node(r, (struct re_node){.kind = RE_ALT, .a = all, .b = a}) : a;
		if (r->failed || r->p == r->end || *r->p != '|')
			return all;
		r->p++;
	}
}

static struct instr *put(struct reader *r, enum re_code code, uint32_t a, uint32_t b)
{
	struct re *re = r->re;

	if (re->n == MAX_STATES) {
		fail(r, "the pattern is too large");
		re->n = 0;
	}
	re->prog[re->n] = (struct instr){code, a, b};
	return &re->prog[re->n++];
}

static void write_node(struct reader *r, uint32_t i, int depth);

static void write_repeat(struct reader *r, const struct re_node n, int depth)
{
	struct re *re = r->re;
	uint32_t splits[MAX_REPEAT];
	int nsplits = 0;

	for (int k = 0; k < n.min && !r->failed; k++)
		write_node(r, n.a, depth);
	if (n.max < 0) {
		const uint32_t loop = re->n;

		put(r, DO_SPLIT, loop + 1, 0);
		write_node(r, n.a, depth);
		put(r, DO_JUMP, loop, 0);
		re->prog[loop].b = re->n;
	}
	for (int k = n.min; k < n.max && !r->failed; k++) {
		splits[nsplits++] = re->n;
		put(r, DO_SPLIT, re->n + 1, 0);
		write_node(r, n.a, depth);
	}
	while (nsplits && !r->failed)
		re->prog[splits[--nsplits]].b = re->n;
}

static void write_node(struct reader *r, uint32_t i, int depth)
{
	const struct re_node n = r->nodes[i];
	struct re *re = r->re;

	if (depth > 4 * MAX_STATES)
		fail(r, "the pattern is too large");
	if (r->failed)
		return;
	switch (n.kind) {
	case RE_EMPTY:
		break;
	case RE_CLASS:
		put(r, DO_CLASS, n.a, n.b);
		break;
	case RE_CAT:
		write_node(r, n.a, depth + 1);
		write_node(r, n.b, depth + 1);
		break;
	case RE_ALT: {
		const uint32_t split = re->n;

		put(r, DO_SPLIT, split + 1, 0);
		write_node(r, n.a, depth + 1);
		const uint32_t jump = re->n;
		put(r, DO_JUMP, 0, 0);
		re->prog[split].b = re->n;
		write_node(r, n.b, depth + 1);
		re->prog[jump].a = re->n;
		break;
	}
	case RE_REPEAT:
		write_repeat(r, n, depth + 1);
		break;
	default:
		put(r, (enum re_code)(DO_BEGIN + (n.kind - RE_BEGIN)), 0, 0);
	}
}

struct re *re_compile(const char *pattern, size_t n, struct error *err)
{
	struct re *re = xcalloc(1, sizeof *re);
	struct reader r = {.start = pattern, .p = pattern, .end = pattern + n, .re = re, .err = err};
	const uint32_t root = read_alternatives(&r);

	if (!r.failed && r.p < r.end)
		fail(&r, "a ) without its (");
	if (!r.failed)
		write_node(&r, root, 0);
	if (!r.failed)
		put(&r, DO_MATCH, 0, 0);
	free(r.nodes);
	if (r.failed) {
		re_free(re);
		return NULL;
	}
	return re;
}

void re_free(struct re *re)
{
	if (!re)
		return;
	free(re->ranges);
	free(re);
}

struct threads {
	uint16_t at[MAX_STATES], where[MAX_STATES]; // a sparse set: where[] may hold anything
	uint32_t n;
};

struct place { // between two code points
	bool begin, end, word;
};

static bool is_word(uint32_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || c == '_' || (c >= 'a' && c <= 'z');
}

// Adds an instruction and all that is reached from it without reading. True: the match.
static bool follow(const struct re *re, struct threads *t, uint32_t pc, const struct place *here)
{
	uint16_t stack[MAX_STATES + 1];
	uint32_t n = 0;

	stack[n++] = (uint16_t)pc;
	while (n) {
		pc = stack[--n];
		if (t->where[pc] < t->n && t->at[t->where[pc]] == pc)
			continue;
		t->where[pc] = (uint16_t)t->n;
		t->at[t->n++] = (uint16_t)pc;
		const struct instr *i = &re->prog[pc];
		switch (i->code) {
		case DO_MATCH:
			return true;
		case DO_JUMP:
			stack[n++] = (uint16_t)i->a;
			break;
		case DO_SPLIT:
			stack[n++] = (uint16_t)i->b;
			stack[n++] = (uint16_t)i->a;
			break;
		case DO_CLASS:
			break;
		default:
			if (i->code == DO_BEGIN ? here->begin : i->code == DO_END ? here->end
				: (i->code == DO_WORD) == here->word)
				stack[n++] = (uint16_t)(pc + 1);
		}
	}
	return false;
}

static bool in_class(const struct re *re, const struct instr *i, uint32_t c)
{
	for (uint32_t k = i->a; k < i->a + i->b; k++)
		if (c >= re->ranges[k].lo && c <= re->ranges[k].hi)
			return true;
	return false;
}

bool re_matches(const struct re *re, const char *text, size_t len)
{
	struct threads sets[2], *now = &sets[0], *next = &sets[1];
	const char *p = text, *end = text + len;
	bool word = false;

	memset(sets[0].where, 0, re->n * sizeof *sets[0].where);
	memset(sets[1].where, 0, re->n * sizeof *sets[1].where);
	now->n = next->n = 0;
	for (uint32_t c = 0;; word = is_word(c)) {
		const char *ahead = p;
		const bool more = p < end;

		if (more)
			c = get_rune(&ahead);
		const struct place here = {p == text, !more, word != (more && is_word(c))};
		// The threads that read the last code point stand before their next instruction until it is known
		// what follows: \b and $ look ahead.
		const uint32_t waiting = now->n;
		uint16_t entry[MAX_STATES];
		memcpy(entry, now->at, waiting * sizeof *entry);
		now->n = 0;
		for (uint32_t k = 0; k < waiting; k++)
			if (follow(re, now, entry[k], &here))
				return true;
		if (follow(re, now, 0, &here))
			return true;
		if (!more)
			return false;
		next->n = 0;
		for (uint32_t k = 0; k < now->n; k++) {
			const struct instr *i = &re->prog[now->at[k]];

			if (i->code == DO_CLASS && in_class(re, i, c))
				next->at[next->n++] = (uint16_t)(now->at[k] + 1);
		}
		struct threads *swap = now;
		now = next;
		next = swap;
		p = ahead;
	}
}
