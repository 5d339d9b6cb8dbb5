// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "drift/contribution.h"
#include "helper.h"
#include "util/xalloc.h"

enum { MOST = 20 };

struct counts_case {
	const char *name;
	size_t n;
	uint64_t r[MOST], c[MOST];
};
struct term {
	size_t at_case;
	const char *measure;
	size_t category;
	double value;
};

#define COUNTS(...) {__VA_ARGS__}
#define TERM(i, measure, at, value)
#define CASE(i, name, n, r, c) [i] = {name, n, r, c},
static const struct counts_case cases[] = {
#include "contributions_table.h"
};
#undef TERM
#undef CASE
#define CASE(i, name, n, r, c)
#define TERM(i, measure, at, value) {i, measure, at, value},
static const struct term terms[] = {
#include "contributions_table.h"
};

static const char *const letters[MOST] = {"A", "B", "C", "D", "E", "F", "G", "H", "I", "J",
					  "K", "L", "M", "N", "O", "P", "Q", "R", "S", "T"};

static struct measure_input input_of(const struct field_def *def, const struct pane *r, const struct pane *c)
{
	return (struct measure_input){.def = def, .reference = {r, r->fields[0]}, .current = {c, c->fields[0]}};
}

static const struct contribution *of_category(const struct contributions *c, const char *value)
{
	for (size_t i = 0; i < c->n; i++)
		if (strlen(value) == c->items[i].len && !memcmp(c->items[i].value, value, c->items[i].len))
			return &c->items[i];
	return NULL;
}

Test(contribution, categories_have_numpys_terms)
{
	char path[] = "x";
	struct field_def def = {.path = path, .type = FIELD_CATEGORICAL};

	for (size_t k = 0; k < ARRAY_LEN(terms); k++) {
		const struct counts_case *cc = &cases[terms[k].at_case];
		struct pane *r = pane_categories(&def, letters, cc->r, cc->n), *c = pane_categories(&def, letters, cc->c, cc->n);
		struct measure_input in = input_of(&def, r, c);
		struct measure_value v = {.value = NAN};
		struct contributions out;
		cr_assert_eq(contributions_of(&out, measure_find(terms[k].measure), &v, &in), READING_KNOWN);
		const struct contribution *one = of_category(&out, letters[terms[k].category]);
		cr_assert_not_null(one);
		cr_expect_float_eq(one->part, terms[k].value, 1e-12 * fmax(1, fabs(terms[k].value)), "%s %s %s: %.17g not %.17g",
				   cc->name, terms[k].measure, letters[terms[k].category], one->part, terms[k].value);
		for (size_t i = 1; i < out.n; i++)
			cr_expect(fabs(out.items[i].part) <= fabs(out.items[i - 1].part));
		contributions_release(&out);
		pane_free(r);
		pane_free(c);
	}
}

Test(contribution, one_shifted_of_twenty_has_most_of_psi)
{
	char path[] = "x";
	struct field_def def = {.path = path, .type = FIELD_CATEGORICAL};
	struct pane *r = pane_categories(&def, letters, cases[1].r, 20), *c = pane_categories(&def, letters, cases[1].c, 20);
	struct measure_input in = input_of(&def, r, c);
	struct measure_value v = {.value = NAN};
	struct contributions out;

	cr_assert_eq(contributions_of(&out, measure_find("psi"), &v, &in), READING_KNOWN);
	cr_expect(out.items[0].len == 1 && *out.items[0].value == 'H');
	cr_expect_gt(out.items[0].share, 0.8);
	contributions_release(&out);
	pane_free(r);
	pane_free(c);
}

// Sums are the measures' own values, computed elsewhere.
Test(contribution, numbers_add_up_to_the_measure)
{
	enum { N = 20000 };
	static const struct {
		const char *measure;
		int power; // the sum is the value to the power
		double tolerance;
	} wanted[] = {{"psi", 1, 1e-12}, {"js", 2, 1e-12}, {"hellinger", 2, 1e-12},    {"tvd", 1, 1e-12},
		      {"kl", 1, 1e-12},  {"ks", 1, 1e-12}, {"wasserstein", 1, 0.01}};
	double *x = xmalloc(N * sizeof *x), *y = xmalloc(N * sizeof *y);
	struct rng rng;

	rng_seed(&rng, 11);
	for (int i = 0; i < N; i++) {
		x[i] = rng_normal(&rng);
		y[i] = 0.4 + 1.3 * rng_normal(&rng);
	}
	struct baseline *b = baseline_numbers(x, N);
	const struct baseline_field *bf = b->fields[0];
	struct pane *p = pane_numbers(&bf->def, y, N);
	struct measure_input in = {.def = &bf->def, .reference = {b->total, bf->total}, .current = {p, p->fields[0]}, .baseline = bf};
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		double value = plain(wanted[i].measure, b, p);
		struct measure_value v = {.value = value};
		struct contributions out;
		cr_assert_eq(contributions_of(&out, measure_find(wanted[i].measure), &v, &in), READING_KNOWN);
		double expected = wanted[i].power == 2 ? value * value : value;
		cr_expect_float_eq(out.total, expected, wanted[i].tolerance * fmax(1, value), "%s: %g not %g", wanted[i].measure,
				   out.total, expected);
		cr_expect_leq(out.n, 12);
		contributions_release(&out);
	}
	// The mean and mean square, by the values themselves: ranges give them to the width of a bin.
	double mean_x = 0, mean_y = 0, square_x = 0, square_y = 0;
	for (int i = 0; i < N; i++) {
		mean_x += x[i] / N;
		mean_y += y[i] / N;
	}
	for (int i = 0; i < N; i++) {
		square_x += (x[i] - mean_x) * (x[i] - mean_x) / N;
		square_y += (y[i] - mean_x) * (y[i] - mean_x) / N;
	}
	struct measure_value v = {.value = NAN};
	struct contributions out;
	cr_assert_eq(contributions_of(&out, measure_find("mean_shift"), &v, &in), READING_KNOWN);
	cr_expect_float_eq(out.total, mean_y - mean_x, 0.01);
	contributions_release(&out);
	cr_assert_eq(contributions_of(&out, measure_find("variance_ratio"), &v, &in), READING_KNOWN);
	cr_expect_float_eq(out.total, square_y - square_x, 0.05);
	contributions_release(&out);
	baseline_free(b);
	pane_free(p);
	free(x);
	free(y);
}

// A shift of what lies above 1 alone: the range is found.
Test(contribution, the_range_that_moved_is_first)
{
	enum { N = 5000 };
	double *x = xmalloc(N * sizeof *x), *y = xmalloc(N * sizeof *y);
	static const char *const measures[] = {"psi", "js", "wasserstein", "mean_shift", "drift", "ks"};
	struct rng rng;

	rng_seed(&rng, 12);
	for (int i = 0; i < N; i++) {
		x[i] = rng_uniform(&rng);
		y[i] = rng_uniform(&rng);
		y[i] += y[i] > 0.9 ? 5 : 0;
	}
	struct baseline *b = baseline_numbers(x, N);
	const struct baseline_field *bf = b->fields[0];
	struct pane *p = pane_numbers(&bf->def, y, N);
	struct measure_input in = {.def = &bf->def, .reference = {b->total, bf->total}, .current = {p, p->fields[0]}, .baseline = bf};
	for (size_t i = 0; i < ARRAY_LEN(measures); i++) {
		struct measure_value v = {.value = NAN, .detail = i == 4 ? "wasserstein; under 20 chunks" : NULL};
		struct contributions out;
		cr_assert_eq(contributions_of(&out, measure_find(measures[i]), &v, &in), READING_KNOWN);
		cr_expect_str_eq(out.of, i == 4 ? "wasserstein" : i == 3 ? "mean" : measures[i]);
		cr_expect(i != 5 || (fabs(out.gap_r - 1) < 0.02 && fabs(out.gap_c - 0.9) < 0.02));
		cr_expect(out.items[0].hi > 0.85, "%s: %g to %g", measures[i], out.items[0].lo, out.items[0].hi);
		cr_expect_float_eq(out.items[i == 5].hi, i < 2 ? out.items[0].hi : p->fields[0]->max, 0.2);
		contributions_release(&out);
	}
	baseline_free(b);
	pane_free(p);
	free(x);
	free(y);
}

Test(contribution, nothing_to_compare)
{
	char path[] = "x";
	struct field_def def = {.path = path, .type = FIELD_CATEGORICAL}, text = {.path = path, .type = FIELD_TEXT};
	struct pane *r = pane_categories(&def, letters, cases[0].r, 4), *c = pane_categories(&def, letters, cases[0].c, 4);
	struct measure_input in = input_of(&def, r, c);
	struct measure_value v = {.value = NAN};
	struct contributions out;

	in.reference.field = NULL;
	cr_expect_eq(contributions_of(&out, measure_find("psi"), &v, &in), READING_NO_BASELINE);
	in.current.field = NULL;
	cr_expect_eq(contributions_of(&out, measure_find("psi"), &v, &in), READING_NO_DATA);
	in.def = &text;
	cr_expect_eq(contributions_of(&out, measure_find("psi"), &v, &in), READING_NOT_APPLICABLE);
	in.def = NULL;
	cr_expect_eq(contributions_of(&out, measure_find("psi"), &v, &in), READING_NOT_APPLICABLE);
	pane_free(r);
	pane_free(c);
}
