// SPDX-License-Identifier: Apache-2.0
// One range of a stream's panes, without caches. It is read day by day: no interval reaches across the end of one, so
// that where panes are rolled up meanwhile only that day is read again.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "judge/judge.h"
#include "judge/windows.h"
#include "stats/pane.h"
#include "util/clock.h"

struct range_arg {
	struct pane *sum;
	const char *slice, *stream;
	const struct baseline *baseline;
	struct error *err;
};

static void on_range_segment(void *arg, const struct interval_view *of, const struct segment_view *v)
{
	struct range_arg *a = arg;

	if (a->slice && strcmp(a->slice, v->slice) != 0)
		return;
	struct pane *p = pane_decode(v->bytes, v->len, baseline_grid, (void *)(uintptr_t)a->baseline, a->err);
	if (!p) {
		error_prefix(a->err, "read a pane of stream %s at %" PRId64, a->stream, of->start);
		return;
	}
	pane_merge(a->sum, p);
	pane_free(p);
}

// What is in the range, which is rounded outward to it.
static int list(const struct judge_port *port, const char *stream, struct stored_range *r, struct interval_view **iv,
		size_t *n, struct error *err)
{
	bool again = true;

	*iv = NULL;
	while (again) { // what rounding adds may hold others that reach beyond it
		free(*iv);
		*iv = NULL;
		if (port->intervals(port->ctx, stream, r->from, r->to, iv, n, err))
			return -1;
		again = false;
		for (size_t i = 0; i < *n; i++) {
			const struct interval_view *v = &(*iv)[i];
			if (!v->width)
				continue;
			again |= v->start < r->from || v->start + v->width > r->to;
			r->from = v->start < r->from ? v->start : r->from;
			r->to = v->start + v->width > r->to ? v->start + v->width : r->to;
			r->widest = v->width > r->widest ? v->width : r->widest;
		}
	}
	return 0;
}

// Adds the intervals to the sum, and says from where on the rest are. -> as the port's segments
static int add_days(const struct judge_port *port, struct range_arg *a, const struct interval_view *iv, size_t n,
		    int64_t *rest, struct error *err)
{
	for (size_t i = 0, next; i < n; i = next) {
		int64_t end = time_floor(iv[i].start, roll_widths[ROLL_WIDTHS - 1]) + roll_widths[ROLL_WIDTHS - 1];
		struct range_arg day = *a;
		for (next = i + 1; next < n && iv[next].start < end; next++)
			;
		day.sum = pane_new();
		int rc = port->segments(port->ctx, a->stream, iv + i, next - i, on_range_segment, &day, err);
		if (!rc)
			pane_merge(a->sum, day.sum);
		pane_free(day.sum);
		if (rc)
			return rc;
		*rest = end;
	}
	return 0;
}

int judge_merge_range(const struct judge_port *port, const char *stream, struct stored_range *r, const char *slice,
		      const struct baseline *b, struct pane **out, struct error *err)
{
	struct error bad = ERROR_INIT;
	struct range_arg arg = {pane_new(), slice, stream, b, &bad};
	int64_t read = r->from;
	int rc = 1;

	*out = NULL;
	for (int tries = 0; rc > 0 && tries < ROLL_TRIES; tries++) {
		struct stored_range rest = {read, r->to, r->widest};
		struct interval_view *iv = NULL;
		size_t n = 0;
		rc = list(port, stream, &rest, &iv, &n, err);
		r->from = rest.from < r->from ? rest.from : r->from;
		r->to = rest.to;
		r->widest = rest.widest;
		read = rest.from;
		rc = rc ? rc : add_days(port, &arg, iv, n, &read, err);
		free(iv);
	}
	if (rc > 0)
		rc = error_set(err, "read stream %s: its panes were being rolled up all the while; try again", stream);
	if (!rc && bad.set)
		rc = error_set(err, "%s", bad.text);
	baseline_keep_grids(b, arg.sum);
	if (rc)
		pane_free(arg.sum);
	else
		*out = arg.sum;
	return rc;
}
