// SPDX-License-Identifier: Apache-2.0
#include "web/web.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util/buf.h"
#include "util/xalloc.h"
#include "web/page.h"

enum { THREADS = 2, CONNECTIONS = 64, IDLE_S = 15, BACKLOG = 64, BODY_MAX = 64 * 1024 };

struct web {
	struct MHD_Daemon *daemon;
	struct web_port port;
	char *token; // NULL: none
	int bound;
};

struct reply {
	unsigned status;
	const char *type;
	const char *allow; // 405
	const char *rest;  // of the path, behind the route's
	struct buf body;
};

#define JSON_TYPE "application/json; charset=utf-8"

// --- replies ------------------------------------------------------------------------------------------

static void reply_json(struct reply *r, unsigned status, json_t *v)
{
	char *text = json_text(v);

	r->status = status;
	r->type = JSON_TYPE;
	buf_adds(&r->body, text);
	buf_addc(&r->body, '\n');
	free(text);
	json_decref(v);
}

static void reply_word(struct reply *r, unsigned status, const char *key, const char *word)
{
	json_t *v = json_object();

	json_object_set_new(v, key, json_str(word));
	reply_json(r, status, v);
}

static void reply_published(struct reply *r, json_t *v)
{
	if (v)
		reply_json(r, MHD_HTTP_OK, v);
	else
		reply_word(r, MHD_HTTP_SERVICE_UNAVAILABLE, "error", "nothing was published yet");
}

// --- routes -------------------------------------------------------------------------------------------

static void get_page(struct web *w, struct MHD_Connection *c, struct reply *r)
{
	json_t *status = w->port.status(w->port.ctx);

	(void)c;
	r->status = MHD_HTTP_OK;
	r->type = "text/html; charset=utf-8";
	page_render(&r->body, status);
	json_decref(status);
}

static void get_status(struct web *w, struct MHD_Connection *c, struct reply *r)
{
	(void)c;
	reply_published(r, w->port.status(w->port.ctx));
}

static void get_alerts(struct web *w, struct MHD_Connection *c, struct reply *r)
{
	(void)c;
	reply_published(r, w->port.alerts(w->port.ctx));
}

static void get_baselines(struct web *w, struct MHD_Connection *c, struct reply *r)
{
	json_t *v = w->port.baselines(w->port.ctx, r->rest);

	(void)c;
	if (v)
		reply_json(r, MHD_HTTP_OK, v);
	else
		reply_word(r, MHD_HTTP_NOT_FOUND, "error", "no stream has a baseline of this hash; /api/v1/baselines lists them");
}

static void get_metrics(struct web *w, struct MHD_Connection *c, struct reply *r)
{
	(void)c;
	r->status = MHD_HTTP_OK;
	r->type = "text/plain; version=0.0.4; charset=utf-8";
	w->port.metrics(w->port.ctx, &r->body);
}

static void get_healthy(struct web *w, struct MHD_Connection *c, struct reply *r)
{
	(void)w, (void)c;
	reply_word(r, MHD_HTTP_OK, "status", "alive");
}

static void get_ready(struct web *w, struct MHD_Connection *c, struct reply *r)
{
	char why[400] = "";

	(void)c;
	if (w->port.ready(w->port.ctx, why, sizeof why)) {
		reply_word(r, MHD_HTTP_OK, "status", "ready");
		return;
	}
	json_t *v = json_object();
	json_object_set_new(v, "status", json_string("not ready"));
	json_object_set_new(v, "reason", json_str(why));
	reply_json(r, MHD_HTTP_SERVICE_UNAVAILABLE, v);
}

static bool from_loopback(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *addr = info ? info->client_addr : NULL;

	if (addr && addr->sa_family == AF_INET)
		return ntohl(((const struct sockaddr_in *)addr)->sin_addr.s_addr) >> 24 == 127;
	if (addr && addr->sa_family == AF_INET6) {
		const struct in6_addr *a = &((const struct sockaddr_in6 *)addr)->sin6_addr;
		return IN6_IS_ADDR_LOOPBACK(a) || (IN6_IS_ADDR_V4MAPPED(a) && a->s6_addr[12] == 127);
	}
	return false;
}

static const char *header(struct MHD_Connection *c, const char *name)
{
	return MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
}

// Takes as long for a wrong token as for the right one.
static bool token_matches(const char *token, const char *given)
{
	size_t n = strlen(token), m = strlen(given);
	unsigned char diff = n != m;

	for (size_t i = 0; i < m; i++)
		diff |= (unsigned char)(given[i] ^ token[n ? i % n : 0]);
	return !diff;
}

// NULL where the caller may change state, else why not.
static const char *refusal(const struct web *w, struct MHD_Connection *c, unsigned *status)
{
	const char *bearer = header(c, "Authorization");

	if (w->token) {
		*status = MHD_HTTP_UNAUTHORIZED;
		if (!bearer || strncasecmp(bearer, "Bearer ", 7) != 0)
			return "this needs the token of http.token_file: Authorization: Bearer TOKEN";
		return token_matches(w->token, bearer + 7) ? NULL
							   : "this is not the token of http.token_file";
	}
	*status = MHD_HTTP_FORBIDDEN;
	if (!from_loopback(c) || header(c, "X-Forwarded-For") || header(c, "Forwarded"))
		return "without http.token_file this is allowed from this machine only";
	if (header(c, "Origin")) // a page of some site, in a browser on this machine
		return "without http.token_file this is not allowed from a browser";
	return NULL;
}

static void post_reload(struct web *w, struct MHD_Connection *c, struct reply *r)
{
	struct error err = ERROR_INIT;
	unsigned status;
	const char *why = refusal(w, c, &status);

	if (why)
		reply_word(r, status, "error", why);
	else if (w->port.reload(w->port.ctx, &err) < 0)
		reply_word(r, MHD_HTTP_BAD_REQUEST, "error", err.text);
	else
		reply_word(r, MHD_HTTP_OK, "status", "reloading");
}

static const struct route {
	const char *path; // where it ends with / (but the page itself), a rest may follow
	bool post; // else GET and HEAD
	void (*handle)(struct web *w, struct MHD_Connection *c, struct reply *r);
} routes[] = {
	{"/", false, get_page},
	{"/metrics", false, get_metrics},
	{"/-/healthy", false, get_healthy},
	{"/-/ready", false, get_ready},
	{"/-/reload", true, post_reload},
	{"/api/v1/status", false, get_status},
	{"/api/v1/alerts", false, get_alerts},
	{"/api/v1/baselines", false, get_baselines},
	{"/api/v1/baselines/", false, get_baselines},
};

static void dispatch(struct web *w, struct MHD_Connection *c, const char *path, const char *method,
		     struct reply *r)
{
	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		size_t n = strlen(routes[i].path);
		bool open = n > 1 && routes[i].path[n - 1] == '/';
		if (open ? strncmp(routes[i].path, path, n) != 0 : strcmp(routes[i].path, path) != 0)
			continue;
		r->rest = path + n;
		bool reads = !strcmp(method, "GET") || !strcmp(method, "HEAD");
		if (routes[i].post ? !strcmp(method, "POST") : reads) {
			routes[i].handle(w, c, r);
			return;
		}
		r->allow = routes[i].post ? "POST" : "GET, HEAD";
		reply_word(r, MHD_HTTP_METHOD_NOT_ALLOWED, "error",
			   "this path has another method, see the header Allow");
		return;
	}
	reply_word(r, MHD_HTTP_NOT_FOUND, "error", "there is nothing here; / shows what there is");
}

static const char *const fixed_headers[][2] = {
	{"Cache-Control", "no-store"},
	{"Content-Security-Policy", "default-src 'self'; style-src 'self' 'unsafe-inline'; base-uri 'none'; "
				    "form-action 'none'; frame-ancestors 'none'"},
	{"Referrer-Policy", "no-referrer"},
	{"X-Content-Type-Options", "nosniff"},
};

static enum MHD_Result send_reply(struct MHD_Connection *c, struct reply *r)
{
	size_t len = r->body.len;
	struct MHD_Response *resp =
		MHD_create_response_from_buffer(len, buf_steal(&r->body), MHD_RESPMEM_MUST_FREE);

	if (!resp)
		return MHD_NO;
	MHD_add_response_header(resp, "Content-Type", r->type);
	for (size_t i = 0; i < ARRAY_LEN(fixed_headers); i++)
		MHD_add_response_header(resp, fixed_headers[i][0], fixed_headers[i][1]);
	if (r->allow)
		MHD_add_response_header(resp, "Allow", r->allow);
	if (r->status == MHD_HTTP_UNAUTHORIZED)
		MHD_add_response_header(resp, "WWW-Authenticate", "Bearer realm=\"kdrift\"");
	enum MHD_Result rc = MHD_queue_response(c, r->status, resp);
	MHD_destroy_response(resp);
	return rc;
}

// Called with the header, then with each part of a body, then once more.
static enum MHD_Result on_request(void *cls, struct MHD_Connection *c, const char *path, const char *method,
				  const char *version, const char *data, size_t *size, void **state)
{
	size_t *received = *state; // bytes of a body, which nothing here reads
	struct reply r = {0};

	(void)version, (void)data;
	if (!received) {
		*state = xcalloc(1, sizeof *received);
		return MHD_YES;
	}
	if (*size) {
		*received += *size;
		*size = 0;
		return *received <= BODY_MAX ? MHD_YES : MHD_NO;
	}
	dispatch(cls, c, path, method, &r);
	return send_reply(c, &r);
}

static void on_completed(void *cls, struct MHD_Connection *c, void **state,
			 enum MHD_RequestTerminationCode how)
{
	(void)cls, (void)c, (void)how;
	free(*state);
	*state = NULL;
}

// --- listening ----------------------------------------------------------------------------------------

// "host:port", "[v6]:port" or ":port"
static int split_listen(const char *listen, char **host, const char **port)
{
	const char *colon = strrchr(listen, ':');
	size_t len = colon ? (size_t)(colon - listen) : 0;

	if (!colon || !colon[1] || strspn(colon + 1, "0123456789") != strlen(colon + 1) ||
	    atol(colon + 1) > 65535)
		return -1;
	if (len >= 2 && listen[0] == '[' && listen[len - 1] == ']')
		*host = xstrndup(listen + 1, len - 2);
	else if (memchr(listen, ':', len))
		return -1;
	else
		*host = len ? xstrndup(listen, len) : NULL;
	*port = colon + 1;
	return 0;
}

static int bind_socket(const struct addrinfo *a)
{
	int on = 1, fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol);

	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
	    bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	int saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static int open_listener(const char *listen, struct error *err)
{
	const struct addrinfo hints = {
		.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
	struct addrinfo *found = NULL;
	char *host = NULL;
	const char *port;

	if (split_listen(listen, &host, &port) < 0)
		return error_set(err, "http.listen \"%s\" is not HOST:PORT, such as 127.0.0.1:9464", listen);
	int rc = getaddrinfo(host, port, &hints, &found);
	free(host);
	if (rc)
		return error_set(err, "http.listen \"%s\": %s", listen, gai_strerror(rc));
	int fd = bind_socket(found);
	freeaddrinfo(found);
	if (fd >= 0)
		return fd;
	if (errno == EADDRINUSE)
		return error_set(
			err,
			"http.listen \"%s\": the port is busy: another program (another kdrift?) listens "
			"there; end it or set http.listen to another port",
			listen);
	return error_set(err, "http.listen \"%s\": %s", listen, strerror(errno));
}

static int port_of(int fd)
{
	struct sockaddr_storage addr;
	socklen_t len = sizeof addr;

	if (getsockname(fd, (struct sockaddr *)&addr, &len) < 0)
		return -1;
	return ntohs(addr.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&addr)->sin6_port
						: ((struct sockaddr_in *)&addr)->sin_port);
}

struct web *web_start(const char *listen, const char *token, const struct web_port *port, struct error *err)
{
	int fd = open_listener(listen, err);

	if (fd < 0)
		return NULL;
	struct web *w = xcalloc(1, sizeof *w);
	w->port = *port;
	w->token = token && *token ? xstrdup(token) : NULL;
	w->bound = port_of(fd);
	w->daemon = MHD_start_daemon(MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL,
				     on_request, w, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_THREAD_POOL_SIZE,
				     (unsigned)THREADS, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS,
				     MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S,
				     MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_END);
	if (!w->daemon) {
		error_set(err, "http.listen \"%s\": cannot start the server's threads: %s", listen,
			  strerror(errno));
		close(fd);
		free(w->token);
		free(w);
		return NULL;
	}
	return w;
}

int web_bound_port(const struct web *w)
{
	return w->bound;
}

void web_stop(struct web *w)
{
	if (!w)
		return;
	MHD_stop_daemon(w->daemon);
	free(w->token);
	free(w);
}
