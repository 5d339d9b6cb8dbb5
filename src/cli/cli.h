// SPDX-License-Identifier: Apache-2.0
// The command line. A file a command, each exporting one const `struct command`, all listed in cli.c.
// A command's const table of options drives parsing, checking and `--help`, so a value that reaches
// run() has the form its kind asks for and the getters below cannot fail.
//
//     static const struct option_def options[] = {
//         OPTION_CONFIG,
//         {.name = "stream", .kind = OPTION_STRING, .arg = "NAME", .help = "the stream", .required = true},
//         {.name = "file", .kind = OPTION_STRING, .arg = "FILE", .help = "rows to read", .repeated = true},
//         {.name = "json", .kind = OPTION_FLAG, .help = "print JSON"},
//         OPTIONS_END};
//     const struct command cmd_x = {"x", "does x in a line", "kdrift x --stream NAME", options, .run = run};
//
// Exit codes: run() returns EXIT_OK or EXIT_FAILED (after printing what failed and the mend on stderr), or
// EXIT_USAGE by cli_usage for what the table cannot say (options that exclude each other).
#ifndef KD_CLI_CLI_H
#define KD_CLI_CLI_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "util/buf.h"
#include "util/error.h"

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

enum option_kind {
	OPTION_FLAG,     // takes no value
	OPTION_STRING,
	OPTION_INTEGER,  // a whole number >= 0
	OPTION_NUMBER,   // a finite number
	OPTION_TIME,     // RFC 3339 or unix milliseconds
	OPTION_DURATION, // 30s, 5m, 1h
	OPTION_CHOICE,   // one of `choices`
};

struct option_def {
	const char *name;           // without the dashes
	enum option_kind kind;
	const char *arg;            // how --help shows the value: FILE, NAME, TIME
	const char *help;
	const char *choices;        // OPTION_CHOICE: "collect|judge|all"
	const char *fallback;       // the value where it is not given; NULL: none
	bool required, repeated;
};

#define OPTION_CONFIG                                                                                        \
	{                                                                                                    \
		.name = "config", .kind = OPTION_STRING, .arg = "FILE", .help = "the configuration file",    \
		.fallback = "kdrift.yaml"                                                                    \
	}
#define OPTIONS_END {.name = NULL}

struct cli_args;

struct command {
	const char *name, *summary, *usage;  // usage: "kdrift stats --stream NAME --from TIME --to TIME"
	const struct option_def *options;    // ends with OPTIONS_END; --help is everywhere and not listed
	unsigned min_words, max_words;       // words that are not options: `kdrift test-receiver NAME`
	int (*run)(struct cli_args *args);
	const char *about;                   // a paragraph for --help; may be NULL
	void (*more)(struct buf *out);       // the tail of --help; may be NULL
};

// Everything below takes the name of an option that is in the command's table (else it aborts).
bool cli_given(const struct cli_args *a, const char *name);        // on the command line, not by fallback
bool cli_flag(const struct cli_args *a, const char *name);
const char *cli_str(const struct cli_args *a, const char *name);   // the last one given, or the fallback, or NULL
const char *const *cli_strs(const struct cli_args *a, const char *name, size_t *n); // all given, in order
int64_t cli_int(const struct cli_args *a, const char *name, int64_t fallback);
double cli_num(const struct cli_args *a, const char *name, double fallback);
int64_t cli_ms(const struct cli_args *a, const char *name, int64_t fallback); // of a time or a duration
const char *cli_word(const struct cli_args *a, size_t i);          // NULL past the end
size_t cli_words(const struct cli_args *a);

// Says on stderr what is wrong and where the help is; always EXIT_USAGE.
int cli_usage(const struct cli_args *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
// Says "kdrift CMD: text" on stderr; always EXIT_FAILED.
int cli_fail(const struct cli_args *a, const struct error *err);
// Writes a whole text (taken over) to the file that an option names.
int cli_write(const char *path, char *text, struct error *err) MUST_CHECK;
// Loads what --config names and prints every error on stderr. NULL where any is an error. The caller
// frees with config_free.
struct config *cli_config(const struct cli_args *a);
// The same with the rules of another directory (NULL: its own).
struct config *cli_config_with_alerts(const struct cli_args *a, const char *alerts);
// The same where the files that `baseline:` names need not exist yet (kdrift baseline).
struct config *cli_config_before_baseline(const struct cli_args *a);

// The whole program: `argv` as main got it, to the exit code.
int cli_main(int argc, char **argv);

extern const struct command cmd_run, cmd_check, cmd_baseline, cmd_produce, cmd_stats, cmd_alerts, cmd_explain,
	cmd_test_receiver, cmd_demo, cmd_schema, cmd_compare, cmd_backtest, cmd_tune, cmd_measures;
#endif
