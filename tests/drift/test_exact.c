// SPDX-License-Identifier: Apache-2.0
// Expected values: tests/drift/exact/golden.py (SciPy, Evidently, NannyML, deepchecks).
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "drift/ks_law.h"
#include "exact_data.h"
#include "helper.h"
#include "util/xalloc.h"

// A root of what should cancel to 0 is half the digits of what is left; p-values of 1 - x likewise all.
static const char *const roots[] = {"js.evidently",	 "js.nannyml", "hellinger.evidently",
				    "hellinger.nannyml", "js",	       "hellinger"};

static bool is_root(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(roots); i++)
		if (!strcmp(roots[i], name))
			return true;
	return false;
}

static bool near(const char *name, double want, double got)
{
	double slack = is_root(name) ? 3e-8 : 1e-12;

	if (isnan(got))
		return false;
	if (is_root(name) && fabs(want) < 1e-3) // compare what the root is taken of
		return fabs(want * want - got * got) <= 1e-9 * want * want + slack * slack;
	return fabs(want - got) <= 1e-9 * fabs(want) + (want == 0 ? slack : 0);
}

// Every value of the file, and no value where the package has none.
static void expect_values(const json_t *item, enum field_type type, const struct exact_side *r,
			  const struct exact_side *c)
{
	const json_t *want = json_object_get(item, "values");
	const char *name = json_get_str(item, "name", "");
	double *got = exact_compute("x", type, r, c);
	size_t known = 0;

	for (size_t i = 0; i < measure_table_len; i++) {
		const struct measure *m = &measure_table[i];
		const json_t *v = json_object_get(want, m->name);
		// The grid's are compared with the monitor's own instead.
		bool ours = !m->exact || !strcmp(m->name, "unseen_ratio") || !strcmp(m->name, "top_share");

		ours |= type == FIELD_NUMERIC && (!strcmp(m->name, "psi") || !strcmp(m->name, "js") ||
						  !strcmp(m->name, "hellinger") || !strcmp(m->name, "kl") ||
						  !strcmp(m->name, "linf") || !strcmp(m->name, "tvd"));
		known += v != NULL;
		if (v)
			cr_expect(near(m->name, json_number_value(v), got[i]), "%s of %s: %.17g, not %.17g", m->name,
				  name, got[i], json_number_value(v));
		else if (!ours)
			cr_expect(isnan(got[i]), "%s of %s: %.17g, not nothing", m->name, name, got[i]);
	}
	cr_expect_eq(known, json_object_size(want), "%s: a measure of the file is not in the table", name);
	free(got);
}

Test(exact, numbers_as_the_packages)
{
	json_t *cases = golden("exact.json", "numeric"), *item;
	size_t i;

	json_array_foreach(cases, i, item)
	{
		struct exact_side r, c;

		side_numbers(&r, json_object_get(item, "reference"));
		side_numbers(&c, json_object_get(item, "current"));
		expect_values(item, FIELD_NUMERIC, &r, &c);
		side_release(&r);
		side_release(&c);
	}
	cr_assert_geq(i, 30);
	json_decref(cases);
}

Test(exact, categories_as_the_packages)
{
	json_t *cases = golden("exact.json", "categorical"), *item;
	size_t i;

	json_array_foreach(cases, i, item)
	{
		struct exact_side r, c;

		side_categories(&r, json_object_get(item, "reference"));
		side_categories(&c, json_object_get(item, "current"));
		expect_values(item, FIELD_CATEGORICAL, &r, &c);
		side_release(&r);
		side_release(&c);
	}
	cr_assert_geq(i, 10);
	json_decref(cases);
}

static double of(const double *v, const char *name)
{
	return v[measure_find(name) - measure_table];
}

// The published vector, to the digits it is printed with.
Test(exact, golden_vector)
{
	static const struct {
		const char *name;
		double value, digit;
	} printed[] = {
	    {"psi.evidently", 0.34013, 1e-5},
	    {"psi.fiddler", 0.22564, 1e-5},
	    {"psi.deepchecks", 0.09440, 1e-5},
	    {"js.evidently", 0.14517, 1e-5},
	    {"js.nannyml", 0.17437, 1e-5},
	    {"js.tfdv", 0.03040, 1e-5},
	    {"kl.evidently", 0.06460, 1e-5},
	    {"hellinger", 0.16956, 1e-5},
	    {"linf", 0.1, 1e-9},
	    {"linf.deequ-robust", 0.01950, 1e-5},
	    {"chi2", 64.957, 1e-3},
	    {"chi2_p", 5.1e-14, 1e-15},
	    {"cramers_v.deepchecks", 0.17605, 1e-5},
	};
	static const struct exact_word before[] = {{"A", 1, 500}, {"B", 1, 300}, {"C", 1, 200}};
	static const struct exact_word after[] = {{"D", 1, 50}, {"C", 1, 200}, {"B", 1, 350}, {"A", 1, 400}};
	const struct exact_side r = {.rows = 1000, .words = before, .nwords = 3};
	const struct exact_side c = {.rows = 1000, .words = after, .nwords = 4};
	double *v = exact_compute("x", FIELD_CATEGORICAL, &r, &c);

	for (size_t i = 0; i < ARRAY_LEN(printed); i++)
		cr_expect_float_eq(of(v, printed[i].name), printed[i].value, printed[i].digit / 2,
				   "%s: %.17g", printed[i].name, of(v, printed[i].name));
	free(v);
}

// What a monitor with a baseline of the reference says of a window that holds the current rows.
static void expect_as_monitor(const char *name, enum field_type type, const struct exact_side *r,
			      const struct exact_side *c, const struct baseline *b, const struct pane *p)
{
	static const char *const grid[] = {"psi", "js", "kl", "hellinger", "linf", "tvd", "mean_shift", "variance_ratio"};
	double *v = exact_compute("x", type, r, c);

	for (size_t i = 0; i < measure_table_len; i++) {
		const struct measure *m = &measure_table[i];
		struct measure_input in = {.def = &b->fields[0]->def,
					   .current = {p, p->fields[0]},
					   .reference = {b->total, b->fields[0]->total},
					   .newest = EVENT_TIME_NONE};
		struct measure_value w = {.value = NAN};
		bool same = !m->exact;

		for (size_t k = 0; k < ARRAY_LEN(grid); k++)
			same |= !strcmp(m->name, grid[k]);
		if (!same || !exact_has(m) || !(m->types & 1u << type))
			continue;
		m->compute(&in, &w);
		if (w.state == READING_KNOWN)
			cr_expect(fabs(v[i] - w.value) <= 1e-12 * fabs(w.value),
				  "%s of %s: %.17g, the monitor %.17g", m->name, name, v[i], w.value);
		else
			cr_expect(isnan(v[i]), "%s of %s", m->name, name);
	}
	free(v);
}

Test(exact, agrees_with_the_monitor_on_numbers)
{
	json_t *cases = golden("exact.json", "numeric"), *item;
	size_t i;

	json_array_foreach(cases, i, item)
	{
		struct exact_side r, c;

		side_numbers(&r, json_object_get(item, "reference"));
		side_numbers(&c, json_object_get(item, "current"));
		r.rows = r.n;
		c.rows = c.n;
		r.nan = r.inf = c.nan = c.inf = 0;
		struct baseline *b = baseline_numbers(r.sorted, r.n);
		struct pane *p = pane_numbers(&b->fields[0]->def, c.sorted, c.n);
		expect_as_monitor(json_get_str(item, "name", ""), FIELD_NUMERIC, &r, &c, b, p);
		pane_free(p);
		baseline_free(b);
		side_release(&r);
		side_release(&c);
	}
	json_decref(cases);
}

Test(exact, agrees_with_the_monitor_on_categories)
{
	static const char *const names[] = {"A", "B", "C", "D"};
	static const uint64_t before[] = {500, 300, 200}, after[] = {400, 350, 200, 50};
	struct exact_word rw[3], cw[4];
	struct baseline *b = baseline_categories(names, before, 3);
	struct pane *p = pane_categories(&b->fields[0]->def, names, after, 4);
	struct exact_side r = {.rows = 1000, .words = rw, .nwords = 3},
			  c = {.rows = 1000, .words = cw, .nwords = 4};

	for (size_t i = 0; i < 4; i++) {
		if (i < 3)
			rw[i] = (struct exact_word){names[i], 1, before[i]};
		cw[i] = (struct exact_word){names[i], 1, after[i]};
	}
	expect_as_monitor("page", FIELD_CATEGORICAL, &r, &c, b, p);
	pane_free(p);
	baseline_free(b);
}

static double at(const json_t *a, size_t i)
{
	return json_number_value(json_array_get(a, i));
}

// To 1e-9 relative down to where a package's own value is 0.
Test(exact, laws_as_scipy)
{
	json_t *one = golden("exact.json", "one_sample"), *two = golden("exact.json", "two_samples"), *item;
	size_t i;

	json_array_foreach(one, i, item)
	{
		double got = ks_one_sample_sf((uint64_t)at(item, 0), at(item, 1)), want = at(item, 2);

		cr_expect(fabs(got - want) <= 1e-9 * want + 1e-300, "n %g, d %.17g: %.17g, not %.17g",
			  at(item, 0), at(item, 1), got, want);
	}
	cr_assert_geq(i, 150);
	json_array_foreach(two, i, item)
	{
		double got = ks_two_sample_sf((uint64_t)at(item, 0), (uint64_t)at(item, 1), at(item, 2)),
		       want = at(item, 3);

		cr_expect(fabs(got - want) <= 1e-9 * want + 1e-300, "n %g, m %g, d %.17g: %.17g, not %.17g",
			  at(item, 0), at(item, 1), at(item, 2), got, want);
	}
	cr_assert_geq(i, 70);
	json_decref(one);
	json_decref(two);
}

// A side without values has nothing to be compared, but what is missing is known.
Test(exact, one_side_empty)
{
	const double some[] = {1, 2, 3};
	const struct exact_side r = {.rows = 4, .sorted = some, .n = 3}, c = {.rows = 5, .nan = 1};
	double *v = exact_compute("x", FIELD_NUMERIC, &r, &c), *w = exact_compute("x", FIELD_NUMERIC, &c, &r);

	for (size_t i = 0; i < measure_table_len; i++)
		cr_expect(!measure_table[i].exact || (isnan(v[i]) && isnan(w[i])), "%s", measure_table[i].name);
	cr_expect_float_eq(of(v, "missing_ratio"), 0.8, 1e-15);
	cr_expect_float_eq(of(w, "missing_ratio"), 0.25, 1e-15);
	free(v);
	free(w);
}

// Of all values, where a monitor knows the most frequent ones.
Test(exact, unseen_and_top_share)
{
	enum { N = 1000 };
	static char names[N][8];
	struct exact_word before[N], after[N];
	const struct exact_side r = {.rows = N, .words = before, .nwords = N};
	const struct exact_side c = {.rows = N + 3, .words = after, .nwords = N};
	const double few[] = {1, 2, 2, 3, 3, 3, 4}, one[] = {1, 2};
	const struct exact_side x = {.rows = 2, .sorted = one, .n = 2}, y = {.rows = 7, .sorted = few, .n = 7};
	double *v;

	for (int i = 0; i < N; i++) {
		int n = snprintf(names[i], sizeof names[i], "v%d", i);
		before[i] = after[i] = (struct exact_word){names[i], (size_t)n, 1};
	}
	after[0] = (struct exact_word){"new", 3, 4};
	v = exact_compute("x", FIELD_CATEGORICAL, &r, &c);
	cr_expect_float_eq(of(v, "unseen_ratio"), 4.0 / (N + 3), 1e-15);
	cr_expect_float_eq(of(v, "top_share"), 4.0 / (N + 3), 1e-15);
	free(v);
	v = exact_compute("x", FIELD_NUMERIC, &x, &y);
	cr_expect_float_eq(of(v, "top_share"), 3.0 / 7, 1e-15);
	cr_expect(isnan(of(v, "unseen_ratio")));
	free(v);
}
