// SPDX-License-Identifier: Apache-2.0
// A page that stands by itself: one file, one style, no scripts, nothing from elsewhere, fit for print, for
// narrow screens and for the dark. Text given here is escaped here; pictures are added to `body` as they are.
//
//     struct html h;
//     html_init(&h, "Comparison");
//     html_paragraph(&h, "reference %s, current %s", a, b);
//     html_heading(&h, 2, "Fields");                     // in the list of contents
//     html_table_begin(&h, columns, 2);
//     html_row(&h); html_cell(&h, "amount"); html_cell_number(&h, 0.25);
//     html_table_end(&h);
//     svg_shape(&h.body, ...);
//     char *page = html_finish(&h);                      // the caller frees
#ifndef KD_REPORT_HTML_H
#define KD_REPORT_HTML_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"

struct html {
	char *title;
	struct buf body, contents;
	const struct html_column *columns;
	size_t cell; // of the row, in the table
	size_t headings;
	bool row;
};

struct html_column {
	const char *title;
	bool figures; // to the right
};

void html_init(struct html *h, const char *title);
char *html_finish(struct html *h); // releases it
// A level 2 heading is listed in the contents; 3 is not.
void html_heading(struct html *h, int level, const char *title);
void html_paragraph(struct html *h, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void html_pre(struct html *h, const char *text); // as it is, in columns

void html_table_begin(struct html *h, const struct html_column *columns, size_t n);
void html_row(struct html *h);
void html_cell(struct html *h, const char *text);
void html_cell_link(struct html *h, const char *text, const char *anchor); // to an html_anchor of the page
void html_cell_number(struct html *h, double v);			   // four digits; a dash for NaN
void html_cell_count(struct html *h, uint64_t n);
void html_table_end(struct html *h);

// What stands between is set in as many columns as there is room for: long narrow tables.
void html_columns_begin(struct html *h);
void html_columns_end(struct html *h);

// What can be folded away. The anchor stands inside, so that a link to it opens it. NULL: none.
void html_fold_begin(struct html *h, const char *summary, const char *anchor, bool open);
void html_fold_end(struct html *h);
#endif
