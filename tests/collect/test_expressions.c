// SPDX-License-Identifier: Apache-2.0
// Rules of the configuration that are expressions: what they are told of, and what a null does to them.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "play.h"
#include "util/xalloc.h"

#define VALUE                                                                                                         \
	"{\"type\":\"record\",\"name\":\"V\",\"fields\":[{\"name\":\"start\",\"type\":[\"null\",\"long\"]},"              \
	"{\"name\":\"end\",\"type\":\"long\"},{\"name\":\"sent\",\"type\":[\"null\",\"string\"]},"                        \
	"{\"name\":\"key\",\"type\":[\"null\",\"string\"]}]}"
#define KEY "{\"type\":\"record\",\"name\":\"K\",\"fields\":[{\"name\":\"user\",\"type\":[\"null\",\"long\"]},{\"name\":\"n\",\"type\":\"long\"}]}"

static struct field_conf fields[] = {
	{.path = (char *)"sent", .type = FIELD_TYPES, .required_if = (char *)"end == 5"},
	{.path = (char *)"gone", .type = FIELD_TYPES, .required_if = (char *)"end == 6"},
	{.path = (char *)"value.key", .type = FIELD_TYPES, .required_if = (char *)"end == 7"},
	{.path = (char *)"key.user", .type = FIELD_TYPES, .required_if = (char *)"n > 0"},
};
static struct value_rule_conf rules[] = {
	{(char *)"in_order", (char *)"start <= end", 1},
	{(char *)"not_8", (char *)"end != 8", 1},
};

static void start(void)
{
	play_stream();
	played_schemas[1] = (struct played_schema){VALUE, "topic-value", REGISTRY_KNOWN};
	played_schemas[2] = (struct played_schema){KEY, "topic-key", REGISTRY_KNOWN};
	play.conf.has_key = true;
	play.conf.fields = fields;
	play.conf.nfields = ARRAY_LEN(fields);
	play.conf.rules = rules;
	play.conf.nrules = ARRAY_LEN(rules);
	play_worker(0);
}

TestSuite(expressions, .init = start, .fini = play_stop);

static void put_null_or(struct buf *b, bool there)
{
	avro_long(b, there);
}

static void send(int64_t begin, int64_t end, const char *sent, const char *key_field, int64_t user, int64_t n)
{
	struct buf v = framed(1), k = framed(2);

	put_null_or(&v, begin >= 0);
	if (begin >= 0)
		avro_long(&v, begin);
	avro_long(&v, end);
	put_null_or(&v, sent);
	if (sent)
		avro_text(&v, sent);
	put_null_or(&v, key_field);
	if (key_field)
		avro_text(&v, key_field);
	put_null_or(&k, user >= 0);
	if (user >= 0)
		avro_long(&k, user);
	avro_long(&k, n);
	const struct message m = {.value = (const uint8_t *)v.data, .len = v.len, .key = (const uint8_t *)k.data, .key_len = k.len};
	cr_assert(play_record(m));
	buf_release(&v);
	buf_release(&k);
}

// "FIELD/RULE" of the rules that the record broke.
static const char *broken(int64_t begin, int64_t end, const char *sent, const char *key_field, int64_t user, int64_t n)
{
	static char text[256];
	struct error err = ERROR_INIT;
	size_t at = 0;

	play_stop();
	start();
	send(begin, end, sent, key_field, user, n);
	cr_assert_eq(part_checkpoint(play.part, &play.port, &err), STORE_OK);
	const struct pane *p = played_pane("s", NULL);
	text[0] = 0;
	for (size_t i = 0; i < p->nviolations; i++)
		if (p->violations[i].kind == VIOLATION_RULE)
			at += (size_t)snprintf(text + at, sizeof text - at, "%s%s/%s", at ? ", " : "", p->violations[i].field,
					       p->violations[i].rule);
	return text;
}

Test(expressions, are_told_by_name_and_field)
{
	cr_expect_str_eq(broken(1, 2, NULL, NULL, -1, 0), "");
	cr_expect_str_eq(broken(3, 2, NULL, NULL, -1, 0), "/in_order");
	cr_expect_str_eq(broken(-1, 2, NULL, NULL, -1, 0), "", "a null has no order");
	cr_expect_str_eq(broken(9, 8, NULL, NULL, -1, 0), "/in_order, /not_8");
	cr_expect_str_eq(broken(1, 5, NULL, NULL, -1, 0), "sent/sent.required_if");
	cr_expect_str_eq(broken(1, 5, "x", NULL, -1, 0), "");
	cr_expect_str_eq(broken(1, 6, NULL, NULL, -1, 0), "gone/gone.required_if", "the writer does not have it");
	cr_expect_str_eq(broken(1, 7, NULL, NULL, -1, 0), "value.key/value.key.required_if");
	cr_expect_str_eq(broken(1, 7, NULL, "x", -1, 0), "");
	cr_expect_str_eq(broken(1, 2, NULL, NULL, -1, 1), "key.user/key.user.required_if", "of the key, by the key's fields");
	cr_expect_str_eq(broken(1, 2, NULL, NULL, 4, 1), "");
}
