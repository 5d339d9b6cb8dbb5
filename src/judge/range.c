// SPDX-License-Identifier: Apache-2.0
// One range of a stream's panes, without caches.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "judge/judge.h"
#include "stats/pane.h"

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

int judge_merge_range(const struct judge_port *port, const char *stream, int64_t from, int64_t to, const char *slice,
		      const struct baseline *b, struct pane **out, struct error *err)
{
	struct error bad = ERROR_INIT;
	struct range_arg arg = {pane_new(), slice, stream, b, &bad};
	struct interval_view *iv = NULL;
	size_t n = 0;
	int rc = port->intervals(port->ctx, stream, from, to, &iv, &n, err);

	*out = NULL;
	if (!rc && n)
		rc = port->segments(port->ctx, stream, iv, n, on_range_segment, &arg, err);
	free(iv);
	if (!rc && bad.set)
		rc = error_set(err, "%s", bad.text);
	if (rc)
		pane_free(arg.sum);
	else
		*out = arg.sum;
	return rc;
}

int judge_round_range(const struct judge_port *port, const char *stream, int64_t *from, int64_t *to, int64_t *widest,
		      struct error *err)
{
	bool again = true;

	while (again) { // what rounding adds may hold others that reach beyond it
		struct interval_view *iv;
		size_t n;
		if (port->intervals(port->ctx, stream, *from, *to, &iv, &n, err))
			return -1;
		again = false;
		for (size_t i = 0; i < n; i++) {
			if (!iv[i].width)
				continue;
			again |= iv[i].start < *from || iv[i].start + iv[i].width > *to;
			*from = iv[i].start < *from ? iv[i].start : *from;
			*to = iv[i].start + iv[i].width > *to ? iv[i].start + iv[i].width : *to;
			*widest = iv[i].width > *widest ? iv[i].width : *widest;
		}
		free(iv);
	}
	return 0;
}
