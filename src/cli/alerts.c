// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/adapters.h"
#include "app/model.h"
#include "cli/cli.h"
#include "util/log.h"

struct listing {
	json_t *pages, *alerts;
	bool all;
};

static void see_page(void *arg, const char *key, const char *text)
{
	struct listing *l = arg;
	json_t *doc = json_parse(text, strlen(text), NULL), *data = json_object_get(doc, "data");

	(void)key;
	if (json_is_object(data) && (l->all || !strcmp(json_get_str(data, "status", ""), "firing")))
		json_array_append(l->pages, data);
	json_decref(doc);
}

static void see_alert(void *arg, const char *key, const char *text)
{
	json_t *doc = json_parse(text, strlen(text), NULL);

	(void)key;
	if (json_is_object(doc))
		json_array_append(((struct listing *)arg)->alerts, doc);
	json_decref(doc);
}

static void print_text(const struct listing *l)
{
	size_t i;
	json_t *v;

	json_array_foreach(l->pages, i, v)
		printf("%-8s %-9s %-24s %-24s since %s  %s\n         %s\n", json_get_str(v, "status", ""),
		       json_get_str(v, "tier", ""), json_get_str(v, "alert", ""), json_get_str(v, "stream", ""),
		       json_get_str(v, "starts_at", "?"), json_get_str(v, "id", ""), json_get_str(v, "summary", ""));
	json_array_foreach(l->alerts, i, v)
		if (json_get_str(v, "follows", NULL))
			printf("follows            %-24s %-24s from %s  %s %s\n", json_get_str(v, "rule", ""),
			       json_get_str(v, "stream", ""), json_get_str(v, "follows", ""), json_get_str(v, "field", ""),
			       json_get_str(v, "slice", ""));
	if (!json_array_size(l->pages))
		printf("no page is firing\n");
	json_array_foreach(l->alerts, i, v)
		if (strcmp(json_get_str(v, "state", ""), "firing") != 0)
			printf("%-8s %-24s %-24s %s %s %s\n", json_get_str(v, "state", ""), json_get_str(v, "rule", ""),
			       json_get_str(v, "stream", ""), json_get_str(v, "field", ""), json_get_str(v, "slice", ""),
			       json_get_str(v, "why", ""));
}

static int run(struct cli_args *args)
{
	struct error err = ERROR_INIT;
	struct listing l = {json_array(), json_array(), cli_flag(args, "all")};
	struct store *s = NULL;
	int rc = EXIT_FAILED;

	log_set_level(LOG_ERROR);
	struct model *m = model_load(cli_str(args, "config"), false, &err);
	if (m && (s = store_of(m->config, &err)) && !store_docs(s, "page", see_page, &l, &err) &&
	    !store_docs(s, "alert", see_alert, &l, &err)) {
		rc = EXIT_OK;
		if (cli_flag(args, "json")) {
			json_t *v = json_pack("{s:O, s:O}", "pages", l.pages, "alerts", l.alerts);
			char *text = json_pretty(v);
			puts(text);
			free(text);
			json_decref(v);
		} else {
			print_text(&l);
		}
	}
	json_decref(l.pages);
	json_decref(l.alerts);
	store_free(s);
	model_free(m);
	return rc == EXIT_OK ? rc : cli_fail(args, &err);
}

static const struct option_def options[] = {
	OPTION_CONFIG,
	{.name = "all", .kind = OPTION_FLAG, .help = "also pages that have resolved"},
	{.name = "json", .kind = OPTION_FLAG, .help = "print JSON: {pages, alerts}"},
	OPTIONS_END,
};

const struct command cmd_alerts = {
	.name = "alerts", .summary = "the pages that are firing, and what is pending or unknown",
	.usage = "kdrift alerts --config C [--all] [--json]", .options = options, .run = run,
	.about = "Reads the store only, so it also works while no monitor runs.",
};
