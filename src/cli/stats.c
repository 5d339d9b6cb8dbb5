// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/adapters.h"
#include "app/model.h"
#include "app/stats.h"
#include "cli/cli.h"
#include "util/log.h"

static void print_field(const char *path, const json_t *f)
{
	const json_t *top = json_object_get(f, "top");
	const bool redacted = json_is_true(json_object_get(f, "redacted"));

	printf("  %-32s %-12s %12" PRId64 " %10" PRId64, path, json_get_str(f, "type", ""), json_get_int(f, "count", 0),
	       json_get_int(f, "missing", 0));
	if (json_is_number(json_object_get(f, "mean")))
		printf("  mean %.6g  stddev %.6g  min %.6g  max %.6g", json_get_num(f, "mean", 0), json_get_num(f, "stddev", 0),
		       json_get_num(f, "min", 0), json_get_num(f, "max", 0));
	for (size_t i = 0; i < json_array_size(top) && i < 4; i++)
		printf("  %s %" PRId64, json_string_value(json_array_get(json_array_get(top, i), 0)),
		       (int64_t)json_integer_value(json_array_get(json_array_get(top, i), 1)));
	printf("%s\n", redacted ? "  redacted" : "");
}

static void print_text(const json_t *v)
{
	const int64_t records = json_get_int(v, "records", 0), violating = json_get_int(v, "violating_records", 0);
	const int64_t opaque = json_get_int(v, "opaque", 0), unsupported = json_get_int(v, "unsupported", 0);
	const char *key;
	json_t *x;

	printf("%s  %s to %s\n", json_get_str(v, "stream", ""), json_get_str(v, "from", ""), json_get_str(v, "to", ""));
	printf("records %" PRId64 " = valid %" PRId64 " + violating %" PRId64 " + opaque %" PRId64 " + unsupported %" PRId64 "\n",
	       records, records - violating - opaque - unsupported, violating, opaque, unsupported);
	printf("besides: late %" PRId64 "  tombstones %" PRId64 "\n", json_get_int(v, "late", 0), json_get_int(v, "tombstones", 0));
	json_object_foreach(json_object_get(v, "violations"), key, x)
		printf("  violation %-22s %12" PRId64 "\n", key, (int64_t)json_integer_value(x));
	json_object_foreach(json_object_get(v, "rules"), key, x)
		printf("  of rule   %-22s %12" PRId64 "\n", key, (int64_t)json_integer_value(x));
	json_object_foreach(json_object_get(v, "schemas"), key, x)
		printf("  schema id %-22s %12" PRId64 "\n", key, (int64_t)json_integer_value(x));
	printf("  %-32s %-12s %12s %10s\n", "field", "type", "count", "missing");
	json_object_foreach(json_object_get(v, "fields"), key, x)
		print_field(key, x);
}

static int merge(struct store *s, const char *stream, const struct stream_conf *c, const struct baseline *b, int64_t from,
		 int64_t to, const char *slice, struct pane **out, struct error *err)
{
	const struct judge_port port = judge_port_of(s);

	return judge_merge_range(&port, stream, time_floor(from, c->pane_ms),
				 time_floor(to + c->pane_ms - 1, c->pane_ms), slice, b, out, err);
}

static int run(struct cli_args *args)
{
	struct error err = ERROR_INIT;
	int64_t from = cli_ms(args, "from", 0), to = cli_ms(args, "to", 0);

	if (to <= from)
		return cli_usage(args, "--to must lie after --from");
	log_set_level(LOG_ERROR);
	struct model *m = model_load(cli_str(args, "config"), false, &err);
	if (!m)
		return cli_fail(args, &err);
	const char *stream = cli_str(args, "stream");
	const struct stream_conf *c = config_stream_of(m->config, stream);
	struct store *s = NULL;
	struct pane *p = NULL;
	int rc = EXIT_FAILED;
	if (!c)
		error_set(&err, "no stream %s in %s", stream, m->config->path);
	else if ((s = store_of(m->config, &err)) &&
		 !merge(s, stream, c, m->baselines[c - m->config->streams], from, to, cli_str(args, "slice"), &p, &err)) {
		json_t *v = stats_json(stream, time_floor(from, c->pane_ms), time_floor(to + c->pane_ms - 1, c->pane_ms), p,
				       c->redact, c->nredact);
		if (cli_flag(args, "json")) {
			char *text = json_pretty(v);
			puts(text);
			free(text);
		} else {
			print_text(v);
		}
		json_decref(v);
		rc = EXIT_OK;
	}
	pane_free(p);
	store_free(s);
	model_free(m);
	return rc == EXIT_OK ? rc : cli_fail(args, &err);
}

static const struct option_def options[] = {
	OPTION_CONFIG,
	{.name = "stream", .kind = OPTION_STRING, .arg = "NAME", .help = "the stream; NAME/TYPE where it has record types", .required = true},
	{.name = "from", .kind = OPTION_TIME, .arg = "TIME", .help = "event time, inclusive; rounded down to a pane",
	 .required = true},
	{.name = "to", .kind = OPTION_TIME, .arg = "TIME", .help = "event time, exclusive; rounded up to a pane", .required = true},
	{.name = "slice", .kind = OPTION_STRING, .arg = "K=V", .help = "only this slice (K=V,K2=V2 in the order of slice_by)"},
	{.name = "json", .kind = OPTION_FLAG, .help = "print JSON"},
	OPTIONS_END,
};

const struct command cmd_stats = {
	.name = "stats", .summary = "the merged statistics of an interval of event time",
	.usage = "kdrift stats --config C --stream S --from T --to T [--slice K=V] [--json]", .options = options, .run = run,
	.about = "Reads the store only. Times are RFC 3339 or unix milliseconds; the answer names the interval that was used.",
};
