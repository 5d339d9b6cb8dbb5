// SPDX-License-Identifier: Apache-2.0
// Slices, and what a window is compared with.
#include <criterion/criterion.h>
#include <string.h>

#include "setup.h"

static const int64_t T0 = SETUP_T0;

Test(slices, are_judged_by_themselves_but_other_is_not)
{
	struct setup s;
	static const char *const slices[] = {"v=1", "v=2", "other"};

	setup_init(&s, 5 * MINUTE, 5 * MINUTE);
	add_rule(&s, rule_above("V", TIER_DAILY, "violation_ratio", 0.5));
	s.rules[0].tier = TIER_WEEKLY;
	start(&s);
	for (int i = 0; i < 30; i++)
		fake_record(s.f, "pay", slices[i % 3], T0 + i * SECOND, i % 3 > 0, NULL, 0);
	pass_to(&s, T0 + 5 * MINUTE);
	const json_t *items = json_object_get(page_of(&s, "alert_firing", 0), "items");
	cr_assert_eq(json_array_size(items), 2, "all together (20 of 30), and v=2");
	cr_expect(json_is_null(json_object_get(json_array_get(items, 0), "slice")));
	cr_expect_str_eq(json_get_str(json_array_get(items, 1), "slice", ""), "v=2");
	cr_expect_eq(s.f->nmessages, 0, "weekly: only its digest");
	setup_free(&s);
}

// Where a partition had no room for a slice of its own, what is known of that slice is not all of it.
Test(slices, a_slice_that_overflows_in_any_partition_is_not_judged)
{
	struct setup s;

	setup_init(&s, 5 * MINUTE, 5 * MINUTE);
	add_rule(&s, rule_above("V", TIER_WEEKLY, "violation_ratio", 0.5));
	start(&s);
	for (int window = 0; window < 2; window++) {
		int64_t t = T0 + window * 5 * MINUTE;
		for (int i = 0; i < 20; i++) {
			fake_record_at(s.f, "pay", i % 2 ? "v=1" : "v=2", 0, t + i * SECOND, true, NULL, 0);
			fake_record_at(s.f, "pay", "v=1", 1, t + i * SECOND, true, NULL, 0);
			if (!window)
				fake_overflow(s.f, "pay", 1, t + i * SECOND);
		}
	}
	fake_newest(s.f, "pay", T0 + 5 * MINUTE);
	fake_part(s.f, "pay", 1)->max_event = T0 + 5 * MINUTE;
	tick(s.j, T0 + 5 * MINUTE);
	const json_t *items = json_object_get(page_of(&s, "alert_firing", 0), "items");
	cr_assert_eq(json_array_size(items), 2, "all together (40 of 60), and v=1");
	cr_expect_str_eq(json_get_str(json_array_get(items, 1), "slice", ""), "v=1");
	const char *unsure = fake_doc(s.f, "alert", "V|pay||v=2");
	cr_assert_not_null(unsure);
	cr_expect(strstr(unsure, "\"approximate\""), "%s", unsure);

	fake_newest(s.f, "pay", T0 + 10 * MINUTE);
	fake_part(s.f, "pay", 1)->max_event = T0 + 10 * MINUTE;
	tick(s.j, T0 + 10 * MINUTE);
	cr_expect_eq(fake_count(s.f, "item_firing"), 1, "v=2, in the window without overflow");
	setup_free(&s);
}

// The closed windows that do not hold a slice yet say nothing on how long it has been true in the open ones.
Test(slices, a_new_slices_pending_outlasts_windows_without_it)
{
	struct setup s;

	setup_init(&s, 5 * MINUTE, MINUTE);
	s.streams[0].lateness_ms = 20 * MINUTE;
	add_rule(&s, rule_above("V", TIER_IMMEDIATE, "violation_ratio", 0.5))->for_ms = 3 * MINUTE;
	start(&s);
	for (int m = 0; m < 50; m++) {
		for (int i = 0; i < 10; i++) {
			int64_t t = T0 + (int64_t)m * MINUTE + i * SECOND;
			fake_record(s.f, "pay", "v=1", t, false, NULL, 0);
			if (m >= 40 && i % 2)
				fake_record(s.f, "pay", "v=2", t, true, NULL, 0);
		}
		tick(s.j, T0 + (int64_t)(m + 1) * MINUTE);
		cr_expect_eq(s.f->nmessages, m < 43 ? 0 : 2, "minute %d: %zu", m, s.f->nmessages);
	}
	setup_free(&s);
}

// A pending of the open windows ends with the slice itself.
Test(slices, a_slice_that_is_gone_is_not_pending)
{
	struct setup s;

	setup_init(&s, 5 * MINUTE, MINUTE);
	s.streams[0].lateness_ms = 20 * MINUTE;
	add_rule(&s, rule_above("V", TIER_IMMEDIATE, "violation_ratio", 0.5))->for_ms = 8 * MINUTE;
	start(&s);
	for (int m = 0; m < 30; m++) {
		fake_record(s.f, "pay", "v=1", T0 + (int64_t)m * MINUTE, false, NULL, 0);
		if (m == 10 || m == 25)
			fake_record(s.f, "pay", "v=2", T0 + (int64_t)m * MINUTE, true, NULL, 0);
		fake_record(s.f, "pay", "v=1", T0 + (int64_t)m * MINUTE, false, NULL, 0);
		tick(s.j, T0 + (int64_t)(m + 1) * MINUTE);
	}
	cr_expect_eq(s.f->nmessages, 0);
	setup_free(&s);
}

// --- against --------------------------------------------------------------------------------------------

Test(slices, against_earlier_slice_and_stream)
{
	static const enum against_kind kinds[] = {AGAINST_PREVIOUS, AGAINST_SLICE, AGAINST_STREAM};
	static char stable[] = "v=stable", shadow[] = "shadow", pay[] = "pay";

	for (size_t k = 0; k < 3; k++) {
		for (int shifted = 0; shifted < 2; shifted++) {
			struct setup s;
			setup_init(&s, 10 * MINUTE, 10 * MINUTE);
			s.streams[1] = stream_of("shadow", 10 * MINUTE, 10 * MINUTE);
			s.conf.nstreams = 2;
			struct rule *r = add_rule(&s, rule_above("Shift", TIER_IMMEDIATE, "mean_shift", 1));
			r->stream = pay;
			r->against.kind = kinds[k];
			r->against.previous_ms = 10 * MINUTE;
			r->against.name = kinds[k] == AGAINST_SLICE ? stable : shadow;
			start(&s);
			feed_values(&s, "pay", "v=stable", T0, 10, 100);
			feed_values(&s, "pay", "v=stable", T0 + 10 * MINUTE, 10, kinds[k] == AGAINST_SLICE ? 100 : 100 + 9 * shifted);
			feed_values(&s, "pay", "v=canary", T0 + 10 * MINUTE, 10, 100 + 9 * shifted);
			fake_newest(s.f, "pay", T0 + 20 * MINUTE);
			tick(s.j, T0 + 20 * MINUTE);
			if (kinds[k] == AGAINST_STREAM)
				cr_expect_eq(s.f->nmessages, 0, "waits for the other stream");
			feed_values(&s, "shadow", "v=stable", T0, 20, 100);
			fake_newest(s.f, "shadow", T0 + 20 * MINUTE);
			tick(s.j, T0 + 20 * MINUTE);
			cr_assert_eq(s.f->nmessages, shifted ? 2 : 0, "kind %zu, shifted %d: %zu", k, shifted, s.f->nmessages);
			if (shifted) {
				const json_t *items = json_object_get(page_of(&s, "alert_firing", 0), "items");
				const json_t *last = json_array_get(items, json_array_size(items) - 1);
				cr_expect_str_eq(json_get_str(last, "slice", ""), kinds[k] == AGAINST_SLICE ? "v=canary" : "v=stable");
				// 9 over the population standard deviation of sixty values of 97..103
				cr_expect_float_eq(json_get_num(last, "value", 0), 4.5, 0.1);
			}
			setup_free(&s);
		}
	}
}
