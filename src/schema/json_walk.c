// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>

#include "schema/avsc_build.h"
#include "schema/json_check.h"
#include "schema/json_keys.h"
#include "schema/json_plan.h"
#include "schema/leaf.h"
#include "schema/plan_tree.h"
#include "util/xalloc.h"

struct json_scratch {
	struct json_dom *dom;
	struct json_tape tape;
	uint64_t *present; // by slot: how often it had a value; only where some must have
	size_t cappresent;
	uint64_t *seen; // keys of the objects around, a bit each
	size_t nseen, capseen;
};

// What is around a value, for the words of a breach.
struct around {
	const struct around *up;
	const char *key; // of the schema, "[]" or "{}"; NULL: the record
};

struct json_walk {
	struct walk w;
	struct json_scratch *s;
	const struct json_tape *t;
	const struct json_plan *plan;
	bool counting; // false: the values were handed out, and only the schema is judged
};

#define BRANCHES                                                                                             \
	(1u << JSK_ANY_OF | 1u << JSK_ONE_OF | 1u << JSK_NOT | 1u << JSK_THEN | 1u << JSK_ELSE)
#define VALUES ((1u << JSK_MIN_ITEMS) - 1)
#define WHOLE                                                                                                \
	(1u << JSK_MIN_ITEMS | 1u << JSK_MAX_ITEMS | 1u << JSK_UNIQUE_ITEMS | 1u << JSK_CONTAINS |           \
	 1u << JSK_MIN_PROPERTIES | 1u << JSK_MAX_PROPERTIES | 1u << JSK_PROPERTY_NAMES | 1u << JSK_DEPENDENT)

void json_scratch_free(struct json_scratch *s)
{
	if (!s)
		return;
	json_dom_free(s->dom);
	free(s->present);
	free(s->seen);
	free(s);
}

const struct json_tape *json_scratch_tape(const struct json_scratch *s)
{
	return &s->tape;
}

// --- breaches -------------------------------------------------------------------------------------------

static size_t write_path(const struct around *a, char *out, size_t n)
{
	size_t at = a->up ? write_path(a->up, out, n) : 0;

	if (!a->key || at + 2 >= n)
		return at;
	int k = snprintf(out + at, n - at, "%s%s", at && !strchr("[{", *a->key) ? "." : "", a->key);
	return at + (size_t)k < n ? at + (size_t)k : n - 1;
}

static void breach(struct json_walk *j, const struct tree *t, const struct js *s, enum js_keyword k,
		   const struct around *a)
{
	struct record_values *out = j->w.out;
	const enum violation_kind kind = js_keywords[k].kind;
	const uint32_t slot = t ? t->slot : NO_SLOT;
	uint32_t *broken = &out->broken[slot == NO_SLOT ? j->w.plan->nslots : slot];
	char path[100];

	if (*broken >> kind & 1)
		return;
	*broken |= 1u << kind;
	const bool first = !out->nbreaches;
	if (first) {
		path[write_path(a, path, sizeof path)] = 0;
		snprintf(out->detail, sizeof out->detail, "%.90s: %.60s", *path ? path : "the record", s->why[k]);
	}
	out->breaches[out->nbreaches++] = (struct breach){
	    .kind = kind,
	    .slot = slot == NO_SLOT ? -1 : (int32_t)slot,
	    .why = first ? NULL : s->why[k],
	    .rule = kind == VIOLATION_RULE ? js_keywords[k].name : NULL,
	};
}

static void breaches(struct json_walk *j, const struct tree *t, const struct js *s, unsigned broken, const struct around *a)
{
	for (; broken; broken &= broken - 1)
		breach(j, t, s, (enum js_keyword)__builtin_ctz(broken), a);
}

// --- values ---------------------------------------------------------------------------------------------

static void other_type(struct json_walk *j, const struct tree *t, int shape)
{
	if (j->w.plan->slots[t->slot].type != FIELD_NONE)
		add_value(&j->w, t->slot, VALUE_OTHER);
	if (t->wrong >> shape & 1)
		add_breach(&j->w, VIOLATION_WRONG_TYPE, t->slot, "a value of another type than the field has");
}

static inline void take_plain(struct walk *w, uint32_t slot, const struct json_tape *tape, size_t at, enum shape shape)
{
	size_t n;

	if (shape == SHAPE_TEXT) {
		const char *s = tape_text(tape, at, &n);

		add_text(w, slot, s, n);
	} else {
		add_value(w, slot, shape == SHAPE_BOOL ? VALUE_BOOL : VALUE_NUMBER)->num =
		    shape == SHAPE_BOOL ? tape_kind(tape->words[at]) == 't' : tape_number(tape, at);
	}
}

static void take_scalar(struct json_walk *j, const struct tree *t, size_t at, enum shape shape)
{
	const struct json_tape *tape = j->t;
	const uint64_t word = tape->words[at + (shape == SHAPE_NUMBER)];
	struct walk *w = &j->w;
	const int32_t i = t->leaf[shape];
	size_t n;

	if (i < 0) {
		if (t->slot != NO_SLOT)
			other_type(j, t, (int)shape);
		if (t->open && !t->shapes)
			json_met(w->plan, t, "x", 1, w->out);
		return;
	}
	const struct leaf *l = &w->plan->leaves[i];
	if (l->slot == NO_SLOT && t->slot != NO_SLOT && !l->event_time) // a rule reads it
		other_type(j, t, (int)shape);
	if (shape == SHAPE_TEXT) {
		const char *s = tape_text(tape, at, &n);

		leaf_string(w, l, (const uint8_t *)s, n);
	} else if (shape == SHAPE_BOOL) {
		leaf_bool(w, l, tape_kind(tape->words[at]) == 't');
	} else if (tape_kind(tape->words[at]) == 'l') {
		leaf_integer(w, l, (int64_t)word);
	} else {
		leaf_real(w, l, tape_number(tape, at), false);
	}
}

static void take_container(struct json_walk *j, const struct tree *t, bool is_array)
{
	const bool known = is_array ? t->items != NULL : t->nchildren || t->values || t->record;

	const bool vector = is_array && t->slot != NO_SLOT && j->w.plan->slots[t->slot].type == FIELD_VECTOR;

	if (t->slot != NO_SLOT && !vector)
		other_type(j, t, SHAPES);
	if (t->open && !known)
		json_met(j->w.plan, t, "x", 1, j->w.out);
}

// --- a pass over the tape, which gives the word behind the value; 0 with w.why set: a key stands twice ----

static size_t visit_container(struct json_walk *j, size_t at, const struct tree *t, const struct js *s,
			      const struct around *a);
static size_t visit(struct json_walk *j, size_t at, const struct tree *t, const struct js *s, const struct around *a);

static void judge(struct json_walk *j, size_t at, const struct tree *t, const struct js *s, unsigned kind, const struct around *a)
{
	if (s->never) {
		breach(j, t, s, JSK_FALSE, a);
		return;
	}
	if (s->checks & VALUES)
		breaches(j, t, s, js_value_breaks(s, j->t, at, kind), a);
	if (s->checks & BRANCHES)
		breaches(j, t, s, js_branches_break(s, j->t, at), a);
	for (size_t i = 0; i < s->all.n; i++) { // whose own breaches say more than that one of them does not hold
		const bool counting = j->counting;

		j->counting = false;
		visit(j, at, t, s->all.items[i], a);
		j->counting = counting;
	}
}

// Most schemas of most values ask no more than a type, and have it.
static inline bool only_its_type(const struct js *s, char kind)
{
	static const uint8_t bits[256] = {
	    ['n'] = JS_NULL, ['t'] = JS_BOOL, ['f'] = JS_BOOL, ['l'] = JS_INTEGER, ['u'] = JS_INTEGER, ['d'] = JS_NUMBER,
	    ['"'] = JS_STRING, ['['] = JS_ARRAY, ['{'] = JS_OBJECT};

	return s->checks == 1u << JSK_TYPE && s->types & bits[(uint8_t)kind];
}

// Scalars, which most values are, without a call.
static inline __attribute__((always_inline)) size_t visit_here(struct json_walk *j, size_t at, const struct tree *t,
								const struct js *s, const struct around *a)
{
	const char kind = tape_kind(j->t->words[at]);

	for (; s && s->null_or; s = s->null_or)
		if (kind == 'n')
			return at + 1;
	if (s && !only_its_type(s, kind) && s->checks | s->never)
		judge(j, at, t, s, js_kind(j->t, at, s->whole_text), a);
	if (t && j->counting && kind != 'n' && t->slot != NO_SLOT && j->plan->must)
		j->s->present[t->slot]++;
	if (kind == '{' || kind == '[')
		return visit_container(j, at, t, s, a);
	const enum shape shape = kind == '"' ? SHAPE_TEXT : kind == 't' || kind == 'f' ? SHAPE_BOOL : SHAPE_NUMBER;
	if (t && j->counting && kind != 'n') {
		if (t->plain[shape])
			take_plain(&j->w, t->slot, j->t, at, shape);
		else
			take_scalar(j, t, at, shape);
	}
	return at + 1 + (shape == SHAPE_NUMBER && kind != 'n');
}

static size_t visit_element(struct json_walk *j, size_t at, const struct tree *t, int32_t element, const struct js *s,
			    const struct around *a)
{
	const bool judged = t && j->counting && t->element_group != NO_GROUP;

	if (t && j->counting) {
		j->w.out->elements[element]++;
		walk_grow(&j->w);
	}
	if (judged)
		rules_reset(j->w.plan, t->element_group, j->w.out->operands);
	const size_t end = t || s ? visit_here(j, at, t, s, a) : tape_next(j->t->words, at);
	if (judged && end)
		rules_judge(j->w.plan, t->element_group, j->w.out);
	return end;
}

static void count_elements(struct json_walk *j, const struct tree *t, size_t n)
{
	if (!t || !j->counting)
		return;
	if (t->slot != NO_SLOT)
		leaf_length(&j->w, t->slot, n);
	if (t->operand)
		j->w.out->operands[t->operand - 1] = (struct cel_value){.type = CEL_LIST, .i = (int64_t)n};
}

static size_t visit_array(struct json_walk *j, size_t at, const struct tree *t, const struct js *s, const struct around *a)
{
	const struct tree *items = t ? t->items : NULL;
	const struct around inside = {a, "[]"};
	size_t i = at + 1, n = 0;

	if (!items && (!s || (!s->items && !s->prefix.n && !(s->checks & WHOLE))) && (!t || (t->slot == NO_SLOT && !t->operand)))
		return tape_next(j->t->words, at);
	for (; tape_kind(j->t->words[i]) != ']'; n++) {
		const struct js *item = !s ? NULL : n < s->prefix.n ? s->prefix.items[n] : s->items;

		i = visit_element(j, i, items, items ? t->items_element : -1, item, &inside);
		if (!i)
			return 0;
	}
	if (s && s->checks & WHOLE)
		breaches(j, t, s, js_whole_breaks(s, j->t, at, n), a);
	count_elements(j, t, n);
	return i + 1;
}

// What patterns and additionalProperties say of a member; the first of them that is to be visited with its value.
static const struct js *schema_of_member(struct json_walk *j, const struct tree *t, const struct js *s, size_t at,
					 const struct json_key *k, const struct around *a)
{
	const struct js *first = k ? k->schema : NULL;
	bool named = k && k->property;
	size_t n;

	if (named && !s->npatterns)
		return first;
	const char *key = tape_text(j->t, at, &n);
	for (size_t i = 0; i < s->npatterns; i++) {
		const struct js_pattern *p = &s->patterns[i];

		if (!js_pattern_matches(p, key, n))
			continue;
		named = true;
		if (!first) {
			first = p->schema;
			continue;
		}
		const bool counting = j->counting;
		j->counting = false;
		visit(j, at + 1, NULL, p->schema, a);
		j->counting = counting;
	}
	if (named || !s->additional)
		return first;
	if (s->additional->never)
		breach(j, t, s, JSK_ADDITIONAL, a);
	return s->additional->never ? NULL : s->additional;
}

static size_t seen_push(struct json_scratch *s, size_t words)
{
	const size_t base = s->nseen;

	if (base + words > s->capseen) {
		s->capseen = 2 * (base + words);
		s->seen = xrealloc(s->seen, s->capseen * sizeof *s->seen);
	}
	memset(s->seen + base, 0, words * sizeof *s->seen);
	s->nseen += words;
	return base;
}

static void check_required(struct json_walk *j, const struct json_keys *keys, const struct js *s, const uint64_t *seen,
			   const struct around *a)
{
	for (size_t i = 0; i < keys->words; i++) {
		for (uint64_t due = keys->required[i] & ~seen[i]; due; due &= due - 1) {
			const struct json_key *k = &keys->items[i * 64 + (size_t)__builtin_ctzll(due)];
			const struct around below = {a, k->name};

			breach(j, k->tree, s, JSK_REQUIRED, &below);
		}
	}
}

static const struct tree *child_of(const struct tree *t, const char *name, size_t n)
{
	const struct json_keys *keys = t && t->more ? t->more : NULL;
	size_t next = 0;
	const struct json_key *k = keys ? json_keys_find(keys, name, n, &next) : NULL;

	return k ? k->tree : NULL;
}

static bool first_of_its_key(struct json_walk *j, const struct json_keys *keys, const struct json_key *k, size_t base,
			     uint64_t *few)
{
	const size_t bit = (size_t)(k - keys->items);
	uint64_t *seen = keys->words > 1 ? &j->s->seen[base + bit / 64] : few;

	if (*seen >> bit % 64 & 1) {
		j->w.why = "a key stands twice in an object";
		return false;
	}
	*seen |= 1ULL << bit % 64;
	return true;
}

static size_t visit_object(struct json_walk *j, size_t at, const struct tree *t, const struct js *s, const struct around *a)
{
	static const struct json_keys none;
	const struct json_keys *keys = j->counting && t ? t->more : s ? s->more : NULL;
	const uint64_t *words = j->t->words;
	size_t i = at + 1, next = 0, count = 0, n;
	uint64_t few = 0;

	const bool judged = t && j->counting && t->group != NO_GROUP;

	if (judged)
		rules_reset(j->w.plan, t->group, j->w.out->operands);
	if (!keys)
		keys = &none;
	const size_t base = keys->words > 1 ? seen_push(j->s, keys->words) : 0;
	while (tape_kind(words[i]) != '}') {
		const char *key = tape_text(j->t, i, &n);
		const struct json_key *k = json_keys_find(keys, key, n, &next);
		const struct around inside = {a, k ? k->name : "{}"};
		const struct tree *below = j->counting ? (k ? k->tree : NULL) : child_of(t, key, n);
		const struct js *schema = k ? k->schema : NULL;

		count++;
		if (k && !first_of_its_key(j, keys, k, base, &few))
			return 0;
		if (s && (s->npatterns || (s->additional && !(k && k->property))))
			schema = schema_of_member(j, t, s, i, k, &inside);
		if (!below && t && t->values)
			i = visit_element(j, i + 1, t->values, t->values_element, schema, &inside);
		else if (below || schema)
			i = visit_here(j, i + 1, below, schema, &inside);
		else {
			if (t && t->open && !k && j->counting)
				json_met(j->w.plan, t, key, n, j->w.out);
			i = tape_next(words, i + 1);
		}
		if (!i)
			return 0;
	}
	if (keys->requires)
		check_required(j, keys, s, keys->words > 1 ? &j->s->seen[base] : &few, a);
	if (keys->words > 1)
		j->s->nseen = base;
	if (s && s->checks & WHOLE)
		breaches(j, t, s, js_whole_breaks(s, j->t, at, count), a);
	if (t && !t->record)
		count_elements(j, t, count);
	if (judged)
		rules_judge(j->w.plan, t->group, j->w.out);
	return i + 1;
}

static size_t visit_container(struct json_walk *j, size_t at, const struct tree *t, const struct js *s,
			      const struct around *a)
{
	const bool is_array = tape_kind(j->t->words[at]) == '[';

	if (t && j->counting)
		take_container(j, t, is_array);
	return is_array ? visit_array(j, at, t, s, a) : visit_object(j, at, t, s, a);
}

static size_t visit(struct json_walk *j, size_t at, const struct tree *t, const struct js *s, const struct around *a)
{
	return visit_here(j, at, t, s, a);
}

// --- the record -----------------------------------------------------------------------------------------

static void judge_absent(struct json_walk *j)
{
	const struct plan *p = j->w.plan;

	for (uint32_t slot = 0; slot < p->nslots; slot++) {
		const int32_t element = p->slots[slot].element;
		const uint64_t places = element < 0 ? 1 : j->w.out->elements[element];

		if (j->plan->absent[slot] && j->s->present[slot] < places)
			add_breach(&j->w, VIOLATION_NULL, slot, j->plan->absent[slot]);
	}
}

static void prepare(struct json_walk *j)
{
	struct record_values *out = j->w.out;
	const size_t nslots = j->w.plan->nslots;

	if (!out->json) {
		out->json = xcalloc(1, sizeof *out->json);
		out->json->dom = json_dom_new();
	}
	j->s = out->json;
	j->s->nseen = 0;
	j->t = &j->s->tape;
	if (!j->plan->must)
		return;
	if (j->s->cappresent < nslots) {
		j->s->cappresent = nslots;
		j->s->present = xrealloc(j->s->present, nslots * sizeof *j->s->present);
	}
	memset(j->s->present, 0, nslots * sizeof *j->s->present);
}

enum json_verdict json_plan_walk(const struct plan *p, const uint8_t *bytes, size_t n, struct record_values *out, const char **why)
{
	struct json_walk j = {
	    .w = {.plan = p, .out = out, .value = out->values, .text = out->texts},
	    .plan = p->json,
	    .counting = true,
	};
	const struct around root = {NULL, NULL};

	prepare(&j);
	const enum json_verdict verdict = json_dom_parse(j.s->dom, bytes, n, &j.s->tape);
	*why = j.s->tape.why;
	if (verdict != JSON_READ)
		return verdict;
	const size_t end = visit(&j, 1, p->json->tree, p->json->schema->root, &root);
	*why = j.w.why;
	out->nvalues = (size_t)(j.w.value - out->values);
	if (!end || j.w.why)
		return JSON_UNREADABLE;
	if (p->json->must)
		judge_absent(&j);
	return JSON_READ;
}
