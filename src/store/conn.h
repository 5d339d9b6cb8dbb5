// SPDX-License-Identifier: Apache-2.0
// Private to the store: one connection, commands built argument by argument, scripts by their digest.
#ifndef KD_STORE_CONN_H
#define KD_STORE_CONN_H
#include <hiredis/hiredis.h>

#include "store/scripts.h"
#include "store/store.h"
#include "util/buf.h"
#include "util/clock.h"

struct store {
	redisContext *redis;       // NULL while away
	char *host, *unix_path, *user, *password, *shown; // shown: the URL without credentials
	int port, db;
	char *prefix, *scope;
	bool allow_eviction;
	int64_t timeout_ms;
	uint64_t max_panes;
	uint64_t generation;
	struct mono_time retry_at; // not before
	char away[400];            // why, while away
	char sha[SCRIPTS][41];
	char lease[STORE_NONCE + 1];
	uint64_t stages;           // staged segments so far
};

// A command under construction: arguments are copied.
struct cmd {
	struct buf bytes;
	size_t *offsets, *lens, n, cap;
};

void cmd_init(struct cmd *c, const char *verb);
void cmd_add(struct cmd *c, const void *p, size_t n);
void cmd_adds(struct cmd *c, const char *s);
void cmd_take(struct cmd *c, char *s);           // frees s
void cmd_addi(struct cmd *c, int64_t v);
void cmd_release(struct cmd *c);

// Sends and waits. NULL: no answer came (the connection is dropped, err set). An error reply is returned as such.
redisReply *conn_do(struct store *s, struct cmd *c, struct error *err);
// The same, an error reply as a failure of `what`; releases the command.
redisReply *conn_ask(struct store *s, struct cmd *c, const char *what, struct error *err);
// conn_do as EVALSHA; loads the script where the server does not have it (then nothing was executed).
redisReply *conn_script(struct store *s, enum script script, struct cmd *keys, struct cmd *args, struct error *err);
// Appends to a pipeline / takes its next reply.
int conn_append(struct store *s, struct cmd *c, struct error *err);
redisReply *conn_reply(struct store *s, struct error *err);
void conn_drop(struct store *s, const char *why);
// Connected (again)? -1 with the reason.
int conn_ready(struct store *s, struct error *err);
// {"OK", ...} -> 0; {"FENCED", why} and errors -> -1 with err. Frees the reply unless it is OK.
int conn_ok(struct store *s, redisReply **r, const char *what, struct error *err);

int64_t reply_int(const redisReply *r, int64_t fallback); // of integer or decimal text
struct hole reply_hole(const redisReply *r);              // "FROM TO"
struct letter_stop reply_letters(const redisReply *r);    // "WHY SINCE"
#endif
