// SPDX-License-Identifier: Apache-2.0
// What the web server reads: the judge's last pass, with what only this process knows.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/internal.h"
#include "web/metrics.h"

json_t *web_status(void *ctx)
{
	struct app *a = ctx;

	pthread_rwlock_rdlock(&a->lock);
	json_t *v = a->judge ? judge_status(a->judge) : NULL;
	if (!v)
		v = json_object();
	struct registry_stats r = {.up = true};
	struct collect_totals t = {0};
	if (a->registry)
		registry_stats(a->registry, &r);
	if (a->collect)
		collect_totals(a->collect, &t);
	unjudged_show(a->unjudged, v);
	json_object_set_new(v, "version", json_string(KDRIFT_VERSION));
	json_object_set_new(v, "leader", json_boolean(atomic_load(&a->leading)));
	json_object_set_new(v, "store_up", json_boolean(a->opt.role != APP_COLLECT ? atomic_load(&a->store_up) : !t.trouble[0]));
	json_object_set_new(v, "registry_up", json_boolean(r.up));
	json_object_set_new(v, "registry_error", json_str(r.last_error));
	json_object_set_new(v, "trouble", json_str(t.trouble));
	json_object_set_new(v, "waiting_partitions", json_integer(t.waiting));
	json_object_set_new(v, "outbox", json_integer((json_int_t)atomic_load(&a->waiting)));
	json_object_set_new(v, "dead_deliveries", json_integer((json_int_t)atomic_load(&a->dead)));
	pthread_rwlock_unlock(&a->lock);
	return v;
}

json_t *app_status(struct app *a)
{
	return web_status(a);
}

json_t *web_alerts(void *ctx)
{
	json_t *v = web_status(ctx), *alerts = json_object_get(v, "alerts");

	alerts = alerts ? json_incref(alerts) : json_array();
	json_decref(v);
	return alerts;
}

static void of_partition(struct metrics_writer *w, enum metric m, const struct collect_partition_stats *p, double v)
{
	char partition[16];

	snprintf(partition, sizeof partition, "%" PRId32, p->partition);
	metrics_add(w, m, v, (const char *[]){p->topic, partition});
}

static void collected(struct app *a, struct metrics_writer *w)
{
	struct collect_partition_stats *parts;
	struct collect_totals t;
	static const char *const outcomes[] = {"ok", "fenced", "lost", "failed"};
	uint64_t overflowed = 0, beyond = 0, unjudged = 0, unlearned = 0;
	struct collect_named_stats *s;
	size_t n = collect_streams(a->collect, &s);

	for (size_t i = 0; i < n; i++)
		metrics_add(w, METRIC_RECORDS, (double)s[i].stats.records, (const char *[]){s[i].name});
	for (size_t i = 0; i < n; i++)
		for (int k = 0; k < VIOLATION_KINDS; k++)
			metrics_add(w, METRIC_VIOLATIONS, (double)s[i].stats.violations[k],
				    (const char *[]){s[i].name, violation_table[k].name});
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < s[i].stats.nrules; k++)
			metrics_add(w, METRIC_RULES, (double)s[i].stats.rules[k].n,
				    (const char *[]){s[i].name, s[i].stats.rules[k].name});
	unjudged_metrics(a->unjudged, w);
	for (size_t i = 0; i < n; i++)
		metrics_add(w, METRIC_OPAQUE, (double)s[i].stats.opaque, (const char *[]){s[i].name});
	for (size_t i = 0; i < n; i++)
		metrics_add(w, METRIC_UNSUPPORTED, (double)s[i].stats.unsupported, (const char *[]){s[i].name});
	for (size_t i = 0; i < n; i++)
		for (int k = 0; s[i].posts && k < LETTER_OUTCOMES; k++)
			metrics_add(w, METRIC_LETTERS, (double)s[i].stats.letters[k],
				    (const char *[]){s[i].name, letter_outcome_names[k]});
	for (size_t i = 0; i < n; i++)
		if (s[i].posts)
			metrics_add(w, METRIC_LETTERS_STOPPED, s[i].stats.letters_stopped, (const char *[]){s[i].name});
	for (size_t i = 0; i < n; i++) {
		overflowed += s[i].stats.overflowed;
		unlearned += s[i].stats.unlearned;
		beyond += s[i].stats.beyond;
		unjudged += s[i].stats.unjudged;
	}
	metrics_add(w, METRIC_BOUND_HIT, (double)overflowed, (const char *[]){"slices"});
	metrics_add(w, METRIC_BOUND_HIT, (double)beyond, (const char *[]){"record_types"});
	metrics_add(w, METRIC_BOUND_HIT, (double)unjudged, (const char *[]){"unique"});
	metrics_add(w, METRIC_BOUND_HIT, (double)unlearned, (const char *[]){"json_fields"});
	free(s);
	size_t np = collect_partitions(a->collect, &parts);
	for (size_t i = 0; i < np; i++)
		if (parts[i].end >= 0 && parts[i].claimed)
			of_partition(w, METRIC_LAG, &parts[i], (double)(parts[i].end > parts[i].next ? parts[i].end - parts[i].next : 0));
	for (size_t i = 0; i < np; i++)
		of_partition(w, METRIC_STALLED, &parts[i], (double)parts[i].stalled_ms / 1000);
	free(parts);
	collect_totals(a->collect, &t);
	metrics_add(w, METRIC_CLAIMS_FENCED, (double)t.fenced, NULL);
	for (int k = 0; k < 4; k++)
		metrics_add(w, METRIC_CHECKPOINTS, (double)t.checkpoints[k], (const char *[]){outcomes[k]});
	if (a->registry) {
		struct registry_stats r;
		registry_stats(a->registry, &r);
		metrics_add(w, METRIC_REGISTRY_UP, r.up, NULL);
	}
}

static void measures(const json_t *status, struct metrics_writer *w)
{
	size_t i, k, r;
	json_t *stream, *field, *reading;

	json_array_foreach(json_object_get(status, "streams"), i, stream) {
		json_array_foreach(json_object_get(stream, "fields"), k, field) {
			json_array_foreach(json_object_get(field, "readings"), r, reading) {
				if (!json_is_number(json_object_get(reading, "value")))
					continue;
				metrics_add(w, METRIC_MEASURE, json_get_num(reading, "value", 0),
					    (const char *[]){json_get_str(stream, "name", ""), json_get_str(field, "path", ""),
							     json_get_str(reading, "slice", ""),
							     json_get_str(reading, "measure", "")});
			}
		}
	}
}

static void alerts(const json_t *status, struct metrics_writer *w)
{
	static const char *const states[] = {"firing", "pending", "unknown", "ok"};
	size_t i;
	json_t *alert;

	for (int t = 0; t < TIERS; t++) {
		for (size_t k = 0; k < sizeof states / sizeof *states; k++) {
			double n = 0;
			json_array_foreach(json_object_get(status, "alerts"), i, alert)
				n += !strcmp(json_get_str(alert, "tier", ""), tier_names[t]) &&
				     !strcmp(json_get_str(alert, "state", ""), states[k]);
			metrics_add(w, METRIC_ALERTS, n, (const char *[]){tier_names[t], states[k]});
		}
	}
}

static void watermarks(const json_t *status, struct metrics_writer *w)
{
	size_t i;
	int64_t ms;
	json_t *stream;

	json_array_foreach(json_object_get(status, "streams"), i, stream)
		if (!time_parse(json_get_str(stream, "watermark", ""), &ms))
			metrics_add(w, METRIC_WATERMARK, (double)ms / 1000, (const char *[]){json_get_str(stream, "name", "")});
}

static void recalibrating(const json_t *status, struct metrics_writer *w)
{
	size_t i;
	int64_t ms;
	json_t *stream;

	json_array_foreach(json_object_get(status, "streams"), i, stream)
		if (!time_parse(json_get_str(json_object_get(stream, "recalibrating"), "until", ""), &ms))
			metrics_add(w, METRIC_RECALIBRATING, (double)ms / 1000,
				    (const char *[]){json_get_str(stream, "name", "")});
}

static void digests(const json_t *status, struct metrics_writer *w)
{
	int64_t ms;

	for (int t = 0; t < TIERS; t++) {
		const json_t *digest = json_object_get(json_object_get(status, "digests"), tier_names[t]);
		if (!time_parse(json_get_str(digest, "last", ""), &ms))
			metrics_add(w, METRIC_DIGEST, (double)ms / 1000, (const char *[]){tier_names[t]});
	}
}

static void deliveries(struct app *a, struct metrics_writer *w)
{
	for (size_t i = 0; i < a->model->config->nreceivers; i++) {
		const char *name = a->model->config->receivers[i].name;
		struct deliver_stats s;
		deliver_stats(a->deliver, i, &s);
		metrics_add(w, METRIC_DELIVERIES, (double)s.delivered, (const char *[]){name, "delivered"});
		metrics_add(w, METRIC_DELIVERIES, (double)s.retried, (const char *[]){name, "retried"});
		metrics_add(w, METRIC_DELIVERIES, (double)s.refused, (const char *[]){name, "refused"});
	}
	metrics_add(w, METRIC_OUTBOX, (double)atomic_load(&a->waiting), NULL);
}

void web_metrics(void *ctx, struct buf *out)
{
	struct app *a = ctx;
	struct metrics_writer w;
	json_t *status = web_status(a);

	pthread_rwlock_rdlock(&a->lock);
	metrics_begin(&w, out);
	metrics_add(&w, METRIC_BUILD_INFO, 1, (const char *[]){KDRIFT_VERSION});
	metrics_add(&w, METRIC_STORE_UP, json_is_true(json_object_get(status, "store_up")), NULL);
	if (a->collect)
		collected(a, &w);
	if (a->judge) {
		metrics_add(&w, METRIC_LEADER, atomic_load(&a->leading), NULL);
		if (a->model->config->measure_metrics)
			measures(status, &w);
		alerts(status, &w);
		watermarks(status, &w);
		recalibrating(status, &w);
		digests(status, &w);
		deliveries(a, &w);
	}
	pthread_rwlock_unlock(&a->lock);
	json_decref(status);
}

bool web_ready(void *ctx, char *why, size_t n)
{
	struct app *a = ctx;
	bool ready = false;

	pthread_rwlock_rdlock(&a->lock);
	struct collect_totals t = {0};
	struct collect_partition_stats *parts = NULL;
	size_t np = a->collect ? collect_partitions(a->collect, &parts) : 0, claimed = 0;
	for (size_t i = 0; i < np; i++)
		claimed += parts[i].claimed;
	if (a->collect)
		collect_totals(a->collect, &t);
	bool collects = a->opt.role != APP_JUDGE, judges = a->opt.role != APP_COLLECT;
	if (judges && !atomic_load(&a->store_up))
		snprintf(why, n, "the store is away%s%s", t.trouble[0] ? ": " : "", t.trouble);
	else if (collects && !claimed && t.trouble[0])
		snprintf(why, n, "no partition is read yet: %s", t.trouble);
	else if (collects && t.joined < a->model->config->workers)
		snprintf(why, n, "the consumer group has not answered yet (%u of %u workers)", t.joined,
			 a->model->config->workers);
	else if (claimed < np)
		snprintf(why, n, "%zu of %zu partitions are not claimed yet", np - claimed, np);
	else
		ready = true;
	free(parts);
	pthread_rwlock_unlock(&a->lock);
	return ready;
}

int web_reload(void *ctx, struct error *err)
{
	return app_reload(ctx, err);
}
