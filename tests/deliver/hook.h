// SPDX-License-Identifier: Apache-2.0
// A receiver on a plain socket: it records what it is sent and answers by a script, the last step of which
// holds for all that follow.
#ifndef KD_TESTS_DELIVER_HOOK_H
#define KD_TESTS_DELIVER_HOOK_H
#include <stdbool.h>
#include <stddef.h>

struct hook_step {
	int status;        // 0: hangs up without an answer
	const char *head;  // further header lines, each with \r\n; may be NULL
	bool hold;         // answers only after hook_release
	const char *body;  // may be NULL
};

struct hook_request {
	char *id, *timestamp, *signature, *content_type, *user_agent, *body; // NULL where there is none
};

struct hook;
struct hook *hook_start(const struct hook_step *steps, size_t n);
char *hook_url(const struct hook *h);             // the caller frees
void hook_release(struct hook *h);
size_t hook_count(struct hook *h);                // complete requests so far
bool hook_wait(struct hook *h, size_t n);         // until there were n; false after 10 s
const struct hook_request *hook_request(struct hook *h, size_t i);
void hook_stop(struct hook *h);
#endif
