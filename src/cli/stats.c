// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/adapters.h"
#include "app/model.h"
#include "app/stats.h"
#include "cli/cli.h"
#include "cli/gate.h"
#include "judge/interval.h"
#include "judge/readings.h"
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

// --- gates --------------------------------------------------------------------------------------------

struct looked {
	const struct stream_conf *conf;
	const struct judge_stream *stream;
	const char *slice;         // "": all records
	int64_t from, to;
	struct pane *pane;
	struct interval *interval; // what gates ask; NULL: there are none
};

static bool judge_field(const struct gate *g, const struct looked *v, const struct field_def *def)
{
	struct measure_value x = interval_value(v->interval, g->measure, def, v->slice, gate_limit_p(g));

	// Of a gate on all fields, those of another type are none of its business.
	bool other = x.state == READING_NOT_APPLICABLE && !g->field;
	return gate_broken(g, "stats", def ? def->path : "", x.value, other ? NULL : reading_state_names[x.state]);
}

// How many are broken.
static size_t judge(const struct gates *gates, const struct looked *v)
{
	const struct merged window = {.from = v->from, .to = v->to, .total = {.pane = v->pane}};
	struct field_list fields;
	size_t n = 0;

	field_list_fill(&fields, v->stream, &window);
	for (size_t i = 0; i < gates->n; i++) {
		const struct gate *g = &gates->items[i];
		bool found = false;

		if (!(g->measure->scope & MEASURE_FIELD)) {
			n += g->field ? gate_broken(g, "stats", g->field, NAN, "it is of the whole stream") : judge_field(g, v, NULL);
			continue;
		}
		for (size_t k = 0; k < fields.n; k++) {
			if (g->field && strcmp(g->field, fields.items[k].path) != 0)
				continue;
			found = true;
			n += judge_field(g, v, &fields.items[k]);
		}
		if (!found)
			n += gate_broken(g, "stats", g->field ? g->field : "", NAN, g->field ? "no such field" : "there is no field");
	}
	field_list_release(&fields);
	return n;
}

static void print(const struct cli_args *args, const char *stream, const struct looked *v)
{
	json_t *o = stats_json(stream, v->from, v->to, v->pane, v->conf->redact, v->conf->nredact);

	if (cli_flag(args, "json")) {
		char *text = json_pretty(o);
		puts(text);
		free(text);
	} else {
		print_text(o);
	}
	fflush(stdout);
	json_decref(o);
}

static int look(const struct cli_args *args, const struct model *m, const struct gates *gates, struct error *err)
{
	const char *stream = cli_str(args, "stream");
	struct looked v = {.conf = config_stream_of(m->config, stream), .slice = cli_given(args, "slice") ? cli_str(args, "slice") : ""};
	struct store *s;

	if (!v.conf) {
		error_set(err, "no stream %s in %s", stream, m->config->path);
		return cli_fail(args, err);
	}
	v.stream = &m->judge_streams[v.conf - m->config->streams];
	v.from = time_floor(cli_ms(args, "from", 0), v.conf->pane_ms);
	v.to = time_floor(cli_ms(args, "to", 0) + v.conf->pane_ms - 1, v.conf->pane_ms);
	if (!(s = store_of(m->config, err)))
		return cli_fail(args, err);
	const struct judge_port port = judge_port_of(s);
	struct stored_range range = {v.from, v.to, v.conf->pane_ms};
	int rc = judge_merge_range(&port, stream, &range, cli_str(args, "slice"), v.stream->baseline, &v.pane, err);
	v.from = range.from;
	v.to = range.to;
	if (!rc && gates->n)
		rc = (v.interval = interval_open(&port, v.stream, v.from, v.to, err)) ? 0 : -1;
	if (rc) {
		pane_free(v.pane);
		store_free(s);
		return cli_fail(args, err);
	}
	print(args, stream, &v);
	rc = judge(gates, &v) ? EXIT_FAILED : EXIT_OK;
	interval_free(v.interval);
	store_free(s);
	pane_free(v.pane);
	return rc;
}

static int run(struct cli_args *args)
{
	struct error err = ERROR_INIT;
	struct gates gates;

	if (cli_ms(args, "to", 0) <= cli_ms(args, "from", 0))
		return cli_usage(args, "--to must lie after --from");
	int rc = gates_read(&gates, args, gate_of_pane);
	if (rc == EXIT_OK) {
		log_set_level(LOG_ERROR);
		struct model *m = model_load(cli_str(args, "config"), false, &err);
		rc = m ? look(args, m, &gates, &err) : cli_fail(args, &err);
		model_free(m);
	}
	gates_release(&gates);
	return rc;
}

static const struct option_def options[] = {
	OPTION_CONFIG,
	{.name = "stream", .kind = OPTION_STRING, .arg = "NAME", .help = "the stream; NAME/TYPE where it has record types", .required = true},
	{.name = "from", .kind = OPTION_TIME, .arg = "TIME", .help = "event time, inclusive; rounded down to a pane",
	 .required = true},
	{.name = "to", .kind = OPTION_TIME, .arg = "TIME", .help = "event time, exclusive; rounded up to a pane", .required = true},
	{.name = "slice", .kind = OPTION_STRING, .arg = "K=V", .help = "only this slice (K=V,K2=V2 in the order of slice_by)"},
	{.name = "json", .kind = OPTION_FLAG, .help = "print JSON"},
	{.name = "fail-on", .kind = OPTION_STRING, .arg = "CONDITION", .repeated = true,
	 .help = "exit with 1 where it is broken, or cannot be judged: 'violation_ratio>0.01', 'amount:ks>=0.1', several with commas"},
	OPTIONS_END,
};

const struct command cmd_stats = {
	.name = "stats", .summary = "the merged statistics of an interval of event time",
	.usage = "kdrift stats --config C --stream S --from T --to T [--slice K=V] [--json] [--fail-on CONDITION]", .options = options, .run = run,
	.about = "Reads the store only. Times are RFC 3339 or unix milliseconds; the answer names the interval that was used. "
		 "--fail-on compares with the stream's baseline (the slice's own, where it has one; the same interval earlier, where the "
		 "baseline is {previous: ...}), as its rules do.",
};
