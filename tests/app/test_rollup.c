// SPDX-License-Identifier: Apache-2.0
// Rolling up on a real redis-server, beside collectors that die, are fenced, come late and compact. What a window
// holds must be, to the bit, what one pane would hold that had counted the log up to the stored offsets by itself.
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../store/redis.h"
#include "app/adapters.h"
#include "judge/judge.h"
#include "judge/rollup.h"
#include "judge/windows.h"
#include "util/xalloc.h"

enum { MINUTE = 60000, HOUR = 60 * MINUTE, DAY = 24 * HOUR, PARTS = 2, LOG = 1500, STREAM_HOURS = 30 };

static struct test_redis redis;
static struct error err;
static uint64_t state;

static uint64_t rnd(uint64_t n)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (state >> 33) % n;
}

static void start(void)
{
	test_redis_start(&redis);
	err = (struct error)ERROR_INIT;
}

static void stop(void)
{
	test_redis_stop(&redis);
}

TestSuite(rollup, .init = start, .fini = stop, .timeout = 240);

static struct store *open_store(void)
{
	const struct store_conf conf = {.url = redis.url, .prefix = "t", .scope = "c/g", .timeout_ms = 5000, .max_panes = 100};
	struct store *s = store_new(&conf, &err);

	cr_assert(s, "%s", err.text);
	return s;
}

// --- collectors -----------------------------------------------------------------------------------------

struct record {
	int64_t event;
	const char *slice;
	double x;
};

struct open {
	int64_t interval;
	const char *slice;
	struct pane *pane;
	uint32_t n;
	bool dirty, written;
};

static struct collector {
	struct store *store;
	char nonce[STORE_NONCE + 1];
	int64_t acked, next;
	uint32_t segments;
	struct open open[4096];
	size_t nopen;
} collectors[PARTS];

static struct record records[PARTS][LOG];
static bool newest_is_mark;
static unsigned same_whole, other_whole, parted, fenced, rolled, refused, lates;

static bool overflows(const struct record *r)
{
	return !strcmp(r->slice, "other") && (int64_t)(r->x * 7) % 40 == 0;
}

static void count(struct pane *p, const struct record *r, int64_t offset)
{
	static char x[] = "x", c[] = "c";
	const struct field_def number = {.path = x, .type = FIELD_NUMERIC}, text = {.path = c, .type = FIELD_CATEGORICAL};
	char word[16];

	pane_count_record(p, r->event, offset, 7, true, false, false);
	p->overflowed += overflows(r);
	field_add_number(pane_field(p, 0, &number), r->x);
	int n = snprintf(word, sizeof word, "v%d", (int)(r->x * 10) % 400);
	field_add_category(pane_field(p, 1, &text), word, (size_t)n);
}

static void drop(struct collector *c)
{
	for (size_t i = 0; i < c->nopen; i++)
		pane_free(c->open[i].pane);
	c->nopen = 0;
	c->segments = 0;
}

static void claim(struct collector *c)
{
	struct claim got;

	drop(c);
	cr_assert_eq(store_claim(c->store, "topic", (int32_t)(c - collectors), &got, &err), 0, "%s", err.text);
	snprintf(c->nonce, sizeof c->nonce, "%s", got.nonce);
	c->acked = got.next;
	c->next = got.next < 0 ? 0 : got.next;
	claim_release(&got);
}

static struct open *open_at(struct collector *c, int64_t interval, const char *slice)
{
	for (size_t i = 0; i < c->nopen; i++)
		if (c->open[i].interval == interval && !strcmp(c->open[i].slice, slice))
			return &c->open[i];
	cr_assert_lt(c->nopen, ARRAY_LEN(c->open));
	c->open[c->nopen] = (struct open){interval, slice, pane_new(), c->segments++, false, false};
	return &c->open[c->nopen++];
}

static void read_records(struct collector *c, size_t n)
{
	for (; n-- && c->next < LOG; c->next++) {
		const struct record *r = &records[c - collectors][c->next];
		struct open *o = open_at(c, r->event / MINUTE * MINUTE, r->slice);
		count(o->pane, r, c->next);
		o->dirty = true;
	}
}

static enum store_result put(struct collector *c, const struct segment_write *w, size_t n)
{
	static const int64_t width = MINUTE;
	int64_t newest = 1;
	for (int64_t i = 0; newest_is_mark && i < c->next; i++)
		newest = records[c - collectors][i].event > newest ? records[c - collectors][i].event : newest;
	const struct stream_mark mark = {.stream = (char[]){"s"}, .max_event = newest, .max_untimed = 1, .next = -1};
	const struct checkpoint cp = {.topic = "topic", .partition = (int32_t)(c - collectors), .nonce = c->nonce,
				      .expected_next = c->acked, .next = c->next, .check_offset = -1, .end = -1, .target = -1,
				      .marks = &mark, .nmarks = 1, .segments = w, .nsegments = n};
	int64_t floor;
	enum store_result r = store_checkpoint(c->store, &cp, &width, &floor, &err);

	cr_assert(r == STORE_OK || r == STORE_FENCED, "%s", err.text);
	if (r == STORE_OK) {
		c->acked = c->next;
		return r;
	}
	fenced++;
	claim(c);
	return r;
}

static enum store_result checkpoint(struct collector *c)
{
	struct segment_write *w = xcalloc(c->nopen + 1, sizeof *w);
	struct buf *b = xcalloc(c->nopen + 1, sizeof *b);
	size_t n = 0, total = c->nopen;

	for (size_t i = 0; i < c->nopen; i++) {
		struct open *o = &c->open[i];
		if (!o->dirty)
			continue;
		pane_encode(o->pane, &b[n]);
		w[n] = (struct segment_write){.stream = "s", .slice = o->slice, .interval = o->interval, .n = o->n,
					      .bytes = b[n].data, .len = b[n].len, .again = o->written};
		n++;
	}
	enum store_result r = put(c, w, n);
	for (size_t i = 0; r == STORE_OK && i < c->nopen; i++) {
		c->open[i].written |= c->open[i].dirty;
		c->open[i].dirty = false;
	}
	for (size_t i = 0; i < total; i++)
		buf_release(&b[i]);
	free(b);
	free(w);
	return r;
}

// Panes are freed once they are acknowledged; what comes for them later is a new segment.
static void close_some(struct collector *c)
{
	size_t k = 0;

	for (size_t i = 0; i < c->nopen; i++) {
		if (c->open[i].dirty || rnd(2))
			c->open[k++] = c->open[i];
		else
			pane_free(c->open[i].pane);
	}
	c->nopen = k;
}

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
	f->panes[f->n++] = pane_decode(bytes, len, NULL, NULL, &err);
}

static void roll_random(struct store *s);

// One new segment in the place of all of a slice; somebody may roll them up between reading and writing.
static void compact(struct collector *c, struct store *judge)
{
	int64_t interval = (int64_t)rnd(STREAM_HOURS * 3) * (HOUR / 3);
	struct found f = {.n = 0};
	struct segment_write w[65];
	struct buf b = BUF_INIT;
	struct pane *sum = pane_new();
	size_t n = 0;

	if (checkpoint(c) != STORE_OK)
		goto out;
	drop(c);
	claim(c); // nothing is open
	cr_assert_eq(store_own_segments(c->store, "s", MINUTE, interval, "topic", (int32_t)(c - collectors), see_own, &f, &err), 0);
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
		if (rnd(2))
			roll_random(judge);
		put(c, w, n);
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

static struct judge_port port;

// Between the reading of what is rolled up and the write of it.
static int roll_up_late(void *ctx, const char *stream, const struct roll_up *r, struct error *e)
{
	if (!rnd(3)) {
		struct collector *c = &collectors[rnd(PARTS)];
		lates++;
		read_records(c, 1 + rnd(20));
		checkpoint(c);
	}
	if (!rnd(8)) { // the judge dies, or Redis was away, after staging
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

	cr_assert_eq(port.intervals(port.ctx, "s", at, at + width, &iv, &n, &err), 0, "%s", err.text);
	for (size_t i = 0; i < n; i++) {
		wider |= iv[i].width > width;
		if (iv[i].width <= width)
			iv[k++] = iv[i];
	}
	if (k && !wider) {
		int rc = roll_up(&port, "s", at, width, iv, k, store_generation(s), &err);
		cr_assert_geq(rc, 0, "%s", err.text);
		rolled += rc == 1;
		refused += rc == 0;
	}
	free(iv);
}

static void roll_random(struct store *s)
{
	if (rnd(15))
		roll(s, (int64_t)rnd(STREAM_HOURS) * HOUR, HOUR);
	else
		roll(s, 0, DAY);
}

static void expect(const struct pane *got, int64_t from, int64_t to, const char *slice, const char *what)
{
	struct pane *want = pane_new();
	struct buf a = BUF_INIT, b = BUF_INIT;

	for (int p = 0; p < PARTS; p++)
		for (int64_t i = 0; i < collectors[p].acked; i++) {
			const struct record *r = &records[p][i];
			if (r->event >= from && r->event < to && (!slice || !strcmp(slice, r->slice)))
				count(want, r, i);
		}
	pane_encode(got, &a);
	pane_encode(want, &b);
	cr_assert_eq(got->records, want->records, "%s: %" PRIu64 " records, not %" PRIu64, what, got->records, want->records);
	cr_assert(a.len == b.len && !memcmp(a.data, b.data, a.len), "%s: other bytes", what);
	buf_release(&a);
	buf_release(&b);
	pane_free(want);
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
			over[p][r->event / MINUTE] |= overflows(r);
			met[p][r->event / MINUTE] |= !strcmp(r->slice, slice);
		}
	for (int p = 0; p < PARTS; p++)
		for (int k = 0; k < STREAM_HOURS * 60; k++)
			all &= !over[p][k] || met[p][k];
	return all;
}

static void check(struct windows *w)
{
	int64_t from = (int64_t)rnd(STREAM_HOURS) * HOUR, to = from + (int64_t)(1 + rnd(STREAM_HOURS)) * HOUR, widest = 0;
	int64_t lo = (int64_t)rnd(STREAM_HOURS * 60) * MINUTE, hi = lo + (int64_t)(1 + rnd(300)) * MINUTE, lo0 = lo, hi0 = hi;
	struct merged m;
	struct pane *p;

	windows_begin(w);
	cr_assert_eq(windows_merge(w, from, to, &m, &err), 0, "%s", err.text);
	if (!m.cut) {
		expect(m.total.pane, from, to, NULL, "a window");
		for (size_t i = 0; i < m.nslices; i++) {
			expect(m.slices[i].pane, from, to, m.slices[i].name, "a slice of a window");
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
	cr_assert_eq(judge_round_range(&port, "s", &lo, &hi, &widest, &err), 0);
	cr_assert(lo <= lo0 && hi >= hi0 && lo0 - lo < DAY && hi - hi0 < DAY);
	cr_assert_eq(judge_merge_range(&port, "s", lo, hi, NULL, NULL, &p, &err), 0, "%s", err.text);
	expect(p, lo, hi, NULL, "a rounded range");
	pane_free(p);
}

Test(rollup, windows_are_the_same_bytes_and_every_record_counts_once)
{
	static const char *const slices[] = {"a", "b", "other"};
	const char *seed = getenv("SEED");
	struct store *judge = open_store();

	state = seed ? strtoull(seed, NULL, 10) : 20261122;
	printf("seed %" PRIu64 "\n", state);
	cr_assert_eq(store_lease(judge, "A", 600000, &err), 1, "%s", err.text);
	store_set_lease(judge, "A");
	port = judge_port_of(judge);
	port.roll_up = roll_up_late;
	for (int p = 0; p < PARTS; p++) {
		for (int i = 0; i < LOG; i++) { // event time goes on by and by; a third comes late, from anywhere
			int64_t at = rnd(3) ? (int64_t)i * STREAM_HOURS * HOUR / LOG : (int64_t)rnd(STREAM_HOURS * HOUR);
			records[p][i] = (struct record){at / (HOUR / 3) * (HOUR / 3) + (int64_t)rnd(MINUTE),
							slices[rnd(30) ? 1 + rnd(2) : 0],
							(double)rnd(100000) / 7};
		}
		collectors[p].store = open_store();
		claim(&collectors[p]);
	}
	struct windows *w = windows_new(&port, "s", MINUTE, HOUR / 4, 2 * DAY, NULL);
	for (int step = 0; step < 1500; step++) {
		struct collector *c = &collectors[rnd(PARTS)];
		switch (rnd(10)) {
		case 0: case 1: case 2:
			read_records(c, rnd(25));
			break;
		case 3: case 4:
			checkpoint(c);
			break;
		case 5:
			close_some(c);
			break;
		case 6:
			if (!rnd(4))
				claim(c); // it was killed, or another took over
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
			read_records(&collectors[p], LOG);
		while (checkpoint(&collectors[p]) != STORE_OK);
	for (int64_t h = 0; h < STREAM_HOURS; h++)
		roll(judge, h * HOUR, HOUR);
	for (int i = 0; i < 50; i++)
		check(w);
	struct pane *all;
	cr_assert_eq(judge_merge_range(&port, "s", 0, STREAM_HOURS * (int64_t)HOUR, NULL, NULL, &all, &err), 0, "%s", err.text);
	cr_assert_eq(all->records, PARTS * LOG);
	pane_free(all);
	printf("slices: %u judged whole or not as before, %u not whole though they are, %u not whole\n", same_whole, other_whole,
	       parted);
	cr_assert(parted > 20 && same_whole > other_whole, "the test plays too little: %u %u %u", same_whole, other_whole, parted);
	printf("%u fenced, %u rolled up, %u not, %u writes between\n", fenced, rolled, refused, lates);
	cr_assert(fenced > 2 && rolled > 40 && refused > 3, "the test plays too little: %u %u %u", fenced, rolled, refused);
	windows_free(w);
	for (int p = 0; p < PARTS; p++) {
		drop(&collectors[p]);
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

static void put_all(struct collector *c, size_t n)
{
	while (n && c->next < LOG) {
		size_t some = n < 200 ? n : 200;
		read_records(c, some);
		cr_assert_eq(checkpoint(c), STORE_OK, "%s", err.text);
		for (size_t i = 0; i < c->nopen; i++)
			pane_free(c->open[i].pane);
		c->nopen = 0;
		n -= some;
	}
}

static int64_t listed(int64_t width)
{
	struct interval_view *iv;
	int64_t of = 0;
	size_t n;

	cr_assert_eq(port.intervals(port.ctx, "s", INT64_MIN, INT64_MAX, &iv, &n, &err), 0, "%s", err.text);
	for (size_t i = 0; i < n; i++)
		of += iv[i].width == width;
	free(iv);
	return of;
}

static void tick(struct judge *j, int n)
{
	while (n--)
		cr_assert_eq(judge_tick(j, wall_now(), &err), 0, "%s", err.text);
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
	struct store *s = open_store();
	struct collector *c = &collectors[0];
	struct pane *all;

	own[0].measure = own[1].measure = measure_find("records");
	cr_assert_eq(store_lease(s, "A", 600000, &err), 1, "%s", err.text);
	store_set_lease(s, "A");
	port = judge_port_of(s);
	for (int i = 0; i < LOG; i++) // a late one, and then more of the present
		records[0][i] = (struct record){i == LOG - 100 ? 5 * (int64_t)DAY + 7 * MINUTE : i * step, "a", i};
	c->store = open_store();
	newest_is_mark = true;
	claim(c);
	put_all(c, LOG - 100);
	struct judge *j = judge_new(&conf, &port);
	tick(j, 300);
	cr_expect_eq(listed(DAY), 3, "the fourth day is not over eight days before the end");
	cr_expect_eq(listed(HOUR), 9 * 24 - 3 * 24 + 23, "%" PRId64, listed(HOUR));
	cr_expect_lt(listed(0), 2 * DAY / step + 10);
	put_all(c, 1);
	tick(j, 1);
	cr_expect_eq(listed(HOUR), 9 * 24 - 3 * 24 + 23);
	put_all(c, 99);
	tick(j, 100);
	int64_t fine = listed(0);
	cr_expect_lt(fine, 2 * DAY / step + 10, "%" PRId64 " fine ones: the late one is rolled up, too", fine);
	cr_assert_eq(judge_merge_range(&port, "s", 0, 20 * (int64_t)DAY, NULL, NULL, &all, &err), 0, "%s", err.text);
	expect(all, 0, 20 * (int64_t)DAY, NULL, "all of it");
	pane_free(all);
	judge_free(j);
	drop(c);
	store_free(c->store);
	store_free(s);
}
