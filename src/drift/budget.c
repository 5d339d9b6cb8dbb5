// SPDX-License-Identifier: Apache-2.0
#include "drift/budget.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/xalloc.h"

#define MOST_P 0.001
enum { MOST_A_WINDOW = 25 };

static const struct {
	const char *name;
	int days;
} units[] = {{"day", 1}, {"week", 7}, {"month", 30}, {"year", 365}};

#define DAY_MS INT64_C(86400000)

double budget_p(const struct budget *b, const struct budget_tests *t)
{
	double apart = (double)t->slide_ms, overlap = (double)t->window_ms / MOST_A_WINDOW;

	if (!t->by_slide && overlap > apart)
		apart = overlap;
	double evaluations = fmax(1, (double)b->per_ms / apart);
	return fmin(MOST_P, b->firings / (evaluations * (double)(t->tests ? t->tests : 1)));
}

bool budget_parse(const char *text, struct budget *out)
{
	char *end;
	double n = strtod(text, &end);

	if (end == text || !(n > 0) || !isfinite(n) || strpbrk(text, "xX"))
		return false;
	end += strspn(end, " ");
	if (*end++ != '/')
		return false;
	end += strspn(end, " ");
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (!strcmp(end, units[i].name)) {
			*out = (struct budget){n, units[i].days * DAY_MS};
			return true;
		}
	return false;
}

const char *budget_format(const struct budget *b, char *buf, unsigned size)
{
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (b->per_ms == units[i].days * DAY_MS) {
			snprintf(buf, size, "%g/%s", b->firings, units[i].name);
			return buf;
		}
	snprintf(buf, size, "%g/%" PRId64 "ms", b->firings, b->per_ms);
	return buf;
}

uint64_t budget_steady(uint64_t n)
{
	uint64_t steady = 1;

	while (steady < n && steady < UINT64_MAX / 2)
		steady *= 2;
	return steady;
}
