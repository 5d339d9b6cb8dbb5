// SPDX-License-Identifier: Apache-2.0
#include "judge/reach.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "drift/special.h"
#include "judge/condition.h"
#include "judge/threshold.h"
#include "util/clock.h"
#include "util/xalloc.h"

static uint64_t usual_values(const struct baseline *b, const struct baseline_field *f, int64_t window_ms)
{
	if (!b->has_event_time)
		return 0;
	double windows = (double)(b->to - b->from) / (double)window_ms;

	return (uint64_t)((double)f->total->count / fmax(1, windows) + 0.5);
}

// Of a window at a time that the baseline knows.
static int64_t known_end(const struct baseline_field *f, int64_t window_ms)
{
	struct chunk_reader r = baseline_field_chunks(f);

	return chunk_next(&r) ? time_floor(r.chunk.from, window_ms) + window_ms : 0;
}

static struct reach reach_of(const struct rule *r, const struct moment *m, const struct baseline_field *f)
{
	const struct baseline *b = m->stream->baseline;
	const struct measure_side total = {b->total, f->total};
	struct measure_input in = {.def = &f->def,
				   .current = total,
				   .reference = total,
				   .baseline = f,
				   .source = b,
				   .window_ms = m->window->to - m->window->from,
				   .window_to = known_end(f, m->window->to - m->window->from),
				   .newest = EVENT_TIME_NONE};
	struct thresholds t = thresholds_of(r, m, &in);
	struct reach out = {.field = xstrdup(f->def.path),
			    .state = READING_KNOWN,
			    .threshold = condition_threshold(&t, 0),
			    .values = usual_values(b, f, in.window_ms)};

	if (isnan(out.threshold)) {
		out.state = READING_UNCALIBRATED;
	} else if (r->measure->scale == SCALE_Z && out.values) {
		in.limit_p = normal_sf(out.threshold);
		in.suppose = out.values;
		struct measure_value v = measure_compute(r->measure, &in);
		out.state = v.state;
		out.smallest = v.smallest;
		out.smallest_in = v.smallest_in;
	}
	return out;
}

struct reach *rule_reaches(const struct rule *r, const struct judge_stream *s, size_t *n)
{
	bool derived = r->budget.firings || r->chunks.kind || !strcmp(r->measure->name, "drift");
	struct field_list fields;
	char all[] = "";
	struct merged window = {.to = r->over_ms ? r->over_ms : s->window_ms, .total = {.name = all}};
	struct reach *out = NULL;

	*n = 0;
	if (!derived || !s->baseline || r->against.kind != AGAINST_BASELINE)
		return NULL;
	field_list_fill(&fields, s, NULL);
	struct moment m = {.stream = s, .window = &window, .tests = rule_tests(r, s, &fields, &window)};
	out = xcalloc(fields.n + 1, sizeof *out);
	for (size_t i = 0; i < fields.n; i++) {
		const struct baseline_field *f = baseline_find(s->baseline, fields.items[i].path);
		if (f && f->def.type == fields.items[i].type && rule_needs_field(r, &f->def))
			out[(*n)++] = reach_of(r, &m, f);
	}
	field_list_release(&fields);
	return out;
}

void reaches_free(struct reach *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(v[i].field);
	free(v);
}
