// SPDX-License-Identifier: Apache-2.0
// Records that Kafka deleted before they were read: the windows that they would be in are unknown.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "setup.h"

static const int64_t T0 = SETUP_T0;

// The rule's alert: its state and why.
static const char *why(struct setup *s)
{
	static char out[64];
	json_t *status = judge_status(s->j);
	const json_t *a = json_array_get(json_object_get(status, "alerts"), 0);

	snprintf(out, sizeof out, "%s %s", json_get_str(a, "state", "ok"), json_get_str(a, "why", "-"));
	json_decref(status);
	return out;
}

static struct rule *volume_below(struct setup *s, double below)
{
	struct rule *r = add_rule(s, rule_above("Volume", TIER_IMMEDIATE, "records", 0));

	r->has_above = false;
	r->has_below = true;
	r->below = below;
	return r;
}

Test(lost, windows_that_touch_a_hole_are_unknown_and_others_are_not)
{
	struct setup s;

	setup_init(&s, 5 * MINUTE, MINUTE);
	volume_below(&s, 45);
	start(&s);
	feed(&s, T0, 20, 10, 0);
	fake_hole(s.f, "pay", T0 + 10 * MINUTE + 1, T0 + 12 * MINUTE);
	for (int m = 5; m <= 19; m++) {
		bool touched = m > 10 && m < 17; // [m - 5, m)
		fake_part(s.f, "pay", 0)->max_event = T0 + (int64_t)m * MINUTE;
		fake_part(s.f, "pay", 0)->next++;
		tick(s.j, T0 + (int64_t)m * MINUTE);
		cr_expect_str_eq(why(&s), touched ? "unknown records_lost" : "ok -", "minute %d", m);
		cr_expect_str_eq(status_state(s.j, 0), touched ? "unknown" : "healthy", "minute %d", m);
	}
	cr_expect_eq(s.f->nmessages, 0);
	setup_free(&s);
}

Test(lost, the_window_that_one_is_compared_with_must_be_whole_too)
{
	struct setup s;

	setup_init(&s, 5 * MINUTE, 5 * MINUTE);
	struct rule *r = add_rule(&s, rule_above("Shift", TIER_DAILY, "mean_shift", 0.5));
	r->against.kind = AGAINST_PREVIOUS;
	r->against.previous_ms = 10 * MINUTE;
	start(&s);
	feed_values(&s, "pay", "", T0, 15, 100);
	feed_values(&s, "pay", "", T0 + 15 * MINUTE, 5, 500);
	feed_values(&s, "pay", "", T0 + 20 * MINUTE, 5, 100);
	fake_hole(s.f, "pay", T0 + 5 * MINUTE, T0 + 10 * MINUTE);
	fake_newest(s.f, "pay", T0 + 20 * MINUTE);
	fake_part(s.f, "pay", 0)->max_event = T0 + 20 * MINUTE;
	tick(s.j, T0 + 20 * MINUTE);
	cr_expect_str_eq(why(&s), "unknown records_lost");
	cr_expect_eq(fake_count(s.f, "alert_firing"), 0, "15 to 20 differs, but from 5 to 10 much is lost");
	pass_to(&s, T0 + 25 * MINUTE);
	cr_expect_str_eq(why(&s), "ok -");
	setup_free(&s);
}

Test(lost, what_fires_is_not_resolved_by_a_window_of_which_a_part_is_lost)
{
	struct setup s;
	char when[40];

	setup_init(&s, 5 * MINUTE, 5 * MINUTE);
	add_rule(&s, rule_above("V", TIER_DAILY, "violation_ratio", 0.1));
	start(&s);
	feed(&s, T0, 5, 10, 2);
	feed(&s, T0 + 5 * MINUTE, 10, 10, 0);
	fake_hole(s.f, "pay", T0 + 6 * MINUTE, T0 + 7 * MINUTE);
	pass_to(&s, T0 + 15 * MINUTE);
	cr_assert_eq(fake_count(s.f, "alert_firing"), 1);
	cr_assert_eq(fake_count(s.f, "alert_resolved"), 1);
	cr_expect_str_eq(json_get_str(page_of(&s, "alert_resolved", 0), "ends_at", ""),
			 time_format(T0 + 15 * MINUTE, when, sizeof when), "not at 10");
	setup_free(&s);
}

// What is there is there: an eager rule fires on it. That a condition is not met nobody can tell.
Test(lost, eager_rules_fire_on_what_is_left_and_find_nothing_well)
{
	struct setup s;

	setup_init(&s, 5 * MINUTE, 5 * MINUTE);
	struct rule *r = add_rule(&s, rule_above("V", TIER_IMMEDIATE, "violation_ratio", 0.1));
	r->min_records = 20;
	start(&s);
	feed(&s, T0, 6, 10, 0);
	tick(s.j, T0 + 6 * MINUTE);
	cr_expect_str_eq(why(&s), "ok -");
	fake_hole(s.f, "pay", T0 + 6 * MINUTE, T0 + 7 * MINUTE);
	feed(&s, T0 + 7 * MINUTE, 1, 10, 0);
	tick(s.j, T0 + 8 * MINUTE);
	cr_expect_str_eq(why(&s), "unknown records_lost");
	json_t *status = judge_status(s.j);
	const json_t *stream = json_array_get(json_object_get(status, "streams"), 0);
	const json_t *reading = json_array_get(json_object_get(stream, "readings"), 0);
	cr_expect_str_eq(json_get_str(reading, "reading", ""), "records_lost");
	cr_expect(json_is_null(json_object_get(reading, "value")));
	json_decref(status);
	cr_expect_eq(s.f->nmessages, 0);
	feed(&s, T0 + 8 * MINUTE, 1, 10, 2);
	tick(s.j, T0 + 8 * MINUTE + SECOND);
	cr_expect_eq(s.f->nmessages, 2);
	setup_free(&s);
}

Test(lost, a_hole_of_years_is_passed_over_up_to_its_end)
{
	struct setup s;
	char when[40];

	setup_init(&s, 5 * MINUTE, MINUTE);
	volume_below(&s, 10);
	start(&s);
	feed(&s, T0, 10, 10, 0);
	tick(s.j, T0 + 10 * MINUTE);
	fake_hole(s.f, "pay", T0 + 10 * MINUTE, T0 + 260 * WEEK);
	feed(&s, T0 + 520 * WEEK, 10, 10, 0);
	unsigned before = s.f->intervals;
	tick(s.j, T0 + 520 * WEEK + 10 * MINUTE);
	cr_expect_lt(s.f->intervals - before, 10);
	cr_assert_eq(fake_count(s.f, "alert_firing"), 1);
	cr_expect_str_eq(json_get_str(page_of(&s, "alert_firing", 0), "starts_at", ""),
			 time_format(T0 + 260 * WEEK + 5 * MINUTE, when, sizeof when), "the first window past it");
	cr_expect_str_eq(json_get_str(page_of(&s, "alert_resolved", 0), "ends_at", ""),
			 time_format(T0 + 520 * WEEK + MINUTE, when, sizeof when));
	setup_free(&s);
}

Test(lost, a_stream_without_rules_is_not_healthy_either)
{
	struct setup s;

	setup_init(&s, 5 * MINUTE, 5 * MINUTE);
	start(&s);
	feed(&s, T0, 12, 10, 0);
	fake_hole(s.f, "pay", T0 + 6 * MINUTE, T0 + 7 * MINUTE);
	tick(s.j, T0 + 12 * MINUTE);
	cr_expect_str_eq(status_state(s.j, 0), "unknown");
	pass_to(&s, T0 + 15 * MINUTE);
	cr_expect_str_eq(status_state(s.j, 0), "healthy");
	setup_free(&s);
}
