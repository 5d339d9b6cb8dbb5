// SPDX-License-Identifier: Apache-2.0
// The moments of stored panes, against a naive reading of the records that were counted into them.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <time.h>

#include "app/memory_store.h"
#include "app/stored_panes.h"
#include "stats/pane.h"
#include "util/clock.h"
#include "util/xalloc.h"

enum { PANE = 10, RECORDS = 400, PARTS = 3, LATE = 7, SPAN = 900 };

static const struct judge_stream streams[] = {{.name = "a", .pane_ms = PANE, .lateness_ms = LATE},
					      {.name = "a/T", .pane_ms = PANE, .lateness_ms = LATE, .of = "a"}};
static const size_t nstreams = sizeof streams / sizeof *streams;

struct record {
	size_t stream;
	int32_t part;
	int64_t ms, offset;
};

static struct memory_store *m;
static struct judge_port port;
static struct record records[RECORDS];
static struct error err;
static unsigned seed;

static void put(const struct collect_port *collect, size_t stream, int32_t part, int64_t start)
{
	struct pane *p = pane_new();
	struct buf bytes = BUF_INIT;
	int64_t newest = INT64_MIN, floor, next = 0;
	struct stream_mark marks[2];

	for (size_t i = 0; i < RECORDS; i++) {
		const struct record *r = &records[i];
		if (r->part == part && (stream == 0 || r->stream == stream) && r->ms > newest)
			newest = r->ms;
		if (r->part != part || r->stream != stream || time_floor(r->ms, PANE) != start)
			continue;
		pane_count_record(p, r->ms, r->offset, 1, true, false, false);
		next = r->offset + 1;
	}
	marks[0] = (struct stream_mark){.stream = (char *)(uintptr_t)streams[stream].name, .max_event = newest, .max_untimed = INT64_MIN};
	pane_encode(p, &bytes);
	const struct segment_write w = {streams[stream].name, "", start, 1, bytes.data, bytes.len, NULL, false};
	const struct checkpoint c = {.topic = "t", .partition = part, .nonce = "memory", .next = next, .marks = marks, .nmarks = 1,
				     .segments = &w, .nsegments = 1, .end = -1, .target = -1};
	if (p->records)
		cr_assert_eq(collect->checkpoint(collect->ctx, &c, &floor, &floor, &err), STORE_OK);
	buf_release(&bytes);
	pane_free(p);
}

static void setup(void)
{
	const char *given = getenv("KDRIFT_TEST_SEED");

	seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
	fprintf(stderr, "stored_panes: KDRIFT_TEST_SEED=%u\n", seed);
	err = (struct error)ERROR_INIT;
	m = memory_store_new(&(struct memory_sink){NULL, NULL, NULL});
	const struct collect_port collect = memory_collect_port(m, NULL);
	port = memory_judge_port(m, NULL);
	for (int i = 0; i < RECORDS; i++)
		records[i] = (struct record){(size_t)rand_r(&seed) % 2, rand_r(&seed) % PARTS, rand_r(&seed) % SPAN, i};
	for (size_t s = 0; s < nstreams; s++)
		for (int32_t part = 0; part < PARTS; part++)
			for (int64_t start = 0; start < SPAN; start += PANE)
				put(&collect, s, part, start);
}

static void teardown(void)
{
	memory_store_free(m);
}

TestSuite(stored_panes, .init = setup, .fini = teardown);

static void add_records(void *arg, const struct interval_view *of, const struct segment_view *v)
{
	struct pane head;

	(void)of;
	cr_assert_eq(pane_decode_head(v->bytes, v->len, &head, &err), 0);
	*(uint64_t *)arg += head.records;
}

// Of the panes that are shown; *start: the first.
static uint64_t shown(const struct judge_port *p, size_t stream, int64_t *start)
{
	struct interval_view *iv;
	uint64_t n = 0;
	size_t niv;

	cr_assert_eq(p->intervals(p->ctx, streams[stream].name, INT64_MIN, INT64_MAX, &iv, &niv, &err), 0);
	*start = niv ? iv[0].start : INT64_MAX;
	cr_assert_eq(p->segments(p->ctx, streams[stream].name, iv, niv, add_records, &n, &err), 0);
	free(iv);
	return n;
}

// Records of the stream with from <= event time < to, and those of the partition (-1: any) up to `ms`.
static uint64_t count(size_t stream, int64_t from, int64_t to)
{
	uint64_t n = 0;

	for (size_t i = 0; i < RECORDS; i++)
		n += records[i].stream == stream && records[i].ms >= from && records[i].ms < to;
	return n;
}

static int64_t newest_before(size_t stream, int64_t from, int64_t to, bool with_types)
{
	int64_t newest = INT64_MIN;

	for (size_t i = 0; i < RECORDS; i++)
		if ((records[i].stream == stream || with_types) && records[i].ms >= from && records[i].ms < to && records[i].ms > newest)
			newest = records[i].ms;
	return newest;
}

static struct stored_panes *open_range(int64_t from, int64_t to)
{
	const struct stored_panes_conf conf = {.port = &port, .streams = streams, .nstreams = nstreams, .from = from, .to = to};
	struct stored_panes *p = stored_panes_open(&conf, &err);

	cr_assert(p, "%s", err.text);
	return p;
}

static void walk(int64_t from, int64_t to)
{
	struct stored_panes *p = open_range(from, to);
	const struct judge_port see = stored_panes_port(p);
	int64_t low = from == INT64_MIN ? from : time_floor(from, PANE), high = to == INT64_MAX ? to : time_floor(to + PANE - 1, PANE);
	int64_t ms, last = INT64_MIN, first, oldest, newest;
	size_t stream;

	cr_assert_eq(stored_panes_records(p, &oldest, &newest), count(0, low, high) + count(1, low, high));
	while (stored_panes_next(p, &stream, &ms)) {
		cr_assert_eq(stream, 0, "a sub-stream goes by its stream's time");
		cr_assert_geq(ms, last);
		last = ms;
		for (size_t s = 0; s < nstreams; s++) {
			uint64_t n = shown(&see, s, &first);
			// The pane at hand is shown once its last record has come: no earlier, and the next one's first comes later.
			uint64_t whole = count(s, low, time_floor(ms, PANE)), more = count(s, low, time_floor(ms, PANE) + PANE);
			cr_assert(ms >= high || n == whole || n == more, "%llu are shown at %lld", (unsigned long long)n, (long long)ms);
			if (low > 0 && n)
				cr_assert_eq(first, low);
		}
	}
	for (size_t s = 0; s < nstreams; s++) {
		struct stream_view v;
		cr_assert_eq(shown(&see, s, &first), count(s, low, high));
		cr_assert_eq(see.view(see.ctx, streams[s].name, &v, &err), 0);
		int64_t all = newest_before(s, INT64_MIN, INT64_MAX, s == 0), held = newest_before(s, low, high, s == 0);
		int64_t end = to == INT64_MAX || all < to + LATE ? all : to + LATE;
		for (size_t i = 0; i < v.nparts; i++) {
			cr_assert_eq(v.parts[i].max_event, s ? (held < end ? held : end) : end);
			int64_t next = 0;
			for (size_t k = 0; k < RECORDS; k++)
				if (records[k].part == v.parts[i].partition && records[k].ms >= low && records[k].ms < high)
					next = records[k].offset + 1;
			cr_assert_eq(v.parts[i].next, next);
		}
		cr_assert_eq(v.nparts, PARTS);
		stream_view_release(&v);
	}
	int64_t spread = 0;
	for (size_t i = 0; i < RECORDS; i++)
		if (records[i].ms >= low && records[i].ms < high && records[i].ms % PANE >= spread)
			spread = records[i].ms % PANE + 1;
	cr_assert_eq(stored_panes_spread(p, 0), spread);
	cr_assert_eq(stored_panes_check(p, &err), 0);
	stored_panes_free(p);
}

Test(stored_panes, all_that_is_stored)
{
	walk(INT64_MIN, INT64_MAX);
}

Test(stored_panes, a_range)
{
	walk(203, 600);
	walk(INT64_MIN, 455);
	walk(510, INT64_MAX);
}

Test(stored_panes, a_range_without_panes)
{
	struct stored_panes *p = open_range(-500, -400);
	int64_t from, to;

	cr_assert_eq(stored_panes_records(p, &from, &to), 0);
	cr_assert_gt(from, to);
	stored_panes_free(p);
}

Test(stored_panes, what_is_removed_meanwhile_is_told)
{
	struct stored_panes *p = open_range(INT64_MIN, INT64_MAX);

	cr_assert_eq(port.set_floor(port.ctx, "a", 300, &err), 0);
	cr_assert_eq(stored_panes_check(p, &err), -1);
	cr_assert(strstr(err.text, "stream a: the oldest panes of the range were removed"), "%s", err.text);
	stored_panes_free(p);
}
