// SPDX-License-Identifier: Apache-2.0
// What a plan is asked to judge: the rules of configuration, contract and baseline, on the paths of one side.
#include <stdlib.h>
#include <string.h>

#include "collect/stream.h"
#include "util/xalloc.h"

// Takes over `path`; NULL: it is no path of this side.
static struct field_rule *rule_for(struct side *s, char *path)
{
	if (!path)
		return NULL;
	for (size_t i = 0; i < s->nrules; i++) {
		if (!strcmp(s->rules[i].path, path)) {
			free(path);
			return &s->rules[i];
		}
	}
	s->rules = xrealloc(s->rules, (s->nrules + 1) * sizeof *s->rules);
	s->rules[s->nrules] = (struct field_rule){.path = path, .type = FIELD_TYPES, .required = true};
	return &s->rules[s->nrules++];
}

static void rule_drop(struct side *s, size_t i)
{
	free((char *)s->rules[i].path);
	s->rules[i] = s->rules[--s->nrules];
}

static bool named(const struct stream_conf *c, const char *path)
{
	for (size_t i = 0; i < c->nfields; i++)
		if (!strcmp(c->fields[i].path, path))
			return c->fields[i].type != FIELD_TYPES;
	return false;
}

// Fields that somebody named (configuration, contract, baseline) are required; the rest follow the writers.
static void collect_fields(struct side *s)
{
	const struct collect_stream *def = s->stream->def;
	const struct stream_conf *c = s->stream->conf;

	for (size_t i = 0; !s->key && def->contract && i < contract_fields(def->contract); i++)
		rule_for(s, xstrdup(contract_field(def->contract, i)))->type = contract_field_type(def->contract, i);
	for (size_t i = 0; def->baseline && i < def->baseline->nfields; i++) {
		const struct field_def *d = &def->baseline->fields[i]->def;
		struct field_rule *r = rule_for(s, side_path(s, d->path));
		if (r && r->type == FIELD_TYPES)
			r->type = d->type;
	}
	for (size_t i = 0; i < c->nfields; i++) {
		const struct field_conf *f = &c->fields[i];
		struct field_rule *r = rule_for(s, side_path(s, f->path));
		if (!r)
			continue;
		if (f->type != FIELD_TYPES) {
			// Where the contract has the field in this very type, a number in its place is a wrong type.
			r->cast = r->type != f->type;
			r->type = f->type;
		}
		r->has_range = f->has_range;
		r->range_min = f->range_min;
		r->range_max = f->range_max;
		r->allowed = f->allowed;
		r->nallowed = f->nallowed;
		r->pattern = f->pattern;
		r->not_null = f->not_null;
		r->has_length = f->has_length;
		r->length_min = f->length_min;
		r->length_max = f->length_max;
		r->freshness_ms = f->freshness_ms;
		r->compared = f->unique_ms || f->monotonic;
	}
	s->redact = xcalloc(c->nredact + 1, sizeof *s->redact);
	for (size_t i = 0; i < c->nredact; i++)
		if ((s->redact[s->nredact] = side_path(s, c->redact[i])))
			s->nredact++;
	for (size_t i = 0; s->event_time && i < s->nrules; i++) // the clock of a record is not one of its features
		if (!strcmp(s->rules[i].path, s->event_time) && !named(c, c->event_time))
			rule_drop(s, i--);
}

// Takes over its texts.
static void add_expression(struct side *s, char *name, char *expr, char *field)
{
	s->record_rules = xrealloc(s->record_rules, (s->nrecord_rules + 1) * sizeof *s->record_rules);
	s->record_rules[s->nrecord_rules++] = (struct record_rule){name, expr, field};
}

static void collect_expressions(struct side *s)
{
	const struct stream_conf *c = s->stream->conf;

	for (size_t i = 0; i < c->nfields; i++) {
		const struct field_conf *f = &c->fields[i];
		char *path = f->required_if ? side_path(s, f->path) : NULL;
		if (path)
			add_expression(s, xasprintf("%s.required_if", f->path), xasprintf("!(%s) || %s != null", f->required_if, path), path);
	}
	for (size_t i = 0; !s->key && i < c->nrules; i++)
		add_expression(s, xstrdup(c->rules[i].name), xstrdup(c->rules[i].expr), NULL);
}

void side_rules(struct side *s)
{
	collect_fields(s);
	collect_expressions(s);
}

void side_rules_release(struct side *s)
{
	while (s->nrules)
		rule_drop(s, 0);
	free(s->rules);
	for (size_t i = 0; i < s->nredact; i++)
		free(s->redact[i]);
	free(s->redact);
	for (size_t i = 0; i < s->nrecord_rules; i++) {
		free((char *)(uintptr_t)s->record_rules[i].name);
		free((char *)(uintptr_t)s->record_rules[i].expr);
		free((char *)(uintptr_t)s->record_rules[i].field);
	}
	free(s->record_rules);
}
