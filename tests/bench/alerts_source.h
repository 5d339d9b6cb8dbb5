// SPDX-License-Identifier: Apache-2.0
// Made-up streams of one field whose truth is known: of three kinds, and with at most one change. The same seed gives
// the same values.
//
//     struct source s;
//     source_init(&s, SOURCE_AR1, 10000, seed);
//     s.change = CHANGE_SHIFT, s.size = 0.5, s.at = 3000000;
//     source_fill(&s, x, n);                       // the next n values
//     source_categories(&s, from, x, n, counts);   // or: how often each category came
#ifndef KD_BENCH_ALERTS_SOURCE_H
#define KD_BENCH_ALERTS_SOURCE_H
#include <stddef.h>
#include <stdint.h>

// All but the season have mean 0 and variance 1 while nothing changes.
enum source_kind {
	SOURCE_INDEPENDENT, // normal
	SOURCE_AR1,	    // x = 0.9 x' + sqrt(0.19) e, from record to record
	SOURCE_SEASONAL,    // a sine of amplitude 1 over 24 h, plus an independent normal
	SOURCE_KINDS
};

enum source_change {
	CHANGE_NONE,
	CHANGE_SHIFT,	 // + size
	CHANGE_SCALE,	 // x sqrt(size): the variance of what is not the season
	CHANGE_RAMP,	 // + 0 to size over RAMP_RECORDS
	CHANGE_CATEGORY // the first category's share goes from .30 to .35, the others keep their proportions
};

enum { RAMP_RECORDS = 50000, CATEGORIES = 5 };
extern const char *const source_kind_names[SOURCE_KINDS];
extern const char *const category_names[CATEGORIES];

struct source {
	uint64_t random[4];
	enum source_kind kind;
	int64_t an_hour; // records
	int64_t next;	 // number of the next record
	double level;	 // AR(1): the value before
	enum source_change change;
	double size;
	int64_t at; // the first changed record
};

uint64_t source_seed(uint64_t seed, uint64_t a, uint64_t b); // another stream of numbers for each a and b
uint64_t source_random(struct source *s);		     // 64 bits
void source_init(struct source *s, enum source_kind kind, int64_t an_hour, uint64_t seed);
void source_fill(struct source *s, double *x, size_t n);
// The category of the n values that source_fill gave and that began with record `from`: shares .30 .25 .20 .15 .10 of
// a normal variable.
void source_categories(const struct source *s, int64_t from, const double *x, size_t n, uint8_t *category);
#endif
