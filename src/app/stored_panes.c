// SPDX-License-Identifier: Apache-2.0
#include "app/stored_panes.h"

#include <stdlib.h>
#include <string.h>

#include "judge/windows.h"
#include "judge/watermark.h"
#include "stats/pane.h"
#include "util/clock.h"
#include "util/search.h"
#include "util/xalloc.h"

enum { BATCH = 256 };

struct place { // of a partition, once an interval of it is counted
	size_t part;
	int64_t next;
};

struct moment_of { // a stream's event time comes to ms; panes before `bound` are counted
	int64_t ms, bound;
	size_t stream, place, nplaces;
};

struct panes_stream {
	const struct judge_stream *conf;
	size_t clock;              // the stream whose event time is its own
	struct interval_view *iv;  // of the range, by start; without writes: one without panes, where the range begins
	size_t n;
	bool stale;                // some were rolled up since
	struct partition_view *parts; // of it and its sub-streams; next -1: nothing is counted yet
	size_t nparts, capparts;
	struct hole *holes;
	size_t nholes;
	int64_t spread;            // of it and its sub-streams: stored_panes_spread
	int64_t timed, newest, untimed, bound; // timed: the newest event time in the store; the others as of the moment
	uint64_t records;
	int64_t oldest, youngest;
};

struct stored_panes {
	struct stored_panes_conf conf;
	struct panes_stream *streams;
	struct moment_of *moments;
	size_t nmoments, capmoments, next;
	struct place *places;
	size_t nplaces, capplaces;
};

static size_t stream_named(const struct stored_panes *p, const char *name)
{
	size_t i = 0;

	while (i < p->conf.nstreams && strcmp(p->conf.streams[i].name, name) != 0)
		i++;
	return i;
}

static int64_t end_of(const struct interval_view *v)
{
	return v->start + (v->width ? v->width : 1);
}

// Lists what the range holds, and whether the stream's data begin before it.
static int list(const struct stored_panes *p, struct panes_stream *s, struct error *err)
{
	int64_t first = p->conf.from == INT64_MIN ? INT64_MIN : time_floor(p->conf.from, s->conf->pane_ms);
	struct interval_view *iv;
	size_t all, n = 1;
	bool before = false;

	if (p->conf.port->intervals(p->conf.port->ctx, s->conf->name, INT64_MIN, INT64_MAX, &iv, &all, err))
		return -1;
	free(s->iv);
	s->iv = xmalloc((all + 1) * sizeof *iv);
	for (size_t i = 0; i < all; i++) {
		before |= iv[i].start < first;
		if (end_of(&iv[i]) > first && iv[i].start < p->conf.to)
			s->iv[n++] = iv[i];
	}
	free(iv);
	bool begins = before && (n == 1 || s->iv[1].start > first);
	s->iv[0] = (struct interval_view){.start = first};
	s->n = begins ? n : n - 1;
	if (!begins)
		memmove(s->iv, s->iv + 1, s->n * sizeof *s->iv);
	s->stale = false;
	return 0;
}

// --- the heads ----------------------------------------------------------------------------------------

struct scan {
	struct stored_panes *p;
	struct panes_stream *s;
	const struct interval_view *of; // in hand; NULL: none
	int64_t min, max;
	size_t place;                   // where its places begin
	uint64_t records;               // of the stream so far
};

static void add_moment(struct stored_panes *p, const struct panes_stream *s, int64_t ms, int64_t bound, size_t place)
{
	GROW(p->moments, p->nmoments, p->capmoments);
	p->moments[p->nmoments++] = (struct moment_of){ms, bound, (size_t)(s - p->streams), place, p->nplaces - place};
}

static void end_interval(struct scan *a)
{
	if (a->of && a->min <= a->max) {
		a->p->moments[a->p->nmoments - 1].ms = a->min;
		add_moment(a->p, a->s, a->max, a->of->start + 1, a->place);
	}
	a->of = NULL;
}

static void begin_interval(struct scan *a, const struct interval_view *of)
{
	end_interval(a);
	a->of = of;
	a->min = INT64_MAX;
	a->max = INT64_MIN;
	a->place = a->p->nplaces;
	add_moment(a->p, a->s, of->start, of->start, a->place);
}

static size_t part_of(struct stored_panes *p, const struct panes_stream *of, const struct segment_view *v)
{
	struct panes_stream *s = &p->streams[of->clock];

	for (size_t i = 0; i < s->nparts; i++)
		if (s->parts[i].partition == v->partition && !strcmp(s->parts[i].topic, v->topic))
			return i;
	GROW(s->parts, s->nparts, s->capparts);
	s->parts[s->nparts] = (struct partition_view){.topic = xstrdup(v->topic), .partition = v->partition, .next = -1};
	return s->nparts++;
}

static void add_place(struct scan *a, size_t part, int64_t next)
{
	struct stored_panes *p = a->p;

	for (size_t i = a->place; i < p->nplaces; i++)
		if (p->places[i].part == part) {
			p->places[i].next = next > p->places[i].next ? next : p->places[i].next;
			return;
		}
	GROW(p->places, p->nplaces, p->capplaces);
	p->places[p->nplaces++] = (struct place){part, next};
}

static void on_segment(void *arg, const struct interval_view *of, const struct segment_view *v)
{
	struct scan *a = arg;
	struct error ignored = ERROR_INIT; // the judge calls windows with a damaged pane unknown
	struct pane head;

	if (a->of != of)
		begin_interval(a, of);
	if (pane_decode_head(v->bytes, v->len, &head, &ignored))
		return;
	a->min = head.min_event < a->min ? head.min_event : a->min;
	a->max = head.max_event > a->max ? head.max_event : a->max;
	a->records += head.records;
	if (head.min_event > head.max_event)
		return;
	if (head.max_offset != INT64_MIN)
		add_place(a, part_of(a->p, a->s, v), head.max_offset + 1);
	struct panes_stream *s = a->s, *clock = &a->p->streams[s->clock];
	if (!of->width && head.max_event - of->start >= clock->spread)
		clock->spread = head.max_event - of->start + 1;
	s->oldest = head.min_event < s->oldest ? head.min_event : s->oldest;
	s->youngest = head.max_event > s->youngest ? head.max_event : s->youngest;
}

// -> as the port's segments
static int scan_listed(struct stored_panes *p, struct panes_stream *s, size_t index, uint64_t before, struct error *err)
{
	struct scan a = {.p = p, .s = s};
	size_t first = s->n && !s->iv[0].writes;
	int rc = 0;

	s->oldest = INT64_MAX;
	s->youngest = INT64_MIN;
	for (size_t i = first, n; i < s->n && !rc; i += n) {
		n = s->n - i < BATCH ? s->n - i : BATCH;
		rc = p->conf.port->segments(p->conf.port->ctx, s->conf->name, s->iv + i, n, on_segment, &a, err);
		end_interval(&a);
		if (p->conf.progress)
			p->conf.progress(p->conf.ctx, ((double)index + (double)(i + n) / (double)s->n) / (double)p->conf.nstreams,
					 before + a.records);
	}
	s->records = a.records;
	return rc;
}

static int scan_stream(struct stored_panes *p, size_t index, uint64_t before, struct error *err)
{
	struct panes_stream *s = &p->streams[index];
	size_t moments = p->nmoments, places = p->nplaces;
	int rc = 1;

	for (int tries = 0; rc > 0 && tries < ROLL_TRIES; tries++) {
		p->nmoments = moments;
		p->nplaces = places;
		rc = list(p, s, err) ? -1 : scan_listed(p, s, index, before, err);
	}
	return rc > 0 ? error_set(err, "read stream %s: its panes were being rolled up all the while; try again", s->conf->name)
		      : rc;
}

static int look(struct stored_panes *p, struct panes_stream *s, struct error *err)
{
	struct stream_view v;

	if (p->conf.port->view(p->conf.port->ctx, s->conf->name, &v, err))
		return -1;
	s->timed = progress_of(&v).newest.ms;
	s->holes = v.holes;
	s->nholes = v.nholes;
	v.holes = NULL;
	stream_view_release(&v);
	return 0;
}

static int by_time(const void *a, const void *b)
{
	const struct moment_of *x = a, *y = b;

	if (x->ms != y->ms)
		return x->ms < y->ms ? -1 : 1;
	if (x->stream != y->stream)
		return x->stream < y->stream ? -1 : 1;
	return (x->bound > y->bound) - (x->bound < y->bound);
}

// At last all of the range is counted, and event time has come as far as the store has it. A sub-stream's newest record
// is one of the range.
static void add_ends(struct stored_panes *p)
{
	for (size_t i = 0; i < p->conf.nstreams; i++) {
		const struct panes_stream *s = &p->streams[i];
		int64_t ms = s->clock != i && s->youngest < s->timed ? s->youngest : s->timed;
		if (ms != INT64_MIN)
			add_moment(p, s, ms, INT64_MAX, p->nplaces);
	}
}

struct stored_panes *stored_panes_open(const struct stored_panes_conf *conf, struct error *err)
{
	struct stored_panes *p = xcalloc(1, sizeof *p);
	uint64_t records = 0;
	int rc = 0;

	p->conf = *conf;
	p->streams = xcalloc(conf->nstreams + 1, sizeof *p->streams);
	for (size_t i = 0; i < conf->nstreams; i++) {
		const struct judge_stream *c = &conf->streams[i];
		p->streams[i] = (struct panes_stream){.conf = c, .clock = c->of ? stream_named(p, c->of) : i, .newest = INT64_MIN,
						      .untimed = INT64_MIN, .bound = INT64_MIN};
	}
	for (size_t i = 0; i < conf->nstreams && !rc; i++) {
		rc = look(p, &p->streams[i], err) || scan_stream(p, i, records, err);
		records += p->streams[i].records;
	}
	if (rc) {
		stored_panes_free(p);
		return NULL;
	}
	add_ends(p);
	if (p->nmoments)
		qsort(p->moments, p->nmoments, sizeof *p->moments, by_time);
	return p;
}

void stored_panes_free(struct stored_panes *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->conf.nstreams; i++) {
		struct panes_stream *s = &p->streams[i];
		for (size_t k = 0; k < s->nparts; k++)
			free(s->parts[k].topic);
		free(s->parts);
		free(s->holes);
		free(s->iv);
	}
	free(p->streams);
	free(p->moments);
	free(p->places);
	free(p);
}

uint64_t stored_panes_records(const struct stored_panes *p, int64_t *from, int64_t *to)
{
	uint64_t n = 0;

	*from = INT64_MAX;
	*to = INT64_MIN;
	for (size_t i = 0; i < p->conf.nstreams; i++) {
		const struct panes_stream *s = &p->streams[i];
		n += s->records;
		*from = s->oldest < *from ? s->oldest : *from;
		*to = s->youngest > *to ? s->youngest : *to;
	}
	return n;
}

int64_t stored_panes_spread(const struct stored_panes *p, size_t stream)
{
	return p->streams[stream].spread;
}

int stored_panes_check(struct stored_panes *p, struct error *err)
{
	for (size_t i = 0; i < p->conf.nstreams; i++) {
		const struct panes_stream *s = &p->streams[i];
		size_t first = s->n && !s->iv[0].writes, n;
		struct interval_view *iv;
		if (first == s->n)
			continue;
		if (p->conf.port->intervals(p->conf.port->ctx, s->conf->name, s->iv[first].start, end_of(&s->iv[first]), &iv, &n, err))
			return -1;
		free(iv);
		if (!n)
			return error_set(err, "stream %s: the oldest panes of the range were removed while they were read (retention); choose a "
					      "later --from", s->conf->name);
	}
	return 0;
}

// --- moment by moment ---------------------------------------------------------------------------------

// Records without an event time of their own lie at Kafka's, and move no clock.
static void advance(struct panes_stream *s, const struct stored_panes *p, int64_t ms)
{
	int64_t lateness = p->streams[s->clock].conf->lateness_ms;
	int64_t last = p->conf.to == INT64_MAX ? INT64_MAX : p->conf.to + lateness, to = ms < s->timed ? ms : s->timed;

	to = to < last ? to : last;
	s->newest = to > s->newest ? to : s->newest;
	if (ms > s->timed && ms > s->untimed)
		s->untimed = ms;
}

bool stored_panes_next(struct stored_panes *p, size_t *stream, int64_t *ms)
{
	if (p->next == p->nmoments)
		return false;
	const struct moment_of *m = &p->moments[p->next++];
	struct panes_stream *s = &p->streams[m->stream], *clock = &p->streams[s->clock];

	advance(s, p, m->ms);
	if (clock != s)
		advance(clock, p, m->ms);
	s->bound = m->bound > s->bound ? m->bound : s->bound;
	for (size_t i = 0; i < m->nplaces; i++) {
		const struct place *at = &p->places[m->place + i];
		struct partition_view *part = &clock->parts[at->part];
		part->next = at->next > part->next ? at->next : part->next;
	}
	*stream = s->clock;
	*ms = clock->newest;
	return true;
}

double stored_panes_share(const struct stored_panes *p)
{
	return p->nmoments ? (double)p->next / (double)p->nmoments : 1;
}

static int view(void *ctx, const char *stream, struct stream_view *out, struct error *err)
{
	const struct stored_panes *p = ctx;
	size_t at = stream_named(p, stream);

	(void)err;
	*out = (struct stream_view){.first_seen = INT64_MIN};
	if (at == p->conf.nstreams) // a type that came since
		return 0;
	const struct panes_stream *s = &p->streams[at], *clock = &p->streams[s->clock];
	out->parts = xcalloc(clock->nparts + 1, sizeof *out->parts);
	for (size_t i = 0; i < clock->nparts; i++) {
		if (clock->parts[i].next < 0)
			continue;
		struct partition_view *part = &out->parts[out->nparts++];
		*part = clock->parts[i];
		part->topic = xstrdup(part->topic);
		part->max_event = s->newest;
		part->max_untimed = s->untimed;
		part->end = part->next;
		part->idle = part->owned = true;
	}
	out->nholes = s->nholes;
	out->holes = xmalloc((s->nholes + 1) * sizeof *out->holes);
	if (s->nholes)
		memcpy(out->holes, s->holes, s->nholes * sizeof *s->holes);
	return 0;
}

static int intervals(void *ctx, const char *stream, int64_t from, int64_t to, struct interval_view **out, size_t *n,
		     struct error *err)
{
	struct stored_panes *p = ctx;
	size_t at = stream_named(p, stream);

	*n = 0;
	*out = NULL;
	if (at == p->conf.nstreams)
		return 0;
	struct panes_stream *s = &p->streams[at];
	if (s->stale && list(p, s, err))
		return -1;
	int64_t widest = roll_widths[ROLL_WIDTHS - 1], reach = from > INT64_MIN + widest ? from - widest : from;
	size_t first = search_i64(s->iv, s->n, sizeof *s->iv, reach);
	size_t end = search_i64(s->iv, s->n, sizeof *s->iv, to < s->bound ? to : s->bound);
	*out = xmalloc((end - first + 1) * sizeof **out);
	for (size_t i = first; i < end; i++)
		if (end_of(&s->iv[i]) > from)
			(*out)[(*n)++] = s->iv[i];
	return 0;
}

static int segments(void *ctx, const char *stream, const struct interval_view *iv, size_t n,
		    void (*each)(void *arg, const struct interval_view *of, const struct segment_view *s), void *arg,
		    struct error *err)
{
	struct stored_panes *p = ctx;
	size_t first = n && !iv[0].writes;
	int rc = p->conf.port->segments(p->conf.port->ctx, stream, iv + first, n - first, each, arg, err);

	if (rc > 0)
		p->streams[stream_named(p, stream)].stale = true;
	return rc;
}

struct judge_port stored_panes_port(struct stored_panes *p)
{
	return (struct judge_port){.ctx = p, .view = view, .intervals = intervals, .segments = segments};
}
