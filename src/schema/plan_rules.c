// SPDX-License-Identifier: Apache-2.0
// Finding and placing rules takes a pass over the schema of its own, and only where there are any. Each rule is
// parsed, what it refers to is looked up in the schema from where it stands, and what cannot be had makes it an
// unsupported one, by name and reason.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/rule_refs.h"
#include "util/xalloc.h"

struct rule_text {
	const char *name, *expr, *doc;
};

static void list_rule(struct compiler *c, const struct rule_text *r, const char *path, const char *reason)
{
	struct plan *p = c->plan;

	GROW(p->rules, p->nrules, p->caprules);
	p->rules[p->nrules++] = (struct plan_rule){xstrdup(r->name), xstrdup(r->expr ? r->expr : ""), xstrdup(path), !reason,
						   xstrdup(reason ? reason : "")};
}

static void group_name(const struct compiler *c, const struct avsc_type *record, struct buf *out)
{
	buf_add(out, c->path.data, c->path.len + 1);
	buf_add(out, &record, sizeof record);
}

static struct group_key *group_find(const struct compiler *c, const struct avsc_type *record)
{
	struct buf name = BUF_INIT;

	group_name(c, record, &name);
	struct group_key *k = map_get(&c->rules_found->groups, name.data, name.len);
	buf_release(&name);
	return k;
}

static uint32_t group_at(struct compiler *c, const struct avsc_type *record)
{
	struct group_key *k = group_find(c, record);
	struct plan *p = c->plan;
	struct buf name = BUF_INIT;

	if (k)
		return k->index;
	k = xcalloc(1, sizeof *k);
	*k = (struct group_key){record, xstrdup(c->path.data), c->element, (uint32_t)p->ngroups};
	group_name(c, record, &name);
	map_put(&c->rules_found->groups, name.data, name.len, k);
	buf_release(&name);
	GROW(p->groups, p->ngroups, p->capgroups);
	p->groups[p->ngroups] = (struct rule_group){0};
	return (uint32_t)p->ngroups++;
}

static int32_t slot_of(const struct compiler *c, const char *path)
{
	const struct found *f = map_gets(&c->found, path);

	return f && f->slot != NO_SLOT ? (int32_t)f->slot : -1;
}

static void put_rule(struct compiler *c, const struct stand *s, const struct rule_text *r, struct expr *guard, struct expr *e,
		     const char *path)
{
	struct plan *p = c->plan;
	const uint32_t group = group_at(c, s->record);
	struct rule_group *g = &p->groups[group];
	struct operand_found self = {0};
	struct placed_rule placed = {.name = rule_text_kept(c, xstrdup(r->name)), .guard = guard, .expr = e, .self_type = s->type,
				     .slot = *path ? slot_of(c, path) : -1};
	int rc = -1;

	if (!s->record)
		rc = operand_of_element(c, s->value, "", &self);
	else if (s->field != SIZE_MAX)
		rc = operand_of_field(c, s->record, s->field, "", &self);
	placed.self = rc ? 0 : self.operand + 1;
	placed.why = xasprintf("%.80s: %.400s", *path ? path : "the record", r->doc ? r->doc : r->expr);
	GROW(p->placed, p->nplaced, p->capplaced);
	p->placed[p->nplaced] = placed;
	g->rules = xrealloc(g->rules, (g->nrules + 1) * sizeof *g->rules);
	g->rules[g->nrules++] = (uint32_t)p->nplaced++;
}

// A guard that asks only what is known of the field beforehand is decided now, and gone. False: no such field.
static bool guard_holds(struct expr **guard, struct error *err)
{
	struct buf scratch = BUF_INIT;
	const char *why;
	const enum expr_verdict verdict = expr_eval(*guard, NULL, &scratch, &why);

	if (verdict == EXPR_ERROR)
		error_set(err, "its guard fails: %s", why);
	expr_free(*guard);
	*guard = NULL;
	buf_release(&scratch);
	return verdict != EXPR_FALSE && verdict != EXPR_NULL;
}

static void place(struct compiler *c, const struct stand *s, const struct rule_text *r)
{
	const char *semicolon = s->about || (s->self && !strcmp(s->self, "message")) ? strchr(r->expr ? r->expr : "", ';') : NULL;
	char *guard_text = semicolon ? xstrndup(r->expr, (size_t)(semicolon - r->expr)) : NULL;
	struct error err = ERROR_INIT;
	struct expr *guard = NULL, *e = NULL;
	char *path = xstrdup(s->breach ? s->breach : c->path.data);

	if (s->record && s->field != SIZE_MAX) {
		const size_t before = path_push(c, s->record, s->field);

		free(path);
		path = xstrdup(c->path.data);
		path_pop(c, before);
	}
	if (!r->expr)
		error_set(&err, "it has no expression");
	if (guard_text && guard_text[strspn(guard_text, " \t\r\n")])
		guard = expr_prepare(c, s, guard_text, &err);
	if (!err.set)
		e = expr_prepare(c, s, semicolon ? semicolon + 1 : r->expr, &err);
	if (guard && expr_is_const(guard) && !guard_holds(&guard, &err)) {
		expr_free(e); // it asks for fields of another kind
	} else if (s->lacks && *s->lacks) {
		expr_free(guard);
		expr_free(e);
	} else {
		if (e && !err.set)
			put_rule(c, s, r, guard, e, path);
		else
			expr_free(guard);
		list_rule(c, r, path, err.set ? err.text : NULL);
	}
	free(guard_text);
	free(path);
}

// The kinds that the registry's clients call primitive, by the names that they have there.
static const char *primitive_name(const struct avsc_type *t, enum cel_type *type)
{
	static const struct {
		const char *name;
		enum cel_type type;
	} kinds[AVSC_KINDS] = {
	    [AVSC_BOOLEAN] = {"BOOLEAN", CEL_BOOL}, [AVSC_INT] = {"INT", CEL_INT},	[AVSC_LONG] = {"LONG", CEL_INT},
	    [AVSC_FLOAT] = {"FLOAT", CEL_DOUBLE},   [AVSC_DOUBLE] = {"DOUBLE", CEL_DOUBLE}, [AVSC_BYTES] = {"BYTES", CEL_BYTES},
	    [AVSC_STRING] = {"STRING", CEL_STRING},
	};

	*type = kinds[t->kind].type;
	return kinds[t->kind].name;
}

static bool for_field(const struct domain_rule *r, const struct avsc_field *f)
{
	bool all = !r->ntags;

	for (size_t i = 0; i < r->ntags; i++)
		all |= avsc_notes_tagged(&f->notes, r->tags[i]);
	return all;
}

// The rule set's rules for a field of type t, or for an element of it.
static void place_domain(struct compiler *c, struct stand s, const struct avsc_type *t)
{
	const struct rule_set *set = &c->rule_set;

	if (t->kind == AVSC_UNION || t->kind == AVSC_ANY) {
		for (size_t i = 0; i < t->nparts; i++)
			place_domain(c, s, t->parts[i]);
		return;
	}
	s.type_name = primitive_name(t, &s.type);
	s.self = "value";
	for (size_t i = 0; s.type_name && i < set->nrules; i++) {
		const struct domain_rule *r = &set->rules[i];

		if (r->is == DOMAIN_CEL_FIELD && for_field(r, s.about))
			place(c, &s, &(struct rule_text){r->name, r->expr, r->doc});
	}
}

static int walk(struct compiler *c, const struct avsc_type *t, const struct avsc_type *owner, const struct avsc_field *field);

static void place_notes(struct compiler *c, const struct avsc_notes *notes, const struct stand *s)
{
	for (size_t i = 0; i < notes->nrules; i++) {
		const struct avsc_rule *r = &notes->rules[i];
		const struct rule_text text = {r->name, r->expr, r->doc};

		if (r->branch)
			list_rule(c, &text, c->path.data, "it stands in one of several schemas (anyOf, oneOf, if)");
		else
			place(c, s, &text);
	}
}

static int walk_record(struct compiler *c, const struct avsc_type *t)
{
	compile_enter(c, t);
	place_notes(c, &t->notes, &(struct stand){.record = t, .field = SIZE_MAX, .self = "this"});
	for (size_t i = 0; i < t->nfields; i++) {
		const struct avsc_field *f = &t->fields[i];

		place_notes(c, &f->notes, &(struct stand){.record = t, .field = i, .self = "this"});
		place_domain(c, (struct stand){.record = t, .field = i, .about = f, .owner = t}, f->type);
		const size_t before = path_push(c, t, i);
		if (walk(c, f->type, t, f))
			return -1;
		path_pop(c, before);
	}
	compile_leave(c);
	return 0;
}

static void list_recursive(struct compiler *c, const struct avsc_type *t)
{
	char reason[200];
	size_t n = t->notes.nrules;

	for (size_t i = 0; i < t->nfields; i++)
		n += t->fields[i].notes.nrules;
	snprintf(reason, sizeof reason, "%.100s lies within itself: only its outermost record is judged", t->name);
	for (size_t i = 0; n && i <= t->nfields; i++) {
		const struct avsc_notes *notes = i ? &t->fields[i - 1].notes : &t->notes;

		for (size_t k = 0; k < notes->nrules; k++)
			list_rule(c, &(struct rule_text){notes->rules[k].name, notes->rules[k].expr, NULL}, c->path.data, reason);
	}
}

// `field` of `owner`: the one around the value in hand.
static int walk(struct compiler *c, const struct avsc_type *t, const struct avsc_type *owner, const struct avsc_field *field)
{
	if (compile_step(c))
		return -1;
	if (t->kind == AVSC_UNION || t->kind == AVSC_ANY) {
		for (size_t i = 0; i < t->nparts; i++)
			if (walk(c, t->parts[i], owner, field))
				return -1;
	} else if (t->kind == AVSC_ARRAY || t->kind == AVSC_MAP) {
		const int32_t around = c->element;
		const size_t before = path_push_element(c, t);

		c->element = path_element(c, c->path.data);
		if (field)
			place_domain(c, (struct stand){.field = SIZE_MAX, .value = t->parts[0], .about = field, .owner = owner},
				     t->parts[0]);
		if (walk(c, t->parts[0], owner, field))
			return -1;
		c->element = around;
		path_pop(c, before);
	} else if (t->kind == AVSC_RECORD) {
		if (compile_follows(c, t))
			return walk_record(c, t);
		list_recursive(c, t);
	}
	return 0;
}

// The record that a type is, or the only one among its branches.
static const struct avsc_type *record_of(const struct avsc_type *t)
{
	const struct avsc_type *found = NULL;

	if (t->kind == AVSC_RECORD)
		return t;
	for (size_t i = 0; (t->kind == AVSC_UNION || t->kind == AVSC_ANY) && i < t->nparts; i++) {
		const struct avsc_type *part = record_of(t->parts[i]);

		if (part && found)
			return NULL;
		found = part ? part : found;
	}
	return found;
}

static void place_whole(struct compiler *c, const struct avsc_type *root)
{
	const struct rule_set *set = &c->rule_set;
	struct stand s = {.record = root, .field = SIZE_MAX, .self = "message"};
	const bool is_record = root->kind == AVSC_RECORD;

	if (is_record)
		compile_enter(c, root);
	for (size_t i = 0; i < set->nrules; i++) {
		const struct domain_rule *r = &set->rules[i];
		const struct rule_text text = {r->name, r->expr, r->doc};
		char reason[200];

		snprintf(reason, sizeof reason, "rules of type %.100s are not supported", r->type);
		if (r->is == DOMAIN_OTHER)
			list_rule(c, &text, "", reason);
		else if (r->is == DOMAIN_CEL && is_record)
			place(c, &s, &text);
		else if (r->is == DOMAIN_CEL)
			list_rule(c, &text, "", "the schema is no record");
	}
	for (size_t i = 0; i < c->opt->nrecord_rules; i++) {
		const struct record_rule *r = &c->opt->record_rules[i];
		const struct rule_text text = {r->name, r->expr, NULL};
		bool lacks = false;

		s = (struct stand){.record = root, .field = SIZE_MAX, .lenient = true, .breach = r->field,
				   .lacks = c->opt->one_of_types ? &lacks : NULL};
		if (is_record)
			place(c, &s, &text);
		else
			list_rule(c, &text, "", "the schema is no record");
	}
	if (is_record)
		compile_leave(c);
}

static void add_reset(struct rule_group *g, uint32_t operand, enum cel_type type)
{
	g->resets = xrealloc(g->resets, (g->nresets + 1) * sizeof *g->resets);
	g->resets[g->nresets++] = (struct operand_reset){operand, type};
}

// A record gives null to what it holds and is one itself; the whole, and each element, first takes away what lies
// deeper, for a record there may be null.
static void fill_group(struct compiler *c, const struct group_key *k)
{
	struct rule_group *g = &c->plan->groups[k->index];
	const bool whole = !k->record || !*k->path;

	for (struct map_entry *e = NULL; (e = map_next(&c->rules_found->operands, e));) {
		const struct operand *o = e->value;
		const bool held = !strcmp(o->parent, k->path) && !(o->itself && k->record);

		if (o->element != k->element)
			continue;
		if (held)
			add_reset(g, o->index, CEL_NULL);
		else if (whole)
			add_reset(g, o->index, CEL_ABSENT);
		else if (k->record && !strcmp(e->key, k->path))
			add_reset(g, o->index, CEL_RECORD);
	}
}

// A group for every record and element that holds an operand, whether or not a rule stands there.
static int walk_groups(struct compiler *c, const struct avsc_type *t)
{
	if (compile_step(c))
		return -1;
	if (t->kind == AVSC_UNION || t->kind == AVSC_ANY) {
		for (size_t i = 0; i < t->nparts; i++)
			if (walk_groups(c, t->parts[i]))
				return -1;
	} else if (t->kind == AVSC_ARRAY || t->kind == AVSC_MAP) {
		const int32_t around = c->element;
		const size_t before = path_push_element(c, t);

		c->element = path_element(c, c->path.data);
		group_at(c, NULL);
		if (walk_groups(c, t->parts[0]))
			return -1;
		c->element = around;
		path_pop(c, before);
	} else if (t->kind == AVSC_RECORD && compile_follows(c, t)) {
		group_at(c, t);
		compile_enter(c, t);
		for (size_t i = 0; i < t->nfields; i++) {
			const size_t before = path_push(c, t, i);

			if (walk_groups(c, t->fields[i].type))
				return -1;
			path_pop(c, before);
		}
		compile_leave(c);
	}
	return 0;
}

int rules_discover(struct compiler *c)
{
	const struct avsc_type *root = avsc_root(c->plan->schema);
	struct rules_compile *rc = xcalloc(1, sizeof *rc);

	c->rules_found = rc;
	map_init(&rc->operands);
	map_init(&rc->groups);
	if (!avsc_has_rules(c->plan->schema) && !c->rule_set.nrules && !c->opt->nrecord_rules)
		return 0;
	place_whole(c, record_of(root) ? record_of(root) : root);
	if (walk(c, root, NULL, NULL) || (rc->operands.count && walk_groups(c, root)))
		return -1;
	for (struct map_entry *e = NULL; (e = map_next(&rc->groups, e));)
		fill_group(c, e->value);
	return 0;
}

static void operand_free(void *v)
{
	struct operand *o = v;

	free(o->parent);
	free(o);
}

static void group_free(void *v)
{
	struct group_key *k = v;

	free(k->path);
	free(k);
}

void rules_forget(struct compiler *c)
{
	struct rules_compile *rc = c->rules_found;

	if (!rc)
		return;
	map_release(&rc->operands, operand_free);
	map_release(&rc->groups, group_free);
	free(rc);
}

uint32_t rules_operand(const struct compiler *c)
{
	const struct operand *o = c->routine ? NULL : map_gets(&c->rules_found->operands, c->path.data);

	return o ? o->index + 1 : 0;
}

uint32_t rules_group(const struct compiler *c, const struct avsc_type *record)
{
	const struct group_key *k = c->routine ? NULL : group_find(c, record);
	const struct rule_group *g = k ? &c->plan->groups[k->index] : NULL;

	return g && (g->nresets || g->nrules) ? k->index : NO_GROUP;
}

void rules_release(struct plan *p)
{
	for (size_t i = 0; i < p->nplaced; i++) {
		expr_free(p->placed[i].guard);
		expr_free(p->placed[i].expr);
		free(p->placed[i].why);
	}
	for (size_t i = 0; i < p->ngroups; i++) {
		free(p->groups[i].resets);
		free(p->groups[i].rules);
	}
	for (size_t i = 0; i < p->nrules; i++) {
		free(p->rules[i].name);
		free(p->rules[i].expr);
		free(p->rules[i].path);
		free(p->rules[i].reason);
	}
	free(p->placed);
	free(p->groups);
	free(p->rules);
}
