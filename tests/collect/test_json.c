// SPDX-License-Identifier: Apache-2.0
// Values without a frame are JSON: fields that records bring are counted from then on, beside those that are framed.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "play.h"

static struct stream_conf conf;
static struct collect_stream def;
static struct wstream stream;
static struct part *part;
static struct collect_port port;
static int64_t offset;
static char by_kind[] = "kind", *slice_by[] = {by_kind};

static void start(void)
{
	play_begin();
	port = play_port();
	offset = 0;
	played_schemas[1] =
	    (struct played_schema){"{\"properties\":{\"amount\":{\"type\":\"number\",\"minimum\":0}}}", "topic-value", REGISTRY_KNOWN};
	played_types[1] = SCHEMA_JSON;
	conf = (struct stream_conf){.name = (char *)"s", .topic = (char *)"topic", .window_ms = 3600000, .slide_ms = 60000,
				    .lateness_ms = 30000, .pane_ms = 60000, .max_slices = 10, .json = true};
	def = (struct collect_stream){.conf = &conf};
}

static void begin(void)
{
	wstream_init(&stream, &def);
	part = play_part(&stream, 1, 0);
}

static void stop(void)
{
	part_free(part);
	wstream_release(&stream);
	play_end();
}

TestSuite(json, .init = start, .fini = stop);

static void put(const void *value, size_t n)
{
	const struct message m = {.kind = MESSAGE_RECORD, .topic = "topic", .offset = offset++, .time = {1000}, .value = value,
				  .len = n};

	cr_assert(part_record(part, &m, &port, &play_scratch, wall_now()));
	part->next = offset;
}

static void put_text(const char *json)
{
	put(json, strlen(json));
}

static const struct pane *written(const char *slice)
{
	struct error err = ERROR_INIT;

	part->dirty = true;
	cr_assert_eq(part_checkpoint(part, &port, &err), STORE_OK, "%s", err.text);
	const struct pane *pane = played_pane("s", slice);
	cr_assert(pane != NULL);
	return pane;
}

static uint64_t missing(const struct pane *pane, const char *path, enum field_type type)
{
	const struct field_stats *f = pane_find(pane, path, type);

	cr_assert(f != NULL, "%s", path);
	return field_missing(pane, f);
}

Test(json, a_field_that_comes_late_was_missing_before)
{
	begin();
	put_text("{\"a\":1}");
	put_text("{\"a\":2,\"b\":{\"c\":\"x\"}}");
	put_text("{\"b\":{\"c\":\"y\"},\"d\":[true,false]}");
	const struct pane *pane = written("");
	cr_assert_eq(pane->records, 3);
	cr_assert_eq(missing(pane, "a", FIELD_NUMERIC), 1);
	cr_assert_eq(missing(pane, "b.c", FIELD_CATEGORICAL), 1);
	cr_assert_eq(missing(pane, "d[]", FIELD_BOOLEAN), 0);
	cr_assert_eq(pane->violating_records, 0);
}

Test(json, framed_ones_have_their_schema)
{
	struct buf b = framed(1);

	begin();
	buf_adds(&b, "{\"amount\":-1}");
	put(b.data, b.len);
	put_text("{\"amount\":-2}");
	put("", 0);
	const struct pane *pane = written("");
	cr_assert_eq(pane->records, 3);
	cr_assert_eq(pane_find(pane, "amount", FIELD_NUMERIC)->present, 2);
	cr_assert_eq(pane_violations(pane, VIOLATION_RANGE), 1);
	cr_assert_eq(pane_violations(pane, VIOLATION_UNDECODABLE), 1);
	cr_assert_eq(pane->nschemas, 1);
	buf_release(&b);
}

Test(json, a_learned_field_makes_slices)
{
	conf.slice_by = slice_by;
	conf.nslice_by = 1;
	begin();
	put_text("{\"n\":1}");
	put_text("{\"n\":2,\"kind\":\"new\"}");
	cr_assert_eq(written("kind=new")->records, 1);
	cr_assert_eq(written("kind=null")->records, 1);
}
