// SPDX-License-Identifier: Apache-2.0
// Private to collect: one worker, which is one consumer and one thread.
#ifndef KD_COLLECT_WORKER_H
#define KD_COLLECT_WORKER_H
#include <pthread.h>
#include <stdatomic.h>

#include "collect/partition.h"

struct worker {
	int index;
	const struct collect_conf *conf;
	struct collect_port port;
	struct consumer *consumer;
	struct wstream *streams;
	struct part **parts;
	size_t nparts, capparts;
	struct part *last;              // the partition of the message before
	struct record_values scratch;
	char *scope;                    // "cluster/group", NULL until a broker answered
	size_t turn;                    // the partition whose claim is looked at first
	struct mono_time polled_at, complained_at;
	unsigned jitter;
	pthread_t thread;
	atomic_bool *stop;
	pthread_mutex_t mutex;          // guards what follows, read by other threads
	struct collect_named_stats *shown; // streams and sub-streams, as they are met
	size_t nshown_streams, cap_shown;
	struct collect_partition_stats *shown_parts;
	size_t nshown;
	struct collect_totals totals;
};

void *worker_main(void *w);
// Answers the group (in consumer_batch).
void worker_assigned(void *w, const char *topic, int32_t partition);
void worker_revoked(void *w, const char *topic, int32_t partition, bool lost);
// claims.c: takes claims that are due, and drops what was fenced or lost.
void worker_claims(struct worker *w);
void worker_lose(struct worker *w, struct part *p, const char *why, int64_t retry_ms);
// Checkpoints one partition; on a refusal drops its memory and lets it be claimed again.
bool worker_checkpoint(struct worker *w, struct part *p);

#define STORE_WAS_AWAY "the store was away and may have gone back in time"
#endif
