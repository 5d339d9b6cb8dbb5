// SPDX-License-Identifier: Apache-2.0
#include "cli/backtest_gate.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/xalloc.h"

int backtest_gates_read(struct backtest_gates *g, const struct cli_args *args)
{
	int rc = gates_read_tiers(&g->gates, args, gate_of_pane);

	g->tallies = xcalloc(g->gates.n + 1, sizeof *g->tallies);
	return rc;
}

void backtest_gates_release(struct backtest_gates *g)
{
	for (size_t i = 0; i < g->gates.n; i++)
		free(g->tallies[i].field);
	free(g->tallies);
	gates_release(&g->gates);
}

void backtest_gates_see(struct backtest_gates *g, const struct judge_verdict *v)
{
	const struct reading *r = v->reading;

	for (size_t i = 0; i < g->gates.n; i++) {
		const struct gate *gate = &g->gates.items[i];
		struct gate_tally *t = &g->tallies[i];
		if (gate->measure != r->measure || (gate->field && strcmp(gate->field, r->field) != 0) || isnan(r->v.value))
			continue;
		t->known++;
		if (!gate_holds(gate, r->v.value))
			continue;
		if (!t->broken++ || fabs(r->v.value - gate->limit) > fabs(t->worst - gate->limit)) {
			free(t->field);
			t->field = xstrdup(r->field);
			t->worst = r->v.value;
			t->to = r->to;
		}
	}
}

static bool judge_tier(const struct gate *g, const struct outcome *o)
{
	size_t pages = json_array_size(o->tiers[g->tier].pages);

	if (!gate_holds(g, (double)pages))
		return false;
	fprintf(stderr, "kdrift backtest: %s has %zu page%s (fails on %s %g)\n", tier_names[g->tier], pages,
		pages == 1 ? "" : "s", g->op, g->limit);
	return true;
}

size_t backtest_gates_judge(const struct backtest_gates *all, const struct outcome *o)
{
	size_t n = 0;
	char when[40];

	for (size_t i = 0; i < all->gates.n; i++) {
		const struct gate *g = &all->gates.items[i];
		const struct gate_tally *t = &all->tallies[i];
		if (!g->measure) {
			n += judge_tier(g, o);
			continue;
		}
		if (!t->known) { // what cannot be judged has not passed
			n += gate_broken(g, "backtest", g->field ? g->field : "", NAN, "no rule read it in any window");
			continue;
		}
		if (!t->broken)
			continue;
		n++;
		fprintf(stderr, "kdrift backtest: %s%s%s is %.6g in the window up to %s, the worst of %" PRIu64 " (fails on %s %g)\n",
			t->field, *t->field ? ": " : "", g->measure->name, t->worst, time_format(t->to, when, sizeof when),
			t->broken, g->op, g->limit);
	}
	return n;
}
