// SPDX-License-Identifier: Apache-2.0
#include "collect/stage.h"

#include <stdlib.h>
#include <string.h>

#include "util/xalloc.h"

static void grow(struct stage *s, size_t k)
{
	size_t n = s->n ? 2 * s->n : 16;

	n = n > k ? n : k + 1;
	s->columns = xrealloc(s->columns, n * sizeof *s->columns);
	memset(s->columns + s->n, 0, (n - s->n) * sizeof *s->columns);
	s->n = n;
}

void stage_number(struct stage *s, struct field_stats *f, size_t k, double x)
{
	if (k >= s->n)
		grow(s, k);
	struct column_stage *c = &s->columns[k];
	if (c->n == c->cap) {
		c->cap = c->cap ? 4 * c->cap : 4;
		c->x = xrealloc(c->x, c->cap * sizeof *c->x);
	}
	c->x[c->n++] = x;
	if (c->n == STAGE_NUMBERS) {
		field_add_numbers(f, c->x, c->n);
		c->n = 0;
	}
}

void stage_flush(struct stage *s, struct pane *p)
{
	for (size_t k = 0; k < s->n; k++)
		if (s->columns[k].n)
			field_add_numbers(p->fields[k], s->columns[k].x, s->columns[k].n);
	stage_release(s);
}

void stage_release(struct stage *s)
{
	for (size_t k = 0; k < s->n; k++)
		free(s->columns[k].x);
	free(s->columns);
	*s = (struct stage){0};
}
