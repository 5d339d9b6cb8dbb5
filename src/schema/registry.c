// SPDX-License-Identifier: Apache-2.0
#include "schema/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/registry_state.h"
#include "util/cond.h"
#include "util/log.h"
#include "util/xalloc.h"

#define MAX_DENIED     10000 // ids kept that the registry denies; a torrent of garbage must not fill memory

static void item_free(void *p)
{
	struct item *i = p;

	free(i->subject);
	free(i->alias);
	schema_text_release(&i->schema.schema);
	free(i->schema.references);
	free(i->schema.reason);
	registry_version_release(&i->latest);
	for (size_t k = 0; k < i->nhistory; k++)
		registry_version_release(&i->history[k]);
	free(i->history);
	json_decref(i->names);
	free(i);
}

static struct mono_time later(struct mono_time a, struct mono_time b)
{
	return a.ns > b.ns ? a : b;
}

void registry_enqueue(struct registry *r, struct item *i)
{
	if (i->queued)
		return;
	i->queued = true;
	i->tries = 0;
	i->due = (struct mono_time){0};
	GROW(r->queue, r->nqueue, r->capqueue);
	r->queue[r->nqueue++] = i;
	pthread_cond_signal(&r->wake);
}

static void dequeue(struct registry *r, struct item *i)
{
	size_t k = 0;

	while (r->queue[k] != i)
		k++;
	memmove(&r->queue[k], &r->queue[k + 1], (--r->nqueue - k) * sizeof *r->queue);
	i->queued = false;
}

static void postpone(struct registry *r, struct item *i, const struct error *err)
{
	i->due = mono_after_ms(retry_ms(++i->tries));
	if (r->link.retry_after_ms)
		r->pause = mono_after_ms(r->link.retry_after_ms);
	if (r->stats.up)
		log_warn("registry", "%s; asking again", err->text);
	r->stats.up = false;
	snprintf(r->stats.last_error, sizeof r->stats.last_error, "%.511s", err->text);
}

static void answered(struct registry *r)
{
	if (!r->stats.up)
		log_info("registry", "the schema registry answers again");
	r->stats.up = true;
	r->stats.last_error[0] = 0;
}

bool registry_told(struct registry *r, struct item *i, int rc, bool asked, const struct error *err)
{
	if (rc) {
		postpone(r, i, err);
		return false;
	}
	if (asked)
		answered(r);
	dequeue(r, i);
	return true;
}

// Without the lock. The persisted copy, the first time it is asked for; the caller frees.
static char *load_once(struct registry *r, struct item *i, const char *key)
{
	bool first = !i->loaded && r->conf.load;

	i->loaded = true;
	return first ? r->conf.load(r->conf.ctx, key) : NULL;
}

static void keep(struct registry *r, const char *key, const char *text)
{
	if (r->conf.save)
		r->conf.save(r->conf.ctx, key, text);
}

static void forget_denied(struct registry *r, struct map *m)
{
	for (struct map_entry *e = NULL; r->ndenied > MAX_DENIED / 2 && (e = map_next(m, e));) {
		struct item *i = e->value;

		if (i->schema_is != REGISTRY_DENIED || i->queued)
			continue;
		if (i->alias)
			map_del(m, i->alias, strlen(i->alias));
		else
			map_del(m, &i->id, sizeof i->id);
		item_free(i);
		r->ndenied--;
	}
}

static void denied(struct registry *r, struct item *i)
{
	i->again = mono_after_ms(ASK_AGAIN_MS);
	if (++r->ndenied <= MAX_DENIED)
		return;
	forget_denied(r, &r->schemas);
	forget_denied(r, &r->aliases);
}

static void settle_schema(struct registry *r, struct item *i, enum registry_answer is, const struct registry_schema *s)
{
	i->schema_is = is;
	i->again = (struct mono_time){0};
	i->schema = *s;
	if (is == REGISTRY_INVALID)
		log_warn("registry", "schema id %d cannot be used: %s", i->id, s->reason);
	else if (is == REGISTRY_DENIED)
		denied(r, i);
}

// Without the lock. The persisted copy comes first: an id's schema never changes.
static int fetch_schema(struct registry *r, struct item *i, enum registry_answer *is, struct registry_schema *out,
			bool *asked, struct error *err)
{
	char key[16];

	snprintf(key, sizeof key, "%d", i->id);
	char *known = load_once(r, i, key);
	*asked = !known || !registry_copy_read(known, out);
	free(known);
	if (!*asked) {
		*is = REGISTRY_KNOWN;
		return 0;
	}
	if (ask_schema(&r->link, i->id, is, out, err))
		return -1;
	if (*is == REGISTRY_KNOWN) {
		char *copy = registry_copy_write(out);
		keep(r, key, copy);
		free(copy);
	}
	return 0;
}

static void work_schema(struct registry *r, struct item *i)
{
	struct error err = ERROR_INIT;
	enum registry_answer is = REGISTRY_PENDING;
	struct registry_schema s = {.id = i->id};
	bool asked;

	pthread_mutex_unlock(&r->lock);
	int rc = fetch_schema(r, i, &is, &s, &asked, &err);
	pthread_mutex_lock(&r->lock);
	if (registry_told(r, i, rc, asked, &err))
		settle_schema(r, i, is, &s);
}

static struct item *schema_item(struct registry *r, int32_t id)
{
	struct item *i = map_get(&r->schemas, &id, sizeof id);

	if (!i) {
		i = xcalloc(1, sizeof *i);
		i->id = id;
		i->schema.id = id;
		i->schema_is = REGISTRY_PENDING;
		map_put(&r->schemas, &id, sizeof id, i);
		registry_enqueue(r, i);
	}
	return i;
}

// Without the lock. Who belongs to a subject stays there, so a yes is persisted, and only that.
static int fetch_subject(struct registry *r, struct item *i, const struct registry_schema *schema,
			 enum subject_answer *is, bool *asked, struct error *err)
{
	char *key = xasprintf("%d/%s", i->id, i->subject), *known = load_once(r, i, key);
	int rc = 0;

	*asked = !known;
	if (known)
		*is = SUBJECT_YES;
	else
		rc = ask_subject(&r->link, i->id, i->subject, schema, is, err);
	if (!rc && *asked && *is == SUBJECT_YES)
		keep(r, key, "yes");
	free(known);
	free(key);
	return rc;
}

static void work_subject(struct registry *r, struct item *i)
{
	struct error err = ERROR_INIT;
	enum subject_answer is = SUBJECT_UNCHECKED;
	const struct item *schema = schema_item(r, i->id);
	bool asked = false;
	int rc = 0;

	if (schema->schema_is == REGISTRY_PENDING) { // its turn comes; then this one's
		i->due = mono_after_ms(10);
		return;
	}
	if (schema->schema_is == REGISTRY_KNOWN) {
		pthread_mutex_unlock(&r->lock);
		rc = fetch_subject(r, i, &schema->schema, &is, &asked, &err);
		pthread_mutex_lock(&r->lock);
	}
	if (!registry_told(r, i, rc, asked, &err))
		return;
	i->subject_is = is;
	i->again = is == SUBJECT_YES ? (struct mono_time){0} : mono_after_ms(ASK_AGAIN_MS);
}

// Without the lock. What names a schema never names another, so what is known is persisted.
static int fetch_alias(struct registry *r, struct item *i, enum registry_answer *is, int32_t *id, bool *asked,
		       struct error *err)
{
	char *known = load_once(r, i, i->alias), text[SCHEMA_REF_TEXT];
	char *end = known;
	long number = known ? strtol(known, &end, 10) : -1;
	bool read = known && end > known && !*end && number >= 0 && number <= INT32_MAX;
	int rc;

	free(known);
	*asked = !read;
	if (read) {
		*is = REGISTRY_KNOWN;
		*id = (int32_t)number;
		return 0;
	}
	schema_ref_text(&i->ref, text);
	if (i->ref.by == SCHEMA_BY_GUID)
		rc = ask_guid(&r->link, text, is, id, err);
	else
		rc = ask_fingerprint(&r->link, i->ref.lo, i->subject, is, id, err);
	if (!rc && *is == REGISTRY_KNOWN) {
		snprintf(text, sizeof text, "%d", *id);
		keep(r, i->alias, text);
	}
	return rc;
}

static void work_alias(struct registry *r, struct item *i)
{
	struct error err = ERROR_INIT;
	enum registry_answer is = REGISTRY_PENDING;
	int32_t id = -1;
	bool asked;

	pthread_mutex_unlock(&r->lock);
	int rc = fetch_alias(r, i, &is, &id, &asked, &err);
	pthread_mutex_lock(&r->lock);
	if (!registry_told(r, i, rc, asked, &err))
		return;
	i->schema_is = is;
	i->id = id;
	i->again = (struct mono_time){0};
	if (is == REGISTRY_DENIED)
		denied(r, i);
	else if (is == REGISTRY_INVALID)
		log_warn("registry", "%s is registered in another context of the registry only", i->alias);
}

static void *serve(void *arg)
{
	struct registry *r = arg;

	pthread_mutex_lock(&r->lock);
	while (!atomic_load(&r->link.stop)) {
		struct item *next = NULL;

		for (size_t k = 0; k < r->nqueue; k++)
			if (!next || r->queue[k]->due.ns < next->due.ns)
				next = r->queue[k];
		if (!next) {
			pthread_cond_wait(&r->wake, &r->lock);
			continue;
		}
		struct mono_time due = later(next->due, r->pause);
		if (!mono_passed(due)) {
			cond_wait_until(&r->wake, &r->lock, due);
			continue;
		}
		if (next->work)
			next->work(r, next);
		else if (next->alias)
			work_alias(r, next);
		else if (next->subject)
			work_subject(r, next);
		else
			work_schema(r, next);
		r->stats.requests = r->link.requests;
		r->stats.failures = r->link.failures;
	}
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

struct registry *registry_new(const struct registry_conf *conf, struct error *err)
{

	if (!conf->nurls) {
		error_set(err, "schema registry: no URL; set schema_registry.url");
		return NULL;
	}
	if (http_global_init(err))
		return NULL;
	struct registry *r = xcalloc(1, sizeof *r);
	r->conf = *conf;
	link_init(&r->link, conf);
	map_init(&r->schemas);
	map_init(&r->subjects);
	map_init(&r->aliases);
	map_init(&r->names);
	r->stats.up = true;
	pthread_mutex_init(&r->lock, NULL);
	cond_init(&r->wake);
	int rc = pthread_create(&r->thread, NULL, serve, r);
	if (rc) {
		error_set(err, "schema registry: cannot start a thread: %s", strerror(rc));
		registry_free(r);
		return NULL;
	}
	r->started = true;
	return r;
}

void registry_free(struct registry *r)
{
	if (!r)
		return;
	pthread_mutex_lock(&r->lock);
	atomic_store(&r->link.stop, true);
	pthread_cond_signal(&r->wake);
	pthread_mutex_unlock(&r->lock);
	if (r->started)
		pthread_join(r->thread, NULL);
	map_release(&r->schemas, item_free);
	map_release(&r->subjects, item_free);
	map_release(&r->aliases, item_free);
	map_release(&r->names, item_free);
	free(r->queue);
	link_release(&r->link);
	pthread_cond_destroy(&r->wake);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

bool registry_stale(const struct item *i)
{
	return i->again.ns && mono_passed(i->again);
}

// Denied once; a schema registered since must not be called unknown.
static void ask_denied_again(struct registry *r, struct item *i)
{
	if (!registry_stale(i))
		return;
	r->ndenied--;
	i->schema_is = REGISTRY_PENDING;
	i->again = (struct mono_time){0};
	registry_enqueue(r, i);
}

enum registry_answer registry_schema(struct registry *r, int32_t id, const struct registry_schema **out)
{
	pthread_mutex_lock(&r->lock);
	struct item *i = schema_item(r, id);
	ask_denied_again(r, i);
	enum registry_answer is = i->schema_is;
	*out = is == REGISTRY_KNOWN || is == REGISTRY_INVALID ? &i->schema : NULL;
	pthread_mutex_unlock(&r->lock);
	return is;
}

enum registry_answer registry_id_of(struct registry *r, const struct schema_ref *ref, const char *subject, int32_t *id)
{
	bool guid = ref->by == SCHEMA_BY_GUID;
	char text[SCHEMA_REF_TEXT];

	schema_ref_text(ref, text);
	char *key = guid ? xasprintf("guid/%s", text) : xasprintf("fingerprint/%s/%s", text, subject);
	pthread_mutex_lock(&r->lock);
	struct item *i = map_gets(&r->aliases, key);
	if (!i) {
		i = xcalloc(1, sizeof *i);
		i->id = -1;
		i->alias = xstrdup(key);
		i->ref = *ref;
		i->subject = guid ? NULL : xstrdup(subject);
		i->schema_is = REGISTRY_PENDING;
		map_puts(&r->aliases, key, i);
		registry_enqueue(r, i);
	}
	ask_denied_again(r, i);
	enum registry_answer is = i->schema_is;
	*id = i->id;
	pthread_mutex_unlock(&r->lock);
	free(key);
	return is;
}

enum subject_answer registry_subject_has(struct registry *r, int32_t id, const char *subject)
{
	char *key = xasprintf("%d/%s", id, subject);

	pthread_mutex_lock(&r->lock);
	struct item *i = map_gets(&r->subjects, key);
	if (!i) {
		i = xcalloc(1, sizeof *i);
		i->id = id;
		i->subject = xstrdup(subject);
		i->subject_is = SUBJECT_PENDING;
		map_puts(&r->subjects, key, i);
		registry_enqueue(r, i);
	} else if (registry_stale(i)) { // the old answer holds until the new one is there
		registry_enqueue(r, i);
	}
	enum subject_answer is = i->subject_is;
	pthread_mutex_unlock(&r->lock);
	free(key);
	return is;
}

void registry_stats(struct registry *r, struct registry_stats *out)
{
	pthread_mutex_lock(&r->lock);
	*out = r->stats;
	pthread_mutex_unlock(&r->lock);
}
