// SPDX-License-Identifier: Apache-2.0
// What a worker does with a message once it is in hand: framing, plan, validation, panes on the grids of a baseline,
// and a checkpoint whose writes go nowhere. One thread; CPU seconds.
//
// usage: accumulate SCHEMA RECORDS SECONDS    RECORDS: u32 length, bytes, again and again (accumulate.py writes it)
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "collect/partition.h"
#include "util/buf.h"
#include "util/xalloc.h"

enum { SCHEMA_ID = 1, HEAD = 5, PANE_RECORDS = 200000, CHECKPOINT_RECORDS = 1000000, BASELINE_RECORDS = 20000 };

static struct registry_schema schema = {.id = SCHEMA_ID};
static uint64_t written;

static enum registry_answer give_schema(void *ctx, int32_t id, const struct registry_schema **out)
{
	(void)ctx;
	*out = &schema;
	return id == SCHEMA_ID ? REGISTRY_KNOWN : REGISTRY_DENIED;
}

static enum subject_answer give_subject(void *ctx, int32_t id, const char *subject)
{
	(void)ctx;
	(void)id;
	(void)subject;
	return SUBJECT_YES;
}

static enum store_result swallow(void *ctx, const struct checkpoint *c, const int64_t *widths, int64_t *floors,
				 struct error *err)
{
	(void)ctx;
	(void)widths;
	(void)err;
	for (size_t i = 0; i < c->nmarks; i++)
		floors[i] = INT64_MIN;
	for (size_t i = 0; i < c->nsegments; i++)
		written += c->segments[i].len;
	return STORE_OK;
}

static const struct collect_port port = {.checkpoint = swallow, .schema = give_schema, .subject = give_subject};

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what, const char *why)
{
	fprintf(stderr, "accumulate: %s: %s\n", what, why);
	exit(1);
}

static struct buf load(const char *path)
{
	struct buf b = BUF_INIT;

	if (buf_read_file(&b, path, (size_t)1 << 30) < 0)
		die(path, "cannot be read");
	return b;
}

struct records {
	const uint8_t **at;
	size_t *len, n, cap, caplen;
};

static struct records split(const struct buf *b)
{
	struct records r = {0};
	struct rd in;

	rd_init(&in, b->data, b->len);
	while (rd_left(&in) >= 4) {
		uint32_t len = rd_u32(&in);

		GROW(r.at, r.n, r.cap);
		r.len = xrealloc(r.len, r.cap * sizeof *r.len);
		r.at[r.n] = in.p;
		r.len[r.n++] = len;
		in.p += len;
	}
	return r;
}

static void add(struct baseline_builder *b, const struct plan *p, const struct record_values *v)
{
	baseline_builder_row(b, 0, SCHEMA_ID);
	for (size_t i = 0; i < v->nvalues; i++) {
		const struct plan_slot *s = plan_slot(p, v->values[i].slot);

		if (v->values[i].kind == VALUE_NUMBER)
			baseline_builder_number(b, s->path, s->type, v->values[i].num);
		else if (v->values[i].kind == VALUE_STRING)
			baseline_builder_text(b, s->path, s->type, v->values[i].str, v->values[i].len);
	}
}

static struct baseline *make_baseline(const struct records *r)
{
	const struct plan_options all = {.all_fields = true};
	struct baseline_builder *b = baseline_builder_new("bench", false);
	struct record_values v;
	struct error err = ERROR_INIT;
	struct plan *p = plan_compile(&schema.schema, &all, &err);

	if (!p)
		die("the schema", err.text);
	record_values_init(&v);
	for (size_t i = 0; i < r->n && i < BASELINE_RECORDS; i++) {
		plan_walk(p, r->at[i] + HEAD, r->len[i] - HEAD, &v);
		add(b, p, &v);
	}
	record_values_release(&v);
	plan_free(p);
	struct baseline *made = baseline_builder_finish(b, json_object(), &err);
	if (!made)
		die("the baseline", err.text);
	return made;
}

int main(int argc, char **argv)
{
	struct stream_conf conf = {.name = (char *)"bench", .topic = (char *)"bench", .window_ms = 3600000,
				   .slide_ms = 60000, .lateness_ms = 30000, .pane_ms = 60000, .max_slices = 2};
	struct claim claim = {.nonce = "n", .check_offset = -1, .fresh = true};
	struct record_values scratch;
	struct wstream stream;
	struct error err = ERROR_INIT;
	uint64_t n = 0;

	if (argc != 4)
		die("usage", "accumulate SCHEMA RECORDS SECONDS");
	struct buf text = load(argv[1]), bytes = load(argv[2]);
	schema.schema = schema_text_avro(text.data, text.len);
	struct records r = split(&bytes);
	struct collect_stream def = {.conf = &conf, .baseline = make_baseline(&r)};
	record_values_init(&scratch);
	wstream_init(&stream, &def);
	struct part *part = part_new("bench", 0, &stream, 1);
	part_adopt(part, &claim);
	const double begun = seconds();
	double spent;
	do {
		struct wall_time now = wall_now();

		for (size_t i = 0; i < r.n; i++, n++) {
			struct message m = {.kind = MESSAGE_RECORD, .topic = "bench", .value = r.at[i], .len = r.len[i],
					    .offset = (int64_t)n};

			m.time.ms = 1800000000000 + (int64_t)(n / PANE_RECORDS) * 60000;
			if (!part_record(part, &m, &port, &scratch, now))
				die("a record", "waits for its schema");
			part->next = m.offset + 1;
			if (n % CHECKPOINT_RECORDS == CHECKPOINT_RECORDS - 1 &&
			    part_checkpoint(part, &port, &err) != STORE_OK)
				die("the checkpoint", err.text);
		}
		spent = seconds() - begun;
	} while (spent < atof(argv[3]));
	printf("%" PRIu64 " %.6f %" PRIu64 "\n", n, spent, written);
	part_free(part);
	wstream_release(&stream);
	record_values_release(&scratch);
	baseline_free((struct baseline *)def.baseline);
	free(r.at);
	free(r.len);
	buf_release(&text);
	buf_release(&bytes);
	return 0;
}
