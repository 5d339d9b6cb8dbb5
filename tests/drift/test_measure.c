// SPDX-License-Identifier: Apache-2.0
// Expected values: golden.py (SciPy), or by hand where a line says how.
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "helper.h"
#include "util/buf.h"
#include "util/json.h"
#include "util/xalloc.h"

static double *numbers(const json_t *a, size_t *n)
{
	double *v = xcalloc(json_array_size(a), sizeof *v);

	*n = json_array_size(a);
	for (size_t i = 0; i < *n; i++)
		v[i] = json_number_value(json_array_get(a, i));
	return v;
}

static void expect_near(const json_t *item, const char *measure, double got, double tolerance)
{
	double expect = json_get_num(item, measure, NAN);

	cr_expect(fabs(got - expect) <= tolerance, "%s of %s: %.17g, not %.17g within %g", measure,
		  json_get_str(item, "name", ""), got, expect, tolerance);
}

// The largest share of the reference in a bin that is no point: the bound on ks that the header states.
static double ks_bound(const struct baseline *b)
{
	const struct field_stats *f = b->fields[0]->total;
	uint64_t most = 0;

	for (size_t i = 0; i < f->nbins; i++)
		if (f->bins[i] > most && !grid_bin_is_point(f->grid, i))
			most = f->bins[i];
	return (double)most / (double)f->count;
}

// W1 is off by at most each bin's width times the mass in it that could lie at its other end: half of it on
// average, all of it at worst.
static double wasserstein_bound(const struct baseline *b, const struct pane *p)
{
	const struct field_stats *f = b->fields[0]->total, *c = p->fields[0];
	double bound = 0;

	for (size_t i = 1; i + 1 < f->nbins; i++)
		if (!grid_bin_is_point(f->grid, i))
			bound += (f->grid->edges[i] - f->grid->edges[i - 1]) *
				 ((double)f->bins[i] / (double)f->count + (double)c->bins[i] / (double)c->count);
	return bound;
}

Test(measure, numbers_as_scipy)
{
	json_t *cases = golden("golden.json", "numeric"), *item;
	size_t i, exact = 0;

	json_array_foreach(cases, i, item) {
		size_t n, m;
		double *r = numbers(json_object_get(item, "reference"), &n);
		double *c = numbers(json_object_get(item, "current"), &m);
		struct baseline *b = baseline_numbers(r, n);
		struct pane *p = pane_numbers(&b->fields[0]->def, c, m);
		double bound = ks_bound(b);

		expect_near(item, "ks", plain("ks", b, p), bound + 1e-12);
		if (bound == 0) {
			expect_near(item, "ks_p", plain("ks_p", b, p), 1e-12);
			exact++;
		}
		expect_near(item, "wasserstein", plain("wasserstein", b, p), wasserstein_bound(b, p) + 1e-9);
		double scale = json_get_num(item, "wasserstein", 1);
		expect_near(item, "wasserstein", plain("wasserstein", b, p), 0.03 * scale + 1e-9);
		expect_near(item, "mean_shift", plain("mean_shift", b, p), 1e-12);
		expect_near(item, "variance_ratio", plain("variance_ratio", b, p), 1e-10);
		expect_near(item, "sum", plain("sum", b, p), 1e-9);
		expect_near(item, "mean", plain("mean", b, p), 1e-12);
		expect_near(item, "stddev", plain("stddev", b, p), 1e-12);
		expect_near(item, "out_of_range_ratio", plain("out_of_range_ratio", b, p), 1e-12);
		if (json_object_get(item, "chi2")) {
			expect_near(item, "chi2", plain("chi2", b, p), 1e-9);
			expect_near(item, "chi2_p", plain("chi2_p", b, p), 1e-12);
		} else {
			cr_expect_eq(against("chi2", b, p, 1).state, READING_NOT_APPLICABLE);
		}
		pane_free(p);
		baseline_free(b);
		free(r);
		free(c);
	}
	cr_assert_geq(exact, 3);
	json_decref(cases);
}

// Ten groups of grid bins are nearly the deciles.
Test(measure, psi_and_js_near_deciles)
{
	json_t *cases = golden("golden.json", "numeric"), *item;
	size_t i, seen = 0;

	json_array_foreach(cases, i, item) {
		const char *name = json_get_str(item, "name", "");
		size_t n, m;

		if (strcmp(name, "normal") && strcmp(name, "lognormal"))
			continue;
		double *r = numbers(json_object_get(item, "reference"), &n);
		double *c = numbers(json_object_get(item, "current"), &m);
		struct baseline *b = baseline_numbers(r, n);
		struct pane *p = pane_numbers(&b->fields[0]->def, c, m);
		expect_near(item, "psi_deciles", plain("psi", b, p), 0.1 * json_get_num(item, "psi_deciles", 0));
		expect_near(item, "js_deciles", plain("js", b, p), 0.05 * json_get_num(item, "js_deciles", 0));
		pane_free(p);
		baseline_free(b);
		free(r);
		free(c);
		seen++;
	}
	cr_assert_eq(seen, 2);
	json_decref(cases);
}

static size_t counts_of(json_t *o, const char **names, uint64_t *counts)
{
	const char *key;
	json_t *v;
	size_t n = 0;

	json_object_foreach(o, key, v) {
		names[n] = key;
		counts[n++] = (uint64_t)json_integer_value(v);
	}
	return n;
}

Test(measure, categories_as_scipy)
{
	static const char *const measures[] = {"psi", "js", "chi2", "chi2_p", "unseen_ratio", "top_share"};
	json_t *cases = golden("golden.json", "categorical"), *item;
	size_t i;

	json_array_foreach(cases, i, item) {
		const char *names[256];
		uint64_t counts[256];
		size_t n = counts_of(json_object_get(item, "reference"), names, counts);
		struct baseline *b = baseline_categories(names, counts, n);

		n = counts_of(json_object_get(item, "current"), names, counts);
		struct pane *p = pane_categories(&b->fields[0]->def, names, counts, n);
		for (size_t k = 0; k < ARRAY_LEN(measures); k++)
			expect_near(item, measures[k], plain(measures[k], b, p),
				    1e-11 * (1 + fabs(json_get_num(item, measures[k], 0))));
		pane_free(p);
		baseline_free(b);
	}
	cr_assert_geq(i, 6);
	json_decref(cases);
}

// The published golden vector, to its five digits.
Test(measure, golden_vector)
{
	static const char *const names[] = {"A", "B", "C", "D"};
	static const uint64_t before[] = {500, 300, 200}, after[] = {400, 350, 200, 50};
	struct baseline *b = baseline_categories(names, before, 3);
	struct pane *p = pane_categories(&b->fields[0]->def, names, after, 4);

	cr_assert_float_eq(plain("psi", b, p), 0.34013, 5e-6);
	cr_assert_float_eq(plain("js", b, p), 0.17437, 5e-6);
	cr_assert_float_eq(plain("chi2", b, p), 64.957, 5e-4);
	cr_assert_float_eq(plain("chi2_p", b, p), 5.1e-14, 5e-16);
	cr_assert_float_eq(plain("unseen_ratio", b, p), 0.05, 1e-15);
	pane_free(p);
	baseline_free(b);
}

Test(measure, two_humps_of_equal_moments)
{
	enum { N = 20000 };
	double *r = xcalloc(N, sizeof *r), *c = xcalloc(N, sizeof *c);
	struct rng rng;

	rng_seed(&rng, 7);
	for (int i = 0; i < N; i++) {
		r[i] = rng_normal(&rng);
		// Mean 0, variance 0.9^2 + 0.19 = 1.
		c[i] = (i & 1 ? 0.9 : -0.9) + sqrt(0.19) * rng_normal(&rng);
	}
	struct baseline *b = baseline_numbers(r, N);
	struct pane *p = pane_numbers(&b->fields[0]->def, c, N), *same = pane_numbers(&b->fields[0]->def, r, N);
	cr_expect_float_eq(plain("mean_shift", b, p), 0, 0.03);
	cr_expect_float_eq(plain("variance_ratio", b, p), 1, 0.03);
	cr_expect_gt(plain("wasserstein", b, p), 0.1);
	cr_expect_lt(plain("wasserstein", b, same), 1e-12);
	cr_expect_gt(against("drift", b, p, 1).value, 5);
	pane_free(p);
	pane_free(same);
	baseline_free(b);
	free(r);
	free(c);
}

Test(measure, missing_and_not_finite)
{
	const double r[] = {1, 2, 3, 4}, c[] = {1, NAN, NAN, 2, NAN};
	struct baseline *b = baseline_numbers(r, 4);
	const struct field_def *def = &b->fields[0]->def;
	struct pane *p = pane_numbers(def, c, 5), *none = pane_new();

	cr_expect_float_eq(against("missing_ratio", b, p, 1).value, 0.6, 1e-15);
	field_add_number(p->fields[0], NAN);
	field_add_number(p->fields[0], INFINITY);
	cr_expect_float_eq(against("missing_ratio", b, p, 1).value, 0.2, 1e-15);
	cr_expect_float_eq(against("nan_ratio", b, p, 1).value, 0.2, 1e-15);
	cr_expect_float_eq(against("inf_ratio", b, p, 1).value, 0.2, 1e-15);
	cr_expect_float_eq(against("mean", b, p, 1).value, 1.5, 1e-15);

	cr_expect_eq(against("missing_ratio", b, none, 1).state, READING_NO_DATA);
	pane_count_record(none, 0, 0, 1, true, false, false);
	cr_expect_eq(against("missing_ratio", b, none, 1).value, 1); // records, but never the field
	cr_expect_eq(against("ks", b, none, 1).state, READING_NO_DATA);
	p->fields[0]->in_elements = true; // then it counts by elements, not by records
	field_add_elements(p->fields[0], 20);
	cr_expect_float_eq(against("missing_ratio", b, p, 1).value, 0.8, 1e-15);
	cr_expect_float_eq(against("nan_ratio", b, p, 1).value, 0.05, 1e-15);
	cr_expect_eq(against("missing_ratio", b, NULL, 1).state, READING_NO_DATA);
	pane_free(p);
	pane_free(none);
	baseline_free(b);
}

Test(measure, states)
{
	const double r[] = {1, 2, 3, 4}, many[200] = {1, 2, 3};
	struct baseline *b = baseline_numbers(r, 4), *big = baseline_numbers(many, 200);
	struct field_def plain_def = {.path = (char[]){"x"}, .type = FIELD_NUMERIC};
	struct pane *p = pane_numbers(&b->fields[0]->def, r, 4), *log = pane_numbers(&plain_def, many, 200);
	struct pane *grid = pane_numbers(&big->fields[0]->def, many, 200), *empty = pane_numbers(&plain_def, r, 0);

	cr_expect_eq(against("ks", b, p, 1).state, READING_TOO_FEW);
	cr_expect(isnan(against("ks", b, p, 1).value));
	cr_expect_eq(against("ks", big, log, 1).state, READING_MIXED_GRIDS);
	cr_expect_eq(against("unseen_ratio", b, p, 1).state, READING_NOT_APPLICABLE);
	cr_expect_eq(against("ks", big, grid, 1).state, READING_KNOWN);
	cr_expect_eq(between("ks", &plain_def, empty, log).state, READING_NO_BASELINE);
	cr_expect_eq(between("out_of_range_ratio", &plain_def, log, log).state, READING_NO_BASELINE);
	// The bin of 1 holds 1/200 of the values, zero's bin the rest: nothing is hidden.
	cr_expect_eq(between("ks", &plain_def, log, log).state, READING_KNOWN);
	pane_free(p);
	pane_free(log);
	pane_free(grid);
	pane_free(empty);
	baseline_free(b);
	baseline_free(big);
}

// A logarithmic bin that holds more than 5 % may hide a shift.
Test(measure, coarse_logarithmic_bins)
{
	struct field_def def = {.path = (char[]){"x"}, .type = FIELD_NUMERIC};
	double narrow[1000], wide[1000];
	struct rng rng;

	rng_seed(&rng, 3);
	for (int i = 0; i < 1000; i++) {
		wide[i] = exp(rng_normal(&rng));
		narrow[i] = 1000 + rng_normal(&rng);
	}
	struct pane *a = pane_numbers(&def, wide, 1000), *b = pane_numbers(&def, narrow, 1000);
	cr_expect_eq(between("ks", &def, a, a).value, 0);
	cr_expect_eq(between("ks", &def, b, b).state, READING_APPROXIMATE);
	cr_expect_eq(between("drift", &def, b, b).state, READING_APPROXIMATE);
	cr_expect_eq(between("drift", &def, a, a).value, 0);
	cr_expect_float_eq(between("mean_shift", &def, b, b).value, 0, 1e-15);
	pane_free(a);
	pane_free(b);
}

static struct measure_value of_stream(const char *name, const struct pane *p, int64_t newest, int64_t now)
{
	struct measure_input in = {.current = {p, NULL}, .newest = {newest}, .since = {1000}, .now = {now}};

	return measure_compute(measure_find(name), &in);
}

Test(measure, of_the_stream)
{
	struct pane *p = pane_new();

	cr_expect_eq(of_stream("violation_ratio", p, 0, 0).state, READING_NO_DATA);
	cr_expect_eq(of_stream("violation_ratio", NULL, 0, 0).state, READING_NO_DATA);
	cr_expect_eq(of_stream("records", NULL, 0, 0).value, 0);
	for (int i = 0; i < 8; i++)
		pane_count_record(p, i, i, 1, i < 6, i >= 6, false);
	pane_count_breach(p, VIOLATION_INCOMPATIBLE_SCHEMA, "", NULL, 7);
	cr_expect_eq(of_stream("records", p, 0, 0).value, 8);
	cr_expect_eq(of_stream("violating_records", p, 0, 0).value, 2);
	cr_expect_eq(of_stream("violation_ratio", p, 0, 0).value, 0.25);
	cr_expect_eq(of_stream("incompatible_schema", p, 0, 0).value, 1);
	cr_expect_eq(of_stream("staleness", p, 2500, 4000).value, 1.5);
	cr_expect_eq(of_stream("staleness", NULL, INT64_MIN, 4000).value, 3);
	cr_expect_eq(of_stream("ks", p, 0, 0).state, READING_NOT_APPLICABLE);
	pane_free(p);
}

Test(measure, top_share_and_constant)
{
	static const char *const names[] = {"A", "B"};
	static const uint64_t mixed[] = {3, 1}, one[] = {2};
	const double r[] = {1, 1, 1, 2}, same[] = {5, 5, 5}, moved[] = {1, 1, 3, 3};
	struct baseline *b = baseline_numbers(r, 4), *c = baseline_categories(names, mixed, 2);
	struct pane *p[] = {pane_numbers(&b->fields[0]->def, r, 4), pane_numbers(&b->fields[0]->def, same, 3),
			    pane_numbers(&b->fields[0]->def, moved, 4), pane_numbers(&b->fields[0]->def, same, 1)};
	struct pane *q[] = {pane_categories(&c->fields[0]->def, names, mixed, 2),
			    pane_categories(&c->fields[0]->def, names, one, 1)};

	cr_expect_eq(against("top_share", b, p[0], 1).value, 0.75);
	cr_expect_eq(against("top_share", b, p[1], 1).value, 1);
	cr_expect_eq(against("top_share", b, p[2], 1).value, 0.5);
	cr_expect_eq(against("constant", b, p[0], 1).value, 0);
	cr_expect_eq(against("constant", b, p[1], 1).value, 1);
	cr_expect_eq(against("constant", b, p[3], 1).state, READING_TOO_FEW);
	field_add_number(p[1]->fields[0], NAN);
	cr_expect_eq(against("constant", b, p[1], 1).value, 0);
	cr_expect_eq(against("top_share", c, q[0], 1).value, 0.75);
	cr_expect_eq(against("constant", c, q[0], 1).value, 0);
	cr_expect_eq(against("constant", c, q[1], 1).value, 1);
	for (size_t i = 0; i < ARRAY_LEN(p); i++)
		pane_free(p[i]);
	for (size_t i = 0; i < ARRAY_LEN(q); i++)
		pane_free(q[i]);
	baseline_free(b);
	baseline_free(c);
}

Test(measure, freshness)
{
	static const int64_t ages[] = {2000, 5000, 5000, 9000, -1000};
	struct field_def def = {.path = (char[]){"at"}, .type = FIELD_TIME};
	struct pane *p = pane_new();
	struct measure_input in = {.def = &def, .newest = EVENT_TIME_NONE};
	struct field_stats *f = pane_field(p, 0, &def);

	in.current = (struct measure_side){p, f};
	cr_expect_eq(measure_compute(measure_find("freshness_p50"), &in).state, READING_NO_DATA);
	for (size_t i = 0; i < ARRAY_LEN(ages); i++) {
		field_add_time(f, 1000000 - ages[i]);
		field_add_age(f, 1000000 - ages[i], 1000000);
	}
	struct measure_value v = measure_compute(measure_find("freshness_p50"), &in);
	cr_expect_eq(v.n_current, 5);
	cr_expect_gt(v.error, 0);
	cr_expect_leq(fabs(v.value - 5), v.error);
	cr_expect_leq(v.error, 5.0 / 31);
	v = measure_compute(measure_find("freshness_max"), &in);
	cr_expect_eq(v.value, 9);
	cr_expect_eq(v.error, 0);
	def.type = FIELD_NUMERIC;
	cr_expect_eq(measure_compute(measure_find("freshness_max"), &in).state, READING_NOT_APPLICABLE);
	pane_free(p);
}

static struct pane *pane_vectors(const struct field_def *def, const double (*v)[2], size_t n)
{
	struct pane *p = pane_new();

	for (size_t i = 0; i < n; i++) {
		pane_count_record(p, (int64_t)i, (int64_t)i, 1, true, false, false);
		field_add_vector(pane_field(p, 0, def), v[i], 2);
	}
	return p;
}

// Centroids (3, 4) and (-4, 3): 5 times the root of 2 apart, at a right angle. From a baseline that was a file.
Test(measure, vectors)
{
	static const double before[][2] = {{3, 5}, {2, 4}, {4, 3}}, after[][2] = {{-3, 3}, {-5, 3}}, third[] = {1, 2, 3};
	struct baseline_builder *builder = baseline_builder_new("s", false);
	struct error err = ERROR_INIT;
	char *path = temp_path("vectors.json");

	for (size_t i = 0; i < ARRAY_LEN(before); i++) {
		baseline_builder_row(builder, 0, 1);
		baseline_builder_vector(builder, "x", before[i], 2);
	}
	struct baseline *made = baseline_builder_finish(builder, NULL, &err);
	cr_assert(made, "%s", err.text);
	cr_assert_eq(baseline_save(made, path, &err), 0, "%s", err.text);
	struct baseline *b = baseline_load(path, &err);
	cr_assert(b, "%s", err.text);
	const struct field_def *def = &b->fields[0]->def;
	cr_assert_eq((int)def->type, FIELD_VECTOR);
	cr_assert_eq(def->dims, 2);
	struct pane *p = pane_vectors(def, after, 2), *same = pane_vectors(def, before, 3);

	cr_expect_float_eq(plain("centroid_distance", b, p), 5 * sqrt(2), 1e-12);
	cr_expect_float_eq(plain("centroid_cosine", b, p), 1, 1e-12);
	cr_expect_eq(plain("centroid_distance", b, same), 0);
	cr_expect_eq(plain("centroid_cosine", b, same), 0);
	cr_expect_float_eq(plain("mean", b, p), (sqrt(18) + sqrt(34)) / 2, 1e-12);
	cr_expect_float_eq(plain("max", b, p), sqrt(34), 1e-12);
	cr_expect_float_eq(plain("mean_shift", b, same), 0, 1e-15);
	cr_expect_eq(against("centroid_cosine", b, p, 1).state, READING_TOO_FEW);
	field_add_vector(p->fields[0], third, 3); // not the baseline's dimension
	cr_expect_eq(p->fields[0]->other, 1);
	struct field_def bare = {.path = (char[]){"x"}, .type = FIELD_VECTOR};
	struct pane *mixed = pane_vectors(&bare, after, 2);
	field_add_vector(mixed->fields[0], third, 3);
	cr_expect_eq(between("centroid_cosine", &bare, same, mixed).state, READING_MIXED_GRIDS);
	cr_expect_eq(against("ks", b, p, 1).state, READING_NOT_APPLICABLE);
	pane_free(p);
	pane_free(same);
	pane_free(mixed);
	baseline_free(made);
	baseline_free(b);
	free(path);
}

// Of the length.
Test(measure, text)
{
	static const char *const words[] = {"a", "bbb", "bbb", "ccccc"};
	struct field_def def = {.path = (char[]){"text"}, .type = FIELD_TEXT};
	struct pane *p = pane_new();
	struct measure_input in = {.def = &def, .newest = EVENT_TIME_NONE};
	struct field_stats *f = pane_field(p, 0, &def);

	in.current = (struct measure_side){p, f};
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		field_add_text(f, words[i], strlen(words[i]));
	cr_expect_eq(measure_compute(measure_find("min"), &in).value, 1);
	cr_expect_eq(measure_compute(measure_find("max"), &in).value, 5);
	cr_expect_eq(measure_compute(measure_find("mean"), &in).value, 3);
	cr_expect_eq(measure_compute(measure_find("distinct_ratio"), &in).value, 0.75);
	cr_expect_eq(measure_compute(measure_find("p50"), &in).value, 3);
	pane_free(p);
}

static void add_texts(struct field_stats *f, const json_t *lengths)
{
	char *s = xmalloc(1 << 20);

	memset(s, 'x', 1 << 20);
	for (size_t i = 0; i < json_array_size(lengths); i++)
		field_add_text(f, s, (size_t)json_integer_value(json_array_get(lengths, i)));
	free(s);
}

// Against a baseline of rows that went through its file; a file from before lengths were kept says that it has none.
Test(measure, lengths_as_numpy)
{
	static const char *const measures[] = {"p50", "p99", "p50_shift", "p99_shift"};
	json_t *cases = golden("golden.json", "lengths"), *item;
	struct error err = ERROR_INIT;
	char *path = temp_path("lengths.json");
	size_t i;

	json_array_foreach(cases, i, item) {
		struct baseline_builder *builder = baseline_builder_new("s", false);
		const json_t *r = json_object_get(item, "reference");
		char *s = xmalloc(1 << 20);

		memset(s, 'x', 1 << 20);
		for (size_t k = 0; k < json_array_size(r); k++) {
			baseline_builder_row(builder, 0, -1);
			baseline_builder_text(builder, "x", FIELD_TEXT, s, (size_t)json_integer_value(json_array_get(r, k)));
		}
		free(s);
		struct baseline *b = baseline_builder_finish(builder, NULL, &err);
		cr_assert(!baseline_save(b, path, &err), "%s", err.text);
		baseline_free(b);
		b = baseline_load(path, &err);
		cr_assert(b, "%s", err.text);
		struct pane *p = pane_new();
		add_texts(pane_field(p, 0, &b->fields[0]->def), json_object_get(item, "current"));
		for (size_t k = 0; k < ARRAY_LEN(measures); k++) {
			struct measure_value v = against(measures[k], b, p, 1);
			expect_near(item, measures[k], v.value, v.error + 1e-12 * fabs(v.value));
			cr_expect(v.error <= 0.07 * fabs(v.value) + (k > 1 ? 1 : 0), "%s within %g", measures[k], v.error);
			if (i != 1)
				cr_expect_eq(v.error, 0, "below 32 bytes every length has a bin");
		}
		b->fields[0]->total->nlogbins = 0;
		struct measure_value old = against("p50_shift", b, p, 1);
		cr_expect(old.state == READING_NOT_APPLICABLE && !strcmp(old.detail, "lengths were not counted then"));
		pane_free(p);
		baseline_free(b);
	}
	cr_assert_eq(i, 3);
	json_decref(cases);
	free(path);
}

// Past the kept categories, rare values share a column, and what both sides kept is still exact.
Test(measure, many_new_categories)
{
	static const char *const names[] = {"A", "B"};
	static const uint64_t counts[] = {600, 400};
	struct baseline *b = baseline_categories(names, counts, 2);
	struct pane *p = pane_categories(&b->fields[0]->def, names, counts, 2);
	char name[32];

	for (int i = 0; i < 2000; i++) {
		int n = snprintf(name, sizeof name, "new %d", i);
		field_add_category(p->fields[0], name, (size_t)n);
	}
	struct measure_value v = against("psi", b, p, 1);
	cr_expect_str_eq(v.detail, "rare values share one column");
	cr_expect_float_eq(against("unseen_ratio", b, p, 1).value, 2.0 / 3, 1e-15);
	cr_expect_gt(against("drift", b, p, 1).value, 30);
	cr_expect(isnan(v.error));
	cr_expect_eq(against("top10_footrule", b, p, 1).value, 0, "the rest is no value");
	v = against("distinct_ratio", b, p, 1);
	cr_expect(isnan(v.error) && fabs(v.value - 2002.0 / 3000) < 0.1, "%g", v.value);
	pane_free(p);
	baseline_free(b);
}

Test(measure, table_is_whole)
{
	for (size_t i = 0; i < measure_table_len; i++) {
		const struct measure *m = &measure_table[i];

		cr_expect_eq(measure_find(m->name), m);
		cr_expect(m->help && *m->help && m->range, "%s", m->name);
		cr_expect_eq(m->types != 0, m->scope == MEASURE_FIELD && m->compute, "%s", m->name);
		cr_expect_eq(m->file_types != 0, m->exact != NULL, "%s", m->name);
		cr_expect(m->compute || m->exact, "%s", m->name);
		// A dialect has a dot and says whose it is; SciPy's, Evidently's and the like never pass for ours.
		cr_expect_eq(strchr(m->name, '.') != NULL, m->dialect != NULL, "%s", m->name);
	}
	cr_expect_null(measure_find("nonsense"));
}

Test(measure, documentation_is_current)
{
	struct buf want = BUF_INIT, have = BUF_INIT;

	measures_reference(&want);
	cr_assert_geq(buf_read_file(&have, SOURCE_DIR "/docs/measures.md", 1 << 20), 0);
	if (getenv("KDRIFT_WRITE_DOCS")) {
		FILE *f = fopen(SOURCE_DIR "/docs/measures.md", "w");
		fwrite(want.data, 1, want.len, f);
		fclose(f);
	} else {
		cr_assert_str_eq(have.data, want.data, "run this test with KDRIFT_WRITE_DOCS=1");
	}
	buf_release(&want);
	buf_release(&have);
}
