// SPDX-License-Identifier: Apache-2.0
#include "app/tune_budget.h"

#include <math.h>
#include <stdlib.h>

#include "drift/special.h"
#include "util/xalloc.h"

#define LUCK 0.05
#define CLEAR_TIMES 10 // these as judge/threshold.c has them
#define MOST_P 0.001

enum { ROUNDS = 3 };

const char *const budget_state_names[BUDGET_STATES] = {"within", "past", "room"};

static uint64_t poisson_most(double mean, double luck)
{
	uint64_t k = 0;

	while (poisson_sf_from((double)k + 1, mean) > luck)
		k++;
	return k;
}

static double clear_of(const struct rule *r, double number)
{
	bool z = r->measure->scale == SCALE_Z;
	double p = fmin(MOST_P, CLEAR_TIMES * (z ? normal_sf(number) : number));

	return z ? fmin(number, firings_rounded(normal_isf(p), false)) : fmax(number, firings_rounded(p, true));
}

static struct firings firings_with(const struct tune_budget *t, const struct rule *r, const struct timelines *history, double number)
{
	const struct thresholds limits = {t->below ? NAN : number, t->below ? number : NAN, clear_of(r, number)};

	return firings_count(r, history, &limits, r->for_ms);
}

static bool fits(const struct tune_budget *t, const struct firings *f)
{
	return (double)f->most <= t->expected;
}

static double most_sensitive(const struct tune_budget *t, const struct rule *r, const struct timelines *history)
{
	double at = NAN;

	for (size_t i = 0; i < history->n; i++) {
		const struct timeline *s = history->items[i];
		if (s->rule == r)
			at = t->below ? fmax(at, s->below) : fmin(at, s->above);
	}
	return at;
}

// From the farthest reading, at which nothing fires, inwards: so sensitive that something always fires, firings are few again.
static size_t search(const struct tune_budget *t, const struct rule *r, const struct timelines *history, const double *values, size_t n)
{
	size_t good = n - 1, bad = SIZE_MAX;

	while (good > 0 && bad == SIZE_MAX) {
		size_t step = 1 + (n - good) / 8, at = good > step ? good - step : 0;
		struct firings f = firings_with(t, r, history, values[at]);
		*(fits(t, &f) ? &good : &bad) = at;
	}
	while (bad != SIZE_MAX && good - bad > 1) {
		size_t mid = bad + (good - bad) / 2;
		struct firings f = firings_with(t, r, history, values[mid]);
		*(fits(t, &f) ? &good : &bad) = mid;
	}
	return good;
}

// The number nearest to `from`, or farther out.
static void find_number(struct tune_budget *t, const struct rule *r, const struct timelines *history, double from)
{
	size_t n;
	double *values = firings_beyond(r, history, t->below, from, &n);

	if (n) {
		size_t at = search(t, r, history, values, n);
		t->way = WAY_NUMBER;
		t->number = firings_rounded(values[at], t->below);
		t->then = firings_with(t, r, history, t->number);
		if (!fits(t, &t->then)) {
			t->number = values[at];
			t->then = firings_with(t, r, history, t->number);
		}
		t->clear = clear_of(r, t->number);
	}
	free(values);
}

static bool more_sensitive(const struct tune_budget *t)
{
	return t->below ? t->number > t->derived : t->number < t->derived;
}

// As sensitive as a budget ever makes it, at most.
static void find_room(struct tune_budget *t, const struct rule *r, const struct timelines *history)
{
	find_number(t, r, history, t->below ? MOST_P : normal_isf(MOST_P));
	if (!more_sensitive(t))
		t->way = WAY_NONE;
}

static void find_for(struct tune_budget *t, const struct rule *r, const struct timelines *history)
{
	static const int windows[] = {1, 2, 3, 4, 6, 8, 12, 16, 24};
	int64_t window = 0;

	for (size_t i = 0; i < history->n; i++)
		if (history->items[i]->rule == r && history->items[i]->window > window)
			window = history->items[i]->window;
	for (size_t i = 0; i < ARRAY_LEN(windows) && t->way == WAY_NONE; i++) {
		int64_t held = windows[i] * window;
		if (held <= r->for_ms)
			continue;
		t->then = firings_count(r, history, NULL, held);
		if (fits(t, &t->then)) {
			t->way = WAY_FOR;
			t->for_ms = held;
		}
	}
}

bool tune_budget(struct tune_budget *t, const struct rule *r, const struct timelines *history, int64_t history_ms)
{
	*t = (struct tune_budget){.expected = r->budget.firings * (double)history_ms / (double)r->budget.per_ms,
				  .below = r->measure->scale == SCALE_P, .derived = NAN};
	t->now = firings_count(r, history, NULL, r->for_ms);
	if (!t->now.readings)
		return false;
	double all = t->expected * (double)t->now.streams;
	t->most = poisson_most(t->expected, LUCK / (double)t->now.streams);
	t->state = t->now.most > t->most						? BUDGET_PAST
		   : 1 - poisson_sf_from((double)t->now.total + 1, all) < LUCK ? BUDGET_ROOM
										: BUDGET_WITHIN;
	if (r->measure->scale == SCALE_OWN) {
		if (t->state == BUDGET_PAST)
			find_for(t, r, history);
		return true;
	}
	t->derived = most_sensitive(t, r, history);
	if (t->state == BUDGET_PAST)
		find_number(t, r, history, t->derived);
	else if (t->state == BUDGET_ROOM)
		find_room(t, r, history);
	return true;
}

bool tune_budget_waits(const struct tune_budget *t)
{
	return t->way != WAY_NONE && !t->confirmed;
}

void tune_budget_apply(const struct tune_budget *t, struct rule *r)
{
	if (t->way == WAY_FOR)
		r->for_ms = t->for_ms;
	if (t->way != WAY_NUMBER)
		return;
	r->budget.firings = 0;
	r->has_above = !t->below;
	r->has_below = t->below;
	*(t->below ? &r->below : &r->above) = t->number;
	r->has_clear = true;
	r->clear = t->clear;
	r->adjust = ADJUST_NONE;
}

void tune_budget_confirm(struct tune_budget *t, const struct rule *r, const struct timelines *replayed)
{
	enum budget_way way = t->way;

	t->then = firings_count(r, replayed, NULL, r->for_ms);
	t->confirmed = fits(t, &t->then);
	if (t->confirmed)
		return;
	t->way = WAY_NONE;
	if (way == WAY_NUMBER && ++t->rounds < ROUNDS)
		find_number(t, r, replayed, t->number);
	if (t->state == BUDGET_ROOM && !more_sensitive(t))
		t->way = WAY_NONE;
}
