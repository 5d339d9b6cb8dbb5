// SPDX-License-Identifier: Apache-2.0
// Private to `kdrift backtest`: its answer for people.
#ifndef KD_CLI_BACKTEST_H
#define KD_CLI_BACKTEST_H
#include "app/outcome.h"

void outcome_print(const struct outcome *o, const struct backtest *b, FILE *out);
#endif
