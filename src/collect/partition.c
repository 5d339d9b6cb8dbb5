// SPDX-License-Identifier: Apache-2.0
#include "collect/partition.h"

#include <stdlib.h>
#include <string.h>

#include "util/json.h"
#include "util/xalloc.h"

static struct part_stream *add_stream(struct part *p, struct wstream *w, struct part_stream *clock)
{
	struct part_stream *s = xcalloc(1, sizeof *s);

	*s = (struct part_stream){.stream = w, .clock = clock ? clock : s, .max_event = INT64_MIN, .max_untimed = INT64_MIN,
				  .floor = INT64_MIN, .history = history_new(w->conf), .letters = w->conf->dead_letter_topic};
	p->streams = xrealloc(p->streams, (p->nstreams + 1) * sizeof *p->streams);
	return p->streams[p->nstreams++] = s;
}

struct part *part_new(const char *topic, int32_t partition, struct wstream *streams, size_t n)
{
	struct part *p = xcalloc(1, sizeof *p);

	p->topic = xstrdup(topic);
	p->partition = partition;
	p->told_waiting = -1;
	for (size_t i = 0; i < n; i++)
		if (config_stream_reads(streams[i].conf, topic))
			add_stream(p, &streams[i], NULL);
	part_drop(p);
	return p;
}

static void close_pane(struct open_pane *o)
{
	pane_free(o->pane);
	stage_release(&o->stage);
	free(o->slice);
}

static void free_stream(struct part_stream *s)
{
	free(s->panes);
	map_release(&s->at, NULL);
	free(s->born);
	history_free(s->history);
	free(s);
}

void part_drop(struct part *p)
{
	for (size_t i = 0; i < p->nstreams; i++) {
		struct part_stream *s = p->streams[i];
		for (size_t k = 0; k < s->npanes; k++)
			close_pane(&s->panes[k]);
		s->npanes = s->nreopened = 0;
		part_panes_moved(s);
		s->max_event = s->max_untimed = INT64_MIN;
		s->hole = (struct hole){0, 0};
		s->hole_closed = false;
		letter_draft_clear(&s->draft);
		s->limits = (struct limit_state){0};
		s->stop = (struct letter_stop){0};
		s->shut = false;
		s->fresh = (struct collect_stream_stats){0};
		s->type = NULL;
		history_clear(s->history);
	}
	while (p->nstreams && p->streams[p->nstreams - 1]->stream->parent)
		free_stream(p->streams[--p->nstreams]);
	for (size_t i = 0; i < p->nevents; i++)
		free(p->events[i]);
	p->nevents = 0;
	part_state_forget(p);
	part_letters_free(p, LETTER_OUTCOMES);
	p->sent_to = -1;
	p->claimed = p->waiting = p->idle = p->reported_idle = p->wake = p->dirty = p->check_wanted = false;
	p->too_old = p->records_lost = 0;
	p->partitions = 0;
	p->waiting_since = 0;
	p->check_offset = p->end = p->target = p->held_at = -1;
	p->segments = 0;
	p->kept = 0;
}

void part_free(struct part *p)
{
	part_drop(p);
	for (size_t i = 0; i < p->nstreams; i++)
		free_stream(p->streams[i]);
	free(p->streams);
	free(p->events);
	free(p->states);
	free(p->letters);
	free(p->topic);
	free(p);
}

static char *event_text(const struct part *p, const char *type, json_t *fields)
{
	json_object_set_new(fields, "type", json_string(type));
	json_object_set_new(fields, "at", json_time(wall_now().ms));
	json_object_set_new(fields, "topic", json_str(p->topic));
	json_object_set_new(fields, "partition", json_integer(p->partition));
	char *text = json_text(fields);
	json_decref(fields);
	return text;
}

struct part_stream *part_type(struct part *p, struct part_stream *s, const struct plan_entry *of, int64_t offset)
{
	if (s->type && s->type->stream == of->owner) // mostly that of the record before
		return s->type;
	for (size_t i = 0; i < p->nstreams; i++)
		if (p->streams[i]->clock == s && p->streams[i]->stream == of->owner)
			return p->streams[i];
	struct part_stream *type = add_stream(p, of->owner, s);
	json_t *fields = json_pack("{s:o, s:o, s:o, s:I, s:I}", "stream", json_str(s->stream->conf->name), "record",
				   json_str(plan_record_name(of->plan)), "sub_stream", json_str(of->owner->conf->name),
				   "schema_id", (json_int_t)of->id, "offset", (json_int_t)offset);
	type->born = event_text(p, "record_type", fields);
	return type;
}

void part_event(struct part *p, const char *type, json_t *fields)
{
	GROW(p->events, p->nevents, p->capevents);
	p->events[p->nevents++] = event_text(p, type, fields);
	p->dirty = true;
}

void part_lost(struct part_stream *s, struct wall_time now)
{
	int64_t late = s->stream->conf->lateness_ms, newest = s->max_event > now.ms ? s->max_event : now.ms;

	s->hole = (struct hole){s->max_event == INT64_MIN ? INT64_MIN : s->max_event - late, newest + late + 1};
	s->hole_closed = false;
}

void part_lost_event(struct part *p, const char *type, json_t *fields)
{
	part_event(p, type, fields);
	for (size_t i = 0; i < p->nstreams; i++)
		if (p->streams[i]->clock == p->streams[i])
			part_lost(p->streams[i], wall_now());
}

// What rules remember. `gap`: records that the stream did not see came since, so that it is of no use any more.
static void load_history(struct part *p, struct part_stream *s, const struct claim *c, bool gap)
{
	const char *stream = s->stream->conf->name;

	for (size_t i = 0; i < c->nstates; i++) {
		const struct state_blob *b = &c->states[i];
		if (strcmp(b->stream, stream) || !history_owns(b->name))
			continue;
		if (gap || !history_load(s->history, b))
			part_state(p, stream, b->name, STATE_DROP, NULL, 0);
	}
}

// The record types that were counted here before.
static void adopt_types(struct part *p, const struct claim *c)
{
	const size_t n = p->nstreams;

	for (size_t k = 0; k < c->nmarks; k++) {
		const struct stream_mark *m = &c->marks[k];
		for (size_t i = 0; i < n; i++) {
			struct wstream *type = wstream_type_named(p->streams[i]->stream, m->stream);
			if (!type)
				continue;
			struct part_stream *s = add_stream(p, type, p->streams[i]);
			s->max_event = m->max_event;
			s->max_untimed = m->max_untimed;
			load_history(p, s, c, m->next != c->next);
			part_letters_adopt(s, c, m);
		}
	}
}

void part_adopt(struct part *p, const struct claim *c)
{
	p->claimed = true;
	memcpy(p->nonce, c->nonce, sizeof p->nonce);
	p->acked = p->next = c->next;
	p->check_offset = c->check_offset;
	p->check_ts = c->check_ts;
	p->check_crc = c->check_crc;
	p->waiting_since = c->waiting_since;
	for (size_t i = 0; i < p->nstreams; i++) {
		const char *name = p->streams[i]->stream->conf->name;
		size_t k = 0;
		while (k < c->nmarks && strcmp(c->marks[k].stream, name))
			k++;
		if (k < c->nmarks) {
			p->streams[i]->max_event = c->marks[k].max_event;
			p->streams[i]->max_untimed = c->marks[k].max_untimed;
			p->streams[i]->hole = c->marks[k].hole;
			part_letters_adopt(p->streams[i], c, &c->marks[k]);
		}
		// Every write carries all streams: one that is behind was not in its writer's configuration.
		bool gap = !c->fresh && (k == c->nmarks || c->marks[k].next != c->next);
		load_history(p, p->streams[i], c, gap || c->fresh);
		if (!gap)
			continue;
		if (k < c->nmarks)
			part_lost(p->streams[i], wall_now());
		part_event(p, "stream_added", json_pack("{s:o, s:I, s:I}", "stream", json_str(name), "counted_to",
							(json_int_t)(k < c->nmarks ? c->marks[k].next : -1), "offset",
							(json_int_t)c->next));
	}
	adopt_types(p, c);
}

bool part_closed(const struct part_stream *s, int64_t interval)
{
	const struct stream_conf *c = s->stream->conf;

	return s->clock->max_event != INT64_MIN && interval + c->pane_ms <= s->clock->max_event - c->lateness_ms;
}

// Panes that no record in time can reach any more; a late one reopens as a new segment.
static void free_closed(struct part_stream *s)
{
	size_t k = 0;

	for (size_t i = 0; i < s->npanes; i++) {
		struct open_pane *o = &s->panes[i];
		if (!part_closed(s, o->interval)) {
			s->panes[k++] = *o;
			continue;
		}
		if (o->reopened && s->nreopened < ARRAY_LEN(s->reopened))
			s->reopened[s->nreopened++] = o->interval;
		close_pane(o);
	}
	if (k == s->npanes)
		return;
	s->npanes = k;
	part_panes_moved(s);
}

static void acknowledge(struct part *p, const int64_t *floors)
{
	p->acked = p->next;
	p->dirty = p->wake = false;
	p->reported_idle = p->idle;
	p->too_old = p->records_lost = 0;
	p->partitions = 0;
	p->written_at = mono_now();
	for (size_t i = 0; i < p->nevents; i++)
		free(p->events[i]);
	p->nevents = 0;
	part_state_forget(p);
	for (size_t i = 0; i < p->nstreams; i++) {
		struct part_stream *s = p->streams[i];
		s->floor = floors[i];
		if (s->hole_closed)
			s->hole = (struct hole){0, 0};
		s->hole_closed = false;
		free(s->born);
		s->born = NULL;
		for (size_t k = 0; k < s->npanes; k++)
			s->panes[k].written |= s->panes[k].dirty, s->panes[k].dirty = false;
		free_closed(s);
		collect_stats_add(&s->stream->done, &s->fresh);
		s->fresh = (struct collect_stream_stats){0};
	}
	p->kept = part_open_fields(p);
}

struct state_target {
	struct part *part;
	const char *stream;
};

static void write_state(void *arg, const char *name, enum state_op op, const void *bytes, size_t n)
{
	struct state_target *t = arg;

	part_state(t->part, t->stream, name, op, bytes, n);
}

void part_history_drop(struct part *p)
{
	for (size_t i = 0; i < p->nstreams; i++)
		history_drop(p->streams[i]->history);
}

enum store_result part_write(struct part *p, const struct collect_port *port, const struct segment_write *segments, size_t n,
			     struct error *err)
{
	struct stream_mark *marks = xcalloc(p->nstreams + 1, sizeof *marks);
	int64_t *widths = xcalloc(p->nstreams + 1, sizeof *widths), *floors = xcalloc(p->nstreams + 1, sizeof *floors);

	for (size_t i = 0; i < p->nstreams; i++) {
		const struct part_stream *s = p->streams[i];
		marks[i] = (struct stream_mark){s->stream->conf->name, s->max_event, s->max_untimed, p->next, s->hole,
						s->hole_closed, s->born, s->stop};
		widths[i] = s->stream->conf->pane_ms;
		struct state_target t = {p, s->stream->conf->name};
		history_write(s->history, write_state, &t);
	}
	if (p->target >= 0 && p->next >= p->target)
		p->target = -1;
	struct checkpoint c = {
		.topic = p->topic, .partition = p->partition, .nonce = p->nonce, .expected_next = p->acked, .next = p->next,
		.check_offset = p->check_offset, .check_ts = p->check_ts, .check_crc = p->check_crc, .idle = p->idle,
		.end = p->end, .target = p->target, .too_old = p->too_old, .records_lost = p->records_lost, .marks = marks,
		.nmarks = p->nstreams, .segments = segments, .nsegments = n,
		.states = p->states, .nstates = p->nstates, .events = (const char *const *)p->events,
		.nevents = p->nevents, .wake = p->wake, .waiting_since = p->waiting_since, .partitions = p->partitions,
	};
	enum store_result r = port->checkpoint(port->ctx, &c, widths, floors, err);
	if (r == STORE_OK)
		acknowledge(p, floors);
	free(marks);
	free(widths);
	free(floors);
	return r;
}

enum store_result part_checkpoint(struct part *p, const struct collect_port *port, struct error *err)
{
	struct segment_write *segments = NULL;
	size_t n = 0, cap = 0;
	struct buf bytes = BUF_INIT;

	part_limits_save(p);
	for (size_t i = 0; i < p->nstreams; i++) {
		struct part_stream *s = p->streams[i];
		for (size_t k = 0; k < s->npanes; k++) {
			struct open_pane *o = &s->panes[k];
			if (!o->dirty)
				continue;
			size_t at = bytes.len;
			stage_flush(&o->stage, o->pane);
			pane_encode(o->pane, &bytes);
			GROW(segments, n, cap);
			segments[n++] = (struct segment_write){s->stream->conf->name, o->slice, o->interval, o->n,
							       (void *)at, bytes.len - at, NULL, o->written};
		}
	}
	for (size_t i = 0; i < n; i++) // offsets become pointers once the buffer no longer moves
		segments[i].bytes = bytes.data + (size_t)segments[i].bytes;
	enum store_result r = part_write(p, port, segments, n, err);
	buf_release(&bytes);
	free(segments);
	return r;
}
