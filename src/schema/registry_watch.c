// SPDX-License-Identifier: Apache-2.0
// What may change in the registry and is asked for again and again: the versions of a subject, the names of an id.
#include <stdlib.h>
#include <string.h>

#include "schema/registry_state.h"
#include "util/log.h"
#include "util/xalloc.h"

#define POLL_MS	  10000
#define SILENT_MS 60000

enum { VERSIONS_A_TURN = 20 }; // other questions wait meanwhile

static struct item *watched(struct registry *r, struct map *m, const char *key, const char *subject, int32_t id,
			    void (*work)(struct registry *r, struct item *i))
{
	struct item *i = map_gets(m, key);

	if (!i) {
		i = xcalloc(1, sizeof *i);
		i->subject = xstrdup(subject);
		i->id = id;
		i->work = work;
		map_puts(m, key, i);
		registry_enqueue(r, i);
	} else if (registry_stale(i)) {
		registry_enqueue(r, i);
	}
	return i;
}

static void refuses(struct item *i)
{
	if (!i->refused)
		log_warn("registry", "the registry does not tell the versions of %s (HTTP 403 or 405)", i->subject);
	i->refused = true;
	i->again = mono_after_ms(ASK_AGAIN_MS);
}

static void heard(struct item *i)
{
	i->refused = false;
	i->heard = mono_now();
	i->again = mono_after_ms(POLL_MS);
}

static bool said_lately(const struct item *i)
{
	return i->heard.ns && mono_ms_since(i->heard) < SILENT_MS;
}

static void copy_version(struct registry_version *dst, const struct registry_version *src)
{
	registry_version_release(dst);
	*dst = *src;
	dst->schema = schema_text_copy(&src->schema);
	dst->reason = src->reason ? xstrdup(src->reason) : NULL;
}

// --- the newest version ---------------------------------------------------------------------------------

static void work_latest(struct registry *r, struct item *i)
{
	struct error err = ERROR_INIT;
	struct registry_version v;

	pthread_mutex_unlock(&r->lock);
	int rc = ask_version(&r->link, i->subject, 0, &v, &err);
	pthread_mutex_lock(&r->lock);
	if (!registry_told(r, i, rc, true, &err))
		return;
	if (v.is == REGISTRY_PENDING) {
		refuses(i);
		return;
	}
	registry_version_release(&i->latest);
	i->latest = v;
	heard(i);
}

bool registry_latest(struct registry *r, const char *subject, struct registry_version *v)
{
	char *key = xasprintf("latest/%s", subject); // no id begins so

	pthread_mutex_lock(&r->lock);
	struct item *i = watched(r, &r->subjects, key, subject, 0, work_latest);
	bool said = said_lately(i);
	if (said && (v->version != i->latest.version || v->id != i->latest.id))
		copy_version(v, &i->latest);
	pthread_mutex_unlock(&r->lock);
	free(key);
	return said;
}

// --- every version --------------------------------------------------------------------------------------

static struct registry_version *known_version(const struct item *i, int32_t number)
{
	for (size_t k = 0; k < i->nhistory; k++)
		if (i->history[k].version == number)
			return &i->history[k];
	return NULL;
}

// Without the lock: only this thread changes the history. Those of `numbers`, as far as they were had; -1: the rest
// was not.
static int fetch_versions(struct registry *r, struct item *i, const int32_t *numbers, size_t n,
			  struct registry_version *out, struct error *err)
{
	int asked = 0;

	for (size_t k = n; k-- > 0;) { // the newest first
		const struct registry_version *known = known_version(i, numbers[k]);
		if (known)
			copy_version(&out[k], known);
		else if (asked++ == VERSIONS_A_TURN)
			return 1;
		else if (ask_version(&r->link, i->subject, numbers[k], &out[k], err))
			return -1;
	}
	return 0;
}

static void work_history(struct registry *r, struct item *i)
{
	struct error err = ERROR_INIT;
	enum registry_answer is = REGISTRY_KNOWN;
	struct registry_version *versions = NULL;
	int32_t *numbers;
	size_t n, kept = 0;

	pthread_mutex_unlock(&r->lock);
	int rc = ask_versions(&r->link, i->subject, &is, &numbers, &n, &err);
	if (!rc && is == REGISTRY_KNOWN) {
		versions = xcalloc(n + 1, sizeof *versions);
		rc = fetch_versions(r, i, numbers, n, versions, &err);
	}
	pthread_mutex_lock(&r->lock);
	free(numbers);
	if (versions) {
		for (size_t k = 0; k < i->nhistory; k++)
			registry_version_release(&i->history[k]);
		free(i->history);
		for (size_t k = 0; k < n; k++) { // without those that were not had, or deleted since they were listed
			if (versions[k].version && versions[k].is != REGISTRY_PENDING)
				versions[kept++] = versions[k];
			else
				registry_version_release(&versions[k]);
		}
		i->history = versions;
		i->nhistory = kept;
	}
	if (!registry_told(r, i, rc < 0 ? -1 : 0, true, &err))
		return;
	if (is == REGISTRY_PENDING)
		refuses(i);
	else if (rc)
		registry_enqueue(r, i);
	else
		heard(i);
}

bool registry_every_version(struct registry *r, const char *subject,
			    void (*each)(void *ctx, const struct registry_version *v), void *ctx)
{
	char *key = xasprintf("every/%s", subject);

	pthread_mutex_lock(&r->lock);
	const struct item *i = watched(r, &r->subjects, key, subject, 0, work_history);
	bool said = said_lately(i);
	for (size_t k = 0; said && k < i->nhistory; k++)
		each(ctx, &i->history[k]);
	pthread_mutex_unlock(&r->lock);
	free(key);
	return said;
}

// --- the names of an id ---------------------------------------------------------------------------------

static void work_names(struct registry *r, struct item *i)
{
	struct error err = ERROR_INIT;
	json_t *names;

	pthread_mutex_unlock(&r->lock);
	int rc = ask_names(&r->link, i->id, &names, &err);
	pthread_mutex_lock(&r->lock);
	if (!registry_told(r, i, rc, true, &err))
		return;
	json_decref(i->names);
	i->names = names;
	i->heard = mono_now();
	i->again = mono_after_ms(ASK_AGAIN_MS);
}

enum registry_answer registry_version_name(struct registry *r, int32_t id, const char *subject, char *out, size_t n,
				   int32_t *version)
{
	enum registry_answer is = REGISTRY_PENDING;
	char key[16];

	snprintf(key, sizeof key, "%d", id);
	pthread_mutex_lock(&r->lock);
	const struct item *i = watched(r, &r->names, key, "", id, work_names);
	if (i->heard.ns)
		is = REGISTRY_DENIED;
	for (size_t k = 0; k < json_array_size(i->names); k++) {
		const json_t *name = json_array_get(i->names, k);
		const char *has = json_get_str(name, "subject", NULL);
		if (!has || (is == REGISTRY_KNOWN && strcmp(has, subject) != 0))
			continue;
		is = REGISTRY_KNOWN;
		*version = (int32_t)json_get_int(name, "version", 0);
		snprintf(out, n, "%s", has);
	}
	pthread_mutex_unlock(&r->lock);
	return is;
}
