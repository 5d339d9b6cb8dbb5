// SPDX-License-Identifier: Apache-2.0
#include "drift/sides.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/categories.h"
#include "util/xalloc.h"

// A logarithmic bin with more than this share may hide a shift inside it. Zero's bin hides nothing as long
// as small magnitudes were not put into it.
#define LOG_BIN_MAX_SHARE 0.05

static enum reading_state both_present(const struct measure_input *in, struct measure_value *out)
{
	const struct field_stats *r = in->reference.field, *c = in->current.field;

	out->n_reference = r ? r->count : 0;
	out->n_current = c ? c->count : 0;
	return !out->n_current ? READING_NO_DATA : !out->n_reference ? READING_NO_BASELINE : READING_KNOWN;
}

static void cells_quantile(struct cells *s, const struct grid *g, const struct field_stats *r,
			   const struct field_stats *c)
{
	s->n = grid_bins(g);
	s->v = xcalloc(s->n, sizeof *s->v);
	s->outer = true;
	for (size_t i = 0; i < s->n; i++) {
		double lo = g->edges[i ? i - 1 : 0], hi = g->edges[i < g->n ? i : g->n - 1];
		s->v[i] = (struct cell){lo, grid_bin_is_point(g, i) ? lo : hi, (double)r->bins[i],
					(double)c->bins[i]};
	}
}

static int by_value(const void *a, const void *b)
{
	const struct cell *x = a, *y = b;

	return x->lo < y->lo ? -1 : x->lo > y->lo;
}

static bool cells_logarithmic(struct cells *s, const struct field_stats *r, const struct field_stats *c)
{
	bool coarse = false;

	s->v = xcalloc(r->nlogbins + c->nlogbins, sizeof *s->v);
	for (size_t i = 0, j = 0; i < r->nlogbins || j < c->nlogbins; s->n++) {
		bool left = j == c->nlogbins || (i < r->nlogbins && r->logbins[i].bin <= c->logbins[j].bin);
		bool right = i == r->nlogbins || (j < c->nlogbins && c->logbins[j].bin <= r->logbins[i].bin);
		struct cell *cell = &s->v[s->n];

		loggrid_range(left ? r->logbins[i].bin : c->logbins[j].bin, &cell->lo, &cell->hi);
		cell->r = left ? (double)r->logbins[i++].n : 0;
		cell->c = right ? (double)c->logbins[j++].n : 0;
		if ((cell->lo != cell->hi || r->approximate || c->approximate) &&
		    (cell->r > LOG_BIN_MAX_SHARE * s->nr || cell->c > LOG_BIN_MAX_SHARE * s->nc))
			coarse = true;
	}
	qsort(s->v, s->n, sizeof *s->v, by_value);
	return !coarse;
}

enum reading_state cells_init(struct cells *s, const struct measure_input *in, struct measure_value *out)
{
	const struct field_stats *r = in->reference.field, *c = in->current.field;
	enum reading_state state = both_present(in, out);
	const struct grid *g;

	if (state != READING_KNOWN)
		return state;
	*s = (struct cells){.nr = (double)r->count, .nc = (double)c->count};
	if (strcmp(r->grid_id, c->grid_id) != 0)
		return READING_MIXED_GRIDS;
	if (r->grid_id[0]) {
		g = r->grid ? r->grid : c->grid;
		if (!g || !r->bins || !c->bins || r->nbins != grid_bins(g) || c->nbins != grid_bins(g))
			return READING_MIXED_GRIDS;
		cells_quantile(s, g, r, c);
		return READING_KNOWN;
	}
	if (!r->nlogbins || !c->nlogbins)
		return READING_MIXED_GRIDS;
	if (!cells_logarithmic(s, r, c)) {
		cells_release(s);
		return READING_APPROXIMATE;
	}
	return READING_KNOWN;
}

void cells_release(struct cells *s)
{
	free(s->v);
	s->v = NULL;
}

size_t cells_group(const struct cells *s, size_t groups, uint32_t *group)
{
	double before = 0;
	size_t used = 0, last = 0;

	for (size_t i = 0; i < s->n; i++) {
		size_t g = s->n <= groups ? i : (size_t)((double)groups * (before + s->v[i].r / 2) / s->nr);

		g = g < groups ? g : groups - 1;
		used += i && g != last;
		last = g;
		group[i] = (uint32_t)used;
		before += s->v[i].r;
	}
	return used + 1;
}

bool cells_few(const struct cells *s)
{
	size_t distinct = 0;

	for (size_t i = 0; i < s->n; i++) {
		if (!s->v[i].r)
			continue;
		if (s->v[i].lo != s->v[i].hi || (s->outer && (!i || i == s->n - 1)) || ++distinct > FEW_VALUES)
			return false;
	}
	return true;
}

double cells_ks(const struct cells *s)
{
	double fr = 0, fc = 0, d = 0;

	for (size_t i = 0; i < s->n; i++) {
		fr += s->v[i].r;
		fc += s->v[i].c;
		d = fmax(d, fabs(fr / s->nr - fc / s->nc));
	}
	return d;
}

double mean_from(const struct xsum *sum, uint64_t n, double x)
{
	double high = (double)n * x, low = fma((double)n, x, -high), mean;
	struct xsum s;

	if (!isfinite(high))
		return xsum_mean(sum, n) - x;
	xsum_copy(&s, sum);
	xsum_add(&s, -high);
	xsum_add(&s, -low);
	mean = xsum_mean(&s, n);
	xsum_release(&s);
	return mean;
}

static void columns_alloc(struct columns *t, size_t n)
{
	t->r = xcalloc(n, sizeof *t->r);
	t->c = xcalloc(n, sizeof *t->c);
}

static void columns_add(struct columns *t, double r, double c)
{
	if (!r && !c)
		return;
	t->r[t->n] = r;
	t->c[t->n++] = c;
	t->nr += r;
	t->nc += c;
}

// A value kept on one side may have been dropped on the other: then both its counts go to the rest.
static void columns_categories(struct columns *t, const struct measure_input *in)
{
	const struct categories *r = &in->reference.field->cats, *c = &in->current.field->cats;
	double rest_r = (double)r->rest, rest_c = (double)c->rest;

	t->merged = r->rest || c->rest;
	columns_alloc(t, r->n + c->n + 1);
	for (size_t i = 0, j = 0; i < r->n || j < c->n;) {
		int order = i == r->n ? 1 : j == c->n ? -1 : category_cmp(&r->items[i], &c->items[j]);
		const struct category *any = order <= 0 ? &r->items[i] : &c->items[j];
		double nr = order <= 0 ? (double)r->items[i++].n : 0, nc = order >= 0 ? (double)c->items[j++].n : 0;

		if ((order < 0 && any->hash > c->cutoff) || (order > 0 && any->hash > r->cutoff)) {
			rest_r += nr;
			rest_c += nc;
		} else {
			columns_add(t, nr, nc);
		}
	}
	columns_add(t, rest_r, rest_c);
}

static void columns_cells(struct columns *t, const struct cells *s)
{
	uint32_t *group = xcalloc(s->n, sizeof *group);
	bool few = cells_few(s);
	size_t n = cells_group(s, few ? s->n : PSI_GROUPS, group);
	double *r, *c;

	columns_alloc(t, n);
	r = xcalloc(n, sizeof *r);
	c = xcalloc(n, sizeof *c);
	for (size_t i = 0; i < s->n; i++) {
		r[group[i]] += s->v[i].r;
		c[group[i]] += s->v[i].c;
		if (few && s->v[i].c > 1 && !s->v[i].r && (s->v[i].lo != s->v[i].hi || (s->outer && (!i || i == s->n - 1))))
			t->spare += s->v[i].c - 1;
	}
	for (size_t i = 0; i < n; i++)
		columns_add(t, r[i], c[i]);
	free(r);
	free(c);
	free(group);
}

enum reading_state columns_init(struct columns *t, const struct measure_input *in, struct measure_value *out)
{
	enum reading_state state;

	*t = (struct columns){0};
	if (in->def->type == FIELD_NUMERIC) {
		struct cells s;

		state = cells_init(&s, in, out);
		if (state != READING_KNOWN)
			return state;
		columns_cells(t, &s);
		cells_release(&s);
		return state;
	}
	state = both_present(in, out);
	if (state == READING_KNOWN)
		columns_categories(t, in);
	return state;
}

bool columns_known(struct columns *t, const struct measure_input *in, struct measure_value *out)
{
	out->state = columns_init(t, in, out);
	if (out->state == READING_KNOWN && t->merged)
		out->detail = "rare values share one column";
	return out->state == READING_KNOWN;
}

void columns_release(struct columns *t)
{
	free(t->r);
	free(t->c);
	t->r = t->c = NULL;
}

double columns_chi2(const struct columns *t, double *df)
{
	double sum = 0;

	for (size_t i = 0; i < t->n; i++) {
		double column = t->r[i] + t->c[i], d = t->c[i] / t->nc - t->r[i] / t->nr;
		sum += d * d / column;
	}
	*df = t->n ? (double)t->n - 1 : 0;
	return sum * t->nr * t->nc;
}

static int more_frequent(const void *a, const void *b)
{
	const struct category *x = *(const struct category *const *)a, *y = *(const struct category *const *)b;

	if (x->n != y->n)
		return x->n > y->n ? -1 : 1;
	return strcmp(x->value, y->value);
}

size_t coarse_categories(const struct field_stats *total, const struct category *out[BASELINE_BINS - 1])
{
	const struct category **all = xcalloc(total->cats.n + 1, sizeof *all);
	size_t n = 0;

	for (size_t i = 0; i < total->cats.n; i++)
		if (total->cats.items[i].n && total->cats.items[i].known)
			all[n++] = &total->cats.items[i];
	qsort(all, n, sizeof *all, more_frequent);
	n = n < BASELINE_BINS - 1 ? n : BASELINE_BINS - 1;
	memcpy(out, all, n * sizeof *all);
	free(all);
	return n;
}

const struct category *category_find(const struct field_stats *f, const struct category *like)
{
	size_t lo = 0, hi = f->cats.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int d = category_cmp(like, &f->cats.items[mid]);

		if (!d)
			return &f->cats.items[mid];
		if (d < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

void coarse_counts(const struct field_stats *f, const struct category *const *top, size_t n, uint64_t *out)
{
	uint64_t rest = f->count;

	for (size_t i = 0; i < n; i++) {
		const struct category *c = category_find(f, top[i]);

		out[i] = c ? c->n : 0;
		rest -= out[i];
	}
	out[n] = rest;
}
