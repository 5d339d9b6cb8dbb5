// SPDX-License-Identifier: Apache-2.0
// One HTTP request over a plain socket, so that the server is not tested through a client that forgives.
#ifndef KD_TESTS_WEB_CLIENT_H
#define KD_TESTS_WEB_CLIENT_H
#include "util/buf.h"

struct answer {
	int status;      // 0: none came
	char *head;      // the status line and the header lines
	char *body;
	struct buf raw;
};

// `head`: further header lines, each ending in \r\n. `address`: the server's, or NULL for 127.0.0.1.
struct answer ask(int port, const char *address, const char *method, const char *path, const char *head,
		  const char *body);
struct answer get(int port, const char *path);
void answer_release(struct answer *a);
#endif
