// SPDX-License-Identifier: Apache-2.0
// Histograms and moments of a field (private to stats/).
#ifndef KD_STATS_NUMERIC_H
#define KD_STATS_NUMERIC_H
#include "stats/pane.h"

// Non-zero logarithmic bins a field. Past it the bins of smallest magnitude (the negative one first where
// two are equal) join zero's bin, so that what is left does not depend on the order of counting or merging.
enum { LOGBINS_MAX = 2048 };

void field_moments_add(struct field_stats *f, const double *x, size_t n); // finite values
void field_moments_merge(struct field_stats *dst, const struct field_stats *src);
// histogram.c
void field_histogram_add(struct field_stats *f, const double *x, size_t n); // finite values, to quantile grids
void field_drop_histogram(struct field_stats *f); // all of them
struct second_grid field_first_grid(const struct field_stats *f); // borrows
void field_first_becomes_second(struct field_stats *f);           // it has no second; the first is left empty
void field_drop_second(struct field_stats *f);
void field_histogram_release(struct field_stats *f);
void field_histogram_merge(struct field_stats *dst, const struct field_stats *src); // src->count > 0
// The logarithmic bins in order: f's own, or *made, which the caller frees.
const struct logbin *field_logbins(const struct field_stats *f, size_t *n, struct logbin **made);
void field_logbin_count(struct field_stats *f, int32_t bin);
void field_logbins_merge(struct field_stats *dst, const struct field_stats *src);
void field_add_length(struct field_stats *f, size_t n);
double field_length_quantile(const struct field_stats *f, double q, double *error);
void field_ages_merge(struct field_stats *dst, const struct field_stats *src);
void field_vectors_merge(struct field_stats *dst, const struct field_stats *src); // before their moments are
void field_vector_release(struct field_stats *f);
#endif
