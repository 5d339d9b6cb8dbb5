// SPDX-License-Identifier: Apache-2.0
// What changed rules would have said otherwise.
#ifndef KD_APP_OUTCOME_DIFF_H
#define KD_APP_OUTCOME_DIFF_H
#include "app/outcome.h"
#include "app/timeline.h"

struct outcome_side {
	const struct outcome *outcome;
	const struct timelines *timelines;
};
// {TIER: {messages: {current, changed}, pages: {current, changed}, new: [...], gone: [...]}}: firing windows, each
// {alert, fingerprint, stream, field, slice, from, to, windows}, consecutive ones in one. A new reference.
json_t *outcome_diff(const struct outcome_side *current, const struct outcome_side *changed);
#endif
