// SPDX-License-Identifier: Apache-2.0
// Three passes over the schema. The first finds the fields that are monitored and the types each is seen
// with (a field under a union may have several); then slots, checks and the breaches of every record are
// settled; the second writes the opcodes; the third writes the routines of recursive records.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/ops.h"
#include "util/xalloc.h"

#define MAX_DEPTH 128
#define MAX_STEPS 200000 // types visited by one compilation: a schema of shared types can unroll without end

enum source { // what a value in the writer's schema is
	SRC_NULL,
	SRC_NUMBER,
	SRC_STRING,
	SRC_BYTES,
	SRC_UUID,
	SRC_BOOL,
	SRC_TIME,
	SRC_OPAQUE, // record, array, map
	SOURCES
};

// The type a field gets without a rule, by the first source that it is seen with.
static const enum field_type default_type[SOURCES] = {
	[SRC_NULL] = FIELD_NONE,   [SRC_NUMBER] = FIELD_NUMERIC, [SRC_STRING] = FIELD_CATEGORICAL,
	[SRC_BYTES] = FIELD_TEXT,  [SRC_UUID] = FIELD_TEXT,	 [SRC_BOOL] = FIELD_BOOLEAN,
	[SRC_TIME] = FIELD_TIME,   [SRC_OPAQUE] = FIELD_NONE,
};

static const bool counts[FIELD_TYPES][SOURCES] = {
	[FIELD_NUMERIC] = {[SRC_NUMBER] = true, [SRC_TIME] = true},
	[FIELD_CATEGORICAL] = {[SRC_NUMBER] = true, [SRC_STRING] = true, [SRC_BYTES] = true, [SRC_UUID] = true,
			       [SRC_BOOL] = true},
	[FIELD_BOOLEAN] = {[SRC_BOOL] = true},
	[FIELD_TEXT] = {[SRC_STRING] = true, [SRC_BYTES] = true, [SRC_UUID] = true},
	[FIELD_TIME] = {[SRC_TIME] = true, [SRC_NUMBER] = true},
	[FIELD_VECTOR] = {[SRC_OPAQUE] = true},
};

struct found { // a monitored path
	const struct field_rule *rule; // NULL: none
	unsigned seen;                 // bit set of sources
	enum source first;             // but null
	bool hidden;                   // inside an array, a map or a recursion: in the schema, never a value
	uint32_t slot;
};

struct compiler {
	struct plan *plan;
	const struct plan_options *opt;
	struct map rules, found;       // by path
	struct buf path;
	const struct avsc_type *stack[MAX_DEPTH + 1]; // records around the one in hand
	size_t depth;
	size_t steps;
	bool routine;                  // nothing is monitored
	bool must;                     // some slot must not be null
	uint32_t barrier;              // the last opcode that a jump leads to
	const struct avsc_type **called;
	uint32_t *entry;               // by called: its routine
	size_t ncalled, capcalled, capentry;
	struct error *err;
};

static enum source source_of(const struct avsc_type *t)
{
	switch (t->kind) {
	case AVSC_NULL:
		return SRC_NULL;
	case AVSC_BOOLEAN:
		return SRC_BOOL;
	case AVSC_INT:
	case AVSC_LONG:
		return t->logical ? SRC_TIME : SRC_NUMBER;
	case AVSC_FLOAT:
	case AVSC_DOUBLE:
		return SRC_NUMBER;
	case AVSC_BYTES:
	case AVSC_FIXED:
		return t->logical == LOGICAL_DECIMAL ? SRC_NUMBER : t->logical ? SRC_UUID : SRC_BYTES;
	case AVSC_STRING:
		return t->logical ? SRC_UUID : SRC_STRING;
	case AVSC_ENUM:
		return SRC_STRING;
	default:
		return SRC_OPAQUE;
	}
}

static int step(struct compiler *c)
{
	if (++c->steps > MAX_STEPS)
		return error_set(c->err, "the schema has more than %d types when unrolled", MAX_STEPS);
	if (c->depth >= MAX_DEPTH)
		return error_set(c->err, "records are nested deeper than %d", MAX_DEPTH);
	return 0;
}

static bool inside(const struct compiler *c, const struct avsc_type *record)
{
	for (size_t i = 0; i < c->depth; i++)
		if (c->stack[i] == record)
			return true;
	return false;
}

// The field's path; a type that is no record at the top is called "value".
static const char *path_text(const struct compiler *c)
{
	return c->path.len ? c->path.data : "value";
}

static size_t path_push(struct compiler *c, const char *name)
{
	size_t before = c->path.len;

	if (before)
		buf_addc(&c->path, '.');
	buf_adds(&c->path, name);
	return before;
}

static void path_pop(struct compiler *c, size_t before)
{
	c->path.len = before;
	c->path.data[before] = 0;
}

static struct found *find(const struct compiler *c)
{
	return c->routine ? NULL : map_gets(&c->found, path_text(c));
}

static bool is_event_time(const struct compiler *c)
{
	return !c->routine && c->opt->event_time && !strcmp(c->opt->event_time, path_text(c));
}

static bool ignored_above(const struct compiler *c, const char *path)
{
	for (const char *dot = strchr(path, '.'); dot; dot = strchr(dot + 1, '.')) {
		const struct field_rule *r = map_get(&c->rules, path, (size_t)(dot - path));

		if (r && r->type == FIELD_NONE)
			return true;
	}
	return false;
}

static struct found *found_add(struct compiler *c, const char *path, const struct field_rule *rule)
{
	struct found *f = xcalloc(1, sizeof *f);

	f->rule = rule;
	f->slot = NO_SLOT;
	map_puts(&c->found, path, f);
	return f;
}

// A type seen at the path in hand.
static void note(struct compiler *c, enum source src)
{
	const char *path = path_text(c);
	struct found *f = map_gets(&c->found, path);

	if (!f) {
		const struct field_rule *r = map_gets(&c->rules, path);
		bool want = r ? r->type != FIELD_NONE
			      : c->opt->all_fields && src != SRC_OPAQUE && src != SRC_NULL && !is_event_time(c) &&
					!ignored_above(c, path);

		if (!want)
			return;
		f = found_add(c, path, r);
	}
	if (!(f->seen & ~(1u << SRC_NULL)))
		f->first = src;
	f->hidden = false;
	f->seen |= 1u << src;
}

// What rules name below the path in hand lies inside an array, a map or a recursion.
static void hide_below(struct compiler *c)
{
	for (size_t i = 0; i < c->opt->nrules; i++) {
		const struct field_rule *r = &c->opt->rules[i];
		size_t n = c->path.len;

		if (r->type == FIELD_NONE || map_gets(&c->found, r->path) ||
		    (n && (strncmp(r->path, c->path.data, n) || r->path[n] != '.')) || (!n && !strcmp(r->path, "value")))
			continue;
		found_add(c, r->path, r)->hidden = true;
	}
}

static int discover(struct compiler *c, const struct avsc_type *t)
{
	if (step(c))
		return -1;
	if (t->kind == AVSC_UNION) {
		for (size_t i = 0; i < t->nparts; i++)
			if (discover(c, t->parts[i]))
				return -1;
		return 0;
	}
	if (t->kind != AVSC_RECORD || c->path.len)
		note(c, source_of(t));
	if (t->kind == AVSC_ARRAY || t->kind == AVSC_MAP || (t->kind == AVSC_RECORD && inside(c, t))) {
		hide_below(c);
	} else if (t->kind == AVSC_RECORD) {
		c->stack[c->depth++] = t;
		for (size_t i = 0; i < t->nfields; i++) {
			size_t before = path_push(c, t->fields[i].name);

			if (discover(c, t->fields[i].type))
				return -1;
			path_pop(c, before);
		}
		c->depth--;
	}
	return 0;
}

static void always(struct compiler *c, enum violation_kind kind, uint32_t slot, const char *why)
{
	struct plan *p = c->plan;

	if (!p->nalways)
		snprintf(p->always_detail, sizeof p->always_detail, "%.100s: %s", p->slots[slot].path, why);
	GROW(p->always, p->nalways, p->capalways);
	p->always[p->nalways++] = (struct breach){kind, (int32_t)slot};
}

static void checks_free(struct checks *k)
{
	if (!k)
		return;
	map_release(&k->allowed, NULL);
	free(k->numbers);
	if (k->has_pattern)
		regfree(&k->pattern);
	free(k->range_text);
	free(k->allowed_text);
	free(k->pattern_text);
	free(k);
}

static struct checks *checks_new(const struct field_rule *r, struct error *err)
{
	struct checks *k = xcalloc(1, sizeof *k);

	map_init(&k->allowed);
	k->has_range = r->has_range;
	k->min = r->range_min;
	k->max = r->range_max;
	k->range_text = xasprintf("%.80s: outside [%g, %g]", r->path, k->min, k->max);
	k->has_allowed = r->nallowed;
	k->allowed_text = xasprintf("%.80s: not one of the %zu allowed values", r->path, r->nallowed);
	k->numbers = xcalloc(r->nallowed + 1, sizeof *k->numbers);
	for (size_t i = 0; i < r->nallowed; i++) {
		char *end;
		double v = strtod(r->allowed[i], &end);

		map_puts(&k->allowed, r->allowed[i], k);
		if (*r->allowed[i] && !*end)
			k->numbers[k->nnumbers++] = v;
	}
	if (r->pattern) {
		int rc = regcomp(&k->pattern, r->pattern, REG_EXTENDED | REG_NOSUB);

		if (rc) {
			char why[128];

			regerror(rc, &k->pattern, why, sizeof why);
			error_set(err, "field \"%s\": pattern \"%s\": %s", r->path, r->pattern, why);
			checks_free(k);
			return NULL;
		}
		k->has_pattern = true;
		k->pattern_text = xasprintf("%.80s: does not match %.60s", r->path, r->pattern);
	}
	return k;
}

static int add_slot(struct compiler *c, const char *path, struct found *f, bool in_writer)
{
	struct plan *p = c->plan;
	const struct field_rule *r = f->rule;
	uint32_t slot = f->slot = (uint32_t)p->nslots;
	enum field_type type = r && r->type != FIELD_TYPES ? r->type : default_type[f->first];
	struct checks *k = NULL;

	if (r && (r->has_range || r->nallowed || r->pattern) && !(k = checks_new(r, c->err)))
		return -1;
	GROW(p->slots, p->nslots, p->capslots);
	p->checks = xrealloc(p->checks, p->capslots * sizeof *p->checks);
	p->slots[slot] = (struct plan_slot){xstrdup(path), type, in_writer};
	p->checks[slot] = k;
	p->nslots++;
	if (!r)
		return 0;
	c->must |= r->not_null;
	if (!in_writer) {
		if (r->required)
			always(c, VIOLATION_MISSING_FIELD, slot, "not in the writer's schema");
		else if (r->not_null)
			always(c, VIOLATION_NULL, slot, "not in the writer's schema");
		return 0;
	}
	if (r->required && r->type != FIELD_TYPES && !f->hidden) {
		bool fits = false;

		for (int s = 0; s < SOURCES; s++)
			fits |= f->seen >> s & counts[type][s];
		if (!fits)
			always(c, VIOLATION_WRONG_TYPE, slot, "another type in the writer's schema");
	}
	return 0;
}

static int add_slots(struct compiler *c)
{
	for (struct map_entry *e = NULL; (e = map_next(&c->found, e));)
		if (add_slot(c, e->key, e->value, true))
			return -1;
	for (size_t i = 0; i < c->opt->nrules; i++) {
		const struct field_rule *r = &c->opt->rules[i];

		if (r->type != FIELD_NONE && !map_gets(&c->found, r->path) &&
		    add_slot(c, r->path, found_add(c, r->path, r), false))
			return -1;
	}
	return 0;
}

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
	p->ops[p->nops] = (struct op){code, arg, 0, 0};
	return &p->ops[p->nops++];
}

static uint32_t here(struct compiler *c)
{
	return c->barrier = (uint32_t)c->plan->nops;
}

static void emit_skip(struct compiler *c, uint32_t bytes)
{
	struct plan *p = c->plan;

	if (p->nops > c->barrier && p->ops[p->nops - 1].code == OP_SKIP && p->ops[p->nops - 1].arg <= UINT32_MAX - bytes)
		p->ops[p->nops - 1].arg += bytes;
	else
		emit(c, OP_SKIP, bytes);
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
		emit(c, OP_SKIP_ENUM, (uint32_t)t->nsymbols);
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

	l->lengths = xcalloc(t->nsymbols + 1, sizeof *l->lengths);
	for (size_t i = 0; i < t->nsymbols; i++)
		l->lengths[i] = (uint32_t)strlen(t->symbols[i]);
	if (!k)
		return;
	l->breaks = xcalloc(t->nsymbols + 1, 1);
	for (size_t i = 0; i < t->nsymbols; i++) {
		bool other = k->has_allowed && !map_gets(&k->allowed, t->symbols[i]);
		bool unlike = k->has_pattern && regexec(&k->pattern, t->symbols[i], 0, NULL, 0) == REG_NOMATCH;

		l->breaks[i] = (uint8_t)(other | unlike << 1);
	}
}

static void emit_leaf(struct compiler *c, const struct avsc_type *t, uint32_t slot, bool event_time)
{
	static const enum opcode codes[] = {
		[AVSC_BOOLEAN] = OP_BOOL,   [AVSC_INT] = OP_INT,     [AVSC_LONG] = OP_LONG,
		[AVSC_FLOAT] = OP_FLOAT,    [AVSC_DOUBLE] = OP_DOUBLE, [AVSC_BYTES] = OP_BYTES,
		[AVSC_STRING] = OP_STRING, [AVSC_FIXED] = OP_FIXED, [AVSC_ENUM] = OP_ENUM,
	};
	struct plan *p = c->plan;
	enum field_type type = slot == NO_SLOT ? FIELD_NONE : p->slots[slot].type;
	enum source src = source_of(t);
	struct leaf l = {.slot = slot, .event_time = event_time, .type = t, .times = 1, .per = 1};

	l.checks = slot == NO_SLOT ? NULL : p->checks[slot];
	l.decimal = t->logical == LOGICAL_DECIMAL;
	l.scale = t->scale;
	if (src == SRC_NUMBER || src == SRC_TIME)
		l.convert = type == FIELD_TIME ? AS_TIME : type == FIELD_CATEGORICAL ? AS_TEXT : AS_NUMBER;
	else if (src == SRC_BOOL)
		l.convert = type == FIELD_CATEGORICAL ? AS_TEXT : AS_BOOL;
	else
		l.convert = t->kind == AVSC_FIXED && src == SRC_UUID ? AS_TEXT : AS_STRING;
	if (src == SRC_TIME)
		scale_time(&l, t->logical);
	l.plain = slot != NO_SLOT && !event_time && !l.checks && src != SRC_TIME &&
		  (l.convert == AS_NUMBER || l.convert == AS_STRING);
	p->ntexts += l.convert == AS_TEXT;
	if (t->kind == AVSC_ENUM)
		judge_symbols(&l);
	GROW(p->leaves, p->nleaves, p->capleaves);
	p->leaves[p->nleaves] = l;
	uint32_t arg = t->kind == AVSC_FIXED ? t->size : t->kind == AVSC_ENUM ? (uint32_t)t->nsymbols : 0;
	emit(c, codes[t->kind], arg)->leaf = (uint32_t)p->nleaves++;
}

// Marks the slots under t that must not be null and get a value, or a breach of their own, within it.
static int mark_filled(struct compiler *c, const struct avsc_type *t, uint8_t *filled)
{
	if (step(c))
		return -1;
	if (t->kind == AVSC_UNION) {
		for (size_t i = 0; i < t->nparts; i++)
			if (mark_filled(c, t->parts[i], filled))
				return -1;
		return 0;
	}
	const struct found *f = find(c);
	if (f && t->kind != AVSC_NULL && f->rule && f->rule->not_null)
		filled[f->slot] = 1;
	if (t->kind != AVSC_RECORD || inside(c, t))
		return 0;
	c->stack[c->depth++] = t;
	for (size_t i = 0; i < t->nfields; i++) {
		size_t before = path_push(c, t->fields[i].name);

		if (mark_filled(c, t->fields[i].type, filled))
			return -1;
		path_pop(c, before);
	}
	c->depth--;
	return 0;
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

static int emit_union(struct compiler *c, const struct avsc_type *t)
{
	struct plan *p = c->plan;
	uint32_t base = (uint32_t)p->ntargets;
	uint32_t *jumps = xcalloc(t->nparts + 1, sizeof *jumps);
	uint8_t *due = xcalloc(p->nslots + 1, 1), *filled = xcalloc(p->nslots + 1, 1);
	bool must = c->must && !c->routine;
	int rc = must ? mark_filled(c, t, due) : 0;

	emit(c, OP_UNION, base);
	for (size_t i = 0; i <= t->nparts; i++) {
		GROW(p->targets, p->ntargets, p->captargets);
		p->targets[p->ntargets++] = (uint32_t)t->nparts;
	}
	for (size_t i = 0; i < t->nparts && !rc; i++) {
		p->targets[base + 1 + i] = here(c);
		rc = emit_type(c, t->parts[i]);
		if (must && !rc) {
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
	free(due);
	free(filled);
	return rc;
}

// The least bytes that a value takes, at most UINT32_MAX.
static int least_size(struct compiler *c, const struct avsc_type *t, uint64_t *out)
{
	if (step(c))
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
	*out = inside(c, t); // a record directly in itself has no finite value: anything but 0
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

static int emit_loop(struct compiler *c, const struct avsc_type *t)
{
	struct plan *p = c->plan;
	bool routine = c->routine;
	size_t depth = c->depth;
	uint64_t least;
	uint32_t at = (uint32_t)p->nops;

	c->depth = 0;
	if (least_size(c, t->parts[0], &least))
		return -1;
	c->depth = depth;
	emit(c, t->kind == AVSC_MAP ? OP_MAP : OP_ARRAY, 0)->least = (uint32_t)least;
	here(c);
	c->routine = true;
	if (emit_type(c, t->parts[0]))
		return -1;
	c->routine = routine;
	emit(c, OP_END, 0);
	p->ops[at].arg = here(c);
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
	c->stack[c->depth++] = t;
	for (size_t i = 0; i < t->nfields; i++) {
		size_t before = path_push(c, t->fields[i].name);

		if (emit_type(c, t->fields[i].type))
			return -1;
		path_pop(c, before);
	}
	c->depth--;
	return 0;
}

static int emit_type(struct compiler *c, const struct avsc_type *t)
{
	if (step(c))
		return -1;
	if (t->kind == AVSC_UNION)
		return emit_union(c, t);
	const struct found *f = find(c);
	enum source src = source_of(t);
	uint32_t slot = f ? f->slot : NO_SLOT;
	bool event_time = is_event_time(c) && (src == SRC_NUMBER || src == SRC_TIME || t->kind == AVSC_STRING) &&
			  t->logical != LOGICAL_TIME_MILLIS && t->logical != LOGICAL_TIME_MICROS;
	if (slot != NO_SLOT && src != SRC_NULL && !counts[c->plan->slots[slot].type][src]) {
		if (c->plan->slots[slot].type != FIELD_NONE)
			emit(c, OP_OTHER, slot);
		slot = NO_SLOT;
	}
	if (t->kind == AVSC_RECORD) {
		if (!inside(c, t))
			return emit_fields(c, t);
		emit_call(c, t);
	} else if (t->kind == AVSC_ARRAY || t->kind == AVSC_MAP) {
		return emit_loop(c, t);
	} else if (src != SRC_NULL && (slot != NO_SLOT || event_time)) {
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

static int compile(struct compiler *c)
{
	const struct avsc_type *root = avsc_root(c->plan->schema);
	struct plan *p = c->plan;

	if (discover(c, root) || add_slots(c))
		return -1;
	if (c->must) { // a field of type null is null in every record
		uint8_t *filled = xcalloc(p->nslots + 1, 1);
		int rc = mark_filled(c, root, filled);

		for (struct map_entry *e = NULL; !rc && (e = map_next(&c->found, e));) {
			const struct found *f = e->value;

			if (f->rule && f->rule->not_null && !f->hidden && !filled[f->slot] &&
			    p->slots[f->slot].in_writer)
				always(c, VIOLATION_NULL, f->slot, "null");
		}
		free(filled);
		if (rc)
			return -1;
	}
	if (emit_type(c, root))
		return -1;
	emit(c, OP_END, 0);
	return emit_routines(c);
}

struct plan *plan_compile(const char *schema_json, size_t len, const struct plan_options *opt, struct error *err)
{
	struct plan *p = xcalloc(1, sizeof *p);
	struct compiler *c = xcalloc(1, sizeof *c);

	map_init(&p->paths);
	p->schema = avsc_parse(schema_json, len, err);
	if (!p->schema) {
		free(c);
		plan_free(p);
		return NULL;
	}
	p->record_name = xstrdup(avsc_root(p->schema)->name ? avsc_root(p->schema)->name : "");
	c->plan = p;
	c->opt = opt;
	c->err = err;
	map_init(&c->rules);
	map_init(&c->found);
	buf_adds(&c->path, "");
	for (size_t i = 0; i < opt->nrules; i++)
		map_puts(&c->rules, opt->rules[i].path, (void *)(uintptr_t)&opt->rules[i]);
	int rc = compile(c);
	map_release(&c->rules, NULL);
	map_release(&c->found, free);
	buf_release(&c->path);
	free(c->called);
	free(c->entry);
	free(c);
	if (rc) {
		plan_free(p);
		return NULL;
	}
	return p;
}

void plan_free(struct plan *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->nslots; i++) {
		free(p->slots[i].path);
		checks_free(p->checks[i]);
	}
	for (size_t i = 0; i < p->nleaves; i++) {
		free(p->leaves[i].lengths);
		free(p->leaves[i].breaks);
	}
	free(p->slots);
	free(p->checks);
	free(p->leaves);
	free(p->ops);
	free(p->where);
	free(p->targets);
	free(p->always);
	map_release(&p->paths, free);
	avsc_free(p->schema);
	free(p->record_name);
	free(p);
}

size_t plan_slots(const struct plan *p)
{
	return p->nslots;
}

const struct plan_slot *plan_slot(const struct plan *p, size_t slot)
{
	return &p->slots[slot];
}

const char *plan_record_name(const struct plan *p)
{
	return p->record_name;
}
