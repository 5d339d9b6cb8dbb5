// SPDX-License-Identifier: Apache-2.0
// A registry client against a small server that answers by a script.
#ifndef TESTS_SCHEMA_REGISTRY_HELP_H
#define TESTS_SCHEMA_REGISTRY_HELP_H
#include "../http/fake_server.h"
#include "schema/registry.h"

// What is answered: the first rule that fits the path and has requests left.
struct reply {
	const char *path; // with its query; a method may stand before it
	int times;        // 0: for ever
	int status;
	const char *body;
	const char *headers;
	int64_t delay_ms;
	bool hang_up;
};

struct script {
	struct reply *replies;
	size_t n;
	pthread_mutex_t lock;
	char log[4096]; // "METHOD path\n"
	char last_body[1024], last_headers[1024];
};

struct bench {
	struct script script;
	struct fake_server *server;
	struct registry *registry;
};

void answer_by_script(void *script, const struct fake_request *q, struct fake_answer *a);
void start_with(struct bench *b, struct reply *replies, size_t n, struct registry_conf conf);
void finish(struct bench *b);
// These ask until the answer is there; a deadline bounds a failing test.
enum registry_answer settled(struct bench *b, int32_t id, const struct registry_schema **out);
enum subject_answer subject_settled(struct bench *b, int32_t id, const char *subject);
void wait_for_failures(struct bench *b, uint64_t n, struct registry_stats *st);
#define START(b, replies) start_with(&(b), replies, ARRAY_LEN(replies), (struct registry_conf){0})
#endif
