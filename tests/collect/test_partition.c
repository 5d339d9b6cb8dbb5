// SPDX-License-Identifier: Apache-2.0
// One partition in memory, with a store and a registry that the test plays.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collect/compact.h"
#include "collect/partition.h"
#include "util/xalloc.h"

static const char schema_text[] =
	"{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"ts\",\"type\":{\"type\":\"long\",\"logicalType\":"
	"\"timestamp-millis\"}},{\"name\":\"amount\",\"type\":\"double\"},{\"name\":\"currency\",\"type\":\"string\"}]}";
static const struct registry_schema schema = {.id = 7, .schema = {.text = (char *)schema_text, .len = sizeof schema_text - 1}};

static const char cart_text[] =
	"{\"type\":\"record\",\"name\":\"Cart\",\"fields\":[{\"name\":\"ts\",\"type\":\"long\"},{\"name\":\"items\",\"type\":"
	"{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"I\",\"fields\":[{\"name\":\"price\",\"type\":[\"null\","
	"\"double\"]}]}}}]}";
static const struct registry_schema cart = {.id = 88, .schema = {.text = (char *)cart_text, .len = sizeof cart_text - 1}};

static const struct registry_schema foreign = {
	.id = 89, .schema = {.type = SCHEMA_PROTOBUF, .text = (char *)"syntax = \"proto9\";", .len = 18}};

// What the played store was told.
static struct {
	enum registry_answer answer;
	enum subject_answer subject;
	enum registry_answer id_of;
	const char *want_subject; // the subject that is asked for
	char asked[100];	  // what a GUID or a fingerprint was looked for as, and where
	enum store_result result;
	int64_t floor;
	size_t calls, nsegments, nevents;
	struct {
		int64_t interval;
		uint32_t n;
		char slice[64];
		struct pane *pane;
	} segments[64];
	int64_t next, expected, max_event, max_untimed;
	struct hole hole;
	bool idle, wake, hole_closed;
} told;

static enum registry_answer play_schema(void *ctx, int32_t id, const struct registry_schema **out)
{
	(void)ctx;
	*out = id == 88 ? &cart : id == 89 ? &foreign : &schema;
	return id == 7 || id == 88 || id == 89 ? told.answer : REGISTRY_DENIED;
}

static enum subject_answer play_subject(void *ctx, int32_t id, const char *subject)
{
	(void)ctx;
	(void)id;
	cr_assert_str_eq(subject, told.want_subject);
	return told.subject;
}

static enum registry_answer play_id_of(void *ctx, const struct schema_ref *ref, const char *subject, int32_t *id)
{
	char text[SCHEMA_REF_TEXT];

	(void)ctx;
	schema_ref_text(ref, text);
	snprintf(told.asked, sizeof told.asked, "%s %s", text, ref->by == SCHEMA_BY_FINGERPRINT ? subject : "guid");
	*id = told.id_of == REGISTRY_KNOWN ? 7 : -1;
	return told.id_of;
}

static enum store_result play_checkpoint(void *ctx, const struct checkpoint *c, const int64_t *widths, int64_t *floors,
					 struct error *err)
{
	(void)ctx;
	cr_assert_eq(widths[0], 60000);
	floors[0] = told.floor;
	told.calls++;
	told.nsegments = c->nsegments;
	told.nevents = c->nevents;
	told.next = c->next;
	told.expected = c->expected_next;
	told.idle = c->idle;
	told.wake = c->wake;
	told.max_event = c->marks[0].max_event;
	told.max_untimed = c->marks[0].max_untimed;
	told.hole = c->marks[0].hole;
	told.hole_closed = c->marks[0].hole_closed;
	for (size_t i = 0; i < c->nsegments; i++) {
		told.segments[i].interval = c->segments[i].interval;
		told.segments[i].n = c->segments[i].n;
		snprintf(told.segments[i].slice, 64, "%s", c->segments[i].slice);
		told.segments[i].pane = pane_decode(c->segments[i].bytes, c->segments[i].len, NULL, NULL, err);
		cr_assert(told.segments[i].pane, "%s", err->text);
	}
	return told.result;
}

static const struct collect_port port = {.checkpoint = play_checkpoint, .schema = play_schema, .id_of = play_id_of,
				       .subject = play_subject};

static struct stream_conf conf;
static struct collect_stream def;
static struct wstream stream;
static struct part *part;
static struct record_values scratch;

static void start(void)
{
	conf = (struct stream_conf){.name = (char *)"s", .topic = (char *)"topic", .event_time = (char *)"ts",
				    .window_ms = 3600000, .slide_ms = 60000, .lateness_ms = 30000, .pane_ms = 60000,
				    .max_slices = 2};
	def = (struct collect_stream){&conf, NULL, NULL, NULL, NULL};
	memset(&told, 0, sizeof told);
	told.subject = SUBJECT_YES;
	told.want_subject = "topic-value";
	told.floor = INT64_MIN;
	record_values_init(&scratch);
}

static void begin(void)
{
	const struct claim c = {.nonce = "n", .next = 0, .check_offset = -1, .fresh = true};

	wstream_init(&stream, &def);
	part = part_new("topic", 0, &stream, 1);
	part_adopt(part, &c);
}

static void stop(void)
{
	part_free(part);
	wstream_release(&stream);
	record_values_release(&scratch);
}

TestSuite(partition, .init = start, .fini = stop);

static void put_long(struct buf *b, int64_t v)
{
	buf_svar(b, v); // Avro's long is a zigzag varint
}

static struct buf framed(int32_t id, int64_t ts, double amount, const char *currency)
{
	struct buf b = BUF_INIT;

	buf_u8(&b, 0);
	for (int shift = 24; shift >= 0; shift -= 8)
		buf_u8(&b, (uint8_t)(id >> shift));
	put_long(&b, ts);
	buf_f64(&b, amount);
	put_long(&b, (int64_t)strlen(currency));
	buf_adds(&b, currency);
	return b;
}

static int64_t offset;

static bool send_bytes(const void *p, size_t n, int64_t kafka_ms)
{
	const struct message m = {.kind = MESSAGE_RECORD, .topic = "topic", .offset = offset++, .time = {kafka_ms}, .value = p,
				  .len = n};
	bool counted = part_record(part, &m, &port, &scratch, wall_now());

	part->next = offset;
	return counted;
}

static bool send(int64_t ts, double amount, const char *currency)
{
	struct buf b = framed(7, ts, amount, currency);
	bool counted = send_bytes(b.data, b.len, ts);

	buf_release(&b);
	return counted;
}

static void write_down(void)
{
	struct error err = ERROR_INIT;

	cr_assert_eq(part_checkpoint(part, &port, &err), told.result, "%s", err.text);
}

static void forget(void)
{
	for (size_t i = 0; i < told.nsegments; i++)
		pane_free(told.segments[i].pane);
	told.nsegments = 0;
}

Test(partition, records_count_in_the_pane_of_their_event_time)
{
	begin();
	cr_assert(send(1000, 2, "EUR"));
	cr_assert(send(59999, 3, "USD"));
	cr_assert(send(60000, 4, "EUR"));
	write_down();
	cr_assert_eq(told.nsegments, 2);
	cr_assert_eq(told.segments[0].interval, 0);
	cr_assert_eq(told.segments[0].pane->records, 2);
	cr_assert_eq(told.segments[1].interval, 60000);
	cr_assert_eq(told.max_event, 60000);
	const struct field_stats *f = pane_find(told.segments[0].pane, "amount", FIELD_NUMERIC);
	cr_assert_eq(f->count, 2);
	cr_assert_float_eq(field_mean(f), 2.5, 0);
	cr_assert_null(pane_find(told.segments[0].pane, "ts", FIELD_TYPES), "the clock of a record is not judged");
	forget();
}

Test(partition, a_late_record_lands_in_its_own_pane_as_a_new_segment_of_a_closed_one)
{
	begin();
	send(1000, 1, "EUR");
	send(200000, 1, "EUR");
	write_down();
	cr_assert_eq(told.nsegments, 2);
	uint32_t first = told.segments[0].n;
	forget();
	send(2000, 1, "EUR");
	write_down();
	cr_assert_eq(told.nsegments, 1);
	cr_assert_eq(told.segments[0].interval, 0);
	cr_assert_neq(told.segments[0].n, first, "the closed pane must not be overwritten");
	cr_assert_eq(told.segments[0].pane->records, 1);
	cr_assert_eq(told.segments[0].pane->late, 1);
	cr_assert_eq(told.max_event, 200000);
	forget();
}

Test(partition, an_open_pane_is_rewritten_whole_under_its_own_number)
{
	begin();
	send(1000, 1, "EUR");
	write_down();
	uint32_t n = told.segments[0].n;
	forget();
	send(2000, 1, "EUR");
	write_down();
	cr_assert_eq(told.nsegments, 1);
	cr_assert_eq(told.segments[0].n, n);
	cr_assert_eq(told.segments[0].pane->records, 2);
	cr_assert_eq(told.expected, 1);
	cr_assert_eq(told.next, 2);
	forget();
}

static uint64_t kind_count(enum violation_kind k)
{
	return pane_violations(told.segments[0].pane, k);
}

Test(partition, a_record_that_cannot_be_read_counts_at_its_kafka_time_once_under_its_kind)
{
	static const struct {
		enum violation_kind kind;
		int32_t id;
		int cut; // bytes taken off (or, negative, put on)
		bool framed;
	} cases[] = {{VIOLATION_FRAMING, 7, 0, false},
		     {VIOLATION_UNKNOWN_SCHEMA, 8, 0, true},
		     {VIOLATION_UNDECODABLE, 7, 1, true},
		     {VIOLATION_TRAILING_BYTES, 7, -1, true}};

	begin();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf b = framed(cases[i].id, 5000000, 1, "EUR");
		if (cases[i].cut < 0)
			buf_u8(&b, 1);
		else
			b.len -= (size_t)cases[i].cut;
		b.data[0] = cases[i].framed ? 0 : 9;
		cr_assert(send_bytes(b.data, b.len, 1000));
		buf_release(&b);
		write_down();
		cr_assert_eq(told.segments[0].interval, 0, "not at its event time");
		cr_assert_eq(kind_count(cases[i].kind), 1, "%s", violation_table[cases[i].kind].name);
		cr_assert_eq(told.segments[0].pane->violating_records, i + 1);
		cr_assert_eq(told.segments[0].pane->decoded, 0);
		cr_assert(told.wake);
		cr_assert_eq(told.max_event, INT64_MIN, "Kafka's clock moves no watermark of a stream with one of its own");
		cr_assert_eq(told.max_untimed, 1000, "but it is where the newest of these records is found");
		forget();
	}
}

Test(partition, a_record_of_a_schema_that_is_not_read_is_unsupported_and_breaks_nothing)
{
	begin();
	struct buf b = framed(89, 5000000, 1, "EUR");
	cr_assert(send_bytes(b.data, b.len, 1000));
	buf_release(&b);
	write_down();
	const struct pane *p = told.segments[0].pane;
	cr_assert_eq(told.segments[0].interval, 0, "at Kafka's time");
	cr_assert(p->records == 1 && p->unsupported == 1 && p->opaque == 0);
	cr_assert(p->decoded == 0 && p->violating_records == 0 && p->nviolations == 0);
	cr_assert(p->nschemas == 1 && p->schemas[0].id == 89);
	cr_assert_not(told.wake);
	cr_assert_eq(told.max_event, INT64_MIN);
	cr_assert_eq(stream.done.unsupported, 1);
	forget();
}

Test(partition, an_id_of_another_subject_is_a_wrong_subject)
{
	told.subject = SUBJECT_NO;
	begin();
	send(1000, 1, "EUR");
	write_down();
	cr_assert_eq(kind_count(VIOLATION_WRONG_SUBJECT), 1);
	forget();
}

// A contract that says int where the writer says double.
static uint64_t breaches_under(const char *level)
{
	char path[] = "/tmp/kdrift-contract-XXXXXX";
	const char *text = "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"amount\",\"type\":\"int\"}]}";
	int fd = mkstemp(path);
	struct error err = ERROR_INIT;

	cr_assert(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
	struct contract *c = contract_load(path, &err);
	unlink(path);
	cr_assert(c, "%s", err.text);
	def.contract = c;
	conf.compatibility = (char *)level;
	begin();
	send(1000, 1, "EUR");
	write_down();
	uint64_t n = kind_count(VIOLATION_INCOMPATIBLE_SCHEMA);
	forget();
	contract_free(c);
	def.contract = NULL;
	return n;
}

Test(partition, a_writer_that_breaks_the_contract_is_counted)
{
	cr_assert_eq(breaches_under("BACKWARD"), 1);
}

Test(partition, a_contract_at_level_none_asks_nothing_of_writers)
{
	cr_assert_eq(breaches_under("NONE"), 0);
}

Test(partition, nothing_is_counted_while_the_schema_cannot_be_had)
{
	told.answer = REGISTRY_PENDING;
	begin();
	cr_assert_not(send(1000, 1, "EUR"));
	write_down();
	cr_assert_eq(told.nsegments, 0);
	told.answer = REGISTRY_KNOWN;
	offset--;
	cr_assert(send(1000, 1, "EUR"));
	write_down();
	cr_assert_eq(told.segments[0].pane->records, 1);
	forget();
}

Test(partition, a_record_of_the_future_counts_now_and_closes_nothing)
{
	conf.max_future_ms = 60000;
	begin();
	struct buf b = framed(7, 4000000000000, 1, "EUR");
	send_bytes(b.data, b.len, 1000);
	buf_release(&b);
	write_down();
	cr_assert_eq(told.segments[0].interval, 0);
	cr_assert_eq(kind_count(VIOLATION_FUTURE_TIME), 1);
	cr_assert_eq(told.segments[0].pane->decoded, 1, "its values are values");
	cr_assert_eq(told.max_event, INT64_MIN);
	cr_assert_eq(told.max_untimed, 1000);
	forget();
}

Test(partition, values_are_judged_and_still_counted)
{
	struct field_conf fields[] = {{.path = (char *)"amount", .type = FIELD_TYPES, .has_range = true, .range_max = 10},
				      {.path = (char *)"iban", .type = FIELD_TYPES}};
	conf.fields = fields;
	conf.nfields = 2;
	begin();
	send(1000, 5, "EUR");
	send(1000, 50, "EUR");
	send(1000, NAN, "EUR");
	send(1000, INFINITY, "EUR");
	write_down();
	cr_assert_eq(kind_count(VIOLATION_RANGE), 2, "50 and the infinity, not NaN");
	cr_assert_eq(kind_count(VIOLATION_MISSING_FIELD), 4);
	const struct pane *p = told.segments[0].pane;
	cr_assert_eq(p->violating_records, 4);
	cr_assert_eq(p->by_schema_only, 2, "two break a range besides");
	cr_assert_eq(p->nfaults, 1);
	cr_assert(p->faults[0].schema_id == 7 && p->faults[0].kind == VIOLATION_MISSING_FIELD && p->faults[0].n == 4 &&
		  p->faults[0].offset == 0 && p->faults[0].event_ms == 1000);
	cr_assert_str_eq(p->faults[0].field, "iban");
	const struct field_stats *f = pane_find(p, "amount", FIELD_NUMERIC);
	cr_assert_eq(f->count, 2);
	cr_assert_eq(f->nan, 1);
	cr_assert_eq(f->inf, 1);
	cr_assert_eq(field_missing(p, f), 0);
	forget();
}

static const char *sampled(enum violation_kind kind, const char *field)
{
	const struct pane *p = told.segments[0].pane;

	for (size_t i = 0; i < p->nsamples; i++)
		if (p->samples[i].kind == kind && !strcmp(p->samples[i].field, field))
			return p->samples[i].detail;
	return "none";
}

static void send_two_breaches(bool samples, const char *currency)
{
	static char *allowed[] = {(char *)"EUR"};
	struct field_conf fields[] = {{.path = (char *)"amount", .type = FIELD_TYPES, .has_range = true, .range_max = 10},
				      {.path = (char *)"currency", .type = FIELD_TYPES, .allowed = allowed, .nallowed = 1}};

	conf.fields = fields;
	conf.nfields = 2;
	conf.samples = samples;
	begin();
	send(1000, 1234.5, currency);
	write_down();
}

Test(partition, a_sample_says_why_of_its_own_breach_and_shows_no_value)
{
	send_two_breaches(false, "XYZ");
	cr_assert_str_eq(sampled(VIOLATION_RANGE, "amount"), "amount: outside [0, 10]");
	cr_assert_str_eq(sampled(VIOLATION_ALLOWED, "currency"), "currency: not one of the 1 allowed values");
	forget();
}

Test(partition, with_samples_on_a_sample_shows_the_value_clipped)
{
	char word[200], want[200];

	memset(word, 'x', 150);
	strcpy(word + 150, "\n");
	send_two_breaches(true, word);
	cr_assert_str_eq(sampled(VIOLATION_RANGE, "amount"), "amount: outside [0, 10]: 1234.5");
	snprintf(want, sizeof want, "currency: not one of the 1 allowed values: \"%.80s...\"", word);
	cr_assert_str_eq(sampled(VIOLATION_ALLOWED, "currency"), want);
	forget();
}

// n items, of which the first has no price.
static void send_cart(int n)
{
	struct buf b = BUF_INIT;

	buf_add(&b, "\0\0\0\0X", 5);
	put_long(&b, 1000);
	put_long(&b, n);
	for (int i = 0; i < n; i++) {
		put_long(&b, i > 0);
		if (i)
			buf_f64(&b, i);
	}
	if (n)
		put_long(&b, 0);
	cr_assert(send_bytes(b.data, b.len, 1000));
	buf_release(&b);
}

Test(partition, every_item_of_an_array_counts_and_an_empty_one_lacks_nothing)
{
	char *slice_by[] = {(char *)"items[].price"};

	conf.slice_by = slice_by;
	conf.nslice_by = 1;
	begin();
	send_cart(0);
	send_cart(3);
	send_cart(2);
	send(1000, 2, "EUR");
	write_down();
	cr_assert_eq(told.nsegments, 1);
	cr_assert_str_eq(told.segments[0].slice, "items[].price=null", "a record has no one price");
	const struct pane *p = told.segments[0].pane;
	const struct field_stats *f = pane_find(p, "items[].price", FIELD_NUMERIC);
	cr_assert_eq(p->decoded, 4);
	cr_assert_eq(f->count, 3);
	cr_assert_eq(field_places(p, f), 5);
	cr_assert_eq(field_missing(p, f), 2);
	cr_assert_eq(field_missing(p, pane_find(p, "amount", FIELD_NUMERIC)), 3);
	forget();
}

// The record of `send` behind other bytes than an id.
static bool send_behind(const char *prefix, size_t n)
{
	struct buf b = BUF_INIT, record = framed(7, 1000, 2, "EUR");

	buf_add(&b, prefix, n);
	buf_add(&b, record.data + 5, record.len - 5);
	bool counted = send_bytes(b.data, b.len, 1000);
	buf_release(&b);
	buf_release(&record);
	return counted;
}

#define V1     "\x01\x89\x79\x17\x62\x23\x36\x41\x86\x96\x74\x29\x9b\x90\xa8\x02\xe2"
#define SINGLE "\xc3\x01\x8f\x5c\x39\x3f\x1a\xd5\x75\x72"

Test(partition, a_guid_counts_under_the_id_that_the_registry_has_for_it)
{
	begin();
	told.id_of = REGISTRY_PENDING;
	cr_assert(!send_behind(V1, 17), "it waits");
	told.id_of = REGISTRY_KNOWN;
	cr_assert(send_behind(V1, 17));
	cr_assert(send(1000, 3, "EUR"));
	cr_assert_str_eq(told.asked, "89791762-2336-4186-9674-299b90a802e2 guid");
	write_down();
	const struct pane *p = told.segments[0].pane;
	cr_assert_eq(p->decoded, 2);
	cr_assert_eq(p->nschemas, 1);
	cr_assert_eq(p->schemas[0].id, 7);
	cr_assert_eq(p->schemas[0].n, 2);
	forget();
}

Test(partition, a_guid_that_the_registry_denies_is_an_unknown_schema)
{
	begin();
	told.id_of = REGISTRY_DENIED;
	cr_assert(send_behind(V1, 17));
	cr_assert(send(1000, 3, "EUR"), "and is no id");
	write_down();
	const struct pane *p = told.segments[0].pane;
	cr_assert_eq(p->decoded, 1);
	cr_assert_eq(stream.value.plans[0]->state, PLAN_UNKNOWN);
	cr_assert_eq(p->nsamples, 1);
	cr_assert_eq(p->samples[0].kind, VIOLATION_UNKNOWN_SCHEMA);
	cr_assert_eq(p->samples[0].schema_id, -1);
	cr_assert(strstr(p->samples[0].detail, "GUID") != NULL, "%s", p->samples[0].detail);
	forget();
}

Test(partition, a_single_object_is_looked_for_under_its_subject)
{
	conf.framing = FRAMING_SINGLE_OBJECT;
	told.id_of = REGISTRY_KNOWN;
	told.subject = SUBJECT_NO; // is not asked: what was found there lies there
	begin();
	cr_assert(send_behind(SINGLE, 10));
	cr_assert(send(1000, 3, "EUR"));
	cr_assert_str_eq(told.asked, "7275d51a3f395c8f topic-value");
	write_down();
	cr_assert_eq(told.segments[0].pane->decoded, 1);
	cr_assert_eq(told.segments[0].pane->samples[0].kind, VIOLATION_FRAMING);
	forget();
}

Test(partition, a_schema_of_the_configuration_reads_bare_avro)
{
	conf.framing = FRAMING_NONE;
	def.schema = &schema;
	told.subject = SUBJECT_NO;
	told.answer = REGISTRY_DENIED;
	begin();
	cr_assert(send_behind("", 0));
	write_down();
	const struct pane *p = told.segments[0].pane;
	cr_assert_eq(p->decoded, 1);
	cr_assert_eq(p->nschemas, 0);
	cr_assert_float_eq(field_mean(pane_find(p, "amount", FIELD_NUMERIC)), 2, 0);
	forget();
}

Test(partition, two_streams_of_a_topic_may_differ_in_framing)
{
	struct stream_conf other_conf;
	struct collect_stream other_def;
	struct wstream both[2];
	const struct claim c = {.nonce = "n", .next = 0, .check_offset = -1, .fresh = true};

	other_conf = conf;
	other_conf.framing = FRAMING_NONE;
	other_def = (struct collect_stream){&other_conf, NULL, NULL, &schema, NULL};
	wstream_init(&both[0], &def);
	wstream_init(&both[1], &other_def);
	part = part_new("topic", 0, both, 2);
	part_adopt(part, &c);
	cr_assert(send(1000, 2, "EUR"));
	cr_assert_eq(part->streams[0]->panes[0].pane->decoded, 1);
	cr_assert_eq(part->streams[1]->panes[0].pane->decoded, 0);
	part_free(part);
	wstream_release(&both[0]);
	wstream_release(&both[1]);
	begin();
}

Test(partition, subjects_are_named_by_the_strategy)
{
	static const struct {
		const char *strategy, *record, *subject;
		enum subject_answer answer;
		uint64_t decoded;
	} cases[] = {
		{NULL, NULL, "topic-value", SUBJECT_YES, 1},
		{NULL, NULL, "topic-value", SUBJECT_NO, 0},
		{"TopicName", "R", "topic-value", SUBJECT_NO, 0},
		{NULL, "R", "none is asked for", SUBJECT_NO, 1},
		{"RecordName", NULL, "R", SUBJECT_YES, 1},
		{"RecordName", NULL, "R", SUBJECT_UNCHECKED, 1},
		{"RecordName", "R", "R", SUBJECT_NO, 0},
		{"TopicRecordName", NULL, "topic-R", SUBJECT_YES, 1},
		{"TopicRecordName", NULL, "topic-R", SUBJECT_NO, 0},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		conf.subject_name_strategy = (char *)(uintptr_t)cases[i].strategy;
		conf.record = (char *)(uintptr_t)cases[i].record;
		told.want_subject = cases[i].subject;
		begin();
		if (strcmp(cases[i].subject, "none is asked for")) {
			told.subject = SUBJECT_PENDING;
			cr_assert(!send(1000, 2, "EUR"), "case %zu", i);
		}
		told.subject = cases[i].answer;
		cr_assert(send(1000, 2, "EUR"), "case %zu", i);
		const struct pane *p = part->streams[0]->panes[0].pane;
		cr_assert_eq(p->records, 1);
		cr_assert_eq(p->decoded, cases[i].decoded, "case %zu", i);
		if (!p->decoded) {
			cr_assert_eq(p->samples[0].kind, VIOLATION_WRONG_SUBJECT);
			cr_assert_eq(stream.nfields, 0, "its fields are not the stream's");
		}
		if (i + 1 < sizeof cases / sizeof *cases) {
			part_free(part);
			wstream_release(&stream);
		}
	}
}

// Another record type of the topic is another stream's, whatever its subject.
Test(partition, with_a_strategy_another_record_is_still_not_ours)
{
	conf.record = (char *)"Cart";
	conf.subject_name_strategy = (char *)"RecordName";
	told.want_subject = "Cart";
	told.subject = SUBJECT_NO;
	begin();
	cr_assert(send(1000, 2, "EUR"));
	cr_assert_eq(part->streams[0]->npanes, 0);
}

Test(partition, slices_are_bounded_and_the_rest_shares_other)
{
	char *by[] = {(char *)"currency"};
	conf.slice_by = by;
	conf.nslice_by = 1;
	begin();
	send(1000, 1, "EUR");
	send(1000, 1, "U=S,D");
	send(1000, 1, "GBP");
	send(1000, 1, "EUR");
	write_down();
	cr_assert_eq(told.nsegments, 3);
	cr_assert_str_eq(told.segments[0].slice, "currency=EUR");
	cr_assert_eq(told.segments[0].pane->records, 2);
	cr_assert_str_eq(told.segments[1].slice, "currency=U%3DS%2CD");
	cr_assert_str_eq(told.segments[2].slice, "other");
	cr_assert_eq(told.segments[2].pane->overflowed, 1);
	cr_assert_eq(stream.done.overflowed, 1);
	cr_assert(told.segments[2].pane->approximate);
	forget();
}

Test(partition, tombstones_are_counted_apart)
{
	begin();
	cr_assert(send_bytes(NULL, 0, 1000));
	write_down();
	cr_assert_eq(told.segments[0].pane->tombstones, 1);
	cr_assert_eq(told.segments[0].pane->records, 0);
	forget();
}

Test(partition, records_below_the_floor_are_too_old_and_nothing_else)
{
	told.floor = 60000;
	begin();
	send(200000, 1, "EUR");
	write_down();
	forget();
	send(1000, 1, "EUR");
	cr_assert_eq(part->too_old, 1);
	write_down();
	cr_assert_eq(told.nsegments, 0);
	cr_assert_eq(told.next, 2);
	cr_assert_eq(part->too_old, 0, "told once");
}

Test(partition, no_record_of_an_interval_that_was_removed_brings_it_back)
{
	told.floor = 1; // as the store says once the interval at 0 is gone
	begin();
	send(200000, 1, "EUR");
	write_down();
	forget();
	send(59999, 1, "EUR");
	send_bytes(NULL, 0, 59999);
	cr_assert_eq(part->too_old, 2);
	send(60000, 1, "EUR");
	write_down();
	cr_assert_eq(told.nsegments, 1);
	forget();
}

Test(partition, ids_that_nobody_knows_do_not_fill_memory)
{
	begin();
	send(1000, 1, "EUR");
	for (int32_t id = 1000; id < 5000; id++) {
		struct buf b = framed(id, 1000, 1, "EUR");
		cr_assert(send_bytes(b.data, b.len, 1000));
		buf_release(&b);
	}
	cr_assert_leq(stream.value.nplans, 1000);
	const struct plan_entry *known = stream.value.last;
	send(1000, 1, "EUR");
	cr_assert_eq(stream.value.last, known, "a plan in use stays");
}

Test(partition, what_was_refused_stays_dirty_until_it_is_dropped)
{
	begin();
	send(1000, 1, "EUR");
	told.result = STORE_FENCED;
	write_down();
	cr_assert_eq(part->acked, 0);
	cr_assert(part->dirty);
	forget();
	part_drop(part);
	cr_assert_eq(part->streams[0]->npanes, 0);
	cr_assert_eq(stream.done.records, 0, "what the store did not take is not counted");
}

Test(partition, a_stream_that_the_store_does_not_know_yet_starts_here_with_an_event)
{
	struct claim c = {.nonce = "n", .next = 5, .check_offset = -1};

	begin();
	part_drop(part);
	part_adopt(part, &c);
	cr_assert_eq(part->nevents, 1);
	cr_assert(strstr(part->events[0], "stream_added"));
}

Test(partition, a_stream_that_was_left_out_for_a_while_is_added_anew)
{
	struct stream_mark mark = {.stream = (char *)"s", .max_event = 1000, .max_untimed = 1000, .next = 3};
	struct claim c = {.nonce = "n", .next = 5, .check_offset = -1, .marks = &mark, .nmarks = 1};

	begin();
	part_drop(part);
	part_adopt(part, &c);
	cr_assert_eq(part->nevents, 1);
	cr_assert(strstr(part->events[0], "\"counted_to\":3"), "%s", part->events[0]);
	cr_assert_eq(part->streams[0]->max_event, 1000);
	cr_assert_eq(part->streams[0]->hole.from, 1000 - 30000, "what was not counted meanwhile is a hole");
	cr_assert_gt(part->streams[0]->hole.to, 1000);
	part_drop(part);
	mark.next = 5;
	part_adopt(part, &c);
	cr_assert_eq(part->nevents, 0);
}

static void expect_hole(int64_t from, int64_t to, bool closed)
{
	write_down();
	forget();
	cr_expect_eq(told.hole.from, from, "from %lld", (long long)told.hole.from);
	cr_expect_eq(told.hole.to, to, "to %lld", (long long)told.hole.to);
	cr_expect_eq(told.hole_closed, closed);
}

// Lateness is 30 s: what was lost may be as late, and so may the record that came after it.
Test(partition, a_hole_lasts_until_a_record_in_time_came_after_it)
{
	const int64_t t = 1700000000000, late = 30000;
	const struct wall_time now = {t + 7200000};

	begin();
	send(t, 5, "EUR");
	expect_hole(0, 0, false);
	part_lost(part->streams[0], now);
	expect_hole(t - late, now.ms + late + 1, false);
	send(t - late - 1, 5, "EUR");                  // late: it says nothing of what came before it
	send_bytes("junk", 4, t + 300000);             // gives no event time
	expect_hole(t - late, now.ms + late + 1, false);
	send(t + 600000, 5, "EUR");
	send(t + 900000, 5, "EUR");
	expect_hole(t - late, t + 600000 + late + 1, true);
	send(t + 900001, 5, "EUR");
	expect_hole(0, 0, false);
	part_lost(part->streams[0], now);
	send(t + 900001 - late, 5, "EUR");             // in time, and older than the newest
	expect_hole(t + 900001 - late, t + 900001 + late + 1, true);
}

Test(partition, a_hole_before_the_first_record_begins_nowhere)
{
	const int64_t t = 1700000000000;

	begin();
	part_lost(part->streams[0], (struct wall_time){t});
	expect_hole(INT64_MIN, t + 30001, false);
	send(t - 100000, 5, "EUR");
	expect_hole(INT64_MIN, t - 100000 + 30001, true);
}

Test(partition, what_was_counted_may_lie_in_the_future_and_so_may_what_was_lost)
{
	const int64_t t = 1700000000000;

	begin();
	send(t, 5, "EUR");
	part_lost(part->streams[0], (struct wall_time){t - 86400000});
	expect_hole(t - 30000, t + 30001, false);
}

// A write that was refused, or a kill: the claim gives the hole back, and the same record closes it.
Test(partition, an_open_hole_comes_back_with_the_claim)
{
	const int64_t t = 1700000000000;
	struct stream_mark mark = {(char *)"s", t, t, 1, {t - 30000, t + 7230001}, false, NULL, {LETTERS_GO, 0}};
	struct claim c = {.nonce = "n", .next = 1, .check_offset = -1, .marks = &mark, .nmarks = 1};

	begin();
	for (int i = 0; i < 2; i++) {
		told.result = i ? STORE_OK : STORE_LOST;
		part_drop(part);
		cr_expect_eq(part->streams[0]->hole.to, 0);
		part_adopt(part, &c);
		send(t + 60000, 5, "EUR");
		expect_hole(t - 30000, t + 90001, true);
	}
}

// Ten late records, each a segment of its own, become one; the played store keeps what it is told.
static struct {
	char key[32];
	struct buf bytes;
} kept[32];
static size_t nkept;

static enum store_result keep(void *ctx, const struct checkpoint *c, const int64_t *widths, int64_t *floors,
			      struct error *err)
{
	(void)ctx;
	(void)widths;
	(void)err;
	floors[0] = INT64_MIN;
	for (size_t i = 0; i < c->nsegments; i++) {
		const struct segment_write *w = &c->segments[i];
		size_t k = 0;
		char key[32];
		if (w->interval)
			continue;
		snprintf(key, sizeof key, "%u", w->n);
		while (k < nkept && strcmp(kept[k].key, w->key ? w->key : key) != 0)
			k++;
		if (w->key) {
			cr_assert_lt(k, nkept, "only what is there is removed");
			buf_release(&kept[k].bytes);
			kept[k] = kept[--nkept];
			continue;
		}
		if (k == nkept) {
			snprintf(kept[k].key, sizeof kept[k].key, "%s", key);
			buf_init(&kept[nkept++].bytes);
		}
		buf_clear(&kept[k].bytes);
		buf_add(&kept[k].bytes, w->bytes, w->len);
	}
	return STORE_OK;
}

static int hand_out(void *ctx, const char *name, int64_t w, int64_t at, const char *topic, int32_t partition,
		    void (*each)(void *arg, const char *key, const char *slice, const void *bytes, size_t len), void *arg,
		    struct error *err)
{
	(void)ctx, (void)name, (void)w, (void)topic, (void)partition, (void)err;
	for (size_t i = 0; at == 0 && i < nkept; i++)
		each(arg, kept[i].key, "", kept[i].bytes.data, kept[i].bytes.len);
	return 0;
}

Test(partition, segments_that_late_records_left_are_merged_into_one)
{
	struct collect_port keeping = port;
	struct error err = ERROR_INIT;
	size_t most = 0;

	keeping.checkpoint = keep;
	keeping.segments = hand_out;
	begin();
	send(500000, 1, "EUR");
	for (int i = 0; i < 10; i++) {
		send(1000 + i, i, "EUR");
		cr_assert_eq(part_checkpoint(part, &keeping, &err), STORE_OK);
		most = nkept > most ? nkept : most;
		cr_assert_eq(part_compact(part, &keeping, &err), STORE_OK, "%s", err.text);
	}
	cr_assert_eq(most, 8);
	cr_assert_eq(nkept, 3, "eight were merged into one, two came after");
	uint64_t records = 0;
	for (size_t i = 0; i < nkept; i++) {
		struct pane *p = pane_decode(kept[i].bytes.data, kept[i].bytes.len, NULL, NULL, &err);
		cr_assert(p, "%s", err.text);
		records += p->records;
		pane_free(p);
		buf_release(&kept[i].bytes);
	}
	cr_assert_eq(records, 10);
}
