// SPDX-License-Identifier: Apache-2.0
// Rolling up on a real redis-server, beside collectors that die, are fenced, come late and compact. What a window
// holds must be, to the bit, what one pane would hold that had counted the log up to the stored offsets by itself.
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/adapters.h"
#include "judge/judge.h"
#include "judge/rollup.h"
#include "judge/windows.h"
#include "rollup_world.h"
#include "util/xalloc.h"

TestSuite(rollup, .init = world_start, .fini = world_stop, .timeout = 240);

static unsigned same_whole, other_whole, parted, rolled, refused, lates, raced;

struct found {
	char *keys[64], *slice[64];
	struct pane *panes[64];
	size_t n;
};

static void see_own(void *arg, const char *key, const char *slice, const void *bytes, size_t len)
{
	struct found *f = arg;

	cr_assert_lt(f->n, ARRAY_LEN(f->keys));
	f->keys[f->n] = xstrdup(key);
	f->slice[f->n] = xstrdup(slice);
	f->panes[f->n++] = pane_decode(bytes, len, NULL, NULL, &failure);
}

static void roll_random(struct store *s);

// One new segment in the place of all of a slice; somebody may roll them up between reading and writing.
static void compact(struct collector *c, struct store *judge)
{
	int64_t interval = (int64_t)world_rnd(STREAM_HOURS * 3) * (HOUR / 3);
	struct found f = {.n = 0};
	struct segment_write w[65];
	struct buf b = BUF_INIT;
	struct pane *sum = pane_new();
	size_t n = 0;

	if (collector_checkpoint(c) != STORE_OK)
		goto out;
	collector_drop(c);
	collector_claim(c); // nothing is open
	cr_assert_eq(store_own_segments(c->store, "s", MINUTE, interval, "topic", (int32_t)(c - collectors), see_own, &f, &failure), 0);
	for (size_t i = 0; i < f.n; i++) {
		if (strcmp(f.slice[i], f.slice[0]) != 0)
			continue;
		pane_merge(sum, f.panes[i]);
		w[n++] = (struct segment_write){.stream = "s", .slice = "", .interval = interval, .key = f.keys[i]};
	}
	if (n) {
		pane_encode(sum, &b);
		w[n++] = (struct segment_write){.stream = "s", .slice = f.slice[0], .interval = interval, .n = c->segments++,
						.bytes = b.data, .len = b.len};
		if (world_rnd(2))
			roll_random(judge);
		collector_put(c, w, n);
	}
out:
	for (size_t i = 0; i < f.n; i++) {
		free(f.keys[i]);
		free(f.slice[i]);
		pane_free(f.panes[i]);
	}
	pane_free(sum);
	buf_release(&b);
}

// --- the judge --------------------------------------------------------------------------------------------

static bool calm; // nobody writes meanwhile

// Between the reading of what is rolled up and the write of it.
static int roll_up_late(void *ctx, const char *stream, const struct roll_up *r, struct error *e)
{
	if (!calm && !world_rnd(3)) {
		struct collector *c = &collectors[world_rnd(PARTS)];
		lates++;
		collector_read(c, 1 + world_rnd(20));
		collector_checkpoint(c);
	}
	if (!world_rnd(8)) { // the judge dies, or Redis was away, after staging
		struct roll_up old = *r;
		old.generation++;
		cr_assert_eq(store_roll_up(ctx, stream, &old, e), -1);
		*e = (struct error)ERROR_INIT;
		return 0;
	}
	return store_roll_up(ctx, stream, r, e);
}

static void roll(struct store *s, int64_t at, int64_t width)
{
	struct interval_view *iv;
	size_t n, k = 0;
	bool wider = false;

	cr_assert_eq(port.intervals(port.ctx, "s", at, at + width, &iv, &n, &failure), 0, "%s", failure.text);
	for (size_t i = 0; i < n; i++) {
		wider |= iv[i].width > width;
		if (iv[i].width <= width)
			iv[k++] = iv[i];
	}
	if (k && !wider) {
		int rc = roll_up(&port, "s", at, width, iv, k, store_generation(s), &failure);
		cr_assert_geq(rc, 0, "%s", failure.text);
		rolled += rc == 1;
		refused += rc == 0;
	}
	free(iv);
}

static void roll_random(struct store *s)
{
	if (world_rnd(15))
		roll(s, (int64_t)world_rnd(STREAM_HOURS) * HOUR, HOUR);
	else
		roll(s, 0, DAY);
}

// Has the slice a record wherever one overflowed, by minute and partition? (A record that comes late for what was
// rolled up may be told apart from those of its minute, so that a slice is called in part though it is whole.)
static bool whole(int64_t from, int64_t to, const char *slice)
{
	static bool over[PARTS][STREAM_HOURS * 60], met[PARTS][STREAM_HOURS * 60];
	bool all = true;

	memset(over, 0, sizeof over);
	memset(met, 0, sizeof met);
	for (int p = 0; p < PARTS; p++)
		for (int64_t i = 0; i < collectors[p].acked; i++) {
			const struct record *r = &records[p][i];
			if (r->event < from || r->event >= to)
				continue;
			over[p][r->event / MINUTE] |= record_overflows(r);
			met[p][r->event / MINUTE] |= !strcmp(r->slice, slice);
		}
	for (int p = 0; p < PARTS; p++)
		for (int k = 0; k < STREAM_HOURS * 60; k++)
			all &= !over[p][k] || met[p][k];
	return all;
}

static struct judge_port reader;

// What a reader has listed is rolled up before it is read.
static int segments_late(void *ctx, const char *stream, const struct interval_view *iv, size_t n,
			 void (*each)(void *arg, const struct interval_view *of, const struct segment_view *v), void *arg,
			 struct error *e)
{
	unsigned before = rolled;

	calm = true;
	for (int i = 0; i < 3 && world_rnd(2); i++)
		roll_random(ctx);
	calm = false;
	raced += rolled > before;
	return store_segments(ctx, stream, iv, n, each, arg, e);
}

static void check(struct windows *w)
{
	int64_t from = (int64_t)world_rnd(STREAM_HOURS) * HOUR, to = from + (int64_t)(1 + world_rnd(STREAM_HOURS)) * HOUR;
	int64_t lo = (int64_t)world_rnd(STREAM_HOURS * 60) * MINUTE, hi = lo + (int64_t)(1 + world_rnd(300)) * MINUTE;
	struct stored_range range = {lo, hi, MINUTE};
	struct merged m;
	struct pane *p;

	windows_begin(w);
	cr_assert_eq(windows_merge(w, from, to, &m, &failure), 0, "%s", failure.text);
	if (!m.cut) {
		world_expect(m.total.pane, from, to, NULL, "a window");
		for (size_t i = 0; i < m.nslices; i++) {
			world_expect(m.slices[i].pane, from, to, m.slices[i].name, "a slice of a window");
			bool said = slice_whole(&m, &m.slices[i]), is = whole(from, to, m.slices[i].name);
			cr_assert(is || !said, "slice %s may lack records", m.slices[i].name);
			same_whole += said == is;
			other_whole += said != is;
			parted += !is;
			for (size_t k = 0; k < m.slices[i].nparts; k++) { // evidence
				const struct part_range *r = &m.slices[i].parts[k];
				int64_t first = INT64_MAX, last = -1;
				for (int64_t o = 0; o < collectors[r->partition].acked; o++) {
					const struct record *x = &records[r->partition][o];
					if (x->event < from || x->event >= to || strcmp(x->slice, m.slices[i].name))
						continue;
					first = o < first ? o : first;
					last = o;
				}
				cr_assert_eq(r->from, first);
				cr_assert_eq(r->to, last);
			}
		}
	}
	merged_release(&m);
	cr_assert_eq(judge_merge_range(&reader, "s", &range, NULL, NULL, &p, &failure), 0, "%s", failure.text);
	cr_assert(range.from <= lo && range.to >= hi && lo - range.from < DAY && range.to - hi < DAY);
	world_expect(p, range.from, range.to, NULL, "a rounded range");
	pane_free(p);
}

Test(rollup, windows_are_the_same_bytes_and_every_record_counts_once)
{
	static const char *const slices[] = {"a", "b", "other"};
	const char *seed = getenv("SEED");
	struct store *judge = world_store();

	world_seed = seed ? strtoull(seed, NULL, 10) : 20261122;
	printf("seed %" PRIu64 "\n", world_seed);
	cr_assert_eq(store_lease(judge, "A", 600000, &failure), 1, "%s", failure.text);
	store_set_lease(judge, "A");
	port = judge_port_of(judge);
	port.roll_up = roll_up_late;
	reader = port;
	reader.segments = segments_late;
	for (int p = 0; p < PARTS; p++) {
		for (int i = 0; i < LOG; i++) { // event time goes on by and by; a third comes late, from anywhere
			int64_t at = world_rnd(3) ? (int64_t)i * STREAM_HOURS * HOUR / LOG : (int64_t)world_rnd(STREAM_HOURS * HOUR);
			records[p][i] = (struct record){at / (HOUR / 3) * (HOUR / 3) + (int64_t)world_rnd(MINUTE),
							slices[world_rnd(30) ? 1 + world_rnd(2) : 0],
							(double)world_rnd(100000) / 7};
		}
		collectors[p].store = world_store();
		collector_claim(&collectors[p]);
	}
	struct windows *w = windows_new(&reader, "s", MINUTE, HOUR / 4, 2 * DAY, NULL);
	for (int step = 0; step < 1500; step++) {
		struct collector *c = &collectors[world_rnd(PARTS)];
		switch (world_rnd(10)) {
		case 0: case 1: case 2:
			collector_read(c, world_rnd(25));
			break;
		case 3: case 4:
			collector_checkpoint(c);
			break;
		case 5:
			collector_close(c);
			break;
		case 6:
			if (!world_rnd(4))
				collector_claim(c); // it was killed, or another took over
			else
				compact(c, judge);
			break;
		case 7:
		case 8:
			roll_random(judge);
			break;
		default:
			check(w);
		}
	}
	for (int p = 0; p < PARTS; p++)
		do
			collector_read(&collectors[p], LOG);
		while (collector_checkpoint(&collectors[p]) != STORE_OK);
	for (int64_t h = 0; h < STREAM_HOURS; h++)
		roll(judge, h * HOUR, HOUR);
	for (int i = 0; i < 50; i++)
		check(w);
	struct pane *all;
	struct stored_range whole_log = {0, STREAM_HOURS * (int64_t)HOUR, MINUTE};
	cr_assert_eq(judge_merge_range(&port, "s", &whole_log, NULL, NULL, &all, &failure), 0, "%s", failure.text);
	cr_assert_eq(all->records, PARTS * LOG);
	pane_free(all);
	printf("slices: %u judged whole or not as before, %u not whole though they are, %u not whole\n", same_whole, other_whole,
	       parted);
	cr_assert(parted > 20 && same_whole > other_whole, "the test plays too little: %u %u %u", same_whole, other_whole, parted);
	printf("%u fenced, %u rolled up, %u not, %u writes between, %u before a read\n", fenced, rolled, refused, lates, raced);
	cr_assert(fenced > 2 && rolled > 40 && refused > 3 && raced > 10, "the test plays too little: %u %u %u %u", fenced, rolled,
		  refused, raced);
	windows_free(w);
	for (int p = 0; p < PARTS; p++) {
		collector_drop(&collectors[p]);
		store_free(collectors[p].store);
	}
	store_free(judge);
}

// --- when -------------------------------------------------------------------------------------------------

static void expect_limit(struct roll_use u, int64_t width, int64_t want)
{
	int64_t limit = INT64_MAX;

	roll_up_limit(&u, width, &limit);
	cr_expect_eq(limit, want, "%" PRId64 ", not %" PRId64, limit, want);
}

Test(rollup_limit, as_far_as_no_window_has_a_bound_within, .init = NULL, .fini = NULL)
{
	const int64_t end = 10 * (int64_t)DAY + 90 * MINUTE;

	// Whole hours at whole hours: up to the last that is judged; by the day they have bounds within.
	expect_limit((struct roll_use){2 * HOUR, 0, HOUR, end}, HOUR, 10 * (int64_t)DAY + HOUR);
	expect_limit((struct roll_use){2 * HOUR, 0, HOUR, end}, DAY, 9 * (int64_t)DAY);
	// Others from where the next window begins, or what it is compared with.
	expect_limit((struct roll_use){HOUR, 0, 5 * MINUTE, end}, HOUR, 10 * (int64_t)DAY);
	expect_limit((struct roll_use){HOUR, DAY, 5 * MINUTE, end}, HOUR, 9 * (int64_t)DAY);
	expect_limit((struct roll_use){7 * DAY, 0, DAY, end}, DAY, 10 * (int64_t)DAY);
	expect_limit((struct roll_use){7 * DAY, HOUR, DAY, end}, DAY, 3 * (int64_t)DAY);
}

static void tick(struct judge *j, int n)
{
	while (n--)
		cr_assert_eq(judge_tick(j, wall_now(), &failure), 0, "%s", failure.text);
}

// Twelve days of a stream with a window of an hour that slides by minutes, and one of a week that does by days.
Test(rollup, the_judge_keeps_two_days_fine_and_a_week_in_hours)
{
	struct rule own[] = {
		{.name = (char[]){"few"}, .stream = (char[]){"s"}, .has_below = true, .below = 1, .min_records = 1},
		{.name = (char[]){"week"}, .stream = (char[]){"s"}, .has_below = true, .below = 1, .over_ms = 7 * (int64_t)DAY,
		 .every_ms = DAY},
	};
	const struct judge_stream stream = {.name = "s", .topic = "topic", .window_ms = HOUR, .slide_ms = 15 * MINUTE,
					    .pane_ms = MINUTE, .retention_ms = 30 * (int64_t)DAY, .max_slices = 100};
	const struct judge_conf conf = {.streams = &stream, .nstreams = 1, .rules = own, .nrules = 2, .clock_is_watermark = true};
	const int64_t step = 12 * (int64_t)DAY / (LOG - 100);
	struct store *s = world_store();
	struct collector *c = &collectors[0];
	struct pane *all;

	own[0].measure = own[1].measure = measure_find("records");
	cr_assert_eq(store_lease(s, "A", 600000, &failure), 1, "%s", failure.text);
	store_set_lease(s, "A");
	port = judge_port_of(s);
	for (int i = 0; i < LOG; i++) // a late one, and then more of the present
		records[0][i] = (struct record){i == LOG - 100 ? 5 * (int64_t)DAY + 7 * MINUTE : i * step, "a", i};
	c->store = world_store();
	newest_is_mark = true;
	collector_claim(c);
	collector_put_all(c, LOG - 100);
	struct judge *j = judge_new(&conf, &port);
	tick(j, 300);
	cr_expect_eq(world_listed(DAY), 3, "the fourth day is not over eight days before the end");
	cr_expect_eq(world_listed(HOUR), 9 * 24 - 3 * 24 + 23, "%" PRId64, world_listed(HOUR));
	cr_expect_lt(world_listed(0), 2 * DAY / step + 10);
	collector_put_all(c, 1);
	tick(j, 1);
	cr_expect_eq(world_listed(HOUR), 9 * 24 - 3 * 24 + 23);
	collector_put_all(c, 99);
	tick(j, 100);
	int64_t fine = world_listed(0);
	cr_expect_lt(fine, 2 * DAY / step + 10, "%" PRId64 " fine ones: the late one is rolled up, too", fine);
	struct stored_range long_ago = {0, 20 * (int64_t)DAY, MINUTE};
	cr_assert_eq(judge_merge_range(&port, "s", &long_ago, NULL, NULL, &all, &failure), 0, "%s", failure.text);
	world_expect(all, 0, 20 * (int64_t)DAY, NULL, "all of it");
	pane_free(all);
	judge_free(j);
	collector_drop(c);
	store_free(c->store);
	store_free(s);
}
