// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/adapters.h"
#include "app/before.h"
#include "app/types.h"
#include "cli/cli.h"
#include "cli/explain.h"
#include "judge/explain.h"
#include "util/log.h"

static json_t *explain(const struct model *m, struct store *s, const char *id, struct error *err)
{
	const struct judge_port port = judge_port_of(s);
	struct collect_ctx ctx = {.store = s};
	const struct collect_port collect = collect_port_of(&ctx);
	struct types *types = NULL;
	json_t *out = NULL, *found = explain_find(&port, id, err);

	if (found && !types_look(m, &collect, NULL, &types, err)) {
		const char *stream = json_get_str(json_object_get(found, "page"), "stream", "");
		const struct stream_conf *c = config_stream_of(m->config, stream);
		const struct explain_conf conf = {types ? &types->conf : &m->judge, &port,
						  c ? c->redact : NULL, c ? c->nredact : 0};
		out = explain_page(&conf, found, err);
	}
	types_free(types);
	json_decref(found);
	return out;
}

static int run(struct cli_args *args)
{
	const char *page = cli_str(args, "html");
	struct error err = ERROR_INIT;
	struct store *s = NULL;
	json_t *v = NULL;
	int rc = -1;

	log_set_level(LOG_ERROR);
	struct model *m = model_load(cli_str(args, "config"), false, &err);
	if (m && (s = store_of(m->config, &err)) && !before_put(m, s, &err))
		v = explain(m, s, cli_word(args, 0), &err);
	if (v && (!page || !cli_write(page, explain_html(v), &err))) {
		char *text = cli_flag(args, "json") ? json_pretty(v) : explain_text(v);
		fputs(text, stdout);
		if (cli_flag(args, "json"))
			putchar('\n');
		free(text);
		rc = 0;
	}
	json_decref(v);
	store_free(s);
	model_free(m);
	return rc ? cli_fail(args, &err) : EXIT_OK;
}

static const struct option_def options[] = {
    OPTION_CONFIG,
    {.name = "json", .kind = OPTION_FLAG, .help = "print JSON"},
    {.name = "html",
     .kind = OPTION_STRING,
     .arg = "FILE",
     .help = "write it with pictures too: one page that needs nothing else"},
    OPTIONS_END,
};

const struct command cmd_explain = {
    .name = "explain",
    .summary = "why a page was sent: what moved, since when, what makes it up and who carries it",
    .usage = "kdrift explain ID --config C [--json] [--html FILE]",
    .options = options,
    .min_words = 1,
    .max_words = 1,
    .run = run,
    .about = "ID is a page's id (page_...), or a fingerprint for its newest page. Reads the store only, so "
	     "it also works while "
	     "no monitor runs, and for pages that are over as long as the journal has them. What it can tell "
	     "of the "
	     "windows before lasts as long as their panes (`retention`). docs/explain.md says how each part "
	     "is found.",
};
