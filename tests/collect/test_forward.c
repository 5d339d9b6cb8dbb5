// SPDX-License-Identifier: Apache-2.0
// Dead letters of a worker in a world that the test plays. None of its records is framed, so each is violating.
#include <criterion/criterion.h>
#include <string.h>

#include "world.h"

static void start(void)
{
	world_start();
	conf.dead_letter_topic = (char *)"dead";
	conf.dead_letter_max_ratio = 1;
	letters = (struct letter_box){.next = TRANSACTION_DONE};
}

TestSuite(forward, .init = start, .timeout = 60);

static void expect_each(int64_t from, int64_t to, int times)
{
	for (int64_t i = from; i < to; i++)
		cr_assert_eq(letters.times[0][i], times, "offset %lld: %d letters", (long long)i, letters.times[0][i]);
}

static void read_all(void)
{
	if (kafka.polls == 1)
		world_give(0);
	if (redis[0].next == kafka.log[0].stable && redis[0].idle)
		world_finish();
}

Test(forward, every_violating_record_has_a_letter_and_the_position_is_told_with_it)
{
	world_live(read_all);
	cr_assert_eq(world_counted(0), MANY);
	expect_each(0, MANY, 1);
	cr_assert_eq(kafka.log[0].committed, MANY);
}

static void die_after_a_transaction(void)
{
	letters.kills = letters.writes == 1;
	read_all();
	if (dead)
		world_finish();
}

Test(forward, a_kill_between_transaction_and_checkpoint_sends_no_letter_twice)
{
	world_live(die_after_a_transaction);
	cr_assert_lt(redis[0].next, kafka.log[0].committed, "the case is made");
	cr_assert_gt(redis[0].next, 0);
	letters.kills = false;
	world_live(read_all);
	cr_assert_eq(world_counted(0), MANY);
	expect_each(0, MANY, 1);
}

static void read_both(void)
{
	if (kafka.polls == 1) {
		world_give(0);
		world_give(1);
	}
	if (redis[0].next == kafka.log[0].stable && redis[1].next == kafka.log[1].stable && redis[0].idle && redis[1].idle)
		world_finish();
}

Test(forward, a_store_that_went_back_sends_none_twice)
{
	kafka.log[0].records = kafka.log[0].stable = kafka.log[0].end = 150;
	world_live(read_all);
	memcpy(copy, redis, sizeof copy);
	kafka.log[0].records = kafka.log[0].stable = kafka.log[0].end = MANY;
	world_live(read_all);
	memcpy(redis, copy, sizeof copy);
	cr_assert_eq(redis[0].next, 150);
	// The other partition's letters go with the offset of this one, which must not go back.
	kafka.log[1].records = kafka.log[1].stable = kafka.log[1].end = MANY;
	world_live(read_both);
	cr_assert_eq(world_counted(0), MANY);
	cr_assert_eq(world_counted(1), MANY);
	expect_each(0, MANY, 1);
	for (int i = 0; i < MANY; i++)
		cr_assert_eq(letters.times[1][i], 1);
}

static int64_t taken_at;

static void take_while_the_topic_is_away(void)
{
	letters.next = TRANSACTION_FAILED;
	if (kafka.polls == 1)
		world_give(0);
	if (kafka.polls == 20) {
		taken_at = worker->nparts ? worker->parts[0]->next : -1;
		world_take(0, false);
		world_finish();
	}
}

Test(forward, what_was_not_sent_is_not_counted_for_good)
{
	world_live(take_while_the_topic_is_away);
	cr_assert_gt(taken_at, 0, "the case is made");
	cr_assert_eq(redis[0].next, 0, "no checkpoint goes ahead of its letters");
	letters.next = TRANSACTION_DONE;
	world_live(read_all);
	cr_assert_eq(world_counted(0), MANY);
	expect_each(0, MANY, 1);
}

static int tried_before;

static void end_while_the_topic_is_away(void)
{
	letters.next = TRANSACTION_FAILED;
	if (kafka.polls == 1)
		world_give(0);
	if (letters.tries == 1) {
		world_nap(1500); // it is time to try again
		tried_before = letters.tries;
		world_finish();
	}
}

Test(forward, a_process_that_is_to_end_does_not_try_again_what_has_failed)
{
	world_live(end_while_the_topic_is_away);
	cr_assert_eq(letters.tries, tried_before);
	cr_assert_eq(redis[0].next, 0, "what was not sent is not counted");
}

static void give_up(void)
{
	letters.next = TRANSACTION_FAILED;
	if (kafka.polls > 10)
		world_nap(20); // until it is given up
	read_all();
}

Test(forward, a_topic_that_cannot_be_written_stops_no_counting, .timeout = 60)
{
	const struct letter_stop *stop_of = &redis[0].letters;

	world_live(give_up);
	cr_assert_eq(world_counted(0), MANY);
	expect_each(0, MANY, 0);
	cr_assert_eq(stop_of->why, LETTERS_UNDELIVERED);
	cr_assert(strstr(events, "dead_letters_suspended") && strstr(events, "the topic is away"), "%s", events);
	letters.next = TRANSACTION_DONE;
	kafka.log[0].records = kafka.log[0].stable = kafka.log[0].end = MANY + 10;
	world_live(read_all);
	expect_each(0, MANY, 0);
	expect_each(MANY, MANY + 10, 1);
	cr_assert_eq(stop_of->why, LETTERS_GO);
	cr_assert(strstr(events, "dead_letters_resumed"), "%s", events);
}

static void no_answer_once(void)
{
	if (letters.writes == 1 && letters.next == TRANSACTION_DONE && !letters.doubts++)
		letters.next = TRANSACTION_UNKNOWN;
	read_all();
}

Test(forward, a_commit_without_an_answer_is_looked_up_by_the_next_claim)
{
	for (int swallowed = 0; swallowed < 2; swallowed++) {
		start();
		letters.swallows = swallowed;
		world_live(no_answer_once);
		cr_assert_eq(letters.doubts > 0, true, "the case is made");
		cr_assert_geq(claims[0], 2);
		cr_assert_eq(world_counted(0), MANY);
		expect_each(0, MANY, 1);
		claims[0] = 0;
	}
}

Test(forward, a_letter_that_is_refused_for_good_keeps_no_other_back)
{
	letters.refuses = 33;
	world_live(read_all);
	cr_assert_eq(world_counted(0), MANY);
	expect_each(0, 33, 1);
	expect_each(33, 34, 0);
	expect_each(34, MANY, 1);
	cr_assert(strstr(events, "dead_letter_refused"), "%s", events);
}

static void die_at_150(void)
{
	read_all();
	if (redis[0].next >= 150) {
		dead = true;
		world_finish();
	}
}

Test(forward, a_stop_past_a_limit_outlives_a_kill)
{
	conf.dead_letter_max_consecutive = 100;
	world_live(die_at_150);
	cr_assert_eq(redis[0].letters.why, LETTERS_CONSECUTIVE);
	cr_assert_eq(redis[0].letters.since, 1100, "the time of the record that it stopped at");
	world_live(read_all);
	cr_assert_eq(world_counted(0), MANY);
	expect_each(0, 100, 1);
	expect_each(100, MANY, 0);
	const char *first = strstr(events, "dead_letters_stopped");
	cr_assert(first && !strstr(first + 1, "dead_letters_stopped"), "it is told once: %s", events);
}

Test(forward, the_letters_of_a_topic_made_anew_are_its_own)
{
	world_live(read_all);
	kafka.log[0].generation = 1;
	kafka.log[0].records = kafka.log[0].stable = kafka.log[0].end = MANY + 50;
	memset(letters.times, 0, sizeof letters.times);
	kafka.log[0].committed_may_fall = true; // Kafka forgets offsets of a topic that is deleted; not counted on
	world_live(read_all);
	cr_assert(strstr(events, "topic_recreated"), "%s", events);
	expect_each(0, MANY + 50, 1);
}
