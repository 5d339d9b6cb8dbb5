// SPDX-License-Identifier: Apache-2.0
// What two baselines have in common: B is measured beside A as a window would be.
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/baseline.h"
#include "cli/gate.h"
#include "drift/baseline.h"
#include "util/clock.h"
#include "util/xalloc.h"

struct field_pair {
	const struct baseline_field *a, *b; // one of them may be NULL
};

struct diff {
	const char *paths[2];
	struct baseline *a, *b;
	struct field_pair *fields; // in order of path
	size_t n;
};

static const char *path_of(const struct field_pair *p)
{
	return p->a ? p->a->def.path : p->b->def.path;
}

static void pair_fields(struct diff *d)
{
	const struct baseline *a = d->a, *b = d->b;

	d->fields = xcalloc(a->nfields + b->nfields + 1, sizeof *d->fields);
	for (size_t i = 0, j = 0; i < a->nfields || j < b->nfields; d->n++) {
		int c = i == a->nfields ? 1 : j == b->nfields ? -1 : strcmp(a->fields[i]->def.path, b->fields[j]->def.path);

		d->fields[d->n] = (struct field_pair){c <= 0 ? a->fields[i] : NULL, c >= 0 ? b->fields[j] : NULL};
		i += c <= 0;
		j += c >= 0;
	}
}

static bool retyped(const struct field_pair *p)
{
	return p->a && p->b && p->a->def.type != p->b->def.type;
}

static bool same_grid(const struct field_pair *p)
{
	const struct grid *a = p->a->def.grid, *b = p->b->def.grid;

	return !a == !b && (!a || !strcmp(a->id, b->id));
}

// Against NULL and B's own type where A has the field in none, so that the reason is said.
static struct measure_value value_of(const struct diff *d, const struct measure *m, const struct field_pair *p)
{
	return measure_of_pane(m, p ? p->b ? &p->b->def : &p->a->def : NULL, d->b->total, d->a, d->b->to - d->b->from);
}

// --- as JSON ------------------------------------------------------------------------------------------

static json_t *time_json(const struct baseline *b, int64_t t)
{
	return b->has_event_time ? json_time(t) : json_integer(t);
}

static json_t *side_json(const char *path, const struct baseline *b)
{
	return json_pack("{s:o,s:s,s:o,s:o,s:o,s:I,s:I,s:O}", "path", json_str(path), "hash", b->hash, "stream", json_str(b->stream),
			 "from", time_json(b, b->from), "to", time_json(b, b->to), "records", (json_int_t)b->total->records,
			 "violating_records", (json_int_t)b->total->violating_records, "provenance", b->provenance);
}

static json_t *of_side(const struct baseline *b, const struct baseline_field *f)
{
	json_t *o;

	if (!f)
		return json_null();
	o = json_pack("{s:s,s:I,s:I}", "type", field_type_name(f->def.type), "count", (json_int_t)f->total->count, "missing",
		      (json_int_t)field_missing(b->total, f->total));
	if (f->def.type == FIELD_NUMERIC || f->def.type == FIELD_TEXT) {
		json_object_set_new(o, "mean", json_num(field_mean(f->total)));
		json_object_set_new(o, "stddev", json_num(field_stddev(f->total)));
	}
	if (f->def.grid)
		json_object_set_new(o, "grid", json_string(f->def.grid->id));
	return o;
}

static json_t *field_json(const struct diff *d, const struct field_pair *p)
{
	const char *change = !p->a ? "added" : !p->b ? "removed" : retyped(p) ? "retyped" : "none";
	json_t *values = json_object(), *unknown = json_object();

	for (size_t i = 0; p->a && p->b && i < measure_table_len; i++) {
		const struct measure *m = &measure_table[i];
		if (!gate_of_pane(m) || !m->needs_reference)
			continue;
		struct measure_value v = value_of(d, m, p);
		if (v.state == READING_KNOWN)
			json_object_set_new(values, m->name, json_num(v.value));
		else if (v.state != READING_NOT_APPLICABLE)
			json_object_set_new(unknown, m->name, json_string(reading_state_names[v.state]));
	}
	return json_pack("{s:s,s:o,s:o,s:o,s:o,s:o}", "change", change, "same_grid",
			 p->a && p->b && !retyped(p) ? json_boolean(same_grid(p)) : json_null(), "a", of_side(d->a, p->a), "b",
			 of_side(d->b, p->b), "measures", values, "unknown", unknown);
}

static void print_json(const struct diff *d)
{
	json_t *fields = json_object(), *o;

	for (size_t i = 0; i < d->n; i++)
		json_object_set_new(fields, path_of(&d->fields[i]), field_json(d, &d->fields[i]));
	o = json_pack("{s:o,s:o,s:o}", "a", side_json(d->paths[0], d->a), "b", side_json(d->paths[1], d->b), "fields", fields);
	char *text = json_pretty(o);
	puts(text);
	free(text);
	json_decref(o);
}

// --- as text ------------------------------------------------------------------------------------------

static void print_side(char name, const char *path, const struct baseline *b)
{
	char from[32], to[32];

	printf("%c  %s: baseline %.12s of stream %s, %" PRIu64 " records", name, path, b->hash, b->stream, b->total->records);
	if (b->has_event_time)
		printf(", %s to %s", time_format(b->from, from, sizeof from), time_format(b->to, to, sizeof to));
	printf("; from %s, kdrift %s\n", json_get_str(b->provenance, "source", "?"), json_get_str(b->provenance, "kdrift", "?"));
}

static void print_field(const struct diff *d, const struct field_pair *p)
{
	static const char *const shown[] = {"drift", "ks", "js", "psi", "mean_shift", "variance_ratio"};
	const struct baseline_field *any = p->a ? p->a : p->b;

	printf("  %-32s ", any->def.path);
	if (!p->a || !p->b) {
		printf("%s, %s\n", field_type_name(any->def.type), p->a ? "only in A" : "only in B");
		return;
	}
	if (retyped(p)) {
		printf("%s in A, %s in B\n", field_type_name(p->a->def.type), field_type_name(p->b->def.type));
		return;
	}
	printf("%-12s", field_type_name(any->def.type));
	if (any->def.type == FIELD_NUMERIC && !same_grid(p))
		printf(" another grid;");
	for (size_t i = 0; i < ARRAY_LEN(shown); i++) {
		struct measure_value v = value_of(d, measure_find(shown[i]), p);
		if (v.state == READING_KNOWN)
			printf("  %s %.4g", shown[i], v.value);
	}
	printf("\n");
}

static void print_text(const struct diff *d)
{
	size_t grids = 0, other = 0;

	print_side('A', d->paths[0], d->a);
	print_side('B', d->paths[1], d->b);
	for (size_t i = 0; i < d->n; i++) {
		const struct field_pair *p = &d->fields[i];
		bool both = p->a && p->b && (p->a->def.grid || p->b->def.grid);
		grids += both;
		other += both && !same_grid(p);
	}
	if (!d->a->nfields && !d->b->nfields)
		printf("neither has a field\n");
	else if (other)
		printf("%zu of %zu grids differ, so measures of shape are not known of these fields\n", other, grids);
	else
		printf("the grids are equal: a stream can take to B at once\n");
	for (size_t i = 0; i < d->n; i++)
		print_field(d, &d->fields[i]);
}

// --- gates --------------------------------------------------------------------------------------------

static bool broken(const struct diff *d, const struct gate *g, const struct field_pair *p)
{
	struct measure_value v = value_of(d, g->measure, p);
	bool other = v.state == READING_NOT_APPLICABLE && !g->field;
	const char *why = p && !p->b ? "it is only in A" : p && !p->a ? "it is only in B" : reading_state_names[v.state];

	return gate_broken(g, "baseline diff", p ? path_of(p) : "", p && !(p->a && p->b) ? NAN : v.value, other ? NULL : why);
}

static size_t judge(const struct diff *d, const struct gates *gates)
{
	size_t n = 0;

	for (size_t i = 0; i < gates->n; i++) {
		const struct gate *g = &gates->items[i];
		bool found = false;

		if (!(g->measure->scope & MEASURE_FIELD)) {
			n += broken(d, g, NULL);
			continue;
		}
		for (size_t k = 0; k < d->n; k++) {
			if (g->field && strcmp(g->field, path_of(&d->fields[k])) != 0)
				continue;
			found = true;
			n += broken(d, g, &d->fields[k]);
		}
		if (!found)
			n += gate_broken(g, "baseline diff", g->field ? g->field : "", NAN, "no such field in either");
	}
	return n;
}

static int look(const struct cli_args *args, const struct gates *gates)
{
	struct diff d = {.paths = {cli_word(args, 1), cli_word(args, 2)}};
	struct error err = ERROR_INIT;
	int rc = EXIT_FAILED;

	if ((d.a = baseline_load(d.paths[0], &err)) && (d.b = baseline_load(d.paths[1], &err))) {
		pair_fields(&d);
		if (cli_flag(args, "json"))
			print_json(&d);
		else
			print_text(&d);
		fflush(stdout);
		rc = judge(&d, gates) ? EXIT_FAILED : EXIT_OK;
	} else {
		cli_fail(args, &err);
	}
	free(d.fields);
	baseline_free(d.a);
	baseline_free(d.b);
	return rc;
}

int baseline_diff(struct cli_args *args)
{
	static const char *const of_making[] = {"stream", "from", "to", "file", "slice", "from-store", "allow-violations", "out"};
	struct gates gates;

	if (strcmp(cli_word(args, 0), "diff") != 0)
		return cli_usage(args, "'%s' is one word too many; baselines are compared by kdrift baseline diff A B", cli_word(args, 0));
	if (cli_words(args) != 3)
		return cli_usage(args, "diff takes two baselines: kdrift baseline diff A.json B.json");
	for (size_t i = 0; i < ARRAY_LEN(of_making); i++)
		if (cli_given(args, of_making[i]))
			return cli_usage(args, "--%s is for making a baseline, not for diff", of_making[i]);
	int rc = gates_read(&gates, args, gate_of_pane);
	if (rc == EXIT_OK)
		rc = look(args, &gates);
	gates_release(&gates);
	return rc;
}
