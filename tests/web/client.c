// SPDX-License-Identifier: Apache-2.0
#include "client.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "util/xalloc.h"

static int dial(int port, const char *address)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	struct timeval limit = {10, 0};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	inet_pton(AF_INET, address ? address : "127.0.0.1", &addr.sin_addr);
	if (connect(fd, (struct sockaddr *)&addr, sizeof addr) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

struct answer ask(int port, const char *address, const char *method, const char *path, const char *head,
		  const char *body)
{
	struct answer a = {0};
	struct buf req = BUF_INIT;
	char chunk[4096];
	int fd = dial(port, address);

	if (fd < 0)
		return a;
	buf_addf(&req, "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n%s", method, path,
		 head ? head : "");
	if (body)
		buf_addf(&req, "Content-Length: %zu\r\n", strlen(body));
	buf_addf(&req, "\r\n%s", body ? body : "");
	for (size_t sent = 0; sent < req.len;) {
		ssize_t n = send(fd, req.data + sent, req.len - sent, MSG_NOSIGNAL);
		if (n <= 0)
			break;
		sent += (size_t)n;
	}
	for (ssize_t n; (n = recv(fd, chunk, sizeof chunk, 0)) > 0;)
		buf_add(&a.raw, chunk, (size_t)n);
	close(fd);
	buf_release(&req);
	char *end = a.raw.data ? strstr(a.raw.data, "\r\n\r\n") : NULL;
	if (end && !strncmp(a.raw.data, "HTTP/1.1 ", 9)) {
		a.status = atoi(a.raw.data + 9);
		end[2] = 0;
		a.head = a.raw.data;
		a.body = end + 4;
	}
	return a;
}

struct answer get(int port, const char *path)
{
	return ask(port, NULL, "GET", path, NULL, NULL);
}

void answer_release(struct answer *a)
{
	buf_release(&a->raw);
}
