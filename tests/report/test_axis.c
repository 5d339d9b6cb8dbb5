// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <string.h>

#include "report/axis.h"
#include "util/clock.h"

static const char *label(const struct axis *a, size_t i)
{
	static char text[AXIS_LABEL];

	axis_label(a, a->ticks[i], text);
	return text;
}

Test(axis, a_linear_one_has_round_ticks)
{
	struct axis a;

	axis_linear(&a, -0.3, 1.2, 4);
	cr_assert_eq(a.n, 3);
	cr_expect_str_eq(label(&a, 0), "0");
	cr_expect_str_eq(label(&a, 1), "0.5");
	cr_expect_str_eq(label(&a, 2), "1.0");
	cr_expect_float_eq(axis_at(&a, 0.45), 0.5, 1e-12);
}

Test(axis, a_constant_is_widened)
{
	struct axis a;

	axis_linear(&a, 5, 5, 4);
	cr_expect_float_eq(axis_at(&a, 5), 0.5, 1e-12);
	axis_linear(&a, 0, 0, 4);
	cr_expect_float_eq(axis_at(&a, 0), 0.5, 1e-12);
}

Test(axis, extremes_of_doubles_have_a_place)
{
	struct axis a;

	axis_linear(&a, -1.7e308, 1.7e308, 4);
	cr_expect_float_eq(axis_at(&a, 0), 0.5, 1e-12);
	cr_expect_eq(a.n, 1);
	axis_linear(&a, 1e300, 1e300 * (1 + 1e-15), 4);
	cr_expect_eq(a.n, 1);
}

Test(axis, a_logarithmic_one_has_powers_of_ten)
{
	struct axis a;

	axis_log(&a, 0.5, 2e4, 10);
	cr_assert_eq(a.n, 5);
	cr_expect_str_eq(label(&a, 0), "1");
	cr_expect_str_eq(label(&a, 4), "10,000");
	cr_expect_float_eq(axis_at(&a, 100), 0.5, 1e-12);
	cr_expect_float_eq(axis_at(&a, 0), 0, 1e-12);
	axis_log(&a, 1, 50, 10);
	cr_expect_eq(a.n, 6);
	axis_log(&a, 1e-300, 1e300, 10);
	cr_expect(a.n > 4 && a.n <= 12);
}

Test(axis, numbers_have_the_digits_that_tell_them_apart)
{
	static const struct {
		double x, step;
		const char *text;
	} cases[] = {
		{0, 0.1, "0"},		  {0.30000000000000004, 0.1, "0.3"}, {1234567, 1, "1,234,567"},
		{1234, 0, "1234"},	  {12345.678, 0, "12,346"},	     {0.000012, 0, "1.2e-05"},
		{-123456, 1000, "-123,456"}, {3.14159, 0, "3.142"},	     {2e9, 5e8, "2e+09"},
		{1.5e9, 5e8, "1.5e+09"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char text[AXIS_LABEL];
		number_label(cases[i].x, cases[i].step, text);
		cr_expect_str_eq(text, cases[i].text, "%g by %g: %s", cases[i].x, cases[i].step, text);
	}
}

static void expect_times(const char *from, const char *to, const char *expected)
{
	struct time_axis a;
	int64_t f, t;
	char all[600] = "";

	cr_assert(!time_parse(from, &f) && !time_parse(to, &t));
	axis_time(&a, f, t, 8);
	for (size_t i = 0; i < a.n; i++) {
		char text[AXIS_LABEL];
		axis_time_label(&a, i, text);
		strcat(strcat(all, i ? "|" : ""), text);
	}
	cr_expect_str_eq(all, expected);
}

Test(axis, times_are_labelled_as_short_as_can_be)
{
	expect_times("2026-11-21T22:00:00Z", "2026-11-22T02:00:00Z",
		     "2026-11-21 22:00|22:30|23:00|23:30|22 Nov|00:30|01:00|01:30|02:00");
	expect_times("2026-11-21T09:00:03Z", "2026-11-21T09:00:40Z",
		     "2026-11-21 09:00:05|09:00:10|09:00:15|09:00:20|09:00:25|09:00:30|09:00:35|09:00:40");
	// Weeks begin on Monday: 2026-11-23 is one.
	expect_times("2026-11-19T00:00:00Z", "2026-12-31T00:00:00Z",
		     "2026-11-23|30 Nov|07 Dec|14 Dec|21 Dec|28 Dec");
	expect_times("1996-05-07T00:00:00Z", "1998-12-05T00:00:00Z", "Jul 1996|Jan 1997|Jul|Jan 1998|Jul");
}
