// SPDX-License-Identifier: Apache-2.0
// Limits derived from a budget. Deviates by SciPy's norm.isf.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "judge/threshold.h"
#include "setup.h"

static const int64_t T0 = SETUP_T0;

// 60 values a minute of a repeatable sequence without a rhythm, about `mean`, in a slice.
static void feed_noise(struct setup *s, const char *slice, int64_t from, int minutes, double mean)
{
	static uint64_t x = 88172645463325252;

	for (int m = 0; m < minutes; m++)
		for (int i = 0; i < 60; i++)
			fake_record(s->f, "pay", slice, from + (int64_t)m * MINUTE + i * SECOND, false,
				    &(struct fake_value){"a", mean + 10 * normal(&x)}, 1);
}

static void setup_budget(struct setup *s, const char *measure)
{
	setup_init(s, HOUR, 5 * MINUTE);
	struct rule *r = add_rule(s, rule_above("B", TIER_IMMEDIATE, measure, 0));
	r->has_above = false;
	r->budget = (struct budget){1, WEEK};
	r->against = (struct against){AGAINST_PREVIOUS, HOUR, NULL};
	start(s);
}

static double shown_threshold(struct judge *j)
{
	json_t *status = judge_status(j);
	const json_t *stream = json_array_get(json_object_get(status, "streams"), 0);
	const json_t *field = json_array_get(json_object_get(stream, "fields"), 0);
	double t = json_get_num(json_object_get(field, "worst"), "threshold", NAN);

	cr_expect_str_eq(json_get_str(json_object_get(field, "worst"), "threshold_is", ""), "from the budget of 1/week");
	json_decref(status);
	return t;
}

Test(threshold, a_budget_becomes_a_z)
{
	struct setup s;

	setup_budget(&s, "drift");
	feed_noise(&s, "", T0, 180, 20);
	pass_to(&s, T0 + 3 * HOUR);
	cr_expect_eq(s.f->nmessages, 0);
	// One field, 12 windows an hour: p = 1 / (168 x 12).
	cr_expect_float_eq(shown_threshold(s.j), 3.2927678573231858, 1e-9);
	feed_noise(&s, "", T0 + 3 * HOUR, 60, 30);
	pass_to(&s, T0 + 4 * HOUR);
	cr_assert_eq(s.f->nmessages, 2);
	const json_t *data = json_object_get(body(&s, 0), "data"), *item = json_array_get(json_object_get(data, "items"), 0);
	cr_expect_float_eq(json_get_num(item, "threshold", 0), 3.2927678573231858, 1e-9);
	cr_expect_str_eq(json_get_str(item, "threshold_is", ""), "from the budget of 1/week");
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

	setup_budget(&s, "drift");
	feed_noise(&s, "v=1", T0, 150, 20);
	feed_noise(&s, "v=2", T0, 150, 20);
	pass_to(&s, T0 + 150 * MINUTE);
	cr_expect_float_eq(shown_threshold(s.j), 3.6643000804717936, 1e-9);
	feed_noise(&s, "v=3", T0 + 150 * MINUTE, 5, 20);
	pass_to(&s, T0 + 155 * MINUTE);
	cr_expect_float_eq(shown_threshold(s.j), 3.6643000804717936, 1e-9);
	setup_free(&s);
}

Test(threshold, a_budget_becomes_a_p)
{
	struct setup s;

	setup_budget(&s, "ks_p");
	feed_noise(&s, "", T0, 120, 20);
	feed_noise(&s, "", T0 + 2 * HOUR, 60, 30);
	pass_to(&s, T0 + 3 * HOUR);
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

// --- many fields, one rule -----------------------------------------------------------------------------

enum { FIELDS = 100 };

// `moved` of a hundred fields shift in the second hour; how many fire.
static size_t fired(unsigned adjust, int moved, uint64_t seed, bool *adjusted)
{
	static char names[FIELDS][8];
	struct fake_value v[FIELDS];
	struct setup s;
	uint64_t x = seed * 0x9e3779b97f4a7c15 + 1;

	setup_init(&s, HOUR, HOUR);
	struct rule *r = add_rule(&s, rule_above("P", TIER_IMMEDIATE, "t_p", 0));
	r->has_above = false;
	r->has_below = true;
	r->below = 0.05;
	r->adjust = adjust;
	r->against = (struct against){AGAINST_PREVIOUS, HOUR, NULL};
	start(&s);
	for (int i = 0; i < 2 * 60; i++) {
		for (int k = 0; k < FIELDS; k++) {
			snprintf(names[k], sizeof names[k], "f%02d", k);
			v[k] = (struct fake_value){names[k], 20 + normal(&x) + (i >= 60 && k < moved ? 2 : 0)};
		}
		fake_record(s.f, "pay", "", T0 + (int64_t)i * MINUTE, false, v, FIELDS);
	}
	pass_to(&s, T0 + 2 * HOUR);
	size_t n = 0;
	*adjusted = true;
	if (s.f->nmessages) {
		const json_t *items = json_object_get(json_object_get(body(&s, 0), "data"), "items");
		n = json_array_size(items);
		for (size_t i = 0; i < n; i++) {
			const json_t *item = json_array_get(items, i);
			*adjusted &= json_get_num(item, "adjusted", 1) <= 0.05;
			cr_expect_lt(json_get_num(item, "value", 1), json_get_num(item, "threshold", 0));
		}
	}
	setup_free(&s);
	return n;
}

// A plain test of every field finds five in a hundred where nothing changes; of what Benjamini and Hochberg's rule
// reports at most 5 % are false, and real changes are all there.
Test(threshold, p_values_are_adjusted_for_all_fields)
{
	size_t plain = 0, fdr = 0, changed = 0, found = 0;
	bool adjusted;

	for (uint64_t seed = 1; seed <= 20; seed++) {
		plain += fired(ADJUST_NONE, 0, seed, &adjusted);
		size_t n = fired(ADJUST_FDR, 0, seed, &adjusted);
		cr_expect_leq(n, 1, "seed %llu", (unsigned long long)seed);
		fdr += n;
	}
	cr_expect(plain > 60 && plain < 140, "about 100 of 2,000: %zu", plain);
	cr_expect_leq(fdr, 4, "about one in 20 of 20: %zu", fdr);
	for (uint64_t seed = 1; seed <= 5; seed++) {
		found += changed = fired(ADJUST_FDR, 20, seed, &adjusted);
		cr_expect(changed >= 20 && changed <= 24, "%zu", changed);
		cr_expect(adjusted);
	}
	cr_expect_leq(found, 108, "5 %% of those found");
}

Test(threshold, from_the_baselines_chunks)
{
	struct baseline_builder *builder = baseline_builder_new("pay", true);
	struct error err = ERROR_INIT;
	struct setup s;

	for (int i = 0; i < 30 * 60; i++) {
		baseline_builder_row(builder, i * (int64_t)MINUTE, 1);
		baseline_builder_number(builder, "a", FIELD_NUMERIC, i % 60 < 30 + i / 60 % 3 ? 1 : 2);
	}
	struct baseline *b = baseline_builder_finish(builder, NULL, &err);
	cr_assert(b, "%s", err.text);
	setup_init(&s, HOUR, HOUR);
	s.streams[0].baseline = b;
	struct rule *r = add_rule(&s, rule_above("M", TIER_IMMEDIATE, "mean", 0));
	r->has_above = false;
	r->chunks = (struct chunks_limit){CHUNKS_STD, 3};
	start(&s);
	for (int h = 0; h < 2; h++)
		for (int i = 0; i < 60; i++)
			fake_record(s.f, "pay", "", T0 + h * HOUR + (int64_t)i * MINUTE, false,
				    &(struct fake_value){"a", i < (h ? 20 : 30) ? 1 : 2}, 1);
	pass_to(&s, T0 + 2 * HOUR);
	cr_assert_eq(s.f->nmessages, 2);
	const json_t *data = json_object_get(body(&s, 0), "data"), *item = json_array_get(json_object_get(data, "items"), 0);
	// Means of 1.5, 1.5 - 1/60 and 1.5 - 2/60 in turn: their mean, and three times the deviation sqrt(2/3)/60.
	cr_expect_float_eq(json_get_num(item, "threshold", 0), 1.5 - 1.0 / 60 + 3 * sqrt(2.0 / 3) / 60, 1e-9);
	cr_expect_float_eq(json_get_num(item, "value", 0), 1 + 40.0 / 60, 1e-9);
	cr_expect(strstr(json_get_str(data, "summary", ""), "mean + 3 std of the baseline's chunks)"), "%s",
		  json_get_str(data, "summary", ""));
	// A window without chunks of its length cannot be judged so.
	s.conf.nrules = 0;
	r = add_rule(&s, *r);
	r->name = (char[]){"M8"};
	r->over_ms = 8 * HOUR;
	start(&s);
	for (int h = 2; h < 20; h++)
		for (int i = 0; i < 60; i++)
			fake_record(s.f, "pay", "", T0 + h * HOUR + (int64_t)i * MINUTE, false, &(struct fake_value){"a", 1}, 1);
	pass_to(&s, T0 + 20 * HOUR);
	json_t *status = judge_status(s.j);
	cr_expect_str_eq(json_get_str(json_array_get(json_object_get(status, "alerts"), 0), "why", ""), "uncalibrated");
	json_decref(status);
	setup_free(&s);
	baseline_free(b);
}

// --- a budget on four weeks ------------------------------------------------------------------------------

enum { A_MINUTE = 4, SERIES = 4 };

struct history {
	uint64_t x;
	double level; // moves from hour to hour, AR(1) 0.9
	int hour;
};

// Independent, with a day's rhythm, with a moving level, and few-valued.
static void next(struct history *h, int minute, struct fake_value v[SERIES])
{
	static const char *const names[SERIES] = {"few", "level", "plain", "rhythm"};

	if (minute / 60 != h->hour) {
		h->hour = minute / 60;
		h->level = 0.9 * h->level + sqrt(1 - 0.81) * normal(&h->x);
	}
	for (int k = 0; k < SERIES; k++)
		v[k] = (struct fake_value){names[k], normal(&h->x)};
	v[0].v = floor(uniform(&h->x) * uniform(&h->x) * 4);
	v[1].v += 0.3 * h->level;
	v[3].v += sin(2 * M_PI * minute / 1440);
}

// Ten days of baseline, then four weeks in which nothing changes: a budget of one a week is not spent more than four
// times; then every series moves, and is told.
Test(threshold, a_budget_holds_for_four_weeks)
{
	enum { BEFORE = 10 * 1440, WEEKS = 28 * 1440, AFTER = 6 * 60 };
	struct baseline_builder *builder = baseline_builder_new("pay", true);
	struct history h = {.x = 4101842887655102017};
	struct error err = ERROR_INIT;
	struct fake_value v[SERIES];
	struct setup s;

	for (int i = 0; i < BEFORE * A_MINUTE; i++) {
		next(&h, i / A_MINUTE, v);
		baseline_builder_row(builder, T0 + i / A_MINUTE * (int64_t)MINUTE + i % A_MINUTE, 1);
		for (int k = 0; k < SERIES; k++)
			baseline_builder_number(builder, v[k].path, FIELD_NUMERIC, v[k].v);
	}
	struct baseline *b = baseline_builder_finish(builder, NULL, &err);
	cr_assert(b, "%s", err.text);
	setup_init(&s, HOUR, 30 * MINUTE);
	s.f->baseline = s.streams[0].baseline = b;
	struct rule *r = add_rule(&s, rule_above("B", TIER_IMMEDIATE, "drift", 0));
	r->has_above = false;
	r->budget = (struct budget){1, WEEK};
	start(&s);
	for (int m = BEFORE; m < BEFORE + WEEKS + AFTER; m++) {
		for (int i = 0; i < A_MINUTE; i++) {
			next(&h, m, v);
			for (int k = 0; k < SERIES; k++)
				v[k].v += m >= BEFORE + WEEKS ? 1.5 : 0;
			fake_record(s.f, "pay", "", T0 + m * (int64_t)MINUTE + i, false, v, SERIES);
		}
		if (m % 720 == 719 || m == BEFORE + WEEKS + AFTER - 1)
			tick(s.j, T0 + (m + 1) * (int64_t)MINUTE);
		if (m == BEFORE + WEEKS - 1)
			cr_expect_leq(fake_count(s.f, "alert_firing") + fake_count(s.f, "item_firing"), 3, "a budget of four");
	}
	const json_t *page = page_of(&s, "alert_firing", fake_count(s.f, "alert_firing") - 1);
	const json_t *item = json_array_get(json_object_get(page, "items"), 0);
	cr_expect(json_get_num(item, "smallest_shift", 0) > 0);
	cr_expect_geq(json_array_size(json_object_get(page, "items")) + fake_count(s.f, "item_firing"), SERIES, "all");
	cr_expect(strstr(json_get_str(page, "summary", ""), " would show; find out"), "%s", json_get_str(page, "summary", ""));
	cr_expect(strstr(json_get_str(page, "summary", ""), "(the baseline covers 9d"), "%s", json_get_str(page, "summary", ""));
	setup_free(&s);
	baseline_free(b);
}
