// SPDX-License-Identifier: Apache-2.0
// Rules that are expressions over the fields of a record.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/read.h"
#include "schema/expr.h"
#include "util/xalloc.h"

#define MEND "; docs/rules.md says what an expression may be"

static bool parses(struct loader *l, const struct node *n, const char *path, const char *text, const char *mend)
{
	struct error err = ERROR_INIT;
	struct expr *e = expr_parse(text, &err);

	if (!e)
		problem(l, n, "%s: %s%s", path, err.text, mend);
	expr_free(e);
	return e;
}

void check_required_if(struct loader *l, const struct node *n, const char *path, const struct field_conf *f)
{
	char *whole = xasprintf("%s != null", f->path);

	if (strpbrk(f->path, "[{"))
		problem(l, n, "%s: is for fields that a record has once, and this one lies in an array or a map; remove it", path);
	else if (f->not_null)
		problem(l, n, "%s: the field is not_null, which asks for more; remove one of the two", path);
	else if (parses(l, n, path, f->required_if, MEND))
		parses(l, n, path, whole, "; a field of this name cannot stand in an expression");
	free(whole);
}

static void read_value_rule(struct loader *l, const struct node *map, const char *path, struct stream_conf *s)
{
	struct value_rule_conf *r = &s->rules[s->nrules];
	char at[PATH_TEXT];

	r->line = map->line;
	section_read(l, map, path, &section_value_rule, r);
	if (r->name && check_name(l, node_get(map, "name"), child_path(at, sizeof at, path, "name"), r->name))
		for (size_t i = 0; i < s->nrules; i++)
			if (s->rules[i].name && !strcmp(s->rules[i].name, r->name))
				problem(l, node_get(map, "name"), "%s: '%s' is already the name of the rule in line %d; choose another",
					at, r->name, s->rules[i].line);
	if (r->expr)
		parses(l, node_get(map, "expr"), child_path(at, sizeof at, path, "expr"), r->expr, MEND);
	s->nrules++;
}

void read_value_rules(struct loader *l, const struct node *list, const char *path, struct stream_conf *s)
{
	char at[PATH_TEXT], child[PATH_TEXT], item[32];

	if (!list || list->kind == NODE_NULL)
		return;
	child_path(at, sizeof at, path, "rules");
	if (list->kind != NODE_LIST) {
		problem(l, list, "%s: a list of rules must stand here (- {name: in_order, expr: \"start <= end\"})", at);
		return;
	}
	s->rules = xcalloc(list->n + 1, sizeof *s->rules);
	for (size_t i = 0; i < list->n; i++) {
		snprintf(item, sizeof item, "rules[%zu]", i);
		read_value_rule(l, list->items[i], child_path(child, sizeof child, path, item), s);
	}
}
