// SPDX-License-Identifier: Apache-2.0
#include "app/memory_store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "judge/memory_docs.h"
#include "util/map.h"
#include "util/search.h"
#include "util/xalloc.h"

struct segment {
	char *slice;
	size_t part;                // index of its partition
	uint32_t n;                 // its number there
	void *bytes;
	size_t len;
};

struct interval {
	int64_t start;
	uint64_t writes;
	struct segment *segments;
	size_t n, cap;
};

struct stream {
	struct interval *intervals; // ascending
	size_t n, cap;
	int64_t ahead;              // memory_store_advance
	struct partition_view *parts; // .topic is the partition's
	struct hole *holes;         // of each, open
	size_t nparts, capparts;
	struct hole *closed;
	size_t nclosed, capclosed;
	uint64_t too_old, lost;
};

struct memory_part {
	char *topic;
	int32_t partition;
	int64_t next;
};

struct memory_store {
	struct memory_sink sink;
	const struct collect_port *schemas;
	const struct judge_port *panes;
	struct map streams;         // name -> struct stream
	struct map docs;            // judge/memory_docs.h
	struct memory_part *parts;
	size_t nparts, capparts;
};

struct memory_store *memory_store_new(const struct memory_sink *sink)
{
	struct memory_store *m = xcalloc(1, sizeof *m);

	m->sink = *sink;
	map_init(&m->streams);
	map_init(&m->docs);
	return m;
}

static void interval_release(struct interval *v)
{
	for (size_t i = 0; i < v->n; i++) {
		free(v->segments[i].slice);
		free(v->segments[i].bytes);
	}
	free(v->segments);
}

static void stream_free(void *p)
{
	struct stream *s = p;

	for (size_t i = 0; i < s->n; i++)
		interval_release(&s->intervals[i]);
	free(s->intervals);
	free(s->parts);
	free(s->holes);
	free(s->closed);
	free(s);
}

void memory_store_free(struct memory_store *m)
{
	if (!m)
		return;
	map_release(&m->streams, stream_free);
	map_release(&m->docs, free);
	for (size_t i = 0; i < m->nparts; i++)
		free(m->parts[i].topic);
	free(m->parts);
	free(m);
}

static struct stream *stream_get(struct memory_store *m, const char *name)
{
	struct stream *s = map_gets(&m->streams, name);

	if (!s) {
		s = xcalloc(1, sizeof *s);
		s->ahead = INT64_MIN;
		map_puts(&m->streams, name, s);
	}
	return s;
}

// The first at or after `start`.
static size_t interval_at(const struct stream *s, int64_t start)
{
	return search_i64(s->intervals, s->n, sizeof *s->intervals, start);
}

static struct interval *interval_get(struct stream *s, int64_t start)
{
	size_t i = interval_at(s, start);

	if (i < s->n && s->intervals[i].start == start)
		return &s->intervals[i];
	GROW(s->intervals, s->n, s->cap);
	memmove(s->intervals + i + 1, s->intervals + i, (s->n++ - i) * sizeof *s->intervals);
	s->intervals[i] = (struct interval){.start = start};
	return &s->intervals[i];
}

static size_t part_get(struct memory_store *m, const char *topic, int32_t partition)
{
	for (size_t i = 0; i < m->nparts; i++)
		if (m->parts[i].partition == partition && !strcmp(m->parts[i].topic, topic))
			return i;
	GROW(m->parts, m->nparts, m->capparts);
	m->parts[m->nparts] = (struct memory_part){xstrdup(topic), partition, -1};
	return m->nparts++;
}

void memory_store_advance(struct memory_store *m, const char *stream, int64_t event_ms)
{
	struct stream *s = stream_get(m, stream);

	s->ahead = event_ms > s->ahead ? event_ms : s->ahead;
}

void memory_store_begin(struct memory_store *m, const char *stream, int64_t start)
{
	interval_get(stream_get(m, stream), start)->writes++;
}

// --- collect's port -----------------------------------------------------------------------------------

static int claim(void *ctx, const char *topic, int32_t partition, struct claim *out, struct error *err)
{
	struct memory_store *m = ctx;
	size_t part = part_get(m, topic, partition);
	int64_t next = m->parts[part].next;

	(void)err;
	*out = (struct claim){.nonce = "memory", .epoch = 1, .fresh = next < 0, .next = next, .check_offset = -1};
	return 0;
}

// The segment that the write names; NULL: there is none.
static struct segment *segment_find(const struct interval *v, const struct segment_write *w, size_t part)
{
	char *end;
	uint32_t n = w->key ? (uint32_t)strtoul(w->key, &end, 10) : w->n;
	const char *slice = w->key ? end + 1 : w->slice;

	for (size_t i = v->n; i-- > 0;)
		if (v->segments[i].n == n && v->segments[i].part == part && !strcmp(v->segments[i].slice, slice))
			return &v->segments[i];
	return NULL;
}

static void write_segment(struct memory_store *m, const struct segment_write *w, size_t part)
{
	struct interval *v = interval_get(stream_get(m, w->stream), w->interval);
	struct segment *g = segment_find(v, w, part);

	v->writes++;
	if (!w->bytes && g) {
		free(g->slice);
		free(g->bytes);
		*g = v->segments[--v->n];
	}
	if (!w->bytes)
		return;
	if (!g) {
		GROW(v->segments, v->n, v->cap);
		g = &v->segments[v->n++];
		*g = (struct segment){.slice = xstrdup(w->slice), .part = part, .n = w->n};
	}
	g->bytes = xrealloc(g->bytes, w->len);
	memcpy(g->bytes, w->bytes, w->len);
	g->len = w->len;
}

static void write_mark(struct memory_store *m, const struct stream_mark *k, const struct checkpoint *c, size_t part)
{
	struct stream *s = stream_get(m, k->stream);
	size_t i = 0;

	while (i < s->nparts && (s->parts[i].topic != m->parts[part].topic || s->parts[i].partition != c->partition))
		i++;
	if (i == s->nparts) {
		s->holes = xrealloc(s->holes, (i + 1) * sizeof *s->holes);
		GROW(s->parts, s->nparts, s->capparts);
		s->nparts++;
	}
	s->parts[i] = (struct partition_view){.topic = m->parts[part].topic, .partition = c->partition,
					      .max_event = k->max_event, .max_untimed = k->max_untimed, .next = c->next,
					      .end = c->next, .idle = true, .owned = true, .letters = k->letters};
	s->holes[i] = k->hole_closed ? (struct hole){0, 0} : k->hole;
	s->too_old += c->too_old;
	s->lost += c->records_lost;
	if (k->hole_closed && k->hole.from < k->hole.to) {
		GROW(s->closed, s->nclosed, s->capclosed);
		s->closed[s->nclosed++] = k->hole;
	}
}

static enum store_result checkpoint(void *ctx, const struct checkpoint *c, const int64_t *widths, int64_t *floors,
				    struct error *err)
{
	struct memory_store *m = ctx;
	size_t part = part_get(m, c->topic, c->partition);

	(void)widths, (void)err;
	m->parts[part].next = c->next;
	for (size_t i = 0; i < c->nmarks; i++) {
		write_mark(m, &c->marks[i], c, part);
		floors[i] = INT64_MIN;
	}
	for (size_t i = 0; i < c->nsegments; i++)
		write_segment(m, &c->segments[i], part);
	return STORE_OK;
}

static int first_seen(void *ctx, const char *stream, const char *topic, int64_t *ms, int32_t *partitions, struct error *err)
{
	(void)ctx, (void)stream, (void)topic, (void)err;
	*ms = INT64_MIN;
	*partitions = 0;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int types(void *ctx, const char *stream, char ***names, size_t *n, struct error *err)
{
	const struct memory_store *m = ctx;
	size_t len = strlen(stream);

	(void)err;
	*names = xcalloc(m->streams.count + 1, sizeof **names);
	*n = 0;
	for (struct map_entry *e = NULL; (e = map_next(&m->streams, e));)
		if (!strncmp(e->key, stream, len) && e->key[len] == '/')
			(*names)[(*n)++] = xstrdup(e->key);
	qsort(*names, *n, sizeof **names, by_name);
	return 0;
}

static int own_segments(void *ctx, const char *stream, int64_t width, int64_t start, const char *topic, int32_t partition,
			void (*each)(void *arg, const char *key, const char *slice, const void *bytes, size_t len), void *arg,
			struct error *err)
{
	struct memory_store *m = ctx;
	const struct stream *s = stream_get(m, stream);
	size_t at = interval_at(s, start), part = part_get(m, topic, partition);

	(void)width, (void)err;
	if (at == s->n || s->intervals[at].start != start)
		return 0;
	for (size_t i = 0; i < s->intervals[at].n; i++) {
		const struct segment *g = &s->intervals[at].segments[i];
		if (g->part != part)
			continue;
		char *key = xasprintf("%" PRIu32 " %s", g->n, g->slice);
		each(arg, key, g->slice, g->bytes, g->len);
		free(key);
	}
	return 0;
}

static uint64_t generation(void *ctx)
{
	(void)ctx;
	return 1;
}

static enum registry_answer schema(void *ctx, int32_t id, const struct registry_schema **out)
{
	const struct collect_port *p = ((struct memory_store *)ctx)->schemas;

	return p ? p->schema(p->ctx, id, out) : REGISTRY_DENIED;
}

static enum registry_answer id_of(void *ctx, const struct schema_ref *ref, const char *subject, int32_t *id)
{
	const struct collect_port *p = ((struct memory_store *)ctx)->schemas;

	return p ? p->id_of(p->ctx, ref, subject, id) : REGISTRY_DENIED;
}

static enum subject_answer subject(void *ctx, int32_t id, const char *name)
{
	const struct collect_port *p = ((struct memory_store *)ctx)->schemas;

	return p ? p->subject(p->ctx, id, name) : SUBJECT_UNCHECKED;
}

struct collect_port memory_collect_port(struct memory_store *m, const struct collect_port *schemas)
{
	m->schemas = schemas;
	return (struct collect_port){.ctx = m, .claim = claim, .checkpoint = checkpoint, .first_seen = first_seen,
				     .types = types, .segments = own_segments, .generation = generation, .schema = schema,
				     .id_of = id_of, .subject = subject};
}

// --- the judge's port ---------------------------------------------------------------------------------

static int by_partition(const void *a, const void *b)
{
	const struct partition_view *x = a, *y = b;
	int c = strcmp(x->topic, y->topic);

	return c ? c : (x->partition > y->partition) - (x->partition < y->partition);
}

static int view(void *ctx, const char *stream, struct stream_view *out, struct error *err)
{
	struct memory_store *m = ctx;

	if (m->panes)
		return m->panes->view(m->panes->ctx, stream, out, err);
	const struct stream *s = stream_get(m, stream);
	*out = (struct stream_view){.first_seen = INT64_MIN, .nparts = s->nparts, .too_old = s->too_old,
				    .records_lost = s->lost};
	out->parts = xcalloc(s->nparts + 1, sizeof *out->parts);
	out->holes = xcalloc(s->nparts + s->nclosed + 1, sizeof *out->holes);
	for (size_t i = 0; i < s->nparts; i++) {
		out->parts[i] = s->parts[i];
		out->parts[i].topic = xstrdup(s->parts[i].topic);
		if (s->ahead > out->parts[i].max_event)
			out->parts[i].max_event = s->ahead;
		if (s->holes[i].from < s->holes[i].to)
			out->holes[out->nholes++] = s->holes[i];
	}
	for (size_t i = 0; i < s->nclosed; i++)
		out->holes[out->nholes++] = s->closed[i];
	qsort(out->parts, out->nparts, sizeof *out->parts, by_partition);
	return 0;
}

static int intervals(void *ctx, const char *stream, int64_t from, int64_t to, struct interval_view **out, size_t *n,
		     struct error *err)
{
	struct memory_store *m = ctx;

	if (m->panes)
		return m->panes->intervals(m->panes->ctx, stream, from, to, out, n, err);
	const struct stream *s = stream_get(m, stream);
	size_t first = interval_at(s, from), end = interval_at(s, to);
	*n = end - first;
	*out = xcalloc(*n + 1, sizeof **out);
	for (size_t i = 0; i < *n; i++)
		(*out)[i] = (struct interval_view){.start = s->intervals[first + i].start,
						    .writes = s->intervals[first + i].writes};
	return 0;
}

static int segments(void *ctx, const char *stream, const struct interval_view *iv, size_t n,
		    void (*each)(void *arg, const struct interval_view *of, const struct segment_view *s), void *arg,
		    struct error *err)
{
	struct memory_store *m = ctx;

	if (m->panes)
		return m->panes->segments(m->panes->ctx, stream, iv, n, each, arg, err);
	const struct stream *s = stream_get(m, stream);
	for (size_t k = 0; k < n; k++) {
		size_t at = interval_at(s, iv[k].start);
		if (at == s->n || s->intervals[at].start != iv[k].start)
			continue;
		for (size_t i = 0; i < s->intervals[at].n; i++) {
			const struct segment *g = &s->intervals[at].segments[i];
			const struct memory_part *p = &m->parts[g->part];
			each(arg, &iv[k], &(struct segment_view){.slice = g->slice, .topic = p->topic, .partition = p->partition,
								 .bytes = g->bytes, .len = g->len});
		}
	}
	return 0;
}

static int dirty(void *ctx, const char *stream, int64_t **out, size_t *n, struct error *err)
{
	(void)ctx, (void)stream, (void)err;
	*out = NULL;
	*n = 0;
	return 0;
}

static int docs(void *ctx, const char *table, void (*each)(void *arg, const char *key, const char *json), void *arg,
		struct error *err)
{
	const struct memory_store *m = ctx;

	(void)err;
	docs_each(&m->docs, table, each, arg);
	return 0;
}

static int journal(void *ctx, int64_t from, int64_t to, void (*each)(void *arg, const char *json), void *arg, struct error *err)
{
	(void)ctx, (void)from, (void)to, (void)each, (void)arg, (void)err;
	return 0;
}

static int commit(void *ctx, const struct judge_commit *c, struct error *err)
{
	struct memory_store *m = ctx;

	(void)err;
	docs_commit(&m->docs, c);
	for (size_t i = 0; m->sink.event && i < c->nevents; i++)
		m->sink.event(m->sink.ctx, c->events[i]);
	for (size_t i = 0; m->sink.message && i < c->noutbox; i++)
		m->sink.message(m->sink.ctx, &c->outbox[i]);
	return 0;
}

static int set_floor(void *ctx, const char *stream, int64_t floor, struct error *err)
{
	struct stream *s = stream_get(ctx, stream);
	size_t gone = interval_at(s, floor);

	(void)err;
	for (size_t i = 0; i < gone; i++)
		interval_release(&s->intervals[i]);
	if (gone)
		memmove(s->intervals, s->intervals + gone, (s->n -= gone) * sizeof *s->intervals);
	return 0;
}

struct judge_port memory_judge_port(struct memory_store *m, const struct judge_port *panes)
{
	m->panes = panes;
	return (struct judge_port){.ctx = m, .view = view, .intervals = intervals, .segments = segments, .dirty = dirty,
				   .docs = docs, .journal = journal, .commit = commit, .set_floor = set_floor,
				   .generation = generation};
}
