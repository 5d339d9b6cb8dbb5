// SPDX-License-Identifier: Apache-2.0
#include "schema/plan_tree.h"

#include <stdlib.h>
#include <string.h>

#include "util/xalloc.h"

static struct tree *tree_new(void)
{
	struct tree *t = xcalloc(1, sizeof *t);

	t->slot = NO_SLOT;
	t->group = t->element_group = NO_GROUP;
	for (int s = 0; s < SHAPES; s++)
		t->leaf[s] = -1;
	t->items_element = t->values_element = -1;
	return t;
}

void tree_free(struct tree *t, void (*free_more)(void *))
{
	if (!t)
		return;
	for (size_t i = 0; i < t->nchildren; i++) {
		free(t->children[i].name);
		tree_free(t->children[i].tree, free_more);
	}
	tree_free(t->items, free_more);
	tree_free(t->values, free_more);
	if (free_more)
		free_more(t->more);
	free(t->children);
	free(t);
}

static struct tree *child_of(struct tree *t, const char *name)
{
	const size_t n = strlen(name);

	for (size_t i = 0; i < t->nchildren; i++)
		if (t->children[i].len == n && !memcmp(t->children[i].name, name, n))
			return t->children[i].tree;
	if (!(t->nchildren & (t->nchildren - 1))) // grows at powers of two
		t->children =
		    xrealloc(t->children, (t->nchildren ? 2 * t->nchildren : 1) * sizeof *t->children);
	t->children[t->nchildren] = (struct tree_child){xstrndup(name, n), n, tree_new()};
	return t->children[t->nchildren++].tree;
}

static enum shape shape_of(const struct avsc_type *t)
{
	switch (t->kind) {
	case AVSC_BOOLEAN:
		return SHAPE_BOOL;
	case AVSC_BYTES:
	case AVSC_FIXED:
		return SHAPE_BYTES;
	case AVSC_STRING:
	case AVSC_ENUM:
		return SHAPE_TEXT;
	case AVSC_NULL:
	case AVSC_RECORD:
	case AVSC_ARRAY:
	case AVSC_MAP:
	case AVSC_UNION:
	case AVSC_ANY:
		return SHAPES;
	default:
		return SHAPE_NUMBER;
	}
}

static void put_leaf(struct compiler *c, struct tree *n, const struct avsc_type *t, enum shape shape, uint32_t slot,
		     bool event_time)
{
	struct plan *p = c->plan;
	struct leaf l = leaf_make(c, t, slot, event_time);

	GROW(p->leaves, p->nleaves, p->capleaves);
	n->leaf[shape] = (int32_t)p->nleaves;
	n->plain[shape] = slot != NO_SLOT && !event_time && !l.operand && !l.checks && l.times == 1 && l.per == 1 &&
			  l.convert != AS_TIME && l.convert != AS_TEXT;
	p->leaves[p->nleaves++] = l;
}

static int build(struct compiler *c, const struct avsc_type *t, struct tree *n);

static int build_record(struct compiler *c, const struct avsc_type *t, struct tree *n)
{
	n->group = rules_group(c, t);
	compile_enter(c, t);
	for (size_t i = 0; i < t->nfields; i++) {
		size_t before = path_push(c, t, i);

		if (build(c, t->fields[i].type, child_of(n, t->fields[i].name)))
			return -1;
		path_pop(c, before);
	}
	compile_leave(c);
	return 0;
}

static int build_elements(struct compiler *c, const struct avsc_type *t, struct tree *n)
{
	struct tree **below = t->kind == AVSC_MAP ? &n->values : &n->items;
	int32_t *element = t->kind == AVSC_MAP ? &n->values_element : &n->items_element;
	int32_t around = c->element;

	n->operand = rules_operand(c);
	size_t before = path_push_element(c, t);
	*element = c->element = path_element(c, path_text(c));
	if (!*below)
		*below = tree_new();
	(*below)->element_group = rules_group(c, NULL);
	if (build(c, t->parts[0], *below))
		return -1;
	c->element = around;
	path_pop(c, before);
	return 0;
}

// Of a place of no type in the schema each record tells whether it has the one that was asked for.
static bool asks_type(const struct found *f)
{
	return f && f->rule && f->rule->required && f->rule->type < FIELD_TYPES;
}

static int build(struct compiler *c, const struct avsc_type *t, struct tree *n)
{
	if (compile_step(c))
		return -1;
	// A record at the top has no path; one of its fields may be called "value".
	bool top = !c->path.len && (t->kind == AVSC_UNION || t->kind == AVSC_ANY || t->kind == AVSC_NULL);
	struct found *f = top ? NULL : path_found(c, t);
	if (f && !f->place)
		f->place = n;
	if (f && f->place == n)
		n->slot = f->slot;
	if (t->kind == AVSC_UNION || t->kind == AVSC_ANY) {
		if (t->kind == AVSC_ANY) {
			n->open = true;
			n->depth = t->size;
			n->wrong |= asks_type(f) << SHAPES;
		}
		for (size_t i = 0; i < t->nparts; i++)
			if (build(c, t->parts[i], n))
				return -1;
		return 0;
	}
	n->record |= t->kind == AVSC_RECORD;
	if (t->kind == AVSC_RECORD)
		return compile_follows(c, t) ? build_record(c, t, n) : 0;
	if (t->kind == AVSC_ARRAY || t->kind == AVSC_MAP)
		return build_elements(c, t, n);
	enum shape shape = shape_of(t);
	bool event_time = path_is_event_time(c) && shape != SHAPE_BOOL && t->logical != LOGICAL_TIME_MILLIS &&
			  t->logical != LOGICAL_TIME_MICROS && t->logical != LOGICAL_TEXT_TIME;
	if (shape == SHAPES)
		return 0;
	n->shapes |= (uint8_t)(1 << shape);
	if (n->leaf[shape] >= 0)
		return 0;
	bool counts = n->slot != NO_SLOT && type_counts(f->rule, c->plan->slots[n->slot].type, source_of(t));
	if (counts || event_time || rules_operand(c))
		put_leaf(c, n, t, shape, counts ? n->slot : NO_SLOT, event_time);
	if (!counts && !event_time && n->open && asks_type(f))
		n->wrong |= (uint8_t)(1 << shape);
	return 0;
}

struct tree *tree_build(struct compiler *c)
{
	struct tree *root = tree_new();

	if (build(c, avsc_root(c->plan->schema), root)) {
		tree_free(root, NULL);
		return NULL;
	}
	return root;
}
