// SPDX-License-Identifier: Apache-2.0
#include "app/backtest.h"

#include <stdlib.h>
#include <string.h>

#include "app/types.h"
#include "collect/compact.h"
#include "util/xalloc.h"

struct stream_clock {
	int64_t newest;            // event ms; INT64_MIN: none
	bool eager;                // it has rules that look at open panes
};

struct backtest {
	struct backtest_conf conf;
	struct memory_store *store;
	struct collect_port collect;
	struct judge_port port;
	struct judge *judge;
	struct types *types;       // NULL: none was met
	struct wstream *streams;   // as the configuration's
	struct stream_clock *clocks;
	size_t nstreams;
	struct part **parts;
	size_t nparts, capparts;
	struct record_values values, scratch; // of looking ahead, of counting
	int64_t from, to;          // of what was counted
	uint64_t stored;           // records in panes
};

static const char *const nobody[] = {"backtest"};

static void silence(struct model *m)
{
	for (size_t i = 0; i < m->config->nstreams; i++) {
		free(m->config->streams[i].dead_letter_topic);
		m->config->streams[i].dead_letter_topic = NULL;
		m->judge_streams[i].retention_ms = 0; // what no window needs is dropped
	}
	for (int t = 0; t < TIERS; t++) {
		m->judge.routes[t] = nobody;
		m->judge.nroutes[t] = 1;
	}
}

struct backtest *backtest_new(const struct backtest_conf *conf)
{
	struct model *m = conf->model;
	struct backtest *b = xcalloc(1, sizeof *b);

	b->conf = *conf;
	b->from = INT64_MAX;
	b->to = INT64_MIN;
	b->nstreams = m->config->nstreams;
	silence(m);
	m->judge.replay = &b->conf.replay;
	b->store = memory_store_new(&b->conf.sink);
	b->collect = memory_collect_port(b->store, b->conf.schemas);
	b->port = memory_judge_port(b->store, conf->panes);
	b->streams = xcalloc(b->nstreams + 1, sizeof *b->streams);
	b->clocks = xcalloc(b->nstreams + 1, sizeof *b->clocks);
	for (size_t i = 0; i < b->nstreams; i++) {
		wstream_init(&b->streams[i], &m->collect_streams[i]);
		b->clocks[i].newest = INT64_MIN;
		for (size_t k = 0; k < m->config->nrules; k++)
			b->clocks[i].eager |= rule_is_eager(&m->config->rules[k]) &&
					      config_rule_concerns(&m->config->rules[k], &m->config->streams[i]);
	}
	record_values_init(&b->values);
	record_values_init(&b->scratch);
	b->judge = judge_new(&m->judge, &b->port);
	return b;
}

void backtest_free(struct backtest *b)
{
	if (!b)
		return;
	judge_free(b->judge);
	types_free(b->types);
	for (size_t i = 0; i < b->nparts; i++)
		part_free(b->parts[i]);
	for (size_t i = 0; i < b->nstreams; i++)
		wstream_release(&b->streams[i]);
	memory_store_free(b->store);
	record_values_release(&b->values);
	record_values_release(&b->scratch);
	free(b->parts);
	free(b->streams);
	free(b->clocks);
	free(b);
}

size_t backtest_part(struct backtest *b, const char *topic, int32_t partition, int64_t offset, size_t stream)
{
	struct error err = ERROR_INIT;
	struct claim c;
	struct part *p = stream == SIZE_MAX ? part_new(topic, partition, b->streams, b->nstreams)
					    : part_new(topic, partition, &b->streams[stream], 1);

	b->collect.claim(b->collect.ctx, topic, partition, &c, &err);
	part_adopt(p, &c);
	claim_release(&c);
	p->acked = p->next = offset;
	GROW(b->parts, b->nparts, b->capparts);
	b->parts[b->nparts] = p;
	return b->nparts++;
}

// --- passes -------------------------------------------------------------------------------------------

static int write_part(struct backtest *b, struct part *p, struct error *err)
{
	if (!p->dirty)
		return 0;
	if (part_checkpoint(p, &b->collect, err) != STORE_OK || part_compact(p, &b->collect, err) != STORE_OK)
		return -1;
	return 0;
}

// A new record type is a stream of the judge's, who goes on from what is stored.
static int keep_types(struct backtest *b, struct error *err)
{
	const struct collect_port *known = b->conf.panes ? b->conf.types : &b->collect;
	struct types *fresh;
	bool any = false;

	if (b->conf.panes && b->types)
		return 0;
	for (size_t i = 0; i < b->nstreams; i++)
		any |= b->streams[i].conf->by_record;
	if (!any)
		return 0;
	if (types_look(b->conf.model, known, b->types, &fresh, err))
		return -1;
	if (!fresh)
		return 0;
	judge_free(b->judge);
	types_free(b->types);
	b->types = fresh;
	b->judge = judge_new(&fresh->conf, &b->port);
	return 0;
}

static int pass(struct backtest *b, struct error *err)
{
	for (size_t i = 0; i < b->nparts; i++)
		if (write_part(b, b->parts[i], err))
			return -1;
	if (keep_types(b, err))
		return -1;
	for (size_t i = 0; i < b->nstreams; i++)
		memory_store_advance(b->store, b->streams[i].conf->name, b->clocks[i].newest);
	do
		if (judge_tick(b->judge, (struct wall_time){0}, err))
			return -1;
	while (judge_behind(b->judge));
	return 0;
}

// A window of the stream may close, or its open ones have a pane more, where event time comes to `ms`.
static bool turns(const struct backtest *b, size_t stream, int64_t ms)
{
	const struct stream_conf *c = &b->conf.model->config->streams[stream];
	const struct stream_clock *k = &b->clocks[stream];

	if (k->newest == INT64_MIN || ms <= k->newest)
		return false;
	return time_floor(ms - c->lateness_ms, c->slide_ms) > time_floor(k->newest - c->lateness_ms, c->slide_ms) ||
	       (k->eager && time_floor(ms, c->pane_ms) > time_floor(k->newest, c->pane_ms));
}

// --- records ------------------------------------------------------------------------------------------

struct look {
	int64_t ms;                // where it counts
	bool counts, moves;        // moves: event time comes to ms
};

// What the stream will make of the record's time, as collect/record.c does.
static struct look look_at(struct backtest *b, struct part *p, struct part_stream *s, const struct message *m, bool *pending)
{
	struct side *side = &s->stream->value;
	struct look out = {m->time.ms, true, m->value && !side->event_time};
	struct frame frame;
	const char *why;

	if (!m->value || side_frame(side, m, &frame, &why))
		return out;
	struct plan_entry *e = side_plan(side, &b->collect, &frame, p->topic, &why);
	*pending |= e && e->state == PLAN_PENDING;
	out.counts = !e || e->state != PLAN_OTHER_RECORD;
	if (!e || e->state != PLAN_READY || plan_opaque(e->plan))
		return out;
	b->values.kafka_ms = m->time.ms;
	entry_walk(e, frame.payload, frame.len, &b->values);
	int64_t ahead = s->stream->conf->max_future_ms;
	if (b->values.decoded && b->values.has_event_time &&
	    !(ahead && b->values.event_ms > m->time.ms + ahead))
		out = (struct look){b->values.event_ms, true, true};
	return out;
}

static size_t index_of(const struct backtest *b, const struct part_stream *s)
{
	return (size_t)(s->stream - b->streams);
}

static bool key_pending(struct backtest *b, const struct part *p, struct part_stream *s, const struct message *m)
{
	struct side *side = &s->stream->key;
	struct frame frame;
	const char *why;

	if (!s->stream->conf->has_key || !m->key || side_frame(side, m, &frame, &why))
		return false;
	const struct plan_entry *e = side_plan(side, &b->collect, &frame, p->topic, &why);
	return e && e->state == PLAN_PENDING;
}

bool backtest_when(struct backtest *b, size_t part, const struct message *m, int64_t *event_ms)
{
	struct part *p = b->parts[part];
	bool pending = false;

	*event_ms = m->time.ms;
	for (size_t i = 0; i < p->nstreams && p->streams[i]->clock == p->streams[i]; i++) {
		pending |= key_pending(b, p, p->streams[i], m);
		struct look at = look_at(b, p, p->streams[i], m, &pending);
		if (!i || at.moves)
			*event_ms = at.ms;
	}
	return !pending;
}

// As far as event time must come to close the range's windows.
static int64_t last_of(const struct backtest *b, size_t stream)
{
	bool open = !b->conf.bounded || b->conf.to == INT64_MAX;

	return open ? INT64_MAX : b->conf.to + b->streams[stream].conf->lateness_ms;
}

// Event time comes to `ms`.
static bool reach(struct backtest *b, size_t stream, int64_t ms)
{
	struct stream_clock *k = &b->clocks[stream];
	int64_t last = last_of(b, stream);

	ms = ms < last ? ms : last;
	bool due = turns(b, stream, ms);
	k->newest = ms > k->newest ? ms : k->newest;
	return due;
}

void backtest_before(struct backtest *b, size_t part)
{
	const struct part *p = b->parts[part];

	for (size_t i = 0; b->conf.bounded && i < p->nstreams; i++)
		memory_store_begin(b->store, p->streams[i]->stream->conf->name,
				   time_floor(b->conf.from, p->streams[i]->stream->conf->pane_ms));
}

void backtest_beyond(struct backtest *b, size_t part)
{
	const struct part *p = b->parts[part];

	for (size_t i = 0; b->conf.bounded && i < p->nstreams && p->streams[i]->clock == p->streams[i]; i++)
		reach(b, index_of(b, p->streams[i]), INT64_MAX);
}

// What the record does to event time. Outside of a range it does not count.
static bool place(struct backtest *b, struct part *p, const struct message *m, bool *inside, bool *enough)
{
	bool due = false, pending = false;

	*inside = !b->conf.bounded;
	*enough = b->conf.bounded;
	for (size_t i = 0; i < p->nstreams && p->streams[i]->clock == p->streams[i]; i++) {
		size_t stream = index_of(b, p->streams[i]);
		struct look at = look_at(b, p, p->streams[i], m, &pending);
		bool in = at.counts && (!b->conf.bounded || (at.ms >= b->conf.from && at.ms < b->conf.to));
		*inside |= in;
		*enough &= at.moves && at.ms >= last_of(b, stream);
		if (in && m->value) {
			b->from = at.ms < b->from ? at.ms : b->from;
			b->to = at.ms > b->to ? at.ms : b->to;
		}
		if (at.counts && b->conf.bounded && at.ms < b->conf.from)
			memory_store_begin(b->store, b->streams[stream].conf->name,
					   time_floor(b->conf.from, b->streams[stream].conf->pane_ms));
		if (at.counts && at.moves && (!b->conf.bounded || at.ms >= b->conf.from))
			due |= reach(b, stream, at.ms);
	}
	return due;
}

int backtest_record(struct backtest *b, size_t part, const struct message *m, bool *enough, struct error *err)
{
	struct part *p = b->parts[part];
	bool inside;

	if (place(b, p, m, &inside, enough) && pass(b, err))
		return -1;
	p->next = m->offset + 1;
	if (!inside)
		return 0;
	if (!part_record(p, m, &b->collect, &b->scratch, m->time))
		return error_set(err, "%s/%d: the schema of the record at offset %lld cannot be had", p->topic, (int)p->partition,
				 (long long)m->offset);
	return part_is_crowded(p) ? write_part(b, p, err) : 0;
}

int backtest_reach(struct backtest *b, size_t stream, int64_t ms, struct error *err)
{
	return reach(b, stream, ms) ? pass(b, err) : 0;
}

void backtest_counted(struct backtest *b, uint64_t records, int64_t from, int64_t to)
{
	b->stored = records;
	b->from = from;
	b->to = to;
}

int backtest_finish(struct backtest *b, struct error *err)
{
	return pass(b, err) || judge_finish(b->judge, err) ? -1 : 0;
}

uint64_t backtest_records(const struct backtest *b)
{
	uint64_t n = b->stored;

	for (size_t i = 0; i < b->nstreams; i++) {
		n += b->streams[i].done.records;
		for (size_t k = 0; k < b->streams[i].ntypes; k++)
			n += b->streams[i].types[k]->done.records;
	}
	return n;
}

bool backtest_range(const struct backtest *b, int64_t *from, int64_t *to)
{
	*from = b->from;
	*to = b->to;
	return b->from <= b->to;
}
