// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drift/baseline_json.h"
#include "util/digest.h"

static json_t *text_json(const char *s, size_t n)
{
	json_t *v = memchr(s, 0, n) ? NULL : json_stringn(s, n);

	if (!v) {
		char *b64 = base64_encode(s, n);
		v = json_pack("{s:s}", "base64", b64);
		free(b64);
	}
	return v;
}

static json_t *count_json(uint64_t n)
{
	return json_integer((json_int_t)n);
}

static json_t *counts_json(const uint64_t *v, size_t n)
{
	json_t *a = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(a, count_json(v[i]));
	return a;
}

static json_t *sum_json(const struct xsum *s)
{
	char *text = xsum_text(s);
	json_t *v = json_string(text);

	free(text);
	return v;
}

static json_t *totals_json(const struct pane *p)
{
	json_t *o = json_object(), *violations = json_array(), *schemas = json_array();

	json_object_set_new(o, "records", count_json(p->records));
	json_object_set_new(o, "decoded", count_json(p->decoded));
	json_object_set_new(o, "tombstones", count_json(p->tombstones));
	json_object_set_new(o, "violating_records", count_json(p->violating_records));
	for (size_t i = 0; i < p->nviolations; i++) {
		const struct violation_count *v = &p->violations[i];
		json_t *a = json_array();
		json_array_append_new(a, json_string(violation_table[v->kind].name));
		json_array_append_new(a, text_json(v->field, strlen(v->field)));
		json_array_append_new(a, count_json(v->n));
		if (*v->rule)
			json_array_append_new(a, text_json(v->rule, strlen(v->rule)));
		json_array_append_new(violations, a);
	}
	json_object_set_new(o, "violations", violations);
	for (size_t i = 0; i < p->nschemas; i++)
		json_array_append_new(schemas, json_pack("[I,I]", (json_int_t)p->schemas[i].id,
							 (json_int_t)p->schemas[i].n));
	json_object_set_new(o, "schemas", schemas);
	return o;
}

static json_t *chunk_json(const struct baseline_chunk *k, size_t nbins)
{
	json_t *o = json_object();

	json_object_set_new(o, "from", json_integer(k->from));
	json_object_set_new(o, "to", json_integer(k->to));
	json_object_set_new(o, "records", count_json(k->records));
	json_object_set_new(o, "count", count_json(k->count));
	json_object_set_new(o, "missing", count_json(k->missing));
	json_object_set_new(o, "mean", json_num(k->mean));
	json_object_set_new(o, "variance", json_num(k->variance));
	json_object_set_new(o, "min", json_num(k->min));
	json_object_set_new(o, "max", json_num(k->max));
	json_object_set_new(o, "bins", counts_json(k->bins, nbins));
	return o;
}

static void grid_json(json_t *o, const struct baseline_field *f)
{
	const struct field_stats *t = f->total;
	json_t *edges = json_array(), *coarse = json_array();

	for (size_t i = 0; i < f->def.grid->n; i++)
		json_array_append_new(edges, json_num(f->def.grid->edges[i]));
	for (size_t i = 0; i < t->nbins; i++)
		json_array_append_new(coarse, json_integer(f->coarse[i]));
	json_object_set_new(o, "edges", edges);
	json_object_set_new(o, "bins", counts_json(t->bins, t->nbins));
	json_object_set_new(o, "low_sum", sum_json(&t->low_sum));
	json_object_set_new(o, "high_sum", sum_json(&t->high_sum));
	json_object_set_new(o, "coarse", coarse);
}

static void categories_json(json_t *o, const struct field_stats *t)
{
	json_t *items = json_array();
	char cutoff[17];

	for (size_t i = 0; i < t->cats.n; i++) {
		const struct category *c = &t->cats.items[i];
		json_t *a = json_array();
		json_array_append_new(a, text_json(c->value, c->len));
		json_array_append_new(a, count_json(c->n));
		json_array_append_new(a, json_boolean(c->known));
		json_array_append_new(items, a);
	}
	snprintf(cutoff, sizeof cutoff, "%016" PRIx64, t->cats.cutoff);
	json_object_set_new(o, "categories", items);
	json_object_set_new(o, "rest", count_json(t->cats.rest));
	json_object_set_new(o, "cutoff", json_string(cutoff));
	json_object_set_new(o, "unseen", count_json(t->unseen));
}

// Pairs of bin and count.
static json_t *lengths_json(const struct field_stats *t)
{
	json_t *a = json_array();

	for (size_t i = 0; i < t->nlogbins; i++)
		json_array_append_new(a, json_pack("[i, o]", t->logbins[i].bin, count_json(t->logbins[i].n)));
	return a;
}

static json_t *dimensions_json(const struct field_stats *t)
{
	json_t *a = json_array();

	for (size_t i = 0; i < t->dims; i++)
		json_array_append_new(a, sum_json(&t->dim_sums[i]));
	return a;
}

static json_t *field_json(const struct baseline_field *f)
{
	const struct field_stats *t = f->total;
	json_t *o = json_object(), *chunks = json_array();

	json_object_set_new(o, "path", text_json(f->def.path, strlen(f->def.path)));
	json_object_set_new(o, "type", json_string(field_type_name(f->def.type)));
	json_object_set_new(o, "present", count_json(t->present));
	json_object_set_new(o, "nan", count_json(t->nan));
	json_object_set_new(o, "inf", count_json(t->inf));
	json_object_set_new(o, "other", count_json(t->other));
	json_object_set_new(o, "count", count_json(t->count));
	json_object_set_new(o, "min", json_num(t->min));
	json_object_set_new(o, "max", json_num(t->max));
	json_object_set_new(o, "sum", sum_json(&t->sum));
	json_object_set_new(o, "sumsq", sum_json(&t->sumsq));
	if (f->def.grid)
		grid_json(o, f);
	if (f->def.type == FIELD_CATEGORICAL || f->def.type == FIELD_BOOLEAN)
		categories_json(o, t);
	if (f->def.type == FIELD_TEXT && t->nlogbins)
		json_object_set_new(o, "lengths", lengths_json(t));
	if (t->dim_sums)
		json_object_set_new(o, "dimensions", dimensions_json(t));
	json_object_set_new(o, "coarse_bins", json_integer((json_int_t)f->nbins));
	if (f->movement && !f->movement->of_chunks)
		json_object_set_new(o, "movement", movement_encode(f->movement));
	for (struct chunk_reader r = baseline_field_chunks(f); chunk_next(&r);)
		json_array_append_new(chunks, chunk_json(&r.chunk, f->nbins));
	json_object_set_new(o, "chunks", chunks);
	return o;
}

json_t *baseline_encode(const struct baseline *b)
{
	json_t *o = json_object(), *fields = json_array();

	json_object_set_new(o, "format", json_string(BASELINE_FORMAT));
	json_object_set_new(o, "version", json_integer(BASELINE_VERSION));
	json_object_set_new(o, "stream", text_json(b->stream, strlen(b->stream)));
	json_object_set_new(o, "event_time", json_boolean(b->has_event_time));
	json_object_set_new(o, "from", json_integer(b->from));
	json_object_set_new(o, "to", json_integer(b->to));
	json_object_set_new(o, "chunk", json_integer(b->chunk_ms));
	json_object_set(o, "provenance", b->provenance);
	json_object_set_new(o, "totals", totals_json(b->total));
	for (size_t i = 0; i < b->nfields; i++)
		json_array_append_new(fields, field_json(b->fields[i]));
	json_object_set_new(o, "fields", fields);
	return o;
}
