// SPDX-License-Identifier: Apache-2.0
// Vectors: the numbers that one record's array gave, one after another, become one value of the array's slot.
#include <stdlib.h>
#include <string.h>

#include "schema/compiler.h"
#include "schema/leaf.h"
#include "util/xalloc.h"

const struct field_rule *vector_around(const struct compiler *c, const char *path)
{
	size_t n = strlen(path);
	const struct field_rule *r = n > 2 && !strcmp(path + n - 2, "[]") ? map_get(&c->rules, path, n - 2) : NULL;

	return r && r->type == FIELD_VECTOR && strcspn(path, "[{") == n - 2 ? r : NULL;
}

void vectors_join(struct compiler *c)
{
	struct plan *p = c->plan;

	for (size_t i = 0; i < p->nslots; i++) {
		const struct found *f = map_gets(&c->found, p->slots[i].path);
		const struct field_rule *r = f && !f->rule ? vector_around(c, p->slots[i].path) : NULL;
		const struct found *whole = r ? map_gets(&c->found, r->path) : NULL;

		if (!whole || p->slots[whole->slot].type != FIELD_VECTOR)
			continue;
		p->slots[i].part_of = (int32_t)whole->slot;
		p->vectors = true;
	}
}

static int32_t whole_of(const struct plan *p, const struct value *v)
{
	return p->slots[v->slot].part_of;
}

// The values of an array stand side by side. One that is no number makes the vector no vector.
static size_t run_length(const struct value *v, size_t n, bool *numbers)
{
	size_t k = 0;

	*numbers = true;
	while (k < n && v[k].slot == v->slot) {
		*numbers &= v[k].kind == VALUE_NUMBER;
		k++;
	}
	return k;
}

void vectors_gather(const struct plan *p, struct record_values *out)
{
	size_t kept = 0, used = 0;

	if (out->capnumbers < out->nvalues) {
		out->capnumbers = out->nvalues;
		out->numbers = xrealloc(out->numbers, out->capnumbers * sizeof *out->numbers);
	}
	for (size_t i = 0, k; i < out->nvalues; i += k) {
		struct value v = out->values[i];
		bool numbers;

		k = 1;
		if (whole_of(p, &v) >= 0) {
			k = run_length(&out->values[i], out->nvalues - i, &numbers);
			int32_t element = p->slots[v.slot].element;
			numbers &= out->elements[element] == k;
			for (size_t j = 0; j < k; j++)
				out->numbers[used + j] = out->values[i + j].num;
			v = (struct value){.slot = (uint32_t)whole_of(p, &v), .kind = numbers ? VALUE_VECTOR : VALUE_OTHER,
					   .vector = &out->numbers[used], .len = (uint32_t)k};
			used += k;
		}
		out->values[kept++] = v;
	}
	out->nvalues = kept;
}
