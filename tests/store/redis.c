// SPDX-License-Identifier: Apache-2.0
#include "redis.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "util/buf.h"
#include "util/clock.h"

static int free_port(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof a;

	if (bind(fd, (struct sockaddr *)&a, n) || getsockname(fd, (struct sockaddr *)&a, &n))
		abort();
	close(fd);
	return ntohs(a.sin_port);
}

char *test_redis_cli(const struct test_redis *r, const char *command)
{
	char line[600];
	struct buf b = BUF_INIT;

	snprintf(line, sizeof line, "redis-cli -h 127.0.0.1 -p %d %s 2>&1", r->port, command);
	FILE *f = popen(line, "r");
	char chunk[256];
	while (f && fgets(chunk, sizeof chunk, f))
		buf_adds(&b, chunk);
	if (f)
		pclose(f);
	while (b.len && b.data[b.len - 1] == '\n')
		b.data[--b.len] = 0;
	return buf_steal(&b);
}

void test_redis_start(struct test_redis *r)
{
	if (!r->port) {
		r->port = free_port();
		snprintf(r->dir, sizeof r->dir, "/tmp/kdrift-redis-XXXXXX");
		if (!mkdtemp(r->dir))
			abort();
		snprintf(r->url, sizeof r->url, "redis://127.0.0.1:%d/0", r->port);
	}
	r->pid = fork();
	if (!r->pid) {
		char port[8];
		snprintf(port, sizeof port, "%d", r->port);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (!freopen("/dev/null", "w", stdout))
			_exit(126);
		execlp("redis-server", "redis-server", "--port", port, "--bind", "127.0.0.1", "--dir", r->dir, "--save", "",
		       "--appendonly", "yes", "--appendfsync", "always", NULL);
		_exit(127);
	}
	struct mono_time deadline = mono_after_ms(10000);
	for (bool up = false; !up && !mono_passed(deadline);) {
		char *pong = test_redis_cli(r, "ping");
		up = !strcmp(pong, "PONG");
		free(pong);
		if (!up)
			nanosleep(&(struct timespec){0, 20000000}, NULL);
	}
}

void test_redis_kill(struct test_redis *r)
{
	kill(r->pid, SIGKILL);
	waitpid(r->pid, NULL, 0);
}

void test_redis_stop(struct test_redis *r)
{
	char line[128];

	test_redis_kill(r);
	snprintf(line, sizeof line, "rm -rf %s", r->dir);
	if (system(line))
		fprintf(stderr, "could not remove %s\n", r->dir);
}
