// SPDX-License-Identifier: Apache-2.0
#include "app/contracts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/xalloc.h"

enum { SUBJECT_MAX = 300, WHY_MAX = 400 };

struct watched {
	const struct stream_conf *conf;
	const struct contract *contract;
	char subject[SUBJECT_MAX];
	struct registry_version latest;
	bool judged;
	uint64_t breaches; // of latest
	char why[WHY_MAX];
};

struct contract_watch {
	struct registry *registry;
	struct watched *items;
	size_t n;
};

bool contract_subject(const struct stream_conf *c, char *out, size_t n)
{
	const char *strategy = c->subject_name_strategy ? c->subject_name_strategy : c->record ? "" : "TopicName";
	int len = -1;

	if (!strcmp(strategy, "TopicName") && !c->is_regex && !c->schema)
		len = snprintf(out, n, "%s-value", c->topic);
	else if (!strcmp(strategy, "RecordName") && c->record)
		len = snprintf(out, n, "%s", c->record);
	else if (!strcmp(strategy, "TopicRecordName") && !c->is_regex && c->record)
		len = snprintf(out, n, "%s-%s", c->topic, c->record);
	return len >= 0 && len < (int)n;
}

bool contract_watched(const struct stream_conf *c)
{
	char subject[SUBJECT_MAX];

	return c->contract_schema && compat_level_of(c->compatibility) != COMPAT_NONE &&
	       contract_subject(c, subject, sizeof subject);
}

struct contract_watch *contract_watch_new(const struct model *m, struct registry *r)
{
	struct contract_watch *w = xcalloc(1, sizeof *w);

	w->registry = r;
	w->items = xcalloc(m->config->nstreams + 1, sizeof *w->items);
	for (size_t i = 0; i < m->config->nstreams; i++) {
		struct watched *s = &w->items[w->n];
		if (!contract_watched(&m->config->streams[i]))
			continue;
		s->conf = &m->config->streams[i];
		s->contract = m->contracts[i];
		contract_subject(s->conf, s->subject, sizeof s->subject);
		w->n++;
	}
	return w;
}

void contract_watch_free(struct contract_watch *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->n; i++)
		registry_version_release(&w->items[i].latest);
	free(w->items);
	free(w);
}

static void judge_latest(struct watched *s)
{
	struct error err = ERROR_INIT;
	struct compat found = {0};
	const struct registry_version *v = &s->latest;

	s->breaches = 0;
	s->why[0] = 0;
	if (!v->version)
		return;
	struct avsc *writer = v->is == REGISTRY_KNOWN ? avsc_parse(&v->schema, &err) : NULL;
	if (!writer) {
		s->breaches = 1;
		snprintf(s->why, sizeof s->why, "%.390s", v->is == REGISTRY_KNOWN ? err.text : v->reason);
		return;
	}
	compat_check(compat_level_of(s->conf->compatibility), writer, contract_schema(s->contract), &found);
	s->breaches = found.backward.n + found.forward.n;
	compat_why(&found, s->why, sizeof s->why);
	compat_release(&found);
	avsc_free(writer);
}

bool contract_watch_look(void *watch, const char *stream, struct contract_view *out)
{
	struct contract_watch *w = watch;
	size_t i = 0;

	while (i < w->n && strcmp(w->items[i].conf->name, stream) != 0)
		i++;
	if (i == w->n)
		return false;
	struct watched *s = &w->items[i];
	const int32_t version = s->latest.version, id = s->latest.id;
	if (!registry_latest(w->registry, s->subject, &s->latest))
		return false;
	if (!s->judged || version != s->latest.version || id != s->latest.id)
		judge_latest(s);
	s->judged = true;
	*out = (struct contract_view){s->subject, s->latest.version, s->latest.id, s->breaches, s->why};
	return true;
}
