// SPDX-License-Identifier: Apache-2.0
// The merged panes of an interval as the contract's JSON (docs/counting.md).
#ifndef KD_APP_STATS_H
#define KD_APP_STATS_H
#include "stats/pane.h"
#include "util/json.h"

// A new reference. from and to are the interval that was merged, event ms.
json_t *stats_json(const char *stream, int64_t from, int64_t to, const struct pane *p,
		   char *const *redact, size_t nredact);
#endif
