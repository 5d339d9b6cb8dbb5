// SPDX-License-Identifier: Apache-2.0
#include "schema/json_plan.h"

#include <stdlib.h>
#include <string.h>

#include "schema/avsc_build.h"
#include "schema/json_check.h"
#include "schema/json_keys.h"
#include "schema/plan_tree.h"
#include "util/xalloc.h"

static const struct js *behind_null(const struct js *s)
{
	while (s && s->null_or)
		s = s->null_or;
	return s;
}

// As the walk finds it for a key.
static const struct js *schema_of(const struct js *s, const char *name, size_t n)
{
	for (size_t i = 0; i < s->nproperties; i++)
		if (s->properties[i].schema && s->properties[i].len == n && !memcmp(s->properties[i].name, name, n))
			return s->properties[i].schema;
	for (size_t i = 0; i < s->npatterns; i++)
		if (js_pattern_matches(&s->patterns[i], name, n))
			return s->patterns[i].schema;
	return s->additional;
}

// Each place of an object gets the table of its keys.
static void pair(struct tree *t, const struct js *schema)
{
	const struct js *s = behind_null(schema);

	if (t->nchildren || (s && s->nproperties))
		t->more = json_keys_new(s, t);
	for (size_t i = 0; i < t->nchildren; i++)
		pair(t->children[i].tree, s ? schema_of(s, t->children[i].name, t->children[i].len) : NULL);
	if (t->items)
		pair(t->items, s && !s->prefix.n ? s->items : NULL);
	if (t->values)
		pair(t->values, s ? s->additional : NULL);
}

static void find_musts(struct compiler *c, struct json_plan *j)
{
	const struct plan *p = c->plan;

	for (struct map_entry *e = NULL; (e = map_next(&c->found, e));) {
		const struct found *f = e->value;
		const struct field_rule *r = f->rule;

		if (!r || !r->not_null || !p->slots[f->slot].in_writer)
			continue;
		j->absent[f->slot] = xasprintf("%.100s: null", p->slots[f->slot].path);
		j->must = true;
	}
}

int json_plan_make(struct compiler *c)
{
	struct plan *p = c->plan;
	struct json_plan *j = p->json = xcalloc(1, sizeof *j);

	j->schema = p->schema->json;
	j->absent = xcalloc(p->nslots + 1, sizeof *j->absent);
	j->tree = tree_build(c);
	if (!j->tree)
		return -1;
	pair(j->tree, j->schema->root);
	find_musts(c, j);
	return 0;
}

void json_plan_free(struct json_plan *j, size_t nslots)
{
	if (!j)
		return;
	for (size_t i = 0; i < nslots; i++)
		free(j->absent[i]);
	free(j->absent);
	tree_free(j->tree, json_keys_free);
	free(j);
}
