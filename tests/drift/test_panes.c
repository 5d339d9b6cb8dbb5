// SPDX-License-Identifier: Apache-2.0
// What a monitor says from panes lies within its stated error of what SciPy, Evidently, NannyML and deepchecks say of
// the same data. Expected values: tests/drift/exact/golden.py. KDRIFT_SHOW=1 prints how much of the error is used.
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "exact_data.h"
#include "helper.h"
#include "util/xalloc.h"

static json_t *golden(const char *key)
{
	struct error err = ERROR_INIT;
	json_t *all = json_parse_file(TEST_DATA "/drift/exact.json", &err), *part;

	cr_assert(all, "%s", err.text);
	part = json_incref(json_object_get(all, key));
	json_decref(all);
	return part;
}

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
	json_t *cases = golden("numeric"), *item;
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
