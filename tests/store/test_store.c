// SPDX-License-Identifier: Apache-2.0
// Each test plays a sequence of docs/exactly-once.md against a real redis-server.
#include <criterion/criterion.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "redis.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/xalloc.h"

static struct test_redis redis;

static void start(void)
{
	test_redis_start(&redis);
}

static void stop(void)
{
	test_redis_stop(&redis);
}

TestSuite(store, .init = start, .fini = stop, .timeout = 60);

static struct store *open_store(void)
{
	struct error err = ERROR_INIT;
	const struct store_conf conf = {.url = redis.url, .prefix = "t", .scope = "c/g", .timeout_ms = 1000, .max_panes = 3};
	struct store *s = store_new(&conf, &err);

	cr_assert(s, "%s", err.text);
	return s;
}

static struct claim take(struct store *s)
{
	struct error err = ERROR_INIT;
	struct claim c;

	cr_assert_eq(store_claim(s, "topic", 0, &c, &err), 0, "%s", err.text);
	return c;
}

static struct stream_mark mark = {.stream = (char *)"s", .max_event = 1000, .max_untimed = 900, .next = -1};
static const int64_t width = 60000;

static enum store_result write_at(struct store *s, const char *nonce, int64_t expected, int64_t next, uint32_t n,
				  const char *bytes, size_t len)
{
	const struct segment_write w = {.stream = "s", .slice = "", .interval = 0, .n = n, .bytes = bytes, .len = len};
	const struct checkpoint c = {.topic = "topic", .nonce = nonce, .expected_next = expected, .next = next,
				     .check_offset = next - 1, .check_ts = 5, .check_crc = 4000000000u, .end = -1, .target = -1,
				     .marks = &mark, .nmarks = 1, .segments = &w, .nsegments = bytes ? 1 : 0};
	int64_t floor = 0;
	struct error err = ERROR_INIT;

	return store_checkpoint(s, &c, &width, &floor, &err);
}

struct seen {
	size_t n;
	char bytes[8][64];
};

static void see(void *arg, const struct interval_view *of, const struct segment_view *v)
{
	struct seen *s = arg;

	cr_assert_eq(of->start, 0);
	cr_assert_str_eq(v->topic, "topic");
	cr_assert_lt(s->n, 8);
	snprintf(s->bytes[s->n++], 64, "%.*s", (int)(v->len < 60 ? v->len : 60), (const char *)v->bytes);
}

static struct seen segments(struct store *s)
{
	struct seen seen = {0};
	struct error err = ERROR_INIT;

	cr_assert_eq(store_segments(s, "s", &(struct interval_view){.start = 0}, 1, see, &seen, &err), 0, "%s", err.text);
	return seen;
}

Test(store, a_checkpoint_moves_the_offset_and_rewrites_its_own_segment)
{
	struct store *s = open_store();
	struct claim c = take(s);

	cr_assert(c.fresh);
	cr_assert_eq(write_at(s, c.nonce, -1, 10, 0, "one", 3), STORE_OK);
	cr_assert_eq(write_at(s, c.nonce, 10, 20, 0, "two", 3), STORE_OK);
	struct seen seen = segments(s);
	cr_assert_eq(seen.n, 1);
	cr_assert_str_eq(seen.bytes[0], "two");
	struct claim again = take(s);
	cr_assert_eq(again.next, 20);
	cr_assert_eq(again.check_offset, 19);
	cr_assert_eq(again.check_crc, 4000000000u);
	cr_assert_eq(again.nmarks, 1);
	cr_assert_eq(again.marks[0].max_event, 1000);
	cr_assert_eq(again.marks[0].max_untimed, 900);
	cr_assert_eq(again.marks[0].next, 20);
	claim_release(&again);
	store_free(s);
}

Test(store, a_topic_keeps_the_number_of_partitions_that_was_told_first)
{
	struct store *s = open_store();
	struct claim held = take(s);
	struct checkpoint c = {.topic = "topic", .nonce = held.nonce, .expected_next = -1, .next = 5, .end = -1, .target = -1,
			       .marks = &mark, .nmarks = 1};
	struct error err = ERROR_INIT;
	int64_t ms, floor;
	int32_t n;

	cr_assert_eq(store_first_seen(s, "s", "topic", &ms, &n, &err), 0, "%s", err.text);
	cr_assert_eq(ms, INT64_MIN);
	cr_assert_eq(n, 0);
	for (int32_t told = 0; told < 6; told += 2) {
		c.partitions = told;
		cr_assert_eq(store_checkpoint(s, &c, &width, &floor, &err), STORE_OK, "%s", err.text);
		c.expected_next = c.next;
	}
	cr_assert_eq(store_first_seen(s, "s", "topic", &ms, &n, &err), 0, "%s", err.text);
	cr_assert_gt(ms, 0);
	cr_assert_eq(n, 2);
	cr_assert_eq(store_first_seen(s, "s", "other", &ms, &n, &err), 0, "%s", err.text);
	cr_assert_eq(n, 0);
	store_free(s);
}

Test(store, a_fenced_claim_changes_nothing)
{
	struct store *a = open_store(), *b = open_store();
	struct claim old = take(a), now;

	cr_assert_eq(write_at(a, old.nonce, -1, 10, 0, "old", 3), STORE_OK);
	now = take(b);
	cr_assert_eq(now.next, 10);
	cr_assert_eq(write_at(a, old.nonce, 10, 20, 0, "zombie", 6), STORE_FENCED);
	cr_assert_eq(write_at(b, now.nonce, 10, 15, 0, "new", 3), STORE_OK);
	struct seen seen = segments(a);
	cr_assert_eq(seen.n, 2, "the old claim's segment stays, the new claim has its own");
	for (size_t i = 0; i < seen.n; i++)
		cr_assert_str_neq(seen.bytes[i], "zombie");
	claim_release(&now);
	claim_release(&old);
	store_free(a);
	store_free(b);
}

Test(store, the_same_checkpoint_twice_is_refused_the_second_time)
{
	struct store *s = open_store();
	struct claim c = take(s);

	cr_assert_eq(write_at(s, c.nonce, -1, 10, 0, "x", 1), STORE_OK);
	cr_assert_eq(write_at(s, c.nonce, -1, 10, 0, "x", 1), STORE_FENCED);
	store_free(s);
}

Test(store, a_restart_is_seen_as_a_new_generation_and_nothing_is_sent_twice)
{
	struct store *s = open_store();
	struct claim c = take(s);

	cr_assert_eq(write_at(s, c.nonce, -1, 10, 0, "x", 1), STORE_OK);
	uint64_t before = store_generation(s);
	test_redis_kill(&redis);
	cr_assert_eq(write_at(s, c.nonce, 10, 20, 0, "y", 1), STORE_LOST);
	test_redis_start(&redis);
	struct mono_time deadline = mono_after_ms(5000);
	struct error err = ERROR_INIT;
	while (store_connect(s, &err) && !mono_passed(deadline))
		error_clear(&err);
	cr_assert_neq(store_generation(s), before);
	struct claim again = take(s);
	cr_assert_eq(again.next, 10);
	claim_release(&again);
	store_free(s);
}

Test(store, a_write_whose_answer_is_lost_may_stand_and_a_claim_tells)
{
	struct store *s = open_store();
	struct claim c = take(s);

	cr_assert_eq(write_at(s, c.nonce, -1, 10, 0, "x", 1), STORE_OK);
	kill(redis.pid, SIGSTOP); // what is sent now is executed when it goes on
	cr_assert_eq(write_at(s, c.nonce, 10, 20, 1, "y", 1), STORE_LOST);
	kill(redis.pid, SIGCONT);
	struct store *other = open_store();
	struct mono_time deadline = mono_after_ms(5000);
	while (segments(other).n < 2 && !mono_passed(deadline))
		;
	for (struct mono_time reconnects = mono_after_ms(300); !mono_passed(reconnects);)
		;
	cr_assert_eq(write_at(s, c.nonce, 20, 30, 2, "z", 1), STORE_LOST, "a checkpoint opens no connection");
	cr_assert_eq(segments(other).n, 2);
	struct error err = ERROR_INIT;
	while (store_connect(s, &err) && !mono_passed(deadline))
		error_clear(&err);
	struct claim again = take(s);
	cr_assert_eq(again.next, 20, "go on from what is stored");
	cr_assert_eq(write_at(s, again.nonce, 20, 30, 0, "z", 1), STORE_OK);
	claim_release(&again);
	store_free(other);
	store_free(s);
}

Test(store, a_flushed_script_cache_costs_nothing)
{
	struct store *s = open_store();
	struct claim c = take(s);

	free(test_redis_cli(&redis, "script flush"));
	cr_assert_eq(write_at(s, c.nonce, -1, 10, 0, "x", 1), STORE_OK);
	cr_assert_eq(segments(s).n, 1);
	store_free(s);
}

Test(store, a_wrong_type_is_refused_before_the_first_write)
{
	struct store *s = open_store();
	struct claim c = take(s);

	free(test_redis_cli(&redis, "set t:seg:s:60000:0 rubbish"));
	cr_assert_eq(write_at(s, c.nonce, -1, 10, 0, "x", 1), STORE_FAILED);
	struct claim again = take(s);
	cr_assert(again.fresh, "the offset must not have moved");
	store_free(s);
}

Test(store, a_counter_that_is_no_number_is_refused_before_the_first_write)
{
	static const char *const harm[] = {"hset t:w:s 0 rubbish", "set t:journal:seq rubbish", "hset t:part:c/g/topic/0 too_old rubbish"};

	for (size_t i = 0; i < ARRAY_LEN(harm); i++) {
		struct store *s = open_store();
		struct claim c = take(s);
		free(test_redis_cli(&redis, harm[i]));
		cr_assert_eq(write_at(s, c.nonce, -1, 10, 0, "x", 1), STORE_FAILED, "%s", harm[i]);
		cr_assert_eq(segments(s).n, 0);
		struct claim again = take(s);
		cr_assert(again.fresh, "the offset must not have moved");
		free(test_redis_cli(&redis, "flushall"));
		store_free(s);
	}
}

Test(store, a_large_checkpoint_goes_in_stages_and_counts_as_a_whole)
{
	struct store *s = open_store();
	struct claim c = take(s);
	size_t len = 5 << 20;
	char *big = xmalloc(len);

	memset(big, 'b', len);
	cr_assert_eq(write_at(s, c.nonce, -1, 10, 0, big, len), STORE_OK);
	struct seen seen = segments(s);
	cr_assert_eq(seen.n, 1);
	cr_assert_eq(seen.bytes[0][0], 'b');
	char *left = test_redis_cli(&redis, "--scan --pattern 't:stage:*'");
	cr_assert_str_eq(left, "");
	free(left);
	free(big);
	store_free(s);
}

Test(store, an_evicting_server_and_a_replica_are_refused)
{
	struct error err = ERROR_INIT;
	struct store *s = open_store();

	free(test_redis_cli(&redis, "config set maxmemory 100mb"));
	free(test_redis_cli(&redis, "config set maxmemory-policy allkeys-lru"));
	cr_assert_eq(store_connect(s, &err), -1);
	cr_assert(strstr(err.text, "evicts"), "%s", err.text);
	store_free(s);
	free(test_redis_cli(&redis, "config set maxmemory-policy noeviction"));
	free(test_redis_cli(&redis, "replicaof 127.0.0.1 1"));
	error_clear(&err);
	s = open_store();
	cr_assert_eq(store_connect(s, &err), -1);
	cr_assert(strstr(err.text, "replica"), "%s", err.text);
	store_free(s);
}

Test(store, tls_and_rubbish_urls_are_refused_with_the_mend)
{
	static const char *const bad[] = {"rediss://h", "http://h", "redis://:99999", "redis://h:0"};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct error err = ERROR_INIT;
		const struct store_conf conf = {.url = bad[i], .prefix = "t"};
		cr_assert_null(store_new(&conf, &err), "%s", bad[i]);
		cr_assert(err.set);
	}
}

static void drop(struct outbox_entry *e)
{
	free(e->id);
	free(e->receiver);
	free(e->tier);
	free(e->body);
	free(e->last_error);
}

Test(store, one_process_leads_and_the_others_writes_are_fenced)
{
	struct store *a = open_store(), *b = open_store();
	struct error err = ERROR_INIT;
	const struct doc doc = {"alert", "k", "{}"};
	const struct outbox_entry out = {(char *)"msg_1", (char *)"team", (char *)"immediate", (char *)"{\"x\":1}", 5, 7, 0,
					 (char *)""};
	const struct judge_commit commit = {&doc, 1, (const char *[]){"{\"at\":9,\"type\":\"t\"}"}, 1, &out, 1};

	cr_assert_eq(store_lease(a, "A", 5000, &err), 1);
	cr_assert_eq(store_lease(b, "B", 5000, &err), 0);
	store_set_lease(a, "A");
	store_set_lease(b, "B");
	cr_assert_eq(store_commit(b, &commit, &err), -1);
	error_clear(&err);
	cr_assert_eq(store_commit(a, &commit, &err), 0, "%s", err.text);
	cr_assert_eq(store_commit(a, &commit, &err), 0, "the same entry again is the same entry: %s", err.text);
	uint64_t waiting, dead;
	cr_assert_eq(store_outbox_count(a, &waiting, &dead, &err), 0);
	cr_assert_eq(waiting, 1);
	struct outbox_entry got[4];
	size_t n;
	cr_assert_eq(store_outbox_due(a, "team", 6, got, 4, &n, &err), 0);
	cr_assert_eq(n, 0, "not due yet");
	cr_assert_eq(store_outbox_due(a, "team", 7, got, 4, &n, &err), 0);
	cr_assert_eq(n, 1);
	cr_assert_str_eq(got[0].body, "{\"x\":1}");
	drop(&got[0]);
	cr_assert_eq(store_outbox_attempt(a, "msg_1", &err), 0);
	cr_assert_eq(store_outbox_retry(a, "msg_1", 50, "500", &err), 0);
	cr_assert_eq(store_outbox_due(a, "team", 50, got, 4, &n, &err), 0);
	cr_assert_eq(n, 1);
	cr_assert_eq(got[0].attempts, 1);
	drop(&got[0]);
	cr_assert_eq(store_outbox_done(b, "msg_1", "", &err), -1, "b does not lead");
	error_clear(&err);
	cr_assert_eq(store_outbox_done(a, "msg_1", "200", &err), 0);
	cr_assert_eq(store_commit(a, &commit, &err), 0);
	cr_assert_eq(store_outbox_count(a, &waiting, &dead, &err), 0);
	cr_assert_eq(waiting, 0, "what was delivered is not owed again under the same id");
	store_free(a);
	store_free(b);
}

static void no_doc(void *arg, const char *key, const char *json)
{
	(void)key;
	(void)json;
	(*(int *)arg)++;
}

Test(store, the_leader_writes_all_or_nothing_over_a_counter_that_is_no_number)
{
	struct store *s = open_store();
	struct error err = ERROR_INIT;
	const struct doc doc = {"alert", "k", "{}"};
	const struct outbox_entry out = {(char *)"msg_1", (char *)"team", (char *)"immediate", (char *)"{}", 5, 7, 0, (char *)""};
	const struct judge_commit owed = {.outbox = &out, .noutbox = 1};
	const struct judge_commit commit = {&doc, 1, (const char *[]){"{\"at\":9,\"type\":\"t\"}"}, 1, NULL, 0};
	uint64_t waiting, dead;
	int n = 0;

	cr_assert_eq(store_lease(s, "A", 5000, &err), 1);
	store_set_lease(s, "A");
	cr_assert_eq(store_commit(s, &owed, &err), 0, "%s", err.text);
	free(test_redis_cli(&redis, "set t:journal:seq rubbish"));
	cr_assert_eq(store_commit(s, &commit, &err), -1);
	error_clear(&err);
	cr_assert_eq(store_docs(s, "alert", no_doc, &n, &err), 0);
	cr_assert_eq(n, 0, "the alert's state must not go ahead of its journal");
	cr_assert_eq(store_outbox_dead(s, "msg_1", "410", &err), -1);
	error_clear(&err);
	cr_assert_eq(store_outbox_count(s, &waiting, &dead, &err), 0);
	cr_assert_eq(waiting, 1, "still owed");
	store_free(s);
}

static void count_entry(void *arg, const char *json)
{
	cr_assert(strstr(json, "\"type\""));
	(*(int *)arg)++;
}

Test(store, the_journal_keeps_entries_by_their_time)
{
	struct store *s = open_store();
	struct error err = ERROR_INIT;
	const char *events[] = {"{\"at\":10,\"type\":\"a\"}", "{\"at\":20,\"type\":\"b\"}", "{\"at\":\"1970-01-01T00:00:00.030Z\",\"type\":\"c\"}"};
	const struct judge_commit commit = {.events = events, .nevents = 3};
	int n = 0;

	cr_assert_eq(store_lease(s, "A", 5000, &err), 1);
	store_set_lease(s, "A");
	cr_assert_eq(store_commit(s, &commit, &err), 0, "%s", err.text);
	cr_assert_eq(store_journal(s, 10, 30, count_entry, &n, &err), 0);
	cr_assert_eq(n, 2, "from is inclusive, to exclusive");
	cr_assert_eq(store_journal(s, 0, 31, count_entry, &n, &err), 0);
	cr_assert_eq(n, 5);
	store_free(s);
}

Test(store, the_floor_takes_the_oldest_intervals_only_past_the_bound)
{
	struct store *s = open_store();
	struct error err = ERROR_INIT;
	struct claim c = take(s);
	struct interval_view *v;
	size_t n;

	for (int i = 0; i < 5; i++) {
		const struct segment_write w = {.stream = "s", .slice = "", .interval = i * width, .bytes = "x", .len = 1};
		const struct checkpoint cp = {.topic = "topic", .nonce = c.nonce, .expected_next = i ? i : -1, .next = i + 1,
					      .marks = &mark, .nmarks = 1, .segments = &w, .nsegments = 1, .end = -1, .target = -1};
		int64_t floor;
		cr_assert_eq(store_checkpoint(s, &cp, &width, &floor, &err), STORE_OK, "%s", err.text);
	}
	cr_assert_eq(store_lease(s, "A", 5000, &err), 1);
	store_set_lease(s, "A");
	cr_assert_eq(store_set_floor(s, "s", 1 * width, &err), 0, "%s", err.text);
	cr_assert_eq(store_intervals(s, "s", INT32_MIN, 10 * width, &v, &n, &err), 0);
	cr_assert_eq(n, 4, "two are too many (bound 3), one of them is below the floor");
	cr_assert_eq(v[0].start, width);
	cr_assert_eq(v[0].writes, 1);
	free(v);
	store_free(s);
}

Test(store, an_absent_table_is_empty_and_a_view_of_nobody_is_too)
{
	struct store *s = open_store();
	struct error err = ERROR_INIT;
	struct stream_view v;
	int n = 0;

	cr_assert_eq(store_docs(s, "page", no_doc, &n, &err), 0);
	cr_assert_eq(n, 0);
	cr_assert_eq(store_view(s, "nobody", &v, &err), 0);
	cr_assert_eq(v.nparts, 0);
	cr_assert_eq(v.first_seen, INT64_MIN);
	cr_assert_eq(v.nholes, 0);
	free(v.parts);
	free(v.holes);
	store_free(s);
}

Test(store, since_when_a_partition_waits_for_a_schema)
{
	struct store *s = open_store();
	struct claim c = take(s), again;
	struct checkpoint cp = {.topic = "topic", .nonce = c.nonce, .expected_next = -1, .next = 1, .marks = &mark, .nmarks = 1,
				.end = -1, .target = -1, .waiting_since = 1700000000123};
	struct error err = ERROR_INIT;
	int64_t floor;

	cr_assert_eq(c.waiting_since, 0);
	for (int i = 0; i < 2; i++) {
		struct stream_view v;
		cr_assert_eq(store_checkpoint(s, &cp, &width, &floor, &err), STORE_OK, "%s", err.text);
		cr_assert_eq(store_view(s, "s", &v, &err), 0, "%s", err.text);
		cr_assert_eq(v.nparts, 1);
		cr_assert_eq(v.parts[0].waiting_since, i ? 0 : 1700000000123);
		free(v.parts[0].topic);
		free(v.parts);
		free(v.holes);
		again = take(s);
		cr_assert_eq(again.waiting_since, i ? 0 : 1700000000123);
		claim_release(&again);
		cp = (struct checkpoint){.topic = "topic", .nonce = again.nonce, .expected_next = 1, .next = 2, .marks = &mark,
					 .nmarks = 1, .end = -1, .target = -1};
	}
	store_free(s);
}

// A checkpoint of the claim with a hole. -> the holes that the judge sees then.
static struct stream_view view_with(struct store *s, const struct claim *c, int64_t expected, struct hole hole, bool closed)
{
	struct stream_mark m = {(char *)"s", 1000, 900, -1, hole, closed, NULL, {LETTERS_GO, 0}};
	const struct segment_write w = {.stream = "s", .slice = "", .interval = expected * width, .bytes = "x", .len = 1};
	const struct checkpoint cp = {.topic = "topic", .nonce = c->nonce, .expected_next = expected, .next = expected + 1,
				      .marks = &m, .nmarks = 1, .segments = &w, .nsegments = 1, .end = -1, .target = -1};
	struct error err = ERROR_INIT;
	struct stream_view v;
	int64_t floor;

	cr_assert_eq(store_checkpoint(s, &cp, &width, &floor, &err), STORE_OK, "%s", err.text);
	cr_assert_eq(store_view(s, "s", &v, &err), 0, "%s", err.text);
	for (size_t i = 0; i < v.nparts; i++)
		free(v.parts[i].topic);
	free(v.parts);
	return v;
}

Test(store, a_hole_is_open_until_it_is_closed_and_goes_below_the_floor)
{
	struct store *s = open_store();
	struct error err = ERROR_INIT;
	struct claim c = take(s), again;
	const struct hole none = {0, 0}, open = {INT64_MIN, 9000000000000000}, closed = {INT64_MIN, width},
			  second = {width + 1, 4 * width};
	struct stream_view v;

	cr_assert_eq(write_at(s, c.nonce, -1, 1, 0, "x", 1), STORE_OK);
	v = view_with(s, &c, 1, open, false);
	cr_assert_eq(v.nholes, 1);
	cr_assert_eq(v.holes[0].from, INT64_MIN);
	cr_assert_eq(v.holes[0].to, open.to);
	free(v.holes);
	again = take(s);
	cr_assert_eq(again.nmarks, 1);
	cr_assert_eq(again.marks[0].hole.from, INT64_MIN);
	cr_assert_eq(again.marks[0].hole.to, open.to);
	v = view_with(s, &again, 2, closed, true);
	cr_assert_eq(v.nholes, 1);
	cr_assert_eq(v.holes[0].from, INT64_MIN);
	cr_assert_eq(v.holes[0].to, width);
	free(v.holes);
	claim_release(&again);
	again = take(s);
	cr_assert_eq(again.marks[0].hole.to, 0, "closed: the claim is free of it");
	v = view_with(s, &again, 3, second, true);
	cr_assert_eq(v.nholes, 2);
	free(v.holes);
	v = view_with(s, &again, 4, none, false);
	cr_assert_eq(v.nholes, 2);
	free(v.holes);
	cr_assert_eq(store_lease(s, "A", 5000, &err), 1);
	store_set_lease(s, "A");
	cr_assert_eq(store_set_floor(s, "s", 2 * width, &err), 0, "%s", err.text);
	v = view_with(s, &again, 5, none, false);
	cr_assert_eq(v.nholes, 1, "the first ends where its intervals end");
	cr_assert_eq(v.holes[0].from, second.from);
	cr_assert_eq(v.holes[0].to, second.to);
	free(v.holes);
	claim_release(&again);
	claim_release(&c);
	store_free(s);
}

// A type's first appearance, in whatever partition, is told once, by the write that counts it.
Test(store, record_types_are_known_from_their_first_count_on)
{
	struct store *s = open_store();
	struct error err = ERROR_INIT;
	const int64_t widths[] = {1000, 1000, 1000, 1000};
	char **names;
	size_t n;

	cr_assert_eq(store_types(s, "p", &names, &n, &err), 0, "%s", err.text);
	cr_assert_eq(n, 0);
	free(names);
	for (int32_t partition = 0; partition < 2; partition++) {
		struct claim c;
		cr_assert_eq(store_claim(s, "topic", partition, &c, &err), 0, "%s", err.text);
		const struct stream_mark marks[] = {{.stream = (char *)"p"},
						    {.stream = (char *)"p/x.B", .born = "{\"type\":\"record_type\"}"},
						    {.stream = (char *)"p/x.A", .born = "{\"type\":\"record_type\"}"},
						    {.stream = (char *)"pq/x.A"}};
		const struct checkpoint cp = {.topic = "topic", .partition = partition, .nonce = c.nonce, .expected_next = -1,
					      .next = 1, .marks = marks, .nmarks = partition ? 4 : 2, .end = -1, .target = -1,
					      .partitions = 2};
		int64_t floors[4];
		cr_assert_eq(store_checkpoint(s, &cp, widths, floors, &err), STORE_OK, "%s", err.text);
		claim_release(&c);
		char *told = test_redis_cli(&redis, "zcard t:journal");
		cr_expect_str_eq(told, partition ? "2" : "1");
		free(told);
	}
	cr_assert_eq(store_types(s, "p", &names, &n, &err), 0, "%s", err.text);
	cr_assert_eq(n, 2);
	cr_expect_str_eq(names[0], "p/x.A");
	cr_expect_str_eq(names[1], "p/x.B");
	free(names[0]);
	free(names[1]);
	free(names);
	store_free(s);
}

Test(store, streams_of_one_checkpoint_do_not_mix)
{
	struct store *s = open_store();
	struct error err = ERROR_INIT;
	struct claim c = take(s);
	const struct stream_mark marks[] = {
		{(char *)"a", 11, 12, -1, {0, 0}, false, NULL, {LETTERS_GO, 0}},
		{(char *)"b", 21, 22, -1, {5, 6}, false, NULL, {LETTERS_RATIO, 1700000000123}},
		{(char *)"c", 31, 32, -1, {7, 9}, true, NULL, {LETTERS_UNDELIVERED, 77}}};
	const int64_t widths[] = {1000, 2000, 3000};
	const struct segment_write w[] = {{.stream = "c", .slice = "", .interval = 3000, .bytes = "x", .len = 1},
					  {.stream = "b", .slice = "", .interval = 2000, .n = 1, .bytes = "x", .len = 1}};
	const struct checkpoint cp = {.topic = "topic", .nonce = c.nonce, .expected_next = -1, .next = 1, .marks = marks, .nmarks = 3,
				      .segments = w, .nsegments = 2, .end = -1, .target = -1, .partitions = 4,
				      .events = (const char *[]){"{\"at\":1,\"type\":\"gap\"}"}, .nevents = 1};
	int64_t floors[3], ms;
	int32_t partitions;

	cr_assert_eq(store_checkpoint(s, &cp, widths, floors, &err), STORE_OK, "%s", err.text);
	for (int64_t i = 0; i < 3; i++) {
		struct stream_view v;
		struct interval_view *iv;
		size_t n;
		cr_assert_eq(store_view(s, marks[i].stream, &v, &err), 0, "%s", err.text);
		cr_assert_eq(v.nparts, 1);
		cr_expect_eq(v.parts[0].max_event, marks[i].max_event);
		cr_expect_eq(v.parts[0].max_untimed, marks[i].max_untimed);
		cr_assert_eq(v.nholes, i > 0);
		cr_expect(!i || (v.holes[0].from == marks[i].hole.from && v.holes[0].to == marks[i].hole.to));
		cr_expect_eq(v.parts[0].letters.why, marks[i].letters.why);
		cr_expect_eq(v.parts[0].letters.since, marks[i].letters.since);
		free(v.parts[0].topic);
		free(v.parts);
		free(v.holes);
		cr_assert_eq(store_intervals(s, marks[i].stream, 0, 10000, &iv, &n, &err), 0, "%s", err.text);
		cr_assert_eq(n, i > 0);
		cr_expect(!i || iv[0].start == widths[i]);
		free(iv);
		cr_assert_eq(store_first_seen(s, marks[i].stream, "topic", &ms, &partitions, &err), 0);
		cr_expect_eq(partitions, 4);
	}
	char *journal = test_redis_cli(&redis, "zcard t:journal");
	cr_expect_str_eq(journal, "1");
	free(journal);
	struct claim again = take(s);
	cr_assert_eq(again.nmarks, 3);
	for (size_t i = 0; i < 3; i++)
		cr_expect_eq(again.marks[i].hole.to, !strcmp(again.marks[i].stream, "b") ? 6 : 0);
	for (size_t i = 0; i < 3; i++)
		for (size_t k = 0; k < 3; k++)
			cr_expect(strcmp(again.marks[i].stream, marks[k].stream) != 0 ||
				  again.marks[i].letters.why == marks[k].letters.why);
	const struct stream_mark went_on = {(char *)"b", 21, 22, -1, {5, 6}, false, NULL, {LETTERS_GO, 0}};
	const struct checkpoint next = {.topic = "topic", .nonce = again.nonce, .expected_next = 1, .next = 2, .marks = &went_on,
					.nmarks = 1, .end = -1, .target = -1};
	cr_assert_eq(store_checkpoint(s, &next, widths, floors, &err), STORE_OK, "%s", err.text);
	claim_release(&again);
	again = take(s);
	for (size_t i = 0; i < again.nmarks; i++)
		cr_expect(strcmp(again.marks[i].stream, "b") != 0 || again.marks[i].letters.why == LETTERS_GO, "a stop ends");
	claim_release(&again);
	claim_release(&c);
	store_free(s);
}

static enum store_result write_states(struct store *s, const char *nonce, int64_t expected, int64_t next,
				      const struct state_write *w, size_t n)
{
	const struct checkpoint c = {.topic = "topic", .nonce = nonce, .expected_next = expected, .next = next, .end = -1,
				     .target = -1, .marks = &mark, .nmarks = 1, .states = w, .nstates = n,
				     .events = (const char *[]){"{\"at\":1,\"type\":\"gap\"}"}, .nevents = 1};
	int64_t floor;
	struct error err = ERROR_INIT;

	return store_checkpoint(s, &c, &width, &floor, &err);
}

// The state as text, "" where there is none of that name.
static const char *state(const struct claim *c, const char *stream, const char *name)
{
	static char text[64];

	*text = 0;
	for (size_t i = 0; i < c->nstates; i++)
		if (!strcmp(c->states[i].stream, stream) && !strcmp(c->states[i].name, name))
			snprintf(text, sizeof text, "%.*s", (int)c->states[i].len, (const char *)c->states[i].bytes);
	return text;
}

Test(store, a_partitions_state_comes_back_with_its_claim)
{
	struct store *s = open_store();
	struct claim c = take(s);
	const struct state_write first[] = {{"s", "last", STATE_PUT, "one", 3}, {"s", "seen:1", STATE_APPEND, "a\0b", 3},
					    {"s2", "last", STATE_PUT, "other", 5}};
	const struct state_write second[] = {{"s", "seen:1", STATE_APPEND, "c", 1}, {"s", "last", STATE_PUT, "two", 3},
					     {"s", "seen:2", STATE_APPEND, "d", 1}, {"s2", "last", STATE_DROP, NULL, 0}};

	cr_assert_eq(c.nstates, 0);
	cr_assert_eq(write_states(s, c.nonce, -1, 10, first, ARRAY_LEN(first)), STORE_OK);
	cr_assert_eq(write_states(s, c.nonce, 10, 20, second, ARRAY_LEN(second)), STORE_OK);
	struct claim again = take(s);
	cr_assert_eq(again.nstates, 3);
	cr_expect_str_eq(state(&again, "s", "last"), "two");
	cr_expect_str_eq(state(&again, "s", "seen:2"), "d");
	for (size_t i = 0; i < again.nstates; i++)
		if (!strcmp(again.states[i].name, "seen:1"))
			cr_expect(again.states[i].len == 4 && !memcmp(again.states[i].bytes, "a\0bc", 4));
	cr_assert_eq(write_states(s, c.nonce, 20, 30, first, ARRAY_LEN(first)), STORE_FENCED, "by the later claim");
	claim_release(&c);
	struct claim third = take(s);
	cr_expect_str_eq(state(&third, "s", "last"), "two");
	cr_expect_eq(third.nstates, 3);
	claim_release(&again);
	claim_release(&third);
	store_free(s);
}

Test(store, a_state_that_cannot_be_written_stops_the_whole_checkpoint)
{
	struct store *s = open_store();
	struct claim c = take(s);
	const struct state_write w[] = {{"s", "good", STATE_PUT, "x", 1}, {"s", "odd", STATE_APPEND, "x", 1}};

	free(test_redis_cli(&redis, "eval \"return redis.call('hset', 't:state:c/g/topic/0' .. '\\31' .. 's' .. '\\31' .. 'odd', "
				    "'a', 'b')\" 0"));
	cr_assert_eq(write_states(s, c.nonce, -1, 10, w, ARRAY_LEN(w)), STORE_FAILED);
	struct claim again = take(s);
	cr_expect_eq(again.next, -1);
	cr_expect_eq(again.nstates, 0);
	char *journal = test_redis_cli(&redis, "zcard t:journal");
	cr_expect_str_eq(journal, "0");
	free(journal);
	claim_release(&again);
	claim_release(&c);
	store_free(s);
}
