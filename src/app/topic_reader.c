// SPDX-License-Identifier: Apache-2.0
#include "app/topic_reader.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "util/xalloc.h"

enum {
	ASK_MS = 15000,     // one question to the brokers
	SILENCE_MS = 30000, // without a message or an end
};

static void not_in_a_group(void *ctx, const char *topic, int32_t partition)
{
	(void)ctx, (void)topic, (void)partition;
}

static void not_revoked(void *ctx, const char *topic, int32_t partition, bool lost)
{
	(void)ctx, (void)topic, (void)partition, (void)lost;
}

int topic_reader_open(struct topic_reader *r, const struct config *c, struct error *err)
{
	const struct rebalance cb = {NULL, not_in_a_group, not_revoked};
	struct kafka_property *props = xcalloc(c->nkafka + 1, sizeof *props);

	props[0] = (struct kafka_property){"bootstrap.servers", c->bootstrap_servers};
	for (size_t i = 0; i < c->nkafka; i++)
		props[i + 1] = (struct kafka_property){c->kafka[i].name, c->kafka[i].value};
	r->consumer = consumer_new(props, c->nkafka + 1, c->group_id, 0, &cb, err);
	r->deadline = mono_after_ms(SILENCE_MS);
	free(props);
	return r->consumer ? 0 : -1;
}

int topic_reader_topics(struct topic_reader *r, const struct stream_conf *s, char ***out, size_t *n, struct error *err)
{
	char **all;
	size_t nall;

	*n = 0;
	*out = NULL;
	if (!s->is_regex) {
		*out = xmalloc(sizeof **out);
		(*out)[(*n)++] = xstrdup(s->topic);
		return 0;
	}
	if (consumer_topics(r->consumer, &all, &nall, ASK_MS, err))
		return -1;
	for (size_t i = 0; i < nall; i++) {
		if (config_stream_reads(s, all[i]))
			all[(*n)++] = all[i];
		else
			free(all[i]);
	}
	if (*n) {
		*out = all;
		return 0;
	}
	free(all);
	return error_set(err, "stream %s: there is no topic that matches /%s/", s->name, s->topic);
}

static int open_part(struct topic_reader *r, struct reader_part *p, int64_t from, int64_t to, struct error *err)
{
	if (consumer_range(r->consumer, p->topic, p->partition, &p->low, &p->high, ASK_MS, err))
		return -1;
	p->start = p->low;
	p->stop = p->high;
	if (from != INT64_MIN && consumer_offset_at(r->consumer, p->topic, p->partition, (struct wall_time){from}, &p->start,
						    ASK_MS, err))
		return -1;
	if (to != INT64_MAX &&
	    consumer_offset_at(r->consumer, p->topic, p->partition, (struct wall_time){to}, &p->stop, ASK_MS, err))
		return -1;
	p->next = p->start;
	p->done = p->start >= p->stop;
	if (p->done)
		return 0;
	r->open++;
	return consumer_start(r->consumer, p->topic, p->partition, p->start, err);
}

int topic_reader_add(struct topic_reader *r, const char *topic, int64_t from, int64_t to, struct error *err)
{
	int n = consumer_partitions(r->consumer, topic, ASK_MS, err);

	for (int i = 0; i < n; i++) {
		GROW(r->parts, r->n, r->cap);
		r->parts[r->n++] = (struct reader_part){.topic = xstrdup(topic), .partition = i};
		if (open_part(r, &r->parts[r->n - 1], from, to, err))
			return -1;
	}
	return n < 0 ? -1 : 0;
}

size_t topic_reader_part(const struct topic_reader *r, const struct message *m)
{
	size_t i = 0;

	while (r->parts[i].partition != m->partition || strcmp(r->parts[i].topic, m->topic) != 0)
		i++;
	return i;
}

void topic_reader_end(struct topic_reader *r, size_t part)
{
	struct reader_part *p = &r->parts[part];

	if (p->done)
		return;
	p->next = p->next < p->stop ? p->next : p->stop;
	p->done = true;
	r->open--;
	consumer_stop(r->consumer, p->topic, p->partition);
}

void topic_reader_hold(struct topic_reader *r, size_t part)
{
	struct reader_part *p = &r->parts[part];

	if (p->done || p->held)
		return;
	p->held = true;
	consumer_stop(r->consumer, p->topic, p->partition);
}

int topic_reader_let_go(struct topic_reader *r, size_t part, struct error *err)
{
	struct reader_part *p = &r->parts[part];

	if (p->done || !p->held)
		return 0;
	p->held = false;
	return consumer_start(r->consumer, p->topic, p->partition, p->next, err);
}

// 1: a record of the range.
static int on_message(struct topic_reader *r, const struct message *m, struct error *err)
{
	if (m->kind == MESSAGE_ERROR)
		return 0; // librdkafka tries again; SILENCE_MS bounds it
	size_t part = topic_reader_part(r, m);
	struct reader_part *p = &r->parts[part];
	if (m->kind == MESSAGE_OUT_OF_RANGE)
		return error_set(err, "%s/%" PRId32 ": the records from offset %" PRId64 " on were deleted while they were read",
				 m->topic, m->partition, p->next);
	if (p->done || m->offset < p->next)
		return 0;
	bool inside = m->kind == MESSAGE_RECORD && m->offset < p->stop;
	p->next = m->kind == MESSAGE_RECORD ? m->offset + 1 : m->offset;
	if (m->kind == MESSAGE_EOF || p->next >= p->stop)
		topic_reader_end(r, part);
	return inside;
}

int topic_reader_batch(struct topic_reader *r, struct message *m, size_t max, size_t *n, struct error *err)
{
	size_t got = consumer_batch(r->consumer, 200, m, max), k = 0;
	int rc = 0;

	*n = 0;
	if (got)
		r->deadline = mono_after_ms(SILENCE_MS);
	else if (mono_passed(r->deadline))
		return error_set(err, "no record of %s came for %d s: %s", r->n ? r->parts[0].topic : "any topic",
				 SILENCE_MS / 1000, consumer_trouble(r->consumer));
	for (size_t i = 0; i < got; i++) {
		int kept = rc < 0 ? 0 : on_message(r, &m[i], err);
		rc = kept < 0 ? -1 : rc;
		if (kept > 0)
			m[k++] = m[i];
		else
			consumer_batch_free(&m[i], 1);
	}
	if (rc)
		consumer_batch_free(m, k);
	else
		*n = k;
	return rc;
}

double topic_reader_share(const struct topic_reader *r)
{
	double done = 0, all = 0;

	for (size_t i = 0; i < r->n; i++) {
		const struct reader_part *p = &r->parts[i];
		if (p->stop <= p->start)
			continue;
		done += (double)((p->done ? p->stop : p->next) - p->start);
		all += (double)(p->stop - p->start);
	}
	return all > 0 ? done / all : 1;
}

void topic_reader_close(struct topic_reader *r)
{
	for (size_t i = 0; i < r->n; i++) {
		consumer_stop(r->consumer, r->parts[i].topic, r->parts[i].partition);
		free(r->parts[i].topic);
	}
	consumer_free(r->consumer);
	free(r->parts);
	*r = (struct topic_reader){0};
}
