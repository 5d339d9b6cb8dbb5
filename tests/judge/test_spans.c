// SPDX-License-Identifier: Apache-2.0
// Spans from blocks against spans added up from the records themselves.
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"
#include "judge/spans.h"
#include "setup.h"
#include "util/xalloc.h"

enum { MINUTES = 700, A_MINUTE = 3, SLIDE = 2 * MINUTE };
static const int64_t begin = 3000 * WEEK;

static uint64_t state;

static uint64_t rnd(uint64_t n)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (state >> 33) % n;
}

static const char *const words[] = {"x", "y", "z", "new"};

struct record {
	int64_t event;
	double a;
	unsigned c;
	const char *slice;
};

static struct record *records;
static size_t nrecords;

static struct baseline *make_baseline(void)
{
	struct baseline_builder *b = baseline_builder_new("s", true);
	struct error err = ERROR_INIT;

	for (int i = 0; i < 5000; i++) {
		unsigned c = (unsigned)rnd(3);
		baseline_builder_row(b, begin - DAY + i * 10000LL, 1);
		baseline_builder_number(b, "a", FIELD_NUMERIC, (double)rnd(1000) / 7);
		baseline_builder_text(b, "c", FIELD_CATEGORICAL, words[c], strlen(words[c]));
	}
	struct baseline *out = baseline_builder_finish(b, NULL, &err);
	cr_assert(out, "%s", err.text);
	return out;
}

static struct record make_record(int64_t event)
{
	return (struct record){event, (double)rnd(1000) / 7 * (rnd(50) ? 1 : 1e6), (unsigned)rnd(4), rnd(3) ? "v=1" : "v=2"};
}

static void make_records(uint64_t seed)
{
	state = seed;
	records = xcalloc(MINUTES * A_MINUTE + 1, sizeof *records);
	nrecords = 0;
	for (int i = 0; i < MINUTES * A_MINUTE; i++)
		if (i % 500 > 30) // with gaps of ten minutes
			records[nrecords++] = make_record(begin + i * (MINUTE / A_MINUTE));
}

static void feed_record(struct fake *f, const struct baseline *b, const struct record *r, int partition)
{
	struct pane *p = fake_pane(f, "s", r->event - r->event % MINUTE, r->slice, partition);

	pane_count_record(p, r->event, r->event, 1, true, false, false);
	field_add_number(pane_field(p, 0, &b->fields[0]->def), r->a);
	field_add_category(pane_field(p, 1, &b->fields[1]->def), words[r->c], strlen(words[r->c]));
}

static struct fake *fed(const struct baseline *b, int partitions)
{
	struct fake *f = fake_new(MINUTE);

	for (int k = 0; k < partitions; k++)
		fake_part(f, "s", k);
	for (size_t i = 0; i < nrecords; i++)
		feed_record(f, b, &records[i], (int)(i % (size_t)partitions));
	return f;
}

struct got {
	size_t n;
	struct span spans[SPANS_MAX];
	uint64_t bins[SPANS_MAX][BASELINE_BINS];
};

static void at(struct spans *s, struct windows *w, int64_t end, const char *slice, const struct baseline_field *field,
	       struct got *out)
{
	struct stream_view view = {0};
	struct error err = ERROR_INIT;

	windows_begin(w);
	cr_assert_eq(windows_need(w, begin, end, &err), 0);
	cr_assert_eq(spans_at(s, &view, end, begin, &err), 0, "%s", err.text);
	out->n = spans_of(s, slice, field, out->spans, out->bins);
	windows_evict(w, begin);
}

// By the definition: every record, in long doubles.
static void expect_naive(const struct got *g, const char *slice, bool numbers)
{
	for (size_t k = 0; k < g->n; k++) {
		const struct span *s = &g->spans[k];
		long double n = 0, sum = 0, squares = 0;
		double min = INFINITY, max = -INFINITY;
		uint64_t bins[4] = {0};

		for (size_t i = 0; i < nrecords; i++) {
			const struct record *r = &records[i];
			if (r->event < s->from || r->event >= s->to || (*slice && strcmp(slice, r->slice)))
				continue;
			n++;
			sum += r->a;
			min = fmin(min, r->a);
			max = fmax(max, r->a);
			bins[r->c]++;
		}
		for (size_t i = 0; i < nrecords; i++) {
			const struct record *r = &records[i];
			if (r->event >= s->from && r->event < s->to && (!*slice || !strcmp(slice, r->slice)))
				squares += (r->a - sum / n) * (r->a - sum / n);
		}
		cr_assert_eq(s->count, (uint64_t)n);
		if (n && numbers) {
			cr_expect_float_eq(s->mean, (double)(sum / n), 1e-12 * fabs(s->mean));
			cr_expect_eq(s->min, min);
			cr_expect_eq(s->max, max);
			if (n > 1)
				cr_expect_float_eq(s->variance, (double)(squares / (n - 1)), 1e-12 * s->variance);
		}
		uint64_t known = 0;
		for (unsigned j = 0; n && !numbers && j < BASELINE_BINS; j++)
			known += s->bins[j];
		if (n && !numbers) {
			cr_expect_eq(known, s->count);
			cr_expect_eq(s->bins[3], bins[3], "what the baseline has not");
		}
	}
}

Test(spans, are_those_of_the_records)
{
	static const char *const slices[] = {"", "v=1", "v=2"};
	make_records(7);
	struct baseline *b = make_baseline();
	struct fake *f = fed(b, 2);
	struct windows *w = windows_new(&f->port, "s", MINUTE, SLIDE, (int64_t)MINUTES * MINUTE, b);
	struct judge_stream stream = {.slide_ms = SLIDE, .baseline = b};
	struct spans *s = spans_new(w, &stream, 512 * MINUTE);
	static struct got g;

	for (int64_t end = begin + SLIDE; end <= begin + (int64_t)MINUTES * MINUTE; end += SLIDE)
		for (size_t k = 0; k < ARRAY_LEN(slices); k++) {
			at(s, w, end, slices[k], b->fields[0], &g);
			cr_assert_geq(g.n, 1);
			cr_expect_eq(g.spans[0].from, end - SLIDE);
			for (size_t i = 0; i < g.n; i++) {
				int64_t length = g.spans[i].to - g.spans[i].from, before = i ? end - g.spans[i - 1].from : 0;
				cr_expect_eq(g.spans[i].to, end);
				cr_expect_geq((double)length, 1.2 * (double)before);
				cr_expect_leq((double)length, fmax(1.75 * (double)before, (double)before + SLIDE));
			}
			if (end - begin > 512 * MINUTE)
				cr_expect_geq(g.spans[g.n - 1].to - g.spans[g.n - 1].from, 340 * MINUTE);
			if ((end - begin) % (14 * MINUTE))
				continue;
			expect_naive(&g, slices[k], true);
			at(s, w, end, slices[k], b->fields[1], &g);
			expect_naive(&g, slices[k], false);
		}
	spans_free(s);
	windows_free(w);
	fake_free(f);
	baseline_free(b);
	free(records);
}

// To the bit, whatever was judged before and however the records lay.
Test(spans, do_not_depend_on_partitions_or_what_was_kept)
{
	make_records(11);
	struct baseline *b = make_baseline();
	struct fake *f[2] = {fed(b, 1), fed(b, 4)};
	struct judge_stream stream = {.slide_ms = SLIDE, .baseline = b};
	struct windows *w[2];
	struct spans *s[2];
	static struct got g[2];
	int64_t end = begin + (int64_t)MINUTES * MINUTE - 4 * SLIDE;

	for (int k = 0; k < 2; k++) {
		w[k] = windows_new(&f[k]->port, "s", MINUTE, SLIDE, (int64_t)MINUTES * MINUTE, b);
		s[k] = spans_new(w[k], &stream, 512 * MINUTE);
	}
	for (int64_t e = begin + SLIDE; e < end; e += SLIDE)
		at(s[1], w[1], e, "v=1", b->fields[0], &g[1]); // the first begins at the end
	for (int late = 0; late < 3; late++, end += SLIDE) {
		for (int k = 0; k < 2; k++) {
			memset(&g[k], 0, sizeof g[k]);
			at(s[k], w[k], end, "v=1", b->fields[0], &g[k]);
		}
		cr_assert_eq(g[0].n, g[1].n);
		for (size_t i = 0; i < g[0].n; i++)
			cr_expect(!memcmp(&g[0].spans[i], &g[1].spans[i], sizeof g[0].spans[i]), "span %zu", i);
		struct record r = make_record(begin + (late ? 350 : 600) * (int64_t)MINUTE + 5);
		r.slice = "v=1";
		for (int k = 0; k < 2; k++)
			feed_record(f[k], b, &r, 0);
		records[nrecords] = r;
	}
	for (int k = 0; k < 2; k++) {
		spans_free(s[k]);
		windows_free(w[k]);
		fake_free(f[k]);
	}
	baseline_free(b);
	free(records);
}

Test(spans, end_where_records_were_lost)
{
	make_records(13);
	struct baseline *b = make_baseline();
	struct fake *f = fed(b, 1);
	struct windows *w = windows_new(&f->port, "s", MINUTE, SLIDE, (int64_t)MINUTES * MINUTE, b);
	struct judge_stream stream = {.slide_ms = SLIDE, .baseline = b};
	struct spans *s = spans_new(w, &stream, 512 * MINUTE);
	static struct got g;
	struct hole hole = {.from = begin + 300 * MINUTE, .to = begin + 301 * MINUTE};
	struct stream_view view = {.holes = &hole, .nholes = 1};
	struct error err = ERROR_INIT;
	int64_t end = begin + 400 * MINUTE;

	at(s, w, end, "", b->fields[0], &g);
	cr_expect_leq(g.spans[g.n - 1].from, begin + 100 * MINUTE);
	cr_assert_eq(spans_at(s, &view, end, begin, &err), 0);
	g.n = spans_of(s, "", b->fields[0], g.spans, g.bins);
	cr_assert_gt(g.n, 5);
	cr_expect_geq(g.spans[g.n - 1].from, hole.to);
	spans_free(s);
	windows_free(w);
	fake_free(f);
	baseline_free(b);
	free(records);
}

// Of narrow blocks and wide ones together.
Test(spans, count_past_32_bits)
{
	static const uint64_t times[] = {7, (uint64_t)1 << 33, UINT32_MAX, 3};
	enum { SLIDES = sizeof times / sizeof *times };
	struct baseline *b = make_baseline();
	struct fake *f = fake_new(MINUTE);
	struct windows *w = windows_new(&f->port, "s", MINUTE, SLIDE, (int64_t)MINUTES * MINUTE, b);
	struct judge_stream stream = {.slide_ms = SLIDE, .baseline = b};
	struct spans *s = spans_new(w, &stream, 512 * MINUTE);
	static struct got g;
	uint64_t sum = 0;

	fake_part(f, "s", 0);
	for (int i = 0; i < SLIDES; i++) {
		struct pane *p = fake_pane(f, "s", begin + i * SLIDE, "", 0);
		pane_count_record(p, begin + i * SLIDE, i, 1, true, false, false);
		field_add_category_times(pane_field(p, 0, &b->fields[1]->def), words[0], strlen(words[0]), times[i]);
		field_add_category_times(pane_field(p, 0, &b->fields[1]->def), words[1], strlen(words[1]), 2);
	}
	at(s, w, begin + SLIDES * SLIDE, "", b->fields[1], &g);
	cr_assert_geq(g.n, 3);
	for (int k = 0; k < SLIDES && (size_t)k < g.n; k++) {
		sum += times[SLIDES - 1 - k];
		uint64_t least = g.bins[k][0], most = g.bins[k][0];
		for (size_t i = 1; i < b->fields[1]->nbins; i++) {
			most = g.bins[k][i] > most ? g.bins[k][i] : most;
			least = g.bins[k][i] == 2 * (uint64_t)(k + 1) ? g.bins[k][i] : least;
		}
		cr_expect_eq(g.spans[k].count, sum + 2 * (uint64_t)(k + 1));
		cr_expect_eq(most, sum);
		cr_expect_eq(least, 2 * (uint64_t)(k + 1));
	}
	spans_free(s);
	windows_free(w);
	fake_free(f);
	baseline_free(b);
}

// --- through the judge ---------------------------------------------------------------------------------------

// 0.15 standard deviations: a window of ten minutes has 120 values, whose mean it moves by 1.6 standard errors.
Test(spans, a_small_shift_pages_though_no_window_shows_it)
{
	struct setup s;
	struct baseline_builder *builder = baseline_builder_new("pay", true);
	struct error err = ERROR_INIT;
	struct baseline *b;

	setup_init(&s, 10 * MINUTE, MINUTE);
	s.streams[0].retention_ms = DAY;
	state = 5;
	for (int i = 0; i < 100000; i++) {
		baseline_builder_row(builder, SETUP_T0 - 10 * DAY + i * 8000LL, 1);
		baseline_builder_number(builder, "a", FIELD_NUMERIC, (double)rnd(1000) / 289);
	}
	s.streams[0].baseline = b = baseline_builder_finish(builder, NULL, &err);
	cr_assert(b, "%s", err.text);
	for (int k = 0; k < 2; k++) {
		struct rule *r = add_rule(&s, rule_above(k ? "Drift" : "SlowDrift", TIER_IMMEDIATE, k ? "drift" : "glr", 0));
		r->has_above = false;
		r->budget = (struct budget){1, WEEK};
	}
	start(&s);
	fake_part(s.f, "pay", 0);
	for (int m = 0; m < 450; m++) {
		struct pane *p = fake_pane(s.f, "pay", SETUP_T0 + m * (int64_t)MINUTE, "", 0);
		for (int i = 0; i < 12; i++) {
			pane_count_record(p, SETUP_T0 + m * (int64_t)MINUTE + i, 12 * m + i, 1, true, false, false);
			field_add_number(pane_field(p, 0, &b->fields[0]->def), (double)rnd(1000) / 289 + (m >= 300 ? 0.15 : 0));
		}
		fake_newest(s.f, "pay", SETUP_T0 + (m + 1) * (int64_t)MINUTE);
		if (m == 299) {
			tick(s.j, SETUP_T0 + 300 * MINUTE);
			cr_expect_eq(s.f->nmessages, 0);
		}
	}
	tick(s.j, SETUP_T0 + 450 * MINUTE);
	cr_assert_eq(s.f->nmessages, 2, "one for each receiver");
	const json_t *page = json_object_get(body(&s, 0), "data"), *item = json_array_get(json_object_get(page, "items"), 0);
	cr_expect_str_eq(json_get_str(page, "alert", ""), "SlowDrift");
	cr_expect_eq(strncmp(json_get_str(item, "detail", ""), "mean; over the last ", 20), 0);
	setup_free(&s);
	baseline_free(b);
}
