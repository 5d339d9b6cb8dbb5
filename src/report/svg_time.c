// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/axis.h"
#include "report/svg_draw.h"
#include "util/xalloc.h"

enum { LEFT = 62, WIDTH = SVG_WIDTH - LEFT - 10, TOP = 30, PANEL = 90, STRIDE = PANEL + 28, MARK_ROW = 13 };

struct panel {
	const struct svg_time *t;
	const struct svg_line *line;
	const struct time_axis *time;
	struct axis y;
	double top;
};

static double px(const struct time_axis *a, int64_t ms)
{
	double at = axis_time_at(a, ms);

	return LEFT + WIDTH * fmin(1, fmax(0, at));
}

static double py(const struct panel *p, double v)
{
	return p->top + PANEL * (1 - fmin(1, fmax(0, axis_at(&p->y, v))));
}

// --- the vertical axis --------------------------------------------------------------------------------

static void reach(double v, double *lo, double *hi, double *least)
{
	if (!isfinite(v))
		return;
	*lo = fmin(*lo, v);
	*hi = fmax(*hi, v);
	if (v > 0)
		*least = fmin(*least, v);
}

static void axis_of(struct axis *y, const struct svg_line *l)
{
	double lo = INFINITY, hi = -INFINITY, least = INFINITY; // least: above 0

	for (size_t i = 0; i < l->npoints; i++)
		reach(l->points[i].v, &lo, &hi, &least);
	reach(l->above, &lo, &hi, &least);
	reach(l->below, &lo, &hi, &least);
	if (lo > hi)
		lo = 0, hi = least = 1;
	double limit = isfinite(l->above) ? l->above : l->below;
	bool log = l->scale == SVG_LOG || (l->scale == SVG_AUTO && lo >= 0 && limit > 0 && hi / limit > 50);
	if (log && hi > 0) {
		axis_log(y, least / 1.2, hi * 1.2, 4);
		return;
	}
	if (lo > 0 && lo < hi / 2)
		lo = 0;
	axis_linear(y, lo, hi + (hi - lo) * 0.06, 4);
}

static void vertical(struct buf *out, const struct panel *p)
{
	char text[AXIS_LABEL];

	for (size_t i = 0; i < p->y.n; i++) {
		double at = py(p, p->y.ticks[i]);
		svg_line_at(out, "gr", LEFT, at, LEFT + WIDTH, at);
		axis_label(&p->y, p->y.ticks[i], text);
		svg_text(out, "", "end", LEFT - 5, at + 4, text);
	}
}

// --- the line -----------------------------------------------------------------------------------------

// Of a long series, the first, least, greatest and last of each half pixel: the picture is the same.
struct column {
	int64_t at;
	size_t first, least, most, last, n;
};

static void column_flush(struct buf *out, const struct panel *p, struct column *c, bool *pen)
{
	const struct svg_point *all = p->line->points;
	size_t order[4] = {c->first, c->least < c->most ? c->least : c->most,
			   c->least < c->most ? c->most : c->least, c->last};

	for (size_t k = 0; c->n && k < 4; k++) {
		if (k && order[k] == order[k - 1])
			continue;
		buf_addf(out, "%s%.1f %.1f", *pen ? "L" : "M", px(p->time, all[order[k]].at),
			 py(p, all[order[k]].v));
		*pen = true;
	}
	c->n = 0;
}

static void column_add(struct column *c, const struct svg_point *all, size_t i)
{
	if (!c->n++) {
		c->first = c->least = c->most = c->last = i;
		return;
	}
	c->last = i;
	c->least = all[i].v < all[c->least].v ? i : c->least;
	c->most = all[i].v > all[c->most].v ? i : c->most;
}

static void draw_line(struct buf *out, const struct panel *p)
{
	const struct svg_point *all = p->line->points;
	int64_t half = (p->time->to - p->time->from) / (2 * WIDTH) + 1;
	struct column c = {.at = INT64_MIN};
	bool pen = false;

	buf_adds(out, "<path class=\"ln\" d=\"");
	for (size_t i = 0; i < p->line->npoints; i++) {
		bool known = isfinite(all[i].v);
		int64_t at = all[i].at / half;
		if (c.n && (!known || at != c.at))
			column_flush(out, p, &c, &pen);
		if (known)
			column_add(&c, all, i);
		else
			pen = false;
		c.at = at;
	}
	column_flush(out, p, &c, &pen);
	buf_adds(out, "\"/>");
}

// A value between two gaps has no line.
static void draw_dots(struct buf *out, const struct panel *p)
{
	const struct svg_point *all = p->line->points;
	size_t n = p->line->npoints;

	for (size_t i = 0; i < n; i++)
		if (isfinite(all[i].v) && !(i && isfinite(all[i - 1].v)) &&
		    !(i + 1 < n && isfinite(all[i + 1].v)))
			buf_addf(out, "<circle class=\"dot\" cx=\"%.1f\" cy=\"%.1f\" r=\"2\"/>",
				 px(p->time, all[i].at), py(p, all[i].v));
}

// Along the foot, from the last known value to the next.
static void draw_unknown(struct buf *out, const struct panel *p)
{
	const struct svg_point *all = p->line->points;
	size_t n = p->line->npoints;

	for (size_t i = 0; i < n; i++) {
		if (isfinite(all[i].v))
			continue;
		size_t last = i;
		while (last + 1 < n && !isfinite(all[last + 1].v))
			last++;
		double from = px(p->time, all[i ? i - 1 : i].at),
		       to = px(p->time, all[last + 1 < n ? last + 1 : last].at);
		svg_rect(out, "un", from, p->top + PANEL - 4, fmax(1, to - from), 4);
		i = last;
	}
}

static void threshold(struct buf *out, const struct panel *p, double v)
{
	char text[AXIS_LABEL + 8];
	double y = py(p, v);

	if (!isfinite(v))
		return;
	svg_line_at(out, "th", LEFT, y, LEFT + WIDTH, y);
	number_label(v, 0, text);
	svg_text(out, "f", "end", LEFT + WIDTH, y - 3, text);
}

static void draw_panel(struct buf *out, struct panel *p)
{
	double foot = p->top + PANEL;

	axis_of(&p->y, p->line);
	svg_text(out, "t", "start", 4, p->top - 6, p->line->title);
	for (size_t i = 0; i < p->line->nfiring; i++) {
		double from = px(p->time, p->line->firing[i].from), to = px(p->time, p->line->firing[i].to);
		svg_rect(out, "fi", from, p->top, fmax(1, to - from), PANEL);
	}
	vertical(out, p);
	svg_line_at(out, "ax", LEFT, foot, LEFT + WIDTH, foot);
	draw_unknown(out, p);
	draw_line(out, p);
	draw_dots(out, p);
	threshold(out, p, p->line->above);
	threshold(out, p, p->line->below);
}

static void draw_marks(struct buf *out, const struct svg_time *t, const struct time_axis *time, double top,
		       double foot)
{
	for (size_t i = 0; i < t->nmarks; i++) {
		double x = px(time, t->marks[i].at);
		bool left = x > LEFT + WIDTH / 2.0;
		svg_line_at(out, "mk", x, top, x, foot);
		svg_label(out, "", left ? "end" : "start", left ? x - 3 : x + 3,
			  foot + 30 + MARK_ROW * (double)i, t->marks[i].label, 60);
		svg_line_at(out, "mk", x, foot, x, foot + 30 + MARK_ROW * (double)i);
	}
}

void svg_time(struct buf *out, const struct svg_time *t)
{
	double foot = TOP - STRIDE + PANEL + STRIDE * (double)(t->nlines ? t->nlines : 1);
	struct time_axis time;
	char text[AXIS_LABEL];

	axis_time(&time, t->from, t->to, 8);
	svg_begin(out, t->id, t->title, t->desc,
		  foot + 24 + (t->nmarks ? 10 + MARK_ROW * (double)t->nmarks : 0));
	for (size_t i = 0; i < t->nlines; i++) {
		struct panel p = {
		    .t = t, .line = &t->lines[i], .time = &time, .top = TOP + STRIDE * (double)i};
		draw_panel(out, &p);
	}
	for (size_t i = 0; i < time.n; i++) {
		double x = px(&time, time.ticks[i]);
		svg_line_at(out, "ax", x, foot, x, foot + 4);
		axis_time_label(&time, i, text);
		if (!i)
			snprintf(text + strlen(text), sizeof text - strlen(text), " UTC");
		svg_text(out, "", "middle", x, foot + 16, text);
	}
	draw_marks(out, t, &time, TOP, foot);
	svg_end(out);
}
