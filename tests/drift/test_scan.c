// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "drift/scan.h"
#include "drift/special.h"
#include "helper.h"
#include "util/clock.h"
#include "util/xalloc.h"

enum { MINUTE = 60000, WINDOW = 60, KEPT = 32 * WINDOW };
static const int64_t begin = 1700006400000; // midnight

// --- processes in which nothing changes, one value after the other ------------------------------------------

struct process {
	const char *name;
	struct rng rng;
	double level;
	long n, day; // values so far, a day
};

static double next(struct process *p)
{
	double e = rng_normal(&p->rng), t = (double)(p->n++ % p->day) / (double)p->day;

	if (!strcmp(p->name, "autoregressive"))
		return p->level = 0.9 * p->level + sqrt(1 - 0.81) * e;
	if (!strcmp(p->name, "daily"))
		return e + sin(2 * M_PI * t);
	if (!strcmp(p->name, "exponential in runs"))
		return p->level = p->level && rng_uniform(&p->rng) < 0.9 ? p->level : -log(rng_uniform(&p->rng));
	if (!strcmp(p->name, "exponential"))
		return -log(rng_uniform(&p->rng));
	if (!strcmp(p->name, "lognormal"))
		return exp(e);
	if (!strcmp(p->name, "student")) { // 3 degrees of freedom
		double chi2 = 0;
		for (int i = 0; i < 3; i++) {
			double x = rng_normal(&p->rng);
			chi2 += x * x;
		}
		return e / sqrt(chi2 / 3);
	}
	return e;
}

static struct process process_of(const char *name, int a_minute, uint64_t seed)
{
	struct process p = {.name = name, .day = 1440L * a_minute};

	rng_seed(&p.rng, seed);
	return p;
}

static struct baseline *built(struct baseline_builder *b)
{
	struct error err = ERROR_INIT;
	struct baseline *out = baseline_builder_finish(b, NULL, &err);

	cr_assert(out, "%s", err.text);
	return out;
}

static struct baseline *baseline_of(struct process *p, int minutes, int a_minute)
{
	struct baseline_builder *b = baseline_builder_new("s", true);

	for (int i = 0; i < minutes * a_minute; i++) {
		baseline_builder_row(b, begin + (int64_t)i * MINUTE / a_minute, 1);
		baseline_builder_number(b, "x", FIELD_NUMERIC, next(p));
	}
	return built(b);
}

// --- the scan from a minute's values each, in plain doubles ---------------------------------------------------

struct minute {
	double n, sum, squares, min, max;
};

static void count(struct minute *m, double x)
{
	m->n++;
	m->sum += x;
	m->squares += x * x;
	m->min = fmin(m->min, x);
	m->max = fmax(m->max, x);
}

// Adds the minutes before those that m has, back to `length`.
static struct span span_of(struct minute *m, long *has, const struct minute *kept, long at, int64_t length, int64_t end)
{
	for (; *has < length / MINUTE; ++*has) {
		const struct minute *x = &kept[(at - *has) % KEPT];
		m->n += x->n;
		m->sum += x->sum;
		m->squares += x->squares;
		m->min = fmin(m->min, x->min);
		m->max = fmax(m->max, x->max);
	}
	return (struct span){end - length, end, (uint64_t)m->n, m->sum / m->n,
			     (m->squares - m->sum * m->sum / m->n) / (m->n - 1), m->min, m->max, NULL};
}

static struct span span_alone(struct minute m, int64_t end)
{
	long has = 1;

	return span_of(&m, &has, NULL, 0, MINUTE, end);
}

// Goes on with the process after its baseline, and once the longest span is full with the change. Counts firings at
// each threshold (they end as alerts of a budget do, at ten times its p), and the records from the change to
// the first above the last one.
struct run {
	long evaluations, fired[3];
	double thresholds[3];
	long delay; // records; -1: never
};

static void run(struct run *r, const struct baseline *b, struct process *p, int baseline_minutes, int a_minute,
		long minutes, double shift, double scale, double ramp)
{
	struct minute *kept = xcalloc(KEPT, sizeof *kept);
	int64_t lengths[SCAN_LENGTHS];
	size_t n = scan_lengths(MINUTE, (int64_t)KEPT * MINUTE, lengths);
	struct span spans[SCAN_LENGTHS];
	struct scan_found found;
	struct scan scan;
	bool firing[3] = {false, false, false};
	long since = 0;

	cr_assert(scan_init(&scan, b, b->fields[0]));
	r->delay = -1;
	for (long i = 0; i < KEPT + minutes; i++) {
		bool judged = i >= KEPT;
		struct minute *m = &kept[i % KEPT];

		*m = (struct minute){.min = INFINITY, .max = -INFINITY};
		for (int k = 0; k < a_minute; k++) {
			since += judged;
			count(m, next(p) * (judged ? scale : 1) +
					 (judged ? shift * (ramp > 0 ? fmin(1, (double)since / ramp) : 1) : 0));
		}
		if (!judged)
			continue;
		struct minute sum = {.min = INFINITY, .max = -INFINITY};
		long has = 0;
		for (size_t k = 0; k < n; k++)
			spans[k] = span_of(&sum, &has, kept, i, lengths[k], begin + (baseline_minutes + i + 1) * (int64_t)MINUTE);
		double z = scan_value(&scan, spans, n, MINUTE, &found);
		r->evaluations++;
		for (int k = 0; k < 3; k++)
			if (firing[k]) {
				firing[k] = z >= normal_isf(fmin(0.4, 10 * normal_sf(r->thresholds[k])));
			} else if (z > r->thresholds[k]) {
				firing[k] = true;
				r->fired[k]++;
			}
		if (z > r->thresholds[2] && r->delay < 0)
			r->delay = since;
		if (r->delay >= 0 && (shift || scale != 1))
			break;
	}
	free(kept);
}

// --- tails -------------------------------------------------------------------------------------------------

static const struct grid *grid_made(const double *v, size_t n, uint64_t **bins)
{
	struct grid *g = grid_from_sorted(v, n);

	*bins = xcalloc(grid_bins(g), sizeof **bins);
	for (size_t i = 0; i < n; i++)
		(*bins)[grid_bin(g, v[i])]++;
	return g;
}

// Deviates of means of n values, (x - 1) sqrt(n), and what they truly are: scipy.stats.norm.isf of gamma's tail.
Test(scan, tail_of_the_mean_of_exponential_values)
{
	static const struct {
		double n, plain, truly;
	} cases[] = {{4, 3, 2.3139},	{4, 6, 3.7369},	   {16, -3, -4.4219}, {16, 3, 2.5474},	{16, 4.5, 3.5242},
		     {16, 6, 4.3979},	{100, -3, -3.3325}, {100, -4.5, -5.4028}, {100, 3, 2.7761}, {100, 6, 5.1309}};
	enum { N = 200000 };
	double *v = xmalloc(N * sizeof *v);
	uint64_t *bins;
	struct tail t;

	for (int i = 0; i < N; i++)
		v[i] = -log(1 - (i + 0.5) / N);
	const struct grid *g = grid_made(v, N, &bins);
	cr_assert(tail_init(&t, g, bins, v[0], v[N - 1], 1));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		double z = tail_deviate(&t, cases[i].plain / sqrt(cases[i].n), cases[i].n);
		cr_expect_float_eq(z, cases[i].truly, 0.04 * fabs(cases[i].truly), "n %g at %g: %g, not %g", cases[i].n,
				   cases[i].plain, z, cases[i].truly);
	}
	grid_free((struct grid *)g);
	free(bins);
	free(v);
}

// Means of n squares of normal values: chi-square over n, from scipy.stats.chi2.
Test(scan, tail_of_the_mean_of_squares)
{
	static const struct {
		double n, ratio, truly;
	} cases[] = {{9, 0.5, -1.153}, {9, 2, 1.8097},	 {9, 3, 2.9892},   {50, 0.2, -6.2888},
		     {50, 0.5, -3.0376}, {50, 1.5, 2.2384}, {50, 2, 3.9794}, {50, 3, 6.7728}};
	enum { N = 200000 };
	double *v = xmalloc(N * sizeof *v);
	uint64_t *bins;
	struct tail t, square;

	for (int i = 0; i < N; i++)
		v[i] = -normal_isf((i + 0.5) / N);
	const struct grid *g = grid_made(v, N, &bins);
	cr_assert(tail_init(&t, g, bins, v[0], v[N - 1], 1));
	tail_square(&square, &t);
	cr_expect_float_eq(square.variance, 2, 0.05);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		double z = tail_deviate(&square, cases[i].ratio, cases[i].n);
		cr_expect_float_eq(z, cases[i].truly, 0.05 * fabs(cases[i].truly), "n %g at %g: %g, not %g", cases[i].n,
				   cases[i].ratio, z, cases[i].truly);
	}
	grid_free((struct grid *)g);
	free(bins);
	free(v);
}

// --- the table of movement -----------------------------------------------------------------------------------

// One level of it by the book: values sorted into groups by their time, analysis of variance.
static double naive_effect(const double *v, const int64_t *at, size_t n, int64_t length, double variance)
{
	double mean = 0, squares = 0;
	size_t groups = 0;

	for (size_t i = 0; i < n; i++)
		mean += v[i] / (double)n;
	for (size_t i = 0, next; i < n; i = next) {
		double sum = 0;
		for (next = i; next < n && at[next] / length == at[i] / length; next++)
			sum += v[next] - mean;
		squares += sum * sum / (double)(next - i);
		groups++;
	}
	double range = (double)(at[n - 1] - at[0]);
	return squares / (double)groups / (1 - (double)length / range) / variance;
}

Test(scan, design_effects_are_those_of_analysis_of_variance)
{
	enum { N = 60000 };
	struct process p = process_of("autoregressive", 16, 5);
	struct baseline_builder *b = baseline_builder_new("s", true);
	double *v = xmalloc(N * sizeof *v), mean = 0, variance = 0;
	int64_t *at = xmalloc(N * sizeof *at), t = begin + 17 * MINUTE;

	for (int i = 0; i < N; i++) {
		t += (int64_t)(7500 * rng_uniform(&p.rng));
		at[i] = t;
		v[i] = 10 + 3 * next(&p);
		mean += v[i] / N;
	}
	for (int i = 0; i < N; i++) {
		int k = i ^ 1; // not quite in order
		variance += (v[i] - mean) * (v[i] - mean) / N;
		baseline_builder_row(b, at[k], 1);
		baseline_builder_number(b, "x", FIELD_NUMERIC, v[k]);
	}
	struct baseline *base = built(b);
	const struct movement *m = base->fields[0]->movement;
	cr_assert(m);
	cr_expect_eq(m->length, MINUTE);
	cr_expect_eq(m->period, 0);
	cr_expect_geq(m->nlevels, 9);
	for (size_t k = 0; k < m->nlevels; k++)
		cr_expect_float_eq(m->series[SERIES_MEAN].design[k] / 1000.0,
				   naive_effect(v, at, N, m->length << k, variance), 0.02, "level %zu", k);
	// Where groups are long, (1 + 0.9) / (1 - 0.9) = 19; of 64 values 16.2.
	cr_expect_float_eq(m->series[SERIES_MEAN].design[2] / 1000.0, 16.2, 1.6);
	// From the chunks alone, and so from a file that has no table.
	struct movement *chunks = movement_of_chunks(base, base->fields[0]);
	cr_assert(chunks && chunks->of_chunks);
	cr_expect_eq(chunks->length, base->chunk_ms);
	for (size_t k = 0; k < chunks->nlevels; k++)
		cr_expect_float_eq(chunks->series[SERIES_MEAN].design[k] / 1000.0,
				   naive_effect(v, at, N, chunks->length << k, variance), 0.4, "chunks, level %zu", k);
	cr_expect_float_eq((double)chunks->series[SERIES_SQUARE].residual / 1e6,
			   (double)m->series[SERIES_SQUARE].residual / 1e6, 0.05);
	movement_free(chunks);
	baseline_free(base);
	free(v);
	free(at);
}

Test(scan, the_order_of_rows_is_nothing)
{
	enum { N = 20000 };
	struct process p = process_of("daily", 3, 9);
	char hash[2][65];
	double *v = xmalloc(N * sizeof *v);

	for (int i = 0; i < N; i++)
		v[i] = 1e6 * next(&p) + 0.1;
	for (int k = 0; k < 2; k++) {
		struct baseline_builder *b = baseline_builder_new("s", true);
		for (int j = 0; j < N; j++) {
			int i = k ? (int)(j * 7919L % N) : j;
			baseline_builder_row(b, begin + i * 20000LL, 1);
			baseline_builder_number(b, "x", FIELD_NUMERIC, v[i]);
			baseline_builder_text(b, "c", FIELD_CATEGORICAL, v[i] > 0 ? "up" : "down", v[i] > 0 ? 2 : 4);
		}
		struct baseline *base = built(b);
		struct error err = ERROR_INIT;
		char *path = temp_path("order.json");
		cr_assert(base->fields[1]->movement && base->fields[1]->movement->period == 86400000);
		cr_assert_eq(baseline_save(base, path, &err), 0, "%s", err.text);
		memcpy(hash[k], base->hash, 65);
		baseline_free(base);
		base = baseline_load(path, &err); // and it comes back as it was
		cr_assert(base, "%s", err.text);
		cr_assert_eq(baseline_save(base, path, &err), 0);
		cr_expect_str_eq(base->hash, hash[k]);
		baseline_free(base);
		unlink(path);
		free(path);
	}
	cr_expect_str_eq(hash[0], hash[1]);
	free(v);
}

Test(scan, the_profile_of_a_day)
{
	enum { A_MINUTE = 16, MINUTES = 14 * 1440 };
	struct process p = process_of("daily", A_MINUTE, 3);
	struct baseline *b = baseline_of(&p, MINUTES, A_MINUTE);
	const struct movement *m = b->fields[0]->movement;
	double sd = field_stddev(b->fields[0]->total);

	cr_assert(m);
	cr_assert_eq(m->period, 86400000);
	cr_expect_float_eq((double)m->series[SERIES_MEAN].residual / 1e6, 1 / 1.5, 0.01);
	// Mean of the sine from 3 to 9 o'clock, and its variance there.
	double mean = sqrt(2) * 2 / M_PI, between = 0.5 + 1 / M_PI - mean * mean;
	int64_t from = begin + 86400000 + 3 * 3600000, to = from + 6 * 3600000;
	cr_expect_float_eq(movement_expected(m, SERIES_MEAN, from, to) * sd, mean, 0.02);
	cr_expect_float_eq(movement_between(m, from, to) * sd * sd, between, 0.01);
	cr_expect_float_eq(movement_expected(m, SERIES_MEAN, from, to + 7 * 86400000LL) * sd, mean / 29, 0.02);
	for (size_t k = 0; k < 7; k++)
		cr_expect_float_eq(m->series[SERIES_MEAN].design[k] / 1000.0, 1, 0.16, "level %zu", k);
	baseline_free(b);
}

// A day has each phase once, though the baseline has the first sixteen hours once more than the rest.
Test(scan, the_profile_of_days_that_are_not_whole)
{
	enum { A_MINUTE = 16, MINUTES = 256 * 60 };
	struct process p = process_of("daily", A_MINUTE, 4);
	struct baseline *b = baseline_of(&p, MINUTES, A_MINUTE);
	const struct field_stats *total = b->fields[0]->total;

	for (int hour = 0; hour < 24; hour += 5) {
		int64_t from = begin + hour * 3600000LL;
		double day = movement_expected(b->fields[0]->movement, SERIES_MEAN, from, from + 86400000);

		cr_expect_float_eq(day * field_stddev(total), -field_mean(total), 0.008, "from hour %d", hour);
	}
	baseline_free(b);
}

// --- the scan --------------------------------------------------------------------------------------------------

Test(scan, lengths_are_whole_slides_and_grow)
{
	int64_t lengths[SCAN_LENGTHS];
	size_t n = scan_lengths(MINUTE, (int64_t)KEPT * MINUTE, lengths);

	cr_expect_eq(lengths[0], MINUTE);
	cr_expect_leq(lengths[n - 1], (int64_t)KEPT * MINUTE);
	for (size_t i = 1; i < n; i++) {
		cr_expect_eq(lengths[i] % MINUTE, 0);
		cr_expect_gt(lengths[i], lengths[i - 1]);
		cr_expect_leq((double)lengths[i], fmax(1.5 * (double)lengths[i - 1], (double)lengths[i - 1] + MINUTE));
	}
}

// Spans share values, and evaluations share spans, so the firings at a threshold are bounded from above only: at most
// what is nominal, and what chance adds to few.
Test(scan, false_alarms_are_no_more_than_nominal, .timeout = 300)
{
	static const char *const names[] = {"normal", "autoregressive", "daily", "exponential", "exponential in runs",
					   "lognormal", "student"};
	enum { A_MINUTE = 16, MINUTES = 7 * 1440 };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct run sum = {.thresholds = {2, 3, 5}};
		for (uint64_t seed = 1; seed <= 4; seed++) {
			struct process p = process_of(names[i], A_MINUTE, seed);
			struct baseline *b = baseline_of(&p, MINUTES, A_MINUTE);
			run(&sum, b, &p, MINUTES, A_MINUTE, 5000, 0, 1, 0);
			baseline_free(b);
		}
		double n = (double)sum.evaluations;
		cr_log_info("%s: at 2 %ld of %g, at 3 %ld of %g, at 5 %ld", names[i], sum.fired[0], n * normal_sf(2),
			    sum.fired[1], n * normal_sf(3), sum.fired[2]);
		cr_expect_leq((double)sum.fired[0], n * normal_sf(2), "%s", names[i]);
		cr_expect_leq((double)sum.fired[1], 1.5 * n * normal_sf(3), "%s", names[i]);
		cr_expect_eq(sum.fired[2], 0, "%s", names[i]);
	}
}

// A span of n values shows a shift of d where d sqrt(n) passes the deviate of the threshold over all spans and
// members, some 5.9 for a value of 5.2; a ramp of slope b after (5.9 / b)^(2/3) 3/2 of them.
Test(scan, delays_are_near_what_theory_has, .timeout = 300)
{
	static const struct {
		double shift, scale, ramp, most;
	} cases[] = {{0.25, 1, 0, 750}, {0.5, 1, 0, 210}, {1, 1, 0, 64}, {0, 1.224745, 0, 640}, {1, 1, 50000, 7600}};
	enum { A_MINUTE = 16, MINUTES = 14 * 1440, SEEDS = 5 };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int late = 0;
		for (uint64_t seed = 1; seed <= SEEDS; seed++) {
			struct process p = process_of("normal", A_MINUTE, seed);
			struct baseline *b = baseline_of(&p, MINUTES, A_MINUTE);
			struct run r = {.thresholds = {2, 3, 5.2}};
			run(&r, b, &p, MINUTES, A_MINUTE, 5000, cases[i].shift, cases[i].scale, cases[i].ramp);
			late += r.delay < 0 || (double)r.delay > cases[i].most;
			baseline_free(b);
		}
		cr_expect_leq(late, SEEDS / 2, "shift %g, scale %g, ramp %g", cases[i].shift, cases[i].scale, cases[i].ramp);
	}
}

Test(scan, one_record_alone_is_no_drift)
{
	struct process p = process_of("normal", 16, 1);
	struct baseline *b = baseline_of(&p, 1440, 16);
	struct scan scan;
	struct scan_found found;
	struct minute m = {.min = INFINITY, .max = -INFINITY};

	cr_assert(scan_init(&scan, b, b->fields[0]));
	for (int i = 0; i < 15; i++)
		count(&m, next(&p));
	count(&m, 1e7);
	struct span s = span_alone(m, begin + 86400000LL * 2);
	cr_expect_lt(scan_value(&scan, &s, 1, MINUTE, &found), 3);
	count(&m, 2e4);
	s = span_alone(m, begin + 86400000LL * 2);
	cr_expect_gt(scan_value(&scan, &s, 1, MINUTE, &found), 5, "two are");
	baseline_free(b);
}

Test(scan, a_constant)
{
	struct baseline_builder *b = baseline_builder_new("s", true);
	struct scan scan;
	struct scan_found found;

	for (int i = 0; i < 100000; i++) {
		baseline_builder_row(b, begin + i * 1000LL, 1);
		baseline_builder_number(b, "x", FIELD_NUMERIC, 7);
	}
	struct baseline *base = built(b);
	cr_assert(scan_init(&scan, base, base->fields[0]));
	struct span s = {begin, begin + MINUTE, 60, 7, 0, 7, 7, NULL};
	cr_expect_eq(scan_value(&scan, &s, 1, MINUTE, &found), 0);
	// 3 of 60 are 8: scipy.stats.poisson.sf(2, 3 / 1e5 * 60) = 9.7e-10, of which the normal deviate is 6.00
	s = (struct span){begin, begin + MINUTE, 60, 7.05, 0.05 * 0.95 * 60 / 59, 7, 8, NULL};
	cr_expect_float_eq(scan_value(&scan, &s, 1, MINUTE, &found), 6.00, 0.01);
	cr_expect_eq(found.member, SCAN_CONSTANT);
	baseline_free(base);
}

Test(scan, shares)
{
	static const char *const values[] = {"a", "b", "c"};
	struct baseline_builder *b = baseline_builder_new("s", true);
	struct scan scan;
	struct scan_found found;
	struct rng rng;

	rng_seed(&rng, 4);
	for (int i = 0; i < 400000; i++) {
		double u = rng_uniform(&rng);
		baseline_builder_row(b, begin + i * 1000LL, 1);
		baseline_builder_text(b, "x", FIELD_CATEGORICAL, values[u < 0.6 ? 0 : u < 0.9 ? 1 : 2], 1);
	}
	struct baseline *base = built(b);
	cr_assert(scan_init(&scan, base, base->fields[0]));
	cr_assert_eq(scan.members, 4);
	uint64_t same[] = {600, 300, 100, 0}, more[] = {550, 350, 100, 0}, fresh[] = {598, 299, 100, 3};
	struct span s = {begin, begin + MINUTE, 1000, NAN, NAN, INFINITY, -INFINITY, same};
	cr_expect_eq(scan_value(&scan, &s, 1, MINUTE, &found), 0);
	s.bins = more; // two-sided binomial: 2 scipy.stats.binom.sf(349, 1000, 0.3) = 7.3e-4, with 4 members 2.9e-3
	cr_expect_float_eq(scan_value(&scan, &s, 1, MINUTE, &found), 2.76, 0.15);
	cr_expect_eq(found.member, SCAN_SHARE);
	cr_expect_eq(found.bin, 1);
	s.bins = fresh; // three values that 400,000 had not: about 2.5e-8 or less, so a little over 4.8
	cr_expect_gt(scan_value(&scan, &s, 1, MINUTE, &found), 4);
	cr_expect_eq(found.bin, 3);
	baseline_free(base);
}

// Categories that come in runs of ten on average: 62 of 64 values are one that has a share of 0.6 %. One run of 62 or
// more is to be had among 64 records with a probability of about 64 * 0.1 * 0.006 * 0.9^61 = 6e-5.
Test(scan, a_run_of_one_category)
{
	struct baseline_builder *b = baseline_builder_new("s", true);
	struct scan scan;
	struct scan_found found;
	struct rng rng;
	char word[16] = "";

	rng_seed(&rng, 8);
	for (int i = 0; i < 200000; i++) {
		if (!*word || rng_uniform(&rng) < 0.1)
			snprintf(word, sizeof word, "c%d", (int)(160 * rng_uniform(&rng)));
		baseline_builder_row(b, begin + i * 1000LL, 1);
		baseline_builder_text(b, "x", FIELD_CATEGORICAL, word, strlen(word));
	}
	struct baseline *base = built(b);
	cr_assert(scan_init(&scan, base, base->fields[0]));
	uint64_t bins[BASELINE_BINS] = {[3] = 62, [31] = 2};
	struct span s = {begin, begin + 64000, 64, NAN, NAN, INFINITY, -INFINITY, bins};
	double z = scan_value(&scan, &s, 1, 64000, &found);
	cr_log_info("p %g", found.p);
	cr_expect(found.bin == 3 || found.bin == 31);
	cr_expect_leq(z, normal_isf(6e-5), "%g", z);
	bins[3] = 640; // ten times as long a run is none
	s = (struct span){begin, begin + 640000, 642, NAN, NAN, INFINITY, -INFINITY, bins};
	cr_expect_geq(scan_value(&scan, &s, 1, 64000, &found), 6);
	baseline_free(base);
}

// A scan that keeps what its lengths say and passes over what is small gives the same values as one made anew.
Test(scan, kept_says_the_same)
{
	static const char *const names[] = {"independent", "autoregressive", "daily", "exponential", "lognormal"};
	enum { A_MINUTE = 5, SPANS = 12, LEAST = 2 };
	long above = 0;

	for (size_t k = 0; k < ARRAY_LEN(names); k++) {
		struct process p = process_of(names[k], A_MINUTE, 17 + k);
		struct baseline *b = baseline_of(&p, 4 * 1440, A_MINUTE);
		struct scan kept;

		cr_assert(scan_init(&kept, b, b->fields[0]));
		scan_keep(&kept, LEAST);
		for (int i = 0; i < 600; i++) {
			struct span spans[SPANS];
			int64_t to = begin + (int64_t)(4 * 1440 + 64 + i) * MINUTE;
			struct scan_found found[2];
			struct minute m = {.min = INFINITY, .max = -INFINITY};
			struct scan fresh;

			for (long n = 0; n < SPANS; n++) {
				for (int j = 0; j < A_MINUTE * (n + 1); j++)
					count(&m, next(&p) * (i % 5 == 4 ? 1.3 : 1) + (i % 3 == 2 ? 0.2 : 0));
				spans[n] = (struct span){to - (n + 1) * (n + 2) / 2 * MINUTE, to, (uint64_t)m.n, m.sum / m.n,
							 (m.squares - m.sum * m.sum / m.n) / (m.n - 1), m.min, m.max, NULL};
			}
			cr_assert(scan_init(&fresh, b, b->fields[0]));
			double z = scan_value(&fresh, spans, SPANS, MINUTE, &found[0]);
			double y = scan_value(&kept, spans, SPANS, MINUTE, &found[1]);

			above += z > LEAST;
			cr_assert_float_eq(y, z > LEAST ? z : 0, 1e-12, "%s: %.17g %.17g", names[k], y, z);
			cr_assert(z <= LEAST || (found[0].span == found[1].span && found[0].member == found[1].member));
		}
		scan_release(&kept);
		baseline_free(b);
	}
	cr_expect_gt(above, 200);
}
