// SPDX-License-Identifier: Apache-2.0
// Dead letters on their way (docs/dead-letters.md). One transaction holds the letters of all the worker's partitions
// and, as the group's offsets, how far each of these has come; a checkpoint follows it and never goes ahead. A
// claim reads the offset first: the letters of records below it are in the topic, whatever the store remembers.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collect/worker.h"
#include "util/digest.h"
#include "util/log.h"
#include "util/xalloc.h"

enum {
	ATTEMPT_MS = 4000,
	LAST_ATTEMPT_MS = 1000,  // the process is to end within 10 s: what is not sent is not counted, and read again
	OPEN_MS = 1500,
	ASK_MS = 1000,
	AGAIN_MS = 1000,         // after a first failure
	HOLD_MS = 8000,          // a partition without checkpoint for 15 s is one without an owner
	BACKOFF_MS = 5000,       // while suspended, doubling
	BACKOFF_MOST_MS = 60000,
	OFFSETS_MS = 5000,
	PAUSE_MS = 50,
	PAUSE_PER_TIME = 4,      // transactions take a fifth of the worker's time at the most
	MAX_LETTERS = 5000,
	MAX_BYTES = 16 << 20,
};

// What one transaction is made of.
struct mail {
	const struct outgoing **out;
	struct letter **letters;
	size_t n;
	struct source_offset *offsets;
	struct part **parts;      // of the offsets
	size_t nparts;
};

static const char *instance_id(const struct config *c)
{
	for (size_t i = 0; i < c->nkafka; i++)
		if (!strcmp(c->kafka[i].name, "group.instance.id"))
			return c->kafka[i].value;
	return NULL;
}

// A member with a name of its own goes by it, so that the transaction of one that was killed is undone as soon as it
// is back. Others must not meet, and are told apart by chance.
static char *transactional_id(const struct worker *w)
{
	const struct config *c = w->conf->config;
	const char *instance = instance_id(c);
	uint8_t random[8];
	char hex[2 * sizeof random + 1];

	random_bytes(random, sizeof random);
	hex_encode(random, sizeof random, hex);
	return xasprintf("%s.dead-letters.%s-%d", c->group_id, instance ? instance : hex, w->index);
}

int forward_init(struct worker *w, const struct kafka_property *props, size_t nprops, struct error *err)
{
	struct forwarder *f = &w->forwarder;

	f->topics = xcalloc(w->conf->nstreams + 1, sizeof *f->topics);
	for (size_t i = 0; i < w->conf->nstreams; i++) {
		const char *topic = w->conf->streams[i].conf->dead_letter_topic;
		size_t k = 0;
		while (topic && k < f->ntopics && strcmp(f->topics[k], topic) != 0)
			k++;
		if (topic && k == f->ntopics)
			f->topics[f->ntopics++] = topic;
	}
	if (!f->ntopics)
		return 0;
	f->sent_at = mono_now();
	char *id = transactional_id(w);
	f->transaction = transaction_new(props, nprops, id, err);
	free(id);
	return f->transaction ? 0 : -1;
}

void forward_release(struct forwarder *f)
{
	transaction_free(f->transaction);
	free(f->topics);
}

static void mail_gather(const struct worker *w, struct mail *m)
{
	size_t letters = 0;

	for (size_t i = 0; i < w->nparts; i++)
		letters += w->parts[i]->nletters;
	m->out = xcalloc(letters + 1, sizeof *m->out);
	m->letters = xcalloc(letters + 1, sizeof *m->letters);
	m->offsets = xcalloc(w->nparts + 1, sizeof *m->offsets);
	m->parts = xcalloc(w->nparts + 1, sizeof *m->parts);
	for (size_t i = 0; i < w->nparts; i++) {
		struct part *p = w->parts[i];
		if (!p->claimed || !part_posts(p))
			continue;
		for (size_t k = 0; k < p->nletters; k++) {
			m->letters[m->n] = p->letters[k];
			m->out[m->n++] = &p->letters[k]->out;
		}
		// Behind it while it reads again what the store has forgotten: it must not go back.
		m->offsets[m->nparts] = (struct source_offset){p->topic, p->partition, p->next > p->sent_to ? p->next : p->sent_to};
		m->parts[m->nparts++] = p;
	}
}

static void mail_release(struct mail *m)
{
	free(m->out);
	free(m->letters);
	free(m->offsets);
	free(m->parts);
}

// A message that the topic never takes must not keep the others from it.
static void give_up_one(struct mail *m, size_t i, const char *why)
{
	struct letter *l = m->letters[i];

	for (size_t k = 0; k < m->nparts; k++) {
		struct part *p = m->parts[k];
		for (size_t at = 0; at < p->nletters; at++) {
			if (p->letters[at] != l)
				continue;
			p->letters_size -= l->size;
			memmove(&p->letters[at], &p->letters[at + 1], (--p->nletters - at) * sizeof *p->letters);
			log_warn("collect", "%s/%d: the record at offset %lld is not copied: %s", p->topic, p->partition,
				 (long long)l->offset, why);
			part_event(p, "dead_letter_refused",
				   json_pack("{s:o, s:o, s:I, s:o}", "stream", json_str(l->stream->stream->conf->name), "to",
					     json_str(l->out.topic), "offset", (json_int_t)l->offset, "why", json_str(why)));
		}
	}
	l->stream->fresh.letters[LETTER_UNDELIVERED]++;
	free(l);
	m->n--;
	memmove(&m->letters[i], &m->letters[i + 1], (m->n - i) * sizeof *m->letters);
	memmove(&m->out[i], &m->out[i + 1], (m->n - i) * sizeof *m->out);
}

static enum transaction_result send_mail(struct worker *w, struct mail *m, struct error *err)
{
	struct forwarder *f = &w->forwarder;
	const int ms = atomic_load(w->stop) ? LAST_ATTEMPT_MS : ATTEMPT_MS;
	struct mono_time deadline = mono_after_ms(2 * ms);
	struct membership *member = consumer_membership(w->consumer);
	enum transaction_result r = TRANSACTION_FAILED;
	size_t refused;

	while (member && !mono_passed(deadline)) {
		const struct transaction_write t = {f->topics, f->ntopics, m->out, m->n, m->offsets, m->nparts, member};
		error_clear(err);
		r = transaction_write(f->transaction, &t, ms, &refused, err);
		if (r != TRANSACTION_REFUSED)
			break;
		give_up_one(m, refused, err->text);
	}
	if (!member)
		error_set(err, "this worker is no member of its group");
	membership_free(member);
	return r == TRANSACTION_REFUSED ? TRANSACTION_FAILED : r;
}

static bool full(const struct worker *w)
{
	size_t n = 0, bytes = 0;

	for (size_t i = 0; i < w->nparts; i++) {
		n += w->parts[i]->nletters;
		bytes += w->parts[i]->letters_size;
	}
	return n > MAX_LETTERS || bytes > MAX_BYTES;
}

static void give_up(struct worker *w)
{
	struct forwarder *f = &w->forwarder;

	for (size_t i = 0; i < w->nparts; i++) {
		struct part *p = w->parts[i];
		if (!p->claimed || !part_posts(p))
			continue;
		part_shut(p, f->why, f->since);
		part_letters_free(p, LETTER_UNDELIVERED);
	}
}

static void sent(struct worker *w, struct mail *m, struct mono_time began)
{
	struct forwarder *f = &w->forwarder;
	int64_t most = w->conf->config->checkpoint_ms;

	for (size_t i = 0; i < m->nparts; i++) {
		m->parts[i]->sent_to = m->offsets[i].next;
		part_letters_free(m->parts[i], LETTER_SENT);
		part_reopen(m->parts[i]);
	}
	if (f->suspended)
		log_info("collect", "dead letters are copied again");
	f->failing = f->suspended = false;
	f->sent_at = mono_now();
	f->pause_ms = PAUSE_PER_TIME * mono_ms_since(began);
	f->pause_ms = f->pause_ms < PAUSE_MS ? PAUSE_MS : f->pause_ms > most ? most : f->pause_ms;
}

static void suspend(struct worker *w)
{
	struct forwarder *f = &w->forwarder;

	if (f->suspended) {
		f->backoff_ms = 2 * f->backoff_ms > BACKOFF_MOST_MS ? BACKOFF_MOST_MS : 2 * f->backoff_ms;
	} else {
		log_error("collect", "dead letters are given up until they can be copied again; counting goes on: %s", f->why);
		f->suspended = true;
		f->since = wall_now();
		f->backoff_ms = BACKOFF_MS;
	}
	f->retry_at = mono_after_ms(f->backoff_ms);
	give_up(w);
}

// True: the letters were given up.
static bool failed(struct worker *w, const struct error *err)
{
	struct forwarder *f = &w->forwarder;

	snprintf(f->why, sizeof f->why, "%.290s", err->text);
	if (!f->failing) {
		log_warn("collect", "dead letters cannot be copied: %s", err->text);
		f->failing = true;
		f->failing_since = mono_now();
	}
	f->sent_at = mono_now();
	if (!f->suspended && mono_ms_since(f->failing_since) < HOLD_MS && !full(w)) {
		f->retry_at = mono_after_ms(AGAIN_MS);
		return false;
	}
	suspend(w);
	return true;
}

// True: the fate of every letter is settled.
static bool post(struct worker *w)
{
	struct error err = ERROR_INIT;
	struct mail m = {0};
	struct mono_time began = mono_now();
	bool settled = false;

	mail_gather(w, &m);
	switch (send_mail(w, &m, &err)) {
	case TRANSACTION_DONE:
		sent(w, &m, began);
		settled = true;
		break;
	case TRANSACTION_UNKNOWN: // only a claim tells
		for (size_t i = 0; i < m.nparts; i++)
			worker_lose(w, m.parts[i], err.text, 0);
		break;
	default:
		settled = failed(w, &err);
	}
	mail_release(&m);
	return settled;
}

bool forward_settle(struct worker *w, struct part *p)
{
	struct forwarder *f = &w->forwarder;

	if (f->suspended && part_posts(p))
		part_shut(p, f->why, f->since);
	if (!p->nletters)
		return true;
	if (mono_passed(f->retry_at) && !(f->failing && atomic_load(w->stop)))
		return post(w);
	if (f->suspended)
		give_up(w);
	else if (full(w))
		suspend(w);
	return !p->nletters;
}

void forward_offsets(struct worker *w)
{
	struct forwarder *f = &w->forwarder;
	bool behind = f->suspended;

	if (!f->transaction || !mono_passed(f->retry_at) || (!f->suspended && mono_ms_since(f->sent_at) < OFFSETS_MS))
		return;
	for (size_t i = 0; i < w->nparts; i++)
		behind |= w->parts[i]->claimed && part_posts(w->parts[i]) &&
			  (w->parts[i]->next > w->parts[i]->sent_to || part_is_shut(w->parts[i]));
	if (behind)
		(void)post(w);
}

bool forward_presses(const struct worker *w, const struct part *p)
{
	const struct forwarder *f = &w->forwarder;

	return full(w) || (p->wake && mono_ms_since(p->wake_since) >= PAUSE_MS && mono_ms_since(f->sent_at) >= f->pause_ms);
}

void forward_rewind(struct worker *w, const struct part *p)
{
	if (part_posts(p))
		(void)post(w);
}

int forward_claim(struct worker *w, struct part *p, int64_t end, struct error *err)
{
	struct forwarder *f = &w->forwarder;
	struct error why = ERROR_INIT;

	if (mono_passed(f->retry_at) && transaction_open(f->transaction, OPEN_MS, &why))
		(void)failed(w, &why);
	if (consumer_committed(w->consumer, p->topic, p->partition, &p->sent_to, ASK_MS, err))
		return -1;
	if (p->sent_to > end)
		p->sent_to = -1; // of a log that is no more
	return 0;
}
