// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/leaf.h"
#include "schema/utf8.h"
#include "util/xalloc.h"

#define MAX_NESTING	64 // loops and calls within one another
#define BREACHES_A_SLOT 4

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
			u32 = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
			      (uint32_t)p[3] << 24;
			memcpy(&f32, &u32, 4);
			p += 4;
			if (l->plain)
				add_value(w, l->slot, VALUE_NUMBER)->num = (double)f32;
			else
				leaf_real(w, l, (double)f32, true);
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
				leaf_real(w, l, f64, false);
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
	out->breaches[0] = (struct breach){kind, -1, NULL};
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
		set_detail(out, p->always->why);
	}
	if (run(&w, p->ops, 0)) {
		whole_record(out, VIOLATION_UNDECODABLE);
		snprintf(out->detail, sizeof out->detail, "%.80s: %s (byte %zu of %zu)",
			 p->where[w.op - p->ops], w.why, (size_t)(w.p - start), n);
	} else if (w.p != w.end) {
		whole_record(out, VIOLATION_TRAILING_BYTES);
		snprintf(out->detail, sizeof out->detail, "%zu bytes after the record's %zu",
			 (size_t)(w.end - w.p), (size_t)(w.p - start));
	}
}
