// SPDX-License-Identifier: Apache-2.0
// Expected values are quotients worked out by hand.
#include <criterion/criterion.h>
#include <math.h>

#include "drift/budget.h"
#include "drift/special.h"
#include "helper.h"
#include "util/xalloc.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };
#define DAY ((int64_t)24 * HOUR)

Test(budget, is_split_evenly_over_tests_and_evaluations)
{
	static const struct {
		double firings;
		int64_t per, window, slide;
		uint64_t tests;
		bool by_slide;
		double p;
	} rows[] = {
		{1, 7 * DAY, HOUR, HOUR, 30, false, 1.0 / (168 * 30)},     // tumbling: 168 windows a week
		{1, 7 * DAY, HOUR, MINUTE, 30, false, 1.0 / (168 * 25 * 30)}, // 60 a window count as 25
		{1, 7 * DAY, HOUR, 6 * MINUTE, 30, false, 1.0 / (168 * 10 * 30)},
		{1, 7 * DAY, HOUR, MINUTE, 30, true, 1.0 / (168 * 60 * 30)},
		{2, 7 * DAY, HOUR, HOUR, 30, false, 2.0 / (168 * 30)},
		{1, 365 * DAY, DAY, DAY, 1000, false, 1.0 / 365000},
		{10, DAY, DAY, DAY, 1, false, 0.001},                      // never more
		{1, 7 * DAY, 60 * DAY, 60 * DAY, 4000, false, 1.0 / 4000}, // less than one window: one
		{1, 7 * DAY, HOUR, HOUR, 0, false, 0.001},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct budget b = {rows[i].firings, rows[i].per};
		struct budget_tests t = {rows[i].tests, rows[i].window, rows[i].slide, rows[i].by_slide};

		cr_expect_float_eq(budget_p(&b, &t), rows[i].p, 1e-12 * rows[i].p, "row %zu: %g", i, budget_p(&b, &t));
	}
}

Test(budget, is_read_and_written)
{
	static const char *const wrong[] = {"",	      "1",	"1/",	  "week",   "/week",   "0/week", "-1/week",
					    "1/weeks", "1/7d", "nan/week", "inf/day", "0x1/day", "1/week "};
	static const struct {
		const char *text, *again;
		double firings;
		int64_t per;
	} rows[] = {{"1/week", "1/week", 1, 7 * DAY},
		    {"0.5 / day", "0.5/day", 0.5, DAY},
		    {"12/year", "12/year", 12, 365 * DAY},
		    {"1e-3/month", "0.001/month", 0.001, 30 * DAY}};
	struct budget b;
	char text[32];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cr_expect(budget_parse(rows[i].text, &b));
		cr_expect_eq(b.firings, rows[i].firings);
		cr_expect_eq(b.per_ms, rows[i].per);
		cr_expect_str_eq(budget_format(&b, text, sizeof text), rows[i].again);
	}
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		cr_expect_not(budget_parse(wrong[i], &b), "%s", wrong[i]);
}

Test(budget, counts_do_not_jitter)
{
	cr_expect_eq(budget_steady(0), 1);
	cr_expect_eq(budget_steady(1), 1);
	cr_expect_eq(budget_steady(2), 2);
	for (uint64_t n = 33; n <= 64; n++)
		cr_expect_eq(budget_steady(n), 64);
	cr_expect_eq(budget_steady(65), 128);
}

// New excursions of a sliding mean of independent values: 25 evaluations a window's length bound them, one does not.
Test(budget, overlap_is_counted_once)
{
	enum { WINDOW = 100, WINDOWS = 20000 };
	static double v[WINDOW];
	struct rng rng;
	double sum = 0, p = normal_sf(3.3);
	size_t firings = 0;
	bool firing = false;

	rng_seed(&rng, 5);
	for (size_t i = 0; i < WINDOW * WINDOWS; i++) {
		double x = rng_normal(&rng);

		sum += x - v[i % WINDOW];
		v[i % WINDOW] = x;
		bool above = i >= WINDOW && sum / sqrt(WINDOW) > 3.3;
		firings += above && !firing;
		firing = above;
	}
	cr_expect_leq((double)firings, 25 * p * WINDOWS, "%zu firings, %g allowed", firings, 25 * p * WINDOWS);
	cr_expect_geq((double)firings, 5 * p * WINDOWS, "tumbling windows' count would not do: %zu", firings);
}
