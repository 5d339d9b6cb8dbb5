// SPDX-License-Identifier: Apache-2.0
// What the ports promise of the store in memory, against a naive model of it.
#include <criterion/criterion.h>
#include <stdlib.h>

#include "app/memory_store.h"
#include "util/map.h"
#include "util/xalloc.h"

static struct memory_store *m;
static struct collect_port collect;
static struct judge_port judge;
static struct error err;
static unsigned messages, events;

static void on_message(void *ctx, const struct outbox_entry *e)
{
	(void)ctx;
	messages += !strcmp(e->id, "msg_1");
}

static void on_event(void *ctx, const char *json)
{
	(void)ctx;
	events += !strcmp(json, "{\"at\":1}");
}

static void setup(void)
{
	err = (struct error)ERROR_INIT;
	messages = events = 0;
	m = memory_store_new(&(struct memory_sink){NULL, on_message, on_event});
	collect = memory_collect_port(m, NULL);
	judge = memory_judge_port(m, NULL);
}

static void teardown(void)
{
	memory_store_free(m);
}

TestSuite(memory_store, .init = setup, .fini = teardown);

static void put(int32_t partition, int64_t next, const struct stream_mark *mark, const struct segment_write *w, size_t n)
{
	const struct checkpoint c = {.topic = "t", .partition = partition, .nonce = "memory", .next = next, .marks = mark,
				     .nmarks = 1, .segments = w, .nsegments = n, .end = -1, .target = -1};
	int64_t width = 10, floor = 0;

	cr_assert_eq(collect.checkpoint(collect.ctx, &c, &width, &floor, &err), STORE_OK);
	cr_assert_eq(floor, INT64_MIN);
}

static struct stream_mark mark_of(int64_t event)
{
	return (struct stream_mark){.stream = (char *)"s", .max_event = event, .max_untimed = INT64_MIN};
}

// --- segments: a random workload beside a list ----------------------------------------------------------

enum { STARTS = 7, PARTITIONS = 3, NUMBERS = 4 };

static unsigned char model[STARTS][PARTITIONS][NUMBERS]; // the byte stored; 0: none
static unsigned writes[STARTS];

static void see(void *arg, const struct interval_view *of, const struct segment_view *v)
{
	int64_t start = of->start;
	unsigned *found = arg, n = (unsigned)atoi(v->slice + 2);

	cr_assert_eq(v->len, 1);
	cr_assert_str_eq(v->topic, "t");
	cr_assert_eq(model[start / 10][v->partition][n], *(const unsigned char *)v->bytes);
	++*found;
}

struct own {
	int64_t start;
	int32_t partition;
	unsigned found;
	char key[80]; // of the number that is looked for
	unsigned n;
};

static void see_own(void *arg, const char *key, const char *slice, const void *bytes, size_t len)
{
	struct own *o = arg;
	unsigned n = (unsigned)atoi(slice + 2);

	cr_assert_eq(len, 1);
	cr_assert_eq(model[o->start / 10][o->partition][n], *(const unsigned char *)bytes);
	if (n == o->n)
		snprintf(o->key, sizeof o->key, "%s", key);
	o->found++;
}

static void one_step(unsigned *seed)
{
	int64_t start = rand_r(seed) % STARTS * 10;
	int32_t partition = rand_r(seed) % PARTITIONS;
	unsigned n = (unsigned)rand_r(seed) % NUMBERS;
	unsigned char byte = (unsigned char)(rand_r(seed) % 255 + 1);
	struct stream_mark mark = mark_of(start);
	char slice[8];
	struct own own = {.start = start, .partition = partition, .n = n};

	snprintf(slice, sizeof slice, "k=%u", n);
	struct segment_write w = {"s", slice, start, n, &byte, 1, NULL, false};
	cr_assert_eq(collect.segments(collect.ctx, "s", 10, start, "t", partition, see_own, &own, &err), 0);
	unsigned want = 0;
	for (int i = 0; i < NUMBERS; i++)
		want += model[start / 10][partition][i] != 0;
	cr_assert_eq(own.found, want);
	if (rand_r(seed) % 3 == 0) {
		if (!*own.key)
			return;
		w.bytes = NULL;
		w.len = 0;
		w.key = own.key;
		byte = 0;
	}
	put(partition, 1, &mark, &w, 1);
	model[start / 10][partition][n] = byte;
	writes[start / 10]++;
}

static void compare(void)
{
	struct interval_view *iv;
	size_t n;
	unsigned found = 0, want = 0;

	cr_assert_eq(judge.intervals(judge.ctx, "s", 0, STARTS * 10, &iv, &n, &err), 0);
	for (size_t i = 0; i < n; i++) {
		cr_assert(!i || iv[i].start > iv[i - 1].start);
		cr_assert_eq(iv[i].writes, writes[iv[i].start / 10]);
	}
	cr_assert_eq(judge.segments(judge.ctx, "s", iv, n, see, &found, &err), 0);
	free(iv);
	for (int i = 0; i < STARTS; i++)
		for (int p = 0; p < PARTITIONS; p++)
			for (int k = 0; k < NUMBERS; k++)
				want += model[i][p][k] != 0;
	cr_assert_eq(found, want);
}

Test(memory_store, segments_are_replaced_and_removed_one_by_one)
{
	unsigned seed = (unsigned)(getenv("SEED") ? atoi(getenv("SEED")) : 20261121);

	printf("seed %u\n", seed);
	for (int i = 0; i < 3000; i++) {
		one_step(&seed);
		if (i % 50 == 0)
			compare();
	}
	compare();
}

Test(memory_store, intervals_are_those_of_the_range)
{
	struct stream_mark mark = mark_of(0);
	struct interval_view *iv;
	size_t n;

	for (int64_t at = 50; at >= 0; at -= 10) {
		const struct segment_write w = {"s", "", at, 0, "x", 1, NULL, false};
		put(0, 1, &mark, &w, 1);
	}
	cr_assert_eq(judge.intervals(judge.ctx, "s", 10, 30, &iv, &n, &err), 0);
	cr_assert_eq(n, 2);
	cr_assert_eq(iv[0].start, 10);
	cr_assert_eq(iv[1].start, 20);
	free(iv);
	cr_assert_eq(judge.set_floor(judge.ctx, "s", 30, &err), 0);
	cr_assert_eq(judge.intervals(judge.ctx, "s", INT64_MIN, INT64_MAX, &iv, &n, &err), 0);
	cr_assert_eq(n, 3);
	cr_assert_eq(iv[0].start, 30);
	free(iv);
}

Test(memory_store, a_stream_stands_where_its_partitions_do)
{
	struct stream_mark one = mark_of(100), two = mark_of(40);
	struct stream_view v;

	two.hole = (struct hole){5, 9};
	put(1, 7, &one, NULL, 0);
	put(0, 3, &two, NULL, 0);
	cr_assert_eq(judge.view(judge.ctx, "s", &v, &err), 0);
	cr_assert_eq(v.nparts, 2);
	cr_assert_eq(v.parts[0].partition, 0);
	cr_assert_eq(v.parts[0].max_event, 40);
	cr_assert_eq(v.parts[0].next, 3);
	cr_assert(v.parts[0].idle && v.parts[0].owned);
	cr_assert_eq(v.parts[1].max_event, 100);
	cr_assert_eq(v.nholes, 1);
	stream_view_release(&v);
	two.hole_closed = true; // final, and another opens
	put(0, 4, &two, NULL, 0);
	two.hole_closed = false;
	two.hole = (struct hole){20, 30};
	put(0, 5, &two, NULL, 0);
	memory_store_advance(m, "s", 60);
	cr_assert_eq(judge.view(judge.ctx, "s", &v, &err), 0);
	cr_assert_eq(v.nholes, 2);
	cr_assert_eq(v.parts[0].max_event, 60);
	cr_assert_eq(v.parts[1].max_event, 100);
	stream_view_release(&v);
}

Test(memory_store, a_claim_gives_the_offset)
{
	struct stream_mark mark = mark_of(1);
	struct claim c;

	cr_assert_eq(collect.claim(collect.ctx, "t", 0, &c, &err), 0);
	cr_assert(c.fresh);
	put(0, 12, &mark, NULL, 0);
	cr_assert_eq(collect.claim(collect.ctx, "t", 0, &c, &err), 0);
	cr_assert(!c.fresh);
	cr_assert_eq(c.next, 12);
}

static void see_doc(void *arg, const char *key, const char *json)
{
	struct map *seen = arg;

	map_puts(seen, key, xstrdup(json));
}

Test(memory_store, documents_are_replaced_and_what_goes_out_is_told)
{
	const struct doc first[] = {{"alert", "a", "1"}, {"alert", "b", "2"}, {"alerts", "c", "3"}};
	const struct doc second[] = {{"alert", "a", "4"}, {"alert", "b", NULL}};
	const char *const told[] = {"{\"at\":1}"};
	struct outbox_entry e = {.id = (char *)"msg_1"};
	struct judge_commit c = {first, 3, told, 1, &e, 1};
	struct map seen;

	cr_assert_eq(judge.commit(judge.ctx, &c, &err), 0);
	c = (struct judge_commit){second, 2, NULL, 0, NULL, 0};
	cr_assert_eq(judge.commit(judge.ctx, &c, &err), 0);
	map_init(&seen);
	cr_assert_eq(judge.docs(judge.ctx, "alert", see_doc, &seen, &err), 0);
	cr_assert_eq(seen.count, 1);
	cr_assert_str_eq(map_gets(&seen, "a"), "4");
	map_release(&seen, free);
	cr_assert_eq(messages, 1);
	cr_assert_eq(events, 1);
}

Test(memory_store, sub_streams_are_those_that_were_counted)
{
	static const char *const streams[] = {"s/b", "s", "s/a", "st/a"};
	char **names;
	size_t n;

	for (int i = 0; i < 4; i++) {
		struct stream_mark mark = {.stream = (char *)(uintptr_t)streams[i]};
		put(0, 1, &mark, NULL, 0);
	}
	cr_assert_eq(collect.types(collect.ctx, "s", &names, &n, &err), 0);
	cr_assert_eq(n, 2);
	cr_assert_str_eq(names[0], "s/a");
	cr_assert_str_eq(names[1], "s/b");
	free(names[0]);
	free(names[1]);
	free(names);
}
