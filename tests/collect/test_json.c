// SPDX-License-Identifier: Apache-2.0
// Values without a frame are JSON: fields that records bring are counted from then on, beside those that are framed.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "play.h"

static char by_kind[] = "kind", *slice_by[] = {by_kind};

static void start(void)
{
	play_stream();
	played_schemas[1] =
	    (struct played_schema){"{\"properties\":{\"amount\":{\"type\":\"number\",\"minimum\":0}}}", "topic-value", REGISTRY_KNOWN};
	played_types[1] = SCHEMA_JSON;
	play.conf.json = true;
}

TestSuite(json, .init = start, .fini = play_stop);

static void put(const void *value, size_t n)
{
	const struct message m = {.value = value, .len = n};

	cr_assert(play_record(m));
}

static void put_text(const char *json)
{
	put(json, strlen(json));
}

static const struct pane *written(const char *slice)
{
	struct error err = ERROR_INIT;

	play.part->dirty = true;
	cr_assert_eq(part_checkpoint(play.part, &play.port, &err), STORE_OK, "%s", err.text);
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
	play_worker(0);
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

	play_worker(0);
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
	play.conf.slice_by = slice_by;
	play.conf.nslice_by = 1;
	play_worker(0);
	put_text("{\"n\":1}");
	put_text("{\"n\":2,\"kind\":\"new\"}");
	cr_assert_eq(written("kind=new")->records, 1);
	cr_assert_eq(written("kind=null")->records, 1);
}
