// SPDX-License-Identifier: Apache-2.0
// What is owed to receivers. Every write is fenced by the leader's lease.
#include "store/outbox.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "store/conn.h"
#include "store/keys.h"
#include "util/xalloc.h"

char *outbox_text(const struct outbox_entry *e)
{
	json_t *v = json_pack("{s:s, s:s, s:s, s:I, s:I, s:i, s:s}", "receiver", e->receiver, "tier", e->tier, "body", e->body,
			      "created", (json_int_t)e->created, "due", (json_int_t)e->due, "attempts", (int)e->attempts,
			      "last_error", e->last_error ? e->last_error : "");
	char *text = json_text(v);

	json_decref(v);
	return text;
}

int outbox_parse(const char *id, const char *text, size_t n, struct outbox_entry *out)
{
	json_t *v = json_parse(text, n, NULL);

	if (!json_is_object(v)) {
		json_decref(v);
		return -1;
	}
	*out = (struct outbox_entry){
		xstrdup(id), xstrdup(json_get_str(v, "receiver", "")), xstrdup(json_get_str(v, "tier", "")),
		xstrdup(json_get_str(v, "body", "")), json_get_int(v, "created", 0), json_get_int(v, "due", 0),
		(uint32_t)json_get_int(v, "attempts", 0), xstrdup(json_get_str(v, "last_error", "")),
	};
	json_decref(v);
	return 0;
}

static void entry_free(struct outbox_entry *e)
{
	free(e->id);
	free(e->receiver);
	free(e->tier);
	free(e->body);
	free(e->last_error);
}

static int read_entry(struct store *s, const char *id, struct outbox_entry *out, bool *there, struct error *err)
{
	struct cmd c;

	cmd_init(&c, "HGET");
	cmd_take(&c, key_plain(s->prefix, "outbox"));
	cmd_adds(&c, id);
	redisReply *r = conn_do(s, &c, err);
	cmd_release(&c);
	if (!r)
		return -1;
	*there = r->type == REDIS_REPLY_STRING && !outbox_parse(id, r->str, r->len, out);
	freeReplyObject(r);
	return 0;
}

int store_outbox_due(struct store *s, const char *receiver, int64_t now, struct outbox_entry *out, size_t n, size_t *got,
		     struct error *err)
{
	struct cmd c;

	*got = 0;
	cmd_init(&c, "ZRANGEBYSCORE");
	cmd_take(&c, key_of(s->prefix, "due", receiver));
	cmd_adds(&c, "-inf");
	cmd_addi(&c, now);
	cmd_adds(&c, "LIMIT");
	cmd_addi(&c, 0);
	cmd_addi(&c, (int64_t)n);
	redisReply *r = conn_do(s, &c, err);
	cmd_release(&c);
	if (!r)
		return -1;
	for (size_t i = 0; i < r->elements; i++) {
		bool there;
		if (read_entry(s, r->element[i]->str, &out[*got], &there, err)) {
			while (*got)
				entry_free(&out[--*got]);
			freeReplyObject(r);
			return -1;
		}
		*got += there;
	}
	freeReplyObject(r);
	return 0;
}

// op: attempt, done, retry, dead. Reads the entry, changes it, and writes it back under the lease; only the
// leader's one thread for this receiver touches it.
static int change(struct store *s, const char *op, const char *id, int64_t due, const char *text, struct error *err)
{
	struct outbox_entry e;
	struct cmd keys, args;
	bool there;
	static const char *const after[] = {"sent", "dead", "journal", "journal:seq"};

	if (read_entry(s, id, &e, &there, err))
		return -1;
	if (!there)
		return 0;
	if (!strcmp(op, "attempt"))
		e.attempts++;
	if (text) {
		free(e.last_error);
		e.last_error = xstrdup(text);
	}
	if (due)
		e.due = due;
	int64_t now = wall_now().ms;
	char *json = outbox_text(&e);
	json_t *event = json_pack("{s:I, s:s, s:s, s:s, s:o}", "at", (json_int_t)now, "type", "delivery_dead", "id", id,
				  "receiver", e.receiver, "reason", json_str(text ? text : ""));
	char *event_text = json_text(event);
	json_decref(event);
	cmd_init(&keys, NULL);
	cmd_init(&args, NULL);
	cmd_take(&keys, key_plain(s->prefix, "lease"));
	cmd_take(&keys, key_plain(s->prefix, "outbox"));
	cmd_take(&keys, key_of(s->prefix, "due", e.receiver));
	for (size_t i = 0; i < ARRAY_LEN(after); i++)
		cmd_take(&keys, key_plain(s->prefix, after[i]));
	cmd_adds(&args, s->lease);
	cmd_adds(&args, op);
	cmd_adds(&args, id);
	cmd_addi(&args, due ? due : now);
	cmd_adds(&args, json);
	cmd_adds(&args, event_text);
	redisReply *r = conn_script(s, SCRIPT_OUTBOX, &keys, &args, err);
	cmd_release(&keys);
	cmd_release(&args);
	free(json);
	free(event_text);
	entry_free(&e);
	if (conn_ok(s, &r, "note a delivery's outcome", err))
		return -1;
	freeReplyObject(r);
	return 0;
}

int store_outbox_attempt(struct store *s, const char *id, struct error *err)
{
	return change(s, "attempt", id, 0, NULL, err);
}

int store_outbox_done(struct store *s, const char *id, const char *note, struct error *err)
{
	return change(s, "done", id, 0, note, err);
}

int store_outbox_retry(struct store *s, const char *id, int64_t due, const char *why, struct error *err)
{
	return change(s, "retry", id, due, why, err);
}

int store_outbox_dead(struct store *s, const char *id, const char *why, struct error *err)
{
	return change(s, "dead", id, 0, why, err);
}

int store_outbox_count(struct store *s, uint64_t *waiting, uint64_t *dead, struct error *err)
{
	uint64_t *const out[] = {waiting, dead};
	static const char *const names[] = {"outbox", "dead"};

	for (int i = 0; i < 2; i++) {
		struct cmd c;
		cmd_init(&c, "HLEN");
		cmd_take(&c, key_plain(s->prefix, names[i]));
		redisReply *r = conn_do(s, &c, err);
		cmd_release(&c);
		if (!r)
			return -1;
		*out[i] = (uint64_t)reply_int(r, 0);
		freeReplyObject(r);
	}
	return 0;
}
