// SPDX-License-Identifier: Apache-2.0
// What `kdrift tune` says of rules with a budget of their own.
#ifndef KD_CLI_TUNE_H
#define KD_CLI_TUNE_H
#include "app/tune.h"
#include "config/rules_edit.h"
#include "util/json.h"

void tune_budget_print(const struct tuning *t, const struct tune_rule *r);
void tune_budget_json(const struct tune_rule *r, json_t *out); // adds to the rule's object
// What is written to the rule's file, two edits at most; tune_edit_release. How many.
size_t tune_budget_edits(const struct tuning *t, const struct tune_rule *r, struct rule_edit *out);
void tune_edit_release(struct rule_edit *e);
// "56d"; buf of at least 32 bytes.
const char *tune_history(const struct tuning *t, char *buf, unsigned size);
#endif
