// SPDX-License-Identifier: Apache-2.0
// Expected values: golden.py (SciPy).
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "drift/edf_law.h"
#include "drift/special.h"
#include "util/json.h"
#include "util/xalloc.h"

static double call(const char *f, double a, double b, double c)
{
	return !strcmp(f, "gamma_p")         ? gamma_p(a, b)
	       : !strcmp(f, "gamma_q")       ? gamma_q(a, b)
	       : !strcmp(f, "beta_i")        ? beta_i(a, b, c)
	       : !strcmp(f, "kolmogorov_sf") ? kolmogorov_sf(a)
	       : !strcmp(f, "chi2_sf")       ? chi2_sf(a, b)
	       : !strcmp(f, "f_sf")          ? f_sf(a, b, c)
	       : !strcmp(f, "student_sf")    ? student_sf(a, b)
	       : !strcmp(f, "normal_sf")     ? normal_sf(a)
	       : !strcmp(f, "normal_isf")    ? normal_isf(a)
	       : !strcmp(f, "poisson_sf_from") ? poisson_sf_from(a, b)
					       : NAN;
}

Test(special, as_scipy)
{
	struct error err = ERROR_INIT;
	json_t *golden = json_parse_file(TEST_DATA "/drift/golden.json", &err), *item;
	size_t i;

	cr_assert(golden, "%s", err.text);
	json_array_foreach(json_object_get(golden, "special"), i, item) {
		const char *name = json_string_value(json_array_get(item, 0));
		const json_t *args = json_array_get(item, 1);
		double a = json_number_value(json_array_get(args, 0)), b = json_number_value(json_array_get(args, 1));
		double c = json_number_value(json_array_get(args, 2));
		double expect = json_number_value(json_array_get(item, 2)), got = call(name, a, b, c);

		cr_expect(fabs(got - expect) <= 1e-10 * fabs(expect) + 1e-305, "%s(%g, %g, %g) = %.17g, not %.17g", name, a,
			  b, c, got, expect);
	}
	cr_assert_gt(i, 300);
	json_decref(golden);
}

Test(special, edges)
{
	cr_assert_eq(gamma_p(2, 0), 0);
	cr_assert_eq(gamma_q(2, 0), 1);
	cr_assert_eq(beta_i(2, 3, 0), 0);
	cr_assert_eq(beta_i(2, 3, 1), 1);
	cr_assert_eq(kolmogorov_sf(0), 1);
	cr_assert_eq(f_sf(0, 2, 2), 1);
	cr_assert_eq(poisson_sf_from(0, 2), 1);
	cr_assert_float_eq(normal_isf(0.5), 0, 1e-15);
	cr_assert_float_eq(normal_isf(0), normal_isf(1e-300), 1e-12);
	for (double p = 1e-299; p < 1; p *= 7)
		cr_assert_float_eq(normal_sf(normal_isf(p)) / p, 1, 1e-9, "p = %g", p);
}

// scipy.stats.t.isf and chi2.isf.
Test(special, inverses)
{
	static const double student[][3] = {
		{0.001, 2, 22.3271247701199}, {1e-08, 2, 7071.06770579946},	{1e-08, 99.5, 6.10421275601337},
		{0.3, 5, 0.55942964446936},   {1e-12, 30, 11.3972175233114}, {0.025, 10000, 1.96020123989063},
		{1e-05, 3.7, 27.6758979788147}, {0.5, 3, 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(student); i++) {
		cr_expect_float_eq(student_isf(student[i][0], student[i][1]), student[i][2], 1e-9 * student[i][2] + 1e-12, "row %zu", i);
		cr_expect_float_eq(student_isf(1 - student[i][0], student[i][1]), -student[i][2], 1e-6 * student[i][2] + 1e-12,
				   "row %zu", i);
	}
	cr_expect_float_eq(chi2_isf(1e-6, 4), 33.37684158165714, 1e-8);
	cr_expect_float_eq(chi2_isf(0.05, 1), 3.841458820694124, 1e-9);
}
