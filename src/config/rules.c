// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/nearest.h"
#include "config/read.h"
#include "util/xalloc.h"

static void read_measure(struct loader *l, const struct node *n, const char *path, struct rule *r)
{
	const char *s = read_text(l, n, path);
	struct nearest near;

	if (!s)
		return;
	r->measure = measure_find(s);
	if (r->measure && r->measure->compute)
		return;
	if (r->measure) {
		problem(l, n, "%s: '%s' can be had of two files only (kdrift compare)", path, s);
		r->measure = NULL;
		return;
	}
	nearest_init(&near, s);
	for (size_t i = 0; i < measure_table_len; i++)
		if (measure_table[i].compute)
			nearest_try(&near, measure_table[i].name);
	if (near.best)
		problem(l, n, "%s: '%s' is no measure; did you mean '%s'?", path, s, near.best);
	else
		problem(l, n, "%s: '%s' is no measure; docs/measures.md lists them", path, s);
}

static void read_previous(struct loader *l, const struct node *n, const char *path, struct rule *r)
{
	int64_t ms;

	if (!read_earlier(l, n, path, &ms))
		r->against = (struct against){AGAINST_PREVIOUS, ms, NULL};
}

static void read_against(struct loader *l, const struct node *n, const char *path, struct rule *r)
{
	static const char *const kinds[] = {"previous", "slice", "stream"};
	const struct node *item = n->kind == NODE_MAP && n->n == 1 ? n->items[0] : NULL;
	char at[PATH_TEXT];

	if (n->kind == NODE_SCALAR && !strcmp(n->text, "baseline"))
		return;
	for (size_t i = 0; item && i < ARRAY_LEN(kinds); i++) {
		if (strcmp(n->keys[0], kinds[i]) != 0)
			continue;
		child_path(at, sizeof at, path, kinds[i]);
		if (i == 0) {
			read_previous(l, item, at, r);
			return;
		}
		const char *name = read_text(l, item, at);
		r->against =
		    (struct against){i == 1 ? AGAINST_SLICE : AGAINST_STREAM, 0, xstrdup(name ? name : "")};
		return;
	}
	problem(l, n, "%s: write baseline, {previous: 7d}, {slice: \"version=stable\"} or {stream: NAME}",
		path);
}

static void read_clear(struct loader *l, const struct node *map, const char *path, struct rule *r)
{
	const struct node *below = node_get(map, "clear_below"), *above = node_get(map, "clear_above");
	const struct node *n = below ? below : above;
	char at[PATH_TEXT];

	if (!n)
		return;
	child_path(at, sizeof at, path, below ? "clear_below" : "clear_above");
	if (below && above)
		problem(l, above, "%s: stands beside clear_above; give the one that belongs to the threshold",
			at);
	else if (read_number(l, n, at, &r->clear) < 0)
		return;
	else if (below ? !r->has_above : !r->has_below)
		problem(l, n, "%s: belongs to '%s', which this rule does not have", at,
			below ? "above" : "below");
	else if (below ? r->clear > r->above : r->clear < r->below)
		problem(l, n,
			"%s: %g is on the wrong side of the threshold %g; the alert would resolve while it "
			"is true",
			at, r->clear, below ? r->above : r->below);
	else
		r->has_clear = true;
}

// A limit that is derived from the baseline's chunks needs a measure that they have, against that baseline.
static bool check_chunks(struct loader *l, const struct node *n, const char *path, const struct rule *r, bool served)
{
	if (served && r->against.kind == AGAINST_BASELINE)
		return true;
	if (served)
		problem(l, n, "%s: is taken from the baseline's own chunks, and the rule compares with something else; give a "
			      "number, or budget: with the measure drift", path);
	else
		problem(l, n, "%s: what %s usually is cannot be had from the baseline's chunks; give a number", path,
			r->measure->name);
	return false;
}

static void read_budget(struct loader *l, const struct node *map, const char *path, struct rule *r)
{
	const struct node *n = node_get(map, "budget");
	const char *other = node_get(map, "above") ? "above" : "below";
	char at[PATH_TEXT];
	const char *s;

	child_path(at, sizeof at, path, "budget");
	if (node_get(map, other))
		problem(l, n, "%s: stands beside %s; the threshold is derived from the budget, so keep one of the two", at, other);
	else if ((s = read_text(l, n, at)) && !budget_parse(s, &r->budget))
		problem(l, n, "%s: '%s' is no budget; write e.g. 1/week (N/day, N/week, N/month or N/year)", at, s);
	else if (s && r->measure && r->measure->scale == SCALE_OWN)
		check_chunks(l, n, at, r, measure_has_tail(r->measure));
}

static void read_above(struct loader *l, const struct node *n, const char *path, struct rule *r)
{
	const struct node *chunks = n->kind == NODE_MAP && n->n == 1 ? node_get(n, "chunks") : NULL;
	const struct node *way = chunks && chunks->kind == NODE_MAP && chunks->n == 1 ? chunks->items[0] : NULL;
	bool std = way && !strcmp(chunks->keys[0], "std"), quantile = way && !strcmp(chunks->keys[0], "quantile");
	char at[PATH_TEXT], below[PATH_TEXT];

	if (n->kind != NODE_MAP) {
		r->has_above = !read_number(l, n, path, &r->above);
		return;
	}
	child_path(at, sizeof at, path, "chunks");
	if (!std && !quantile) {
		problem(l, n, "%s: write a number, {chunks: {std: 3}} or {chunks: {quantile: 0.999}}", path);
		return;
	}
	child_path(below, sizeof below, at, chunks->keys[0]);
	if (read_number(l, way, below, &r->chunks.at) < 0)
		return;
	if (std ? r->chunks.at < 0 : r->chunks.at <= 0 || r->chunks.at >= 1)
		problem(l, way, "%s: %g is not %s", below, r->chunks.at, std ? "0 or more" : "between 0 and 1");
	else if (r->measure && check_chunks(l, n, at, r, measure_has_chunks(r->measure)))
		r->chunks.kind = std ? CHUNKS_STD : CHUNKS_QUANTILE;
}

static void check_threshold(struct loader *l, const struct node *map, const char *path, struct rule *r)
{
	const struct node *above = node_get(map, "above"), *below = node_get(map, "below");
	char at[PATH_TEXT];

	if (above && !node_get(map, "budget"))
		read_above(l, above, child_path(at, sizeof at, path, "above"), r);
	if (node_get(map, "budget"))
		read_budget(l, map, path, r);
	else if (above && below)
		problem(l, below, "%s.below: stands beside above; make two rules of it", path);
	else if (!above && !below)
		problem(l, map, "%s: has no threshold; write above:, below: or budget:", path);
	if (node_get(map, "adjust") && r->measure && (r->measure->scale != SCALE_P || !r->has_below))
		warning(l, node_get(map, "adjust"), "%s.adjust: is for a p-value with below:, so it has no effect", path);
}

static void check_scope(struct loader *l, const struct node *map, const char *path, const struct rule *r)
{
	const struct node *field = node_get(map, "field"), *against = node_get(map, "against");

	if (!r->measure)
		return;
	if (field && !(r->measure->scope & MEASURE_FIELD))
		problem(l, field, "%s.field: %s is measured on the whole stream; remove field", path,
			r->measure->name);
	if (against && !r->measure->needs_reference)
		warning(l, against, "%s.against: %s compares with nothing, so it has no effect", path,
			r->measure->name);
	if (r->measure->by_slide && r->against.kind != AGAINST_BASELINE)
		problem(l, against, "%s.against: %s compares with a baseline only; remove against", path, r->measure->name);
	if (r->min_records && r->min_records < r->measure->min_records)
		warning(l, node_get(map, "min_records"),
			"%s.min_records: %s needs at least %llu and says nothing below", path,
			r->measure->name, (unsigned long long)r->measure->min_records);
}

static const struct rule *find_rule(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->nrules; i++)
		if (c->rules[i].name && !strcmp(c->rules[i].name, name))
			return &c->rules[i];
	return NULL;
}

static void check_rule_name(struct loader *l, const struct node *n, const char *path, const struct rule *r)
{
	const struct rule *other = find_rule(l->c, r->name);

	if (check_name(l, n, path, r->name) && other)
		problem(l, n, "%s: '%s' is already the name of the rule in %s:%d; choose another", path,
			r->name, other->file, other->line);
}

static void check_against(struct loader *l, const struct node *n, const char *path, const struct rule *r)
{
	const struct stream_conf *other = config_stream(l->c, r->against.name ? r->against.name : "");

	if (r->against.kind == AGAINST_STREAM && *r->against.name && !other)
		problem(l, n, "%s.against.stream: no stream is named '%s'", path, r->against.name);
	for (size_t i = 0; i < l->c->nstreams; i++) {
		const struct stream_conf *s = &l->c->streams[i];
		if (!config_rule_concerns(r, s))
			continue;
		if (r->against.kind == AGAINST_SLICE && *r->against.name && !slice_named(s, r->against.name))
			warning(l, n,
				"%s.against.slice: '%s' names no slice of stream %s, so it stays unknown; "
				"write every key of its "
				"slice_by in order (k=v,k2=v2)",
				path, r->against.name, s->name);
	}
}

static void check_stream(struct loader *l, const struct node *map, const char *path, const struct rule *r)
{
	const struct node *n = node_get(map, "stream");
	size_t found = 0;

	for (size_t i = 0; i < l->c->nstreams; i++)
		found += config_rule_concerns(r, &l->c->streams[i]);
	if (n && !found && strcmp(r->stream, "*") != 0)
		warning(l, n, "%s.stream: no stream%s%s matches '%s', so the rule never speaks", path,
			r->role ? " of role " : "", r->role ? r->role : "", r->stream);
}

static void read_rule(struct loader *l, const struct node *map, const char *path, struct rule *r)
{
	const struct node *n;
	char at[PATH_TEXT];

	section_read(l, map, path, &section_rule, r);
	if (map->kind != NODE_MAP)
		return;
	if (r->name)
		check_rule_name(l, node_get(map, "alert"), child_path(at, sizeof at, path, "alert"), r);
	if ((n = node_get(map, "measure")))
		read_measure(l, n, child_path(at, sizeof at, path, "measure"), r);
	if ((n = node_get(map, "against")))
		read_against(l, n, child_path(at, sizeof at, path, "against"), r);
	if (n && r->against.name)
		check_against(l, n, path, r);
	check_stream(l, map, path, r);
	check_threshold(l, map, path, r);
	read_clear(l, map, path, r);
	check_scope(l, map, path, r);
}

void read_rules(struct loader *l, enum tier tier, struct document *d)
{
	struct config *c = l->c;
	struct node *root = d->root;
	char path[PATH_TEXT];

	if (root->kind == NODE_NULL)
		return;
	if (root->kind != NODE_LIST) {
		problem(l, root, "a list of rules must stand here (- alert: NAME), or [] for none");
		return;
	}
	env_apply_rules(l, root);
	c->rules = xrealloc(c->rules, (c->nrules + root->n + 1) * sizeof *c->rules);
	for (size_t i = 0; i < root->n; i++) {
		struct rule *r = &c->rules[c->nrules];
		const struct node *name = node_get(root->items[i], "alert");

		*r = (struct rule){.tier = tier, .file = xstrdup(d->file), .line = root->items[i]->line};
		snprintf(path, sizeof path, "[%zu]", i);
		if (name && name->text)
			snprintf(path, sizeof path, "%.200s", name->text);
		read_rule(l, root->items[i], path, r);
		c->nrules++;
	}
}
