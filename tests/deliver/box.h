// SPDX-License-Identifier: Apache-2.0
// An outbox in shared memory: it survives the death of a process that delivers from it.
#ifndef KD_TESTS_DELIVER_BOX_H
#define KD_TESTS_DELIVER_BOX_H
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "deliver/ports.h"

enum box_state { BOX_OWED, BOX_DONE, BOX_DEAD };

struct box_entry {
	char id[64], receiver[32], tier[16], body[512], why[512];
	int64_t created, due;
	unsigned attempts;
	enum box_state state;
};

struct box {
	pthread_mutex_t lock;
	struct box_entry entries[32];
	size_t n;
	atomic_int due_calls, attempt_calls, calls;
	atomic_bool leading, fence_attempts, fence_done, die_in_done;
	atomic_int leading_calls;
};

struct box *box_new(void); // leading
void box_free(struct box *b);
void box_put(struct box *b, const char *id, const char *receiver, const char *tier, const char *body);
struct box_entry box_get(struct box *b, const char *id);
bool box_wait(struct box *b, const char *id, enum box_state state); // false after 10 s
struct deliver_port box_port(struct box *b);
bool box_leading(void *box);
#endif
