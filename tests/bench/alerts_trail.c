// SPDX-License-Identifier: Apache-2.0
#include "alerts_trail.h"

#include <math.h>
#include <string.h>

enum { RING = TRAIL_SLIDES + 1 };

void trail_init(struct trail *t, int64_t first, int64_t slide_ms)
{
	memset(t, 0, sizeof *t);
	t->first = first;
	t->slide_ms = slide_ms;
}

void trail_push(struct trail *t, const struct slide_sums *slide)
{
	const struct slide_sums *before = &t->sums[t->n % RING];
	int64_t at = ++t->n;
	struct slide_sums *now = &t->sums[at % RING];

	*now = *slide;
	now->count += before->count;
	now->sum += before->sum;
	now->squares += before->squares;
	for (size_t i = 0; i < CATEGORIES; i++)
		now->categories[i] += before->categories[i];
	t->min[0][at % RING] = slide->min;
	t->max[0][at % RING] = slide->max;
	for (int level = 1; level < TRAIL_LEVELS && at >= 1 << level; level++) {
		int64_t half = 1 << (level - 1), then = (at - half) % RING;

		t->min[level][at % RING] = fmin(t->min[level - 1][at % RING], t->min[level - 1][then]);
		t->max[level][at % RING] = fmax(t->max[level - 1][at % RING], t->max[level - 1][then]);
	}
}

static void extremes(const struct trail *t, int64_t slides, struct span *s)
{
	int level = 63 - __builtin_clzll((unsigned long long)slides);
	size_t a = (size_t)(t->n % RING), b = (size_t)((t->n - slides + (INT64_C(1) << level)) % RING);

	s->min = fmin(t->min[level][a], t->min[level][b]);
	s->max = fmax(t->max[level][a], t->max[level][b]);
}

size_t trail_spans(struct trail *t, const int64_t *lengths, size_t n, struct span *out)
{
	const struct slide_sums *now = &t->sums[t->n % RING];
	size_t i;

	for (i = 0; i < n; i++) {
		int64_t slides = lengths[i] / t->slide_ms, to = t->first + t->n * t->slide_ms;

		if (slides > t->n || slides > TRAIL_SLIDES)
			break;
		const struct slide_sums *then = &t->sums[(t->n - slides) % RING];
		double count = now->count - then->count, sum = now->sum - then->sum;

		out[i] = (struct span){.from = to - lengths[i], .to = to, .count = (uint64_t)count, .bins = t->bins[i]};
		out[i].mean = sum / count;
		out[i].variance = (now->squares - then->squares - sum * sum / count) / (count - 1);
		extremes(t, slides, &out[i]);
		for (size_t k = 0; k < CATEGORIES; k++)
			t->bins[i][k] = now->categories[k] - then->categories[k];
	}
	return i;
}
