// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <stdlib.h>

#include "app/expected.h"

static int by_value(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

// The definition, window by window.
static uint64_t naive(const int *counts, int n, int k)
{
	int sums[400], m = 0, first = 0;

	while (!counts[first])
		first++;
	for (int end = first + k; end < n; end++) { // the slide with the newest record is not over
		int sum = 0;
		for (int i = end - k; i < end; i++)
			sum += counts[i];
		if (counts[end - 1])
			sums[m++] = sum;
	}
	if (!m)
		return 0;
	qsort(sums, (size_t)m, sizeof *sums, by_value);
	return (uint64_t)(sums[(m - 1) / 2] + 1) / 2;
}

Test(expected, half_the_median_of_whole_windows)
{
	unsigned seed = (unsigned)(getenv("SEED") ? atoi(getenv("SEED")) : 7);
	const struct judge_stream s = {.name = "s", .slide_ms = 10};

	printf("seed %u\n", seed);
	for (int round = 0; round < 50; round++) {
		struct expected *e = expected_new();
		int counts[300] = {0}, n = 20 + rand_r(&seed) % 250;
		for (int i = 0; i < n; i++)
			counts[i] = rand_r(&seed) % 4 ? rand_r(&seed) % 20 : 0;
		counts[n - 1] = 1;
		for (int turn = 0; turn < 2; turn++) // out of order, too
			for (int i = 0; i < n; i++)
				for (int k = 0; k < counts[i]; k++)
					if (k % 2 == turn)
						expected_add(e, "s", 10, i * 10 + k % 10);
		cr_assert_eq(expected_least(e, &s, 10), naive(counts, n, 1));
		cr_assert_eq(expected_least(e, &s, 70), naive(counts, n, 7));
		cr_assert_eq(expected_least(e, &s, 70), naive(counts, n, 7));
		cr_assert_eq(expected_least(e, &s, 10000), 0);
		expected_free(e);
	}
}

Test(expected, of_a_stream_without_rows_nothing)
{
	struct expected *e = expected_new();

	cr_assert_eq(expected_least(e, &(struct judge_stream){.name = "s", .slide_ms = 10}, 10), 0);
	expected_free(e);
}
