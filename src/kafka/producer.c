// SPDX-License-Identifier: Apache-2.0
#include "kafka/producer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kafka/client.h"
#include "util/log.h"
#include "util/xalloc.h"

struct producer {
	rd_kafka_t *rk;
	uint64_t sent, delivered, failed;
	char trouble[300], failure[200]; // the last broker trouble; the first failed delivery
};

static const struct kafka_property defaults[] = {
    {"enable.idempotence", "true"},
    {"client.id", "kdrift"},
    {"linger.ms", "20"},
    {"queue.buffering.max.kbytes", "65536"},
};

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
	struct producer *p = opaque;

	(void)rk;
	if (!m->err) {
		p->delivered++;
		return;
	}
	if (!p->failed++)
		snprintf(p->failure, sizeof p->failure, "topic %s: %s", rd_kafka_topic_name(m->rkt),
			 rd_kafka_err2str(m->err));
}

static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
	struct producer *p = opaque;

	(void)rk;
	snprintf(p->trouble, sizeof p->trouble, "%s: %s", rd_kafka_err2name((rd_kafka_resp_err_t)code),
		 reason);
	log_warn("kafka", "%s", p->trouble);
}

struct producer *producer_new(const struct kafka_property *props, size_t nprops, struct error *err)
{
	struct producer *p = xcalloc(1, sizeof *p);
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char why[300];

	rd_kafka_conf_set_opaque(conf, p);
	rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
	rd_kafka_conf_set_error_cb(conf, on_error);
	rd_kafka_conf_set_log_cb(conf, client_on_log);
	if (client_set_all(conf, defaults, ARRAY_LEN(defaults), err) || client_set_all(conf, props, nprops, err)) {
		rd_kafka_conf_destroy(conf);
		free(p);
		return NULL;
	}
	p->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
	if (!p->rk) {
		rd_kafka_conf_destroy(conf);
		error_set(err, "kafka producer: %s", why);
		free(p);
		return NULL;
	}
	return p;
}

static rd_kafka_resp_err_t try_send(struct producer *p, const struct producer_message *m)
{
	rd_kafka_vu_t v[8] = {
	    {.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = m->topic},
	    {.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = m->partition},
	    {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
	    {.vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = m->time.ms},
	    {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {(void *)(uintptr_t)m->value, m->len}},
	    {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {(void *)(uintptr_t)m->key, m->key_len}},
	};
	size_t n = 6;

	if (m->nheaders) {
		rd_kafka_headers_t *h = rd_kafka_headers_new(m->nheaders);
		for (size_t i = 0; i < m->nheaders; i++)
			rd_kafka_header_add(h, m->headers[i].name, -1, m->headers[i].value, -1);
		v[n].vtype = RD_KAFKA_VTYPE_HEADERS;
		v[n++].u.headers = h;
	}
	rd_kafka_error_t *e = rd_kafka_produceva(p->rk, v, n);
	if (!e)
		return RD_KAFKA_RESP_ERR_NO_ERROR;
	rd_kafka_resp_err_t code = rd_kafka_error_code(e);
	rd_kafka_error_destroy(e);
	if (m->nheaders)
		rd_kafka_headers_destroy(v[n - 1].u.headers); // ours again after a failure
	return code;
}

int producer_send(struct producer *p, const struct producer_message *m, struct error *err)
{
	rd_kafka_resp_err_t code;

	while ((code = try_send(p, m)) == RD_KAFKA_RESP_ERR__QUEUE_FULL)
		rd_kafka_poll(p->rk, 100);
	rd_kafka_poll(p->rk, 0);
	if (code)
		return error_set(err, "produce to topic %s: %s", m->topic, rd_kafka_err2str(code));
	p->sent++;
	return 0;
}

int producer_flush(struct producer *p, int timeout_ms, struct error *err)
{
	rd_kafka_flush(p->rk, timeout_ms);
	if (p->failed)
		return error_set(err, "%llu of %llu messages were not delivered: %s",
				 (unsigned long long)p->failed, (unsigned long long)p->sent, p->failure);
	if (p->delivered < p->sent)
		return error_set(err, "%llu of %llu messages are still not delivered after %d s%s%s",
				 (unsigned long long)(p->sent - p->delivered), (unsigned long long)p->sent,
				 timeout_ms / 1000, *p->trouble ? ": " : "", p->trouble);
	return 0;
}

uint64_t producer_delivered(const struct producer *p)
{
	return p->delivered;
}

void producer_free(struct producer *p)
{
	if (!p)
		return;
	rd_kafka_purge(p->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
	rd_kafka_flush(p->rk, 1000);
	rd_kafka_destroy(p->rk);
	free(p);
}
