// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stats/pane.h"
#include "support.h"
#include "util/map.h"
#include "util/xalloc.h"

enum { DISTINCT = 2000, KNOWN = 40 };

static char path[] = "c";

// The naive model: a count a value, for all values there are.
struct model {
	char value[DISTINCT][8];
	uint64_t n[DISTINCT];
	size_t used;
	char *known[KNOWN];
	size_t nknown;
};

static void model_init(struct model *m, size_t nknown)
{
	memset(m, 0, sizeof *m);
	for (int i = 0; i < DISTINCT; i++)
		snprintf(m->value[i], sizeof m->value[i], "v%d", i);
	for (size_t i = 0; i < nknown; i++)
		m->known[i] = m->value[i * 37];
	m->nknown = nknown;
}

static bool is_known(const struct model *m, int i)
{
	return i % 37 == 0 && (size_t)(i / 37) < m->nknown;
}

static int by_hash(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void check(const struct model *m, const struct field_stats *f)
{
	uint64_t unknown[DISTINCT], cutoff = UINT64_MAX, total = 0, kept = 0, unseen = 0;
	size_t n = 0, items = 0;
	bool approximate;

	for (int i = 0; i < DISTINCT; i++) {
		total += m->n[i];
		if (m->n[i] && !is_known(m, i)) {
			unknown[n++] = hash_bytes(m->value[i], strlen(m->value[i]));
			unseen += m->nknown ? m->n[i] : 0;
		}
	}
	qsort(unknown, n, sizeof *unknown, by_hash);
	if (n > PANE_MAX_VALUES)
		cutoff = unknown[PANE_MAX_VALUES] - 1;
	for (int i = 0; i < DISTINCT; i++) {
		uint64_t h = hash_bytes(m->value[i], strlen(m->value[i]));
		const struct category *found = NULL;

		for (size_t k = 0; k < f->cats.n; k++)
			if (!strcmp(f->cats.items[k].value, m->value[i]))
				found = &f->cats.items[k];
		if (m->n[i] && (is_known(m, i) || h <= cutoff)) {
			cr_assert(found && found->n == m->n[i] && found->known == is_known(m, i), "%s", m->value[i]);
			kept += found->n;
			items++;
		} else {
			cr_assert(!found || (found->known && !found->n), "%s", m->value[i]);
		}
	}
	for (size_t k = 1; k < f->cats.n; k++)
		cr_assert(f->cats.items[k - 1].hash < f->cats.items[k].hash);
	cr_assert_eq(f->count, total);
	cr_assert_eq(f->present, total);
	cr_assert_eq(f->cats.rest, total - kept);
	cr_assert_eq(f->cats.cutoff, cutoff);
	cr_assert_eq(f->unseen, unseen);
	uint64_t distinct = field_distinct(f, &approximate);
	cr_assert_eq(approximate, n > PANE_MAX_VALUES);
	if (!approximate)
		cr_assert_eq(distinct, items);
}

static void count(struct rng *r, struct model *m, struct field_stats *f, size_t records, size_t distinct)
{
	for (size_t i = 0; i < records; i++) {
		size_t v = rng_below(r, rng_below(r, 2) ? distinct : distinct / 10 + 1);

		m->n[v]++;
		field_add_category(f, m->value[v], strlen(m->value[v]));
	}
}

Test(categories, are_those_of_a_naive_model)
{
	struct rng r = rng_seeded("are_those_of_a_naive_model");
	struct model *m = xmalloc(sizeof *m);

	for (int round = 0; round < 30; round++) {
		size_t distinct = (size_t[]){3, 250, DISTINCT}[round % 3], half = rng_below(&r, 4000);

		model_init(m, round % 2 ? KNOWN : 0);
		struct field_def def = {path, FIELD_CATEGORICAL, NULL, m->known, m->nknown, 0, false};
		struct pane *a = pane_new(), *b = pane_new();
		count(&r, m, pane_field(a, 0, &def), half, distinct);
		check(m, a->fields[0]);
		count(&r, m, pane_field(b, 2, &def), 4000 - half, distinct);
		if (round % 4 < 2)
			pane_merge(a, b);
		else { // what was coded keeps its baseline's categories
			struct pane *c = copied(b);

			pane_merge(a, c);
			pane_free(c);
		}
		check(m, a->fields[0]);
		count(&r, m, a->fields[0], 500, distinct); // counting goes on after a merge
		check(m, a->fields[0]);
		pane_free(a);
		pane_free(b);
	}
	free(m);
}

Test(categories, hold_any_bytes)
{
	static const char odd[] = "a\0b";
	struct field_def def = {path, FIELD_CATEGORICAL, NULL, NULL, 0, 0, false};
	struct pane *p = pane_new();
	struct field_stats *f = pane_field(p, 0, &def);

	field_add_category(f, odd, 3);
	field_add_category(f, odd, 1);
	field_add_category(f, "", 0);
	field_add_category(f, odd, 3);
	struct pane *q = copied(p);
	const struct category *top[5];
	cr_assert_eq(field_top(q->fields[0], top, 5), 3);
	cr_assert(top[0]->n == 2 && top[0]->len == 3 && !memcmp(top[0]->value, odd, 3));
	cr_assert(top[1]->len == 0 && top[2]->len == 1, "equal counts go by value");
	cr_assert_eq(field_top(q->fields[0], top, 1), 1);
	pane_free(p);
	pane_free(q);
}

Test(categories, of_a_boolean)
{
	struct field_def def = {path, FIELD_BOOLEAN, NULL, NULL, 0, 0, false};
	struct pane *p = pane_new();
	struct field_stats *f = pane_field(p, 0, &def);
	const struct category *top[2];
	bool approximate;

	cr_assert_eq(field_distinct(f, &approximate), 0);
	cr_assert_eq(field_top(f, top, 2), 0);
	field_add_bool(f, true);
	field_add_bool(f, false);
	field_add_bool(f, true);
	cr_assert_eq(field_top(f, top, 2), 2);
	cr_assert(!strcmp(top[0]->value, "true") && top[0]->n == 2);
	cr_assert(!strcmp(top[1]->value, "false") && top[1]->n == 1);
	cr_assert_eq(f->unseen, 0);
	cr_assert(isnan(field_mean(f)) && isnan(field_stddev(f)) && isnan(field_quantile(f, 0.5)), "it has no moments");
	cr_assert(field_distinct(f, &approximate) == 2 && !approximate);
	pane_free(p);
}

static struct pane *texts(int from, int to)
{
	struct field_def def = {path, FIELD_TEXT, NULL, NULL, 0, 0, false};
	struct pane *p = pane_new();
	struct field_stats *f = pane_field(p, 0, &def);
	char s[32];

	for (int i = from; i < to; i++)
		field_add_text(f, s, (size_t)snprintf(s, sizeof s, "user%d@example.com", i));
	return p;
}

Test(distinct, is_close_when_values_were_dropped)
{
	for (int n = 1000; n <= 1000000; n *= 10) {
		struct pane *p = texts(0, n / 2), *q = texts(n / 3, n);
		bool approximate;

		pane_merge(p, q);
		uint64_t d = field_distinct(p->fields[0], &approximate);
		cr_assert(approximate);
		cr_assert(d > 0.8 * n && d < 1.2 * n, "%d values estimated as %llu", n, (unsigned long long)d);
		pane_free(p);
		pane_free(q);
	}
}

Test(distinct, of_text_is_exact_below_the_bound)
{
	struct pane *p = texts(0, 200), *q = texts(100, PANE_MAX_VALUES);
	const struct category *top[1];
	bool approximate;

	pane_merge(p, q);
	struct field_stats *f = p->fields[0];
	cr_assert(field_distinct(f, &approximate) == PANE_MAX_VALUES && !approximate);
	cr_assert(f->count == 200 + 156 && f->present == f->count);
	// lengths: user0@ to user9@ are 17 bytes, and one more a digit
	cr_assert(f->min == 17 && f->max == 19);
	cr_assert_eq(field_sum(f), 10 * 17 + 90 * 18 + 100 * 19 + 156 * 19);
	cr_assert_eq(field_top(f, top, 1), 0, "no value is kept");
	cr_assert_null(f->cats.items[0].value);
	pane_free(p);
	pane_free(q);
}

Test(categories, keep_those_of_the_baseline_whatever_their_hash)
{
	struct model *m = xmalloc(sizeof *m);

	model_init(m, KNOWN);
	struct field_def def = {path, FIELD_CATEGORICAL, NULL, m->known, m->nknown, 0, false};
	struct pane *p = pane_new(), *q = pane_new();
	for (int i = 0; i < DISTINCT; i++) {
		m->n[i] = 1;
		field_add_category(pane_field(p, 0, &def), m->value[i], strlen(m->value[i]));
	}
	check(m, p->fields[0]);
	pane_merge(q, p); // into an empty one
	check(m, q->fields[0]);
	pane_free(p);
	pane_free(q);
	free(m);
}
