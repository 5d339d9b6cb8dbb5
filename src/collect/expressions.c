// SPDX-License-Identifier: Apache-2.0
// The configuration's expressions, as rules on the record of one side.
#include <stdlib.h>

#include "collect/stream.h"
#include "util/xalloc.h"

// Takes over its texts.
static void add(struct side *s, char *name, char *expr, char *field)
{
	s->record_rules = xrealloc(s->record_rules, (s->nrecord_rules + 1) * sizeof *s->record_rules);
	s->record_rules[s->nrecord_rules++] = (struct record_rule){name, expr, field};
}

void side_expressions(struct side *s)
{
	const struct stream_conf *c = s->stream->conf;

	for (size_t i = 0; i < c->nfields; i++) {
		const struct field_conf *f = &c->fields[i];
		char *path = f->required_if ? side_path(s, f->path) : NULL;
		if (path)
			add(s, xasprintf("%s.required_if", f->path), xasprintf("!(%s) || %s != null", f->required_if, path), path);
	}
	for (size_t i = 0; !s->key && i < c->nrules; i++)
		add(s, xstrdup(c->rules[i].name), xstrdup(c->rules[i].expr), NULL);
}

void side_expressions_release(struct side *s)
{
	for (size_t i = 0; i < s->nrecord_rules; i++) {
		free((char *)(uintptr_t)s->record_rules[i].name);
		free((char *)(uintptr_t)s->record_rules[i].expr);
		free((char *)(uintptr_t)s->record_rules[i].field);
	}
	free(s->record_rules);
}
