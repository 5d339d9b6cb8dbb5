// SPDX-License-Identifier: Apache-2.0
#include "http/http.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "util/xalloc.h"

#define CONNECT_MS 10000
#define TOTAL_MS   30000

struct http {
	CURL *curl;
	char why[CURL_ERROR_SIZE];
};

struct body {
	struct buf *to;
	size_t limit;
	bool over;
};

static CURLcode global_result;

static void global_init(void)
{
	global_result = curl_global_init(CURL_GLOBAL_DEFAULT);
}

int http_global_init(struct error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, global_init);
	if (global_result)
		return error_set(err, "libcurl cannot start: %s", curl_easy_strerror(global_result));
	return 0;
}

struct http *http_new(void)
{
	return xcalloc(1, sizeof(struct http));
}

void http_free(struct http *h)
{
	if (!h)
		return;
	curl_easy_cleanup(h->curl);
	free(h);
}

static size_t take(char *p, size_t size, size_t n, void *ctx)
{
	struct body *b = ctx;

	if (n > b->limit - b->to->len) {
		b->over = true;
		return CURL_WRITEFUNC_ERROR;
	}
	buf_add(b->to, p, n * size);
	return n;
}

// A part of a URL, or NULL; free with curl_free.
static char *url_part(const char *url, CURLUPart part)
{
	CURLU *u = curl_url();
	char *text = NULL;

	if (curl_url_set(u, CURLUPART_URL, url, 0) || curl_url_get(u, part, &text, 0))
		text = NULL;
	curl_url_cleanup(u);
	return text;
}

static bool is_loopback(const char *url)
{
	char *host = url_part(url, CURLUPART_HOST);
	bool yes =
	    host && (!strcasecmp(host, "localhost") || !strncmp(host, "127.", 4) || !strcmp(host, "[::1]"));

	curl_free(host);
	return yes;
}

// Paths stay out of it: a receiver's may hold its secret.
static void describe(const struct http_request *req, const char *why, struct error *err)
{
	char *scheme = url_part(req->url, CURLUPART_SCHEME);
	char *host = url_part(req->url, CURLUPART_HOST);
	char *port = url_part(req->url, CURLUPART_PORT);

	if (host)
		error_set(err, "%s %s://%s%s%s: %s", req->method, scheme, host, port ? ":" : "",
			  port ? port : "", why);
	else
		error_set(err, "%s: not a URL of the form http://host[:port]/path", req->method);
	curl_free(scheme);
	curl_free(host);
	curl_free(port);
}

static void read_headers(CURL *c, struct http_answer *out)
{
	struct curl_header *h;
	const char *type = NULL;

	if (!curl_easy_getinfo(c, CURLINFO_CONTENT_TYPE, &type) && type)
		strncat(out->content_type, type, sizeof out->content_type - 1);
	if (curl_easy_header(c, "Retry-After", 0, CURLH_HEADER, -1, &h))
		return;
	char *end;
	long long s = strtoll(h->value, &end, 10);
	if (*h->value >= '0' && *h->value <= '9' && !*end) {
		out->retry_after_s = s;
		return;
	}
	time_t at = curl_getdate(h->value, NULL);
	time_t now = time(NULL);
	if (at != -1)
		out->retry_after_s = at > now ? at - now : 0;
}

static enum http_tls_trouble tls_trouble(const struct http *h, CURLcode rc)
{
	enum { NOT_REACHED = 1, NOT_YET_VALID = 9, HAS_EXPIRED = 10 }; // OpenSSL's verify results; libcurl begins with 1
	long found = 0;

	switch (rc) {
	case CURLE_PEER_FAILED_VERIFICATION:
		curl_easy_getinfo(h->curl, CURLINFO_SSL_VERIFYRESULT, &found);
		return found <= NOT_REACHED				       ? TLS_OTHER_NAME
		       : found == NOT_YET_VALID || found == HAS_EXPIRED ? TLS_EXPIRED
									       : TLS_UNTRUSTED;
	case CURLE_SSL_CACERT_BADFILE:
		return TLS_BAD_CA;
	case CURLE_SSL_CERTPROBLEM:
		return TLS_BAD_CERT;
	case CURLE_SSL_CONNECT_ERROR:
		return TLS_FAILED;
	case CURLE_RECV_ERROR: // TLS 1.3 tells a client that it is refused when it first reads
		return strstr(h->why, "certificate required") ? TLS_NO_CERT : TLS_FINE;
	default:
		return TLS_FINE;
	}
}

static struct curl_slist *header_list(const struct http_request *req)
{
	// libcurl would hold back a large body until the server says "100 Continue".
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");

	for (const char *const *h = req->headers; h && *h; h++)
		list = curl_slist_append(list, *h);
	return list;
}

static void set_tls(CURL *c, const struct http_tls *tls)
{
	if (tls->ca_file) {
		curl_easy_setopt(c, CURLOPT_CAINFO, tls->ca_file);
		curl_easy_setopt(c, CURLOPT_CAPATH, NULL); // a private authority is not one among the public ones
	}
	if (tls->cert_file) {
		curl_easy_setopt(c, CURLOPT_SSLCERT, tls->cert_file);
		curl_easy_setopt(c, CURLOPT_SSLKEY, tls->key_file ? tls->key_file : tls->cert_file);
	}
}

static void set_options(struct http *h, const struct http_request *req, struct curl_slist *headers,
			struct body *body)
{
	const long timeout = req->timeout_ms > 0 ? (long)req->timeout_ms : TOTAL_MS;
	CURL *c = h->curl;

	curl_easy_reset(c);
	curl_easy_setopt(c, CURLOPT_URL, req->url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, timeout);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, timeout < CONNECT_MS ? timeout : (long)CONNECT_MS);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "kdrift/" KDRIFT_VERSION);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, h->why);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, body);
	set_tls(c, &req->tls);
	if (is_loopback(req->url))
		curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
	if (req->user) {
		curl_easy_setopt(c, CURLOPT_USERNAME, req->user);
		curl_easy_setopt(c, CURLOPT_PASSWORD, req->password ? req->password : "");
	}
	if (req->body || !strcmp(req->method, "POST")) {
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, req->body ? req->body : "");
		curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)req->len);
	}
	if (!strcmp(req->method, "HEAD"))
		curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
	else
		curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, req->method);
}

int http_do(struct http *h, const struct http_request *req, struct http_answer *out, struct error *err)
{
	*out = (struct http_answer){.body = BUF_INIT, .retry_after_s = -1};
	if (http_global_init(err))
		return -1;
	if (!h->curl && !(h->curl = curl_easy_init()))
		return error_set(err, "libcurl gives no handle");
	struct body body = {&out->body, req->max_answer, false};
	struct curl_slist *headers = header_list(req);
	set_options(h, req, headers, &body);
	h->why[0] = 0;
	CURLcode rc = curl_easy_perform(h->curl);
	if (rc == CURLE_OK) {
		curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &out->status);
		read_headers(h->curl, out);
	} else {
		char over[64];

		snprintf(over, sizeof over, "the answer has more than %zu bytes", req->max_answer);
		out->tls = tls_trouble(h, rc);
		out->too_large = body.over;
		curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &out->status);
		describe(req, body.over ? over : h->why[0] ? h->why : curl_easy_strerror(rc), err);
		buf_release(&out->body);
	}
	curl_slist_free_all(headers);
	return rc == CURLE_OK ? 0 : -1;
}
