// SPDX-License-Identifier: Apache-2.0
#include "cli/compare.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/progress.h"

static void on_progress(void *ctx, double share, uint64_t rows)
{
	progress_show(ctx, share, rows);
}

static int write_page(const char *path, const struct comparison *c, struct error *err)
{
	struct buf page = BUF_INIT;
	char *text = comparison_html(c);
	int rc;

	buf_adds(&page, text);
	free(text);
	rc = buf_write_file(&page, path);
	buf_release(&page);
	return rc ? error_set(err, "write %s: %s", path, strerror(errno)) : 0;
}

static int compare(struct cli_args *args, const struct gates *gates)
{
	struct error err = ERROR_INIT;
	struct comparison c;
	struct progress progress;
	const char *page = cli_str(args, "html");
	size_t broken = 0;

	progress_begin(&progress);
	int rc = comparison_make(&c, cli_word(args, 0), cli_word(args, 1), page != NULL,
				 progress.on ? on_progress : NULL, &progress, &err);
	progress_end(&progress);
	if (!rc && page)
		rc = write_page(page, &c, &err);
	if (!rc) {
		if (cli_flag(args, "json")) {
			json_t *v = comparison_json(&c);
			char *text = json_pretty(v);

			puts(text);
			free(text);
			json_decref(v);
		} else {
			comparison_print(&c);
		}
		fflush(stdout);
		broken = gates_judge(gates, &c);
	}
	comparison_release(&c);
	return rc ? cli_fail(args, &err) : broken ? EXIT_FAILED : EXIT_OK;
}

static int run(struct cli_args *args)
{
	struct error err = ERROR_INIT;
	struct gates gates = {0};
	struct buf names = BUF_INIT;
	size_t n;
	const char *const *conditions = cli_strs(args, "fail-on", &n);
	int rc = 0;

	for (size_t i = 0; i < n && !rc; i++)
		rc = gates_add(&gates, conditions[i], &err);
	if (rc) {
		gates_measures(&names);
		rc = cli_usage(args, "--fail-on: %s\nmeasures: %s", err.text, names.data);
		buf_release(&names);
	} else {
		rc = compare(args, &gates);
	}
	gates_release(&gates);
	return rc;
}

static const struct option_def options[] = {
    {.name = "json", .kind = OPTION_FLAG, .help = "print JSON"},
    {.name = "html",
     .kind = OPTION_STRING,
     .arg = "FILE",
     .help = "write a report with pictures too: one page that needs nothing else"},
    {.name = "fail-on",
     .kind = OPTION_STRING,
     .arg = "CONDITION",
     .repeated = true,
     .help = "exit with 1 where a field breaks it: 'psi>0.2', 'amount:ks>=0.1', several with commas"},
    OPTIONS_END,
};

const struct command cmd_compare = {
    .name = "compare",
    .summary = "every measure of every field of two files, as a gate if asked",
    .usage = "kdrift compare REFERENCE CURRENT [--json] [--html FILE] [--fail-on CONDITION]",
    .options = options,
    .min_words = 2,
    .max_words = 2,
    .run = run,
    .about =
	"Files are .csv, .jsonl, .ndjson or .avro, and need not be alike. Measures are of all the data, not "
	"of a "
	"grid; those of other tools bear the tool's name (psi.evidently). `kdrift measures` explains them.",
};
