// SPDX-License-Identifier: Apache-2.0
// The panes are read twice, for the total and a chunk at a time, so that memory is that of one chunk.
#include "app/store_range.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "app/range_faults.h"
#include "judge/judge.h"
#include "judge/watermark.h"
#include "util/clock.h"

enum { TRIES = 5 };

struct reading_range {
	const struct store_range *want;
	struct baseline *present; // whose grids panes are on; NULL: none
	int64_t from, to;
};

static int merge(const struct reading_range *r, struct stored_range *range, struct pane **out, struct error *err)
{
	return judge_merge_range(r->want->port, r->want->stream->name, range, r->want->slice, r->present, out, err);
}

static int check(const struct reading_range *r, const struct pane *p, struct error *err)
{
	struct range_faults f = {.records = p->records, .violating = p->violating_records};
	struct stream_view view = {0};

	for (size_t i = 0; i < p->nviolations; i++)
		f.violations[p->violations[i].kind] += p->violations[i].n;
	if (range_faults_judge(&f, err) || r->want->port->view(r->want->port->ctx, r->want->stream->name, &view, err))
		return -1;
	bool lost = view_lost(&view, r->from, r->to);
	stream_view_release(&view);
	return lost ? error_set(err, "records of the range were deleted from Kafka before they were read; choose another range, or "
				     "--allow-violations")
		    : 0;
}

static json_t *provenance(const struct reading_range *r, const struct pane *p)
{
	struct range_faults f = {0};
	json_t *schemas = json_object(), *o;
	char id[24];

	for (size_t i = 0; i < p->nviolations; i++)
		f.violations[p->violations[i].kind] += p->violations[i].n;
	for (size_t i = 0; i < p->nschemas; i++) {
		snprintf(id, sizeof id, "%lld", (long long)p->schemas[i].id);
		json_object_set_new(schemas, p->schemas[i].id < 0 ? "other" : id, json_integer((json_int_t)p->schemas[i].n));
	}
	o = json_pack("{s:s,s:o,s:o,s:I,s:I,s:o,s:o}", "source", "store", "from", json_time(r->from), "to", json_time(r->to),
		      "records", (json_int_t)p->records, "tombstones", (json_int_t)p->tombstones, "schema_ids", schemas,
		      "violations", range_faults_json(&f));
	if (r->want->slice)
		json_object_set_new(o, "slice", json_str(r->want->slice));
	if (r->present)
		json_object_set_new(o, "grids_of", json_string(r->present->hash));
	return o;
}

// 1: one of them was rolled up into what is wider than a chunk.
static int add_chunks(const struct reading_range *r, struct baseline *b, struct error *err)
{
	uint64_t records = 0;

	for (int64_t at = time_floor(r->from, b->chunk_ms); at < r->to; at += b->chunk_ms) {
		int64_t from = at > r->from ? at : r->from, to = at + b->chunk_ms < r->to ? at + b->chunk_ms : r->to;
		struct pane *p;

		struct stored_range chunk = {from, to, 0};
		if (merge(r, &chunk, &p, err))
			return -1;
		if (chunk.from != from || chunk.to != to) {
			pane_free(p);
			return 1;
		}
		baseline_add_chunk(b, at, at + b->chunk_ms, p);
		records += p->records;
		pane_free(p);
		if (r->want->progress)
			r->want->progress(r->want->ctx, (double)(to - r->from) / (double)(r->to - r->from), records);
	}
	return 0;
}

// -> as add_chunks
static int read_range(struct reading_range *r, struct baseline **out, struct error *err)
{
	const struct stream_conf *s = r->want->stream;
	int64_t pane = s->pane_ms;
	struct stored_range range = {r->want->from == INT64_MIN ? INT64_MIN : time_floor(r->want->from, pane),
				     r->want->to == INT64_MAX ? INT64_MAX : time_floor(r->want->to + pane - 1, pane), pane};
	struct pane *total;

	if (merge(r, &range, &total, err))
		return -1;
	if (!total->records) {
		pane_free(total);
		return error_set(err, "the store has no record of stream %s%s%s in the interval", s->name,
				 r->want->slice ? ", slice " : "", r->want->slice ? r->want->slice : "");
	}
	r->from = time_floor(total->min_event, range.widest);
	r->from = r->from < range.from ? range.from : r->from;
	r->to = time_floor(total->max_event, range.widest) + range.widest;
	r->to = r->to > range.to ? range.to : r->to;
	if (!r->want->allow_violations && check(r, total, err)) {
		pane_free(total);
		return -1;
	}
	json_t *from_where = provenance(r, total);
	*out = baseline_from_pane(s->name, total, r->from, r->to, baseline_chunk_ms(r->from, r->to, range.widest), from_where, err);
	return *out ? add_chunks(r, *out, err) : -1;
}

static int read_range_again(struct reading_range *r, struct baseline **out, struct error *err)
{
	int rc = read_range(r, out, err);

	for (int tries = 1; rc > 0 && tries < TRIES; tries++) {
		baseline_free(*out);
		*out = NULL;
		rc = read_range(r, out, err);
	}
	return rc > 0 ? error_set(err, "read stream %s: its panes were being rolled up all the while; try again",
				  r->want->stream->name)
		      : rc;
}

struct baseline *store_range_baseline(const struct store_range *want, struct error *err)
{
	struct reading_range r = {.want = want};
	struct baseline *b = NULL;
	const char *present = want->stream->baseline;
	int rc = 0;

	if (present && (!access(present, F_OK) || errno != ENOENT))
		rc = (r.present = baseline_load(present, err)) ? 0 : -1;
	if (rc || read_range_again(&r, &b, err)) {
		baseline_free(b);
		b = NULL;
	}
	baseline_free(r.present);
	return b;
}
