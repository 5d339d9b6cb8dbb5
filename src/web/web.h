// SPDX-License-Identifier: Apache-2.0
// The HTTP server: /metrics, /-/healthy, /-/ready, POST /-/reload, /api/v1/{status,alerts,baselines}, and the first
// page. It reads what others publish through function pointers and knows nothing else. The pointers are
// called from two threads of its own: what they do must not wait long.
#ifndef KD_WEB_WEB_H
#define KD_WEB_WEB_H
#include <stdbool.h>
#include <stddef.h>

#include "util/buf.h"
#include "util/error.h"
#include "util/json.h"

// status and alerts give a new reference, or NULL while there is nothing to say.
struct web_port {
	void *ctx;
	json_t *(*status)(void *ctx);                 // of /api/v1/status and the first page
	json_t *(*alerts)(void *ctx);                 // of /api/v1/alerts: an array
	json_t *(*baselines)(void *ctx, const char *hash); // of /api/v1/baselines: an array ("" as hash), or one; NULL: none is it
	void (*metrics)(void *ctx, struct buf *out);  // Prometheus text
	bool (*ready)(void *ctx, char *why, size_t n);
	// Asks for a reload; -1 with the reasons where the new configuration is refused (the old one stays).
	int (*reload)(void *ctx, struct error *err);
};

struct web;
// listen: "127.0.0.1:9464", "[::1]:9464" or ":9464" (port 0 takes a free one). NULL with the reason, such as
// a busy port. token NULL: reload needs none from this machine (unless a browser or a proxy asks), and is
// refused elsewhere.
struct web *web_start(const char *listen, const char *token, const struct web_port *port,
		      struct error *err) MUST_CHECK;
int web_bound_port(const struct web *w);
void web_stop(struct web *w); // waits for the requests under way; NULL is fine
#endif
