// SPDX-License-Identifier: Apache-2.0
// Limits derived from a budget. Deviates by SciPy's norm.isf.
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "judge/threshold.h"
#include "setup.h"

static const int64_t T0 = SETUP_T0;

// 60 values a minute of a repeatable sequence without a rhythm, about `mean`, in a slice.
static void feed_noise(struct setup *s, const char *slice, int64_t from, int minutes, double mean)
{
	static uint64_t x = 88172645463325252;

	for (int m = 0; m < minutes; m++)
		for (int i = 0; i < 60; i++) {
			double sum = 0;
			for (int k = 0; k < 12; k++) { // Marsaglia's xorshift64
				x ^= x << 13;
				x ^= x >> 7;
				x ^= x << 17;
				sum += (double)(x >> 11) * 0x1p-53;
			}
			fake_record(s->f, "pay", slice, from + (int64_t)m * MINUTE + i * SECOND, false,
				    &(struct fake_value){"a", mean + 10 * (sum - 6)}, 1);
		}
}

static struct rule *add_budget(struct setup *s, const char *measure)
{
	struct rule *r = add_rule(s, rule_above("B", TIER_IMMEDIATE, measure, 0));

	r->has_above = false;
	r->budget = (struct budget){1, WEEK};
	r->against = (struct against){AGAINST_PREVIOUS, HOUR, NULL};
	return r;
}

static double shown_threshold(struct judge *j)
{
	json_t *status = judge_status(j);
	const json_t *stream = json_array_get(json_object_get(status, "streams"), 0);
	const json_t *field = json_array_get(json_object_get(stream, "fields"), 0);
	double t = json_get_num(json_object_get(field, "worst"), "threshold", NAN);

	cr_expect_str_eq(json_get_str(json_object_get(field, "worst"), "budget", ""), "1/week");
	json_decref(status);
	return t;
}

Test(threshold, a_budget_becomes_a_z)
{
	struct setup s;

	setup_init(&s, HOUR, 5 * MINUTE);
	add_budget(&s, "drift");
	start(&s);
	feed_noise(&s, "", T0, 180, 20);
	fake_newest(s.f, "pay", T0 + 3 * HOUR);
	tick(s.j, T0 + 3 * HOUR);
	cr_expect_eq(s.f->nmessages, 0);
	// One field, 12 windows an hour: p = 1 / (168 x 12).
	cr_expect_float_eq(shown_threshold(s.j), 3.2927678573231858, 1e-9);
	feed_noise(&s, "", T0 + 3 * HOUR, 60, 30);
	fake_newest(s.f, "pay", T0 + 4 * HOUR);
	tick(s.j, T0 + 4 * HOUR);
	cr_assert_eq(s.f->nmessages, 2);
	const json_t *data = json_object_get(body(&s, 0), "data"), *item = json_array_get(json_object_get(data, "items"), 0);
	cr_expect_float_eq(json_get_num(item, "threshold", 0), 3.2927678573231858, 1e-9);
	cr_expect_str_eq(json_get_str(item, "budget", ""), "1/week");
	cr_expect(strstr(json_get_str(data, "summary", ""), "(limit: above 3.293, from the budget of 1/week)"), "%s",
		  json_get_str(data, "summary", ""));
	// After a restart the status knows the limit of an alert that is not judged yet.
	start(&s);
	tick(s.j, T0 + 4 * HOUR);
	json_t *status = judge_status(s.j);
	cr_expect_float_eq(json_get_num(json_array_get(json_object_get(status, "alerts"), 0), "threshold", 0),
			   3.2927678573231858, 1e-9);
	json_decref(status);
	setup_free(&s);
}

// Two slices and all records are three tests a window: counted as four, so that a third slice moves nothing.
Test(threshold, tests_are_fields_times_slices_in_powers_of_two)
{
	struct setup s;

	setup_init(&s, HOUR, 5 * MINUTE);
	add_budget(&s, "drift");
	start(&s);
	feed_noise(&s, "v=1", T0, 150, 20);
	feed_noise(&s, "v=2", T0, 150, 20);
	fake_newest(s.f, "pay", T0 + 150 * MINUTE);
	tick(s.j, T0 + 150 * MINUTE);
	cr_expect_float_eq(shown_threshold(s.j), 3.6643000804717936, 1e-9);
	feed_noise(&s, "v=3", T0 + 150 * MINUTE, 5, 20);
	fake_newest(s.f, "pay", T0 + 155 * MINUTE);
	tick(s.j, T0 + 155 * MINUTE);
	cr_expect_float_eq(shown_threshold(s.j), 3.6643000804717936, 1e-9);
	setup_free(&s);
}

Test(threshold, a_budget_becomes_a_p)
{
	struct setup s;

	setup_init(&s, HOUR, 5 * MINUTE);
	add_budget(&s, "ks_p");
	start(&s);
	feed_noise(&s, "", T0, 120, 20);
	feed_noise(&s, "", T0 + 2 * HOUR, 60, 30);
	fake_newest(s.f, "pay", T0 + 3 * HOUR);
	tick(s.j, T0 + 3 * HOUR);
	cr_expect_float_eq(shown_threshold(s.j), 1.0 / (168 * 12), 1e-12);
	cr_assert_eq(s.f->nmessages, 2);
	cr_expect(strstr(json_get_str(json_object_get(body(&s, 0), "data"), "summary", ""), "limit: below 0.000496,"), "%s",
		  json_get_str(json_object_get(body(&s, 0), "data"), "summary", ""));
	setup_free(&s);
}

// What fires goes on until ten times the budget's p is not met: windows that overlap do not fire again and again.
Test(threshold, a_budget_has_a_clear_value)
{
	struct rule r = rule_above("B", TIER_WEEKLY, "drift", 0);
	struct judge_stream s = stream_of("pay", HOUR, HOUR);
	struct merged w = {.from = 0, .to = HOUR};
	struct moment m = {.stream = &s, .window = &w, .tests = 1024};

	r.budget = (struct budget){1, WEEK};
	struct thresholds t = thresholds_of(&r, &m, NULL);
	cr_expect_float_eq(t.above, 4.3844907162, 1e-9, "norm.isf(1/168/1024)");
	cr_expect_float_eq(t.clear, 3.8538866365, 1e-9, "norm.isf(10/168/1024)");
	cr_expect(isnan(t.below));
	m.tests = 1;
	t = thresholds_of(&r, &m, NULL);
	cr_expect_float_eq(t.above, 3.090232306167813, 1e-9, "never above p = 0.001");
	cr_expect_float_eq(t.clear, 3.090232306167813, 1e-9);
}
