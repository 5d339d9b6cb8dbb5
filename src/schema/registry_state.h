// SPDX-License-Identifier: Apache-2.0
// The client's memory: questions with their last answers, and the queue of those that its thread has to ask. All of
// it is under the lock, which is not held while the registry is asked. Private to registry.c and registry_watch.c.
#ifndef KD_SCHEMA_REGISTRY_STATE_H
#define KD_SCHEMA_REGISTRY_STATE_H
#include <pthread.h>

#include "schema/registry_ask.h"
#include "util/clock.h"
#include "util/json.h"
#include "util/map.h"

#define ASK_AGAIN_MS 60000

struct registry;

// A question and its last answer. Never freed while it may be asked again; a schema known stays for good.
struct item {
	int32_t id;
	char *subject; // NULL: the schema itself
	void (*work)(struct registry *r, struct item *i); // of registry_watch.c; NULL: by subject and alias
	bool refused;  // the registry does not tell us
	char *alias;   // the question is the id of what is persisted under this key; NULL: it is not
	struct schema_ref ref; // of alias
	enum registry_answer schema_is;
	enum subject_answer subject_is;
	struct registry_schema schema;
	struct registry_version latest;
	struct registry_version *history; // all versions, ascending
	size_t nhistory;
	json_t *names;		// of an id: [{subject, version}]
	struct mono_time heard; // when one of these was said; 0: not yet
	bool queued, loaded; // loaded: the persisted copy was asked for
	unsigned tries;
	struct mono_time due;	// queued: not before
	struct mono_time again; // answered: to be asked again from then; 0: never
};

struct registry {
	struct registry_link link; // the thread's
	struct registry_conf conf; // load, save, ctx
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool started;
	struct map schemas, subjects, aliases, names;
	struct item **queue;
	size_t nqueue, capqueue;
	size_t ndenied;
	struct mono_time pause; // the registry said Retry-After
	struct registry_stats stats;
};

// Asks anew, unless it waits to be asked.
void registry_enqueue(struct registry *r, struct item *i);
// After an attempt, with the lock: whether it told anything; else it is repeated later.
bool registry_told(struct registry *r, struct item *i, int rc, bool asked, const struct error *err);
bool registry_stale(const struct item *i); // answered, and to be asked again
#endif
