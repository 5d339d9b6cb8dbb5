// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/adapters.h"
#include "app/contracts.h"
#include "cli/cli.h"
#include "schema/contract.h"
#include "schema/diff.h"
#include "schema/file.h"
#include "schema/registry.h"
#include "util/json.h"
#include "util/log.h"
#include "util/xalloc.h"

#define MAX_FILE (4u << 20)

static void add_breaches(json_t *list, const char *direction, const struct mismatches *m)
{
	for (size_t i = 0; i < m->n; i++)
		json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:o}", "direction", direction, "kind",
						      mismatch_names[m->items[i].kind], "path", json_str(m->items[i].path),
						      "text", json_str(m->items[i].text)));
}

static json_t *breaches_json(const struct compat *c)
{
	json_t *list = json_array();

	add_breaches(list, "BACKWARD", &c->backward);
	add_breaches(list, "FORWARD", &c->forward);
	return list;
}

static void print_breaches(const json_t *list, const char *direction)
{
	const json_t *b;
	size_t i;

	json_array_foreach(list, i, b)
	{
		const char *path = json_get_str(b, "path", "");

		if (!strcmp(json_get_str(b, "direction", ""), direction))
			printf("    %s%s%s\n", path, *path ? ": " : "", json_get_str(b, "text", ""));
	}
}

static int print_json(json_t *v)
{
	char *text = json_pretty(v);
	int rc = puts(text) >= 0 && !fflush(stdout) ? EXIT_OK : EXIT_FAILED;

	free(text);
	json_decref(v);
	return rc;
}

// --- diff ---------------------------------------------------------------------------------------------

static struct avsc *read_schema(const char *path, struct error *err)
{
	struct buf text = BUF_INIT;
	struct avsc *a = NULL;

	if (buf_read_file(&text, path, MAX_FILE) < 0) {
		error_set(err, "schema %s: %m", path);
	} else {
		struct schema_text schema = schema_text_avro(text.data ? text.data : "", text.len);
		if (!(a = avsc_parse(&schema, err)))
			error_prefix(err, "schema %s", path);
	}
	buf_release(&text);
	return a;
}

static void add_change(void *arg, const char *path, const char *text)
{
	json_array_append_new(arg, json_pack("{s:o, s:o}", "path", json_str(path), "text", json_str(text)));
}

static void print_diff(const json_t *v, const char *a, const char *b)
{
	const json_t *changes = json_object_get(v, "changes"), *levels = json_object_get(v, "levels"), *c;
	size_t i;

	printf("%s -> %s\n", a, b);
	if (!json_array_size(changes))
		printf("  no change that a reader or a writer notices\n");
	json_array_foreach(changes, i, c)
	{
		const char *path = json_get_str(c, "path", "");
		printf("  %s%s%s\n", path, *path ? ": " : "", json_get_str(c, "text", ""));
	}
	const bool backward = json_is_true(json_object_get(levels, "BACKWARD"));
	const bool forward = json_is_true(json_object_get(levels, "FORWARD"));
	printf("BACKWARD  %-3s  %s %s what %s wrote\n", backward ? "yes" : "NO", b, backward ? "reads" : "cannot read", a);
	print_breaches(json_object_get(v, "breaches"), "BACKWARD");
	printf("FORWARD   %-3s  %s %s what %s writes\n", forward ? "yes" : "NO", a, forward ? "reads" : "cannot read", b);
	print_breaches(json_object_get(v, "breaches"), "FORWARD");
	printf("FULL      %-3s  both\n", backward && forward ? "yes" : "NO");
}

static int diff(struct cli_args *args)
{
	const char *a = cli_word(args, 1), *b = cli_word(args, 2);
	enum compat_level level = compat_level_of(cli_str(args, "level"));
	struct error err = ERROR_INIT;
	struct compat found = {0};

	if (cli_words(args) != 3)
		return cli_usage(args, "diff takes two files");
	if (cli_given(args, "config"))
		return cli_usage(args, "diff compares files; --config is for check");
	struct avsc *older = read_schema(a, &err), *newer = older ? read_schema(b, &err) : NULL;
	if (!newer) {
		avsc_free(older);
		return cli_fail(args, &err);
	}
	compat_check(COMPAT_FULL, older, newer, &found);
	json_t *levels = json_object(), *changes = json_array();
	for (int l = 0; l < COMPAT_LEVELS; l++)
		json_object_set_new(levels, compat_rules[l].name, json_boolean(compat_keeps((enum compat_level)l, &found)));
	avsc_diff(older, newer, add_change, changes);
	bool kept = compat_keeps(level, &found);
	json_t *v = json_pack("{s:o, s:s, s:b, s:o, s:o}", "changes", changes, "level", compat_rules[level].name, "compatible",
			      kept, "levels", levels, "breaches", breaches_json(&found));
	compat_release(&found);
	avsc_free(older);
	avsc_free(newer);
	int rc = EXIT_OK;
	if (cli_flag(args, "json")) {
		rc = print_json(v);
	} else {
		print_diff(v, a, b);
		json_decref(v);
	}
	return kept ? rc : EXIT_FAILED;
}

// --- check --------------------------------------------------------------------------------------------

struct check {
	struct registry *registry;
	struct contract *contract;
	const struct schema_text *text; // of the contract
	enum compat_level level;
	char subject[SUBJECT_MAX];
	json_t *versions;
	bool kept;
};

// What the registry itself says. That it does not is no failure: read-only credentials may not ask.
static json_t *registry_says(const struct check *c, int32_t version)
{
	struct registry_verdict v;
	struct error err = ERROR_INIT;
	json_t *out = json_object();

	if (registry_compatible(c->registry, c->subject, version, c->text, &v, &err))
		json_object_set_new(out, "not_asked", json_str(err.text));
	else if (!v.known)
		json_object_set_new(out, "not_asked", json_str(v.why));
	else
		json_object_set_new(out, "compatible", json_boolean(v.compatible));
	if (v.messages)
		json_object_set(out, "messages", v.messages);
	registry_verdict_release(&v);
	return out;
}

static void judge_version(struct check *c, const struct registry_version *v)
{
	struct error err = ERROR_INIT;
	struct compat found = {0};
	struct avsc *writer = v->is == REGISTRY_KNOWN ? avsc_parse(&v->schema, &err) : NULL;
	bool kept = writer && compat_check(c->level, writer, contract_schema(c->contract), &found);

	json_t *item = json_pack("{s:i, s:i, s:b, s:o}", "version", (int)v->version, "id", (int)v->id, "compatible", kept,
				 "breaches", breaches_json(&found));
	if (!writer)
		json_object_set_new(item, "reason", json_str(v->is == REGISTRY_KNOWN ? err.text : v->reason));
	if (v->version)
		json_object_set_new(item, "registry", registry_says(c, v->version));
	json_array_append_new(c->versions, item);
	c->kept &= kept;
	compat_release(&found);
	avsc_free(writer);
}

// The latest version, or for a transitive level all of them.
static int judge_versions(struct check *c, struct error *err)
{
	struct registry_version v;
	int32_t *all = NULL;
	size_t n = 1;
	int rc = 0;

	if (compat_rules[c->level].transitive && registry_versions(c->registry, c->subject, &all, &n, err))
		return -1;
	for (size_t i = 0; i < n && !rc; i++) {
		rc = registry_version(c->registry, c->subject, all ? all[i] : 0, &v, err);
		if (!rc && v.is != REGISTRY_DENIED)
			judge_version(c, &v);
		if (!rc)
			registry_version_release(&v);
	}
	free(all);
	return rc;
}

// Records that name no schema are written with the configured one.
static int judge_configured(struct check *c, const struct stream_conf *s, struct error *err)
{
	struct registry_schema *configured = schema_file_load(s->schema, s->json ? SCHEMA_JSON : SCHEMA_AVRO, err);

	if (!configured)
		return -1;
	judge_version(c, &(struct registry_version){.id = -1, .is = REGISTRY_KNOWN, .schema = configured->schema});
	schema_file_free(configured);
	return 0;
}

static void compare_level(const struct check *c, json_t *out)
{
	const char *ours = compat_rules[c->level].name;
	struct error err = ERROR_INIT;
	char *level = NULL, *why = NULL;

	if (registry_level(c->registry, c->subject, &level, &why, &err))
		why = xstrdup(err.text);
	json_object_set_new(out, "registry_level", json_str(level));
	if (!level) {
		json_object_set_new(out, "registry_level_not_told", json_str(why));
	} else if (strcmp(level, ours) != 0) {
		char *text = xasprintf("the registry holds %s to %s, the stream's contract asks %s: what one lets pass the other "
				       "may not; set one of them to the other's level",
				       c->subject, level, ours);
		json_object_set_new(out, "warning", json_str(text));
		free(text);
	}
	free(level);
	free(why);
}

static int check_registered(struct check *c, json_t *out, struct error *err)
{
	if (judge_versions(c, err))
		return -1;
	if (c->level != COMPAT_NONE)
		compare_level(c, out);
	return 0;
}

static json_t *check_stream(struct registry *registry, const struct stream_conf *s, bool *good)
{
	struct error err = ERROR_INIT;
	struct check c = {.registry = registry, .level = compat_level_of(s->compatibility),
			  .versions = json_array(), .kept = true};
	json_t *out = json_pack("{s:o, s:o, s:s, s:o}", "stream", json_str(s->name), "contract", json_str(s->contract_schema),
				"level", compat_rules[c.level].name, "versions", c.versions);
	struct registry_schema *text = NULL;
	bool single = contract_subject(s, c.subject);
	int rc = 0;

	if (!single && !s->schema) {
		json_object_set_new(out, "skipped", json_string("its topics have more than one subject"));
	} else if (!(c.contract = contract_load(s->contract_schema, &err)) ||
		   !(text = schema_file_load(s->contract_schema, SCHEMA_AVRO, &err))) {
		rc = -1;
	} else {
		c.text = &text->schema;
		rc = s->schema ? judge_configured(&c, s, &err) : check_registered(&c, out, &err);
	}
	if (rc) {
		json_object_set_new(out, "error", json_str(err.text));
		c.kept = false;
	}
	if (s->schema)
		json_object_set_new(out, "schema", json_str(s->schema));
	else if (*c.subject)
		json_object_set_new(out, "subject", json_str(c.subject));
	json_object_set_new(out, "compatible", json_boolean(c.kept));
	*good &= c.kept;
	schema_file_free(text);
	contract_free(c.contract);
	return out;
}

static void print_registry(const json_t *version)
{
	const json_t *says = json_object_get(version, "registry"), *theirs = json_object_get(says, "compatible"), *message;
	const char *not_asked = json_get_str(says, "not_asked", NULL);
	size_t i;

	if (not_asked)
		printf("    the registry's own verdict is not to be had: %s\n", not_asked);
	if (!theirs || json_is_true(theirs) == json_is_true(json_object_get(version, "compatible")))
		return;
	printf("    the registry differs: %s\n", json_is_true(theirs) ? "compatible" : "NOT compatible");
	json_array_foreach(json_object_get(says, "messages"), i, message)
		if (i < 3 && json_is_string(message))
			printf("      %.300s\n", json_string_value(message));
}

static void print_version(const json_t *s, const json_t *v)
{
	const char *reason = json_get_str(v, "reason", NULL), *file = json_get_str(s, "schema", NULL);
	const bool kept = json_is_true(json_object_get(v, "compatible"));

	if (file)
		printf("  %s, which its records are written with: %s\n", file, kept ? "compatible" : "NOT compatible");
	else
		printf("  %s version %d (id %d): %s\n", json_get_str(s, "subject", ""), (int)json_get_int(v, "version", 0),
		       (int)json_get_int(v, "id", 0), kept ? "compatible" : "NOT compatible");
	if (reason)
		printf("    %s\n", reason);
	print_breaches(json_object_get(v, "breaches"), "BACKWARD");
	print_breaches(json_object_get(v, "breaches"), "FORWARD");
	print_registry(v);
}

static void print_stream(const json_t *s)
{
	const json_t *versions = json_object_get(s, "versions"), *v;
	const char *level = json_get_str(s, "registry_level", NULL), *warning = json_get_str(s, "warning", NULL);
	const char *why = json_get_str(s, "error", json_get_str(s, "skipped", NULL));
	size_t i;

	printf("%s: contract %s, %s", json_get_str(s, "stream", ""), json_get_str(s, "contract", ""),
	       json_get_str(s, "level", ""));
	if (level)
		printf(" (the registry: %s)", level);
	printf("\n");
	if (why)
		printf("  %s: %s\n", json_object_get(s, "error") ? "cannot be told" : "not checked", why);
	else if (!json_array_size(versions))
		printf("  %s: nothing is registered yet\n", json_get_str(s, "subject", ""));
	if (warning)
		printf("  warning: %s\n", warning);
	json_array_foreach(versions, i, v) print_version(s, v);
}

static int check(struct cli_args *args)
{
	struct error err = ERROR_INIT;
	struct registry *registry = NULL;
	bool good = true;

	if (cli_words(args) != 1)
		return cli_usage(args, "check takes no file; the contracts stand in the configuration");
	if (cli_given(args, "level"))
		return cli_usage(args, "the level of check is the stream's contract.compatibility");
	struct config *c = cli_config_before_baseline(args);
	if (!c)
		return EXIT_FAILED;
	log_set_level(LOG_ERROR); // what goes wrong is said once, below
	const struct registry_conf conf = registry_conf_of(c);
	if (!(registry = registry_new(&conf, &err))) {
		config_free(c);
		return cli_fail(args, &err);
	}
	json_t *streams = json_array();
	for (size_t i = 0; i < c->nstreams; i++)
		if (c->streams[i].contract_schema)
			json_array_append_new(streams, check_stream(registry, &c->streams[i], &good));
	registry_free(registry);
	config_free(c);
	int rc = EXIT_OK;
	if (cli_flag(args, "json")) {
		rc = print_json(json_pack("{s:O, s:b}", "streams", streams, "compatible", good));
	} else {
		const json_t *s;
		size_t i;
		json_array_foreach(streams, i, s) print_stream(s);
		if (!json_array_size(streams))
			printf("no stream has a contract\n");
	}
	json_decref(streams);
	return good ? rc : EXIT_FAILED;
}

static int run(struct cli_args *args)
{
	const char *what = cli_word(args, 0);

	if (!strcmp(what, "diff"))
		return diff(args);
	if (!strcmp(what, "check"))
		return check(args);
	return cli_usage(args, "'%s' is neither diff nor check", what);
}

static const struct option_def options[] = {
	OPTION_CONFIG,
	{.name = "level", .kind = OPTION_CHOICE,
	 .choices = "NONE|BACKWARD|BACKWARD_TRANSITIVE|FORWARD|FORWARD_TRANSITIVE|FULL|FULL_TRANSITIVE", .arg = "LEVEL",
	 .fallback = "BACKWARD", .help = "diff: what B must keep with A, as registries name it"},
	{.name = "json", .kind = OPTION_FLAG, .help = "print JSON"},
	OPTIONS_END,
};

const struct command cmd_schema = {
	.name = "schema",
	.summary = "what changed between two schemas; contracts against the registry",
	.usage = "kdrift schema diff A.avsc B.avsc [--level LEVEL] [--json]\n       kdrift schema check [--config FILE] [--json]",
	.options = options, .min_words = 1, .max_words = 3, .run = run,
	.about = "diff says what changed from A to B, and for each level whether B keeps it and what breaks it. It exits with 1 "
		 "where B does not keep --level: a gate for a schema's pull request.\n"
		 "check resolves the newest version under each stream's subject (of a transitive level: every version) against "
		 "its contract, and exits with 1 where one breaks it or the registry cannot tell. Beside each verdict stands the "
		 "registry's own where it differs, and beside the level the registry's; neither changes the exit code. Where "
		 "records name no schema, the one in `schema:` is held against the contract.",
};
