// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/tune.h"
#include "util/xalloc.h"

#define HOUR INT64_C(3600000)
#define WEEK (168 * HOUR)

static struct rule r;
static struct timelines l;

// A rule of a z with a budget of 1/week; its derived limit is 5, and it clears at 4.
static void begin(void)
{
	r = (struct rule){.name = (char *)"D", .stream = (char *)"*", .measure = measure_find("drift"), .budget = {1, WEEK}};
	cr_assert_not_null(r.measure);
	timelines_init(&l);
}

static void end(void)
{
	timelines_release(&l);
}

TestSuite(tune_budget, .init = begin, .fini = end);

static void add(const char *stream, const char *field, int64_t at, double value, struct thresholds limits)
{
	struct reading reading = {.stream = stream, .field = field, .slice = "", .v = {.state = isnan(value) ? READING_NO_DATA : READING_KNOWN,
				  .value = value}, .from = (at - 1) * HOUR, .to = at * HOUR, .limits = limits};
	const struct judge_verdict v = {.rule = &r, .reading = &reading, .state = "", .at = at * HOUR};

	timelines_add(&l, &v);
}

static const struct thresholds derived = {5, NAN, 4};

// Eight weeks of readings of 1, but for n single hours, spread evenly, of `high` and ever `more`.
static void weeks(const char *stream, int n, double high, double more)
{
	const int hours = 8 * 168;

	for (int h = 1; h <= hours; h++) {
		int k = n ? h / (hours / n) : 0;
		add(stream, "a", h, n && k < n && h == k * (hours / n) + 10 ? high + k * more : 1, derived);
	}
}

static struct tune_budget judge(void)
{
	struct tune_budget t;

	cr_assert(tune_budget(&t, &r, &l, 8 * WEEK));
	return t;
}

// Bounds: scipy.stats.poisson.ppf(1 - 0.05 / streams, 8); room: the most with poisson.cdf < 0.05
Test(tune_budget, luck_is_not_past_and_room_is_far_below)
{
	static const struct {
		int fired;
		enum budget_state state;
	} cases[] = {{0, BUDGET_ROOM}, {3, BUDGET_ROOM}, {4, BUDGET_WITHIN}, {8, BUDGET_WITHIN}, {13, BUDGET_WITHIN}, {14, BUDGET_PAST}};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		weeks("s", cases[i].fired, 6, 1);
		struct tune_budget t = judge();
		cr_assert_eq(t.expected, 8);
		cr_assert_eq(t.most, 13);
		cr_assert_eq(t.now.total, (uint64_t)cases[i].fired, "%d", cases[i].fired);
		cr_assert_eq(t.state, cases[i].state, "%d firings: %s", cases[i].fired, budget_state_names[t.state]);
		end();
		begin();
	}
}

Test(tune_budget, streams_have_a_budget_each)
{
	weeks("a", 15, 6, 1);
	weeks("b", 0, 6, 1);
	weeks("c", 9, 6, 1);
	weeks("d", 8, 6, 1);
	struct tune_budget t = judge();
	cr_assert_eq(t.now.streams, 4);
	cr_assert_eq(t.now.total, 32);
	cr_assert_eq(t.now.most, 15);
	cr_assert_str_eq(t.now.stream, "a");
	cr_assert_eq(t.most, 15, "%llu", (unsigned long long)t.most);
	cr_assert_eq(t.state, BUDGET_WITHIN);
	add("a", "b", 150, 6, derived); // between others: a page more
	add("a", "b", 151, 1, derived);
	t = judge();
	cr_assert_eq(t.now.most, 16);
	cr_assert_eq(t.state, BUDGET_PAST);
}

Test(tune_budget, a_number_that_meets_it)
{
	weeks("s", 20, 6, 1); // 6, 7, ... 25: past 17 lie 8 of them
	struct tune_budget t = judge();
	cr_assert_eq(t.state, BUDGET_PAST);
	cr_assert_eq(t.way, WAY_NUMBER);
	cr_assert_eq(t.derived, 5);
	cr_assert_eq(t.number, 17, "%g", t.number);
	cr_assert_eq(t.then.total, 8);
	cr_assert_leq(t.clear, t.number);
}

Test(tune_budget, room_names_what_would_fit)
{
	weeks("s", 12, 3.25, 0.125); // up to 4.625: past 3.625 lie 8 of them
	struct tune_budget t = judge();
	cr_assert_eq(t.state, BUDGET_ROOM);
	cr_assert_eq(t.way, WAY_NUMBER);
	cr_assert_eq(t.number, 3.63, "%g", t.number);
	cr_assert_eq(t.then.total, 8);
}

// At 3.2 one field or the other fires in every hour: one long page, which is no room.
Test(tune_budget, room_is_not_where_something_always_fires)
{
	weeks("s", 12, 3.25, 0.125);
	for (int h = 1; h <= 8 * 168; h++)
		add("s", "b", h, 3.2 + h % 2 * 0.001, derived);
	struct tune_budget t = judge();
	cr_assert_eq(t.number, 3.63, "%g", t.number);
}

// Limits differ from field to field: no number suits all, but single windows fall to a `for`.
Test(tune_budget, a_for_where_limits_are_the_fields_own)
{
	r.measure = measure_find("psi");
	weeks("s", 20, 6, 1);
	struct tune_budget t = judge();
	cr_assert_eq(t.state, BUDGET_PAST);
	cr_assert_eq(t.way, WAY_FOR);
	cr_assert_eq(t.for_ms, HOUR);
	cr_assert_eq(t.then.total, 0);
}

Test(tune_budget, counted_with_the_limits_of_each_reading)
{
	static const struct {
		double value, above, clear;
	} at[] = {{6, 5, 4}, {4.5, 5, 4}, {3, 5, 4}, {6, 7, 4}, {6, 5, 4}, {NAN, 5, 4}, {4.5, 5, 4.6}, {6, 5, 4}};

	for (size_t i = 0; i < ARRAY_LEN(at); i++)
		add("s", "a", (int64_t)i + 1, at[i].value, (struct thresholds){at[i].above, NAN, at[i].clear});
	struct firings f = firings_count(&r, &l, NULL, 0);
	cr_assert_eq(f.total, 3); // hours 1 to 2, 5 to 6, 8
	cr_assert_eq(f.readings, 7);
	f = firings_count(&r, &l, NULL, HOUR);
	cr_assert_eq(f.total, 0); // none is met for two hours
}

Test(tune_budget, nothing_without_a_limit)
{
	struct tune_budget t;

	add("s", "a", 1, NAN, (struct thresholds){NAN, NAN, NAN});
	cr_assert_not(tune_budget(&t, &r, &l, WEEK));
}
