// SPDX-License-Identifier: Apache-2.0
#include "exact_data.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "util/sort.h"
#include "util/xalloc.h"

static double uniform(uint64_t seed, uint64_t k)
{
	uint64_t z = seed + (k + 1) * 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	z ^= z >> 31;
	return ((double)(z >> 11) + 0.5) * 0x1p-53;
}

static double value(const json_t *spec, uint64_t i)
{
	const char *kind = json_get_str(spec, "kind", "");
	uint64_t seed = (uint64_t)json_get_int(spec, "seed", 0);
	double a = json_get_num(spec, "a", 0), b = json_get_num(spec, "b", 1), u = uniform(seed, 16 * i),
	       z = -6;

	if (!strcmp(kind, "const"))
		return a;
	if (!strcmp(kind, "grid"))
		return a + b * (double)i;
	if (!strcmp(kind, "uniform"))
		return a + b * u;
	if (!strcmp(kind, "pareto"))
		return a / (u * u) * b;
	if (!strcmp(kind, "ints"))
		return a + floor(b * u);
	if (!strcmp(kind, "steps"))
		return a + floor(b * u) * json_get_num(spec, "step", 1);
	for (uint64_t j = 0; j < 12; j++)
		z += uniform(seed, 16 * i + j);
	if (!strcmp(kind, "slash"))
		return a + b * (z / uniform(seed, 16 * i + 12));
	if (!strcmp(kind, "rounded"))
		return floor((a + b * z) * 10 + 0.5) / 10;
	if (!strcmp(kind, "zeros"))
		return uniform(seed, 16 * i + 13) < 0.6 ? 0 : a + b * z;
	if (!strcmp(kind, "bimodal"))
		return (uniform(seed, 16 * i + 14) < 0.5 ? a : -a) + b * z;
	cr_assert_str_eq(kind, "normal");
	return a + b * z;
}

static bool left_out(const json_t *spec, const char *what, uint64_t i)
{
	uint64_t every = (uint64_t)json_get_int(spec, what, 0);

	return every && i % every == every - 1;
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

// Whole numbers that doubles do not tell apart.
static void big_numbers(struct exact_side *side, const json_t *spec)
{
	uint64_t seed = (uint64_t)json_get_int(spec, "seed", 0);
	int64_t from = (int64_t)json_get_num(spec, "a", 0), *v = xcalloc(side->rows, sizeof *v);
	double range = json_get_num(spec, "b", 0), *rounded = xcalloc(side->rows, sizeof *rounded);

	side->n = side->rows;
	for (uint64_t i = 0; i < side->n; i++)
		v[i] = from + (int64_t)floor(range * uniform(seed, 16 * i));
	qsort(v, side->n, sizeof *v, by_value);
	for (uint64_t i = 0; i < side->n; i++)
		rounded[i] = (double)v[i];
	side->integers = v;
	side->sorted = rounded;
}

void side_numbers(struct exact_side *side, const json_t *spec)
{
	uint64_t rows = (uint64_t)json_get_int(spec, "n", 0);
	double *v = xcalloc(rows + 1, sizeof *v), *scratch = xcalloc(rows + 1, sizeof *scratch);
	double scale = json_get_num(spec, "scale", 1);

	*side = (struct exact_side){.rows = rows, .whole = json_is_true(json_object_get(spec, "whole"))};
	if (!strcmp(json_get_str(spec, "kind", ""), "big")) {
		free(v);
		free(scratch);
		big_numbers(side, spec);
		return;
	}
	for (uint64_t i = 0; i < rows; i++) {
		if (left_out(spec, "missing", i))
			continue;
		if (left_out(spec, "nan", i))
			side->nan++;
		else if (left_out(spec, "inf", i))
			side->inf++;
		else
			v[side->n++] = value(spec, i) * scale;
	}
	sort_doubles(v, scratch, side->n);
	free(scratch);
	side->sorted = v;
}

void side_categories(struct exact_side *side, const json_t *counts)
{
	struct exact_word *words = xcalloc(json_object_size(counts) + 1, sizeof *words);
	const char *key;
	json_t *n;

	*side = (struct exact_side){.words = words};
	json_object_foreach((json_t *)(uintptr_t)counts, key, n)
	{
		words[side->nwords++] =
		    (struct exact_word){key, strlen(key), (uint64_t)json_integer_value(n)};
		side->rows += (uint64_t)json_integer_value(n);
	}
}

void side_release(struct exact_side *side)
{
	free((void *)(uintptr_t)side->sorted);
	free((void *)(uintptr_t)side->integers);
	free((void *)(uintptr_t)side->words);
}
