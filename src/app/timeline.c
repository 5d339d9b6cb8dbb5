// SPDX-License-Identifier: Apache-2.0
#include "app/timeline.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "judge/condition.h"
#include "util/xalloc.h"

void timelines_init(struct timelines *l)
{
	*l = (struct timelines){.n = 0};
	map_init(&l->by_key);
}

void timelines_release(struct timelines *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->items[i]->stream);
		free(l->items[i]->field);
		free(l->items[i]->slice);
		free(l->items[i]->points);
		free(l->items[i]);
	}
	free(l->items);
	map_release(&l->by_key, NULL);
}

static char *key_of(const char *rule, const char *stream, const char *field, const char *slice, int64_t window)
{
	return xasprintf("%s\037%s\037%s\037%s\037%" PRId64, rule, stream, field, slice, window);
}

void timelines_add(void *list, const struct judge_verdict *v)
{
	struct timelines *l = list;
	const struct reading *r = v->reading;
	char *key = key_of(v->rule->name, r->stream, r->field, r->slice, r->to - r->from);
	struct timeline *s = map_gets(&l->by_key, key);

	if (!s) {
		s = xcalloc(1, sizeof *s);
		*s = (struct timeline){.rule = v->rule, .stream = xstrdup(r->stream), .field = xstrdup(r->field),
				     .slice = xstrdup(r->slice), .window = r->to - r->from, .slide = r->to - r->from, .above = NAN, .below = NAN};
		map_puts(&l->by_key, key, s);
		GROW(l->items, l->n, l->cap);
		l->items[l->n++] = s;
	}
	free(key);
	if (s->n && r->to - s->points[s->n - 1].to < s->slide)
		s->slide = r->to - s->points[s->n - 1].to;
	bool firing = !strcmp(v->state, "firing");
	GROW(s->points, s->n, s->cap);
	s->points[s->n++] = (struct timeline_point){.to = r->to, .at = v->at, .value = r->v.value, .firing = firing, .open = v->open,
						      .met = (unsigned char)condition_eval(&r->limits, &r->v, false),
						      .stays = (unsigned char)condition_eval(&r->limits, &r->v, true)};
	s->nfiring += firing;
	if (!isnan(r->limits.above) || !isnan(r->limits.below)) {
		s->above = r->limits.above;
		s->below = r->limits.below;
	}
}

const struct timeline *timeline_like(const struct timelines *l, const struct timeline *s)
{
	char *key = key_of(s->rule->name, s->stream, s->field, s->slice, s->window);
	const struct timeline *found = map_gets(&l->by_key, key);

	free(key);
	return found;
}

size_t timeline_firing(const struct timeline *s, const struct timeline *but, struct timeline_run **out)
{
	size_t n = 0, cap = 0, k = 0;
	bool open = false;

	*out = NULL;
	for (size_t i = 0; i < s->n; i++) {
		const struct timeline_point *p = &s->points[i];
		while (but && k < but->n && but->points[k].to < p->to)
			k++;
		if (!p->firing || (but && k < but->n && but->points[k].to == p->to && but->points[k].firing)) {
			open = false;
			continue;
		}
		if (!open) {
			GROW(*out, n, cap);
			(*out)[n++] = (struct timeline_run){.from = p->to - s->window};
		}
		open = true;
		(*out)[n - 1].to = p->to;
		(*out)[n - 1].windows++;
	}
	return n;
}
