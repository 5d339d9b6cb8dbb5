// SPDX-License-Identifier: Apache-2.0
// What decoded values become in a pane beyond their counts.
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "play.h"

#define RECORD(fields) "{\"type\":\"record\",\"name\":\"x.R\",\"fields\":[" fields "]}"
#define TIME_FIELD(name) \
	"{\"name\":\"" name "\",\"type\":[\"null\",{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}]}"

static void start(void)
{
	play_stream();
	play.conf.event_time = (char *)"ts";
}

TestSuite(values, .init = start, .fini = play_stop);

static void put_time(struct buf *b, int64_t ms)
{
	avro_long(b, ms != 0);
	if (ms)
		avro_long(b, ms);
}

// Event time less value; of a record without event time, the message's time less value.
Test(values, a_times_age_is_by_event_time)
{
	static const int64_t records[][2] = {{500000, 498000}, {500000, 510000}, {0, 400}, {500000, 0}};
	struct error err = ERROR_INIT;
	const struct field_stats *f;

	played_schemas[1] = (struct played_schema){RECORD(TIME_FIELD("ts") "," TIME_FIELD("at")), "topic-value",
						    REGISTRY_KNOWN};
	play_worker(0);
	for (size_t i = 0; i < sizeof records / sizeof *records; i++) {
		struct buf b = framed(1);

		put_time(&b, records[i][0]);
		put_time(&b, records[i][1]);
		cr_assert(play_record((struct message){.value = (const uint8_t *)b.data, .len = b.len})); // its time is 1000
		buf_release(&b);
	}
	cr_assert_eq(part_checkpoint(play.part, &play.port, &err), STORE_OK);
	f = pane_find(played_pane("s", NULL), "at", FIELD_TIME);
	cr_assert(f);
	cr_expect_eq(f->count, 3);
	cr_expect_eq(field_ages(f), 3);
	cr_expect_eq(f->age_min, -10000);
	cr_expect_eq(f->age_max, 2000);
}

Test(values, an_array_that_is_called_a_vector_is_one)
{
	struct field_conf fields[] = {{.path = (char *)"e", .type = FIELD_VECTOR}};
	static const double vectors[][3] = {{3, 4, 0}, {0, 5, 12}};
	struct error err = ERROR_INIT;
	const struct pane *pane;
	const struct field_stats *f;

	play.conf.fields = fields;
	play.conf.nfields = 1;
	played_schemas[1] = (struct played_schema){
		RECORD(TIME_FIELD("ts") ",{\"name\":\"e\",\"type\":{\"type\":\"array\",\"items\":\"double\"}}"), "topic-value",
		REGISTRY_KNOWN};
	play_worker(0);
	for (size_t i = 0; i < 3; i++) {
		struct buf b = framed(1);

		put_time(&b, 500000);
		avro_long(&b, i < 2 ? 3 : 0);
		for (size_t k = 0; i < 2 && k < 3; k++)
			buf_f64(&b, vectors[i][k]);
		if (i < 2)
			avro_long(&b, 0);
		cr_assert(play_record((struct message){.value = (const uint8_t *)b.data, .len = b.len}));
		buf_release(&b);
	}
	cr_assert_eq(part_checkpoint(play.part, &play.port, &err), STORE_OK);
	pane = played_pane("s", NULL);
	cr_expect_eq(pane->violating_records, 0);
	f = pane_find(pane, "e", FIELD_VECTOR);
	cr_assert(f);
	cr_expect_null(pane_find(pane, "e[]", FIELD_TYPES));
	cr_expect_eq(f->count, 2);
	cr_expect_eq(field_missing(pane, f), 1, "an empty one is missing");
	cr_expect_eq(f->dims, 3);
	cr_expect_eq(field_mean(f), 9);
	cr_expect_eq(field_centroid(f, 2), 6);
}
