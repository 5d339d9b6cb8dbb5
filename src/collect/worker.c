// SPDX-License-Identifier: Apache-2.0
#include "collect/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collect/compact.h"
#include "util/digest.h"
#include "util/log.h"
#include "util/json.h"
#include "util/xalloc.h"

enum {
	BATCH = 1000,
	WAKE_MS = 50,         // new breaches are written this soon
	HEARTBEAT_MS = 4000,  // a partition's owner writes at least this often
	COMMIT_MS = 5000,     // the advisory offset in Kafka
	RECHECK_MS = 5000,    // whether a stream has taken to its baseline
	HELD_MS = 10000,      // a transaction open for longer makes its partition unknown
	QUARANTINE_MS = 5000, // a server that refuses a write will not take it a moment later
};

static struct part *find(struct worker *w, const char *topic, int32_t partition)
{
	if (w->last && w->last->partition == partition && !strcmp(w->last->topic, topic))
		return w->last;
	for (size_t i = 0; i < w->nparts; i++)
		if (w->parts[i]->partition == partition && !strcmp(w->parts[i]->topic, topic))
			return w->last = w->parts[i];
	return NULL;
}

void worker_assigned(void *ctx, const char *topic, int32_t partition)
{
	struct worker *w = ctx;

	if (find(w, topic, partition))
		return;
	GROW(w->parts, w->nparts, w->capparts);
	struct part *p = w->parts[w->nparts++] = part_new(topic, partition, w->streams, w->conf->nstreams);
	p->retry_at = mono_now();
	p->next = -1;
}

void worker_revoked(void *ctx, const char *topic, int32_t partition, bool lost)
{
	struct worker *w = ctx;
	struct part *p = find(w, topic, partition);

	if (!p)
		return;
	if (lost && p->claimed) {
		log_warn("collect", "%s/%d: the group took it away unasked (this worker was silent too long): fenced, nothing is written",
			 topic, partition);
		pthread_mutex_lock(&w->mutex);
		w->totals.fenced++;
		pthread_mutex_unlock(&w->mutex);
	} else if (p->claimed && p->dirty) {
		worker_checkpoint(w, p);
	}
	size_t i = 0;
	while (w->parts[i] != p)
		i++;
	w->parts[i] = w->parts[--w->nparts];
	w->last = NULL;
	part_free(p);
}

// Lag is to the last stable offset; one that stands still while the log goes on is an unknown of its own.
static void look_ahead(struct worker *w, struct part *p)
{
	int64_t known = consumer_known_end(w->consumer, p->topic, p->partition);

	if (p->next != p->held_at) {
		p->end = known > p->end ? known : p->end;
	} else if (p->target <= p->next && known > p->next && mono_ms_since(p->held_since) > HELD_MS) {
		log_warn("collect", "%s/%d: an open transaction holds everything from offset %lld on back", p->topic,
			 p->partition, (long long)p->next);
		p->target = known;
	}
}

static void show_stream(struct worker *w, struct wstream *s)
{
	if (s->shown == SIZE_MAX) {
		GROW(w->shown, w->nshown_streams, w->cap_shown);
		s->shown = w->nshown_streams++;
		w->shown[s->shown].name = s->conf->name;
	}
	w->shown[s->shown].posts = s->conf->dead_letter_topic;
	w->shown[s->shown].stats = s->done;
	for (size_t i = 0; i < w->nparts; i++)
		for (size_t k = 0; k < w->parts[i]->nstreams; k++)
			w->shown[s->shown].stats.letters_stopped += w->parts[i]->streams[k]->stream == s &&
								   w->parts[i]->streams[k]->stop.why != LETTERS_GO;
}

bool worker_checkpoint(struct worker *w, struct part *p)
{
	struct error err = ERROR_INIT;
	enum store_result r;

	look_ahead(w, p);
	if (p->generation != w->port.generation(w->port.ctx)) {
		worker_lose(w, p, STORE_WAS_AWAY, 0);
		return false;
	}
	if (!forward_settle(w, p))
		return false;
	r = part_checkpoint(p, &w->port, &err);
	if (r == STORE_OK)
		r = part_compact(p, &w->port, &err);
	pthread_mutex_lock(&w->mutex);
	w->totals.checkpoints[r]++;
	w->totals.fenced += r == STORE_FENCED;
	if (r == STORE_OK)
		w->totals.trouble[0] = 0;
	else
		snprintf(w->totals.trouble, sizeof w->totals.trouble, "%.290s", err.text);
	for (size_t i = 0; r == STORE_OK && i < p->nstreams; i++)
		show_stream(w, p->streams[i]->stream);
	pthread_mutex_unlock(&w->mutex);
	if (r != STORE_OK) {
		worker_lose(w, p, err.text, r == STORE_FENCED ? 100 : r == STORE_FAILED ? QUARANTINE_MS : 0);
		return false;
	}
	if (!part_posts(p) && mono_ms_since(p->committed_at) > COMMIT_MS) {
		consumer_commit(w->consumer, p->topic, p->partition, p->next);
		p->committed_at = mono_now();
	}
	return true;
}

// A topic made anew under the same name: its first record is the first to count. The claim is given up, so that
// what is still in hand from the old position is dropped.
static void restart_topic(struct worker *w, struct part *p)
{
	struct error err = ERROR_INIT;
	int64_t low, high;

	log_warn("collect", "%s/%d: the record at offset %lld is another than the one counted: the topic was made anew", p->topic,
		 p->partition, (long long)p->check_offset);
	if (consumer_range(w->consumer, p->topic, p->partition, &low, &high, 3000, &err)) {
		worker_lose(w, p, err.text, 300);
		return;
	}
	part_lost_event(p, "topic_recreated",
			json_pack("{s:I, s:I}", "stored", (json_int_t)p->next, "start", (json_int_t)low));
	part_history_drop(p);
	p->next = low;
	p->sent_to = p->check_offset = -1;
	p->target = low < high ? high : -1;
	if (!worker_checkpoint(w, p))
		return;
	forward_rewind(w, p);
	worker_lose(w, p, "it is read from its start", 0);
}

static uint32_t crc_of(const struct message *m)
{
	return crc32_of(m->value ? m->value : (const uint8_t *)"", m->len);
}

// True: the message was the check record, and nothing is to be counted.
static bool checked(struct worker *w, struct part *p, const struct message *m)
{
	if (!p->check_wanted || m->offset < p->check_offset)
		return false;
	p->check_wanted = false;
	if (m->offset > p->check_offset)
		return false; // compacted away
	if (m->time.ms == p->check_ts && crc_of(m) == p->check_crc)
		return true;
	restart_topic(w, p);
	return true;
}

static void wait_for_schema(struct worker *w, struct part *p)
{
	if (p->told_waiting != p->next)
		log_info("collect", "%s/%d: waits at offset %lld for the registry to tell of a schema", p->topic, p->partition,
			 (long long)p->next);
	p->told_waiting = p->next;
	if (!p->waiting_since)
		p->waiting_since = wall_now().ms;
	consumer_stop(w->consumer, p->topic, p->partition);
	p->started = false;
	p->waiting = true;
	p->dirty = true;
	if (p->target <= p->next)
		p->target = p->next + 1;
	p->retry_at = mono_after_ms(250);
}

// Old records open a pane each if they will: a crowd of them does not wait for the batch to end.
static void relieve(struct worker *w)
{
	size_t open = 0, kept = 0, most = 0;
	struct part *fullest = NULL;

	for (size_t i = 0; i < w->nparts; i++) {
		struct part *p = w->parts[i];
		size_t n = part_open_fields(p);

		open += n;
		kept += p->kept;
		if (p->claimed && n > p->kept + most) {
			most = n - p->kept;
			fullest = p;
		}
	}
	if (fullest && fields_crowd(open, kept))
		worker_checkpoint(w, fullest);
}

// Returns the partition where the message is now the last one counted, else NULL.
static struct part *handle(struct worker *w, const struct message *m, struct wall_time now)
{
	struct part *p = find(w, m->topic, m->partition);

	if (m->kind == MESSAGE_ERROR) {
		log_warn("collect", "%s/%d: %s", m->topic, m->partition, m->error);
		return NULL;
	}
	if (!p || !p->claimed || p->waiting)
		return NULL;
	switch (m->kind) {
	case MESSAGE_EOF:
		if (m->offset >= p->next) {
			p->next = p->end = m->offset; // transaction markers take offsets too
			// Past the last stable offset lie the records of an open transaction: nothing is at its end.
			p->idle = consumer_known_end(w->consumer, p->topic, p->partition) <= m->offset;
			if (!p->idle && p->held_at != m->offset) {
				p->held_at = m->offset;
				p->held_since = mono_now();
			}
			p->dirty |= p->idle != p->reported_idle || p->next != p->acked;
		}
		return NULL;
	case MESSAGE_OUT_OF_RANGE:
		worker_lose(w, p, "the log no longer holds the stored offset", 0);
		return NULL;
	default:
		break;
	}
	if (checked(w, p, m) || m->offset < p->next)
		return NULL;
	uint32_t segments = p->segments;
	if (!part_record(p, m, &w->port, &w->scratch, now)) {
		wait_for_schema(w, p);
		return NULL;
	}
	p->next = m->offset + 1;
	p->idle = false;
	p->waiting_since = 0;
	p->check_offset = m->offset;
	p->check_ts = m->time.ms;
	if (p->segments != segments) {
		p->check_crc = crc_of(m);
		relieve(w);
	}
	return p;
}

static void handle_batch(struct worker *w, struct message *batch, size_t n)
{
	struct wall_time now = wall_now(); // once a batch
	struct part *run = NULL;

	// The check record's CRC is taken once a run of counted messages of one partition.
	for (size_t i = 0; i < n; i++) {
		struct part *p = handle(w, &batch[i], now);
		if (run && p != run)
			run->check_crc = crc_of(&batch[i - 1]);
		run = p;
	}
	if (run)
		run->check_crc = crc_of(&batch[n - 1]);
}

static bool due(const struct worker *w, const struct part *p)
{
	int64_t age = mono_ms_since(p->written_at);

	if (!p->claimed)
		return false;
	if (p->nletters ? forward_presses(w, p) : p->wake && mono_ms_since(p->wake_since) >= WAKE_MS)
		return true;
	if (p->dirty && (age >= w->conf->config->checkpoint_ms || (p->idle && !p->reported_idle)))
		return true;
	return age >= HEARTBEAT_MS;
}

static void show_partitions(struct worker *w)
{
	pthread_mutex_lock(&w->mutex);
	w->shown_parts = xrealloc(w->shown_parts, (w->nparts + 1) * sizeof *w->shown_parts);
	w->nshown = w->nparts;
	w->totals.waiting = 0;
	w->totals.joined = consumer_joined(w->consumer);
	for (size_t i = 0; i < w->nparts; i++) {
		struct part *p = w->parts[i];
		struct collect_partition_stats *s = &w->shown_parts[i];
		snprintf(s->topic, sizeof s->topic, "%s", p->topic);
		s->partition = p->partition;
		s->next = p->next;
		s->end = p->end;
		s->claimed = p->claimed;
		s->waiting = p->waiting;
		if (p->next != p->shown_next || p->next >= p->end || !p->moved_at.ns)
			p->moved_at = mono_now();
		p->shown_next = p->next;
		s->stalled_ms = mono_ms_since(p->moved_at);
		w->totals.waiting += p->waiting;
	}
	if (consumer_trouble(w->consumer)[0] && !w->totals.trouble[0])
		snprintf(w->totals.trouble, sizeof w->totals.trouble, "Kafka: %.280s", consumer_trouble(w->consumer));
	pthread_mutex_unlock(&w->mutex);
}

static void pass(struct worker *w, struct message *batch)
{
	size_t n = consumer_batch(w->consumer, 20, batch, BATCH);

	w->polled_at = mono_now();
	handle_batch(w, batch, n);
	consumer_batch_free(batch, n);
	worker_claims(w);
	forward_offsets(w);
	if (mono_ms_since(w->rechecked_at) > RECHECK_MS) {
		for (size_t i = 0; i < w->conf->nstreams; i++)
			wstream_recheck_before(&w->streams[i], &w->port);
		w->rechecked_at = mono_now();
	}
	for (size_t i = 0; i < w->nparts; i++)
		if (due(w, w->parts[i]))
			worker_checkpoint(w, w->parts[i]);
}

void *worker_main(void *arg)
{
	struct worker *w = arg;
	struct message *batch = xcalloc(BATCH, sizeof *batch);
	struct mono_time shown = {0};

	w->jitter = (unsigned)mono_now().ns ^ (unsigned)w->index;
	while (!atomic_load(w->stop)) {
		pass(w, batch);
		if (mono_ms_since(shown) > 200) {
			show_partitions(w);
			shown = mono_now();
		}
	}
	for (size_t i = 0; i < w->nparts; i++)
		if (w->parts[i]->claimed && w->parts[i]->dirty)
			worker_checkpoint(w, w->parts[i]);
	consumer_free(w->consumer); // revokes, which checkpoints whatever came meanwhile
	w->consumer = NULL;
	free(batch);
	return NULL;
}
