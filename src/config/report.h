// SPDX-License-Identifier: Apache-2.0
// What `kdrift check` says of a loaded configuration, as text and as JSON. Never a secret or an address.
#ifndef KD_CONFIG_REPORT_H
#define KD_CONFIG_REPORT_H
#include "config/config.h"
#include "util/json.h"

// "file:line: error: text", a line each (without ":line" where it concerns the whole file).
void problems_text(const struct config_problems *p, struct buf *out);
// What would run: streams, rules by tier, receivers; `c` NULL: how many errors there are.
void report_text(const struct config *c, const struct config_problems *p, struct buf *out);
// {ok, errors, warnings, problems:[{file, line, severity, text}], streams, rules:{TIER:[...]}, receivers}
json_t *report_json(const struct config *c, const struct config_problems *p);
#endif
