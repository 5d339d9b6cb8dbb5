// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "deliver/deliver.h"
#include "deliver/receivers.h"
#include "util/clock.h"
#include "util/digest.h"
#include "util/json.h"
#include "util/xalloc.h"

enum { ANSWER_SHOWN = 200 };

static char *test_body(const char *receiver, struct wall_time now)
{
	json_t *v = json_pack(
		"{s:s, s:o, s:{s:o, s:s}}", "type", "kdrift.test", "timestamp", json_time(now.ms), "data",
		"receiver", json_str(receiver), "message",
		"This is a test of kdrift's delivery. Nothing is wrong and nothing needs to be done.");
	char *text = json_text(v);

	json_decref(v);
	return text;
}

// The beginning of the answer, printable.
static void add_answer(struct buf *said, const struct buf *body)
{
	for (size_t i = 0; i < body->len && i < ANSWER_SHOWN; i++)
		buf_addc(said, isprint((unsigned char)body->data[i]) ? body->data[i] : ' ');
	if (body->len > ANSWER_SHOWN)
		buf_adds(said, "...");
}

int deliver_test(const struct receiver_conf *r, struct buf *said, struct error *err)
{
	const struct receiver_type *type = receiver_type_find(r->type);
	struct http_answer answer = {.retry_after_s = -1};
	struct wall_time now = wall_now();
	struct mono_time began = mono_now();
	struct error cause = ERROR_INIT;
	struct verdict verdict;
	char id[5 + 32 + 1] = "test_", nonce[16];

	if (!type)
		return error_set(err, "receiver %s: there is no receiver type \"%s\"", r->name, r->type);
	if (type->check(r, &cause) < 0)
		return error_set(err, "receiver %s: %s", r->name, cause.text);
	random_bytes(nonce, sizeof nonce);
	hex_encode(nonce, sizeof nonce, id + 5);
	struct http *http = http_new();
	char *body = test_body(r->name, now), *origin = receiver_origin(r);
	const struct message m = {id, body, strlen(body), now.ms / 1000};
	int rc = type->send(http, r, &m, &answer, &cause);
	const struct attempt a = {
		.status = rc < 0 ? 0 : answer.status,
		.error = cause.text,
		.number = 1,
		.tier = "immediate",
		.retry_after_s = answer.retry_after_s,
	};
	type->classify(&a, &verdict);
	if (verdict.outcome == OUTCOME_DELIVERED) {
		buf_addf(said,
			 "receiver %s: %s accepted the test message %s: answered %ld in %" PRId64 " ms, %s",
			 r->name, origin, id, answer.status, mono_ms_since(began),
			 r->secret && *r->secret ? "signed" : "NOT signed (no secret is configured)");
		rc = 0;
	} else {
		struct buf shown = BUF_INIT;
		add_answer(&shown, &answer.body);
		rc = error_set(
			err, "receiver %s: %s did not accept the test message: %s%s%s%s", r->name, origin,
			verdict.why, shown.len ? "; it said: " : "", shown.len ? shown.data : "",
			verdict.outcome == OUTCOME_RETRY ? " (a real message would be tried again)" : "");
		buf_release(&shown);
	}
	buf_release(&answer.body);
	free(origin);
	free(body);
	http_free(http);
	return rc;
}
