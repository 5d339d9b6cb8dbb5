// SPDX-License-Identifier: Apache-2.0
// A transactional producer for one thread. What one transaction_write sends, and the offsets of the group up to which
// its sources were read, become visible together or not at all; a member that the group has put out since can
// change neither (KIP-447: brokers from 2.5 on). The client is made when it is first needed, and anew after an
// error that it cannot recover from.
//
//     struct transaction *t = transaction_new(props, nprops, id, &err);
//     switch (transaction_write(t, &w, 4000, &refused, &err)) { ... }
//     transaction_free(t);
#ifndef KD_KAFKA_TRANSACTION_H
#define KD_KAFKA_TRANSACTION_H
#include <stddef.h>
#include <stdint.h>

#include "kafka/consumer.h"
#include "util/clock.h"
#include "util/error.h"

struct outgoing {
	const char *topic;
	int32_t lane;            // goes to partition lane modulo the topic's number of them
	const void *key, *value; // NULL: null
	size_t key_len, len;
	struct wall_time time;   // Kafka timestamp; 0: now
	const struct kafka_header *headers;
	size_t nheaders;
};

struct source_offset {
	const char *topic;
	int32_t partition;
	int64_t next;
};

struct transaction_write {
	const char *const *topics; // those that messages go to, now or later: one that is not there is told at once
	size_t ntopics;
	const struct outgoing *const *messages;
	size_t nmessages;
	const struct source_offset *offsets;
	size_t noffsets;
	const struct membership *member;
};

enum transaction_result {
	TRANSACTION_DONE,
	TRANSACTION_FAILED,  // nothing of it is visible or ever will be
	TRANSACTION_REFUSED, // the same, and the message `refused` is one that the topic never takes (too large)
	TRANSACTION_UNKNOWN, // the commit was not answered: all of it or nothing; the group's offsets will tell
};

struct transaction;
// Connects to nothing. id: the transactional.id; another producer of that id is fenced, its open transaction undone.
// NULL, naming the property, where librdkafka refuses one.
struct transaction *transaction_new(const struct kafka_property *props, size_t nprops, const char *id,
				    struct error *err) MUST_CHECK;
// Makes ready to write, which settles what an earlier transaction of this id left open. No-op where it is ready.
int transaction_open(struct transaction *t, int timeout_ms, struct error *err) MUST_CHECK;
// Takes up to timeout_ms, and up to 4 s more to learn the fate of a commit and to undo.
enum transaction_result transaction_write(struct transaction *t, const struct transaction_write *w, int timeout_ms,
					  size_t *refused, struct error *err) MUST_CHECK;
void transaction_free(struct transaction *t);
#endif
