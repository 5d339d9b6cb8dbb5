// SPDX-License-Identifier: Apache-2.0
#include "kafka/consumer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kafka/client.h"
#include "util/log.h"
#include "util/xalloc.h"

// How long leaving a group waits. A broker gives a new group's first assignment after group.initial.rebalance.delay.ms,
// which is 3 s by default.
enum { FIRST_ASSIGNMENT_MS = 5000, REVOCATION_MS = 3000 };

struct started {
	char *topic;
	int32_t partition;
};

struct consumer {
	rd_kafka_t *rk;
	struct rebalance cb;
	struct started *started;
	size_t nstarted, capstarted;
	int64_t session_ms;
	bool subscribed, joined;
	bool answered; // the group has given an assignment, now or before
	bool told;     // the owner is, of rebalances
	char trouble[300];
};

// What kdrift sets itself; a configuration that names one is refused by config/.
static const struct kafka_property owned[] = {
	{"enable.auto.commit", "false"},
	{"enable.auto.offset.store", "false"},
	{"auto.offset.reset", "error"},
	{"partition.assignment.strategy", "cooperative-sticky"},
	{"enable.partition.eof", "true"},
};

// Better than librdkafka's where the user says nothing: with its 100,000 messages a consumer that is faster than
// the broker stops fetching for a second at a time.
static const struct kafka_property defaults[] = {
	{"queued.min.messages", "1000000"},
	{"queued.max.messages.kbytes", "65536"},
	{"client.id", "kdrift"},
};

static ssize_t find_started(const struct consumer *c, const char *topic, int32_t partition)
{
	for (size_t i = 0; i < c->nstarted; i++)
		if (c->started[i].partition == partition && !strcmp(c->started[i].topic, topic))
			return (ssize_t)i;
	return -1;
}

static void forget(struct consumer *c, size_t i)
{
	free(c->started[i].topic);
	c->started[i] = c->started[--c->nstarted];
}

static void complain(rd_kafka_error_t *e, const char *what)
{
	if (!e)
		return;
	log_warn("kafka", "%s: %s", what, rd_kafka_error_string(e));
	rd_kafka_error_destroy(e);
}

// The group's protocol waits for an (un)assign in answer to every rebalance; an empty list is one.
static void on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *list, void *opaque)
{
	struct consumer *c = opaque;
	rd_kafka_topic_partition_list_t *none = rd_kafka_topic_partition_list_new(0);

	if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
		c->joined = c->answered = true;
		complain(rd_kafka_incremental_assign(rk, none), "answer an assignment");
		for (int i = 0; c->told && i < list->cnt; i++)
			c->cb.assigned(c->cb.ctx, list->elems[i].topic, list->elems[i].partition);
	} else {
		bool lost = rd_kafka_assignment_lost(rk);
		c->joined = !lost;
		rd_kafka_topic_partition_list_t *held = rd_kafka_topic_partition_list_new(list->cnt);
		for (int i = 0; i < list->cnt; i++) {
			if (c->told)
				c->cb.revoked(c->cb.ctx, list->elems[i].topic, list->elems[i].partition, lost);
			ssize_t k = find_started(c, list->elems[i].topic, list->elems[i].partition);
			if (k >= 0) {
				rd_kafka_topic_partition_list_add(held, list->elems[i].topic, list->elems[i].partition);
				forget(c, (size_t)k);
			}
		}
		complain(rd_kafka_incremental_unassign(rk, held), "answer a revocation");
		rd_kafka_topic_partition_list_destroy(held);
	}
	rd_kafka_topic_partition_list_destroy(none);
}

static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
	struct consumer *c = opaque;

	(void)rk;
	snprintf(c->trouble, sizeof c->trouble, "%s: %s", rd_kafka_err2name((rd_kafka_resp_err_t)code), reason);
	log_warn("kafka", "%s", c->trouble);
}

static bool given(const struct kafka_property *props, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(props[i].name, name))
			return true;
	return false;
}

static int configure(rd_kafka_conf_t *conf, const struct kafka_property *props, size_t n, const char *group, int worker,
		     struct error *err)
{
	if (client_set(conf, "group.id", group, err))
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(defaults); i++)
		if (!given(props, n, defaults[i].name) && client_set(conf, defaults[i].name, defaults[i].value, err))
			return -1;
	for (size_t i = 0; i < n; i++) {
		char *suffixed = strcmp(props[i].name, "group.instance.id")
					 ? NULL
					 : xasprintf("%s-%d", props[i].value, worker);
		int rc = client_set(conf, props[i].name, suffixed ? suffixed : props[i].value, err);
		free(suffixed);
		if (rc)
			return -1;
	}
	return client_set_all(conf, owned, ARRAY_LEN(owned), err);
}

struct consumer *consumer_new(const struct kafka_property *props, size_t nprops, const char *group, int worker,
			      const struct rebalance *cb, struct error *err)
{
	struct consumer *c = xcalloc(1, sizeof *c);
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char why[300], value[32];
	size_t n = sizeof value;

	c->cb = *cb;
	c->told = true;
	if (configure(conf, props, nprops, group, worker, err)) {
		rd_kafka_conf_destroy(conf);
		free(c);
		return NULL;
	}
	if (rd_kafka_conf_get(conf, "session.timeout.ms", value, &n) == RD_KAFKA_CONF_OK)
		c->session_ms = atoll(value);
	rd_kafka_conf_set_opaque(conf, c);
	rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
	rd_kafka_conf_set_error_cb(conf, on_error);
	rd_kafka_conf_set_log_cb(conf, client_on_log);
	c->rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
	if (!c->rk) {
		error_set(err, "make a Kafka consumer: %s", why);
		rd_kafka_conf_destroy(conf);
		free(c);
		return NULL;
	}
	rd_kafka_poll_set_consumer(c->rk);
	return c;
}

int consumer_subscribe(struct consumer *c, const char *const *topics, size_t n, struct error *err)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)n);

	for (size_t i = 0; i < n; i++)
		rd_kafka_topic_partition_list_add(list, topics[i], RD_KAFKA_PARTITION_UA);
	rd_kafka_resp_err_t e = rd_kafka_subscribe(c->rk, list);
	rd_kafka_topic_partition_list_destroy(list);
	c->subscribed = !e;
	return e ? error_set(err, "subscribe to the configured topics: %s", rd_kafka_err2str(e)) : 0;
}

static void translate(struct consumer *c, rd_kafka_message_t *m, struct message *out)
{
	*out = (struct message){.raw = m, .partition = m->partition, .offset = m->offset,
				.topic = m->rkt ? rd_kafka_topic_name(m->rkt) : ""};
	switch (m->err) {
	case RD_KAFKA_RESP_ERR_NO_ERROR:
		out->kind = MESSAGE_RECORD;
		out->value = m->payload;
		out->len = m->len;
		out->key = m->key;
		out->key_len = m->key_len;
		rd_kafka_timestamp_type_t type;
		int64_t ts = rd_kafka_message_timestamp(m, &type);
		out->time.ms = type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE || ts < 0 ? 0 : ts;
		if (c->trouble[0])
			c->trouble[0] = 0;
		break;
	case RD_KAFKA_RESP_ERR__PARTITION_EOF:
		out->kind = MESSAGE_EOF;
		break;
	case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
	case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
		out->kind = MESSAGE_OUT_OF_RANGE;
		break;
	default:
		out->kind = MESSAGE_ERROR;
		out->error = rd_kafka_message_errstr(m);
		snprintf(c->trouble, sizeof c->trouble, "%s: %s", rd_kafka_err2name(m->err), out->error);
	}
}

size_t consumer_batch(struct consumer *c, int timeout_ms, struct message *out, size_t max)
{
	size_t n = 0;

	while (n < max) {
		rd_kafka_message_t *m = rd_kafka_consumer_poll(c->rk, n ? 0 : timeout_ms);
		if (!m)
			break;
		translate(c, m, &out[n++]);
	}
	return n;
}

void consumer_batch_free(struct message *m, size_t n)
{
	for (size_t i = 0; i < n; i++)
		rd_kafka_message_destroy(m[i].raw);
}

const char *message_header(const struct message *m, const char *name, size_t *len)
{
	rd_kafka_headers_t *headers;
	const void *value;

	*len = 0;
	if (!m->raw || rd_kafka_message_headers(m->raw, &headers) || rd_kafka_header_get_last(headers, name, &value, len))
		return NULL;
	return value ? value : "";
}

bool message_header_at(const struct message *m, size_t i, struct kafka_header *out)
{
	rd_kafka_headers_t *headers;

	return m->raw && !rd_kafka_message_headers(m->raw, &headers) &&
	       !rd_kafka_header_get_all(headers, i, &out->name, &out->value, &out->len);
}

static rd_kafka_topic_partition_list_t *one(const char *topic, int32_t partition, int64_t offset)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);

	rd_kafka_topic_partition_list_add(list, topic, partition)->offset = offset;
	return list;
}

int consumer_start(struct consumer *c, const char *topic, int32_t partition, int64_t offset, struct error *err)
{
	rd_kafka_topic_partition_list_t *list = one(topic, partition, offset);
	int rc = 0;

	consumer_stop(c, topic, partition);
	rd_kafka_error_t *e = rd_kafka_incremental_assign(c->rk, list);
	if (e) {
		rc = error_set(err, "read %s/%d from offset %lld: %s", topic, partition, (long long)offset,
			       rd_kafka_error_string(e));
		rd_kafka_error_destroy(e);
	} else {
		GROW(c->started, c->nstarted, c->capstarted);
		c->started[c->nstarted++] = (struct started){xstrdup(topic), partition};
	}
	rd_kafka_topic_partition_list_destroy(list);
	return rc;
}

void consumer_stop(struct consumer *c, const char *topic, int32_t partition)
{
	ssize_t k = find_started(c, topic, partition);

	if (k < 0)
		return;
	rd_kafka_topic_partition_list_t *list = one(topic, partition, RD_KAFKA_OFFSET_INVALID);
	complain(rd_kafka_incremental_unassign(c->rk, list), "stop reading a partition");
	rd_kafka_topic_partition_list_destroy(list);
	forget(c, (size_t)k);
}

bool consumer_joined(const struct consumer *c)
{
	return c->joined;
}

bool consumer_lost(const struct consumer *c)
{
	return rd_kafka_assignment_lost(c->rk);
}

void consumer_commit(struct consumer *c, const char *topic, int32_t partition, int64_t next)
{
	rd_kafka_topic_partition_list_t *list = one(topic, partition, next);

	rd_kafka_commit(c->rk, list, 1);
	rd_kafka_topic_partition_list_destroy(list);
}

// The broker's answer to a time, or to one of Kafka's two names for an end of the log. Not by
// rd_kafka_query_watermark_offsets, which waits for brokers that are away until its requests time out
// (socket.timeout.ms), whatever it is told.
static rd_kafka_resp_err_t ask_offset(struct consumer *c, const char *topic, int32_t partition, int64_t time, int timeout_ms,
				      int64_t *offset)
{
	rd_kafka_topic_partition_list_t *list = one(topic, partition, time);
	rd_kafka_resp_err_t e = rd_kafka_offsets_for_times(c->rk, list, timeout_ms);

	e = e ? e : list->elems[0].err;
	*offset = e ? -1 : list->elems[0].offset;
	rd_kafka_topic_partition_list_destroy(list);
	return e;
}

int consumer_range(struct consumer *c, const char *topic, int32_t partition, int64_t *low, int64_t *high, int timeout_ms,
		   struct error *err)
{
	struct mono_time deadline = mono_after_ms(timeout_ms);
	rd_kafka_resp_err_t e = ask_offset(c, topic, partition, RD_KAFKA_OFFSET_BEGINNING, timeout_ms, low);

	if (!e)
		e = ask_offset(c, topic, partition, RD_KAFKA_OFFSET_END, mono_ms_left(deadline), high);
	return e ? error_set(err, "ask for the offsets of %s/%d: %s", topic, partition, rd_kafka_err2str(e)) : 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int consumer_topics(struct consumer *c, char ***out, size_t *n, int timeout_ms, struct error *err)
{
	const struct rd_kafka_metadata *meta;
	rd_kafka_resp_err_t e = rd_kafka_metadata(c->rk, 1, NULL, &meta, timeout_ms);

	if (e)
		return error_set(err, "ask for the topics: %s", rd_kafka_err2str(e));
	*n = (size_t)meta->topic_cnt;
	*out = xcalloc(*n + 1, sizeof **out);
	for (size_t i = 0; i < *n; i++)
		(*out)[i] = xstrdup(meta->topics[i].topic);
	qsort(*out, *n, sizeof **out, by_name);
	rd_kafka_metadata_destroy(meta);
	return 0;
}

int consumer_partitions(struct consumer *c, const char *topic, int timeout_ms, struct error *err)
{
	const struct rd_kafka_metadata *meta;
	rd_kafka_topic_t *t = rd_kafka_topic_new(c->rk, topic, NULL);
	rd_kafka_resp_err_t e = t ? rd_kafka_metadata(c->rk, 0, t, &meta, timeout_ms) : rd_kafka_last_error();
	int n = -1;

	if (!e) {
		e = meta->topic_cnt == 1 ? meta->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
		n = e ? -1 : meta->topics[0].partition_cnt;
		rd_kafka_metadata_destroy(meta);
	}
	if (t)
		rd_kafka_topic_destroy(t);
	return e ? error_set(err, "ask for the partitions of %s: %s", topic, rd_kafka_err2str(e)) : n;
}

int64_t consumer_known_end(struct consumer *c, const char *topic, int32_t partition)
{
	int64_t low, high;

	return rd_kafka_get_watermark_offsets(c->rk, topic, partition, &low, &high) || high < 0 ? -1 : high;
}

int consumer_committed(struct consumer *c, const char *topic, int32_t partition, int64_t *offset, int timeout_ms,
		       struct error *err)
{
	rd_kafka_topic_partition_list_t *list = one(topic, partition, RD_KAFKA_OFFSET_INVALID);
	rd_kafka_resp_err_t e = rd_kafka_committed(c->rk, list, timeout_ms);

	e = e ? e : list->elems[0].err;
	*offset = e ? -1 : list->elems[0].offset;
	rd_kafka_topic_partition_list_destroy(list);
	return e ? error_set(err, "ask for the committed offset of %s/%d: %s", topic, partition, rd_kafka_err2str(e)) : 0;
}

char *consumer_cluster_id(struct consumer *c, int timeout_ms)
{
	char *id = rd_kafka_clusterid(c->rk, timeout_ms);
	char *copy = id ? xstrdup(id) : NULL;

	if (id)
		rd_kafka_mem_free(c->rk, id);
	return copy;
}

int consumer_offset_at(struct consumer *c, const char *topic, int32_t partition, struct wall_time t, int64_t *offset,
		       int timeout_ms, struct error *err)
{
	rd_kafka_resp_err_t e = ask_offset(c, topic, partition, t.ms, timeout_ms, offset);
	int64_t low;

	if (e)
		return error_set(err, "ask for the offset of a time in %s/%d: %s", topic, partition, rd_kafka_err2str(e));
	return *offset >= 0 ? 0 : consumer_range(c, topic, partition, &low, offset, timeout_ms, err);
}

// librdkafka forgets the member's id when the group puts it out, and takes a new one only after the owner has answered
// the revocation: an id that stays the same around the question, and nothing lost after it, make the answer one of
// a time at which the partitions were still ours. A group takes an offset that bears no id at all.
struct membership *consumer_membership(struct consumer *c)
{
	char *before = rd_kafka_memberid(c->rk);
	rd_kafka_consumer_group_metadata_t *m = rd_kafka_consumer_group_metadata(c->rk);
	char *after = rd_kafka_memberid(c->rk);
	bool good = m && before && after && *before && !strcmp(before, after) && !rd_kafka_assignment_lost(c->rk);

	if (before)
		rd_kafka_mem_free(c->rk, before);
	if (after)
		rd_kafka_mem_free(c->rk, after);
	if (m && !good)
		rd_kafka_consumer_group_metadata_destroy(m);
	return good ? (struct membership *)m : NULL;
}

void membership_free(struct membership *m)
{
	if (m)
		rd_kafka_consumer_group_metadata_destroy((rd_kafka_consumer_group_metadata_t *)m);
}

int64_t consumer_session_ms(const struct consumer *c)
{
	return c->session_ms;
}

const char *consumer_trouble(const struct consumer *c)
{
	return c->trouble;
}

static void poll_until(struct consumer *c, bool (*done)(struct consumer *c), int64_t ms)
{
	struct mono_time deadline = mono_after_ms(ms);

	while (!done(c) && !mono_passed(deadline)) {
		rd_kafka_message_t *m = rd_kafka_consumer_poll(c->rk, 50);
		if (m)
			rd_kafka_message_destroy(m);
	}
}

static bool holds_nothing(struct consumer *c)
{
	return !c->nstarted;
}

// librdkafka before 2.3 keeps the sticky assignor's state from the first assignment on, and aborts the process when a
// consumer is destroyed that has joined and has not got one (confluentinc/librdkafka#4312). A member's id is the first
// sign of joining.
static bool can_be_destroyed(struct consumer *c)
{
	if (rd_kafka_version() >= 0x02030000 || !c->subscribed || c->answered)
		return true;
	char *id = rd_kafka_memberid(c->rk);
	bool joining = id && *id;
	if (id)
		rd_kafka_mem_free(c->rk, id);
	return !joining;
}

// Closing with an assignment would leave the group only after session.timeout.ms: unsubscribe, and poll until the
// revocation was answered.
void consumer_free(struct consumer *c)
{
	if (!c)
		return;
	c->told = c->answered;
	poll_until(c, can_be_destroyed, FIRST_ASSIGNMENT_MS);
	bool destroyed = can_be_destroyed(c);
	rd_kafka_unsubscribe(c->rk);
	poll_until(c, holds_nothing, REVOCATION_MS);
	rd_kafka_consumer_close(c->rk);
	if (!destroyed) {
		log_warn("kafka", "left the group while it was still rebalancing: librdkafka %s cannot free such a consumer, "
			 "and its threads stay until the process ends", rd_kafka_version_str());
		return;
	}
	rd_kafka_destroy(c->rk);
	while (c->nstarted)
		forget(c, 0);
	free(c->started);
	free(c);
}
