// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "cli/args.h"

enum { WIDTH = 96, OPTION_COLUMN = 31 };

// The words of text; lines after the first begin at `indent`, where the first already stands.
static void add_wrapped(struct buf *out, const char *text, size_t indent)
{
	size_t column = indent;

	for (size_t n; *text; text += n + (text[n] == ' ')) {
		if (*text == '\n') {
			buf_addf(out, "\n%*s", (int)indent, "");
			column = indent;
			text++;
		}
		n = strcspn(text, " \n");
		if (column > indent && column + 1 + n > WIDTH) {
			buf_addf(out, "\n%*s", (int)indent, "");
			column = indent;
		} else if (column > indent) {
			buf_addc(out, ' ');
			column++;
		}
		buf_add(out, text, n);
		column += n;
	}
	buf_addc(out, '\n');
}

void help_program(struct buf *out)
{
	buf_adds(
	    out,
	    "kdrift watches Kafka topics that feed and leave machine-learning models, and tells when data\n"
	    "breaks, degrades or drifts.\n\nusage: kdrift COMMAND [OPTIONS]\n\ncommands:\n");
	for (const struct command *const *c = cli_commands; *c; c++)
		buf_addf(out, "  %-14s %s\n", (*c)->name, (*c)->summary);
	buf_adds(out, "\n  kdrift help COMMAND, or kdrift COMMAND --help: its options\n"
		      "  kdrift help config: every configuration key\n"
		      "  kdrift --version\n\n"
		      "exit codes: 0 success, 1 failure, 2 wrong usage\n");
}

static void add_option(const struct option_def *o, struct buf *out)
{
	const char *value = o->kind == OPTION_FLAG ? "" : o->arg ? o->arg : o->choices;
	struct buf said = BUF_INIT;
	char head[128];

	snprintf(head, sizeof head, "--%s%s%s", o->name, *value ? " " : "", value);
	buf_addf(out, "  %-28s ", head);
	buf_addf(&said, "%s%s%s", o->help, o->required ? " (required)" : "", o->repeated ? " (may be repeated)" : "");
	if (o->fallback)
		buf_addf(&said, " (default %s)", o->fallback);
	add_wrapped(out, said.data, OPTION_COLUMN);
	buf_release(&said);
}

void help_command(const struct command *cmd, struct buf *out)
{
	buf_addf(out, "kdrift %s: %s\n\nusage: %s\n", cmd->name, cmd->summary, cmd->usage);
	if (cmd->about) {
		buf_addc(out, '\n');
		add_wrapped(out, cmd->about, 0);
	}
	buf_adds(out, "\noptions:\n");
	for (const struct option_def *o = cmd->options; o->name; o++)
		add_option(o, out);
	buf_addf(out, "  %-28s %s\n", "--help", "this text");
	if (cmd->more) {
		buf_addc(out, '\n');
		cmd->more(out);
	}
}
