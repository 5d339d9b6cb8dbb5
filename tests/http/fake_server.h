// SPDX-License-Identifier: Apache-2.0
// A small HTTP server on a free loopback port, for tests: one thread, one request a connection, and
// whatever answer the test wants. Header only; each test program that uses it includes it once.
#ifndef KD_TESTS_FAKE_SERVER_H
#define KD_TESTS_FAKE_SERVER_H
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util/buf.h"
#include "util/clock.h"
#include "util/xalloc.h"

struct fake_request {
	char method[16], path[512];
	const char *headers; // all of them, as they came
	const char *body;
	unsigned nth;        // of all requests, from 0
};

struct fake_answer {
	int status;
	const char *headers; // "Name: value\r\n..."
	struct buf body;
	int64_t delay_ms;    // before it is sent
	bool hang_up;        // instead of it
	size_t cut;          // bytes at the end of the body that are promised and not sent
};

struct fake_server {
	int fd, port;
	char url[64];
	pthread_t thread;
	atomic_bool stop;
	atomic_uint requests;
	void (*answer)(void *ctx, const struct fake_request *q, struct fake_answer *a);
	void *ctx;
};

static void fake_send(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);

		if (sent <= 0)
			return;
		p += sent;
		n -= (size_t)sent;
	}
}

// Waits, but not beyond the server's end.
static void fake_wait(struct fake_server *s, int64_t ms)
{
	struct mono_time until = mono_after_ms(ms);

	while (!mono_passed(until) && !atomic_load(&s->stop))
		poll(NULL, 0, 5);
}

static void fake_serve_one(struct fake_server *s, int fd)
{
	struct fake_request q = {.nth = atomic_fetch_add(&s->requests, 1)};
	struct fake_answer a = {.status = 200, .headers = "", .body = BUF_INIT};
	struct buf in = BUF_INIT, out = BUF_INIT;
	size_t want = 0;
	char *end = NULL;

	while (!end || in.len < want) {
		char part[65536];
		ssize_t n = recv(fd, part, sizeof part, 0);

		if (n <= 0)
			break;
		buf_add(&in, part, (size_t)n);
		if (!end && (end = strstr(in.data, "\r\n\r\n"))) {
			const char *length = strcasestr(in.data, "\r\nContent-Length:");

			want = (size_t)(end - in.data) + 4 + (length && length < end ? (size_t)atol(length + 17) : 0);
		}
		if (end)
			end = strstr(in.data, "\r\n\r\n");
	}
	if (end) {
		sscanf(in.data, "%15s %511s", q.method, q.path);
		*end = 0;
		q.headers = in.data;
		q.body = end + 4;
		s->answer(s->ctx, &q, &a);
		fake_wait(s, a.delay_ms);
		buf_addf(&out, "HTTP/1.1 %d X\r\n%sContent-Length: %zu\r\nConnection: close\r\n\r\n", a.status, a.headers,
			 a.body.len);
		buf_add(&out, a.body.data, a.body.len);
		if (!a.hang_up)
			fake_send(fd, out.data, out.len - a.cut);
	}
	buf_release(&a.body);
	buf_release(&in);
	buf_release(&out);
	close(fd);
}

static void *fake_serve(void *arg)
{
	struct fake_server *s = arg;

	while (!atomic_load(&s->stop)) {
		struct pollfd p = {.fd = s->fd, .events = POLLIN};

		if (poll(&p, 1, 10) == 1) {
			int fd = accept(s->fd, NULL, NULL);

			if (fd >= 0)
				fake_serve_one(s, fd);
		}
	}
	return NULL;
}

static __attribute__((unused)) struct fake_server *fake_start(void (*answer)(void *, const struct fake_request *, struct fake_answer *), void *ctx)
{
	struct fake_server *s = xcalloc(1, sizeof *s);
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof a;

	s->answer = answer;
	s->ctx = ctx;
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->fd < 0 || bind(s->fd, (struct sockaddr *)&a, n) || listen(s->fd, 16) ||
	    getsockname(s->fd, (struct sockaddr *)&a, &n) || pthread_create(&s->thread, NULL, fake_serve, s))
		abort();
	s->port = ntohs(a.sin_port);
	snprintf(s->url, sizeof s->url, "http://127.0.0.1:%d", s->port);
	return s;
}

static __attribute__((unused)) void fake_stop(struct fake_server *s)
{
	atomic_store(&s->stop, true);
	pthread_join(s->thread, NULL);
	close(s->fd);
	free(s);
}
#endif
