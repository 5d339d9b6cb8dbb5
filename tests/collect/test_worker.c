// SPDX-License-Identifier: Apache-2.0
// A worker's whole loop over brokers and a store that the test plays: each test is a sequence of
// docs/exactly-once.md. The functions of kafka/consumer.h are the played ones.
#include <criterion/criterion.h>
#include <string.h>

#include "world.h"

TestSuite(worker, .init = world_start, .timeout = 60);

// Between the records at these offsets, whose times are 1000 and the offset.
static void expect_hole(int64_t before, int64_t after)
{
	int64_t from = 1000 + before - conf.lateness_ms, to = 1000 + after + conf.lateness_ms + 1;

	cr_assert_eq(redis[0].nclosed, 1);
	cr_expect_eq(redis[0].closed[0].from, from, "from %lld", (long long)redis[0].closed[0].from);
	cr_expect_eq(redis[0].closed[0].to, to, "to %lld", (long long)redis[0].closed[0].to);
	cr_expect_eq(redis[0].open.to, 0);
}

static void read_all(void)
{
	if (kafka.polls == 1)
		world_give(0);
	if (redis[0].next == kafka.log[0].stable && redis[0].idle)
		world_finish();
}

Test(worker, every_record_counts_once_and_the_end_is_stored_as_next)
{
	kafka.log[0].stable = kafka.log[0].end = MANY + 1; // a transaction's marker
	world_live(read_all);
	cr_assert_eq(world_counted(0), MANY);
	cr_assert_eq(redis[0].next, MANY + 1);
	cr_assert_eq(redis[0].co, MANY - 1);
	cr_assert_str_eq(events, "");
	world_live(read_all);
	cr_assert_eq(world_counted(0), MANY, "the check record is read, not counted");
	cr_assert_str_eq(events, "");
}

static void die_while_waiting(void)
{
	if (kafka.polls == 1)
		world_give(0);
	if (redis[0].next == 150) {
		dead = true;
		world_finish();
	}
}

static int64_t since_when;
static bool went_on_waiting;

static void wait_and_go_on(void)
{
	registry_up = kafka.polls > 2 && (!since_when || went_on_waiting);
	went_on_waiting |= since_when && redis[0].waits && redis[0].waiting_since == since_when;
	read_all();
}

Test(worker, one_killed_while_it_waits_for_a_schema_is_no_new_topic)
{
	kafka.log[0].pending = 150; // the messages before and after it come in one batch
	world_live(die_while_waiting);
	cr_assert_eq(world_counted(0), 150);
	cr_assert_gt(redis[0].waiting_since, 0);
	since_when = --redis[0].waiting_since; // told apart from a wait that began anew
	redis[0].waits = 0;
	world_live(wait_and_go_on);
	cr_assert(went_on_waiting, "a restart does not make the wait a shorter one");
	cr_assert_eq(redis[0].waiting_since, 0);
	cr_assert_str_eq(events, "");
	cr_assert_eq(world_counted(0), MANY);
}

Test(worker, a_waiting_partition_goes_on_where_it_stood)
{
	kafka.log[0].pending = 150;
	world_live(wait_and_go_on);
	cr_assert_eq(world_counted(0), MANY);
	cr_assert_eq(claims[0], 1);
}

Test(worker, a_topic_made_anew_is_counted_from_its_start)
{
	world_live(read_all);
	kafka.log[0].generation++;
	kafka.log[0].records = kafka.log[0].stable = kafka.log[0].end = MANY + 50; // what follows is in hand with the check record
	world_live(read_all);
	cr_assert(strstr(events, "topic_recreated"));
	cr_assert_eq(world_counted(0), MANY + MANY + 50);
	expect_hole(MANY - 1, MANY - 1);
}

enum { WIDE = 300, OLD = 60 };

static void read_wide(void)
{
	char path[8];

	for (int i = 0; kafka.polls == 1 && i < WIDE; i++) {
		snprintf(path, sizeof path, "f%03d", i);
		wstream_field(worker->streams, path, FIELD_NUMERIC, false);
	}
	read_all();
}

Test(worker, old_records_that_open_a_pane_each_do_not_crowd_within_a_batch)
{
	conf.pane_ms = 1;
	conf.lateness_ms = 0;
	kafka.log[0].records = kafka.log[0].stable = kafka.log[0].end = OLD;
	world_live(read_wide);
	cr_assert_eq(world_counted(0), OLD);
	cr_expect_geq(most_segments, (1 << 13) / (WIDE + 1), "each of them is a write");
	cr_expect_leq(most_segments, (1 << 13) / (WIDE + 1) + 2, "%zu of %d records in hand", most_segments, OLD);
	cr_assert_eq(claims[0], 1);
	world_live(read_all);
	cr_assert_eq(world_counted(0), OLD, "the check record's sum is of the record that was counted last");
	cr_assert_str_eq(events, "");
}

static void lose_an_answer(void)
{
	if (kafka.polls == 1)
		world_give(0);
	if (kafka.polls == 2)
		answer = STORE_LOST;
	if (kafka.polls > 4)
		read_all();
}

Test(worker, a_write_without_an_answer_is_not_sent_again)
{
	world_live(lose_an_answer);
	cr_assert_eq(world_counted(0), MANY);
	cr_assert_eq(claims[0], 2);
}

static int64_t behind;

static void go_back(void)
{
	if (kafka.polls == 1)
		world_give(0);
	if (redis[0].next == MANY && redis[0].idle && generation == 1) {
		memcpy(copy, redis, sizeof copy);
		kafka.log[0].records = kafka.log[0].stable = kafka.log[0].end = MANY + 100;
		generation++;
	}
	if (redis[0].next == MANY + 100 && generation == 2) {
		memcpy(redis, copy, sizeof redis);
		generation++;
	}
	if (generation == 3 && redis[0].target > 0)
		behind = redis[0].target;
	if (generation == 3 && redis[0].next == MANY + 100 && redis[0].target < 0)
		world_finish();
}

Test(worker, after_a_rollback_it_catches_up_and_counts_once)
{
	world_live(go_back);
	cr_assert_eq(behind, MANY + 100);
	cr_assert_eq(world_counted(0), MANY + 100);
	cr_assert_eq(claims[0], 3);
}

static void reconnect_by_another_claim(void)
{
	if (kafka.polls == 1)
		world_give(0);
	if (claims[0] == 1 && redis[0].idle && !claims[1] && !kafka.log[1].assigned)
		world_give(1);
	if (claims[0] == 2)
		world_finish();
}

Test(worker, every_claim_of_an_old_connection_is_taken_again)
{
	reconnects = true;
	world_live(reconnect_by_another_claim);
	cr_assert_eq(world_counted(0), MANY);
	cr_assert_eq(claims[1], 1);
}

static void read_both(void)
{
	if (kafka.polls == 1)
		world_give(0);
	if (kafka.polls == 2)
		world_give(1);
	if (redis[0].idle && redis[1].idle)
		world_finish();
}

// The records of partition 1 are older than the stream's first claim in either case.
Test(worker, start_latest_skips_what_was_there_and_nothing_of_a_partition_that_comes_later)
{
	conf.start = START_LATEST;
	kafka.log[1].records = kafka.log[1].stable = kafka.log[1].end = 60;
	kafka.partitions = 2;
	world_live(read_both);
	cr_assert_eq(world_counted(0), 0);
	cr_assert_eq(world_counted(1), 0);
	cr_assert_eq(redis[1].next, 60);
	redis[1] = (struct held){.next = -1, .co = -1, .target = -1};
	told_partitions = 1; // had it come later
	world_live(read_both);
	cr_assert_eq(world_counted(1), 60);
}

Test(worker, what_the_log_no_longer_holds_is_said_and_lost)
{
	kafka.log[0].records = kafka.log[0].stable = kafka.log[0].end = 100;
	world_live(read_all);
	kafka.log[0].records = kafka.log[0].stable = kafka.log[0].end = MANY;
	kafka.log[0].low = 250;
	world_live(read_all);
	cr_assert(strstr(events, "\"gap\""), "%s", events);
	cr_assert_eq(redis[0].lost, 150);
	cr_assert_eq(world_counted(0), 100 + 150);
	expect_hole(99, 250);
}

Test(worker, a_log_cut_short_is_said_and_read_from_its_end)
{
	world_live(read_all);
	kafka.log[0].records = kafka.log[0].stable = kafka.log[0].end = 300;
	world_live(read_all);
	cr_assert(strstr(events, "log_truncated"));
	cr_assert_eq(redis[0].next, 300);
	cr_assert_eq(redis[0].co, -1);
	cr_assert_eq(world_counted(0), MANY);
	cr_expect_eq(redis[0].nclosed, 0);
	cr_expect_eq(redis[0].open.from, 1000 + MANY - 1 - conf.lateness_ms);
	cr_expect_gt(redis[0].open.to, wall_now().ms);
}

Test(worker, an_empty_store_with_an_offset_in_kafka_has_lost_its_state)
{
	kafka.log[0].committed = 77;
	world_live(read_all);
	cr_assert(strstr(events, "state_lost"));
	cr_assert_eq(world_counted(0), MANY, "start: earliest");
}

static void gap_and_die(void)
{
	if (kafka.polls == 1)
		world_give(0);
	if (redis[0].lost) {
		dead = true;
		world_finish();
	}
}

Test(worker, a_hole_outlives_the_worker_that_found_it)
{
	kafka.log[0].records = kafka.log[0].stable = kafka.log[0].end = 100;
	world_live(read_all);
	kafka.log[0].records = kafka.log[0].stable = kafka.log[0].end = MANY;
	kafka.log[0].low = 250;
	world_live(gap_and_die);
	cr_assert_eq(world_counted(0), 100);
	cr_assert_gt(redis[0].open.to, wall_now().ms);
	world_live(read_all);
	cr_assert_eq(redis[0].lost, 150, "found once");
	cr_assert_eq(world_counted(0), 100 + 150);
	expect_hole(99, 250);
}

static void lost_unasked(void)
{
	if (kafka.polls == 1)
		world_give(0);
	if (kafka.polls == 2) { // messages are in hand
		kafka.lost = true;
		world_take(0, true);
	}
	if (kafka.polls == 10)
		world_give(0);
	if (kafka.polls == 20)
		world_finish();
}

Test(worker, what_the_group_took_away_is_neither_written_nor_claimed)
{
	world_live(lost_unasked);
	cr_assert_eq(world_counted(0), 0);
	cr_assert_eq(claims[0], 1);
}

static void slow_claims(void)
{
	if (kafka.polls == 1) {
		world_give(0);
		world_give(1);
	}
	if (claims[0] && claims[1])
		world_finish();
}

Test(worker, a_claim_needs_a_poll_younger_than_the_session)
{
	kafka.session_ms = 20;
	claim_takes_ms = 40;
	world_live(slow_claims);
	cr_assert_gt(kafka.claims_at[1], kafka.claims_at[0]);
}

static void end_before_the_claims(void)
{
	world_give(0);
	world_give(1);
	world_finish();
}

Test(worker, a_process_that_is_to_end_claims_nothing)
{
	world_live(end_before_the_claims);
	cr_assert_eq(claims[0] + claims[1], 0);
}

static void zombie(void)
{
	if (kafka.polls == 1)
		world_give(0);
	if (kafka.polls == 2) // messages are in hand; another process claims
		snprintf(redis[0].nonce, sizeof redis[0].nonce, "another");
	if (kafka.polls == 3) {
		cr_assert_eq(world_counted(0), 0);
		world_take(0, true);
		world_finish();
	}
}

Test(worker, a_fenced_worker_asks_the_group_first)
{
	world_live(zombie);
	cr_assert_str_eq(redis[0].nonce, "another");
	cr_assert_eq(claims[0], 1);
}

static void open_transaction(void)
{
	if (kafka.polls == 1)
		world_give(0);
	if (redis[0].next == MANY && kafka.log[0].records == MANY) {
		cr_assert_not(redis[0].idle, "records that nobody may read yet lie behind");
		cr_assert_eq(redis[0].end, MANY, "lag is to the last stable offset");
		if (redis[0].target < 0) {
			worker->parts[0]->held_since = (struct mono_time){0};
			worker->parts[0]->dirty = true;
		} else {
			kafka.log[0].records = kafka.log[0].stable = MANY + 30;
		}
	}
	if (kafka.log[0].records > MANY)
		read_all();
}

Test(worker, an_open_transaction_is_no_end_and_one_open_for_long_is_unknown)
{
	kafka.log[0].end = MANY + 30;
	world_live(open_transaction);
	cr_assert_eq(world_counted(0), MANY + 30);
	cr_assert_eq(redis[0].target, -1);
}

static void refused(void)
{
	answer = STORE_FAILED;
	if (kafka.polls == 1)
		world_give(0);
	if (kafka.polls > 600)
		world_finish();
}

Test(worker, a_server_that_refuses_is_not_asked_again_at_once)
{
	world_live(refused);
	cr_assert_eq(claims[0], 1);
}
