// SPDX-License-Identifier: Apache-2.0
// The functions behind the table of measures. Private to the drift room.
#ifndef KD_DRIFT_MEASURES_H
#define KD_DRIFT_MEASURES_H
#include <math.h>

#include "drift/measure.h"

typedef void measure_fn(const struct measure_input *in, struct measure_value *out);

// composite.c
measure_fn measure_drift;
// glr.c
measure_fn measure_glr;
// numeric.c
measure_fn measure_ks, measure_ks_p, measure_wasserstein, measure_mean_shift, measure_variance_ratio,
	measure_out_of_range, measure_sum, measure_mean, measure_stddev, measure_kuiper, measure_kuiper_p, measure_energy,
	measure_cvm, measure_cvm_p, measure_ad, measure_ad_p, measure_linf_deequ, measure_wasserstein_evidently, measure_t_p, measure_p50, measure_p99,
	measure_p50_shift, measure_p99_shift, measure_min, measure_max;
// categorical.c
measure_fn measure_psi, measure_psi_evidently, measure_psi_fiddler, measure_psi_deepchecks, measure_js,
	measure_js_evidently, measure_js_tfdv, measure_kl, measure_kl_evidently, measure_hellinger, measure_linf,
	measure_tvd, measure_cramers_v, measure_cramers_v_deepchecks, measure_rank_correlation, measure_tvd_sorted,
	measure_top10_footrule;
// contingency.c
measure_fn measure_chi2, measure_chi2_p, measure_chi2_evidently, measure_chi2_nannyml, measure_g_test,
	measure_g_test_p;
// values.c
measure_fn measure_unseen, measure_top_share, measure_constant, measure_distinct_ratio, measure_entropy,
	measure_normalized_entropy, measure_freshness_p50, measure_freshness_max;
// vector.c
measure_fn measure_centroid_distance, measure_centroid_cosine;
// counts.c
measure_fn measure_missing, measure_nan, measure_inf, measure_violation_ratio, measure_violating_records,
	measure_incompatible_schema, measure_dropped_field, measure_breaking_version, measure_records, measure_staleness,
	measure_schema_wait, measure_dead_letters_stopped;

static inline void value_within(struct measure_value *out, double v, double error)
{
	out->state = isfinite(v) ? READING_KNOWN : READING_NOT_APPLICABLE;
	out->value = isfinite(v) ? v : NAN;
	out->error = isfinite(v) && isfinite(error) ? error : NAN;
}

static inline void value_known(struct measure_value *out, double v)
{
	value_within(out, v, 0);
}
#endif
