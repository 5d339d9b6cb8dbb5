// SPDX-License-Identifier: Apache-2.0
// Groups are aligned to the epoch as windows are. Where the window's own length gives fewer than
// HISTORY_ENOUGH groups, shorter ones are taken: a mean over a shorter time varies at least as much, so
// the spread is rather too wide than too narrow.
#include "drift/history.h"

#include <math.h>
#include <stdlib.h>

#include "util/clock.h"
#include "util/xalloc.h"

static void group_add(struct group *g, const struct baseline_chunk *c, size_t nbins)
{
	double n = (double)c->count, d = c->mean - g->mean;

	for (size_t i = 0; i < nbins; i++)
		g->bins[i] += (double)c->bins[i];
	if (isnan(c->mean)) { // no numbers
		g->n += n;
		return;
	}
	// Chan, Golub, LeVeque (1979): the moments of a union.
	g->m2 += (c->count > 1 ? c->variance * (n - 1) : 0) + d * d * g->n * n / (g->n + n);
	g->mean += d * n / (g->n + n);
	g->n += n;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

// A group cut short by an end of the data, or with a hole in it, is not like a window.
static size_t drop_partial(struct group *g, size_t n)
{
	double *sizes = xmalloc((n + 1) * sizeof *sizes), least;
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		sizes[i] = g[i].n;
	qsort(sizes, n, sizeof *sizes, ascending);
	least = n ? fmax(2, sizes[n / 2] / 2) : 0;
	free(sizes);
	for (size_t i = 0; i < n; i++)
		if (g[i].n >= least)
			g[kept++] = g[i];
	return kept;
}

static size_t group_chunks(struct group *g, const struct baseline_field *f, int64_t length)
{
	size_t n = 0;

	for (size_t i = 0; i < f->nchunks; i++) {
		int64_t slot = time_floor(f->chunks[i].from, length);

		if (!f->chunks[i].count)
			continue;
		if (!n || g[n - 1].slot != slot)
			g[n++] = (struct group){.slot = slot};
		group_add(&g[n - 1], &f->chunks[i], f->nbins);
	}
	return drop_partial(g, n);
}

static double mean_log_variance(const struct group *g, size_t n)
{
	double sum = 0;
	size_t used = 0;

	for (size_t i = 0; i < n; i++)
		if (g[i].m2 > 0) {
			sum += log(g[i].m2 / (g[i].n - 1));
			used++;
		}
	return used >= HISTORY_MIN ? sum / (double)used : NAN;
}

bool history_init(struct history *h, const struct baseline_field *f, const struct baseline *b, int64_t window_ms)
{
	int64_t times = window_ms / b->chunk_ms;
	double inverse = 0;

	*h = (struct history){.shorter = times < 1};
	if (!b->has_event_time || f->nchunks < HISTORY_MIN)
		return false;
	times = times < 1 ? 1 : times > BASELINE_CHUNKS ? BASELINE_CHUNKS : times;
	h->groups = xcalloc(f->nchunks, sizeof *h->groups);
	h->n = group_chunks(h->groups, f, times * b->chunk_ms);
	h->log_variance = mean_log_variance(h->groups, h->n);
	while (h->n < HISTORY_ENOUGH && times > 1) {
		times /= 2;
		h->n = group_chunks(h->groups, f, times * b->chunk_ms);
	}
	if (h->n < HISTORY_MIN) {
		history_release(h);
		return false;
	}
	for (size_t i = 0; i < h->n; i++)
		inverse += 1 / h->groups[i].n;
	h->size = (double)h->n / inverse;
	return true;
}

void history_release(struct history *h)
{
	free(h->groups);
	h->groups = NULL;
	h->n = 0;
}

struct series series_of(const double *y, size_t n)
{
	double mean = 0, squares = 0, lagged = 0, r1;
	struct series s;

	for (size_t i = 0; i < n; i++)
		mean += y[i] / (double)n;
	for (size_t i = 0; i < n; i++) {
		squares += (y[i] - mean) * (y[i] - mean);
		if (i)
			lagged += (y[i] - mean) * (y[i - 1] - mean);
	}
	r1 = squares > 0 ? fmax(0, lagged / squares) : 0;
	s = (struct series){mean, squares / (double)(n - 1), (double)n * (1 - r1) / (1 + r1)};
	s.n_eff = fmax(HISTORY_MIN, s.n_eff);
	return s;
}
