// SPDX-License-Identifier: Apache-2.0
// One consumer in a group (cooperative-sticky), safe on librdkafka 2.0.2 and later. A consumer belongs to
// one thread.
//
// Offsets are always explicit: the owner answers a rebalance with consumer_start at the offset that its
// store gave, and moves a partition only by consumer_stop and consumer_start (incremental unassign and
// assign). Below librdkafka 2.1 a batch is drained by single polls, since its batch consume loses records
// around pauses. Offsets committed to Kafka are advice for lag tools, never read back to count on.
#ifndef KD_KAFKA_CONSUMER_H
#define KD_KAFKA_CONSUMER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/clock.h"
#include "util/error.h"

enum message_kind { MESSAGE_RECORD, MESSAGE_EOF, MESSAGE_OUT_OF_RANGE, MESSAGE_ERROR };

struct message {
	enum message_kind kind;
	const char *topic;
	int32_t partition;
	int64_t offset;           // of the record; at MESSAGE_EOF the offset of the next one to come
	struct wall_time time;    // Kafka timestamp; 0 where the record has none
	const uint8_t *value;     // NULL: a tombstone
	size_t len;
	const uint8_t *key;       // NULL: none
	size_t key_len;
	const char *error;        // MESSAGE_ERROR
	void *raw;
};

struct kafka_property {
	const char *name, *value;
};

struct kafka_header {
	const char *name;
	const void *value;        // NULL: null, which is not the same as empty
	size_t len;
};

struct rebalance {
	void *ctx;
	// The group gave these partitions. The owner calls consumer_start for those that it can read from now, in the
	// callback or later.
	void (*assigned)(void *ctx, const char *topic, int32_t partition);
	// They are about to be taken: last chance to checkpoint, unless `lost` (then they already belong to another).
	void (*revoked)(void *ctx, const char *topic, int32_t partition, bool lost);
};

struct consumer;
// worker: 0.. within the process (suffix of group.instance.id). -1 names the property that librdkafka refused.
struct consumer *consumer_new(const struct kafka_property *props, size_t nprops, const char *group, int worker,
			      const struct rebalance *cb, struct error *err) MUST_CHECK;
// Topics; one that begins with ^ is a regular expression.
int consumer_subscribe(struct consumer *c, const char *const *topics, size_t n, struct error *err) MUST_CHECK;
// Messages of started partitions, at most max; waits up to timeout_ms for the first. Rebalance callbacks run inside.
size_t consumer_batch(struct consumer *c, int timeout_ms, struct message *out, size_t max);
void consumer_batch_free(struct message *m, size_t n);
// A header's bytes (the last of that name); NULL if absent.
const char *message_header(const struct message *m, const char *name, size_t *len);
// The header at place i, in the order of the record, those of one name included; false past the last.
bool message_header_at(const struct message *m, size_t i, struct kafka_header *out);

int consumer_start(struct consumer *c, const char *topic, int32_t partition, int64_t offset, struct error *err) MUST_CHECK;
void consumer_stop(struct consumer *c, const char *topic, int32_t partition); // no-op where it is not started
bool consumer_joined(const struct consumer *c); // the group has answered with an assignment, which may be empty
bool consumer_lost(const struct consumer *c);                                 // the group took everything away
void consumer_commit(struct consumer *c, const char *topic, int32_t partition, int64_t next); // advice, asynchronous
// low: first offset of the log, high: the last stable offset.
int consumer_range(struct consumer *c, const char *topic, int32_t partition, int64_t *low, int64_t *high, int timeout_ms,
		   struct error *err) MUST_CHECK;
// The first offset whose record is not older than t; the log's end where there is none.
int consumer_offset_at(struct consumer *c, const char *topic, int32_t partition, struct wall_time t, int64_t *offset,
		       int timeout_ms, struct error *err) MUST_CHECK;
// The names of all topics, in order; the caller frees each and the list.
int consumer_topics(struct consumer *c, char ***out, size_t *n, int timeout_ms, struct error *err) MUST_CHECK;
// How many partitions the topic has; -1: no broker answered, or there is no such topic.
int consumer_partitions(struct consumer *c, const char *topic, int timeout_ms, struct error *err) MUST_CHECK;
// The log's end (with what an open transaction holds back) as last heard with a fetch, without asking; -1 unknown.
int64_t consumer_known_end(struct consumer *c, const char *topic, int32_t partition);
// The group's offset of the partition, less than 0 where it has none. While a transaction that changes it is under way
// this waits, and fails when that lasts longer than timeout_ms (with isolation.level read_committed).
int consumer_committed(struct consumer *c, const char *topic, int32_t partition, int64_t *offset, int timeout_ms,
		       struct error *err) MUST_CHECK;
// The cluster's id; NULL while no broker answered. The caller frees.
char *consumer_cluster_id(struct consumer *c, int timeout_ms);
int64_t consumer_session_ms(const struct consumer *c);
// Which member of which generation of its group this consumer is now, for a transaction to be fenced by. NULL while
// it is none, or was put out and does not know yet what it lost. Free with membership_free.
struct membership;
struct membership *consumer_membership(struct consumer *c);
void membership_free(struct membership *m);
// The last trouble librdkafka reported ("all brokers down"), "" once messages flow; for status.
const char *consumer_trouble(const struct consumer *c);
// Leaves the group at once (unsubscribe, revoke, close) and frees. One that is just joining gets its first assignment
// before, where librdkafka needs that (before 2.3; at most 5 s); the owner is not told of it.
void consumer_free(struct consumer *c);
#endif
