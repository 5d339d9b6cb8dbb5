// SPDX-License-Identifier: Apache-2.0
#include "support.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/digest.h"
#include "util/xalloc.h"

struct rng rng_seeded(const char *test)
{
	const char *given = getenv("KDRIFT_TEST_SEED");
	struct rng r;

	if (given)
		r.state = strtoull(given, NULL, 0);
	else
		random_bytes(&r.state, sizeof r.state);
	fprintf(stderr, "%s: KDRIFT_TEST_SEED=%#llx\n", test, (unsigned long long)r.state);
	return r;
}

uint64_t rng_u64(struct rng *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

uint64_t rng_below(struct rng *r, uint64_t n)
{
	return rng_u64(r) % n;
}

double rng_unit(struct rng *r)
{
	return (double)(rng_u64(r) >> 11) * 0x1p-53;
}

double rng_normal(struct rng *r)
{
	return sqrt(-2 * log(1 - rng_unit(r))) * cos(6.283185307179586 * rng_unit(r));
}

static struct grid *grids[2];

static void free_grids(void)
{
	grid_free(grids[0]);
	grid_free(grids[1]);
}

static const struct grid *grid_at(int i)
{
	static const double a[] = {-10000, -100, -1, 0, 5e-324, 1, 100, 10000}, b[] = {-500, 0.5, 500};

	if (!grids[0]) {
		grids[0] = grid_new(a, ARRAY_LEN(a));
		grids[1] = grid_new(b, ARRAY_LEN(b));
		atexit(free_grids);
	}
	return grids[i];
}

const struct grid *grid_a(void)
{
	return grid_at(0);
}

const struct grid *grid_b(void)
{
	return grid_at(1);
}

const struct grid *resolve_ab(void *ctx, const char *path, const char *id)
{
	(void)ctx;
	(void)path;
	return !strcmp(id, grid_a()->id) ? grid_a() : !strcmp(id, grid_b()->id) ? grid_b() : NULL;
}

static double number(struct rng *r)
{
	static const double odd[] = {NAN, INFINITY, -INFINITY, -0.0, 0.0};

	if (!rng_below(r, 20))
		return odd[rng_below(r, ARRAY_LEN(odd))];
	return rng_normal(r) * exp(10 * rng_normal(r));
}

static void add_value(struct rng *r, struct field_stats *f)
{
	double x[3];
	char s[32];
	int64_t at;
	int n;

	switch (f->type) {
	case FIELD_NUMERIC:
		field_add_number(f, number(r));
		break;
	case FIELD_CATEGORICAL:
		n = snprintf(s, sizeof s, "v%llu", (unsigned long long)rng_below(r, f->path[0] == 'm' ? 900 : 12));
		field_add_category(f, s, (size_t)n);
		break;
	case FIELD_BOOLEAN:
		field_add_bool(f, rng_below(r, 3) == 0);
		break;
	case FIELD_TEXT:
		n = snprintf(s, sizeof s, "text %llu", (unsigned long long)rng_below(r, 2000));
		field_add_text(f, s, (size_t)n);
		break;
	case FIELD_TIME:
		at = 1700000000000 + (int64_t)rng_below(r, 100000);
		field_add_time(f, at);
		if (rng_below(r, 10))
			field_add_age(f, at, at + (int64_t)rng_below(r, 1u << rng_below(r, 31)) - (int64_t)rng_below(r, 2000));
		break;
	case FIELD_VECTOR:
		for (int i = 0; i < 3; i++)
			x[i] = number(r);
		field_add_vector(f, x, f->path[0] == 'm' ? 2 + rng_below(r, 2) : 3);
		break;
	default:
		break;
	}
	if (!rng_below(r, 30))
		field_add_other(f);
}

static struct field_stats *field_of(struct pane *p, size_t i, const struct field_def *def, const struct field_def *also)
{
	bool there = i < p->nfields && p->fields[i];
	struct field_stats *f = pane_field(p, i, def);

	if (!there && also->path)
		field_count_also(f, also);
	return f;
}

struct pane *random_pane(struct rng *r, size_t records, bool mix)
{
	static char v1[] = "v1", v3[] = "v3", z[] = "zz", *known[] = {v1, v3, z};
	struct field_def defs[] = {
		{(char[]){"number"}, FIELD_NUMERIC, grid_a(), NULL, 0, 0, false},
		{(char[]){"log"}, FIELD_NUMERIC, NULL, NULL, 0, 0, false},
		{(char[]){"few"}, FIELD_CATEGORICAL, NULL, known, ARRAY_LEN(known), 0, false},
		{(char[]){"many"}, FIELD_CATEGORICAL, NULL, NULL, 0, 0, false},
		{(char[]){"many_known"}, FIELD_CATEGORICAL, NULL, known, ARRAY_LEN(known), 0, false},
		{(char[]){"flag"}, FIELD_BOOLEAN, NULL, NULL, 0, 0, false},
		{(char[]){"text"}, FIELD_TEXT, NULL, NULL, 0, 0, false},
		{(char[]){"at"}, FIELD_TIME, NULL, NULL, 0, 0, false},
		{(char[]){"vector"}, FIELD_VECTOR, NULL, NULL, 0, 0, false},
		{(char[]){"mixed vector"}, FIELD_VECTOR, NULL, NULL, 0, 0, false},
		{(char[]){"mixed1"}, FIELD_NUMERIC, NULL, NULL, 0, 0, false},
		{(char[]){"mixed2"}, FIELD_NUMERIC, NULL, NULL, 0, 0, false},
		{(char[]){"few"}, FIELD_NUMERIC, grid_b(), NULL, 0, 0, false}, // a path of two types
		{(char[]){"two grids"}, FIELD_NUMERIC, grid_b(), NULL, 0, 0, false},
		{(char[]){"two, a log"}, FIELD_NUMERIC, grid_b(), NULL, 0, 0, false},
		{(char[]){"items[].price"}, FIELD_NUMERIC, NULL, NULL, 0, 0, true},
	};
	struct pane *p = pane_new();
	const struct grid *any[] = {NULL, grid_a(), grid_b()};
	struct field_def also[ARRAY_LEN(defs)]; // of no path: nothing else
	bool absent[ARRAY_LEN(defs)];
	size_t shift = rng_below(r, 3); // fields do not sit at the same index in every pane

	for (size_t i = 0; i < ARRAY_LEN(defs); i++) {
		absent[i] = !rng_below(r, 5);
		also[i] = (struct field_def){.path = NULL};
		if (!strcmp(defs[i].path, "two grids") || !strcmp(defs[i].path, "two, a log"))
			also[i] = (struct field_def){defs[i].path, FIELD_NUMERIC, defs[i].path[3] == ',' ? NULL : grid_a(), NULL, 0, 0, false};
		if (!mix || strncmp(defs[i].path, "mixed", 5) != 0)
			continue;
		defs[i].grid = any[rng_below(r, 3)];
		if (rng_below(r, 2))
			also[i] = (struct field_def){defs[i].path, FIELD_NUMERIC, any[rng_below(r, 3)], NULL, 0, 0, false};
	}
	p->tombstones = rng_below(r, 5);
	p->overflowed = rng_below(r, 5);
	p->opaque = rng_below(r, 3);
	p->unsupported = rng_below(r, 3);
	for (size_t n = 0; n < records; n++) {
		int64_t offset = (int64_t)rng_below(r, 100000);
		bool breach = !rng_below(r, 10);

		pane_count_record(p, 1700000000000 + (int64_t)rng_below(r, 60000), offset,
				  (int64_t)rng_below(r, 80) - 1, rng_below(r, 9) > 0, breach, !rng_below(r, 50));
		if (breach) {
			struct violation_sample s = {(enum violation_kind)rng_below(r, 5), (char[]){"few"},
						     rng_below(r, 2) ? (char[]){"a rule"} : NULL, (char[]){"topic"},
						     (char[]){"reason"}, (int32_t)rng_below(r, 2), offset, 7};
			pane_count_breach(p, s.kind, "few", s.rule, offset);
			pane_count_breach(p, VIOLATION_NULL, NULL, NULL, offset);
			pane_sample(p, &s);
		}
		if (breach && rng_below(r, 2)) {
			pane_fault(p, &(struct schema_fault){(int64_t)rng_below(r, 5), VIOLATION_MISSING_FIELD,
							     (char[]){"few"}, 1, 1700000000000 + (int64_t)rng_below(r, 9),
							     (int64_t)rng_below(r, 9), (char[]){"topic"}, (char[]){"why"},
							     (int32_t)rng_below(r, 3)});
			p->by_schema_only++;
		}
		for (size_t i = 0; i < ARRAY_LEN(defs); i++)
			if (!absent[i] && rng_below(r, 4))
				add_value(r, field_of(p, i + shift, &defs[i], &also[i]));
		if (!absent[ARRAY_LEN(defs) - 1])
			field_add_elements(pane_field(p, ARRAY_LEN(defs) - 1 + shift, &defs[ARRAY_LEN(defs) - 1]),
					   rng_below(r, 9));
	}
	return p;
}

struct buf encoded(const struct pane *p)
{
	struct buf b = BUF_INIT;

	pane_encode(p, &b);
	return b;
}

struct pane *decoded(const struct buf *b)
{
	struct error err = ERROR_INIT;
	struct pane *p = pane_decode(b->data, b->len, resolve_ab, NULL, &err);

	cr_assert_not_null(p, "%s", err.text);
	return p;
}

struct pane *copied(const struct pane *p)
{
	struct buf b = encoded(p);
	struct pane *q = decoded(&b);

	buf_release(&b);
	return q;
}

struct buf merged_bytes(const struct pane *a, const struct pane *b)
{
	struct pane *p = copied(a);

	pane_merge(p, b);
	struct buf out = encoded(p);
	pane_free(p);
	return out;
}

bool same_bytes(const struct buf *a, const struct buf *b)
{
	return a->len == b->len && !memcmp(a->data, b->data, a->len);
}
