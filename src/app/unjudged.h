// SPDX-License-Identifier: Apache-2.0
// The rules in writers' schemas that this process has met and cannot judge, each with its reason: logged once, then
// shown in /api/v1/status and the metrics. Thread-safe.
#ifndef KD_APP_UNJUDGED_H
#define KD_APP_UNJUDGED_H
#include <stdint.h>

#include "schema/plan.h"
#include "util/json.h"
#include "web/metrics.h"

struct unjudged;
struct unjudged *unjudged_new(void);
void unjudged_free(struct unjudged *u);
void unjudged_add(struct unjudged *u, const char *stream, int32_t schema, const struct plan_rule *r);
// Gives every stream of a status that has some its "unsupported_rules".
void unjudged_show(struct unjudged *u, json_t *status);
void unjudged_metrics(struct unjudged *u, struct metrics_writer *w);
#endif
