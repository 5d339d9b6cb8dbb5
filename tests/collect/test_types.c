// SPDX-License-Identifier: Apache-2.0
// Several record types in a topic: each is a stream of its own, known from the write that first counts it.
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "play.h"
#include "util/xalloc.h"

#define RECORD(name, fields) "{\"type\":\"record\",\"name\":\"" name "\",\"fields\":[" fields "]}"
#define TS                   "{\"name\":\"ts\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}}"

enum { ORDER = 1, REFUND, PING, STRAY, NUMBER };


static void start(void)
{
	play_stream();
	played_schemas[ORDER] = (struct played_schema){RECORD("x.Order", TS ",{\"name\":\"amount\",\"type\":\"double\"}"), "x.Order",
						       REGISTRY_KNOWN};
	played_schemas[REFUND] = (struct played_schema){RECORD("x.Refund", TS ",{\"name\":\"amount\",\"type\":\"string\"}"),
							"x.Refund", REGISTRY_KNOWN};
	played_schemas[PING] = (struct played_schema){RECORD("x.Ping", TS), "x.Ping", REGISTRY_KNOWN};
	played_schemas[STRAY] = (struct played_schema){RECORD("x.Stray", TS), "other", REGISTRY_KNOWN};
	play.conf.event_time = (char *)"ts";
	play.conf.subject_name_strategy = (char *)"RecordName";
	play.conf.by_record = true;
}

TestSuite(types, .init = start, .fini = play_stop);

static bool put(const void *value, size_t len)
{
	const struct message m = {.value = value, .len = len, .key = (const uint8_t *)"k", .key_len = 1};

	return play_record(m);
}

static bool send(int32_t id, int64_t ts)
{
	struct buf b = framed(id);

	avro_long(&b, ts);
	if (id == ORDER)
		buf_f64(&b, 2);
	else if (id == REFUND)
		avro_text(&b, "a");
	bool counted = put(b.data, b.len);
	buf_release(&b);
	return counted;
}

static enum store_result write_down(void)
{
	struct error err = ERROR_INIT;

	return part_checkpoint(play.part, &play.port, &err);
}

static uint64_t records(const char *name)
{
	const struct pane *p = played_pane(name, NULL);

	return p ? p->records : 0;
}

Test(types, each_has_statistics_of_its_own)
{
	play_worker(0);
	for (int i = 0; i < 3; i++)
		cr_assert(send(ORDER, 1000));
	cr_assert(send(REFUND, 1000));
	cr_assert(send(ORDER, 2000));
	cr_assert_eq(write_down(), STORE_OK);
	cr_assert_eq(records("s/x.Order"), 4);
	cr_assert_eq(records("s/x.Refund"), 1);
	cr_assert_eq(records("s"), 0);
	cr_assert_not_null(pane_find(played_pane("s/x.Order", NULL), "amount", FIELD_NUMERIC));
	cr_assert_not_null(pane_find(played_pane("s/x.Refund", NULL), "amount", FIELD_CATEGORICAL));
	cr_assert_eq(played_pane("s/x.Order", NULL)->violating_records, 0);
	cr_assert_eq(played_events("record_type"), 2);
	cr_assert_eq(played_events("stream_added"), 0);
}

Test(types, what_has_no_type_counts_in_the_stream_itself)
{
	play_worker(0);
	cr_assert(put("{}", 2));
	cr_assert(put("\0\0\0\0\xef", 5));
	cr_assert(send(STRAY, 1000));
	cr_assert(put(NULL, 0));
	cr_assert(put("\0\0\0\0\1", 5)); // an Order that is cut short
	cr_assert_eq(write_down(), STORE_OK);
	const struct pane *p = played_pane("s", NULL);
	cr_assert_eq(p->records, 3);
	cr_assert_eq(p->tombstones, 1);
	cr_assert_eq(pane_violations(p, VIOLATION_FRAMING), 1);
	cr_assert_eq(pane_violations(p, VIOLATION_UNKNOWN_SCHEMA), 1);
	cr_assert_eq(pane_violations(p, VIOLATION_WRONG_SUBJECT), 1);
	cr_assert_null(played_pane("s/x.Stray", NULL), "an illegal schema makes no stream");
	p = played_pane("s/x.Order", NULL);
	cr_assert_eq(p->records, 1);
	cr_assert_eq(pane_violations(p, VIOLATION_UNDECODABLE), 1);
}

// Of no record, so its values are the stream's own.
Test(types, a_type_without_a_name_is_the_streams)
{
	played_schemas[NUMBER] = (struct played_schema){"\"long\"", "s", REGISTRY_KNOWN};
	play_worker(0);
	cr_assert(send(NUMBER, 7));
	cr_assert_eq(write_down(), STORE_OK);
	const struct pane *p = played_pane("s", NULL);
	cr_assert_eq(p->violating_records, 0, "there is no name to have a subject of");
	cr_assert_float_eq(field_sum(pane_find(p, "value", FIELD_NUMERIC)), 7, 0);
}

Test(types, rules_hold_where_a_type_has_the_field)
{
	struct field_conf fields[] = {
		{.path = (char *)"amount", .type = FIELD_TYPES, .has_range = true, .range_max = 1, .not_null = true},
		{.path = (char *)"nowhere", .type = FIELD_NUMERIC, .not_null = true}};

	play.conf.fields = fields;
	play.conf.nfields = ARRAY_LEN(fields);
	play_worker(0);
	cr_assert(send(ORDER, 1000));
	cr_assert(send(PING, 1000));
	cr_assert_eq(write_down(), STORE_OK);
	const struct pane *p = played_pane("s/x.Order", NULL);
	cr_assert_eq(pane_violations(p, VIOLATION_RANGE), 1);
	cr_assert_eq(pane_violations(p, VIOLATION_MISSING_FIELD), 0);
	cr_assert_eq(pane_violations(p, VIOLATION_NULL), 0);
	cr_assert_eq(played_pane("s/x.Ping", NULL)->violating_records, 0);
}

// They are for all types; what one of them lacks cannot be asked of it.
Test(types, so_do_rules_that_are_expressions)
{
	struct value_rule_conf rules[] = {{.name = (char *)"given", .expr = (char *)"amount != null"},
					  {.name = (char *)"empty", .expr = (char *)"amount == null"}};
	struct field_conf fields[] = {{.path = (char *)"nowhere", .type = FIELD_TYPES, .required_if = (char *)"true"}};

	play.conf.rules = rules;
	play.conf.nrules = ARRAY_LEN(rules);
	play.conf.fields = fields;
	play.conf.nfields = ARRAY_LEN(fields);
	play_worker(0);
	cr_assert(send(ORDER, 1000));
	cr_assert(send(PING, 1000));
	cr_assert_eq(write_down(), STORE_OK);
	const struct pane *p = played_pane("s/x.Order", NULL);
	cr_assert_eq(p->nviolations, 1);
	cr_assert_str_eq(p->violations[0].rule, "empty");
	cr_assert_eq(played_pane("s/x.Ping", NULL)->violating_records, 0);
}

// A kill between the first sight of a type and the write leaves nothing behind; after it the next owner goes on.
Test(types, a_kill_before_or_after_the_write_changes_no_count)
{
	play_worker(0);
	cr_assert(send(ORDER, 1000));
	cr_assert(send(REFUND, 1000));
	play_answer(STORE_LOST);
	cr_assert_eq(write_down(), STORE_LOST);
	cr_assert_null(played_mark("s/x.Order"));
	play_worker(0);
	play_answer(STORE_OK);
	cr_assert(send(ORDER, 1000));
	cr_assert(send(REFUND, 5000));
	cr_assert_eq(write_down(), STORE_OK);
	play_worker(2);
	cr_assert(send(ORDER, 2000));
	cr_assert_eq(write_down(), STORE_OK);
	cr_assert_eq(records("s/x.Order"), 2);
	cr_assert_eq(records("s/x.Refund"), 1);
	cr_assert_eq(played_events("record_type"), 2);
	cr_assert_eq(played_mark("s/x.Refund")->max_event, 5000, "it is kept though none came in this life");
	cr_assert_eq(played_mark("s/x.Refund")->next, 3);
	cr_assert_eq(played_events("stream_added"), 0);
}

// The same worker, whose checkpoint got no answer.
Test(types, what_is_dropped_is_met_again)
{
	play_worker(0);
	cr_assert(send(ORDER, 1000));
	part_drop(play.part);
	cr_assert_eq(play.part->nstreams, 1);
	const struct claim c = {.nonce = "b", .next = 0, .check_offset = -1, .fresh = true};
	part_adopt(play.part, &c);
	cr_assert(send(ORDER, 1000));
	cr_assert_eq(write_down(), STORE_OK);
	cr_assert_eq(records("s/x.Order"), 1);
	cr_assert_eq(played_events("record_type"), 1);
}

// Event time in a partition is one, whatever the types.
Test(types, a_type_is_late_against_all_others)
{
	play_worker(0);
	cr_assert(send(ORDER, 1000000));
	cr_assert(send(REFUND, 1000));
	cr_assert_eq(write_down(), STORE_OK);
	cr_assert_eq(played_pane("s/x.Refund", NULL)->late, 1);
	cr_assert_eq(played_mark("s")->max_event, 1000000);
	cr_assert_eq(played_mark("s/x.Refund")->max_event, 1000);
	cr_assert_eq(played_mark("s/x.Order")->max_event, 1000000);
}

Test(types, lost_records_are_a_hole_of_the_stream_that_any_type_closes)
{
	play_worker(0);
	cr_assert(send(ORDER, 1000));
	part_lost_event(play.part, "gap", json_object());
	cr_assert_eq(write_down(), STORE_OK);
	cr_assert_gt(played_mark("s")->hole.to, 0);
	cr_assert_eq(played_mark("s/x.Order")->hole.to, 0);
	cr_assert(send(REFUND, 5000));
	cr_assert_eq(write_down(), STORE_OK);
	cr_assert(played_mark("s")->hole_closed);
	cr_assert_eq(played_mark("s")->hole.to, 5000 + 30000 + 1);
}

Test(types, past_the_bound_they_count_in_the_stream_without_values)
{
	play_worker(0);
	for (int i = 0; i < 99; i++) {
		char name[20];
		snprintf(name, sizeof name, "s/y%d", i);
		play_type(name);
	}
	cr_assert(send(ORDER, 1000));
	cr_assert(send(REFUND, 1000));
	cr_assert_eq(write_down(), STORE_OK);
	cr_assert_eq(records("s/x.Order"), 1, "the hundredth");
	cr_assert_null(played_pane("s/x.Refund", NULL));
	const struct pane *p = played_pane("s", NULL);
	cr_assert_eq(p->records, 1);
	cr_assert_eq(p->violating_records, 0);
	cr_assert_eq(p->nfields, 0);
	cr_assert_eq(play.stream.done.beyond, 1);
	play_worker(2);
	cr_assert(send(ORDER, 1000));
	cr_assert(send(REFUND, 1000));
	cr_assert_eq(write_down(), STORE_OK);
	cr_assert_eq(records("s/x.Order"), 2, "one that the store knows has its place");
	cr_assert_eq(records("s"), 2);
}

Test(types, a_new_one_waits_while_the_store_cannot_say_how_many_there_are)
{
	play_worker(0);
	play_types_away(true);
	cr_assert(!send(ORDER, 1000));
	play_types_away(false);
	cr_assert(send(ORDER, 1000));
	cr_assert_eq(write_down(), STORE_OK);
	cr_assert_eq(records("s/x.Order"), 1);
}

Test(types, keys_and_slices_are_those_of_the_type)
{
	char *by[] = {(char *)"key"};

	play.conf.has_key = true;
	play.conf.key_format = KEY_STRING;
	play.conf.slice_by = by;
	play.conf.nslice_by = 1;
	play_worker(0);
	cr_assert(send(ORDER, 1000));
	cr_assert(send(PING, 1000));
	cr_assert(send(ORDER, 1000));
	cr_assert_eq(write_down(), STORE_OK);
	cr_assert_eq(played_pane("s/x.Order", "key=k")->records, 2);
	cr_assert_eq(pane_find(played_pane("s/x.Ping", "key=k"), "key", FIELD_CATEGORICAL)->count, 1);
}

Test(types, names_are_safe_in_keys_and_paths)
{
	struct wstream *type;

	play_worker(0);
	cr_assert_eq(wstream_type(&play.stream, &play.port, "com.x.A_1", &type), 0);
	cr_assert_str_eq(type->conf->name, "s/com.x.A_1");
	cr_assert_eq(wstream_type(&play.stream, &play.port, "a title/\x1f:\xc3\xa9", &type), 0);
	cr_assert_str_eq(type->conf->name, "s/a%20title%2F%1F%3A%C3%A9");
	char *name = xmalloc(1001);
	memset(name, 'a', 1000);
	name[1000] = 0;
	cr_assert_eq(wstream_type(&play.stream, &play.port, name, &type), 0);
	cr_assert_null(type, "too long a name has no stream");
	free(name);
}
