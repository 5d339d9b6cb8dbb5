// SPDX-License-Identifier: Apache-2.0
// The histograms of a field. Usually it has one. While a stream takes to another baseline its values are counted on the
// grids of both, of which one may be the logarithmic one. A histogram always has all of the field's values: where fields
// are merged those stay that both have, so that it does not matter in which order (it is the intersection of sets).
#include <stdlib.h>
#include <string.h>

#include "stats/categories.h"
#include "stats/logtable.h"
#include "stats/numeric.h"
#include "util/xalloc.h"

enum { NUMBERS = 64 }; // that are worked on at a time

static void second_free(struct second_grid *s)
{
	if (!s)
		return;
	free(s->bins);
	free(s->narrow);
	xsum_release(&s->low_sum);
	xsum_release(&s->high_sum);
	free(s);
}

struct second_grid field_first_grid(const struct field_stats *f)
{
	struct second_grid g = {.grid = f->grid, .bins = f->bins, .narrow = f->narrow, .nbins = f->nbins,
				.low_sum = f->low_sum, .high_sum = f->high_sum};

	memcpy(g.grid_id, f->grid_id, sizeof g.grid_id);
	return g;
}

static void put_first(struct field_stats *f, const struct second_grid *g)
{
	memcpy(f->grid_id, g->grid_id, sizeof f->grid_id);
	f->grid = g->grid;
	f->bins = g->bins;
	f->narrow = g->narrow;
	f->nbins = g->nbins;
	f->low_sum = g->low_sum;
	f->high_sum = g->high_sum;
}

static struct second_grid *second_new(struct second_grid g)
{
	struct second_grid *s = xmalloc(sizeof *s);

	*s = g;
	return s;
}

void field_drop_second(struct field_stats *f)
{
	second_free(f->second);
	f->second = NULL;
}

void field_first_becomes_second(struct field_stats *f)
{
	f->second = second_new(field_first_grid(f));
	put_first(f, &(struct second_grid){.grid_id = ""});
}

// The second one, if there is one, becomes the first.
static void drop_first(struct field_stats *f)
{
	struct second_grid none = {.grid_id = ""};

	free(f->bins);
	free(f->narrow);
	xsum_release(&f->low_sum);
	xsum_release(&f->high_sum);
	put_first(f, f->second ? f->second : &none);
	free(f->second);
	f->second = NULL;
}

static void drop_log(struct field_stats *f)
{
	free(f->logbins);
	free(f->loghints);
	logtable_free(f->logtable);
	f->logtable = NULL;
	f->logbins = NULL;
	f->loghints = NULL;
	f->nlogbins = f->caplogbins = 0;
	f->approximate = f->log_too = false;
}

void field_histogram_release(struct field_stats *f)
{
	field_drop_second(f);
	drop_first(f);
	drop_log(f);
}

void field_drop_histogram(struct field_stats *f)
{
	field_histogram_release(f);
	f->mixed = true;
}

// --- counting -----------------------------------------------------------------------------------------

static void widen(struct second_grid *g)
{
	g->bins = xmalloc(g->nbins * sizeof *g->bins);
	for (size_t i = 0; i < g->nbins; i++)
		g->bins[i] = g->narrow[i];
	free(g->narrow);
	g->narrow = NULL;
}

static void grid_add(struct second_grid *g, const double *x, size_t n)
{
	uint16_t bin[NUMBERS];

	for (size_t part; n; x += part, n -= part) {
		part = n < NUMBERS ? n : NUMBERS;
		grid_bins_of(g->grid, x, part, bin);
		for (size_t i = 0; i < part; i++) {
			if (g->narrow && g->narrow[bin[i]] == UINT16_MAX)
				widen(g);
			if (g->narrow)
				g->narrow[bin[i]]++;
			else
				g->bins[bin[i]]++;
			if (bin[i] == 0)
				xsum_add(&g->low_sum, x[i]);
			else if (bin[i] == g->grid->n)
				xsum_add(&g->high_sum, x[i]);
		}
	}
}

void field_histogram_add(struct field_stats *f, const double *x, size_t n)
{
	if ((f->nbins && !f->grid) || (f->second && !f->second->grid)) {
		field_drop_histogram(f); // on a grid that this process does not know
		return;
	}
	if (f->grid) {
		struct second_grid first = field_first_grid(f);
		grid_add(&first, x, n);
		put_first(f, &first);
	}
	if (f->second)
		grid_add(f->second, x, n);
}

static struct second_grid empty_on(const struct grid *g, bool narrow)
{
	struct second_grid out = {.grid = g, .nbins = grid_bins(g)};

	memcpy(out.grid_id, g->id, sizeof out.grid_id);
	if (narrow)
		out.narrow = xcalloc(out.nbins, sizeof *out.narrow);
	else
		out.bins = xcalloc(out.nbins, sizeof *out.bins);
	return out;
}

void field_count_also(struct field_stats *f, const struct field_def *also)
{
	const struct grid *g = also->grid;

	if (f->type == FIELD_CATEGORICAL)
		categories_know(&f->cats, also->categories, also->ncategories);
	if (f->type != FIELD_NUMERIC || field_has_grid(f, g))
		return;
	struct second_grid other = {.grid_id = ""};
	if (g)
		other = empty_on(g, f->narrow != NULL);
	f->log_too = !f->grid || !g;
	if (!f->grid)
		put_first(f, &other);
	else if (g)
		f->second = second_new(other);
}

// --- which there are ----------------------------------------------------------------------------------

static bool is_on(const struct second_grid *g, const char *id, size_t nbins)
{
	return g->nbins && g->nbins == nbins && !strcmp(g->grid_id, id);
}

// Its histogram on that quantile grid, in *out.
static bool histogram_on(const struct field_stats *f, const char *id, size_t nbins, struct second_grid *out)
{
	*out = field_first_grid(f);
	if (is_on(out, id, nbins))
		return true;
	if (f->second)
		*out = *f->second;
	return f->second && is_on(out, id, nbins);
}

bool field_has_grid(const struct field_stats *f, const struct grid *g)
{
	struct second_grid found;

	if (f->count && f->mixed)
		return false;
	if (!g)
		return f->count ? field_has_log(f) : f->log_too || !f->nbins;
	return histogram_on(f, g->id, grid_bins(g), &found);
}

void field_keep_grid(struct field_stats *f, const struct grid *g)
{
	struct second_grid found;

	if (!g && f->nbins && (field_has_log(f) || f->log_too)) {
		field_drop_second(f);
		drop_first(f);
		f->log_too = false;
		return;
	}
	if (!f->nbins)
		return;
	drop_log(f);
	if (f->second && g && strcmp(f->grid_id, g->id) != 0 && histogram_on(f, g->id, grid_bins(g), &found))
		drop_first(f);
	field_drop_second(f);
}

// --- merging ------------------------------------------------------------------------------------------

static void add_counts(struct second_grid *dst, const struct second_grid *src)
{
	if (!dst->grid)
		dst->grid = src->grid;
	if (dst->narrow)
		widen(dst);
	for (size_t i = 0; i < dst->nbins; i++)
		dst->bins[i] += src->narrow ? src->narrow[i] : src->bins[i];
	xsum_merge(&dst->low_sum, &src->low_sum);
	xsum_merge(&dst->high_sum, &src->high_sum);
}

static struct second_grid copy_of(const struct second_grid *src)
{
	struct second_grid out = {.grid = src->grid, .nbins = src->nbins};

	memcpy(out.grid_id, src->grid_id, sizeof out.grid_id);
	out.bins = src->nbins ? xcalloc(src->nbins, sizeof *out.bins) : NULL;
	add_counts(&out, src);
	return out;
}

// dst has no values: it takes src's grids, whatever its own were.
static void take(struct field_stats *dst, const struct field_stats *src)
{
	struct second_grid first = field_first_grid(src);

	field_histogram_release(dst);
	first = copy_of(&first);
	put_first(dst, &first);
	if (src->second)
		dst->second = second_new(copy_of(src->second));
	dst->log_too = field_has_log(src) && src->nbins;
	dst->approximate = src->approximate;
	if (field_has_log(src))
		field_logbins_merge(dst, src);
}

void field_histogram_merge(struct field_stats *dst, const struct field_stats *src)
{
	struct second_grid first = field_first_grid(dst), from;

	if (dst->mixed)
		return;
	if (src->mixed) {
		field_drop_histogram(dst);
		return;
	}
	if (!dst->count) {
		take(dst, src);
		return;
	}
	if (dst->second && !histogram_on(src, dst->second->grid_id, dst->second->nbins, &from))
		field_drop_second(dst);
	if (dst->nbins && !histogram_on(src, dst->grid_id, dst->nbins, &from))
		drop_first(dst);
	if (field_has_log(dst) && !field_has_log(src))
		drop_log(dst);
	if (!dst->nbins && !field_has_log(dst)) {
		field_drop_histogram(dst);
		return;
	}
	if (dst->nbins && histogram_on(src, dst->grid_id, dst->nbins, &from)) {
		first = field_first_grid(dst);
		add_counts(&first, &from);
		put_first(dst, &first);
	}
	if (dst->second && histogram_on(src, dst->second->grid_id, dst->second->nbins, &from))
		add_counts(dst->second, &from);
	if (field_has_log(dst)) {
		dst->log_too = dst->nbins > 0;
		dst->approximate |= src->approximate;
		field_logbins_merge(dst, src);
	}
}
