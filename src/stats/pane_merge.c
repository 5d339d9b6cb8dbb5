// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "stats/categories.h"
#include "stats/numeric.h"
#include "stats/pane.h"
#include "stats/pane_lists.h"
#include "util/map.h"
#include "util/xalloc.h"

static void field_merge(struct field_stats *dst, const struct field_stats *src)
{
	dst->in_elements |= src->in_elements;
	dst->elements += src->elements;
	dst->present += src->present;
	dst->nan += src->nan;
	dst->inf += src->inf;
	dst->other += src->other;
	dst->unseen += src->unseen;
	if (src->count && src->type == FIELD_NUMERIC)
		field_histogram_merge(dst, src);
	if (src->type == FIELD_VECTOR)
		field_vectors_merge(dst, src);
	if (src->type == FIELD_TIME)
		field_ages_merge(dst, src);
	if (src->type == FIELD_TEXT && src->nlogbins)
		field_logbins_merge(dst, src);
	field_moments_merge(dst, src);
	categories_merge(&dst->cats, &src->cats);
}

static void *map_field(struct map *m, const struct field_stats *f, struct field_stats *put)
{
	struct buf key = BUF_INIT;
	void *found;

	buf_adds(&key, f->path);
	buf_u8(&key, 0);
	buf_u8(&key, (uint8_t)f->type);
	found = put ? map_put(m, key.data, key.len, put) : map_get(m, key.data, key.len);
	buf_release(&key);
	return found;
}

static void add(struct pane *dst, struct field_stats *d, const struct field_stats *s)
{
	dst->approximate |= field_past_bound(d) | field_past_bound(s);
	field_merge(d, s);
	dst->mixed_grids |= d->mixed;
}

size_t pane_add_field(struct pane *dst, size_t hint, const struct field_stats *s)
{
	bool found = hint < dst->nfields && !field_cmp(dst->fields[hint], s);
	size_t at = found ? hint : pane_field_at(dst, s->path, s->type, &found);

	if (!found)
		pane_insert_field(dst, field_stats_new(s->path, strlen(s->path), s->type));
	add(dst, dst->fields[at], s);
	return at;
}

// Fields that a worker counts into stand in its own order: a map finds those of the same name.
static void merge_by_map(struct pane *dst, const struct pane *src)
{
	struct map m;

	map_init(&m);
	for (size_t i = 0; i < dst->nfields; i++)
		if (dst->fields[i])
			map_field(&m, dst->fields[i], dst->fields[i]);
	for (size_t i = 0; i < src->nfields; i++) {
		const struct field_stats *s = src->fields[i];
		struct field_stats *d = s ? map_field(&m, s, NULL) : NULL;

		if (!s)
			continue;
		if (!d) {
			d = field_stats_new(s->path, strlen(s->path), s->type);
			pane_insert_field(dst, d);
			map_field(&m, d, d);
		}
		add(dst, d, s);
	}
	map_release(&m, NULL);
}

static void merge_fields(struct pane *dst, const struct pane *src)
{
	if (!dst->ordered) {
		merge_by_map(dst, src);
		return;
	}
	for (size_t i = 0; i < src->nfields; i++)
		if (src->fields[i])
			pane_add_field(dst, i, src->fields[i]);
}

void pane_merge(struct pane *dst, const struct pane *src)
{
	dst->records += src->records;
	dst->tombstones += src->tombstones;
	dst->decoded += src->decoded;
	dst->late += src->late;
	dst->violating_records += src->violating_records;
	dst->overflowed += src->overflowed;
	dst->opaque += src->opaque;
	dst->unsupported += src->unsupported;
	dst->by_schema_only += src->by_schema_only;
	dst->approximate |= src->approximate;
	dst->mixed_grids |= src->mixed_grids;
	dst->min_event = src->min_event < dst->min_event ? src->min_event : dst->min_event;
	dst->max_event = src->max_event > dst->max_event ? src->max_event : dst->max_event;
	dst->min_offset = src->min_offset < dst->min_offset ? src->min_offset : dst->min_offset;
	dst->max_offset = src->max_offset > dst->max_offset ? src->max_offset : dst->max_offset;
	merge_fields(dst, src);
	for (size_t i = 0; i < src->nviolations; i++)
		pane_add_violation(dst, &src->violations[i]);
	for (size_t i = 0; i < src->nsamples; i++)
		pane_sample(dst, &src->samples[i]);
	for (size_t i = 0; i < src->nschemas; i++)
		pane_add_schema(dst, src->schemas[i].id, src->schemas[i].n);
	for (size_t i = 0; i < src->nfaults; i++)
		pane_fault(dst, &src->faults[i]);
}
