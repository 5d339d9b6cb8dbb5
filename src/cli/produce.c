// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/adapters.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "files/encode.h"
#include "http/http.h"
#include "kafka/producer.h"
#include "schema/registry.h"
#include "util/xalloc.h"

enum { FLUSH_MS = 300000 };

struct producing {
	const struct cli_args *args;
	struct config *config; // NULL: --brokers and --registry say it all
	struct rows *rows;
	struct encoder *encoder;
	char **redact;         // paths, of the streams that read the topic; borrowed, but for the list
	size_t nredact;
	struct producer *producer;
	int32_t schema_id;
	int time_column, key_column;
	uint64_t sent;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int sig)
{
	interrupted = sig;
}

static int column_of(const struct producing *p, const char *option, int *column, struct error *err)
{
	const char *name = cli_str(p->args, option);

	*column = name ? rows_find(p->rows, name) : -1;
	if (name && *column < 0)
		return error_set(err, "--%s %s: %s has no such column", option, name, rows_path(p->rows));
	return 0;
}

static void read_redactions(struct producing *p)
{
	for (size_t i = 0; p->config && i < p->config->nstreams; i++) {
		const struct stream_conf *s = &p->config->streams[i];
		if (!s->nredact || !config_stream_reads(s, cli_str(p->args, "topic")))
			continue;
		p->redact = xrealloc(p->redact, (p->nredact + s->nredact) * sizeof *p->redact);
		memcpy(p->redact + p->nredact, s->redact, s->nredact * sizeof *s->redact);
		p->nredact += s->nredact;
	}
}

static int open_file(struct producing *p, struct buf *schema, struct error *err)
{
	const char *path = cli_str(p->args, "schema");

	p->rows = rows_open(cli_str(p->args, "file"), err);
	if (!p->rows || column_of(p, "time-field", &p->time_column, err) ||
	    column_of(p, "key", &p->key_column, err))
		return -1;
	if (buf_read_file(schema, path, 1 << 20) < 0)
		return error_set(err, "schema %s cannot be read", path);
	p->encoder = encoder_new(schema->data ? schema->data : "", schema->len, p->rows, err);
	if (!p->encoder)
		return error_prefix(err, "%s", path);
	read_redactions(p);
	encoder_redact(p->encoder, p->redact, p->nredact);
	if (*encoder_unused(p->encoder))
		fprintf(stderr, "kdrift produce: columns that the schema does not have are left out: %s\n",
			encoder_unused(p->encoder));
	return 0;
}

static int register_schema(struct producing *p, const char *schema, struct error *err)
{
	const struct config *c = p->config;
	char *one[] = {xstrdup(cli_str(p->args, "registry"))};
	struct registry_conf conf = {.urls = one, .nurls = 1, .timeout_ms = 10000};
	const char *subject = cli_str(p->args, "subject");
	char *name = subject ? xstrdup(subject) : xasprintf("%s-value", cli_str(p->args, "topic"));

	if (!one[0])
		conf = registry_conf_of(c);
	struct registry *r = registry_new(&conf, err);
	p->schema_id = r ? registry_register(r, name, schema, err) : -1;
	registry_free(r);
	free(one[0]);
	free(name);
	return p->schema_id < 0 ? -1 : 0;
}

static int open_producer(struct producing *p, struct error *err)
{
	size_t n = p->config ? p->config->nkafka : 0;
	struct kafka_property *props = xcalloc(n + 1, sizeof *props);
	const char *brokers = cli_str(p->args, "brokers");

	for (size_t i = 0; i < n; i++)
		props[i] = (struct kafka_property){p->config->kafka[i].name, p->config->kafka[i].value};
	props[n] =
	    (struct kafka_property){"bootstrap.servers", brokers ? brokers : p->config->bootstrap_servers};
	p->producer = producer_new(props, n + 1, err);
	free(props);
	return p->producer ? 0 : -1;
}

static int send_row(struct producing *p, const struct row *row, struct buf *value, struct error *err)
{
	const struct cell *at = row_cell(row, p->time_column), *key = row_cell(row, p->key_column);
	struct producer_message m = {.topic = cli_str(p->args, "topic"), .partition = -1};

	buf_clear(value);
	buf_u8(value, 0);
	for (int shift = 24; shift >= 0; shift -= 8)
		buf_u8(value, (uint8_t)((uint32_t)p->schema_id >> shift));
	if (encoder_row(p->encoder, row, value, err))
		return -1;
	if (p->time_column >= 0 && (!at || encoder_time(p->encoder, at, &m.time.ms) || m.time.ms < 0)) {
		const char *path = cli_str(p->args, "time-field");
		const char *text = !at ? "missing" : path_redacted(path, p->redact, p->nredact) ? "(redacted)" : at->text;
		return error_set(err,
				 "%s:%" PRIu64
				 ": column %s: %s%.60s%s; the Kafka timestamp wants RFC 3339 or unix "
				 "milliseconds from 1970 on",
				 rows_path(p->rows), row->line, path, at ? "\"" : "", text, at ? "\" is none" : "");
	}
	if (key) {
		m.key = key->text;
		m.key_len = key->len;
	}
	m.value = value->data;
	m.len = value->len;
	return producer_send(p->producer, &m, err);
}

static void pace(struct mono_time start, uint64_t sent, double rate)
{
	int64_t wait = (int64_t)((double)sent / rate * 1000) - mono_ms_since(start);

	if (wait > 0)
		nanosleep(&(struct timespec){wait / 1000, wait % 1000 * 1000000}, NULL);
}

static int send_rows(struct producing *p, struct error *err)
{
	struct mono_time start = mono_now();
	double rate = cli_num(p->args, "rate", 0);
	struct buf value = BUF_INIT;
	struct progress progress;
	const struct row *row;
	int got = 0;

	progress_begin(&progress);
	while (!interrupted && (got = rows_next(p->rows, &row, err)) > 0 &&
	       !(got = send_row(p, row, &value, err))) {
		p->sent++;
		progress_show(&progress, rows_progress(p->rows), p->sent);
		if (rate > 0)
			pace(start, p->sent, rate);
	}
	progress_end(&progress);
	buf_release(&value);
	if (interrupted)
		got = error_set(err, "interrupted");
	return got;
}

static int produce(struct producing *p, struct error *err)
{
	struct buf schema = BUF_INIT;
	int rc = http_global_init(err) || open_file(p, &schema, err) ||
		 register_schema(p, schema.data, err) || open_producer(p, err);

	buf_release(&schema);
	if (rc)
		return -1;
	struct error flushed = ERROR_INIT;
	rc = send_rows(p, err);
	// What was sent before an error is there: wait for it, so that the count is true.
	if (producer_flush(p->producer, FLUSH_MS, &flushed))
		rc = error_set(err, "%s", flushed.text);
	if (rc)
		return error_prefix(err, "stopped after %" PRIu64 " of the records are in topic %s",
				    producer_delivered(p->producer), cli_str(p->args, "topic"));
	printf("%" PRIu64 " records produced to topic %s with schema id %" PRId32 "\n",
	       producer_delivered(p->producer), cli_str(p->args, "topic"), p->schema_id);
	return 0;
}

static int run(struct cli_args *args)
{
	struct producing p = {.args = args};
	struct error err = ERROR_INIT;
	struct sigaction sa = {.sa_handler = on_signal};

	if (cli_given(args, "rate") && cli_num(args, "rate", 0) <= 0)
		return cli_usage(args, "--rate must be above 0");
	if (!cli_str(args, "brokers") || !cli_str(args, "registry")) {
		p.config = cli_config(args);
		if (!p.config)
			return EXIT_FAILED;
	}
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	int rc = produce(&p, &err);
	producer_free(p.producer);
	encoder_free(p.encoder);
	free(p.redact);
	rows_free(p.rows);
	config_free(p.config);
	return rc ? cli_fail(args, &err) : EXIT_OK;
}

static const struct option_def options[] = {
    {.name = "topic", .kind = OPTION_STRING, .arg = "NAME", .help = "the topic", .required = true},
    {.name = "schema",
     .kind = OPTION_STRING,
     .arg = "FILE",
     .help = "the Avro schema (.avsc) of the records",
     .required = true},
    {.name = "file",
     .kind = OPTION_STRING,
     .arg = "FILE",
     .help = "the rows: .csv, .jsonl, .ndjson or .avro",
     .required = true},
    {.name = "rate", .kind = OPTION_NUMBER, .arg = "N", .help = "records per second at most"},
    {.name = "time-field",
     .kind = OPTION_STRING,
     .arg = "COLUMN",
     .help = "the column that becomes the Kafka timestamp"},
    {.name = "key",
     .kind = OPTION_STRING,
     .arg = "COLUMN",
     .help = "the column that becomes the key, as text"},
    {.name = "subject",
     .kind = OPTION_STRING,
     .arg = "NAME",
     .help = "where to register the schema; default TOPIC-value"},
    {.name = "brokers",
     .kind = OPTION_STRING,
     .arg = "HOST:PORT,...",
     .help = "the cluster; default as configured"},
    {.name = "registry",
     .kind = OPTION_STRING,
     .arg = "URL",
     .help = "the schema registry; default as configured"},
    OPTION_CONFIG,
    OPTIONS_END,
};

const struct command cmd_produce = {
    .name = "produce",
    .summary = "encodes, registers and produces the rows of a file",
    .usage = "kdrift produce --topic T --schema F.avsc --file F.csv [--rate N] [--time-field F]",
    .options = options,
    .run = run,
    .about = "Columns are fields by their path (customer.country). A missing cell becomes null where the "
	     "schema allows, "
	     "else the field's default, else an error. An error stops at its line and says how many records "
	     "are sent. "
	     "With --brokers and --registry no configuration is read.",
};
