// SPDX-License-Identifier: Apache-2.0
// Limit laws of statistics of empirical distribution functions, without ties. Private to the drift room.
#ifndef KD_DRIFT_EDF_LAW_H
#define KD_DRIFT_EDF_LAW_H

double kolmogorov_sf(double x);         // limit law of sqrt(n) sup |F_n - F|
double cramer_von_mises_sf(double w2);  // P of Cramer-von Mises' statistic at least w2
double anderson_darling_sf(double a2);  // P of Anderson and Darling's A^2 at least a2
double kuiper_sf(double x);             // P of sqrt(nm/(n+m)) V at least x (Kuiper 1960)

// Of the measure of two samples of n and m values. cvm: brought to the limit's mean and variance first (Anderson 1962), as
// SciPy's asymptotic value has it. ad: less its mean and over its standard deviation, as the measure is.
typedef double two_sample_p(double statistic, double n, double m);
two_sample_p ks_two_sample_p, cvm_two_sample_p, ad_two_sample_p, kuiper_two_sample_p;
#endif
