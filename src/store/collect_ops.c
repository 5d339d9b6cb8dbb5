// SPDX-License-Identifier: Apache-2.0
// Claims and checkpoints: the writes of the collecting half.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/conn.h"
#include "store/keys.h"
#include "util/digest.h"
#include "util/xalloc.h"

enum { INLINE_LIMIT = 4 << 20, STAGE_TTL_S = 3600 };

static void add_kind(struct cmd *c, struct store *s, const char *kind, const char *name)
{
	cmd_take(c, key_of(s->prefix, kind, name));
}

static struct stream_mark *mark_of(struct claim *c, const char *stream)
{
	for (size_t i = 0; i < c->nmarks; i++)
		if (!strcmp(c->marks[i].stream, stream))
			return &c->marks[i];
	c->marks = xrealloc(c->marks, (c->nmarks + 1) * sizeof *c->marks);
	c->marks[c->nmarks] = (struct stream_mark){.stream = xstrdup(stream), .max_event = INT64_MIN, .max_untimed = INT64_MIN,
						       .next = -1};
	return &c->marks[c->nmarks++];
}

// "STREAM 1f NAME", bytes, ...
static void take_states(struct claim *c, const redisReply *r)
{
	if (r->elements)
		c->states = xcalloc(r->elements / 2, sizeof *c->states);
	for (size_t i = 0; i + 1 < r->elements; i += 2) {
		const redisReply *member = r->element[i], *bytes = r->element[i + 1];
		const char *cut = memchr(member->str, '\x1f', member->len);
		if (!cut)
			continue;
		c->states[c->nstates++] = (struct state_blob){xstrndup(member->str, (size_t)(cut - member->str)),
							      xstrdup(cut + 1), xstrndup(bytes->str, bytes->len), bytes->len};
	}
}

int store_claim(struct store *s, const char *topic, int32_t partition, struct claim *out, struct error *err)
{
	struct cmd keys, args;
	uint8_t nonce[STORE_NONCE / 2];

	*out = (struct claim){.next = -1, .check_offset = -1, .fresh = true};
	random_bytes(nonce, sizeof nonce);
	hex_encode(nonce, sizeof nonce, out->nonce);
	cmd_init(&keys, NULL);
	cmd_init(&args, NULL);
	cmd_take(&keys, key_part(s->prefix, s->scope, topic, partition));
	cmd_take(&keys, key_state(s->prefix, s->scope, topic, partition));
	cmd_adds(&args, out->nonce);
	redisReply *r = conn_script(s, SCRIPT_CLAIM, &keys, &args, err);
	cmd_release(&keys);
	cmd_release(&args);
	if (!r)
		return -1;
	if (r->type != REDIS_REPLY_ARRAY || r->elements != 3) {
		error_set(err, "claim %s/%" PRId32 " on redis %s: %s", topic, partition, s->shown, r->str ? r->str : "odd answer");
		freeReplyObject(r);
		return -1;
	}
	out->epoch = r->element[0]->integer;
	for (size_t i = 0; i + 1 < r->element[1]->elements; i += 2) {
		const char *name = r->element[1]->element[i]->str;
		const redisReply *v = r->element[1]->element[i + 1];
		if (!strcmp(name, "next")) {
			out->next = reply_int(v, -1);
			out->fresh = false;
		} else if (!strcmp(name, "co")) {
			out->check_offset = reply_int(v, -1);
		} else if (!strcmp(name, "ct")) {
			out->check_ts = reply_int(v, 0);
		} else if (!strcmp(name, "cc")) {
			out->check_crc = (uint32_t)reply_int(v, 0);
		} else if (!strcmp(name, "wait")) {
			out->waiting_since = reply_int(v, 0);
		} else if (!strncmp(name, "m:", 2)) {
			mark_of(out, name + 2)->max_event = reply_int(v, INT64_MIN);
		} else if (!strncmp(name, "u:", 2)) {
			mark_of(out, name + 2)->max_untimed = reply_int(v, INT64_MIN);
		} else if (!strncmp(name, "n:", 2)) {
			mark_of(out, name + 2)->next = reply_int(v, -1);
		} else if (!strncmp(name, "h:", 2)) {
			mark_of(out, name + 2)->hole = reply_hole(v);
		} else if (!strncmp(name, "d:", 2)) {
			mark_of(out, name + 2)->letters = reply_letters(v);
		}
	}
	take_states(out, r->element[2]);
	freeReplyObject(r);
	return 0;
}

int store_first_seen(struct store *s, const char *stream, const char *topic, int64_t *ms, int32_t *partitions,
		     struct error *err)
{
	struct cmd c;

	cmd_init(&c, "HMGET");
	cmd_take(&c, key_plain(s->prefix, "streams"));
	cmd_adds(&c, stream);
	cmd_take(&c, xasprintf("%s\x1f%s", stream, topic));
	redisReply *r = conn_do(s, &c, err);
	cmd_release(&c);
	if (!r)
		return -1;
	bool good = r->type == REDIS_REPLY_ARRAY && r->elements == 2;
	if (good) {
		*ms = reply_int(r->element[0], INT64_MIN);
		*partitions = (int32_t)reply_int(r->element[1], 0);
	} else {
		error_set(err, "look for stream %s on redis %s: %s", stream, s->shown, r->str ? r->str : "odd answer");
	}
	freeReplyObject(r);
	return good ? 0 : -1;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int store_types(struct store *s, const char *stream, char ***names, size_t *n, struct error *err)
{
	size_t len = strlen(stream);
	struct cmd c;

	cmd_init(&c, "HKEYS");
	cmd_take(&c, key_plain(s->prefix, "streams"));
	redisReply *r = conn_do(s, &c, err);
	cmd_release(&c);
	if (!r)
		return -1;
	bool good = r->type == REDIS_REPLY_ARRAY;
	if (!good)
		error_set(err, "list the record types of %s on redis %s: %s", stream, s->shown, r->str ? r->str : "odd answer");
	*names = good ? xcalloc(r->elements + 1, sizeof **names) : NULL;
	*n = 0;
	for (size_t i = 0; good && i < r->elements; i++) {
		const char *name = r->element[i]->str;
		if (!strncmp(name, stream, len) && name[len] == '/' && !strchr(name, '\x1f'))
			(*names)[(*n)++] = xstrdup(name);
	}
	freeReplyObject(r);
	if (good)
		qsort(*names, *n, sizeof **names, by_name);
	return good ? 0 : -1;
}

// Large checkpoints go ahead of the script, part by part; they count only once the script names them.
static int stage(struct store *s, const struct checkpoint *c, char **stages, struct error *err)
{
	for (size_t i = 0; i < c->nsegments; i++) {
		struct cmd set;
		if (!c->segments[i].bytes)
			continue;
		stages[i] = xasprintf("%s:stage:%s:%" PRIu64, s->prefix, c->nonce, s->stages++);
		cmd_init(&set, "SET");
		cmd_adds(&set, stages[i]);
		cmd_add(&set, c->segments[i].bytes, c->segments[i].len);
		cmd_adds(&set, "EX");
		cmd_addi(&set, STAGE_TTL_S);
		redisReply *r = conn_do(s, &set, err);
		cmd_release(&set);
		if (!r)
			return -1;
		int bad = r->type == REDIS_REPLY_ERROR;
		if (bad)
			error_set(err, "stage a segment on redis %s: %s", s->shown, r->str);
		freeReplyObject(r);
		if (bad)
			return -1;
	}
	return 0;
}

static size_t mark_index(const struct checkpoint *c, const char *stream)
{
	for (size_t i = 0; i < c->nmarks; i++)
		if (!strcmp(c->marks[i].stream, stream))
			return i;
	return 0;
}

static void add_segment(struct store *s, const struct checkpoint *c, const struct segment_write *w, const int64_t *widths,
			const char *staged, struct cmd *keys, struct cmd *args)
{
	size_t i = mark_index(c, w->stream);
	struct buf field = BUF_INIT;

	cmd_take(keys, key_segment(s->prefix, w->stream, widths[i], w->interval));
	cmd_addi(args, (int64_t)i);
	cmd_addi(args, (int64_t)keys->n);
	cmd_addi(args, w->interval);
	if (w->key)
		buf_adds(&field, w->key);
	else
		buf_addf(&field, "%s\x1f%s/%" PRId32 "\x1f%s\x1f%" PRIu32, w->slice, c->topic, c->partition, c->nonce, w->n);
	cmd_add(args, field.data, field.len);
	buf_release(&field);
	if (!w->bytes) {
		cmd_adds(args, "d");
		cmd_adds(args, "");
	} else if (staged) {
		cmd_adds(keys, staged);
		cmd_adds(args, w->again ? "S" : "s");
		cmd_addi(args, (int64_t)keys->n);
	} else {
		cmd_adds(args, w->again ? "I" : "i");
		cmd_add(args, w->bytes, w->len);
	}
}

static void add_states(struct store *s, const struct checkpoint *c, struct cmd *keys, struct cmd *args)
{
	static const char *const ops[] = {[STATE_PUT] = "p", [STATE_APPEND] = "a", [STATE_DROP] = "d"};
	char *all = key_state(s->prefix, s->scope, c->topic, c->partition);

	cmd_adds(keys, all);
	cmd_addi(args, (int64_t)keys->n);
	for (size_t i = 0; i < c->nstates; i++) {
		const struct state_write *w = &c->states[i];
		cmd_take(keys, xasprintf("%s\x1f%s\x1f%s", all, w->stream, w->name));
		cmd_addi(args, (int64_t)keys->n);
		cmd_take(args, xasprintf("%s\x1f%s", w->stream, w->name));
		cmd_adds(args, ops[w->op]);
		cmd_add(args, w->op == STATE_DROP ? "" : w->bytes, w->op == STATE_DROP ? 0 : w->len);
	}
	free(all);
}

// "FROM TO" or ""; where it is closed, TO once more.
static void add_hole(struct cmd *args, const struct stream_mark *m)
{
	bool is = m->hole.from < m->hole.to;

	cmd_take(args, is ? xasprintf("%" PRId64 " %" PRId64, m->hole.from, m->hole.to) : xstrdup(""));
	if (is && m->hole_closed)
		cmd_addi(args, m->hole.to);
	else
		cmd_adds(args, "");
}

// "WHY SINCE" or "".
static void add_letters(struct cmd *args, const struct letter_stop *l)
{
	cmd_take(args, l->why ? xasprintf("%d %" PRId64, (int)l->why, l->since) : xstrdup(""));
}

enum store_result store_checkpoint(struct store *s, const struct checkpoint *c, const int64_t *widths, int64_t *floors,
				   struct error *err)
{
	struct cmd keys, args;
	size_t total = 0;
	char **stages = xcalloc(c->nsegments + 1, sizeof *stages);
	enum store_result result = STORE_LOST;
	redisReply *r = NULL;

	if (!s->redis) { // a new connection may be to a server that went back in time: only a claim opens one
		error_set(err, "checkpoint of %s/%" PRId32 ": redis %s was away (%s)", c->topic, c->partition, s->shown, s->away);
		goto out;
	}
	for (size_t i = 0; i < c->nsegments; i++)
		total += c->segments[i].len;
	if (total > INLINE_LIMIT && stage(s, c, stages, err))
		goto out; // nothing counted yet, but the claim must be looked at again all the same
	cmd_init(&keys, NULL);
	cmd_init(&args, NULL);
	cmd_take(&keys, key_part(s->prefix, s->scope, c->topic, c->partition));
	cmd_take(&keys, key_plain(s->prefix, "streams"));
	cmd_take(&keys, key_plain(s->prefix, "journal"));
	cmd_take(&keys, key_plain(s->prefix, "journal:seq"));
	cmd_take(&keys, key_plain(s->prefix, "wake"));
	cmd_adds(&args, c->nonce);
	const int64_t head[] = {c->expected_next, c->next, c->check_offset, c->check_ts, c->check_crc, c->idle, c->end,
				c->target, (int64_t)c->too_old, (int64_t)c->records_lost, (int64_t)c->nmarks,
				(int64_t)c->nsegments, (int64_t)c->nevents, c->wake};
	for (size_t i = 0; i < ARRAY_LEN(head); i++)
		cmd_addi(&args, head[i]);
	for (size_t i = 0; i < c->nmarks; i++) {
		static const char *const kinds[] = {"parts", "idx", "w", "dirty", "widths", "floor", "holes"};
		for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
			add_kind(&keys, s, kinds[k], c->marks[i].stream);
		cmd_adds(&args, c->marks[i].stream);
		cmd_addi(&args, c->marks[i].max_event);
		cmd_addi(&args, c->marks[i].max_untimed);
		cmd_addi(&args, widths[i]);
		add_hole(&args, &c->marks[i]);
		cmd_adds(&args, c->marks[i].born ? c->marks[i].born : "");
		add_letters(&args, &c->marks[i].letters);
	}
	for (size_t i = 0; i < c->nsegments; i++)
		add_segment(s, c, &c->segments[i], widths, stages[i], &keys, &args);
	for (size_t i = 0; i < c->nevents; i++)
		cmd_adds(&args, c->events[i]);
	cmd_addi(&args, c->partitions);
	cmd_adds(&args, c->topic);
	cmd_addi(&args, c->waiting_since);
	add_states(s, c, &keys, &args);
	r = conn_script(s, SCRIPT_CHECKPOINT, &keys, &args, err);
	cmd_release(&keys);
	cmd_release(&args);
	if (!r)
		goto out;
	bool array = r->type == REDIS_REPLY_ARRAY && r->elements == 2;
	if (array && !strcmp(r->element[0]->str, "OK")) {
		for (size_t i = 0; i < c->nmarks && floors; i++)
			floors[i] = reply_int(r->element[1]->element[i], INT64_MIN);
		result = STORE_OK;
	} else if (array) {
		result = STORE_FENCED;
		error_set(err, "checkpoint of %s/%" PRId32 ": fenced, %s", c->topic, c->partition, r->element[1]->str);
	} else {
		result = STORE_FAILED;
		error_set(err, "checkpoint of %s/%" PRId32 " on redis %s: %s", c->topic, c->partition, s->shown,
			  r->str ? r->str : "odd answer");
	}
	freeReplyObject(r);
out:
	for (size_t i = 0; i < c->nsegments; i++)
		free(stages[i]);
	free(stages);
	return result;
}

int store_own_segments(struct store *s, const char *stream, int64_t width, int64_t start, const char *topic, int32_t partition,
		       void (*each)(void *arg, const char *key, const char *slice, const void *bytes, size_t len), void *arg,
		       struct error *err)
{
	struct cmd c;
	char *mine = xasprintf("\x1f%s/%" PRId32 "\x1f", topic, partition);

	cmd_init(&c, "HGETALL");
	cmd_take(&c, key_segment(s->prefix, stream, width, start));
	redisReply *r = conn_do(s, &c, err);
	cmd_release(&c);
	for (size_t i = 0; r && i + 1 < r->elements; i += 2) {
		const char *key = r->element[i]->str, *at = strstr(key, mine);
		if (!at || at != strchr(key, '\x1f'))
			continue;
		char *slice = xstrndup(key, (size_t)(at - key));
		each(arg, key, slice, r->element[i + 1]->str, r->element[i + 1]->len);
		free(slice);
	}
	free(mine);
	if (!r)
		return -1;
	freeReplyObject(r);
	return 0;
}

int store_wait_wake(struct store *s, int64_t timeout_ms, struct error *err)
{
	struct cmd c;
	char secs[32];

	// The socket's own time-out must not end the wait before the server does.
	if (timeout_ms > s->timeout_ms / 2)
		timeout_ms = s->timeout_ms / 2;
	snprintf(secs, sizeof secs, "%.3f", (double)timeout_ms / 1000);
	cmd_init(&c, "BLPOP");
	cmd_take(&c, key_plain(s->prefix, "wake"));
	cmd_adds(&c, secs);
	redisReply *r = conn_do(s, &c, err);
	cmd_release(&c);
	if (!r)
		return -1;
	int woken = r->type == REDIS_REPLY_ARRAY;
	freeReplyObject(r);
	return woken;
}

char *store_schema_load(struct store *s, const char *registry, const char *key)
{
	struct cmd c;
	char *text = NULL;

	cmd_init(&c, "HGET");
	add_kind(&c, s, "schemas", registry);
	cmd_adds(&c, key);
	redisReply *r = conn_do(s, &c, NULL);
	cmd_release(&c);
	if (r && r->type == REDIS_REPLY_STRING)
		text = xstrndup(r->str, r->len);
	if (r)
		freeReplyObject(r);
	return text;
}

void store_schema_save(struct store *s, const char *registry, const char *key, const char *text)
{
	struct cmd c;

	cmd_init(&c, "HSET");
	add_kind(&c, s, "schemas", registry);
	cmd_adds(&c, key);
	cmd_adds(&c, text);
	redisReply *r = conn_do(s, &c, NULL);
	cmd_release(&c);
	if (r)
		freeReplyObject(r);
}
