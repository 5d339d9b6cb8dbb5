// SPDX-License-Identifier: Apache-2.0
// Each race that rolling up can lose, once: who has lost the lease writes nothing, a write that comes between wins, and
// a collector whose segment is gone counts its record elsewhere. World as in test_rollup.c, a real redis-server.
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/adapters.h"
#include "app/store_range.h"
#include "judge/judge.h"
#include "judge/rollup.h"
#include "judge/windows.h"
#include "rollup_world.h"
#include "util/buf.h"
#include "util/xalloc.h"

enum { RECORDS = 120 }; // two an hour and partition, in one minute of it, of 60 hours

static struct store *a, *b; // two judges
static void (*between)(void); // the reading of the sources and the script
static void (*listed)(void);  // between the listing of the sources and their reading

static int reads, reads_first; // so many are let by

static void once(void (**what)(void))
{
	void (*now)(void) = *what;

	*what = NULL;
	if (now)
		now();
}

static int segments_after(void *ctx, const char *stream, const struct interval_view *iv, size_t n,
			  void (*each)(void *arg, const struct interval_view *of, const struct segment_view *v), void *arg,
			  struct error *e)
{
	if (reads++ >= reads_first)
		once(&listed);
	return store_segments(ctx, stream, iv, n, each, arg, e);
}

static int roll_up_after(void *ctx, const char *stream, const struct roll_up *r, struct error *e)
{
	once(&between);
	return store_roll_up(ctx, stream, r, e);
}

static struct store *judge(const char *nonce)
{
	struct store *s = world_store();

	store_set_lease(s, nonce);
	return s;
}

static void begin(void)
{
	world_start();
	a = judge("A");
	b = judge("B");
	cr_assert_eq(store_lease(a, "A", 600000, &failure), 1, "%s", failure.text);
	port = judge_port_of(a);
	port.roll_up = roll_up_after;
	port.segments = segments_after;
	for (int p = 0; p < PARTS; p++) {
		for (int i = 0; i < RECORDS; i++)
			records[p][i] = (struct record){i / 2 * (int64_t)HOUR + 5 * MINUTE + i % 2, "a", i + p * 1000};
		collectors[p].store = world_store();
		collector_claim(&collectors[p]);
	}
}

static void end(void)
{
	for (int p = 0; p < PARTS; p++) {
		collector_drop(&collectors[p]);
		store_free(collectors[p].store);
	}
	store_free(a);
	store_free(b);
	world_stop();
}

TestSuite(rollup_races, .init = begin, .fini = end, .timeout = 120);

// From the start, as the judge of s sees it now. -> as roll_up
static int roll_width(struct store *s, int64_t width, struct error *e)
{
	struct interval_view *iv;
	size_t n;

	cr_assert_eq(port.intervals(s, "s", 0, width, &iv, &n, &failure), 0, "%s", failure.text);
	struct judge_port own = port;
	own.ctx = s;
	int rc = roll_up(&own, "s", 0, width, iv, n, store_generation(s), e);
	free(iv);
	return rc;
}

static int roll(struct store *s, struct error *e)
{
	return roll_width(s, HOUR, e);
}

static void expect_all(void)
{
	struct stored_range all = {0, 4 * (int64_t)DAY, MINUTE};
	struct pane *p;

	cr_assert_eq(judge_merge_range(&port, "s", &all, NULL, NULL, &p, &failure), 0, "%s", failure.text);
	world_expect(p, all.from, all.to, NULL, "all of it");
	pane_free(p);
}

static void expect_digest(const char *want, const char *what)
{
	char *now = world_digest();

	cr_assert(strlen(want) > 40 && strstr(want, " ") == want + 40, "%s", want);
	cr_expect_str_eq(now, want, "%s", what);
	free(now);
}

static void read_and_put(int p, size_t n)
{
	collector_read(&collectors[p], n);
	cr_assert_eq(collector_checkpoint(&collectors[p]), STORE_OK, "%s", fenced_why);
}

static void lease_goes_to_b(void)
{
	cr_assert_eq(store_lease_release(a, "A", &failure), 0);
	cr_assert_eq(store_lease(b, "B", 600000, &failure), 1);
}

static void lease_goes_to_a(void)
{
	cr_assert_eq(store_lease_release(b, "B", &failure), 0);
	cr_assert_eq(store_lease(a, "A", 600000, &failure), 1);
}

Test(rollup_races, who_lost_the_lease_between_reading_and_writing_changes_nothing)
{
	struct error why = ERROR_INIT;

	read_and_put(0, 4);
	read_and_put(1, 4);
	char *before = world_digest();
	between = lease_goes_to_b;
	cr_expect_eq(roll(a, &why), -1);
	cr_expect(strstr(why.text, "another process leads"), "%s", why.text);
	expect_digest(before, "nothing changed");
	char *ttl = test_redis_cli(&redis, "TTL t:stage:A:0");
	cr_expect(atoi(ttl) > 0 && atoi(ttl) <= 600, "what was staged expires: %s", ttl);
	free(ttl);
	expect_all();
	cr_expect_eq(roll(b, &failure), 1, "the new leader does it");
	expect_all();
	cr_expect_eq(world_listed(HOUR), 1);
	free(before);
}

static void b_rolls_up_meanwhile(void)
{
	lease_goes_to_b();
	cr_assert_eq(roll(b, &failure), 1);
	lease_goes_to_a();
}

Test(rollup_races, who_leads_again_after_another_did_it_does_not_do_it_twice)
{
	read_and_put(0, 4);
	read_and_put(1, 4);
	between = b_rolls_up_meanwhile;
	cr_expect_eq(roll(a, &failure), 0, "%s", failure.text);
	cr_expect_eq(world_listed(HOUR), 1);
	cr_expect_eq(world_listed(0), 1, "of the second hour");
	expect_all();
}

Test(rollup_races, what_another_rolled_up_after_it_was_listed_is_left)
{
	read_and_put(0, 2);
	listed = b_rolls_up_meanwhile;
	cr_expect_eq(roll(a, &failure), 0, "%s", failure.text);
	cr_expect_eq(world_listed(HOUR), 1);
	expect_all();
}

// The interval's write counter begins anew, and so is what it was.
static void b_rolls_up_and_a_late_record_comes(void)
{
	b_rolls_up_meanwhile();
	collector_claim(&collectors[0]);
	read_and_put(0, 1);
}

Test(rollup_races, an_interval_that_came_again_is_not_taken_for_the_old_one)
{
	read_and_put(0, 1);
	between = b_rolls_up_and_a_late_record_comes;
	cr_expect_eq(roll(a, &failure), 0, "%s", failure.text);
	cr_expect_eq(world_listed(0), 1);
	expect_all();
	cr_expect_eq(roll(a, &failure), 1, "%s", failure.text);
	expect_all();
}

// A judge that still believes it leads: its pass fails as a whole, whatever it was about to roll up.
Test(rollup_races, a_pass_without_the_lease_rolls_up_nothing)
{
	struct rule few = {.name = (char[]){"few"}, .stream = (char[]){"s"}, .has_below = true, .below = 1, .min_records = 1,
			   .measure = measure_find("records")};
	const struct judge_stream stream = {.name = "s", .topic = "topic", .window_ms = HOUR, .slide_ms = HOUR, .pane_ms = MINUTE,
					    .retention_ms = 30 * (int64_t)DAY, .max_slices = 100};
	const struct judge_conf conf = {.streams = &stream, .nstreams = 1, .rules = &few, .nrules = 1, .clock_is_watermark = true};

	newest_is_mark = true;
	read_and_put(0, RECORDS);
	read_and_put(1, RECORDS);
	struct judge *j = judge_new(&conf, &port);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(judge_tick(j, wall_now(), &failure), 0, "%s", failure.text);
	int64_t done = world_listed(HOUR);
	cr_assert_gt(done, 0);
	cr_assert_lt(done, 10, "there is more to do, or the test shows nothing");
	lease_goes_to_b();
	char *before = world_digest();
	struct error why = ERROR_INIT;
	for (int i = 0; i < 3; i++)
		cr_expect_eq(judge_tick(j, wall_now(), &why), -1);
	cr_expect(strstr(why.text, "another process leads"), "%s", why.text);
	expect_digest(before, "nothing changed");
	lease_goes_to_a();
	cr_assert_eq(judge_tick(j, wall_now(), &failure), 0, "%s", failure.text);
	cr_expect_gt(world_listed(HOUR), done);
	expect_all();
	free(before);
	judge_free(j);
}

static char *written;

static void late_write_to_the_hour(void)
{
	read_and_put(1, 1);
	written = world_digest();
}

static void expect_to_win(void (*write)(void))
{
	read_and_put(0, 2);
	read_and_put(1, 1);
	between = write;
	cr_expect_eq(roll(a, &failure), 0, "%s", failure.text);
	expect_digest(written, "only the write");
	expect_all();
	cr_expect_eq(roll(a, &failure), 1, "%s", failure.text);
	expect_all();
	cr_expect_eq(world_listed(0), 0);
	free(written);
}

Test(rollup_races, a_write_to_the_hour_between_reading_and_writing_wins)
{
	expect_to_win(late_write_to_the_hour);
}

Test(rollup_races, a_write_to_another_hour_hinders_nothing)
{
	read_and_put(0, 2);
	read_and_put(1, 2);
	between = late_write_to_the_hour;
	cr_expect_eq(roll(a, &failure), 1, "%s", failure.text);
	expect_all();
	cr_expect_eq(world_listed(0), 1);
	free(written);
}

// The pane is still open, as of a partition that went silent while the others went on.
Test(rollup_races, a_collector_whose_segment_was_rolled_up_is_fenced_and_counts_the_record_once)
{
	read_and_put(0, 2);
	read_and_put(1, 1);
	cr_assert_eq(roll(a, &failure), 1, "%s", failure.text);
	collector_read(&collectors[1], 1);
	cr_assert_eq(collectors[1].nopen, 1, "the record is of the open pane");
	cr_assert_eq(collector_checkpoint(&collectors[1]), STORE_FENCED);
	cr_expect(strstr(fenced_why, "a segment of it was rolled up"), "%s", fenced_why);
	cr_expect_eq(collectors[1].acked, 1, "it reads from the stored offset again");
	expect_all();
	read_and_put(1, 1);
	cr_expect_eq(world_listed(0), 1, "beside what was rolled up");
	expect_all();
	cr_expect_eq(roll(a, &failure), 1, "%s", failure.text);
	cr_expect_eq(world_listed(0), 0);
	expect_all();
}

// It was killed, or the partition was moved: it never asks whether its segment is there.
static void late_write_of_another_claim(void)
{
	collector_claim(&collectors[1]);
	late_write_to_the_hour();
}

Test(rollup_races, a_new_claims_write_between_reading_and_writing_wins)
{
	expect_to_win(late_write_of_another_claim);
}

static void the_first_day_is_rolled_up(void)
{
	cr_assert_eq(roll_width(a, DAY, &failure), 1, "%s", failure.text);
}

static struct buf saved(const struct store_range *want)
{
	struct baseline *base = store_range_baseline(want, &failure);
	struct buf out = BUF_INIT;
	char path[128];

	cr_assert(base, "%s", failure.text);
	cr_expect_eq(base->total->records, 2 * RECORDS);
	snprintf(path, sizeof path, "%s/baseline.json", redis.dir);
	cr_assert_eq(baseline_save(base, path, &failure), 0, "%s", failure.text);
	cr_assert_geq(buf_read_file(&out, path, 1 << 24), 0);
	baseline_free(base);
	return out;
}

static bool same(const struct buf *x, const struct buf *y)
{
	return x->len == y->len && !memcmp(x->data, y->data, x->len);
}

// It had begun with chunks of less than a day.
Test(rollup_races, a_baseline_whose_chunks_are_rolled_up_meanwhile_begins_anew)
{
	const struct stream_conf stream = {.name = (char[]){"s"}, .pane_ms = MINUTE};
	const struct store_range want = {.port = &port, .stream = &stream, .from = INT64_MIN, .to = INT64_MAX};

	read_and_put(0, RECORDS);
	read_and_put(1, RECORDS);
	struct buf before = saved(&want);
	reads = 0;
	reads_first = 3 + 7; // the three days, and seven chunks
	listed = the_first_day_is_rolled_up;
	struct buf raced = saved(&want);
	cr_assert(!listed, "it was rolled up");
	struct buf after = saved(&want);
	cr_expect(same(&raced, &after));
	cr_expect(!same(&raced, &before), "chunks are days now");
	buf_release(&before);
	buf_release(&raced);
	buf_release(&after);
}
