// SPDX-License-Identifier: Apache-2.0
// Keys: their fields beside the value's, and what breaks in one and not in the other.
#include <criterion/criterion.h>
#include <string.h>

#include "play.h"
#include "util/xalloc.h"

#define VALUE                                                                                              \
	"{\"type\":\"record\",\"name\":\"V\",\"fields\":[{\"name\":\"amount\",\"type\":\"double\"},"         \
	"{\"name\":\"key\",\"type\":\"string\"}]}"
#define KEY                                                                                                \
	"{\"type\":\"record\",\"name\":\"com.x.K\",\"fields\":[{\"name\":\"user_id\",\"type\":\"long\"},"    \
	"{\"name\":\"region\",\"type\":[\"null\",\"string\"]}]}"


static void start(void)
{
	play_stream();
	played_schemas[1] = (struct played_schema){VALUE, "topic-value", REGISTRY_KNOWN};
	played_schemas[2] = (struct played_schema){KEY, "topic-key", REGISTRY_KNOWN};
	played_schemas[3] = (struct played_schema){KEY, "com.x.K", REGISTRY_KNOWN};
	play.conf.has_key = true;
}

TestSuite(key, .init = start, .fini = play_stop);

static bool put(const void *key, size_t key_len, const void *value, size_t len)
{
	const struct message m = {.value = value, .len = len, .key = key, .key_len = key_len};

	return play_record(m);
}

static struct buf value_of(double amount)
{
	struct buf b = framed(1);

	buf_f64(&b, amount);
	avro_text(&b, "v");
	return b;
}

static struct buf key_of(int32_t id, int64_t user, const char *region)
{
	struct buf b = framed(id);

	avro_long(&b, user);
	avro_long(&b, region != NULL);
	if (region)
		avro_text(&b, region);
	return b;
}

static bool send(int32_t id, int64_t user, const char *region)
{
	struct buf k = key_of(id, user, region), v = value_of(2);
	bool counted = put(k.data, k.len, v.data, v.len);

	buf_release(&k);
	buf_release(&v);
	return counted;
}

static bool send_raw_key(const void *key, size_t n)
{
	struct buf v = value_of(2);
	bool counted = put(key, n, v.data, v.len);

	buf_release(&v);
	return counted;
}

static const struct pane *stored(void)
{
	struct error err = ERROR_INIT;

	cr_assert_eq(part_checkpoint(play.part, &play.port, &err), STORE_OK, "%s", err.text);
	return played_pane("s", NULL);
}

// The one breach of the kind; its field.
static const char *breached(const struct pane *p, enum violation_kind kind)
{
	const char *field = NULL;

	cr_assert_eq(pane_violations(p, kind), 1, "%s", violation_table[kind].name);
	for (size_t i = 0; i < p->nviolations; i++)
		if (p->violations[i].kind == kind)
			field = p->violations[i].field;
	return field;
}

Test(key, its_fields_stand_beside_the_values)
{
	play_worker(0);
	cr_assert(send(2, 5, "eu"));
	cr_assert(send(2, 7, NULL));
	const struct pane *p = stored();
	cr_assert_eq(p->records, 2);
	cr_assert_eq(p->decoded, 2);
	cr_assert_eq(p->violating_records, 0);
	cr_assert_float_eq(field_sum(pane_find(p, "key.user_id", FIELD_NUMERIC)), 12, 0);
	const struct field_stats *region = pane_find(p, "key.region", FIELD_CATEGORICAL);
	cr_assert_eq(region->count, 1);
	cr_assert_eq(field_missing(p, region), 1);
	cr_assert_eq(pane_find(p, "value.key", FIELD_CATEGORICAL)->count, 2, "the value's own field `key`");
	cr_assert_eq(pane_find(p, "amount", FIELD_NUMERIC)->count, 2);
	cr_assert_null(pane_find(p, "key", FIELD_TYPES));
}

Test(key, without_the_key_in_the_configuration_nothing_of_it_is_read)
{
	play.conf.has_key = false;
	play_worker(0);
	cr_assert(send_raw_key("\xff", 1));
	const struct pane *p = stored();
	cr_assert_eq(p->violating_records, 0);
	cr_assert_eq(p->nfields, 2);
	cr_assert_not_null(pane_find(p, "key", FIELD_CATEGORICAL), "the value's");
}

Test(key, one_that_cannot_be_read_leaves_the_value)
{
	static const struct {
		enum violation_kind kind;
		int32_t id;
		int extra;
	} cases[] = {{VIOLATION_UNKNOWN_SCHEMA, 9, 0},
		     {VIOLATION_WRONG_SUBJECT, 3, 0},
		     {VIOLATION_UNDECODABLE, 2, -1},
		     {VIOLATION_TRAILING_BYTES, 2, 1}};
	uint64_t n = 0;

	play_worker(0);
	cr_assert(send_raw_key("abc", 3));
	n++;
	cr_assert_str_eq(breached(stored(), VIOLATION_FRAMING), "key");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf k = key_of(cases[i].id, 5, "eu");
		if (cases[i].extra > 0)
			buf_u8(&k, 0);
		cr_assert(send_raw_key(k.data, cases[i].extra < 0 ? k.len - 1 : k.len));
		buf_release(&k);
		n++;
		const struct pane *p = stored();
		cr_assert_str_eq(breached(p, cases[i].kind), "key");
		cr_assert_eq(p->records, n);
		cr_assert_eq(p->decoded, n);
		cr_assert_eq(p->violating_records, n);
		cr_assert_eq(pane_find(p, "amount", FIELD_NUMERIC)->count, n);
	}
}

Test(key, a_record_broken_twice_counts_once)
{
	play_worker(0);
	struct buf v = value_of(1);
	cr_assert(put("abc", 3, v.data, v.len - 1));
	buf_release(&v);
	const struct pane *p = stored();
	cr_assert_eq(p->records, 1);
	cr_assert_eq(p->violating_records, 1);
	cr_assert_eq(p->decoded, 0);
	cr_assert_str_eq(breached(p, VIOLATION_UNDECODABLE), "");
	cr_assert_str_eq(breached(p, VIOLATION_FRAMING), "key");
}

Test(key, rules_of_its_fields_hold_and_those_of_the_value_do_not_reach_it)
{
	struct field_conf fields[] = {
		{.path = (char *)"key.user_id", .type = FIELD_TYPES, .has_range = true, .range_min = 0, .range_max = 10},
		{.path = (char *)"value.key", .type = FIELD_TEXT},
	};

	play.conf.fields = fields;
	play.conf.nfields = ARRAY_LEN(fields);
	play_worker(0);
	cr_assert(send(2, 11, "eu"));
	const struct pane *p = stored();
	cr_assert_str_eq(breached(p, VIOLATION_RANGE), "key.user_id");
	cr_assert_eq(pane_violations(p, VIOLATION_MISSING_FIELD), 0);
	cr_assert_not_null(pane_find(p, "value.key", FIELD_TEXT));
	cr_assert_eq(p->violating_records, 1);
}

Test(key, a_record_without_a_key_breaks_not_null_alone)
{
	play_worker(0);
	cr_assert(send(2, 1, "eu"));
	cr_assert(send_raw_key(NULL, 0));
	const struct pane *p = stored();
	cr_assert_eq(p->violating_records, 0, "unless it is asked for");
	cr_assert_eq(field_missing(p, pane_find(p, "key.region", FIELD_CATEGORICAL)), 1);
	play.conf.key_not_null = true;
	play_worker(0);
	cr_assert(send_raw_key(NULL, 0));
	p = stored();
	cr_assert_str_eq(breached(p, VIOLATION_NULL), "key");
	cr_assert_eq(p->decoded, 3);
}

Test(key, a_tombstones_key_is_not_looked_at)
{
	play.conf.key_not_null = true;
	play_worker(0);
	cr_assert(put("abc", 3, NULL, 0));
	cr_assert(put(NULL, 0, NULL, 0));
	const struct pane *p = stored();
	cr_assert_eq(p->tombstones, 2);
	cr_assert_eq(p->records, 0);
	cr_assert_eq(p->violating_records, 0);
}

Test(key, texts_and_bytes)
{
	static const struct {
		enum key_format format;
		enum field_type type;
		uint64_t broken; // of "a", "b" and FF
	} cases[] = {{KEY_STRING, FIELD_CATEGORICAL, 1}, {KEY_BYTES, FIELD_TEXT, 0}};

	play_worker(0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		play_stop();
		start();
		play.conf.key_format = cases[i].format;
		play.conf.name = i ? (char *)"bytes" : (char *)"text";
		play_worker(0);
		cr_assert(send_raw_key("a", 1));
		cr_assert(send_raw_key("b", 1));
		cr_assert(send_raw_key("\xff", 1));
		struct error err = ERROR_INIT;
		cr_assert_eq(part_checkpoint(play.part, &play.port, &err), STORE_OK);
		const struct pane *p = played_pane(play.conf.name, NULL);
		cr_assert_eq(p->violating_records, cases[i].broken);
		if (cases[i].broken)
			cr_assert_str_eq(breached(p, VIOLATION_UNDECODABLE), "key");
		bool approximate;
		cr_assert_eq(field_distinct(pane_find(p, "key", cases[i].type), &approximate), 3 - cases[i].broken);
	}
}

Test(key, json)
{
	play.conf.key_format = KEY_JSON;
	play.conf.key_framing = FRAMING_NONE;
	play_worker(0);
	cr_assert(send_raw_key("{\"user_id\": 7, \"region\": \"eu\"}", 30));
	cr_assert(send_raw_key("{\"user_id\": 8}", 14));
	cr_assert(send_raw_key("{\"user_id\"", 10));
	cr_assert(send_raw_key("12", 2));
	const struct pane *p = stored();
	cr_assert_eq(p->records, 4);
	cr_assert_eq(p->decoded, 4);
	cr_assert_eq(p->violating_records, 1);
	cr_assert_str_eq(breached(p, VIOLATION_UNDECODABLE), "key");
	cr_assert_float_eq(field_sum(pane_find(p, "key.user_id", FIELD_NUMERIC)), 15, 0);
	cr_assert_eq(pane_find(p, "key.region", FIELD_CATEGORICAL)->count, 1);
	cr_assert_float_eq(field_sum(pane_find(p, "key", FIELD_NUMERIC)), 12, 0);
}

Test(key, slices_may_be_by_it)
{
	char *by[] = {(char *)"key.region"};

	play.conf.slice_by = by;
	play.conf.nslice_by = 1;
	play_worker(0);
	cr_assert(send(2, 1, "eu"));
	cr_assert(send(2, 1, "us"));
	cr_assert(send(2, 1, "eu"));
	cr_assert(send_raw_key(NULL, 0));
	struct buf k = key_of(2, 1, "us"), v = value_of(1);
	cr_assert(put(k.data, k.len, v.data, v.len - 1));
	buf_release(&k);
	buf_release(&v);
	stored();
	cr_assert_eq(played_pane("s", "key.region=eu")->records, 2);
	cr_assert_eq(played_pane("s", "key.region=us")->records, 2, "its key is sound though its value is not");
	cr_assert_eq(played_pane("s", "key.region=null")->records, 1);
}

Test(key, a_record_waits_for_the_schema_of_its_key)
{
	played_schemas[2].is = REGISTRY_PENDING;
	play_worker(0);
	cr_assert(!send(2, 1, "eu"));
	struct error err = ERROR_INIT;
	cr_assert_eq(part_checkpoint(play.part, &play.port, &err), STORE_OK);
	cr_assert_null(played_pane("s", NULL), "nothing of it is counted");
	played_schemas[2].is = REGISTRY_KNOWN;
	cr_assert(send(2, 1, "eu"));
	cr_assert_eq(stored()->records, 1);
}

Test(key, its_subject_has_a_strategy_of_its_own)
{
	play.conf.key_subject_name_strategy = (char *)"RecordName";
	play_worker(0);
	cr_assert(send(3, 1, "eu"));
	cr_assert_eq(stored()->violating_records, 0);
	cr_assert(send(2, 1, "eu"));
	cr_assert_str_eq(breached(stored(), VIOLATION_WRONG_SUBJECT), "key");
}

// However a writer names its fields, no two of key and value share a path.
Test(key, paths_never_meet)
{
	static const char *const values[] = {"key", "key.a", "key[]", "keys", "value", "value.key", "value.value.key.b", "a.key"};
	static const char *const shown[] = {"value.key", "value.key.a", "value.key[]", "keys", "value", "value.value.key",
					    "value.value.value.key.b", "a.key"};
	static char schema[] = KEY;
	const struct schema_text text = schema_text_avro(schema, sizeof schema - 1);
	struct error err = ERROR_INIT;
	struct plan *plan = plan_compile(&text, &(struct plan_options){.all_fields = true}, &err);

	play_worker(0);
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		char *there = side_shown(&play.stream.value, plan, values[i]), *back = side_path(&play.stream.value, there);
		cr_expect_str_eq(there, shown[i]);
		cr_expect_str_eq(back, values[i]);
		cr_expect_null(side_path(&play.stream.key, there));
		free(there);
		free(back);
		there = side_shown(&play.stream.key, plan, values[i]);
		cr_expect(!strncmp(there, "key.", 4));
		cr_expect_null(side_path(&play.stream.value, there));
		free(there);
	}
	plan_free(plan);
}
