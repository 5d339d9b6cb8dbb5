// SPDX-License-Identifier: Apache-2.0
// Claiming a partition: who may write, and where to read (docs/exactly-once.md, rules 1 to 9 and 14).
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collect/worker.h"
#include "util/json.h"
#include "util/log.h"
#include "util/xalloc.h"

enum { ASK_KAFKA_MS = 3000, RETRY_MS = 300 };

void worker_lose(struct worker *w, struct part *p, const char *why, int64_t retry_ms)
{
	if (p->claimed)
		log_warn("collect", "%s/%d: %s; what was not yet stored is dropped and read again", p->topic, p->partition, why);
	consumer_stop(w->consumer, p->topic, p->partition);
	part_drop(p);
	p->started = false;
	p->retry_at = mono_after_ms(retry_ms + rand_r(&w->jitter) % 200);
}

static bool complain(struct worker *w, struct part *p, const struct error *err)
{
	pthread_mutex_lock(&w->mutex);
	snprintf(w->totals.trouble, sizeof w->totals.trouble, "%.290s", err->text);
	pthread_mutex_unlock(&w->mutex);
	if (mono_ms_since(w->complained_at) > 5000) {
		log_warn("collect", "%s/%d waits: %s", p->topic, p->partition, err->text);
		w->complained_at = mono_now();
	}
	return false;
}

// Only a topic's first appearance obeys `start: latest`: its other partitions are read from where the stream was first
// seen, and those that it did not have then from their start.
static int first_offset(struct worker *w, struct part *p, int64_t low, int64_t high, int64_t *next, struct error *err)
{
	int64_t seen;
	int32_t had;
	bool latest = p->nstreams > 0;

	for (size_t i = 0; i < p->nstreams; i++)
		latest &= p->streams[i]->stream->conf->start == START_LATEST;
	*next = low;
	if (!latest)
		return 0;
	if (w->port.first_seen(w->port.ctx, p->streams[0]->stream->conf->name, p->topic, &seen, &had, err))
		return -1;
	int n = consumer_partitions(w->consumer, p->topic, ASK_KAFKA_MS, err);
	if (n < 0)
		return -1;
	p->partitions = n;
	if (had && p->partition >= had)
		return 0;
	*next = high;
	return seen == INT64_MIN ? 0
				 : consumer_offset_at(w->consumer, p->topic, p->partition, (struct wall_time){seen}, next,
						      ASK_KAFKA_MS, err);
}

static int resolve(struct worker *w, struct part *p, struct claim *c, int64_t *low, int64_t *high, struct error *err)
{
	int64_t committed = -1;

	if (consumer_range(w->consumer, p->topic, p->partition, low, high, ASK_KAFKA_MS, err))
		return -1;
	if (part_posts(p) && forward_claim(w, p, *high, err))
		return -1;
	if (!c->fresh)
		return 0;
	if (consumer_committed(w->consumer, p->topic, p->partition, &committed, ASK_KAFKA_MS, err))
		return -1;
	if (first_offset(w, p, *low, *high, &c->next, err))
		return -1;
	if (committed >= 0) {
		part_event(p, "state_lost", json_pack("{s:I, s:I}", "committed", (json_int_t)committed, "start",
						      (json_int_t)c->next));
		log_warn("collect",
			 "%s/%d: the store has lost its state (Kafka remembers offset %lld): counting anew from offset %lld",
			 p->topic, p->partition, (long long)committed, (long long)c->next);
	}
	return 0;
}

// What the log no longer holds, and what it does not hold any more, is said and skipped.
static void fit_to_log(struct part *p, int64_t low, int64_t high)
{
	if (p->next < low) {
		part_lost_event(p, "gap", json_pack("{s:I, s:I}", "from", (json_int_t)p->next, "to", (json_int_t)low));
		log_warn("collect", "%s/%d: offsets %lld to %lld were deleted before they were read", p->topic, p->partition,
			 (long long)p->next, (long long)low - 1);
		p->records_lost += (uint64_t)(low - p->next);
		p->next = low;
	} else if (p->next > high) {
		part_lost_event(p, "log_truncated",
				json_pack("{s:I, s:I}", "stored", (json_int_t)p->next, "end", (json_int_t)high));
		log_warn("collect", "%s/%d: the log ends at %lld, before the stored offset %lld", p->topic, p->partition,
			 (long long)high, (long long)p->next);
		p->next = high;
		p->check_offset = -1;
	}
}

static bool claim(struct worker *w, struct part *p)
{
	struct error err = ERROR_INIT;
	struct claim c;
	int64_t low, high, before = p->next;

	if (w->port.claim(w->port.ctx, p->topic, p->partition, &c, &err))
		return complain(w, p, &err);
	part_drop(p);
	p->generation = w->port.generation(w->port.ctx);
	if (resolve(w, p, &c, &low, &high, &err)) {
		claim_release(&c);
		return complain(w, p, &err);
	}
	int64_t expected = c.fresh ? -1 : c.next;
	part_adopt(p, &c);
	claim_release(&c);
	for (size_t i = 0; i < p->nstreams; i++) {
		if (wstream_look_before(p->streams[i]->stream, &w->port, &err)) {
			part_drop(p);
			return complain(w, p, &err);
		}
	}
	p->acked = expected;
	fit_to_log(p, low, high);
	p->end = high;
	int64_t goal = before > high ? before : high;
	p->target = p->next < goal ? goal : -1;
	p->dirty = true;
	if (!worker_checkpoint(w, p))
		return false;
	int64_t from = p->next;
	if (p->check_offset >= low && p->check_offset < p->next) {
		from = p->check_offset;
		p->check_wanted = true;
	}
	if (consumer_start(w->consumer, p->topic, p->partition, from, &err)) {
		worker_lose(w, p, err.text, RETRY_MS);
		return false;
	}
	p->started = true;
	log_info("collect", "%s/%d: claimed, counting from offset %lld%s", p->topic, p->partition, (long long)p->next,
		 p->target >= 0 ? " (catching up)" : "");
	return true;
}

// A stored schema may be all that a waiting partition needs.
static void resume(struct worker *w, struct part *p)
{
	struct error err = ERROR_INIT;

	p->retry_at = mono_after_ms(250);
	p->waiting = false;
	if (consumer_start(w->consumer, p->topic, p->partition, p->next, &err))
		worker_lose(w, p, err.text, RETRY_MS);
	else
		p->started = true;
}

// False: the group may have given everything to others: poll first.
static bool still_mine(const struct worker *w)
{
	return !consumer_lost(w->consumer) && mono_ms_since(w->polled_at) <= consumer_session_ms(w->consumer);
}

void worker_claims(struct worker *w)
{
	if (!still_mine(w))
		return;
	for (size_t i = 0; i < w->nparts; i++)
		if (w->parts[i]->claimed && w->parts[i]->generation != w->port.generation(w->port.ctx))
			worker_lose(w, w->parts[i], STORE_WAS_AWAY, 0);
	if (!w->scope && w->nparts) {
		char *id = consumer_cluster_id(w->consumer, 1000);
		if (!id)
			return;
		w->scope = xasprintf("%s/%s", id, w->conf->config->group_id);
		free(id);
		w->port.scope(w->port.ctx, w->scope);
	}
	// Claims may take seconds each where brokers do not answer: before every one the group is looked at, and whether
	// the process is to end.
	for (size_t left = w->nparts; left && still_mine(w) && !atomic_load(w->stop); left--) {
		struct part *p = w->parts[w->turn++ % w->nparts];
		if (!p->claimed && mono_passed(p->retry_at)) {
			if (!claim(w, p) && !p->claimed && mono_passed(p->retry_at))
				p->retry_at = mono_after_ms(RETRY_MS + rand_r(&w->jitter) % 200);
		} else if (p->claimed && p->waiting && mono_passed(p->retry_at)) {
			resume(w, p);
		}
	}
}
