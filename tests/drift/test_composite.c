// SPDX-License-Identifier: Apache-2.0
// Simulated streams in which nothing changes, and some in which something does. The default threshold of
// `drift` was chosen from the table that KDRIFT_CALIBRATE=1 prints (shares of windows above 3, 4, 5, 6).
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

Test(composite, calibration_table, .disabled = false)
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
