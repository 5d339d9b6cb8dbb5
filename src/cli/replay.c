// SPDX-License-Identifier: Apache-2.0
#include "cli/replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	bool range = cli_given(args, "from") || cli_given(args, "to") || cli_flag(args, "from-store");

	r->args = args;
	if (cli_given(args, "file") == range)
		return cli_usage(args, "give --from and --to for a range of the topics, --from-store for stored panes, or "
				       "--file STREAM=FILE for files");
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

	if (!t->files) {
		conf.schemas = t->registry ? &t->schemas : NULL;
		conf.panes = t->panes ? &t->panes_port : NULL;
		conf.types = t->panes ? &t->types_port : NULL;
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

// --- panes of the store -------------------------------------------------------------------------------

static void on_head(void *ctx, double share, uint64_t records)
{
	struct replay *t = ctx;

	t->records = records;
	progress_show(&t->progress, share / 3, records);
}

static int open_panes(struct replay *t, struct error *err)
{
	struct model *m = t->sides[0].model;

	if (!(t->store = store_of(m->config, err)))
		return -1;
	t->store_port = judge_port_of(t->store);
	t->collecting = (struct collect_ctx){.store = t->store};
	t->types_port = collect_port_of(&t->collecting);
	if (types_look(m, &t->types_port, NULL, &t->types, err))
		return -1;
	const struct judge_conf *c = t->types ? &t->types->conf : &m->judge;
	const struct stored_panes_conf want = {.port = &t->store_port, .streams = c->streams, .nstreams = c->nstreams,
					       .from = cli_ms(t->args, "from", INT64_MIN), .to = cli_ms(t->args, "to", INT64_MAX),
					       .ctx = t, .progress = on_head};
	if (!(t->panes = stored_panes_open(&want, err)))
		return -1;
	t->panes_port = stored_panes_port(t->panes);
	return 0;
}

// What is known of records when they are counted is not asked again.
static void tell_unjudged(const struct config *c)
{
	struct buf names = BUF_INIT;

	for (size_t i = 0; i < c->nstreams; i++)
		if (c->streams[i].nfields || c->streams[i].nrules || c->streams[i].contract_schema)
			buf_addf(&names, "%s%s", names.len ? ", " : "", c->streams[i].name);
	if (names.len)
		fprintf(stderr,
			"kdrift: panes hold violations as the rules on records (fields:, rules:, contract) had them when they were counted; what "
			"these say now is not judged of: %s\n",
			names.data);
	buf_release(&names);
}

static int check_width(const struct replay *t, const struct model *m, struct error *err)
{
	for (size_t i = 0; i < m->config->nstreams; i++)
		if (stored_panes_spread(t->panes, i) > m->config->streams[i].pane_ms)
			return error_set(err, "stream %s has panes wider than the %.15g s that these rules need; give rules multiples of the "
					      "former lengths, or a later --from", m->config->streams[i].name,
					 (double)m->config->streams[i].pane_ms / 1000);
	return 0;
}

static int replay_panes(struct replay *t, struct error *err)
{
	int64_t from, to, ms;
	size_t stream;

	if (open_panes(t, err))
		return -1;
	for (size_t k = 0; k < t->nsides; k++)
		if (check_width(t, t->sides[k].model, err))
			return -1;
	tell_unjudged(t->sides[0].model->config);
	uint64_t records = stored_panes_records(t->panes, &from, &to);
	for (size_t k = 0; k < t->nsides; k++) {
		start_side(t, &t->sides[k]);
		backtest_counted(t->sides[k].run, records, from, to);
	}
	while (stored_panes_next(t->panes, &stream, &ms)) {
		for (size_t k = 0; k < t->nsides; k++)
			if (backtest_reach(t->sides[k].run, stream, ms, err))
				return -1;
		progress_show(&t->progress, (1 + 2 * stored_panes_share(t->panes)) / 3, records);
	}
	return 0;
}

int replay_run(struct replay *t, struct error *err)
{
	progress_begin(&t->progress);
	int rc = t->npaths ? replay_files(t, err) : cli_flag(t->args, "from-store") ? replay_panes(t, err) : replay_topics(t, err);
	for (size_t k = 0; k < t->nsides && !rc; k++)
		rc = backtest_finish(t->sides[k].run, err);
	if (!rc && t->panes)
		rc = stored_panes_check(t->panes, err);
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
	stored_panes_free(r->panes);
	types_free(r->types);
	store_free(r->store);
	row_files_free(r->files);
	expected_free(r->expected);
	for (size_t i = 0; i < r->npaths; i++)
		free((char *)(uintptr_t)r->paths[i].stream);
	free(r->paths);
}
