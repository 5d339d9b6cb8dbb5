// SPDX-License-Identifier: Apache-2.0
// What holds of a walk, whatever the bytes.
#ifndef FUZZ_CHECKS_H
#define FUZZ_CHECKS_H
#include <stdlib.h>

#include "schema/plan.h"

static inline void check(bool holds)
{
	if (!holds)
		abort();
}

// Every byte that a value points to can be read, every index is in its range.
static inline void check_walk(const struct plan *p, const struct record_values *r, size_t n)
{
	static volatile char sink;

	check(r->decoded || (!r->nvalues && r->nbreaches == 1 && r->breaches[0].slot == -1 && r->detail[0]));
	check(r->nvalues <= plan_slots(p) * (n + 1));
	for (size_t i = 0; i < r->nvalues; i++) {
		const struct value *v = &r->values[i];

		check(v->slot < plan_slots(p));
		for (uint32_t k = 0; v->kind == VALUE_STRING && k < v->len; k++)
			sink = v->str[k];
	}
	for (size_t i = 0; i < r->nbreaches; i++)
		check(r->breaches[i].slot < (int32_t)plan_slots(p));
	for (size_t i = 0; r->decoded && i < plan_slots(p); i++)
		check(plan_slot(p, i)->element < (int32_t)r->nelements);
}
#endif
