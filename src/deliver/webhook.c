// SPDX-License-Identifier: Apache-2.0
#include "deliver/webhook.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "util/digest.h"
#include "util/xalloc.h"

#define PREFIX "whsec_"
enum { KEY_MAX = 1024, ANSWER_MAX = 1024 * 1024 };

static int secret_key(const char *secret, struct buf *key, struct error *err)
{
	size_t prefix = strlen(PREFIX);
	struct buf text = BUF_INIT;
	uint8_t raw[KEY_MAX];

	if (strncmp(secret, PREFIX, prefix) != 0) {
		buf_adds(key, secret);
		return 0;
	}
	buf_adds(&text, secret + prefix);
	while (text.len % 4 > 1)
		buf_addc(&text, '=');
	ssize_t n = text.len % 4 ? -1 : base64_decode(text.data ? text.data : "", raw, sizeof raw);
	buf_release(&text);
	if (n <= 0)
		return error_set(err, "the secret starts with " PREFIX " but is not base64 after it; "
				      "copy the whole secret from the receiver");
	buf_add(key, raw, (size_t)n);
	return 0;
}

int webhook_sign(const char *secret, const char *id, int64_t unix_s, const void *body, size_t len, char **out,
		 struct error *err)
{
	struct buf key = BUF_INIT, text = BUF_INIT;
	uint8_t mac[32];

	if (secret_key(secret, &key, err) < 0)
		return -1;
	buf_addf(&text, "%s.%" PRId64 ".", id, unix_s);
	buf_add(&text, body, len);
	hmac_sha256(key.data, key.len, text.data, text.len, mac);
	char *sum = base64_encode(mac, sizeof mac);
	*out = xasprintf("v1,%s", sum);
	free(sum);
	buf_release(&text);
	buf_release(&key);
	return 0;
}

static bool has_secret(const struct receiver_conf *r)
{
	return r->secret && *r->secret;
}

int webhook_check(const struct receiver_conf *r, struct error *err)
{
	struct buf key = BUF_INIT;

	if (!r->url || (strncmp(r->url, "http://", 7) != 0 && strncmp(r->url, "https://", 8) != 0))
		return error_set(err, "url must start with http:// or https://");
	int rc = has_secret(r) ? secret_key(r->secret, &key, err) : 0;
	buf_release(&key);
	return rc;
}

int webhook_send(struct http *h, const struct receiver_conf *r, const struct message *m,
		 struct http_answer *out, struct error *err)
{
	char *id = xasprintf("webhook-id: %s", m->id);
	char *when = xasprintf("webhook-timestamp: %" PRId64, m->unix_s);
	char *signature = NULL, *signed_by = NULL;
	int rc = -1;

	if (has_secret(r)) {
		if (webhook_sign(r->secret, m->id, m->unix_s, m->body, m->len, &signature, err) < 0)
			goto out;
		signed_by = xasprintf("webhook-signature: %s", signature);
	}
	const char *const headers[] = {"content-type: application/json", id, when, signed_by, NULL};
	const struct http_request req = {
		.method = "POST",
		.url = r->url,
		.headers = headers,
		.body = m->body,
		.len = m->len,
		.timeout_ms = receiver_timeout_ms(r),
		.max_answer = ANSWER_MAX,
	};
	rc = http_do(h, &req, out, err);
out:
	free(id);
	free(when);
	free(signature);
	free(signed_by);
	return rc;
}
