// SPDX-License-Identifier: Apache-2.0
// Simulated streams in which nothing changes, and some in which something does. The default threshold of
// `drift` was chosen from the table that KDRIFT_CALIBRATE=1 prints (shares of windows above 3, 4, 5, 6).
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drift/special.h"
#include "helper.h"
#include "util/xalloc.h"

enum { HOUR = 3600000, WINDOW = 500, SEED = 20240607 };

struct stream {
	struct rng rng;
	double level, slow; // state of the process
	size_t t;
};

struct process {
	const char *name;
	double (*next)(struct stream *s);
	bool category;
};

static double iid(struct stream *s)
{
	return rng_normal(&s->rng);
}

static double lognormal(struct stream *s)
{
	return exp(rng_normal(&s->rng));
}

static double exponential(struct stream *s)
{
	return -log(rng_uniform(&s->rng));
}

static double uniform(struct stream *s)
{
	return rng_uniform(&s->rng);
}

static double ar(struct stream *s, double phi)
{
	return s->level = phi * s->level + sqrt(1 - phi * phi) * rng_normal(&s->rng);
}

static double ar_90(struct stream *s)
{
	return ar(s, 0.9);
}

static double ar_99(struct stream *s)
{
	return ar(s, 0.99);
}

static double ar_999(struct stream *s)
{
	return ar(s, 0.999);
}

static double window_level(struct stream *s)
{
	if (s->t % WINDOW == 0)
		s->slow = rng_normal(&s->rng);
	return 0.3 * s->slow + rng_normal(&s->rng);
}

static double daily(struct stream *s)
{
	return sin(2 * M_PI * (double)s->t / (24 * WINDOW)) + rng_normal(&s->rng);
}

static double zero_inflated(struct stream *s)
{
	return rng_uniform(&s->rng) < 0.9 ? 0 : exp(rng_normal(&s->rng));
}

static double student3(struct stream *s)
{
	double c = 0;

	for (int i = 0; i < 3; i++) {
		double z = rng_normal(&s->rng);
		c += z * z;
	}
	return rng_normal(&s->rng) / sqrt(c / 3);
}

static double few(struct stream *s)
{
	double p = 1;
	int k = -1;

	do {
		p *= rng_uniform(&s->rng);
		k++;
	} while (p > exp(-1));
	return k < 9 ? k : 9;
}

static double rare_bool(struct stream *s)
{
	return rng_uniform(&s->rng) < 0.01;
}

static double five(struct stream *s)
{
	double u = rng_uniform(&s->rng);

	return u < 0.3 ? 0 : u < 0.55 ? 1 : u < 0.75 ? 2 : u < 0.9 ? 3 : 4;
}

// The mix of five categories moves from window to window.
static double five_moving(struct stream *s)
{
	if (s->t % WINDOW == 0)
		s->slow = 0.05 * rng_normal(&s->rng);
	double u = rng_uniform(&s->rng);
	return u < 0.3 + s->slow ? 0 : u < 0.55 ? 1 : u < 0.75 ? 2 : u < 0.9 ? 3 : 4;
}

static double zipf(struct stream *s)
{
	return floor(pow(2000, rng_uniform(&s->rng)));
}

static const struct process processes[] = {
	{"iid", iid, false},           {"lognormal", lognormal, false},
	{"exponential", exponential, false}, {"uniform", uniform, false},
	{"ar 0.9", ar_90, false},      {"ar 0.99", ar_99, false},
	{"ar 0.999", ar_999, false},   {"window level", window_level, false},
	{"daily", daily, false},       {"zero inflated", zero_inflated, false},
	{"student 3", student3, false}, {"few", few, false},
	{"rare bool", rare_bool, true}, {"five", five, true},
	{"five moving", five_moving, true}, {"zipf", zipf, true},
};

static double stream_next(struct stream *s, const struct process *p)
{
	double v = p->next(s);

	s->t++;
	return v;
}

static void start(struct stream *s, const struct process *p, uint64_t seed)
{
	*s = (struct stream){0};
	rng_seed(&s->rng, seed);
	for (int i = 0; i < 8 * WINDOW; i++)
		stream_next(s, p);
}

static struct baseline *history(struct stream *s, const struct process *p, size_t windows)
{
	struct baseline_builder *b = baseline_builder_new("s", true);
	struct error err = ERROR_INIT;

	for (size_t i = 0; i < windows * WINDOW; i++) {
		double v = stream_next(s, p);
		char name[32];

		baseline_builder_row(b, (int64_t)i * HOUR / WINDOW, 1);
		if (p->category) {
			snprintf(name, sizeof name, "%g", v);
			baseline_builder_text(b, "x", FIELD_CATEGORICAL, name, strlen(name));
		} else {
			baseline_builder_number(b, "x", FIELD_NUMERIC, v);
		}
	}
	return baseline_builder_finish(b, NULL, &err);
}

// The next window, each value scaled and shifted.
static struct pane *window(struct stream *s, const struct process *p, const struct baseline *b, size_t n, double scale,
			   double shift)
{
	struct pane *out = pane_new();
	struct field_stats *f = pane_field(out, 0, &b->fields[0]->def);

	for (size_t i = 0; i < n; i++) {
		double v = scale * stream_next(s, p) + shift;
		char name[32];

		pane_count_record(out, (int64_t)i, (int64_t)i, 1, true, false, false);
		if (p->category) {
			snprintf(name, sizeof name, "%g", v);
			field_add_category(f, name, strlen(name));
		} else {
			field_add_number(f, v);
		}
	}
	return out;
}

static double next_drift(struct stream *s, const struct process *p, const struct baseline *b, double scale, double shift,
			 const char **detail)
{
	struct pane *w = window(s, p, b, WINDOW, scale, shift);
	struct measure_value v = against("drift", b, w, HOUR);

	cr_assert_eq(v.state, READING_KNOWN);
	*detail = v.detail;
	pane_free(w);
	return v.value;
}

Test(composite, calibration_table)
{
	static const size_t histories[] = {12, 26, 100};
	const char *detail;

	if (!getenv("KDRIFT_CALIBRATE"))
		return;
	printf("%-14s %4s  %8s %8s %8s %8s %8s  worst\n", "process", "K", ">3", ">4", ">5", ">6", ">7");
	for (size_t i = 0; i < ARRAY_LEN(processes); i++)
		for (size_t h = 0; h < ARRAY_LEN(histories); h++) {
			size_t above[5] = {0}, total = 0;
			double worst = 0;
			const char *who = "";

			for (uint64_t seed = 0; seed < 100; seed++) {
				struct stream s;

				start(&s, &processes[i], SEED + seed);
				struct baseline *b = history(&s, &processes[i], histories[h]);
				for (int k = 0; k < 100; k++, total++) {
					double z = next_drift(&s, &processes[i], b, 1, 0, &detail);
					for (int level = 0; level < 5; level++)
						above[level] += z > 3 + level;
					if (z > worst) {
						worst = z;
						who = detail;
					}
				}
				baseline_free(b);
			}
			printf("%-14s %4zu ", processes[i].name, histories[h]);
			for (int level = 0; level < 5; level++)
				printf(" %8.5f", (double)above[level] / (double)total);
			printf("  %.2f %s\n", worst, who);
			fflush(stdout);
		}
}

static double threshold(void)
{
	return measure_find("drift")->threshold;
}

// At the default threshold nothing fires where nothing changes.
Test(composite, silent_without_change)
{
	const char *detail;

	for (size_t i = 0; i < ARRAY_LEN(processes); i++)
		for (uint64_t seed = 0; seed < 10; seed++) {
			struct stream s;

			start(&s, &processes[i], 99 * SEED + seed);
			struct baseline *b = history(&s, &processes[i], 50);
			for (int k = 0; k < 200; k++) {
				double z = next_drift(&s, &processes[i], b, 1, 0, &detail);
				cr_assert_leq(z, threshold(), "%s, seed %llu, window %d: %g by %s", processes[i].name,
					      (unsigned long long)seed, k, z, detail);
			}
			baseline_free(b);
		}
}

// Counts of five categories that vary more in some directions of their shares than in others, as those of a cut
// autoregressive process do: n_j = n p + sqrt(n p) (U z)_j, with z normal of these variances and U orthonormal.
static const double directions[4][5] = {{1, -1}, {1, 1, -2}, {1, 1, 1, -3}, {1, 1, 1, 1, -4}};
static const double norms[4] = {2, 6, 12, 20}, effects[4] = {9.5, 4.75, 3.2, 2.5};

static uint64_t category_count(const double z[4], int j)
{
	double moves = 0;

	for (int k = 0; k < 4; k++)
		moves += directions[k][j] / sqrt(norms[k]) * z[k];
	return (uint64_t)llround(1000 + sqrt(1000) * moves);
}

// The statistic that such groups exceed with probability 1e-8 is known (mpmath); two members make it 2e-8.
Test(composite, shares_that_vary_unlike_in_their_directions)
{
	static const char *const names[5] = {"a", "b", "c", "d", "e"};
	double mean = 0;

	for (uint64_t seed = 0; seed < 8; seed++) {
		struct baseline_builder *builder = baseline_builder_new("s", true);
		struct error err = ERROR_INIT;
		uint64_t counts[5];
		struct rng r;

		rng_seed(&r, SEED + seed);
		for (int group = 0; group < 256; group++) {
			double z[4];
			for (int k = 0; k < 4; k++)
				z[k] = sqrt(effects[k]) * rng_normal(&r);
			for (int j = 0; j < 5; j++)
				for (uint64_t i = category_count(z, j); i > 0; i--) {
					baseline_builder_row(builder, group * (int64_t)HOUR, 1);
					baseline_builder_text(builder, "x", FIELD_CATEGORICAL, names[j], 1);
				}
		}
		struct baseline *b = baseline_builder_finish(builder, NULL, &err);
		for (int j = 0; j < 5; j++)
			counts[j] = category_count((double[4]){sqrt(327.3)}, j);
		struct pane *w = pane_categories(&b->fields[0]->def, names, counts, 5);
		struct measure_value v = against("drift", b, w, HOUR);
		cr_assert_eq(v.state, READING_KNOWN);
		cr_expect_lt(v.value, 5.9, "seed %llu: %g", (unsigned long long)seed, v.value);
		mean += v.value / 8;
		pane_free(w);
		baseline_free(b);
	}
	cr_assert(fabs(mean - normal_isf(2e-8)) < 0.3, "%g", mean);
}

struct change {
	size_t process;
	double scale, shift;
};

// Every window of ten fires after each of these, against 50 windows of baseline.
Test(composite, fires_after_change)
{
	static const struct change changes[] = {
		{0, 1, 0.5}, {0, 1, -0.5}, {0, 1.6, 0}, {0, 0.6, 0},   // iid normal
		{1, 2, 0},   {2, 1.5, 0}, {3, 1, 0.15},                // skewed and bounded
		{4, 1, 1.5}, {5, 1, 5},                                // autocorrelated within a window
		{9, 5, 0},   {11, 1, 1},                               // mostly zero; few values
		{13, 1, 1},                                            // categories: one gone, one new
	};
	const char *detail;

	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		const struct process *p = &processes[changes[i].process];
		struct stream s;

		start(&s, p, SEED + i);
		struct baseline *b = history(&s, p, 50);
		for (int k = 0; k < 10; k++) {
			double z = next_drift(&s, p, b, changes[i].scale, changes[i].shift, &detail);
			cr_expect_gt(z, threshold(), "%s x %g + %g: %g by %s", p->name, changes[i].scale,
				     changes[i].shift, z, detail);
		}
		baseline_free(b);
	}
}

// What sampling alone would call drift is not, where the level moves from window to window anyway.
Test(composite, spread_is_the_baselines_own)
{
	size_t loud = 0;
	struct stream s;

	start(&s, &processes[7], SEED);
	struct baseline *b = history(&s, &processes[7], 50);
	for (int k = 0; k < 50; k++) {
		struct pane *w = window(&s, &processes[7], b, WINDOW, 1, 0);
		cr_expect_leq(against("drift", b, w, HOUR).value, threshold());
		loud += fabs(against("mean_shift", b, w, HOUR).value) * sqrt(WINDOW) > 5;
		pane_free(w);
	}
	cr_assert_gt(loud, 10, "the test's own stream must have moved");
	baseline_free(b);
}

// Rule 3: a window of another size is held to the spread of its own size.
Test(composite, other_window_sizes)
{
	static const size_t sizes[] = {60, 125, 250, WINDOW, 5 * WINDOW};
	struct stream s;

	start(&s, &processes[0], SEED);
	struct baseline *b = history(&s, &processes[0], 200);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		int64_t ms = (int64_t)sizes[i] * HOUR / WINDOW;
		double shift = 10 / sqrt((double)sizes[i]);

		for (int k = 0; k < 50; k++) {
			struct pane *same = window(&s, &processes[0], b, sizes[i], 1, 0);
			struct pane *moved = window(&s, &processes[0], b, sizes[i], 1, shift);
			struct measure_value v = against("drift", b, same, ms);

			cr_expect_leq(v.value, threshold());
			cr_expect_eq(!strstr(v.detail, "independence assumed"), ms >= b->chunk_ms);
			cr_expect_gt(against("drift", b, moved, ms).value, threshold(), "%zu", sizes[i]);
			pane_free(same);
			pane_free(moved);
		}
	}
	baseline_free(b);
}

// A training sample is thinner than the stream: what the reference's own mean is worth limits what can be told.
Test(composite, windows_fuller_than_the_whole_baseline)
{
	struct stream s;
	int above = 0;

	start(&s, &processes[0], SEED);
	for (int k = 0; k < 100; k++) {
		struct baseline *b = history(&s, &processes[0], 24);
		struct pane *same = window(&s, &processes[0], b, 100 * WINDOW, 1, 0);

		above += against("drift", b, same, HOUR).value > normal_isf(0.01);
		pane_free(same);
		baseline_free(b);
	}
	cr_expect_leq(above, 4, "%d of 100, where 1 is expected", above); // P(X > 4) = 0.004
}

// The stated p-value of a plain z-test, where records are independent and rows had no event time.
Test(composite, independence_is_assumed_without_event_time)
{
	enum { N = 4000, M = 1000 };
	double r[N], c[M];
	struct rng rng;

	rng_seed(&rng, SEED);
	for (int i = 0; i < N; i++)
		r[i] = rng_normal(&rng);
	for (int i = 0; i < M; i++)
		c[i] = rng_normal(&rng) + 0.25;
	struct baseline *b = baseline_numbers(r, N);
	struct pane *p = pane_numbers(&b->fields[0]->def, c, M);
	struct measure_value v = against("drift", b, p, HOUR);
	cr_assert_str_eq(v.detail, "mean shift; independence assumed");
	// Four members: p is four times the z-test's own, so z is a little less.
	double z = plain("mean_shift", b, p) / sqrt(1.0 / N + 1.0 / M);
	cr_assert_lt(v.value, z);
	cr_assert_gt(v.value, z - 0.5);
	pane_free(p);
	baseline_free(b);
}

// Against another window there is no history at all: A/A is silent, and a shift is found, on both grids.
Test(composite, against_another_window)
{
	struct field_def def = {.path = (char[]){"x"}, .type = FIELD_NUMERIC};
	double v[3][1000];
	struct rng rng;

	for (uint64_t seed = 0; seed < 200; seed++) {
		rng_seed(&rng, seed);
		for (int i = 0; i < 3000; i++)
			v[i / 1000][i % 1000] = 3 * rng_normal(&rng) + (i >= 2000 ? 1.5 : 0);
		struct pane *p[3];
		for (int i = 0; i < 3; i++)
			p[i] = pane_numbers(&def, v[i], 1000);
		cr_expect_leq(between("drift", &def, p[0], p[1]).value, threshold(), "seed %llu",
			      (unsigned long long)seed);
		cr_expect_gt(between("drift", &def, p[0], p[2]).value, threshold());
		for (int i = 0; i < 3; i++)
			pane_free(p[i]);
	}
}

Test(composite, constant)
{
	double constant[1000], moved[1000], one[1000];

	for (int i = 0; i < 1000; i++) {
		constant[i] = one[i] = 0.1; // its sum of squares rounds
		moved[i] = 0.1000001;
	}
	one[500] = 7;
	struct baseline *b = baseline_numbers(constant, 1000);
	const struct field_def *def = &b->fields[0]->def;
	struct pane *p[] = {pane_numbers(def, constant, 700), pane_numbers(def, moved, 700), pane_numbers(def, one, 700)};
	cr_expect_eq(against("drift", b, p[0], HOUR).value, 0);
	cr_expect_gt(against("drift", b, p[1], HOUR).value, 30);
	cr_expect_str_eq(against("drift", b, p[1], HOUR).detail, "other than the constant; independence assumed");
	// One stray value among 700, expected 2.1: nothing.
	cr_expect_eq(against("drift", b, p[2], HOUR).value, 0);
	for (int i = 0; i < 3; i++)
		pane_free(p[i]);
	baseline_free(b);
}

// Two constants are told apart on the logarithmic grid too, whose one bin says nothing.
Test(composite, constant_without_a_grid)
{
	struct field_def def = {.path = (char[]){"x"}, .type = FIELD_NUMERIC};
	double a[100], c[100];

	for (int i = 0; i < 100; i++) {
		a[i] = 5;
		c[i] = 5.0001;
	}
	struct pane *p = pane_numbers(&def, a, 100), *q = pane_numbers(&def, c, 100);
	cr_expect_eq(between("drift", &def, p, p).value, 0);
	cr_expect_gt(between("drift", &def, p, q).value, threshold());
	pane_free(p);
	pane_free(q);
}

Test(composite, one_record_is_no_drift)
{
	struct stream s;

	start(&s, &processes[0], SEED);
	struct baseline *b = history(&s, &processes[0], 50);
	struct pane *w = window(&s, &processes[0], b, WINDOW, 1, 0);
	field_add_number(w->fields[0], 1e9);
	cr_expect_leq(against("drift", b, w, HOUR).value, threshold());
	pane_free(w);
	baseline_free(b);
}

Test(composite, boolean_that_was_constant)
{
	struct baseline_builder *builder = baseline_builder_new("s", true);
	struct error err = ERROR_INIT;

	for (int i = 0; i < 5000; i++) {
		baseline_builder_row(builder, i * 60000, 1);
		baseline_builder_text(builder, "x", FIELD_BOOLEAN, "true", 4);
	}
	struct baseline *b = baseline_builder_finish(builder, NULL, &err);
	struct pane *p = pane_new();
	struct field_stats *f = pane_field(p, 0, &b->fields[0]->def);
	for (int i = 0; i < 60; i++) {
		pane_count_record(p, i, i, 1, true, false, false);
		field_add_bool(f, true);
	}
	cr_expect_eq(against("drift", b, p, HOUR).value, 0);
	for (int i = 0; i < 10; i++)
		field_add_bool(f, false);
	cr_expect_gt(against("drift", b, p, HOUR).value, threshold());
	pane_free(p);
	baseline_free(b);
}

Test(composite, says_on_how_little_it_rests)
{
	struct stream s;

	start(&s, &processes[0], SEED);
	struct baseline *b = history(&s, &processes[0], 100);
	struct pane *w = window(&s, &processes[0], b, WINDOW, 1, 5);
	// 100 hours are cut into 200 chunks of half an hour.
	cr_expect_eq(b->chunk_ms, HOUR / 2);
	cr_expect(!strchr(against("drift", b, w, HOUR).detail, ';'));
	cr_expect(strstr(against("drift", b, w, HOUR / 4).detail, "; independence assumed"));
	pane_free(w);
	baseline_free(b);
	start(&s, &processes[0], SEED);
	struct baseline_builder *builder = baseline_builder_new("s", true);
	struct error err = ERROR_INIT;
	for (int i = 0; i < 5000; i++) {
		baseline_builder_row(builder, i / 500 * 86400000LL * 40, 1); // ten days far apart
		baseline_builder_number(builder, "x", FIELD_NUMERIC, rng_normal(&s.rng));
	}
	b = baseline_builder_finish(builder, NULL, &err);
	w = window(&s, &processes[0], b, WINDOW, 1, 5);
	cr_expect_leq(b->fields[0]->nchunks, 10);
	cr_expect(strstr(against("drift", b, w, b->chunk_ms).detail, "; under 20 chunks"));
	pane_free(w);
	baseline_free(b);
}
