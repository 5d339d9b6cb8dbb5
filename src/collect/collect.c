// SPDX-License-Identifier: Apache-2.0
#include "collect/collect.h"

#include <stdlib.h>
#include <string.h>

#include "collect/worker.h"
#include "util/xalloc.h"

struct collect {
	struct worker *workers;
	size_t n, started;
	atomic_bool stop;
	const struct collect_conf *conf;
};

static int subscribe(struct worker *w, struct error *err)
{
	size_t n = w->conf->nstreams;
	const char **topics = xcalloc(n + 1, sizeof *topics);
	char **made = xcalloc(n + 1, sizeof *made);
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		const struct stream_conf *c = w->conf->streams[i].conf;
		const char *topic = c->topic;
		if (c->is_regex && *c->topic != '^')
			topic = made[i] = xasprintf("^.*(%s)", c->topic);
		size_t seen = 0;
		while (seen < k && strcmp(topics[seen], topic))
			seen++;
		if (seen == k)
			topics[k++] = topic;
	}
	int rc = consumer_subscribe(w->consumer, topics, k, err);
	for (size_t i = 0; i < n; i++)
		free(made[i]);
	free(made);
	free(topics);
	return rc;
}

static int worker_start(struct collect *c, size_t i, const struct collect_port *port, struct error *err)
{
	struct worker *w = &c->workers[i];
	const struct config *conf = c->conf->config;
	struct kafka_property *props = xcalloc(conf->nkafka + 1, sizeof *props);
	const struct rebalance cb = {w, worker_assigned, worker_revoked};

	w->index = (int)i;
	w->conf = c->conf;
	w->port = *port;
	w->stop = &c->stop;
	pthread_mutex_init(&w->mutex, NULL);
	record_values_init(&w->scratch);
	w->streams = xcalloc(c->conf->nstreams + 1, sizeof *w->streams);
	for (size_t k = 0; k < c->conf->nstreams; k++)
		wstream_init(&w->streams[k], &c->conf->streams[k]);
	for (size_t k = 0; k < conf->nkafka; k++)
		props[k] = (struct kafka_property){conf->kafka[k].name, conf->kafka[k].value};
	w->consumer = consumer_new(props, conf->nkafka, conf->group_id, (int)i, &cb, err);
	int rc = w->consumer ? forward_init(w, props, conf->nkafka, err) : -1;
	free(props);
	if (rc || subscribe(w, err))
		return -1;
	if (pthread_create(&w->thread, NULL, worker_main, w))
		return error_set(err, "start worker %zu: no thread to be had", i);
	c->started++;
	return 0;
}

static void worker_release(struct worker *w, size_t nstreams)
{
	if (!w->streams)
		return;
	consumer_free(w->consumer);
	forward_release(&w->forwarder);
	for (size_t k = 0; k < w->nparts; k++)
		part_free(w->parts[k]);
	for (size_t k = 0; k < nstreams; k++)
		wstream_release(&w->streams[k]);
	free(w->parts);
	free(w->streams);
	free(w->shown);
	free(w->shown_parts);
	free(w->scope);
	record_values_release(&w->scratch);
	pthread_mutex_destroy(&w->mutex);
}

struct collect *collect_start(const struct collect_conf *conf, const struct collect_port *ports, struct error *err)
{
	struct collect *c = xcalloc(1, sizeof *c);

	c->conf = conf;
	c->n = conf->config->workers;
	c->workers = xcalloc(c->n, sizeof *c->workers);
	for (size_t i = 0; i < c->n; i++) {
		if (worker_start(c, i, &ports[i], err)) {
			collect_stop(c);
			return NULL;
		}
	}
	return c;
}

void collect_stop(struct collect *c)
{
	if (!c)
		return;
	atomic_store(&c->stop, true);
	for (size_t i = 0; i < c->started; i++)
		pthread_join(c->workers[i].thread, NULL);
	for (size_t i = 0; i < c->n; i++)
		worker_release(&c->workers[i], c->conf->nstreams);
	free(c->workers);
	free(c);
}

size_t collect_streams(struct collect *c, struct collect_named_stats **out)
{
	size_t n = 0, cap = 0;

	*out = NULL;
	for (size_t i = 0; i < c->conf->nstreams; i++) {
		GROW(*out, n, cap);
		(*out)[n++] = (struct collect_named_stats){.name = c->conf->streams[i].conf->name,
							   .posts = c->conf->streams[i].conf->dead_letter_topic};
	}
	for (size_t i = 0; i < c->n; i++) {
		struct worker *w = &c->workers[i];
		pthread_mutex_lock(&w->mutex);
		for (size_t k = 0; k < w->nshown_streams; k++) {
			size_t at = 0;
			while (at < n && strcmp((*out)[at].name, w->shown[k].name) != 0)
				at++;
			if (at == n) {
				GROW(*out, n, cap);
				(*out)[n++] = (struct collect_named_stats){.name = w->shown[k].name, .posts = w->shown[k].posts};
			}
			collect_stats_add(&(*out)[at].stats, &w->shown[k].stats);
		}
		pthread_mutex_unlock(&w->mutex);
	}
	return n;
}

size_t collect_partitions(struct collect *c, struct collect_partition_stats **out)
{
	size_t n = 0;

	*out = NULL;
	for (size_t i = 0; i < c->n; i++) {
		struct worker *w = &c->workers[i];
		pthread_mutex_lock(&w->mutex);
		*out = xrealloc(*out, (n + w->nshown + 1) * sizeof **out);
		if (w->nshown)
			memcpy(*out + n, w->shown_parts, w->nshown * sizeof **out);
		n += w->nshown;
		pthread_mutex_unlock(&w->mutex);
	}
	return n;
}

void collect_totals(struct collect *c, struct collect_totals *out)
{
	*out = (struct collect_totals){.running = (uint32_t)c->started};
	for (size_t i = 0; i < c->n; i++) {
		struct worker *w = &c->workers[i];
		pthread_mutex_lock(&w->mutex);
		for (int k = 0; k < 4; k++)
			out->checkpoints[k] += w->totals.checkpoints[k];
		out->fenced += w->totals.fenced;
		out->waiting += w->totals.waiting;
		out->joined += w->totals.joined;
		if (w->totals.trouble[0] && !out->trouble[0])
			memcpy(out->trouble, w->totals.trouble, sizeof out->trouble);
		pthread_mutex_unlock(&w->mutex);
	}
}
