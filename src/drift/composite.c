// SPDX-License-Identifier: Apache-2.0
// The composite `drift`: a small family of tests, each against what the baseline itself did from window to
// window; the z of the smallest p-value times the number of members (Bonferroni).
//
// With a history, groups of chunks of about the window's length give each member's spread. A mean over n
// records has variance e + v/n: e is what truly moves from window to window, v/n what sampling alone gives.
// e is estimated once, at the groups' size, never below 0, so that it holds for a window of any size m and
// the spread is never below what independence would give. Estimated means are compared by Student's t with
// n_eff - 1 degrees, and to the spread that of the groups over n_eff is added, because the reference's own mean is as
// uncertain. The distances ks and wasserstein have squares that add up in the same way; being positive and
// skewed they are compared on their logarithm, with each group held against the others.
//
// Chi-square has no useful logarithm at few degrees of freedom (its left tail is too long), so it is judged by its law
// in surveys, where records depend on one another: a sum of squares weighted by generalised design effects (Rao and
// Scott, JASA 76, 1981), over a chi-square of as many degrees as the groups are worth. One mean effect, with
// Satterthwaite's degrees, has far too light a tail where effects differ (docs/alert-quality.md). The smaller of
// Pearson's statistic and the likelihood ratio is taken, over columns of at least 5 expected values: where counts are
// small one of the two overstates.
//
// Where the baseline shows a season, a window and each group are held against what is usual at their phase
// (drift/history.h); the centre's own uncertainty is then that of a phase's few groups.
//
// A member that could not reach the p that the value is held against, whatever came, is left out of the family
// and not counted; a shift of a thousand standard deviations or a variance ratio of a million count as the most
// that can come.
//
// Without a history records are taken as independent: z, Kolmogorov's law, and for wasserstein the first
// two moments of the integral of a Brownian bridge's absolute value.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "drift/family.h"
#include "drift/measures.h"
#include "util/xalloc.h"

#define LEAST_P 1e-300

#define NOTES(name)                                                                                          \
	{                                                                                                    \
		name, name "; independence assumed", name "; under 20 chunks",                               \
			name "; independence assumed; under 20 chunks"                                       \
	}
static const char *const details[MEMBERS][4] = {
	[MEAN_SHIFT] = NOTES("mean shift"),       [LOG_VARIANCE] = NOTES("log variance ratio"),
	[KS] = NOTES("ks"),                       [WASSERSTEIN] = NOTES("wasserstein"),
	[CHI2] = NOTES("chi2"),                   [UNSEEN] = NOTES("unseen share"),
	[CONSTANT] = NOTES("other than the constant"),
};

// --- the two families ---------------------------------------------------------------------------------

static void add_unseen_cells(struct family *f, const struct cells *s, enum member member)
{
	double unseen = 0;

	for (size_t i = 0; i < s->n; i++)
		unseen += s->v[i].r ? 0 : s->v[i].c;
	add_poisson(f, member, 0, unseen, 1);
}

static void judge_few(struct family *f, const struct cells *s)
{
	struct columns t = {.r = xcalloc(s->n, sizeof *t.r), .c = xcalloc(s->n, sizeof *t.c)};

	t.n = f->history ? f->history->spread->bins : s->n;
	for (size_t i = 0; i < s->n; i++) {
		size_t k = f->history ? f->history->field->coarse[i] : i;

		t.r[k] += s->v[i].r;
		t.c[k] += s->v[i].c;
	}
	add_chi2(f, &t);
	add_unseen_cells(f, s, UNSEEN);
	columns_release(&t);
}

static enum reading_state judge_number(struct family *f, struct measure_value *out)
{
	const struct field_stats *r = f->in->reference.field, *c = f->in->current.field;
	struct cells s;
	enum reading_state state = cells_init(&s, f->in, out);

	if (r && c && r->count && c->count && r->min == r->max && c->min == c->max) {
		// Two constants can be told apart on any grid.
		if (state == READING_KNOWN)
			cells_release(&s);
		add_poisson(f, CONSTANT, 0, r->min == c->min ? 0 : f->m, 1);
		return READING_KNOWN;
	}
	if (state != READING_KNOWN)
		return state;
	if (r->min == r->max) {
		add_unseen_cells(f, &s, CONSTANT);
	} else if (f->history ? f->history->spread->few : cells_few(&s)) {
		judge_few(f, &s);
	} else {
		add_moments(f, &s);
		add_distances(f, &s);
	}
	cells_release(&s);
	return READING_KNOWN;
}

// The counts in the baseline's coarse bins.
static void coarse_columns(const struct family *f, struct columns *t)
{
	const struct spread *s = f->history->spread;
	uint64_t counts[BASELINE_BINS];

	*t = (struct columns){.n = s->bins, .r = xcalloc(s->bins, sizeof *t->r), .c = xcalloc(s->bins, sizeof *t->c)};
	memcpy(t->r, s->r, s->bins * sizeof *t->r);
	coarse_counts(f->in->current.field, s->top, s->ntop, counts);
	for (size_t i = 0; i < s->bins; i++)
		t->c[i] = (double)counts[i];
}

static enum reading_state judge_category(struct family *f, struct measure_value *out)
{
	const struct field_stats *r = f->in->reference.field, *c = f->in->current.field;
	double unseen_r = 0, unseen_c = 0, factor = 1;
	struct columns t;
	enum reading_state state = columns_init(&t, f->in, out);

	if (state != READING_KNOWN)
		return state;
	if (f->in->def->type == FIELD_CATEGORICAL && f->in->def->ncategories) {
		unseen_r = (double)r->unseen;
		unseen_c = (double)c->unseen;
	} else {
		for (size_t i = 0; i < t.n; i++)
			unseen_c += t.r[i] ? 0 : t.c[i];
	}
	if (f->history) {
		columns_release(&t);
		coarse_columns(f, &t);
		if (unseen_r > 0) // all others: as near as chunks come
			factor = 1 + f->history->spread->others * f->m / f->history->size;
	}
	add_chi2(f, &t);
	add_poisson(f, UNSEEN, unseen_r, unseen_c, factor);
	columns_release(&t);
	return READING_KNOWN;
}

// --- the verdict --------------------------------------------------------------------------------------

// Leaves out what could not fire, as if it had never been asked.
static void drop_unreachable(struct family *f)
{
	int kept = 0, all = f->count;

	for (int i = 0; i < all; i++)
		if (f->in->limit_p <= 0 || f->members[i].least * all <= f->in->limit_p)
			f->members[kept++] = f->members[i];
	f->count = kept;
}

// By the first of the members, which is the one that speaks of it most plainly.
static void say_smallest(const struct family *f, struct measure_value *out)
{
	double p = f->in->limit_p / f->count;

	switch (f->members[0].member) {
	case MEAN_SHIFT:
		out->smallest = smallest_mean(f, p);
		out->smallest_in = "sd";
		return;
	case CHI2:
		if (f->chi2.df < 1)
			return;
		out->smallest = smallest_share(f, p);
		break;
	case UNSEEN:
	case CONSTANT:
		out->smallest = smallest_count(f, p);
		break;
	default:
		return;
	}
	out->smallest_in = "share";
	if (out->smallest > 1)
		out->smallest = 0;
}

static void say(const struct family *f, struct measure_value *out)
{
	int best = 0;
	unsigned note = (!f->history || f->history->shorter ? 1 : 0) | (f->history && f->history->n < HISTORY_ENOUGH ? 2 : 0);

	for (int i = 1; i < f->count; i++)
		if (f->members[i].p < f->members[best].p)
			best = i;
	double p = fmax(LEAST_P, f->members[best].p) * f->count;
	value_within(out, p >= 0.5 ? 0 : normal_isf(p), NAN);
	out->detail = details[f->members[best].member][note];
	if (f->season)
		out->season = f->history->period > 86400000 ? "week" : "day";
}

static struct chunk_history *history_that_suits(const struct measure_input *in)
{
	struct chunk_history *h = in->window_to ? chunk_history_new(in->baseline, in->source, in->window_ms, true) : NULL;

	if (h && chunk_history_suits(h, in->window_to, in->window_ms))
		return h;
	chunk_history_free(h);
	return chunk_history_new(in->baseline, in->source, in->window_ms, false);
}

void measure_drift(const struct measure_input *in, struct measure_value *out)
{
	struct family f = {.in = in};
	struct chunk_history *own = NULL;

	out->n_reference = in->reference.field ? in->reference.field->count : 0;
	out->n_current = in->current.field ? in->current.field->count : 0;
	f.n = (double)out->n_reference;
	f.m = (double)(in->suppose ? in->suppose : out->n_current);
	if (in->history && chunk_history_suits(in->history, in->window_to, in->window_ms))
		f.history = in->history;
	else if (in->baseline && in->source)
		f.history = own = history_that_suits(in);
	f.season = f.history && f.history->period;
	if (f.season)
		chunk_history_usual(f.history, in->window_to - in->window_ms, in->window_ms, &f.usual);
	out->state = in->def->type == FIELD_NUMERIC ? judge_number(&f, out) : judge_category(&f, out);
	if (out->state == READING_KNOWN) {
		drop_unreachable(&f);
		if (!f.count) {
			out->state = READING_UNCALIBRATED;
		} else {
			say(&f, out);
			if (in->limit_p > 0)
				say_smallest(&f, out);
		}
	}
	chunk_history_free(own);
}
