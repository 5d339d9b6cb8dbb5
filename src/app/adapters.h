// SPDX-License-Identifier: Apache-2.0
// The store and the registry behind the ports of those who use them.
#ifndef KD_APP_ADAPTERS_H
#define KD_APP_ADAPTERS_H
#include <pthread.h>

#include "app/unjudged.h"
#include "collect/ports.h"
#include "config/config.h"
#include "deliver/ports.h"
#include "judge/ports.h"
#include "store/store.h"

// A worker's connection and the process' registry client.
struct collect_ctx {
	struct store *store;
	struct registry *registry;
	struct unjudged *unjudged;
};
struct collect_port collect_port_of(struct collect_ctx *ctx);

// Without a store: what the registry says of schemas, and nothing else.
struct collect_port registry_port_of(struct registry *r);

struct judge_port judge_port_of(struct store *s);

// One connection for all of a process' receivers.
struct deliver_ctx {
	struct store *store;
	pthread_mutex_t mutex;
};
struct deliver_port deliver_port_of(struct deliver_ctx *ctx);

// The registry's memory across restarts.
struct schema_ctx {
	struct store *store;
	char registry[17]; // digest of its URLs
};
char *schema_load(void *ctx, const char *key);
void schema_save(void *ctx, const char *key, const char *text);

// The configuration's addresses, credentials and trust; it borrows from c. Without persistence.
struct registry_conf registry_conf_of(const struct config *c);

// store_new from a configuration; never connects.
struct store *store_of(const struct config *c, struct error *err) MUST_CHECK;
#endif
