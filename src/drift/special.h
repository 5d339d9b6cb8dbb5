// SPDX-License-Identifier: Apache-2.0
// Tail probabilities. Relative error is below 1e-10 down to 1e-300 for shape parameters up to 1e4, below
// that a result may be 0. "sf" is the survival function P(X > x), "isf" its inverse.
#ifndef KD_DRIFT_SPECIAL_H
#define KD_DRIFT_SPECIAL_H

double gamma_p(double a, double x);        // regularised lower incomplete gamma, a > 0, x >= 0
double gamma_q(double a, double x);        // 1 - gamma_p, without cancellation
double beta_i(double a, double b, double x); // regularised incomplete beta, a, b > 0, 0 <= x <= 1

double chi2_sf(double x, double df);
double f_sf(double x, double df1, double df2);
double student_sf(double t, double df);
double student_isf(double p, double df);   // 1e-300 <= p < 1
double chi2_isf(double p, double df);      // likewise
double normal_sf(double z);
double normal_isf(double p);               // p >= 1e-300 (smaller ones count as 1e-300)
double poisson_sf_from(double k, double rate); // P(X >= k); k need not be whole
#endif
