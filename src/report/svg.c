// SPDX-License-Identifier: Apache-2.0
#include "report/svg.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/axis.h"
#include "report/svg_draw.h"
#include "util/escape.h"

// Blue and vermilion of Okabe and Ito's palette, which differ in lightness too; lighter ones in the dark.
const char svg_style[] =
    "svg{--a:#0072b2;--b:#c24e00;--fire:#b3261e;display:block;width:100%;max-width:720px;height:auto;margin:"
    "6px 0}"
    "@media(prefers-color-scheme:dark){svg{--a:#56b4e9;--b:#ffa640;--fire:#ff9a90}}"
    "svg text{font:11px system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;fill:var(--soft);"
    "font-variant-numeric:tabular-nums}svg text.t{fill:var(--ink);font-weight:600}svg text.l{fill:var(--ink)}"
    "svg text.f{fill:var(--fire);paint-order:stroke;stroke:var(--bg);stroke-width:3px}"
    ".ax{stroke:var(--soft);stroke-width:1}.gr{stroke:var(--line);stroke-width:1}"
    ".r{fill:var(--a);fill-opacity:.45}.c{fill:var(--b);fill-opacity:.2;stroke:var(--b);stroke-width:1.5}"
    ".cb{fill:var(--b)}.ln{fill:none;stroke:var(--a);stroke-width:1.5;stroke-linejoin:round}.dot{fill:var(--"
    "a)}"
    ".th{stroke:var(--fire);stroke-width:1.2;stroke-dasharray:6 4}.fi{fill:var(--fire);fill-opacity:.13}"
    ".un{fill:var(--soft);fill-opacity:.35}.mk{stroke:var(--soft);stroke-width:1;stroke-dasharray:2 3}";

void svg_text(struct buf *out, const char *class, const char *anchor, double x, double y, const char *text)
{
	svg_label(out, class, anchor, x, y, text, 200);
}

void svg_label(struct buf *out, const char *class, const char *anchor, double x, double y, const char *text,
	       size_t columns)
{
	struct buf plain = BUF_INIT;

	plain_text(&plain, text, strlen(text), columns);
	buf_addf(out, "<text x=\"%.1f\" y=\"%.1f\"", x, y);
	if (*class)
		buf_addf(out, " class=\"%s\"", class);
	if (strcmp(anchor, "start") != 0)
		buf_addf(out, " text-anchor=\"%s\"", anchor);
	buf_addc(out, '>');
	html_text(out, plain.data ? plain.data : "");
	buf_adds(out, "</text>");
	buf_release(&plain);
}

static void element(struct buf *out, const char *name, const char *id, const char *text)
{
	buf_addf(out, "<%s id=\"%s-%c\">", name, id, *name);
	html_text(out, text);
	buf_addf(out, "</%s>", name);
}

void svg_begin(struct buf *out, const char *id, const char *title, const char *desc, double height)
{
	buf_addf(out,
		 "<svg viewBox=\"0 0 %d %.0f\" role=\"img\" aria-labelledby=\"%s-t %s-d\" "
		 "xmlns=\"http://www.w3.org/2000/svg\">",
		 SVG_WIDTH, height, id, id);
	element(out, "title", id, title);
	element(out, "desc", id, desc);
}

void svg_end(struct buf *out)
{
	buf_adds(out, "</svg>\n");
}

void svg_line_at(struct buf *out, const char *class, double x1, double y1, double x2, double y2)
{
	buf_addf(out, "<path class=\"%s\" d=\"M%.1f %.1fL%.1f %.1f\"/>", class, x1, y1, x2, y2);
}

void svg_rect(struct buf *out, const char *class, double x, double y, double width, double height)
{
	buf_addf(out, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>", class, x,
		 y, width, height);
}

static void legend(struct buf *out, const struct svg_about *a, double y)
{
	double second = SVG_WIDTH / 2.0;

	svg_rect(out, "r", 4, y - 9, 14, 10);
	svg_label(out, "l", "start", 23, y, a->reference, 48);
	svg_rect(out, "c", second, y - 9, 14, 10);
	svg_label(out, "l", "start", second + 19, y, a->current, 48);
}

// --- pairs of bars ------------------------------------------------------------------------------------

enum { ROW = 30, LABEL_WIDTH = 170, BAR_LEFT = 180, BAR_WIDTH = 470 };

static void share_text(double share, char out[AXIS_LABEL])
{
	double percent = 100 * share;

	snprintf(out, AXIS_LABEL, percent > 0 && percent < 0.01 ? "< 0.01 %%" : "%.*f %%",
		 percent == 0 || percent >= 99.995 ? 0 : 2, percent);
}

static void bar(struct buf *out, const char *class, double y, double share, double most)
{
	char text[AXIS_LABEL];
	double width = most > 0 ? share / most * BAR_WIDTH : 0;

	if (share > 0)
		svg_rect(out, class, BAR_LEFT, y, fmax(width, 0.5), 10);
	share_text(share, text);
	svg_text(out, "", "start", BAR_LEFT + width + 5, y + 9, text);
}

static void rows(struct buf *out, const struct share_row *row, size_t n, double top)
{
	double most = shape_most(row, n);

	for (size_t i = 0; i < n; i++) {
		double y = top + (double)i * ROW;
		svg_label(out, "l", "end", LABEL_WIDTH, y + 14, *row[i].label ? row[i].label : "(empty)", 26);
		bar(out, "r", y, row[i].r, most);
		bar(out, "c", y + 11, row[i].c, most);
	}
	svg_line_at(out, "ax", BAR_LEFT - 0.5, top - 2, BAR_LEFT - 0.5, top + (double)n * ROW - 6);
}

void svg_shares(struct buf *out, const struct svg_about *about, const struct share_row *row, size_t n)
{
	svg_begin(out, about->id, about->title, about->desc, 26 + (double)n * ROW);
	legend(out, about, 14);
	rows(out, row, n, 28);
	svg_end(out);
}

// --- histograms ---------------------------------------------------------------------------------------

struct plot {
	double left, top, width, height, most;
	struct axis x;
};

static double px(const struct plot *p, double v)
{
	return p->left + p->width * axis_at(&p->x, v);
}

static double py(const struct plot *p, double share)
{
	return p->top + p->height * (1 - share / p->most);
}

// The outline over the cells, closed along the axis.
static void outline(struct buf *out, const struct plot *p, const struct shape *s, bool current)
{
	double base = p->top + p->height;

	buf_addf(out, "<path class=\"%s\" d=\"M%.1f %.1f", current ? "c" : "r", px(p, s->cells[0].lo), base);
	for (size_t i = 0; i < s->ncells; i++) {
		double share = current ? s->cells[i].c : s->cells[i].r;
		buf_addf(out, "V%.1fH%.1f", py(p, share), px(p, s->cells[i].hi));
	}
	buf_addf(out, "V%.1fZ\"/>", base);
}

static void percent_axis(struct buf *out, const struct plot *p)
{
	struct axis y;
	char text[AXIS_LABEL];

	axis_linear(&y, 0, 100 * p->most, 4);
	for (size_t i = 0; i < y.n; i++) {
		double at = py(p, y.ticks[i] / 100);
		svg_line_at(out, "gr", p->left, at, p->left + p->width, at);
		axis_label(&y, y.ticks[i], text);
		snprintf(text + strlen(text), sizeof text - strlen(text), " %%");
		svg_text(out, "", "end", p->left - 5, at + 4, text);
	}
}

static void value_axis(struct buf *out, const struct plot *p)
{
	double base = p->top + p->height;
	char text[AXIS_LABEL];

	svg_line_at(out, "ax", p->left, base, p->left + p->width, base);
	for (size_t i = 0; i < p->x.n; i++) {
		double x = px(p, p->x.ticks[i]);
		svg_line_at(out, "ax", x, base, x, base + 4);
		axis_label(&p->x, p->x.ticks[i], text);
		svg_text(out, "", "middle", x, base + 16, text);
	}
}

static void beyond(struct buf *out, const struct share_cell *b, bool above, double x, double y)
{
	char r[AXIS_LABEL], c[AXIS_LABEL], at[AXIS_LABEL], text[160];

	if (!b->r && !b->c)
		return;
	share_text(b->r, r);
	share_text(b->c, c);
	number_label(above ? b->hi : b->lo, 0, at);
	snprintf(text, sizeof text,
		 above ? "beyond, up to %s: %s and %s \xe2\x86\x92"
		       : "\xe2\x86\x90 beyond, down to %s: %s and %s",
		 at, r, c);
	svg_text(out, "", above ? "end" : "start", x, y, text);
}

static void histogram(struct buf *out, const struct shape *s, double top)
{
	struct plot p = {.left = 48, .top = top + 14, .width = SVG_WIDTH - 60, .height = 150};
	double lo = s->cells[0].lo, hi = s->cells[s->ncells - 1].hi;
	char width[AXIS_LABEL], text[120];

	for (size_t i = 0; i < s->ncells; i++)
		p.most = fmax(p.most, fmax(s->cells[i].r, s->cells[i].c));
	p.most = p.most > 0 ? p.most * 1.05 : 1;
	if (s->log)
		axis_log(&p.x, lo, hi, 10);
	else
		axis_linear(&p.x, lo, hi, 8);
	number_label(s->step, 0, width);
	if (s->log)
		snprintf(text, sizeof text, "share of values, by equal ratios");
	else
		snprintf(text, sizeof text, "share of values%s%s", s->step ? ", a bar each " : "",
			 s->step ? width : "");
	svg_text(out, "", "start", 4, top + 4, text);
	percent_axis(out, &p);
	outline(out, &p, s, false);
	outline(out, &p, s, true);
	value_axis(out, &p);
}

static void others(struct buf *out, const struct shape *s, double y)
{
	char r[AXIS_LABEL], c[AXIS_LABEL], text[96];

	share_text(s->others_r, r);
	share_text(s->others_c, c);
	snprintf(text, sizeof text, "%s and %s, not drawn", r, c);
	svg_text(out, "l", "end", LABEL_WIDTH, y, "all others");
	svg_text(out, "", "start", BAR_LEFT + 5, y, text);
}

void svg_shape(struct buf *out, const struct svg_about *about, const struct shape *s)
{
	bool more = s->others_r + s->others_c > 0;
	double points = (double)s->npoints * ROW + (s->npoints ? 4 : 0) + (more ? 16 : 0);
	bool far = s->below.r + s->below.c + s->above.r + s->above.c > 0;
	double height = 28 + points + (s->ncells ? 190 : 0) + (far ? 16 : 0);

	svg_begin(out, about->id, about->title, about->desc, height);
	legend(out, about, 14);
	if (s->npoints)
		rows(out, s->points, s->npoints, 28);
	if (more)
		others(out, s, 22 + points);
	if (s->ncells)
		histogram(out, s, 34 + points);
	beyond(out, &s->below, false, 48, height - 4);
	beyond(out, &s->above, true, SVG_WIDTH - 12, height - 4);
	svg_end(out);
}
