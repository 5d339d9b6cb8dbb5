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


static void start(void)
{
	play_stream();
	played_schemas[SHOP] = (struct played_schema){PROTO, "topic-value", REGISTRY_KNOWN};
	played_schemas[AVRO] = (struct played_schema){"\"long\"", "topic-value", REGISTRY_KNOWN};
	played_schemas[BROKEN] = (struct played_schema){"syntax = \"proto9\";", "topic-value", REGISTRY_KNOWN};
	played_schemas[AWAY] = (struct played_schema){PROTO, "topic-value", REGISTRY_PENDING};
	played_types[SHOP] = played_types[BROKEN] = played_types[AWAY] = SCHEMA_PROTOBUF;
}

TestSuite(messages, .init = start, .fini = play_stop);

static bool send(int32_t id, const void *bytes, size_t n)
{
	struct buf b = framed(id);

	buf_add(&b, bytes, n);
	const struct message m = {.value = (const uint8_t *)b.data, .len = b.len};
	bool counted = play_record(m);
	buf_release(&b);
	return counted;
}

#define SEND(id, bytes) cr_assert(send(id, bytes, sizeof(bytes) - 1))

static const struct pane *counted(const char *name)
{
	struct error err = ERROR_INIT;

	cr_assert(part_checkpoint(play.part, &play.port, &err) == STORE_OK, "%s", err.text);
	const struct pane *p = played_pane(name, NULL);
	cr_assert(p != NULL, "%s", name);
	return p;
}

Test(messages, each_counts_by_its_own_type)
{
	play_worker(0);
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
	cr_assert(play.stream.value.nplans == 4, "the schema and three of its messages");
}

Test(messages, indexes_that_name_none_are_no_framing)
{
	play_worker(0);
	SEND(SHOP, "");			// not there
	SEND(SHOP, "\2");		// cut short
	SEND(SHOP, "\2\4" AMOUNT);	// a third message
	SEND(SHOP, "\4\2\0" AMOUNT);	// one within the second
	SEND(SHOP, "\1" AMOUNT);	// fewer than none
	const struct pane *p = counted("s");
	cr_assert(p->records == 5 && pane_violations(p, VIOLATION_FRAMING) == 5 && p->violating_records == 5);
	cr_assert(play.stream.value.nplans == 1, "none of them fills memory");
}

Test(messages, what_is_behind_them_is_judged)
{
	play_worker(0);
	SEND(SHOP, "\0\x11\0\0");
	const struct pane *p = counted("s");
	cr_assert(p->records == 1 && pane_violations(p, VIOLATION_UNDECODABLE) == 1);
	cr_assert(p->schemas[0].id == SHOP);
}

Test(messages, a_schema_that_is_not_read_is_unsupported_whatever_they_say)
{
	play_worker(0);
	SEND(BROKEN, "\0" AMOUNT);
	SEND(BROKEN, "");
	SEND(AVRO, "\2");
	const struct pane *p = counted("s");
	cr_assert(p->records == 3 && p->unsupported == 2 && p->decoded == 1 && p->violating_records == 0);
}

Test(messages, apicurios_own_framing_is_unsupported)
{
	play.conf.framing = FRAMING_APICURIO;
	play_worker(0);
	SEND(SHOP, "\0" AMOUNT);
	const struct pane *p = counted("s");
	cr_assert(p->records == 1 && p->unsupported == 1 && p->violating_records == 0);
}

Test(messages, nothing_is_counted_while_the_schema_cannot_be_had)
{
	play_worker(0);
	cr_assert_not(send(AWAY, "\0", 1));
}

Test(messages, with_subjects_by_record_each_is_a_stream_of_its_own)
{
	play.conf.subject_name_strategy = (char *)"RecordName";
	play.conf.by_record = true;
	played_schemas[SHOP].subject = "x.Order";
	play_worker(0);
	SEND(SHOP, "\0" AMOUNT);
	SEND(SHOP, "\2\2\x12\3abc"); // registered as x.Order alone
	cr_assert(counted("s/x.Order")->decoded == 1);
	cr_assert(pane_violations(counted("s"), VIOLATION_WRONG_SUBJECT) == 1);
}
