// SPDX-License-Identifier: Apache-2.0
#include "store/conn.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/digest.h"
#include "util/log.h"
#include "util/xalloc.h"

void cmd_init(struct cmd *c, const char *verb)
{
	*c = (struct cmd){0};
	if (verb)
		cmd_adds(c, verb);
}

void cmd_add(struct cmd *c, const void *p, size_t n)
{
	if (c->n == c->cap) {
		c->cap = c->cap ? c->cap * 2 : 16;
		c->offsets = xrealloc(c->offsets, c->cap * sizeof *c->offsets);
		c->lens = xrealloc(c->lens, c->cap * sizeof *c->lens);
	}
	c->offsets[c->n] = c->bytes.len;
	c->lens[c->n++] = n;
	buf_add(&c->bytes, p, n);
}

void cmd_adds(struct cmd *c, const char *s)
{
	cmd_add(c, s, strlen(s));
}

void cmd_take(struct cmd *c, char *s)
{
	cmd_adds(c, s);
	free(s);
}

void cmd_addi(struct cmd *c, int64_t v)
{
	char text[24];

	cmd_add(c, text, (size_t)snprintf(text, sizeof text, "%" PRId64, v));
}

void cmd_release(struct cmd *c)
{
	buf_release(&c->bytes);
	free(c->offsets);
	free(c->lens);
	*c = (struct cmd){0};
}

static char *unescape(const char *s, size_t n)
{
	char *out = xmalloc(n + 1);
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned v;
		if (s[i] == '%' && i + 2 < n && sscanf(s + i + 1, "%2x", &v) == 1) {
			out[k++] = (char)v;
			i += 2;
		} else {
			out[k++] = s[i];
		}
	}
	out[k] = 0;
	return out;
}

static int parse_url(struct store *s, const char *url, struct error *err)
{
	if (!strncmp(url, "rediss://", 9))
		return error_set(err,
				 "redis.url %s asks for TLS, which this build's hiredis cannot speak: put a TLS proxy "
				 "(stunnel) beside kdrift and use redis://",
				 "rediss://...");
	if (!strncmp(url, "unix://", 7)) {
		s->unix_path = xstrdup(url + 7);
		s->shown = xstrdup(url);
		return 0;
	}
	if (strncmp(url, "redis://", 8))
		return error_set(err, "redis.url must begin with redis:// or unix://, for example redis://localhost:6379/0");
	const char *p = url + 8, *at = strrchr(p, '@'), *slash, *colon;
	if (at) {
		const char *sep = memchr(p, ':', (size_t)(at - p));
		if (sep) {
			if (sep > p)
				s->user = unescape(p, (size_t)(sep - p));
			s->password = unescape(sep + 1, (size_t)(at - sep - 1));
		} else {
			s->password = unescape(p, (size_t)(at - p));
		}
		p = at + 1;
	}
	slash = strchr(p, '/');
	size_t n = slash ? (size_t)(slash - p) : strlen(p);
	const char *bracket = *p == '[' ? memchr(p, ']', n) : NULL;
	colon = memchr(bracket ? bracket : p, ':', n - (size_t)((bracket ? bracket : p) - p));
	s->port = 6379;
	if (colon) {
		s->port = atoi(colon + 1);
		if (s->port <= 0 || s->port > 65535)
			return error_set(err, "redis.url: the port of %.*s is not one", (int)n, p);
	}
	size_t hn = colon ? (size_t)(colon - p) : n;
	s->host = bracket ? xstrndup(p + 1, (size_t)(bracket - p - 1)) : xstrndup(p, hn);
	if (!*s->host)
		return error_set(err, "redis.url: no host; write redis://localhost:6379/0");
	s->db = slash ? atoi(slash + 1) : 0;
	s->shown = xasprintf("redis://%s:%d/%d", s->host, s->port, s->db);
	return 0;
}

struct store *store_new(const struct store_conf *conf, struct error *err)
{
	struct store *s = xcalloc(1, sizeof *s);

	s->prefix = xstrdup(conf->prefix);
	s->scope = xstrdup(conf->scope ? conf->scope : "");
	s->allow_eviction = conf->allow_eviction;
	s->timeout_ms = conf->timeout_ms ? conf->timeout_ms : 2000;
	s->max_panes = conf->max_panes ? conf->max_panes : 50000;
	snprintf(s->away, sizeof s->away, "not connected yet");
	if (parse_url(s, conf->url, err)) {
		store_free(s);
		return NULL;
	}
	return s;
}

void store_free(struct store *s)
{
	if (!s)
		return;
	if (s->redis)
		redisFree(s->redis);
	free(s->host);
	free(s->unix_path);
	free(s->user);
	free(s->password);
	free(s->shown);
	free(s->prefix);
	free(s->scope);
	free(s);
}

void store_set_scope(struct store *s, const char *scope)
{
	free(s->scope);
	s->scope = xstrdup(scope);
}

void store_set_lease(struct store *s, const char *nonce)
{
	snprintf(s->lease, sizeof s->lease, "%s", nonce);
}

uint64_t store_generation(const struct store *s)
{
	return s->generation;
}

void conn_drop(struct store *s, const char *why)
{
	if (s->redis) {
		log_warn("store", "lost %s: %s", s->shown, why);
		redisFree(s->redis);
		s->redis = NULL;
	}
	snprintf(s->away, sizeof s->away, "%s", why);
	s->retry_at = mono_after_ms(250);
}

// Without conn_ready: used while connecting.
static redisReply *raw(struct store *s, struct cmd *c, struct error *err)
{
	const char **argv = xmalloc(c->n * sizeof *argv);

	for (size_t i = 0; i < c->n; i++)
		argv[i] = c->bytes.data + c->offsets[i];
	redisReply *r = redisCommandArgv(s->redis, (int)c->n, argv, c->lens);
	free(argv);
	if (!r) {
		char why[300];
		snprintf(why, sizeof why, "%.250s", s->redis->errstr[0] ? s->redis->errstr : "no answer in time");
		conn_drop(s, why);
		error_set(err, "redis %s: %s", s->shown, why);
		return NULL;
	}
	// A server that cannot serve now is as good as away: its claims must be taken again.
	if (r->type == REDIS_REPLY_ERROR &&
	    (!strncmp(r->str, "LOADING", 7) || !strncmp(r->str, "READONLY", 8) || !strncmp(r->str, "MASTERDOWN", 10) ||
	     !strncmp(r->str, "NOAUTH", 6) || !strncmp(r->str, "MISCONF", 7))) {
		error_set(err, "redis %s: %s", s->shown, r->str);
		conn_drop(s, r->str);
		freeReplyObject(r);
		return NULL;
	}
	return r;
}

static void info_value(const char *info, const char *key, char *out, size_t n)
{
	size_t k = strlen(key);

	out[0] = 0;
	for (const char *p = info; p; p = strchr(p, '\n'), p = p ? p + 1 : NULL) {
		if (!strncmp(p, key, k) && p[k] == ':') {
			snprintf(out, n, "%.*s", (int)strcspn(p + k + 1, "\r\n"), p + k + 1);
			return;
		}
	}
}

// Refuses a server that could lose state silently.
static int examine(struct store *s, struct error *err)
{
	struct cmd c;
	char role[32], policy[32], aof[8], saves[24], maxmemory[32];

	cmd_init(&c, "INFO");
	redisReply *r = raw(s, &c, err);
	cmd_release(&c);
	if (!r)
		return -1;
	if (r->type == REDIS_REPLY_ERROR || !r->str) {
		error_set(err, "redis %s refused INFO: %s", s->shown, r->str ? r->str : "");
		freeReplyObject(r);
		return -1;
	}
	info_value(r->str, "role", role, sizeof role);
	info_value(r->str, "maxmemory_policy", policy, sizeof policy);
	info_value(r->str, "maxmemory", maxmemory, sizeof maxmemory);
	info_value(r->str, "aof_enabled", aof, sizeof aof);
	info_value(r->str, "rdb_last_save_time", saves, sizeof saves);
	freeReplyObject(r);
	if (!strcmp(role, "slave"))
		return error_set(err, "redis %s is a replica: point redis.url at the primary", s->shown);
	if (!strncmp(policy, "allkeys", 7) && strcmp(maxmemory, "0") && !s->allow_eviction)
		return error_set(err,
				 "redis %s evicts keys (maxmemory-policy %s), so kdrift's state could vanish unseen: set "
				 "maxmemory-policy noeviction, or allow it with redis.allow_eviction: true",
				 s->shown, policy);
	if (!strcmp(aof, "0") && s->generation == 1)
		log_info("store", "%s keeps no append-only file: after a crash of Redis kdrift counts again from its last snapshot",
			 s->shown);
	return 0;
}

static int simple(struct store *s, struct cmd *c, const char *what, struct error *err)
{
	redisReply *r = raw(s, c, err);

	cmd_release(c);
	if (!r)
		return -1;
	int bad = r->type == REDIS_REPLY_ERROR;
	if (bad)
		error_set(err, "redis %s: %s: %s", s->shown, what, r->str);
	freeReplyObject(r);
	return bad ? -1 : 0;
}

static int login(struct store *s, struct error *err)
{
	struct cmd c;

	if (s->password) {
		cmd_init(&c, "AUTH");
		if (s->user)
			cmd_adds(&c, s->user);
		cmd_adds(&c, s->password);
		if (simple(s, &c, "login (see redis.url)", err))
			return -1;
	}
	if (s->db) {
		cmd_init(&c, "SELECT");
		cmd_addi(&c, s->db);
		if (simple(s, &c, "select the database", err))
			return -1;
	}
	return examine(s, err);
}

int conn_ready(struct store *s, struct error *err)
{
	struct timeval tv = {s->timeout_ms / 1000, s->timeout_ms % 1000 * 1000};

	if (s->redis)
		return 0;
	if (!mono_passed(s->retry_at))
		return error_set(err, "redis %s is away: %s", s->shown, s->away);
	s->redis = s->unix_path ? redisConnectUnixWithTimeout(s->unix_path, tv)
				: redisConnectWithTimeout(s->host, s->port, tv);
	s->retry_at = mono_after_ms(250);
	if (!s->redis || s->redis->err) {
		snprintf(s->away, sizeof s->away, "%s", s->redis ? s->redis->errstr : "out of memory");
		if (s->redis)
			redisFree(s->redis);
		s->redis = NULL;
		return error_set(err, "connect to redis %s: %s (check redis.url and that the server runs)", s->shown, s->away);
	}
	redisSetTimeout(s->redis, tv);
	redisEnableKeepAlive(s->redis);
	s->generation++;
	struct error why = ERROR_INIT;
	if (login(s, &why)) {
		if (s->redis) {
			redisFree(s->redis);
			s->redis = NULL;
		}
		snprintf(s->away, sizeof s->away, "%.390s", why.text);
		return error_set(err, "%s", why.text);
	}
	s->away[0] = 0;
	return 0;
}

int store_connect(struct store *s, struct error *err)
{
	return conn_ready(s, err);
}

redisReply *conn_do(struct store *s, struct cmd *c, struct error *err)
{
	return conn_ready(s, err) ? NULL : raw(s, c, err);
}

redisReply *conn_ask(struct store *s, struct cmd *c, const char *what, struct error *err)
{
	redisReply *r = conn_do(s, c, err);

	cmd_release(c);
	if (r && r->type == REDIS_REPLY_ERROR) {
		error_set(err, "%s on redis %s: %s", what, s->shown, r->str);
		freeReplyObject(r);
		return NULL;
	}
	return r;
}

int conn_append(struct store *s, struct cmd *c, struct error *err)
{
	if (conn_ready(s, err))
		return -1;
	const char **argv = xmalloc(c->n * sizeof *argv);
	for (size_t i = 0; i < c->n; i++)
		argv[i] = c->bytes.data + c->offsets[i];
	int rc = redisAppendCommandArgv(s->redis, (int)c->n, argv, c->lens);
	free(argv);
	if (rc != REDIS_OK) {
		conn_drop(s, s->redis->errstr);
		return error_set(err, "redis %s: %s", s->shown, s->away);
	}
	return 0;
}

redisReply *conn_reply(struct store *s, struct error *err)
{
	void *r = NULL;

	if (!s->redis) {
		error_set(err, "redis %s is away: %s", s->shown, s->away);
		return NULL;
	}
	if (redisGetReply(s->redis, &r) != REDIS_OK || !r) {
		char why[300];
		snprintf(why, sizeof why, "%.250s", s->redis->errstr);
		conn_drop(s, why);
		error_set(err, "redis %s: %s", s->shown, why);
		return NULL;
	}
	return r;
}

redisReply *conn_script(struct store *s, enum script script, struct cmd *keys, struct cmd *args, struct error *err)
{
	const char *text = script_text[script];

	if (!s->sha[script][0])
		sha1_hex(text, strlen(text), s->sha[script]);
	for (int try = 0; try < 2; try++) {
		struct cmd c;
		cmd_init(&c, try ? "EVAL" : "EVALSHA");
		cmd_adds(&c, try ? text : s->sha[script]);
		cmd_addi(&c, (int64_t)keys->n);
		for (size_t i = 0; i < keys->n; i++)
			cmd_add(&c, keys->bytes.data + keys->offsets[i], keys->lens[i]);
		for (size_t i = 0; i < args->n; i++)
			cmd_add(&c, args->bytes.data + args->offsets[i], args->lens[i]);
		redisReply *r = conn_do(s, &c, err);
		cmd_release(&c);
		if (r && r->type == REDIS_REPLY_ERROR && !strncmp(r->str, "NOSCRIPT", 8) && !try) {
			freeReplyObject(r);
			continue;
		}
		return r;
	}
	return NULL;
}

int conn_ok(struct store *s, redisReply **r, const char *what, struct error *err)
{
	redisReply *p = *r;

	if (!p)
		return -1;
	if (p->type == REDIS_REPLY_ARRAY && p->elements && p->element[0]->str && !strcmp(p->element[0]->str, "OK"))
		return 0;
	if (p->type == REDIS_REPLY_ARRAY && p->elements > 1)
		error_set(err, "%s: refused, %s", what, p->element[1]->str);
	else
		error_set(err, "%s on redis %s: %s", what, s->shown, p->type == REDIS_REPLY_ERROR ? p->str : "odd answer");
	freeReplyObject(p);
	*r = NULL;
	return -1;
}

int64_t reply_int(const redisReply *r, int64_t fallback)
{
	if (r && r->type == REDIS_REPLY_INTEGER)
		return r->integer;
	if (r && r->str && *r->str)
		return strtoll(r->str, NULL, 10);
	return fallback;
}

struct hole reply_hole(const redisReply *r)
{
	struct hole h = {0, 0};
	char *end;

	if (r->type == REDIS_REPLY_STRING) {
		h.from = strtoll(r->str, &end, 10);
		h.to = strtoll(end, NULL, 10);
	}
	return h;
}

struct letter_stop reply_letters(const redisReply *r)
{
	struct letter_stop l = {LETTERS_GO, 0};
	char *end;

	if (r->type == REDIS_REPLY_STRING && *r->str >= '1' && *r->str <= '0' + LETTERS_UNDELIVERED) {
		l.why = (enum letter_why)strtol(r->str, &end, 10);
		l.since = strtoll(end, NULL, 10);
	}
	return l;
}
