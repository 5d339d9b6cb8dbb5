// SPDX-License-Identifier: Apache-2.0
// Streams that are compared with their own past: baseline: {previous: ...}.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "judge/interval.h"
#include "drift/special.h"
#include "setup.h"
#include "util/xalloc.h"

static const int64_t T0 = SETUP_T0;

// n values of "a" in an hour, made by `value` of the hour's number.
static void hour(struct setup *s, const char *slice, int h, int n, double (*value)(uint64_t *, int), uint64_t *state)
{
	for (int i = 0; i < n; i++) {
		const struct fake_value v = {"a", value(state, h)};
		fake_record(s->f, "pay", slice, T0 + h * (int64_t)HOUR + i * (int64_t)HOUR / n, false, &v, 1);
	}
}

static void judge_to(struct setup *s, int h)
{
	pass_to(s, T0 + h * (int64_t)HOUR);
}

static struct setup *begin(int64_t window, int64_t slide, int64_t previous)
{
	struct setup *s = calloc(1, sizeof *s);

	setup_init(s, window, slide);
	s->f->pane_ms = HOUR;
	s->streams[0].pane_ms = HOUR;
	s->streams[0].previous_ms = previous;
	s->streams[0].retention_ms = 1000 * DAY;
	return s;
}

static void end(struct setup *s)
{
	setup_free(s);
	free(s);
}

// The last reading of a measure of "a"; borrowed from *status.
static const json_t *reading(struct setup *s, const char *measure, const char *slice, json_t **status)
{
	size_t i, k;
	json_t *f, *r;

	*status = judge_status(s->j);
	json_array_foreach(json_object_get(json_array_get(json_object_get(*status, "streams"), 0), "fields"), i, f)
		json_array_foreach(json_object_get(f, "readings"), k, r)
			if (!strcmp(json_get_str(r, "measure", ""), measure) && !strcmp(json_get_str(r, "slice", ""), slice))
				return r;
	cr_assert_fail("no reading of %s", measure);
	return NULL;
}

static double creeping(uint64_t *state, int h)
{
	return 100 * (1 + 0.005 * (h / 24.0)) + 10 * normal(state);
}

// Half a percent a day, for sixty days: beside the day before nothing ever changes; beside the first days everything
// has.
Test(moving, a_creep_is_seen_by_the_frozen_baseline_alone)
{
	for (int frozen = 0; frozen < 2; frozen++) {
		struct setup *s = begin(6 * HOUR, 6 * HOUR, frozen ? 0 : DAY);
		struct error err = ERROR_INIT;
		struct baseline *b = NULL;
		uint64_t state = 48;

		add_rule(s, rule_above("Drift", TIER_WEEKLY, "drift", 5));
		add_rule(s, rule_above("Mean", TIER_WEEKLY, "mean_shift", 1));
		add_rule(s, rule_above("Ks", TIER_WEEKLY, "ks", 0.3));
		for (int h = 0; h < 60 * 24; h++)
			hour(s, "", h, 30, creeping, &state);
		if (frozen) { // of the first ten days' panes
			struct pane *total;
			struct stored_range all = {T0, T0 + 10 * DAY, HOUR};
			cr_assert_eq(judge_merge_range(&s->f->port, "pay", &all, NULL, NULL, &total, &err), 0);
			b = baseline_from_pane("pay", total, T0, T0 + 10 * DAY, 2 * HOUR, json_object(), &err);
			cr_assert(b, "%s", err.text);
			for (int64_t at = T0; at < T0 + 10 * DAY; at += 2 * HOUR) {
				struct stored_range chunk = {at, at + 2 * HOUR, HOUR};
				cr_assert_eq(judge_merge_range(&s->f->port, "pay", &chunk, NULL, NULL, &total, &err), 0);
				baseline_add_chunk(b, at, at + 2 * HOUR, total);
				pane_free(total);
			}
			s->streams[0].baseline = b;
		}
		start(s);
		for (int d = 1; d <= 60; d++)
			judge_to(s, 24 * d);
		if (frozen) {
			// The panes are on the logarithmic grid, and are moved onto the baseline's.
			cr_expect_geq(fake_count(s->f, "alert_firing"), 3, "Drift, Mean and Ks");
			json_t *status;
			cr_expect_str_eq(json_get_str(reading(s, "ks", "", &status), "reading", ""), "known");
			json_decref(status);
		} else {
			cr_expect_eq(fake_count(s->f, "alert_firing"), 0, "%zu", fake_count(s->f, "alert_firing"));
		}
		end(s);
		baseline_free(b);
	}
}

static double accuracy; // of this hour

static double correct(uint64_t *state, int h)
{
	(void)h;
	return uniform(state) < accuracy;
}

// 0.90 and a little: silence, since that little is what the stream always did; 0.87: drift. Judged as if records were
// independent, the little alone would fire.
Test(moving, a_ratio_is_judged_by_its_own_spread)
{
	enum { BEFORE = 30 * 24 };
	struct setup *s = begin(DAY, 6 * HOUR, DAY);
	uint64_t state = 7;
	json_t *status;

	add_rule(s, rule_above("Drift", TIER_WEEKLY, "drift", 5));
	start(s);
	for (int h = 0; h < BEFORE + 36; h++) {
		if (h % 6 == 0)
			accuracy = (h < BEFORE ? 0.9 : 0.87) + 0.02 * (uniform(&state) - 0.5);
		hour(s, "v=1", h, 400, correct, &state);
		judge_to(s, h + 1);
		if (h == BEFORE - 1)
			cr_expect_eq(fake_count(s->f, "alert_firing"), 0);
		if (h != BEFORE - 1)
			continue;
		for (int slice = 0; slice < 2; slice++) {
			const json_t *r = reading(s, "drift", slice ? "v=1" : "", &status);
			const char *detail = json_get_str(r, "detail", "");
			cr_expect_str_eq(json_get_str(r, "reading", ""), "known");
			cr_expect(*detail && !strstr(detail, "independence"), "slice %d: %s", slice, detail);
			json_decref(status);
		}
	}
	cr_expect_eq(fake_count(s->f, "alert_firing"), 1);
	end(s);
}

static double steady(uint64_t *state, int h)
{
	return (h < 57 ? 50 : 53) + 5 * normal(state);
}

// Until twenty windows lie before the earlier one, independence is assumed, and said.
Test(moving, without_a_past_independence_is_assumed)
{
	struct setup *s = begin(2 * HOUR, 2 * HOUR, 4 * HOUR);
	uint64_t state = 3;
	json_t *status;

	add_rule(s, rule_above("Drift", TIER_WEEKLY, "drift", 5));
	start(s);
	for (int h = 0; h < 60; h++) {
		hour(s, "", h, 60, steady, &state);
		judge_to(s, h + 1);
		if (h % 2 == 0 || h < 5)
			continue;
		const json_t *r = reading(s, "drift", "", &status);
		bool known = h + 1 >= 4 + 40; // an earlier window that ends after twenty
		if (json_object_get(r, "value") && json_get_num(r, "value", 0) > 0)
			cr_expect_eq(!strstr(json_get_str(r, "detail", ""), "independence"), known, "hour %d: %s", h,
				     json_get_str(r, "detail", ""));
		json_decref(status);
	}
	end(s);
}

static double wide(uint64_t *state, int h)
{
	return (h < 58 ? 500 : 590) + 150 * normal(state);
}

// An interval by itself is compared as the rule's window was; beside it a measure that no rule asks for.
Test(moving, an_interval_is_compared_as_the_rules_are)
{
	struct setup *s = begin(2 * HOUR, 2 * HOUR, 4 * HOUR);
	const struct field_def a = {.path = (char *)(uintptr_t)"a", .type = FIELD_NUMERIC};
	struct error err = ERROR_INIT;
	uint64_t state = 5;
	json_t *status;

	add_rule(s, rule_above("Drift", TIER_WEEKLY, "drift", 5));
	add_rule(s, rule_above("Ks", TIER_WEEKLY, "ks", 0.3));
	start(s);
	for (int h = 0; h < 60; h++)
		hour(s, h % 2 ? "v=1" : "v=2", h, 200, wide, &state);
	judge_to(s, 60);
	struct interval *v = interval_open(&s->f->port, &s->streams[0], T0 + 58 * (int64_t)HOUR, T0 + 60 * (int64_t)HOUR, &err);
	cr_assert(v, "%s", err.text);
	static const char *const measures[] = {"drift", "ks"};
	for (size_t i = 0; i < ARRAY_LEN(measures); i++)
		for (int slice = 0; slice < 2; slice++) {
			const char *of = slice ? "v=1" : "";
			struct measure_value x = interval_value(v, measure_find(measures[i]), &a, of, 0);
			cr_expect_eq(x.state, READING_KNOWN, "%s %s: %s", measures[i], of, reading_state_names[x.state]);
			cr_expect_eq(x.value, json_get_num(reading(s, measures[i], of, &status), "value", -1), "%s of %s", measures[i], of);
			json_decref(status);
		}
	double moved = interval_value(v, measure_find("mean_shift"), &a, "", 0).value;
	cr_expect(fabs(moved - 0.6) < 0.15, "90 of a standard deviation of 150: %g", moved);
	cr_expect_eq(interval_value(v, measure_find("records"), NULL, "", 0).value, 400);
	interval_free(v);
	v = interval_open(&s->f->port, &s->streams[0], T0, T0 + 2 * (int64_t)HOUR, &err); // nothing lies before
	cr_assert(v, "%s", err.text);
	cr_expect_neq(interval_value(v, measure_find("ks"), &a, "", 0).state, READING_KNOWN);
	interval_free(v);
	end(s);
}

static double restless(uint64_t *state, int h)
{
	static double level;

	level = h % 6 ? level : h < 300 - 6 ? 500 + 40 * normal(state) : 640;
	return level + 150 * normal(state);
}

// Members that cannot reach the limit count no more than they do for a rule.
Test(moving, an_intervals_drift_knows_the_limit)
{
	struct setup *s = begin(6 * HOUR, 6 * HOUR, DAY);
	const struct field_def a = {.path = (char *)(uintptr_t)"a", .type = FIELD_NUMERIC};
	struct error err = ERROR_INIT;
	uint64_t state = 5;
	json_t *status;

	add_rule(s, rule_above("Drift", TIER_WEEKLY, "drift", 5));
	start(s);
	for (int h = 0; h < 300; h++)
		hour(s, "", h, 30, restless, &state);
	judge_to(s, 300);
	struct interval *v = interval_open(&s->f->port, &s->streams[0], T0 + 294 * (int64_t)HOUR, T0 + 300 * (int64_t)HOUR, &err);
	cr_assert(v, "%s", err.text);
	double judged = json_get_num(reading(s, "drift", "", &status), "value", -1);
	cr_expect_eq(interval_value(v, measure_find("drift"), &a, "", normal_sf(5)).value, judged);
	cr_expect_neq(interval_value(v, measure_find("drift"), &a, "", 0).value, judged, "%g", judged);
	json_decref(status);
	interval_free(v);
	end(s);
}

// What comes late into the past is in what is judged next, as it would be after a restart.
Test(moving, late_records_change_the_past)
{
	struct setup *s = begin(2 * HOUR, HOUR, 4 * HOUR);
	uint64_t state = 4;
	json_t *status;
	double value[2];

	add_rule(s, rule_above("Drift", TIER_WEEKLY, "drift", 3));
	start(s);
	for (int h = 0; h < 58; h++)
		hour(s, "", h, 60, steady, &state);
	judge_to(s, 58);
	hour(s, "", 58, 60, steady, &state);
	for (int i = 0; i < 40; i++) {
		const struct fake_value v = {"a", 54 + i % 3};
		fake_record(s->f, "pay", "", T0 + 30 * HOUR + i * MINUTE, false, &v, 1);
	}
	for (int again = 0; again < 2; again++) {
		if (again) {
			json_t *nothing = json_object(); // all that the judge wrote is lost: it begins anew
			fake_roll_back(s->f, nothing);
			start(s);
		}
		judge_to(s, 59); // the same windows before it
		value[again] = json_get_num(reading(s, "drift", "", &status), "value", -1);
		json_decref(status);
	}
	cr_expect_gt(value[0], 1, "%g", value[0]);
	cr_expect_eq(value[0], value[1], "%.17g, %.17g", value[0], value[1]);
	end(s);
}
