// SPDX-License-Identifier: Apache-2.0
// A producer for one thread: idempotent, every delivery's outcome counted. A message's fate is known after
// producer_flush; what failed is said there, never swallowed.
#ifndef KD_KAFKA_PRODUCER_H
#define KD_KAFKA_PRODUCER_H
#include <stddef.h>
#include <stdint.h>

#include "kafka/consumer.h"
#include "util/clock.h"
#include "util/error.h"

struct producer_message {
	const char *topic;
	int32_t partition;	 // -1: by the key, or any
	const void *key, *value; // NULL: none; a NULL value is a tombstone
	size_t key_len, len;
	struct wall_time time; // Kafka timestamp; 0: now
	struct kafka_property *headers;
	size_t nheaders;
};

struct producer;
// NULL, naming the property, where librdkafka refuses one.
struct producer *producer_new(const struct kafka_property *props, size_t nprops,
			      struct error *err) MUST_CHECK;
// Copies the message; waits while the queue is full. -1: it was not taken (too large, unknown partition).
int producer_send(struct producer *p, const struct producer_message *m, struct error *err) MUST_CHECK;
// Waits until every message is delivered or given up. -1 if any message since producer_new was not delivered,
// with how many and why.
int producer_flush(struct producer *p, int timeout_ms, struct error *err) MUST_CHECK;
uint64_t producer_delivered(const struct producer *p);
void producer_free(struct producer *p); // drops what is not flushed
#endif
