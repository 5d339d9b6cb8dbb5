// SPDX-License-Identifier: Apache-2.0
#include "report/axis.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "util/clock.h"
#include "util/xalloc.h"

#define DAY_MS ((int64_t)86400000)

double nice_step(double x)
{
	double power = pow(10, floor(log10(x))), part = x / power;

	return power * (part <= 1.0000001 ? 1 : part <= 2.0000001 ? 2 : part <= 5.0000001 ? 5 : 10);
}

static void widen(double *lo, double *hi)
{
	double by = *lo ? fabs(*lo) * 0.1 : 1;

	if (*lo < *hi)
		return;
	*lo -= by;
	*hi += by;
}

void axis_linear(struct axis *a, double lo, double hi, size_t about)
{
	*a = (struct axis){.lo = lo, .hi = hi};
	widen(&a->lo, &a->hi);
	double range = a->hi - a->lo;
	if (!isfinite(range) || range / fmax(fabs(a->lo), fabs(a->hi)) < 1e-12) {
		a->ticks[a->n++] = a->lo;
		return;
	}
	a->step = nice_step(range / (double)about);
	double first = ceil(a->lo / a->step - 1e-9);
	for (double k = first; k * a->step <= a->hi + a->step * 1e-9 && a->n < AXIS_TICKS; k++)
		a->ticks[a->n++] = k ? k * a->step : 0;
}

// Powers of ten, where these are few also 2 and 5 times them, where they are many every so many.
void axis_log(struct axis *a, double lo, double hi, size_t about)
{
	static const double within[] = {1, 2, 5};
	double first, decades;
	int every;

	*a = (struct axis){.log = true, .lo = lo, .hi = hi};
	if (lo >= hi) {
		a->lo = lo / 2;
		a->hi = hi * 2;
	}
	first = floor(log10(a->lo));
	decades = log10(a->hi) - log10(a->lo);
	every = (int)ceil(decades / (double)about);
	every = every ? every : 1;
	for (double k = every * floor(first / every); k <= log10(a->hi) + 1e-9; k += every)
		for (size_t i = 0; i < (decades < 2.5 ? 3 : 1); i++) {
			double v = pow(10, k) * within[i];
			if (v >= a->lo * (1 - 1e-9) && v <= a->hi * (1 + 1e-9) && a->n < AXIS_TICKS)
				a->ticks[a->n++] = v;
		}
}

double axis_at(const struct axis *a, double x)
{
	if (a->log)
		return x > 0 ? log(x / a->lo) / log(a->hi / a->lo) : 0;
	return a->hi / 2 - a->lo / 2 < 8e307 ? (x - a->lo) / (a->hi - a->lo)
					     : (x / 2 - a->lo / 2) / (a->hi / 2 - a->lo / 2);
}

static void group_thousands(char out[AXIS_LABEL])
{
	char plain[AXIS_LABEL], *to = out;
	size_t sign = *out == '-', digits;

	memcpy(plain, out, AXIS_LABEL);
	digits = strspn(plain + sign, "0123456789");
	if (digits < 5 || digits + digits / 3 + strlen(plain + sign + digits) + 2 > AXIS_LABEL)
		return;
	to += sign;
	for (size_t i = 0; i < digits; i++) {
		if (i && (digits - i) % 3 == 0)
			*to++ = ',';
		*to++ = plain[sign + i];
	}
	snprintf(to, AXIS_LABEL - (size_t)(to - out), "%s", plain + sign + digits);
}

void number_label(double x, double step, char out[AXIS_LABEL])
{
	double size = fabs(x);

	if (!x)
		snprintf(out, AXIS_LABEL, "0");
	else if (size >= 1e7 || size < 1e-4 || (step && step < 1e-4))
		snprintf(out, AXIS_LABEL, "%.*g",
			 step ? (int)fmin(15, fmax(1, 1 + ceil(log10(size / step)))) : 4, x);
	else if (!step)
		snprintf(out, AXIS_LABEL, size >= 1000 ? "%.0f" : "%.4g", x);
	else
		snprintf(out, AXIS_LABEL, "%.*f", (int)fmin(6, fmax(0, ceil(-log10(step) - 1e-9))), x);
	group_thousands(out);
}

void axis_label(const struct axis *a, double tick, char out[AXIS_LABEL])
{
	number_label(tick, a->step, out);
}

// --- time ---------------------------------------------------------------------------------------------

static int64_t month_start(int year, int month)
{
	struct tm tm = {.tm_year = year + month / 12 - 1900, .tm_mon = month % 12, .tm_mday = 1};

	return (int64_t)timegm(&tm) * 1000;
}

static void broken_down(int64_t ms, struct tm *tm)
{
	time_t t = (time_t)(time_floor(ms, 1000) / 1000);

	gmtime_r(&t, tm);
}

static void ticks_of_months(struct time_axis *a, size_t about)
{
	static const int steps[] = {1, 3, 6, 12, 24, 60, 120, 240, 600, 1200};
	int64_t months = (a->to - a->from) / (30 * DAY_MS) + 1;
	struct tm tm;
	size_t i = 0;

	while (i + 1 < ARRAY_LEN(steps) && months / steps[i] > (int64_t)about)
		i++;
	broken_down(a->from, &tm);
	int year = tm.tm_year + 1900, month = tm.tm_mon;
	if (steps[i] >= 12)
		year -= year % (steps[i] / 12), month = 0;
	else
		month -= month % steps[i];
	for (; a->n < AXIS_TICKS; month += steps[i]) {
		int64_t at = month_start(year, month);
		if (at > a->to)
			break;
		if (at >= a->from)
			a->ticks[a->n++] = at;
	}
}

void axis_time(struct time_axis *a, int64_t from, int64_t to, size_t about)
{
	static const int64_t steps[] = {1000,	 5000,	     10000,	 15000,	     30000,
					60000,	 300000,     600000,	 900000,     1800000,
					3600000, 7200000,    10800000,	 21600000,   43200000,
					DAY_MS,	 2 * DAY_MS, 7 * DAY_MS, 14 * DAY_MS};
	size_t i = 0;

	*a = (struct time_axis){.from = from, .to = to > from ? to : from + 1};
	while (i < ARRAY_LEN(steps) && (a->to - a->from) / steps[i] > (int64_t)about)
		i++;
	if (i == ARRAY_LEN(steps)) {
		a->unit = TICK_MONTHS;
		ticks_of_months(a, about);
		return;
	}
	a->unit = steps[i] < 60000 ? TICK_SECONDS : steps[i] < DAY_MS ? TICK_MINUTES : TICK_DAYS;
	int64_t shift =
	    steps[i] >= 7 * DAY_MS ? 4 * DAY_MS : 0; // weeks begin on Monday; the epoch on Thursday
	for (int64_t at = time_floor(a->from - shift + steps[i] - 1, steps[i]) + shift;
	     at <= a->to && a->n < AXIS_TICKS; at += steps[i])
		a->ticks[a->n++] = at;
}

double axis_time_at(const struct time_axis *a, int64_t ms)
{
	return (double)(ms - a->from) / (double)(a->to - a->from);
}

// The date where the day changes, the year where that does, and both on the first tick.
void axis_time_label(const struct time_axis *a, size_t tick, char out[AXIS_LABEL])
{
	struct tm tm, before = {.tm_year = -1};
	char clock[16] = "";

	broken_down(a->ticks[tick], &tm);
	if (tick)
		broken_down(a->ticks[tick - 1], &before);
	bool year = tm.tm_year != before.tm_year, day = year || tm.tm_yday != before.tm_yday;
	if (a->unit <= TICK_MINUTES && (!day || tm.tm_hour || tm.tm_min || tm.tm_sec || !tick))
		strftime(clock, sizeof clock, a->unit == TICK_SECONDS ? "%H:%M:%S" : "%H:%M", &tm);
	if (a->unit == TICK_MONTHS)
		strftime(out, AXIS_LABEL, year ? "%b %Y" : "%b", &tm);
	else if (day)
		strftime(out, AXIS_LABEL, year ? "%Y-%m-%d" : "%d %b", &tm);
	else
		*out = 0;
	if (*clock)
		snprintf(out + strlen(out), AXIS_LABEL - strlen(out), "%s%s", *out ? " " : "", clock);
}
