// SPDX-License-Identifier: Apache-2.0
#include "app/topic_merge.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "util/xalloc.h"

enum { BATCH = 500, WAITING_BYTES = 64 << 20, WAITING_MOST = 20000, SCHEMA_MS = 30000 };

struct waiting {
	struct message m;
	int64_t ms;
};

struct queue { // a ring
	struct waiting *items;
	size_t first, n, cap, bytes;
};

struct merge {
	const struct topic_merge *want;
	struct topic_reader reader;
	struct queue *queues;
};

static void push(struct queue *q, const struct message *m, int64_t ms)
{
	if (q->n == q->cap) {
		size_t cap = q->cap ? 2 * q->cap : 64;
		struct waiting *items = xmalloc(cap * sizeof *items);
		for (size_t i = 0; i < q->n; i++)
			items[i] = q->items[(q->first + i) % q->cap];
		free(q->items);
		*q = (struct queue){items, 0, q->n, cap, q->bytes};
	}
	q->items[(q->first + q->n++) % q->cap] = (struct waiting){*m, ms};
	q->bytes += m->len + m->key_len + sizeof *m;
}

static struct waiting pop(struct queue *q)
{
	struct waiting w = q->items[q->first];

	q->first = (q->first + 1) % q->cap;
	q->n--;
	q->bytes -= w.m.len + w.m.key_len + sizeof w.m;
	return w;
}

// Where no stream of the topic has an event time of its own, records past the range need not be read.
static int open_topic(struct merge *g, const char *topic, struct error *err)
{
	const struct config *c = g->want->config;
	bool timed = false;

	for (size_t i = 0; i < g->reader.n; i++)
		if (!strcmp(g->reader.parts[i].topic, topic))
			return 0;
	for (size_t i = 0; i < c->nstreams; i++)
		timed |= c->streams[i].event_time && config_stream_reads(&c->streams[i], topic);
	return topic_reader_add(&g->reader, topic, g->want->from, timed ? INT64_MAX : g->want->to, err);
}

static int open_stream(struct merge *g, const struct stream_conf *s, struct error *err)
{
	char **topics;
	size_t n;
	int rc = topic_reader_topics(&g->reader, s, &topics, &n, err);

	for (size_t i = 0; i < n; i++) {
		rc = rc ? rc : open_topic(g, topics[i], err);
		free(topics[i]);
	}
	free(topics);
	return rc;
}

static int open_topics(struct merge *g, struct error *err)
{
	const struct config *c = g->want->config;
	int rc = topic_reader_open(&g->reader, c, err);

	for (size_t i = 0; i < c->nstreams && !rc; i++)
		rc = open_stream(g, &c->streams[i], err);
	g->queues = xcalloc(g->reader.n + 1, sizeof *g->queues);
	for (size_t i = 0; i < g->reader.n && !rc; i++) {
		const struct reader_part *p = &g->reader.parts[i];
		g->want->part(g->want->ctx, i, p->topic, p->partition, p->start, p->start > p->low);
	}
	return rc;
}

static int take(struct merge *g, const struct message *m, struct error *err)
{
	struct mono_time deadline = mono_after_ms(SCHEMA_MS);
	size_t part = topic_reader_part(&g->reader, m);
	int64_t ms;

	while (!g->want->when(g->want->ctx, part, m, &ms)) {
		if (mono_passed(deadline))
			return error_set(err, "%s/%" PRId32 " offset %" PRId64 ": the schema registry does not give its schema: %s",
					 m->topic, m->partition, m->offset, g->want->trouble(g->want->ctx));
		nanosleep(&(struct timespec){0, 10000000}, NULL);
	}
	push(&g->queues[part], m, ms);
	return 0;
}

static int read_more(struct merge *g, struct error *err)
{
	const size_t bytes = WAITING_BYTES / (g->reader.n + 1), most = WAITING_MOST;
	struct message m[BATCH];
	size_t n;

	for (size_t i = 0; i < g->reader.n; i++) {
		const struct queue *q = &g->queues[i];
		if (q->n > most || q->bytes > bytes)
			topic_reader_hold(&g->reader, i);
		else if (q->n < most / 4 && q->bytes < bytes / 4 && topic_reader_let_go(&g->reader, i, err))
			return -1;
	}
	if (topic_reader_batch(&g->reader, m, BATCH, &n, err))
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (take(g, &m[i], err)) {
			consumer_batch_free(m + i, n - i);
			return -1;
		}
	}
	g->want->progress(g->want->ctx, topic_reader_share(&g->reader));
	return 0;
}

// The partition whose head is the oldest; false: one that is not done has none at hand.
static bool oldest(const struct merge *g, size_t *out)
{
	*out = g->reader.n;
	for (size_t i = 0; i < g->reader.n; i++) {
		const struct queue *q = &g->queues[i];
		if (!q->n && !g->reader.parts[i].done)
			return false;
		if (q->n && (*out == g->reader.n || q->items[q->first].ms < g->queues[*out].items[g->queues[*out].first].ms))
			*out = i;
	}
	return true;
}

static int tell(struct merge *g, size_t part, struct error *err)
{
	struct waiting w = pop(&g->queues[part]);
	bool enough = false;
	int rc = g->want->record(g->want->ctx, part, &w.m, &enough, err);

	consumer_batch_free(&w.m, 1);
	if (!enough)
		return rc;
	topic_reader_end(&g->reader, part);
	while (g->queues[part].n) {
		w = pop(&g->queues[part]);
		consumer_batch_free(&w.m, 1);
	}
	return rc;
}

static int merge_all(struct merge *g, struct error *err)
{
	for (;;) {
		size_t part;
		if (!oldest(g, &part)) {
			if (read_more(g, err))
				return -1;
		} else if (part == g->reader.n) {
			break;
		} else if (tell(g, part, err)) {
			return -1;
		}
	}
	for (size_t i = 0; i < g->reader.n; i++)
		g->want->end(g->want->ctx, i, g->reader.parts[i].stop < g->reader.parts[i].high);
	return 0;
}

int topics_merge(const struct topic_merge *want, struct error *err)
{
	struct merge g = {.want = want};
	int rc = open_topics(&g, err) || merge_all(&g, err) ? -1 : 0;

	for (size_t i = 0; g.queues && i < g.reader.n; i++) {
		while (g.queues[i].n) {
			struct waiting w = pop(&g.queues[i]);
			consumer_batch_free(&w.m, 1);
		}
		free(g.queues[i].items);
	}
	free(g.queues);
	topic_reader_close(&g.reader);
	return rc;
}
