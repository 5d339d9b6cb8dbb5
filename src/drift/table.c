// SPDX-License-Identifier: Apache-2.0
// The table of measures: distances and tests with their dialects beside them, then what looks at one side only.
#include <math.h>

#include "drift/exact_measures.h"
#include "drift/measures.h"
#include "util/xalloc.h"

#define NUM (1u << FIELD_NUMERIC)
#define CAT (1u << FIELD_CATEGORICAL | 1u << FIELD_BOOLEAN)
#define WORD (1u << FIELD_CATEGORICAL)
#define TEXT (1u << FIELD_TEXT)
#define TIME (1u << FIELD_TIME)
#define VECTOR (1u << FIELD_VECTOR)
#define ANY (NUM | CAT | TEXT | TIME | VECTOR)

// Texts that several rows share.
static const char ks_name[] = "Kolmogorov-Smirnov", psi_name[] = "population stability index",
		  js_name[] = "Jensen-Shannon", w1_name[] = "Wasserstein-1, earth mover's distance",
		  by_bins[] = "what the order of values inside open bins can change",
		  new_values[] = "of numbers: how many distinct values open bins may hold", of_drift[] = "not stated",
		  by_width[] = "the width of the bin that holds it, within the extremes",
		  by_bound[] = "not stated past the bound on categories",
		  by_rest[] = "what values past the bound on categories can add";

const struct measure measure_table[] = {
	{
		.name = "drift", .range = "0 to 37", .unit = "z",
		.help = "the z equivalent of the smallest p-value of a small family of tests, each against the "
			"baseline's own movement from window to window, times the size of the family",
		.scope = MEASURE_FIELD, .types = NUM | CAT, .needs_reference = true, .min_records = 50,
		.threshold = 5, .scale = SCALE_Z, .error = of_drift, .compute = measure_drift,
	},
	{
		.name = "glr", .range = "0 to 37", .unit = "z", .source = "Willsky and Jones 1976; Lai 1995",
		.help = "the z equivalent of the smallest p-value over trailing spans from one slide to 32 windows, times "
			"their number: a change of the mean, the variance or a value's share since any time",
		.scope = MEASURE_FIELD, .types = NUM | CAT, .needs_reference = true, .min_records = 30,
		.threshold = 6, .scale = SCALE_Z, .by_slide = true, .compute = measure_glr,
	},
	{
		.name = "ks", .range = "0 to 1", .source = ks_name,
		.help = "the largest difference of the two distribution functions",
		.scope = MEASURE_FIELD, .types = NUM, .needs_reference = true, .min_records = 100, .threshold = 0.1,
		.error = by_bins, .compute = measure_ks, .exact = exact_ks, .file_types = NUM,
	},
	{
		.name = "ks_p", .range = "0 to 1", .source = ks_name,
		.help = "p of ks by Kolmogorov's limit law at D sqrt(nm/(n+m))",
		.scope = MEASURE_FIELD, .types = NUM, .needs_reference = true, .min_records = 30, .threshold = 0.001,
		.scale = SCALE_P, .error = by_bins, .compute = measure_ks_p, .exact = exact_ks_p, .file_types = NUM,
	},
	{
		.name = "ks_p.scipy", .range = "0 to 1", .source = "Simard and L'Ecuyer 2011",
		.dialect = "SciPy (asymptotic)",
		.help = "p of ks by the exact law of one sample of nm/(n+m) values, rounded",
		.scope = MEASURE_FIELD, .threshold = 0.05, .scale = SCALE_P, .exact = exact_ks_p_scipy,
		.file_types = NUM,
	},
	{
		.name = "ks_p.evidently", .range = "0 to 1", .source = "Hodges 1958",
		.dialect = "Evidently, SciPy (auto)",
		.help = "p of ks: exact up to 10,000 values a side, else ks_p.scipy",
		.scope = MEASURE_FIELD, .threshold = 0.05, .scale = SCALE_P, .exact = exact_ks_p_evidently,
		.file_types = NUM,
	},
	{
		.name = "wasserstein", .range = "0 up", .unit = "the field's", .source = w1_name,
		.help = "the area between the two distribution functions",
		.scope = MEASURE_FIELD, .types = NUM, .needs_reference = true, .min_records = 100, .threshold = NAN,
		.error = by_bins, .compute = measure_wasserstein, .exact = exact_wasserstein, .file_types = NUM,
	},
	{
		.name = "wasserstein.evidently", .range = "0 up", .unit = "sd", .source = w1_name,
		.dialect = "Evidently",
		.help = "wasserstein over the reference's standard deviation (population), at least 0.001",
		.scope = MEASURE_FIELD, .types = NUM, .needs_reference = true, .min_records = 100, .threshold = 0.1,
		.error = by_bins, .compute = measure_wasserstein_evidently, .exact = exact_wasserstein_evidently,
		.file_types = NUM,
	},
	{
		.name = "cvm", .range = "0 up", .source = "Cramer-von Mises; Anderson 1962",
		.help = "nm/(n+m)^2 times the sum of squared differences of the distribution functions over all values",
		.scope = MEASURE_FIELD, .types = NUM, .needs_reference = true, .min_records = 30, .threshold = 1.168,
		.error = by_bins, .compute = measure_cvm, .exact = exact_cvm, .file_types = NUM,
	},
	{
		.name = "cvm_p", .range = "0 to 1", .source = "Anderson 1962",
		.help = "p of cvm by its limit law, the statistic brought to that law's mean and variance; SciPy's asymptotic value",
		.scope = MEASURE_FIELD, .types = NUM, .needs_reference = true, .min_records = 30, .threshold = 0.001,
		.scale = SCALE_P, .error = by_bins, .compute = measure_cvm_p, .exact = exact_cvm_p, .file_types = NUM,
	},
	{
		.name = "ad", .range = "-2 up", .source = "Scholz and Stephens 1987",
		.help = "the Anderson-Darling statistic with midranks, less its mean, over its standard deviation",
		.scope = MEASURE_FIELD, .types = NUM, .needs_reference = true, .min_records = 30, .threshold = 6.546,
		.error = by_bins, .compute = measure_ad, .exact = exact_ad, .file_types = NUM,
	},
	{
		.name = "ad_p", .range = "0 to 1", .source = "Anderson and Darling 1952",
		.help = "p of ad by the limit law of A^2",
		.scope = MEASURE_FIELD, .types = NUM, .needs_reference = true, .min_records = 30, .threshold = 0.001,
		.scale = SCALE_P, .error = by_bins, .compute = measure_ad_p, .exact = exact_ad_p, .file_types = NUM,
	},
	{
		.name = "kuiper", .range = "0 to 1", .source = "Kuiper 1960",
		.help = "the largest differences of the distribution functions upwards and downwards, added",
		.scope = MEASURE_FIELD, .types = NUM, .needs_reference = true, .min_records = 100, .threshold = NAN,
		.error = by_bins, .compute = measure_kuiper, .exact = exact_kuiper, .file_types = NUM,
	},
	{
		.name = "kuiper_p", .range = "0 to 1", .source = "Kuiper 1960",
		.help = "p of kuiper by its limit law at V sqrt(nm/(n+m))",
		.scope = MEASURE_FIELD, .types = NUM, .needs_reference = true, .min_records = 30, .threshold = 0.001,
		.scale = SCALE_P, .error = by_bins, .compute = measure_kuiper_p, .exact = exact_kuiper_p, .file_types = NUM,
	},
	{
		.name = "energy", .range = "0 up", .unit = "root of the field's", .source = "Szekely and Rizzo 2013",
		.help = "the root of twice the integral of the squared difference of the distribution functions",
		.scope = MEASURE_FIELD, .types = NUM, .needs_reference = true, .min_records = 100, .threshold = NAN,
		.error = by_bins, .compute = measure_energy, .exact = exact_energy, .file_types = NUM,
	},
	{
		.name = "psi", .range = "0 up", .source = psi_name,
		.help = "sum (q-p) ln(q/p), shares floored at 1e-4; numbers in 10 groups of grid bins",
		.scope = MEASURE_FIELD, .types = NUM | CAT, .needs_reference = true, .min_records = 100,
		.threshold = 0.2, .compute = measure_psi, .exact = exact_psi, .file_types = NUM | CAT,
	},
	{
		.name = "psi.evidently", .range = "0 up", .source = psi_name, .dialect = "Evidently",
		.help = "empty shares filled with 1e-4 or a millionth of the least; numbers in Sturges' bins over both "
			"sides",
		.scope = MEASURE_FIELD, .types = CAT, .needs_reference = true, .min_records = 100, .threshold = 0.1,
		.compute = measure_psi_evidently, .exact = exact_psi_evidently, .file_types = NUM | CAT,
	},
	{
		.name = "psi.fiddler", .range = "0 up", .source = psi_name, .dialect = "Fiddler",
		.help = "one more of each value before shares are taken",
		.scope = MEASURE_FIELD, .types = CAT, .needs_reference = true, .min_records = 100, .threshold = NAN,
		.compute = measure_psi_fiddler, .exact = exact_psi_fiddler, .file_types = CAT,
	},
	{
		.name = "psi.deepchecks", .range = "0 up", .source = psi_name, .dialect = "deepchecks",
		.help = "shares floored at 0.01",
		.scope = MEASURE_FIELD, .types = CAT, .needs_reference = true, .min_records = 100, .threshold = NAN,
		.compute = measure_psi_deepchecks, .exact = exact_psi_deepchecks, .file_types = CAT,
	},
	{
		.name = "js", .range = "0 to 1", .source = js_name,
		.help = "the Jensen-Shannon distance (square root), base 2; numbers in 10 groups of grid bins",
		.scope = MEASURE_FIELD, .types = NUM | CAT, .needs_reference = true, .min_records = 100,
		.threshold = 0.1, .compute = measure_js, .exact = exact_js, .file_types = NUM | CAT,
	},
	{
		.name = "js.evidently", .range = "0 to 0.8326", .source = js_name, .dialect = "Evidently",
		.help = "the distance with natural logarithm; numbers in Sturges' bins over both sides",
		.scope = MEASURE_FIELD, .types = CAT, .needs_reference = true, .min_records = 100, .threshold = 0.1,
		.compute = measure_js_evidently, .exact = exact_js_evidently, .file_types = NUM | CAT,
	},
	{
		.name = "js.nannyml", .range = "0 to 1", .source = js_name, .dialect = "NannyML",
		.help = "the distance, base 2; numbers in Doane's bins over the reference, the rest in one",
		.scope = MEASURE_FIELD, .types = CAT, .needs_reference = true, .min_records = 100, .threshold = NAN,
		.compute = measure_js, .exact = exact_js_nannyml, .file_types = NUM | CAT,
	},
	{
		.name = "js.tfdv", .range = "0 to 1", .source = js_name, .dialect = "TensorFlow Data Validation",
		.help = "the divergence, base 2; numbers in ten bins of each side's range, cut at the union of edges",
		.scope = MEASURE_FIELD, .types = CAT, .needs_reference = true, .min_records = 100, .threshold = NAN,
		.compute = measure_js_tfdv, .exact = exact_js_tfdv, .file_types = NUM | CAT,
	},
	{
		.name = "kl", .range = "0 up", .unit = "nats", .source = "Kullback-Leibler",
		.help = "the divergence of the current from the reference, sum p ln(p/q), shares floored at 1e-4; "
			"numbers in 10 groups of grid bins",
		.scope = MEASURE_FIELD, .types = NUM | CAT, .needs_reference = true, .min_records = 100,
		.threshold = 0.1, .compute = measure_kl, .exact = exact_kl, .file_types = NUM | CAT,
	},
	{
		.name = "kl.evidently", .range = "0 up", .unit = "nats", .source = "Kullback-Leibler",
		.dialect = "Evidently",
		.help = "the divergence of the current from the reference, natural logarithm, shares as psi.evidently",
		.scope = MEASURE_FIELD, .types = CAT, .needs_reference = true, .min_records = 100, .threshold = 0.1,
		.compute = measure_kl_evidently, .exact = exact_kl_evidently, .file_types = NUM | CAT,
	},
	{
		.name = "hellinger", .range = "0 to 1", .source = "Hellinger",
		.help = "the root of 1 - sum sqrt(pq); numbers in 10 groups of grid bins",
		.scope = MEASURE_FIELD, .types = NUM | CAT, .needs_reference = true, .min_records = 100,
		.threshold = 0.1, .compute = measure_hellinger, .exact = exact_hellinger, .file_types = NUM | CAT,
	},
	{
		.name = "hellinger.evidently", .range = "0 to 1", .source = "Hellinger", .dialect = "Evidently",
		.help = "numbers in Sturges' bins over the distinct values of both sides",
		.scope = MEASURE_FIELD, .types = CAT, .needs_reference = true, .min_records = 100, .threshold = 0.1,
		.compute = measure_hellinger, .exact = exact_hellinger_evidently, .file_types = NUM | CAT,
	},
	{
		.name = "hellinger.nannyml", .range = "0 to 1", .source = "Hellinger", .dialect = "NannyML",
		.help = "numbers in Doane's bins over the reference, the rest in one",
		.scope = MEASURE_FIELD, .types = CAT, .needs_reference = true, .min_records = 100, .threshold = NAN,
		.compute = measure_hellinger, .exact = exact_hellinger_nannyml, .file_types = NUM | CAT,
	},
	{
		.name = "linf", .range = "0 to 1", .source = "L-infinity",
		.help = "the largest difference of a share; numbers in 10 groups of grid bins",
		.scope = MEASURE_FIELD, .types = NUM | CAT, .needs_reference = true, .min_records = 100,
		.threshold = 0.1, .compute = measure_linf, .exact = exact_linf, .file_types = NUM | CAT,
	},
	{
		.name = "linf.deequ-robust", .range = "0 to 1", .source = "L-infinity", .dialect = "deequ",
		.help = "linf (of numbers: ks) less 1.8 sqrt((n+m)/nm), at least 0",
		.scope = MEASURE_FIELD, .types = NUM | CAT, .needs_reference = true, .min_records = 30,
		.threshold = NAN, .error = by_bins, .compute = measure_linf_deequ, .exact = exact_linf_deequ,
		.file_types = NUM | CAT,
	},
	{
		.name = "tvd", .range = "0 to 1", .source = "total variation",
		.help = "half the sum of the differences of shares; numbers in 10 groups of grid bins",
		.scope = MEASURE_FIELD, .types = NUM | CAT, .needs_reference = true, .min_records = 100,
		.threshold = 0.1, .compute = measure_tvd, .exact = exact_tvd, .file_types = NUM | CAT,
	},
	{
		.name = "tvd_sorted", .range = "0 to 1", .source = "sorted L1 distance; Valiant and Valiant 2011",
		.help = "tvd of the shares in order of their size: what changes when values' names are put aside",
		.scope = MEASURE_FIELD, .types = CAT, .needs_reference = true, .min_records = 100, .threshold = 0.1,
		.compute = measure_tvd_sorted, .exact = exact_tvd_sorted, .file_types = CAT,
	},
	{
		.name = "rank_correlation", .range = "-1 to 1", .source = "Spearman 1904",
		.help = "the correlation of the values' ranks by frequency, midranks where they are equal: below 1 where "
			"values overtake others",
		.scope = MEASURE_FIELD, .types = CAT, .needs_reference = true, .min_records = 100, .threshold = NAN,
		.compute = measure_rank_correlation, .exact = exact_rank_correlation, .file_types = CAT,
	},
	{
		.name = "top10_footrule", .range = "0 to 1", .source = "Spearman 1906; Fagin, Kumar and Sivakumar 2003",
		.help = "by how much the ten most frequent values changed places: the sum of their ranks' differences, a value "
			"outside a side's ten at rank 11 there, midranks where they are equal, over 110, the sum where the sides "
			"share none of the ten; of fewer values likewise",
		.scope = MEASURE_FIELD, .types = CAT, .needs_reference = true, .min_records = 100, .threshold = NAN,
		.compute = measure_top10_footrule, .exact = exact_top10_footrule, .file_types = CAT,
	},
	{
		.name = "chi2", .range = "0 up", .source = "Pearson",
		.help = "the contingency table's statistic, without continuity correction; numbers by value, where the "
			"reference has at most 10",
		.scope = MEASURE_FIELD, .types = NUM | CAT, .needs_reference = true, .min_records = 100,
		.threshold = NAN, .compute = measure_chi2, .exact = exact_chi2, .file_types = NUM | CAT,
	},
	{
		.name = "chi2_p", .range = "0 to 1", .source = "Pearson", .help = "the p-value of chi2",
		.scope = MEASURE_FIELD, .types = NUM | CAT, .needs_reference = true, .min_records = 30,
		.threshold = 0.001, .scale = SCALE_P, .error = new_values, .compute = measure_chi2_p,
		.exact = exact_chi2_p, .file_types = NUM | CAT,
	},
	{
		.name = "chi2.evidently", .range = "0 to 1", .source = "Pearson", .dialect = "Evidently",
		.help = "p of the current counts' fit to the reference's shares: 0 for a value that the reference lacks",
		.scope = MEASURE_FIELD, .types = NUM | CAT, .needs_reference = true, .min_records = 30,
		.threshold = 0.05, .scale = SCALE_P, .compute = measure_chi2_evidently, .exact = exact_chi2_evidently,
		.file_types = NUM | CAT,
	},
	{
		.name = "chi2.nannyml", .range = "0 up", .source = "Pearson", .dialect = "NannyML",
		.help = "the statistic, with Yates' correction for two by two",
		.scope = MEASURE_FIELD, .types = NUM | CAT, .needs_reference = true, .min_records = 100,
		.threshold = NAN, .error = new_values, .compute = measure_chi2_nannyml, .exact = exact_chi2_nannyml,
		.file_types = NUM | CAT,
	},
	{
		.name = "cramers_v", .range = "0 to 1", .source = "Cramer 1946",
		.help = "the root of chi2 over the number of values of both sides together",
		.scope = MEASURE_FIELD, .types = CAT, .needs_reference = true, .min_records = 100, .threshold = 0.2,
		.compute = measure_cramers_v, .exact = exact_cramers_v, .file_types = CAT,
	},
	{
		.name = "cramers_v.deepchecks", .range = "0 to 1", .source = "Bergsma 2013", .dialect = "deepchecks",
		.help = "Cramer's V of counts levelled to the smaller side and rounded, bias-corrected",
		.scope = MEASURE_FIELD, .types = CAT, .needs_reference = true, .min_records = 100, .threshold = 0.2,
		.compute = measure_cramers_v_deepchecks, .exact = exact_cramers_v_deepchecks, .file_types = CAT,
	},
	{
		.name = "g_test", .range = "0 up", .source = "Wilks",
		.help = "the contingency table's likelihood ratio statistic; numbers by value, where the reference has "
			"at most 10",
		.scope = MEASURE_FIELD, .types = NUM | CAT, .needs_reference = true, .min_records = 100,
		.threshold = NAN, .compute = measure_g_test, .exact = exact_g_test, .file_types = NUM | CAT,
	},
	{
		.name = "g_test_p", .range = "0 to 1", .source = "Wilks", .help = "the p-value of g_test",
		.scope = MEASURE_FIELD, .types = NUM | CAT, .needs_reference = true, .min_records = 30,
		.threshold = 0.001, .scale = SCALE_P, .error = new_values, .compute = measure_g_test_p,
		.exact = exact_g_test_p, .file_types = NUM | CAT,
	},
	{
		.name = "mean_shift", .range = "any", .unit = "sd",
		.help = "the difference of the means in the reference's (population) standard deviations; of text: of "
			"the length; of vectors: of the norm",
		.scope = MEASURE_FIELD, .types = NUM | TEXT | VECTOR, .needs_reference = true, .min_records = 30,
		.threshold = 0.5, .compute = measure_mean_shift, .exact = exact_mean_shift, .file_types = NUM,
	},
	{
		.name = "variance_ratio", .range = "0 up",
		.help = "the current variance over the reference's, both n - 1; of text: of the length; of vectors: of the norm",
		.scope = MEASURE_FIELD, .types = NUM | TEXT | VECTOR, .needs_reference = true, .min_records = 30,
		.threshold = 2, .compute = measure_variance_ratio, .exact = exact_variance_ratio, .file_types = NUM,
	},
	{
		.name = "t_p", .range = "0 to 1", .source = "Welch",
		.help = "p of the difference of the means, variances not taken as equal; of text: of the length; of "
			"vectors: of the norm",
		.scope = MEASURE_FIELD, .types = NUM | TEXT | VECTOR, .needs_reference = true, .min_records = 30,
		.threshold = 0.001, .scale = SCALE_P, .compute = measure_t_p, .exact = exact_t_p, .file_types = NUM,
	},
	{
		.name = "p50_shift", .range = "any", .unit = "sd",
		.help = "the difference of the medians in the reference's (population) standard deviations; of text: of the length",
		.scope = MEASURE_FIELD, .types = NUM | TEXT, .needs_reference = true, .min_records = 30, .threshold = 0.5,
		.error = by_width, .compute = measure_p50_shift, .exact = exact_p50_shift, .file_types = NUM,
	},
	{
		.name = "p99_shift", .range = "any", .unit = "sd",
		.help = "the difference of the 99th percentiles in the reference's (population) standard deviations; of text: of the length",
		.scope = MEASURE_FIELD, .types = NUM | TEXT, .needs_reference = true, .min_records = 100, .threshold = 1,
		.error = by_width, .compute = measure_p99_shift, .exact = exact_p99_shift, .file_types = NUM,
	},
	{
		.name = "centroid_distance", .range = "0 up", .unit = "the field's", .source = "Euclidean",
		.help = "how far the mean of the vectors lies from the reference's",
		.scope = MEASURE_FIELD, .types = VECTOR, .needs_reference = true, .min_records = 30, .threshold = NAN,
		.compute = measure_centroid_distance,
	},
	{
		.name = "centroid_cosine", .range = "0 to 2", .source = "cosine distance",
		.help = "1 less the cosine of the angle between the mean of the vectors and the reference's",
		.scope = MEASURE_FIELD, .types = VECTOR, .needs_reference = true, .min_records = 30, .threshold = 0.1,
		.compute = measure_centroid_cosine,
	},
	{
		.name = "missing_ratio", .range = "0 to 1", .help = "null or absent, of the decoded records",
		.scope = MEASURE_FIELD, .types = ANY, .count = true, .moments = true, .min_records = 1, .threshold = 0.05,
		.compute = measure_missing,
	},
	{
		.name = "nan_ratio", .range = "0 to 1", .help = "NaN, of the decoded records; of vectors: one with a NaN",
		.scope = MEASURE_FIELD, .types = NUM | VECTOR, .count = true, .moments = true, .min_records = 1, .threshold = 0.01,
		.compute = measure_nan,
	},
	{
		.name = "inf_ratio", .range = "0 to 1", .help = "infinite, of the decoded records; of vectors: one with an infinity",
		.scope = MEASURE_FIELD, .types = NUM | VECTOR, .count = true, .moments = true, .min_records = 1, .threshold = 0.01,
		.compute = measure_inf,
	},
	{
		.name = "unseen_ratio", .range = "0 to 1",
		.help = "values that are not among the baseline's own (of files: the reference's), of all values",
		.scope = MEASURE_FIELD, .types = WORD, .count = true, .moments = true, .min_records = 1, .threshold = 0.01,
		.compute = measure_unseen, .exact = exact_unseen, .file_types = CAT,
	},
	{
		.name = "out_of_range_ratio", .range = "0 to 1",
		.help = "values below the baseline's least or above its greatest, of all values",
		.scope = MEASURE_FIELD, .types = NUM, .count = true, .min_records = 1, .threshold = 0.01,
		.compute = measure_out_of_range,
	},
	{
		.name = "violation_ratio", .range = "0 to 1", .help = "records with at least one violation, of all records",
		.scope = MEASURE_STREAM, .count = true, .moments = true, .min_records = 1, .threshold = 0.01,
		.compute = measure_violation_ratio,
	},
	{
		.name = "violating_records", .range = "0 up", .unit = "records",
		.help = "records with at least one violation",
		.scope = MEASURE_STREAM, .count = true, .moments = true, .min_records = 1, .compute = measure_violating_records,
	},
	{
		.name = "incompatible_schema", .range = "0 up", .unit = "records",
		.help = "records whose writer's schema the contract cannot read",
		.scope = MEASURE_STREAM, .count = true, .moments = true, .min_records = 1, .compute = measure_incompatible_schema,
	},
	{
		.name = "dropped_field", .range = "0 up", .unit = "records",
		.help = "records whose writer's schema lacks the field, or has it in another type, though the contract, "
			"`fields:` or the baseline needs it; the cause of what follows from it (docs/contracts.md)",
		.scope = MEASURE_FIELD, .types = ~0u, .count = true, .moments = true, .min_records = 1,
		.compute = measure_dropped_field,
	},
	{
		.name = "breaking_version", .range = "0 up", .unit = "breaches",
		.help = "breaches of the contract by the newest version registered under the stream's subject, known "
			"before any record is written with it",
		.scope = MEASURE_STREAM, .compute = measure_breaking_version,
	},
	{
		.name = "records", .range = "0 up", .unit = "records",
		.help = "all messages but tombstones: the volume; 0 where there are none",
		.scope = MEASURE_STREAM, .count = true, .moments = true, .threshold = NAN, .compute = measure_records,
	},
	{
		.name = "staleness", .range = "any", .unit = "seconds",
		.help = "the time since the newest event, or since the stream was first watched where there was none",
		.scope = MEASURE_STREAM, .threshold = NAN, .compute = measure_staleness,
	},
	{
		.name = "schema_wait", .range = "0 up", .unit = "seconds",
		.help = "how long records have waited for a schema that the registry does not give; 0 where none waits",
		.scope = MEASURE_STREAM, .threshold = 300, .compute = measure_schema_wait,
	},
	{
		.name = "dead_letters_stopped", .range = "0 up", .unit = "partitions",
		.help = "partitions whose violating records are not copied to the dead-letter topic, past a limit or "
			"because it cannot be written; 0 where there is none",
		.scope = MEASURE_STREAM, .compute = measure_dead_letters_stopped,
	},
	{
		.name = "top_share", .range = "0 to 1",
		.help = "the share of the most frequent value; of numbers a lower bound, unless all are equal",
		.scope = MEASURE_FIELD, .types = NUM | CAT, .count = true, .min_records = 1, .threshold = NAN,
		.error = by_bins, .compute = measure_top_share, .exact = exact_top_share, .file_types = NUM | CAT,
	},
	{
		.name = "distinct_ratio", .range = "0 to 1", .help = "different values, of all values",
		.scope = MEASURE_FIELD, .types = CAT | TEXT, .min_records = 1, .threshold = NAN, .error = by_bound,
		.compute = measure_distinct_ratio, .exact = exact_distinct_ratio, .file_types = NUM | CAT,
	},
	{
		.name = "entropy", .range = "0 up", .unit = "bits", .source = "Shannon 1948",
		.help = "the entropy of the values' shares",
		.scope = MEASURE_FIELD, .types = CAT, .min_records = 1, .threshold = NAN, .error = by_rest,
		.compute = measure_entropy, .exact = exact_entropy, .file_types = CAT,
	},
	{
		.name = "normalized_entropy", .range = "0 to 1", .source = "evenness; Pielou 1966",
		.help = "entropy over its most, the logarithm of the number of different values; 0 where there is one",
		.scope = MEASURE_FIELD, .types = CAT, .min_records = 1, .threshold = NAN, .error = by_bound,
		.compute = measure_normalized_entropy, .exact = exact_normalized_entropy, .file_types = CAT,
	},
	{
		.name = "constant", .range = "0 or 1", .help = "1 where at least two values are all equal, else 0",
		.scope = MEASURE_FIELD, .types = NUM | CAT, .count = true, .min_records = 2, .compute = measure_constant,
	},
	{
		.name = "freshness_p50", .range = "any", .unit = "seconds", .source = "age, staleness of a feature",
		.help = "the median age of the values: event time less value",
		.scope = MEASURE_FIELD, .types = TIME, .min_records = 1, .threshold = NAN,
		.error = "half the width of the bin that holds it: at most 1/32 of the value",
		.compute = measure_freshness_p50,
	},
	{
		.name = "freshness_max", .range = "any", .unit = "seconds", .source = "age, staleness of a feature",
		.help = "the greatest age of a value: event time less value",
		.scope = MEASURE_FIELD, .types = TIME, .min_records = 1, .threshold = NAN,
		.compute = measure_freshness_max,
	},
	{
		.name = "sum", .range = "any", .unit = "the field's", .help = "the sum of the values",
		.scope = MEASURE_FIELD, .types = NUM, .min_records = 1, .threshold = NAN, .compute = measure_sum,
	},
	{
		.name = "mean", .range = "any", .unit = "the field's",
		.help = "the mean of the values; of text: of the length in bytes; of vectors: of the (Euclidean) norm",
		.scope = MEASURE_FIELD, .types = NUM | TEXT | VECTOR, .min_records = 1, .threshold = NAN, .compute = measure_mean,
	},
	{
		.name = "stddev", .range = "0 up", .unit = "the field's",
		.help = "the standard deviation of the values, n - 1; of text: of the length; of vectors: of the norm",
		.scope = MEASURE_FIELD, .types = NUM | TEXT | VECTOR, .min_records = 2, .threshold = NAN, .compute = measure_stddev,
	},
	{
		.name = "min", .range = "any", .unit = "the field's",
		.help = "the least value; of text: the least length in bytes; of vectors: the least norm",
		.scope = MEASURE_FIELD, .types = NUM | TEXT | VECTOR, .min_records = 1, .threshold = NAN, .compute = measure_min,
	},
	{
		.name = "max", .range = "any", .unit = "the field's",
		.help = "the greatest value; of text: the greatest length in bytes; of vectors: the greatest norm",
		.scope = MEASURE_FIELD, .types = NUM | TEXT | VECTOR, .min_records = 1, .threshold = NAN, .compute = measure_max,
	},
	{
		.name = "p50", .range = "any", .unit = "the field's", .source = "median",
		.help = "the least value that at least half of the values do not exceed; of text: of the length in bytes",
		.scope = MEASURE_FIELD, .types = NUM | TEXT, .min_records = 1, .threshold = NAN, .error = by_width,
		.compute = measure_p50, .exact = exact_p50, .file_types = NUM,
	},
	{
		.name = "p99", .range = "any", .unit = "the field's",
		.help = "the least value that at least 99 % of the values do not exceed; of text: of the length in bytes",
		.scope = MEASURE_FIELD, .types = NUM | TEXT, .min_records = 1, .threshold = NAN, .error = by_width,
		.compute = measure_p99, .exact = exact_p99, .file_types = NUM,
	},
};
const size_t measure_table_len = ARRAY_LEN(measure_table);
