// SPDX-License-Identifier: Apache-2.0
#include "alerts_trail.h"

#include <math.h>
#include <stddef.h>

void trail_init(struct trail *t, int64_t first, int64_t slide_ms, bool numbers, double least, double greatest)
{
	t->first = first;
	t->slide_ms = slide_ms;
	t->numbers = numbers;
	t->least = least;
	t->greatest = greatest;
}

void trail_push(struct trail *t, const struct slide_sums *slide)
{
	size_t before = (size_t)(t->n % TRAIL_SLIDES), now = (size_t)(++t->n % TRAIL_SLIDES);

	t->sums[now].count = t->sums[before].count + slide->count;
	t->sums[now].sum = t->sums[before].sum + slide->sum;
	t->sums[now].squares = t->sums[before].squares + slide->squares;
	t->min = slide->min;
	t->max = slide->max;
	if (!t->numbers) {
		for (size_t i = 0; i < CATEGORIES; i++)
			t->categories[now][i] = t->categories[before][i] + slide->categories[i];
	} else if (slide->min < t->least || slide->max > t->greatest) {
		size_t at = t->nbeyond++ % TRAIL_BEYOND;

		t->beyond[at].slide = t->n;
		t->beyond[at].min = slide->min;
		t->beyond[at].max = slide->max;
	}
}

size_t trail_spans(struct trail *t, const int64_t *lengths, const int64_t *due, size_t n, struct span *out)
{
	size_t now = (size_t)(t->n % TRAIL_SLIDES), seen = 0, i;
	int64_t to = t->first + t->n * t->slide_ms;
	double min = t->min, max = t->max;

	for (i = 0; i < n; i++) {
		int64_t slides = lengths[i] / t->slide_ms;
		size_t then = (size_t)((t->n - slides) % TRAIL_SLIDES);

		if (slides > t->n || slides >= TRAIL_SLIDES)
			break;
		struct span *s = &out[i];

		s->count = 0;
		if (t->n < due[i])
			continue;
		double count = t->sums[now].count - t->sums[then].count;
		*s = (struct span){.from = to - lengths[i], .to = to, .count = (uint64_t)count};
		if (t->numbers) {
			double sum = t->sums[now].sum - t->sums[then].sum;

			s->mean = sum / count;
			s->variance = (t->sums[now].squares - t->sums[then].squares - sum * s->mean) / (count - 1);
			for (; seen < t->nbeyond && seen < TRAIL_BEYOND; seen++) {
				size_t at = (t->nbeyond - 1 - seen) % TRAIL_BEYOND;

				if (t->beyond[at].slide <= t->n - slides)
					break;
				min = fmin(min, t->beyond[at].min);
				max = fmax(max, t->beyond[at].max);
			}
			s->min = min;
			s->max = max;
		} else {
			s->bins = t->bins[i];
			for (size_t k = 0; k < CATEGORIES; k++)
				t->bins[i][k] = t->categories[now][k] - t->categories[then][k];
		}
	}
	return i;
}
