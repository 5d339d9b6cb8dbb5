// SPDX-License-Identifier: Apache-2.0
// What the streams' baselines are and where they come from: /api/v1/baselines.
#include <string.h>

#include "app/internal.h"
#include "util/map.h"

static json_t *at(const struct baseline *b, int64_t t)
{
	return b->has_event_time ? json_time(t) : json_integer(t);
}

static json_t *head(const struct baseline *b)
{
	return json_pack("{s:s,s:o,s:b,s:o,s:o,s:I,s:I,s:I,s:[],s:O}", "hash", b->hash, "made_of", json_str(b->stream), "event_time",
			 (int)b->has_event_time, "from", at(b, b->from), "to", at(b, b->to), "chunk", (json_int_t)b->chunk_ms,
			 "records", (json_int_t)b->total->records, "violating_records", (json_int_t)b->total->violating_records,
			 "used_by", "provenance", b->provenance);
}

static json_t *fields(const struct baseline *b)
{
	json_t *list = json_array();

	for (size_t i = 0; i < b->nfields; i++) {
		const struct baseline_field *f = b->fields[i];
		json_t *o = json_pack("{s:o,s:s,s:I,s:I,s:I}", "path", json_str(f->def.path), "type", field_type_name(f->def.type),
				      "count", (json_int_t)f->total->count, "missing", (json_int_t)field_missing(b->total, f->total),
				      "chunks", (json_int_t)f->nchunks);
		if (f->def.grid)
			json_object_set_new(o, "grid", json_string(f->def.grid->id));
		json_array_append_new(list, o);
	}
	return list;
}

struct listing {
	json_t *list;
	const char *hash;          // "": all
	bool judges;               // it is known here what is in force
	struct map recalibrating;  // streams that are judged by another than the configured one
};

// Once each, by hash, with all who use it.
static void add(struct listing *l, const struct baseline *b, const char *stream, const char *slice, const char *state)
{
	json_t *o = NULL, *item, *list = l->list;
	const char *hash = l->hash;
	size_t i;

	if (!b || (*hash && strcmp(hash, b->hash) != 0))
		return;
	json_array_foreach(list, i, item)
		if (!strcmp(json_get_str(item, "hash", ""), b->hash))
			o = item;
	if (!o) {
		json_array_append_new(list, o = head(b));
		if (*hash)
			json_object_set_new(o, "fields", fields(b));
	}
	json_array_append_new(json_object_get(o, "used_by"),
			      json_pack("{s:o,s:o,s:o}", "stream", json_str(stream), "slice", *slice ? json_str(slice) : json_null(),
					"state", state ? json_string(state) : json_null()));
}

static void add_before(void *arg, const char *stream, const char *slice, const struct baseline *b)
{
	struct listing *l = arg;

	map_puts(&l->recalibrating, stream, l);
	add(l, b, stream, slice, "in_force");
}

static const char *state_of(const struct listing *l, const char *stream)
{
	return !l->judges ? NULL : map_gets(&l->recalibrating, stream) ? "next" : "in_force";
}

json_t *web_baselines(void *ctx, const char *hash)
{
	struct app *a = ctx;
	struct listing l = {.list = json_array(), .hash = hash};
	json_t *one;

	map_init(&l.recalibrating);
	pthread_rwlock_rdlock(&a->lock);
	const struct model *m = a->model;
	l.judges = a->judge && atomic_load(&a->leading);
	if (l.judges)
		judge_before(a->judge, add_before, &l);
	for (size_t i = 0; i < m->config->nstreams; i++) {
		const struct judge_stream *s = &m->judge_streams[i];
		add(&l, s->baseline, s->name, "", state_of(&l, s->name));
		for (size_t k = 0; k < s->nslices; k++)
			add(&l, s->slices[k].baseline, s->name, s->slices[k].slice, state_of(&l, s->name));
	}
	pthread_rwlock_unlock(&a->lock);
	map_release(&l.recalibrating, NULL);
	if (!*hash)
		return l.list;
	one = json_incref(json_array_get(l.list, 0));
	json_decref(l.list);
	return one;
}
