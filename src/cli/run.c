// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "app/app.h"
#include "cli/cli.h"
#include "util/xalloc.h"

static int run(struct cli_args *args)
{
	const char *role = cli_str(args, "role");
	struct app_options opt = {!strcmp(role, "collect") ? APP_COLLECT : !strcmp(role, "judge") ? APP_JUDGE : APP_ALL,
				  false};
	struct error err = ERROR_INIT;

	xalloc_lean();
	struct app *a = app_start(cli_str(args, "config"), &opt, &err);

	if (!a)
		return cli_fail(args, &err);
	app_wait(a);
	app_stop(a);
	return EXIT_OK;
}

static const struct option_def options[] = {
	OPTION_CONFIG,
	{.name = "role", .kind = OPTION_CHOICE, .arg = "ROLE", .choices = "collect|judge|all", .fallback = "all",
	 .help = "collect: read and count; judge: compare, alert and deliver; all: both"},
	OPTIONS_END,
};

const struct command cmd_run = {
	.name = "run", .summary = "the monitor: reads, validates, counts, compares and tells",
	.usage = "kdrift run --config kdrift.yaml [--role all]", .options = options, .run = run,
	.about = "Stays in the foreground and logs to stderr. SIGTERM or Ctrl-C drains and ends it within 10 s; SIGHUP "
		 "reloads the configuration, and keeps the old one where the new one has errors.",
	.more = config_reference,
};
