// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "collect/collect.h"

Test(stats, rules_are_bounded)
{
	static struct collect_stream_stats s, sum;
	uint64_t n = 0;
	char name[200];

	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof name, "rule %d", i);
		collect_stats_rule(&s, name, 1);
		collect_stats_rule(&s, "rule 0", 1);
	}
	cr_assert_eq(s.nrules, COLLECT_RULES);
	cr_assert(!strcmp(s.rules[0].name, "rule 0") && s.rules[0].n == 101);
	cr_assert(!strcmp(s.rules[62].name, "rule 62") && s.rules[62].n == 1);
	cr_assert(!strcmp(s.rules[63].name, "other") && s.rules[63].n == 37);
	collect_stats_add(&sum, &s);
	collect_stats_add(&sum, &s);
	for (size_t i = 0; i < sum.nrules; i++)
		n += sum.rules[i].n;
	cr_assert_eq(n, 400);
	cr_assert_eq(sum.rules[63].n, 74);
}

Test(stats, a_long_name_is_one_rule)
{
	static struct collect_stream_stats s;
	char name[300];

	memset(name, 'n', sizeof name - 1);
	name[sizeof name - 1] = 0;
	collect_stats_rule(&s, name, 1);
	collect_stats_rule(&s, name, 1);
	cr_assert_eq(s.nrules, 1);
	cr_assert_eq(s.rules[0].n, 2);
}
