// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <math.h>

#include "fake.h"
#include "judge/condition.h"

enum { F = TRUTH_FALSE, T = TRUTH_TRUE, U = TRUTH_UNKNOWN };

// Kleene's strong logic, written out.
Test(condition, three_valued_logic)
{
	static const struct {
		int a, b, and, or;
	} rows[] = {{F, F, F, F}, {F, T, F, T}, {F, U, F, U}, {T, F, F, T}, {T, T, T, T},
		    {T, U, U, T}, {U, F, F, U}, {U, T, U, T}, {U, U, U, U}};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		cr_expect_eq((int)truth_and(rows[i].a, rows[i].b), rows[i].and, "%d and %d", rows[i].a, rows[i].b);
		cr_expect_eq((int)truth_or(rows[i].a, rows[i].b), rows[i].or, "%d or %d", rows[i].a, rows[i].b);
	}
}

Test(condition, limits_and_hysteresis)
{
	static const struct {
		double above, below, clear; // NAN: not given
		double value;
		bool firing;
		int truth;
	} rows[] = {
		{0.5, NAN, NAN, 0.5, false, F},  {0.5, NAN, NAN, 0.51, false, T}, {0.5, NAN, NAN, 0.5, true, F},
		{0.5, NAN, 0.3, 0.4, false, F},  {0.5, NAN, 0.3, 0.4, true, T},	  {0.5, NAN, 0.3, 0.3, true, T},
		{0.5, NAN, 0.3, 0.29, true, F},  {NAN, 0.5, NAN, 0.49, false, T}, {NAN, 0.5, NAN, 0.5, false, F},
		{NAN, 0.5, 0.7, 0.6, true, T},	 {NAN, 0.5, 0.7, 0.6, false, F},  {NAN, 0.5, 0.7, 0.71, true, F},
		{0.9, 0.1, NAN, 0.5, false, F},	 {0.9, 0.1, NAN, 0.05, false, T}, {0.9, 0.1, NAN, 0.95, false, T},
		{0.5, NAN, NAN, NAN, false, U},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct thresholds r = {rows[i].above, rows[i].below, rows[i].clear};
		struct measure_value v = {.state = READING_KNOWN, .value = rows[i].value, .n_current = 10};
		cr_expect_eq((int)condition_eval(&r, &v, rows[i].firing), rows[i].truth, "row %zu", i);
		v.state = READING_TOO_FEW;
		cr_expect_eq((int)condition_eval(&r, &v, rows[i].firing), U, "row %zu, too few", i);
	}
}

Test(condition, rules_match_names_globs_and_roles)
{
	struct rule r = rule_above("R", TIER_IMMEDIATE, "violation_ratio", 0.1);
	char stream[] = "payments-*", role[] = "labels", field[] = "items[].price";

	r.stream = stream;
	cr_expect(rule_matches_stream(&r, "payments-eu", "features"));
	cr_expect_not(rule_matches_stream(&r, "orders", "features"));
	r.role = role;
	cr_expect_not(rule_matches_stream(&r, "payments-eu", "features"));
	cr_expect(rule_matches_stream(&r, "payments-eu", "labels"));
	cr_expect(rule_matches_field(&r, "anything"));
	r.field = field;
	cr_expect(rule_matches_field(&r, "items[].price"), "brackets in a path are not a pattern");
	cr_expect_not(rule_matches_field(&r, "amount"));
}

Test(condition, eager_is_count_above_immediate)
{
	struct rule r = rule_above("R", TIER_IMMEDIATE, "violation_ratio", 0.1);

	cr_expect(rule_is_eager(&r));
	r.tier = TIER_DAILY;
	cr_expect_not(rule_is_eager(&r));
	r = rule_above("R", TIER_IMMEDIATE, "records", 0);
	r.has_above = false;
	r.has_below = true;
	cr_expect_not(rule_is_eager(&r), "an open pane may still grow");
	r = rule_above("R", TIER_IMMEDIATE, "mean", 0);
	cr_expect_not(rule_is_eager(&r));
	r = rule_above("R", TIER_IMMEDIATE, "staleness", 0);
	cr_expect_not(rule_is_eager(&r));
	cr_expect(rule_is_clock(&r));
}
