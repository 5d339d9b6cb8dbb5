// SPDX-License-Identifier: Apache-2.0
#include "helper.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/xalloc.h"

void rng_seed(struct rng *r, uint64_t seed)
{
	for (int i = 0; i < 4; i++) {
		uint64_t z = seed += 0x9e3779b97f4a7c15;
		z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
		z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
		r->s[i] = z ^ (z >> 31);
	}
}

static uint64_t rotl(uint64_t x, int k)
{
	return (x << k) | (x >> (64 - k));
}

double rng_uniform(struct rng *r)
{
	uint64_t out = rotl(r->s[1] * 5, 7) * 9, t = r->s[1] << 17;

	r->s[2] ^= r->s[0];
	r->s[3] ^= r->s[1];
	r->s[1] ^= r->s[2];
	r->s[0] ^= r->s[3];
	r->s[2] ^= t;
	r->s[3] = rotl(r->s[3], 45);
	return ((double)(out >> 11) + 0.5) * 0x1p-53;
}

double rng_normal(struct rng *r)
{
	double radius = sqrt(-2 * log(rng_uniform(r)));

	return radius * cos(2 * M_PI * rng_uniform(r));
}

struct pane *pane_numbers(const struct field_def *def, const double *v, size_t n)
{
	struct pane *p = pane_new();
	struct field_stats *f = pane_field(p, 0, def);

	for (size_t i = 0; i < n; i++) {
		pane_count_record(p, (int64_t)i, (int64_t)i, 1, true, false, false);
		if (!isnan(v[i]))
			field_add_number(f, v[i]);
	}
	return p;
}

struct pane *pane_categories(const struct field_def *def, const char *const *values, const uint64_t *counts, size_t n)
{
	struct pane *p = pane_new();
	struct field_stats *f = pane_field(p, 0, def);

	for (size_t i = 0; i < n; i++)
		for (uint64_t k = 0; k < counts[i]; k++) {
			pane_count_record(p, 0, 0, 1, true, false, false);
			field_add_category(f, values[i], strlen(values[i]));
		}
	return p;
}

static struct baseline *finish(struct baseline_builder *b)
{
	struct error err = ERROR_INIT;
	struct baseline *out = baseline_builder_finish(b, NULL, &err);

	cr_assert(out, "%s", err.text);
	return out;
}

struct baseline *baseline_numbers(const double *v, size_t n)
{
	struct baseline_builder *b = baseline_builder_new("s", false);

	for (size_t i = 0; i < n; i++) {
		baseline_builder_row(b, 0, 1);
		if (!isnan(v[i]))
			baseline_builder_number(b, "x", FIELD_NUMERIC, v[i]);
	}
	return finish(b);
}

struct baseline *baseline_categories(const char *const *values, const uint64_t *counts, size_t n)
{
	struct baseline_builder *b = baseline_builder_new("s", false);

	for (size_t i = 0; i < n; i++)
		for (uint64_t k = 0; k < counts[i]; k++) {
			baseline_builder_row(b, 0, 1);
			baseline_builder_text(b, "x", FIELD_CATEGORICAL, values[i], strlen(values[i]));
		}
	return finish(b);
}

static struct measure_input input_of(const struct baseline *b, const struct pane *p, int64_t window_ms)
{
	return (struct measure_input){
		.def = &b->fields[0]->def,
		.current = {p, p && p->nfields ? p->fields[0] : NULL},
		.reference = {b->total, b->fields[0]->total},
		.baseline = b->fields[0],
		.source = b,
		.window_ms = window_ms,
		.newest = EVENT_TIME_NONE,
	};
}

struct measure_value against(const char *measure, const struct baseline *b, const struct pane *p, int64_t window_ms)
{
	struct measure_input in = input_of(b, p, window_ms);

	return measure_compute(measure_find(measure), &in);
}

double plain(const char *measure, const struct baseline *b, const struct pane *p)
{
	struct measure_input in = input_of(b, p, 3600000);
	struct measure_value v = {.value = NAN};

	measure_find(measure)->compute(&in, &v);
	cr_assert_eq(v.state, READING_KNOWN, "%s is %s", measure, reading_state_names[v.state]);
	return v.value;
}

struct measure_value between(const char *measure, const struct field_def *def, const struct pane *reference,
			     const struct pane *current)
{
	struct measure_input in = {
		.def = def,
		.current = {current, current->fields[0]},
		.reference = {reference, reference->fields[0]},
		.window_ms = 3600000,
		.newest = EVENT_TIME_NONE,
	};

	return measure_compute(measure_find(measure), &in);
}

char *temp_path(const char *name)
{
	char *dir = xasprintf("/tmp/kdrift-test-drift-%d", (int)getpid()), *path;

	mkdir(dir, 0700);
	path = xasprintf("%s/%s", dir, name);
	free(dir);
	return path;
}

json_t *golden(const char *file, const char *key)
{
	char *path = xasprintf(TEST_DATA "/drift/%s", file);
	struct error err = ERROR_INIT;
	json_t *all = json_parse_file(path, &err), *part;

	cr_assert(all, "%s", err.text);
	part = json_incref(json_object_get(all, key));
	json_decref(all);
	free(path);
	return part;
}
