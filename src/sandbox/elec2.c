// SPDX-License-Identifier: Apache-2.0
#include "sandbox/elec2.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/elec2_model.h"
#include "util/xalloc.h"

// The assembler searches the compiler's include directories.
__asm__(".section .rodata\n"
	".global elec2_csv\n"
	"elec2_csv: .incbin \"sandbox/elec2.csv\"\n"
	".byte 0\n"
	".previous\n");
extern const char elec2_csv[];

const char *const elec2_names[ELEC2_FEATURES] = {"period",   "nswprice",  "nswdemand",
						 "vicprice", "vicdemand", "transfer"};

struct elec2_row *elec2_rows(size_t *n)
{
	struct elec2_row *rows = NULL;
	size_t cap = 0;

	*n = 0;
	for (const char *p = strchr(elec2_csv, '\n') + 1; *p; p = strchr(p, '\n') + 1) {
		char *end;
		GROW(rows, *n, cap);
		struct elec2_row *r = &rows[(*n)++];
		r->ts = strtoll(p, &end, 10);
		for (size_t i = 0; i < ELEC2_FEATURES; i++)
			r->features[i] = strtod(end + 1, &end);
		r->up = end[1] == 'U';
	}
	return rows;
}

double elec2_predict(const struct elec2_row *r)
{
	double x = elec2_bias;

	for (size_t i = 0; i < ELEC2_FEATURES; i++)
		x += elec2_weights[i] * r->features[i];
	return 1 / (1 + exp(-x));
}
