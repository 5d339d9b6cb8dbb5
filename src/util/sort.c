// SPDX-License-Identifier: Apache-2.0
// Least significant digit first, 11 bits a pass, on bits in the order of the values: negative numbers
// inverted, others with the sign bit set. Three passes over the upper 33 bits leave few values of equal
// upper bits side by side, which insertion puts in order. Where many share them (a narrow range far from 0)
// three passes more go over the lower bits first.
#include "util/sort.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { DIGIT = 11, CELLS = 1 << DIGIT, UPPER = 31, FEW = 64, LONG_RUN = 24 };

static uint64_t to_key(double x)
{
	uint64_t u;

	memcpy(&u, &x, sizeof u);
	return u ^ (-(u >> 63) | 1ull << 63);
}

static void insertion(double *v, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		double x = v[i];
		size_t at = i;

		for (; at > 0 && v[at - 1] > x; at--)
			v[at] = v[at - 1];
		v[at] = x;
	}
}

static void scatter(const double *from, double *to, size_t n, unsigned shift, uint32_t *at)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < CELLS; i++) {
		uint32_t here = at[i];

		at[i] = sum;
		sum += here;
	}
	for (size_t i = 0; i < n; i++)
		to[at[to_key(from[i]) >> shift & (CELLS - 1)]++] = from[i];
}

// By 3 DIGIT bits from `shift` on.
static void three_passes(double *v, double *scratch, size_t n, unsigned shift)
{
	uint32_t at[3][CELLS] = {{0}};

	for (size_t i = 0; i < n; i++) {
		uint64_t key = to_key(v[i]) >> shift;

		at[0][key & (CELLS - 1)]++;
		at[1][key >> DIGIT & (CELLS - 1)]++;
		at[2][key >> 2 * DIGIT & (CELLS - 1)]++;
	}
	scatter(v, scratch, n, shift, at[0]);
	scatter(scratch, v, n, shift + DIGIT, at[1]);
	scatter(v, scratch, n, shift + 2 * DIGIT, at[2]);
	memcpy(v, scratch, n * sizeof *v);
}

// Equal values are no work for insertion, so only runs of different ones count as long.
static bool long_runs(const double *v, size_t n)
{
	for (size_t i = 0, j, falls; i < n; i = j) {
		uint64_t upper = to_key(v[i]) >> UPPER;

		falls = 0;
		for (j = i + 1; j < n && to_key(v[j]) >> UPPER == upper; j++)
			falls += v[j] < v[j - 1];
		if (falls > LONG_RUN)
			return true;
	}
	return false;
}

int double_cmp(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void sort_doubles(double *v, double *scratch, size_t n)
{
	if (n > UINT32_MAX) { // more than the counters hold
		qsort(v, n, sizeof *v, double_cmp);
		return;
	}
	if (n > FEW) {
		three_passes(v, scratch, n, UPPER);
		if (long_runs(v, n)) {
			three_passes(v, scratch, n, 0);
			three_passes(v, scratch, n, UPPER);
		}
	}
	insertion(v, n);
}
