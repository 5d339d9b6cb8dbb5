// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "schema/leaf.h"
#include "schema/rules.h"
#include "util/xalloc.h"

void rules_begin(const struct plan *p, struct record_values *out)
{
	if (out->capoperands < p->noperands) {
		out->capoperands = p->noperands;
		out->operands = xrealloc(out->operands, out->capoperands * sizeof *out->operands);
	}
}

void rules_reset(const struct plan *p, uint32_t group, struct cel_value *operands)
{
	const struct rule_group *g = &p->groups[group];

	for (size_t i = 0; i < g->nresets; i++)
		operands[g->resets[i].operand].type = g->resets[i].type;
}

static void broken(struct record_values *out, const struct placed_rule *r, const char *why)
{
	for (size_t i = 0; i < out->nbreaches; i++) // once a record, wherever else in it
		if (out->breaches[i].rule == r->name && out->breaches[i].slot == r->slot)
			return;
	if (!out->nbreaches)
		set_detail(out, why);
	out->breaches[out->nbreaches++] =
	    (struct breach){.kind = VIOLATION_RULE, .slot = r->slot, .why = why, .rule = r->name};
}

void rules_judge(const struct plan *p, uint32_t group, struct record_values *out)
{
	const struct rule_group *g = &p->groups[group];
	const char *why;

	for (size_t i = 0; i < g->nrules; i++) {
		const struct placed_rule *r = &p->placed[g->rules[i]];
		enum expr_verdict verdict = EXPR_TRUE;

		if (r->self) {
			const enum cel_type type = (enum cel_type)out->operands[r->self - 1].type;

			if (type <= CEL_NULL || (r->self_type && type != r->self_type))
				continue;
		}
		if (r->guard)
			verdict = expr_eval(r->guard, out->operands, &out->scratch, &why);
		if (verdict == EXPR_TRUE)
			verdict = expr_eval(r->expr, out->operands, &out->scratch, &why);
		else if (verdict == EXPR_FALSE)
			continue;
		if (verdict == EXPR_FALSE || verdict == EXPR_ERROR)
			broken(out, r, verdict == EXPR_ERROR ? why : r->why);
	}
}
