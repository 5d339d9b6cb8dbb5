// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/outcome_diff.h"
#include "cli/backtest.h"
#include "cli/backtest_gate.h"
#include "cli/replay.h"
#include "util/log.h"

struct testing {
	struct replay replay;
	struct backtest_gates gates;
	bool keeps;        // timelines are looked at
};

static void see_current(void *ctx, const struct judge_verdict *v)
{
	struct testing *t = ctx;

	if (t->keeps)
		timelines_add(&t->replay.sides[0].timelines, v);
}

// Of the rules that are asked about.
static void see(void *ctx, const struct judge_verdict *v)
{
	struct testing *t = ctx;

	if (t->keeps)
		timelines_add(&t->replay.sides[t->replay.nsides - 1].timelines, v);
	backtest_gates_see(&t->gates, v);
}

static int open_sides(struct testing *t, struct error *err)
{
	const char *alerts = cli_str(t->replay.args, "alerts");

	if (!alerts)
		return replay_open(&t->replay, NULL, see, t, err);
	return replay_open(&t->replay, NULL, see_current, t, err) || replay_open(&t->replay, alerts, see, t, err) ? -1 : 0;
}

static int write_page(const struct testing *t, const struct replay_side *s, const json_t *diff, struct error *err)
{
	return cli_write(cli_str(t->replay.args, "html"),
			 backtest_html(&s->outcome, s->run, &s->timelines, diff, s->model->config->alerts_dir), err);
}

static int tell(struct testing *t, struct error *err)
{
	struct replay *r = &t->replay;
	struct replay_side *s = &r->sides[r->nsides - 1];
	json_t *diff = NULL;
	int rc = 0;

	if (s > r->sides)
		diff = outcome_diff(&(struct outcome_side){&r->sides[0].outcome, &r->sides[0].timelines},
				    &(struct outcome_side){&s->outcome, &s->timelines});
	if (cli_given(t->replay.args, "html"))
		rc = write_page(t, s, diff, err);
	if (!rc && !cli_flag(t->replay.args, "json")) {
		outcome_print(&s->outcome, s->run, stdout);
		if (diff)
			diff_print(diff, stdout);
	} else if (!rc) {
		char *text = json_text(diff ? diff : json_null());
		rc = outcome_write(&s->outcome, s->run, stdout, err);
		printf(diff ? ",\n\"diff\":%s}\n" : "}\n", text);
		free(text);
	}
	json_decref(diff);
	if (!rc && fflush(stdout))
		rc = error_set(err, "write the answer: %s", strerror(errno));
	return rc;
}

static int run(struct cli_args *args)
{
	struct error err = ERROR_INIT;
	struct testing t = {.keeps = cli_given(args, "alerts") || cli_given(args, "html")};
	size_t broken = 0;
	int usage = replay_args(&t.replay, args), rc = 0;

	usage = usage ? usage : backtest_gates_read(&t.gates, args);
	if (!usage) {
		log_set_level(LOG_ERROR);
		rc = open_sides(&t, &err) || replay_run(&t.replay, &err) || tell(&t, &err);
		broken = rc ? 0 : backtest_gates_judge(&t.gates, &t.replay.sides[t.replay.nsides - 1].outcome);
	}
	replay_release(&t.replay);
	backtest_gates_release(&t.gates);
	return usage ? usage : rc ? cli_fail(args, &err) : broken ? EXIT_FAILED : EXIT_OK;
}

static const struct option_def options[] = {
    OPTION_CONFIG,
    REPLAY_OPTIONS,
    {.name = "alerts", .kind = OPTION_STRING, .arg = "DIR",
     .help = "other rules than the configuration's, and what they say otherwise"},
    {.name = "json", .kind = OPTION_FLAG, .help = "print JSON"},
    {.name = "html", .kind = OPTION_STRING, .arg = "FILE", .help = "write a page with pictures, too"},
    {.name = "fail-on", .kind = OPTION_STRING, .arg = "CONDITION", .repeated = true,
     .help = "exit with 1 where a window's reading meets it, 'psi>0.2', 'amount:ks>=0.1', or a tier's pages do, "
	     "'immediate>0'; several with commas"},
    OPTIONS_END,
};

const struct command cmd_backtest = {
    .name = "backtest",
    .summary = "what the rules would have said of past data, tier by tier",
    .usage = "kdrift backtest --config FILE (--from TIME --to TIME [--from-store] | --file STREAM=FILE...) [--alerts DIR] [--json] "
	     "[--html FILE] [--fail-on CONDITION]",
    .options = options,
    .run = run,
    .about = "Reads past data again in event time, through the same code as `kdrift run`, and tells what each tier would have "
	     "sent. Nothing is sent or stored. Of stored panes violations are as they were counted; all else is judged anew.",
};
