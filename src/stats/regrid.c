// SPDX-License-Identifier: Apache-2.0
#include "stats/regrid.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/categories.h"
#include "stats/edges.h"
#include "util/map.h"
#include "util/xalloc.h"

// --- numbers ------------------------------------------------------------------------------------------

// Finite doubles numbered in their order, and back.
static int64_t order_of(double x)
{
	int64_t u;

	x += 0.0; // -0 becomes 0
	memcpy(&u, &x, sizeof u);
	return u < 0 ? -(u & INT64_MAX) : u;
}

static double of_order(int64_t k)
{
	int64_t u = k < 0 ? -k | INT64_MIN : k;
	double x;

	memcpy(&x, &u, sizeof x);
	return x;
}

double loggrid_least(int32_t bin)
{
	enum { NEAR = 1 << 20 }; // units in the last place that a logarithm may be off
	int64_t lo = order_of(-DBL_MAX), hi = order_of(DBL_MAX), near;
	double least, greatest;

	loggrid_range(bin, &least, &greatest);
	near = order_of(least);
	if (near - NEAR > lo && loggrid_bin(of_order(near - NEAR)) < bin)
		lo = near - NEAR;
	if (near + NEAR < hi && loggrid_bin(of_order(near + NEAR)) >= bin)
		hi = near + NEAR;
	while (lo < hi) {
		int64_t mid = lo + (int64_t)(((uint64_t)hi - (uint64_t)lo) / 2);

		if (loggrid_bin(of_order(mid)) >= bin)
			hi = mid;
		else
			lo = mid + 1;
	}
	return of_order(lo);
}

// The values that the k-th bin may hold: [*lo, *hi). Where small magnitudes were put together, zero's bin has all
// between its neighbours.
static void reach(const struct field_stats *f, size_t k, double *lo, double *hi)
{
	bool joined = f->approximate && !f->logbins[k].bin;

	*lo = loggrid_least(joined && k ? f->logbins[k - 1].bin + 1 : f->logbins[k].bin);
	*hi = loggrid_least(joined && k + 1 < f->nlogbins ? f->logbins[k + 1].bin : f->logbins[k].bin + 1);
	if (joined && !k)
		*lo = fmin(*lo, f->min);
	if (joined && k + 1 == f->nlogbins)
		*hi = fmax(*hi, nextafter(f->max, INFINITY));
}

static void bin_add(struct edges *s, const struct field_stats *f, size_t k)
{
	double lo, hi;

	reach(f, k, &lo, &hi);
	edge_add(s, lo);
	edge_add(s, hi);
}

static void cuts_add(struct edges *s, const struct field_stats *f)
{
	static const double tails[] = {1e-4, 1e-3, 1 - 1e-3, 1 - 1e-4};

	for (size_t i = 1; i < GRID_CUTS + ARRAY_LEN(tails); i++) {
		double q = i < GRID_CUTS ? (double)i / GRID_CUTS : tails[i - GRID_CUTS];
		uint64_t rank = (uint64_t)(q * (double)f->count), before = 0;
		size_t k = 0;

		while (k + 1 < f->nlogbins && before + f->logbins[k].n <= rank)
			before += f->logbins[k++].n;
		if (k) {
			double lo, hi;
			reach(f, k, &lo, &hi);
			edge_add(s, lo);
		}
	}
}

struct grid *grid_from_log(const struct field_stats *f)
{
	struct edges s = {0};

	if (f->min == f->max) {
		edge_add(&s, f->min);
		if (f->min < DBL_MAX)
			edge_add(&s, nextafter(f->min, INFINITY));
	} else {
		for (size_t i = 0; i < f->nlogbins; i++)
			if (!i || i + 1 == f->nlogbins || f->nlogbins <= GRID_CUTS || !f->logbins[i].bin ||
			    f->logbins[i].n >= (f->count + GRID_CUTS - 1) / GRID_CUTS)
				bin_add(&s, f, i);
		if (f->nlogbins > GRID_CUTS)
			cuts_add(&s, f);
	}
	return edges_grid(&s);
}

// Where the values of the k-th logarithmic bin belong; SIZE_MAX: to several bins.
static size_t place(const struct field_stats *f, const struct grid *g, size_t k)
{
	double lo, hi;

	reach(f, k, &lo, &hi);
	size_t i = grid_bin(g, fmax(lo, f->min));
	return i == grid_bin(g, fmin(of_order(order_of(hi) - 1), f->max)) ? i : SIZE_MAX;
}

static void add_outer(struct field_stats *f, const struct grid *g, const struct logbin *b, size_t at)
{
	double lo, hi;

	if (at != 0 && at != g->n)
		return;
	loggrid_range(b->bin, &lo, &hi);
	xsum_add(at ? &f->high_sum : &f->low_sum, fmin(fmax(lo / 2 + hi / 2, f->min), f->max) * (double)b->n);
}

bool field_to_grid(struct field_stats *f, const struct grid *g)
{
	size_t *at = xmalloc((f->nlogbins + 1) * sizeof *at);
	bool fits = f->type == FIELD_NUMERIC && !f->mixed && (!f->bins || !f->count);

	for (size_t i = 0; fits && i < f->nlogbins; i++)
		fits = (at[i] = place(f, g, i)) != SIZE_MAX;
	if (f->bins && !strcmp(f->grid_id, g->id)) {
		f->grid = g;
		free(at);
		return true;
	}
	if (fits) {
		free(f->bins);
		f->grid = g;
		memcpy(f->grid_id, g->id, sizeof f->grid_id);
		f->nbins = grid_bins(g);
		f->bins = xcalloc(f->nbins, sizeof *f->bins);
		for (size_t i = 0; i < f->nlogbins; i++) {
			f->bins[at[i]] += f->logbins[i].n;
			add_outer(f, g, &f->logbins[i], at[i]);
		}
		free(f->logbins);
		free(f->loghints);
		f->logbins = NULL;
		f->loghints = NULL;
		f->nlogbins = f->caplogbins = 0;
		f->approximate = false;
	}
	free(at);
	return fits;
}

// --- categories ---------------------------------------------------------------------------------------

// Its count is exact: it cannot have been dropped, or is one of those that never are.
static bool kept(const struct categories *c, const char *value)
{
	uint64_t hash = hash_bytes(value, strlen(value));

	if (hash <= c->cutoff)
		return true;
	for (size_t i = 0; i < c->n; i++)
		if (c->items[i].known && c->items[i].hash == hash && !strcmp(c->items[i].value, value))
			return true;
	return false;
}

bool field_know(struct field_stats *f, char *const *categories, size_t n)
{
	uint64_t seen = 0;

	for (size_t i = 0; i < n; i++)
		if (!kept(&f->cats, categories[i]))
			return false;
	categories_know_only(&f->cats, categories, n);
	for (size_t i = 0; i < f->cats.n; i++)
		seen += f->cats.items[i].known ? f->cats.items[i].n : 0;
	f->unseen = n ? f->count - seen : 0;
	return true;
}

// Both are in order of (hash, value).
static bool same_known(const struct categories *a, const struct categories *b)
{
	size_t i = 0, j = 0;

	for (;; i++, j++) {
		while (i < a->n && !a->items[i].known)
			i++;
		while (j < b->n && !b->items[j].known)
			j++;
		if (i == a->n || j == b->n)
			return i == a->n && j == b->n;
		if (category_cmp(&a->items[i], &b->items[j]) != 0)
			return false;
	}
}

static bool know_like(struct field_stats *f, const struct categories *model)
{
	char **names = xcalloc(model->n + 1, sizeof *names);
	size_t n = 0;

	for (size_t i = 0; i < model->n; i++)
		if (model->items[i].known)
			names[n++] = model->items[i].value;
	bool known = field_know(f, names, n);
	free(names);
	return known;
}

struct pane *field_like(const struct pane *p, const struct field_stats *f, const struct field_stats *model)
{
	bool number = f->type == FIELD_NUMERIC && model->grid && strcmp(f->grid_id, model->grid_id) != 0 && f->count && !f->mixed;
	bool category = f->type == FIELD_CATEGORICAL && !same_known(&f->cats, &model->cats);

	if ((!number && !category) || f->type != model->type)
		return NULL;
	struct field_stats *one = (struct field_stats *)(uintptr_t)f;
	struct pane alone = {.min_event = p->min_event, .max_event = p->max_event, .min_offset = INT64_MAX,
			     .max_offset = INT64_MIN, .fields = &one, .nfields = 1, .records = p->records,
			     .decoded = p->decoded, .tombstones = p->tombstones};
	struct pane *copy = pane_new();

	pane_merge(copy, &alone);
	field_keep_grid(copy->fields[0], model->grid);
	if (number ? field_to_grid(copy->fields[0], model->grid) : know_like(copy->fields[0], &model->cats))
		return copy;
	pane_free(copy);
	return NULL;
}
