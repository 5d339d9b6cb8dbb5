// SPDX-License-Identifier: Apache-2.0
#include "app/unjudged.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "util/log.h"
#include "util/xalloc.h"

enum { MAX_SHOWN = 1000 };

struct unjudged {
	pthread_mutex_t mutex;
	struct shown {
		char *stream;
		int32_t schema;
		char *name, *path, *reason;
	} *list;
	size_t n, cap;
};

struct unjudged *unjudged_new(void)
{
	struct unjudged *u = xcalloc(1, sizeof *u);

	pthread_mutex_init(&u->mutex, NULL);
	return u;
}

void unjudged_free(struct unjudged *u)
{
	if (!u)
		return;
	for (size_t i = 0; i < u->n; i++) {
		free(u->list[i].stream);
		free(u->list[i].name);
		free(u->list[i].path);
		free(u->list[i].reason);
	}
	free(u->list);
	pthread_mutex_destroy(&u->mutex);
	free(u);
}

void unjudged_add(struct unjudged *u, const char *stream, int32_t schema, const struct plan_rule *r)
{
	bool known = false, told = false;

	pthread_mutex_lock(&u->mutex);
	for (size_t i = 0; i < u->n && !known; i++) {
		const struct shown *s = &u->list[i];
		const bool same = s->schema == schema && !strcmp(s->name, r->name) && !strcmp(s->reason, r->reason) &&
				  !strcmp(s->stream, stream);

		told |= same;
		known = same && !strcmp(s->path, r->path);
	}
	if (!known && u->n < MAX_SHOWN) {
		GROW(u->list, u->n, u->cap);
		u->list[u->n++] = (struct shown){xstrdup(stream), schema, xstrdup(r->name), xstrdup(r->path), xstrdup(r->reason)};
		if (!told) // a rule set's rule may stand on every field
			log_warn("collect", "stream %s: schema id %d: rule %.80s%s%.200s is not judged: %.200s", stream, schema,
				 r->name, *r->path ? " on " : "", r->path, r->reason);
	}
	pthread_mutex_unlock(&u->mutex);
}

void unjudged_show(struct unjudged *u, json_t *status)
{
	json_t *stream;
	size_t k;

	pthread_mutex_lock(&u->mutex);
	json_array_foreach(json_object_get(status, "streams"), k, stream) {
		const char *name = json_get_str(stream, "name", "");

		for (size_t i = 0; i < u->n; i++) {
			const struct shown *s = &u->list[i];
			json_t *rules = json_object_get(stream, "unsupported_rules");

			if (strcmp(s->stream, name) != 0)
				continue;
			if (!rules)
				json_object_set_new(stream, "unsupported_rules", rules = json_array());
			json_array_append_new(rules, json_pack("{s:o, s:o, s:i, s:o}", "name", json_str(s->name), "field",
							       json_str(s->path), "schema_id", (int)s->schema, "reason",
							       json_str(s->reason)));
		}
	}
	pthread_mutex_unlock(&u->mutex);
}

void unjudged_metrics(struct unjudged *u, struct metrics_writer *w)
{
	pthread_mutex_lock(&u->mutex);
	for (size_t i = 0; i < u->n; i++) { // a rule's sample stands where it is met first
		const struct shown *s = &u->list[i];
		double n = 0;
		bool first = true;

		for (size_t k = 0; k < u->n; k++) {
			const bool same = !strcmp(s->stream, u->list[k].stream) && !strcmp(s->name, u->list[k].name);

			n += same;
			first &= !same || k >= i;
		}
		if (first)
			metrics_add(w, METRIC_UNJUDGED, n, (const char *[]){s->stream, s->name});
	}
	pthread_mutex_unlock(&u->mutex);
}
