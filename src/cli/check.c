// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/baselines.h"
#include "cli/cli.h"
#include "config/report.h"
#include "judge/reach.h"
#include "kafka/property.h"
#include "schema/contract.h"
#include "schema/file.h"
#include "util/json.h"
#include "util/xalloc.h"

static const struct option_def options[] = {
    OPTION_CONFIG, {.name = "json", .kind = OPTION_FLAG, .help = "print JSON"}, OPTIONS_END};

static void add_error(struct config_problems *p, const char *file, int line, const char *what,
		      const char *name, const char *text)
{
	GROW(p->items, p->n, p->cap);
	p->items[p->n++] =
	    (struct config_problem){xstrdup(file), line, false, xasprintf("%s%s%s%s", what, name, *name ? ": " : "", text)};
}

static void add_rule(void *ctx, const struct rule *r, const char *text)
{
	add_error(ctx, r->file, r->line, "", "", text);
}

static void check_properties(const struct config *c, struct config_problems *p)
{
	for (size_t i = 0; i < c->nkafka; i++) {
		const struct property *k = &c->kafka[i];
		struct error err = ERROR_INIT;

		if (kafka_property_check(k->name, k->value, &err))
			add_error(p, c->path, k->line, "kafka.", k->name, err.text);
	}
}

static void warn_blind(struct config_problems *p, const struct rule *r, const struct stream_conf *s,
		       const struct reach *v)
{
	GROW(p->items, p->n, p->cap);
	p->items[p->n++] = (struct config_problem){
		xstrdup(r->file), r->line, true,
		xasprintf("%s: field %s of stream %s is %s: its baseline shows too few windows of this length to tell, so the rule "
			  "cannot fire on it; take a longer baseline, another window or a number",
			  r->name, v->field, s->name, reading_state_names[v->state])};
}

static json_t *reach_json(const struct rule *r, const struct stream_conf *s, const struct reach *v)
{
	json_t *o = json_pack("{s:o, s:o, s:o, s:s, s:o, s:I}", "stream", json_str(s->name), "rule", json_str(r->name), "field",
			      json_str(v->field), "state", reading_state_names[v->state], "threshold", json_num(v->threshold),
			      "values", (json_int_t)v->values);

	if (v->smallest > 0) {
		json_object_set_new(o, "smallest_shift", json_num(v->smallest));
		json_object_set_new(o, "smallest_shift_in", json_string(v->smallest_in));
	}
	return o;
}

// What each rule could see of each field, by the baselines.
static json_t *check_reach(const struct config *c, struct baseline *const *baselines, struct config_problems *p)
{
	json_t *all = json_array();

	for (size_t i = 0; i < c->nstreams; i++) {
		const struct stream_conf *s = &c->streams[i];
		struct field_def *named = xcalloc(s->nfields + 1, sizeof *named);
		for (size_t k = 0; k < s->nfields; k++)
			named[k] = (struct field_def){.path = s->fields[k].path, .type = s->fields[k].type};
		struct judge_stream view = {.name = s->name, .window_ms = s->window_ms, .slide_ms = s->slide_ms,
					    .baseline = baselines[i], .fields = named, .nfields = s->nfields};
		for (size_t k = 0; k < c->nrules; k++) {
			const struct rule *r = &c->rules[k];
			size_t n = 0;
			struct reach *v = config_rule_concerns(r, s) ? rule_reaches(r, &view, &n) : NULL;
			for (size_t j = 0; j < n; j++) {
				json_array_append_new(all, reach_json(r, s, &v[j]));
				if (v[j].state == READING_UNCALIBRATED)
					warn_blind(p, r, s, &v[j]);
			}
			reaches_free(v, n);
		}
		free(named);
	}
	return all;
}

static void say_reach(const json_t *all, struct buf *out)
{
	enum { SHOWN = 40 };
	size_t i, n = json_array_size(all);
	const json_t *v;

	if (n)
		buf_adds(out, "what the rules can see in a usual window:\n");
	json_array_foreach(all, i, v) {
		double smallest = json_get_num(v, "smallest_shift", 0), limit = json_get_num(v, "threshold", NAN);
		bool share = !strcmp(json_get_str(v, "smallest_shift_in", ""), "share");

		if (i == SHOWN) {
			buf_addf(out, "  and %zu more (--json)\n", n - i);
			return;
		}
		buf_addf(out, "  %s: %s of %s: ", json_get_str(v, "stream", ""), json_get_str(v, "rule", ""),
			 json_get_str(v, "field", ""));
		if (strcmp(json_get_str(v, "state", ""), reading_state_names[READING_KNOWN]) != 0)
			buf_adds(out, json_get_str(v, "state", ""));
		else
			buf_addf(out, "limit %.4g", limit);
		if (smallest > 0)
			buf_addf(out, ", which a shift of %.3g %s reaches (%lld values)", share ? 100 * smallest : smallest,
				 share ? "points of share" : "standard deviations", (long long)json_get_int(v, "values", 0));
		buf_adds(out, "\n");
	}
}

// What the configuration names is loaded too, as `kdrift run` would. Whether all of it is good.
static bool check_files(const struct config *c, struct config_problems *p, json_t **reach)
{
	struct baseline **baselines = xcalloc(c->nstreams + 1, sizeof *baselines);
	size_t before = p->n;

	check_properties(c, p);
	for (size_t i = 0; i < c->nstreams; i++) {
		const struct stream_conf *s = &c->streams[i];
		struct error err = ERROR_INIT;

		baselines[i] = stream_baseline_load(c, s, &err);
		for (size_t k = 0; baselines[i] && k < s->nslice_baselines && !err.set; k++)
			baseline_free(slice_baseline_load(c, s, k, baselines[i], &err));
		if (err.set)
			add_error(p, c->path, s->line, "stream ", s->name, err.text);
		error_clear(&err);
		schema_file_free(s->schema ? schema_file_load(s->schema, s->json ? SCHEMA_JSON : SCHEMA_AVRO, &err) : NULL);
		if (err.set)
			add_error(p, c->path, s->line, "stream ", s->name, err.text);
		error_clear(&err);
		contract_free(s->contract_schema ? contract_load(s->contract_schema, &err) : NULL);
		if (err.set)
			add_error(p, c->path, s->line, "stream ", s->name, err.text);
	}
	if (p->n == before)
		baselines_check(c, baselines, add_rule, p);
	bool good = p->n == before;
	if (good)
		*reach = check_reach(c, baselines, p);
	for (size_t i = 0; i < c->nstreams; i++)
		baseline_free(baselines[i]);
	free(baselines);
	return good;
}

static int run(struct cli_args *a)
{
	struct config_problems problems = {0};
	struct config *c = config_load(cli_str(a, "config"), &problems);
	struct buf out = BUF_INIT;

	json_t *reach = NULL;

	if (c && !check_files(c, &problems, &reach)) {
		config_free(c);
		c = NULL;
	}
	if (cli_flag(a, "json")) {
		json_t *v = report_json(c, &problems);
		if (reach)
			json_object_set(v, "reach", reach);
		char *text = json_pretty(v);
		buf_addf(&out, "%s\n", text);
		free(text);
		json_decref(v);
	} else {
		problems_text(&problems, &out);
		report_text(c, &problems, &out);
		say_reach(reach, &out);
	}
	json_decref(reach);
	fputs(out.data, stdout);
	int rc = c && fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
	buf_release(&out);
	config_problems_release(&problems);
	config_free(c);
	return rc;
}

const struct command cmd_check = {
    .name = "check",
    .summary = "reports every mistake in the configuration, with file, line and mend",
    .usage = "kdrift check [--config FILE] [--json]",
    .options = options,
    .run = run,
    .about = "Reads the configuration, the rules, the receivers, baselines and contracts, connects to "
	     "nothing, and exits 0 if `kdrift run` "
	     "would accept them. Warnings do not fail the check.",
};
