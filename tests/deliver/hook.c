// SPDX-License-Identifier: Apache-2.0
#include "hook.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util/buf.h"
#include "util/clock.h"
#include "util/xalloc.h"

enum { MAX_REQUESTS = 256 };

struct hook {
	const struct hook_step *steps;
	size_t nsteps;
	int fd, port;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct hook_request requests[MAX_REQUESTS];
	size_t count, open;
	bool released;
};

struct visit {
	struct hook *hook;
	int fd;
};

static char *header(const char *head, const char *name)
{
	char *want = xasprintf("\r\n%s:", name);
	const char *at = strcasestr(head, want);
	size_t skip = strlen(want);

	free(want);
	if (!at)
		return NULL;
	at += skip;
	at += strspn(at, " ");
	return xstrndup(at, strcspn(at, "\r"));
}

static bool read_request(int fd, struct buf *raw, struct hook_request *out)
{
	char chunk[4096];
	char *end = NULL;
	size_t want = 0;

	for (;;) {
		end = raw->data ? strstr(raw->data, "\r\n\r\n") : NULL;
		if (end) {
			char *length = header(raw->data, "content-length");
			want = (size_t)(end + 4 - raw->data) + (length ? (size_t)atol(length) : 0);
			free(length);
			if (raw->len >= want)
				break;
		}
		ssize_t n = recv(fd, chunk, sizeof chunk, 0);
		if (n <= 0)
			return false;
		buf_add(raw, chunk, (size_t)n);
	}
	out->body = xstrdup(end + 4);
	end[2] = 0;
	out->id = header(raw->data, "webhook-id");
	out->timestamp = header(raw->data, "webhook-timestamp");
	out->signature = header(raw->data, "webhook-signature");
	out->content_type = header(raw->data, "content-type");
	out->user_agent = header(raw->data, "user-agent");
	return true;
}

static void *serve(void *arg)
{
	struct visit *v = arg;
	struct hook *h = v->hook;
	struct hook_request req = {0};
	struct buf raw = BUF_INIT, out = BUF_INIT;
	int fd = v->fd;

	free(v);
	if (read_request(fd, &raw, &req)) {
		pthread_mutex_lock(&h->lock);
		size_t i = h->count < MAX_REQUESTS ? h->count++ : MAX_REQUESTS - 1;
		h->requests[i] = req;
		const struct hook_step *step = &h->steps[i < h->nsteps ? i : h->nsteps - 1];
		pthread_cond_broadcast(&h->changed);
		while (step->hold && !h->released)
			pthread_cond_wait(&h->changed, &h->lock);
		pthread_mutex_unlock(&h->lock);
		if (step->status) {
			const char *body = step->body ? step->body : "";
			buf_addf(&out,
				 "HTTP/1.1 %d X\r\nConnection: close\r\nContent-Length: %zu\r\n%s\r\n%s",
				 step->status, strlen(body), step->head ? step->head : "", body);
			send(fd, out.data, out.len, MSG_NOSIGNAL);
		}
	}
	close(fd);
	buf_release(&raw);
	buf_release(&out);
	pthread_mutex_lock(&h->lock);
	h->open--;
	pthread_cond_broadcast(&h->changed);
	pthread_mutex_unlock(&h->lock);
	return NULL;
}

static void *listen_loop(void *arg)
{
	struct hook *h = arg;

	for (;;) {
		int fd = accept(h->fd, NULL, NULL);
		pthread_t t;
		if (fd < 0)
			return NULL;
		struct visit *v = xmalloc(sizeof *v);
		*v = (struct visit){h, fd};
		pthread_mutex_lock(&h->lock);
		h->open++;
		pthread_mutex_unlock(&h->lock);
		pthread_create(&t, NULL, serve, v);
		pthread_detach(t);
	}
}

struct hook *hook_start(const struct hook_step *steps, size_t n)
{
	struct hook *h = xcalloc(1, sizeof *h);
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof addr;

	h->steps = steps;
	h->nsteps = n;
	pthread_mutex_init(&h->lock, NULL);
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&h->changed, &attr);
	h->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(h->fd, (struct sockaddr *)&addr, len) < 0 || listen(h->fd, 64) < 0 ||
	    getsockname(h->fd, (struct sockaddr *)&addr, &len) < 0)
		abort();
	h->port = ntohs(addr.sin_port);
	pthread_create(&h->thread, NULL, listen_loop, h);
	return h;
}

char *hook_url(const struct hook *h)
{
	return xasprintf("http://127.0.0.1:%d/hook", h->port);
}

void hook_release(struct hook *h)
{
	pthread_mutex_lock(&h->lock);
	h->released = true;
	pthread_cond_broadcast(&h->changed);
	pthread_mutex_unlock(&h->lock);
}

size_t hook_count(struct hook *h)
{
	pthread_mutex_lock(&h->lock);
	size_t n = h->count;
	pthread_mutex_unlock(&h->lock);
	return n;
}

bool hook_wait(struct hook *h, size_t n)
{
	struct mono_time t = mono_after_ms(10000);
	struct timespec until = {t.ns / 1000000000, t.ns % 1000000000};
	int rc = 0;

	pthread_mutex_lock(&h->lock);
	while (h->count < n && !rc)
		rc = pthread_cond_timedwait(&h->changed, &h->lock, &until);
	bool there = h->count >= n;
	pthread_mutex_unlock(&h->lock);
	return there;
}

const struct hook_request *hook_request(struct hook *h, size_t i)
{
	return &h->requests[i];
}

void hook_stop(struct hook *h)
{
	hook_release(h);
	shutdown(h->fd, SHUT_RDWR);
	pthread_join(h->thread, NULL);
	close(h->fd);
	pthread_mutex_lock(&h->lock);
	while (h->open)
		pthread_cond_wait(&h->changed, &h->lock);
	pthread_mutex_unlock(&h->lock);
	for (size_t i = 0; i < h->count; i++) {
		struct hook_request *r = &h->requests[i];
		free(r->id);
		free(r->timestamp);
		free(r->signature);
		free(r->content_type);
		free(r->user_agent);
		free(r->body);
	}
	free(h);
}
