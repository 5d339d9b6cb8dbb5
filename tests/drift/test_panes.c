// SPDX-License-Identifier: Apache-2.0
// What a monitor says from panes lies within its stated error of what SciPy, Evidently, NannyML and deepchecks say of
// the same data. Expected values: tests/drift/exact/golden.py. KDRIFT_SHOW=1 prints how much of the error is used.
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "exact_data.h"
#include "helper.h"
#include "util/sort.h"
#include "util/xalloc.h"

// Of a measure over all data sets.
struct tally {
	size_t sets, bounded;  // compared; with an error above 0
	double used, relative; // the largest share of the error that was needed; the largest error where it is 0
};

static double rounding(const char *measure, double want)
{
	bool root = !strncmp(measure, "js", 2) || !strncmp(measure, "hellinger", 9);

	return 1e-9 * fabs(want) + (root && fabs(want) < 1e-3 ? 3e-8 : want ? 0 : 1e-12);
}

static void compare(struct tally *t, const char *measure, const char *set, double want, const struct measure_value *v)
{
	double off = fabs(v->value - want), slack = rounding(measure, want);

	cr_expect(v->error >= 0, "%s of %s has no error", measure, set);
	cr_expect(off <= v->error + slack, "%s of %s: %.17g, not %.17g within %g", measure, set, v->value, want,
		  v->error);
	t->sets++;
	if (v->error > slack) {
		t->bounded++;
		t->used = fmax(t->used, off / v->error);
	} else if (want) {
		t->relative = fmax(t->relative, off / fabs(want));
	}
}

static void show(const struct tally *tally)
{
	for (size_t i = 0; getenv("KDRIFT_SHOW") && i < measure_table_len; i++)
		if (tally[i].sets)
			fprintf(stderr, "%-22s %2zu sets, %2zu with an error, of which at most %5.1f %% is used; else %.1g relative\n",
				measure_table[i].name, tally[i].sets, tally[i].bounded, 100 * tally[i].used,
				tally[i].relative);
}

// Whole numbers past 2^53 are told apart in files, not in panes, which hold doubles: what depends on which values are
// equal is not the same measure there.
static bool told_apart(const json_t *item, const char *measure)
{
	static const char *const others[] = {"wasserstein", "wasserstein.evidently", "energy", "mean_shift",
					     "variance_ratio", "t_p"};

	if (strcmp(json_get_str(json_object_get(item, "reference"), "kind", ""), "big"))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (!strcmp(others[i], measure))
			return false;
	return true;
}

// Of numbers these are defined by groups of the grid's bins (files have them so, too), or are not in the file.
static bool by_group(const char *measure)
{
	static const char *const names[] = {"psi", "js", "kl", "hellinger", "linf", "tvd", "top_share"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcmp(names[i], measure))
			return true;
	return false;
}

// Against the grid of the reference, or where neither side has one.
static size_t compare_numbers(const json_t *item, bool grid, struct tally *tally)
{
	const char *set = json_get_str(item, "name", "");
	struct exact_side r, c;
	size_t known = 0;

	side_numbers(&r, json_object_get(item, "reference"));
	side_numbers(&c, json_object_get(item, "current"));
	struct baseline *b = baseline_numbers(r.sorted, r.n);
	struct field_def bare = {.path = (char[]){"x"}, .type = FIELD_NUMERIC}, *def = grid ? &b->fields[0]->def : &bare;
	struct pane *p = pane_numbers(def, r.sorted, r.n), *q = pane_numbers(def, c.sorted, c.n);
	struct measure_input in = {.def = def,
				   .current = {q, q->fields[0]},
				   .reference = {p, p->fields[0]},
				   .newest = EVENT_TIME_NONE};

	for (size_t i = 0; i < measure_table_len; i++) {
		const struct measure *m = &measure_table[i];
		const json_t *want = json_object_get(json_object_get(item, "values"), m->name);
		struct measure_value v = {.value = NAN};

		if (!m->compute || !(m->types & 1u << FIELD_NUMERIC) || told_apart(item, m->name))
			continue;
		m->compute(&in, &v);
		if (v.state == READING_KNOWN && want) {
			compare(&tally[i], m->name, set, json_number_value(want), &v);
			known++;
		}
		if (grid && m->exact && !by_group(m->name))
			cr_expect_eq(v.state == READING_KNOWN, want != NULL, "%s of %s is %s", m->name, set,
				     reading_state_names[v.state]);
	}
	pane_free(p);
	pane_free(q);
	baseline_free(b);
	side_release(&r);
	side_release(&c);
	return known;
}

Test(panes, numbers_within_the_error)
{
	struct tally *tally = xcalloc(measure_table_len, sizeof *tally), *logarithmic = xcalloc(measure_table_len, sizeof *tally);
	json_t *cases = golden("exact.json", "numeric"), *item;
	size_t i, known = 0;

	json_array_foreach(cases, i, item)
	{
		known += compare_numbers(item, true, tally);
		compare_numbers(item, false, logarithmic);
	}
	cr_assert_geq(i, 30);
	cr_assert_geq(known, 12 * i);
	show(tally);
	show(logarithmic);
	free(tally);
	free(logarithmic);
	json_decref(cases);
}

static size_t counts_of(const json_t *o, const char **names, uint64_t *counts)
{
	const char *key;
	json_t *v;
	size_t n = 0;

	json_object_foreach((json_t *)(uintptr_t)o, key, v) {
		names[n] = key;
		counts[n++] = (uint64_t)json_integer_value(v);
	}
	return n;
}

Test(panes, categories_within_the_error)
{
	struct tally *tally = xcalloc(measure_table_len, sizeof *tally);
	json_t *cases = golden("exact.json", "categorical"), *item;
	size_t i, known = 0;

	json_array_foreach(cases, i, item)
	{
		const char *set = json_get_str(item, "name", ""), *names[1024];
		uint64_t counts[1024];
		size_t n = counts_of(json_object_get(item, "reference"), names, counts);
		struct baseline *b = baseline_categories(names, counts, n);

		n = counts_of(json_object_get(item, "current"), names, counts);
		struct pane *p = pane_categories(&b->fields[0]->def, names, counts, n);
		struct measure_input in = {.def = &b->fields[0]->def,
					   .current = {p, p->fields[0]},
					   .reference = {b->total, b->fields[0]->total},
					   .newest = EVENT_TIME_NONE};

		for (size_t k = 0; k < measure_table_len; k++) {
			const struct measure *m = &measure_table[k];
			const json_t *want = json_object_get(json_object_get(item, "values"), m->name);
			struct measure_value v = {.value = NAN};

			if (!want || !m->compute || !(m->types & 1u << FIELD_CATEGORICAL))
				continue;
			m->compute(&in, &v);
			cr_assert_eq(v.state, READING_KNOWN, "%s of %s", m->name, set);
			if (!strcmp(set, "ids") && isnan(v.error)) // past the bound
				continue;
			compare(&tally[k], m->name, set, json_number_value(want), &v);
			known++;
		}
		pane_free(p);
		baseline_free(b);
	}
	cr_assert_geq(i, 10);
	cr_assert_geq(known, 25 * (i - 1));
	show(tally);
	free(tally);
	json_decref(cases);
}

// The published vector, to the digits it is printed with.
Test(panes, golden_vector)
{
	static const struct {
		const char *name;
		double value, digit;
	} printed[] = {
		{"psi.evidently", 0.34013, 1e-5}, {"psi.fiddler", 0.22564, 1e-5},
		{"psi.deepchecks", 0.09440, 1e-5}, {"js.evidently", 0.14517, 1e-5},
		{"js.nannyml", 0.17437, 1e-5}, {"js.tfdv", 0.03040, 1e-5},
		{"kl.evidently", 0.06460, 1e-5}, {"hellinger", 0.16956, 1e-5},
		{"linf", 0.1, 1e-9}, {"linf.deequ-robust", 0.01950, 1e-5},
		{"chi2", 64.957, 1e-3}, {"chi2_p", 5.1e-14, 1e-15},
		{"cramers_v.deepchecks", 0.17605, 1e-5},
	};
	static const char *const names[] = {"A", "B", "C", "D"};
	static const uint64_t before[] = {500, 300, 200}, after[] = {400, 350, 200, 50};
	struct baseline *b = baseline_categories(names, before, 3);
	struct pane *p = pane_categories(&b->fields[0]->def, names, after, 4);

	for (size_t i = 0; i < ARRAY_LEN(printed); i++) {
		struct measure_value v = against(printed[i].name, b, p, 1);

		cr_expect_float_eq(v.value, printed[i].value, printed[i].digit / 2, "%s: %.17g", printed[i].name, v.value);
		cr_expect_eq(v.error, 0, "%s", printed[i].name);
	}
	pane_free(p);
	baseline_free(b);
}

// A distance sees what moments do not: a normal against a two-humped mix of the same mean and variance.
Test(panes, two_humps)
{
	json_t *cases = golden("exact.json", "numeric"), *item, *found = NULL;
	struct exact_side r, c;
	double want;
	size_t i;

	json_array_foreach(cases, i, item)
		if (!strcmp(json_get_str(item, "name", ""), "two humps of equal mean and variance"))
			found = item;
	cr_assert(found);
	side_numbers(&r, json_object_get(found, "reference"));
	side_numbers(&c, json_object_get(found, "current"));
	struct baseline *b = baseline_numbers(r.sorted, r.n);
	struct pane *p = pane_numbers(&b->fields[0]->def, c.sorted, c.n);

	want = json_get_num(json_object_get(found, "values"), "wasserstein", NAN);
	cr_expect_float_eq(against("wasserstein", b, p, 1).value, want, 0.01 * want);
	cr_expect_gt(against("wasserstein.evidently", b, p, 1).value, measure_find("wasserstein.evidently")->threshold);
	cr_expect_gt(against("drift", b, p, 1).value, measure_find("drift")->threshold);
	cr_expect_lt(fabs(against("mean_shift", b, p, 1).value), 0.05);
	cr_expect_float_eq(against("variance_ratio", b, p, 1).value, 1, 0.05);
	pane_free(p);
	baseline_free(b);
	side_release(&r);
	side_release(&c);
	json_decref(cases);
}

// n values of some law, sorted.
static double *some_values(struct rng *rng, size_t n)
{
	double *v = xcalloc(n, sizeof *v), at = 3 * rng_normal(rng), wide = exp(rng_normal(rng)), steps;
	int kind = (int)(4 * rng_uniform(rng));

	steps = kind == 2 ? 4 : 40;
	for (size_t i = 0; i < n; i++) {
		v[i] = at + wide * rng_normal(rng);
		if (kind == 1)
			v[i] = at + exp(2 * rng_normal(rng));
		if (kind >= 2)
			v[i] = round(v[i] * steps) / steps;
		if (rng_uniform(rng) < 0.02)
			v[i] = 0;
	}
	qsort(v, n, sizeof *v, double_cmp);
	return v;
}

// On a grid of neither side's making, values of both lie outside it. KDRIFT_SEED=N repeats a run.
Test(panes, on_a_foreign_grid)
{
	const char *given = getenv("KDRIFT_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 10) : 20240611;
	struct tally *tally = xcalloc(measure_table_len, sizeof *tally);
	struct rng rng;

	rng_seed(&rng, seed);
	for (int trial = 0; trial < 400; trial++) {
		size_t k = 2 + (size_t)(300 * rng_uniform(&rng)), n = 1 + (size_t)(400 * rng_uniform(&rng) * rng_uniform(&rng)),
		       m = 1 + (size_t)(400 * rng_uniform(&rng) * rng_uniform(&rng));
		double *g = some_values(&rng, k), *r = some_values(&rng, n), *c = some_values(&rng, m);
		struct baseline *b = baseline_numbers(g, k);
		struct pane *p = pane_numbers(&b->fields[0]->def, r, n), *q = pane_numbers(&b->fields[0]->def, c, m);
		struct measure_input in = {.def = &b->fields[0]->def,
					   .current = {q, q->fields[0]},
					   .reference = {p, p->fields[0]},
					   .newest = EVENT_TIME_NONE};
		struct exact_side sr = {.rows = n, .sorted = r, .n = n}, sc = {.rows = m, .sorted = c, .n = m};
		double *want = exact_compute("x", FIELD_NUMERIC, &sr, &sc);
		char set[64];

		snprintf(set, sizeof set, "trial %d of seed %llu", trial, (unsigned long long)seed);
		for (size_t i = 0; i < measure_table_len; i++) {
			const struct measure *t = &measure_table[i];
			struct measure_value v = {.value = NAN};

			if (!t->compute || !t->exact || !(t->types & 1u << FIELD_NUMERIC) ||
			    (by_group(t->name) && strcmp(t->name, "top_share")))
				continue;
			t->compute(&in, &v);
			if (v.state == READING_KNOWN && !isnan(want[i]) && !isnan(v.error))
				compare(&tally[i], t->name, set, want[i], &v);
		}
		free(want);
		pane_free(p);
		pane_free(q);
		baseline_free(b);
		free(g);
		free(r);
		free(c);
	}
	cr_assert_gt(tally[measure_find("ad") - measure_table].bounded, 300);
	show(tally);
	free(tally);
}
