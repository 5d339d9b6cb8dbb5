// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/json_plan.h"
#include "schema/leaf.h"
#include "schema/plan_read.h"
#include "schema/proto_read.h"
#include "util/xalloc.h"

#define MAX_NESTING	64 // loops and calls within one another
#define BREACHES_A_SLOT 8 // those that the caller adds included
#define JSON_BREACHES	16 // of a slot, or of the record

void record_values_init(struct record_values *r)
{
	*r = (struct record_values){0};
}

void record_values_release(struct record_values *r)
{
	free(r->values);
	free(r->breaches);
	free(r->numbers);
	free(r->texts);
	free(r->elements);
	free(r->broken);
	json_scratch_free(r->json);
	free(r->operands);
	buf_release(&r->scratch);
	proto_scratch_free(r->proto);
	record_values_init(r);
}

static inline float get_float(const uint8_t *p)
{
	uint32_t bits = le32(p);
	float v;

	memcpy(&v, &bits, 4);
	return v;
}

static inline double get_double(const uint8_t *p)
{
	uint64_t bits = le64(p);
	double v;

	memcpy(&v, &bits, 8);
	return v;
}

static inline struct value *put_number(struct value *v, uint32_t slot, double num)
{
	v->kind = VALUE_NUMBER;
	v->slot = slot;
	v->num = num;
	return v + 1;
}

static int run(struct walk *w, const struct op *op, int depth);

void walk_grow(struct walk *w)
{
	struct record_values *out = w->out;
	const size_t texts = w->plan->ntexts * TEXT_SIZE, used = (size_t)(w->text - out->texts);
	const size_t n = (size_t)(w->value - out->values);

	if (out->capvalues - n < w->plan->nslots) {
		out->capvalues = 2 * out->capvalues + w->plan->nslots;
		out->values = xrealloc(out->values, out->capvalues * sizeof *out->values);
		w->value = out->values + n;
	}
	if (out->captexts - used >= texts)
		return;
	const uintptr_t old = (uintptr_t)out->texts;
	out->captexts = 2 * out->captexts + texts;
	out->texts = xrealloc(out->texts, out->captexts);
	w->text = out->texts + used;
	for (size_t i = 0; i < n; i++) { // what was written out has moved
		struct value *v = &out->values[i];

		if (v->kind == VALUE_STRING && (uintptr_t)v->str >= old && (uintptr_t)v->str < old + used)
			v->str = out->texts + ((uintptr_t)v->str - old);
	}
}

// The blocks of an array or a map, up to and with the empty one. 0, or -1 with w->why and w->op set.
static int run_loop(struct walk *w, const struct op *op, int depth)
{
	const bool is_map = op->code == OP_MAP;
	const uint64_t least = (uint64_t)op->least + is_map;
	uint64_t items = 0;
	int64_t count, size;

	for (;;) {
		const uint8_t *block_end = NULL;
		size_t n;

		w->op = op;
		if ((w->why = get_small(&w->p, w->end, &count)))
			return -1;
		if (!count) {
			w->items = items;
			return 0;
		}
		if (count < 0) {
			if (count == INT64_MIN) {
				w->why = "a block of too many items";
				return -1;
			}
			count = -count;
			if ((w->why = get_small(&w->p, w->end, &size)))
				return -1;
			if (size < 0 || size > w->end - w->p) {
				w->why = "a block larger than the bytes left";
				return -1;
			}
			block_end = w->p + size;
		}
		items += (uint64_t)count;
		if (op->leaf != NO_SLOT)
			w->out->elements[op->leaf] += (uint64_t)count;
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
			if (op->leaf != NO_SLOT)
				walk_grow(w);
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
	const struct leaf *const leaves = w->plan->leaves;
	const uint32_t *branches;
	struct value *at = w->value;
	const char *why;
	int64_t v;
	size_t n;

	if (depth > MAX_NESTING) {
		w->op = op;
		w->why = "nested deeper than 64";
		return -1;
	}
	for (;; op++) {
		switch ((enum opcode)op->code) {
		case OP_END:
			w->p = p;
			w->value = at;
			return 0;
		case OP_SKIP:
			if ((size_t)(end - p) < op->arg)
				goto ends;
			p += op->arg;
			break;
		case OP_SKIP_INT:
			if ((why = get_int(&p, end, &v)))
				goto fail;
			break;
		case OP_SKIP_LONG:
			if ((why = get_number(&p, end, &v)))
				goto fail;
			break;
		case OP_SKIP_BOOL:
			if (p == end || *p > 1)
				goto no_bool;
			p++;
			break;
		case OP_SKIP_ENUM:
			if ((why = get_small(&p, end, &v)))
				goto fail;
			if (v < 0 || v >= op->arg)
				goto no_symbol;
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
		case OP_PLAIN_INT:
			if ((why = get_int(&p, end, &v)))
				goto fail;
			at = put_number(at, op->arg, (double)v);
			break;
		case OP_PLAIN_LONG:
			if ((why = get_number(&p, end, &v)))
				goto fail;
			at = put_number(at, op->arg, (double)v);
			break;
		case OP_PLAIN_MILLIS:
			if ((why = get_number(&p, end, &v)))
				goto fail;
			at->ms = v;
			at->kind = VALUE_TIME;
			at->slot = op->arg;
			(at++)->num = (double)v;
			break;
		case OP_PLAIN_FLOAT:
			if (end - p < 4)
				goto ends;
			at = put_number(at, op->arg, (double)get_float(p));
			p += 4;
			break;
		case OP_PLAIN_DOUBLE:
			if (end - p < 8)
				goto ends;
			at = put_number(at, op->arg, get_double(p));
			p += 8;
			break;
		case OP_PLAIN_BOOL:
			if (p == end || *p > 1)
				goto no_bool;
			at->kind = VALUE_BOOL;
			at->slot = op->arg;
			(at++)->num = *p++;
			break;
		case OP_PLAIN_STRING:
			if ((why = get_text(&p, end, &n)))
				goto fail;
			at->kind = VALUE_STRING;
			at->slot = op->arg;
			at->str = (const char *)p;
			(at++)->len = (uint32_t)n;
			p += n;
			break;
		case OP_PLAIN_ENUM:
			if ((why = get_small(&p, end, &v)))
				goto fail;
			if (v < 0 || v >= op->arg)
				goto no_symbol;
			at->kind = VALUE_STRING;
			at->slot = leaves[op->leaf].slot;
			at->str = leaves[op->leaf].type->symbols[v];
			(at++)->len = leaves[op->leaf].lengths[v];
			break;
		case OP_INT:
			if ((why = get_int(&p, end, &v)))
				goto fail;
			w->value = at;
			leaf_integer(w, leaves + op->leaf, v);
			at = w->value;
			break;
		case OP_LONG:
			if ((why = get_number(&p, end, &v)))
				goto fail;
			w->value = at;
			leaf_integer(w, leaves + op->leaf, v);
			at = w->value;
			break;
		case OP_FLOAT:
			if (end - p < 4)
				goto ends;
			w->value = at;
			leaf_real(w, leaves + op->leaf, (double)get_float(p), true);
			at = w->value;
			p += 4;
			break;
		case OP_DOUBLE:
			if (end - p < 8)
				goto ends;
			w->value = at;
			leaf_real(w, leaves + op->leaf, get_double(p), false);
			at = w->value;
			p += 8;
			break;
		case OP_BOOL:
			if (p == end || *p > 1)
				goto no_bool;
			w->value = at;
			leaf_bool(w, leaves + op->leaf, *p++);
			at = w->value;
			break;
		case OP_ENUM:
			if ((why = get_small(&p, end, &v)))
				goto fail;
			if (v < 0 || v >= op->arg)
				goto no_symbol;
			w->value = at;
			leaf_enum(w, leaves + op->leaf, (size_t)v);
			at = w->value;
			break;
		case OP_STRING:
			if ((why = get_text(&p, end, &n)))
				goto fail;
			w->value = at;
			leaf_string(w, leaves + op->leaf, p, n);
			at = w->value;
			p += n;
			break;
		case OP_BYTES:
			if ((why = get_length(&p, end, &n)))
				goto fail;
			w->value = at;
			leaf_bytes(w, leaves + op->leaf, p, n);
			at = w->value;
			p += n;
			break;
		case OP_FIXED:
			if ((size_t)(end - p) < op->arg)
				goto ends;
			w->value = at;
			leaf_bytes(w, leaves + op->leaf, p, op->arg);
			at = w->value;
			p += op->arg;
			break;
		case OP_UNION:
			if ((why = get_small(&p, end, &v)))
				goto fail;
			branches = w->plan->targets + op->arg;
			if (v < 0 || v >= branches[0])
				goto no_branch;
			op = ops + branches[1 + v] - 1;
			break;
		case OP_NULLABLE:
			if ((why = get_small(&p, end, &v)))
				goto fail;
			if (v < 0 || v > 1)
				goto no_branch;
			if (v == op->null)
				op = ops + op->arg - 1;
			break;
		case OP_JUMP:
			op = ops + op->arg - 1;
			break;
		case OP_ARRAY:
		case OP_MAP:
			w->p = p;
			w->value = at;
			if (run_loop(w, op, depth))
				return -1;
			p = w->p;
			at = w->value;
			op = ops + op->arg - 1;
			break;
		case OP_CALL:
			w->p = p;
			w->value = at;
			if (run(w, ops + op->arg, depth + 1))
				return -1;
			p = w->p;
			at = w->value;
			break;
		case OP_OTHER:
			at->kind = VALUE_OTHER;
			(at++)->slot = op->arg;
			break;
		case OP_LENGTH:
			leaf_length(w, op->arg, w->items);
			break;
		case OP_RESET:
			rules_reset(w->plan, op->arg, w->out->operands);
			break;
		case OP_JUDGE:
			rules_judge(w->plan, op->arg, w->out);
			break;
		case OP_COUNTED:
			w->out->operands[op->arg] = (struct cel_value){.type = CEL_LIST, .i = (int64_t)w->items};
			break;
		case OP_ABSENT:
			add_breach(w, VIOLATION_NULL, op->arg, w->plan->where[op - ops]);
			break;
		}
	}
no_branch:
	why = "a union index without a branch";
	goto fail;
no_symbol:
	why = "an enum index without a symbol";
	goto fail;
no_bool:
	why = "a boolean that is neither 0 nor 1";
	if (p < end)
		goto fail;
ends:
	why = BYTES_END;
fail:
	w->p = p;
	w->op = op;
	w->why = why;
	return -1;
}

static void reserve(const struct plan *plan, struct record_values *out)
{
	size_t breaches = (plan->json ? (plan->nslots + 1) * JSON_BREACHES : plan->nslots * BREACHES_A_SLOT) +
			  plan->nalways + plan->nplaced + 1;

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
	if (out->capelements < plan->nelements) {
		out->capelements = plan->nelements;
		out->elements = xrealloc(out->elements, out->capelements * sizeof *out->elements);
	}
	if ((plan->nelements || plan->json) && out->capbroken < plan->nslots + 1) {
		out->capbroken = plan->nslots + 1;
		out->broken = xrealloc(out->broken, out->capbroken * sizeof *out->broken);
	}
}

static void clear_elements(const struct plan *plan, struct record_values *out)
{
	out->nelements = plan->nelements;
	if (plan->nelements)
		memset(out->elements, 0, plan->nelements * sizeof *out->elements);
	memset(out->broken, 0, (plan->nslots + 1) * sizeof *out->broken);
}

static void whole_record(struct record_values *out, enum violation_kind kind)
{
	out->decoded = false;
	out->has_event_time = false;
	out->nvalues = out->nelements = 0;
	out->nbreaches = 1;
	out->breaches[0] = (struct breach){.kind = kind, .slot = -1};
}

static void walk_json(const struct plan *p, const uint8_t *bytes, size_t n, struct record_values *out)
{
	const char *why;

	switch (json_plan_walk(p, bytes, n, out, &why)) {
	case JSON_READ:
		return;
	case JSON_UNREADABLE:
		whole_record(out, VIOLATION_UNDECODABLE);
		break;
	case JSON_TRAILING:
		whole_record(out, VIOLATION_TRAILING_BYTES);
		break;
	}
	snprintf(out->detail, sizeof out->detail, "%s (%zu bytes)", why, n);
}

// Protobuf's bytes as Avro's. False: they are none, and the detail says why.
static bool rewrite(struct walk *w, const uint8_t *bytes, size_t n)
{
	struct record_values *out = w->out;
	const struct buf *avro;

	if (!out->proto)
		out->proto = proto_scratch_new();
	if (proto_to_avro(out->proto, w->plan->proto, w->plan->message, bytes, n, &avro, out->detail, sizeof out->detail))
		return false;
	w->p = (const uint8_t *)avro->data;
	w->end = w->p + avro->len;
	return true;
}

static void walk_record(const struct plan *p, const uint8_t *bytes, size_t n, struct record_values *out)
{
	static const uint8_t none[1];
	const uint8_t *start = bytes ? bytes : none;
	struct walk w = {.plan = p, .p = start, .end = start + n, .out = out};

	reserve(p, out);
	w.text = out->texts;
	w.value = out->values;
	out->nbreaches = 0;
	out->has_event_time = false;
	out->decoded = true;
	out->unknown = out->unlearned = false;
	out->detail[0] = 0;
	out->nelements = 0;
	if (p->nelements || p->json)
		clear_elements(p, out);
	if (p->ngroups)
		rules_begin(p, out);
	if (p->nalways) {
		memcpy(out->breaches, p->always, p->nalways * sizeof *p->always);
		out->nbreaches = p->nalways;
		set_detail(out, p->always->why);
	}
	if (p->json) {
		walk_json(p, start, n, out);
		return;
	}
	if (p->proto && !rewrite(&w, start, n)) {
		whole_record(out, VIOLATION_UNDECODABLE);
		return;
	}
	const uint8_t *first = w.p;
	const bool failed = run(&w, p->ops, 0);
	out->nvalues = (size_t)(w.value - out->values);
	if (failed) {
		whole_record(out, VIOLATION_UNDECODABLE);
		snprintf(out->detail, sizeof out->detail, "%.80s: %s (byte %zu of %zu)",
			 p->where[w.op - p->ops], w.why, (size_t)(w.p - first), (size_t)(w.end - first));
	} else if (w.p != w.end) {
		whole_record(out, VIOLATION_TRAILING_BYTES);
		snprintf(out->detail, sizeof out->detail, "%zu bytes after the record's %zu",
			 (size_t)(w.end - w.p), (size_t)(w.p - first));
	}
}

void plan_walk(const struct plan *p, const uint8_t *bytes, size_t n, struct record_values *out)
{
	walk_record(p, bytes, n, out);
	if (p->vectors && out->decoded)
		vectors_gather(p, out);
}
