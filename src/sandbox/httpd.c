// SPDX-License-Identifier: Apache-2.0
#include "sandbox/httpd.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#include "util/xalloc.h"

enum { MAX_BODY = 4 << 20 };

struct httpd {
	struct MHD_Daemon *daemon;
	httpd_handler *handler;
	void *ctx;
	const char *content_type;
	int port;
};

static const char *header(const struct httpd_request *r, const char *name)
{
	return MHD_lookup_connection_value(r->raw, MHD_HEADER_KIND, name);
}

static enum MHD_Result answer(struct httpd *h, struct MHD_Connection *c, unsigned status, json_t *body)
{
	char *text = body ? json_text(body) : xstrdup("");
	struct MHD_Response *r = MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);

	json_decref(body);
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, h->content_type);
	enum MHD_Result rc = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return rc;
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *c, const char *url, const char *method,
				  const char *version, const char *data, size_t *len, void **state)
{
	struct httpd *h = ctx;
	struct buf *body = *state;
	unsigned status = 200;

	(void)version;
	if (!body) {
		*state = xcalloc(1, sizeof *body);
		return MHD_YES;
	}
	if (*len) {
		if (body->len + *len <= MAX_BODY)
			buf_add(body, data, *len);
		*len = 0;
		return MHD_YES;
	}
	struct httpd_request r = {method, url, body->data ? body->data : "", body->len, header, c};
	json_t *reply = h->handler(h->ctx, &r, &status);
	return answer(h, c, status, reply);
}

static void on_end(void *ctx, struct MHD_Connection *c, void **state, enum MHD_RequestTerminationCode why)
{
	struct buf *body = *state;

	(void)ctx, (void)c, (void)why;
	if (body)
		buf_release(body);
	free(body);
}

struct httpd *httpd_start(httpd_handler *handler, void *ctx, const char *content_type, struct error *err)
{
	struct httpd *h = xcalloc(1, sizeof *h);
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	h->handler = handler;
	h->ctx = ctx;
	h->content_type = content_type;
	h->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, on_request, h,
				     MHD_OPTION_SOCK_ADDR, &at, MHD_OPTION_NOTIFY_COMPLETED, on_end, NULL,
				     MHD_OPTION_CONNECTION_TIMEOUT, 30U, MHD_OPTION_END);
	if (!h->daemon) {
		error_set(err, "sandbox: cannot start an HTTP server on loopback");
		free(h);
		return NULL;
	}
	h->port = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
	return h;
}

int httpd_port(const struct httpd *h)
{
	return h->port;
}

void httpd_stop(struct httpd *h)
{
	if (!h)
		return;
	MHD_stop_daemon(h->daemon);
	free(h);
}
