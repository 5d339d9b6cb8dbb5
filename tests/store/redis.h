// SPDX-License-Identifier: Apache-2.0
// A private redis-server on a free loopback port in a temporary folder; dies with the test.
#ifndef KD_TESTS_STORE_REDIS_H
#define KD_TESTS_STORE_REDIS_H
#include <sys/types.h>

struct test_redis {
	pid_t pid;
	int port;
	char dir[64], url[64];
};

void test_redis_start(struct test_redis *r);   // also again after a kill, on the same port and folder
void test_redis_kill(struct test_redis *r);    // SIGKILL
void test_redis_stop(struct test_redis *r);    // and removes the folder
// One command by redis-cli; the caller frees what it printed.
char *test_redis_cli(const struct test_redis *r, const char *command);
#endif
