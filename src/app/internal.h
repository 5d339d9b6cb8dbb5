// SPDX-License-Identifier: Apache-2.0
// Private to app: everything that runs.
#ifndef KD_APP_INTERNAL_H
#define KD_APP_INTERNAL_H
#include <pthread.h>
#include <stdatomic.h>

#include "app/adapters.h"
#include "app/app.h"
#include "app/contracts.h"
#include "app/model.h"
#include "app/types.h"
#include "deliver/deliver.h"
#include "web/web.h"

struct app {
	struct app_options opt;
	char *path;
	struct model *model;
	struct web *web;
	pthread_rwlock_t lock;          // readers: web; writer: reload
	struct schema_ctx schemas;
	struct registry *registry;      // of a process that collects, or judges contracts
	// collecting
	struct unjudged *unjudged;      // outlives reloads
	struct collect_ctx *workers;
	size_t nworkers;
	struct collect *collect;
	// judging and delivering
	struct store *judge_store;
	struct judge_port judge_port;
	struct contract_watch *contracts;
	struct types *types;            // NULL: not looked at yet
	struct judge *judge;            // swapped by its own thread where a type is new, under the lock
	struct deliver_ctx outbox;
	struct deliver *deliver;
	pthread_t judge_thread;
	bool judge_runs;
	char lease[STORE_NONCE + 1];
	atomic_bool stop_judge, leading, store_up;
	atomic_llong ticked_at;         // monotonic ns of the last good pass
	atomic_ullong waiting, dead;    // outbox
};

// judge_thread.c: keeps the lease and ticks the judge while it leads.
void *judge_main(void *app);

// web_ports.c
json_t *web_status(void *app);
json_t *web_alerts(void *app);
json_t *web_baselines(void *app, const char *hash); // web_baselines.c
void web_metrics(void *app, struct buf *out);
bool web_ready(void *app, char *why, size_t n);
int web_reload(void *app, struct error *err);
#endif
