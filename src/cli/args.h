// SPDX-License-Identifier: Apache-2.0
// Private to the frame (args.c, help.c, cli.c): how a command line is kept.
#ifndef KD_CLI_ARGS_H
#define KD_CLI_ARGS_H
#include "cli/cli.h"

struct cli_value {
	const char **texts;       // in order; from argv
	size_t n, cap;
};

struct cli_args {
	const struct command *cmd;
	struct cli_value *values; // one an option of the table
	const char **words;
	size_t nwords, capwords;
	bool help;
};

// Parses what follows the command's name. 0 or EXIT_USAGE (already told on stderr).
int args_parse(struct cli_args *a, const struct command *cmd, int argc, char **argv);
void args_release(struct cli_args *a);

extern const struct command *const cli_commands[]; // ends with NULL
void help_program(struct buf *out);
void help_command(const struct command *cmd, struct buf *out);
#endif
