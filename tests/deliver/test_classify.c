// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <string.h>

#include "deliver/classify.h"
#include "util/xalloc.h"

static const char *const outcomes[] = {"delivered", "retry", "dead"};

Test(classify, answers)
{
	static const struct {
		long status;
		enum outcome outcome;
		const char *why;
	} cases[] = {
		{200, OUTCOME_DELIVERED, ""},
		{202, OUTCOME_DELIVERED, ""},
		{204, OUTCOME_DELIVERED, ""},
		{299, OUTCOME_DELIVERED, ""},
		{301, OUTCOME_DEAD, "final address"},
		{302, OUTCOME_DEAD, "redirects are not followed"},
		{304, OUTCOME_DEAD, "304"},
		{308, OUTCOME_DEAD, "308"},
		{400, OUTCOME_DEAD, "answered 400"},
		{401, OUTCOME_DEAD, "secret"},
		{403, OUTCOME_DEAD, "secret"},
		{404, OUTCOME_DEAD, "404"},
		{408, OUTCOME_RETRY, "408"},
		{410, OUTCOME_DEAD, "disabled"},
		{413, OUTCOME_DEAD, "413"},
		{422, OUTCOME_DEAD, "422"},
		{429, OUTCOME_RETRY, "429"},
		{499, OUTCOME_DEAD, "499"},
		{500, OUTCOME_RETRY, "500"},
		{502, OUTCOME_RETRY, "502"},
		{503, OUTCOME_RETRY, "503"},
		{599, OUTCOME_RETRY, "599"},
		{0, OUTCOME_RETRY, "no answer: connection refused"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		for (int immediate = 0; immediate < 2; immediate++) {
			const struct attempt a = {.status = cases[i].status,
						  .error = "connection refused",
						  .number = 1,
						  .tier = immediate ? "immediate" : "daily",
						  .retry_after_s = -1};
			struct verdict v;
			classify_http(&a, &v);
			cr_expect_eq(v.outcome, cases[i].outcome, "%ld: %s", cases[i].status,
				     outcomes[v.outcome]);
			cr_expect(strstr(v.why, cases[i].why), "%ld: %s", cases[i].status, v.why);
			cr_expect(*cases[i].why || !*v.why, "%ld: %s", cases[i].status, v.why);
		}
}

#define S 1000LL
#define M (60 * S)
#define H (60 * M)

// Delay after attempt `number` of a message of that age; -1: dead.
Test(classify, delays)
{
	static const struct {
		const char *tier;
		uint32_t number;
		int64_t age, retry_after;
		double random;
		int64_t delay;
	} cases[] = {
		// the list, one delay an attempt: 0 s is the first attempt itself
		{"daily", 1, 0, -1, 0.9, 5 * S},
		{"daily", 2, 0, -1, 0.1, 5 * M},
		{"weekly", 3, 0, -1, 0, 30 * M},
		{"weekly", 4, 0, -1, 0, 2 * H},
		{"weekly", 5, 0, -1, 0, 5 * H},
		{"weekly", 6, 0, -1, 0, 10 * H},
		{"weekly", 7, 0, -1, 0, 14 * H},
		{"weekly", 8, 0, -1, 0, 20 * H},
		{"weekly", 9, 0, -1, 0, 24 * H},
		{"weekly", 10, 0, -1, 0, -1},
		{"daily", 11, 0, -1, 0, -1},
		{"daily", 4000000000u, 0, -1, 0, -1},
		// immediate, the first ten minutes: uniform in [0, min(15 s, 2^(n-1) s)]
		{"immediate", 1, 0, -1, 0, 0},
		{"immediate", 1, 0, -1, 0.5, 500},
		{"immediate", 2, 1 * S, -1, 0.5, 1 * S},
		{"immediate", 3, 2 * S, -1, 0.5, 2 * S},
		{"immediate", 4, 5 * S, -1, 0.5, 4 * S},
		{"immediate", 5, 9 * S, -1, 0.5, 7500},
		{"immediate", 60, 599999, -1, 0.999, 14985},
		{"immediate", 4000000000u, 9 * M, -1, 0.5, 7500},
		// then a timetable from the tenth minute: 5 s, 5 min 5 s, 35 min 5 s, 2 h 35 min 5 s ...
		{"immediate", 70, 10 * M, -1, 0.5, 5 * S},
		{"immediate", 70, 10 * M + 4 * S, -1, 0.5, 1 * S},
		{"immediate", 71, 10 * M + 5 * S, -1, 0.5, 5 * M},
		{"immediate", 72, 15 * M + 5 * S, -1, 0.5, 30 * M},
		{"immediate", 73, 15 * M + 35 * S, -1, 0.5, 30 * M - 30 * S},
		{"immediate", 74, 45 * M + 5 * S, -1, 0.5, 2 * H},
		{"immediate", 79, 10 * M + 5 * S + 5 * M + 30 * M + (2 + 5 + 10 + 14 + 20) * H, -1, 0.5,
		 24 * H},
		{"immediate", 80, 10 * M + 5 * S + 5 * M + 30 * M + (2 + 5 + 10 + 14 + 20 + 24) * H, -1, 0.5,
		 -1},
		// old, but hardly tried (kdrift was down): one delay an attempt
		{"immediate", 1, 96 * H, -1, 0.5, 5 * S},
		{"immediate", 9, 96 * H, -1, 0.5, 24 * H},
		{"immediate", 10, 96 * H, -1, 0.5, -1},
		// Retry-After: a lower bound, at most an hour, and no reprieve
		{"immediate", 1, 0, 0, 0.5, 500},
		{"immediate", 1, 0, 7, 0.5, 7 * S},
		{"daily", 1, 0, 3, 0.5, 5 * S},
		{"daily", 1, 0, 90, 0.5, 90 * S},
		{"daily", 1, 0, 86400, 0.5, 1 * H},
		{"daily", 1, 0, INT64_MAX, 0.5, 1 * H},
		{"daily", 4, 0, 86400, 0.5, 2 * H},
		{"weekly", 10, 0, 60, 0.5, -1},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct attempt a = {.status = 503,
					  .number = cases[i].number,
					  .tier = cases[i].tier,
					  .retry_after_s = cases[i].retry_after,
					  .age_ms = cases[i].age,
					  .random = cases[i].random};
		struct verdict v;
		classify_http(&a, &v);
		if (cases[i].delay < 0) {
			cr_expect_eq(v.outcome, OUTCOME_DEAD, "case %zu", i);
			cr_expect(strstr(v.why, "answered 503; given up after"), "case %zu: %s", i, v.why);
		} else {
			cr_expect_eq(v.outcome, OUTCOME_RETRY, "case %zu", i);
			cr_expect_eq(v.delay_ms, cases[i].delay, "case %zu: %lld", i, (long long)v.delay_ms);
		}
	}
}

// A long reason is cut, not written past its end.
Test(classify, long_reason)
{
	char error[2000];
	struct verdict v;

	memset(error, 'x', sizeof error - 1);
	error[sizeof error - 1] = 0;
	const struct attempt a = {.error = error, .number = 10, .tier = "daily", .retry_after_s = -1};
	classify_http(&a, &v);
	cr_expect_eq(v.outcome, OUTCOME_DEAD);
	cr_expect_eq(strlen(v.why), sizeof v.why - 1);
}
