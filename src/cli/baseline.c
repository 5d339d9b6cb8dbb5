// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/adapters.h"
#include "app/range_faults.h"
#include "app/store_range.h"
#include "app/topic_range.h"
#include "cli/baseline.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "cli/row_rules.h"
#include "drift/baseline.h"
#include "files/rows.h"
#include "http/http.h"
#include "util/map.h"
#include "util/xalloc.h"

struct making {
	const struct stream_conf *stream;
	struct baseline_builder *builder;
	struct map contract; // path -> type + 1, as the stream's contract types it
	struct progress progress;
	uint64_t rows;
	struct range_faults faults; // of the files' rows
	json_t *files; // provenance
};

// The contract tells a code of digits from a number, which a CSV file cannot.
static int read_contract(struct making *m, struct error *err)
{
	const struct plan_options opt = {.event_time = m->stream->event_time, .all_fields = true};
	const char *path = m->stream->contract_schema;
	struct buf text = BUF_INIT;
	struct plan *plan = NULL;

	if (!path)
		return 0;
	if (buf_read_file(&text, path, 1 << 20) < 0) {
		error_set(err, "contract %s cannot be read", path);
	} else {
		struct schema_text schema = schema_text_avro(text.data, text.len);
		if (!(plan = plan_compile(&schema, &opt, err)))
			error_prefix(err, "contract %s", path);
	}
	for (size_t i = 0; plan && i < plan_slots(plan); i++) {
		const struct plan_slot *s = plan_slot(plan, i);
		map_puts(&m->contract, s->path, (void *)(intptr_t)(s->type + 1));
	}
	buf_release(&text);
	int rc = plan ? 0 : -1;
	plan_free(plan);
	return rc;
}

// What a column counts as; FIELD_NONE: not at all.
static enum field_type type_of(const struct making *m, const struct column *c)
{
	const struct stream_conf *s = m->stream;
	intptr_t by_contract = (intptr_t)map_gets(&m->contract, c->path);

	if (s->event_time && !strcmp(c->path, s->event_time))
		return FIELD_NONE;
	enum field_type type = by_contract ? (enum field_type)(by_contract - 1) : c->type;
	for (size_t i = 0; i < s->nfields; i++)
		if (!strcmp(s->fields[i].path, c->path) && s->fields[i].type != FIELD_TYPES)
			type = s->fields[i].type;
	// As a plan does.
	return type == FIELD_CATEGORICAL && path_redacted(c->path, s->redact, s->nredact) ? FIELD_TEXT : type;
}

// 0, or -1 where the cell is not of that type.
static int add_cell(struct making *m, const struct rows *r, enum field_type type, const struct cell *c)
{
	const struct column *column = rows_column(r, c->column);
	double x = c->number;
	int64_t ms;

	switch (type) {
	case FIELD_NUMERIC:
		if ((column->type != FIELD_NUMERIC || c->other) && number_parse(c->text, c->len, &x))
			return -1;
		baseline_builder_number(m->builder, column->path, type, x);
		return 0;
	case FIELD_TIME:
		if (cell_time(r, c, &ms))
			return -1;
		baseline_builder_number(m->builder, column->path, type, (double)ms);
		return 0;
	case FIELD_BOOLEAN:
		if (strcmp(c->text, "true") && strcmp(c->text, "false"))
			return -1;
		baseline_builder_text(m->builder, column->path, type, c->text, c->len);
		return 0;
	case FIELD_CATEGORICAL:
	case FIELD_TEXT:
		baseline_builder_text(m->builder, column->path, type, c->text, c->len);
		return 0;
	default:
		return 0;
	}
}

static int add_row(struct making *m, const struct rows *r, const enum field_type *types, int time_column,
		   const struct row *row, struct error *err)
{
	const struct cell *at = row_cell(row, time_column);
	int64_t ms = 0;

	if (time_column >= 0 && (!at || cell_time(r, at, &ms)))
		return error_set(err,
				 "%s:%" PRIu64
				 ": column %s: %s%.60s%s; the stream's event_time is RFC 3339 or unix "
				 "milliseconds",
				 rows_path(r), row->line, m->stream->event_time, at ? "\"" : "",
				 at ? at->text : "missing", at ? "\" is no time" : "");
	baseline_builder_row(m->builder, ms, -1);
	m->rows++;
	for (size_t i = 0; i < row->ncells; i++) {
		const struct cell *c = &row->cells[i];
		if (add_cell(m, r, types[c->column], c)) {
			const char *path = rows_column(r, c->column)->path;
			bool hidden = path_redacted(path, m->stream->redact, m->stream->nredact);
			return error_set(err, "%s:%" PRIu64 ": column %s: \"%.60s\" is not %s, as stream %s has it", rows_path(r),
					 row->line, path, hidden ? "(redacted)" : c->text, field_type_name(types[c->column]),
					 m->stream->name);
		}
	}
	return 0;
}

static int add_rows(struct making *m, struct rows *r, bool timed, struct error *err)
{
	enum field_type *types = xcalloc(rows_columns(r) + 1, sizeof *types);
	int time_column = timed ? rows_find(r, m->stream->event_time) : -1, got;
	struct row_rules *rules = row_rules_new(m->stream, r, err);
	const struct row *row;
	uint64_t before = m->rows;
	char hash[65];

	for (size_t i = 0; i < rows_columns(r); i++)
		types[i] = type_of(m, rows_column(r, i));
	got = rules ? 0 : -1;
	while (!got && (got = rows_next(r, &row, err)) > 0 && !(got = add_row(m, r, types, time_column, row, err))) {
		row_rules_judge(rules, row, types, &m->faults);
		if (m->rows % 4096 == 0)
			progress_show(&m->progress, rows_progress(r), m->rows);
	}
	row_rules_free(rules);
	free(types);
	if (got || file_sha256(rows_path(r), hash, err))
		return -1;
	json_array_append_new(m->files, json_pack("{s:o,s:s,s:I}", "path", json_str(rows_path(r)), "sha256",
						  hash, "rows", (json_int_t)(m->rows - before)));
	return 0;
}

static void add_unjudged(struct buf *b, const char *path, const char *name)
{
	buf_addf(b, "%s%s%s%s", b->len ? ", " : "", path ? path : "", path ? "." : "", name);
}

// By name: they look at several fields, at records before or at a clock.
static void tell_unjudged(const struct stream_conf *s)
{
	struct buf names = BUF_INIT;

	for (size_t i = 0; i < s->nfields; i++) {
		const struct field_conf *f = &s->fields[i];
		if (f->unique_ms)
			add_unjudged(&names, f->path, "unique");
		if (f->monotonic)
			add_unjudged(&names, f->path, "monotonic");
		if (f->freshness_ms)
			add_unjudged(&names, f->path, "freshness");
		if (f->required_if)
			add_unjudged(&names, f->path, "required_if");
	}
	for (size_t i = 0; i < s->nrules; i++)
		add_unjudged(&names, NULL, s->rules[i].name);
	if (names.len)
		fprintf(stderr,
			"kdrift baseline: of files these rules are not judged, since they look at other fields, at records before or at a "
			"clock: %s; kdrift backtest --file judges them\n",
			names.data);
	buf_release(&names);
}

// Rows have event time only where every file has its column.
static int from_files(struct making *m, const char *const *paths, size_t n, bool allow_violations, json_t **provenance,
		      struct error *err)
{
	struct rows **files = xcalloc(n, sizeof *files);
	bool timed = m->stream->event_time != NULL;
	int rc = 0;

	for (size_t i = 0; i < n && !rc; i++) {
		files[i] = rows_open(paths[i], err);
		rc = files[i] ? 0 : -1;
		if (!rc && timed && rows_find(files[i], m->stream->event_time) < 0) {
			fprintf(stderr,
				"kdrift baseline: %s has no column %s, the stream's event_time: the baseline "
				"has no "
				"history in time\n",
				paths[i], m->stream->event_time);
			timed = false;
		}
	}
	if (!rc && !allow_violations)
		tell_unjudged(m->stream);
	m->builder = baseline_builder_new(m->stream->name, timed);
	for (size_t i = 0; i < n && !rc; i++)
		rc = add_rows(m, files[i], timed, err);
	for (size_t i = 0; i < n; i++)
		rows_free(files[i]);
	free(files);
	if (!rc && !allow_violations)
		rc = range_faults_judge(&m->faults, err);
	if (!rc)
		*provenance = json_pack("{s:s,s:O,s:I,s:[],s:o}", "source", "files", "files", m->files, "records",
					(json_int_t)m->rows, "schema_ids", "violations", range_faults_json(&m->faults));
	return rc;
}

static void on_record(void *ctx, int64_t event_ms, int32_t schema_id)
{
	struct making *m = ctx;

	baseline_builder_row(m->builder, event_ms, schema_id);
	m->rows++;
}

static void on_value(void *ctx, const char *path, enum field_type type, const struct value *v)
{
	struct making *m = ctx;

	if (type == FIELD_NUMERIC && v->kind == VALUE_NUMBER)
		baseline_builder_number(m->builder, path, type, v->num);
	else if (type == FIELD_TIME && (v->kind == VALUE_TIME || v->kind == VALUE_NUMBER))
		baseline_builder_number(m->builder, path, type, v->kind == VALUE_TIME ? (double)v->ms : v->num);
	else if (type == FIELD_VECTOR && v->kind == VALUE_VECTOR)
		baseline_builder_vector(m->builder, path, v->vector, v->len);
	else if ((type == FIELD_CATEGORICAL || type == FIELD_TEXT) && v->kind == VALUE_STRING)
		baseline_builder_text(m->builder, path, type, v->str, v->len);
	else if (type == FIELD_BOOLEAN && v->kind == VALUE_BOOL)
		baseline_builder_text(m->builder, path, type, v->num != 0 ? "true" : "false", v->num != 0 ? 4 : 5);
}

static void on_progress(void *ctx, double share)
{
	struct making *m = ctx;

	progress_show(&m->progress, share, m->rows);
}

static int from_topic(struct making *m, const struct config *c, const struct cli_args *args,
		      json_t **provenance, struct error *err)
{
	const struct topic_range want = {.config = c,
					 .stream = m->stream,
					 .from = cli_ms(args, "from", INT64_MIN),
					 .to = cli_ms(args, "to", INT64_MAX),
					 .allow_violations = cli_flag(args, "allow-violations"),
					 .ctx = m,
					 .record = on_record,
					 .value = on_value,
					 .progress = on_progress};

	m->builder = baseline_builder_new(m->stream->name, true);
	if (http_global_init(err) || topic_range_read(&want, provenance, err))
		return -1;
	json_object_set_new(*provenance, "source", json_string("topic"));
	if (cli_given(args, "from"))
		json_object_set_new(*provenance, "from", json_time(want.from));
	if (cli_given(args, "to"))
		json_object_set_new(*provenance, "to", json_time(want.to));
	return 0;
}

static void on_panes(void *ctx, double share, uint64_t records)
{
	struct making *m = ctx;

	m->rows = records;
	progress_show(&m->progress, share, records);
}

static struct baseline *from_store(struct making *m, const struct config *c, const struct cli_args *args, struct error *err)
{
	struct store *s = store_of(c, err);

	if (!s)
		return NULL;
	const struct judge_port port = judge_port_of(s);
	const struct store_range want = {.port = &port,
					 .stream = m->stream,
					 .from = cli_ms(args, "from", INT64_MIN),
					 .to = cli_ms(args, "to", INT64_MAX),
					 .slice = cli_str(args, "slice"),
					 .allow_violations = cli_flag(args, "allow-violations"),
					 .ctx = m,
					 .progress = on_panes};
	struct baseline *b = store_range_baseline(&want, err);
	store_free(s);
	return b;
}

// Of rows: from files or from the topic.
static struct baseline *from_rows(struct making *m, const struct config *c, const struct cli_args *args, struct error *err)
{
	json_t *provenance = NULL;
	size_t n;
	const char *const *files = cli_strs(args, "file", &n);

	if (n ? from_files(m, files, n, cli_flag(args, "allow-violations"), &provenance, err)
	      : from_topic(m, c, args, &provenance, err))
		return NULL;
	struct baseline *b = baseline_builder_finish(m->builder, provenance, err);
	m->builder = NULL;
	return b;
}

static int make(struct making *m, const struct config *c, const struct cli_args *args, struct error *err)
{
	const char *out = cli_str(args, "out");

	progress_begin(&m->progress);
	struct baseline *b = cli_flag(args, "from-store") ? from_store(m, c, args, err) : from_rows(m, c, args, err);
	progress_end(&m->progress);
	if (!b)
		return -1;
	json_object_set_new(b->provenance, "kdrift", json_string(KDRIFT_VERSION));
	int rc = baseline_save(b, out, err);
	if (!rc)
		printf("%s: stream %s, %" PRIu64 " records, %zu fields, baseline %.12s\n", out,
		       m->stream->name, m->rows, b->nfields, b->hash);
	baseline_free(b);
	return rc;
}

static int run(struct cli_args *args)
{
	struct error err = ERROR_INIT;
	static const char *const needed[] = {"stream", "out"};
	struct making m = {0};
	bool store = cli_flag(args, "from-store");

	if (cli_words(args))
		return baseline_diff(args);
	for (size_t i = 0; i < ARRAY_LEN(needed); i++)
		if (!cli_given(args, needed[i]))
			return cli_usage(args, "--%s is missing", needed[i]);
	if (cli_given(args, "fail-on") || cli_flag(args, "json"))
		return cli_usage(args, "--fail-on and --json are for kdrift baseline diff A B");
	if (cli_given(args, "file") && store)
		return cli_usage(args, "--file stands beside --from-store; give one of the two");
	if (cli_given(args, "slice") && !store)
		return cli_usage(args, "--slice chooses from the store; give --from-store, too");
	if (cli_given(args, "file") && (cli_given(args, "from") || cli_given(args, "to")))
		return cli_usage(args, "--file reads whole files; --from and --to choose from the topic or the store");
	if (cli_ms(args, "from", INT64_MIN) >= cli_ms(args, "to", INT64_MAX))
		return cli_usage(args, "--to must lie after --from");
	struct config *c = cli_config_before_baseline(args);
	if (!c)
		return EXIT_FAILED;
	map_init(&m.contract);
	m.files = json_array();
	m.stream = config_stream_of(c, cli_str(args, "stream"));
	int rc = -1;
	if (!m.stream)
		error_set(&err, "no stream %s in %s", cli_str(args, "stream"), c->path);
	else if (m.stream->by_record)
		error_set(&err, "stream %s has several record types, each a sub-stream; give the one that is to have a baseline a "
				"stream of its own with record", m.stream->name);
	else if (!read_contract(&m, &err))
		rc = make(&m, c, args, &err);
	baseline_builder_free(m.builder);
	map_release(&m.contract, NULL);
	json_decref(m.files);
	config_free(c);
	return rc ? cli_fail(args, &err) : EXIT_OK;
}

static const struct option_def options[] = {
    OPTION_CONFIG,
    {.name = "stream", .kind = OPTION_STRING, .arg = "NAME", .help = "the stream; needed to make one"},
    {.name = "from",
     .kind = OPTION_TIME,
     .arg = "TIME",
     .help = "from the topic or the store: inclusive; default its start"},
    {.name = "to",
     .kind = OPTION_TIME,
     .arg = "TIME",
     .help = "from the topic or the store: exclusive; default its present end"},
    {.name = "file",
     .kind = OPTION_STRING,
     .arg = "FILE",
     .repeated = true,
     .help = "from files instead: .csv, .jsonl, .ndjson or .avro"},
    {.name = "from-store",
     .kind = OPTION_FLAG,
     .help = "from the panes that kdrift run has stored: last week was good"},
    {.name = "slice", .kind = OPTION_STRING, .arg = "K=V", .help = "with --from-store: only this slice (K=V,K2=V2 in the order of slice_by)"},
    {.name = "allow-violations",
     .kind = OPTION_FLAG,
     .help = "take the range or the files although records in them break rules"},
    {.name = "out", .kind = OPTION_STRING, .arg = "FILE", .help = "the baseline to write; needed to make one"},
    {.name = "json", .kind = OPTION_FLAG, .help = "with diff: print JSON"},
    {.name = "fail-on",
     .kind = OPTION_STRING,
     .arg = "CONDITION",
     .repeated = true,
     .help = "with diff: exit with 1 where B breaks it beside A, or it cannot be judged: 'ks>0.1', 'amount:missing_ratio>0.05'"},
    OPTIONS_END,
};

const struct command cmd_baseline = {
    .name = "baseline",
    .summary = "freezes a good period, or training data, as what a stream is compared with",
    .usage = "kdrift baseline --config C --stream S [--from T --to T [--from-store] | --file F...] --out B.json\n"
	     "       kdrift baseline diff A.json B.json [--json] [--fail-on CONDITION]",
    .options = options,
    .max_words = 3,
    .run = run,
    .about = "Times are the stream's: its event_time, else the Kafka timestamp. Reading a topic commits "
	     "nothing and joins "
	     "no group. In files a column counts as the stream's `fields:` say, else as its contract does, "
	     "else as its "
	     "cells look; the event_time column is not judged, and of arrays and maps each element counts.",
};
