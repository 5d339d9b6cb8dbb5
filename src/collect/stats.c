// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "collect/collect.h"

const char *const letter_outcome_names[LETTER_OUTCOMES] = {"sent", "limited", "undelivered"};

void collect_stats_rule(struct collect_stream_stats *s, const char *rule, uint64_t n)
{
	size_t i = 0;

	while (i < s->nrules && strncmp(s->rules[i].name, rule, COLLECT_RULE_NAME - 1))
		i++;
	if (i == COLLECT_RULES) {
		i--;
	} else if (i == s->nrules) {
		snprintf(s->rules[i].name, sizeof s->rules[i].name, "%s", i == COLLECT_RULES - 1 ? "other" : rule);
		s->nrules++;
	}
	s->rules[i].n += n;
}

void collect_stats_add(struct collect_stream_stats *dst, const struct collect_stream_stats *src)
{
	dst->records += src->records;
	dst->violating_records += src->violating_records;
	dst->opaque += src->opaque;
	dst->unsupported += src->unsupported;
	dst->unjudged += src->unjudged;
	dst->overflowed += src->overflowed;
	dst->unlearned += src->unlearned;
	dst->beyond += src->beyond;
	for (int k = 0; k < LETTER_OUTCOMES; k++)
		dst->letters[k] += src->letters[k];
	dst->letters_stopped += src->letters_stopped;
	for (int k = 0; k < VIOLATION_KINDS; k++)
		dst->violations[k] += src->violations[k];
	for (size_t i = 0; i < src->nrules; i++)
		collect_stats_rule(dst, src->rules[i].name, src->rules[i].n);
}
