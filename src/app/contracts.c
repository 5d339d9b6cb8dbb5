// SPDX-License-Identifier: Apache-2.0
#include "app/contracts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "util/clock.h"
#include "util/map.h"
#include "util/xalloc.h"

enum { WHY_MAX = 400, NAME_WAIT_MS = 1500 };

struct verdict {
	int32_t version, id;
	uint64_t breaches;
	char why[WHY_MAX];
};

struct watched {
	const struct stream_conf *conf;
	const struct contract *contract;
	char subject[SUBJECT_MAX];
	struct registry_version latest;
	struct verdict verdict;   // of what is told
	struct verdict *versions; // of a transitive level: of every version
	size_t n;
	bool judged;
};

struct contract_watch {
	struct registry *registry;
	const struct config *config;
	struct watched *items;
	size_t n;
	struct map names; // ids that were waited for
	char subject[SUBJECT_MAX];
};

bool contract_subject(const struct stream_conf *c, char out[SUBJECT_MAX])
{
	const enum subject_naming naming = subject_naming_of(c->subject_name_strategy, c->record ? SUBJECT_ANY : SUBJECT_TOPIC);

	if ((c->is_regex && naming != SUBJECT_RECORD) || (c->schema && naming == SUBJECT_TOPIC))
		return false;
	return subject_name(naming, c->topic, c->record ? c->record : "", false, out);
}

bool contract_watched(const struct stream_conf *c)
{
	char subject[SUBJECT_MAX];

	return c->contract_schema && compat_level_of(c->compatibility) != COMPAT_NONE &&
	       contract_subject(c, subject);
}

struct contract_watch *contract_watch_new(const struct model *m, struct registry *r)
{
	struct contract_watch *w = xcalloc(1, sizeof *w);

	w->registry = r;
	w->config = m->config;
	map_init(&w->names);
	w->items = xcalloc(m->config->nstreams + 1, sizeof *w->items);
	for (size_t i = 0; i < m->config->nstreams; i++) {
		struct watched *s = &w->items[w->n];
		if (!contract_watched(&m->config->streams[i]))
			continue;
		s->conf = &m->config->streams[i];
		s->contract = m->contracts[i];
		contract_subject(s->conf, s->subject);
		w->n++;
	}
	return w;
}

void contract_watch_free(struct contract_watch *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->n; i++) {
		registry_version_release(&w->items[i].latest);
		free(w->items[i].versions);
	}
	map_release(&w->names, NULL);
	free(w->items);
	free(w);
}

static struct verdict judge_version(const struct watched *s, const struct registry_version *v)
{
	struct error err = ERROR_INIT;
	struct compat found = {0};
	struct verdict out = {.version = v->version, .id = v->id};

	if (!v->version)
		return out;
	struct avsc *writer = v->is == REGISTRY_KNOWN ? avsc_parse(&v->schema, &err) : NULL;
	if (!writer) {
		out.breaches = 1;
		snprintf(out.why, sizeof out.why, "%.390s", v->is == REGISTRY_KNOWN ? err.text : v->reason);
		return out;
	}
	compat_check(compat_level_of(s->conf->compatibility), writer, contract_schema(s->contract), &found);
	out.breaches = found.backward.n + found.forward.n;
	compat_why(&found, out.why, sizeof out.why);
	compat_release(&found);
	avsc_free(writer);
	return out;
}

static bool look_at_latest(struct contract_watch *w, struct watched *s)
{
	const int32_t version = s->latest.version, id = s->latest.id;

	if (!registry_latest(w->registry, s->subject, &s->latest))
		return false;
	if (!s->judged || version != s->latest.version || id != s->latest.id)
		s->verdict = judge_version(s, &s->latest);
	s->judged = true;
	return true;
}

struct looking {
	struct watched *watched;
	struct verdict *versions;
	size_t n, cap;
};

static void on_version(void *ctx, const struct registry_version *v)
{
	struct looking *l = ctx;
	const struct watched *s = l->watched;
	size_t i = 0;

	while (i < s->n && (s->versions[i].version != v->version || s->versions[i].id != v->id))
		i++;
	GROW(l->versions, l->n, l->cap);
	l->versions[l->n++] = i < s->n ? s->versions[i] : judge_version(s, v);
}

// A transitive level asks every version to keep the contract, also one that was replaced between two looks. The
// newest that does not is told.
static bool look_at_all(struct contract_watch *w, struct watched *s)
{
	struct looking l = {.watched = s};
	bool said = registry_every_version(w->registry, s->subject, on_version, &l);

	if (!said) {
		free(l.versions);
		return false;
	}
	free(s->versions);
	s->versions = l.versions;
	s->n = l.n;
	s->verdict = s->n ? s->versions[s->n - 1] : (struct verdict){0};
	for (size_t i = s->n; i-- > 0 && !s->verdict.breaches;)
		if (s->versions[i].breaches)
			s->verdict = s->versions[i];
	return true;
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
	const bool transitive = compat_rules[compat_level_of(s->conf->compatibility)].transitive;
	if (!(transitive ? look_at_all(w, s) : look_at_latest(w, s)))
		return false;
	*out = (struct contract_view){s->subject, s->verdict.version, s->verdict.id, s->verdict.breaches, s->verdict.why};
	return true;
}

bool contract_watch_schema(void *watch, const char *stream, int64_t id, struct schema_view *out)
{
	struct contract_watch *w = watch;
	const struct config *c = w->config;
	char own[SUBJECT_MAX] = "";
	enum registry_answer is;

	if (id < 0 || id > INT32_MAX)
		return false;
	for (size_t i = 0; i < c->nstreams; i++)
		if (!strcmp(c->streams[i].name, stream))
			contract_subject(&c->streams[i], own);
	struct mono_time deadline = mono_after_ms(map_put(&w->names, &id, sizeof id, w) ? 0 : NAME_WAIT_MS);
	do {
		is = registry_version_name(w->registry, (int32_t)id, own, w->subject, sizeof w->subject, &out->version);
		if (is == REGISTRY_PENDING)
			nanosleep(&(struct timespec){0, 2000000}, NULL);
	} while (is == REGISTRY_PENDING && !mono_passed(deadline));
	out->subject = w->subject;
	return is == REGISTRY_KNOWN;
}
