// SPDX-License-Identifier: Apache-2.0
// The judge's memory as documents: table alert: RULE|STREAM|FIELD|SLICE (all but the ok ones); page: by id;
// mark: by track; fields, version and baseline: by stream; digest: by tier.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "judge/condition.h"
#include "judge/in_force.h"
#include "judge/state.h"
#include "judge/threshold.h"
#include "util/log.h"
#include "util/xalloc.h"

void alert_store(struct judge *j, const struct group *g, const struct alert *a)
{
	char *key = xasprintf("%s|%s|%s|%s", g->rule->name, g->stream->conf->name, a->field, a->slice);
	json_t *doc = NULL;

	if (!alert_ok(&a->state)) {
		doc = json_pack("{s:o, s:o, s:o, s:o}", "rule", json_str(g->rule->name), "stream",
				json_str(g->stream->conf->name), "field", json_str(a->field), "slice", json_str(a->slice));
		alert_to_json(&a->state, doc);
		if (a->follows)
			json_object_set_new(doc, "follows", json_string(a->follows));
		json_object_set_new(doc, "value", json_num(a->last.value));
		json_object_set_new(doc, "threshold", json_num(condition_threshold(&a->limits, a->last.value)));
		json_object_set_new(doc, "error", json_num(a->last.error));
		json_object_set_new(doc, "n_reference", json_integer((json_int_t)a->last.n_reference));
		json_object_set_new(doc, "n_current", json_integer((json_int_t)a->last.n_current));
	}
	batch_doc(&j->batch, "alert", key, doc);
	free(key);
}

void mark_store(struct judge *j, const struct track *t)
{
	json_t *doc = totals_json(&t->totals, NULL);

	json_object_set_new(doc, "end", json_integer(t->end));
	json_object_set_new(doc, "since", json_integer(t->stream->since));
	json_object_set_new(doc, "first", json_integer(t->stream->first));
	batch_doc(&j->batch, "mark", t->key, doc);
}

struct loading {
	struct judge *judge;
	struct map groups; // "rule\037stream"
};

static struct group *group_of(struct loading *l, const json_t *doc, const char *rule, const char *stream)
{
	char *key = xasprintf("%s\037%s", json_get_str(doc, rule, ""), json_get_str(doc, stream, ""));
	struct group *g = map_gets(&l->groups, key);

	free(key);
	return g;
}

static json_t *parse(const char *table, const char *key, const char *text)
{
	struct error err = ERROR_INIT;
	json_t *doc = json_parse(text, strlen(text), &err);

	if (!doc)
		log_error("judge", "read the stored %s %s: %s; it is left out", table, key, err.text);
	return doc;
}

static void load_alert(void *arg, const char *key, const char *text)
{
	struct loading *l = arg;
	json_t *doc = parse("alert", key, text);
	struct group *g = group_of(l, doc, "rule", "stream");

	if (!g) {
		batch_doc(&l->judge->batch, "alert", key, NULL);
	} else {
		struct alert *a = xcalloc(1, sizeof *a);
		a->field = xstrdup(json_get_str(doc, "field", ""));
		a->slice = xstrdup(json_get_str(doc, "slice", ""));
		alert_from_json(&a->state, doc);
		a->last = (struct measure_value){.state = a->state.unknown ? a->state.why : READING_KNOWN,
						 .value = json_get_num(doc, "value", NAN),
						 .error = json_get_num(doc, "error", NAN),
						 .n_reference = (uint64_t)json_get_int(doc, "n_reference", 0),
						 .n_current = (uint64_t)json_get_int(doc, "n_current", 0)};
		a->limits = thresholds_stored(g->rule, json_get_num(doc, "threshold", NAN));
		const char *follows = json_get_str(doc, "follows", NULL);
		a->follows = a->state.firing && follows ? xstrdup(follows) : NULL;
		g->nfiring += a->state.firing && !a->follows;
		char *name = xasprintf("%s\037%s", a->field, a->slice);
		map_puts(&g->alerts, name, a);
		free(name);
	}
	json_decref(doc);
}

static void load_page(void *arg, const char *key, const char *text)
{
	struct loading *l = arg;
	json_t *doc = parse("page", key, text), *data = json_object_get(doc, "data");

	if (json_is_object(data)) {
		struct page *p = xcalloc(1, sizeof *p);
		const char *tier = json_get_str(data, "tier", "");
		p->id = xstrdup(key);
		p->data = json_incref(data);
		p->told = json_get_int(doc, "told", 0);
		p->firing = !strcmp(json_get_str(data, "status", ""), "firing");
		while (p->tier < TIERS - 1 && strcmp(tier_names[p->tier], tier) != 0)
			p->tier++;
		map_puts(&l->judge->pages, key, p);
		struct group *g = p->firing ? group_of(l, data, "alert", "stream") : NULL;
		if (g)
			g->page = p;
	}
	json_decref(doc);
}

static void load_mark(void *arg, const char *key, const char *text)
{
	struct judge *j = ((struct loading *)arg)->judge;
	json_t *doc = parse("mark", key, text);

	for (size_t i = 0; doc && i < j->ntracks; i++) {
		struct track *t = &j->tracks[i];
		if (strcmp(t->key, key) != 0)
			continue;
		t->end = json_get_int(doc, "end", TIME_NONE);
		totals_parse(&t->totals, doc);
		if (!t->other) {
			t->stream->since = json_get_int(doc, "since", TIME_NONE);
			t->stream->first = json_get_int(doc, "first", TIME_NONE);
		}
	}
	json_decref(doc);
}

static void load_version(void *arg, const char *key, const char *text)
{
	struct judge *j = ((struct loading *)arg)->judge;
	json_t *doc = parse("version", key, text);
	size_t i = 0;

	while (i < j->conf->nstreams && (strcmp(j->conf->streams[i].name, key) != 0 || !j->conf->streams[i].contract))
		i++;
	if (i == j->conf->nstreams)
		batch_doc(&j->batch, "version", key, NULL);
	else if (doc)
		version_load(&j->streams[i], doc);
	json_decref(doc);
}

static void load_fields(void *arg, const char *key, const char *text)
{
	struct judge *j = ((struct loading *)arg)->judge;
	json_t *doc = parse("fields", key, text);
	size_t i = 0;

	while (i < j->conf->nstreams && strcmp(j->conf->streams[i].name, key) != 0)
		i++;
	if (i == j->conf->nstreams)
		batch_doc(&j->batch, "fields", key, NULL);
	else if (doc)
		fields_load(&j->streams[i], doc);
	json_decref(doc);
}

static void load_digest(void *arg, const char *key, const char *text)
{
	struct judge *j = ((struct loading *)arg)->judge;
	json_t *doc = parse("digest", key, text);

	for (int t = 0; doc && t < TIERS; t++) {
		if (strcmp(tier_names[t], key) != 0)
			continue;
		j->digests[t].last = json_get_int(doc, "last", TIME_NONE);
		json_decref(j->digests[t].totals);
		j->digests[t].totals = json_incref(json_object_get(doc, "totals"));
	}
	json_decref(doc);
}

int state_load(struct judge *j, struct error *err)
{
	const struct judge_port *p = j->port;
	struct loading l = {.judge = j};

	map_init(&l.groups);
	for (size_t i = 0; i < j->ngroups; i++) {
		char *key = xasprintf("%s\037%s", j->groups[i]->rule->name, j->groups[i]->stream->conf->name);
		map_puts(&l.groups, key, j->groups[i]);
		free(key);
	}
	int rc = p->docs(p->ctx, "alert", load_alert, &l, err) || p->docs(p->ctx, "page", load_page, &l, err) ||
			 p->docs(p->ctx, "mark", load_mark, &l, err) ||
				 p->docs(p->ctx, "version", load_version, &l, err) ||
				 p->docs(p->ctx, "fields", load_fields, &l, err) ||
				 p->docs(p->ctx, "digest", load_digest, &l, err)
			 ? -1
			 : 0;
	map_release(&l.groups, NULL);
	if (!rc)
		rc = in_force_load(j, err);
	j->loaded = !rc;
	return rc;
}

void state_end_orphans(struct judge *j)
{
	for (struct map_entry *e = NULL; (e = map_next(&j->pages, e));) {
		struct page *p = e->value;
		bool owned = !p->firing;
		for (size_t i = 0; !owned && i < j->ngroups; i++)
			owned = j->groups[i]->page == p && j->groups[i]->nfiring;
		if (owned)
			continue;
		for (size_t i = 0; i < j->ngroups; i++)
			if (j->groups[i]->page == p)
				j->groups[i]->page = NULL;
		page_end(j, p, j->clock, j->clock, "its rule or stream is no longer configured");
	}
}

static void free_page(void *p)
{
	page_free(p);
}

void state_drop(struct judge *j)
{
	for (size_t i = 0; i < j->ngroups; i++)
		group_clear(j->groups[i]);
	for (size_t i = 0; i < j->ntracks; i++) {
		struct track *t = &j->tracks[i];
		t->end = TIME_NONE;
		t->quiet = t->cut = false;
		t->totals = (struct totals){0};
	}
	for (size_t i = 0; i < j->conf->nstreams; i++) {
		struct stream_state *s = &j->streams[i];
		windows_clear(s->windows);
		spans_clear(s->spans);
		in_force_drop(j, s);
		moving_clear(s->moving);
		s->since = s->first = s->floor = s->eager_at = TIME_NONE;
		s->progress.position = 0;
		rolled_forget(&s->rolled);
		s->reopened = INT64_MAX;
		version_drop(s);
		fields_drop(s);
	}
	for (int t = 0; t < TIERS; t++) {
		j->digests[t].last = TIME_NONE;
		json_decref(j->digests[t].totals);
		j->digests[t].totals = NULL;
	}
	map_release(&j->pages, free_page);
	batch_release(&j->batch);
	j->loaded = false;
	j->shown_at = TIME_NONE;
}
