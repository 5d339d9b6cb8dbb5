// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "collect/limits.h"
#include "util/xalloc.h"

static enum limit_answer next(struct limit_state *s, const struct limits *l, bool violating)
{
	bool changed;

	return limit_record(s, l, violating, 0, &changed);
}

Test(limits, a_run_past_max_consecutive_stops_and_the_first_good_record_ends_it)
{
	const struct limits l = {.max_ratio = 1, .max_consecutive = 3};
	struct limit_state s = {0};
	bool changed;

	for (int i = 0; i < 3; i++)
		cr_expect_eq(next(&s, &l, true), LIMIT_COPY);
	cr_expect_eq(limit_record(&s, &l, true, 77, &changed), LIMIT_SKIP);
	cr_expect(changed);
	cr_expect_eq(s.stopped, LIMIT_CONSECUTIVE);
	cr_expect_eq(s.since, 77);
	cr_expect_eq(limit_record(&s, &l, true, 78, &changed), LIMIT_SKIP);
	cr_expect_not(changed);
	cr_expect_eq(s.since, 77);
	cr_expect_eq(limit_record(&s, &l, false, 79, &changed), LIMIT_GOOD);
	cr_expect(changed);
	cr_expect_eq(s.missed, 2);
	cr_expect_eq(s.stopped, LIMIT_NONE);
	cr_expect_eq(next(&s, &l, true), LIMIT_COPY);
}

Test(limits, more_than_the_share_stops_and_half_of_it_starts_again)
{
	const struct limits l = {.max_ratio = 0.01};
	struct limit_state s = {0};
	int copied = 0, good = 0;

	for (int i = 0; i < 300; i++) // one good record between any two
		copied += next(&s, &l, i % 2) == LIMIT_COPY;
	cr_expect_eq(copied, 100, "%d", copied);
	cr_expect_eq(s.stopped, LIMIT_RATIO);
	for (; s.stopped; good++)
		next(&s, &l, false);
	cr_expect_eq(s.share, 0, "the whole burst lay in one block, and left with it");
	cr_expect_geq(good + 300, LIMIT_WINDOW);
	cr_expect_leq(good + 300, LIMIT_WINDOW + LIMIT_BLOCK + 1);
	cr_expect_eq(next(&s, &l, true), LIMIT_COPY);
}

Test(limits, without_limits_all_are_copied)
{
	const struct limits l = {.max_ratio = 1};
	struct limit_state s = {0};

	for (int i = 0; i < 3 * LIMIT_WINDOW; i++)
		cr_assert_eq(next(&s, &l, true), LIMIT_COPY);
}

// The definition by itself: every record is kept, and counted anew each time.
struct model {
	bool *bad;
	size_t n;
	bool stopped;
};

static enum limit_answer model_next(struct model *m, const struct limits *l, bool violating)
{
	size_t share = 0, run = 0, block = m->n / LIMIT_BLOCK, first = block >= LIMIT_BLOCKS - 1 ? block - (LIMIT_BLOCKS - 1) : 0;

	m->bad[m->n++] = violating;
	for (size_t i = first * LIMIT_BLOCK; i < m->n; i++)
		share += m->bad[i];
	while (run < m->n && m->bad[m->n - 1 - run])
		run++;
	bool past = (l->max_consecutive && run > l->max_consecutive) ||
		    (l->max_ratio < 1 && (double)share > l->max_ratio * LIMIT_WINDOW);
	if (!m->stopped && violating && past)
		m->stopped = true;
	else if (m->stopped && !violating && (double)share <= l->max_ratio / 2 * LIMIT_WINDOW)
		m->stopped = false;
	return !violating ? LIMIT_GOOD : m->stopped ? LIMIT_SKIP : LIMIT_COPY;
}

static struct limit_state stored(const struct limit_state *s)
{
	struct buf bytes = BUF_INIT;
	struct limit_state back;

	limit_encode(s, &bytes);
	cr_assert(limit_decode(&back, bytes.data, bytes.len));
	buf_release(&bytes);
	return back;
}

Test(limits, random_records_are_judged_as_the_definition_says_across_restarts)
{
	enum { N = 40000 };
	unsigned seed = getenv("KDRIFT_SEED") ? (unsigned)atoi(getenv("KDRIFT_SEED")) : (unsigned)time(NULL);
	int answers[3] = {0};

	fprintf(stderr, "limits: KDRIFT_SEED=%u\n", seed);
	for (int round = 0; round < 3; round++) {
		const struct limits l = {.max_ratio = round == 2 ? 1 : 0.02 + round * 0.1, .max_consecutive = round ? 30 : 0};
		struct limit_state s = {0};
		struct model m = {.bad = xcalloc(N, 1)};
		int share = 0;
		for (int i = 0; i < N; i++) {
			if (rand_r(&seed) % 2000 == 0) // seasons, so that both limits are met and left
				share = (int[]){0, 1, 5, 30, 99}[rand_r(&seed) % 5];
			bool violating = rand_r(&seed) % 100 < share;
			enum limit_answer want = model_next(&m, &l, violating), got = next(&s, &l, violating);
			cr_assert_eq(got, want, "record %d of round %d, seed %u: %d, not %d", i, round, seed, got, want);
			answers[got]++;
			if (rand_r(&seed) % 500 == 0)
				s = stored(&s);
		}
		free(m.bad);
	}
	for (int i = 0; i < 3; i++)
		cr_expect_gt(answers[i], 0, "the case is made");
}

Test(limits, bytes_that_are_no_state_begin_anew)
{
	const struct limits l = {.max_ratio = 1, .max_consecutive = 3};
	struct limit_state s = {0}, back;
	struct buf bytes = BUF_INIT;

	for (int i = 0; i < 700; i++)
		next(&s, &l, i % 5 != 0);
	limit_encode(&s, &bytes);
	for (size_t n = 0; n < bytes.len; n++) {
		cr_expect_not(limit_decode(&back, bytes.data, n));
		cr_expect(!back.run && !back.share && !back.stopped);
	}
	buf_addc(&bytes, 0);
	cr_expect_not(limit_decode(&back, bytes.data, bytes.len));
	bytes.data[1] = LIMIT_STOPS;
	cr_expect_not(limit_decode(&back, bytes.data, bytes.len - 1));
	buf_release(&bytes);
}
