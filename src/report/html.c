// SPDX-License-Identifier: Apache-2.0
#include "report/html.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/svg.h"
#include "util/escape.h"
#include "util/xalloc.h"

static const char style[] =
    ":root{--bg:#f6f7f9;--card:#fff;--ink:#16191d;--soft:#5b6470;--line:#dde1e7;--link:#0b57a4}"
    "@media(prefers-color-scheme:dark){:root{--bg:#0f1216;--card:#181c22;--ink:#e8eaed;--soft:#9aa4b0;"
    "--line:#2b313a;--link:#8ab8ff}}"
    "*{box-sizing:border-box}html{color-scheme:light dark}"
    "body{margin:0 auto;max-width:1000px;padding:20px;background:var(--bg);color:var(--ink);"
    "font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;"
    "font-variant-numeric:tabular-nums;overflow-wrap:break-word}"
    "h1{font-size:24px;line-height:1.25;margin:0 0 8px}h2{font-size:18px;margin:32px 0 8px}"
    "h3{font-size:15px;margin:18px 0 4px}p{margin:6px 0}a{color:var(--link)}"
    "nav ul{margin:6px 0;padding-left:20px;columns:2}nav{margin:12px 0}"
    ".wide{overflow-x:auto;margin:8px 0}table{border-collapse:collapse;background:var(--card);font-size:14px}"
    "th{text-align:left;font-weight:600;color:var(--soft);font-size:13px}"
    "th,td{padding:3px 12px;border:1px solid var(--line);vertical-align:top}"
    ".cols{columns:390px}.cols .wide{margin:0;overflow:visible}.cols table{font-size:13px;width:100%}"
    ".cols th,.cols td{padding:1px 8px;white-space:nowrap}"
    ".n{text-align:right;white-space:nowrap}th.n{white-space:normal}"
    "pre{overflow-x:auto;background:var(--card);border:1px solid var(--line);padding:8px 12px;font-size:13px}"
    "details{background:var(--card);border:1px solid var(--line);border-radius:8px;margin:8px 0;padding:6px "
    "14px}"
    "summary{cursor:pointer;font-weight:600}details[open]>summary{margin-bottom:6px}"
    "@media print{body{max-width:none;background:#fff}details,table,svg{break-inside:avoid}"
    "details::details-content{content-visibility:visible;block-size:auto}nav{display:none}}";

void html_init(struct html *h, const char *title)
{
	*h = (struct html){.title = xstrdup(title)};
}

char *html_finish(struct html *h)
{
	struct buf out = BUF_INIT;

	buf_adds(&out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
		       "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>");
	html_text(&out, h->title);
	buf_addf(&out, "</title><style>%s%s</style></head><body>\n<h1>", style, svg_style);
	html_text(&out, h->title);
	buf_adds(&out, "</h1>\n");
	if (h->headings > 1)
		buf_addf(&out, "<nav aria-label=\"contents\"><ul>\n%s</ul></nav>\n", h->contents.data);
	buf_adds(&out, h->body.data ? h->body.data : "");
	buf_adds(&out, "</body></html>\n");
	free(h->title);
	buf_release(&h->body);
	buf_release(&h->contents);
	return buf_steal(&out);
}

void html_heading(struct html *h, int level, const char *title)
{
	if (level == 2) {
		h->headings++;
		buf_addf(&h->contents, "<li><a href=\"#part-%zu\">", h->headings);
		html_text(&h->contents, title);
		buf_adds(&h->contents, "</a></li>\n");
		buf_addf(&h->body, "<h2 id=\"part-%zu\">", h->headings);
	} else {
		buf_addf(&h->body, "<h%d>", level);
	}
	html_text(&h->body, title);
	buf_addf(&h->body, "</h%d>\n", level);
}

void html_paragraph(struct html *h, const char *fmt, ...)
{
	char *text;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		abort();
	va_end(ap);
	buf_adds(&h->body, "<p>");
	html_text(&h->body, text);
	buf_adds(&h->body, "</p>\n");
	free(text);
}

void html_pre(struct html *h, const char *text)
{
	buf_adds(&h->body, "<pre>");
	html_text(&h->body, text);
	buf_adds(&h->body, "</pre>\n");
}

void html_table_begin(struct html *h, const struct html_column *columns, size_t n)
{
	h->columns = columns;
	h->row = false;
	buf_adds(&h->body, "<div class=\"wide\"><table><thead><tr>");
	for (size_t i = 0; i < n; i++) {
		buf_adds(&h->body,
			 columns[i].figures ? "<th scope=\"col\" class=\"n\">" : "<th scope=\"col\">");
		html_text(&h->body, columns[i].title);
		buf_adds(&h->body, "</th>");
	}
	buf_adds(&h->body, "</tr></thead><tbody>\n");
}

void html_row(struct html *h)
{
	buf_adds(&h->body, h->row ? "</tr>\n<tr>" : "<tr>");
	h->row = true;
	h->cell = 0;
}

static void cell_begin(struct html *h)
{
	buf_adds(&h->body, h->columns[h->cell++].figures ? "<td class=\"n\">" : "<td>");
}

void html_cell(struct html *h, const char *text)
{
	cell_begin(h);
	html_text(&h->body, text);
	buf_adds(&h->body, "</td>");
}

void html_cell_link(struct html *h, const char *text, const char *anchor)
{
	cell_begin(h);
	buf_adds(&h->body, "<a href=\"#");
	html_text(&h->body, anchor);
	buf_adds(&h->body, "\">");
	html_text(&h->body, text);
	buf_adds(&h->body, "</a></td>");
}

void html_cell_number(struct html *h, double v)
{
	cell_begin(h);
	if (isfinite(v))
		buf_addf(&h->body, "%.4g</td>", v);
	else
		buf_adds(&h->body, "\xe2\x80\x93</td>");
}

void html_cell_count(struct html *h, uint64_t n)
{
	cell_begin(h);
	html_count(&h->body, (int64_t)n);
	buf_adds(&h->body, "</td>");
}

void html_table_end(struct html *h)
{
	buf_adds(&h->body, h->row ? "</tr></tbody></table></div>\n" : "</tbody></table></div>\n");
	h->row = false;
}

void html_columns_begin(struct html *h)
{
	buf_adds(&h->body, "<div class=\"cols\">\n");
}

void html_columns_end(struct html *h)
{
	buf_adds(&h->body, "</div>\n");
}

void html_fold_begin(struct html *h, const char *summary, const char *anchor, bool open)
{
	buf_addf(&h->body, "<details%s><summary>", open ? " open" : "");
	html_text(&h->body, summary);
	buf_adds(&h->body, "</summary>\n");
	if (anchor) {
		buf_adds(&h->body, "<div id=\"");
		html_text(&h->body, anchor);
		buf_adds(&h->body, "\">\n");
	} else {
		buf_adds(&h->body, "<div>\n");
	}
}

void html_fold_end(struct html *h)
{
	buf_adds(&h->body, "</div></details>\n");
}
