// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "schema/compiler.h"
#include "schema/utf8.h"
#include "util/xalloc.h"

static const char *intern(struct compiler *c, const char *text)
{
	char *known = map_gets(&c->plan->paths, text);

	if (!known) {
		known = xstrdup(text);
		map_puts(&c->plan->paths, text, known);
	}
	return known;
}

static struct op *emit(struct compiler *c, enum opcode code, uint32_t arg)
{
	struct plan *p = c->plan;

	GROW(p->ops, p->nops, p->capops);
	p->where = xrealloc(p->where, p->capops * sizeof *p->where);
	p->where[p->nops] = intern(c, path_text(c));
	p->ops[p->nops] = (struct op){.code = code, .arg = arg};
	return &p->ops[p->nops++];
}

static uint32_t here(struct compiler *c)
{
	return c->barrier = (uint32_t)c->plan->nops;
}

static void emit_skip(struct compiler *c, uint32_t bytes)
{
	struct plan *p = c->plan;

	if (p->nops > c->barrier && p->ops[p->nops - 1].code == OP_SKIP &&
	    p->ops[p->nops - 1].arg <= UINT32_MAX - bytes)
		p->ops[p->nops - 1].arg += bytes;
	else
		emit(c, OP_SKIP, bytes);
}

static size_t symbols_of(const struct avsc_type *t)
{
	return t->nsymbols + t->open;
}

static void emit_unmonitored(struct compiler *c, const struct avsc_type *t)
{
	switch (t->kind) {
	case AVSC_BOOLEAN:
		emit(c, OP_SKIP_BOOL, 0);
		break;
	case AVSC_INT:
		emit(c, OP_SKIP_INT, 0);
		break;
	case AVSC_LONG:
		emit(c, OP_SKIP_LONG, 0);
		break;
	case AVSC_FLOAT:
		emit_skip(c, 4);
		break;
	case AVSC_DOUBLE:
		emit_skip(c, 8);
		break;
	case AVSC_FIXED:
		emit_skip(c, t->size);
		break;
	case AVSC_BYTES:
		emit(c, OP_SKIP_BYTES, 0);
		break;
	case AVSC_STRING:
		emit(c, OP_SKIP_STRING, 0);
		break;
	case AVSC_ENUM:
		emit(c, OP_SKIP_ENUM, (uint32_t)symbols_of(t));
		break;
	default: // null has no bytes
		break;
	}
}

static void scale_time(struct leaf *l, enum avsc_logical logical)
{
	l->times = logical == LOGICAL_DATE ? 86400000 : 1;
	l->per = logical == LOGICAL_TIME_MICROS || logical == LOGICAL_TIMESTAMP_MICROS ? 1000
		 : logical == LOGICAL_TIMESTAMP_NANOS				       ? 1000000
										       : 1;
}

static void judge_symbols(struct leaf *l)
{
	const struct avsc_type *t = l->type;
	const struct checks *k = l->checks;

	const size_t symbols = symbols_of(t);

	l->lengths = xcalloc(symbols + 1, sizeof *l->lengths);
	for (size_t i = 0; i < symbols; i++)
		l->lengths[i] = (uint32_t)strlen(t->symbols[i]);
	if (!k)
		return;
	l->breaks = xcalloc(symbols + 1, 1);
	for (size_t i = 0; i < symbols; i++) {
		bool other = k->has_allowed && !map_gets(&k->allowed, t->symbols[i]);
		bool unlike = k->pattern && !re_found(k->pattern, t->symbols[i], l->lengths[i]);
		uint64_t n = utf8_characters((const uint8_t *)t->symbols[i], l->lengths[i]);
		bool misfits = k->has_length && (n < k->least || n > k->most);

		l->breaks[i] = (uint8_t)(other | unlike << 1 | misfits << 2);
	}
}

// A leaf with nothing to judge, convert or date has an opcode of its own.
static enum opcode leaf_code(const struct leaf *l)
{
	static const enum opcode codes[] = {
	    [AVSC_BOOLEAN] = OP_BOOL,  [AVSC_INT] = OP_INT,	  [AVSC_LONG] = OP_LONG,
	    [AVSC_FLOAT] = OP_FLOAT,   [AVSC_DOUBLE] = OP_DOUBLE, [AVSC_BYTES] = OP_BYTES,
	    [AVSC_STRING] = OP_STRING, [AVSC_FIXED] = OP_FIXED,	  [AVSC_ENUM] = OP_ENUM,
	};
	static const struct {
		enum opcode code;
		enum convert convert;
	} plain[] = {
	    [AVSC_BOOLEAN] = {OP_PLAIN_BOOL, AS_BOOL},	  [AVSC_INT] = {OP_PLAIN_INT, AS_NUMBER},
	    [AVSC_LONG] = {OP_PLAIN_LONG, AS_NUMBER},	  [AVSC_FLOAT] = {OP_PLAIN_FLOAT, AS_NUMBER},
	    [AVSC_DOUBLE] = {OP_PLAIN_DOUBLE, AS_NUMBER}, [AVSC_STRING] = {OP_PLAIN_STRING, AS_STRING},
	};
	enum avsc_kind kind = l->type->kind;

	if (l->slot == NO_SLOT || l->operand || l->event_time || l->checks || l->times != 1 || l->per != 1 ||
	    l->type->logical == LOGICAL_UNSIGNED)
		return codes[kind];
	if (kind == AVSC_LONG && l->convert == AS_TIME)
		return OP_PLAIN_MILLIS;
	if (kind == AVSC_ENUM)
		return OP_PLAIN_ENUM;
	return kind < ARRAY_LEN(plain) && plain[kind].code && plain[kind].convert == l->convert
		   ? plain[kind].code
		   : codes[kind];
}

struct leaf leaf_make(struct compiler *c, const struct avsc_type *t, uint32_t slot, bool event_time)
{
	struct plan *p = c->plan;
	enum field_type type = slot == NO_SLOT ? FIELD_NONE : p->slots[slot].type;
	enum source src = source_of(t);
	struct leaf l = {.slot = slot, .event_time = event_time, .type = t, .times = 1, .per = 1,
			 .raw = src == SRC_BYTES, .operand = rules_operand(c)};

	l.checks = slot == NO_SLOT ? NULL : p->checks[slot];
	if (src == SRC_NUMBER || src == SRC_TIME)
		l.convert = type == FIELD_TIME ? AS_TIME : type == FIELD_CATEGORICAL ? AS_TEXT : AS_NUMBER;
	else if (src == SRC_BOOL)
		l.convert = type == FIELD_CATEGORICAL ? AS_TEXT : AS_BOOL;
	else if (src == SRC_TEXT_TIME)
		l.convert = type == FIELD_TIME ? AS_TIME : AS_STRING;
	else
		l.convert = t->kind == AVSC_FIXED && src == SRC_UUID ? AS_TEXT : AS_STRING;
	if (src == SRC_TIME)
		scale_time(&l, t->logical);
	p->ntexts += l.convert == AS_TEXT;
	if (t->kind == AVSC_ENUM)
		judge_symbols(&l);
	return l;
}

static void emit_leaf(struct compiler *c, const struct avsc_type *t, uint32_t slot, bool event_time)
{
	struct plan *p = c->plan;
	struct leaf l = leaf_make(c, t, slot, event_time);
	enum opcode code = leaf_code(&l);
	if (code >= OP_PLAIN_INT && code <= OP_PLAIN_STRING) {
		emit(c, code, slot);
		return;
	}
	GROW(p->leaves, p->nleaves, p->capleaves);
	p->leaves[p->nleaves] = l;
	uint32_t arg = t->kind == AVSC_FIXED ? t->size : t->kind == AVSC_ENUM ? (uint32_t)symbols_of(t) : 0;
	emit(c, code, arg)->leaf = (uint32_t)p->nleaves++;
}

static void emit_absent(struct compiler *c, const uint8_t *due, const uint8_t *filled)
{
	struct plan *p = c->plan;

	for (uint32_t s = 0; s < p->nslots; s++) {
		if (!due[s] || filled[s])
			continue;
		emit(c, OP_ABSENT, s);
		char *text = xasprintf("%.100s: null", p->slots[s].path);
		p->where[p->nops - 1] = intern(c, text);
		free(text);
	}
}

static int emit_type(struct compiler *c, const struct avsc_type *t);

static int emit_nullable(struct compiler *c, const struct avsc_type *t)
{
	struct plan *p = c->plan;
	uint32_t at = (uint32_t)p->nops, null = t->parts[1]->kind == AVSC_NULL;

	emit(c, OP_NULLABLE, 0)->null = null;
	here(c);
	if (emit_type(c, t->parts[!null]))
		return -1;
	p->ops[at].arg = here(c);
	return 0;
}

static int emit_branches(struct compiler *c, const struct avsc_type *t, const uint8_t *due, uint8_t *filled)
{
	struct plan *p = c->plan;
	uint32_t base = (uint32_t)p->ntargets;
	uint32_t *jumps = xcalloc(t->nparts + 1, sizeof *jumps);
	int rc = 0;

	emit(c, OP_UNION, base);
	for (size_t i = 0; i <= t->nparts; i++) {
		GROW(p->targets, p->ntargets, p->captargets);
		p->targets[p->ntargets++] = (uint32_t)t->nparts;
	}
	for (size_t i = 0; i < t->nparts && !rc; i++) {
		p->targets[base + 1 + i] = here(c);
		rc = emit_type(c, t->parts[i]);
		if (due && !rc) {
			memset(filled, 0, p->nslots);
			rc = mark_filled(c, t->parts[i], filled);
			emit_absent(c, due, filled);
		}
		jumps[i] = (uint32_t)p->nops;
		if (i + 1 < t->nparts)
			emit(c, OP_JUMP, 0);
	}
	for (size_t i = 0; i < t->nparts && !rc; i++) {
		if (i + 1 < t->nparts)
			p->ops[jumps[i]].arg = here(c);
		if (p->targets[base + 1 + i] == jumps[i]) // an empty branch
			p->targets[base + 1 + i] = here(c);
	}
	free(jumps);
	return rc;
}

static int emit_union(struct compiler *c, const struct avsc_type *t)
{
	const bool must = c->must && !c->routine;
	const bool nullable =
	    t->nparts == 2 && (t->parts[0]->kind == AVSC_NULL || t->parts[1]->kind == AVSC_NULL);
	const size_t n = c->plan->nslots;
	uint8_t *due = xcalloc(n + 1, 1), *filled = xcalloc(n + 1, 1);
	int rc = must ? mark_filled(c, t, due) : 0;
	const bool any = memchr(due, 1, n);

	if (!rc)
		rc = nullable && !any ? emit_nullable(c, t) : emit_branches(c, t, any ? due : NULL, filled);
	free(due);
	free(filled);
	return rc;
}

static void emit_group(struct compiler *c, enum opcode code, uint32_t group)
{
	if (group != NO_GROUP)
		emit(c, code, group);
}

// The least bytes that a value takes, at most UINT32_MAX.
static int least_size(struct compiler *c, const struct avsc_type *t, uint64_t *out)
{
	if (compile_step(c))
		return -1;
	switch (t->kind) {
	case AVSC_NULL:
		*out = 0;
		return 0;
	case AVSC_FLOAT:
		*out = 4;
		return 0;
	case AVSC_DOUBLE:
		*out = 8;
		return 0;
	case AVSC_FIXED:
		*out = t->size;
		return 0;
	case AVSC_RECORD:
		break;
	default:
		*out = 1;
		return 0;
	}
	*out = compile_inside(c, t); // a record directly in itself has no finite value: anything but 0
	if (*out)
		return 0;
	c->stack[c->depth++] = t;
	for (size_t i = 0; i < t->nfields; i++) {
		uint64_t n;

		if (least_size(c, t->fields[i].type, &n))
			return -1;
		*out = *out + n < UINT32_MAX ? *out + n : UINT32_MAX;
	}
	c->depth--;
	return 0;
}

// What must not be null and never is anything else in these elements.
static int emit_null_elements(struct compiler *c, const struct avsc_type *t)
{
	struct plan *p = c->plan;

	if (!c->must || c->routine)
		return 0;
	uint8_t *due = xcalloc(p->nslots + 1, 1), *filled = xcalloc(p->nslots + 1, 1);
	int rc = mark_filled(c, t, filled);

	for (struct map_entry *e = NULL; (e = map_next(&c->found, e));) {
		const struct found *f = e->value;
		const struct field_rule *r = f->rule;

		due[f->slot] = f->element == c->element && r && r->not_null &&
			       (p->slots[f->slot].in_writer || !r->required);
	}
	if (!rc)
		emit_absent(c, due, filled);
	free(due);
	free(filled);
	return rc;
}

static int emit_loop(struct compiler *c, const struct avsc_type *t)
{
	struct plan *p = c->plan;
	bool routine = c->routine;
	int32_t around = c->element;
	uint64_t least;
	uint32_t at = (uint32_t)p->nops;

	c->base = c->depth;
	if (least_size(c, t->parts[0], &least))
		return -1;
	c->base = 0;
	c->routine |= t->kind == AVSC_ARRAY && !least;
	emit(c, t->kind == AVSC_MAP ? OP_MAP : OP_ARRAY, 0)->least = (uint32_t)least;
	here(c);
	size_t before = path_push_element(c, t);
	if (!c->routine)
		c->element = path_element(c, path_text(c));
	p->ops[at].leaf = c->routine ? NO_SLOT : (uint32_t)c->element;
	const uint32_t group = rules_group(c, NULL);
	emit_group(c, OP_RESET, group);
	if (emit_null_elements(c, t->parts[0]) || emit_type(c, t->parts[0]))
		return -1;
	emit_group(c, OP_JUDGE, group);
	emit(c, OP_END, 0);
	p->ops[at].arg = here(c);
	path_pop(c, before);
	c->routine = routine;
	c->element = around;
	const struct found *f = routine ? NULL : path_found(c, t);
	if (f && p->checks[f->slot] && p->checks[f->slot]->has_length)
		emit(c, OP_LENGTH, f->slot);
	const uint32_t operand = rules_operand(c);
	if (operand)
		emit(c, OP_COUNTED, operand - 1);
	return 0;
}

static void emit_call(struct compiler *c, const struct avsc_type *t)
{
	size_t i = 0;

	while (i < c->ncalled && c->called[i] != t)
		i++;
	if (i == c->ncalled) {
		GROW(c->called, c->ncalled, c->capcalled);
		c->called[c->ncalled++] = t;
	}
	emit(c, OP_CALL, (uint32_t)i);
}

static int emit_fields(struct compiler *c, const struct avsc_type *t)
{
	const uint32_t group = rules_group(c, t);

	emit_group(c, OP_RESET, group);
	compile_enter(c, t);
	for (size_t i = 0; i < t->nfields; i++) {
		size_t before = path_push(c, t, i);

		if (emit_type(c, t->fields[i].type))
			return -1;
		path_pop(c, before);
	}
	compile_leave(c);
	emit_group(c, OP_JUDGE, group);
	return 0;
}

static int emit_type(struct compiler *c, const struct avsc_type *t)
{
	if (compile_step(c))
		return -1;
	if (t->kind == AVSC_UNION)
		return emit_union(c, t);
	const struct found *f = path_found(c, t);
	enum source src = source_of(t);
	uint32_t slot = f ? f->slot : NO_SLOT;
	bool event_time = path_is_event_time(c) &&
			  (src == SRC_NUMBER || src == SRC_TIME || t->kind == AVSC_STRING) &&
			  t->logical != LOGICAL_TIME_MILLIS && t->logical != LOGICAL_TIME_MICROS;
	if (slot != NO_SLOT && src != SRC_NULL && !type_counts(f->rule, c->plan->slots[slot].type, src)) {
		if (c->plan->slots[slot].type != FIELD_NONE)
			emit(c, OP_OTHER, slot);
		slot = NO_SLOT;
	}
	if (t->kind == AVSC_RECORD) {
		if (compile_follows(c, t))
			return emit_fields(c, t);
		emit_call(c, t);
	} else if (t->kind == AVSC_ARRAY || t->kind == AVSC_MAP) {
		return emit_loop(c, t);
	} else if (src != SRC_NULL && (slot != NO_SLOT || event_time || rules_operand(c))) {
		emit_leaf(c, t, slot, event_time);
	} else {
		emit_unmonitored(c, t);
	}
	return 0;
}

static int emit_routines(struct compiler *c)
{
	struct plan *p = c->plan;

	c->routine = true;
	for (size_t i = 0; i < c->ncalled; i++) { // grows meanwhile
		GROW(c->entry, i, c->capentry);
		c->entry[i] = here(c);
		buf_clear(&c->path);
		buf_adds(&c->path, c->called[i]->name);
		if (emit_fields(c, c->called[i]))
			return -1;
		emit(c, OP_END, 0);
	}
	for (size_t i = 0; i < p->nops; i++)
		if (p->ops[i].code == OP_CALL)
			p->ops[i].arg = c->entry[p->ops[i].arg];
	return 0;
}

int plan_emit(struct compiler *c)
{
	if (emit_type(c, avsc_root(c->plan->schema)))
		return -1;
	emit(c, OP_END, 0);
	return emit_routines(c);
}
