// SPDX-License-Identifier: Apache-2.0
#include "cli/gate.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/nearest.h"
#include "drift/special.h"
#include "judge/rule.h"
#include "util/xalloc.h"

static int no_measure(const char *name, bool (*has)(const struct measure *m), struct error *err)
{
	struct nearest near;

	nearest_init(&near, name);
	for (size_t i = 0; i < measure_table_len; i++)
		if (has(&measure_table[i]))
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

// TIERS: it is none.
static enum tier tier_of(const char *name)
{
	int t = 0;

	while (t < TIERS && strcmp(tier_names[t], name) != 0)
		t++;
	return (enum tier)t;
}

static int add_one(struct gates *all, const char *text, bool tiers, bool (*has)(const struct measure *m), struct error *err)
{
	size_t at = strcspn(text, "<>"), op = at;
	struct gate g = {.tier = TIERS};
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
	} else if (tiers && (g.tier = tier_of(left)) < TIERS) {
		GROW(all->items, all->n, all->cap);
		all->items[all->n++] = g;
		rc = 0;
	} else if (!(g.measure = measure_find(colon ? colon + 1 : left)) || !has(g.measure)) {
		no_measure(colon ? colon + 1 : left, has, err);
	} else {
		g.field = colon ? xstrndup(left, (size_t)(colon - left)) : NULL;
		GROW(all->items, all->n, all->cap);
		all->items[all->n++] = g;
		rc = 0;
	}
	free(left);
	return rc;
}

static int add_all(struct gates *g, const char *text, bool tiers, bool (*has)(const struct measure *m), struct error *err)
{
	for (;;) {
		size_t n = strcspn(text, ",");
		char *one = trimmed(text, n);
		int rc = add_one(g, one, tiers, has, err);

		free(one);
		if (rc || !text[n])
			return rc;
		text += n + 1;
	}
}

static int read_all(struct gates *g, const struct cli_args *args, bool tiers, bool (*has)(const struct measure *m))
{
	struct error err = ERROR_INIT;
	struct buf names = BUF_INIT;
	size_t n;
	const char *const *conditions = cli_strs(args, "fail-on", &n);
	int rc = 0;

	*g = (struct gates){0};
	for (size_t i = 0; i < n && !rc; i++)
		rc = add_all(g, conditions[i], tiers, has, &err);
	if (!rc)
		return EXIT_OK;
	for (size_t i = 0; i < measure_table_len; i++)
		if (has(&measure_table[i]))
			buf_addf(&names, " %s", measure_table[i].name);
	rc = cli_usage(args, "--fail-on: %s\nmeasures:%s", err.text, names.data);
	buf_release(&names);
	return rc;
}

int gates_read(struct gates *g, const struct cli_args *args, bool (*has)(const struct measure *m))
{
	return read_all(g, args, false, has);
}

int gates_read_tiers(struct gates *g, const struct cli_args *args, bool (*has)(const struct measure *m))
{
	return read_all(g, args, true, has);
}

bool gate_of_pane(const struct measure *m)
{
	const struct rule r = {.measure = m};

	return m->compute && !rule_is_clock(&r);
}

void gates_release(struct gates *g)
{
	for (size_t i = 0; i < g->n; i++)
		free(g->items[i].field);
	free(g->items);
}

bool gate_holds(const struct gate *g, double v)
{
	bool equal = g->op[1] && v == g->limit;

	return equal || (g->op[0] == '>' ? v > g->limit : v < g->limit);
}

double gate_limit_p(const struct gate *g)
{
	return g->measure->scale == SCALE_Z && g->op[0] == '>' ? normal_sf(g->limit) : 0;
}

bool gate_broken(const struct gate *g, const char *command, const char *field, double v, const char *why)
{
	const char *colon = *field ? ": " : "";

	if (isnan(v) ? !why : !gate_holds(g, v))
		return false;
	if (isnan(v))
		fprintf(stderr, "kdrift %s: %s%s%s is not known: %s\n", command, field, colon, g->measure->name, why);
	else
		fprintf(stderr, "kdrift %s: %s%s%s is %.6g (fails on %s %g)\n", command, field, colon, g->measure->name, v, g->op,
			g->limit);
	return true;
}
