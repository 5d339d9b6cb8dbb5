// SPDX-License-Identifier: Apache-2.0
#include "app/adapters.h"

#include "app/before.h"

#include <stdlib.h>


static void scope(void *ctx, const char *text)
{
	store_set_scope(((struct collect_ctx *)ctx)->store, text);
}

static int claim(void *ctx, const char *topic, int32_t partition, struct claim *out, struct error *err)
{
	return store_claim(((struct collect_ctx *)ctx)->store, topic, partition, out, err);
}

static enum store_result checkpoint(void *ctx, const struct checkpoint *c, const int64_t *widths, int64_t *floors,
				    struct error *err)
{
	return store_checkpoint(((struct collect_ctx *)ctx)->store, c, widths, floors, err);
}

static int first_seen(void *ctx, const char *stream, const char *topic, int64_t *ms, int32_t *partitions,
		      struct error *err)
{
	return store_first_seen(((struct collect_ctx *)ctx)->store, stream, topic, ms, partitions, err);
}

static int types(void *ctx, const char *stream, char ***names, size_t *n, struct error *err)
{
	return store_types(((struct collect_ctx *)ctx)->store, stream, names, n, err);
}

static int own_segments(void *ctx, const char *stream, int64_t width, int64_t start, const char *topic, int32_t partition,
			void (*each)(void *arg, const char *key, const char *slice, const void *bytes, size_t len), void *arg,
			struct error *err)
{
	return store_own_segments(((struct collect_ctx *)ctx)->store, stream, width, start, topic, partition, each, arg, err);
}

static int before(void *ctx, const char *stream, const struct baseline *own, const char *known, struct baseline **out,
		  struct error *err)
{
	return before_look(((struct collect_ctx *)ctx)->store, stream, own, known, out, err);
}

static uint64_t worker_generation(void *ctx)
{
	return store_generation(((struct collect_ctx *)ctx)->store);
}

static enum registry_answer schema(void *ctx, int32_t id, const struct registry_schema **out)
{
	return registry_schema(((struct collect_ctx *)ctx)->registry, id, out);
}

static enum registry_answer id_of(void *ctx, const struct schema_ref *ref, const char *subject, int32_t *id)
{
	return registry_id_of(((struct collect_ctx *)ctx)->registry, ref, subject, id);
}

static enum subject_answer subject(void *ctx, int32_t id, const char *name)
{
	return registry_subject_has(((struct collect_ctx *)ctx)->registry, id, name);
}

static void unjudged(void *ctx, const char *stream, int32_t id, const struct plan_rule *r)
{
	unjudged_add(((struct collect_ctx *)ctx)->unjudged, stream, id, r);
}

struct collect_port collect_port_of(struct collect_ctx *ctx)
{
	return (struct collect_port){ctx, scope, claim, checkpoint, first_seen, types, own_segments, before, worker_generation, schema,
				     id_of, subject, unjudged};
}

static enum registry_answer registered(void *ctx, int32_t id, const struct registry_schema **out)
{
	return registry_schema(ctx, id, out);
}

static enum registry_answer registered_id(void *ctx, const struct schema_ref *ref, const char *name, int32_t *id)
{
	return registry_id_of(ctx, ref, name, id);
}

static enum subject_answer registered_under(void *ctx, int32_t id, const char *name)
{
	return registry_subject_has(ctx, id, name);
}

struct collect_port registry_port_of(struct registry *r)
{
	return (struct collect_port){.ctx = r, .schema = registered, .id_of = registered_id, .subject = registered_under};
}

static int view(void *ctx, const char *stream, struct stream_view *out, struct error *err)
{
	return store_view(ctx, stream, out, err);
}

static int intervals(void *ctx, const char *stream, int64_t from, int64_t to, struct interval_view **out, size_t *n,
		     struct error *err)
{
	return store_intervals(ctx, stream, from, to, out, n, err);
}

static int segments(void *ctx, const char *stream, const struct interval_view *iv, size_t n,
		    void (*each)(void *arg, const struct interval_view *of, const struct segment_view *s), void *arg,
		    struct error *err)
{
	return store_segments(ctx, stream, iv, n, each, arg, err);
}

static int roll_up(void *ctx, const char *stream, const struct roll_up *r, struct error *err)
{
	return store_roll_up(ctx, stream, r, err);
}

static int dirty(void *ctx, const char *stream, int64_t **out, size_t *n, struct error *err)
{
	return store_dirty(ctx, stream, out, n, err);
}

static int docs(void *ctx, const char *table, void (*each)(void *arg, const char *key, const char *json), void *arg,
		struct error *err)
{
	return store_docs(ctx, table, each, arg, err);
}

static int journal(void *ctx, int64_t from, int64_t to, void (*each)(void *arg, const char *json), void *arg,
		   struct error *err)
{
	return store_journal(ctx, from, to, each, arg, err);
}

static int commit(void *ctx, const struct judge_commit *c, struct error *err)
{
	return store_commit(ctx, c, err);
}

static int baseline(void *ctx, const char *stream, const char *hash, const char *file, struct baseline **out, struct error *err)
{
	return before_find(ctx, stream, hash, file, out, err);
}

static int set_floor(void *ctx, const char *stream, int64_t floor, struct error *err)
{
	return store_set_floor(ctx, stream, floor, err);
}

static uint64_t generation(void *ctx)
{
	return store_generation(ctx);
}

struct judge_port judge_port_of(struct store *s)
{
	return (struct judge_port){.ctx = s, .view = view, .intervals = intervals, .segments = segments,
				   .roll_up = roll_up, .dirty = dirty,
				   .docs = docs, .journal = journal, .commit = commit, .set_floor = set_floor,
				   .generation = generation, .baseline = baseline};
}

// Every operation of the receivers' threads goes through one connection, one at a time.
#define LOCKED(ctx, call)                                                                                    \
	struct deliver_ctx *d = (ctx);                                                                       \
	pthread_mutex_lock(&d->mutex);                                                                       \
	int rc = (call);                                                                                     \
	pthread_mutex_unlock(&d->mutex);                                                                     \
	return rc

static int outbox_due(void *ctx, const char *receiver, int64_t now, struct outbox_entry *out, size_t n, size_t *got,
		      struct error *err)
{
	LOCKED(ctx, store_outbox_due(d->store, receiver, now, out, n, got, err));
}

static int outbox_attempt(void *ctx, const char *id, struct error *err)
{
	LOCKED(ctx, store_outbox_attempt(d->store, id, err));
}

static int outbox_done(void *ctx, const char *id, const char *note, struct error *err)
{
	LOCKED(ctx, store_outbox_done(d->store, id, note, err));
}

static int outbox_retry(void *ctx, const char *id, int64_t due, const char *why, struct error *err)
{
	LOCKED(ctx, store_outbox_retry(d->store, id, due, why, err));
}

static int outbox_dead(void *ctx, const char *id, const char *why, struct error *err)
{
	LOCKED(ctx, store_outbox_dead(d->store, id, why, err));
}

struct deliver_port deliver_port_of(struct deliver_ctx *ctx)
{
	return (struct deliver_port){ctx, outbox_due, outbox_attempt, outbox_done, outbox_retry, outbox_dead};
}

char *schema_load(void *ctx, const char *key)
{
	struct schema_ctx *s = ctx;

	return store_schema_load(s->store, s->registry, key);
}

void schema_save(void *ctx, const char *key, const char *text)
{
	struct schema_ctx *s = ctx;

	store_schema_save(s->store, s->registry, key, text);
}

struct registry_conf registry_conf_of(const struct config *c)
{
	return (struct registry_conf){.urls = c->registry_urls, .nurls = c->nregistry_urls,
				      .user = c->registry_user, .password = c->registry_password,
				      .token = c->registry_token, .timeout_ms = c->registry_timeout_ms,
				      .ca_file = c->registry_ca_file,
				      .cert_file = c->registry_cert_file, .key_file = c->registry_key_file};
}

struct store *store_of(const struct config *c, struct error *err)
{
	const struct store_conf conf = {.url = c->redis_url, .prefix = c->prefix, .allow_eviction = c->redis_allow_eviction,
					.timeout_ms = 2000};

	return store_new(&conf, err);
}
