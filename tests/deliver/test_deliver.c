// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "box.h"
#include "deliver/deliver.h"
#include "deliver/webhook.h"
#include "hook.h"
#include "util/clock.h"
#include "util/json.h"
#include "util/xalloc.h"

#define SECRET "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"
#define BODY   "{\"type\":\"kdrift.alert\",\"data\":{\"summary\":\"\xe2\x82\xac\"}}"

static struct receiver_conf receiver(const char *name, const struct hook *h)
{
	return (struct receiver_conf){.name = (char *)name,
				      .type = (char *)"webhook",
				      .url = hook_url(h),
				      .secret = (char *)SECRET};
}

static struct deliver *start(struct box *b, const struct receiver_conf *r, size_t n)
{
	const struct deliver_port port = box_port(b);

	return deliver_start(r, n, &port, box_leading, b);
}

static bool reaches(atomic_int *counter, int n)
{
	for (struct mono_time until = mono_after_ms(10000); !mono_passed(until); usleep(2000))
		if (*counter >= n)
			return true;
	return false;
}

// The statistics once they count so many attempts; they follow the outbox a moment later.
static struct deliver_stats stats_of(struct deliver *d, uint64_t attempts)
{
	struct deliver_stats s;

	for (struct mono_time until = mono_after_ms(10000); !mono_passed(until); usleep(2000)) {
		deliver_stats(d, 0, &s);
		if (s.delivered + s.retried + s.refused >= attempts)
			break;
	}
	return s;
}

// A message that its receiver refuses for good; returns its entry.
static struct box_entry refused(const struct hook_step *step)
{
	struct hook *h = hook_start(step, 1);
	struct box *b = box_new();
	struct receiver_conf r = receiver("team", h);

	box_put(b, "id-1", "team", "immediate", BODY);
	struct deliver *d = start(b, &r, 1);
	cr_assert(box_wait(b, "id-1", BOX_DEAD), "%s", box_get(b, "id-1").why);
	struct deliver_stats stats = stats_of(d, 1);
	cr_expect(stats.delivered == 0 && stats.retried == 0 && stats.refused == 1);
	cr_assert(reaches(&b->due_calls, b->due_calls + 1));
	deliver_stop(d);
	struct box_entry e = box_get(b, "id-1");
	cr_expect_eq(hook_count(h), 1, "%zu requests", hook_count(h));
	hook_stop(h);
	box_free(b);
	free(r.url);
	return e;
}

Test(deliver, signed_message_on_the_wire)
{
	static const struct hook_step steps[] = {{.status = 204}};
	struct hook *h = hook_start(steps, 1);
	struct box *b = box_new();
	struct receiver_conf r = receiver("team", h);
	struct error err = ERROR_INIT;
	char *signature;

	box_put(b, "4f1c", "team", "immediate", BODY);
	box_put(b, "other", "nobody", "immediate", BODY);
	struct deliver *d = start(b, &r, 1);
	cr_assert(box_wait(b, "4f1c", BOX_DONE));
	const struct hook_request *q = hook_request(h, 0);
	cr_expect_str_eq(q->id, "4f1c");
	cr_expect_str_eq(q->body, BODY);
	cr_expect_str_eq(q->content_type, "application/json");
	cr_expect_str_eq(q->user_agent, "kdrift/" KDRIFT_VERSION);
	int64_t when = atoll(q->timestamp), now = wall_now().ms / 1000;
	cr_expect(when > now - 30 && when <= now, "%s", q->timestamp);
	cr_assert_eq(webhook_sign(SECRET, "4f1c", when, BODY, strlen(BODY), &signature, &err), 0);
	cr_expect_str_eq(q->signature, signature);
	free(signature);
	cr_expect_eq(box_get(b, "4f1c").attempts, 1);
	cr_expect(strstr(box_get(b, "4f1c").why, "204"));
	struct deliver_stats stats = stats_of(d, 1);
	deliver_stop(d);
	cr_expect(stats.delivered == 1 && stats.retried == 0 && stats.refused == 0);
	cr_expect_eq(hook_count(h), 1);
	cr_expect_eq(box_get(b, "other").attempts, 0);
	hook_stop(h);
	box_free(b);
	free(r.url);
}

Test(deliver, every_attempt_bears_the_same_id_and_body)
{
	static const struct hook_step steps[] = {
		{.status = 500}, {.status = 0}, {.status = 429}, {.status = 200}};
	struct hook *h = hook_start(steps, 4);
	struct box *b = box_new();
	struct receiver_conf r = receiver("team", h);

	box_put(b, "id-1", "team", "immediate", BODY);
	struct deliver *d = start(b, &r, 1);
	cr_assert(box_wait(b, "id-1", BOX_DONE), "%s", box_get(b, "id-1").why);
	struct deliver_stats stats = stats_of(d, 4);
	deliver_stop(d);
	cr_expect_eq(hook_count(h), 4);
	for (size_t i = 0; i < 4; i++) {
		cr_expect_str_eq(hook_request(h, i)->id, "id-1");
		cr_expect_str_eq(hook_request(h, i)->body, BODY);
	}
	cr_expect_eq(box_get(b, "id-1").attempts, 4);
	cr_expect(stats.delivered == 1 && stats.retried == 3 && stats.refused == 0);
	hook_stop(h);
	box_free(b);
	free(r.url);
}

Test(deliver, final_refusals_are_dead_at_once)
{
	static const struct {
		struct hook_step step;
		const char *why;
	} cases[] = {
		{{.status = 410}, "disabled"},
		{{.status = 400}, "answered 400"},
		{{.status = 302, .head = "Location: http://127.0.0.1:1/elsewhere\r\n"},
		 "redirects are not followed"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct box_entry e = refused(&cases[i].step);
		cr_expect_eq(e.attempts, 1);
		cr_expect(strstr(e.why, cases[i].why), "%s", e.why);
	}
}

Test(deliver, a_daily_message_waits_by_the_list_and_retry_after)
{
	static const struct {
		struct hook_step step;
		int64_t least, most;
	} cases[] = {
		{{.status = 503}, 5000, 5000},
		{{.status = 0}, 5000, 5000},
		{{.status = 429, .head = "Retry-After: 120\r\n"}, 120000, 120000},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct hook *h = hook_start(&cases[i].step, 1);
		struct box *b = box_new();
		struct receiver_conf r = receiver("team", h);
		int64_t before = wall_now().ms;
		box_put(b, "id-1", "team", "daily", BODY);
		struct deliver *d = start(b, &r, 1);
		cr_assert(hook_wait(h, 1));
		cr_assert(reaches(&b->calls, 3)); // due, attempt, retry
		int64_t after = wall_now().ms;
		deliver_stop(d);
		struct box_entry e = box_get(b, "id-1");
		cr_expect_eq(e.state, BOX_OWED);
		cr_expect(e.due >= before + cases[i].least && e.due <= after + cases[i].most,
			  "case %zu: %" PRId64, i, e.due - before);
		cr_expect_eq(hook_count(h), 1);
		hook_stop(h);
		box_free(b);
		free(r.url);
	}
}

static const char *page_body(const char *id, const char *status)
{
	static char body[200];

	snprintf(body, sizeof body, "{\"type\":\"kdrift.alert\",\"data\":{\"id\":\"%s\",\"status\":\"%s\"}}", id, status);
	return body;
}

// Else the receiver would open for good what is over. Other pages do not wait.
Test(deliver, a_pages_end_waits_for_its_beginning)
{
	static const struct hook_step steps[] = {{.status = 503, .head = "Retry-After: 2\r\n"}, {.status = 200}};
	static const char *const order[] = {"id-1", "id-3", "id-1", "id-2"};
	struct hook *h = hook_start(steps, 2);
	struct box *b = box_new();
	struct receiver_conf r = receiver("team", h);

	box_put(b, "id-1", "team", "immediate", page_body("page_a", "firing"));
	struct deliver *d = start(b, &r, 1);
	stats_of(d, 1);
	box_put(b, "id-2", "team", "immediate", page_body("page_a", "resolved"));
	box_put(b, "id-3", "team", "immediate", page_body("page_b", "resolved"));
	deliver_wake(d);
	cr_assert(box_wait(b, "id-2", BOX_DONE));
	cr_assert(box_wait(b, "id-1", BOX_DONE));
	deliver_stop(d);
	cr_assert_eq(hook_count(h), 4);
	for (size_t i = 0; i < 4; i++)
		cr_expect_str_eq(hook_request(h, i)->id, order[i], "%zu: %s", i, hook_request(h, i)->id);
	cr_expect_eq(box_get(b, "id-2").attempts, 1, "waiting is no attempt");
	hook_stop(h);
	box_free(b);
	free(r.url);
}

Test(deliver, nobody_listens)
{
	static const struct hook_step steps[] = {{.status = 200}};
	struct hook *h = hook_start(steps, 1);
	struct box *b = box_new();
	struct receiver_conf r = receiver("team", h);

	hook_stop(h); // the port is free now
	box_put(b, "id-1", "team", "daily", BODY);
	struct deliver *d = start(b, &r, 1);
	cr_assert(reaches(&b->calls, 3));
	deliver_stop(d);
	cr_expect(strstr(box_get(b, "id-1").why, "no answer: "), "%s", box_get(b, "id-1").why);
	cr_expect_null(strstr(box_get(b, "id-1").why, "/hook"), "the path may be a secret");
	box_free(b);
	free(r.url);
}

Test(deliver, a_slow_receiver_delays_no_other)
{
	static const struct hook_step slow_steps[] = {{.status = 200, .hold = true}},
				      quick_steps[] = {{.status = 200}};
	struct hook *slow = hook_start(slow_steps, 1), *quick = hook_start(quick_steps, 1);
	struct box *b = box_new();
	struct receiver_conf r[] = {receiver("slow", slow), receiver("quick", quick)};

	box_put(b, "s", "slow", "immediate", BODY);
	struct deliver *d = start(b, r, 2);
	cr_assert(hook_wait(slow, 1));
	for (int i = 0; i < 20; i++) {
		char id[8];
		snprintf(id, sizeof id, "q%d", i);
		box_put(b, id, "quick", "immediate", BODY);
	}
	deliver_wake(d);
	cr_assert(box_wait(b, "q19", BOX_DONE));
	cr_expect_eq(box_get(b, "s").state, BOX_OWED);
	hook_release(slow);
	cr_assert(box_wait(b, "s", BOX_DONE));
	deliver_stop(d);
	cr_expect_eq(hook_count(slow), 1);
	cr_expect_eq(hook_count(quick), 20);
	hook_stop(slow);
	hook_stop(quick);
	box_free(b);
	free(r[0].url);
	free(r[1].url);
}

// The receiver said 200, the process died before it could write that down.
Test(deliver, a_crash_before_done_repeats_the_same_id)
{
	static const struct hook_step steps[] = {{.status = 200}};
	struct box *b = box_new();
	int status, url[2];

	box_put(b, "id-1", "team", "immediate", BODY);
	b->die_in_done = true;
	cr_assert_eq(pipe(url), 0);
	pid_t pid = fork(); // before there is another thread, which could hold a lock at this moment
	if (!pid) {
		char text[64];
		struct receiver_conf its = {.name = (char *)"team", .type = (char *)"webhook", .url = text,
					    .secret = (char *)SECRET};
		if (read(url[0], text, sizeof text) <= 0)
			_exit(1);
		start(b, &its, 1);
		for (;;)
			pause();
	}
	struct hook *h = hook_start(steps, 1);
	struct receiver_conf r = receiver("team", h);
	cr_assert(write(url[1], r.url, strlen(r.url) + 1) > 0);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 9);
	cr_assert_eq(box_get(b, "id-1").state, BOX_OWED);
	cr_assert_eq(box_get(b, "id-1").attempts, 1);

	b->die_in_done = false;
	struct deliver *d = start(b, &r, 1);
	cr_assert(box_wait(b, "id-1", BOX_DONE));
	deliver_stop(d);
	cr_expect_eq(hook_count(h), 2);
	cr_expect_str_eq(hook_request(h, 0)->id, "id-1");
	cr_expect_str_eq(hook_request(h, 1)->id, "id-1");
	cr_expect_str_eq(hook_request(h, 1)->body, hook_request(h, 0)->body);
	cr_expect_eq(box_get(b, "id-1").attempts, 2);
	hook_stop(h);
	box_free(b);
	close(url[0]);
	close(url[1]);
	free(r.url);
}

Test(deliver, who_does_not_lead_sends_nothing)
{
	static const struct hook_step steps[] = {{.status = 200}};
	struct hook *h = hook_start(steps, 1);
	struct box *b = box_new();
	struct receiver_conf r = receiver("team", h);

	b->leading = false;
	box_put(b, "id-1", "team", "immediate", BODY);
	struct deliver *d = start(b, &r, 1);
	for (int i = 1; i <= 3; i++) {
		deliver_wake(d);
		cr_assert(reaches(&b->leading_calls, i));
	}
	cr_expect_eq(b->calls, 0);
	cr_expect_eq(hook_count(h), 0);
	b->leading = true;
	deliver_wake(d);
	cr_assert(box_wait(b, "id-1", BOX_DONE));
	deliver_stop(d);
	hook_stop(h);
	box_free(b);
	free(r.url);
}

// The lease went to another between `due` and `attempt`: what cannot be counted is not sent.
Test(deliver, a_fenced_attempt_is_not_sent)
{
	static const struct hook_step steps[] = {{.status = 200}};
	struct hook *h = hook_start(steps, 1);
	struct box *b = box_new();
	struct receiver_conf r = receiver("team", h);

	b->fence_attempts = true;
	box_put(b, "id-1", "team", "immediate", BODY);
	box_put(b, "id-2", "team", "immediate", BODY);
	struct deliver *d = start(b, &r, 1);
	cr_assert(reaches(&b->attempt_calls, 1));
	cr_assert(reaches(&b->due_calls, 2));
	cr_assert(reaches(&b->attempt_calls, 2));
	cr_assert(reaches(&b->due_calls, 3));
	cr_expect_leq(b->attempt_calls, b->due_calls, "the round did not end at the first -1");
	cr_expect_eq(hook_count(h), 0);
	deliver_stop(d);
	hook_stop(h);
	box_free(b);
	free(r.url);
}

Test(deliver, an_outcome_that_cannot_be_written_is_repeated)
{
	static const struct hook_step steps[] = {{.status = 200}};
	struct hook *h = hook_start(steps, 1);
	struct box *b = box_new();
	struct receiver_conf r = receiver("team", h);

	b->fence_done = true;
	box_put(b, "id-1", "team", "immediate", BODY);
	struct deliver *d = start(b, &r, 1);
	cr_assert(hook_wait(h, 2));
	b->fence_done = false;
	cr_assert(box_wait(b, "id-1", BOX_DONE));
	deliver_stop(d);
	for (size_t i = 0; i < hook_count(h); i++)
		cr_expect_str_eq(hook_request(h, i)->id, "id-1");
	hook_stop(h);
	box_free(b);
	free(r.url);
}

// Without the wake it would take the rest of the poll, a second; the best of three, against a busy machine.
Test(deliver, wake)
{
	static const struct hook_step steps[] = {{.status = 200}};
	struct hook *h = hook_start(steps, 1);
	struct box *b = box_new();
	struct receiver_conf r = receiver("team", h);
	int64_t best = INT64_MAX;

	struct deliver *d = start(b, &r, 1);
	for (int i = 0; i < 3; i++) {
		char id[8];
		int seen = b->due_calls;
		cr_assert(reaches(&b->due_calls, seen + 1));
		usleep(20000);
		snprintf(id, sizeof id, "id-%d", i);
		struct mono_time began = mono_now();
		box_put(b, id, "team", "immediate", BODY);
		deliver_wake(d);
		cr_assert(box_wait(b, id, BOX_DONE));
		if (mono_ms_since(began) < best)
			best = mono_ms_since(began);
	}
	cr_expect_lt(best, 500, "%" PRId64 " ms", best);
	deliver_stop(d);
	hook_stop(h);
	box_free(b);
	free(r.url);
}

Test(deliver, stop_lets_an_attempt_end)
{
	static const struct hook_step steps[] = {{.status = 200, .hold = true}};
	struct hook *h = hook_start(steps, 1);
	struct box *b = box_new();
	struct receiver_conf r = receiver("team", h);

	box_put(b, "id-1", "team", "immediate", BODY);
	box_put(b, "id-2", "team", "immediate", BODY);
	struct deliver *d = start(b, &r, 1);
	cr_assert(hook_wait(h, 1));
	pthread_t t;
	pthread_create(&t, NULL, (void *(*)(void *))(void *)deliver_stop, d);
	usleep(50000);
	hook_release(h);
	pthread_join(t, NULL);
	cr_expect_eq(box_get(b, "id-1").state, BOX_DONE);
	cr_expect_eq(box_get(b, "id-2").attempts, 0);
	hook_stop(h);
	box_free(b);
	free(r.url);
}

// An attempt that never ends holds up no shutdown, and writes nothing after it.
Test(deliver, stop_is_bounded)
{
	static const struct hook_step steps[] = {{.status = 200, .hold = true}};
	struct hook *h = hook_start(steps, 1);
	struct box *b = box_new();
	struct receiver_conf r = receiver("team", h);

	box_put(b, "id-1", "team", "immediate", BODY);
	struct deliver *d = start(b, &r, 1);
	cr_assert(hook_wait(h, 1));
	struct mono_time began = mono_now();
	deliver_stop(d);
	cr_expect_lt(mono_ms_since(began), 8000);
	int calls = b->calls;
	free(r.url);
	hook_stop(h); // answers 200 and waits until that connection is closed
	usleep(200000);
	cr_expect_eq(b->calls, calls);
	cr_expect_eq(box_get(b, "id-1").state, BOX_OWED);
	cr_expect_eq(box_get(b, "id-1").attempts, 1);
	box_free(b);
}

Test(deliver, an_unusable_receiver_keeps_what_it_is_owed)
{
	static const struct hook_step steps[] = {{.status = 200}};
	struct hook *h = hook_start(steps, 1);
	struct box *b = box_new();
	struct receiver_conf r[] = {receiver("bad-secret", h), receiver("bad-type", h), receiver("good", h)};
	struct deliver_stats stats;

	r[0].secret = (char *)"whsec_???";
	r[1].type = (char *)"pigeon";
	box_put(b, "0", "bad-secret", "immediate", BODY);
	box_put(b, "1", "bad-type", "immediate", BODY);
	box_put(b, "2", "good", "immediate", BODY);
	struct deliver *d = start(b, r, 3);
	cr_assert(box_wait(b, "2", BOX_DONE));
	deliver_stats(d, 0, &stats);
	cr_expect(!stats.delivered && !stats.retried && !stats.refused);
	deliver_stop(d);
	cr_expect_eq(box_get(b, "0").state, BOX_OWED);
	cr_expect_eq(box_get(b, "1").state, BOX_OWED);
	cr_expect_eq(hook_count(h), 1);
	hook_stop(h);
	box_free(b);
	for (size_t i = 0; i < ARRAY_LEN(r); i++)
		free(r[i].url);
}

// --- kdrift test-receiver -----------------------------------------------------------------------------

Test(test_message, accepted)
{
	static const struct hook_step steps[] = {{.status = 202}};
	struct hook *h = hook_start(steps, 1);
	struct receiver_conf r = receiver("team", h);
	struct buf said = BUF_INIT;
	struct error err = ERROR_INIT;

	cr_assert_eq(deliver_test(&r, &said, &err), 0, "%s", err.text);
	cr_expect(strstr(said.data, "receiver team: http://127.0.0.1:"), "%s", said.data);
	cr_expect(strstr(said.data, "accepted the test message"), "%s", said.data);
	cr_expect(strstr(said.data, "answered 202") && strstr(said.data, ", signed"), "%s", said.data);
	cr_expect_null(strstr(said.data, "/hook"));
	const struct hook_request *q = hook_request(h, 0);
	cr_expect(strstr(said.data, q->id));
	cr_expect(q->signature && !strncmp(q->signature, "v1,", 3));
	json_t *body = json_parse(q->body, strlen(q->body), &err);
	cr_assert(body, "%s", err.text);
	cr_expect_str_eq(json_get_str(body, "type", ""), "kdrift.test");
	int64_t when;
	cr_expect_eq(time_parse(json_get_str(body, "timestamp", ""), &when), 0);
	cr_expect_str_eq(json_get_str(json_object_get(body, "data"), "receiver", ""), "team");
	json_decref(body);
	r.secret = NULL;
	buf_clear(&said);
	cr_assert_eq(deliver_test(&r, &said, &err), 0, "%s", err.text);
	cr_expect(strstr(said.data, "NOT signed"), "%s", said.data);
	cr_expect_null(hook_request(h, 1)->signature);
	buf_release(&said);
	hook_stop(h);
	free(r.url);
}

Test(test_message, refused)
{
	static const struct hook_step steps[] = {
		{.status = 400, .body = "bad\x1b[31m key"}, {.status = 410}, {.status = 503}, {.status = 0}};
	static const char *const words[] = {"answered 400; it said: bad [31m key",
					    "410: the endpoint says that it is disabled",
					    "503 (a real message would be tried again)", "no answer: "};
	struct hook *h = hook_start(steps, 4);
	struct receiver_conf r = receiver("team", h);

	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		struct buf said = BUF_INIT;
		struct error err = ERROR_INIT;
		cr_expect_eq(deliver_test(&r, &said, &err), -1);
		cr_expect(strstr(err.text, words[i]), "%s", err.text);
		cr_expect_null(strstr(err.text, SECRET));
		cr_expect_eq(said.len, 0);
		buf_release(&said);
	}
	cr_expect_eq(hook_count(h), 4);
	hook_stop(h);
	free(r.url);
}
