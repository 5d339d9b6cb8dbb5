// SPDX-License-Identifier: Apache-2.0
#include "app/app.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/before.h"
#include "app/internal.h"
#include "http/http.h"
#include "util/buf.h"
#include "util/digest.h"
#include "util/log.h"
#include "util/xalloc.h"

static void registry_name(const struct config *c, char out[17])
{
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < c->nregistry_urls; i++)
		buf_addf(&b, "%s\n", c->registry_urls[i]);
	sha256_hex(b.data ? b.data : "", b.len, out, 16);
	buf_release(&b);
}

static bool needs_registry(const struct app *a)
{
	bool watched = false;

	for (size_t i = 0; i < a->model->config->nstreams; i++)
		watched |= a->model->judge_streams[i].contract;
	return a->opt.role != APP_JUDGE || watched;
}

static int start_registry(struct app *a, struct error *err)
{
	const struct config *c = a->model->config;

	if (!needs_registry(a))
		return 0;
	a->schemas.store = store_of(c, err);
	if (!a->schemas.store)
		return -1;
	registry_name(c, a->schemas.registry);
	struct registry_conf conf = registry_conf_of(c);
	conf.load = schema_load;
	conf.save = schema_save;
	conf.ctx = &a->schemas;
	a->registry = registry_new(&conf, err);
	return a->registry ? 0 : -1;
}

static int start_collect(struct app *a, struct error *err)
{
	size_t n = a->model->config->workers;

	if (a->opt.role == APP_JUDGE)
		return 0;
	a->workers = xcalloc(n, sizeof *a->workers);
	struct collect_port *ports = xcalloc(n, sizeof *ports);
	for (size_t i = 0; i < n; i++) {
		a->workers[i] = (struct collect_ctx){store_of(a->model->config, err), a->registry, a->unjudged};
		a->nworkers++;
		if (!a->workers[i].store) {
			free(ports);
			return -1;
		}
		ports[i] = collect_port_of(&a->workers[i]);
	}
	a->collect = collect_start(&a->model->collect, ports, err);
	free(ports);
	return a->collect ? 0 : -1;
}

static void stop_collect(struct app *a)
{
	collect_stop(a->collect);
	a->collect = NULL;
	for (size_t i = 0; i < a->nworkers; i++)
		store_free(a->workers[i].store);
	free(a->workers);
	a->workers = NULL;
	a->nworkers = 0;
}

static void stop_registry(struct app *a)
{
	registry_free(a->registry);
	a->registry = NULL;
	store_free(a->schemas.store);
	a->schemas.store = NULL;
}

static bool leading(void *ctx)
{
	return atomic_load(&((struct app *)ctx)->leading);
}

static int start_judge(struct app *a, struct error *err)
{
	const struct config *c = a->model->config;

	if (a->opt.role == APP_COLLECT)
		return 0;
	a->judge_store = store_of(c, err);
	a->outbox.store = store_of(c, err);
	if (!a->judge_store || !a->outbox.store)
		return -1;
	store_set_lease(a->judge_store, a->lease);
	store_set_lease(a->outbox.store, a->lease);
	a->judge_port = judge_port_of(a->judge_store);
	if (a->registry) {
		a->contracts = contract_watch_new(a->model, a->registry);
		a->judge_port.contracts = a->contracts;
		a->judge_port.contract = contract_watch_look;
		a->judge_port.schema = contract_watch_schema;
	}
	a->judge = judge_new(&a->model->judge, &a->judge_port);
	const struct deliver_port port = deliver_port_of(&a->outbox);
	a->deliver = deliver_start(c->receivers, c->nreceivers, &port, leading, a);
	atomic_store(&a->stop_judge, false);
	if (pthread_create(&a->judge_thread, NULL, judge_main, a))
		return error_set(err, "start the judge: no thread to be had");
	a->judge_runs = true;
	return 0;
}

static void stop_judge(struct app *a)
{
	if (a->judge_runs) {
		atomic_store(&a->stop_judge, true);
		pthread_join(a->judge_thread, NULL);
		a->judge_runs = false;
	}
	deliver_stop(a->deliver);
	a->deliver = NULL;
	judge_free(a->judge);
	a->judge = NULL;
	types_free(a->types);
	a->types = NULL;
	contract_watch_free(a->contracts);
	a->contracts = NULL;
	store_free(a->judge_store);
	store_free(a->outbox.store);
	a->judge_store = a->outbox.store = NULL;
}

static int start_parts(struct app *a, struct error *err)
{
	return start_registry(a, err) || start_collect(a, err) || start_judge(a, err) ? -1 : 0;
}

static void stop_parts(struct app *a)
{
	stop_collect(a); // first: what it still writes, the judge may still see
	stop_judge(a);
	stop_registry(a);
}

static int start_web(struct app *a, struct error *err)
{
	const struct config *c = a->model->config;
	const struct web_port port = {a, web_status, web_alerts, web_baselines, web_metrics, web_ready, web_reload};

	a->web = web_start(c->http_listen, c->http_token, &port, err);
	return a->web ? 0 : -1;
}

struct app *app_start(const char *path, const struct app_options *opt, struct error *err)
{
	struct app *a = xcalloc(1, sizeof *a);
	uint8_t nonce[STORE_NONCE / 2];
	sigset_t set;

	a->opt = *opt;
	a->path = xstrdup(path);
	a->unjudged = unjudged_new();
	pthread_rwlock_init(&a->lock, NULL);
	pthread_mutex_init(&a->outbox.mutex, NULL);
	random_bytes(nonce, sizeof nonce);
	hex_encode(nonce, sizeof nonce, a->lease);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	sigemptyset(&set); // before any thread: app_wait takes them
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (http_global_init(err) || !(a->model = model_load(path, opt->clock_is_watermark, err)) || start_web(a, err) ||
	    start_parts(a, err)) {
		app_stop(a);
		return NULL;
	}
	log_info("app", "kdrift %s watches %zu streams with %u workers; http://%s/", KDRIFT_VERSION, a->model->config->nstreams,
		 a->model->config->workers, a->model->config->http_listen);
	return a;
}

void app_wait(struct app *a)
{
	sigset_t set;
	int sig = 0;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	while (!sigwait(&set, &sig)) {
		struct error err = ERROR_INIT;
		if (sig != SIGHUP)
			break;
		if (app_reload(a, &err))
			log_error("app", "reload refused, the old configuration stays in force: %s", err.text);
	}
	log_info("app", "%s: draining", strsignal(sig));
}

int app_reload(struct app *a, struct error *err)
{
	struct model *fresh = model_load(a->path, a->opt.clock_is_watermark, err), *old;

	if (!fresh)
		return -1;
	if (strcmp(fresh->config->http_listen, a->model->config->http_listen)) {
		model_free(fresh);
		return error_set(err, "http.listen cannot change while kdrift runs: restart it for that");
	}
	before_keep(a->model, fresh);
	pthread_rwlock_wrlock(&a->lock);
	stop_parts(a);
	old = a->model;
	a->model = fresh;
	int rc = start_parts(a, err);
	if (rc) { // a property that only librdkafka can refuse: go on as before
		stop_parts(a);
		a->model = old;
		old = fresh;
		struct error again = ERROR_INIT;
		if (start_parts(a, &again))
			log_error("app", "the old configuration does not start any more: %s", again.text);
	}
	pthread_rwlock_unlock(&a->lock);
	model_free(old);
	if (!rc)
		log_info("app", "reloaded %s", a->path);
	return rc;
}

void app_stop(struct app *a)
{
	if (!a)
		return;
	web_stop(a->web);
	stop_parts(a);
	model_free(a->model);
	pthread_rwlock_destroy(&a->lock);
	pthread_mutex_destroy(&a->outbox.mutex);
	free(a->path);
	unjudged_free(a->unjudged);
	free(a);
}

int app_http_port(const struct app *a)
{
	return web_bound_port(a->web);
}
