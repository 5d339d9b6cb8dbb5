// SPDX-License-Identifier: Apache-2.0
#include "cli/args.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/nearest.h"
#include "util/clock.h"
#include "util/xalloc.h"

static size_t count(const struct option_def *options)
{
	size_t n = 0;

	while (options[n].name)
		n++;
	return n;
}

static size_t find(const struct command *cmd, const char *name, size_t len)
{
	size_t i = 0;

	while (cmd->options[i].name &&
	       (strncmp(cmd->options[i].name, name, len) != 0 || cmd->options[i].name[len]))
		i++;
	return i;
}

int cli_usage(const struct cli_args *a, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "kdrift %s: ", a->cmd->name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\nsee: kdrift %s --help\n", a->cmd->name);
	return EXIT_USAGE;
}

static int unknown_option(const struct cli_args *a, const char *name, size_t len)
{
	char *word = xstrndup(name, len);
	struct nearest near;

	nearest_init(&near, word);
	nearest_try(&near, "help");
	for (const struct option_def *o = a->cmd->options; o->name; o++)
		nearest_try(&near, o->name);
	int rc = near.best ? cli_usage(a, "unknown option --%s; did you mean --%s?", word, near.best)
			   : cli_usage(a, "unknown option --%s", word);
	free(word);
	return rc;
}

static bool is_choice(const char *choices, const char *value)
{
	size_t len = strlen(value);

	for (const char *c = choices; *c;) {
		size_t n = strcspn(c, "|");
		if (n == len && !strncmp(c, value, n))
			return true;
		c += n + (c[n] == '|');
	}
	return false;
}

static const char *wrong(const struct option_def *o, const char *value)
{
	int64_t ms;
	char *end;

	switch (o->kind) {
	case OPTION_INTEGER:
		return *value && strspn(value, "0123456789") == strlen(value) && strlen(value) <= 18
			   ? NULL
			   : "a whole number";
	case OPTION_NUMBER:
		return isfinite(strtod(value, &end)) && end != value && !*end ? NULL : "a number";
	case OPTION_TIME:
		return time_parse(value, &ms) == 0 ? NULL
						   : "a time (2026-11-21T09:00:00Z, or unix milliseconds)";
	case OPTION_DURATION:
		return duration_parse(value, &ms) == 0 ? NULL : "a duration (30s, 5m, 1h)";
	case OPTION_CHOICE:
		return is_choice(o->choices, value) ? NULL : o->choices;
	case OPTION_STRING:
		return *value ? NULL : "a text";
	case OPTION_FLAG:
		break;
	}
	return NULL;
}

// An option at argv[*i]; moves *i on where its value is the next word.
static int parse_option(struct cli_args *a, int argc, char **argv, int *i)
{
	const char *name = argv[*i] + 2, *eq = strchr(name, '=');
	size_t len = eq ? (size_t)(eq - name) : strlen(name), k = find(a->cmd, name, len);
	const struct option_def *o = &a->cmd->options[k];
	const char *value = eq ? eq + 1 : NULL;

	if (!o->name)
		return unknown_option(a, name, len);
	if (o->kind == OPTION_FLAG && value)
		return cli_usage(a, "--%s takes no value", o->name);
	if (o->kind == OPTION_FLAG)
		value = "";
	else if (!value && ++*i < argc)
		value = argv[*i];
	if (!value)
		return cli_usage(a, "--%s needs a value: --%s %s", o->name, o->name,
				 o->arg ? o->arg : o->choices);
	const char *want = wrong(o, value);
	if (want)
		return cli_usage(a, "--%s: '%s' is not %s%s", o->name, value,
				 o->kind == OPTION_CHOICE ? "one of " : "", want);
	struct cli_value *v = &a->values[k];
	if (v->n && !o->repeated && o->kind != OPTION_FLAG)
		return cli_usage(a, "--%s is given twice", o->name);
	GROW(v->texts, v->n, v->cap);
	v->texts[v->n++] = value;
	return 0;
}

static int check_complete(const struct cli_args *a)
{
	if (a->nwords < a->cmd->min_words)
		return cli_usage(a, "a word is missing: %s", a->cmd->usage);
	if (a->nwords > a->cmd->max_words)
		return cli_usage(a, "'%s' is one word too many: %s", a->words[a->cmd->max_words],
				 a->cmd->usage);
	for (size_t i = 0; a->cmd->options[i].name; i++)
		if (a->cmd->options[i].required && !a->values[i].n)
			return cli_usage(a, "--%s is missing", a->cmd->options[i].name);
	return 0;
}

int args_parse(struct cli_args *a, const struct command *cmd, int argc, char **argv)
{
	bool options = true;
	int rc = 0;

	*a = (struct cli_args){.cmd = cmd, .values = xcalloc(count(cmd->options) + 1, sizeof *a->values)};
	for (int i = 0; i < argc && !rc; i++) {
		if (options && (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))) {
			a->help = true;
			return 0;
		}
		if (options && !strcmp(argv[i], "--")) {
			options = false;
		} else if (options && !strncmp(argv[i], "--", 2)) {
			rc = parse_option(a, argc, argv, &i);
		} else if (options && argv[i][0] == '-' && isalpha((unsigned char)argv[i][1])) {
			rc = cli_usage(a, "unknown option %s; options are written in full, with two dashes",
				       argv[i]);
		} else {
			GROW(a->words, a->nwords, a->capwords);
			a->words[a->nwords++] = argv[i];
		}
	}
	return rc ? rc : check_complete(a);
}

void args_release(struct cli_args *a)
{
	for (size_t i = 0; i < count(a->cmd->options); i++)
		free(a->values[i].texts);
	free(a->values);
	free(a->words);
}

// --- what commands ask ----------------------------------------------------------------------------------

static size_t index_of(const struct cli_args *a, const char *name)
{
	size_t i = find(a->cmd, name, strlen(name));

	if (!a->cmd->options[i].name)
		abort();
	return i;
}

bool cli_given(const struct cli_args *a, const char *name)
{
	return a->values[index_of(a, name)].n > 0;
}

bool cli_flag(const struct cli_args *a, const char *name)
{
	return cli_given(a, name);
}

const char *cli_str(const struct cli_args *a, const char *name)
{
	size_t i = index_of(a, name);
	const struct cli_value *v = &a->values[i];

	return v->n ? v->texts[v->n - 1] : a->cmd->options[i].fallback;
}

const char *const *cli_strs(const struct cli_args *a, const char *name, size_t *n)
{
	const struct cli_value *v = &a->values[index_of(a, name)];

	*n = v->n;
	return v->texts;
}

int64_t cli_int(const struct cli_args *a, const char *name, int64_t fallback)
{
	const char *s = cli_str(a, name);

	return s ? strtoll(s, NULL, 10) : fallback;
}

double cli_num(const struct cli_args *a, const char *name, double fallback)
{
	const char *s = cli_str(a, name);

	return s ? strtod(s, NULL) : fallback;
}

int64_t cli_ms(const struct cli_args *a, const char *name, int64_t fallback)
{
	size_t i = index_of(a, name);
	const char *s = cli_str(a, name);
	int64_t ms = fallback;

	if (!s)
		return fallback;
	int rc = a->cmd->options[i].kind == OPTION_TIME ? time_parse(s, &ms) : duration_parse(s, &ms);
	return rc == 0 ? ms : fallback;
}

const char *cli_word(const struct cli_args *a, size_t i)
{
	return i < a->nwords ? a->words[i] : NULL;
}

size_t cli_words(const struct cli_args *a)
{
	return a->nwords;
}
