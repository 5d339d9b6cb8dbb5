// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "config/report.h"
#include "util/json.h"

static const struct option_def options[] = {
	OPTION_CONFIG, {.name = "json", .kind = OPTION_FLAG, .help = "print JSON"}, OPTIONS_END};

static int run(struct cli_args *a)
{
	struct config_problems problems = {0};
	struct config *c = config_load(cli_str(a, "config"), &problems);
	struct buf out = BUF_INIT;

	if (cli_flag(a, "json")) {
		json_t *v = report_json(c, &problems);
		char *text = json_pretty(v);
		buf_addf(&out, "%s\n", text);
		free(text);
		json_decref(v);
	} else {
		problems_text(&problems, &out);
		report_text(c, &problems, &out);
	}
	fputs(out.data, stdout);
	int rc = c && fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
	buf_release(&out);
	config_problems_release(&problems);
	config_free(c);
	return rc;
}

const struct command cmd_check = {
	.name = "check",
	.summary = "reports every mistake in the configuration, with file, line and mend",
	.usage = "kdrift check [--config FILE] [--json]",
	.options = options,
	.run = run,
	.about = "Reads the configuration, the rules and the receivers, connects to nothing, and exits 0 if `kdrift run`\n"
		 "would accept them. Warnings do not fail the check.",
};
