// SPDX-License-Identifier: Apache-2.0
// One blocking HTTP client for the registry and the receivers, over libcurl. A handle belongs to one
// thread. Redirects are not followed; answers are bounded in size.
#ifndef KD_HTTP_HTTP_H
#define KD_HTTP_HTTP_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"
#include "util/error.h"

// Whom to trust, and who we are. Any may be NULL. A ca_file stands for the machine's own authorities. The server's name
// is always checked.
struct http_tls {
	const char *ca_file;             // PEM
	const char *cert_file, *key_file; // PEM; a key file of NULL: the key stands in cert_file
};

// Why TLS failed, where what is to be done depends on it.
enum http_tls_trouble {
	TLS_FINE,
	TLS_UNTRUSTED,  // signed by none of the trusted authorities
	TLS_EXPIRED,    // or not valid yet
	TLS_OTHER_NAME, // the certificate is another host's
	TLS_BAD_CA,     // ca_file cannot be used
	TLS_BAD_CERT,   // cert_file or key_file cannot be used
	TLS_NO_CERT,    // the server asks for a certificate
	TLS_FAILED,     // no TLS was agreed on: the port may speak plain HTTP
};

struct http_request {
	const char *method, *url;
	const char *const *headers; // "Name: value", NULL-terminated; may be NULL
	const void *body;           // may be NULL
	size_t len;
	const char *user, *password; // basic auth; may be NULL
	struct http_tls tls;
	int64_t timeout_ms;
	size_t max_answer;          // bytes; more is an error
};

struct http_answer {
	long status;
	struct buf body;
	int64_t retry_after_s;      // -1 where there is none
	char content_type[96];
	// Of no answer:
	enum http_tls_trouble tls;
	bool too_large;             // more than max_answer came; status is set
};

struct http;
int http_global_init(struct error *err) MUST_CHECK;
struct http *http_new(void);
void http_free(struct http *h);
// 0: an answer came (whatever its status); -1: none did, with the reason. Release out->body with buf_release.
int http_do(struct http *h, const struct http_request *req, struct http_answer *out, struct error *err) MUST_CHECK;
#endif
