// SPDX-License-Identifier: Apache-2.0
// Expected values: NumPy and SciPy on the same 30 hours (numpy.mean, std, quantile; scipy.stats.t.isf).
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "drift/chunks.h"
#include "drift/fdr.h"
#include "helper.h"
#include "util/xalloc.h"

enum { HOUR = 3600000, HOURS = 30 };

static struct baseline *of_words(void)
{
	struct baseline_builder *b = baseline_builder_new("s", true);
	struct error err = ERROR_INIT;

	for (int i = 0; i < HOURS; i++) {
		const int n[] = {50 + i * 7 % 11, 30 + i * 5 % 7, 20 + i * 3 % 5};
		int at = 0;
		for (int k = 0; k < 3; k++)
			for (int j = 0; j < n[k]; j++) {
				baseline_builder_row(b, i * (int64_t)HOUR + at++ * 10000, 1);
				baseline_builder_text(b, "x", FIELD_CATEGORICAL, &"a\0b\0c"[2 * k], 1);
			}
	}
	return baseline_builder_finish(b, NULL, &err);
}

static struct baseline *of_numbers(void)
{
	struct baseline_builder *b = baseline_builder_new("s", true);
	struct error err = ERROR_INIT;

	for (int i = 0; i < HOURS; i++)
		for (int j = 0; j < 45; j++) {
			baseline_builder_row(b, i * (int64_t)HOUR + j * 60000, 1);
			if (j < 40 || i % 5)
				baseline_builder_number(b, "x", FIELD_NUMERIC, i * 7 % 11 / 10.0 + (j % 9 - 4));
			baseline_builder_number(b, "y", FIELD_NUMERIC, i * 7 % 11 / 10.0 + (j % 9 - 4));
		}
	return baseline_builder_finish(b, NULL, &err);
}

static bool limits(const char *measure, const struct baseline *b, size_t field, int64_t window, enum chunks_kind kind,
		   double at, struct thresholds *out)
{
	struct chunk_series *s = chunk_series_new(measure_find(measure), b->fields[field], b, window, kind == CHUNKS_TAIL);
	bool ok = chunk_limits(s, (struct chunks_limit){kind, at}, out);

	chunk_series_free(s);
	return ok;
}

Test(chunks, limits_of_categories)
{
	static const struct {
		enum chunks_kind kind;
		double at, above;
	} rows[] = {
		{CHUNKS_STD, 3, 0.00844410758142738},	   {CHUNKS_QUANTILE, 0.5, 0.00189694990581576},
		{CHUNKS_QUANTILE, 0.9, 0.00555091755739055}, {CHUNKS_QUANTILE, 0.95, 0.0059186701530767},
		{CHUNKS_QUANTILE, 0.999, 0.836618218393096}, {CHUNKS_TAIL, 1e-6, 282.588002487387},
	};
	struct baseline *b = of_words();
	struct thresholds t;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cr_assert(limits("psi", b, 0, HOUR, rows[i].kind, rows[i].at, &t), "row %zu", i);
		cr_expect_float_eq(t.above / rows[i].above, 1, 1e-9, "row %zu: %.15g", i, t.above);
		cr_expect(isnan(t.below) && isnan(t.clear));
	}
	// No share differs by more than 1.
	cr_expect(limits("linf", b, 0, HOUR, CHUNKS_TAIL, 1e-3, &t));
	cr_expect_not(limits("linf", b, 0, HOUR, CHUNKS_TAIL, 1e-6, &t));
	cr_expect_not(limits("ks", b, 0, HOUR, CHUNKS_STD, 3, &t), "of categories");
	baseline_free(b);
}

Test(chunks, limits_of_numbers)
{
	struct baseline *b = of_numbers();
	struct thresholds t;

	cr_assert_str_eq(b->fields[1]->def.path, "y");
	cr_expect(limits("mean_shift", b, 1, HOUR, CHUNKS_STD, 3, &t));
	cr_expect_float_eq(t.above, 0.367006206905618, 1e-9);
	cr_expect(limits("mean_shift", b, 1, HOUR, CHUNKS_TAIL, 1e-4, &t));
	cr_expect_float_eq(t.above, 0.569873048042689, 1e-9);
	cr_expect_float_eq(t.below, -0.569873048042689, 1e-9, "on either side");
	// 5 of 45 are missing in every fifth of 30 hours: 24 times 0 and 6 times 1/9.
	cr_expect(limits("missing_ratio", b, 0, HOUR, CHUNKS_STD, 3, &t));
	cr_expect_float_eq(t.above, (0.2 + 3 * 0.4) / 9, 1e-12);
	baseline_free(b);
}

// Of five hours a mean means little; a day cannot be had from them; and chunks longer than the window vary less than it.
Test(chunks, too_few_are_no_limit)
{
	struct baseline *b = of_numbers();
	struct thresholds t;

	cr_expect(limits("psi", b, 0, 5 * HOUR, CHUNKS_STD, 3, &t), "six windows");
	cr_expect_not(limits("psi", b, 0, 6 * HOUR, CHUNKS_STD, 3, &t), "five windows");
	cr_expect_not(limits("psi", b, 0, 60000, CHUNKS_STD, 3, &t), "shorter than a chunk");
	cr_expect_not(limits("psi", b, 0, 24 * HOUR, CHUNKS_QUANTILE, 0.5, &t));
	baseline_free(b);
	double v[100];
	for (int i = 0; i < 100; i++)
		v[i] = i;
	b = baseline_numbers(v, 100);
	cr_expect_not(limits("psi", b, 0, HOUR, CHUNKS_STD, 3, &t), "rows without a time");
	baseline_free(b);
}

// What a measure is over chunks is near what the monitor makes of the same hour: within the coarse bins' error.
Test(chunks, are_as_the_monitor_computes_them)
{
	static const char *const names[] = {"psi", "js", "hellinger", "tvd", "chi2", "kl", "linf"};
	struct baseline *b = of_words();

	for (size_t k = 0; k < ARRAY_LEN(names); k++) {
		double greatest = 0;
		for (int i = 0; i < HOURS; i++) {
			const uint64_t n[] = {50 + (uint64_t)i * 7 % 11, 30 + (uint64_t)i * 5 % 7, 20 + (uint64_t)i * 3 % 5};
			struct pane *p = pane_categories(&b->fields[0]->def, (const char *const[]){"a", "b", "c"}, n, 3);
			greatest = fmax(greatest, plain(names[k], b, p));
			pane_free(p);
		}
		struct chunk_series *s = chunk_series_new(measure_find(names[k]), b->fields[0], b, HOUR, false);
		size_t n;
		const double *v = chunk_series_values(s, &n);
		cr_assert_eq(n, HOURS);
		cr_expect_float_eq(v[n - 1] / greatest, 1, 1e-9, "%s", names[k]);
		chunk_series_free(s);
	}
	baseline_free(b);
}

// The formula of statsmodels.stats.multitest.multipletests(method="fdr_bh") by NumPy.
Test(fdr, benjamini_and_hochberg)
{
	static const double p[] = {0.01, 0.02, 0.03, 0.04, 0.05, 0.5, 0.001};
	static const double expect[] = {0.035, 0.0466666666666667, 0.0525, 0.056, 0.0583333333333333, 0.5, 0.007};
	double adjusted[7];

	fdr_adjust(p, 7, adjusted);
	for (int i = 0; i < 7; i++)
		cr_expect_float_eq(adjusted[i], expect[i], 1e-15);
	cr_expect_float_eq(fdr_limit(p, 7, 0.05), 3 * 0.05 / 7, 1e-15);
	cr_expect_float_eq(fdr_limit(p, 7, 0.06), 6 * 0.06 / 7, 1e-15);
	cr_expect_float_eq(fdr_limit(p, 7, 0.001), 0.001 / 7, 1e-15, "none: what the least would have to meet");
	cr_expect_float_eq(fdr_limit(p, 7, 0.9), 0.9, 1e-15);
	cr_expect_eq(fdr_limit(p, 0, 0.05), 0.05);
}
