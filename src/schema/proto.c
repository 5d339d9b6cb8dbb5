// SPDX-License-Identifier: Apache-2.0
#include "schema/proto.h"

#include <stdlib.h>

void proto_free(struct proto *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->nmessages; i++) {
		struct proto_message *m = &p->messages[i];

		for (size_t k = 0; k < m->nfields; k++)
			free(m->fields[k].name);
		free(m->fields);
		free(m->by_number);
		free(m->nested);
		free(m->name);
	}
	for (size_t i = 0; i < p->nenums; i++) {
		struct proto_enum *e = &p->enums[i];

		for (size_t k = 0; k <= e->n && e->symbols; k++)
			free(e->symbols[k]);
		free(e->symbols);
		free(e->numbers);
		free(e->sorted);
		free(e->name);
	}
	free(p->messages);
	free(p->enums);
	free(p->top);
	free(p);
}

const struct proto_message *proto_message_at(const struct proto *p, const struct message_path *path)
{
	const uint32_t *among = p->top;
	const struct proto_message *m = NULL;
	size_t n = p->ntop;

	if (!path->n)
		return n ? &p->messages[among[0]] : NULL;
	for (size_t i = 0; i < path->n; i++) {
		if (path->at[i] < 0 || (size_t)path->at[i] >= n)
			return NULL;
		m = &p->messages[among[path->at[i]]];
		among = m->nested;
		n = m->nnested;
	}
	return m;
}

const struct proto_field *proto_field_of(const struct proto_message *m, uint64_t number)
{
	size_t lo = 0, hi = m->nfields;

	if (number && number <= hi && m->fields[m->by_number[number - 1]].number == number)
		return &m->fields[m->by_number[number - 1]]; // numbered from 1 without a gap
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (m->fields[m->by_number[mid]].number < number)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < m->nfields && m->fields[m->by_number[lo]].number == number ? &m->fields[m->by_number[lo]] : NULL;
}

size_t proto_symbol(const struct proto_enum *e, int32_t number)
{
	size_t lo = 0, hi = e->n;

	if (number >= 0 && (size_t)number < hi && e->numbers[number] == number)
		return (size_t)number;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (e->numbers[e->sorted[mid]] < number)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < e->n && e->numbers[e->sorted[lo]] == number ? e->sorted[lo] : e->n;
}
