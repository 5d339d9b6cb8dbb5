// SPDX-License-Identifier: Apache-2.0
#include "app/types.h"

#include <stdlib.h>
#include <string.h>

#include "util/xalloc.h"

void types_free(struct types *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n; i++)
		free(t->names[i]);
	free(t->names);
	free(t->of);
	free(t->streams);
	free(t);
}

static int list(struct types *t, const struct stream_conf *c, const struct collect_port *port, struct error *err)
{
	char **names;
	size_t n;

	if (port->types(port->ctx, c->name, &names, &n, err))
		return -1;
	t->names = xrealloc(t->names, (t->n + n + 1) * sizeof *t->names);
	t->of = xrealloc(t->of, (t->n + n + 1) * sizeof *t->of);
	for (size_t i = 0; i < n; i++) {
		t->names[t->n] = names[i];
		t->of[t->n++] = c;
	}
	free(names);
	return 0;
}

static bool same(const struct types *a, const struct types *b)
{
	if (!b || a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->names[i], b->names[i]) != 0)
			return false;
	return true;
}

// Each as its stream is judged, but for the fields that are named there: a type need not have them.
static void add_to_judge(struct types *t, const struct model *m)
{
	const size_t n = m->judge.nstreams;

	t->streams = xcalloc(n + t->n + 1, sizeof *t->streams);
	memcpy(t->streams, m->judge.streams, n * sizeof *t->streams);
	for (size_t i = 0; i < t->n; i++) {
		struct judge_stream *s = &t->streams[n + i];
		*s = m->judge.streams[t->of[i] - m->config->streams];
		s->of = s->name;
		s->name = t->names[i];
		s->by_record = false;
		s->fields = NULL;
		s->nfields = 0;
	}
	t->conf = m->judge;
	t->conf.streams = t->streams;
	t->conf.nstreams = n + t->n;
}

int types_look(const struct model *m, const struct collect_port *port, const struct types *known, struct types **out,
	       struct error *err)
{
	struct types *t = xcalloc(1, sizeof *t);

	*out = NULL;
	for (size_t i = 0; i < m->config->nstreams; i++) {
		if (m->config->streams[i].by_record && list(t, &m->config->streams[i], port, err)) {
			types_free(t);
			return -1;
		}
	}
	if (same(t, known)) {
		types_free(t);
		return 0;
	}
	add_to_judge(t, m);
	*out = t;
	return 0;
}
