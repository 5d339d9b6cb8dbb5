// SPDX-License-Identifier: Apache-2.0
// Pictures as SVG, to be put into a page of report/html.h, which has their style: no scripts, nothing from
// elsewhere, colours that hold for colour-blind people and in the dark (the reference is a filled shape, the
// current side an outline), a title and a description for screen readers. All text is escaped here.
//
// An `id` is a name that no other picture of the page has: letters, digits and dashes.
#ifndef KD_REPORT_SVG_H
#define KD_REPORT_SVG_H
#include "report/shape.h"
#include "util/buf.h"

extern const char svg_style[];
enum { SVG_CELLS = 80 }; // what to make a shape with for a picture

struct svg_about {
	const char *id, *title, *desc;
	const char *reference, *current; // what the sides are called
};

// Both distributions of a field: single values as pairs of bars, all else as a pair of histograms.
void svg_shape(struct buf *out, const struct svg_about *about, const struct shape *s);
// Pairs of bars, one below the other.
void svg_shares(struct buf *out, const struct svg_about *about, const struct share_row *rows, size_t n);

// --- measures over time -------------------------------------------------------------------------------

struct svg_point {
	int64_t at; // unix ms
	double v;   // NaN: unknown, a gap
};
struct svg_span {
	int64_t from, to; // unix ms
};
struct svg_mark {
	int64_t at;
	const char *label;
};
// Auto: logarithmic where a linear scale would press the threshold to the foot. P-values want SVG_LOG.
enum svg_scale { SVG_AUTO, SVG_LINEAR, SVG_LOG };

struct svg_line {
	const char *title;		// "amount: psi"
	const struct svg_point *points; // ascending in time
	size_t npoints;
	double above, below;	       // thresholds; NaN: none
	const struct svg_span *firing; // shaded
	size_t nfiring;
	enum svg_scale scale;
};
// One panel a line, all on one axis of time (UTC), with the marks through all of them.
struct svg_time {
	const char *id, *title, *desc;
	int64_t from, to;
	const struct svg_line *lines;
	size_t nlines;
	const struct svg_mark *marks;
	size_t nmarks;
};
void svg_time(struct buf *out, const struct svg_time *t);
#endif
