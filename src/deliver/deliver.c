// SPDX-License-Identifier: Apache-2.0
#include "deliver/deliver.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "deliver/receivers.h"
#include "util/cond.h"
#include "util/digest.h"
#include "util/json.h"
#include "util/log.h"
#include "util/xalloc.h"

enum { BATCH = 16, OWED = 256, POLL_MS = 1000, POLL_LEAST_MS = 50, STOP_MS = 5000 };

#define LOG "deliver"

// A runner owns all that its thread needs while sending, so that an attempt which outlives deliver_stop
// (`orphan`) touches nothing else.
struct runner {
	struct receiver_conf conf;
	const struct receiver_type *type;
	struct deliver_port port;
	bool (*leading)(void *ctx);
	void *leading_ctx;
	struct http *http;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool woken, stopping, sending, finished, orphan; // under lock
	bool away;					 // the last port call failed; said once
	_Atomic uint64_t delivered, retried, refused;
};

struct deliver {
	struct runner **runners; // NULL where a receiver cannot be used
	size_t n;
};

void outbox_entry_release(struct outbox_entry *e)
{
	free(e->id);
	free(e->receiver);
	free(e->tier);
	free(e->body);
	free(e->last_error);
	memset(e, 0, sizeof *e);
}

static double random_unit(void)
{
	uint64_t bits;

	random_bytes(&bits, sizeof bits);
	return (double)(bits >> 11) * 0x1p-53;
}

static bool is_stopping(struct runner *r)
{
	pthread_mutex_lock(&r->lock);
	bool stopping = r->stopping;
	pthread_mutex_unlock(&r->lock);
	return stopping;
}

static int port_failed(struct runner *r, const char *what, const struct error *err)
{
	if (!r->away)
		log_warn(LOG, "receiver %s: cannot %s: %s; nothing is sent until it can", r->conf.name, what,
			 err->text);
	r->away = true;
	return -1;
}

// 0: an answer came; 1: none did, with the reason; -1: deliver_stop is not waiting any more.
static int send_once(struct runner *r, const struct outbox_entry *e, struct http_answer *answer,
		     struct error *err)
{
	const struct message m = {e->id, e->body, strlen(e->body), wall_now().ms / 1000};

	pthread_mutex_lock(&r->lock);
	r->sending = true;
	pthread_mutex_unlock(&r->lock);
	int rc = r->type->send(r->http, &r->conf, &m, answer, err) < 0;
	pthread_mutex_lock(&r->lock);
	r->sending = false;
	if (r->orphan)
		rc = -1;
	pthread_mutex_unlock(&r->lock);
	return rc;
}

static int write_outcome(struct runner *r, const struct outbox_entry *e, const struct attempt *a,
			 const struct verdict *v)
{
	struct error err = ERROR_INIT;
	_Atomic uint64_t *counter = NULL;
	char note[64], wait[32];
	int rc = -1;

	switch (v->outcome) {
	case OUTCOME_DELIVERED:
		snprintf(note, sizeof note, "answered %ld, attempt %u", a->status, a->number);
		log_info(LOG, "receiver %s: delivered %s: %s", r->conf.name, e->id, note);
		rc = r->port.done(r->port.ctx, e->id, note, &err);
		counter = &r->delivered;
		break;
	case OUTCOME_RETRY:
		log_warn(LOG, "receiver %s: attempt %u of %s: %s; again in %s", r->conf.name, a->number,
			 e->id, v->why, duration_format(v->delay_ms, wait, sizeof wait));
		rc = r->port.retry(r->port.ctx, e->id, wall_now().ms + v->delay_ms, v->why, &err);
		counter = &r->retried;
		break;
	case OUTCOME_DEAD:
		log_error(LOG, "receiver %s: %s is dead: %s", r->conf.name, e->id, v->why);
		rc = r->port.dead(r->port.ctx, e->id, v->why, &err);
		counter = &r->refused;
		break;
	}
	if (rc < 0)
		return port_failed(r, "write what became of a message", &err);
	++*counter;
	return 0;
}

// The id of the page whose end the message tells; NULL: it tells something else. The caller frees.
static char *ended_page(const struct outbox_entry *e)
{
	struct error err = ERROR_INIT;
	json_t *message = json_parse(e->body, strlen(e->body), &err), *data = json_object_get(message, "data");
	bool ended = !strcmp(json_get_str(message, "type", ""), "kdrift.alert") &&
		     !strcmp(json_get_str(data, "status", ""), "resolved");
	const char *id = json_get_str(data, "id", "");
	char *page = ended && *id ? xstrdup(id) : NULL;

	json_decref(message);
	return page;
}

// A page's end waits as long as its beginning is still owed. 1: it does; -1 ends the round.
static int wait_for_beginning(struct runner *r, const struct outbox_entry *e, int64_t *wait)
{
	char *page = ended_page(e), *why = NULL;
	struct error err = ERROR_INIT;
	int64_t due = 0;
	size_t got = 0;
	int rc = 0;

	if (!page)
		return 0;
	struct outbox_entry *owed = xcalloc(OWED, sizeof *owed);
	if (r->port.due(r->port.ctx, r->conf.name, INT64_MAX, owed, OWED, &got, &err) < 0)
		rc = port_failed(r, "read the outbox", &err);
	for (size_t i = 0; i < got; i++) {
		const struct outbox_entry *o = &owed[i];
		if (!why && strcmp(o->id, e->id) != 0 && o->created <= e->created && strstr(o->body, page)) {
			why = xasprintf("waits for %s, which tells the beginning of its page", o->id);
			due = o->due + 1;
		}
		outbox_entry_release(&owed[i]);
	}
	free(owed);
	free(page);
	if (!why)
		return rc;
	int64_t now = wall_now().ms;
	if (due < now)
		due = now;
	rc = 1;
	if (r->port.retry(r->port.ctx, e->id, due, why, &err) < 0)
		rc = port_failed(r, "write what became of a message", &err);
	else if (due - now < *wait)
		*wait = due - now;
	free(why);
	return rc;
}

// One attempt. -1 ends the round; *wait becomes at most the delay after which this entry is due again.
static int deliver_one(struct runner *r, const struct outbox_entry *e, int64_t *wait)
{
	struct error err = ERROR_INIT;
	struct http_answer answer = {.retry_after_s = -1};
	struct verdict verdict;

	if (is_stopping(r) || !r->leading(r->leading_ctx))
		return -1;
	int waits = wait_for_beginning(r, e, wait);
	if (waits)
		return waits < 0 ? -1 : 0;
	if (r->port.attempt(r->port.ctx, e->id, &err) < 0)
		return port_failed(r, "count an attempt", &err);
	int rc = send_once(r, e, &answer, &err);
	buf_release(&answer.body);
	if (rc < 0)
		return -1;
	int64_t age = wall_now().ms - e->created;
	const struct attempt a = {
		.status = rc ? 0 : answer.status,
		.error = err.text,
		.number = e->attempts + 1,
		.tier = e->tier,
		.retry_after_s = answer.retry_after_s,
		.age_ms = age > 0 ? age : 0,
		.random = random_unit(),
	};
	r->type->classify(&a, &verdict);
	if (verdict.outcome == OUTCOME_RETRY && verdict.delay_ms < *wait)
		*wait = verdict.delay_ms;
	return write_outcome(r, e, &a, &verdict);
}

// Everything that is due now, oldest first. Returns how long to sleep, unless woken.
static int64_t deliver_round(struct runner *r)
{
	struct outbox_entry due[BATCH] = {0};
	struct error err = ERROR_INIT;
	int64_t wait = POLL_MS;
	size_t got = 0;

	if (!r->leading(r->leading_ctx))
		return POLL_MS;
	if (r->port.due(r->port.ctx, r->conf.name, wall_now().ms, due, BATCH, &got, &err) < 0) {
		port_failed(r, "read the outbox", &err);
		return POLL_MS;
	}
	int rc = 0;
	for (size_t i = 0; i < got; i++) {
		if (rc == 0)
			rc = deliver_one(r, &due[i], &wait);
		outbox_entry_release(&due[i]);
	}
	if (rc < 0)
		return POLL_MS;
	r->away = false;
	if (got == BATCH)
		return 0;
	return wait > POLL_LEAST_MS ? wait : POLL_LEAST_MS;
}

static void runner_free(struct runner *r)
{
	http_free(r->http);
	free(r->conf.name);
	free(r->conf.url);
	if (r->conf.secret)
		explicit_bzero(r->conf.secret, strlen(r->conf.secret));
	free(r->conf.secret);
	pthread_cond_destroy(&r->changed);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

static void *runner_main(void *arg)
{
	struct runner *r = arg;

	pthread_mutex_lock(&r->lock);
	while (!r->stopping) {
		r->woken = false;
		pthread_mutex_unlock(&r->lock);
		struct mono_time until = mono_after_ms(deliver_round(r));
		pthread_mutex_lock(&r->lock);
		while (!r->woken && !r->stopping)
			if (!cond_wait_until(&r->changed, &r->lock, until))
				break;
	}
	r->finished = true;
	bool orphan = r->orphan;
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
	if (orphan)
		runner_free(r);
	return NULL;
}

static struct runner *runner_new(const struct receiver_conf *conf, const struct deliver_port *port,
				 bool (*leading)(void *ctx), void *ctx)
{
	const struct receiver_type *type = receiver_type_find(conf->type);
	struct error err = ERROR_INIT;

	if (!type)
		error_set(&err, "there is no receiver type \"%s\"", conf->type);
	if (!type || type->check(conf, &err) < 0) {
		log_error(LOG, "receiver %s: %s; its messages wait in the outbox", conf->name, err.text);
		return NULL;
	}
	if (!conf->secret || !*conf->secret)
		log_warn(LOG, "receiver %s: its messages are not signed; give it a secret_file", conf->name);
	struct runner *r = xcalloc(1, sizeof *r);
	r->conf = (struct receiver_conf){
		.name = xstrdup(conf->name),
		.url = xstrdup(conf->url),
		.secret = xstrdup(conf->secret),
		.timeout_ms = conf->timeout_ms,
	};
	r->type = type;
	r->port = *port;
	r->leading = leading;
	r->leading_ctx = ctx;
	r->http = http_new();
	pthread_mutex_init(&r->lock, NULL);
	cond_init(&r->changed);
	int rc = pthread_create(&r->thread, NULL, runner_main, r);
	if (rc) {
		log_error(LOG, "receiver %s: cannot start its thread: %s", conf->name, strerror(rc));
		runner_free(r);
		return NULL;
	}
	return r;
}

struct deliver *deliver_start(const struct receiver_conf *receivers, size_t n,
			      const struct deliver_port *port, bool (*leading)(void *ctx), void *ctx)
{
	struct deliver *d = xcalloc(1, sizeof *d);

	d->n = n;
	d->runners = xcalloc(n + 1, sizeof *d->runners);
	for (size_t i = 0; i < n; i++)
		d->runners[i] = runner_new(&receivers[i], port, leading, ctx);
	return d;
}

static void tell(struct runner *r, bool stop)
{
	pthread_mutex_lock(&r->lock);
	r->woken = true;
	r->stopping = r->stopping || stop;
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
}

void deliver_wake(struct deliver *d)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->runners[i])
			tell(d->runners[i], false);
}

static void runner_stop(struct runner *r, struct mono_time until)
{
	pthread_mutex_lock(&r->lock);
	while (!r->finished)
		if (!cond_wait_until(&r->changed, &r->lock, until))
			break;
	bool orphan = r->orphan = !r->finished && r->sending;
	if (orphan) {
		log_warn(LOG, "receiver %s: an attempt is still waiting for its answer; it will be repeated",
			 r->conf.name);
		pthread_detach(r->thread);
	}
	pthread_mutex_unlock(&r->lock);
	if (orphan)
		return;
	pthread_join(r->thread, NULL);
	runner_free(r);
}

void deliver_stop(struct deliver *d)
{
	struct mono_time until = mono_after_ms(STOP_MS);

	if (!d)
		return;
	for (size_t i = 0; i < d->n; i++)
		if (d->runners[i])
			tell(d->runners[i], true);
	for (size_t i = 0; i < d->n; i++)
		if (d->runners[i])
			runner_stop(d->runners[i], until);
	free(d->runners);
	free(d);
}

void deliver_stats(const struct deliver *d, size_t receiver, struct deliver_stats *out)
{
	const struct runner *r = receiver < d->n ? d->runners[receiver] : NULL;

	*out = (struct deliver_stats){0};
	if (r)
		*out = (struct deliver_stats){r->delivered, r->retried, r->refused};
}
