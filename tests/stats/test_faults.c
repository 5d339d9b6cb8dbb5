// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "stats/pane.h"
#include "support.h"

static void add(struct pane *p, int64_t id, const char *field, int64_t event, int32_t partition, int64_t offset)
{
	struct schema_fault f = {.schema_id = id,
				 .kind = VIOLATION_MISSING_FIELD,
				 .field = (char *)(uintptr_t)field,
				 .n = 1,
				 .event_ms = event,
				 .offset = offset,
				 .topic = (char[]){"t"},
				 .why = (char[]){"not in the writer's schema"},
				 .partition = partition};

	pane_fault(p, &f);
}

Test(faults, count_by_schema_and_field_and_keep_the_first_record)
{
	struct pane *a = pane_new(), *b = pane_new();

	add(a, 2, "amount", 50, 0, 7);
	add(a, 2, "amount", 40, 0, 8);
	add(a, 2, "currency", 50, 0, 7);
	add(b, 2, "amount", 40, 1, 3);
	add(b, 3, "amount", 10, 1, 4);
	a->by_schema_only = 1;
	b->by_schema_only = 2;
	pane_merge(b, a);
	struct pane *p = copied(b);
	cr_assert_eq(p->nfaults, 3);
	cr_expect_eq(p->by_schema_only, 3);
	cr_expect_eq(p->faults[0].n, 3);
	cr_expect_str_eq(p->faults[0].field, "amount");
	cr_expect_str_eq(p->faults[0].why, "not in the writer's schema");
	cr_expect(p->faults[0].event_ms == 40 && p->faults[0].partition == 0 && p->faults[0].offset == 8,
		  "of two records of one time that of the lower partition");
	cr_expect_str_eq(p->faults[1].field, "currency");
	cr_expect_eq(p->faults[2].schema_id, 3);
	pane_free(a);
	pane_free(b);
	pane_free(p);
}

// Fields are numbered so that ever more of them must make room.
Test(faults, past_the_bound_the_order_of_merging_changes_nothing)
{
	struct rng r = rng_seeded("past_the_bound_the_order_of_merging_changes_nothing");
	struct pane *p[3] = {pane_new(), pane_new(), pane_new()};

	for (int i = 0; i < 6000; i++) {
		char field[20];
		snprintf(field, sizeof field, "f%05d", (int)rng_below(&r, 4000));
		add(p[rng_below(&r, 3)], (int64_t)rng_below(&r, 2), field, (int64_t)rng_below(&r, 10), 0, i);
	}
	struct pane *x = copied(p[0]), *y = copied(p[2]);
	pane_merge(x, p[1]);
	pane_merge(x, p[2]);
	pane_merge(y, p[0]);
	pane_merge(y, p[1]);
	struct buf bx = encoded(x), by = encoded(y);
	cr_expect_eq(x->nfaults, PANE_MAX_FAULTS);
	cr_expect(same_bytes(&bx, &by));
	buf_release(&bx);
	buf_release(&by);
	pane_free(x);
	pane_free(y);
	for (int i = 0; i < 3; i++)
		pane_free(p[i]);
}
