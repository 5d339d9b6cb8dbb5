// SPDX-License-Identifier: Apache-2.0
#include "alerts_source.h"

#include <math.h>
#include <string.h>

#define PHI 0.9
#define HOURS 24

const char *const source_kind_names[SOURCE_KINDS] = {"independent", "ar1", "seasonal"};
const char *const category_names[CATEGORIES] = {"a", "b", "c", "d", "e"};

static uint64_t splitmix(uint64_t *x)
{
	uint64_t z = *x += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

uint64_t source_seed(uint64_t seed, uint64_t a, uint64_t b)
{
	uint64_t x = seed;

	x = splitmix(&x) ^ a;
	x = splitmix(&x) ^ b;
	return splitmix(&x);
}

static inline uint64_t rotl(uint64_t x, int k)
{
	return x << k | x >> (64 - k);
}

// xoshiro256++ (Blackman, Vigna 2019).
uint64_t source_random(struct source *s)
{
	uint64_t *r = s->random, result = rotl(r[0] + r[3], 23) + r[0], t = r[1] << 17;

	r[2] ^= r[0];
	r[3] ^= r[1];
	r[1] ^= r[2];
	r[0] ^= r[3];
	r[2] ^= t;
	r[3] = rotl(r[3], 45);
	return result;
}

static double unit(struct source *s) // in (0, 1)
{
	return ((double)(source_random(s) >> 12) + 0.5) * 0x1p-52;
}

// The ziggurat of Marsaglia and Tsang (2000) in Doornik's form (2005): LAYERS boxes of equal area, their right ends
// edge[i], the tail beyond edge[1].
enum { LAYERS = 128 };
#define TAIL 3.442619855899
#define AREA 9.91256303526217e-3

static double edge[LAYERS + 1], inner[LAYERS];

static void layers(void)
{
	double f = exp(-0.5 * TAIL * TAIL);

	edge[0] = AREA / f;
	edge[1] = TAIL;
	for (int i = 2; i < LAYERS; i++) {
		edge[i] = sqrt(-2 * log(AREA / edge[i - 1] + f));
		f = exp(-0.5 * edge[i] * edge[i]);
	}
	edge[LAYERS] = 0;
	for (int i = 0; i < LAYERS; i++)
		inner[i] = edge[i + 1] / edge[i];
}

static double tail(struct source *s, double sign)
{
	double x, y;

	do {
		x = log(unit(s)) / TAIL;
		y = log(unit(s));
	} while (-2 * y < x * x);
	return sign * (TAIL - x);
}

static inline double normal(struct source *s)
{
	for (;;) {
		uint64_t r = source_random(s);
		unsigned i = r & (LAYERS - 1);
		double u = (double)((int64_t)r >> 11) * 0x1p-52; // [-1, 1)

		if (fabs(u) < inner[i])
			return u * edge[i];
		if (i == 0)
			return tail(s, u < 0 ? -1 : 1);
		double x = u * edge[i], f0 = exp(-0.5 * (edge[i] * edge[i] - x * x)),
		       f1 = exp(-0.5 * (edge[i + 1] * edge[i + 1] - x * x));
		if (f1 + unit(s) * (f0 - f1) < 1)
			return x;
	}
}

void source_init(struct source *s, enum source_kind kind, int64_t an_hour, uint64_t seed)
{
	if (!edge[0])
		layers();
	*s = (struct source){.kind = kind, .an_hour = an_hour};
	for (int i = 0; i < 4; i++)
		s->random[i] = splitmix(&seed);
	s->level = normal(s);
}

static void add_season(const struct source *s, double *x, size_t n)
{
	double step = 2 * M_PI / (double)(HOURS * s->an_hour), phase = fmod((double)s->next * step, 2 * M_PI);
	double sine = sin(phase), cosine = cos(phase), c = cos(step), d = sin(step);

	for (size_t i = 0; i < n; i++) {
		x[i] += sine;
		double was = sine;
		sine = was * c + cosine * d;
		cosine = cosine * c - was * d;
	}
}

static void apply_change(const struct source *s, double *x, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		double since = (double)(s->next + (int64_t)i - s->at);

		if (since < 0)
			continue;
		if (s->change == CHANGE_SHIFT)
			x[i] += s->size;
		else if (s->change == CHANGE_SCALE)
			x[i] *= sqrt(s->size);
		else if (s->change == CHANGE_RAMP)
			x[i] += s->size * fmin(1, since / RAMP_RECORDS);
	}
}

void source_fill(struct source *s, double *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		x[i] = normal(s);
	if (s->kind == SOURCE_AR1)
		for (size_t i = 0; i < n; i++)
			x[i] = s->level = PHI * s->level + sqrt(1 - PHI * PHI) * x[i];
	if (s->change != CHANGE_NONE && s->next + (int64_t)n > s->at)
		apply_change(s, x, n);
	if (s->kind == SOURCE_SEASONAL)
		add_season(s, x, n);
	s->next += (int64_t)n;
}

// Normal quantiles at .30 .55 .75 .90, and where the first share is .35 at .35 and .35 + .65 (.25 .45 .60)/.70.
static const double cuts[CATEGORIES - 1] = {-0.52440051270804067, 0.12566134685507416, 0.67448975019608171,
					    1.2815515655446004};
static const double changed[CATEGORIES - 1] = {-0.38532046640756773, 0.20737848262438172, 0.7318080838596178,
					       1.323364216455058};

void source_categories(const struct source *s, int64_t from, const double *x, size_t n, uint8_t *category)
{
	for (size_t i = 0; i < n; i++) {
		const double *c = s->change == CHANGE_CATEGORY && from + (int64_t)i >= s->at ? changed : cuts;

		category[i] = (uint8_t)((x[i] >= c[0]) + (x[i] >= c[1]) + (x[i] >= c[2]) + (x[i] >= c[3]));
	}
}
