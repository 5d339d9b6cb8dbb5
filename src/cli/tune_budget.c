// SPDX-License-Identifier: Apache-2.0
#include "cli/tune.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "util/xalloc.h"

const char *tune_history(const struct tuning *t, char *buf, unsigned size)
{
	return duration_format(time_floor(t->history_ms, 3600000), buf, size);
}

static const char *limit_key(const struct tune_budget *b)
{
	return b->below ? "below" : "above";
}

static char *times(uint64_t n)
{
	return n == 1 ? xstrdup("once") : xasprintf("%" PRIu64 " times", n);
}

// "it fired 3 times in 56d of history (2 on one of 4 streams, pay), where 1/week allows 8 and up to 13 are luck"
static char *how_it_did(const struct tuning *t, const struct tune_rule *r)
{
	const struct tune_budget *b = &r->budget;
	char budget[32], history[32], *on = NULL, *fired = times(b->now.total), *out;

	if (b->now.streams > 1 && b->now.stream)
		on = xasprintf(" (%" PRIu64 " of them on one stream of %zu, %s)", b->now.most, b->now.streams, b->now.stream);
	out = xasprintf("it fired %s in %s of history%s, where %s allows %.3g%s and up to %" PRIu64 " are luck", fired,
			tune_history(t, history, sizeof history), on ? on : "",
			budget_format(&r->rule->budget, budget, sizeof budget), b->expected, b->now.streams > 1 ? " on a stream" : "",
			b->most);
	free(fired);
	free(on);
	return out;
}

static char *what_follows(const struct tune_rule *r)
{
	const struct tune_budget *b = &r->budget;
	char held[32], *fired = times(b->then.total), *out;

	if (b->state == BUDGET_WITHIN)
		out = xstrdup("within its budget");
	else if (b->state == BUDGET_ROOM && b->way == WAY_NUMBER)
		out = xasprintf("there is room: replayed with %s %.6g it fired %s", limit_key(b), b->number, fired);
	else if (b->state == BUDGET_ROOM)
		out = xstrdup("there is room");
	else if (b->way == WAY_NUMBER)
		out = xasprintf("past its budget: replayed with %s %.6g instead (derived was %.6g) it fired %s", limit_key(b), b->number, b->derived,
				fired);
	else if (b->way == WAY_FOR)
		out = xasprintf("past its budget: replayed with for %s it fired %s", duration_format(b->for_ms, held, sizeof held), fired);
	else
		out = xstrdup("past its budget, and nothing that was tried meets it: read its pages first");
	free(fired);
	return out;
}

void tune_budget_print(const struct tuning *t, const struct tune_rule *r)
{
	char *did = how_it_did(t, r), *next = what_follows(r);

	printf("  %-24s %s; %s (%" PRIu64 " readings)\n", r->rule->name, did, next, r->budget.now.readings);
	free(did);
	free(next);
}

static json_t *proposal(const struct tune_budget *b)
{
	char held[32];
	json_t *out = json_object();

	if (b->way == WAY_NUMBER)
		json_object_update_new(out, json_pack("{s:o, s:o}", limit_key(b), json_num(b->number),
						      b->below ? "clear_above" : "clear_below", json_num(b->clear)));
	else
		json_object_set_new(out, "for", json_string(duration_format(b->for_ms, held, sizeof held)));
	json_object_set_new(out, "firings", json_integer((json_int_t)b->then.total));
	return out;
}

void tune_budget_json(const struct tune_rule *r, json_t *out)
{
	const struct tune_budget *b = &r->budget;
	char budget[32];

	json_object_update_new(out, json_pack("{s:s, s:s, s:I, s:o, s:I, s:I, s:{s:I, s:I, s:s?}}", "budget",
					      budget_format(&r->rule->budget, budget, sizeof budget), "state",
					      budget_state_names[b->state], "firings", (json_int_t)b->now.total, "expected",
					      json_num(b->expected), "most", (json_int_t)b->most, "readings",
					      (json_int_t)b->now.readings, "streams", "n", (json_int_t)b->now.streams, "firings",
					      (json_int_t)b->now.most, "worst", b->now.stream));
	if (b->way != WAY_NONE)
		json_object_set_new(out, b->state == BUDGET_PAST ? "proposal" : "room", proposal(b));
}

// --- the rules file -----------------------------------------------------------------------------------

static const char *number_text(double v)
{
	char text[40];

	snprintf(text, sizeof text, "%.12g", v);
	return strtod(text, NULL) == v ? xstrdup(text) : xasprintf("%.17g", v);
}

// Takes the value.
static void put(struct rule_edit *e, const char *key, const char *value)
{
	size_t n = 0;

	while (e->instead[n][0])
		n++;
	e->instead[n][0] = key;
	e->instead[n][1] = value;
}

// The reason stands by the last key.
size_t tune_budget_edits(const struct tuning *t, const struct tune_rule *r, struct rule_edit *out)
{
	const struct tune_budget *b = &r->budget;
	const enum budget_way way = b->state == BUDGET_PAST ? b->way : WAY_NONE;
	char held[32], budget[32], *did = how_it_did(t, r), *next = what_follows(r);
	size_t n = 0;

	out[n] = (struct rule_edit){.rule = r->rule->name, .key = "budget", .value = NAN, .why = xasprintf(RULES_EDIT_MARK "%s; %s", did, next)};
	if (way == WAY_NUMBER) {
		if (b->below)
			put(&out[n], "adjust", xstrdup("none"));
		put(&out[n], b->below ? "clear_above" : "clear_below", number_text(b->clear));
		put(&out[n], limit_key(b), number_text(b->number));
	} else if (way == WAY_FOR && !r->rule->for_ms) {
		put(&out[n], "for", xstrdup(duration_format(b->for_ms, held, sizeof held)));
		put(&out[n], "budget", xstrdup(budget_format(&r->rule->budget, budget, sizeof budget)));
	} else if (way == WAY_FOR) {
		out[++n] = (struct rule_edit){.rule = r->rule->name, .key = "for", .value = NAN};
		put(&out[n], "for", xstrdup(duration_format(b->for_ms, held, sizeof held)));
	}
	free(did);
	free(next);
	return n + 1;
}

void tune_edit_release(struct rule_edit *e)
{
	for (int i = 0; i < RULE_EDIT_KEYS; i++)
		free((char *)(uintptr_t)e->instead[i][1]);
	free((char *)(uintptr_t)e->why);
}
