// SPDX-License-Identifier: Apache-2.0
// Private to collect: one worker, which is one consumer and one thread.
#ifndef KD_COLLECT_WORKER_H
#define KD_COLLECT_WORKER_H
#include <pthread.h>
#include <stdatomic.h>

#include "collect/partition.h"

// What sends the letters: those of all partitions of the worker in one transaction.
struct forwarder {
	struct transaction *transaction; // NULL: no stream has dead letters
	const char **topics;
	size_t ntopics;
	bool failing, suspended;         // suspended: letters are given up until it works again
	struct mono_time failing_since;
	struct mono_time retry_at;       // nothing is sent before
	int64_t backoff_ms;
	struct mono_time sent_at;        // the end of the last transaction
	int64_t pause_ms;                // letters alone hasten no checkpoint sooner than this after it
	struct wall_time since;          // of `suspended`
	char why[300];
};

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
	struct forwarder forwarder;
	char *scope;                    // "cluster/group", NULL until a broker answered
	size_t turn;                    // the partition whose claim is looked at first
	struct mono_time polled_at, complained_at, rechecked_at;
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

// forward.c: dead letters (docs/dead-letters.md).
int forward_init(struct worker *w, const struct kafka_property *props, size_t nprops, struct error *err) MUST_CHECK;
void forward_release(struct forwarder *f);
// Learns which letters of the partition were sent. -1: not to be known yet, it cannot be claimed.
int forward_claim(struct worker *w, struct part *p, int64_t end, struct error *err) MUST_CHECK;
// Whether the partition may be checkpointed: the fate of every letter of it is settled, sent or given up.
bool forward_settle(struct worker *w, struct part *p);
void forward_offsets(struct worker *w); // now and then: how far the worker is, where there is nothing to send
void forward_rewind(struct worker *w, const struct part *p); // the partition begins anew: so do its letters
bool forward_presses(const struct worker *w, const struct part *p); // its letters want a checkpoint

#define STORE_WAS_AWAY "the store was away and may have gone back in time"
#endif
