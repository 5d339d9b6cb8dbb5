// SPDX-License-Identifier: Apache-2.0
// A chunk has 32 coarse bins, so numbers are compared on those: in 10 groups of them where the measure takes 10
// groups of grid bins, else at their edges. Sampling moves a share the same on any cut.
#include "drift/chunks.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drift/shares.h"
#include "drift/special.h"
#include "drift/spread.h"
#include "util/sort.h"
#include "util/xalloc.h"

struct pair { // a group beside the baseline
	const struct baseline_field *field;
	const struct chunk_group *group;
	const struct coarse *coarse;
	struct columns columns;
};

static double psi(const struct pair *p)
{
	return shares_psi(&p->columns, PSI_FLOOR);
}

static double psi_evidently(const struct pair *p)
{
	return shares_psi_filled(&p->columns);
}

static double psi_fiddler(const struct pair *p)
{
	return shares_psi_plus_one(&p->columns);
}

static double psi_deepchecks(const struct pair *p)
{
	return shares_psi(&p->columns, 0.01);
}

static double js(const struct pair *p)
{
	return sqrt(shares_js(&p->columns));
}

static double js_evidently(const struct pair *p)
{
	return sqrt(shares_js(&p->columns) * M_LN2);
}

static double js_tfdv(const struct pair *p)
{
	return shares_js(&p->columns);
}

static double kl(const struct pair *p)
{
	return shares_kl(&p->columns, PSI_FLOOR);
}

static double kl_evidently(const struct pair *p)
{
	return shares_kl_filled(&p->columns);
}

static double hellinger(const struct pair *p)
{
	return shares_hellinger(&p->columns);
}

static double linf(const struct pair *p)
{
	return shares_linf(&p->columns);
}

static double tvd(const struct pair *p)
{
	return shares_tvd(&p->columns);
}

static double chi2(const struct pair *p)
{
	double df;

	return columns_chi2(&p->columns, &df);
}

static double g_test(const struct pair *p)
{
	double df;

	return shares_g(&p->columns, &df);
}

static struct distances distances(const struct pair *p)
{
	return distances_of(p->coarse, p->coarse->r, p->coarse->n, p->group->bins, p->group->n);
}

static double ks(const struct pair *p)
{
	return distances(p).ks;
}

static double wasserstein(const struct pair *p)
{
	return distances(p).wasserstein;
}

static double population_sd(const struct pair *p)
{
	double n = (double)p->field->total->count;

	return field_stddev(p->field->total) * sqrt((n - 1) / n);
}

static double wasserstein_evidently(const struct pair *p)
{
	return distances(p).wasserstein / fmax(0.001, population_sd(p));
}

static double mean(const struct pair *p)
{
	return p->group->mean;
}

static double stddev(const struct pair *p)
{
	return sqrt(p->group->m2 / (p->group->n - 1));
}

static double mean_shift(const struct pair *p)
{
	return (p->group->mean - field_mean(p->field->total)) / population_sd(p);
}

static double variance_ratio(const struct pair *p)
{
	return p->group->m2 / (p->group->n - 1) / field_variance(p->field->total);
}

static double missing(const struct pair *p)
{
	return p->group->missing / p->group->records;
}

static const struct way {
	const char *measure;
	double (*of)(const struct pair *p);
	bool numbers; // of numbers only: needs the coarse grid
	bool signed_, ratio; // may be negative; may be low as well as high
	bool no_tail; // its law is not the chunks' to tell
} ways[] = {
	{.measure = "psi", .of = psi},
	{.measure = "psi.evidently", .of = psi_evidently},
	{.measure = "psi.fiddler", .of = psi_fiddler},
	{.measure = "psi.deepchecks", .of = psi_deepchecks},
	{.measure = "js", .of = js},
	{.measure = "js.evidently", .of = js_evidently},
	{.measure = "js.nannyml", .of = js},
	{.measure = "js.tfdv", .of = js_tfdv},
	{.measure = "kl", .of = kl},
	{.measure = "kl.evidently", .of = kl_evidently},
	{.measure = "hellinger", .of = hellinger},
	{.measure = "hellinger.evidently", .of = hellinger},
	{.measure = "hellinger.nannyml", .of = hellinger},
	{.measure = "linf", .of = linf},
	{.measure = "tvd", .of = tvd},
	{.measure = "chi2", .of = chi2},
	{.measure = "g_test", .of = g_test},
	{.measure = "ks", .of = ks, .numbers = true},
	{.measure = "wasserstein", .of = wasserstein, .numbers = true},
	{.measure = "wasserstein.evidently", .of = wasserstein_evidently, .numbers = true},
	{.measure = "mean", .of = mean, .signed_ = true},
	{.measure = "mean_shift", .of = mean_shift, .signed_ = true},
	{.measure = "stddev", .of = stddev, .ratio = true},
	{.measure = "variance_ratio", .of = variance_ratio, .ratio = true},
	{.measure = "missing_ratio", .of = missing, .no_tail = true}, // counts of few
};

struct chunk_series {
	const struct way *way;
	double lo, hi;    // the measure's range
	double *values;   // ascending
	size_t n;
	bool whole;       // of groups of the window's own length
	double mean, sd;  // population
	struct series law; // of logarithms unless signed
};

static const struct way *way_of(const struct measure *m)
{
	for (size_t i = 0; i < ARRAY_LEN(ways); i++)
		if (!strcmp(ways[i].measure, m->name))
			return &ways[i];
	return NULL;
}

bool measure_has_chunks(const struct measure *m)
{
	return way_of(m) != NULL;
}

bool measure_has_tail(const struct measure *m)
{
	const struct way *w = way_of(m);

	return m->scale != SCALE_OWN || (w && !w->no_tail);
}

// Columns as the measure has them: categories, and numbers in 10 groups or by their few values.
static void columns_fill(struct pair *p, const struct spread *s)
{
	uint32_t group[BASELINE_BINS];
	struct cells cells = {.v = (struct cell[BASELINE_BINS]){{0}}, .n = s->bins};
	struct columns *t = &p->columns;
	bool numbers = p->field->def.type == FIELD_NUMERIC && !s->few;

	for (size_t i = 0; i < s->bins; i++) {
		cells.v[i].r = s->r[i];
		cells.nr += s->r[i];
		group[i] = (uint32_t)i;
	}
	size_t n = numbers ? cells_group(&cells, PSI_GROUPS, group) : s->bins, used = 0;
	memset(t->r, 0, BASELINE_BINS * sizeof *t->r);
	memset(t->c, 0, BASELINE_BINS * sizeof *t->c);
	for (size_t i = 0; i < s->bins; i++) {
		t->r[group[i]] += s->r[i];
		t->c[group[i]] += p->group->bins[i];
	}
	t->nr = t->nc = 0;
	for (size_t i = 0; i < n; i++)
		if (t->r[i] || t->c[i]) {
			t->nr += t->r[i];
			t->nc += t->c[i];
			t->r[used] = t->r[i];
			t->c[used++] = t->c[i];
		}
	t->n = used;
}

static void fill(struct chunk_series *s, const struct chunk_history *h)
{
	double r[BASELINE_BINS], c[BASELINE_BINS], logs[BASELINE_CHUNKS], least = 0, sum = 0, squares = 0;

	for (size_t i = 0; i < h->n; i++) {
		struct pair p = {h->field, &h->groups[i], &h->spread->coarse, {.r = r, .c = c}};

		columns_fill(&p, h->spread);
		s->values[i] = s->way->of(&p);
		if (!isfinite(s->values[i]))
			return;
		least = fmax(least, LEAST_SHARE * s->values[i]);
		sum += s->values[i];
	}
	s->n = h->n;
	s->mean = sum / (double)s->n;
	for (size_t i = 0; i < s->n; i++) {
		squares += (s->values[i] - s->mean) * (s->values[i] - s->mean);
		logs[i] = s->way->signed_ ? s->values[i] : log(fmax(least, s->values[i]));
	}
	s->sd = sqrt(squares / (double)s->n);
	s->law = series_of(logs, s->n, 1);
	qsort(s->values, s->n, sizeof *s->values, double_cmp);
}

struct chunk_series *chunk_series_new(const struct measure *m, const struct baseline_field *f, const struct baseline *b,
				      int64_t window_ms, bool tail)
{
	struct chunk_series *s = xcalloc(1, sizeof *s);
	struct chunk_history *h = chunk_history_build(f, b, window_ms, false, tail ? HISTORY_ENOUGH : CHUNKS_MIN);

	s->way = way_of(m);
	s->lo = -INFINITY;
	s->hi = INFINITY;
	sscanf(m->range ? m->range : "", "%lf to %lf", &s->lo, &s->hi);
	s->values = xcalloc(BASELINE_CHUNKS, sizeof *s->values);
	if (h && !h->shorter && !(s->way->numbers && h->spread->few)) {
		s->whole = h->length + b->chunk_ms > window_ms;
		fill(s, h);
	}
	chunk_history_free(h);
	return s;
}

void chunk_series_free(struct chunk_series *s)
{
	if (!s)
		return;
	free(s->values);
	free(s);
}

const double *chunk_series_values(const struct chunk_series *s, size_t *n)
{
	*n = s->n;
	return s->values;
}

static double law_value(const struct chunk_series *s, double p, int side)
{
	double wide = sqrt(s->law.variance * (1 + 1 / s->law.n_eff)) * student_isf(p, s->law.n_eff - 1);
	double at = s->law.mean + side * wide;

	return s->way->signed_ ? at : exp(at);
}

static double quantile_value(const struct chunk_series *s, double q)
{
	double at = q * (double)(s->n - 1);
	size_t i = (size_t)at;

	if (1 - q < 1 / (double)s->n)
		return fmax(s->values[s->n - 1], law_value(s, 1 - q, 1));
	return s->values[i] + (at - (double)i) * (s->values[i + 1] - s->values[i]);
}

bool chunk_limits(const struct chunk_series *s, struct chunks_limit l, struct thresholds *out)
{
	*out = (struct thresholds){NAN, NAN, NAN};
	if (!s->n || (l.kind != CHUNKS_TAIL && (!s->whole || s->n < CHUNKS_MIN)))
		return false;
	switch (l.kind) {
	case CHUNKS_STD:
		out->above = s->mean + l.at * s->sd;
		break;
	case CHUNKS_QUANTILE:
		out->above = quantile_value(s, l.at);
		break;
	case CHUNKS_TAIL: {
		bool both = s->way->signed_ || s->way->ratio;
		out->above = law_value(s, both ? l.at / 2 : l.at, 1);
		if (both)
			out->below = fmax(s->lo, law_value(s, l.at / 2, -1));
		break;
	}
	case CHUNKS_NONE:
		break;
	}
	if (out->above < s->hi)
		return true;
	out->above = NAN;
	return !isnan(out->below);
}
