// SPDX-License-Identifier: Apache-2.0
// Axes of pictures: where a value lies, and at which round values it is labelled. Private to the report room.
#ifndef KD_REPORT_AXIS_H
#define KD_REPORT_AXIS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AXIS_TICKS = 32, AXIS_LABEL = 32 };

struct axis {
	bool log;
	double lo, hi; // lo < hi
	double step;   // between ticks; of a logarithmic axis and of time: 0
	double ticks[AXIS_TICKS];
	size_t n;
};

// 1, 2 or 5 times a power of ten: the least that is at least x. x > 0.
double nice_step(double x);
// About `about` ticks at round values; the ends are taken as they are. lo = hi is widened.
void axis_linear(struct axis *a, double lo, double hi, size_t about);
void axis_log(struct axis *a, double lo, double hi, size_t about); // lo > 0
// From 0 at lo to 1 at hi; beyond for what is beyond. A logarithmic axis puts what has no logarithm at 0.
double axis_at(const struct axis *a, double x);
void axis_label(const struct axis *a, double tick, char out[AXIS_LABEL]);
// A number with so many digits that neighbours `step` apart differ; step 0: four digits.
void number_label(double x, double step, char out[AXIS_LABEL]);

// Time, unix ms, UTC: ticks at round times of the calendar, and labels as short as the step allows.
struct time_axis {
	int64_t from, to; // from < to
	int64_t ticks[AXIS_TICKS];
	size_t n;
	enum { TICK_SECONDS, TICK_MINUTES, TICK_DAYS, TICK_MONTHS } unit;
};
void axis_time(struct time_axis *a, int64_t from, int64_t to, size_t about);
double axis_time_at(const struct time_axis *a, int64_t ms);
void axis_time_label(const struct time_axis *a, size_t tick, char out[AXIS_LABEL]);
#endif
