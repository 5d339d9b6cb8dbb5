// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/ops.h"
#include "schema/utf8.h"
#include "util/clock.h"
#include "util/xalloc.h"

#define MAX_NESTING    64      // loops and calls within one another
#define MAX_PATTERN    65536   // bytes of a text that a pattern is held against
#define MAX_EVENT_MS   8.64e15 // an event time further from 1970 is none
#define BREACHES_A_SLOT 4

struct walk {
	const struct plan *plan;
	const uint8_t *p, *end;
	struct record_values *out;
	char *text;            // where the next number is written out
	const char *why;       // of a failure, and the opcode it struck
	const struct op *op;
};

static const char ends[] = "the bytes end inside it";
static const char too_long[] = "its length is more than the bytes left";

void record_values_init(struct record_values *r)
{
	*r = (struct record_values){0};
}

void record_values_release(struct record_values *r)
{
	free(r->values);
	free(r->breaches);
	free(r->texts);
	record_values_init(r);
}

size_t number_text(double v, bool single, char *buf)
{
	int digits = single ? 6 : 15;
	int most = single ? 9 : 17;
	int n;

	do
		n = snprintf(buf, TEXT_SIZE, "%.*g", digits++, v);
	while (digits <= most && (single ? strtof(buf, NULL) != (float)v : strtod(buf, NULL) != v));
	return (size_t)n;
}

static void set_detail(struct record_values *out, const char *text)
{
	size_t n = strnlen(text, sizeof out->detail - 1);

	memcpy(out->detail, text, n);
	out->detail[n] = 0;
}

static void add_breach(struct walk *w, enum violation_kind kind, uint32_t slot, const char *text)
{
	struct record_values *out = w->out;

	if (!out->nbreaches)
		set_detail(out, text);
	out->breaches[out->nbreaches++] = (struct breach){kind, (int32_t)slot};
}

static bool pattern_breaks(const struct checks *c, const char *s, size_t n)
{
	regmatch_t m = {.rm_so = 0, .rm_eo = (regoff_t)(n < MAX_PATTERN ? n : MAX_PATTERN)};

	return c->has_pattern && regexec(&c->pattern, s, 0, &m, REG_STARTEND) == REG_NOMATCH;
}

static void check_text(struct walk *w, const struct leaf *l, const char *s, size_t n)
{
	const struct checks *c = l->checks;

	if (c->has_allowed && !map_get(&c->allowed, s, n))
		add_breach(w, VIOLATION_ALLOWED, l->slot, c->allowed_text);
	if (pattern_breaks(c, s, n))
		add_breach(w, VIOLATION_PATTERN, l->slot, c->pattern_text);
}

static void check_number(struct walk *w, const struct leaf *l, double v, const char *text, size_t n)
{
	const struct checks *c = l->checks;
	size_t i = 0;

	if (c->has_range && (v < c->min || v > c->max))
		add_breach(w, VIOLATION_RANGE, l->slot, c->range_text);
	while (i < c->nnumbers && c->numbers[i] != v)
		i++;
	if (c->has_allowed && i == c->nnumbers)
		add_breach(w, VIOLATION_ALLOWED, l->slot, c->allowed_text);
	if (pattern_breaks(c, text, n))
		add_breach(w, VIOLATION_PATTERN, l->slot, c->pattern_text);
}

static inline struct value *add_value(struct walk *w, uint32_t slot, enum value_kind kind)
{
	struct value *v = &w->out->values[w->out->nvalues++];

	v->slot = slot;
	v->kind = kind;
	return v;
}

static void add_text(struct walk *w, uint32_t slot, const char *s, size_t n)
{
	struct value *v = add_value(w, slot, VALUE_STRING);

	v->str = s;
	v->len = (uint32_t)n;
}

static void set_event_time(struct walk *w, double ms)
{
	if (fabs(ms) <= MAX_EVENT_MS) { // false for NaN
		w->out->has_event_time = true;
		w->out->event_ms = (int64_t)floor(ms);
	}
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static void add_time(struct walk *w, uint32_t slot, double ms, int64_t whole)
{
	struct value *v = add_value(w, slot, VALUE_TIME);

	v->num = ms;
	v->ms = whole;
}

// `whole`: the value as an integer, NULL for what is none.
static void leaf_number(struct walk *w, const struct leaf *l, double num, const int64_t *whole, bool single)
{
	double ms = num * (double)l->times / (double)l->per;

	if (l->event_time)
		set_event_time(w, ms);
	if (l->slot == NO_SLOT)
		return;
	if (l->convert == AS_TIME) {
		if (whole)
			add_time(w, l->slot, ms, floor_div(*whole * l->times, l->per));
		else if (fabs(ms) <= MAX_EVENT_MS)
			add_time(w, l->slot, ms, (int64_t)floor(ms));
		else
			add_value(w, l->slot, VALUE_OTHER);
		return;
	}
	char local[TEXT_SIZE];
	char *text = l->convert == AS_TEXT ? w->text : local;
	size_t n = 0;
	if (l->convert == AS_TEXT || (l->checks && l->checks->has_pattern))
		n = whole ? (size_t)snprintf(text, TEXT_SIZE, "%lld", (long long)*whole)
			  : number_text(num, single, text);
	if (l->convert == AS_TEXT) {
		w->text += TEXT_SIZE;
		add_text(w, l->slot, text, n);
	} else {
		add_value(w, l->slot, VALUE_NUMBER)->num = ms;
	}
	if (l->checks)
		check_number(w, l, ms, text, n);
}

static void leaf_integer(struct walk *w, const struct leaf *l, int64_t v)
{
	leaf_number(w, l, (double)v, &v, false);
}

static void leaf_bool(struct walk *w, const struct leaf *l, bool v)
{
	const char *text = v ? "true" : "false";

	if (l->convert == AS_TEXT)
		add_text(w, l->slot, text, strlen(text));
	else
		add_value(w, l->slot, VALUE_BOOL)->num = v;
	if (l->checks)
		check_text(w, l, text, strlen(text));
}

static void leaf_enum(struct walk *w, const struct leaf *l, size_t i)
{
	add_text(w, l->slot, l->type->symbols[i], l->lengths[i]);
	if (l->breaks && l->breaks[i] & 1)
		add_breach(w, VIOLATION_ALLOWED, l->slot, l->checks->allowed_text);
	if (l->breaks && l->breaks[i] & 2)
		add_breach(w, VIOLATION_PATTERN, l->slot, l->checks->pattern_text);
}

static void event_time_of_text(struct walk *w, const uint8_t *p, size_t n)
{
	char text[64];
	int64_t ms;

	if (n >= sizeof text || memchr(p, 0, n))
		return;
	memcpy(text, p, n);
	text[n] = 0;
	if (!time_parse(text, &ms))
		set_event_time(w, (double)ms);
}

static void leaf_string(struct walk *w, const struct leaf *l, const uint8_t *p, size_t n)
{
	if (l->event_time)
		event_time_of_text(w, p, n);
	if (l->slot == NO_SLOT)
		return;
	add_text(w, l->slot, (const char *)p, n);
	if (l->checks)
		check_text(w, l, (const char *)p, n);
}

static void leaf_uuid(struct walk *w, const struct leaf *l, const uint8_t *p)
{
	char *at = w->text;

	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*at++ = '-';
		*at++ = "0123456789abcdef"[p[i] >> 4];
		*at++ = "0123456789abcdef"[p[i] & 15];
	}
	add_text(w, l->slot, w->text, 36);
	if (l->checks)
		check_text(w, l, w->text, 36);
	w->text += TEXT_SIZE;
}

// Up to 16 bytes exactly rounded; longer ones lose the last digits.
static double decimal_value(const uint8_t *p, size_t n, int32_t scale)
{
	static const double tens[] = {1e0,  1e1,  1e2,	1e3,  1e4,  1e5,  1e6,	1e7,  1e8,  1e9,  1e10, 1e11,
				      1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
	char text[80];
	char *at = text + 48;

	if (!n)
		return 0;
	if (n > 16) {
		long double v = (int8_t)p[0];

		for (size_t i = 1; i < n; i++)
			v = v * 256 + p[i];
		return (double)(v / powl(10, scale));
	}
	unsigned __int128 u = p[0] & 0x80 ? ~(unsigned __int128)0 : 0;
	for (size_t i = 0; i < n; i++)
		u = u << 8 | p[i];
	bool negative = p[0] & 0x80;
	if (negative)
		u = -u;
	if (u <= 1ULL << 53 && (size_t)scale < ARRAY_LEN(tens)) {
		double v = (double)(uint64_t)u / tens[scale];

		return negative ? -v : v;
	}
	snprintf(at, 32, "e-%d", scale);
	do
		*--at = (char)('0' + (int)(u % 10));
	while (u /= 10);
	if (negative)
		*--at = '-';
	return strtod(at, NULL);
}

static void leaf_bytes(struct walk *w, const struct leaf *l, const uint8_t *p, size_t n)
{
	if (l->decimal)
		leaf_number(w, l, decimal_value(p, n, l->scale), NULL, false);
	else if (l->convert == AS_TEXT)
		leaf_uuid(w, l, p);
	else
		leaf_string(w, l, p, n);
}

static const char *varint_rest(const uint8_t **at, const uint8_t *end, uint64_t *out)
{
	const uint8_t *p = *at;
	uint64_t v = 0;

	for (int shift = 0; p < end; shift += 7) {
		uint8_t c = *p++;

		if (shift == 63 && c > 1)
			return "a number of more than 64 bits";
		v |= (uint64_t)(c & 0x7f) << shift;
		if (c < 0x80) {
			*at = p;
			*out = v;
			return NULL;
		}
	}
	return ends;
}

// A zigzag varint; NULL, or what is wrong with it.
static inline const char *get_long(const uint8_t **at, const uint8_t *end, int64_t *out)
{
	const char *why = NULL;
	uint64_t v;

	if (*at < end && **at < 0x80)
		v = *(*at)++;
	else if ((why = varint_rest(at, end, &v)))
		return why;
	*out = (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
	return NULL;
}

static inline const char *get_int(const uint8_t **at, const uint8_t *end, int64_t *out)
{
	const char *why = get_long(at, end, out);

	return why ? why : *out == (int32_t)*out ? NULL : "a number of more than 32 bits";
}

static inline const char *get_length(const uint8_t **at, const uint8_t *end, size_t *n)
{
	int64_t v;
	const char *why = get_long(at, end, &v);

	if (why)
		return why;
	if (v < 0)
		return "a negative length";
	*n = (size_t)v;
	return (uint64_t)v > (uint64_t)(end - *at) ? too_long : NULL;
}

static inline const char *get_text(const uint8_t **at, const uint8_t *end, size_t *n)
{
	const char *why = get_length(at, end, n);

	return why ? why : utf8_valid(*at, *n) ? NULL : "a text that is not UTF-8";
}

static int run(struct walk *w, const struct op *op, int depth);

// The blocks of an array or a map, up to and with the empty one. 0, or -1 with w->why and w->op set.
static int run_loop(struct walk *w, const struct op *op, int depth)
{
	const bool is_map = op->code == OP_MAP;
	const uint64_t least = (uint64_t)op->least + is_map;
	int64_t count, size;

	for (;;) {
		const uint8_t *block_end = NULL;
		size_t n;

		w->op = op;
		if ((w->why = get_long(&w->p, w->end, &count)))
			return -1;
		if (!count)
			return 0;
		if (count < 0) {
			if (count == INT64_MIN) {
				w->why = "a block of too many items";
				return -1;
			}
			count = -count;
			if ((w->why = get_long(&w->p, w->end, &size)))
				return -1;
			if (size < 0 || size > w->end - w->p) {
				w->why = "a block larger than the bytes left";
				return -1;
			}
			block_end = w->p + size;
		}
		if (!least) // items without bytes, however many
			count = 0;
		else if ((uint64_t)count > (uint64_t)(w->end - w->p) / least) {
			w->why = "a block of more items than the bytes left can hold";
			return -1;
		}
		for (; count; count--) {
			if (is_map) {
				w->op = op;
				if ((w->why = get_text(&w->p, w->end, &n)))
					return -1;
				w->p += n;
			}
			if (run(w, op + 1, depth + 1))
				return -1;
		}
		if (block_end && w->p != block_end) {
			w->op = op;
			w->why = "a block of another size than it says";
			return -1;
		}
	}
}

// Runs to OP_END. 0, or -1 with w->why and w->op set.
static int run(struct walk *w, const struct op *op, int depth)
{
	const uint8_t *p = w->p, *const end = w->end;
	const struct op *const ops = w->plan->ops;
	const struct leaf *l;
	const char *why;
	int64_t v;
	size_t n;
	uint64_t u64;
	uint32_t u32;
	double f64;
	float f32;

	if (depth > MAX_NESTING) {
		w->op = op;
		w->why = "nested deeper than 64";
		return -1;
	}
	for (;; op++) {
		l = w->plan->leaves + op->leaf;
		switch ((enum opcode)op->code) {
		case OP_END:
			w->p = p;
			return 0;
		case OP_SKIP:
			if ((size_t)(end - p) < op->arg) {
				why = ends;
				goto fail;
			}
			p += op->arg;
			break;
		case OP_SKIP_INT:
			if ((why = get_int(&p, end, &v)))
				goto fail;
			break;
		case OP_SKIP_LONG:
			if ((why = get_long(&p, end, &v)))
				goto fail;
			break;
		case OP_SKIP_STRING:
			if ((why = get_text(&p, end, &n)))
				goto fail;
			p += n;
			break;
		case OP_SKIP_BYTES:
			if ((why = get_length(&p, end, &n)))
				goto fail;
			p += n;
			break;
		case OP_INT:
			if ((why = get_int(&p, end, &v)))
				goto fail;
			if (l->plain)
				add_value(w, l->slot, VALUE_NUMBER)->num = (double)v;
			else
				leaf_integer(w, l, v);
			break;
		case OP_LONG:
			if ((why = get_long(&p, end, &v)))
				goto fail;
			if (l->plain)
				add_value(w, l->slot, VALUE_NUMBER)->num = (double)v;
			else
				leaf_integer(w, l, v);
			break;
		case OP_FLOAT:
			if (end - p < 4) {
				why = ends;
				goto fail;
			}
			u32 = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
			memcpy(&f32, &u32, 4);
			p += 4;
			if (l->plain)
				add_value(w, l->slot, VALUE_NUMBER)->num = (double)f32;
			else
				leaf_number(w, l, (double)f32, NULL, true);
			break;
		case OP_DOUBLE:
			if (end - p < 8) {
				why = ends;
				goto fail;
			}
			u64 = 0;
			for (int i = 0; i < 8; i++)
				u64 |= (uint64_t)p[i] << (8 * i);
			memcpy(&f64, &u64, 8);
			p += 8;
			if (l->plain)
				add_value(w, l->slot, VALUE_NUMBER)->num = f64;
			else
				leaf_number(w, l, f64, NULL, false);
			break;
		case OP_SKIP_BOOL:
		case OP_BOOL:
			if (p == end || *p > 1) {
				why = p == end ? ends : "a boolean that is neither 0 nor 1";
				goto fail;
			}
			if (op->code == OP_BOOL)
				leaf_bool(w, l, *p);
			p++;
			break;
		case OP_SKIP_ENUM:
		case OP_ENUM:
			if ((why = get_int(&p, end, &v)))
				goto fail;
			if (v < 0 || v >= op->arg) {
				why = "an enum index without a symbol";
				goto fail;
			}
			if (op->code == OP_ENUM)
				leaf_enum(w, l, (size_t)v);
			break;
		case OP_STRING:
			if ((why = get_text(&p, end, &n)))
				goto fail;
			if (l->plain)
				add_text(w, l->slot, (const char *)p, n);
			else
				leaf_string(w, l, p, n);
			p += n;
			break;
		case OP_BYTES:
			if ((why = get_length(&p, end, &n)))
				goto fail;
			leaf_bytes(w, l, p, n);
			p += n;
			break;
		case OP_FIXED:
			if ((size_t)(end - p) < op->arg) {
				why = ends;
				goto fail;
			}
			leaf_bytes(w, l, p, op->arg);
			p += op->arg;
			break;
		case OP_UNION:
			if ((why = get_long(&p, end, &v)))
				goto fail;
			if (v < 0 || v >= w->plan->targets[op->arg]) {
				why = "a union index without a branch";
				goto fail;
			}
			op = ops + w->plan->targets[op->arg + 1 + (uint64_t)v] - 1;
			break;
		case OP_JUMP:
			op = ops + op->arg - 1;
			break;
		case OP_ARRAY:
		case OP_MAP:
			w->p = p;
			if (run_loop(w, op, depth))
				return -1;
			p = w->p;
			op = ops + op->arg - 1;
			break;
		case OP_CALL:
			w->p = p;
			if (run(w, ops + op->arg, depth + 1))
				return -1;
			p = w->p;
			break;
		case OP_OTHER:
			add_value(w, op->arg, VALUE_OTHER);
			break;
		case OP_ABSENT:
			add_breach(w, VIOLATION_NULL, op->arg, w->plan->where[op - ops]);
			break;
		}
	}
fail:
	w->p = p;
	w->op = op;
	w->why = why;
	return -1;
}

static void reserve(const struct plan *plan, struct record_values *out)
{
	size_t breaches = plan->nslots * BREACHES_A_SLOT + plan->nalways + 1;

	if (out->capvalues < plan->nslots + 1) {
		out->capvalues = plan->nslots + 1;
		out->values = xrealloc(out->values, out->capvalues * sizeof *out->values);
	}
	if (out->capbreaches < breaches) {
		out->capbreaches = breaches;
		out->breaches = xrealloc(out->breaches, breaches * sizeof *out->breaches);
	}
	if (out->captexts < plan->ntexts * TEXT_SIZE) {
		out->captexts = plan->ntexts * TEXT_SIZE;
		out->texts = xrealloc(out->texts, out->captexts);
	}
}

static void whole_record(struct record_values *out, enum violation_kind kind)
{
	out->decoded = false;
	out->has_event_time = false;
	out->nvalues = 0;
	out->nbreaches = 1;
	out->breaches[0] = (struct breach){kind, -1};
}

void plan_walk(const struct plan *p, const uint8_t *bytes, size_t n, struct record_values *out)
{
	static const uint8_t none[1];
	const uint8_t *start = bytes ? bytes : none;
	struct walk w = {.plan = p, .p = start, .end = start + n, .out = out};

	reserve(p, out);
	w.text = out->texts;
	out->nvalues = out->nbreaches = 0;
	out->has_event_time = false;
	out->decoded = true;
	out->detail[0] = 0;
	if (p->nalways) {
		memcpy(out->breaches, p->always, p->nalways * sizeof *p->always);
		out->nbreaches = p->nalways;
		memcpy(out->detail, p->always_detail, sizeof out->detail);
	}
	if (run(&w, p->ops, 0)) {
		whole_record(out, VIOLATION_UNDECODABLE);
		snprintf(out->detail, sizeof out->detail, "%.80s: %s (byte %zu of %zu)", p->where[w.op - p->ops], w.why,
			 (size_t)(w.p - start), n);
	} else if (w.p != w.end) {
		whole_record(out, VIOLATION_TRAILING_BYTES);
		snprintf(out->detail, sizeof out->detail, "%zu bytes after the record's %zu", (size_t)(w.end - w.p),
			 (size_t)(w.p - start));
	}
}
