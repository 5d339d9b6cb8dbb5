// SPDX-License-Identifier: Apache-2.0
// The cached, blockwise merge against judge_merge_range, which knows no cache and no blocks.
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fake.h"
#include "judge/windows.h"
#include "util/xalloc.h"

static uint64_t state;

static uint64_t rnd(uint64_t n)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (state >> 33) % n;
}

static struct grid *grid;
static struct baseline grid_baseline; // knows the grid of field "gridded", and nothing else
static struct baseline_field gridded;

static void make_grid(void)
{
	static const double edges[] = {-100, -1, 0, 5e-324, 1, 100, 10000};
	static struct baseline_field *fields[] = {&gridded};
	static char path[] = "gridded";

	grid = grid_new(edges, ARRAY_LEN(edges));
	gridded.def = (struct field_def){.path = path, .type = FIELD_NUMERIC, .grid = grid};
	grid_baseline = (struct baseline){.fields = fields, .nfields = 1};
}

// A record of every kind of content, of which the bounds are met: more categories, texts and schema ids than are kept.
struct record {
	int64_t event, offset;
	const char *slice;
	int partition;
	uint64_t content;
};

static void count(struct pane *p, const struct record *r)
{
	static char v1[] = "v1", v2[] = "v2", *known[] = {v1, v2};
	const struct field_def defs[] = {
		{.path = (char[]){"gridded"}, .type = FIELD_NUMERIC, .grid = grid},
		{.path = (char[]){"log"}, .type = FIELD_NUMERIC},
		{.path = (char[]){"many"}, .type = FIELD_CATEGORICAL, .categories = known, .ncategories = 2},
		{.path = (char[]){"text"}, .type = FIELD_TEXT},
		{.path = (char[]){"flag"}, .type = FIELD_BOOLEAN},
		{.path = (char[]){"at"}, .type = FIELD_TIME},
	};
	uint64_t kept = state;
	char word[32];
	int n;

	state = r->content;
	bool bad = rnd(10) == 0;
	pane_count_record(p, r->event, r->offset, (int64_t)rnd(90), true, bad, rnd(9) == 0);
	double x = ((double)rnd(2000000) - 1e6) * (rnd(3) ? 1e-3 : 1e6);
	n = snprintf(word, sizeof word, "v%d", (int)rnd(700));
	if (rnd(5))
		field_add_number(pane_field(p, 0, &defs[0]), x);
	field_add_number(pane_field(p, 1, &defs[1]), x / 7);
	field_add_category(pane_field(p, 2, &defs[2]), word, (size_t)n);
	field_add_text(pane_field(p, 3, &defs[3]), word, (size_t)n);
	field_add_bool(pane_field(p, 4, &defs[4]), rnd(3) == 0);
	field_add_time(pane_field(p, 5, &defs[5]), r->event - (int64_t)rnd(1000));
	if (bad) {
		struct violation_sample s = {VIOLATION_RANGE, (char[]){"log"}, NULL, (char[]){"s"}, word, r->partition, r->offset, 7};
		struct schema_fault f = {.schema_id = (int64_t)rnd(4), .kind = VIOLATION_MISSING_FIELD, .field = (char[]){"gone"},
					 .n = 1, .event_ms = r->event, .offset = r->offset, .topic = (char[]){"s"}, .why = (char[]){""},
					 .partition = r->partition};
		pane_count_breach(p, s.kind, "log", NULL, r->offset);
		pane_sample(p, &s);
		pane_fault(p, &f);
	}
	state = kept;
}

static struct record *records;
static size_t nrecords, caprecords;

static void add_random(struct fake *f, int64_t base, int64_t span)
{
	static const char *const slices[] = {"v=1", "v=2", "other"};
	struct record r = {.event = base + (int64_t)rnd((uint64_t)span), .offset = (int64_t)nrecords, .slice = slices[rnd(3)],
			   .partition = (int)rnd(3), .content = rnd(1u << 30)};

	count(fake_pane(f, "s", r.event - r.event % MINUTE, r.slice, r.partition), &r);
	GROW(records, nrecords, caprecords);
	records[nrecords++] = r;
}

static void expect_bytes(const struct pane *got, const struct pane *want, const char *what)
{
	struct buf a = BUF_INIT, b = BUF_INIT;

	pane_encode(got, &a);
	pane_encode(want, &b);
	cr_assert(a.len == b.len && !memcmp(a.data, b.data, a.len), "%s: %zu and %zu bytes", what, a.len, b.len);
	buf_release(&a);
	buf_release(&b);
}

// The window from the caches is the merge of all its segments from nothing, and what one pane would hold that had
// counted its records by itself.
static void expect_same(struct fake *f, struct windows *w, int64_t from, int64_t to, const char *slice)
{
	struct error err = ERROR_INIT;
	struct pane *naive, *plain = pane_new();
	struct merged m;

	cr_assert_eq(windows_merge(w, from, to, &m, &err), 0, "%s", err.text);
	struct stored_range range = {from, to, MINUTE};
	cr_assert_eq(judge_merge_range(&f->port, "s", &range, slice, &grid_baseline, &naive, &err), 0, "%s", err.text);
	for (size_t i = 0; i < nrecords; i++)
		if (records[i].event >= from && records[i].event < to && (!slice || !strcmp(slice, records[i].slice)))
			count(plain, &records[i]);
	expect_bytes(naive, plain, "from scratch, counted");
	const struct slice_stats *s = merged_slice(&m, slice ? slice : "");
	cr_assert(s || !naive->records);
	if (s) {
		int64_t lo = INT64_MAX, hi = INT64_MIN;
		expect_bytes(s->pane, naive, "from caches, from scratch");
		for (size_t i = 0; i < s->nparts; i++) {
			lo = s->parts[i].from < lo ? s->parts[i].from : lo;
			hi = s->parts[i].to > hi ? s->parts[i].to : hi;
		}
		cr_expect_eq(lo, naive->min_offset);
		cr_expect_eq(hi, naive->max_offset);
	}
	merged_release(&m);
	cr_assert_eq(windows_moments(w, from, to, &m, &err), 0, "%s", err.text);
	s = merged_slice(&m, slice ? slice : "");
	if (s) {
		struct buf light = BUF_INIT;
		struct pane *again;
		pane_encode_moments(naive, &light);
		cr_assert((again = pane_decode(light.data, light.len, NULL, NULL, &err)), "%s", err.text);
		expect_bytes(s->pane, again, "moments");
		pane_free(again);
		buf_release(&light);
	}
	pane_free(naive);
	pane_free(plain);
	merged_release(&m);
}

Test(windows, are_those_from_scratch_after_any_history)
{
	const char *given = getenv("KDRIFT_SEED");

	state = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
	printf("windows: KDRIFT_SEED=%" PRIu64 "\n", state);
	make_grid();
	for (int round = 0; round < 20; round++) {
		struct fake *f = fake_new(MINUTE);
		int64_t unit = (int64_t)(1 + rnd(5)) * MINUTE, base = 100 * WEEK, slide = (int64_t)(1 + rnd(30)) * MINUTE;
		struct windows *w = windows_new(&f->port, "s", MINUTE, unit, 300 * unit, &grid_baseline);
		nrecords = 0;
		for (int step = 0; step < 40; step++) {
			int64_t from = base + (rnd(3) ? step * slide : (int64_t)rnd(400) * MINUTE);
			int64_t to = from + (int64_t)(1 + rnd(400)) * MINUTE;
			for (uint64_t i = rnd(60); i; i--)
				add_random(f, base, 800 * MINUTE);
			windows_begin(w);
			expect_same(f, w, from, to, NULL);
			expect_same(f, w, from, to, rnd(2) ? "v=1" : "other");
			if (!rnd(4))
				windows_evict(w, base + (int64_t)rnd(200) * MINUTE);
			if (!rnd(20))
				windows_clear(w);
			if (!rnd(20)) { // a restart
				windows_free(w);
				w = windows_new(&f->port, "s", MINUTE, unit, 300 * unit, &grid_baseline);
			}
		}
		windows_free(w);
		fake_free(f);
	}
	free(records);
	grid_free(grid);
}

Test(windows, only_what_changed_is_read_again)
{
	struct fake *f = fake_new(MINUTE);
	struct windows *w = windows_new(&f->port, "s", MINUTE, MINUTE, DAY, NULL);
	struct error err = ERROR_INIT;
	struct merged m;

	for (int i = 0; i < 500; i++)
		fake_record(f, "s", "", (int64_t)i * MINUTE, false, NULL, 0);
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(windows_merge(w, 0, 500 * MINUTE, &m, &err), 0);
		cr_expect_eq(m.total.pane->records, 500);
		merged_release(&m);
	}
	cr_expect_eq(f->segments_read, 500);
	cr_expect_eq(f->segment_calls, 1);
	fake_record(f, "s", "", 77 * MINUTE, false, NULL, 0);
	windows_begin(w);
	cr_assert_eq(windows_merge(w, 0, 500 * MINUTE, &m, &err), 0);
	cr_expect_eq(m.total.pane->records, 501);
	cr_expect_eq(f->segments_read, 501, "the one late pane");
	merged_release(&m);
	windows_free(w);
	fake_free(f);
}

Test(windows, slices_beyond_the_bound_leave_the_list_not_the_total)
{
	struct fake *f = fake_new(MINUTE);
	struct windows *w = windows_new(&f->port, "s", MINUTE, MINUTE, HOUR, NULL);
	struct error err = ERROR_INIT;
	struct merged m;
	static const char *const slices[] = {"d", "c", "b", "a", "e"};
	static const int n[] = {3, 2, 2, 1, 9};

	for (size_t i = 0; i < 5; i++)
		for (int k = 0; k < n[i]; k++)
			fake_record(f, "s", slices[i], 0, false, NULL, 0);
	cr_assert_eq(windows_merge(w, 0, MINUTE, &m, &err), 0);
	merged_limit(&m, 3);
	cr_assert_eq(m.nslices, 3);
	cr_expect_str_eq(m.slices[0].name, "b");
	cr_expect_str_eq(m.slices[1].name, "d");
	cr_expect_str_eq(m.slices[2].name, "e");
	cr_expect_eq(m.total.pane->records, 17);
	merged_release(&m);
	windows_free(w);
	fake_free(f);
}

Test(windows, an_unreadable_pane_is_damage_not_zero)
{
	struct fake *f = fake_new(MINUTE);
	struct windows *w = windows_new(&f->port, "s", MINUTE, MINUTE, HOUR, NULL);
	struct error err = ERROR_INIT;
	struct merged m;
	struct pane *p;

	fake_record(f, "s", "v=1", 0, false, NULL, 0);
	f->garble = true;
	cr_assert_eq(windows_merge(w, 0, MINUTE, &m, &err), 0);
	cr_expect(m.total.damaged);
	cr_expect(merged_slice(&m, "v=1")->damaged);
	struct stored_range range = {0, MINUTE, MINUTE};
	cr_expect_eq(judge_merge_range(&f->port, "s", &range, NULL, NULL, &p, &err), -1);
	cr_expect(err.set);
	merged_release(&m);
	windows_free(w);
	fake_free(f);
}

static struct fake *rolling; // and how often what was listed is rolled up before it is read
static int rolls;
static int64_t rolls_from;

static int segments_rolled(void *ctx, const char *stream, const struct interval_view *iv, size_t n,
			   void (*each)(void *arg, const struct interval_view *of, const struct segment_view *v), void *arg,
			   struct error *err)
{
	int rc = rolling->port.segments(ctx, stream, iv, n / 2, each, arg, err);

	return iv[n - 1].start >= rolls_from && rolls && rolls-- ? 1 : rc ? rc : rolling->port.segments(ctx, stream, iv + n / 2, n - n / 2, each, arg, err);
}

static struct fake *five_days(struct judge_port *port)
{
	rolling = fake_new(MINUTE);
	*port = rolling->port;
	port->segments = segments_rolled;
	for (int64_t at = 0; at < 5 * DAY; at += MINUTE)
		fake_record(rolling, "s", at % HOUR ? "" : "a", at, false, NULL, 0);
	return rolling;
}

static int merge_both(const struct judge_port *port, uint64_t *window, uint64_t *range, struct error *err)
{
	struct windows *w = windows_new(port, "s", MINUTE, MINUTE, HOUR, NULL);
	struct stored_range r = {0, 5 * DAY, MINUTE};
	struct merged m;
	struct pane *p;
	int was = rolls, a = windows_merge(w, 0, 5 * DAY, &m, err);

	*window = a ? 0 : m.total.pane->records;
	merged_release(&m);
	windows_free(w);
	rolls = was;
	int b = judge_merge_range(port, "s", &r, NULL, NULL, &p, err);
	*range = b ? 0 : p->records;
	if (!b)
		pane_free(p);
	cr_assert_eq(a, b);
	return a;
}

Test(windows, what_is_rolled_up_while_it_is_read_is_read_again_but_not_for_ever)
{
	struct judge_port port;
	struct fake *f = five_days(&port);
	struct error err = ERROR_INIT;
	uint64_t window, range;

	rolls = 15;
	cr_expect_eq(merge_both(&port, &window, &range, &err), 0, "%s", err.text);
	cr_expect_eq(window, 5 * 1440);
	cr_expect_eq(range, 5 * 1440);
	rolls = 1000;
	cr_expect_eq(merge_both(&port, &window, &range, &err), -1);
	cr_expect(strstr(err.text, "try again"), "%s", err.text);
	fake_free(f);
}

// The rest alone is read again: otherwise reading a month would never come to its end while it is rolled up.
Test(windows, what_was_read_before_is_not_read_again)
{
	struct judge_port port;
	struct fake *f = five_days(&port);
	struct error err = ERROR_INIT;
	uint64_t window, range;

	cr_assert_eq(merge_both(&port, &window, &range, &err), 0);
	unsigned once = f->segments_read;
	rolls = 5;
	rolls_from = 4 * DAY;
	cr_assert_eq(merge_both(&port, &window, &range, &err), 0);
	cr_expect_eq(window + range, 10 * 1440);
	cr_expect_lt(f->segments_read - 2 * once, 5 * 2 * 1440, "%u", f->segments_read);
	fake_free(f);
}
