// SPDX-License-Identifier: Apache-2.0
// The open panes of a partition, found by interval and slice: there may be thousands.
#include <stdlib.h>
#include <string.h>

#include "collect/partition.h"
#include "util/xalloc.h"

enum { CROWD = 1 << 13 }; // fields: some 10 MB of numbers

static size_t pane_key(char *key, int64_t interval, const char *slice)
{
	size_t n = strlen(slice);

	n = n < SLICE_MAX ? n : SLICE_MAX - 1;
	memcpy(key, &interval, sizeof interval);
	memcpy(key + sizeof interval, slice, n);
	key[sizeof interval + n] = 0; // with it: an interval alone is another key
	return sizeof interval + n + 1;
}

static struct open_pane *find(struct part_stream *s, int64_t interval, const char *slice)
{
	char key[sizeof interval + SLICE_MAX];
	size_t at = (size_t)map_get(&s->at, key, pane_key(key, interval, slice));

	if (!at)
		return NULL;
	s->last = at - 1;
	return &s->panes[s->last];
}

static void note(struct part_stream *s, size_t at)
{
	const struct open_pane *o = &s->panes[at];
	char key[sizeof o->interval + SLICE_MAX];
	size_t n = (size_t)map_get(&s->at, &o->interval, sizeof o->interval);

	map_put(&s->at, key, pane_key(key, o->interval, o->slice), (void *)(at + 1));
	map_put(&s->at, &o->interval, sizeof o->interval, (void *)(n + 1));
}

void part_panes_moved(struct part_stream *s)
{
	map_release(&s->at, NULL);
	map_init(&s->at);
	for (size_t i = 0; i < s->npanes; i++)
		note(s, i);
	s->last = 0;
}

struct open_pane *part_pane(struct part *p, struct part_stream *s, int64_t interval, const char *slice)
{
	if (s->last < s->npanes && s->panes[s->last].interval == interval && !strcmp(s->panes[s->last].slice, slice))
		return &s->panes[s->last];
	struct open_pane *found = find(s, interval, slice);
	if (found)
		return found;
	if (*slice && strcmp(slice, "other") &&
	    (size_t)map_get(&s->at, &interval, sizeof interval) >= s->stream->conf->max_slices) {
		struct open_pane *o = part_pane(p, s, interval, "other");
		o->pane->approximate = true;
		return o;
	}
	struct open_pane o = {.interval = interval, .slice = xstrdup(slice), .pane = pane_new(), .n = p->segments++, .reopened = part_closed(s, interval)};
	for (size_t i = 0; i < s->stream->nfields; i++) // a field that stops coming is missing, not forgotten
		wstream_pane_field(s->stream, o.pane, i);
	GROW(s->panes, s->npanes, s->cappanes);
	s->panes[s->npanes] = o;
	s->last = s->npanes++;
	note(s, s->last);
	return &s->panes[s->last];
}

size_t part_panes(const struct part *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->nstreams; i++)
		n += p->streams[i]->npanes;
	return n;
}

size_t part_open_fields(const struct part *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->nstreams; i++)
		n += p->streams[i]->npanes * (p->streams[i]->stream->nfields + 1);
	return n;
}

bool fields_crowd(size_t open, size_t kept)
{
	return open > kept && open - kept > (kept > CROWD ? kept : CROWD);
}

bool part_is_crowded(const struct part *p)
{
	return fields_crowd(part_open_fields(p), p->kept);
}
