// SPDX-License-Identifier: Apache-2.0
// Private to `kdrift backtest`: its answer for people.
#ifndef KD_CLI_BACKTEST_H
#define KD_CLI_BACKTEST_H
#include "app/outcome.h"
#include "app/timeline.h"

void outcome_print(const struct outcome *o, const struct backtest *b, FILE *out);
void diff_print(const json_t *diff, FILE *out);
// A page that stands by itself; the caller frees. diff (outcome_diff.h) may be NULL; rules: where they stand.
char *backtest_html(const struct outcome *o, const struct backtest *b, const struct timelines *timelines, const json_t *diff,
		    const char *rules);
#endif
