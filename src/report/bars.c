// SPDX-License-Identifier: Apache-2.0
#include "report/bars.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/axis.h"
#include "util/escape.h"

// label, gap, then twice: share, blank, bar, gap
enum { LABEL = 20, GAP = 2, SHARE = 7, BAR = 19 };

static const char *const eighths[] = {"",
				      "\xe2\x96\x8f",
				      "\xe2\x96\x8e",
				      "\xe2\x96\x8d",
				      "\xe2\x96\x8c",
				      "\xe2\x96\x8b",
				      "\xe2\x96\x8a",
				      "\xe2\x96\x89"};

static void blanks(struct buf *out, size_t n)
{
	while (n--)
		buf_addc(out, ' ');
}

static void side(struct buf *out, double share, double most, bool last)
{
	double exact = most > 0 ? share / most * BAR * 8 : 0;
	size_t n = (size_t)llround(exact);

	n = exact > 0 && !n ? 1 : n;
	buf_addf(out, "%*.2f %%", SHARE - 2, 100 * share);
	if (!n && last)
		return;
	buf_addc(out, ' ');
	for (size_t i = 0; i < n / 8; i++)
		buf_adds(out, "\xe2\x96\x88");
	buf_adds(out, eighths[n % 8]);
	if (!last)
		blanks(out, BAR - n / 8 - (n % 8 > 0) + GAP);
}

static void row(struct buf *out, const char *label, double r, double c, double most)
{
	size_t used = plain_text(out, label, strlen(label), LABEL);

	blanks(out, LABEL - used + GAP);
	side(out, r, most, false);
	side(out, c, most, true);
	buf_addc(out, '\n');
}

static void head(struct buf *out, const char *reference, const char *current)
{
	size_t used;

	blanks(out, LABEL + GAP);
	used = plain_text(out, reference, strlen(reference), SHARE + 1 + BAR);
	blanks(out, SHARE + 1 + BAR + GAP - used);
	plain_text(out, current, strlen(current), SHARE + 1 + BAR);
	buf_addc(out, '\n');
}

static void rows(struct buf *out, const struct share_row *r, size_t n)
{
	double most = shape_most(r, n);

	for (size_t i = 0; i < n; i++)
		row(out, *r[i].label ? r[i].label : "(empty)", r[i].r, r[i].c, most);
}

void bars_shares(struct buf *out, const struct share_row *r, size_t n, const char *reference,
		 const char *current)
{
	head(out, reference, current);
	rows(out, r, n);
}

static void cell(struct buf *out, const struct share_cell *c, double step, double most)
{
	char lo[AXIS_LABEL], hi[AXIS_LABEL], label[2 * AXIS_LABEL + 8];

	number_label(c->lo, step, lo);
	number_label(c->hi, step, hi);
	snprintf(label, sizeof label, "%s to %s", lo, hi);
	row(out, label, c->r, c->c, most);
}

void bars_shape(struct buf *out, const struct shape *s, const char *reference, const char *current)
{
	double most = fmax(fmax(s->below.r, s->below.c), fmax(s->above.r, s->above.c));
	bool below = s->below.r + s->below.c > 0, above = s->above.r + s->above.c > 0;

	head(out, reference, current);
	rows(out, s->points, s->npoints);
	if (s->others_r + s->others_c > 0)
		row(out, "all others", s->others_r, s->others_c, 0);
	if (s->npoints && (s->ncells || below || above))
		buf_adds(out, "all other values\n");
	for (size_t i = 0; i < s->ncells; i++)
		most = fmax(most, fmax(s->cells[i].r, s->cells[i].c));
	if (below)
		cell(out, &s->below, 0, most);
	for (size_t i = 0; i < s->ncells; i++)
		cell(out, &s->cells[i], s->step, most);
	if (above)
		cell(out, &s->above, 0, most);
}
