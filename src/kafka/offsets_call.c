// SPDX-License-Identifier: Apache-2.0
#include "kafka/offsets_call.h"

#include <stdlib.h>

#include "util/cond.h"
#include "util/xalloc.h"

struct offsets_call {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	int users;              // the caller and the thread
	bool ended, left;
	rd_kafka_t *rk;
	rd_kafka_topic_partition_list_t *offsets;
	rd_kafka_consumer_group_metadata_t *member;
	int timeout_ms;
	rd_kafka_error_t *error; // the caller's, but where it has left
};

void offsets_call_free(struct offsets_call *c)
{
	if (!c)
		return;
	pthread_mutex_lock(&c->mutex);
	bool last = !--c->users;
	pthread_mutex_unlock(&c->mutex);
	if (!last)
		return;
	rd_kafka_topic_partition_list_destroy(c->offsets);
	rd_kafka_consumer_group_metadata_destroy(c->member);
	pthread_cond_destroy(&c->changed);
	pthread_mutex_destroy(&c->mutex);
	free(c);
}

static void *call(void *arg)
{
	struct offsets_call *c = arg;
	rd_kafka_error_t *e = rd_kafka_send_offsets_to_transaction(c->rk, c->offsets, c->member, c->timeout_ms);

	pthread_mutex_lock(&c->mutex);
	bool left = c->left;
	c->ended = true;
	c->error = left ? NULL : e;
	pthread_cond_signal(&c->changed);
	pthread_mutex_unlock(&c->mutex);
	if (left) {
		if (e)
			rd_kafka_error_destroy(e);
		rd_kafka_destroy(c->rk);
	}
	offsets_call_free(c);
	return NULL;
}

static rd_kafka_error_t *copy(const rd_kafka_consumer_group_metadata_t *m, rd_kafka_consumer_group_metadata_t **out)
{
	void *data;
	size_t n;
	rd_kafka_error_t *e = rd_kafka_consumer_group_metadata_write(m, &data, &n);

	if (e)
		return e;
	e = rd_kafka_consumer_group_metadata_read(out, data, n);
	rd_kafka_mem_free(NULL, data);
	return e;
}

static struct offsets_call *call_new(rd_kafka_t *rk, const rd_kafka_topic_partition_list_t *offsets,
				     rd_kafka_consumer_group_metadata_t *member, int timeout_ms)
{
	struct offsets_call *c = xcalloc(1, sizeof *c);

	c->users = 2;
	c->rk = rk;
	c->offsets = rd_kafka_topic_partition_list_copy(offsets);
	c->member = member;
	c->timeout_ms = timeout_ms;
	pthread_mutex_init(&c->mutex, NULL);
	cond_init(&c->changed);
	return c;
}

rd_kafka_error_t *offsets_send(rd_kafka_t *rk, const rd_kafka_topic_partition_list_t *offsets,
			       const rd_kafka_consumer_group_metadata_t *member, int timeout_ms, struct offsets_call **left)
{
	rd_kafka_consumer_group_metadata_t *own;
	rd_kafka_error_t *e = copy(member, &own);
	struct mono_time deadline = mono_after_ms(timeout_ms);
	pthread_t thread;

	if (e)
		return e;
	struct offsets_call *c = call_new(rk, offsets, own, timeout_ms);
	if (pthread_create(&thread, NULL, call, c)) {
		c->users = 1;
		offsets_call_free(c);
		return rd_kafka_error_new(RD_KAFKA_RESP_ERR__FAIL, "no thread to be had");
	}
	pthread_detach(thread);
	pthread_mutex_lock(&c->mutex);
	while (!c->ended && cond_wait_until(&c->changed, &c->mutex, deadline))
		;
	e = c->error;
	c->left = !c->ended;
	pthread_mutex_unlock(&c->mutex);
	if (c->left) {
		*left = c;
		return NULL;
	}
	offsets_call_free(c);
	return e;
}

bool offsets_call_ended(struct offsets_call *c)
{
	pthread_mutex_lock(&c->mutex);
	bool ended = c->ended;
	pthread_mutex_unlock(&c->mutex);
	return ended;
}
