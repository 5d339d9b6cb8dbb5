// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/args.h"
#include "util/xalloc.h"

static const struct option_def options[] = {
    OPTION_CONFIG,
    {.name = "stream", .kind = OPTION_STRING, .arg = "NAME", .help = "", .required = true},
    {.name = "file", .kind = OPTION_STRING, .arg = "FILE", .help = "", .repeated = true},
    {.name = "from", .kind = OPTION_TIME, .arg = "TIME", .help = ""},
    {.name = "every", .kind = OPTION_DURATION, .arg = "TIME", .help = "", .fallback = "5m"},
    {.name = "rate", .kind = OPTION_INTEGER, .arg = "N", .help = ""},
    {.name = "above", .kind = OPTION_NUMBER, .arg = "X", .help = ""},
    {.name = "role", .kind = OPTION_CHOICE, .help = "", .choices = "collect|judge|all", .fallback = "all"},
    {.name = "json", .kind = OPTION_FLAG, .help = ""},
    OPTIONS_END,
};
static const struct command cmd = {
    .name = "try", .usage = "kdrift try WORD", .options = options, .max_words = 1};

static char told[512]; // on stderr by the last parse
static char text[256]; // the arguments point into it

static int parse(struct cli_args *a, const char *line)
{
	char *words[32];
	int n = 0, fds[2], keep = dup(2);

	snprintf(text, sizeof text, "%s", line);
	for (char *w = strtok(text, " "); w; w = strtok(NULL, " "))
		words[n++] = w;
	cr_assert(pipe(fds) == 0);
	dup2(fds[1], 2);
	int rc = args_parse(a, &cmd, n, words);
	fflush(stderr);
	dup2(keep, 2);
	close(fds[1]);
	ssize_t got = read(fds[0], told, sizeof told - 1);
	told[got < 0 ? 0 : got] = 0;
	close(fds[0]);
	close(keep);
	return rc;
}

Test(args, values_come_out_as_their_kind)
{
	struct cli_args a;
	size_t n;

	cr_assert_eq(parse(&a, "--stream s --file A --file=B word --from 1970-01-02T00:00:00Z --rate 7 "
			       "--above -1.5e3 --json"),
		     0);
	cr_expect_str_eq(cli_str(&a, "stream"), "s");
	cr_expect_str_eq(cli_str(&a, "config"), "kdrift.yaml");
	const char *const *files = cli_strs(&a, "file", &n);
	cr_assert_eq(n, 2);
	cr_expect(!strcmp(files[0], "A") && !strcmp(files[1], "B"));
	cr_expect_eq(cli_ms(&a, "from", 0), 86400000);
	cr_expect_eq(cli_ms(&a, "every", 0), 300000);
	cr_expect_eq(cli_int(&a, "rate", 0), 7);
	cr_expect_eq(cli_num(&a, "above", 0), -1500);
	cr_expect_str_eq(cli_str(&a, "role"), "all");
	cr_expect(cli_flag(&a, "json") && cli_given(&a, "json") && !cli_given(&a, "role"));
	cr_expect_eq(cli_words(&a), 1);
	cr_expect_str_eq(cli_word(&a, 0), "word");
	cr_expect_null(cli_word(&a, 1));
	args_release(&a);
}

Test(args, what_is_not_given_has_its_fallback)
{
	struct cli_args a;
	size_t n;

	cr_assert_eq(parse(&a, "--stream s -- --json"), 0);
	cr_expect_eq(cli_int(&a, "rate", 9), 9);
	cr_expect_eq(cli_ms(&a, "from", -1), -1);
	cli_strs(&a, "file", &n);
	cr_expect_eq(n, 0);
	cr_expect_not(cli_flag(&a, "json"));
	cr_expect_str_eq(cli_word(&a, 0), "--json");
	args_release(&a);
}

Test(args, wrong_usage_says_what)
{
	static const char *const cases[][2] = {
	    {"", "--stream is missing"},
	    {"--strem s", "unknown option --strem; did you mean --stream?"},
	    {"--zzzzzzzz", "unknown option --zzzzzzzz\n"},
	    {"--stream", "--stream needs a value: --stream NAME"},
	    {"--stream a --stream b", "--stream is given twice"},
	    {"--stream=", "'' is not a text"},
	    {"--stream s --json=yes", "--json takes no value"},
	    {"--stream s --rate -1", "--rate: '-1' is not a whole number"},
	    {"--stream s --rate 1x", "--rate: '1x' is not a whole number"},
	    {"--stream s --above nan", "--above: 'nan' is not a number"},
	    {"--stream s --from yesterday", "--from: 'yesterday' is not a time"},
	    {"--stream s --every 5", "--every: '5' is not a duration"},
	    {"--stream s --role al", "--role: 'al' is not one of collect|judge|all"},
	    {"--stream s a b", "'b' is one word too many: kdrift try WORD"},
	    {"--stream s -j", "unknown option -j; options are written in full"},
	};
	struct cli_args a;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cr_expect_eq(parse(&a, cases[i][0]), EXIT_USAGE, "%s", cases[i][0]);
		cr_expect(strstr(told, cases[i][1]), "%s: %s", cases[i][0], told);
		cr_expect(strstr(told, "see: kdrift try --help"));
		args_release(&a);
	}
}

Test(args, help_needs_nothing_else)
{
	struct cli_args a;

	cr_expect_eq(parse(&a, "--role all --help --nonsense"), 0);
	cr_expect(a.help);
	args_release(&a);
}
