// SPDX-License-Identifier: Apache-2.0
// Protobuf: the indexes before a record say which message of its schema it is.
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "play.h"
#include "util/xalloc.h"

#define PROTO                                                                                                                  \
	"syntax = \"proto3\"; package x; message Order { int64 ts = 1; double amount = 2; message Line { string sku = 1; } }"   \
	"message Refund { int64 ts = 1; string amount = 2; }"
#define AMOUNT "\x11\0\0\0\0\0\0\x04\x40" // 2: 2.5

enum { SHOP = 1, AVRO, BROKEN, AWAY };

static struct stream_conf conf;
static struct collect_stream def;
static struct wstream stream;
static struct part *part;
static struct collect_port port;
static int64_t offset;

static void start(void)
{
	play_begin();
	port = play_port();
	played_schemas[SHOP] = (struct played_schema){PROTO, "topic-value", REGISTRY_KNOWN};
	played_schemas[AVRO] = (struct played_schema){"\"long\"", "topic-value", REGISTRY_KNOWN};
	played_schemas[BROKEN] = (struct played_schema){"syntax = \"proto9\";", "topic-value", REGISTRY_KNOWN};
	played_schemas[AWAY] = (struct played_schema){PROTO, "topic-value", REGISTRY_PENDING};
	played_types[SHOP] = played_types[BROKEN] = played_types[AWAY] = SCHEMA_PROTOBUF;
	conf = (struct stream_conf){.name = (char *)"s", .topic = (char *)"topic", .window_ms = 3600000, .slide_ms = 60000,
				    .lateness_ms = 30000, .pane_ms = 60000, .max_slices = 10};
	def = (struct collect_stream){.conf = &conf};
	offset = 0;
}

static void begin(void)
{
	wstream_init(&stream, &def);
	part = play_part(&stream, 1, offset);
}

static void stop(void)
{
	part_free(part);
	wstream_release(&stream);
	play_end();
}

TestSuite(messages, .init = start, .fini = stop);

static bool send(int32_t id, const void *bytes, size_t n)
{
	struct buf b = framed(id);

	buf_add(&b, bytes, n);
	const struct message m = {.kind = MESSAGE_RECORD, .topic = "topic", .offset = offset++, .time = {1000},
				  .value = (const uint8_t *)b.data, .len = b.len};
	bool counted = part_record(part, &m, &port, &play_scratch, wall_now());
	part->next = offset;
	buf_release(&b);
	return counted;
}

#define SEND(id, bytes) cr_assert(send(id, bytes, sizeof(bytes) - 1))

static const struct pane *counted(const char *name)
{
	struct error err = ERROR_INIT;

	cr_assert(part_checkpoint(part, &port, &err) == STORE_OK, "%s", err.text);
	const struct pane *p = played_pane(name, NULL);
	cr_assert(p != NULL, "%s", name);
	return p;
}

Test(messages, each_counts_by_its_own_type)
{
	begin();
	SEND(SHOP, "\0" AMOUNT);	 // the first: a single 0
	SEND(SHOP, "\2\0" AMOUNT);	 // the same at length
	SEND(SHOP, "\2\2\x12\3abc");	 // the second
	SEND(SHOP, "\0" AMOUNT);
	SEND(SHOP, "\4\0\0\x0a\2ab");	 // the one within the first
	const struct pane *p = counted("s");
	cr_assert(p->records == 5 && p->decoded == 5 && p->nviolations == 0 && p->unsupported == 0);
	cr_assert(p->nschemas == 1 && p->schemas[0].id == SHOP && p->schemas[0].n == 5);
	const struct field_stats *number = pane_find(p, "amount", FIELD_NUMERIC), *text = pane_find(p, "amount", FIELD_CATEGORICAL);
	cr_assert(number && number->count == 3 && field_sum(number) == 7.5);
	cr_assert(text && text->count == 1);
	cr_assert(pane_find(p, "sku", FIELD_CATEGORICAL)->count == 1);
	cr_assert(stream.value.nplans == 4, "the schema and three of its messages");
}

Test(messages, indexes_that_name_none_are_no_framing)
{
	begin();
	SEND(SHOP, "");			// not there
	SEND(SHOP, "\2");		// cut short
	SEND(SHOP, "\2\4" AMOUNT);	// a third message
	SEND(SHOP, "\4\2\0" AMOUNT);	// one within the second
	SEND(SHOP, "\1" AMOUNT);	// fewer than none
	const struct pane *p = counted("s");
	cr_assert(p->records == 5 && pane_violations(p, VIOLATION_FRAMING) == 5 && p->violating_records == 5);
	cr_assert(stream.value.nplans == 1, "none of them fills memory");
}

Test(messages, what_is_behind_them_is_judged)
{
	begin();
	SEND(SHOP, "\0\x11\0\0");
	const struct pane *p = counted("s");
	cr_assert(p->records == 1 && pane_violations(p, VIOLATION_UNDECODABLE) == 1);
	cr_assert(p->schemas[0].id == SHOP);
}

Test(messages, a_schema_that_is_not_read_is_unsupported_whatever_they_say)
{
	begin();
	SEND(BROKEN, "\0" AMOUNT);
	SEND(BROKEN, "");
	SEND(AVRO, "\2");
	const struct pane *p = counted("s");
	cr_assert(p->records == 3 && p->unsupported == 2 && p->decoded == 1 && p->violating_records == 0);
}

Test(messages, apicurios_own_framing_is_unsupported)
{
	conf.framing = FRAMING_APICURIO;
	begin();
	SEND(SHOP, "\0" AMOUNT);
	const struct pane *p = counted("s");
	cr_assert(p->records == 1 && p->unsupported == 1 && p->violating_records == 0);
}

Test(messages, nothing_is_counted_while_the_schema_cannot_be_had)
{
	begin();
	cr_assert_not(send(AWAY, "\0", 1));
}

Test(messages, with_subjects_by_record_each_is_a_stream_of_its_own)
{
	conf.subject_name_strategy = (char *)"RecordName";
	conf.by_record = true;
	played_schemas[SHOP].subject = "x.Order";
	begin();
	SEND(SHOP, "\0" AMOUNT);
	SEND(SHOP, "\2\2\x12\3abc"); // registered as x.Order alone
	cr_assert(counted("s/x.Order")->decoded == 1);
	cr_assert(pane_violations(counted("s"), VIOLATION_WRONG_SUBJECT) == 1);
}
