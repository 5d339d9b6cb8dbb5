// SPDX-License-Identifier: Apache-2.0
// Against qsort.
#include <criterion/criterion.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "util/sort.h"
#include "util/xalloc.h"

static uint64_t state;

static uint64_t next(void)
{
	uint64_t z = state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static double any_bits(void)
{
	double x;

	do {
		uint64_t u = next();
		memcpy(&x, &u, sizeof x);
	} while (isnan(x));
	return x;
}

// Each is hard in its own way: all magnitudes, ties, a narrow range far from 0, two narrow ranges.
static double draw(int kind)
{
	double u = (double)(next() >> 11) * 0x1p-53;

	switch (kind) {
	case 0:
		return any_bits();
	case 1:
		return u - 0.5;
	case 2:
		return floor(u * 7) - 3;
	case 3:
		return 1 + u * 0x1p-30;
	case 4:
		return (next() & 1 ? 1e9 : -1e9) + floor(u * 100) * 0x1p-20;
	case 5:
		return 42;
	default:
		return next() & 1 ? 0.0 : -0.0;
	}
}

Test(sort, doubles_as_qsort)
{
	static const size_t sizes[] = {0, 1, 2, 63, 64, 65, 1000, 70000};
	const char *seed = getenv("KDRIFT_SEED");

	state = seed ? strtoull(seed, NULL, 0) : (uint64_t)time(NULL);
	printf("sort: KDRIFT_SEED=%llu\n", (unsigned long long)state);
	for (int kind = 0; kind < 7; kind++)
		for (size_t s = 0; s < ARRAY_LEN(sizes); s++) {
			size_t n = sizes[s];
			double *v = xcalloc(n + 1, sizeof *v), *want = xcalloc(n + 1, sizeof *v),
			       *scratch = xcalloc(n + 1, sizeof *v);

			for (size_t i = 0; i < n; i++)
				want[i] = v[i] = draw(kind);
			qsort(want, n, sizeof *want, double_cmp);
			sort_doubles(v, scratch, n);
			for (size_t i = 0; i < n; i++)
				cr_assert(v[i] == want[i], "kind %d, %zu of %zu: %a, not %a", kind, i, n,
					  v[i], want[i]);
			free(v);
			free(want);
			free(scratch);
		}
}
