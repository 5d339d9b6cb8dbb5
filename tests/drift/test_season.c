// SPDX-License-Identifier: Apache-2.0
// The share of windows past the z of a p, in simulated streams in which nothing changes, with what is
// autocorrelated and what has a daily rhythm. KDRIFT_CALIBRATE=1 prints the table; KDRIFT_SEED seeds it.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "drift/history.h"
#include "drift/phases.h"
#include "drift/special.h"
#include "helper.h"
#include "util/xalloc.h"

enum { HOUR = 3600000 };
#define DAY ((int64_t)24 * HOUR)

struct sim {
	struct rng rng;
	double level; // of the AR process
	size_t hour;
};

struct law {
	const char *name;
	double phi;  // of the windows' level, a tenth of a standard deviation
	double sine; // amplitude over a day
	bool category;
};

static const struct law laws[] = {
	{"iid", 0, 0, false},	     {"level ar 0.9", 0.9, 0, false},	   {"sine 1", 0, 1, false},
	{"sine 0.3, ar 0.9", 0.9, 0.3, false}, {"categories", 0, 0, true}, {"categories, sine", 0, 0.5, true},
};

static uint64_t seed_of(void)
{
	const char *s = getenv("KDRIFT_SEED");

	return s ? strtoull(s, NULL, 10) : 20260101;
}

static void next_hour(struct sim *s, const struct law *l)
{
	s->level = l->phi * s->level + sqrt(1 - l->phi * l->phi) * rng_normal(&s->rng);
	s->hour++;
}

static double value(struct sim *s, const struct law *l, double fraction)
{
	double season = l->sine * sin(2 * M_PI * ((double)s->hour + fraction) / 24);

	return rng_normal(&s->rng) + season + (l->phi > 0 ? 0.1 * s->level : 0);
}

static const char *word(double v)
{
	return v < -1 ? "a" : v < 0 ? "b" : v < 0.5 ? "c" : v < 1.5 ? "d" : "e";
}

static struct baseline *past(struct sim *s, const struct law *l, int days, size_t m)
{
	struct baseline_builder *b = baseline_builder_new("s", true);
	struct error err = ERROR_INIT;

	for (int h = 0; h < days * 24; h++, next_hour(s, l))
		for (size_t i = 0; i < m; i++) {
			double f = (double)i / (double)m, v = value(s, l, f);
			baseline_builder_row(b, (int64_t)((h + f) * HOUR), 1);
			if (l->category)
				baseline_builder_text(b, "x", FIELD_CATEGORICAL, word(v), 1);
			else
				baseline_builder_number(b, "x", FIELD_NUMERIC, v);
		}
	return baseline_builder_finish(b, NULL, &err);
}

static struct pane *hour_of(struct sim *s, const struct law *l, const struct baseline *b, size_t m, double shift)
{
	struct pane *p = pane_new();
	struct field_stats *f = pane_field(p, 0, &b->fields[0]->def);

	for (size_t i = 0; i < m; i++) {
		double v = value(s, l, (double)i / (double)m) + shift;

		pane_count_record(p, (int64_t)i, (int64_t)i, 1, true, false, false);
		if (l->category)
			field_add_category(f, word(v), 1);
		else
			field_add_number(f, v);
	}
	return p;
}

static struct measure_value judge(const struct baseline *b, const struct chunk_history *h, const struct pane *p, int64_t to,
				  double limit_p)
{
	struct measure_input in = {.def = &b->fields[0]->def,
				   .current = {p, p->fields[0]},
				   .reference = {b->total, b->fields[0]->total},
				   .baseline = b->fields[0],
				   .source = b,
				   .history = h,
				   .window_ms = HOUR,
				   .window_to = to,
				   .limit_p = limit_p,
				   .newest = EVENT_TIME_NONE};

	return measure_compute(measure_find("drift"), &in);
}

struct tally {
	size_t windows, above[3]; // p 1e-2, 1e-3, 1e-4
	double seconds;
};

static void tally(struct tally *t, const struct law *l, int days, size_t m, size_t windows, uint64_t seed)
{
	struct sim s = {.hour = 0};

	rng_seed(&s.rng, seed);
	for (int i = 0; i < 240; i++)
		next_hour(&s, l);
	struct baseline *b = past(&s, l, days, m);
	struct chunk_history *h = chunk_history_new(b->fields[0], b, HOUR, true);
	for (size_t w = 0; w < windows; w++, next_hour(&s, l)) {
		struct pane *p = hour_of(&s, l, b, m, 0);
		clock_t begin = clock();
		double z = judge(b, h, p, (int64_t)(days * 24 + (int)w + 1) * HOUR, 1e-5).value;

		t->seconds += (double)(clock() - begin) / CLOCKS_PER_SEC;
		t->windows++;
		for (int i = 0; i < 3; i++)
			t->above[i] += z > normal_isf(pow(10, -2 - i));
		pane_free(p);
	}
	chunk_history_free(h);
	baseline_free(b);
}

Test(season, calibration_table)
{
	static const int days[] = {4, 10, 21};
	static const size_t sizes[] = {100, 1000};

	if (!getenv("KDRIFT_CALIBRATE"))
		return;
	printf("seed %llu\n%-18s %4s %6s %8s %9s %9s %9s %8s\n", (unsigned long long)seed_of(), "process", "days", "m", "windows",
	       "p 0.01", "p 0.001", "p 0.0001", "us");
	for (size_t i = 0; i < ARRAY_LEN(laws); i++)
		for (size_t d = 0; d < ARRAY_LEN(days); d++)
			for (size_t k = 0; k < ARRAY_LEN(sizes); k++) {
				struct tally t = {0};

				for (uint64_t seed = 0; seed < 20; seed++)
					tally(&t, &laws[i], days[d], sizes[k], 500, seed_of() + seed);
				printf("%-18s %4d %6zu %8zu", laws[i].name, days[d], sizes[k], t.windows);
				for (int j = 0; j < 3; j++)
					printf(" %9.5f", (double)t.above[j] / (double)t.windows);
				printf(" %8.1f\n", 1e6 * t.seconds / (double)t.windows);
				fflush(stdout);
			}
}

static const struct law *law(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(laws); i++)
		if (!strcmp(laws[i].name, name))
			return &laws[i];
	cr_assert_fail("no process %s", name);
	return NULL;
}

// A shift of half a standard deviation stands out at its hour and drowns in the day's rhythm.
Test(season, a_window_is_held_against_its_own_hour)
{
	enum { M = 400, DAYS = 6 };
	static const char *const names[] = {"sine 1", "categories, sine"};

	for (size_t k = 0; k < ARRAY_LEN(names); k++) {
		struct sim s = {.hour = 0};

		rng_seed(&s.rng, seed_of());
		struct baseline *b = past(&s, law(names[k]), DAYS, M);
		struct chunk_history *h = chunk_history_new(b->fields[0], b, HOUR, true);
		cr_assert_eq(h->period, DAY);
		for (int w = 1; w <= 48; w++, next_hour(&s, law(names[k]))) {
			int64_t to = (DAYS * 24 + w) * (int64_t)HOUR;
			struct pane *same = hour_of(&s, law(names[k]), b, M, 0), *moved = hour_of(&s, law(names[k]), b, M, 0.6);

			cr_expect_leq(judge(b, h, same, to, 0).value, 4, "%s, seed %llu, hour %d", names[k],
				      (unsigned long long)seed_of(), w);
			cr_expect_gt(judge(b, h, moved, to, 0).value, 5, "%s, seed %llu, hour %d", names[k],
				     (unsigned long long)seed_of(), w);
			cr_expect_leq(judge(b, h, moved, 0, 0).value, 4.5, "without its time");
			pane_free(same);
			pane_free(moved);
		}
		chunk_history_free(h);
		baseline_free(b);
	}
}

// Means by hour, worked out from the values themselves; a window between two hours mixes them.
Test(season, what_is_usual_at_an_hour)
{
	enum { M = 40, DAYS = 5 };
	double sum[24] = {0};
	struct baseline_builder *builder = baseline_builder_new("s", true);
	struct error err = ERROR_INIT;
	struct rng rng;

	rng_seed(&rng, seed_of());
	for (int hour = 0; hour < DAYS * 24; hour++)
		for (int i = 0; i < M; i++) {
			double v = 10 * sin(2 * M_PI * hour / 24) + rng_normal(&rng);
			sum[hour % 24] += v;
			baseline_builder_row(builder, (int64_t)hour * HOUR + i * (HOUR / M), 1);
			baseline_builder_number(builder, "x", FIELD_NUMERIC, v);
		}
	struct baseline *b = baseline_builder_finish(builder, NULL, &err);
	struct chunk_history *h = chunk_history_new(b->fields[0], b, HOUR, true);
	struct usual u;
	cr_assert_eq(h->nphases, 24);
	for (int hour = 0; hour < 24; hour++) {
		chunk_history_usual(h, 40 * DAY + hour * (int64_t)HOUR, HOUR, &u);
		cr_expect_float_eq(u.mean, sum[hour] / (DAYS * M), 1e-9);
		cr_expect_float_eq(u.n, DAYS * M, 1e-9);
	}
	// A second half and a first: the parabolas through hours 2 to 4 and 3 to 5.
	const double c[] = {sum[2], sum[3], sum[4], sum[5]};
	double late = c[1] + (c[2] - c[0]) / 8, early = c[2] - (c[3] - c[1]) / 8;
	chunk_history_usual(h, 3 * (int64_t)HOUR + HOUR / 2, HOUR, &u);
	cr_expect_float_eq(u.mean, (late + early) / 2 / (DAYS * M), 1e-9);
	cr_expect_float_eq(u.n, DAYS * M, 1e-9);
	chunk_history_free(h);
	baseline_free(b);
}

// Of an office: nothing comes at night. What comes there after all is no drift for being of another hour, which would be
// said of each of its windows, but drift if it is unlike any hour.
Test(season, where_nothing_was_ever_seen_a_window_is_held_against_all_hours)
{
	enum { M = 200, DAYS = 8, OPENS = 8, CLOSES = 18 };
	struct baseline_builder *builder = baseline_builder_new("s", true);
	struct error err = ERROR_INIT;
	struct rng rng;

	rng_seed(&rng, seed_of());
	for (int hour = 0; hour < DAYS * 24; hour++)
		for (int i = 0; i < M && hour % 24 >= OPENS && hour % 24 < CLOSES; i++) {
			baseline_builder_row(builder, (int64_t)hour * HOUR + i * (HOUR / M), 1);
			baseline_builder_number(builder, "x", FIELD_NUMERIC, 3 * sin(2 * M_PI * hour / 24) + rng_normal(&rng));
		}
	struct baseline *b = baseline_builder_finish(builder, NULL, &err);
	struct histories *all = histories_new();
	for (int hour = 0; hour < 24; hour++) {
		bool open = hour >= OPENS && hour < CLOSES;
		int64_t to = (DAYS * 24 + hour + 1) * (int64_t)HOUR;
		const struct chunk_history *h = histories_get(all, b->fields[0], b, HOUR, to);
		double v[M], far[M];

		cr_expect_eq(h->period, open ? DAY : 0, "hour %d", hour);
		for (int i = 0; i < M; i++) { // at night as at three in the afternoon
			v[i] = 3 * sin(2 * M_PI * (open ? hour : 15) / 24) + rng_normal(&rng);
			far[i] = v[i] + (open ? 1 : 100);
		}
		struct pane *p = pane_numbers(&b->fields[0]->def, v, M), *q = pane_numbers(&b->fields[0]->def, far, M);
		for (int given = 0; given < 2; given++) {
			cr_expect_leq(judge(b, given ? h : NULL, p, to, 0).value, 4.5, "hour %d, seed %llu", hour,
				      (unsigned long long)seed_of());
			cr_expect_gt(judge(b, given ? h : NULL, q, to, 0).value, 5, "hour %d, seed %llu", hour,
				     (unsigned long long)seed_of());
		}
		pane_free(p);
		pane_free(q);
	}
	histories_free(all);
	baseline_free(b);
}

static struct chunk_history *history_of(int days, bool sine, bool weekend, int64_t window_ms, struct baseline **out)
{
	struct baseline_builder *builder = baseline_builder_new("s", true);
	struct error err = ERROR_INIT;
	struct rng rng;

	rng_seed(&rng, seed_of());
	for (int hour = 0; hour < days * 24; hour++)
		for (int i = 0; i < 50; i++) {
			double v = rng_normal(&rng) + (sine ? sin(2 * M_PI * hour / 24) : 0) + (weekend && hour / 24 % 7 > 4);
			baseline_builder_row(builder, (int64_t)hour * HOUR + i * (HOUR / 50), 1);
			baseline_builder_number(builder, "x", FIELD_NUMERIC, v);
		}
	*out = baseline_builder_finish(builder, NULL, &err);
	return chunk_history_new((*out)->fields[0], *out, window_ms, true);
}

// What is kept of a history says the same as what it was made of.
Test(season, phases_are_kept_to_the_last_bit)
{
	struct baseline *b;
	chunk_history_free(history_of(23, true, true, 3 * HOUR, &b));
	struct chunk_history *packed = chunk_history_new(b->fields[0], b, 3 * HOUR, true);
	struct chunk_history *plain = chunk_history_build(b->fields[0], b, 3 * HOUR, true, HISTORY_ENOUGH);
	struct usual x, y;

	cr_assert_eq(packed->nphases, 56);
	for (int64_t from = 0; from < 7 * DAY; from += HOUR / 2) {
		chunk_history_usual(packed, from, 2 * HOUR, &x);
		chunk_history_usual(plain, from, 2 * HOUR, &y);
		cr_assert_arr_eq(&x, &y, sizeof x);
	}
	chunk_history_free(packed);
	chunk_history_free(plain);
	baseline_free(b);
}

Test(season, bins_of_any_size_are_kept)
{
	static const double most[] = {0, 255, 256, 65535, 65536, 4294967295.0, 0x1p32, 0x1p53};
	struct usual u[3] = {{.n = 7, .mean = NAN, .variance = 1e-300}, {.n = 0}, {.n = 5, .mean = -2, .variance = 3}}, got;

	for (size_t k = 0; k < sizeof most / sizeof *most; k++) {
		u[0].bins[0] = u[2].bins[30] = most[k];
		u[2].bins[3] = most[k] > 1 ? most[k] - 1 : 0;
		struct phases *p = phases_pack(u, 3, 31);
		for (size_t i = 0; i < 3; i++) {
			phases_get(p, i, &got);
			cr_assert_arr_eq(&got, &u[i], sizeof got, "%g", most[k]);
		}
		phases_free(p);
	}
}

Test(season, is_found_where_there_is_one)
{
	static const struct {
		int days;
		bool sine, weekend;
		int64_t window, period;
	} rows[] = {
		{5, true, false, HOUR, DAY},	  {2, true, false, HOUR, 0}, // under three days
		{10, false, false, HOUR, 0},	  {10, true, false, DAY, 0}, // as long as the period
		{23, true, false, 3 * HOUR, DAY}, {23, true, true, 3 * HOUR, 7 * DAY},
		{15, true, true, 3 * HOUR, DAY}, // under three weeks
		{30, false, true, DAY, 7 * DAY},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct baseline *b;
		struct chunk_history *h = history_of(rows[i].days, rows[i].sine, rows[i].weekend, rows[i].window, &b);

		cr_expect_eq(h->period, rows[i].period, "row %zu, seed %llu: %lld", i, (unsigned long long)seed_of(),
			     (long long)h->period);
		chunk_history_free(h);
		baseline_free(b);
	}
}

// Three chunks leave two degrees of freedom: no shift whatever reaches a p of 1e-12.
Test(season, what_cannot_reach_its_limit_is_uncalibrated)
{
	struct baseline_builder *builder = baseline_builder_new("s", true);
	struct error err = ERROR_INIT;
	struct rng rng;
	double v[100];

	rng_seed(&rng, 3);
	for (int i = 0; i < 300; i++) {
		baseline_builder_row(builder, i / 100 * 100 * DAY + i % 100, 1);
		baseline_builder_number(builder, "x", FIELD_NUMERIC, rng_normal(&rng));
	}
	struct baseline *b = baseline_builder_finish(builder, NULL, &err);
	cr_assert_eq(b->fields[0]->nchunks, 3);
	struct chunk_history *h = chunk_history_new(b->fields[0], b, b->chunk_ms, true);
	for (int i = 0; i < 100; i++)
		v[i] = rng_normal(&rng) + 3;
	struct pane *p = pane_numbers(&b->fields[0]->def, v, 100);
	cr_expect_eq(judge(b, h, p, 0, 0.001).state, READING_KNOWN);
	cr_expect_eq(judge(b, h, p, 0, 1e-12).state, READING_UNCALIBRATED);
	// The distances' bound is nearer than the mean's: without them the mean counts for more.
	cr_expect_gt(judge(b, h, p, 0, 1e-5).value, judge(b, h, p, 0, 0).value);
	pane_free(p);
	chunk_history_free(h);
	baseline_free(b);
}

static struct measure_value with_limit(const struct baseline *b, const struct pane *p, double limit_p)
{
	return judge(b, NULL, p, 0, limit_p);
}

// Of independent records the shift that is just at the limit is a matter of arithmetic: z(p/8) sqrt(1/n + 1/m) of a
// mean (four members, two sides), sqrt(x s (1-s) (1/n + 1/m)) of the share s = 0.5, x = -2 ln(p/2) at two degrees.
Test(smallest, shift_of_independent_records)
{
	enum { N = 4000, M = 1000 };
	static double r[N], c[M];
	struct rng rng;

	rng_seed(&rng, 11);
	for (int i = 0; i < N; i++)
		r[i] = rng_normal(&rng);
	for (int i = 0; i < M; i++)
		c[i] = rng_normal(&rng);
	struct baseline *b = baseline_numbers(r, N);
	struct pane *p = pane_numbers(&b->fields[0]->def, c, M);
	struct measure_value v = with_limit(b, p, 1e-6);
	cr_expect_str_eq(v.smallest_in, "sd");
	cr_expect_float_eq(v.smallest, normal_isf(1e-6 / 8) * sqrt(1.0 / N + 1.0 / M) * sqrt(N / (N - 1.0)), 1e-9);
	cr_expect_eq(with_limit(b, p, 0).smallest, 0, "not asked for");
	pane_free(p);
	baseline_free(b);
	const uint64_t counts[] = {500, 300, 200};
	const char *const names[] = {"a", "b", "c"};
	b = baseline_categories(names, counts, 3);
	p = pane_categories(&b->fields[0]->def, names, counts, 3);
	v = with_limit(b, p, 1e-6);
	cr_expect_str_eq(v.smallest_in, "share");
	cr_expect_float_eq(v.smallest, sqrt(-2 * log(1e-6 / 2) * 0.25 * 2 / 1000), 1e-9);
	pane_free(p);
	baseline_free(b);
}

// Shifted by that much, about half of the windows are past the limit; by nothing, none; by 1.6 times it, nearly
// all.
Test(smallest, shift_shows_in_half_of_the_windows)
{
	enum { M = 400, DAYS = 6, WINDOWS = 200 };
	static const char *const names[] = {"iid", "sine 1", "sine 0.3, ar 0.9"};

	for (size_t k = 0; k < ARRAY_LEN(names); k++) {
		const struct law *l = law(names[k]);
		struct sim s = {.hour = 0};
		size_t at = 0, over = 0;

		rng_seed(&s.rng, seed_of() + k);
		struct baseline *b = past(&s, l, DAYS, M);
		struct chunk_history *h = chunk_history_new(b->fields[0], b, HOUR, true);
		double sd = field_stddev(b->fields[0]->total);
		for (int w = 1; w <= WINDOWS; w++, next_hour(&s, l)) {
			int64_t to = (DAYS * 24 + w) * (int64_t)HOUR;
			struct pane *p = hour_of(&s, l, b, M, 0);
			struct measure_value v = judge(b, h, p, to, 1e-6);
			struct pane *q = hour_of(&s, l, b, M, v.smallest * sd), *more = hour_of(&s, l, b, M, 1.6 * v.smallest * sd);

			cr_expect_lt(v.value, normal_isf(1e-6));
			at += judge(b, h, q, to, 1e-6).value > normal_isf(1e-6);
			over += judge(b, h, more, to, 1e-6).value > normal_isf(1e-6);
			pane_free(p);
			pane_free(q);
			pane_free(more);
		}
		cr_expect(at > WINDOWS / 4 && at < 3 * WINDOWS / 4, "%s, seed %llu: %zu of %d", names[k],
			  (unsigned long long)seed_of(), at, WINDOWS);
		cr_expect_gt(over, 0.95 * WINDOWS, "%s, seed %llu: %zu of %d", names[k], (unsigned long long)seed_of(), over, WINDOWS);
		chunk_history_free(h);
		baseline_free(b);
	}
}

// What a window of so many values could show is known without one.
Test(smallest, shift_of_a_supposed_window)
{
	struct sim s = {.hour = 0};

	rng_seed(&s.rng, 5);
	struct baseline *b = past(&s, law("iid"), 6, 100);
	struct chunk_history *h = chunk_history_new(b->fields[0], b, HOUR, true);
	struct pane *p = hour_of(&s, law("iid"), b, 100, 0);
	struct measure_input in = {.def = &b->fields[0]->def,
				   .current = {b->total, b->fields[0]->total},
				   .reference = {b->total, b->fields[0]->total},
				   .baseline = b->fields[0],
				   .source = b,
				   .history = h,
				   .window_ms = HOUR,
				   .window_to = HOUR,
				   .limit_p = 1e-6,
				   .suppose = 100,
				   .newest = EVENT_TIME_NONE};
	struct measure_value v = measure_compute(measure_find("drift"), &in);
	cr_expect_float_eq(v.smallest, judge(b, h, p, HOUR, 1e-6).smallest, 1e-12);
	cr_expect_eq(v.value, 0);
	pane_free(p);
	chunk_history_free(h);
	baseline_free(b);
}
