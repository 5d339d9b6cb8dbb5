// SPDX-License-Identifier: Apache-2.0
#include "fake.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "judge/memory_docs.h"
#include "stats/pane_lists.h"
#include "util/search.h"
#include "util/xalloc.h"

struct fake_segment {
	char *slice;
	int partition;
	struct pane *pane;
};

struct fake_interval {
	int64_t start;
	uint64_t writes;
	struct fake_segment *segments;
	size_t n, cap;
};

struct fake_stream {
	struct stream_view view;
	struct fake_interval *intervals; // ascending
	size_t n, cap;
};

static struct fake_stream *stream_at(struct fake *f, const char *stream)
{
	struct fake_stream *s = map_gets(&f->streams, stream);

	if (!s) {
		s = xcalloc(1, sizeof *s);
		s->view.first_seen = INT64_MIN;
		map_puts(&f->streams, stream, s);
	}
	return s;
}

static struct stream_view *view_of(struct fake *f, const char *stream)
{
	return &stream_at(f, stream)->view;
}

// The first interval at or after start.
static size_t interval_at(const struct fake_stream *s, int64_t start)
{
	return search_i64(s->intervals, s->n, sizeof *s->intervals, start);
}

struct pane *fake_pane(struct fake *f, const char *stream, int64_t start, const char *slice, int partition)
{
	struct fake_stream *s = stream_at(f, stream);
	size_t i = interval_at(s, start), k;

	if (i == s->n || s->intervals[i].start != start) {
		GROW(s->intervals, s->n, s->cap);
		memmove(s->intervals + i + 1, s->intervals + i, (s->n - i) * sizeof *s->intervals);
		s->intervals[i] = (struct fake_interval){.start = start};
		s->n++;
	}
	struct fake_interval *v = &s->intervals[i];
	v->writes++;
	for (k = 0; k < v->n; k++)
		if (v->segments[k].partition == partition && !strcmp(v->segments[k].slice, slice))
			return v->segments[k].pane;
	GROW(v->segments, v->n, v->cap);
	v->segments[v->n] = (struct fake_segment){xstrdup(slice), partition, pane_new()};
	return v->segments[v->n++].pane;
}

static void interval_release(struct fake_interval *v)
{
	for (size_t k = 0; k < v->n; k++) {
		free(v->segments[k].slice);
		pane_free(v->segments[k].pane);
	}
	free(v->segments);
}

struct partition_view *fake_part(struct fake *f, const char *stream, int partition)
{
	struct stream_view *v = view_of(f, stream);

	for (size_t i = 0; i < v->nparts; i++)
		if (v->parts[i].partition == partition)
			return &v->parts[i];
	v->parts = xrealloc(v->parts, (v->nparts + 1) * sizeof *v->parts);
	v->parts[v->nparts] = (struct partition_view){
		.topic = xstrdup(stream), .partition = partition, .max_event = INT64_MIN, .max_untimed = INT64_MIN, .end = -1, .owned = true};
	return &v->parts[v->nparts++];
}

void fake_newest(struct fake *f, const char *stream, int64_t event)
{
	struct partition_view *p = fake_part(f, stream, 0);

	p->next++;
	p->max_event = event > p->max_event ? event : p->max_event;
}

void fake_hole(struct fake *f, const char *stream, int64_t from, int64_t to)
{
	struct stream_view *v = view_of(f, stream);

	v->holes = xrealloc(v->holes, (v->nholes + 1) * sizeof *v->holes);
	v->holes[v->nholes++] = (struct hole){from, to};
}

void fake_idle(struct fake *f, const char *stream, bool idle)
{
	struct stream_view *v = view_of(f, stream);

	for (size_t i = 0; i < v->nparts; i++)
		v->parts[i].idle = idle;
}

void fake_record_at(struct fake *f, const char *stream, const char *slice, int partition, int64_t event, bool bad,
		    const struct fake_value *values, size_t n)
{
	struct partition_view *part = fake_part(f, stream, partition);
	struct pane *p = fake_pane(f, stream, time_floor(event, f->pane_ms), slice, partition);

	pane_count_record(p, event, part->next, 7, true, bad, false);
	for (size_t i = 0; i < n; i++) {
		const struct baseline_field *known = f->baseline ? baseline_find(f->baseline, values[i].path) : NULL;
		struct field_def def = {.path = (char *)(uintptr_t)values[i].path,
					.type = FIELD_NUMERIC,
					.grid = known ? known->def.grid : NULL};
		struct field_stats *s = pane_find(p, def.path, FIELD_NUMERIC);
		field_add_number(s ? s : pane_field(p, p->nfields, &def), values[i].v);
	}
	if (bad) {
		char topic[64], amount[] = "amount", detail[] = "2 is above 1";
		snprintf(topic, sizeof topic, "%s", stream);
		pane_count_breach(p, VIOLATION_RANGE, "amount", NULL, part->next);
		pane_sample(p, &(struct violation_sample){VIOLATION_RANGE, amount, NULL, topic, detail, partition, part->next, 7});
	}
	part->next++;
	part->max_event = event > part->max_event ? event : part->max_event;
}

void fake_dropped(struct fake *f, const char *stream, int64_t event, bool bad, const char *const *fields,
		  const struct fake_value *values, size_t n)
{
	struct partition_view *part = fake_part(f, stream, 0);
	struct pane *p = fake_pane(f, stream, time_floor(event, f->pane_ms), "", 0);
	char topic[64], field[64], why[] = "schema id 8 breaks the contract: a: reader field missing default value";
	struct schema_fault fault = {.schema_id = 8, .n = 1, .event_ms = event, .offset = part->next, .topic = topic, .why = why};

	snprintf(topic, sizeof topic, "%s", stream);
	fake_record_at(f, stream, "", 0, event, bad, values, n);
	pane_add_schema(p, 7, (uint64_t)-1); // it was counted as of schema 7
	pane_add_schema(p, 8, 1);
	p->violating_records += !bad;
	p->by_schema_only += !bad;
	for (fault.kind = VIOLATION_MISSING_FIELD, fault.field = field; *fields; fields++) {
		snprintf(field, sizeof field, "%s", *fields);
		pane_count_breach(p, fault.kind, field, NULL, fault.offset);
		pane_fault(p, &fault);
	}
	*field = 0;
	fault.kind = VIOLATION_INCOMPATIBLE_SCHEMA;
	pane_count_breach(p, fault.kind, field, NULL, fault.offset);
	pane_fault(p, &fault);
}

void fake_overflow(struct fake *f, const char *stream, int partition, int64_t event)
{
	fake_record_at(f, stream, "other", partition, event, false, NULL, 0);
	fake_pane(f, stream, time_floor(event, f->pane_ms), "other", partition)->overflowed++;
}

void fake_untimed(struct fake *f, const char *stream, int64_t kafka)
{
	struct partition_view *part = fake_part(f, stream, 0);
	struct pane *p = fake_pane(f, stream, time_floor(kafka, f->pane_ms), "", 0);

	pane_count_record(p, kafka, part->next, -1, false, true, false);
	pane_count_breach(p, VIOLATION_FRAMING, "", NULL, part->next++);
	part->max_untimed = kafka > part->max_untimed ? kafka : part->max_untimed;
}

void fake_record(struct fake *f, const char *stream, const char *slice, int64_t event, bool bad,
		 const struct fake_value *values, size_t n)
{
	fake_record_at(f, stream, slice, 0, event, bad, values, n);
}

// --- the port -----------------------------------------------------------------------------------------

static int on_view(void *ctx, const char *stream, struct stream_view *out, struct error *err)
{
	const struct stream_view *v = view_of(ctx, stream);

	(void)err;
	*out = *v;
	out->parts = xcalloc(v->nparts + 1, sizeof *out->parts);
	for (size_t i = 0; i < v->nparts; i++) {
		out->parts[i] = v->parts[i];
		out->parts[i].topic = xstrdup(v->parts[i].topic);
	}
	out->holes = xcalloc(v->nholes + 1, sizeof *out->holes);
	for (size_t i = 0; i < v->nholes; i++)
		out->holes[i] = v->holes[i];
	return 0;
}

static int on_intervals(void *ctx, const char *stream, int64_t from, int64_t to, struct interval_view **out, size_t *n,
			struct error *err)
{
	struct fake *f = ctx;
	const struct fake_stream *s = stream_at(f, stream);

	(void)err;
	f->intervals++;
	*out = xcalloc(s->n + 1, sizeof **out);
	*n = 0;
	for (size_t i = interval_at(s, from); i < s->n && s->intervals[i].start < to; i++)
		(*out)[(*n)++] = (struct interval_view){.start = s->intervals[i].start, .writes = s->intervals[i].writes};
	return 0;
}

static int on_segments(void *ctx, const char *stream, const struct interval_view *iv, size_t n,
		       void (*each)(void *arg, const struct interval_view *of, const struct segment_view *s), void *arg,
		       struct error *err)
{
	struct fake *f = ctx;
	const struct fake_stream *s = stream_at(f, stream);
	struct buf b = BUF_INIT;

	(void)err;
	f->segment_calls++;
	for (size_t i = 0; i < n; i++) {
		size_t at = interval_at(s, iv[i].start);
		const struct fake_interval *v = at < s->n ? &s->intervals[at] : NULL;
		for (size_t k = 0; v && v->start == iv[i].start && k < v->n; k++) {
			buf_clear(&b);
			pane_encode(v->segments[k].pane, &b);
			if (f->garble)
				b.data[b.len / 2] ^= 0x55;
			struct segment_view seg = {.slice = v->segments[k].slice, .topic = stream,
						   .partition = v->segments[k].partition, .bytes = b.data, .len = b.len};
			f->segments_read++;
			each(arg, &iv[i], &seg);
		}
	}
	buf_release(&b);
	return 0;
}

static int on_dirty(void *ctx, const char *stream, int64_t **out, size_t *n, struct error *err)
{
	(void)ctx, (void)stream, (void)err;
	*out = NULL;
	*n = 0;
	return 0;
}

static int on_docs(void *ctx, const char *table, void (*each)(void *arg, const char *key, const char *json), void *arg,
		   struct error *err)
{
	struct fake *f = ctx;

	(void)err;
	docs_each(&f->docs, table, each, arg);
	return 0;
}

static int on_journal(void *ctx, int64_t from, int64_t to, void (*each)(void *arg, const char *json), void *arg,
		      struct error *err)
{
	struct fake *f = ctx;

	if (!f->has_journal)
		return error_set(err, "the judge does not read the journal");
	for (size_t i = 0; i < json_array_size(f->events); i++) {
		const json_t *event = json_array_get(f->events, i);
		int64_t at = json_get_int(event, "at", 0);
		char *text = json_text(event);
		if (at >= from && at < to)
			each(arg, text);
		free(text);
	}
	return 0;
}

static int on_commit(void *ctx, const struct judge_commit *c, struct error *err)
{
	struct fake *f = ctx;

	if (f->fail_commits) {
		f->fail_commits--;
		return error_set(err, "the lease is lost");
	}
	f->commits++;
	docs_commit(&f->docs, c);
	for (size_t i = 0; i < c->nevents; i++)
		json_array_append_new(f->events, json_parse(c->events[i], strlen(c->events[i]), err));
	for (size_t i = 0; i < c->noutbox; i++) {
		const struct outbox_entry *o = &c->outbox[i];
		GROW(f->messages, f->nmessages, f->capmessages);
		f->messages[f->nmessages++] = (struct fake_message){xstrdup(o->id), xstrdup(o->receiver), o->due,
								    json_parse(o->body, strlen(o->body), err)};
	}
	return 0;
}

static int on_floor(void *ctx, const char *stream, int64_t floor, struct error *err)
{
	struct fake *f = ctx;
	struct fake_stream *s = stream_at(f, stream);
	size_t gone = interval_at(s, floor);

	(void)err;
	f->floor = floor;
	for (size_t i = 0; i < gone; i++)
		interval_release(&s->intervals[i]);
	if (gone)
		memmove(s->intervals, s->intervals + gone, (s->n - gone) * sizeof *s->intervals);
	s->n -= gone;
	return 0;
}

static uint64_t on_generation(void *ctx)
{
	return ((struct fake *)ctx)->generation;
}

struct fake *fake_new(int64_t pane_ms)
{
	struct fake *f = xcalloc(1, sizeof *f);

	f->pane_ms = pane_ms;
	map_init(&f->streams);
	map_init(&f->docs);
	f->events = json_array();
	f->floor = INT64_MIN;
	f->generation = 1;
	f->port = (struct judge_port){f, on_view, on_intervals, on_segments, NULL, on_dirty, on_docs, on_journal, on_commit,
				      on_floor, on_generation, NULL, NULL, NULL, NULL};
	return f;
}

static void free_stream(void *p)
{
	struct fake_stream *s = p;

	for (size_t i = 0; i < s->n; i++)
		interval_release(&s->intervals[i]);
	free(s->intervals);
	stream_view_release(&s->view);
	free(s);
}

void fake_free(struct fake *f)
{
	map_release(&f->streams, free_stream);
	map_release(&f->docs, free);
	json_decref(f->events);
	for (size_t i = 0; i < f->nmessages; i++) {
		free(f->messages[i].id);
		free(f->messages[i].receiver);
		json_decref(f->messages[i].body);
	}
	free(f->messages);
	free(f);
}

json_t *fake_save(const struct fake *f)
{
	json_t *saved = json_array();

	for (struct map_entry *e = NULL; (e = map_next(&f->docs, e));)
		json_array_append_new(saved, json_pack("{s:s#, s:s}", "key", e->key, (int)e->len, "text", (char *)e->value));
	return saved;
}

void fake_roll_back(struct fake *f, json_t *saved)
{
	map_release(&f->docs, free);
	map_init(&f->docs);
	for (size_t i = 0; i < json_array_size(saved); i++) {
		const json_t *doc = json_array_get(saved, i);
		map_puts(&f->docs, json_get_str(doc, "key", ""), xstrdup(json_get_str(doc, "text", "")));
	}
	json_decref(saved);
	f->generation++;
}

// --- looking ------------------------------------------------------------------------------------------

const json_t *fake_event(const struct fake *f, const char *type, size_t nth)
{
	for (size_t i = 0; i < json_array_size(f->events); i++) {
		const json_t *e = json_array_get(f->events, i);
		if (!strcmp(json_get_str(e, "type", ""), type) && !nth--)
			return e;
	}
	return NULL;
}

size_t fake_count(const struct fake *f, const char *type)
{
	size_t n = 0;

	while (fake_event(f, type, n))
		n++;
	return n;
}

const char *fake_doc(const struct fake *f, const char *table, const char *key)
{
	return docs_get(&f->docs, table, key);
}

static void count_doc(void *n, const char *key, const char *json)
{
	(void)key, (void)json;
	++*(size_t *)n;
}

size_t fake_docs(const struct fake *f, const char *table)
{
	size_t n = 0;

	docs_each(&f->docs, table, count_doc, &n);
	return n;
}

struct rule rule_above(const char *name, enum tier tier, const char *measure, double above)
{
	struct rule r = {.name = (char *)(uintptr_t)name,
			 .tier = tier,
			 .stream = (char *)(uintptr_t) "*",
			 .measure = measure_find(measure),
			 .has_above = true,
			 .above = above};

	cr_assert_not_null(r.measure, "no measure %s", measure);
	return r;
}

struct judge_stream stream_of(const char *name, int64_t window, int64_t slide)
{
	return (struct judge_stream){.name = name,
				     .topic = name,
				     .role = "features",
				     .window_ms = window,
				     .slide_ms = slide,
				     .pane_ms = MINUTE,
				     .retention_ms = window,
				     .max_slices = 100};
}

void tick(struct judge *j, int64_t now)
{
	struct error err = ERROR_INIT;

	do
		cr_assert_eq(judge_tick(j, (struct wall_time){now}, &err), 0, "tick: %s", err.text);
	while (judge_behind(j));
}

const char *status_state(struct judge *j, size_t stream)
{
	static char state[80];
	json_t *s = judge_status(j);

	snprintf(state, sizeof state, "%s", json_get_str(json_array_get(json_object_get(s, "streams"), stream), "state", "?"));
	json_decref(s);
	return state;
}
