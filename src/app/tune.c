// SPDX-License-Identifier: Apache-2.0
#include "app/tune.h"

#include <math.h>
#include <stdlib.h>

#include "util/xalloc.h"

static uint64_t firings_at(const struct tune_rule *t, const struct timelines *history, double threshold)
{
	const struct rule *r = t->rule;
	const struct thresholds limits = {t->below ? NAN : threshold, t->below ? threshold : NAN, r->has_clear ? r->clear : NAN};

	return firings_count(r, history, &limits, r->for_ms).total;
}

static void find_threshold(struct tune_rule *t, const struct timelines *history)
{
	size_t n, lo = 0, hi;
	double *values = firings_beyond(t->rule, history, t->below, t->from, &n);

	hi = n - 1; // at the farthest reading nothing fires: before > share, so there is one
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		if (firings_at(t, history, values[mid]) <= t->share)
			hi = mid;
		else
			lo = mid + 1;
	}
	t->to = firings_rounded(values[hi], t->below);
	t->after = firings_at(t, history, t->to);
	if (t->after > t->share) {
		t->to = values[hi];
		t->after = firings_at(t, history, t->to);
	}
	free(values);
}

// --- sharing out --------------------------------------------------------------------------------------

static const char *left_as(const struct rule *r)
{
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
	return !t->rules[i].left && !t->rules[i].budgeted && t->rules[i].rule->tier == (enum tier)tier && t->rules[i].share == UINT64_MAX;
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
		if (rules[i].budget.firings) {
			r->budgeted = tune_budget(&r->budget, &rules[i], history, t->history_ms);
			r->left = r->budgeted ? NULL : "it has no reading with a limit on this history";
			continue;
		}
		r->from = r->to = r->below ? rules[i].below : rules[i].above;
		if (!r->left && !t->tiers[rules[i].tier].given)
			r->left = "its tier has no budget";
		if (!r->left && !r->readings)
			r->left = "it has no reading on this history";
		if (!r->left)
			r->before = r->after = firings_at(r, history, r->from);
	}
	for (int tier = 0; tier < TIERS; tier++) {
		struct tune_tier *b = &t->tiers[tier];
		b->allowed = b->given ? (uint64_t)floor(b->budget.firings * (double)t->history_ms / (double)b->budget.per_ms) : 0;
		if (b->given)
			share_out(t, tier);
	}
	for (size_t i = 0; i < n; i++)
		if (!t->rules[i].left && !t->rules[i].budgeted && t->rules[i].before > t->rules[i].share)
			find_threshold(&t->rules[i], history);
}

void tuning_release(struct tuning *t)
{
	free(t->rules);
	t->rules = NULL;
}
