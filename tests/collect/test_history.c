// SPDX-License-Identifier: Apache-2.0
// Rules over several records: by hand, and killed at every record with what the store then has.
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "play.h"
#include "util/xalloc.h"

#define SCHEMA                                                                                                         \
	"{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"ts\",\"type\":[\"null\",{\"type\":\"long\",\"logicalType\":" \
	"\"timestamp-millis\"}]},{\"name\":\"id\",\"type\":\"string\"},{\"name\":\"seq\",\"type\":[\"null\",\"long\"]},"   \
	"{\"name\":\"at\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}},"                            \
	"{\"name\":\"skus\",\"type\":{\"type\":\"array\",\"items\":\"int\"}}]}"
#define T0 1700000000000

enum { SPAN = 30000, LATENESS = 10000 };

static struct field_conf fields[] = {
	{.path = (char *)"id", .type = FIELD_TYPES, .unique_ms = SPAN},
	{.path = (char *)"seq", .type = FIELD_TYPES, .monotonic = (char *)"strictly_increasing"},
	{.path = (char *)"at", .type = FIELD_TYPES, .monotonic = (char *)"decreasing"},
	{.path = (char *)"skus[]", .type = FIELD_TYPES, .unique_ms = SPAN},
};

struct row {
	int64_t ts; // -1: null
	int id, seq; // seq -1: null
	int64_t at;
	int skus[2];
	size_t nskus;
};

static void start(void)
{
	play_stream();
	played_schemas[1] = (struct played_schema){SCHEMA, "topic-value", REGISTRY_KNOWN};
	play.conf.lateness_ms = LATENESS;
	play.conf.event_time = (char *)"ts";
	play.conf.fields = fields;
	play.conf.nfields = ARRAY_LEN(fields);
	play.conf.max_future_ms = 60000;
	wstream_init(&play.stream, &play.def);
	play.part = play_claim(&play.stream, 1);
}

TestSuite(history, .init = start, .fini = play_stop);

static void send(const struct row *w)
{
	struct buf b = framed(1);
	char id[16];

	avro_long(&b, w->ts >= 0);
	if (w->ts >= 0)
		avro_long(&b, w->ts);
	snprintf(id, sizeof id, "id%d", w->id);
	avro_text(&b, id);
	avro_long(&b, w->seq >= 0);
	if (w->seq >= 0)
		avro_long(&b, w->seq + 9007199254740992); // past 2^53
	avro_long(&b, w->at);
	if (w->nskus) {
		avro_long(&b, (int64_t)w->nskus);
		for (size_t i = 0; i < w->nskus; i++)
			avro_long(&b, w->skus[i]);
	}
	avro_long(&b, 0);
	const struct message m = {.time = {T0}, .value = (const uint8_t *)b.data, .len = b.len};
	cr_assert(play_record(m));
	buf_release(&b);
}

static void checkpoint(void)
{
	struct error err = ERROR_INIT;

	cr_assert_eq(part_checkpoint(play.part, &play.port, &err), STORE_OK, "%s", err.text);
}

static void kill_it(void)
{
	part_free(play.part);
	play.part = play_claim(&play.stream, 1);
}

// "unique id 3, monotonic seq 1" of what is stored.
static const char *counted(void)
{
	static char text[256];
	const struct pane *p = played_pane("s", NULL);
	size_t at = 0;

	text[0] = 0;
	for (size_t i = 0; p && i < p->nviolations; i++) {
		const struct violation_count *v = &p->violations[i];
		at += (size_t)snprintf(text + at, sizeof text - at, "%s%s %s %d", i ? ", " : "", violation_table[v->kind].name,
				       v->field, (int)v->n);
	}
	return text;
}

Test(history, by_hand)
{
	const struct row rows[] = {
		{T0, 1, 5, 900, {0}, 0},
		{T0 + 1, 1, 6, 900, {0}, 0},	       // id again
		{T0 + SPAN - 1, 1, 6, 899, {0}, 0},    // and again; seq the same
		{T0 + SPAN, 1, 7, 899, {0}, 0},	       // not within the span of the first, which alone broke nothing
		{T0 + SPAN, 2, -1, 901, {1, 1}, 2},    // at goes up; an element twice
		{T0 + SPAN, 3, 8, 901, {1, 2}, 2},     // one of another record
		{T0 + SPAN + LATENESS + 1, 4, 7, 0, {0}, 0}, // seq back
		{T0 + SPAN, 4, 8, 0, {0}, 0},	       // late: not looked at
		{T0 + SPAN + LATENESS, 5, 9, 0, {0}, 0},
		{T0 + SPAN + 1, 5, 10, 0, {0}, 0},     // out of order, not late
		{-1, 5, 11, 0, {0}, 0},		       // without event time
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		send(&rows[i]);
	checkpoint();
	cr_expect_str_eq(counted(), "unique id 3, unique skus[] 2, monotonic at 1, monotonic seq 2");
	cr_expect_eq(played_pane("s", NULL)->violating_records, 6);
}

// What the documentation says, on a plain list of the rows.
static const char *model(const struct row *rows, size_t n)
{
	static char text[256];
	static struct {
		int key;
		int64_t ts;
	} ids[1000], skus[2000];
	size_t nids = 0, nskus = 0;
	int broken[4] = {0};
	int64_t max = INT64_MIN;
	const struct row *seq = NULL;

	for (size_t i = 0; i < n; i++) {
		const struct row *w = &rows[i];
		bool in_time = w->ts >= 0 && (max == INT64_MIN || w->ts >= max - LATENESS), id = false, sku = false;
		for (size_t k = 0; in_time && k < nids; k++)
			id |= ids[k].key == w->id && llabs(ids[k].ts - w->ts) < SPAN;
		if (in_time && !id)
			ids[nids].key = w->id, ids[nids++].ts = w->ts;
		for (size_t e = 0; in_time && e < w->nskus; e++) {
			bool before = false;
			for (size_t k = 0; k < nskus; k++)
				before |= skus[k].key == w->skus[e] && llabs(skus[k].ts - w->ts) < SPAN;
			if (!before)
				skus[nskus].key = w->skus[e], skus[nskus++].ts = w->ts;
			sku |= before;
		}
		broken[0] += id;
		broken[1] += sku;
		broken[2] += i && w->at > rows[i - 1].at;
		broken[3] += w->seq >= 0 && seq && w->seq <= seq->seq;
		seq = w->seq >= 0 ? w : seq;
		max = w->ts > max && w->ts >= 0 ? w->ts : max;
	}
	snprintf(text, sizeof text, "unique id %d, unique skus[] %d, monotonic at %d, monotonic seq %d", broken[0], broken[1],
		 broken[2], broken[3]);
	return text;
}

Test(history, a_kill_at_any_record_changes_nothing)
{
	enum { N = 150 };
	const char *given = getenv("KDRIFT_TEST_SEED");
	unsigned r = given ? (unsigned)strtoul(given, NULL, 0) : (unsigned)time(NULL);
	struct row rows[N];

	fprintf(stderr, "a_kill_at_any_record_changes_nothing: KDRIFT_TEST_SEED=%u\n", r);
	for (size_t i = 0; i < N; i++) {
		int64_t ts = T0 + (int64_t)i * 1000 - rand_r(&r) % 13000;
		rows[i] = (struct row){rand_r(&r) % 9 ? ts : -1, rand_r(&r) % 20, rand_r(&r) % 7 ? (int)i + rand_r(&r) % 3 : -1,
				       1000 - (int64_t)i + rand_r(&r) % 3, {rand_r(&r) % 60, rand_r(&r) % 60}, rand_r(&r) % 3};
	}
	for (int64_t at = 1; at <= N; at++) {
		bool killed = false;
		size_t bytes;
		while (play.part->next < N) {
			send(&rows[play.part->next]);
			if (!(rand_r(&r) % 7))
				checkpoint();
			if ((!killed && play.part->next == at) || !(rand_r(&r) % 60)) {
				killed |= play.part->next == at;
				kill_it();
			}
		}
		checkpoint();
		cr_assert_str_eq(counted(), model(rows, N), "killed at %d", (int)at);
		cr_assert_eq(played_pane("s", NULL)->records, N);
		cr_assert(played_states("s", &bytes) <= 2 + 2 * 12, "%zu states", played_states("s", &bytes));
		play_stop();
		start();
	}
}
