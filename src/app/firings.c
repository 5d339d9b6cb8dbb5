// SPDX-License-Identifier: Apache-2.0
#include "app/firings.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "judge/alert.h"
#include "util/sort.h"
#include "util/xalloc.h"

enum { DIGITS = 3 };

// From when to when an alert fires, by the judge's clock.
struct fire {
	const char *stream;
	int64_t from, to;
};

struct fires {
	struct fire *items;
	size_t n, cap;
};

static enum truth truth_of(const struct timeline_point *p, const struct measure_value *v, const struct thresholds *limits, bool firing)
{
	if (limits)
		return condition_eval(limits, v, firing);
	return firing ? p->stays : p->met;
}

static void add_fires(struct fires *out, const struct timeline *s, const struct thresholds *limits, int64_t for_ms)
{
	struct alert_state a;
	int64_t last = INT64_MIN;

	alert_init(&a);
	for (size_t i = 0; i < s->n; i++) {
		const struct timeline_point *p = &s->points[i];
		const struct measure_value v = {.state = isnan(p->value) ? READING_NO_DATA : READING_KNOWN, .value = p->value};
		const struct alert_step step = {p->open ? ALERT_EAGER : ALERT_WINDOW, truth_of(p, &v, limits, a.firing), v.state,
						p->to, p->open ? p->at : p->to, for_ms};
		if (!p->open && last != INT64_MIN && p->to - last > s->slide)
			alert_absent(&a, ALERT_WINDOW);
		if (!p->open)
			last = p->to;
		enum alert_change change = alert_apply(&a, &step);
		if (change == ALERT_FIRED) {
			GROW(out->items, out->n, out->cap);
			out->items[out->n++] = (struct fire){s->stream, p->at, INT64_MAX};
		} else if (change == ALERT_RESOLVED) {
			out->items[out->n - 1].to = p->at;
		}
	}
}

static int by_stream(const void *a, const void *b)
{
	const struct fire *x = a, *y = b;
	int c = strcmp(x->stream, y->stream);

	return c ? c : (x->from > y->from) - (x->from < y->from);
}

// Alerts of a stream that fire at one time are one page.
static void count_pages(const struct fires *f, struct firings *out)
{
	uint64_t here = 0;
	int64_t to = 0;

	if (f->n)
		qsort(f->items, f->n, sizeof *f->items, by_stream);
	for (size_t i = 0; i < f->n; i++) {
		const struct fire *x = &f->items[i];
		bool known = i && !strcmp(x->stream, x[-1].stream), same = known && x->from <= to;
		here = (known ? here : 0) + !same;
		out->total += !same;
		to = same && to > x->to ? to : x->to;
		if (here > out->most) {
			out->most = here;
			out->stream = x->stream;
		}
	}
}

struct names {
	const char **items;
	size_t n, cap;
};

static void add_name(struct names *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->items[i], name))
			return;
	GROW(l->items, l->n, l->cap);
	l->items[l->n++] = name;
}

struct firings firings_count(const struct rule *r, const struct timelines *history, const struct thresholds *limits, int64_t for_ms)
{
	struct fires fires = {NULL, 0, 0};
	struct names streams = {NULL, 0, 0};
	struct firings out = {.total = 0};

	for (size_t i = 0; i < history->n; i++) {
		const struct timeline *s = history->items[i];
		if (s->rule != r)
			continue;
		add_fires(&fires, s, limits, for_ms);
		add_name(&streams, s->stream);
		for (size_t k = 0; k < s->n; k++)
			out.readings += !isnan(s->points[k].value) && (limits || s->points[k].met != TRUTH_UNKNOWN);
	}
	count_pages(&fires, &out);
	out.streams = streams.n;
	free(streams.items);
	free(fires.items);
	return out;
}

double *firings_beyond(const struct rule *r, const struct timelines *history, bool below, double at, size_t *n)
{
	double *out = NULL;
	size_t cap = 0, k = 0;

	*n = 0;
	for (size_t i = 0; i < history->n; i++) {
		const struct timeline *s = history->items[i];
		for (size_t j = 0; s->rule == r && j < s->n; j++) {
			double v = s->points[j].value;
			if (below ? !(v < at) : !(v > at))
				continue;
			GROW(out, *n, cap);
			out[(*n)++] = below ? -v : v;
		}
	}
	if (*n)
		qsort(out, *n, sizeof *out, double_cmp);
	for (size_t i = 0; i < *n; i++)
		if (!k || out[i] != out[k - 1])
			out[k++] = out[i];
	*n = k;
	for (size_t i = 0; i < k; i++)
		out[i] = below ? -out[i] : out[i];
	return out;
}

double firings_rounded(double v, bool below)
{
	if (v == 0)
		return 0;
	double unit = pow(10, floor(log10(fabs(v))) - (DIGITS - 1)), steps = v / unit;
	char text[40];
	snprintf(text, sizeof text, "%.12g", (below ? floor(steps) : ceil(steps)) * unit); // as it will be written
	return strtod(text, NULL);
}
