// SPDX-License-Identifier: Apache-2.0
#include "play.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/json.h"
#include "util/xalloc.h"

struct played_schema played_schemas[16];
enum schema_type played_types[16];
struct record_values play_scratch;
static struct registry_schema handed[16];
static enum store_result answer;
static struct map segments; // "stream 1f slice 1f interval 1f n" -> struct pane
static char **events;
static size_t nevents, capevents;
static struct pane *sum;
static struct stream_mark marks[300];
static size_t nmarks;
static bool types_away;
static struct map states; // "stream 1f name" -> struct buf
static int64_t stored_next;

static void free_state(void *p)
{
	buf_release(p);
	free(p);
}

static void free_pane(void *p)
{
	pane_free(p);
}

void play_begin(void)
{
	memset(played_schemas, 0, sizeof played_schemas);
	memset(played_types, 0, sizeof played_types);
	map_init(&segments);
	map_init(&states);
	stored_next = -1;
	record_values_init(&play_scratch);
	answer = STORE_OK;
	types_away = false;
}

void play_end(void)
{
	for (size_t i = 0; i < nevents; i++)
		free(events[i]);
	free(events);
	events = NULL;
	nevents = capevents = 0;
	map_release(&segments, free_pane);
	map_release(&states, free_state);
	pane_free(sum);
	sum = NULL;
	while (nmarks)
		free(marks[--nmarks].stream);
	record_values_release(&play_scratch);
}

void play_answer(enum store_result r)
{
	answer = r;
}

static enum registry_answer schema(void *ctx, int32_t id, const struct registry_schema **out)
{
	(void)ctx;
	if (id < 0 || id >= 16 || (!played_schemas[id].text && !played_schemas[id].is))
		return REGISTRY_DENIED;
	const char *text = played_schemas[id].text ? played_schemas[id].text : "";
	handed[id] = (struct registry_schema){.id = id, .schema = {.type = played_types[id], .text = (char *)(uintptr_t)text,
							      .len = strlen(text)}};
	*out = &handed[id];
	return played_schemas[id].is;
}

static enum subject_answer subject(void *ctx, int32_t id, const char *name)
{
	(void)ctx;
	return played_schemas[id].subject && !strcmp(played_schemas[id].subject, name) ? SUBJECT_YES : SUBJECT_NO;
}

static void put_event(const char *text)
{
	GROW(events, nevents, capevents);
	events[nevents++] = xstrdup(text);
}

static void put_mark(const struct stream_mark *m, int64_t next)
{
	size_t i = 0;

	while (i < nmarks && strcmp(marks[i].stream, m->stream) != 0)
		i++;
	if (i == nmarks) {
		cr_assert_lt(nmarks, ARRAY_LEN(marks));
		marks[nmarks++].stream = xstrdup(m->stream);
		if (m->born)
			put_event(m->born);
	}
	char *name = marks[i].stream;
	marks[i] = *m;
	marks[i].stream = name;
	marks[i].born = NULL;
	marks[i].next = next;
}

void play_type(const char *name)
{
	put_mark(&(struct stream_mark){.stream = (char *)(uintptr_t)name, .max_event = INT64_MIN, .max_untimed = INT64_MIN}, 0);
}

void play_types_away(bool away)
{
	types_away = away;
}

static int types(void *ctx, const char *stream, char ***names, size_t *n, struct error *err)
{
	(void)ctx;
	if (types_away)
		return error_set(err, "away");
	*names = xcalloc(nmarks + 1, sizeof **names);
	*n = 0;
	for (size_t i = 0; i < nmarks; i++)
		if (!strncmp(marks[i].stream, stream, strlen(stream)) && marks[i].stream[strlen(stream)] == '/')
			(*names)[(*n)++] = xstrdup(marks[i].stream);
	return 0;
}

const struct stream_mark *played_mark(const char *stream)
{
	for (size_t i = 0; i < nmarks; i++)
		if (!strcmp(marks[i].stream, stream))
			return &marks[i];
	return NULL;
}

static void put_state(const struct state_write *w)
{
	char *key = xasprintf("%s\x1f%s", w->stream, w->name);
	struct buf *b = map_gets(&states, key);

	if (!b)
		map_puts(&states, key, b = xcalloc(1, sizeof *b));
	if (w->op != STATE_APPEND)
		buf_release(b); // a dropped one stays as an empty one
	buf_add(b, w->bytes, w->len);
	free(key);
}

static enum store_result checkpoint(void *ctx, const struct checkpoint *c, const int64_t *widths, int64_t *floors,
				    struct error *err)
{
	(void)ctx, (void)widths;
	for (size_t i = 0; i < c->nmarks; i++)
		floors[i] = INT64_MIN;
	for (size_t i = 0; answer == STORE_OK && i < c->nsegments; i++) {
		const struct segment_write *w = &c->segments[i];
		char key[700];
		snprintf(key, sizeof key, "%s\x1f%s\x1f%lld\x1f%s\x1f%u", w->stream, w->slice, (long long)w->interval,
			 c->nonce, w->n);
		struct pane *p = pane_decode(w->bytes, w->len, NULL, NULL, err);
		cr_assert(p, "%s", err->text);
		pane_free(map_gets(&segments, key));
		map_puts(&segments, key, p);
	}
	for (size_t i = 0; answer == STORE_OK && i < c->nmarks; i++)
		put_mark(&c->marks[i], c->next);
	for (size_t i = 0; answer == STORE_OK && i < c->nevents; i++)
		put_event(c->events[i]);
	for (size_t i = 0; answer == STORE_OK && i < c->nstates; i++)
		put_state(&c->states[i]);
	if (answer == STORE_OK)
		stored_next = c->next;
	return answer;
}

struct collect_port play_port(void)
{
	return (struct collect_port){.checkpoint = checkpoint, .types = types, .schema = schema, .subject = subject};
}

const struct pane *played_pane(const char *stream, const char *slice)
{
	bool any = false;

	pane_free(sum);
	sum = pane_new();
	for (struct map_entry *e = NULL; (e = map_next(&segments, e));) {
		size_t n = strlen(stream), k = slice ? strlen(slice) : 0;
		if (strncmp(e->key, stream, n) || e->key[n] != '\x1f')
			continue;
		if (slice && (strncmp(e->key + n + 1, slice, k) || e->key[n + 1 + k] != '\x1f'))
			continue;
		pane_merge(sum, e->value);
		any = true;
	}
	return any ? sum : NULL;
}

size_t played_events(const char *type)
{
	size_t n = 0;

	for (size_t i = 0; i < nevents; i++) {
		struct error err = ERROR_INIT;
		json_t *v = json_parse(events[i], strlen(events[i]), &err);
		n += !strcmp(json_get_str(v, "type", ""), type);
		json_decref(v);
	}
	return n;
}

struct part *play_part(struct wstream *streams, size_t n, int64_t next)
{
	static int nonce;
	struct claim c = {.next = next, .check_offset = -1, .fresh = !next, .marks = marks, .nmarks = nmarks};
	struct part *p = part_new("topic", 0, streams, n);

	snprintf(c.nonce, sizeof c.nonce, "nonce%d", nonce++);
	part_adopt(p, &c);
	return p;
}

struct part *play_claim(struct wstream *streams, size_t n)
{
	static int nonce;
	struct claim c = {.next = stored_next < 0 ? 0 : stored_next, .check_offset = -1, .fresh = stored_next < 0,
			  .marks = marks, .nmarks = nmarks};
	struct part *p = part_new("topic", 0, streams, n);

	c.states = xcalloc(states.count + 1, sizeof *c.states);
	for (struct map_entry *e = NULL; (e = map_next(&states, e));) {
		const struct buf *b = e->value;
		const char *cut = strchr(e->key, '\x1f');
		if (b->len)
			c.states[c.nstates++] = (struct state_blob){xstrndup(e->key, (size_t)(cut - e->key)), xstrdup(cut + 1),
								    xstrndup(b->data, b->len), b->len};
	}
	snprintf(c.nonce, sizeof c.nonce, "claim%d", nonce++);
	part_adopt(p, &c);
	c.marks = NULL;
	c.nmarks = 0;
	claim_release(&c);
	return p;
}

size_t played_states(const char *stream, size_t *bytes)
{
	size_t n = 0, len = strlen(stream);

	*bytes = 0;
	for (struct map_entry *e = NULL; (e = map_next(&states, e));) {
		const struct buf *b = e->value;
		bool is = b->len && !strncmp(e->key, stream, len) && e->key[len] == '\x1f';
		n += is;
		*bytes += is ? b->len : 0;
	}
	return n;
}

void avro_long(struct buf *b, int64_t v)
{
	buf_svar(b, v); // Avro's long is a zigzag varint
}

void avro_text(struct buf *b, const char *s)
{
	avro_long(b, (int64_t)strlen(s));
	buf_adds(b, s);
}

struct buf framed(int32_t id)
{
	struct buf b = BUF_INIT;

	buf_u8(&b, 0);
	for (int shift = 24; shift >= 0; shift -= 8)
		buf_u8(&b, (uint8_t)(id >> shift));
	return b;
}

struct played play;

void play_stream(void)
{
	play_begin();
	play.port = play_port();
	play.conf = (struct stream_conf){.name = (char *)"s", .topic = (char *)"topic", .window_ms = 3600000, .slide_ms = 60000,
					 .lateness_ms = 30000, .pane_ms = 60000, .max_slices = 10};
	play.def = (struct collect_stream){.conf = &play.conf};
	play.part = NULL;
}

static void worker_end(void)
{
	if (!play.part)
		return;
	part_free(play.part);
	wstream_release(&play.stream);
	play.part = NULL;
}

void play_worker(int64_t next)
{
	worker_end();
	wstream_init(&play.stream, &play.def);
	play.part = play_part(&play.stream, 1, next);
}

void play_stop(void)
{
	worker_end();
	play_end();
}

bool play_record(struct message m)
{
	m.kind = MESSAGE_RECORD;
	m.topic = "topic";
	m.offset = play.part->next;
	m.time.ms = m.time.ms ? m.time.ms : 1000;
	bool counted = part_record(play.part, &m, &play.port, &play_scratch, wall_now());

	play.part->next++;
	return counted;
}
