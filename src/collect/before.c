// SPDX-License-Identifier: Apache-2.0
// What workers know of a stream's baseline before: the grids and categories of its fields.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collect/stream.h"
#include "util/log.h"
#include "util/xalloc.h"

struct before {
	char hash[65]; // "": nothing is counted on any but the stream's own grids
	struct field_def *fields;
	size_t n;
	struct before *older; // its grids may be in panes that are open
};

static void copy_field(struct field_def *out, const struct field_def *d)
{
	*out = (struct field_def){.path = xstrdup(d->path), .type = d->type};
	out->grid = d->grid ? grid_new(d->grid->edges, d->grid->n) : NULL;
	out->categories = xcalloc(d->ncategories + 1, sizeof *out->categories);
	for (; out->ncategories < d->ncategories; out->ncategories++)
		out->categories[out->ncategories] = xstrdup(d->categories[out->ncategories]);
}

static struct before *before_new(const struct baseline *b, struct before *older)
{
	struct before *out = xcalloc(1, sizeof *out);

	out->older = older;
	if (!b)
		return out;
	snprintf(out->hash, sizeof out->hash, "%s", b->hash);
	out->fields = xcalloc(b->nfields + 1, sizeof *out->fields);
	for (; out->n < b->nfields; out->n++)
		copy_field(&out->fields[out->n], &b->fields[out->n]->def);
	return out;
}

void wstream_before_release(struct wstream *s)
{
	while (s->before) {
		struct before *b = s->before;
		s->before = b->older;
		for (size_t i = 0; i < b->n; i++) {
			for (size_t k = 0; k < b->fields[i].ncategories; k++)
				free(b->fields[i].categories[k]);
			free(b->fields[i].categories);
			free(b->fields[i].path);
			grid_free((struct grid *)b->fields[i].grid);
		}
		free(b->fields);
		free(b);
	}
}

const struct field_def *before_field(const struct wstream *s, const struct field_def *d)
{
	static const struct field_def other = {.type = FIELD_NUMERIC}; // what it did not have was on the logarithmic grid

	if (!s->before || !*s->before->hash)
		return NULL;
	for (size_t i = 0; i < s->before->n; i++)
		if (s->before->fields[i].type == d->type && !strcmp(s->before->fields[i].path, d->path))
			return &s->before->fields[i];
	return d->type == FIELD_NUMERIC ? &other : NULL;
}

int wstream_look_before(struct wstream *s, const struct collect_port *port, struct error *err)
{
	const char *known = s->before ? s->before->hash : "";
	struct baseline *b = NULL;
	int found = s->def->baseline && port->before
			    ? port->before(port->ctx, s->conf->name, s->def->baseline, known, &b, err) : 0;

	if (found < 0)
		return -1;
	s->looked_before = true;
	if (found == 2 || (!found && !*known))
		return 0;
	log_info("collect", b ? "stream %s: counted on the grids of baseline %.12s as well, until its windows have passed"
			      : "stream %s: counted on the grids of its own baseline alone again",
		 s->conf->name, b ? b->hash : "");
	s->before = before_new(b, s->before);
	for (size_t i = 0; i < s->nfields; i++)
		s->also[i] = before_field(s, s->fields[i]);
	baseline_free(b);
	return 0;
}

void wstream_recheck_before(struct wstream *s, const struct collect_port *port)
{
	struct error err = ERROR_INIT;

	for (size_t i = 0; i < s->ntypes; i++)
		wstream_recheck_before(s->types[i], port);
	if (s->before && *s->before->hash && wstream_look_before(s, port, &err))
		log_debug("collect", "%s", err.text);
}

struct field_stats *wstream_pane_field(const struct wstream *s, struct pane *p, size_t i)
{
	if (i < p->nfields && p->fields[i])
		return p->fields[i];
	struct field_stats *f = pane_field_narrow(p, i, s->fields[i]);
	if (s->also[i])
		field_count_also(f, s->also[i]);
	return f;
}
