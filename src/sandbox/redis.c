// SPDX-License-Identifier: Apache-2.0
#include "sandbox/redis.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/xalloc.h"

enum { START_MS = 10000, TRIES = 3 };

struct redis_server {
	pid_t pid;
	int port;
	char url[64];
};

static struct sockaddr_in loopback(int port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
				    .sin_port = htons((uint16_t)port),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int free_port(void)
{
	struct sockaddr_in a = loopback(0);
	socklen_t len = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), port = -1;

	if (fd < 0)
		return -1;
	if (!bind(fd, (struct sockaddr *)&a, sizeof a) && !getsockname(fd, (struct sockaddr *)&a, &len))
		port = ntohs(a.sin_port);
	close(fd);
	return port;
}

static bool answers(int port)
{
	struct sockaddr_in a = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char reply[8] = "";
	bool ok = false;

	if (fd < 0)
		return false;
	if (!connect(fd, (struct sockaddr *)&a, sizeof a) && send(fd, "PING\r\n", 6, MSG_NOSIGNAL) == 6) {
		struct pollfd p = {fd, POLLIN, 0};
		ok = poll(&p, 1, 1000) == 1 && recv(fd, reply, 7, 0) == 7 && !memcmp(reply, "+PONG\r\n", 7);
	}
	close(fd);
	return ok;
}

static void child(const char *dir, int port, pid_t parent)
{
	char number[16];
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	// Ctrl-C in the terminal is for kdrift, which drains into this server and then stops it.
	setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	int log = chdir(dir) ? -1 : open("redis.log", O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (log < 0)
		_exit(127);
	dup2(log, 1);
	dup2(log, 2);
	snprintf(number, sizeof number, "%d", port);
	// No rewriting of the log: that is a child of its own, which outlives the server and writes on after it.
	execlp("redis-server", "redis-server", "--port", number, "--bind", "127.0.0.1", "--dir", ".",
	       "--save", "", "--appendonly", "yes", "--appendfsync", "everysec", "--auto-aof-rewrite-percentage", "0",
	       "--maxmemory-policy", "noeviction", "--daemonize", "no", (char *)NULL);
	_exit(errno == ENOENT ? 126 : 127);
}

// 0 once it answers; 1 where another port might do.
static int try_start(struct redis_server *r, const char *dir, struct error *err)
{
	pid_t parent = getpid();
	int status;

	r->port = free_port();
	if (r->port < 0)
		return error_set(err, "redis-server: no free port on loopback: %s", strerror(errno));
	r->pid = fork();
	if (r->pid < 0)
		return error_set(err, "redis-server: %s", strerror(errno));
	if (!r->pid)
		child(dir, r->port, parent);
	struct mono_time deadline = mono_after_ms(START_MS);
	while (!mono_passed(deadline)) {
		if (waitpid(r->pid, &status, WNOHANG) == r->pid) {
			r->pid = 0;
			if (WIFEXITED(status) && WEXITSTATUS(status) == 126)
				return error_set(err,
						 "redis-server is not installed; install it (Debian: apt-get "
						 "install redis-server)");
			return 1;
		}
		if (answers(r->port))
			return 0;
		poll(NULL, 0, 10);
	}
	return error_set(err, "redis-server did not answer within %d s; see %s/redis.log", START_MS / 1000,
			 dir);
}

struct redis_server *redis_server_start(const char *dir, struct error *err)
{
	struct redis_server *r = xcalloc(1, sizeof *r);
	int rc = 1;

	for (int i = 0; i < TRIES && rc == 1; i++)
		rc = try_start(r, dir, err);
	if (rc) {
		error_set(err, "redis-server does not start; see %s/redis.log", dir);
		redis_server_stop(r);
		return NULL;
	}
	snprintf(r->url, sizeof r->url, "redis://127.0.0.1:%d/0", r->port);
	return r;
}

const char *redis_server_url(const struct redis_server *r)
{
	return r->url;
}

pid_t redis_server_pid(const struct redis_server *r)
{
	return r->pid;
}

void redis_server_stop(struct redis_server *r)
{
	if (!r)
		return;
	if (r->pid > 0) {
		// Its data goes with its directory: nothing is worth a clean shutdown.
		kill(r->pid, SIGKILL);
		while (waitpid(r->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	free(r);
}
