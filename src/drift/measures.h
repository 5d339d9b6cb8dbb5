// SPDX-License-Identifier: Apache-2.0
// The functions behind the table of measures. Private to the drift room.
#ifndef KD_DRIFT_MEASURES_H
#define KD_DRIFT_MEASURES_H
#include <math.h>

#include "drift/measure.h"

typedef void measure_fn(const struct measure_input *in, struct measure_value *out);

// composite.c
measure_fn measure_drift;
// numeric.c
measure_fn measure_ks, measure_ks_p, measure_wasserstein, measure_mean_shift, measure_variance_ratio,
	measure_out_of_range, measure_sum, measure_mean, measure_stddev;
// categorical.c
measure_fn measure_psi, measure_js, measure_chi2, measure_chi2_p, measure_unseen, measure_top_share, measure_constant;
// counts.c
measure_fn measure_missing, measure_nan, measure_inf, measure_violation_ratio, measure_violating_records,
	measure_incompatible_schema, measure_dropped_field, measure_breaking_version, measure_records, measure_staleness,
	measure_schema_wait, measure_dead_letters_stopped;

static inline void value_known(struct measure_value *out, double v)
{
	out->state = isfinite(v) ? READING_KNOWN : READING_NOT_APPLICABLE;
	out->value = isfinite(v) ? v : NAN;
}
#endif
