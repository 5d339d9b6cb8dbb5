// SPDX-License-Identifier: Apache-2.0
// --fail-on: conditions that make a command a gate. "psi>0.2, amount:ks>=0.1": [FIELD:]MEASURE OP NUMBER. A field's
// name may hold anything but a comma: the measure is what stands after its last colon.
#ifndef KD_CLI_GATE_H
#define KD_CLI_GATE_H
#include "cli/cli.h"
#include "drift/measure.h"
#include "judge/rule.h"

struct gate {
	char *field; // NULL: any
	const struct measure *measure; // NULL: of a tier's pages
	enum tier tier;
	char op[3];  // > >= < <=
	double limit;
};

struct gates {
	struct gate *items;
	size_t n, cap;
};

// Every --fail-on of the command line. `has`: may the command be asked for the measure? EXIT_OK, or EXIT_USAGE after
// saying what is wrong; to be released in any case.
int gates_read(struct gates *g, const struct cli_args *args, bool (*has)(const struct measure *m)) MUST_CHECK;
// The same, and "TIER OP NUMBER" of how many pages a tier has.
int gates_read_tiers(struct gates *g, const struct cli_args *args, bool (*has)(const struct measure *m)) MUST_CHECK;
// What panes and what they are compared with say; what only the monitor's own clock says is none of it.
bool gate_of_pane(const struct measure *m);
void gates_release(struct gates *g);
bool gate_holds(const struct gate *g, double v); // its condition is met, so the gate is broken
double gate_limit_p(const struct gate *g); // as of a rule with that condition (struct measure_input); 0: it has none
// True where the value breaks the gate, said on stderr. What is not known (NaN) breaks it for the reason `why`;
// NULL: it may be unknown.
bool gate_broken(const struct gate *g, const char *command, const char *field, double v, const char *why);
#endif
