// SPDX-License-Identifier: Apache-2.0
// One record into its panes: framing, schema, values, breaches, event time, slice. No allocation once a
// pane's fields and categories exist.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collect/partition.h"
#include "util/xalloc.h"

enum { VALUE_SHOWN = 80 };
enum unread { UNREAD_NOT, UNREAD_OPAQUE, UNREAD_UNSUPPORTED }; // gives no values through no fault of its own

// What one stream makes of one message's value or key, before it is counted.
struct verdict {
	const char *top;           // the field of a breach of the whole: "", or "key"
	struct record_values *values;
	struct plan_entry *plan;   // NULL where framing failed
	struct breach whole;       // the breach of a record that gives no values; kind VIOLATION_KINDS: none
	enum unread unread;
	const char *detail;
	int64_t schema_id;
	int64_t event_ms;
	bool moves_watermark;
};

// "k=v,k2=v2" with ',', '=', '%' and control characters of a value percent-encoded.
static size_t put_slice(char *out, size_t at, const char *key, const char *v, size_t n)
{
	at += (size_t)snprintf(out + at, SLICE_MAX - at, "%s%s=", at ? "," : "", key);
	for (size_t i = 0; i < n && at + 4 < SLICE_MAX; i++) {
		unsigned char c = (unsigned char)v[i];
		if (c < ' ' || c == ',' || c == '=' || c == '%' || c == 0x7f)
			at += (size_t)snprintf(out + at, SLICE_MAX - at, "%%%02X", c);
		else
			out[at++] = (char)c;
	}
	out[at] = 0;
	return at;
}

static const struct value *value_of(const struct record_values *r, size_t slot)
{
	for (size_t i = 0; i < r->nvalues; i++)
		if (r->values[i].slot == slot)
			return &r->values[i];
	return NULL;
}

// The value of the stream's i-th slice key; NULL: there is none.
static const struct value *slice_value(const struct verdict *v, size_t i)
{
	bool has = v && v->plan && v->plan->slice_slot && v->values->decoded;

	return has && v->plan->slice_slot[i] != SIZE_MAX ? value_of(v->values, v->plan->slice_slot[i]) : NULL;
}

// Without verdicts: of a tombstone.
static void slice_name(const struct part *p, const struct wstream *s, const struct message *m, const struct verdict *of_value,
		       const struct verdict *of_key, char *out)
{
	size_t at = 0;

	out[0] = 0;
	for (size_t i = 0; i < s->conf->nslice_by && at + 64 < SLICE_MAX; i++) {
		const char *key = s->conf->slice_by[i], *text = "null";
		char number[40];
		size_t n = 4;
		if (!strcmp(key, "topic")) {
			text = p->topic;
			n = strlen(text);
		} else if (!strcmp(key, "partition")) {
			text = number;
			n = (size_t)snprintf(number, sizeof number, "%d", p->partition);
		} else if (!strncmp(key, "header:", 7)) {
			const char *v = message_header(m, key + 7, &n);
			text = v ? v : (n = 4, "null");
		} else {
			const struct value *v = slice_value(of_value, i);
			v = v ? v : slice_value(of_key, i);
			if (v && v->kind == VALUE_STRING) {
				text = v->str;
				n = v->len;
			} else if (v) {
				text = v->kind == VALUE_BOOL ? (v->num != 0 ? "true" : "false") : number;
				if (v->kind != VALUE_BOOL)
					snprintf(number, sizeof number, "%.17g", v->num);
				n = strlen(text);
			}
		}
		at = put_slice(out, at, key, text, n);
	}
}

static void add_time(struct field_stats *f, int64_t ms, int64_t event_ms)
{
	field_add_time(f, ms);
	field_add_age(f, ms, event_ms);
}

static void add_value(struct open_pane *o, struct field_stats *f, size_t k, const struct value *v, int64_t event_ms)
{
	const enum field_type type = f->type;

	switch (v->kind) {
	case VALUE_NUMBER:
		if (type == FIELD_NUMERIC)
			stage_number(&o->stage, f, k, v->num);
		else if (type == FIELD_TIME)
			add_time(f, (int64_t)v->num, event_ms);
		else
			field_add_other(f);
		break;
	case VALUE_STRING:
		if (type == FIELD_CATEGORICAL)
			field_add_category(f, v->str, v->len);
		else if (type == FIELD_TEXT)
			field_add_text(f, v->str, v->len);
		else
			field_add_other(f);
		break;
	case VALUE_BOOL:
		if (type == FIELD_BOOLEAN)
			field_add_bool(f, v->num != 0);
		else
			field_add_other(f);
		break;
	case VALUE_TIME:
		if (type == FIELD_TIME)
			add_time(f, v->ms, event_ms);
		else if (type == FIELD_NUMERIC)
			stage_number(&o->stage, f, k, v->num);
		else
			field_add_other(f);
		break;
	case VALUE_VECTOR:
		if (type == FIELD_VECTOR)
			field_add_vector(f, v->vector, v->len);
		else
			field_add_other(f);
		break;
	case VALUE_OTHER:
		field_add_other(f);
		break;
	}
}

static struct field_stats *stats_of(struct pane *pane, const struct wstream *s, size_t k)
{
	return k < pane->nfields && pane->fields[k] ? pane->fields[k] : wstream_pane_field(s, pane, k);
}

static void add_values(struct open_pane *o, struct wstream *s, const struct plan_entry *e, const struct record_values *r,
		       int64_t event_ms)
{
	struct pane *pane = o->pane;

	for (size_t i = 0; i < r->nvalues; i++) {
		size_t k = e->field[r->values[i].slot];
		if (k != SIZE_MAX)
			add_value(o, stats_of(pane, s, k), k, &r->values[i], event_ms);
	}
	for (size_t slot = 0; r->nelements && slot < plan_slots(e->plan); slot++) {
		int32_t element = plan_slot(e->plan, slot)->element;
		if (element >= 0 && e->field[slot] != SIZE_MAX)
			field_add_elements(stats_of(pane, s, e->field[slot]), r->elements[element]);
	}
}

// What schema and decoding say.
static void judge_bytes(const struct side *side, const struct framed *in, const struct message *m, struct record_values *r,
			struct verdict *v)
{
	static const char *const unknown[] = {
		[SCHEMA_BY_ID] = "the registry has no such schema id",
		[SCHEMA_BY_GUID] = "the registry has no schema of this GUID",
		[SCHEMA_BY_FINGERPRINT] = "no version of the subject has this fingerprint",
	};

	*v = (struct verdict){.top = side->key ? "key" : "", .values = r, .whole = {.kind = VIOLATION_KINDS, .slot = -1},
			      .schema_id = -1, .event_ms = m->time.ms, .moves_watermark = !side->event_time};
	r->decoded = false;
	r->nbreaches = 0;
	if (in->no_frame) {
		v->whole.kind = VIOLATION_FRAMING;
		v->detail = in->no_frame;
		return;
	}
	v->schema_id = in->plan->id;
	v->plan = in->plan;
	v->detail = v->plan->why;
	switch (v->plan->state) {
	case PLAN_UNKNOWN:
		v->whole.kind = VIOLATION_UNKNOWN_SCHEMA;
		v->detail = unknown[in->frame.schema.by];
		return;
	case PLAN_WRONG_SUBJECT:
		v->whole.kind = VIOLATION_WRONG_SUBJECT;
		v->detail = "the schema is not registered under the subject that the topic's records have";
		return;
	case PLAN_INVALID:
		v->whole.kind = VIOLATION_UNDECODABLE;
		return;
	case PLAN_UNSUPPORTED:
		v->unread = UNREAD_UNSUPPORTED;
		return;
	case PLAN_PENDING:
	case PLAN_MESSAGES:
	case PLAN_OTHER_RECORD:
		return;
	case PLAN_READY:
		break;
	}
	if (plan_opaque(v->plan->plan)) {
		v->unread = UNREAD_OPAQUE;
		return;
	}
	r->kafka_ms = m->time.ms;
	entry_walk(v->plan, in->frame.payload, in->frame.len, r);
	v->detail = r->detail;
	if (!r->decoded)
		v->whole = r->nbreaches ? r->breaches[0] : (struct breach){.kind = VIOLATION_UNDECODABLE, .slot = -1};
	if (r->decoded && r->has_event_time) {
		v->event_ms = r->event_ms;
		v->moves_watermark = true;
	}
}

// As people read it, at most VALUE_SHOWN characters; "" for what is no value.
static void say_value(const struct value *v, char *out, size_t n)
{
	size_t at = 0, shown = 0, i = 0;

	*out = 0;
	if (v->kind == VALUE_NUMBER)
		snprintf(out, n, "%.15g", v->num);
	else if (v->kind == VALUE_BOOL)
		snprintf(out, n, "%s", v->num != 0 ? "true" : "false");
	else if (v->kind == VALUE_TIME)
		time_format(v->ms, out, n);
	if (v->kind != VALUE_STRING)
		return;
	for (out[at++] = '"'; i < v->len && at + 6 < n; i++) {
		unsigned char c = (unsigned char)v->str[i];
		shown += (c & 0xc0) != 0x80;
		if (shown > VALUE_SHOWN)
			break;
		out[at++] = (char)(c < ' ' || c == 0x7f ? '?' : c);
	}
	snprintf(out + at, n - at, "%s\"", i < v->len ? "..." : "");
}

// Why, and with `samples: true` the value that is to blame, where the record has but one.
static const char *say_breach(const struct part_stream *s, const struct plan *plan, const struct record_values *r,
			      const struct breach *b, char *out, size_t n)
{
	const char *why = b->why ? b->why : r->detail;
	const struct plan_slot *slot = b->slot >= 0 ? plan_slot(plan, (size_t)b->slot) : NULL;
	const bool shown = s->stream->conf->samples && slot && slot->element < 0 && !slot->redacted;
	const struct value *v = shown ? value_of(r, (size_t)b->slot) : NULL;
	char value[4 * VALUE_SHOWN + 8];

	if (!v)
		return why;
	say_value(v, value, sizeof value);
	snprintf(out, n, *value ? "%s: %s" : "%s", why, value);
	return out;
}

static void note_breach(struct part *p, struct part_stream *s, struct pane *pane, const struct message *m,
			const struct verdict *v, enum violation_kind kind, const char *field, const char *rule,
			const char *detail)
{
	struct violation_sample sample = {
		.kind = kind, .field = (char *)field, .rule = (char *)rule, .topic = p->topic, .detail = (char *)detail,
		.partition = p->partition, .offset = m->offset, .schema_id = v->schema_id,
	};

	pane_count_breach(pane, kind, field, rule, m->offset);
	pane_sample(pane, &sample);
	s->fresh.violations[kind]++;
	if (rule)
		collect_stats_rule(&s->fresh, rule, 1);
	if (s->drafting)
		letter_breach(&s->draft, kind, field, rule, detail);
	if (!p->wake)
		p->wake_since = mono_now();
	p->wake = true;
}

// What decoding says is wrong with the value or the key.
static void note_bytes(struct part *p, struct part_stream *s, struct pane *pane, const struct message *m,
		       const struct verdict *v)
{
	if (v->whole.kind != VIOLATION_KINDS) {
		note_breach(p, s, pane, m, v, v->whole.kind, v->top, NULL, v->detail);
		return;
	}
	for (size_t i = 0; i < v->values->nbreaches; i++) {
		const struct breach *b = &v->values->breaches[i];
		char said[600];
		note_breach(p, s, pane, m, v, b->kind, b->slot < 0 ? v->top : v->plan->path[b->slot], b->rule,
			    say_breach(s, v->plan->plan, v->values, b, said, sizeof said));
	}
}

// A record without a key lacks all that must not be null in one.
static void judge_key(struct part_stream *s, const struct message *m, struct verdict *v)
{
	struct wstream *w = s->stream;

	if (m->key) {
		judge_bytes(&w->key, &s->key, m, &w->key_values, v);
		return;
	}
	*v = (struct verdict){.top = "key", .values = &w->key_values, .schema_id = -1, .detail = "there is no key",
			      .whole = {.kind = w->key_not_null ? VIOLATION_NULL : VIOLATION_KINDS, .slot = -1}};
	w->key_values.decoded = false;
	w->key_values.nbreaches = w->key_values.nvalues = 0;
}

// future_time counts at min(Kafka time, now) and moves no watermark: one record of 2099 would close every window.
static bool in_future(const struct wstream *s, struct verdict *v, const struct message *m, struct wall_time now)
{
	if (!s->conf->max_future_ms)
		return false;
	if (v->event_ms <= now.ms + s->conf->max_future_ms)
		return false;
	v->event_ms = m->time.ms && m->time.ms < now.ms ? m->time.ms : now.ms;
	v->moves_watermark = false;
	return true;
}

// Its interval was removed: it must not come back with a part of its records.
static bool too_old(const struct part_stream *s, int64_t event_ms)
{
	return time_floor(event_ms, s->stream->conf->pane_ms) < s->clock->floor;
}

// What was lost came before this record, and so it is older, but for what may be late.
static void close_hole(struct part_stream *s, int64_t event_ms)
{
	int64_t newest = event_ms > s->max_event ? event_ms : s->max_event;

	if (s->hole_closed || s->hole.from >= s->hole.to)
		return;
	s->hole.to = newest + s->stream->conf->lateness_ms + 1;
	s->hole_closed = true;
}

static void note_fault(struct part *p, struct pane *pane, const struct message *m, const struct verdict *v,
		       enum violation_kind kind, const char *field, const char *why)
{
	pane_fault(pane, &(struct schema_fault){.schema_id = v->schema_id,
						.kind = kind,
						.field = (char *)(uintptr_t)field,
						.n = 1,
						.event_ms = v->event_ms,
						.offset = m->offset,
						.topic = p->topic,
						.why = (char *)(uintptr_t)why,
						.partition = p->partition});
}

// What the schema behind the value's or the key's id makes every such record break. -> is that all that breaks?
static bool note_faults(struct part *p, struct pane *pane, const struct message *m, const struct verdict *v)
{
	bool all = v->whole.kind == VIOLATION_KINDS;

	for (size_t i = 0; i < v->values->nbreaches; i++) {
		const struct breach *b = &v->values->breaches[i];
		all &= b->schema;
		if (b->schema && v->schema_id >= 0)
			note_fault(p, pane, m, v, b->kind, v->plan->path[b->slot], b->why);
	}
	if (v->plan && v->plan->incompatible && v->schema_id >= 0)
		note_fault(p, pane, m, v, VIOLATION_INCOMPATIBLE_SCHEMA, v->top, v->plan->why);
	return all;
}

static void move_clock(struct part_stream *s, const struct verdict *v, struct wall_time now)
{
	if (v->moves_watermark)
		s->max_event = v->event_ms > s->max_event ? v->event_ms : s->max_event;
	else if (v->event_ms > s->max_untimed)
		s->max_untimed = v->event_ms < now.ms ? v->event_ms : now.ms;
}

// What rules over several records say of the values. -> how many values they know nothing of.
static uint64_t look_back(struct part_stream *s, const struct verdict *v, const struct history_record *at)
{
	if (!v->values->decoded)
		return 0;
	return history_judge(s->history, v->plan->plan, v->plan->past, v->values, at);
}

// `key` is NULL where keys are not read.
static void count(struct part *p, struct part_stream *s, const struct message *m, struct verdict *v,
		  const struct verdict *key, struct wall_time now)
{
	struct wstream *w = s->stream;
	bool broken = v->whole.kind != VIOLATION_KINDS;
	bool decoded = !broken && !v->unread;
	bool future = decoded && in_future(w, v, m, now);
	bool stale = decoded && !future && w->conf->max_stale_ms && v->event_ms < m->time.ms - w->conf->max_stale_ms;
	bool late = s->clock->max_event != INT64_MIN && v->event_ms < s->clock->max_event - w->conf->lateness_ms;
	uint64_t unjudged = 0;
	char slice[SLICE_MAX];

	if (too_old(s, v->event_ms)) {
		p->too_old++;
		return;
	}
	if (s->history) {
		const struct history_record at = {v->event_ms, s->clock->max_event, v->moves_watermark && !late};
		unjudged = look_back(s, v, &at) + (key ? look_back(s, key, &at) : 0);
		s->fresh.unjudged += unjudged;
	}
	bool violating = broken || future || stale || (decoded && (v->values->nbreaches || v->plan->incompatible)) ||
			 (key && (key->whole.kind != VIOLATION_KINDS || key->values->nbreaches));
	slice_name(p, w, m, v, key, slice);
	struct open_pane *o = part_pane(p, s, time_floor(v->event_ms, w->conf->pane_ms), slice);
	o->dirty = true;
	o->pane->approximate |= unjudged > 0;
	pane_count_record(o->pane, v->event_ms, m->offset, v->schema_id, decoded, violating, late);
	if (!strcmp(o->slice, "other") && strcmp(slice, "other")) {
		o->pane->overflowed++;
		s->fresh.overflowed++;
	}
	s->fresh.records++;
	s->fresh.unlearned += decoded && v->values->unlearned;
	s->fresh.beyond += v->plan && v->plan->beyond;
	s->fresh.violating_records += violating;
	o->pane->opaque += v->unread == UNREAD_OPAQUE;
	o->pane->unsupported += v->unread == UNREAD_UNSUPPORTED;
	s->fresh.opaque += v->unread == UNREAD_OPAQUE;
	s->fresh.unsupported += v->unread == UNREAD_UNSUPPORTED;
	s->drafting = s->letters && !s->shut && !s->limits.stopped && m->offset >= p->sent_to;
	note_bytes(p, s, o->pane, m, v);
	if (key)
		note_bytes(p, s, o->pane, m, key);
	if (decoded) {
		add_values(o, w, v->plan, v->values, v->event_ms);
		if (key && key->values->decoded)
			add_values(o, w, key->plan, key->values, v->event_ms);
		if (future || stale)
			note_breach(p, s, o->pane, m, v, future ? VIOLATION_FUTURE_TIME : VIOLATION_STALE_TIME,
				    w->conf->event_time ? w->conf->event_time : "", NULL,
				    future ? "the event time lies in the future" : "the event time is older than max_stale");
		bool schema_only = note_faults(p, o->pane, m, v);
		if (key)
			schema_only &= note_faults(p, o->pane, m, key);
		o->pane->by_schema_only += violating && schema_only && !future && !stale;
		if (v->plan->incompatible)
			note_breach(p, s, o->pane, m, v, VIOLATION_INCOMPATIBLE_SCHEMA, "", NULL, v->plan->why);
	}
	if (s->letters)
		part_post(p, s, m, v->schema_id, violating);
	if (v->moves_watermark && !late)
		close_hole(s->clock, v->event_ms);
	move_clock(s, v, now);
	if (s->clock != s)
		move_clock(s->clock, v, now);
}

static void count_tombstone(struct part *p, struct part_stream *s, const struct message *m)
{
	char slice[SLICE_MAX];

	if (too_old(s, m->time.ms)) {
		p->too_old++;
		return;
	}
	slice_name(p, s->stream, m, NULL, NULL, slice);
	struct open_pane *o = part_pane(p, s, time_floor(m->time.ms, s->stream->conf->pane_ms), slice);
	o->dirty = true;
	o->pane->tombstones++;
}

// False: its schema cannot be had yet.
static bool read_frame(const struct part *p, struct side *side, const struct message *m, const struct collect_port *port,
		       struct framed *in)
{
	in->plan = NULL;
	if (side_frame(side, m, &in->frame, &in->no_frame))
		return true;
	in->plan = side_plan(side, port, &in->frame, p->topic, &in->no_frame);
	return !in->plan || in->plan->state != PLAN_PENDING;
}

static bool read_frames(struct part *p, struct part_stream *s, const struct message *m, const struct collect_port *port)
{
	if (!read_frame(p, &s->stream->value, m, port, &s->value))
		return false;
	const struct plan_entry *e = s->value.plan;
	s->type = e && e->owner && e->owner != s->stream ? part_type(p, s, e, m->offset) : s;
	if (s->type != s)
		s->type->value = s->value;
	return !s->stream->conf->has_key || !m->key || read_frame(p, &s->type->stream->key, m, port, &s->type->key);
}

bool part_record(struct part *p, const struct message *m, const struct collect_port *port, struct record_values *scratch,
		 struct wall_time now)
{
	// Every stream's schema must be at hand before any of them counts: a record counts in all of them or in none.
	for (size_t i = 0; m->value && i < p->nstreams; i++)
		if (p->streams[i]->clock == p->streams[i] && !read_frames(p, p->streams[i], m, port))
			return false;
	for (size_t i = 0; i < p->nstreams && p->streams[i]->clock == p->streams[i]; i++) {
		struct part_stream *s = m->value ? p->streams[i]->type : p->streams[i];
		struct verdict v, key;
		if (!m->value) {
			count_tombstone(p, s, m);
			continue;
		}
		judge_bytes(&s->stream->value, &s->value, m, scratch, &v);
		if (v.plan && v.plan->state == PLAN_OTHER_RECORD)
			continue;
		if (s->stream->conf->has_key)
			judge_key(s, m, &key);
		count(p, s, m, &v, s->stream->conf->has_key ? &key : NULL, now);
	}
	p->dirty = true;
	return true;
}
