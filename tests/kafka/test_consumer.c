// SPDX-License-Identifier: Apache-2.0
// The consumer against librdkafka's own mock brokers, which it starts inside the client.
#include <criterion/criterion.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdlib.h>
#include <string.h>

#include "kafka/consumer.h"
#include "kafka/property.h"
#include "util/xalloc.h"

static struct {
	size_t assigned, revoked;
	bool lost;
} group;

static void on_assigned(void *ctx, const char *topic, int32_t partition)
{
	(void)ctx, (void)partition;
	cr_assert_str_eq(topic, "topic");
	group.assigned++;
}

static void on_revoked(void *ctx, const char *topic, int32_t partition, bool lost)
{
	(void)ctx, (void)topic, (void)partition;
	group.revoked++;
	group.lost |= lost;
}

static struct consumer *join(const struct kafka_property *more, size_t n, struct error *err)
{
	struct kafka_property props[4] = {{"test.mock.num.brokers", "1"}, {"session.timeout.ms", "6000"}};
	const struct rebalance cb = {NULL, on_assigned, on_revoked};

	for (size_t i = 0; i < n; i++)
		props[2 + i] = more[i];
	return consumer_new(props, 2 + n, "g", 3, &cb, err);
}

// The next message of a kind, within 20 s; what comes before it is dropped.
static struct message next(struct consumer *c, enum message_kind kind)
{
	struct mono_time deadline = mono_after_ms(20000);
	struct message m[8], found = {0};

	while (!mono_passed(deadline) && !found.topic) {
		size_t n = consumer_batch(c, 100, m, ARRAY_LEN(m));
		for (size_t i = 0; i < n; i++) {
			if (m[i].kind == kind && !found.topic) {
				found = m[i];
				found.topic = xstrdup(m[i].topic);
			}
		}
		consumer_batch_free(m, n);
	}
	cr_assert(found.topic, "no such message came");
	return found;
}

Test(consumer, reads_from_explicit_offsets_only_and_says_what_is_out_of_range, .timeout = 120)
{
	struct error err = ERROR_INIT;
	struct consumer *c = join(NULL, 0, &err);
	struct message m;
	int64_t offset;

	cr_assert(c, "%s", err.text);
	cr_assert_eq(consumer_session_ms(c), 6000);
	cr_assert_eq(consumer_subscribe(c, (const char *[]){"topic"}, 1, &err), 0, "%s", err.text);
	for (struct mono_time deadline = mono_after_ms(40000); !group.assigned && !mono_passed(deadline);)
		cr_assert_eq(consumer_batch(c, 50, &m, 1), 0, "nothing is read that was not started");
	cr_assert_gt(group.assigned, 1);

	cr_assert_eq(consumer_start(c, "topic", 1, 0, &err), 0, "%s", err.text);
	m = next(c, MESSAGE_EOF);
	cr_assert_str_eq(m.topic, "topic");
	cr_assert_eq(m.partition, 1);
	cr_assert_eq(m.offset, 0);
	free((char *)(uintptr_t)m.topic);
	cr_assert_eq(consumer_known_end(c, "topic", 1), 0);
	cr_assert_eq(consumer_committed(c, "topic", 1, &offset, 5000, &err), 0, "%s", err.text);
	cr_assert_lt(offset, 0, "nothing is committed by itself");

	// A position that the log does not have, set anew on a started partition.
	cr_assert_eq(consumer_start(c, "topic", 1, 100, &err), 0, "%s", err.text);
	m = next(c, MESSAGE_OUT_OF_RANGE);
	cr_assert_str_eq(m.topic, "topic", "it names its partition, or nobody could claim it again");
	cr_assert_eq(m.partition, 1);
	free((char *)(uintptr_t)m.topic);

	cr_assert_not(consumer_lost(c));
	struct mono_time before = mono_now();
	consumer_free(c);
	cr_assert_lt(mono_ms_since(before), 5000, "leaving does not wait for the session to end");
	cr_assert_eq(group.revoked, group.assigned);
	cr_assert_not(group.lost);
}

enum { SYNC_GROUP = 14 };

// Frees a consumer that has the id that came with the group's first answer; the second, with what is assigned, takes
// as long as is said.
static void free_while_joining(int sync_ms)
{
	struct error err = ERROR_INIT;
	rd_kafka_t *owner = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), NULL, 0);
	rd_kafka_mock_cluster_t *brokers = rd_kafka_mock_cluster_new(owner, 1);
	const struct kafka_property at = {"bootstrap.servers", rd_kafka_mock_cluster_bootstraps(brokers)};
	const struct rebalance cb = {NULL, on_assigned, on_revoked};
	struct membership *joined = NULL;

	rd_kafka_mock_topic_create(brokers, "topic", 2, 1);
	rd_kafka_mock_broker_push_request_error_rtts(brokers, 1, SYNC_GROUP, 1, RD_KAFKA_RESP_ERR_NO_ERROR, sync_ms);
	struct consumer *c = consumer_new(&at, 1, "g", 0, &cb, &err);
	cr_assert(c, "%s", err.text);
	cr_assert_eq(consumer_subscribe(c, (const char *[]){"topic"}, 1, &err), 0, "%s", err.text);
	for (struct mono_time deadline = mono_after_ms(20000); !(joined = consumer_membership(c)) && !mono_passed(deadline);)
		cr_assert_eq(consumer_batch(c, 10, &(struct message){0}, 1), 0);
	cr_assert(joined, "it has not joined");
	membership_free(joined);
	cr_assert_not(consumer_joined(c), "the test is too late to show anything");
	consumer_free(c);
	cr_assert_eq(group.assigned + group.revoked, 0, "the owner hears nothing of what it was given meanwhile");
	rd_kafka_mock_cluster_destroy(brokers);
	rd_kafka_destroy(owner);
}

Test(consumer, is_freed_while_its_first_assignment_is_under_way, .timeout = 60)
{
	free_while_joining(1000);
}

Test(consumer, is_given_up_when_its_first_assignment_does_not_come, .timeout = 60)
{
	struct mono_time before = mono_now();

	free_while_joining(40000);
	cr_assert_lt(mono_ms_since(before), 30000);
}

Test(consumer, the_range_of_a_log_is_asked_for_as_long_as_is_said, .timeout = 120)
{
	struct error err = ERROR_INIT;
	rd_kafka_t *owner = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), NULL, 0);
	rd_kafka_mock_cluster_t *brokers = rd_kafka_mock_cluster_new(owner, 1);
	const char *at = rd_kafka_mock_cluster_bootstraps(brokers);
	const struct kafka_property props[] = {{"bootstrap.servers", at}, {"socket.timeout.ms", "60000"}};
	const struct rebalance cb = {NULL, on_assigned, on_revoked};
	int64_t low = -1, high = -1;

	rd_kafka_mock_topic_create(brokers, "topic", 2, 1);
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_conf_set(conf, "bootstrap.servers", at, NULL, 0);
	rd_kafka_t *producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, NULL, 0);
	for (int i = 0; i < 7; i++)
		rd_kafka_producev(producer, RD_KAFKA_V_TOPIC("topic"), RD_KAFKA_V_PARTITION(1), RD_KAFKA_V_VALUE((char[]){"x"}, 1),
				  RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
				  RD_KAFKA_V_END);
	rd_kafka_flush(producer, 20000);
	rd_kafka_destroy(producer);
	struct consumer *c = consumer_new(props, 2, "g", 0, &cb, &err);
	cr_assert(c, "%s", err.text);
	cr_assert_eq(consumer_range(c, "topic", 1, &low, &high, 20000, &err), 0, "%s", err.text);
	cr_assert_eq(low, 0);
	cr_assert_eq(high, 7);
	rd_kafka_mock_broker_set_down(brokers, 1);
	struct mono_time before = mono_now();
	cr_assert_eq(consumer_range(c, "topic", 1, &low, &high, 300, &err), -1);
	cr_assert_lt(mono_ms_since(before), 20000, "it waits for its requests");
	cr_assert(strstr(err.text, "ask for the offsets of topic/1"), "%s", err.text);
	consumer_free(c);
	rd_kafka_mock_cluster_destroy(brokers);
	rd_kafka_destroy(owner);
}

Test(consumer, a_property_that_librdkafka_refuses_is_named)
{
	const struct kafka_property bad = {"no.such.property", "1"};
	struct error err = ERROR_INIT;

	cr_assert_null(join(&bad, 1, &err));
	cr_assert(strstr(err.text, "kafka.no.such.property"), "%s", err.text);
}

Test(consumer, a_property_is_checked_without_a_client)
{
	struct error err = ERROR_INIT;

	cr_expect_eq(kafka_property_check("session.timeout.ms", "6000", &err), 0, "%s", err.text);
	cr_expect_eq(kafka_property_check("sesion.timeout.ms", "6000", &err), -1);
	cr_expect(strstr(err.text, "no such property"), "%s", err.text);
	error_clear(&err);
	cr_expect_eq(kafka_property_check("session.timeout.ms", "soon", &err), -1);
	cr_expect(strstr(err.text, "session.timeout.ms"), "%s", err.text);
	error_clear(&err);
}
