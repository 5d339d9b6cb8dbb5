// SPDX-License-Identifier: Apache-2.0
// What follows from what. A writer's schema that lacks a field breaks every record written with it, and so sets off
// rules of many kinds. Whether a reading follows from that is told by its own window alone: would its condition
// still be met without those records? So it does not matter in what order windows close or rules are judged; only
// whether the cause has a page that fires does, and causes are judged first.
#include <stdlib.h>
#include <string.h>

#include "judge/condition.h"
#include "judge/page.h"
#include "judge/state.h"
#include "util/xalloc.h"

// Where a measure cannot be computed without the records that lack its field, it follows from their schema if at
// least so many of all records lack it.
enum { SHARE_EXPLAINS = 10 };

// Records whose schema breaks the contract and drops fields. In the list a schema's fields come before its contract.
static uint64_t broken_by_fields(const struct pane *p)
{
	uint64_t n = 0;

	for (size_t i = 1; i < p->nfaults; i++)
		if (p->faults[i].kind == VIOLATION_INCOMPATIBLE_SCHEMA && p->faults[i - 1].schema_id == p->faults[i].schema_id)
			n += p->faults[i].n;
	return n;
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

// The value without the faults of schemas. False: the measure cannot be had without them.
static bool without_faults(const struct measure *m, const struct pane *p, const char *field, struct measure_value *v)
{
	const struct field_stats *f = pane_find(p, field, FIELD_TYPES);

	if (!strcmp(m->name, "violation_ratio")) {
		v->value = (double)less(p->violating_records, p->by_schema_only) / (double)p->records;
	} else if (!strcmp(m->name, "violating_records")) {
		v->value = (double)less(p->violating_records, p->by_schema_only);
	} else if (!strcmp(m->name, "incompatible_schema")) {
		v->value = (double)less(pane_violations(p, VIOLATION_INCOMPATIBLE_SCHEMA), broken_by_fields(p));
	} else if (!strcmp(m->name, "missing_ratio") && !(f && f->in_elements)) {
		uint64_t dropped = pane_dropped(p, field), missing = (uint64_t)(v->value * (double)v->n_current + 0.5);
		v->n_current = less(v->n_current, dropped);
		v->value = v->n_current ? (double)less(missing, dropped) / (double)v->n_current : 0;
	} else {
		return false;
	}
	return true;
}

static bool explained(const struct rule *r, const struct moment *m, const struct reading *v)
{
	const struct slice_stats *s = m->window ? merged_slice(m->window, v->slice) : NULL;
	struct measure_value less_faults = v->v;

	if (!s || !s->pane->nfaults || v->v.state != READING_KNOWN)
		return false;
	if (without_faults(r->measure, s->pane, v->field, &less_faults))
		return less_faults.n_current < r->min_records || condition_eval(&v->limits, &less_faults, false) != TRUTH_TRUE;
	return *v->field && pane_dropped(s->pane, v->field) * SHARE_EXPLAINS >= s->pane->records;
}

static bool names_schema(const json_t *data, int64_t id)
{
	const json_t *ids = json_object_get(json_object_get(data, "evidence"), "schema_ids");

	for (size_t i = 0; i < json_array_size(ids); i++)
		if (json_integer_value(json_array_get(ids, i)) == id)
			return true;
	return false;
}

struct group *cause_of(const struct evaluation *e, const struct reading *v, bool *follows)
{
	const struct stream_state *s = e->group->stream;
	const struct rule *r = e->group->rule;
	bool configured = false, version = rule_is_version(r);

	*follows = false;
	if (!version && !explained(r, e->moment, v))
		return NULL;
	for (size_t i = 0; i < s->ncauses; i++) {
		struct group *g = s->causes[i];
		if (rule_rank(g->rule) <= rule_rank(r) ||
		    (*v->field && !(rule_is_dropped(g->rule) && rule_matches_field(g->rule, v->field))))
			continue;
		configured = true;
		if (g->page && (!version || names_schema(g->page->data, e->moment->version->id))) {
			*follows = true;
			return g;
		}
	}
	*follows = configured && !version;
	return NULL;
}

// --- items --------------------------------------------------------------------------------------------

static json_t *schema_json(const struct evaluation *e, const struct schema_fault *f)
{
	const struct judge_port *port = e->judge->port;
	struct schema_view name = {0};
	bool known = port->schema && port->schema(port->contracts, e->moment->stream->name, f->schema_id, &name);
	json_t *first = json_pack("{s:o, s:i, s:I, s:o}", "topic", json_str(f->topic), "partition", (int)f->partition,
				  "offset", (json_int_t)f->offset, "at", json_time(f->event_ms));

	return json_pack("{s:I, s:o, s:o, s:s, s:I, s:o}", "id", (json_int_t)f->schema_id, "version",
			 known ? json_integer(name.version) : json_null(), "subject", known ? json_str(name.subject) : json_null(),
			 "kind", violation_table[f->kind].name, "records", (json_int_t)f->n, "first", first);
}

static const json_t *schema_named(const json_t *schemas, int64_t id)
{
	for (size_t i = 0; i < json_array_size(schemas); i++)
		if (json_get_int(json_array_get(schemas, i), "id", -1) == id)
			return json_array_get(schemas, i);
	return NULL;
}

// The slice's faults that the reading is about.
static const struct pane *faults_of(const struct evaluation *e, const struct reading *v)
{
	const struct slice_stats *s = merged_slice(e->moment->window, v->slice);

	return s ? s->pane : e->moment->window->total.pane;
}

static bool is_about(const struct evaluation *e, const struct reading *v, const struct schema_fault *f)
{
	if (rule_is_dropped(e->group->rule))
		return fault_of_field(f) && !strcmp(f->field, v->field);
	return !fault_of_field(f);
}

json_t *cause_item(const struct evaluation *e, const struct reading *v, const json_t *old)
{
	const struct pane *p = faults_of(e, v);
	const json_t *before = json_object_get(old, "schemas");
	json_t *item = page_item(e->group->rule, v), *schemas = json_array();

	for (size_t i = 0; i < p->nfaults; i++) {
		const struct schema_fault *f = &p->faults[i];
		if (!is_about(e, v, f))
			continue;
		json_t *s = schema_json(e, f);
		const json_t *was = schema_named(before, f->schema_id);
		if (was)
			json_object_set(s, "first", json_object_get(was, "first"));
		json_array_append_new(schemas, s);
	}
	for (size_t i = 0; i < json_array_size(before); i++)
		if (!schema_named(schemas, json_get_int(json_array_get(before, i), "id", -1)))
			json_array_append(schemas, json_array_get(before, i));
	json_object_set_new(item, "schemas", schemas);
	return item;
}

bool cause_spreads(const struct evaluation *e, const struct reading *v, const json_t *item)
{
	const struct pane *p = faults_of(e, v);
	bool spreads = false;

	for (size_t i = 0; i < p->nfaults; i++)
		spreads |= is_about(e, v, &p->faults[i]) &&
			   !schema_named(json_object_get(item, "schemas"), p->faults[i].schema_id);
	return spreads;
}
