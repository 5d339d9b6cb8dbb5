// SPDX-License-Identifier: Apache-2.0
// Digests, and that what is said does not depend on when a pass happens to run.
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fake.h"

static const char *const team[] = {"team"};
static char pay[] = "pay", orders[] = "orders";

struct setup {
	struct fake *f;
	struct judge_stream streams[3];
	struct rule rules[8];
	struct judge_conf conf;
	struct judge *j;
};

static void setup_init(struct setup *s, size_t nstreams, int64_t window, int64_t slide)
{
	static const char *const names[] = {"pay", "orders", "labels"};

	memset(s, 0, sizeof *s);
	s->f = fake_new(MINUTE);
	for (size_t i = 0; i < nstreams; i++)
		s->streams[i] = stream_of(names[i], window, slide);
	s->conf = (struct judge_conf){.streams = s->streams, .nstreams = nstreams, .rules = s->rules};
	for (int t = 0; t < TIERS; t++) {
		s->conf.routes[t] = team;
		s->conf.nroutes[t] = 1;
	}
	s->conf.digests[TIER_DAILY] = (struct digest_schedule){true, -1, 9, 0, "Europe/Berlin"};
	s->conf.digests[TIER_WEEKLY] = (struct digest_schedule){true, 1, 9, 0, "Europe/Berlin"};
}

static void start(struct setup *s)
{
	judge_free(s->j);
	s->j = judge_new(&s->conf, &s->f->port);
}

static void setup_free(struct setup *s)
{
	judge_free(s->j);
	fake_free(s->f);
}

static int64_t at(const char *text)
{
	int64_t ms = 0;

	cr_assert_eq(time_parse(text, &ms), 0);
	return ms;
}

static const json_t *digest(const struct setup *s, size_t i)
{
	cr_assert_lt(i, s->f->nmessages);
	cr_assert_str_eq(json_get_str(s->f->messages[i].body, "type", ""), "kdrift.digest");
	return json_object_get(s->f->messages[i].body, "data");
}

// 09:00 in Berlin is 08:00 UTC until 28 March 2026 and 07:00 UTC from the 29th on (and back on 25 October).
Test(digest, daily_across_both_changes_of_the_clocks)
{
	static const char *const due[][3] = {
		{"2026-03-28T08:00:00Z", "2026-03-29T07:00:00Z", "2026-03-30T07:00:00Z"},
		{"2026-10-24T07:00:00Z", "2026-10-25T08:00:00Z", "2026-10-26T08:00:00Z"},
	};

	for (size_t k = 0; k < 2; k++) {
		struct setup s;
		setup_init(&s, 1, HOUR, HOUR);
		s.conf.digests[TIER_WEEKLY].enabled = false;
		start(&s);
		int64_t begin = at(due[k][0]) - HOUR;
		for (int64_t now = begin; now <= at(due[k][2]); now += 10 * MINUTE)
			tick(s.j, now);
		cr_assert_eq(s.f->nmessages, 3, "%zu", s.f->nmessages);
		for (size_t i = 0; i < 3; i++)
			cr_expect_str_eq(json_get_str(digest(&s, i), "to", ""), due[k][i]);
		cr_expect_str_eq(json_get_str(digest(&s, 1), "from", ""), due[k][0]);
		setup_free(&s);
	}
}

Test(digest, weekly_rule_is_silent_until_its_digest)
{
	struct setup s;
	int64_t monday = at("2026-11-16T00:00:00Z");

	setup_init(&s, 1, DAY, HOUR);
	s.rules[s.conf.nrules++] = rule_above("Shift", TIER_WEEKLY, "mean", 10);
	start(&s);
	for (int h = 0; h < 9 * 24; h++) {
		int64_t now = monday - DAY + (int64_t)h * HOUR;
		bool bad = h >= 3 * 24 && h < 4 * 24;
		fake_record(s.f, "pay", "", now, h % 50 == 0, &(struct fake_value){"a", bad ? 90 : 1}, 1);
		tick(s.j, now + 1);
	}
	size_t weekly = 0, daily = 0;
	for (size_t i = 0; i < s.f->nmessages; i++) {
		const json_t *d = digest(&s, i), *pages = json_object_get(d, "pages");
		bool week = !strcmp(json_get_str(d, "tier", ""), "weekly");
		weekly += week;
		daily += !week;
		if (!week || weekly == 1)
			cr_expect_eq(json_array_size(pages), 0, "nothing of this tier had happened");
		else {
			cr_assert_eq(json_array_size(pages), 1);
			cr_expect_str_eq(json_get_str(json_array_get(pages, 0), "status", ""), "resolved");
			const json_t *sum = json_array_get(json_object_get(d, "streams"), 0);
			cr_expect_str_eq(json_get_str(sum, "stream", ""), "pay");
			// Monday 08:00 UTC: hours 32..199 of the feed, closed up to 08:00 exclusive.
			cr_expect_eq(json_get_int(sum, "records", 0), 168, "%d", (int)json_get_int(sum, "records", 0));
			cr_expect_eq(json_get_int(json_object_get(sum, "violations"), "range", 0), 3, "hours 50, 100, 150");
		}
	}
	cr_expect_eq(weekly, 2);
	cr_expect_eq(daily, 9);
	cr_expect_eq(fake_count(s.f, "alert_firing"), 1);
	cr_expect_eq(fake_docs(s.f, "page"), 0, "told, so done");
	setup_free(&s);
}

Test(digest, one_covers_the_time_that_the_program_was_down)
{
	struct setup s;
	int64_t t = at("2026-11-16T06:00:00Z");

	setup_init(&s, 1, HOUR, HOUR);
	s.conf.digests[TIER_WEEKLY].enabled = false;
	start(&s);
	tick(s.j, t);
	cr_expect_eq(s.f->nmessages, 0, "nothing for the past");
	tick(s.j, t + 2 * HOUR);
	cr_expect_eq(s.f->nmessages, 1);
	start(&s); // at once: not again
	tick(s.j, t + 2 * HOUR + 1);
	cr_expect_eq(s.f->nmessages, 1);
	start(&s); // after four days
	tick(s.j, t + 4 * DAY);
	tick(s.j, t + 4 * DAY + HOUR);
	cr_assert_eq(s.f->nmessages, 2);
	cr_expect_str_eq(json_get_str(digest(&s, 1), "from", ""), "2026-11-16T08:00:00Z");
	cr_expect_str_eq(json_get_str(digest(&s, 1), "to", ""), "2026-11-19T08:00:00Z");
	cr_expect_str_neq(s.f->messages[0].id, s.f->messages[1].id);
	setup_free(&s);
}

Test(digest, a_rollback_repeats_it_under_its_id)
{
	struct setup s;
	int64_t t = at("2026-11-16T06:00:00Z");

	setup_init(&s, 1, HOUR, HOUR);
	s.conf.digests[TIER_WEEKLY].enabled = false;
	start(&s);
	tick(s.j, t);
	json_t *saved = fake_save(s.f);
	tick(s.j, t + 2 * HOUR);
	cr_assert_eq(s.f->nmessages, 1);
	fake_roll_back(s.f, saved);
	tick(s.j, t + 2 * HOUR + 5 * MINUTE);
	tick(s.j, t + 2 * HOUR + 6 * MINUTE);
	cr_assert_eq(s.f->nmessages, 2, "once more, and no more");
	cr_expect_str_eq(s.f->messages[0].id, s.f->messages[1].id);
	setup_free(&s);
}

Test(digest, a_page_that_still_fires_is_in_each)
{
	struct setup s;
	int64_t t = at("2026-11-16T00:00:00Z");

	setup_init(&s, 1, HOUR, HOUR);
	s.conf.digests[TIER_WEEKLY].enabled = false;
	s.rules[s.conf.nrules++] = rule_above("Mean", TIER_DAILY, "mean", 10);
	start(&s);
	for (int h = 0; h < 82; h++) {
		fake_record(s.f, "pay", "", t + (int64_t)h * HOUR, false, &(struct fake_value){"a", h < 5 ? 90 : h < 50 ? 40 : 1}, 1);
		tick(s.j, t + (int64_t)h * HOUR + 1);
	}
	static const char *const status[] = {"firing", "firing", "resolved"};
	static const double value[] = {40, 40, 40}; // as it fired at last
	cr_assert_eq(s.f->nmessages, 4);
	for (size_t i = 0; i < 3; i++) {
		const json_t *pages = json_object_get(digest(&s, i), "pages");
		cr_assert_eq(json_array_size(pages), 1);
		cr_expect_str_eq(json_get_str(json_array_get(pages, 0), "status", ""), status[i]);
		const json_t *items = json_object_get(json_array_get(pages, 0), "items");
		cr_expect_eq(json_get_num(json_array_get(items, 0), "value", 0), value[i], "%zu", i);
	}
	cr_expect_eq(json_array_size(json_object_get(digest(&s, 3), "pages")), 0, "told once");
	setup_free(&s);
}

// --- the watermark as the clock ---------------------------------------------------------------------------

static uint64_t state;

static uint64_t rnd(uint64_t n)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (state >> 33) % n;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

// A pass that runs while one stream lags writes another stream's later events first; all else is fixed, and
// each event bears its time.
static char *sorted_text(const json_t *events)
{
	size_t n = json_array_size(events);
	char **lines = calloc(n + 1, sizeof *lines);
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < n; i++)
		lines[i] = json_text(json_array_get(events, i));
	qsort(lines, n, sizeof *lines, by_text);
	for (size_t i = 0; i < n; i++) {
		buf_addf(&b, "%s\n", lines[i]);
		free(lines[i]);
	}
	free(lines);
	return buf_steal(&b);
}

// The same records by event time, with passes wherever `chance` says; -> the journal and the messages' ids. `ends`: in
// each of them one of the streams has just been read to its end.
static char *replay(uint64_t seed, uint64_t chance, bool restarts, bool ends)
{
	struct setup s;
	uint64_t ticks = seed ^ 0x9e3779b97f4a7c15ULL;
	int64_t t = at("2026-03-02T00:00:00Z");
	struct error err = ERROR_INIT;

	setup_init(&s, 2, DAY, 6 * HOUR);
	s.streams[0].lateness_ms = HOUR;
	s.streams[1].window_ms = 12 * HOUR;
	s.conf.clock_is_watermark = true;
	s.rules[s.conf.nrules++] = rule_above("Mean", TIER_DAILY, "mean", 10);
	s.rules[s.conf.nrules - 1].for_ms = 6 * HOUR;
	s.rules[s.conf.nrules++] = rule_above("Week", TIER_WEEKLY, "mean", 9.8);
	s.rules[s.conf.nrules - 1].over_ms = 7 * DAY;
	s.rules[s.conf.nrules++] = rule_above("Few", TIER_IMMEDIATE, "mean", 10.5);
	s.rules[s.conf.nrules - 1].min_records = 20;
	s.rules[s.conf.nrules++] = rule_above("Shift", TIER_DAILY, "mean_shift", 0.2);
	s.rules[s.conf.nrules - 1].against = (struct against){AGAINST_PREVIOUS, 2 * DAY, NULL};
	s.rules[s.conf.nrules++] = rule_above("Versus", TIER_WEEKLY, "mean_shift", 0.2);
	s.rules[s.conf.nrules - 1].stream = pay;
	s.rules[s.conf.nrules - 1].against = (struct against){.kind = AGAINST_STREAM, .name = orders};
	start(&s);
	state = seed;
	for (int h = 0; h < 60 * 24; h++) {
		for (int k = 0; k < 2; k++) {
			bool gap = h / 24 % 13 == 11 + k;
			struct fake_value v[2] = {{"a", (double)rnd(21)}, {"b", (double)rnd(20)}};
			if (!gap && rnd(3))
				fake_record(s.f, k ? "orders" : "pay", rnd(2) ? "v=1" : "v=2",
					    t + (int64_t)h * HOUR + (int64_t)rnd(59) * MINUTE, rnd(30) == 0, v, 1 + rnd(2));
		}
		ticks = ticks * 6364136223846793005ULL + 1442695040888963407ULL;
		if ((ticks >> 33) % chance == 0) {
			if (restarts && (ticks >> 50) % 3 == 0)
				start(&s);
			s.f->fail_commits = restarts && (ticks >> 55) % 5 == 0;
			const char *read = (ticks >> 60) % 2 ? "pay" : "orders";
			fake_idle(s.f, read, ends);
			if (judge_tick(s.j, (struct wall_time){0}, &err))
				error_clear(&err);
			fake_idle(s.f, read, false);
		}
	}
	fake_newest(s.f, "pay", t + 62 * DAY);
	fake_newest(s.f, "orders", t + 62 * DAY);
	s.f->fail_commits = 0;
	tick(s.j, 0);
	for (size_t i = 0; i < s.f->nmessages; i++)
		json_array_append_new(s.f->events, json_pack("{s:s, s:O}", "id", s.f->messages[i].id, "body", s.f->messages[i].body));
	cr_expect_gt(fake_count(s.f, "digest"), 50);
	cr_expect_gt(fake_count(s.f, "alert_firing"), 5, "%zu", fake_count(s.f, "alert_firing"));
	char *text = sorted_text(s.f->events);
	setup_free(&s);
	return text;
}

Test(digest, what_is_said_does_not_depend_on_when_passes_run)
{
	const char *given = getenv("KDRIFT_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);

	printf("digest: KDRIFT_SEED=%" PRIu64 "\n", seed);
	char *once = replay(seed, 100000000, false, false);
	static const struct {
		uint64_t chance;
		bool restarts, ends;
	} rows[] = {{1, false, false}, {7, false, false}, {200, false, false}, {20, true, false}, {1, false, true}, {20, true, true}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char *other = replay(seed, rows[i].chance, rows[i].restarts, rows[i].ends);
		if (strcmp(once, other) != 0) {
			size_t k = 0;
			while (once[k] == other[k])
				k++;
			k = k > 300 ? k - 300 : 0;
			cr_expect_fail("row %zu: %.700s\n----\n%.700s", i, once + k, other + k);
		}
		free(other);
	}
	free(once);
}

// Five streams, 2.5 years, a record each half hour, weekly windows that slide by a day, a pass each 15 days.
Test(digest, years_of_weekly_windows_are_quick)
{
	struct fake *f = fake_new(MINUTE);
	static const char *const names[] = {"a", "b", "c", "d", "e"};
	struct judge_stream streams[5];
	struct rule rules[3] = {rule_above("Mean", TIER_WEEKLY, "mean", 10), rule_above("Sd", TIER_DAILY, "stddev", 10),
				rule_above("V", TIER_IMMEDIATE, "violation_ratio", 0.5)};
	struct judge_conf conf = {.streams = streams, .nstreams = 5, .rules = rules, .nrules = 3, .clock_is_watermark = true};
	int64_t t = at("2024-01-01T00:00:00Z");
	clock_t spent = 0; // of this process: the machine may be busy
	size_t records = 0;

	for (int i = 0; i < 5; i++)
		streams[i] = stream_of(names[i], WEEK, DAY);
	conf.digests[TIER_DAILY] = (struct digest_schedule){true, -1, 9, 0, "Europe/Berlin"};
	struct judge *j = judge_new(&conf, &f->port);
	for (int half = 0; half < 912 * 48; half++) {
		for (int i = 0; i < 5; i++, records++) {
			struct fake_value v[3] = {{"x", half % 17}, {"y", half % 5}, {"z", 1}};
			fake_record(f, names[i], "", t + (int64_t)half * 30 * MINUTE, false, v, 3);
		}
		if (half % (15 * 48) == 0) {
			clock_t before = clock();
			tick(j, 0);
			spent += clock() - before;
		}
	}
	printf("digest: %zu records in weekly windows: %.1f s in passes, %u segments read in %u calls\n", records,
	       (double)spent / CLOCKS_PER_SEC, f->segments_read, f->segment_calls);
	cr_expect_leq(f->segments_read, records * 5 / 4, "each pane is read about once: %u", f->segments_read);
	cr_expect_lt(spent / CLOCKS_PER_SEC, 60);
	judge_free(j);
	fake_free(f);
}
