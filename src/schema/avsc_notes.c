// SPDX-License-Identifier: Apache-2.0
#include "schema/avsc_notes.h"

#include <stdlib.h>
#include <string.h>

#include "util/json.h"
#include "util/xalloc.h"

void avsc_notes_add_rule(struct avsc_notes *n, const char *name, const char *expr, const char *doc)
{
	n->rules = xrealloc(n->rules, (n->nrules + 1) * sizeof *n->rules);
	n->rules[n->nrules++] = (struct avsc_rule){.name = xstrdup(name && *name ? name : "unnamed"), .expr = xstrdup(expr),
						  .doc = xstrdup(doc)};
}

void avsc_notes_add_tag(struct avsc_notes *n, const char *tag)
{
	n->tags = xrealloc(n->tags, (n->ntags + 1) * sizeof *n->tags);
	n->tags[n->ntags++] = xstrdup(tag);
}

void avsc_notes_read(struct avsc_notes *n, const json_t *node)
{
	const json_t *item;
	size_t i;

	json_array_foreach(json_object_get(node, "confluent:rules"), i, item) if (json_is_object(item))
		avsc_notes_add_rule(n, json_get_str(item, "name", NULL), json_get_str(item, "expr", NULL),
				    json_get_str(item, "doc", NULL));
	json_array_foreach(json_object_get(node, "confluent:tags"), i, item) if (json_is_string(item))
		avsc_notes_add_tag(n, json_string_value(item));
}

void avsc_notes_drop_rules(struct avsc_notes *n)
{
	for (size_t i = 0; i < n->nrules; i++) {
		free(n->rules[i].name);
		free(n->rules[i].expr);
		free(n->rules[i].doc);
	}
	free(n->rules);
	n->rules = NULL;
	n->nrules = 0;
}

void avsc_notes_release(struct avsc_notes *n)
{
	avsc_notes_drop_rules(n);
	for (size_t i = 0; i < n->ntags; i++)
		free(n->tags[i]);
	free(n->tags);
	*n = (struct avsc_notes){0};
}

bool avsc_notes_tagged(const struct avsc_notes *n, const char *tag)
{
	for (size_t i = 0; i < n->ntags; i++)
		if (!strcmp(n->tags[i], tag))
			return true;
	return false;
}
