// SPDX-License-Identifier: Apache-2.0
// Private to kafka/: the offsets of a group, noted in the open transaction of a producer, in a time that holds.
//
// rd_kafka_send_offsets_to_transaction waits without an end while the group's coordinator is away, whatever time it is
// given (confluentinc/librdkafka#5456, all versions up to 2.14). It has a thread of its own, which is left behind
// when the time is up: it commits nothing, and destroys the producer when librdkafka lets go of it.
#ifndef KD_KAFKA_OFFSETS_CALL_H
#define KD_KAFKA_OFFSETS_CALL_H
#include <librdkafka/rdkafka.h>
#include <stdbool.h>

struct offsets_call;

// The offsets stay the caller's. -> the call's error, which the caller destroys; NULL: done, or *left was set: the time
// (in milliseconds) was up, and rk is the call's now: nothing of it is served any more.
rd_kafka_error_t *offsets_send(rd_kafka_t *rk, const rd_kafka_topic_partition_list_t *offsets,
			       const rd_kafka_consumer_group_metadata_t *member, int timeout_ms, struct offsets_call **left);
// Whether a call that was left behind has ended by now; it goes on to destroy its producer by itself.
bool offsets_call_ended(struct offsets_call *c);
void offsets_call_free(struct offsets_call *c); // at any time; NULL is fine
#endif
