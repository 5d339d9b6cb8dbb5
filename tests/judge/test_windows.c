// SPDX-License-Identifier: Apache-2.0
// The cached, blockwise merge against judge_merge_range, which knows no cache and no blocks.
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "fake.h"
#include "judge/windows.h"

static uint64_t state;

static uint64_t rnd(uint64_t n)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (state >> 33) % n;
}

static void add_random(struct fake *f, int64_t base, int64_t span)
{
	static const char *const slices[] = {"v=1", "v=2", "other"};
	struct fake_value values[2] = {{"amount", (double)rnd(1000)}, {"score", (double)rnd(7)}};

	fake_record_at(f, "s", slices[rnd(3)], (int)rnd(2), base + (int64_t)rnd((uint64_t)span), rnd(10) == 0, values,
		       rnd(3));
}

static void expect_same(struct fake *f, struct windows *w, int64_t from, int64_t to, const char *slice)
{
	struct error err = ERROR_INIT;
	struct merged m;
	struct pane *naive;

	cr_assert_eq(windows_merge(w, from, to, &m, &err), 0, "%s", err.text);
	cr_assert_eq(judge_merge_range(&f->port, "s", from, to, slice, NULL, &naive, &err), 0, "%s", err.text);
	const struct slice_stats *s = merged_slice(&m, slice ? slice : "");
	cr_assert(s || !naive->records);
	if (s) {
		const struct field_stats *a = pane_find(s->pane, "amount", FIELD_NUMERIC),
					 *b = pane_find(naive, "amount", FIELD_NUMERIC);
		cr_expect_eq(s->pane->records, naive->records, "%" PRIu64 " %" PRIu64, s->pane->records, naive->records);
		cr_expect_eq(pane_violations(s->pane, VIOLATION_RANGE), pane_violations(naive, VIOLATION_RANGE));
		cr_expect_eq(s->pane->min_offset, naive->min_offset);
		cr_expect_eq(s->pane->max_offset, naive->max_offset);
		cr_expect(!a == !b);
		if (a && b) {
			cr_expect_eq(a->count, b->count);
			cr_expect_eq(field_sum(a), field_sum(b), "whole numbers add up in any order");
		}
		int64_t lo = INT64_MAX, hi = INT64_MIN;
		for (size_t i = 0; i < s->nparts; i++) {
			cr_expect_lt(s->parts[i].partition, 2);
			lo = s->parts[i].from < lo ? s->parts[i].from : lo;
			hi = s->parts[i].to > hi ? s->parts[i].to : hi;
		}
		cr_expect_eq(lo, naive->min_offset);
		cr_expect_eq(hi, naive->max_offset);
	}
	pane_free(naive);
	merged_release(&m);
}

Test(windows, equal_to_the_plain_merge_after_any_history)
{
	const char *given = getenv("KDRIFT_SEED");

	state = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
	printf("windows: KDRIFT_SEED=%" PRIu64 "\n", state);
	for (int round = 0; round < 30; round++) {
		struct fake *f = fake_new(MINUTE);
		int64_t unit = (int64_t)(1 + rnd(5)) * MINUTE, base = 100 * WEEK;
		struct windows *w = windows_new(&f->port, "s", MINUTE, unit, 300 * unit, NULL);
		for (int step = 0; step < 40; step++) {
			int64_t from = base + (int64_t)rnd(400) * MINUTE, to = from + (int64_t)(1 + rnd(400)) * MINUTE;
			for (uint64_t i = rnd(20); i; i--)
				add_random(f, base, 800 * MINUTE);
			windows_begin(w);
			expect_same(f, w, from, to, NULL);
			expect_same(f, w, from, to, rnd(2) ? "v=1" : "other");
			if (!rnd(4))
				windows_evict(w, base + (int64_t)rnd(200) * MINUTE);
			if (!rnd(20))
				windows_clear(w);
		}
		windows_free(w);
		fake_free(f);
	}
}

Test(windows, only_what_changed_is_read_again)
{
	struct fake *f = fake_new(MINUTE);
	struct windows *w = windows_new(&f->port, "s", MINUTE, MINUTE, DAY, NULL);
	struct error err = ERROR_INIT;
	struct merged m;

	for (int i = 0; i < 500; i++)
		fake_record(f, "s", "", (int64_t)i * MINUTE, false, NULL, 0);
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(windows_merge(w, 0, 500 * MINUTE, &m, &err), 0);
		cr_expect_eq(m.total.pane->records, 500);
		merged_release(&m);
	}
	cr_expect_eq(f->segments_read, 500);
	cr_expect_eq(f->segment_calls, 1);
	fake_record(f, "s", "", 77 * MINUTE, false, NULL, 0);
	windows_begin(w);
	cr_assert_eq(windows_merge(w, 0, 500 * MINUTE, &m, &err), 0);
	cr_expect_eq(m.total.pane->records, 501);
	cr_expect_eq(f->segments_read, 501, "the one late pane");
	merged_release(&m);
	windows_free(w);
	fake_free(f);
}

Test(windows, slices_beyond_the_bound_leave_the_list_not_the_total)
{
	struct fake *f = fake_new(MINUTE);
	struct windows *w = windows_new(&f->port, "s", MINUTE, MINUTE, HOUR, NULL);
	struct error err = ERROR_INIT;
	struct merged m;
	static const char *const slices[] = {"d", "c", "b", "a", "e"};
	static const int n[] = {3, 2, 2, 1, 9};

	for (size_t i = 0; i < 5; i++)
		for (int k = 0; k < n[i]; k++)
			fake_record(f, "s", slices[i], 0, false, NULL, 0);
	cr_assert_eq(windows_merge(w, 0, MINUTE, &m, &err), 0);
	merged_limit(&m, 3);
	cr_assert_eq(m.nslices, 3);
	cr_expect_str_eq(m.slices[0].name, "b");
	cr_expect_str_eq(m.slices[1].name, "d");
	cr_expect_str_eq(m.slices[2].name, "e");
	cr_expect_eq(m.total.pane->records, 17);
	merged_release(&m);
	windows_free(w);
	fake_free(f);
}

Test(windows, an_unreadable_pane_is_damage_not_zero)
{
	struct fake *f = fake_new(MINUTE);
	struct windows *w = windows_new(&f->port, "s", MINUTE, MINUTE, HOUR, NULL);
	struct error err = ERROR_INIT;
	struct merged m;
	struct pane *p;

	fake_record(f, "s", "v=1", 0, false, NULL, 0);
	f->garble = true;
	cr_assert_eq(windows_merge(w, 0, MINUTE, &m, &err), 0);
	cr_expect(m.total.damaged);
	cr_expect(merged_slice(&m, "v=1")->damaged);
	cr_expect_eq(judge_merge_range(&f->port, "s", 0, MINUTE, NULL, NULL, &p, &err), -1);
	cr_expect(err.set);
	merged_release(&m);
	windows_free(w);
	fake_free(f);
}
