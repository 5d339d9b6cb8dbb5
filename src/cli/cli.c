// SPDX-License-Identifier: Apache-2.0
#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/args.h"
#include "config/nearest.h"
#include "config/report.h"

const struct command *const cli_commands[] = {&cmd_demo,     &cmd_run,		 &cmd_check,
					      &cmd_baseline, &cmd_produce,	 &cmd_stats,
					      &cmd_alerts,   &cmd_explain,	 &cmd_schema,	 &cmd_test_receiver,
					      &cmd_compare,  &cmd_backtest,  &cmd_tune,	 &cmd_measures,	NULL};

int cli_fail(const struct cli_args *a, const struct error *err)
{
	fprintf(stderr, "kdrift %s: %s\n", a->cmd->name, err->text);
	return EXIT_FAILED;
}

int cli_write(const char *path, char *text, struct error *err)
{
	const struct buf whole = {text, strlen(text), 0};
	int rc = buf_write_file(&whole, path) ? error_set(err, "%s cannot be written: %s", path, strerror(errno)) : 0;

	free(text);
	return rc;
}

// Warnings are what `check` and `run` tell.
static void drop_warnings(struct config_problems *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++) {
		if (!p->items[i].warning) {
			p->items[n++] = p->items[i];
			continue;
		}
		free(p->items[i].file);
		free(p->items[i].text);
	}
	p->n = n;
}

static struct config *tell_errors(struct config *c, struct config_problems *problems)
{
	struct buf text = BUF_INIT;

	drop_warnings(problems);
	problems_text(problems, &text);
	fputs(text.data ? text.data : "", stderr);
	buf_release(&text);
	config_problems_release(problems);
	return c;
}

struct config *cli_config_with_alerts(const struct cli_args *a, const char *alerts)
{
	struct config_problems problems = {0};

	return tell_errors(config_load_with_alerts(cli_str(a, "config"), alerts, &problems), &problems);
}

struct config *cli_config(const struct cli_args *a)
{
	return cli_config_with_alerts(a, NULL);
}

struct config *cli_config_before_baseline(const struct cli_args *a)
{
	struct config_problems problems = {0};

	return tell_errors(config_load_before_baseline(cli_str(a, "config"), &problems), &problems);
}

static const struct command *find(const char *name)
{
	const struct command *const *c = cli_commands;

	while (*c && strcmp((*c)->name, name) != 0)
		c++;
	return *c;
}

static int unknown_command(const char *name)
{
	struct nearest near;

	nearest_init(&near, name);
	nearest_try(&near, "help");
	for (const struct command *const *c = cli_commands; *c; c++)
		nearest_try(&near, (*c)->name);
	fprintf(stderr, "kdrift: unknown command '%s'", name);
	if (near.best)
		fprintf(stderr, "; did you mean '%s'?", near.best);
	fprintf(stderr, "\nsee: kdrift --help\n");
	return EXIT_USAGE;
}

static int print(struct buf *b)
{
	bool ok = fputs(b->data, stdout) >= 0 && fflush(stdout) == 0;

	buf_release(b);
	return ok ? EXIT_OK : EXIT_FAILED;
}

static int help(const char *name)
{
	struct buf out = BUF_INIT;

	if (!name) {
		help_program(&out);
	} else if (!strcmp(name, "config")) {
		config_reference(&out);
	} else {
		const struct command *cmd = find(name);
		if (!cmd)
			return unknown_command(name);
		help_command(cmd, &out);
	}
	return print(&out);
}

static int run(const struct command *cmd, int argc, char **argv)
{
	struct cli_args args;
	int rc = args_parse(&args, cmd, argc, argv);

	if (!rc)
		rc = args.help ? help(cmd->name) : cmd->run(&args);
	args_release(&args);
	return rc;
}

int cli_main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : NULL;

	if (!word) {
		struct buf out = BUF_INIT;
		help_program(&out);
		fputs(out.data, stderr);
		buf_release(&out);
		return EXIT_USAGE;
	}
	if (!strcmp(word, "--version") || !strcmp(word, "version")) {
		printf("kdrift %s\n", KDRIFT_VERSION);
		return EXIT_OK;
	}
	if (!strcmp(word, "--help") || !strcmp(word, "-h"))
		return help(NULL);
	if (!strcmp(word, "help"))
		return help(argc > 2 && argv[2][0] != '-' ? argv[2] : NULL);
	const struct command *cmd = find(word);
	return cmd ? run(cmd, argc - 2, argv + 2) : unknown_command(word);
}
