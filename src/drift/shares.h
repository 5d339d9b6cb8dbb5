// SPDX-License-Identifier: Apache-2.0
// Measures on two rows of counts (struct columns: categories, numbers by value or by group), bare ones and
// dialects. Private to the drift room. Every column has a count on one side at least, and both sides have
// some.
#ifndef KD_DRIFT_SHARES_H
#define KD_DRIFT_SHARES_H
#include "drift/sides.h"

#define PSI_FLOOR 1e-4
enum { RANK_TOP = 10 };

double shares_psi(const struct columns *t, double floor); // shares raised to the floor
double shares_psi_plus_one(const struct columns *t);	  // one more of each before shares are taken
double shares_js(const struct columns *t);		  // divergence, base 2
double shares_hellinger(const struct columns *t);
double shares_linf(const struct columns *t);
double shares_tvd(const struct columns *t);
double shares_tvd_sorted(const struct columns *t);	  // of the shares in order of size, whose they are put aside
double shares_rank_correlation(const struct columns *t);  // Spearman's of the counts; NaN where a side's are all equal
// Spearman's footrule of each side's RANK_TOP most frequent values.
double shares_footrule(const struct columns *t);
double shares_entropy(const double *counts, size_t n, double total); // bits
// Deequ's correction of a largest difference for small samples.
double linf_robust(double d, double n, double m);

// Evidently's: empty shares filled with 1e-4, or with a millionth of the smallest where that is at most 1e-4.
double shares_psi_filled(const struct columns *t);
double shares_kl(const struct columns *t, double floor); // of the current from the reference, shares raised
double shares_kl_filled(const struct columns *t); // natural logarithm, both sides brought to 1 again

double shares_g(const struct columns *t, double *df); // the likelihood ratio's statistic
double shares_chi2_yates(const struct columns *t);    // with Yates' correction where 2 x 2
double shares_cramers_v(const struct columns *t);	      // Cramer's V
double shares_fit_p(const struct columns *t);	      // current to reference x m/n, its p; NaN for one column
double shares_cramers_v_deepchecks(const struct columns *t);     // deepchecks': sizes levelled, bias-corrected
#endif
