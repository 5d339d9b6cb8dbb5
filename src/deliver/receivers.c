// SPDX-License-Identifier: Apache-2.0
#include "deliver/receivers.h"

#include <string.h>

#include "deliver/webhook.h"
#include "util/xalloc.h"

static const struct receiver_type types[] = {
	{"webhook", webhook_check, webhook_send, classify_http},
};

const struct receiver_type *receiver_type_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (!strcmp(types[i].name, name))
			return &types[i];
	return NULL;
}

int64_t receiver_timeout_ms(const struct receiver_conf *r)
{
	return r->timeout_ms > 0 && r->timeout_ms < SEND_TIMEOUT_MS ? r->timeout_ms : SEND_TIMEOUT_MS;
}

char *receiver_origin(const struct receiver_conf *r)
{
	const char *scheme = strstr(r->url, "://");
	const char *host = scheme ? scheme + 3 : r->url;
	size_t len = strcspn(host, "/?#");

	for (const char *at = memchr(host, '@', len); at; at = memchr(host, '@', len)) {
		len -= (size_t)(at + 1 - host);
		host = at + 1;
	}
	return xasprintf("%.*s%.*s", scheme ? (int)(scheme + 3 - r->url) : 0, r->url, (int)len, host);
}
