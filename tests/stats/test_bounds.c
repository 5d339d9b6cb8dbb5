// SPDX-License-Identifier: Apache-2.0
// Past any bound a pane says `approximate`, whether the bound is passed in counting or in merging, and on all its ways:
// as bytes, as moments, added from bytes, merged with others. Up to it none does.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "stats/pane.h"
#include "support.h"
#include "util/xalloc.h"

// The i-th of things that are bounded together.
typedef void feed_fn(struct pane *p, int i);

static struct field_stats *field(struct pane *p, enum field_type type)
{
	static char own[] = "own", *known[] = {own};
	const struct field_def def = {.path = (char[]){"x"}, .type = type, .categories = known,
				      .ncategories = type == FIELD_CATEGORICAL};

	return pane_field(p, 0, &def);
}

static void category(struct pane *p, int i)
{
	char s[20];
	int n = snprintf(s, sizeof s, "v%d", i);

	field_add_category(field(p, FIELD_CATEGORICAL), s, (size_t)n);
	field_add_category(field(p, FIELD_CATEGORICAL), "own", 3);
}

static void text(struct pane *p, int i)
{
	char s[20];
	int n = snprintf(s, sizeof s, "v%d", i);

	field_add_text(field(p, FIELD_TEXT), s, (size_t)n);
}

static void number(struct pane *p, int i)
{
	double lo, hi;

	loggrid_range(loggrid_bin(1e-9) + i, &lo, &hi);
	field_add_number(field(p, FIELD_NUMERIC), (lo + hi) / 2);
}

static void schema(struct pane *p, int i)
{
	pane_count_record(p, 0, i, i, true, false, false);
}

static void fault(struct pane *p, int i)
{
	pane_fault(p, &(struct schema_fault){.schema_id = i, .kind = VIOLATION_MISSING_FIELD, .field = (char[]){"x"}, .n = 1,
					     .topic = (char[]){"t"}, .why = (char[]){""}});
}

static const struct bound {
	const char *name;
	feed_fn *feed;
	int bound;
} bounds[] = {
    {"categories", category, PANE_MAX_VALUES}, {"texts", text, PANE_MAX_VALUES}, {"logarithmic bins", number, 2048},
    {"schema ids", schema, PANE_MAX_SCHEMAS},  {"faults", fault, PANE_MAX_FAULTS},
};

static struct pane *fed(const struct bound *b, int from, int to)
{
	struct pane *p = pane_new();

	for (int i = from; i < to; i++)
		b->feed(p, i);
	return p;
}

static struct pane *moments_of(const struct pane *p)
{
	struct buf bytes = BUF_INIT;

	pane_encode_moments(p, &bytes);
	struct pane *out = decoded(&bytes);
	buf_release(&bytes);
	return out;
}

static void expect(const struct bound *b, const struct pane *p, bool past)
{
	struct buf whole = encoded(p);
	struct pane *as_bytes = copied(p), *added = pane_new(), *merged = pane_new(), *sums = moments_of(p), *one = fed(b, 0, 1),
		    *one_sums = moments_of(one), *head = pane_add(added, whole.data, whole.len, NULL, NULL, NULL);

	pane_merge(merged, p);
	pane_merge(merged, one_sums);
	cr_expect_eq(pane_approximate(p), past, "%s", b->name);
	cr_expect_eq(pane_approximate(as_bytes), past, "%s: as bytes", b->name);
	cr_expect_eq(pane_approximate(sums), past, "%s: as moments", b->name);
	cr_expect_eq(pane_approximate(added), past, "%s: added", b->name);
	cr_expect_eq(pane_approximate(merged), past, "%s: merged with moments", b->name);
	buf_release(&whole);
	pane_free(one);
	pane_free(one_sums);
	pane_free(head);
	pane_free(as_bytes);
	pane_free(added);
	pane_free(merged);
	pane_free(sums);
}

Test(bounds, a_pane_past_one_says_so)
{
	for (size_t k = 0; k < ARRAY_LEN(bounds); k++) {
		const struct bound *b = &bounds[k];
		struct pane *full = fed(b, 0, b->bound), *past = fed(b, 0, b->bound + 1), *half = fed(b, 0, b->bound / 2),
			    *rest = fed(b, b->bound / 2, b->bound), *more = fed(b, b->bound, b->bound + 1);

		expect(b, full, false);
		expect(b, past, true);
		pane_merge(half, rest);
		expect(b, half, false);
		pane_merge(half, full);
		expect(b, half, false);
		pane_merge(half, more);
		expect(b, half, true);
		pane_merge(more, full);
		expect(b, more, true);
		pane_free(full);
		pane_free(past);
		pane_free(half);
		pane_free(rest);
		pane_free(more);
	}
}
