// SPDX-License-Identifier: Apache-2.0
// The sandbox's HTTP server: JSON in, JSON out, one request at a time, on a free port of loopback.
#ifndef KD_SANDBOX_HTTPD_H
#define KD_SANDBOX_HTTPD_H
#include "util/error.h"
#include "util/json.h"

struct httpd_request {
	const char *method, *path; // path is decoded, without the query
	const char *body;	   // NUL-terminated
	size_t len;
	const char *(*header)(const struct httpd_request *r, const char *name); // NULL if absent
	void *raw;
};

// Sets *status (200 at first) and gives the answer's body, which is freed by the server; NULL: empty.
typedef json_t *httpd_handler(void *ctx, const struct httpd_request *r, unsigned *status);

struct httpd;
struct httpd *httpd_start(httpd_handler *handler, void *ctx, const char *content_type,
			  struct error *err) MUST_CHECK;
int httpd_port(const struct httpd *h);
void httpd_stop(struct httpd *h); // after it no handler runs any more
#endif
