// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "judge/reach.h"
#include "setup.h"

static struct baseline *of_days(int days, int a_minute)
{
	struct baseline_builder *b = baseline_builder_new("pay", true);
	struct error err = ERROR_INIT;
	uint64_t x = 88172645463325252;

	for (int i = 0; i < days * 1440 * a_minute; i++) {
		baseline_builder_row(b, (int64_t)i * MINUTE / a_minute, 1);
		baseline_builder_number(b, "x", FIELD_NUMERIC, normal(&x));
		baseline_builder_text(b, "word", FIELD_CATEGORICAL, uniform(&x) < 0.5 ? "a" : "b", 1);
	}
	return baseline_builder_finish(b, NULL, &err);
}

static const struct reach *of(const struct reach *v, size_t n, const char *field)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(v[i].field, field))
			return &v[i];
	return NULL;
}

// Of 60 independent values an hour, at p = 0.001: z of its eighth (four members, two sides) over sqrt(60), and more for
// the spread's own uncertainty; of a share of a half sqrt(x / 4 / 60), with x the chi-square of its half.
Test(reach, what_a_budget_could_see)
{
	struct baseline *b = of_days(8, 1);
	struct judge_stream s = stream_of("pay", HOUR, HOUR);
	struct rule r = rule_above("B", TIER_WEEKLY, "drift", 0);
	size_t n;

	s.baseline = b;
	r.has_above = false;
	r.budget = (struct budget){1, WEEK};
	struct reach *v = rule_reaches(&r, &s, &n);
	cr_assert_eq(n, 2);
	const struct reach *x = of(v, n, "x"), *word = of(v, n, "word");
	cr_expect_float_eq(x->threshold, 3.090232306167813, 1e-9, "p is 0.001 at most");
	cr_expect_eq(x->values, 60);
	cr_expect_str_eq(x->smallest_in, "sd");
	cr_expect(x->smallest > 3.5 / sqrt(60) && x->smallest < 5 / sqrt(60), "%g", x->smallest);
	cr_expect_str_eq(word->smallest_in, "share");
	cr_expect(word->smallest > 3.2 / 2 / sqrt(60) && word->smallest < 4.5 / 2 / sqrt(60), "%g", word->smallest);
	reaches_free(v, n);

	// Another measure, from the chunks: a limit, or none where a window is shorter than they are.
	r = rule_above("P", TIER_WEEKLY, "psi", 0);
	r.has_above = false;
	r.chunks = (struct chunks_limit){CHUNKS_STD, 3};
	v = rule_reaches(&r, &s, &n);
	cr_assert_eq(n, 2);
	cr_expect_eq(v[0].state, READING_KNOWN);
	cr_expect_gt(v[0].threshold, 0);
	reaches_free(v, n);
	r.over_ms = MINUTE;
	v = rule_reaches(&r, &s, &n);
	cr_assert_eq(n, 2);
	cr_expect_eq(v[0].state, READING_UNCALIBRATED);
	reaches_free(v, n);

	// A number says itself what it is.
	r = rule_above("N", TIER_WEEKLY, "psi", 0.2);
	cr_expect_null(rule_reaches(&r, &s, &n));
	cr_expect_eq(n, 0);
	baseline_free(b);
}
