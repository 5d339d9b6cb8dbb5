// SPDX-License-Identifier: Apache-2.0
// Compiling takes two passes over the schema. The first finds the fields that are monitored and the types
// each is seen with (a field under a union may have several). Slots, checks and the breaches of every
// record follow from it. The second, in plan_emit.c, writes the opcodes.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/avsc_build.h"
#include "schema/compiler.h"
#include "schema/json_plan.h"
#include "util/xalloc.h"

#define MAX_STEPS 200000 // types visited by one compilation: a schema of shared types can unroll without end

// The type a field gets without a rule, by the first source that it is seen with.
static const enum field_type default_type[SOURCES] = {
    [SRC_NULL] = FIELD_NONE,  [SRC_NUMBER] = FIELD_NUMERIC, [SRC_STRING] = FIELD_CATEGORICAL,
    [SRC_BYTES] = FIELD_TEXT, [SRC_UUID] = FIELD_TEXT,	    [SRC_BOOL] = FIELD_BOOLEAN,
    [SRC_TIME] = FIELD_TIME,  [SRC_TEXT_TIME] = FIELD_TIME, [SRC_OPAQUE] = FIELD_NONE,
    [SRC_ANY] = FIELD_NONE,
};

static const bool can_count[FIELD_TYPES][SOURCES] = {
    [FIELD_NUMERIC] = {[SRC_NUMBER] = true, [SRC_TIME] = true},
    [FIELD_CATEGORICAL] =
	{[SRC_NUMBER] = true, [SRC_STRING] = true, [SRC_BYTES] = true, [SRC_UUID] = true, [SRC_BOOL] = true,
	 [SRC_TEXT_TIME] = true},
    [FIELD_BOOLEAN] = {[SRC_BOOL] = true},
    [FIELD_TEXT] = {[SRC_STRING] = true, [SRC_BYTES] = true, [SRC_UUID] = true, [SRC_TEXT_TIME] = true},
    [FIELD_TIME] = {[SRC_TIME] = true, [SRC_NUMBER] = true, [SRC_TEXT_TIME] = true},
    [FIELD_VECTOR] = {[SRC_OPAQUE] = true},
};

bool type_counts(const struct field_rule *r, enum field_type type, enum source src)
{
	bool written_out = type == FIELD_CATEGORICAL && (src == SRC_NUMBER || src == SRC_BOOL);

	return can_count[type][src] && (!written_out || !r || r->cast);
}

enum source source_of(const struct avsc_type *t)
{
	switch (t->kind) {
	case AVSC_NULL:
		return SRC_NULL;
	case AVSC_BOOLEAN:
		return SRC_BOOL;
	case AVSC_INT:
	case AVSC_LONG:
		return t->logical && t->logical != LOGICAL_UNSIGNED ? SRC_TIME : SRC_NUMBER;
	case AVSC_FLOAT:
	case AVSC_DOUBLE:
		return SRC_NUMBER;
	case AVSC_BYTES:
	case AVSC_FIXED:
		return t->logical == LOGICAL_UUID ? SRC_UUID : t->logical ? SRC_NUMBER : SRC_BYTES;
	case AVSC_STRING:
		return t->logical == LOGICAL_UUID ? SRC_UUID : t->logical ? SRC_TEXT_TIME : SRC_STRING;
	case AVSC_ANY:
		return SRC_ANY;
	case AVSC_ENUM:
		return SRC_STRING;
	default:
		return SRC_OPAQUE;
	}
}

int compile_step(struct compiler *c)
{
	if (++c->steps > MAX_STEPS)
		return error_set(c->err, "the schema has more than %d types when unrolled", MAX_STEPS);
	if (c->depth >= MAX_DEPTH)
		return error_set(c->err, "records are nested deeper than %d", MAX_DEPTH);
	return 0;
}

bool compile_inside(const struct compiler *c, const struct avsc_type *record)
{
	for (size_t i = c->base; i < c->depth; i++)
		if (c->stack[i] == record)
			return true;
	return false;
}

static bool rule_below(const struct compiler *c)
{
	size_t n = c->path.len;

	for (size_t i = 0; i < c->opt->nrules; i++) {
		const struct field_rule *r = &c->opt->rules[i];

		if (r->type != FIELD_NONE && !strncmp(r->path, c->path.data, n) && r->path[n] &&
		    strchr(".[{", r->path[n]))
			return true;
	}
	return false;
}

bool compile_follows(const struct compiler *c, const struct avsc_type *record)
{
	return !compile_inside(c, record) || (!c->routine && rule_below(c));
}

void compile_enter(struct compiler *c, const struct avsc_type *record)
{
	c->again += compile_inside(c, record);
	c->stack[c->depth++] = record;
}

void compile_leave(struct compiler *c)
{
	const struct avsc_type *record = c->stack[--c->depth];

	c->again -= compile_inside(c, record);
}

// The field's path; a type that is no record at the top is called "value".
const char *path_text(const struct compiler *c)
{
	return c->path.len ? c->path.data : "value";
}

// What the contract calls a field that it reads by an alias; else NULL.
static const char *reader_name(const struct compiler *c, const struct avsc_type *record,
			       const struct avsc_field *field)
{
	const struct avsc_type *reader = c->opt->reader ? avsc_reading_record(c->opt->reader, record) : NULL;
	const char *found = NULL;

	for (size_t i = 0; reader && i < reader->nfields; i++) {
		const struct avsc_field *f = &reader->fields[i];

		if (!strcmp(f->name, field->name))
			return NULL;
		if (!found && avsc_written_field(record, f) == field)
			found = f->name;
	}
	return found;
}

size_t path_push(struct compiler *c, const struct avsc_type *record, size_t field)
{
	const struct avsc_field *f = &record->fields[field];
	const char *other = reader_name(c, record, f);
	size_t before = c->path.len;

	if (before)
		buf_addc(&c->path, '.');
	size_t name = c->path.len;
	buf_adds(&c->path, f->name);
	if (other && !map_gets(&c->rules, c->path.data)) {
		path_pop(c, name);
		buf_adds(&c->path, other);
	}
	return before;
}

size_t path_push_element(struct compiler *c, const struct avsc_type *t)
{
	size_t before = c->path.len;

	if (!before)
		buf_adds(&c->path, "value");
	buf_adds(&c->path, t->kind == AVSC_ARRAY ? "[]" : "{}");
	return before;
}

int32_t path_element(struct compiler *c, const char *path)
{
	size_t n = strlen(path);

	while (n && path[n - 1] != ']' && path[n - 1] != '}')
		n--;
	if (!n)
		return -1;
	size_t known = (size_t)map_get(&c->elements, path, n);
	if (!known) {
		known = ++c->plan->nelements;
		map_put(&c->elements, path, n, (void *)known);
	}
	return (int32_t)known - 1;
}

void path_pop(struct compiler *c, size_t before)
{
	c->path.len = before;
	c->path.data[before] = 0;
}

struct found *path_found(const struct compiler *c, const struct avsc_type *t)
{
	if (c->routine || (t->kind == AVSC_RECORD && !c->path.len))
		return NULL;
	return map_gets(&c->found, path_text(c));
}

bool path_is_event_time(const struct compiler *c)
{
	return !c->routine && c->element < 0 && c->opt->event_time &&
	       !strcmp(c->opt->event_time, path_text(c));
}

static bool ignored_above(const struct compiler *c, const char *path)
{
	for (const char *at = strpbrk(path, ".[{"); at; at = strpbrk(at + 1, ".[{")) {
		const struct field_rule *r = map_get(&c->rules, path, (size_t)(at - path));

		if (r && (r->type == FIELD_NONE || r->type == FIELD_VECTOR))
			return true;
	}
	return false;
}

static struct found *found_add(struct compiler *c, const char *path, const struct field_rule *rule)
{
	struct found *f = xcalloc(1, sizeof *f);

	f->rule = rule;
	f->slot = NO_SLOT;
	f->element = path_element(c, path);
	map_puts(&c->found, path, f);
	return f;
}

bool compile_encrypted(const struct compiler *c, const struct avsc_field *f)
{
	bool found = c->rule_set.encrypts_all;

	for (size_t i = 0; i < c->rule_set.nencrypted; i++)
		found |= avsc_notes_tagged(&f->notes, c->rule_set.encrypted[i]);
	return found;
}

// A type seen at the path in hand.
static void note(struct compiler *c, enum source src)
{
	const char *path = path_text(c);
	struct found *f = map_gets(&c->found, path);

	if (!f) {
		const struct field_rule *r = map_gets(&c->rules, path);
		bool all = vector_around(c, path) || (c->opt->all_fields && !path_is_event_time(c) && !ignored_above(c, path));
		bool want = r ? r->type != FIELD_NONE
			      : all && !c->again && src != SRC_OPAQUE && src != SRC_NULL && src != SRC_ANY;

		if (!want)
			return;
		f = found_add(c, path, r);
	}
	f->encrypted |= c->field && compile_encrypted(c, c->field);
	f->secret |= c->secret || f->encrypted;
	if (!(f->seen & ~(1u << SRC_NULL | 1u << SRC_ANY)))
		f->first = src;
	f->seen |= 1u << src;
}

// Below what is redacted a name that records taught is as good as a value: it is no field, unless a rule names it.
static bool hides_name(struct compiler *c, const struct avsc_type *t)
{
	const char *path = path_text(c);
	bool below = false;

	for (size_t i = 0; t->kind == AVSC_ANY && t->size && i < c->opt->nredact; i++)
		below |= path_within(path, c->opt->redact[i]) && strcmp(path, c->opt->redact[i]) != 0;
	for (size_t i = 0; below && i < c->opt->nrules; i++)
		below = !path_within(c->opt->rules[i].path, path);
	return below;
}

static int discover(struct compiler *c, const struct avsc_type *t)
{
	if (compile_step(c))
		return -1;
	if (hides_name(c, t))
		return 0;
	if (t->kind == AVSC_ANY)
		note(c, SRC_ANY);
	if (t->kind == AVSC_UNION || t->kind == AVSC_ANY) {
		for (size_t i = 0; i < t->nparts; i++)
			if (discover(c, t->parts[i]))
				return -1;
		return 0;
	}
	if (t->kind != AVSC_RECORD || c->path.len)
		note(c, source_of(t));
	if (t->kind == AVSC_ARRAY || t->kind == AVSC_MAP) {
		int32_t around = c->element;
		size_t before = path_push_element(c, t);

		c->element = path_element(c, path_text(c));
		if (discover(c, t->parts[0]))
			return -1;
		c->element = around;
		path_pop(c, before);
	} else if (t->kind == AVSC_RECORD && compile_follows(c, t)) {
		compile_enter(c, t);
		for (size_t i = 0; i < t->nfields; i++) {
			const struct avsc_field *around = c->field;
			const size_t secret = avsc_notes_tagged(&t->fields[i].notes, "PII");
			size_t before = path_push(c, t, i);

			c->field = &t->fields[i];
			c->secret += secret;
			if (discover(c, t->fields[i].type))
				return -1;
			c->secret -= secret;
			c->field = around;
			path_pop(c, before);
		}
		compile_leave(c);
	}
	return 0;
}

static void always(struct compiler *c, enum violation_kind kind, uint32_t slot, const char *why)
{
	struct plan *p = c->plan;

	GROW(p->always, p->nalways, p->capalways);
	p->always[p->nalways++] =
	    (struct breach){.kind = kind, .slot = (int32_t)slot, .why = xasprintf("%.100s: %s", p->slots[slot].path, why),
			    .schema = kind == VIOLATION_MISSING_FIELD || kind == VIOLATION_WRONG_TYPE};
}

static int add_slot(struct compiler *c, const char *path, struct found *f, bool in_writer)
{
	struct plan *p = c->plan;
	const struct field_rule *r = f->rule;
	uint32_t slot = f->slot = (uint32_t)p->nslots;
	// A number beside other types makes the field numeric, in whatever order the branches stand.
	enum source first = f->seen >> SRC_NUMBER & 1 ? SRC_NUMBER : f->first;
	enum field_type type = r && r->type != FIELD_TYPES ? r->type : default_type[first];
	const bool redacted = path_redacted(path, c->opt->redact, c->opt->nredact);
	struct checks *k = NULL;

	if ((redacted && type == FIELD_CATEGORICAL) || f->encrypted) // of ciphertext that it is there, and its size
		type = FIELD_TEXT;
	if (r && !f->encrypted && checks_judge(r) && !(k = checks_new(r, c->err)))
		return -1;
	GROW(p->slots, p->nslots, p->capslots);
	p->checks = xrealloc(p->checks, p->capslots * sizeof *p->checks);
	p->slots[slot] = (struct plan_slot){.path = xstrdup(path), .type = type, .in_writer = in_writer, .redacted = redacted || f->secret,
					    .encrypted = f->encrypted, .element = f->element, .part_of = -1};
	p->checks[slot] = k;
	p->nslots++;
	if (!r)
		return 0;
	c->must |= r->not_null;
	if (!in_writer) {
		if (r->required)
			always(c, VIOLATION_MISSING_FIELD, slot, "not in the writer's schema");
		else if (r->not_null && f->element < 0)
			always(c, VIOLATION_NULL, slot, "not in the writer's schema");
		return 0;
	}
	if (r->required && r->type != FIELD_TYPES && !f->encrypted) {
		bool fits = f->seen >> SRC_ANY & 1; // each record tells

		for (int s = 0; s < SOURCES; s++)
			fits |= f->seen >> s & type_counts(r, type, (enum source)s);
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
	vectors_join(c);
	return 0;
}

int mark_filled(struct compiler *c, const struct avsc_type *t, uint8_t *filled)
{
	if (compile_step(c))
		return -1;
	if (t->kind == AVSC_UNION) {
		for (size_t i = 0; i < t->nparts; i++)
			if (mark_filled(c, t->parts[i], filled))
				return -1;
		return 0;
	}
	const struct found *f = path_found(c, t);
	if (f && t->kind != AVSC_NULL && f->rule && f->rule->not_null)
		filled[f->slot] = 1;
	if (t->kind != AVSC_RECORD || !compile_follows(c, t))
		return 0;
	compile_enter(c, t);
	for (size_t i = 0; i < t->nfields; i++) {
		size_t before = path_push(c, t, i);

		if (mark_filled(c, t->fields[i].type, filled))
			return -1;
		path_pop(c, before);
	}
	compile_leave(c);
	return 0;
}

static int compile(struct compiler *c)
{
	const struct avsc_type *root = avsc_root(c->plan->schema);
	struct plan *p = c->plan;

	if (p->schema->json)
		json_plan_seed(c);
	if (discover(c, root) || add_slots(c) || rules_discover(c))
		return -1;
	if (p->schema->json)
		return json_plan_make(c);
	if (c->must) { // a field of type null is null in every record
		uint8_t *filled = xcalloc(p->nslots + 1, 1);
		int rc = mark_filled(c, root, filled);

		for (struct map_entry *e = NULL; !rc && (e = map_next(&c->found, e));) {
			const struct found *f = e->value;

			if (f->rule && f->rule->not_null && f->element < 0 && !filled[f->slot] &&
			    p->slots[f->slot].in_writer)
				always(c, VIOLATION_NULL, f->slot, "null");
		}
		free(filled);
		if (rc)
			return -1;
	}
	return plan_emit(c);
}

static int compile_all(struct plan *p, const struct plan_options *opt, struct error *err)
{
	struct compiler *c = xcalloc(1, sizeof *c);

	c->plan = p;
	c->opt = opt;
	rule_set_read(&c->rule_set, p->rule_set);
	p->opaque = c->rule_set.encrypts_payload;
	c->err = err;
	c->element = -1;
	map_init(&p->paths);
	map_init(&c->elements);
	map_init(&c->rules);
	map_init(&c->found);
	buf_adds(&c->path, "");
	for (size_t i = 0; i < opt->nrules; i++)
		map_puts(&c->rules, opt->rules[i].path, (void *)(uintptr_t)&opt->rules[i]);
	int rc = compile(c);
	rules_forget(c);
	rule_set_release(&c->rule_set);
	map_release(&c->rules, NULL);
	map_release(&c->found, free);
	map_release(&c->elements, NULL);
	buf_release(&c->path);
	free(c->called);
	free(c->entry);
	free(c);
	return rc;
}

struct plan *plan_compile(const struct schema_text *schema, const struct plan_options *opt, struct error *err)
{
	struct avsc *types = avsc_parse(schema, err);

	if (!types)
		return NULL;
	struct plan *p = xcalloc(1, sizeof *p);
	p->schema = types;
	p->record_name = xstrdup(avsc_record_name(types));
	p->rule_set = xstrdup(schema->rule_set);
	p->proto = types->proto;
	p->message = types->message;
	if (compile_all(p, opt, err)) {
		plan_free(p);
		return NULL;
	}
	return p;
}

// All but the schema and its rule set.
static void release(struct plan *p)
{
	json_plan_free(p->json, p->nslots);
	for (size_t i = 0; i < p->nslots; i++) {
		free(p->slots[i].path);
		checks_free(p->checks[i]);
	}
	for (size_t i = 0; i < p->nleaves; i++) {
		free(p->leaves[i].lengths);
		free(p->leaves[i].breaks);
	}
	rules_release(p);
	free(p->slots);
	free(p->checks);
	free(p->leaves);
	free(p->ops);
	free(p->where);
	free(p->targets);
	for (size_t i = 0; i < p->nalways; i++)
		free((char *)p->always[i].why);
	free(p->always);
	map_release(&p->paths, free);
	free(p->record_name);
}

int plan_learn(struct plan *p, const struct plan_options *opt, const struct record_values *r, struct error *err)
{
	struct plan next = {.schema = p->schema, .record_name = xstrdup(p->record_name),
			    .rule_set = p->rule_set};

	if (json_learn(p->schema, json_scratch_tape(r->json)) && !compile_all(&next, opt, err)) {
		release(p);
		*p = next;
		return 0;
	}
	release(&next);
	p->schema->nlearned = JSON_MAX_LEARNED;
	return error_set(err, "no more fields can be learned");
}

bool plan_full(const struct plan *p)
{
	return p->schema->nlearned >= JSON_MAX_LEARNED;
}

size_t plan_unchecked(const struct plan *p, char ***out)
{
	if (!p->json)
		return 0;
	*out = p->schema->json->unchecked;
	return p->schema->json->nunchecked;
}

void plan_free(struct plan *p)
{
	if (!p)
		return;
	release(p);
	avsc_free(p->schema);
	free(p->rule_set);
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

bool plan_opaque(const struct plan *p)
{
	return p->opaque;
}

size_t plan_rules(const struct plan *p)
{
	return p->nrules;
}

const struct plan_rule *plan_rule(const struct plan *p, size_t i)
{
	return &p->rules[i];
}

const char *plan_record_name(const struct plan *p)
{
	return p->record_name;
}
