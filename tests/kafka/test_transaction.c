// SPDX-License-Identifier: Apache-2.0
// The transactional producer against librdkafka's mock brokers; what it writes is read back in tests/e2e/dead_letters.py.
#include <criterion/criterion.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <string.h>
#include <time.h>

#include "kafka/consumer.h"
#include "kafka/transaction.h"

static void on_change(void *ctx, const char *topic, int32_t partition)
{
	(void)ctx, (void)topic, (void)partition;
}

static void on_revoked(void *ctx, const char *topic, int32_t partition, bool lost)
{
	(void)ctx, (void)topic, (void)partition, (void)lost;
}

// librdkafka waits for a group's coordinator as long as it takes (confluentinc/librdkafka#5456).
Test(transaction, a_write_ends_in_its_time_though_the_coordinator_of_the_group_is_away, .timeout = 120)
{
	struct error err = ERROR_INIT;
	rd_kafka_t *owner = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), NULL, 0);
	rd_kafka_mock_cluster_t *brokers = rd_kafka_mock_cluster_new(owner, 2);
	// A time for requests that a consumer may have, and a transactional producer may not.
	const struct kafka_property props[] = {{"bootstrap.servers", rd_kafka_mock_cluster_bootstraps(brokers)},
					       {"socket.timeout.ms", "60000"}};
	const struct rebalance cb = {NULL, on_change, on_revoked};
	const char *topic = "dead";
	enum transaction_result r;
	struct message m;
	size_t refused;

	rd_kafka_mock_topic_create(brokers, "topic", 1, 1);
	rd_kafka_mock_topic_create(brokers, topic, 1, 1);
	rd_kafka_mock_coordinator_set(brokers, "transaction", "letters", 1);
	rd_kafka_mock_coordinator_set(brokers, "group", "g", 2);
	struct consumer *c = consumer_new(props, 2, "g", 0, &cb, &err);
	struct transaction *t = transaction_new(props, 2, "letters", &err);
	cr_assert(c && t, "%s", err.text);
	cr_assert_eq(consumer_subscribe(c, (const char *[]){"topic"}, 1, &err), 0, "%s", err.text);
	for (struct mono_time deadline = mono_after_ms(40000); !consumer_joined(c) && !mono_passed(deadline);)
		cr_assert_eq(consumer_batch(c, 50, &m, 1), 0);
	struct membership *member = consumer_membership(c);
	cr_assert(member);
	const struct source_offset at = {"topic", 0, 7};
	const struct transaction_write w = {&topic, 1, NULL, 0, &at, 1, member};
	cr_assert_eq(transaction_write(t, &w, 20000, &refused, &err), TRANSACTION_DONE, "%s", err.text);

	rd_kafka_mock_broker_set_down(brokers, 2);
	struct mono_time before = mono_now();
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(transaction_write(t, &w, 500, &refused, &err), TRANSACTION_FAILED);
		cr_assert(strstr(err.text, "the group's coordinator does not answer"), "%s", err.text);
		error_clear(&err);
	}
	cr_assert_lt(mono_ms_since(before), 20000);
	rd_kafka_mock_broker_set_up(brokers, 2);
	struct mono_time deadline = mono_after_ms(40000);
	do { // until librdkafka has let go of the first client
		nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
		error_clear(&err);
		r = transaction_write(t, &w, 4000, &refused, &err);
	} while (r != TRANSACTION_DONE && !mono_passed(deadline));
	cr_assert_eq(r, TRANSACTION_DONE, "%s", err.text);
	membership_free(member);
	transaction_free(t);
	consumer_free(c);
	rd_kafka_mock_cluster_destroy(brokers);
	rd_kafka_destroy(owner);
}
