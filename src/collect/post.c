// SPDX-License-Identifier: Apache-2.0
// Dead letters of a partition, up to their being sent.
#include <stdlib.h>

#include "collect/partition.h"
#include "util/xalloc.h"

static const char state_name[] = "letter limits";

static struct limits limits_of(const struct part_stream *s)
{
	return (struct limits){s->stream->conf->dead_letter_max_ratio, s->stream->conf->dead_letter_max_consecutive};
}

static struct letter_stop stop_of(const struct limit_state *l)
{
	static const enum letter_why why[] = {
		[LIMIT_NONE] = LETTERS_GO, [LIMIT_RATIO] = LETTERS_RATIO, [LIMIT_CONSECUTIVE] = LETTERS_CONSECUTIVE};

	return (struct letter_stop){why[l->stopped], l->stopped ? l->since : 0};
}

static void tell_limit(struct part *p, struct part_stream *s, const struct message *m)
{
	const struct limit_state *l = &s->limits;

	s->stop = stop_of(l);
	if (l->stopped)
		part_event(p, "dead_letters_stopped",
			   json_pack("{s:o, s:s, s:I, s:I, s:I}", "stream", json_str(s->stream->conf->name), "limit",
				     limit_names[l->stopped], "offset", (json_int_t)m->offset, "in_a_row", (json_int_t)l->run,
				     "of_the_last_10000", (json_int_t)l->share));
	else
		part_event(p, "dead_letters_resumed",
			   json_pack("{s:o, s:I, s:I}", "stream", json_str(s->stream->conf->name), "offset",
				     (json_int_t)m->offset, "not_copied", (json_int_t)l->missed));
}

static void write_letter(struct part *p, struct part_stream *s, const struct message *m, int64_t schema_id)
{
	char subject[SUBJECT_MAX];
	const struct letter_about about = {s->stream->conf->name, s->stream->conf->dead_letter_topic, subject, schema_id};

	side_subject(&s->stream->value, s->value.plan, p->topic, subject);
	struct letter *l = letter_new(m, &s->draft, &about);
	l->stream = s;
	GROW(p->letters, p->nletters, p->capletters);
	p->letters[p->nletters++] = l;
	p->letters_size += l->size;
}

void part_post(struct part *p, struct part_stream *s, const struct message *m, int64_t schema_id, bool violating)
{
	const struct limits l = limits_of(s);
	bool changed;
	enum limit_answer a = limit_record(&s->limits, &l, violating, m->time.ms, &changed);

	if (changed && !s->shut)
		tell_limit(p, s, m);
	if (a == LIMIT_SKIP) {
		s->fresh.letters[LETTER_LIMITED]++;
	} else if (a == LIMIT_COPY && s->drafting) {
		write_letter(p, s, m, schema_id);
	} else if (a == LIMIT_COPY && s->shut && m->offset >= p->sent_to) {
		s->fresh.letters[LETTER_UNDELIVERED]++;
		s->undelivered++;
	}
	letter_draft_clear(&s->draft);
}

bool part_posts(const struct part *p)
{
	for (size_t i = 0; i < p->nstreams; i++)
		if (p->streams[i]->letters)
			return true;
	return false;
}

void part_letters_free(struct part *p, enum letter_outcome as)
{
	for (size_t i = 0; i < p->nletters; i++) {
		struct part_stream *s = p->letters[i]->stream;
		if (as == LETTER_UNDELIVERED) {
			s->fresh.letters[as]++;
			s->undelivered++;
		} else if (as == LETTER_SENT) {
			s->stream->done.letters[as]++; // whatever becomes of the checkpoint
		}
		free(p->letters[i]);
	}
	p->nletters = p->letters_size = 0;
}

bool part_is_shut(const struct part *p)
{
	for (size_t i = 0; i < p->nstreams; i++)
		if (p->streams[i]->stop.why == LETTERS_UNDELIVERED)
			return true;
	return false;
}

void part_shut(struct part *p, const char *why, struct wall_time since)
{
	for (size_t i = 0; i < p->nstreams; i++) {
		struct part_stream *s = p->streams[i];
		if (!s->letters || s->shut)
			continue;
		s->shut = true;
		s->undelivered = 0;
		s->stop = (struct letter_stop){LETTERS_UNDELIVERED, since.ms};
		part_event(p, "dead_letters_suspended",
			   json_pack("{s:o, s:o, s:o}", "stream", json_str(s->stream->conf->name), "to",
				     json_str(s->stream->conf->dead_letter_topic), "why", json_str(why)));
	}
}

void part_reopen(struct part *p)
{
	for (size_t i = 0; i < p->nstreams; i++) {
		struct part_stream *s = p->streams[i];
		if (s->stop.why != LETTERS_UNDELIVERED)
			continue;
		s->stop = stop_of(&s->limits);
		part_event(p, "dead_letters_resumed",
			   json_pack("{s:o, s:I}", "stream", json_str(s->stream->conf->name), "not_copied",
				     (json_int_t)s->undelivered));
		s->shut = false;
	}
}

void part_limits_save(struct part *p)
{
	struct buf bytes = BUF_INIT;

	for (size_t i = 0; i < p->nstreams; i++) {
		if (!p->streams[i]->letters)
			continue;
		buf_clear(&bytes);
		limit_encode(&p->streams[i]->limits, &bytes);
		part_state(p, p->streams[i]->stream->conf->name, state_name, STATE_PUT, bytes.data, bytes.len);
	}
	buf_release(&bytes);
}

void part_letters_adopt(struct part_stream *s, const struct claim *c, const struct stream_mark *mark)
{
	const struct state_blob *b = s->letters ? claim_state(c, s->stream->conf->name, state_name) : NULL;

	if (b && limit_decode(&s->limits, b->bytes, b->len))
		s->stop = stop_of(&s->limits);
	if (s->letters && mark->letters.why == LETTERS_UNDELIVERED)
		s->stop = mark->letters; // until it is tried
}
