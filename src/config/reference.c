// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "config/keys.h"

static void add_choices(struct buf *out, const struct key *k)
{
	for (size_t i = 0; k->choices[i]; i++)
		buf_addf(out, "%s%s", i ? ", " : "", k->choices[i]);
}

static void add_value(struct buf *out, const struct key *k)
{
	static const char *const kinds[] = {[KEY_TEXT] = "text",	  [KEY_TEXTS] = "text, or a list",
					    [KEY_PATH] = "file name",	  [KEY_SECRET] = "text (secret)",
					    [KEY_BOOL] = "true or false", [KEY_NUMBER] = "number",
					    [KEY_DURATION] = "duration"};

	switch (k->kind) {
	case KEY_INT:
	case KEY_COUNT:
		buf_addf(out, "whole number, %.0f to %.0f", k->min, k->max);
		break;
	case KEY_CHOICE:
	case KEY_WORD:
		add_choices(out, k);
		break;
	case KEY_SECTION:
		buf_addf(out, "keys of `%s`", k->section->title);
		break;
	case KEY_LIST:
	case KEY_TABLE:
		buf_addf(out, "%s of `%s`", k->kind == KEY_LIST ? "list" : "map", k->section->title);
		break;
	case KEY_OWN:
		buf_adds(out, k->unit);
		break;
	case KEY_LATER:
		buf_adds(out, "not supported by this version");
		break;
	default:
		buf_adds(out, kinds[k->kind]);
	}
}

static void add_section(struct buf *out, const struct section *s)
{
	buf_addf(out, "\n## %s\n\n%s\n\n| key | value | default | meaning |\n| --- | --- | --- | --- |\n",
		 s->title, s->help);
	for (const struct key *k = s->keys; k->name; k++) {
		const char *standard = k->fallback ? k->fallback : k->shown ? k->shown : "";
		buf_addf(out, "| `%s` | ", k->name);
		add_value(out, k);
		buf_addf(out, " | %s | %s |\n", k->required ? "required" : standard, k->help);
	}
	for (const struct key *k = s->keys; k->name; k++)
		if (k->section)
			add_section(out, k->section);
}

void config_reference(struct buf *out)
{
	buf_adds(out,
		 "# Configuration\n\n"
		 "<!-- Generated from src/config/keys.c by `kdrift help config`; do not edit. -->\n\n"
		 "`kdrift check --config kdrift.yaml` reports every mistake with its file, line and mend.\n\n"
		 "- Files are YAML; JSON is YAML too.\n"
		 "- Durations are written 250ms, 30s, 5m, 1h, 7d, 2w, or joined (1h30m).\n"
		 "- File names are relative to the file they stand in (from the environment: to the working "
		 "directory).\n"
		 "- Every secret `x` may instead be read from the file that `x_file` names (its last newline "
		 "is dropped).\n"
		 "- Every key can be set from the environment: `KDRIFT_` and its path in upper case, with "
		 "`_` for all but\n"
		 "  letters and digits: `KDRIFT_REDIS_URL`, `KDRIFT_KAFKA_BOOTSTRAP_SERVERS`. An item of a "
		 "list goes by its\n"
		 "  name or number: `KDRIFT_STREAMS_PAYMENTS_FEATURES_WINDOW`, `KDRIFT_STREAMS_0_WINDOW`,\n"
		 "  `KDRIFT_RULES_NOFEATURES_ABOVE`, `KDRIFT_RECEIVERS_TEAM_WEBHOOK_SECRET_FILE`. Lists are "
		 "joined by commas or\n"
		 "  written `[a, b]`. An empty variable counts as not set.\n");
	add_section(out, &section_root);
	add_section(out, &section_rule);
	add_section(out, &section_receivers);
}
