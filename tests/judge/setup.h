// SPDX-License-Identifier: Apache-2.0
// One judge with its stream "pay" and two receivers over a store in memory.
#ifndef KD_TESTS_JUDGE_SETUP_H
#define KD_TESTS_JUDGE_SETUP_H
#include "fake.h"

#define SETUP_T0 (2000 * WEEK)

struct setup {
	struct fake *f;
	struct judge_stream streams[4];
	struct rule rules[8];
	struct judge_conf conf;
	struct judge *j;
};

void setup_init(struct setup *s, int64_t window, int64_t slide);
void setup_free(struct setup *s);
struct rule *add_rule(struct setup *s, struct rule r);
void start(struct setup *s); // a new judge, as after a restart
// n records a minute for some minutes, every `bad_every`-th bad (0: none).
void feed(struct setup *s, int64_t from, int minutes, int n, int bad_every);
// 60 values of field "a" around `mean` a minute, in a slice.
void feed_values(struct setup *s, const char *stream, const char *slice, int64_t from, int minutes,
		 double mean);
void pass_to(struct setup *s, int64_t event); // the stream's time, and the judge's
double uniform(uint64_t *state); // (0, 1) by splitmix64
double normal(uint64_t *state);
const json_t *page_of(const struct setup *s, const char *type, size_t nth); // of the nth event of the type
const json_t *body(const struct setup *s, size_t i);                        // of the ith message
#endif
