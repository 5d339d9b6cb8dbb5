// SPDX-License-Identifier: Apache-2.0
#include "app/tune.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "judge/alert.h"
#include "util/sort.h"
#include "util/xalloc.h"

enum { DIGITS = 3 };

// From when to when an alert fires, by the judge's clock.
struct fire {
	const char *stream;
	int64_t from, to;
};

struct fires {
	struct fire *items;
	size_t n, cap;
};

static void add_fires(struct fires *out, const struct timeline *s, const struct rule *r, const struct thresholds *limits)
{
	struct alert_state a;
	int64_t last = INT64_MIN;

	alert_init(&a);
	for (size_t i = 0; i < s->n; i++) {
		const struct timeline_point *p = &s->points[i];
		const struct measure_value v = {.state = isnan(p->value) ? READING_NO_DATA : READING_KNOWN, .value = p->value};
		const struct alert_step step = {p->open ? ALERT_EAGER : ALERT_WINDOW, condition_eval(limits, &v, a.firing), v.state,
						p->to, p->open ? p->at : p->to, r->for_ms};
		if (!p->open && last != INT64_MIN && p->to - last > s->slide)
			alert_absent(&a, ALERT_WINDOW);
		if (!p->open)
			last = p->to;
		enum alert_change change = alert_apply(&a, &step);
		if (change == ALERT_FIRED) {
			GROW(out->items, out->n, out->cap);
			out->items[out->n++] = (struct fire){s->stream, p->at, INT64_MAX};
		} else if (change == ALERT_RESOLVED) {
			out->items[out->n - 1].to = p->at;
		}
	}
}

static int by_stream(const void *a, const void *b)
{
	const struct fire *x = a, *y = b;
	int c = strcmp(x->stream, y->stream);

	return c ? c : (x->from > y->from) - (x->from < y->from);
}

// Alerts of a stream that fire at one time are one page.
static uint64_t pages_of(struct fires *f)
{
	uint64_t n = 0;
	int64_t to = 0;

	if (f->n)
		qsort(f->items, f->n, sizeof *f->items, by_stream);
	for (size_t i = 0; i < f->n; i++) {
		const struct fire *x = &f->items[i];
		bool same = i && !strcmp(x->stream, x[-1].stream) && x->from <= to;
		n += !same;
		to = same && to > x->to ? to : x->to;
	}
	return n;
}

uint64_t tune_firings(const struct rule *r, const struct timelines *history, bool below, double threshold)
{
	const struct thresholds limits = {below ? NAN : threshold, below ? threshold : NAN, r->has_clear ? r->clear : NAN};
	struct fires fires = {NULL, 0, 0};

	for (size_t i = 0; i < history->n; i++)
		if (history->items[i]->rule == r)
			add_fires(&fires, history->items[i], r, &limits);
	uint64_t n = pages_of(&fires);
	free(fires.items);
	return n;
}

// --- one threshold ------------------------------------------------------------------------------------

// Readings that lie beyond the threshold, each once, from the nearest on. The caller frees.
static double *beyond(const struct tune_rule *t, const struct timelines *history, size_t *n)
{
	double *out = NULL;
	size_t cap = 0, k = 0;

	*n = 0;
	for (size_t i = 0; i < history->n; i++) {
		const struct timeline *s = history->items[i];
		for (size_t j = 0; s->rule == t->rule && j < s->n; j++) {
			double v = s->points[j].value;
			if (t->below ? !(v < t->from) : !(v > t->from))
				continue;
			GROW(out, *n, cap);
			out[(*n)++] = t->below ? -v : v;
		}
	}
	if (*n)
		qsort(out, *n, sizeof *out, double_cmp);
	for (size_t i = 0; i < *n; i++)
		if (!k || out[i] != out[k - 1])
			out[k++] = out[i];
	*n = k;
	for (size_t i = 0; i < k; i++)
		out[i] = t->below ? -out[i] : out[i];
	return out;
}

static double rounded(double v, bool below)
{
	if (v == 0)
		return 0;
	double unit = pow(10, floor(log10(fabs(v))) - (DIGITS - 1)), steps = v / unit;
	char text[40];
	snprintf(text, sizeof text, "%.12g", (below ? floor(steps) : ceil(steps)) * unit); // as it will be written
	return strtod(text, NULL);
}

static void find_threshold(struct tune_rule *t, const struct timelines *history)
{
	size_t n, lo = 0, hi;
	double *values = beyond(t, history, &n);

	hi = n - 1; // at the farthest reading nothing fires: before > share, so there is one
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		if (tune_firings(t->rule, history, t->below, values[mid]) <= t->share)
			hi = mid;
		else
			lo = mid + 1;
	}
	t->to = rounded(values[hi], t->below);
	t->after = tune_firings(t->rule, history, t->below, t->to);
	if (t->after > t->share) {
		t->to = values[hi];
		t->after = tune_firings(t->rule, history, t->below, t->to);
	}
	free(values);
}

// --- sharing out --------------------------------------------------------------------------------------

static const char *left_as(const struct rule *r)
{
	if (r->budget.firings)
		return "it has a budget of its own";
	if (r->chunks.kind != CHUNKS_NONE)
		return "its threshold comes from the baseline's chunks";
	if (r->measure->scale == SCALE_P && r->adjust == ADJUST_FDR)
		return "its p-values are adjusted for all fields and slices";
	if (rule_is_clock(r))
		return "it goes by the clock";
	return NULL;
}

static uint64_t readings_of(const struct rule *r, const struct timelines *history)
{
	uint64_t n = 0;

	for (size_t i = 0; i < history->n; i++)
		for (size_t k = 0; history->items[i]->rule == r && k < history->items[i]->n; k++)
			n += !isnan(history->items[i]->points[k].value);
	return n;
}

static bool waits(const struct tuning *t, size_t i, int tier)
{
	return !t->rules[i].left && t->rules[i].rule->tier == (enum tier)tier && t->rules[i].share == UINT64_MAX;
}

// Those that fire at most an equal share keep it, until all that are left fire more.
static void share_out(struct tuning *t, int tier)
{
	uint64_t rest = t->tiers[tier].allowed;

	for (bool again = true; again;) {
		size_t open = 0;
		again = false;
		for (size_t i = 0; i < t->n; i++)
			open += waits(t, i, tier);
		for (size_t i = 0; i < t->n && !again; i++) {
			if (!waits(t, i, tier) || t->rules[i].before > rest / open)
				continue;
			t->rules[i].share = t->rules[i].before;
			rest -= t->rules[i].before;
			again = true;
		}
		for (size_t i = 0; i < t->n && !again && open; i++) {
			if (!waits(t, i, tier))
				continue;
			t->rules[i].share = rest / open;
			rest -= t->rules[i].share;
			open--;
		}
	}
}

void tune(struct tuning *t, const struct rule *rules, size_t n, const struct timelines *history)
{
	t->rules = xcalloc(n + 1, sizeof *t->rules);
	t->n = n;
	for (size_t i = 0; i < n; i++) {
		struct tune_rule *r = &t->rules[i];
		*r = (struct tune_rule){.rule = &rules[i], .left = left_as(&rules[i]), .below = !rules[i].has_above,
					.share = UINT64_MAX, .readings = readings_of(&rules[i], history)};
		r->from = r->to = r->below ? rules[i].below : rules[i].above;
		if (!r->left && !t->tiers[rules[i].tier].given)
			r->left = "its tier has no budget";
		if (!r->left && !r->readings)
			r->left = "it has no reading on this history";
		if (!r->left)
			r->before = r->after = tune_firings(r->rule, history, r->below, r->from);
	}
	for (int tier = 0; tier < TIERS; tier++) {
		struct tune_tier *b = &t->tiers[tier];
		b->allowed = b->given ? (uint64_t)floor(b->budget.firings * (double)t->history_ms / (double)b->budget.per_ms) : 0;
		if (b->given)
			share_out(t, tier);
	}
	for (size_t i = 0; i < n; i++)
		if (!t->rules[i].left && t->rules[i].before > t->rules[i].share)
			find_threshold(&t->rules[i], history);
}

void tuning_release(struct tuning *t)
{
	free(t->rules);
	t->rules = NULL;
}
