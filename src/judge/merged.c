// SPDX-License-Identifier: Apache-2.0
#include "judge/merged.h"

#include <stdlib.h>
#include <string.h>

#include "util/log.h"
#include "util/xalloc.h"

static void slice_init(struct slice_stats *s, const char *name)
{
	*s = (struct slice_stats){.name = xstrdup(name), .pane = pane_new()};
}

static void slice_release(struct slice_stats *s)
{
	for (size_t i = 0; i < s->nparts; i++)
		free(s->parts[i].topic);
	free(s->parts);
	free(s->name);
	pane_free(s->pane);
	buf_release(&s->packed[0]);
	buf_release(&s->packed[1]);
}

void merged_init(struct merged *m, int64_t from, int64_t to)
{
	*m = (struct merged){.from = from, .to = to};
	slice_init(&m->total, "");
}

void merged_release(struct merged *m)
{
	slice_release(&m->total);
	for (size_t i = 0; i < m->nslices; i++)
		slice_release(&m->slices[i]);
	free(m->slices);
	*m = (struct merged){0};
}

// Where the slice is or belongs.
static size_t slice_at(const struct merged *m, const char *name, bool *found)
{
	size_t lo = 0, hi = m->nslices;

	*found = false;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		int c = strcmp(m->slices[mid].name, name);
		if (!c) {
			*found = true;
			return mid;
		}
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct slice_stats *merged_make(struct merged *m, const char *name)
{
	bool found;
	size_t i = slice_at(m, name, &found);

	if (!found) {
		GROW(m->slices, m->nslices, m->capslices);
		memmove(m->slices + i + 1, m->slices + i, (m->nslices - i) * sizeof *m->slices);
		slice_init(&m->slices[i], name);
		m->nslices++;
	}
	return &m->slices[i];
}

const struct slice_stats *merged_slice(const struct merged *m, const char *name)
{
	bool found;

	if (!*name)
		return &m->total;
	size_t i = slice_at(m, name, &found);
	return found ? &m->slices[i] : NULL;
}

static void parts_add(struct slice_stats *s, const struct part_range *r)
{
	size_t i = 0;
	int c = 1;

	while (i < s->nparts) {
		c = strcmp(s->parts[i].topic, r->topic);
		if (!c)
			c = (s->parts[i].partition > r->partition) - (s->parts[i].partition < r->partition);
		if (c >= 0)
			break;
		i++;
	}
	if (i == s->nparts || c) {
		GROW(s->parts, s->nparts, s->capparts);
		memmove(s->parts + i + 1, s->parts + i, (s->nparts - i) * sizeof *s->parts);
		s->parts[i] = *r;
		s->parts[i].topic = xstrdup(r->topic);
		s->nparts++;
		return;
	}
	struct part_range *p = &s->parts[i];
	p->from = r->from < p->from ? r->from : p->from;
	p->to = r->to > p->to ? r->to : p->to;
	p->bad_from = r->bad_from < p->bad_from ? r->bad_from : p->bad_from;
	p->bad_to = r->bad_to > p->bad_to ? r->bad_to : p->bad_to;
}

static void slice_add(struct slice_stats *dst, const struct slice_stats *src)
{
	dst->damaged |= src->damaged;
	dst->met += src->met;
	for (size_t i = 0; i < src->nparts; i++)
		parts_add(dst, &src->parts[i]);
}

static void slice_pack(struct slice_stats *s)
{
	pane_encode(s->pane, &s->packed[0]);
	buf_trim(&s->packed[0]);
	pane_free(s->pane);
	s->pane = NULL;
}

static bool unpack(struct pane *into, const struct buf *b, const struct baseline *grids, const char *stream)
{
	struct error err = ERROR_INIT;
	struct pane *head = pane_add_own(into, b->data, b->len, baseline_grid, (void *)(uintptr_t)grids, &err);

	if (!head)
		log_error("judge", "stream %s: a cached pane: %s", stream, err.text);
	pane_free(head);
	return head;
}

// Most blocks are never asked for their moments alone.
static void pack_moments(struct slice_stats *s, const struct baseline *grids, const char *stream)
{
	struct pane *p = pane_new();

	s->damaged |= !unpack(p, &s->packed[0], grids, stream);
	pane_encode_moments(p, &s->packed[1]);
	buf_trim(&s->packed[1]);
	pane_free(p);
}

static void slice_unpack(struct slice_stats *dst, struct slice_stats *src, bool moments, const struct baseline *grids,
			 const char *stream)
{
	if (moments && !src->packed[1].len)
		pack_moments(src, grids, stream);
	dst->damaged |= !unpack(dst->pane, &src->packed[moments], grids, stream);
	slice_add(dst, src);
}

void merged_add(struct merged *m, struct merged *block, bool moments, const struct baseline *grids, const char *stream)
{
	m->overflows += block->overflows;
	slice_unpack(&m->total, &block->total, moments, grids, stream);
	for (size_t i = 0; i < block->nslices; i++)
		slice_unpack(merged_make(m, block->slices[i].name), &block->slices[i], moments, grids, stream);
}

void merged_pack(struct merged *m)
{
	slice_pack(&m->total);
	for (size_t i = 0; i < m->nslices; i++)
		slice_pack(&m->slices[i]);
}

void merged_drop_moments(struct merged *m)
{
	buf_release(&m->total.packed[1]);
	for (size_t i = 0; i < m->nslices; i++)
		buf_release(&m->slices[i].packed[1]);
}

void merged_total(struct merged *m)
{
	for (size_t i = 0; i < m->nslices; i++) {
		pane_merge(m->total.pane, m->slices[i].pane);
		slice_add(&m->total, &m->slices[i]);
	}
}

bool slice_whole(const struct merged *m, const struct slice_stats *s)
{
	return s == &m->total || s->met == m->overflows;
}

static int by_records(const void *a, const void *b)
{
	const struct slice_stats *x = a, *y = b;

	if (x->pane->records != y->pane->records)
		return x->pane->records < y->pane->records ? 1 : -1;
	return strcmp(x->name, y->name);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct slice_stats *)a)->name, ((const struct slice_stats *)b)->name);
}

void merged_limit(struct merged *m, size_t max)
{
	if (m->nslices <= max)
		return;
	qsort(m->slices, m->nslices, sizeof *m->slices, by_records);
	while (m->nslices > max)
		slice_release(&m->slices[--m->nslices]);
	qsort(m->slices, m->nslices, sizeof *m->slices, by_name);
}

const struct slice_stats *merged_segment(struct merged *m, const struct segment_view *v, const struct baseline *grids,
					 const char *stream, bool *overflowed)
{
	struct error err = ERROR_INIT;
	struct slice_stats *slice = *v->slice ? merged_make(m, v->slice) : NULL, *s = slice ? slice : &m->total;
	struct pane *p = pane_add(s->pane, v->bytes, v->len, baseline_grid, (void *)(uintptr_t)grids, &err);

	*overflowed = p && p->overflowed > 0;
	if (!p) {
		log_error("judge", "read a pane of stream %s, slice \"%s\", %s/%d: %s; its windows are unknown", stream,
			  v->slice, v->topic, (int)v->partition, err.text);
		s->damaged = true;
		return slice;
	}
	struct part_range r = {(char *)(uintptr_t)v->topic, v->partition, p->min_offset, p->max_offset, INT64_MAX, INT64_MIN};
	for (size_t i = 0; i < p->nviolations; i++) {
		const struct violation_count *c = &p->violations[i];
		r.bad_from = c->first_offset < r.bad_from ? c->first_offset : r.bad_from;
		r.bad_to = c->last_offset > r.bad_to ? c->last_offset : r.bad_to;
	}
	if (r.from <= r.to)
		parts_add(s, &r);
	pane_free(p);
	return slice;
}
