// SPDX-License-Identifier: Apache-2.0
#include "kafka/transaction.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kafka/client.h"
#include "kafka/offsets_call.h"
#include "util/log.h"
#include "util/xalloc.h"

enum { SETTLE_MS = 1000 }; // for what must be tried still when the time is up

struct transaction {
	rd_kafka_t *rk;          // NULL: to be made
	bool ready;
	struct kafka_property *props;
	size_t nprops;
	char *id;
	char **topics;           // found to be there since the last failure
	size_t ntopics, captopics;
	struct offsets_call *left; // that was given a client, and may be waiting still
};

// A message's fate, told in its delivery report.
struct fate {
	int32_t lane;
	rd_kafka_resp_err_t err;
};

static const struct kafka_property defaults[] = {
	{"client.id", "kdrift"},
	{"linger.ms", "0"},
	{"message.max.bytes", "1000000000"},  // the broker's limit decides, as it did for the original
	{"transaction.timeout.ms", "10000"},  // as long as a killed owner's transaction holds back its successor
};

static const struct kafka_property owned[] = {
	{"enable.idempotence", "true"},
	{"sticky.partitioning.linger.ms", "0"}, // else messages without a key go past the partitioner
};

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
	(void)rk, (void)opaque;
	((struct fate *)m->_private)->err = m->err;
}

static int32_t by_lane(const rd_kafka_topic_t *rkt, const void *key, size_t len, int32_t partitions, void *opaque,
		       void *message)
{
	(void)rkt, (void)key, (void)len, (void)opaque;
	return ((const struct fate *)message)->lane % partitions;
}

static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
	(void)rk, (void)opaque;
	log_debug("kafka", "%s: %s", rd_kafka_err2name((rd_kafka_resp_err_t)code), reason);
}

static int make(struct transaction *t, struct error *err)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	const struct kafka_property id = {"transactional.id", t->id};
	char why[300];

	if (client_set_all(conf, defaults, ARRAY_LEN(defaults), err) || client_set_all(conf, t->props, t->nprops, err) ||
	    client_set_all(conf, owned, ARRAY_LEN(owned), err) || client_set_all(conf, &id, 1, err)) {
		rd_kafka_conf_destroy(conf);
		return -1;
	}
	rd_kafka_topic_conf_t *topic = rd_kafka_conf_get_default_topic_conf(conf);
	if (!topic)
		rd_kafka_conf_set_default_topic_conf(conf, topic = rd_kafka_topic_conf_new());
	rd_kafka_topic_conf_set_partitioner_cb(topic, by_lane);
	rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
	rd_kafka_conf_set_error_cb(conf, on_error);
	rd_kafka_conf_set_log_cb(conf, client_on_log);
	t->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
	if (t->rk)
		return 0;
	rd_kafka_conf_destroy(conf);
	return error_set(err, "make a transactional Kafka producer: %s", why);
}

static void forget_topics(struct transaction *t)
{
	while (t->ntopics)
		free(t->topics[--t->ntopics]);
}

static void unmake(struct transaction *t)
{
	if (!t->rk)
		return;
	rd_kafka_purge(t->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
	rd_kafka_flush(t->rk, SETTLE_MS);
	rd_kafka_destroy(t->rk);
	t->rk = NULL;
	t->ready = false;
}

struct transaction *transaction_new(const struct kafka_property *props, size_t nprops, const char *id, struct error *err)
{
	struct transaction *t = xcalloc(1, sizeof *t);

	t->id = xstrdup(id);
	t->props = xcalloc(nprops + 1, sizeof *t->props);
	for (size_t i = 0; i < nprops; i++) // librdkafka takes this one's time for requests from transaction.timeout.ms
		if (strcmp(props[i].name, "socket.timeout.ms") != 0)
			t->props[t->nprops++] = (struct kafka_property){xstrdup(props[i].name), xstrdup(props[i].value)};
	if (!make(t, err))
		return t;
	transaction_free(t);
	return NULL;
}

void transaction_free(struct transaction *t)
{
	if (!t)
		return;
	unmake(t);
	offsets_call_free(t->left);
	forget_topics(t);
	for (size_t i = 0; i < t->nprops; i++) {
		free((char *)(uintptr_t)t->props[i].name);
		free((char *)(uintptr_t)t->props[i].value);
	}
	free(t->props);
	free(t->topics);
	free(t->id);
	free(t);
}

// True where e is an error, which it says and frees; the client is given up where it can do no more.
static bool failed(struct transaction *t, rd_kafka_error_t *e, const char *what, struct error *err)
{
	if (!e)
		return false;
	error_clear(err);
	error_set(err, "%s: %s", what, rd_kafka_error_string(e));
	if (rd_kafka_error_is_fatal(e))
		unmake(t);
	rd_kafka_error_destroy(e);
	return true;
}

int transaction_open(struct transaction *t, int timeout_ms, struct error *err)
{
	if (t->ready)
		return 0;
	if (t->left && !offsets_call_ended(t->left))
		return error_set(err, "begin to write transactions: the group's coordinator does not answer");
	offsets_call_free(t->left);
	t->left = NULL;
	if (!t->rk && make(t, err))
		return -1;
	if (failed(t, rd_kafka_init_transactions(t->rk, timeout_ms), "begin to write transactions", err))
		return -1;
	t->ready = true;
	return 0;
}

// A message to a topic that is not there would wait in the queue until the time is up.
static int topic_there(struct transaction *t, const char *name, struct mono_time deadline, struct error *err)
{
	const struct rd_kafka_metadata *meta;

	for (size_t i = 0; i < t->ntopics; i++)
		if (!strcmp(t->topics[i], name))
			return 0;
	rd_kafka_topic_t *rkt = rd_kafka_topic_new(t->rk, name, NULL);
	rd_kafka_resp_err_t e = rkt ? rd_kafka_metadata(t->rk, 0, rkt, &meta, mono_ms_left(deadline)) : rd_kafka_last_error();
	if (!e) {
		e = meta->topic_cnt == 1 ? meta->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
		rd_kafka_metadata_destroy(meta);
	}
	if (rkt)
		rd_kafka_topic_destroy(rkt);
	if (e)
		return error_set(err, "write to topic %s: %s", name, rd_kafka_err2str(e));
	GROW(t->topics, t->ntopics, t->captopics);
	t->topics[t->ntopics++] = xstrdup(name);
	return 0;
}

static rd_kafka_resp_err_t put(struct transaction *t, const struct outgoing *m, struct fate *fate, struct mono_time deadline)
{
	rd_kafka_resp_err_t code;

	do {
		rd_kafka_headers_t *h = rd_kafka_headers_new(m->nheaders);
		for (size_t i = 0; i < m->nheaders; i++)
			rd_kafka_header_add(h, m->headers[i].name, -1, m->headers[i].value, (ssize_t)m->headers[i].len);
		const rd_kafka_vu_t v[] = {
			{.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = m->topic},
			{.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
			{.vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = m->time.ms},
			{.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {(void *)(uintptr_t)m->value, m->len}},
			{.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {(void *)(uintptr_t)m->key, m->key_len}},
			{.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = fate},
			{.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = h},
		};
		rd_kafka_error_t *e = rd_kafka_produceva(t->rk, v, ARRAY_LEN(v));
		code = e ? rd_kafka_error_code(e) : RD_KAFKA_RESP_ERR_NO_ERROR;
		if (e) {
			rd_kafka_error_destroy(e);
			rd_kafka_headers_destroy(h); // ours again after a failure
		}
		rd_kafka_poll(t->rk, code == RD_KAFKA_RESP_ERR__QUEUE_FULL ? 50 : 0);
	} while (code == RD_KAFKA_RESP_ERR__QUEUE_FULL && !mono_passed(deadline));
	return code;
}

static bool never_taken(rd_kafka_resp_err_t e)
{
	return e == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE || e == RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE ||
	       e == RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP || e == RD_KAFKA_RESP_ERR_INVALID_RECORD;
}

static bool timed_out(rd_kafka_resp_err_t e)
{
	return e == RD_KAFKA_RESP_ERR__TIMED_OUT || e == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT;
}

// `singly` waits for each message before the next: a broker refuses a whole batch for one of it. -> the error of the
// message *at.
static rd_kafka_resp_err_t send_all(struct transaction *t, const struct transaction_write *w, struct fate *fates,
				    bool singly, struct mono_time deadline, size_t *at)
{
	for (size_t i = 0; i < w->nmessages; i++) {
		*at = i;
		fates[i] = (struct fate){w->messages[i]->lane, RD_KAFKA_RESP_ERR__TIMED_OUT};
		rd_kafka_resp_err_t e = put(t, w->messages[i], &fates[i], deadline);
		if (!e && singly) {
			rd_kafka_flush(t->rk, mono_ms_left(deadline));
			e = fates[i].err;
		}
		if (e)
			return e;
	}
	if (!singly && w->nmessages)
		rd_kafka_flush(t->rk, mono_ms_left(deadline));
	for (*at = 0; *at < w->nmessages; ++*at)
		if (fates[*at].err)
			return fates[*at].err;
	return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static int at_least_to_settle(struct mono_time deadline)
{
	int ms = mono_ms_left(deadline);

	return ms > SETTLE_MS ? ms : SETTLE_MS;
}

static rd_kafka_error_t *send_offsets(struct transaction *t, const struct transaction_write *w, struct mono_time deadline)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)w->noffsets);

	for (size_t i = 0; i < w->noffsets; i++)
		rd_kafka_topic_partition_list_add(list, w->offsets[i].topic, w->offsets[i].partition)->offset =
			w->offsets[i].next;
	rd_kafka_error_t *e = offsets_send(t->rk, list, (const rd_kafka_consumer_group_metadata_t *)w->member,
					   at_least_to_settle(deadline), &t->left);
	rd_kafka_topic_partition_list_destroy(list);
	if (!t->left)
		return e;
	t->rk = NULL;
	t->ready = false;
	return rd_kafka_error_new(RD_KAFKA_RESP_ERR__TIMED_OUT, "the group's coordinator does not answer");
}

// Messages of a transaction that has failed are only said to be purged; what it failed of is told to whoever goes on
// with it, as if it had not.
static rd_kafka_resp_err_t cause_of(struct transaction *t, const struct transaction_write *w, rd_kafka_resp_err_t e,
				    struct mono_time deadline)
{
	if (e != RD_KAFKA_RESP_ERR__PURGE_QUEUE && e != RD_KAFKA_RESP_ERR__PURGE_INFLIGHT)
		return e;
	rd_kafka_error_t *why = send_offsets(t, w, deadline);
	if (why) {
		e = rd_kafka_error_code(why);
		rd_kafka_error_destroy(why);
	}
	return e;
}

// Without a commit nothing becomes visible, whatever comes of this: the broker undoes it when its time is up, or
// when the next client of this id opens.
static void undo(struct transaction *t)
{
	struct error why = ERROR_INIT;

	forget_topics(t);
	if (!t->rk)
		return;
	if (failed(t, rd_kafka_abort_transaction(t->rk, SETTLE_MS), "undo a transaction", &why)) {
		log_debug("kafka", "%s", why.text);
		unmake(t);
	}
	error_clear(&why);
	struct mono_time deadline = mono_after_ms(SETTLE_MS);
	while (t->rk && rd_kafka_outq_len(t->rk) && !mono_passed(deadline))
		rd_kafka_poll(t->rk, 20);
	if (t->rk && rd_kafka_outq_len(t->rk))
		unmake(t); // no report may come to a fate that is no more
}

static enum transaction_result commit(struct transaction *t, int timeout_ms, struct error *err)
{
	struct mono_time deadline = mono_after_ms(timeout_ms);

	for (;;) {
		rd_kafka_error_t *e = rd_kafka_commit_transaction(t->rk, mono_ms_left(deadline));
		bool again = e && rd_kafka_error_is_retriable(e) && !mono_passed(deadline);
		bool must_undo = e && rd_kafka_error_txn_requires_abort(e);
		if (!failed(t, e, "commit a transaction", err))
			return TRANSACTION_DONE;
		if (must_undo) {
			undo(t);
			return TRANSACTION_FAILED;
		}
		if (!again) {
			unmake(t);
			return TRANSACTION_UNKNOWN;
		}
	}
}

static enum transaction_result attempt(struct transaction *t, const struct transaction_write *w, struct fate *fates,
				       bool singly, int timeout_ms, size_t *refused, struct error *err)
{
	struct mono_time deadline = mono_after_ms(timeout_ms);
	size_t at;

	*refused = w->nmessages;
	if (failed(t, rd_kafka_begin_transaction(t->rk), "begin a transaction", err)) {
		unmake(t);
		return TRANSACTION_FAILED;
	}
	rd_kafka_resp_err_t e = send_all(t, w, fates, singly, deadline, &at);
	if (e) {
		rd_kafka_resp_err_t cause = cause_of(t, w, e, deadline);
		// A batch that was refused for one of its messages may say so of any other: look closer.
		if (never_taken(cause) || (!singly && w->nmessages > 1 && !timed_out(e)))
			*refused = at;
		error_set(err, "write to topic %s: %s", w->messages[at]->topic, rd_kafka_err2str(cause));
	}
	if (e || failed(t, send_offsets(t, w, deadline), "note the offsets of dead letters in a transaction", err)) {
		undo(t);
		if (e) // librdkafka 2.0.2 goes on behind the sequence number of what was refused, and is out of order
			unmake(t);
		return *refused < w->nmessages ? TRANSACTION_REFUSED : TRANSACTION_FAILED;
	}
	return commit(t, at_least_to_settle(deadline), err);
}

enum transaction_result transaction_write(struct transaction *t, const struct transaction_write *w, int timeout_ms,
					  size_t *refused, struct error *err)
{
	struct mono_time deadline = mono_after_ms(timeout_ms);

	if (transaction_open(t, timeout_ms, err))
		return TRANSACTION_FAILED;
	for (size_t i = 0; i < w->ntopics; i++)
		if (topic_there(t, w->topics[i], deadline, err))
			return TRANSACTION_FAILED;
	struct fate *fates = xcalloc(w->nmessages + 1, sizeof *fates);
	enum transaction_result r = attempt(t, w, fates, false, mono_ms_left(deadline), refused, err);
	if (r == TRANSACTION_REFUSED && w->nmessages > 1) {
		error_clear(err);
		r = transaction_open(t, mono_ms_left(deadline), err)
			    ? TRANSACTION_FAILED
			    : attempt(t, w, fates, true, mono_ms_left(deadline), refused, err);
	}
	free(fates);
	return r;
}
