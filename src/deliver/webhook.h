// SPDX-License-Identifier: Apache-2.0
// The signed JSON webhook of Standard Webhooks: headers webhook-id (the same for every attempt),
// webhook-timestamp (this attempt, unix seconds) and webhook-signature, which is
// "v1," + base64(HMAC-SHA256(key, id "." timestamp "." body)). A secret "whsec_..." is the key in base64
// (its padding may be missing); any other secret is the key itself, byte by byte.
#ifndef KD_DELIVER_WEBHOOK_H
#define KD_DELIVER_WEBHOOK_H
#include <stddef.h>
#include <stdint.h>

#include "deliver/receivers.h"
#include "util/error.h"

// The header's value; the caller frees. -1 where the secret is malformed.
int webhook_sign(const char *secret, const char *id, int64_t unix_s, const void *body, size_t len, char **out,
		 struct error *err) MUST_CHECK;

int webhook_check(const struct receiver_conf *r, struct error *err) MUST_CHECK;
int webhook_send(struct http *h, const struct receiver_conf *r, const struct message *m,
		 struct http_answer *out, struct error *err) MUST_CHECK;
#endif
