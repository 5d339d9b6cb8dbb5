// SPDX-License-Identifier: Apache-2.0
#include "cli/replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/adapters.h"
#include "app/topic_merge.h"
#include "http/http.h"
#include "schema/registry.h"
#include "util/xalloc.h"

// STREAM=F. 0 or EXIT_USAGE.
static int file_args(struct replay *t)
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

int replay_args(struct replay *r, const struct cli_args *args)
{
	bool range = cli_given(args, "from") || cli_given(args, "to");

	r->args = args;
	if (cli_given(args, "file") == range)
		return cli_usage(args, "give --from and --to for a range of the topics, or --file STREAM=FILE for files");
	if (cli_ms(args, "from", INT64_MIN) >= cli_ms(args, "to", INT64_MAX))
		return cli_usage(args, "--to must lie after --from");
	return file_args(r);
}

int replay_open(struct replay *r, const char *alerts, void (*see)(void *ctx, const struct judge_verdict *v), void *ctx,
		struct error *err)
{
	struct replay_side *s = &r->sides[r->nsides];
	struct config *c = cli_config_with_alerts(r->args, alerts);

	if (!c)
		return error_set(err, "the configuration has errors");
	r->nsides++;
	timelines_init(&s->timelines);
	s->model = model_of(c, true, err);
	if (!s->model || outcome_init(&s->outcome, err))
		return -1;
	s->outcome.also = see;
	s->outcome.ctx = ctx;
	return 0;
}

static void start_side(struct replay *t, struct replay_side *s)
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
	conf.replay.open_windows = t->open_windows;
	if (t->files)
		row_files_bind(t->files, s->model);
	s->run = backtest_new(&conf);
}

// The first time through: how many records windows usually have.
static int count_rows(struct replay *t, struct error *err)
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
		fprintf(stderr, "kdrift: columns that the schema does not have are not judged: %s\n",
			row_files_unused(files));
	row_files_free(files);
	return got;
}

static int replay_rows(struct replay *t, struct error *err)
{
	size_t *parts[REPLAY_SIDES] = {NULL, NULL}, all = t->sides[0].model->config->nstreams * t->npaths;
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

static int replay_files(struct replay *t, struct error *err)
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
	struct replay *t = ctx;

	for (size_t k = 0; k < t->nsides; k++) {
		backtest_part(t->sides[k].run, topic, partition, offset, SIZE_MAX);
		if (before)
			backtest_before(t->sides[k].run, part);
	}
}

static bool on_when(void *ctx, size_t part, const struct message *m, int64_t *ms)
{
	return backtest_when(((struct replay *)ctx)->sides[0].run, part, m, ms);
}

static int on_record(void *ctx, size_t part, const struct message *m, bool *enough, struct error *err)
{
	struct replay *t = ctx;

	t->records++;
	for (size_t k = 0; k < t->nsides; k++)
		if (backtest_record(t->sides[k].run, part, m, enough, err))
			return -1;
	return 0;
}

static void on_end(void *ctx, size_t part, bool beyond)
{
	struct replay *t = ctx;

	for (size_t k = 0; beyond && k < t->nsides; k++)
		backtest_beyond(t->sides[k].run, part);
}

static void on_share(void *ctx, double share)
{
	struct replay *t = ctx;

	progress_show(&t->progress, share, t->records);
}

static const char *on_trouble(void *ctx)
{
	static struct registry_stats stats;

	registry_stats(((struct replay *)ctx)->registry, &stats);
	return stats.last_error;
}

static int replay_topics(struct replay *t, struct error *err)
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

int replay_run(struct replay *t, struct error *err)
{
	progress_begin(&t->progress);
	int rc = t->npaths ? replay_files(t, err) : replay_topics(t, err);
	for (size_t k = 0; k < t->nsides && !rc; k++)
		rc = backtest_finish(t->sides[k].run, err);
	progress_end(&t->progress);
	return rc;
}

void replay_release(struct replay *r)
{
	for (size_t k = 0; k < r->nsides; k++) {
		backtest_free(r->sides[k].run);
		outcome_release(&r->sides[k].outcome);
		timelines_release(&r->sides[k].timelines);
		model_free(r->sides[k].model);
	}
	registry_free(r->registry);
	row_files_free(r->files);
	expected_free(r->expected);
	for (size_t i = 0; i < r->npaths; i++)
		free((char *)(uintptr_t)r->paths[i].stream);
	free(r->paths);
}
