// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/baselines.h"
#include "cli/cli.h"
#include "config/report.h"
#include "kafka/property.h"
#include "schema/contract.h"
#include "schema/file.h"
#include "util/json.h"
#include "util/xalloc.h"

static const struct option_def options[] = {
    OPTION_CONFIG, {.name = "json", .kind = OPTION_FLAG, .help = "print JSON"}, OPTIONS_END};

static void add_error(struct config_problems *p, const char *file, int line, const char *what,
		      const char *name, const char *text)
{
	GROW(p->items, p->n, p->cap);
	p->items[p->n++] =
	    (struct config_problem){xstrdup(file), line, false, xasprintf("%s%s%s%s", what, name, *name ? ": " : "", text)};
}

static void add_rule(void *ctx, const struct rule *r, const char *text)
{
	add_error(ctx, r->file, r->line, "", "", text);
}

static void check_properties(const struct config *c, struct config_problems *p)
{
	for (size_t i = 0; i < c->nkafka; i++) {
		const struct property *k = &c->kafka[i];
		struct error err = ERROR_INIT;

		if (kafka_property_check(k->name, k->value, &err))
			add_error(p, c->path, k->line, "kafka.", k->name, err.text);
	}
}

// What the configuration names is loaded too, as `kdrift run` would. Whether all of it is good.
static bool check_files(const struct config *c, struct config_problems *p)
{
	struct baseline **baselines = xcalloc(c->nstreams + 1, sizeof *baselines);
	size_t before = p->n;

	check_properties(c, p);
	for (size_t i = 0; i < c->nstreams; i++) {
		const struct stream_conf *s = &c->streams[i];
		struct error err = ERROR_INIT;

		baselines[i] = stream_baseline_load(c, s, &err);
		for (size_t k = 0; baselines[i] && k < s->nslice_baselines && !err.set; k++)
			baseline_free(slice_baseline_load(c, s, k, baselines[i], &err));
		if (err.set)
			add_error(p, c->path, s->line, "stream ", s->name, err.text);
		error_clear(&err);
		schema_file_free(s->schema ? schema_file_load(s->schema, s->json ? SCHEMA_JSON : SCHEMA_AVRO, &err) : NULL);
		if (err.set)
			add_error(p, c->path, s->line, "stream ", s->name, err.text);
		error_clear(&err);
		contract_free(s->contract_schema ? contract_load(s->contract_schema, &err) : NULL);
		if (err.set)
			add_error(p, c->path, s->line, "stream ", s->name, err.text);
	}
	if (p->n == before)
		baselines_check(c, baselines, add_rule, p);
	for (size_t i = 0; i < c->nstreams; i++)
		baseline_free(baselines[i]);
	free(baselines);
	return p->n == before;
}

static int run(struct cli_args *a)
{
	struct config_problems problems = {0};
	struct config *c = config_load(cli_str(a, "config"), &problems);
	struct buf out = BUF_INIT;

	if (c && !check_files(c, &problems)) {
		config_free(c);
		c = NULL;
	}
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
    .about = "Reads the configuration, the rules, the receivers, baselines and contracts, connects to "
	     "nothing, and exits 0 if `kdrift run` "
	     "would accept them. Warnings do not fail the check.",
};
