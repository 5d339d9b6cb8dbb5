// SPDX-License-Identifier: Apache-2.0
#include "cli/compare.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/gate.h"
#include "cli/progress.h"

static void on_progress(void *ctx, double share, uint64_t rows)
{
	progress_show(ctx, share, rows);
}

// What cannot be judged has not passed: one side alone without values, or a named field without that measure.
static bool broken(const struct gate *g, const struct compared_field *f)
{
	const struct measure *m = g->measure;
	bool lost = (m->exact ? m->file_types : m->types) & 1u << f->type && !f->reference.count != !f->current.count;
	const char *why = !f->reference.count ? "the reference file has no value"
			  : !f->current.count ? "the current file has no value"
					      : "it is not of such values";

	return gate_broken(g, "compare", f->path, compared_value(f, m->name), g->field || lost ? why : NULL);
}

// How many are broken.
static size_t judge(const struct gates *g, const struct comparison *c)
{
	size_t n = 0;

	for (size_t i = 0; i < g->n; i++) {
		const char *field = g->items[i].field;
		bool found = false;

		for (size_t k = 0; k < c->n; k++) {
			if (field && strcmp(field, c->fields[k].path) != 0)
				continue;
			found = true;
			n += broken(&g->items[i], &c->fields[k]);
		}
		if (field && !found)
			n += gate_broken(&g->items[i], "compare", field, NAN, "no such field in either file");
	}
	return n;
}

static int compare(struct cli_args *args, const struct gates *gates)
{
	struct error err = ERROR_INIT;
	struct comparison c;
	struct progress progress;
	const char *page = cli_str(args, "html");
	size_t failed = 0;

	progress_begin(&progress);
	int rc = comparison_make(&c, cli_word(args, 0), cli_word(args, 1), page != NULL,
				 progress.on ? on_progress : NULL, &progress, &err);
	progress_end(&progress);
	if (!rc && page)
		rc = cli_write(page, comparison_html(&c), &err);
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
		failed = judge(gates, &c);
	}
	comparison_release(&c);
	return rc ? cli_fail(args, &err) : failed ? EXIT_FAILED : EXIT_OK;
}

static int run(struct cli_args *args)
{
	struct gates gates;
	int rc = gates_read(&gates, args, exact_has);

	if (rc == EXIT_OK)
		rc = compare(args, &gates);
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
	"grid, and of arrays (items[].price) each element counts; those of other tools bear the tool's name (psi.evidently). `kdrift measures` explains them.",
};
