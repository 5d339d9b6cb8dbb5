// SPDX-License-Identifier: Apache-2.0
#include "drift/fdr.h"

#include <math.h>
#include <stdlib.h>

#include "util/xalloc.h"

struct ranked {
	double p;
	size_t at;
};

static int ascending(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	return x->p != y->p ? (x->p < y->p ? -1 : 1) : x->at < y->at ? -1 : 1;
}

static struct ranked *rank(const double *p, size_t n)
{
	struct ranked *r = xcalloc(n + 1, sizeof *r);

	for (size_t i = 0; i < n; i++)
		r[i] = (struct ranked){p[i], i};
	qsort(r, n, sizeof *r, ascending);
	return r;
}

void fdr_adjust(const double *p, size_t n, double *adjusted)
{
	struct ranked *r = rank(p, n);
	double least = 1;

	for (size_t i = n; i-- > 0;) {
		least = fmin(least, r[i].p * (double)n / (double)(i + 1));
		adjusted[r[i].at] = least;
	}
	free(r);
}

double fdr_limit(const double *p, size_t n, double q)
{
	struct ranked *r = rank(p, n);
	size_t k = n;

	while (k > 1 && r[k - 1].p > (double)k * q / (double)n)
		k--;
	free(r);
	return n ? (double)k * q / (double)n : q;
}
