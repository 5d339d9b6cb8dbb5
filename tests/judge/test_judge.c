// SPDX-License-Identifier: Apache-2.0
// The whole pass over a store in memory.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "setup.h"

static const int64_t T0 = SETUP_T0;

Test(judge, eager_fires_within_the_open_pane_and_resolves_on_closed_windows)
{
	struct setup s;

	setup_init(&s, 5 * MINUTE, MINUTE);
	s.streams[0].lateness_ms = 30 * SECOND;
	struct rule *r = add_rule(&s, rule_above("SchemaViolations", TIER_IMMEDIATE, "violation_ratio", 0.01));
	r->min_records = 20;
	start(&s);
	feed(&s, T0, 10, 10, 0);
	tick(s.j, T0 + 10 * MINUTE);
	cr_expect_eq(s.f->nmessages, 0);
	fake_record(s.f, "pay", "", T0 + 10 * MINUTE + 1, true, NULL, 0);
	tick(s.j, T0 + 10 * MINUTE + 100);
	cr_assert_eq(s.f->nmessages, 2, "one for each receiver, at once");

	const json_t *data = json_object_get(body(&s, 0), "data"), *item = json_array_get(json_object_get(data, "items"), 0);
	cr_expect_str_eq(json_get_str(body(&s, 0), "type", ""), "kdrift.alert");
	cr_expect_str_eq(json_get_str(data, "status", ""), "firing");
	cr_expect_str_eq(json_get_str(data, "tier", ""), "immediate");
	cr_expect_str_eq(json_get_str(item, "measure", ""), "violation_ratio");
	cr_expect_float_eq(json_get_num(item, "value", 0), 1.0 / 41, 1e-12);
	cr_expect_eq(json_get_int(item, "n_current", 0), 41);
	cr_expect_eq(json_get_num(item, "threshold", 0), 0.01);
	cr_expect_eq(json_get_num(item, "error", NAN), 0);
	const json_t *part =
		json_array_get(json_object_get(json_object_get(data, "evidence"), "partitions"), 0);
	cr_expect_eq(json_get_int(part, "from_offset", -1), 100, "the first bad record's offset");
	cr_expect_eq(json_get_int(part, "to_offset", -1), 100);
	cr_expect(strstr(json_get_str(data, "summary", ""), "range on amount"));
	cr_expect_str_eq(status_state(s.j, 0), "alerting");

	// The window that ends at 10:00 closes without the bad record: it must not resolve.
	feed(&s, T0 + 10 * MINUTE + 30 * SECOND, 1, 10, 0);
	tick(s.j, T0 + 11 * MINUTE);
	cr_expect_eq(s.f->nmessages, 2);
	feed(&s, T0 + 11 * MINUTE + 30 * SECOND, 4, 10, 0);
	tick(s.j, T0 + 15 * MINUTE);
	cr_expect_eq(s.f->nmessages, 2, "the closed windows still hold it");
	feed(&s, T0 + 15 * MINUTE + 30 * SECOND, 2, 10, 0);
	tick(s.j, T0 + 18 * MINUTE);
	cr_assert_eq(s.f->nmessages, 4);
	data = json_object_get(body(&s, 2), "data");
	cr_expect_str_eq(json_get_str(data, "status", ""), "resolved");
	cr_expect(json_is_string(json_object_get(data, "ends_at")));
	cr_expect_str_neq(s.f->messages[0].id, s.f->messages[1].id, "a delivery's id names the receiver");
	cr_expect_str_neq(s.f->messages[0].id, s.f->messages[2].id, "and the status");
	cr_expect(!strncmp(s.f->messages[0].id, "msg_", 4));
	cr_expect_lt(s.f->messages[0].due, s.f->messages[2].due);
	cr_expect_eq(fake_docs(s.f, "alert"), 0);
	cr_expect_eq(fake_docs(s.f, "page"), 0);
	setup_free(&s);
}

Test(judge, eager_for_passes_by_the_clock_although_no_record_comes)
{
	struct setup s;

	setup_init(&s, 5 * MINUTE, MINUTE);
	add_rule(&s, rule_above("V", TIER_IMMEDIATE, "violation_ratio", 0.01))->for_ms = MINUTE;
	start(&s);
	feed(&s, T0, 1, 10, 2);
	tick(s.j, T0 + MINUTE);
	cr_expect_eq(s.f->nmessages, 0);
	tick(s.j, T0 + 2 * MINUTE - 1);
	cr_expect_eq(s.f->nmessages, 0);
	tick(s.j, T0 + 2 * MINUTE);
	cr_expect_eq(s.f->nmessages, 2);
	setup_free(&s);
}

static void garbage(struct setup *s, int64_t from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fake_untimed(s->f, "pay", from + (int64_t)i);
}

Test(judge, records_without_an_event_time_are_judged_where_they_count)
{
	// Nothing but such records; after good ones, in a pane to come; after a replay of long ago.
	const int64_t good[] = {INT64_MIN, T0 + 8 * MINUTE, T0 - 300 * DAY};

	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		struct setup s;
		setup_init(&s, 5 * MINUTE, MINUTE);
		add_rule(&s, rule_above("V", TIER_IMMEDIATE, "violation_ratio", 0.5))->min_records = 20;
		start(&s);
		if (good[i] != INT64_MIN)
			feed(&s, good[i], 1, 10, 0);
		tick(s.j, T0 + 10 * MINUTE);
		garbage(&s, T0 + 10 * MINUTE, 19 - (good[i] > T0 ? 10 : 0));
		tick(s.j, T0 + 10 * MINUTE + SECOND);
		cr_expect_eq(s.f->nmessages, 0, "%zu", i);
		garbage(&s, T0 + 10 * MINUTE + SECOND, 3);
		tick(s.j, T0 + 10 * MINUTE + 2 * SECOND);
		cr_expect_eq(s.f->nmessages, 2, "%zu", i);
		setup_free(&s);
	}
}

Test(judge, garbage_does_not_blind_a_replay)
{
	struct setup s;

	setup_init(&s, 5 * MINUTE, MINUTE);
	add_rule(&s, rule_above("V", TIER_IMMEDIATE, "violation_ratio", 0.5))->min_records = 5;
	start(&s);
	garbage(&s, T0, 1);
	feed(&s, T0 - 300 * DAY, 1, 10, 0);
	tick(s.j, T0 + MINUTE);
	cr_expect_eq(s.f->nmessages, 0);
	feed(&s, T0 - 300 * DAY + MINUTE, 2, 10, 1);
	tick(s.j, T0 + 2 * MINUTE);
	cr_expect_eq(s.f->nmessages, 2);
	setup_free(&s);
}

Test(judge, too_few_records_are_unknown)
{
	struct setup s;

	setup_init(&s, 5 * MINUTE, MINUTE);
	add_rule(&s, rule_above("V", TIER_IMMEDIATE, "violation_ratio", 0.01))->min_records = 100;
	start(&s);
	feed(&s, T0, 9, 10, 2);
	tick(s.j, T0 + 10 * MINUTE);
	cr_expect_eq(s.f->nmessages, 0);
	cr_expect_str_eq(status_state(s.j, 0), "unknown");
	feed(&s, T0 + 9 * MINUTE, 3, 100, 2);
	tick(s.j, T0 + 12 * MINUTE);
	cr_expect_eq(s.f->nmessages, 2);
	setup_free(&s);
}

// A measure of a field rests on the field's values: 100 records with three of them are three.
Test(judge, a_fields_values_are_counted_too)
{
	struct setup s;

	for (int values = 3; values <= 30; values += 27) {
		setup_init(&s, 5 * MINUTE, 5 * MINUTE);
		add_rule(&s, rule_above("Mean", TIER_IMMEDIATE, "mean", 10))->min_records = 30;
		start(&s);
		for (int i = 0; i < 100; i++)
			fake_record(s.f, "pay", "", T0 + i * SECOND, false, &(struct fake_value){"a", 50}, i < values);
		fake_newest(s.f, "pay", T0 + 5 * MINUTE);
		tick(s.j, T0 + 5 * MINUTE);
		cr_expect_eq(s.f->nmessages, values < 30 ? 0 : 2, "%d values", values);
		setup_free(&s);
	}
}

Test(judge, staleness_pages_and_a_replay_changes_nothing)
{
	struct setup s;

	setup_init(&s, 5 * MINUTE, MINUTE);
	add_rule(&s, rule_above("NoData", TIER_IMMEDIATE, "staleness", 600));
	start(&s);
	feed(&s, T0, 10, 10, 0);
	int64_t newest = T0 + 10 * MINUTE - 6 * SECOND;
	tick(s.j, T0 + 10 * MINUTE);
	tick(s.j, newest + 10 * MINUTE);
	cr_expect_eq(s.f->nmessages, 0, "600 s is not above 600 s");
	fake_part(s.f, "pay", 0)->end = fake_part(s.f, "pay", 0)->next + 5;
	tick(s.j, newest + 11 * MINUTE);
	cr_expect_eq(s.f->nmessages, 0, "we lag: that the stream is stale is not known");
	fake_part(s.f, "pay", 0)->owned = false;
	tick(s.j, newest + 11 * MINUTE);
	cr_expect_eq(s.f->nmessages, 0, "nobody reads it");
	fake_part(s.f, "pay", 0)->owned = true;
	fake_idle(s.f, "pay", true);
	fake_part(s.f, "pay", 0)->catching_up = true;
	tick(s.j, newest + 11 * MINUTE + 2 * SECOND);
	cr_expect_eq(s.f->nmessages, 0, "catching up");
	cr_expect_str_eq(status_state(s.j, 0), "catching_up");
	fake_part(s.f, "pay", 0)->catching_up = false;
	tick(s.j, newest + 11 * MINUTE + 4 * SECOND);
	cr_assert_eq(s.f->nmessages, 2);
	const json_t *data = json_object_get(body(&s, 0), "data");
	cr_expect_str_eq(json_get_str(data, "alert", ""), "NoData");
	cr_expect_eq(json_get_num(json_array_get(json_object_get(data, "items"), 0), "value", 0), 664);
	cr_expect(strstr(json_get_str(data, "summary", ""), "no new record on topic pay for 11m4s"));

	// Last month again: old event times.
	feed(&s, T0 - 4 * WEEK, 5, 10, 2);
	tick(s.j, newest + 12 * MINUTE);
	cr_expect_eq(s.f->nmessages, 2);
	feed(&s, T0 + 30 * MINUTE, 1, 10, 0);
	tick(s.j, T0 + 31 * MINUTE);
	cr_expect_eq(s.f->nmessages, 4);
	setup_free(&s);
}

Test(judge, records_that_wait_for_their_schema_page_by_a_rule_of_their_own)
{
	struct setup s;

	setup_init(&s, 5 * MINUTE, MINUTE);
	add_rule(&s, rule_above("NoData", TIER_IMMEDIATE, "staleness", 60));
	add_rule(&s, rule_above("Wait", TIER_IMMEDIATE, "schema_wait", 300));
	start(&s);
	feed(&s, T0, 10, 10, 0);
	tick(s.j, T0 + 10 * MINUTE);
	struct partition_view *p = fake_part(s.f, "pay", 0);
	p->end = p->next + 5;
	p->catching_up = true;
	p->waiting_since = T0 + 10 * MINUTE;
	int64_t offset = p->next;
	tick(s.j, T0 + 15 * MINUTE);
	cr_expect_eq(s.f->nmessages, 0, "300 s is not above 300 s, and that the stream is stale is not known");
	cr_expect_str_eq(status_state(s.j, 0), "unknown");
	tick(s.j, T0 + 15 * MINUTE + 7 * SECOND);
	cr_assert_eq(s.f->nmessages, 2);
	const json_t *data = json_object_get(body(&s, 0), "data");
	cr_expect_str_eq(json_get_str(data, "alert", ""), "Wait");
	cr_expect_eq(json_get_num(json_array_get(json_object_get(data, "items"), 0), "value", 0), 307);
	cr_expect(strstr(json_get_str(data, "summary", ""), "records of topic pay have waited for 5m7s"), "%s",
		  json_get_str(data, "summary", ""));
	const json_t *where =
		json_array_get(json_object_get(json_object_get(data, "evidence"), "partitions"), 0);
	cr_expect_eq(json_get_int(where, "from_offset", -1), offset);
	p = fake_part(s.f, "pay", 0);
	p->waiting_since = 0;
	p->catching_up = false;
	feed(&s, T0 + 10 * MINUTE, 5, 10, 0);
	tick(s.j, T0 + 15 * MINUTE + 20 * SECOND);
	cr_expect_eq(s.f->nmessages, 4, "resolved");
	setup_free(&s);
}

Test(judge, a_stop_of_dead_letters_pages_with_its_cause_and_place_and_resolves)
{
	struct setup s;

	setup_init(&s, 5 * MINUTE, MINUTE);
	add_rule(&s, rule_above("Letters", TIER_IMMEDIATE, "dead_letters_stopped", 0));
	start(&s);
	feed(&s, T0, 10, 10, 0);
	tick(s.j, T0 + 10 * MINUTE);
	cr_expect_eq(s.f->nmessages, 0);
	struct partition_view *p = fake_part(s.f, "pay", 0);
	p->letters = (struct letter_stop){LETTERS_CONSECUTIVE, T0 + 9 * MINUTE};
	int64_t last = p->next - 1;
	tick(s.j, T0 + 10 * MINUTE + SECOND);
	cr_assert_eq(s.f->nmessages, 2);
	const json_t *data = json_object_get(body(&s, 0), "data"), *item = json_array_get(json_object_get(data, "items"), 0);
	const json_t *where = json_object_get(json_object_get(data, "evidence"), "partitions");
	cr_expect_str_eq(json_get_str(data, "alert", ""), "Letters");
	cr_expect_eq(json_get_num(item, "value", 0), 1);
	cr_expect_str_eq(json_get_str(item, "detail", ""), "past max_consecutive");
	cr_expect(strstr(json_get_str(data, "summary", ""), "records of 1 partition of topic pay are not copied, since 2008-05-01T00:09:00Z: "
							      "past max_consecutive"),
		  "%s", json_get_str(data, "summary", ""));
	cr_expect_eq(json_array_size(where), 1);
	cr_expect_eq(json_get_int(json_array_get(where, 0), "from_offset", -1), last);
	feed(&s, T0 + 10 * MINUTE, 5, 10, 0); // records that come meanwhile make no other page of it
	tick(s.j, T0 + 12 * MINUTE);
	cr_expect_eq(s.f->nmessages, 2);
	fake_part(s.f, "pay", 0)->letters = (struct letter_stop){LETTERS_GO, 0};
	tick(s.j, T0 + 13 * MINUTE);
	cr_expect_eq(s.f->nmessages, 4, "resolved");
	setup_free(&s);
}

Test(judge, a_stream_without_any_record_is_stale_since_it_was_first_watched)
{
	struct setup s;

	setup_init(&s, 5 * MINUTE, MINUTE);
	add_rule(&s, rule_above("NoData", TIER_IMMEDIATE, "staleness", 600));
	start(&s);
	tick(s.j, T0);
	cr_expect_str_eq(status_state(s.j, 0), "never_seen");
	start(&s);
	tick(s.j, T0 + 11 * MINUTE);
	cr_expect_eq(s.f->nmessages, 2, "a restart does not begin anew");
	setup_free(&s);
}

Test(judge, unknown_never_resolves)
{
	struct setup s;

	setup_init(&s, 5 * MINUTE, MINUTE);
	add_rule(&s, rule_above("V", TIER_IMMEDIATE, "violation_ratio", 0.01))->min_records = 30;
	start(&s);
	feed(&s, T0, 10, 10, 2);
	tick(s.j, T0 + 10 * MINUTE);
	cr_assert_eq(s.f->nmessages, 2);
	// Empty windows, and windows with too few.
	pass_to(&s, T0 + 60 * MINUTE);
	feed(&s, T0 + 60 * MINUTE, 20, 2, 0);
	tick(s.j, T0 + 80 * MINUTE);
	cr_expect_eq(s.f->nmessages, 2);
	cr_expect_str_eq(status_state(s.j, 0), "alerting");
	feed(&s, T0 + 80 * MINUTE, 20, 10, 0);
	tick(s.j, T0 + 100 * MINUTE);
	cr_expect_eq(s.f->nmessages, 4);
	setup_free(&s);
}

// 40 fields lose their values at once.
static void feed_fields(struct setup *s, int64_t from, int minutes, int present)
{
	static char names[40][8];
	struct fake_value values[40];

	for (int i = 0; i < 40; i++) {
		snprintf(names[i], sizeof names[i], "f%02d", i);
		values[i] = (struct fake_value){names[i], i};
	}
	for (int m = 0; m < minutes; m++)
		for (int i = 0; i < 10; i++)
			fake_record(s->f, "pay", "", from + (int64_t)m * MINUTE + i * SECOND, false, values, (size_t)present);
}

Test(judge, forty_fields_are_one_page)
{
	struct setup s;

	setup_init(&s, 5 * MINUTE, 5 * MINUTE);
	add_rule(&s, rule_above("Nulls", TIER_DAILY, "missing_ratio", 0.5))->tier = TIER_IMMEDIATE;
	s.rules[0].has_above = true;
	start(&s);
	feed_fields(&s, T0, 10, 40);
	tick(s.j, T0 + 10 * MINUTE);
	cr_expect_eq(s.f->nmessages, 0);
	// The fields are known to be there from the window; then 30 of them go, then the other ten.
	feed_fields(&s, T0 + 10 * MINUTE, 2, 10);
	feed_fields(&s, T0 + 12 * MINUTE, 2, 0);
	feed_fields(&s, T0 + 14 * MINUTE, 1, 40);
	fake_newest(s.f, "pay", T0 + 15 * MINUTE);
	s.rules[0].above = 0.3;
	tick(s.j, T0 + 15 * MINUTE);
	cr_assert_eq(s.f->nmessages, 2);
	const json_t *data = json_object_get(body(&s, 0), "data");
	cr_expect_eq(json_array_size(json_object_get(data, "items")), 40);
	cr_expect(strstr(json_get_str(data, "summary", ""), "40 places"));
	cr_expect_eq(fake_count(s.f, "alert_firing"), 1);
	feed_fields(&s, T0 + 15 * MINUTE, 10, 40);
	tick(s.j, T0 + 25 * MINUTE);
	pass_to(&s, T0 + 25 * MINUTE);
	cr_expect_eq(s.f->nmessages, 4);
	cr_expect_eq(json_array_size(json_object_get(page_of(&s, "alert_resolved", 0), "items")), 40);
	setup_free(&s);
}

Test(judge, a_field_that_joins_is_told_at_the_end_only)
{
	struct setup s;

	setup_init(&s, 5 * MINUTE, 5 * MINUTE);
	add_rule(&s, rule_above("Mean", TIER_IMMEDIATE, "mean", 10));
	start(&s);
	for (int m = 0; m < 25; m++) {
		struct fake_value v[2] = {{"a", m >= 5 && m < 20 ? 50 : 0}, {"b", m >= 10 && m < 15 ? 50 : 0}};
		fake_record(s.f, "pay", "", T0 + (int64_t)m * MINUTE, false, v, 2);
	}
	tick(s.j, T0 + 30 * MINUTE);
	cr_expect_eq(s.f->nmessages, 2);
	fake_newest(s.f, "pay", T0 + 25 * MINUTE);
	tick(s.j, T0 + 30 * MINUTE);
	cr_assert_eq(s.f->nmessages, 4);
	cr_expect_eq(json_array_size(json_object_get(page_of(&s, "alert_firing", 0), "items")), 1);
	cr_expect_eq(json_array_size(json_object_get(page_of(&s, "alert_resolved", 0), "items")), 2);
	cr_expect_eq(fake_count(s.f, "item_firing"), 1);
	cr_expect_eq(fake_count(s.f, "item_resolved"), 1);
	setup_free(&s);
}

Test(judge, a_failed_commit_is_repeated_under_the_same_ids)
{
	struct setup a, b;
	struct error err = ERROR_INIT;

	for (int fails = 0; fails < 2; fails++) {
		struct setup *s = fails ? &b : &a;
		setup_init(s, 5 * MINUTE, MINUTE);
		add_rule(s, rule_above("Mean", TIER_IMMEDIATE, "mean", 10));
		start(s);
		for (int m = 0; m < 20; m++)
			fake_record(s->f, "pay", "", T0 + (int64_t)m * MINUTE, false,
				    &(struct fake_value){"a", m >= 10 ? 50 : 0}, 1);
		if (fails) {
			s->f->fail_commits = 2;
			for (int i = 0; i < 2; i++) {
				cr_expect_eq(judge_tick(s->j, (struct wall_time){T0 + 20 * MINUTE + i}, &err), -1);
				cr_expect_eq(s->f->nmessages, 0, "nothing is told that is not committed");
			}
		}
		tick(s->j, T0 + 21 * MINUTE);
		cr_assert_eq(s->f->nmessages, 2);
	}
	for (int i = 0; i < 2; i++)
		cr_expect_str_eq(a.f->messages[i].id, b.f->messages[i].id);
	cr_expect_str_eq(json_get_str(page_of(&a, "alert_firing", 0), "id", "a"),
			 json_get_str(page_of(&b, "alert_firing", 0), "id", "b"));
	setup_free(&a);
	setup_free(&b);
}

Test(judge, a_restart_and_a_lost_server_go_on_from_the_documents)
{
	struct setup s;

	setup_init(&s, 5 * MINUTE, MINUTE);
	add_rule(&s, rule_above("Mean", TIER_IMMEDIATE, "mean", 10))->for_ms = 5 * MINUTE;
	start(&s);
	for (int m = 0; m < 60; m++) {
		fake_record(s.f, "pay", "", T0 + (int64_t)m * MINUTE, false,
			    &(struct fake_value){"a", m >= 10 && m < 40 ? 50 : 0}, 1);
		tick(s.j, T0 + (int64_t)m * MINUTE);
		if (m % 3 == 0)
			start(&s);
		if (m % 5 == 0)
			s.f->generation++;
	}
	// Means of windows ending 11..44 have a 50 (above 10 from 2 of 5 on: 12..43); 12 + for 5 -> fires at 17.
	cr_assert_eq(s.f->nmessages, 4);
	cr_expect_eq(fake_count(s.f, "alert_firing"), 1);
	cr_expect_eq(fake_count(s.f, "alert_resolved"), 1);
	char from[40], to[40];
	const json_t *p = page_of(&s, "alert_resolved", 0);
	cr_expect_str_eq(json_get_str(p, "starts_at", ""), time_format(T0 + 12 * MINUTE, from, sizeof from));
	cr_expect_str_eq(json_get_str(p, "ends_at", ""), time_format(T0 + 44 * MINUTE, to, sizeof to));
	const json_t *w = json_object_get(json_array_get(json_object_get(p, "items"), 0), "window");
	cr_expect_str_eq(json_get_str(w, "to", ""), time_format(T0 + 17 * MINUTE, to, sizeof to));
	setup_free(&s);
}

// The server forgets the page; by the time it is judged again more records are in. Page and deliveries are told
// anew under the ids that they had, though the newest record is by now in another pane.
Test(judge, a_rollback_repeats_a_page_under_its_ids)
{
	struct setup s;

	setup_init(&s, 5 * MINUTE, MINUTE);
	s.streams[0].lateness_ms = 10 * MINUTE;
	add_rule(&s, rule_above("Violations", TIER_IMMEDIATE, "violation_ratio", 0.1));
	start(&s);
	feed(&s, T0, 10, 10, 0);
	tick(s.j, T0 + 10 * MINUTE);
	json_t *saved = fake_save(s.f);
	feed(&s, T0 + 10 * MINUTE, 1, 10, 1);
	tick(s.j, T0 + 11 * MINUTE);
	cr_assert_eq(s.f->nmessages, 2);
	feed(&s, T0 + 11 * MINUTE, 3, 10, 1);
	fake_roll_back(s.f, saved);
	tick(s.j, T0 + 14 * MINUTE);
	cr_assert_eq(s.f->nmessages, 4);
	for (int i = 0; i < 2; i++)
		cr_expect_str_eq(s.f->messages[i].id, s.f->messages[i + 2].id);
	cr_expect_str_eq(json_get_str(page_of(&s, "alert_firing", 0), "id", "a"),
			 json_get_str(page_of(&s, "alert_firing", 1), "id", "b"));
	setup_free(&s);
}

// Eager boundaries before the last closed one are done with: a restart does not fire again what has resolved.
Test(judge, a_restart_does_not_repeat_what_has_resolved)
{
	struct setup s;

	setup_init(&s, 5 * MINUTE, MINUTE);
	s.streams[0].lateness_ms = 2 * MINUTE;
	add_rule(&s, rule_above("Violations", TIER_IMMEDIATE, "violation_ratio", 0.1));
	start(&s);
	for (int m = 0; m < 40; m++) {
		feed(&s, T0 + (int64_t)m * MINUTE, 1, 10, m == 10 ? 1 : 0);
		if (m > 10)
			start(&s);
		tick(s.j, T0 + (int64_t)(m + 1) * MINUTE);
	}
	cr_expect_eq(fake_count(s.f, "alert_firing"), 1);
	cr_expect_eq(fake_count(s.f, "alert_resolved"), 1);
	setup_free(&s);
}

Test(judge, a_rule_that_is_gone_resolves_its_page)
{
	struct setup s;

	setup_init(&s, 5 * MINUTE, MINUTE);
	add_rule(&s, rule_above("Mean", TIER_IMMEDIATE, "mean", 10));
	start(&s);
	for (int m = 0; m < 20; m++)
		fake_record(s.f, "pay", "", T0 + (int64_t)m * MINUTE, false, &(struct fake_value){"a", 50}, 1);
	tick(s.j, T0 + 20 * MINUTE);
	cr_assert_eq(s.f->nmessages, 2);
	s.conf.nrules = 0;
	start(&s);
	tick(s.j, T0 + 21 * MINUTE);
	cr_assert_eq(s.f->nmessages, 4);
	cr_expect_str_eq(json_get_str(json_object_get(body(&s, 3), "data"), "status", ""), "resolved");
	cr_expect_eq(fake_docs(s.f, "alert"), 0);
	cr_expect_eq(fake_docs(s.f, "page"), 0);
	setup_free(&s);
}

Test(judge, volume_below_fires_on_empty_windows_and_gaps_are_passed_over)
{
	struct setup s;

	setup_init(&s, 5 * MINUTE, MINUTE);
	struct rule *r = add_rule(&s, rule_above("Volume", TIER_IMMEDIATE, "records", 0));
	r->has_above = false;
	r->has_below = true;
	r->below = 10;
	r->for_ms = 10 * MINUTE;
	add_rule(&s, rule_above("V", TIER_DAILY, "violation_ratio", 0.5));
	start(&s);
	feed(&s, T0, 10, 10, 0);
	tick(s.j, T0 + 10 * MINUTE);
	// Nothing for ten years, then records again.
	feed(&s, T0 + 520 * WEEK, 10, 10, 0);
	unsigned before = s.f->intervals;
	tick(s.j, T0 + 520 * WEEK + 10 * MINUTE);
	cr_expect_lt(s.f->intervals - before, 10);
	cr_expect_eq(fake_count(s.f, "alert_firing"), 1);
	cr_expect_eq(fake_count(s.f, "alert_resolved"), 1);
	char when[40];
	// The last record stands in the window that ends 14; 14 has 10, 15 has none.
	cr_expect_str_eq(json_get_str(page_of(&s, "alert_firing", 0), "starts_at", ""),
			 time_format(T0 + 15 * MINUTE, when, sizeof when));
	cr_expect_str_eq(json_get_str(page_of(&s, "alert_resolved", 0), "ends_at", ""),
			 time_format(T0 + 520 * WEEK + MINUTE, when, sizeof when));
	setup_free(&s);
}

Test(judge, a_slide_need_not_divide_the_window)
{
	struct setup s;
	const int64_t begin = 100 * WEEK; // 4 minutes divide it

	setup_init(&s, 10 * MINUTE, 4 * MINUTE);
	add_rule(&s, rule_above("Many", TIER_DAILY, "records", 659));
	start(&s);
	feed(&s, begin, 13, 60, 0);
	feed(&s, begin + 13 * MINUTE, 1, 120, 0); // in the window that ends at 16, as in the one at 20
	feed(&s, begin + 14 * MINUTE, 9, 60, 0);
	tick(s.j, begin + 23 * MINUTE);
	cr_assert_eq(fake_count(s.f, "alert_firing"), 1);
	const json_t *item = json_array_get(json_object_get(page_of(&s, "alert_firing", 0), "items"), 0);
	const json_t *window = json_object_get(item, "window");
	int64_t from, to;
	cr_assert(!time_parse(json_string_value(json_object_get(window, "from")), &from));
	cr_assert(!time_parse(json_string_value(json_object_get(window, "to")), &to));
	cr_expect_eq(from - begin, 6 * MINUTE);
	cr_expect_eq(to - begin, 16 * MINUTE);
	cr_expect_eq(json_number_value(json_object_get(item, "value")), 660);
	setup_free(&s);
}

// Windows of ten minutes that do not overlap: three bad minutes are judged once, at the end of theirs, and found over at
// the end of the next. A window that slides by the minute would have said so earlier.
Test(judge, a_rule_judged_as_seldom_as_its_window_is_long)
{
	struct setup s;
	const int64_t begin = 100 * WEEK;

	setup_init(&s, 10 * MINUTE, MINUTE);
	add_rule(&s, rule_above("Tumbling", TIER_DAILY, "violation_ratio", 0.1))->every_ms = 10 * MINUTE;
	start(&s);
	feed(&s, begin, 12, 60, 0);
	feed(&s, begin + 12 * MINUTE, 3, 60, 1);
	feed(&s, begin + 15 * MINUTE, 4, 60, 0);
	tick(s.j, begin + 19 * MINUTE);
	cr_expect_eq(fake_count(s.f, "alert_firing"), 0, "its window is not at its end");
	feed(&s, begin + 19 * MINUTE, 3, 60, 0);
	tick(s.j, begin + 22 * MINUTE);
	cr_assert_eq(fake_count(s.f, "alert_firing"), 1);
	const json_t *item = json_array_get(json_object_get(page_of(&s, "alert_firing", 0), "items"), 0);
	cr_expect_str_eq(json_string_value(json_object_get(item, "every")), "10m");
	cr_expect_float_eq(json_number_value(json_object_get(item, "value")), 0.3, 1e-12);
	feed(&s, begin + 22 * MINUTE, 7, 60, 0);
	tick(s.j, begin + 29 * MINUTE);
	cr_expect_eq(fake_count(s.f, "alert_resolved"), 0);
	feed(&s, begin + 29 * MINUTE, 3, 60, 0);
	tick(s.j, begin + 32 * MINUTE);
	cr_expect_eq(fake_count(s.f, "alert_resolved"), 1);
	setup_free(&s);
}

Test(judge, a_window_cut_by_the_datas_start_is_not_judged)
{
	struct setup s;

	setup_init(&s, HOUR, 10 * MINUTE);
	add_rule(&s, rule_above("Mean", TIER_IMMEDIATE, "mean", 10));
	start(&s);
	for (int m = 0; m <= 59; m++)
		fake_record(s.f, "pay", "", T0 + (int64_t)m * MINUTE, false, &(struct fake_value){"a", 50}, 1);
	tick(s.j, T0 + HOUR);
	cr_expect_eq(s.f->nmessages, 0);
	cr_expect_str_eq(status_state(s.j, 0), "unknown");
	pass_to(&s, T0 + HOUR);
	cr_expect_eq(s.f->nmessages, 2);
	setup_free(&s);
}

Test(judge, no_baseline_is_unknown_and_says_so)
{
	struct setup s;

	setup_init(&s, 5 * MINUTE, 5 * MINUTE);
	add_rule(&s, rule_above("Drift", TIER_WEEKLY, "ks", 0.1));
	start(&s);
	feed_values(&s, "pay", "", T0, 10, 100);
	pass_to(&s, T0 + 10 * MINUTE);
	cr_expect_str_eq(status_state(s.j, 0), "no_baseline");
	json_t *status = judge_status(s.j);
	const json_t *alert = json_array_get(json_object_get(status, "alerts"), 0);
	cr_expect_str_eq(json_get_str(alert, "state", ""), "unknown");
	cr_expect_str_eq(json_get_str(alert, "why", ""), "no_baseline");
	json_decref(status);
	setup_free(&s);
}

Test(judge, unreadable_panes_are_unknown)
{
	struct setup s;

	setup_init(&s, 5 * MINUTE, 5 * MINUTE);
	struct rule *r = add_rule(&s, rule_above("Volume", TIER_IMMEDIATE, "records", 0));
	r->has_above = false;
	r->has_below = true;
	r->below = 10;
	start(&s);
	feed(&s, T0, 10, 10, 0);
	fake_newest(s.f, "pay", T0 + 10 * MINUTE);
	s.f->garble = true;
	tick(s.j, T0 + 10 * MINUTE);
	cr_expect_eq(s.f->nmessages, 0, "not a volume of 0");
	cr_expect_str_eq(status_state(s.j, 0), "unknown");
	setup_free(&s);
}

Test(judge, the_floor_leaves_what_windows_still_need)
{
	struct setup s;

	setup_init(&s, HOUR, 10 * MINUTE);
	struct rule *r = add_rule(&s, rule_above("Shift", TIER_WEEKLY, "mean_shift", 1));
	r->against.kind = AGAINST_PREVIOUS;
	r->against.previous_ms = DAY;
	start(&s);
	for (int m = 0; m < 3 * 1440; m++) {
		fake_record(s.f, "pay", "", T0 + (int64_t)m * MINUTE, false, &(struct fake_value){"a", m % 60}, 1);
		if (m % 10 == 0)
			tick(s.j, T0 + (int64_t)m * MINUTE);
	}
	cr_expect_gt(s.f->floor, T0);
	cr_expect_leq(s.f->floor, T0 + 3 * DAY - DAY - HOUR - 10 * MINUTE);
	cr_expect_geq(s.f->floor, T0 + 3 * DAY - DAY - HOUR - 30 * MINUTE);
	json_t *status = judge_status(s.j);
	const json_t *stream = json_array_get(json_object_get(status, "streams"), 0);
	const json_t *worst = json_object_get(json_array_get(json_object_get(stream, "fields"), 0), "worst");
	cr_expect_str_eq(json_get_str(worst, "reading", ""), "known");
	cr_expect_eq(json_get_int(worst, "n_reference", 0), 60);
	json_decref(status);
	setup_free(&s);
}
