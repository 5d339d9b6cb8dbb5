// SPDX-License-Identifier: Apache-2.0
// A pane knows its partition, and how many of its records were written with each schema, but not which values
// came from which schema. So a schema's own values are those of the panes that hold nothing else.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "judge/explain_parts.h"
#include "util/map.h"
#include "util/xalloc.h"

struct part {
	char *topic;
	int32_t partition;
	int64_t schema; // or of one schema id: then topic is NULL
	struct pane *pane;
};

struct split {
	const struct ground *ground;
	const char *slice;
	struct map parts; // of either kind -> struct part
	uint64_t mixed;	  // records of panes with several schema ids
};

static void add(struct split *s, const char *key, const char *topic, int32_t partition, int64_t schema,
		const struct pane *p)
{
	struct part *part = map_gets(&s->parts, key);

	if (!part) {
		part = xcalloc(1, sizeof *part);
		*part = (struct part){xstrdup(topic), partition, schema, pane_new()};
		map_puts(&s->parts, key, part);
	}
	pane_merge(part->pane, p);
}

static void on_segment(void *arg, const struct interval_view *of, const struct segment_view *v)
{
	struct split *s = arg;
	struct error err = ERROR_INIT; // a damaged pane: the window says so itself
	const struct baseline *b = s->ground->stream->baseline;

	(void)of;
	if (*s->slice && strcmp(s->slice, v->slice) != 0)
		return;
	struct pane *p = pane_decode(v->bytes, v->len, baseline_grid, (void *)(uintptr_t)b, &err);
	if (!p)
		return;
	baseline_keep_grids(b, p);
	char *key = xasprintf("p%s/%d", v->topic, (int)v->partition);
	add(s, key, v->topic, v->partition, -1, p);
	free(key);
	if (p->nschemas == 1 && p->schemas[0].id >= 0) {
		key = xasprintf("s%lld", (long long)p->schemas[0].id);
		add(s, key, NULL, -1, p->schemas[0].id, p);
		free(key);
	} else if (p->nschemas) {
		s->mixed += p->records;
	}
	pane_free(p);
}

static void part_free(void *p)
{
	struct part *part = p;

	pane_free(part->pane);
	free(part->topic);
	free(part);
}

// Nothing, where what was rolled up since the window was merged reaches beyond it. -> as the port's segments
static int read_split(struct split *s, int64_t from, int64_t to, struct error *err)
{
	const struct judge_port *port = s->ground->conf->port;
	const char *stream = s->ground->stream->name;
	struct interval_view *iv;
	bool cut = false;
	size_t n;

	map_init(&s->parts);
	s->mixed = 0;
	if (port->intervals(port->ctx, stream, from, to, &iv, &n, err))
		return -1;
	for (size_t i = 0; i < n; i++)
		cut |= iv[i].start < from || iv[i].start + iv[i].width > to;
	int rc = n && !cut ? port->segments(port->ctx, stream, iv, n, on_segment, s, err) : 0;
	free(iv);
	return rc;
}

static int read_split_again(struct split *s, int64_t from, int64_t to, struct error *err)
{
	int rc = read_split(s, from, to, err);

	for (int tries = 1; rc > 0 && tries < ROLL_TRIES; tries++) {
		map_release(&s->parts, part_free);
		rc = read_split(s, from, to, err);
	}
	return rc > 0 ? error_set(err, "read stream %s: its panes were being rolled up all the while; try again",
				  s->ground->stream->name)
		      : rc;
}

// The measure of one part beside the same reference.
static json_t *measured(const struct ground *g, const struct scene *s, const struct field_def *def,
			const char *slice, const struct pane *p)
{
	struct measure_value v = reading_of_pane(&g->rule, &s->moment, def, slice, p);
	json_t *out = value_json(&v);

	json_object_set_new(out, "records", json_integer((json_int_t)p->records));
	return out;
}

static int worst_first(const void *a, const void *b, void *lower)
{
	double x = json_get_num(*(json_t *const *)a, "value", NAN),
	       y = json_get_num(*(json_t *const *)b, "value", NAN);

	if (isnan(x) || isnan(y))
		return isnan(x) - isnan(y);
	return x == y ? 0 : (x > y) == *(bool *)lower ? 1 : -1;
}

// At most EXPLAIN_LISTED, those farthest to the side of the limit first.
static json_t *sorted(json_t *list, bool lower)
{
	size_t n = json_array_size(list);
	json_t **all = xcalloc(n + 1, sizeof *all), *out = json_array();

	for (size_t i = 0; i < n; i++)
		all[i] = json_array_get(list, i);
	qsort_r(all, n, sizeof *all, worst_first, &lower);
	for (size_t i = 0; i < n && i < EXPLAIN_LISTED; i++)
		json_array_append(out, all[i]);
	free(all);
	json_decref(list);
	return out;
}

static json_t *slices_of(const struct ground *g, const struct scene *s, const struct field_def *def)
{
	json_t *out = json_array();

	for (size_t i = 0; i < s->now.nslices; i++) {
		const struct slice_stats *slice = &s->now.slices[i];
		struct reading v = reading_of(&g->rule, &s->moment, def, slice->name);
		json_t *one = value_json(&v.v);
		json_object_set_new(one, "slice", json_str(slice->name));
		json_object_set_new(one, "records", json_integer((json_int_t)slice->pane->records));
		json_array_append_new(out, one);
	}
	return out;
}

int explain_split(struct ground *g, const struct scene *s, const struct field_def *def, const char *slice,
		  json_t *item, struct error *err)
{
	bool lower = json_get_num(item, "value", NAN) < json_get_num(item, "threshold", NAN);
	struct split split = {.ground = g, .slice = slice};
	json_t *partitions = json_array(), *schemas = json_array();

	int rc = read_split_again(&split, s->now.from, s->now.to, err);
	for (struct map_entry *e = NULL; (e = map_next(&split.parts, e));) {
		const struct part *part = e->value;
		json_t *one = measured(g, s, def, slice, part->pane);
		if (part->topic) {
			json_object_set_new(one, "topic", json_str(part->topic));
			json_object_set_new(one, "partition", json_integer(part->partition));
			json_object_set_new(one, "from_offset", json_integer(part->pane->min_offset));
			json_object_set_new(one, "to_offset", json_integer(part->pane->max_offset));
			json_array_append_new(partitions, one);
		} else {
			json_object_set_new(one, "schema_id", json_integer(part->schema));
			json_array_append_new(schemas, one);
		}
	}
	map_release(&split.parts, part_free);
	json_object_set_new(item, "slices", sorted(slices_of(g, s, def), lower));
	json_object_set_new(item, "partitions", sorted(partitions, lower));
	json_object_set_new(item, "schemas", sorted(schemas, lower));
	json_object_set_new(item, "records_of_mixed_schemas", json_integer((json_int_t)split.mixed));
	return rc;
}
