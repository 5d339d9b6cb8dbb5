// SPDX-License-Identifier: Apache-2.0
#include "app/model.h"

#include <stdlib.h>
#include <string.h>

#include "app/baselines.h"
#include "app/contracts.h"
#include "schema/file.h"
#include "util/log.h"
#include "util/xalloc.h"

static int load_baseline(struct model *m, size_t i, struct error *err)
{
	const struct stream_conf *c = &m->config->streams[i];

	if (!c->baseline)
		return 0;
	m->baselines[i] = stream_baseline_load(m->config, c, err);
	if (!m->baselines[i])
		return error_prefix(err, "stream %s", c->name);
	m->files[i] = realpath(c->baseline, NULL);
	m->slices[i] = xcalloc(c->nslice_baselines + 1, sizeof *m->slices[i]);
	for (size_t k = 0; k < c->nslice_baselines; k++) {
		m->slices[i][k] = (struct slice_reference){c->slice_baselines[k].slice,
							   slice_baseline_load(m->config, c, k, m->baselines[i], err),
							   realpath(c->slice_baselines[k].path, NULL)};
		if (!m->slices[i][k].baseline)
			return error_prefix(err, "stream %s: slice %s", c->name, c->slice_baselines[k].slice);
	}
	return 0;
}

static void refuse(void *ctx, const struct rule *r, const char *text)
{
	error_set(ctx, "%s:%d: %s", r->file, r->line, text);
}

static int load_contract(struct model *m, size_t i, struct error *err)
{
	const struct stream_conf *c = &m->config->streams[i];

	if (!c->contract_schema)
		return 0;
	m->contracts[i] = contract_load(c->contract_schema, err);
	return m->contracts[i] ? 0 : error_prefix(err, "stream %s: contract %s", c->name, c->contract_schema);
}

static int load_schemas(struct model *m, size_t i, struct error *err)
{
	const struct stream_conf *c = &m->config->streams[i];

	if (c->schema && !(m->schemas[i] = schema_file_load(c->schema, c->json ? SCHEMA_JSON : SCHEMA_AVRO, err)))
		return error_prefix(err, "stream %s", c->name);
	if (c->key_schema && !(m->key_schemas[i] = schema_file_load(c->key_schema, c->key_format == KEY_JSON ? SCHEMA_JSON : SCHEMA_AVRO, err)))
		return error_prefix(err, "stream %s: key", c->name);
	return 0;
}

// The configured fields that are judged even in a window where none of them came, and those to be ignored.
static size_t name_fields(struct model *m, size_t i)
{
	const struct stream_conf *c = &m->config->streams[i];
	size_t n = 0;

	m->named[i] = xcalloc(c->nfields + 1, sizeof *m->named[i]);
	for (size_t k = 0; k < c->nfields; k++) {
		const struct field_conf *f = &c->fields[k];
		if (f->type == FIELD_TYPES)
			continue;
		m->named[i][n++] = (struct field_def){.path = f->path, .type = f->type};
	}
	return n;
}

static void judge_view(struct model *m, size_t i, bool clock_is_watermark)
{
	const struct stream_conf *c = &m->config->streams[i];

	m->judge_streams[i] = (struct judge_stream){
		.name = c->name, .topic = c->topic, .role = role_names[c->role], .owner = c->owner,
		.window_ms = c->window_ms, .slide_ms = c->slide_ms, .lateness_ms = c->lateness_ms, .pane_ms = c->pane_ms,
		.retention_ms = config_retention_ms(m->config, c), .max_slices = c->max_slices,
		.by_record = c->by_record, .baseline = m->baselines[i], .baseline_file = m->files[i], .previous_ms = c->baseline_previous_ms,
		.slices = m->slices[i], .nslices = c->nslice_baselines, .fields = m->named[i], .nfields = name_fields(m, i),
	};
	m->judge_streams[i].fields = m->named[i];
	// What is registered has no event time, so where that is the clock it cannot be judged.
	m->judge_streams[i].contract = !clock_is_watermark && contract_watched(c);
}

static void judge_conf(struct model *m, bool clock_is_watermark)
{
	const struct config *c = m->config;

	m->judge = (struct judge_conf){.streams = m->judge_streams, .nstreams = c->nstreams, .rules = c->rules,
				       .nrules = c->nrules, .clock_is_watermark = clock_is_watermark,
				       .config_path = c->path};
	for (int t = 0; t < TIERS; t++) {
		m->judge.routes[t] = (const char *const *)c->routes[t];
		m->judge.nroutes[t] = c->nroutes[t];
		const struct digest_conf *d = &c->digests[t];
		m->judge.digests[t] = (struct digest_schedule){t != TIER_IMMEDIATE, d->weekday, d->hour, d->minute,
							       d->timezone ? d->timezone : "UTC"};
	}
}

struct model *model_load(const char *path, bool clock_is_watermark, struct error *err)
{
	struct config_problems problems = {0};
	struct config *c = config_load(path, &problems);
	size_t errors = 0;

	for (size_t i = 0; i < problems.n; i++) {
		const struct config_problem *p = &problems.items[i];
		log_at(p->warning ? LOG_WARN : LOG_ERROR, "config", "%s:%d: %s", p->file, p->line, p->text);
		errors += !p->warning;
		if (!p->warning)
			error_set(err, "%s:%d: %s", p->file, p->line, p->text);
	}
	config_problems_release(&problems);
	if (c)
		return model_of(c, clock_is_watermark, err);
	if (errors > 1)
		error_prefix(err, "%zu errors in the configuration (kdrift check lists them), the first", errors);
	return NULL;
}

struct model *model_of(struct config *c, bool clock_is_watermark, struct error *err)
{
	struct model *m = xcalloc(1, sizeof *m);
	size_t n = c->nstreams;

	m->config = c;
	m->baselines = xcalloc(n + 1, sizeof *m->baselines);
	m->before = xcalloc(n + 1, sizeof *m->before);
	m->files = xcalloc(n + 1, sizeof *m->files);
	m->slices = xcalloc(n + 1, sizeof *m->slices);
	m->contracts = xcalloc(n + 1, sizeof *m->contracts);
	m->schemas = xcalloc(n + 1, sizeof *m->schemas);
	m->key_schemas = xcalloc(n + 1, sizeof *m->key_schemas);
	m->named = xcalloc(n + 1, sizeof *m->named);
	m->collect_streams = xcalloc(n + 1, sizeof *m->collect_streams);
	m->judge_streams = xcalloc(n + 1, sizeof *m->judge_streams);
	for (size_t i = 0; i < n; i++) {
		if (load_baseline(m, i, err) || load_contract(m, i, err) || load_schemas(m, i, err)) {
			model_free(m);
			return NULL;
		}
		m->collect_streams[i] = (struct collect_stream){&m->config->streams[i], m->baselines[i], m->contracts[i],
								m->schemas[i], m->key_schemas[i]};
		judge_view(m, i, clock_is_watermark);
	}
	struct error grids = ERROR_INIT;
	baselines_check(m->config, m->baselines, refuse, &grids);
	if (grids.set) {
		error_set(err, "%s", grids.text);
		model_free(m);
		return NULL;
	}
	m->collect = (struct collect_conf){m->config, m->collect_streams, n};
	judge_conf(m, clock_is_watermark);
	return m;
}

void model_rest(const struct model *m)
{
	for (size_t i = 0; i < m->config->nstreams; i++) {
		baseline_rest(m->baselines[i]);
		baseline_rest(m->before[i]);
		for (size_t k = 0; m->slices[i] && m->slices[i][k].slice; k++)
			baseline_rest(m->slices[i][k].baseline);
	}
}

void model_free(struct model *m)
{
	if (!m)
		return;
	for (size_t i = 0; m->config && m->baselines && i < m->config->nstreams; i++) {
		baseline_free(m->baselines[i]);
		baseline_free(m->before[i]);
		free(m->files[i]);
		for (size_t k = 0; m->slices[i] && m->slices[i][k].slice; k++) {
			baseline_free((struct baseline *)(uintptr_t)m->slices[i][k].baseline);
			free((char *)(uintptr_t)m->slices[i][k].file);
		}
		free(m->slices[i]);
		contract_free(m->contracts[i]);
		schema_file_free(m->schemas[i]);
		schema_file_free(m->key_schemas[i]);
		free(m->named[i]);
	}
	free(m->baselines);
	free(m->slices);
	free(m->before);
	free(m->files);
	free(m->contracts);
	free(m->schemas);
	free(m->key_schemas);
	free(m->named);
	free(m->collect_streams);
	free(m->judge_streams);
	config_free(m->config);
	free(m);
}
