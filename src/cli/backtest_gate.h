// SPDX-License-Identifier: Apache-2.0
// Private to `kdrift backtest`: its --fail-on, on the readings of its rules in all closed windows, and on how many
// pages a tier has.
#ifndef KD_CLI_BACKTEST_GATE_H
#define KD_CLI_BACKTEST_GATE_H
#include "app/outcome.h"
#include "cli/gate.h"

struct gate_tally { // of one gate
	uint64_t known, broken;
	double worst;      // the value farthest beyond the limit
	char *field;       // and where it was
	int64_t to;
};

struct backtest_gates {
	struct gates gates;
	struct gate_tally *tallies;
};

int backtest_gates_read(struct backtest_gates *g, const struct cli_args *args) MUST_CHECK; // as gates_read
void backtest_gates_release(struct backtest_gates *g);
void backtest_gates_see(struct backtest_gates *g, const struct judge_verdict *v);
// Tells each that is broken on stderr; how many are.
size_t backtest_gates_judge(const struct backtest_gates *g, const struct outcome *o);
#endif
