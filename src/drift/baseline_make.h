// SPDX-License-Identifier: Apache-2.0
// What baselines made of rows and of panes have in common. Private to the drift room.
#ifndef KD_DRIFT_BASELINE_MAKE_H
#define KD_DRIFT_BASELINE_MAKE_H
#include "drift/baseline.h"

// Fills f->coarse and f->nbins, of vectors f->def.dims, from f->total.
void baseline_coarse(struct baseline_field *f);
#endif
