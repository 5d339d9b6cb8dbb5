// SPDX-License-Identifier: Apache-2.0
#include "registry_help.h"

#include <criterion/criterion.h>

void answer_by_script(void *ctx, const struct fake_request *q, struct fake_answer *a)
{
	struct script *s = ctx;
	char line[600];

	snprintf(line, sizeof line, "%s %s", q->method, q->path);
	pthread_mutex_lock(&s->lock);
	snprintf(s->log + strlen(s->log), sizeof s->log - strlen(s->log), "%s\n", line);
	snprintf(s->last_body, sizeof s->last_body, "%s", q->body);
	snprintf(s->last_headers, sizeof s->last_headers, "%s", q->headers);
	a->status = 404;
	for (size_t i = 0; i < s->n; i++) {
		struct reply *r = &s->replies[i];

		if (r->times < 0 || (strcmp(r->path, line) != 0 && strcmp(r->path, q->path) != 0))
			continue;
		if (r->times && !--r->times)
			r->times = -1;
		a->status = r->status;
		a->headers = r->headers ? r->headers : "";
		buf_adds(&a->body, r->body ? r->body : "");
		a->delay_ms = r->delay_ms;
		a->hang_up = r->hang_up;
		break;
	}
	pthread_mutex_unlock(&s->lock);
}

void start_with(struct bench *b, struct reply *replies, size_t n, struct registry_conf conf)
{
	struct error err = ERROR_INIT;

	*b = (struct bench){.script = {.replies = replies, .n = n, .lock = PTHREAD_MUTEX_INITIALIZER}};
	b->server = fake_start(answer_by_script, &b->script);
	char *url = b->server->url;
	if (!conf.nurls) {
		conf.urls = &url;
		conf.nurls = 1;
	}
	if (!conf.timeout_ms)
		conf.timeout_ms = 5000;
	b->registry = registry_new(&conf, &err);
	cr_assert(b->registry != NULL, "%s", err.text);
}

void finish(struct bench *b)
{
	registry_free(b->registry);
	fake_stop(b->server);
}

// Asks until it is not pending; the deadline only bounds a failing test.
enum registry_answer settled(struct bench *b, int32_t id, const struct registry_schema **out)
{
	struct mono_time until = mono_after_ms(15000);
	enum registry_answer a;

	while ((a = registry_schema(b->registry, id, out)) == REGISTRY_PENDING && !mono_passed(until))
		poll(NULL, 0, 2);
	return a;
}

enum subject_answer subject_settled(struct bench *b, int32_t id, const char *subject)
{
	struct mono_time until = mono_after_ms(15000);
	enum subject_answer a;

	while ((a = registry_subject_has(b->registry, id, subject)) == SUBJECT_PENDING && !mono_passed(until))
		poll(NULL, 0, 2);
	return a;
}

void wait_for_failures(struct bench *b, uint64_t n, struct registry_stats *st)
{
	struct mono_time until = mono_after_ms(15000);

	do {
		poll(NULL, 0, 2);
		registry_stats(b->registry, st);
	} while (st->failures < n && !mono_passed(until));
}
