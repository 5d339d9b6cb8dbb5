// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "drift/exact.h"
#include "drift/measure.h"
#include "util/json.h"

static int print_json(void)
{
	json_t *v = measures_json();
	char *text = json_pretty(v);

	puts(text);
	free(text);
	json_decref(v);
	return EXIT_OK;
}

static int run(struct cli_args *args)
{
	struct buf out = BUF_INIT;

	if (cli_flag(args, "json"))
		return print_json();
	measures_text(&out);
	fputs(out.data, stdout);
	buf_release(&out);
	return EXIT_OK;
}

static const struct option_def options[] = {
    {.name = "json", .kind = OPTION_FLAG, .help = "print JSON"},
    OPTIONS_END,
};

const struct command cmd_measures = {
    .name = "measures",
    .summary = "every measure: what it means, its range and unit, whose it is, what it suits",
    .usage = "kdrift measures [--json]",
    .options = options,
    .run = run,
};
