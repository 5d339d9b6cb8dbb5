// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "judge/since.h"

#define VALUES(...) (const double[]){__VA_ARGS__}, sizeof(double[]){__VA_ARGS__} / sizeof(double)

static void expect(const double *values, size_t n, double limit, bool above, size_t at, bool earlier)
{
	struct since s = since_of(values, n, limit, above);

	cr_expect_eq(s.at, at, "%zu, not %zu", s.at, at);
	cr_expect_eq(s.earlier, earlier);
}

Test(since, a_step)
{
	expect(VALUES(1, 2, 1, 2, 1, 2, 1, 9), 5, true, 7, false);
	expect(VALUES(1, 2, 1, 2, 1, 9, 9, 9), 5, true, 5, false);
	expect(VALUES(9, 8, 9, 8, 9, 1, 1, 1), 5, false, 5, false);
}

Test(since, a_window_that_holds_part_of_it_counts)
{
	expect(VALUES(1, 1.1, 1, 1.1, 1, 4, 9, 9), 5, true, 5, false);
}

Test(since, a_ramp_began_before_it_crossed_the_limit)
{
	// Quiet between 0.9 and 1.1, then 0.5 more each time; a quarter of the way to the last is 1 + 4/4.
	expect(VALUES(1, 0.9, 1.1, 1, 0.9, 1.1, 1.5, 2.1, 2.5, 3, 3.5, 4, 4.5, 5), 4.6, true, 7, false);
}

Test(since, an_earlier_excursion_is_another_one)
{
	expect(VALUES(1, 9, 1, 1, 1, 1, 1, 9), 5, true, 7, false);
}

Test(since, unknown_does_not_end_it)
{
	expect(VALUES(1, 1, 1, 1, 1, 9, NAN, NAN, 9), 5, true, 5, false);
	expect(VALUES(1, 1, 1, 1, NAN, 9, 9), 5, true, 5, false);
	expect(VALUES(NAN, NAN, NAN, 9), 5, true, 3, true);
}

Test(since, all_that_is_known_has_moved)
{
	expect(VALUES(9, 8, 9, 8, 9, 8, 9, 8), 5, true, 0, true);
	expect(VALUES(9), 5, true, 0, true);
}

Test(since, few_values_are_held_against_the_limit)
{
	expect(VALUES(1, 9, 9), 5, true, 1, false);
}

// Noise alone is not the beginning: of many series that step up at 40, nearly all begin there.
Test(since, noise_before_a_step)
{
	size_t near = 0;

	srand48(3);
	for (int k = 0; k < 200; k++) {
		double v[48];
		for (int i = 0; i < 48; i++)
			v[i] = drand48() + drand48() + drand48() + (i >= 40 ? 4 : 0);
		near += since_of(v, 48, 4, true).at == 40;
	}
	cr_expect_gt(near, 190, "%zu of 200", near);
}
