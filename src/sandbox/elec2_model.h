// SPDX-License-Identifier: Apache-2.0
// Written by scripts/fit_elec2.py: P(class is UP) = 1 / (1 + exp(-(bias + sum of weight x feature))).
#ifndef KD_SANDBOX_ELEC2_MODEL_H
#define KD_SANDBOX_ELEC2_MODEL_H

static const double elec2_bias = -5.540030590193282;
static const double elec2_weights[6] = {
    0.4855556444564143, // period
    68.8131420983143,	// nswprice
    0.4841930345053559, // nswdemand
    0.0,		// vicprice
    0.0,		// vicdemand
    0.0,		// transfer
};
#endif
