// SPDX-License-Identifier: Apache-2.0
// A false-alarm budget: how many new firings (transitions, not windows or items) one rule may cause on one stream
// in so much event time while nothing changes, over all fields and slices. It is an upper bound on their
// expected number: every test may fire at most with probability p, and by Bonferroni the budget is split
// evenly among all tests of that time.
//
// Overlapping windows are nearly one test. A window mean that slides without end has new excursions past z
// at a rate of about z^2 P(Z > z) a window's length (Rice's formula; a mean of independent records has the
// triangular correlation of Slepian's process), which is 25 tests at z = 5. So at most that many evaluations
// are counted a window's length, however small the slide.
//
//     struct budget b = {1, 7 * DAY};                  // 1/week
//     double p = budget_p(&b, &(struct budget_tests){.tests = 30, .window_ms = HOUR, .slide_ms = MINUTE});
//
// Pure.
#ifndef KD_DRIFT_BUDGET_H
#define KD_DRIFT_BUDGET_H
#include <stdbool.h>
#include <stdint.h>

struct budget {
	double firings; // 0: there is no budget
	int64_t per_ms; // of event time
};

struct budget_tests {
	uint64_t tests;              // at one evaluation: fields x slices (x members that a value does not hold yet)
	int64_t window_ms, slide_ms; // above 0
	bool by_slide;               // evaluations do not overlap: each slide counts
};

// The greatest probability at which any one of the tests may fire falsely; never above 0.001.
double budget_p(const struct budget *b, const struct budget_tests *t);
// "1/week", "0.5 / day": false for anything else. Units: day, week, month (30 days), year (365 days).
bool budget_parse(const char *text, struct budget *out);
// As it would be written; buf of at least 32 bytes, which is returned.
const char *budget_format(const struct budget *b, char *buf, unsigned size);
// How many tests to count where `n` are made now: the next power of two, so that a slice that comes or goes
// does not move the limit at every evaluation (at most double the count: under 0.15 of a z from 4 on).
uint64_t budget_steady(uint64_t n);
#endif
