// SPDX-License-Identifier: Apache-2.0
// What all pictures share. Private to the report room.
#ifndef KD_REPORT_SVG_DRAW_H
#define KD_REPORT_SVG_DRAW_H
#include "report/svg.h"

enum { SVG_WIDTH = 720 };

void svg_begin(struct buf *out, const char *id, const char *title, const char *desc, double height);
void svg_end(struct buf *out);
void svg_line_at(struct buf *out, const char *class, double x1, double y1, double x2, double y2);
void svg_rect(struct buf *out, const char *class, double x, double y, double width, double height);
// anchor: "start", "middle" or "end".
void svg_text(struct buf *out, const char *class, const char *anchor, double x, double y, const char *text);
// The same, cut to so many columns.
void svg_label(struct buf *out, const char *class, const char *anchor, double x, double y, const char *text,
	       size_t columns);
#endif
