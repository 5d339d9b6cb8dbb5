// SPDX-License-Identifier: Apache-2.0
// A condition is [FIELD:]MEASURE OP NUMBER. A field's name may hold anything but a comma: the measure is what
// stands after its last colon.
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/compare.h"
#include "config/nearest.h"
#include "util/xalloc.h"

void gates_measures(struct buf *out)
{
	for (size_t i = 0; i < measure_table_len; i++)
		if (exact_has(&measure_table[i]))
			buf_addf(out, "%s%s", i ? " " : "", measure_table[i].name);
}

static int no_measure(const char *name, struct error *err)
{
	struct nearest near;

	nearest_init(&near, name);
	for (size_t i = 0; i < measure_table_len; i++)
		if (exact_has(&measure_table[i]))
			nearest_try(&near, measure_table[i].name);
	return error_set(err, "no measure '%.40s'%s%s", name, near.best ? "; did you mean " : "",
			 near.best ? near.best : "");
}

// Without the blanks around it.
static char *trimmed(const char *s, size_t n)
{
	while (n && isspace((unsigned char)*s))
		s++, n--;
	while (n && isspace((unsigned char)s[n - 1]))
		n--;
	return xstrndup(s, n);
}

static int add_one(struct gates *all, const char *text, struct error *err)
{
	size_t at = strcspn(text, "<>"), op = at;
	struct gate g = {0};
	char *left, *colon, *end;
	int rc = -1;

	if (!text[at])
		return error_set(err, "'%.80s' is no condition; write MEASURE>NUMBER or FIELD:MEASURE>NUMBER",
				 text);
	left = trimmed(text, at);
	g.op[0] = text[op++];
	if (text[op] == '=')
		g.op[1] = text[op++];
	g.limit = strtod(text + op, &end);
	colon = strrchr(left, ':');
	while (isspace((unsigned char)*end))
		end++;
	if (end == text + op || *end || !isfinite(g.limit)) {
		error_set(err, "'%.80s': what follows %s must be a number", text, g.op);
	} else if (!(g.measure = measure_find(colon ? colon + 1 : left)) || !exact_has(g.measure)) {
		no_measure(colon ? colon + 1 : left, err);
	} else {
		g.field = colon ? xstrndup(left, (size_t)(colon - left)) : NULL;
		GROW(all->items, all->n, all->cap);
		all->items[all->n++] = g;
		rc = 0;
	}
	free(left);
	return rc;
}

int gates_add(struct gates *g, const char *text, struct error *err)
{
	for (;;) {
		size_t n = strcspn(text, ",");
		char *one = trimmed(text, n);
		int rc = add_one(g, one, err);

		free(one);
		if (rc || !text[n])
			return rc;
		text += n + 1;
	}
}

void gates_release(struct gates *g)
{
	for (size_t i = 0; i < g->n; i++)
		free(g->items[i].field);
	free(g->items);
}

static bool holds(const struct gate *g, double v)
{
	bool equal = g->op[1] && v == g->limit;

	return equal || (g->op[0] == '>' ? v > g->limit : v < g->limit);
}

// What cannot be judged has not passed: one side alone without values, or a named field without that measure.
static bool broken(const struct gate *g, const struct compared_field *f)
{
	const struct measure *m = g->measure;
	double v = compared_value(f, m->name);
	bool lost = (m->exact ? m->file_types : m->types) & 1u << f->type && !f->reference.count != !f->current.count;

	if (!isnan(v) && holds(g, v)) {
		fprintf(stderr, "kdrift compare: %s: %s is %.6g (fails on %s %g)\n", f->path, m->name, v,
			g->op, g->limit);
		return true;
	}
	if (!isnan(v) || !(g->field || lost))
		return false;
	fprintf(stderr, "kdrift compare: %s: %s is not known%s\n", f->path, m->name,
		!f->reference.count ? ": the reference file has no value"
		: !f->current.count ? ": the current file has no value"
				    : " of such values");
	return true;
}

size_t gates_judge(const struct gates *g, const struct comparison *c)
{
	size_t n = 0;

	for (size_t i = 0; i < g->n; i++) {
		bool found = false;

		for (size_t k = 0; k < c->n; k++) {
			if (g->items[i].field && strcmp(g->items[i].field, c->fields[k].path) != 0)
				continue;
			found = true;
			n += broken(&g->items[i], &c->fields[k]);
		}
		if (g->items[i].field && !found) {
			fprintf(stderr, "kdrift compare: %s: no such field in either file\n",
				g->items[i].field);
			n++;
		}
	}
	return n;
}
