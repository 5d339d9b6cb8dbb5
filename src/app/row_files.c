// SPDX-License-Identifier: Apache-2.0
#include "app/row_files.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "app/row_schema.h"
#include "files/encode.h"
#include "schema/file.h"
#include "util/xalloc.h"

struct input {
	struct rows *rows;
	struct encoder *encoder;
	size_t stream;
	int32_t file;
	int time_column;
	int64_t offset;
	bool any;                  // a record is at hand
	int64_t event_ms;
	struct buf value;
};

struct row_files {
	const struct config *config;
	struct input *inputs;
	size_t n;
	struct registry_schema **schemas; // by stream; NULL: it has no file
	size_t nstreams;
	bool *made;                // of the columns, so that every row fits
	bool *plain;               // lines are records: there is no schema, or the stream's own
	struct input *last;        // whose record was told
	struct buf unused;
};

void row_files_free(struct row_files *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n; i++) {
		encoder_free(r->inputs[i].encoder);
		rows_free(r->inputs[i].rows);
		buf_release(&r->inputs[i].value);
	}
	for (size_t i = 0; i < r->nstreams; i++)
		schema_file_free(r->schemas[i]);
	free(r->schemas);
	free(r->made);
	free(r->plain);
	free(r->inputs);
	buf_release(&r->unused);
	free(r);
}

static int open_input(struct row_files *r, const struct row_file *f, struct error *err)
{
	const struct config *c = r->config;
	const struct stream_conf *s = config_stream(c, f->stream);
	struct input *in = &r->inputs[r->n++];

	if (!s)
		return error_set(err, "no stream %s in %s", f->stream, c->path);
	if (!s->event_time)
		return error_set(err, "stream %s has no event_time, so the rows of %s have no time", s->name, f->path);
	in->stream = (size_t)(s - c->streams);
	for (size_t i = 0; i + 1 < r->n; i++)
		in->file += !strcmp(c->streams[r->inputs[i].stream].topic, s->topic);
	in->rows = rows_open(f->path, err);
	if (!in->rows)
		return -1;
	in->time_column = rows_find(in->rows, s->event_time);
	if (in->time_column < 0)
		return error_set(err, "%s has no column %s, the event_time of stream %s", f->path, s->event_time, s->name);
	return 0;
}

static int make_schema(struct row_files *r, size_t stream, struct error *err)
{
	const struct stream_conf *s = &r->config->streams[stream];
	const struct rows **rows = xcalloc(r->n, sizeof *rows);
	const char *named = s->schema && !s->json ? s->schema : s->contract_schema;
	size_t n = 0;

	r->plain[stream] = s->json;
	for (size_t i = 0; i < r->n; i++) {
		if (r->inputs[i].stream != stream)
			continue;
		rows[n++] = r->inputs[i].rows;
		r->plain[stream] &= rows_are_json(r->inputs[i].rows);
	}
	if (r->plain[stream]) {
		free(rows);
		return 0;
	}
	r->made[stream] = !named;
	if (n && named)
		r->schemas[stream] = schema_file_load(named, SCHEMA_AVRO, err);
	else if (n)
		r->schemas[stream] = row_schema_make(s, rows, n, err);
	free(rows);
	return n && !r->schemas[stream] ? error_prefix(err, "stream %s", s->name) : 0;
}

static int open_encoder(struct row_files *r, struct input *in, struct error *err)
{
	if (r->plain[in->stream])
		return 0;
	const struct schema_text *t = &r->schemas[in->stream]->schema;
	in->encoder = encoder_new(t->text, t->len, in->rows, err);
	if (!in->encoder)
		return error_prefix(err, "stream %s", r->config->streams[in->stream].name);
	encoder_redact(in->encoder, r->config->streams[in->stream].redact, r->config->streams[in->stream].nredact);
	if (*encoder_unused(in->encoder) && !r->made[in->stream])
		buf_addf(&r->unused, "%s%s of %s", r->unused.len ? "; " : "", encoder_unused(in->encoder), rows_path(in->rows));
	return 0;
}

// Encodes the input's next row.
static int advance(struct row_files *r, struct input *in, struct error *err)
{
	const struct row *row;
	int got = rows_next(in->rows, &row, err);

	in->any = got > 0;
	if (got <= 0)
		return got;
	const struct cell *at = row_cell(row, in->time_column);
	if (!at || (in->encoder ? encoder_time(in->encoder, at, &in->event_ms) : cell_time(in->rows, at, &in->event_ms))) {
		const struct stream_conf *stream = &r->config->streams[in->stream];
		const char *path = rows_column(in->rows, (size_t)in->time_column)->path;
		bool hidden = path_redacted(path, stream->redact, stream->nredact);
		return error_set(err, "%s:%" PRIu64 ": column %s: %s%.60s%s; the stream's event_time is RFC 3339 or unix milliseconds",
				 rows_path(in->rows), row->line, path, at ? "\"" : "",
				 !at ? "missing" : hidden ? "(redacted)" : at->text, at ? "\" is no time" : "");
	}
	struct error unfit = ERROR_INIT;
	in->offset++;
	buf_clear(&in->value);
	if (!in->encoder)
		buf_add(&in->value, row->text, row->len);
	else if (encoder_row(in->encoder, row, &in->value, &unfit) && r->made[in->stream])
		return error_set(err, "%s", unfit.text);
	return 0;
}

struct row_files *row_files_open(const struct config *c, const struct row_file *files, size_t n, struct error *err)
{
	struct row_files *r = xcalloc(1, sizeof *r);
	int rc = 0;

	r->config = c;
	r->nstreams = c->nstreams;
	r->inputs = xcalloc(n + 1, sizeof *r->inputs);
	r->schemas = xcalloc(c->nstreams + 1, sizeof *r->schemas);
	r->made = xcalloc(c->nstreams + 1, sizeof *r->made);
	r->plain = xcalloc(c->nstreams + 1, sizeof *r->plain);
	buf_adds(&r->unused, "");
	for (size_t i = 0; i < n && !rc; i++)
		rc = open_input(r, &files[i], err);
	for (size_t i = 0; i < c->nstreams && !rc; i++)
		rc = make_schema(r, i, err);
	for (size_t i = 0; i < r->n && !rc; i++) {
		r->inputs[i].offset = -1;
		rc = open_encoder(r, &r->inputs[i], err) || advance(r, &r->inputs[i], err) ? -1 : 0;
	}
	if (rc) {
		row_files_free(r);
		return NULL;
	}
	return r;
}

void row_files_bind(const struct row_files *r, struct model *m)
{
	for (size_t i = 0; i < m->config->nstreams; i++) {
		struct stream_conf *s = &m->config->streams[i];
		if (!r->plain[i])
			m->collect_streams[i].schema = r->schemas[i];
		if (r->made[i])
			m->collect_streams[i].contract = NULL;
		s->json = r->plain[i];
		s->has_key = s->by_record = s->is_regex = false;
		s->framing = FRAMING_NONE;
		free(s->record);
		s->record = NULL;
		m->judge_streams[i].by_record = false;
	}
}

int row_files_next(struct row_files *r, struct file_record *out, struct error *err)
{
	struct input *in = NULL;

	if (r->last && advance(r, r->last, err))
		return -1;
	for (size_t i = 0; i < r->n; i++)
		if (r->inputs[i].any && (!in || r->inputs[i].event_ms < in->event_ms))
			in = &r->inputs[i];
	r->last = in;
	if (!in)
		return 0;
	*out = (struct file_record){.stream = in->stream, .file = in->file, .event_ms = in->event_ms};
	out->message = (struct message){.kind = MESSAGE_RECORD, .topic = r->config->streams[in->stream].topic,
					.partition = in->file, .offset = in->offset, .time = {in->event_ms},
					.value = (const uint8_t *)(in->value.data ? in->value.data : ""), .len = in->value.len};
	return 1;
}

double row_files_progress(const struct row_files *r)
{
	double sum = 0;

	for (size_t i = 0; i < r->n; i++)
		sum += r->inputs[i].any ? rows_progress(r->inputs[i].rows) : 1;
	return r->n ? sum / (double)r->n : 1;
}

const char *row_files_unused(const struct row_files *r)
{
	return r->unused.data;
}
