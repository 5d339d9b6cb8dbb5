// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/adapters.h"
#include "app/expected.h"
#include "app/outcome_diff.h"
#include "app/row_files.h"
#include "app/topic_merge.h"
#include "cli/backtest.h"
#include "cli/backtest_gate.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "http/http.h"
#include "schema/registry.h"
#include "util/log.h"
#include "util/xalloc.h"

enum { CURRENT, CHANGED, SIDES };

struct side { // one set of rules
	struct model *model;
	struct outcome outcome;
	struct timelines timelines;
	struct backtest_gates *gates; // NULL: of the other side
	bool keeps;                   // its timelines are looked at
	struct backtest *run;
};

struct testing {
	const struct cli_args *args;
	struct side sides[SIDES];
	struct backtest_gates gates;
	size_t nsides;
	struct row_file *paths;
	size_t npaths;
	struct row_files *files;
	struct expected *expected;
	struct registry *registry;
	struct collect_port schemas;
	uint64_t records;
	struct progress progress;
};

// STREAM=F. 0 or EXIT_USAGE.
static int file_args(struct testing *t)
{
	const char *const *texts = cli_strs(t->args, "file", &t->npaths);

	t->paths = xcalloc(t->npaths + 1, sizeof *t->paths);
	for (size_t i = 0; i < t->npaths; i++) {
		const char *eq = strchr(texts[i], '=');
		if (!eq || eq == texts[i] || !eq[1])
			return cli_usage(t->args, "--file %s: write STREAM=FILE", texts[i]);
		t->paths[i] = (struct row_file){xstrndup(texts[i], (size_t)(eq - texts[i])), eq + 1};
	}
	return 0;
}

static void on_verdict(void *ctx, const struct judge_verdict *v)
{
	struct side *s = ctx;

	if (s->keeps)
		timelines_add(&s->timelines, v);
	if (s->gates)
		backtest_gates_see(s->gates, v);
}

static int open_side(struct testing *t, const char *alerts, struct error *err)
{
	struct side *s = &t->sides[t->nsides];
	struct config *c = cli_config_with_alerts(t->args, alerts);

	if (!c)
		return error_set(err, "the configuration has errors");
	t->nsides++;
	timelines_init(&s->timelines);
	s->keeps = cli_given(t->args, "alerts") || cli_given(t->args, "html");
	s->model = model_of(c, true, err);
	if (!s->model || outcome_init(&s->outcome, err))
		return -1;
	s->outcome.also = on_verdict;
	s->outcome.ctx = s;
	return 0;
}

static int open_sides(struct testing *t, struct error *err)
{
	const char *alerts = cli_str(t->args, "alerts");

	if (open_side(t, NULL, err) || (alerts && open_side(t, alerts, err)))
		return -1;
	t->sides[t->nsides - 1].gates = &t->gates;
	return 0;
}

static void start_side(struct testing *t, struct side *s)
{
	struct backtest_conf conf = {.model = s->model, .sink = outcome_sink(&s->outcome), .replay = outcome_replay(&s->outcome)};

	if (t->registry) {
		conf.schemas = &t->schemas;
		conf.bounded = true;
		conf.from = cli_ms(t->args, "from", INT64_MIN);
		conf.to = cli_ms(t->args, "to", INT64_MAX);
	}
	if (t->expected) {
		conf.replay.least = expected_least;
		conf.replay.least_ctx = t->expected;
	}
	if (t->files)
		row_files_bind(t->files, s->model);
	s->run = backtest_new(&conf);
}

// The first time through: how many records windows usually have.
static int count_rows(struct testing *t, struct error *err)
{
	const struct config *c = t->sides[0].model->config;
	struct row_files *files = row_files_open(c, t->paths, t->npaths, err);
	struct file_record r;
	uint64_t rows = 0;
	int got = -1;

	t->expected = expected_new();
	while (files && (got = row_files_next(files, &r, err)) > 0) {
		expected_add(t->expected, c->streams[r.stream].name, c->streams[r.stream].slide_ms, r.event_ms);
		if (++rows % 4096 == 0)
			progress_show(&t->progress, row_files_progress(files) / 3, rows);
	}
	if (files && *row_files_unused(files))
		fprintf(stderr, "kdrift backtest: columns that the schema does not have are not judged: %s\n",
			row_files_unused(files));
	row_files_free(files);
	return got;
}

static int replay_rows(struct testing *t, struct error *err)
{
	size_t *parts[SIDES] = {NULL, NULL}, all = t->sides[0].model->config->nstreams * t->npaths;
	struct file_record r;
	uint64_t rows = 0;
	int got, rc = 0;

	for (size_t k = 0; k < t->nsides; k++) {
		parts[k] = xmalloc(all * sizeof **parts);
		for (size_t i = 0; i < all; i++)
			parts[k][i] = SIZE_MAX;
	}
	while (!rc && (got = row_files_next(t->files, &r, err)) > 0) {
		size_t at = r.stream * t->npaths + (size_t)r.file;
		bool enough;
		for (size_t k = 0; k < t->nsides && !rc; k++) {
			if (parts[k][at] == SIZE_MAX)
				parts[k][at] = backtest_part(t->sides[k].run, r.message.topic, r.file, 0, r.stream);
			rc = backtest_record(t->sides[k].run, parts[k][at], &r.message, &enough, err);
		}
		if (++rows % 4096 == 0)
			progress_show(&t->progress, (1 + 2 * row_files_progress(t->files)) / 3, rows);
	}
	for (size_t k = 0; k < t->nsides; k++)
		free(parts[k]);
	return rc || got ? -1 : 0;
}

static int replay_files(struct testing *t, struct error *err)
{
	if (count_rows(t, err) || !(t->files = row_files_open(t->sides[0].model->config, t->paths, t->npaths, err)))
		return -1;
	for (size_t k = 0; k < t->nsides; k++)
		start_side(t, &t->sides[k]);
	return replay_rows(t, err);
}

// --- a range of the topics: a partition has the same number on each side ------------------------------------

static void on_part(void *ctx, size_t part, const char *topic, int32_t partition, int64_t offset, bool before)
{
	struct testing *t = ctx;

	for (size_t k = 0; k < t->nsides; k++) {
		backtest_part(t->sides[k].run, topic, partition, offset, SIZE_MAX);
		if (before)
			backtest_before(t->sides[k].run, part);
	}
}

static bool on_when(void *ctx, size_t part, const struct message *m, int64_t *ms)
{
	return backtest_when(((struct testing *)ctx)->sides[0].run, part, m, ms);
}

static int on_record(void *ctx, size_t part, const struct message *m, bool *enough, struct error *err)
{
	struct testing *t = ctx;

	t->records++;
	for (size_t k = 0; k < t->nsides; k++)
		if (backtest_record(t->sides[k].run, part, m, enough, err))
			return -1;
	return 0;
}

static void on_end(void *ctx, size_t part, bool beyond)
{
	struct testing *t = ctx;

	for (size_t k = 0; beyond && k < t->nsides; k++)
		backtest_beyond(t->sides[k].run, part);
}

static void on_share(void *ctx, double share)
{
	struct testing *t = ctx;

	progress_show(&t->progress, share, t->records);
}

static const char *on_trouble(void *ctx)
{
	static struct registry_stats stats;

	registry_stats(((struct testing *)ctx)->registry, &stats);
	return stats.last_error;
}

static int replay_topics(struct testing *t, struct error *err)
{
	const struct config *c = t->sides[0].model->config;
	const struct registry_conf conf = registry_conf_of(c);
	const struct topic_merge want = {.config = c, .from = cli_ms(t->args, "from", INT64_MIN), .to = cli_ms(t->args, "to", INT64_MAX),
					 .ctx = t, .part = on_part, .when = on_when, .record = on_record, .end = on_end,
					 .progress = on_share, .trouble = on_trouble};

	if (http_global_init(err) || !(t->registry = registry_new(&conf, err)))
		return -1;
	t->schemas = registry_port_of(t->registry);
	for (size_t k = 0; k < t->nsides; k++)
		start_side(t, &t->sides[k]);
	return topics_merge(&want, err);
}

static int replay(struct testing *t, struct error *err)
{
	progress_begin(&t->progress);
	int rc = t->npaths ? replay_files(t, err) : replay_topics(t, err);
	for (size_t k = 0; k < t->nsides && !rc; k++)
		rc = backtest_finish(t->sides[k].run, err);
	progress_end(&t->progress);
	return rc;
}

static int write_page(const struct testing *t, const struct side *s, const json_t *diff, struct error *err)
{
	const char *path = cli_str(t->args, "html");
	char *page = backtest_html(&s->outcome, s->run, &s->timelines, diff, s->model->config->alerts_dir);
	struct buf text = {page, strlen(page), 0};
	int rc = buf_write_file(&text, path) ? error_set(err, "%s cannot be written: %s", path, strerror(errno)) : 0;

	free(page);
	return rc;
}

static int tell(struct testing *t, struct error *err)
{
	struct side *s = &t->sides[t->nsides - 1];
	json_t *diff = NULL;
	int rc = 0;

	if (s > t->sides)
		diff = outcome_diff(&(struct outcome_side){&t->sides[0].outcome, &t->sides[0].timelines},
				    &(struct outcome_side){&s->outcome, &s->timelines});
	if (cli_given(t->args, "html"))
		rc = write_page(t, s, diff, err);
	if (!rc && !cli_flag(t->args, "json")) {
		outcome_print(&s->outcome, s->run, stdout);
		if (diff)
			diff_print(diff, stdout);
	} else if (!rc) {
		char *text = json_text(diff ? diff : json_null());
		rc = outcome_write(&s->outcome, s->run, stdout, err);
		printf(diff ? ",\n\"diff\":%s}\n" : "}\n", text);
		free(text);
	}
	json_decref(diff);
	if (!rc && fflush(stdout))
		rc = error_set(err, "write the answer: %s", strerror(errno));
	return rc;
}

static int run(struct cli_args *args)
{
	struct error err = ERROR_INIT;
	struct testing t = {.args = args};

	bool range = cli_given(args, "from") || cli_given(args, "to");

	if (cli_given(args, "file") == range)
		return cli_usage(args, "give --from and --to for a range of the topics, or --file STREAM=FILE for files");
	if (cli_ms(args, "from", INT64_MIN) >= cli_ms(args, "to", INT64_MAX))
		return cli_usage(args, "--to must lie after --from");
	if (file_args(&t))
		return EXIT_USAGE;
	if (backtest_gates_read(&t.gates, args)) {
		backtest_gates_release(&t.gates);
		return EXIT_USAGE;
	}
	log_set_level(LOG_ERROR);
	int rc = open_sides(&t, &err) || replay(&t, &err) || tell(&t, &err);
	size_t broken = rc ? 0 : backtest_gates_judge(&t.gates, &t.sides[t.nsides - 1].outcome);
	for (size_t k = 0; k < t.nsides; k++) {
		backtest_free(t.sides[k].run);
		outcome_release(&t.sides[k].outcome);
		timelines_release(&t.sides[k].timelines);
		model_free(t.sides[k].model);
	}
	registry_free(t.registry);
	row_files_free(t.files);
	expected_free(t.expected);
	for (size_t i = 0; i < t.npaths; i++)
		free((char *)(uintptr_t)t.paths[i].stream);
	free(t.paths);
	backtest_gates_release(&t.gates);
	return rc ? cli_fail(args, &err) : broken ? EXIT_FAILED : EXIT_OK;
}

static const struct option_def options[] = {
    OPTION_CONFIG,
    {.name = "from", .kind = OPTION_TIME, .arg = "TIME", .help = "the range of the topics, in event time"},
    {.name = "to", .kind = OPTION_TIME, .arg = "TIME", .help = "its end"},
    {.name = "file",
     .kind = OPTION_STRING,
     .arg = "STREAM=FILE",
     .repeated = true,
     .help = "rows of the stream, in their event time: .csv, .jsonl, .ndjson or .avro"},
    {.name = "alerts", .kind = OPTION_STRING, .arg = "DIR",
     .help = "other rules than the configuration's, and what they say otherwise"},
    {.name = "json", .kind = OPTION_FLAG, .help = "print JSON"},
    {.name = "html", .kind = OPTION_STRING, .arg = "FILE", .help = "write a page with pictures, too"},
    {.name = "fail-on", .kind = OPTION_STRING, .arg = "CONDITION", .repeated = true,
     .help = "exit with 1 where a window's reading meets it, 'psi>0.2', 'amount:ks>=0.1', or a tier's pages do, "
	     "'immediate>0'; several with commas"},
    OPTIONS_END,
};

const struct command cmd_backtest = {
    .name = "backtest",
    .summary = "what the rules would have said of past data, tier by tier",
    .usage = "kdrift backtest --config FILE (--from TIME --to TIME | --file STREAM=FILE...) [--alerts DIR] [--json] "
	     "[--html FILE] [--fail-on CONDITION]",
    .options = options,
    .run = run,
    .about = "Reads past data again in event time, through the same code as `kdrift run`, and tells what each tier would have "
	     "sent. Nothing is sent or stored.",
};
