// SPDX-License-Identifier: Apache-2.0
// The functions behind the table's column of measures of two files. Private to the drift room.
#ifndef KD_DRIFT_EXACT_MEASURES_H
#define KD_DRIFT_EXACT_MEASURES_H
#include "drift/measure.h"

typedef double exact_fn(const struct exact *e); // NaN where it is not defined

// exact.c
exact_fn exact_ks, exact_ks_p, exact_ks_p_scipy, exact_ks_p_evidently, exact_wasserstein,
	exact_wasserstein_evidently, exact_cvm, exact_cvm_p, exact_ad, exact_ad_p, exact_kuiper, exact_kuiper_p,
	exact_energy, exact_psi, exact_psi_evidently, exact_psi_fiddler, exact_psi_deepchecks, exact_js, exact_js_evidently,
	exact_js_nannyml, exact_js_tfdv, exact_kl, exact_kl_evidently, exact_hellinger, exact_hellinger_evidently,
	exact_hellinger_nannyml, exact_linf, exact_linf_deequ, exact_tvd, exact_chi2, exact_chi2_p,
	exact_chi2_evidently, exact_chi2_nannyml, exact_cramers_v, exact_cramers_v_deepchecks, exact_g_test, exact_g_test_p,
	exact_mean_shift, exact_variance_ratio, exact_t_p, exact_unseen, exact_top_share, exact_rank_correlation,
	exact_tvd_sorted, exact_top10_footrule, exact_distinct_ratio, exact_entropy, exact_normalized_entropy, exact_p50, exact_p99,
	exact_p50_shift, exact_p99_shift;
#endif
