// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/compare.h"
#include "util/xalloc.h"

enum { COLUMNS = 3 };

// How much a field drifted, for the order only: what only one side has first, then by the Jensen-Shannon
// distance, which both numbers and categories have and which ends at 1.
static double order_of(const struct compared_field *f)
{
	double js = compared_value(f, "js");

	return !f->reference.count != !f->current.count ? 2 : isnan(js) ? -1 : js;
}

static int most_drifted(const void *a, const void *b)
{
	const struct compared_field *x = *(const struct compared_field *const *)a;
	const struct compared_field *y = *(const struct compared_field *const *)b;
	double dx = order_of(x), dy = order_of(y);

	return dx != dy ? (dx > dy ? -1 : 1) : strcmp(x->path, y->path);
}

// COLUMNS values a line.
static void print_value(size_t *shown, const struct measure *m, double value)
{
	char text[48];

	if (isnan(value))
		return;
	snprintf(text, sizeof text, "%.6g%s", value, m->unit && !strcmp(m->unit, "sd") ? " sd" : "");
	printf("%s%-22s %-14s", *shown % COLUMNS ? "" : *shown ? "\n    " : "    ", m->name, text);
	++*shown;
}

static void print_side(const char *name, const struct compared_side *s)
{
	if (!s->there)
		printf("; no such column in the %s file", name);
	else
		printf("; %s: %" PRIu64 " values, %.3g %% missing", name, s->count,
		       s->places ? 100 * (double)(s->places - s->present) / (double)s->places : 0);
}

static void print_field(const struct compared_field *f)
{
	size_t shown = 0;

	printf("\n%s: %s", f->path, field_type_name(f->type));
	print_side("reference", &f->reference);
	print_side("current", &f->current);
	printf("\n");
	for (size_t i = 0; i < measure_table_len; i++)
		print_value(&shown, &measure_table[i], f->values[i]);
	if (shown)
		printf("\n");
}

const struct compared_field **comparison_order(const struct comparison *c)
{
	const struct compared_field **order = xcalloc(c->n + 1, sizeof *order);

	for (size_t i = 0; i < c->n; i++)
		order[i] = &c->fields[i];
	qsort(order, c->n, sizeof *order, most_drifted);
	return order;
}

void comparison_print(const struct comparison *c)
{
	const struct compared_field **order = comparison_order(c);

	printf("reference %s, %" PRIu64 " rows; current %s, %" PRIu64
	       " rows; %zu fields, the most drifted (by js) first\n",
	       c->reference->path, c->reference->rows, c->current->path, c->current->rows, c->n);
	for (size_t i = 0; i < c->n; i++)
		print_field(order[i]);
	free(order);
}

static json_t *field_json(const struct compared_field *f)
{
	json_t *measures = json_object();
	const struct compared_side *r = &f->reference, *c = &f->current;

	for (size_t i = 0; i < measure_table_len; i++)
		if (!isnan(f->values[i]))
			json_object_set_new(measures, measure_table[i].name, json_num(f->values[i]));
	return json_pack("{s:s,s:{s:I,s:I},s:{s:I,s:I},s:o}", "type", field_type_name(f->type), "count",
			 "reference", (json_int_t)r->count, "current", (json_int_t)c->count, "missing",
			 "reference", (json_int_t)(r->places - r->present), "current",
			 (json_int_t)(c->places - c->present), "measures", measures);
}

json_t *comparison_json(const struct comparison *c)
{
	json_t *fields = json_object();

	for (size_t i = 0; i < c->n; i++) {
		json_t *path = json_str(c->fields[i].path); // escapes what is no UTF-8

		json_object_set_new(fields, json_string_value(path), field_json(&c->fields[i]));
		json_decref(path);
	}
	return json_pack("{s:{s:I,s:I},s:o}", "rows", "reference", (json_int_t)c->reference->rows, "current",
			 (json_int_t)c->current->rows, "fields", fields);
}
