// SPDX-License-Identifier: Apache-2.0
// What the judge reads, and its one write.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/conn.h"
#include "store/keys.h"
#include "store/outbox.h"
#include "store/segments.h"
#include "util/xalloc.h"

enum { OWNER_MS = 15000, FLOOR_BATCH = 500, MINUTE_MS = 60000 };

int store_lease(struct store *s, const char *nonce, int64_t ttl_ms, struct error *err)
{
	struct cmd keys, args;

	cmd_init(&keys, NULL);
	cmd_init(&args, NULL);
	cmd_take(&keys, key_plain(s->prefix, "lease"));
	cmd_adds(&args, nonce);
	cmd_addi(&args, ttl_ms);
	redisReply *r = conn_script(s, SCRIPT_LEASE, &keys, &args, err);
	cmd_release(&keys);
	cmd_release(&args);
	if (!r)
		return -1;
	int leads = r->type == REDIS_REPLY_INTEGER ? (int)r->integer : -1;
	if (leads < 0)
		error_set(err, "take the lease on redis %s: %s", s->shown, r->str ? r->str : "odd answer");
	freeReplyObject(r);
	return leads;
}

int store_lease_release(struct store *s, const char *nonce, struct error *err)
{
	struct cmd keys, args;

	cmd_init(&keys, NULL);
	cmd_init(&args, NULL);
	cmd_take(&keys, key_plain(s->prefix, "lease"));
	cmd_adds(&args, nonce);
	redisReply *r = conn_script(s, SCRIPT_LEASE_RELEASE, &keys, &args, err);
	cmd_release(&keys);
	cmd_release(&args);
	if (!r)
		return -1;
	freeReplyObject(r);
	return 0;
}

// The hash of one partition, seen by one stream.
static void read_partition(const redisReply *h, const char *key, const char *stream, int64_t now_ms,
			   struct partition_view *p, struct stream_view *v)
{
	const char *slash = strrchr(key, '/'), *topic = slash;
	int64_t beat = 0, target = -1;

	while (topic > key && topic[-1] != '/')
		topic--;
	*p = (struct partition_view){.topic = xstrndup(topic, (size_t)(slash - topic)), .partition = atoi(slash + 1),
				     .max_event = INT64_MIN, .max_untimed = INT64_MIN, .next = -1, .end = -1};
	for (size_t i = 0; i + 1 < h->elements; i += 2) {
		const char *name = h->element[i]->str;
		const redisReply *x = h->element[i + 1];
		if (!strcmp(name, "next"))
			p->next = reply_int(x, -1);
		else if (!strcmp(name, "end"))
			p->end = reply_int(x, -1);
		else if (!strcmp(name, "idle"))
			p->idle = reply_int(x, 0) == 1;
		else if (!strcmp(name, "beat"))
			beat = reply_int(x, 0);
		else if (!strcmp(name, "target"))
			target = reply_int(x, -1);
		else if (!strcmp(name, "wait"))
			p->waiting_since = reply_int(x, 0);
		else if (!strcmp(name, "too_old"))
			v->too_old += (uint64_t)reply_int(x, 0);
		else if (!strcmp(name, "lost"))
			v->records_lost += (uint64_t)reply_int(x, 0);
		else if (!strncmp(name, "m:", 2) && !strcmp(name + 2, stream))
			p->max_event = reply_int(x, INT64_MIN);
		else if (!strncmp(name, "u:", 2) && !strcmp(name + 2, stream))
			p->max_untimed = reply_int(x, INT64_MIN);
		else if (!strncmp(name, "h:", 2) && !strcmp(name + 2, stream))
			v->holes[v->nholes++] = reply_hole(x);
		else if (!strncmp(name, "d:", 2) && !strcmp(name + 2, stream))
			p->letters = reply_letters(x);
	}
	p->owned = now_ms - beat < OWNER_MS;
	p->catching_up = target >= 0 && p->next < target;
}

static int by_partition(const void *a, const void *b)
{
	const struct partition_view *x = a, *y = b;
	int c = strcmp(x->topic, y->topic);

	return c ? c : (x->partition > y->partition) - (x->partition < y->partition);
}

int store_view(struct store *s, const char *stream, struct stream_view *out, struct error *err)
{
	struct cmd c;
	int rc = -1;

	*out = (struct stream_view){.first_seen = INT64_MIN};
	cmd_init(&c, "SMEMBERS");
	cmd_take(&c, key_of(s->prefix, "parts", stream));
	redisReply *parts = conn_ask(s, &c, "list the partitions", err), *r = NULL;
	if (!parts)
		return -1;
	cmd_init(&c, "TIME");
	if (conn_append(s, &c, err))
		goto out;
	cmd_release(&c);
	cmd_init(&c, "HGET");
	cmd_take(&c, key_plain(s->prefix, "streams"));
	cmd_adds(&c, stream);
	if (conn_append(s, &c, err))
		goto out;
	for (size_t i = 0; i < parts->elements; i++) {
		cmd_release(&c);
		cmd_init(&c, "HGETALL");
		cmd_adds(&c, parts->element[i]->str);
		if (conn_append(s, &c, err))
			goto out;
	}
	cmd_release(&c);
	cmd_init(&c, "ZRANGE"); // after the open ones, so that none is missed while it is closed
	cmd_take(&c, key_of(s->prefix, "holes", stream));
	cmd_addi(&c, 0);
	cmd_addi(&c, -1);
	if (conn_append(s, &c, err))
		goto out;
	if (!(r = conn_reply(s, err)))
		goto out;
	int64_t now_ms = r->elements == 2 ? reply_int(r->element[0], 0) * 1000 + reply_int(r->element[1], 0) / 1000 : 0;
	freeReplyObject(r);
	if (!(r = conn_reply(s, err)))
		goto out;
	out->first_seen = reply_int(r, INT64_MIN);
	freeReplyObject(r);
	out->parts = xcalloc(parts->elements + 1, sizeof *out->parts);
	out->holes = xcalloc(parts->elements + 1, sizeof *out->holes);
	for (size_t i = 0; i < parts->elements; i++) {
		if (!(r = conn_reply(s, err)))
			goto out;
		read_partition(r, parts->element[i]->str, stream, now_ms, &out->parts[out->nparts++], out);
		freeReplyObject(r);
	}
	if (!(r = conn_reply(s, err)))
		goto out;
	out->holes = xrealloc(out->holes, (out->nholes + r->elements + 1) * sizeof *out->holes);
	for (size_t i = 0; i < r->elements; i++)
		out->holes[out->nholes++] = reply_hole(r->element[i]);
	freeReplyObject(r);
	qsort(out->parts, out->nparts, sizeof *out->parts, by_partition);
	rc = 0;
out:
	cmd_release(&c);
	freeReplyObject(parts);
	if (rc) {
		for (size_t i = 0; i < out->nparts; i++)
			free(out->parts[i].topic);
		free(out->parts);
		free(out->holes);
		*out = (struct stream_view){.first_seen = INT64_MIN};
	}
	return rc;
}

int store_dirty(struct store *s, const char *stream, int64_t **out, size_t *n, struct error *err)
{
	struct cmd keys, args;

	*out = NULL;
	*n = 0;
	cmd_init(&keys, NULL);
	cmd_init(&args, NULL);
	cmd_take(&keys, key_plain(s->prefix, "lease"));
	cmd_take(&keys, key_of(s->prefix, "dirty", stream));
	cmd_adds(&args, s->lease);
	redisReply *r = conn_script(s, SCRIPT_DIRTY, &keys, &args, err);
	cmd_release(&keys);
	cmd_release(&args);
	if (conn_ok(s, &r, "take the dirty intervals", err))
		return -1;
	const redisReply *m = r->element[1];
	*out = xcalloc(m->elements + 1, sizeof **out);
	for (size_t i = 0; i < m->elements; i++)
		(*out)[(*n)++] = reply_int(m->element[i], 0);
	freeReplyObject(r);
	return 0;
}

int store_docs(struct store *s, const char *table, void (*each)(void *arg, const char *key, const char *json), void *arg,
	       struct error *err)
{
	struct cmd c;

	cmd_init(&c, "HGETALL");
	cmd_take(&c, key_of(s->prefix, "doc", table));
	redisReply *r = conn_ask(s, &c, "read documents", err);
	if (!r)
		return -1;
	for (size_t i = 0; i + 1 < r->elements; i += 2)
		each(arg, r->element[i]->str, r->element[i + 1]->str);
	freeReplyObject(r);
	return 0;
}

int store_doc(struct store *s, const char *table, const char *key, char **out, size_t *len, struct error *err)
{
	struct cmd c;

	*out = NULL;
	*len = 0;
	cmd_init(&c, "HGET");
	cmd_take(&c, key_of(s->prefix, "doc", table));
	cmd_adds(&c, key);
	redisReply *r = conn_ask(s, &c, "read a document", err);
	if (!r)
		return -1;
	if (r->type == REDIS_REPLY_STRING) {
		*out = xstrndup(r->str, r->len);
		*len = r->len;
	}
	freeReplyObject(r);
	return 0;
}

int store_doc_add(struct store *s, const char *table, const char *key, const char *text, size_t len, struct error *err)
{
	struct cmd c;

	cmd_init(&c, "HSETNX");
	cmd_take(&c, key_of(s->prefix, "doc", table));
	cmd_adds(&c, key);
	cmd_add(&c, text, len);
	redisReply *r = conn_ask(s, &c, "add a document", err);
	freeReplyObject(r);
	return r ? 0 : -1;
}

int store_journal(struct store *s, int64_t from, int64_t to, void (*each)(void *arg, const char *json), void *arg,
		  struct error *err)
{
	struct cmd c;
	char max[32];

	cmd_init(&c, "ZRANGEBYSCORE");
	cmd_take(&c, key_plain(s->prefix, "journal"));
	cmd_addi(&c, from);
	snprintf(max, sizeof max, "(%" PRId64, to);
	cmd_adds(&c, max);
	redisReply *r = conn_ask(s, &c, "read the journal", err);
	if (!r)
		return -1;
	for (size_t i = 0; i < r->elements; i++) {
		const char *json = strchr(r->element[i]->str, ' ');
		if (json)
			each(arg, json + 1);
	}
	freeReplyObject(r);
	return 0;
}

// Index (from 1) of the key among keys[first..], added where it is new.
static int64_t key_number(struct cmd *keys, size_t first, char *key)
{
	size_t len = strlen(key), i;

	for (i = first; i < keys->n; i++)
		if (keys->lens[i] == len && !memcmp(keys->bytes.data + keys->offsets[i], key, len))
			break;
	if (i == keys->n)
		cmd_add(keys, key, len);
	free(key);
	return (int64_t)i + 1;
}

static int64_t event_at(const char *json)
{
	struct error ignored = ERROR_INIT;
	json_t *v = json_parse(json, strlen(json), &ignored);
	int64_t at = 0;

	if (v && json_is_string(json_object_get(v, "at")))
		time_parse(json_string_value(json_object_get(v, "at")), &at);
	else if (v)
		at = json_get_int(v, "at", 0);
	json_decref(v);
	return at;
}

int store_commit(struct store *s, const struct judge_commit *c, struct error *err)
{
	struct cmd keys, args;
	static const char *const plain[] = {"lease", "journal", "journal:seq", "outbox", "sent"};

	cmd_init(&keys, NULL);
	cmd_init(&args, NULL);
	for (size_t i = 0; i < ARRAY_LEN(plain); i++)
		cmd_take(&keys, key_plain(s->prefix, plain[i]));
	cmd_adds(&args, s->lease);
	cmd_addi(&args, (int64_t)c->ndocs);
	cmd_addi(&args, (int64_t)c->nevents);
	cmd_addi(&args, (int64_t)c->noutbox);
	for (size_t i = 0; i < c->ndocs; i++) {
		cmd_addi(&args, key_number(&keys, 5, key_of(s->prefix, "doc", c->docs[i].table)));
		cmd_adds(&args, c->docs[i].key);
		cmd_adds(&args, c->docs[i].json ? c->docs[i].json : "");
		cmd_adds(&args, c->docs[i].json ? "1" : "0");
	}
	for (size_t i = 0; i < c->nevents; i++) {
		cmd_addi(&args, event_at(c->events[i]));
		cmd_adds(&args, c->events[i]);
	}
	for (size_t i = 0; i < c->noutbox; i++) {
		char *json = outbox_text(&c->outbox[i]);
		cmd_addi(&args, key_number(&keys, 5, key_of(s->prefix, "due", c->outbox[i].receiver)));
		cmd_adds(&args, c->outbox[i].id);
		cmd_addi(&args, c->outbox[i].due);
		cmd_adds(&args, json);
		free(json);
	}
	redisReply *r = conn_script(s, SCRIPT_COMMIT, &keys, &args, err);
	cmd_release(&keys);
	cmd_release(&args);
	if (conn_ok(s, &r, "commit an evaluation", err))
		return -1;
	freeReplyObject(r);
	return 0;
}

// Rolled-up intervals that end at or before the floor, the oldest first, until the surplus is gone.
static int64_t floor_rolls(struct store *s, const char *stream, const struct interval_view *rolls, size_t n, int64_t floor,
			   int64_t *surplus, struct cmd *keys, struct cmd *args)
{
	int64_t reached = INT64_MIN;

	for (size_t i = 0; i < n && i < FLOOR_BATCH && *surplus > 0 && rolls[i].start + rolls[i].width <= floor; i++) {
		cmd_take(args, segment_member(&rolls[i]));
		cmd_take(keys, key_roll(s->prefix, stream, rolls[i].width, rolls[i].start));
		*surplus -= rolls[i].width / MINUTE_MS;
		reached = rolls[i].start + rolls[i].width;
	}
	return reached;
}

// The same of the others. -> the end of those taken
static int64_t floor_intervals(struct store *s, const char *stream, const redisReply *starts, const redisReply *widths,
			       int64_t floor, struct cmd *keys, struct cmd *args)
{
	int64_t reached = INT64_MIN;

	for (size_t i = 0; i < starts->elements && reply_int(starts->element[i], 0) < floor; i++) {
		int64_t start = reply_int(starts->element[i], 0);
		reached = start + 1;
		cmd_addi(args, start);
		for (size_t w = 0; w < widths->elements; w++)
			cmd_take(keys, key_segment(s->prefix, stream, reply_int(widths->element[w], 0), start));
	}
	return reached;
}

static redisReply *oldest(struct store *s, const char *stream, int64_t n, struct error *err)
{
	struct cmd c;

	cmd_init(&c, "ZRANGE");
	cmd_take(&c, key_of(s->prefix, "idx", stream));
	cmd_addi(&c, 0);
	cmd_addi(&c, (n < FLOOR_BATCH ? n : FLOOR_BATCH) - 1);
	return conn_ask(s, &c, "list the oldest intervals", err);
}

int store_set_floor(struct store *s, const char *stream, int64_t floor, struct error *err)
{
	static const char *const kinds[] = {"floor", "idx", "w", "dirty", "holes", "rolls"};
	struct cmd c, keys, members, args;
	redisReply *starts = NULL, *widths = NULL, *r;
	struct interval_view *rolls = NULL;
	size_t nrolls;
	int rc = -1;

	cmd_init(&c, "ZCARD");
	cmd_take(&c, key_of(s->prefix, "idx", stream));
	if (!(r = conn_ask(s, &c, "count the intervals", err)))
		return -1;
	int64_t surplus = reply_int(r, 0) - (int64_t)s->max_panes;
	freeReplyObject(r);
	if (segment_rolls(s, stream, INT64_MIN, INT64_MAX, &rolls, &nrolls, err))
		return -1;
	for (size_t i = 0; i < nrolls; i++)
		surplus += rolls[i].width / MINUTE_MS;
	if (surplus <= 0) {
		free(rolls);
		return 0;
	}
	cmd_init(&keys, NULL);
	cmd_init(&members, NULL);
	cmd_init(&args, NULL);
	cmd_take(&keys, key_plain(s->prefix, "lease"));
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		cmd_take(&keys, key_of(s->prefix, kinds[i], stream));
	int64_t reached = floor_rolls(s, stream, rolls, nrolls, floor, &surplus, &keys, &members);
	if (surplus > 0) {
		if (!(starts = oldest(s, stream, surplus, err)) || !(widths = segment_widths(s, stream, err)))
			goto out;
		int64_t end = floor_intervals(s, stream, starts, widths, floor, &keys, &members);
		reached = end > reached ? end : reached;
	}
	rc = 0;
	if (!members.n)
		goto out;
	cmd_adds(&args, s->lease);
	cmd_addi(&args, reached);
	for (size_t i = 0; i < members.n; i++)
		cmd_add(&args, members.bytes.data + members.offsets[i], members.lens[i]);
	r = conn_script(s, SCRIPT_FLOOR, &keys, &args, err);
	rc = conn_ok(s, &r, "move the floor", err);
	if (!rc)
		freeReplyObject(r);
out:
	if (starts)
		freeReplyObject(starts);
	if (widths)
		freeReplyObject(widths);
	free(rolls);
	cmd_release(&keys);
	cmd_release(&members);
	cmd_release(&args);
	return rc;
}
