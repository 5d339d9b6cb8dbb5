// SPDX-License-Identifier: Apache-2.0
// The law of a weighted sum of squares of normal variables, which Pearson's statistic follows where records depend on one
// another (Rao and Scott 1981). Private to the drift room.
#ifndef KD_DRIFT_QUADRATIC_H
#define KD_DRIFT_QUADRATIC_H
#include <stddef.h>

// The eigenvalues of the symmetric n x n matrix s (rows; its content is lost), the greatest first (Jacobi's rotations).
void symmetric_eigenvalues(double *s, size_t n, double *out);

// P(w_1 X_1^2 + ... + w_n X_n^2 > x Y), the X standard normal, Y a chi-square of df degrees over df, all independent;
// n >= 1, w > 0, the greatest first. Exact where all w are equal (F's law), else a saddlepoint approximation (Lugannani
// and Rice 1980, in Barndorff-Nielsen's form; Kuonen 1999), within an eighth of the true value.
double quadratic_sf(const double *w, size_t n, double df, double x);
double quadratic_isf(const double *w, size_t n, double df, double p); // 1e-300 <= p < 1
#endif
