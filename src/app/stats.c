// SPDX-License-Identifier: Apache-2.0
#include "app/stats.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "util/clock.h"
#include "util/map.h"

enum { TOP = 20 };

static json_t *number(double v, enum field_type type)
{
	return type == FIELD_TIME && isfinite(v) ? json_time((int64_t)v) : json_num(v);
}

static bool has_moments(enum field_type t)
{
	return t == FIELD_NUMERIC || t == FIELD_TEXT || t == FIELD_TIME || t == FIELD_VECTOR;
}

static void put_moments(json_t *o, const struct field_stats *f)
{
	static const struct {
		const char *name;
		double q;
	} quantiles[] = {{"p1", .01}, {"p5", .05}, {"p25", .25}, {"p50", .5}, {"p75", .75}, {"p95", .95}, {"p99", .99}};
	bool any = f->count > 0;

	json_object_set_new(o, "min", any ? number(f->min, f->type) : json_null());
	json_object_set_new(o, "max", any ? number(f->max, f->type) : json_null());
	json_object_set_new(o, "mean", number(field_mean(f), f->type));
	json_object_set_new(o, "stddev", json_num(field_stddev(f)));
	json_object_set_new(o, "sum", f->type == FIELD_TIME ? json_null() : json_num(any ? field_sum(f) : 0));
	if (f->type == FIELD_TIME && field_ages(f)) {
		double error;
		json_object_set_new(o, "freshness", json_pack("{s:o, s:o}", "p50", json_num(field_age_quantile(f, 0.5, &error) / 1000),
							      "max", json_num((double)f->age_max / 1000)));
	}
	if (f->dim_sums)
		json_object_set_new(o, "dimensions", json_integer((json_int_t)f->dims));
	if (f->type != FIELD_NUMERIC && f->type != FIELD_TEXT)
		return;
	json_t *q = json_object();
	for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles; i++)
		json_object_set_new(q, quantiles[i].name, json_num(field_quantile(f, quantiles[i].q)));
	json_object_set_new(o, "quantiles", q);
}

static void put_categories(json_t *o, const struct field_stats *f)
{
	const struct category *top[TOP];
	bool approximate;
	json_t *list = json_array();
	size_t n = field_top(f, top, TOP);

	json_object_set_new(o, "distinct", json_integer((json_int_t)field_distinct(f, &approximate)));
	if (f->type == FIELD_TEXT) {
		json_decref(list);
		return;
	}
	json_object_set_new(o, "unseen", json_integer((json_int_t)f->unseen));
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_pack("[o, I]", json_strn(top[i]->value, top[i]->len), (json_int_t)top[i]->n));
	json_object_set_new(o, "top", list);
}

static json_t *field_json(const struct pane *p, const struct field_stats *f, bool redacted)
{
	json_t *o = json_pack("{s:s, s:I, s:I, s:I, s:I}", "type", field_type_name(f->type), "count", (json_int_t)f->count,
			      "missing", (json_int_t)field_missing(p, f), "nan", (json_int_t)f->nan, "inf", (json_int_t)f->inf);

	if (f->other)
		json_object_set_new(o, "other", json_integer((json_int_t)f->other));
	if (redacted) {
		json_object_set_new(o, "redacted", json_true());
		return o;
	}
	if (has_moments(f->type))
		put_moments(o, f);
	if (f->type == FIELD_CATEGORICAL || f->type == FIELD_BOOLEAN || f->type == FIELD_TEXT)
		put_categories(o, f);
	if (field_past_bound(f))
		json_object_set_new(o, "approximate", json_true());
	return o;
}

// A path that writers gave several types is shown in the one with most values.
static void put_fields(json_t *o, const struct pane *p, char *const *redact, size_t nredact)
{
	struct map shown;

	map_init(&shown);
	for (size_t i = 0; i < p->nfields; i++) {
		struct field_stats *f = p->fields[i], *other = f ? map_gets(&shown, f->path) : NULL;

		if (f && (!other || f->present > other->present))
			map_puts(&shown, f->path, f);
	}
	for (size_t i = 0; i < p->nfields; i++)
		if (p->fields[i] && map_gets(&shown, p->fields[i]->path) == p->fields[i])
			json_object_set_new(o, p->fields[i]->path, field_json(p, p->fields[i], path_redacted(p->fields[i]->path, redact, nredact)));
	map_release(&shown, NULL);
}

static void json_add(json_t *o, const char *key, uint64_t n)
{
	json_object_set_new(o, key, json_integer(json_get_int(o, key, 0) + (json_int_t)n));
}

json_t *stats_json(const char *stream, int64_t from, int64_t to, const struct pane *p, char *const *redact,
		   size_t nredact)
{
	json_t *o = json_pack("{s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "stream", json_str(stream), "from", json_time(from),
			      "to", json_time(to), "records", (json_int_t)p->records, "tombstones", (json_int_t)p->tombstones,
			      "decoded", (json_int_t)p->decoded, "late", (json_int_t)p->late, "opaque", (json_int_t)p->opaque,
			      "unsupported", (json_int_t)p->unsupported, "violating_records", (json_int_t)p->violating_records);
	json_t *violations = json_object(), *by_field = json_object(), *rules = json_object(), *schemas = json_object();
	json_t *fields = json_object();

	for (int k = 0; k < VIOLATION_KINDS; k++) {
		uint64_t n = pane_violations(p, (enum violation_kind)k);
		if (n)
			json_object_set_new(violations, violation_table[k].name, json_integer((json_int_t)n));
	}
	for (size_t i = 0; i < p->nviolations; i++) {
		const struct violation_count *v = &p->violations[i];
		if (*v->rule)
			json_add(rules, v->rule, v->n);
		if (!*v->field)
			continue;
		json_t *kinds = json_object_get(by_field, v->field);
		if (!kinds)
			json_object_set_new(by_field, v->field, kinds = json_object());
		json_add(kinds, violation_table[v->kind].name, v->n);
	}
	for (size_t i = 0; i < p->nschemas; i++) {
		char id[24];
		snprintf(id, sizeof id, "%" PRId64, p->schemas[i].id);
		json_object_set_new(schemas, p->schemas[i].id < 0 ? "other" : id, json_integer((json_int_t)p->schemas[i].n));
	}
	put_fields(fields, p, redact, nredact);
	json_object_set_new(o, "violations", violations);
	json_object_set_new(o, "violations_by_field", by_field);
	json_object_set_new(o, "rules", rules);
	json_object_set_new(o, "schemas", schemas);
	json_object_set_new(o, "fields", fields);
	if (pane_approximate(p))
		json_object_set_new(o, "approximate", json_true());
	return o;
}
