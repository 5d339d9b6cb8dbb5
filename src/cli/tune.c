// SPDX-License-Identifier: Apache-2.0
#include "cli/tune.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/replay.h"
#include "util/log.h"
#include "util/xalloc.h"

// "immediate=1/week", several with commas. EXIT_OK or EXIT_USAGE.
static int read_budgets(struct tuning *t, const struct cli_args *args)
{
	size_t n;
	const char *const *given = cli_strs(args, "budget", &n);

	for (size_t i = 0; i < n; i++) {
		for (const char *s = given[i]; *s;) {
			size_t len = strcspn(s, ",");
			char *one = xstrndup(s, len), *eq = strchr(one, '=');
			int tier = TIERS;
			if (eq) {
				*eq = 0;
				for (tier = 0; tier < TIERS && strcmp(tier_names[tier], one) != 0;)
					tier++;
			}
			bool good = tier < TIERS && budget_parse(eq + 1, &t->tiers[tier].budget);
			free(one);
			if (!good)
				return cli_usage(args, "--budget %.*s: write TIER=N/PERIOD, as immediate=1/week; tiers are immediate, daily "
						       "and weekly, periods day, week, month and year", (int)len, s);
			t->tiers[tier].given = true;
			s += len + (s[len] == ',');
		}
	}
	return EXIT_OK;
}

static bool edited(const struct tune_rule *r)
{
	return r->budgeted || (!r->left && r->to != r->from);
}

static const char *key_of(const struct tune_rule *r)
{
	return r->below ? "below" : "above";
}

static char *why_of(const struct tuning *t, const struct tune_rule *r)
{
	const struct budget *b = &t->tiers[r->rule->tier].budget;
	char budget[32], history[32];

	return xasprintf("was %.6g: %" PRIu64 " firing%s in %s of history, %" PRIu64 " with this; its share of %s %s is %" PRIu64,
			 r->from, r->before, r->before == 1 ? "" : "s",
			 tune_history(t, history, sizeof history), r->after,
			 tier_names[r->rule->tier], budget_format(b, budget, sizeof budget), r->share);
}

// --- the proposal -------------------------------------------------------------------------------------

static json_t *proposal_json(const struct tuning *t, int64_t from, int64_t to)
{
	json_t *tiers = json_object(), *rules = json_array();
	char budget[32];

	for (int i = 0; i < TIERS; i++)
		if (t->tiers[i].given)
			json_object_set_new(tiers, tier_names[i],
					    json_pack("{s:s, s:I}", "budget", budget_format(&t->tiers[i].budget, budget, sizeof budget),
						      "allowed", (json_int_t)t->tiers[i].allowed));
	for (size_t i = 0; i < t->n; i++) {
		const struct tune_rule *r = &t->rules[i];
		json_t *o = json_pack("{s:o, s:s, s:s}", "rule", json_str(r->rule->name), "tier", tier_names[r->rule->tier], "measure",
				      r->rule->measure->name);
		if (r->left)
			json_object_set_new(o, "left", json_string(r->left));
		else if (r->budgeted)
			tune_budget_json(r, o);
		else
			json_object_update_new(o, json_pack("{s:s, s:{s:o, s:o}, s:{s:I, s:I}, s:I, s:I}", "key", key_of(r), "threshold",
							    "before", json_num(r->from), "after", json_num(r->to), "firings", "before",
							    (json_int_t)r->before, "after", (json_int_t)r->after, "share",
							    (json_int_t)r->share, "readings", (json_int_t)r->readings));
		json_array_append_new(rules, o);
	}
	return json_pack("{s:o, s:o, s:o, s:o}", "from", json_time(from), "to", json_time(to), "tiers", tiers, "rules", rules);
}

static void print_rule(const struct tuning *t, const struct tune_rule *r)
{
	if (r->left) {
		printf("  %-24s left as it is: %s\n", r->rule->name, r->left);
		return;
	}
	if (r->budgeted) {
		tune_budget_print(t, r);
		return;
	}
	printf("  %-24s %s %.6g", r->rule->name, key_of(r), r->from);
	if (edited(r))
		printf(" -> %.6g, firings %" PRIu64 " -> %" PRIu64, r->to, r->before, r->after);
	else
		printf(" stays, firings %" PRIu64, r->before);
	printf(" (share %" PRIu64 ", %" PRIu64 " readings)\n", r->share, r->readings);
}

static void print_proposal(const struct tuning *t, int64_t from, int64_t to)
{
	char first[40], last[40], budget[32];

	printf("history from %s to %s\n", time_format(from, first, sizeof first), time_format(to, last, sizeof last));
	for (int tier = 0; tier < TIERS; tier++) {
		const struct tune_tier *b = &t->tiers[tier];
		if (b->given)
			printf("\n%s: %s, so %" PRIu64 " firing%s in this history\n", tier_names[tier],
			       budget_format(&b->budget, budget, sizeof budget), b->allowed, b->allowed == 1 ? "" : "s");
		else
			printf("\n%s\n", tier_names[tier]);
		for (size_t i = 0; i < t->n; i++)
			if (t->rules[i].rule->tier == (enum tier)tier)
				print_rule(t, &t->rules[i]);
	}
}

// --- rules files --------------------------------------------------------------------------------------

static size_t edits_of(const struct tuning *t, const struct tune_rule *r, struct rule_edit *out)
{
	if (r->budgeted)
		return tune_budget_edits(t, r, out);
	*out = (struct rule_edit){.rule = r->rule->name, .key = key_of(r), .value = r->to, .why = why_of(t, r)};
	return 1;
}

static int write_tier(const struct tuning *t, const char *from, const char *to, int tier, struct error *err)
{
	struct rule_edit *edits = xcalloc(2 * t->n + 1, sizeof *edits);
	struct buf text = BUF_INIT;
	size_t n = 0;
	int rc = 0;

	for (size_t i = 0; i < t->n; i++)
		if (t->rules[i].rule->tier == (enum tier)tier && edited(&t->rules[i]))
			n += edits_of(t, &t->rules[i], edits + n);
	if (rules_edit(from, edits, n, &text, err))
		rc = -1;
	else if (buf_write_file(&text, to))
		rc = error_set(err, "%s cannot be written: %s", to, strerror(errno));
	for (size_t i = 0; i < n; i++)
		tune_edit_release(&edits[i]);
	free(edits);
	buf_release(&text);
	return rc;
}

static int write_rules(const struct tuning *t, const char *alerts, const char *dir, struct error *err)
{
	int rc = 0;

	if (mkdir(dir, 0777) && errno != EEXIST)
		return error_set(err, "%s cannot be made: %s", dir, strerror(errno));
	for (int tier = 0; tier < TIERS && !rc; tier++) {
		char *from = xasprintf("%s/%s.yaml", alerts, tier_names[tier]), *to = xasprintf("%s/%s.yaml", dir, tier_names[tier]);
		if (access(from, F_OK) == 0)
			rc = write_tier(t, from, to, tier, err);
		free(from);
		free(to);
	}
	return rc;
}

// --- the command --------------------------------------------------------------------------------------

static void see(void *ctx, const struct judge_verdict *v)
{
	timelines_add(&((struct replay *)ctx)->sides[0].timelines, v);
}

static int check_budgets(const struct replay *r, struct error *err)
{
	const struct config *c = r->sides[0].model->config;
	bool any = cli_given(r->args, "budget");

	for (size_t i = 0; i < c->nrules; i++)
		any |= c->rules[i].budget.firings > 0;
	return any ? 0 : error_set(err, "no rule has a budget, nor any tier; give --budget TIER=N/PERIOD, as immediate=1/week");
}

// What is found for rules with a budget is replayed.
static int confirm(struct tuning *t, const struct cli_args *args, struct error *err)
{
	struct replay again = {.open_windows = true};
	int rc = replay_args(&again, args) || replay_open(&again, NULL, see, &again, err) ? -1 : 0;
	struct rule *rules = rc ? NULL : again.sides[0].model->config->rules;

	for (size_t i = 0; i < t->n && !rc; i++)
		if (t->rules[i].budgeted)
			tune_budget_apply(&t->rules[i].budget, &rules[i]);
	rc = rc ? rc : replay_run(&again, err);
	for (size_t i = 0; i < t->n && !rc; i++)
		if (t->rules[i].budgeted && tune_budget_waits(&t->rules[i].budget))
			tune_budget_confirm(&t->rules[i].budget, &rules[i], &again.sides[0].timelines);
	replay_release(&again);
	return rc;
}

static bool waits(const struct tuning *t)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->rules[i].budgeted && tune_budget_waits(&t->rules[i].budget))
			return true;
	return false;
}

static int propose(struct tuning *t, struct replay *r, struct error *err)
{
	const struct replay_side *s = &r->sides[0];
	const struct config *c = s->model->config;
	const char *out = cli_str(r->args, "out");
	int64_t from, to;

	if (!backtest_range(s->run, &from, &to))
		return error_set(err, "the history has no record");
	t->history_ms = to - from;
	tune(t, c->rules, c->nrules, &s->timelines);
	while (waits(t))
		if (confirm(t, r->args, err))
			return -1;
	if (out && write_rules(t, c->alerts_dir, out, err))
		return -1;
	if (!cli_flag(r->args, "json")) {
		print_proposal(t, from, to);
		if (out)
			printf("\nwritten to %s; see what changes with kdrift backtest --alerts %s\n", out, out);
		return 0;
	}
	json_t *v = proposal_json(t, from, to);
	char *text = json_pretty(v);
	puts(text);
	free(text);
	json_decref(v);
	return 0;
}

static int run(struct cli_args *args)
{
	struct error err = ERROR_INIT;
	struct replay r = {.open_windows = true};
	struct tuning t = {.n = 0};
	int usage = replay_args(&r, args), rc = 0;

	usage = usage ? usage : read_budgets(&t, args);
	if (!usage) {
		log_set_level(LOG_ERROR);
		rc = replay_open(&r, NULL, see, &r, &err) || check_budgets(&r, &err) || replay_run(&r, &err) ||
		     propose(&t, &r, &err);
	}
	tuning_release(&t);
	replay_release(&r);
	return usage ? usage : rc ? cli_fail(args, &err) : EXIT_OK;
}

static const struct option_def options[] = {
    OPTION_CONFIG,
    {.name = "budget", .kind = OPTION_STRING, .arg = "TIER=N/PERIOD", .repeated = true,
     .help = "the firings that a tier's rules with numbers may have: immediate=1/week,weekly=1/month"},
    REPLAY_OPTIONS,
    {.name = "out", .kind = OPTION_STRING, .arg = "DIR", .help = "write the rules files with these thresholds there"},
    {.name = "json", .kind = OPTION_FLAG, .help = "print JSON"},
    OPTIONS_END,
};

const struct command cmd_tune = {
    .name = "tune",
    .summary = "thresholds that keep each tier within a budget on past data",
    .usage = "kdrift tune --config FILE [--budget TIER=N/PERIOD,...] (--from TIME --to TIME [--from-store] | --file STREAM=FILE...) [--out DIR] [--json]",
    .options = options,
    .run = run,
    .about = "Gives past data to the rules as `kdrift backtest` does, counts how often each would have fired, and proposes a "
	     "threshold for those over their share of the tier's budget. Of rules with a budget of their own it says whether "
	     "their derived limits kept to it, and proposes what would have where they did not.",
};
