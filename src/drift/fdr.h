// SPDX-License-Identifier: Apache-2.0
// Benjamini and Hochberg (J. R. Stat. Soc. B 57, 1995): of n p-values those are called at level q whose rank k and
// value satisfy p <= k q / n, and all smaller ones. The expected share of false ones among the called is then at
// most q (independent tests, or positively dependent ones: Benjamini and Yekutieli, Ann. Stat. 29, 2001). Pure.
#ifndef KD_DRIFT_FDR_H
#define KD_DRIFT_FDR_H
#include <stddef.h>

// adjusted[i] is the least q at which p[i] is called; at most 1.
void fdr_adjust(const double *p, size_t n, double *adjusted);
// The limit that the called ones do not exceed: k q / n, with k at least 1.
double fdr_limit(const double *p, size_t n, double q);
#endif
