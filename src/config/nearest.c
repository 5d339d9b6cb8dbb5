// SPDX-License-Identifier: Apache-2.0
#include "config/nearest.h"

#include <string.h>

enum { MAX_WORD = 64 };

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

// Optimal string alignment distance.
static unsigned distance(const char *a, size_t n, const char *b, size_t m)
{
	unsigned d[3][MAX_WORD + 1];

	for (size_t j = 0; j <= m; j++)
		d[0][j] = (unsigned)j;
	for (size_t i = 1; i <= n; i++) {
		unsigned *now = d[i % 3], *up = d[(i - 1) % 3], *up2 = d[(i + 1) % 3];
		now[0] = (unsigned)i;
		for (size_t j = 1; j <= m; j++) {
			now[j] = min3(up[j] + 1, now[j - 1] + 1, up[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    up2[j - 2] + 1 < now[j])
				now[j] = up2[j - 2] + 1;
		}
	}
	return d[n % 3][m];
}

void nearest_init(struct nearest *n, const char *word)
{
	*n = (struct nearest){.word = word, .distance = (unsigned)strlen(word) / 3 + 1};
}

void nearest_try(struct nearest *n, const char *candidate)
{
	size_t a = strlen(n->word), b = strlen(candidate);

	if (!a || a > MAX_WORD || b > MAX_WORD)
		return;
	unsigned d = distance(n->word, a, candidate, b);
	if (d < n->distance || (d == n->distance && !n->best && d < b)) {
		n->distance = d;
		n->best = candidate;
	}
}
