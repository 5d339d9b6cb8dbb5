// SPDX-License-Identifier: Apache-2.0
// The memory of `unique` against a plain list of all that came, with and without being stored and loaded between.
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "collect/seen.h"
#include "util/buf.h"
#include "util/xalloc.h"

static unsigned seed(const char *test)
{
	const char *given = getenv("KDRIFT_TEST_SEED");
	unsigned s = given ? (unsigned)strtoul(given, NULL, 0) : (unsigned)time(NULL);

	fprintf(stderr, "%s: KDRIFT_TEST_SEED=%u\n", test, s);
	return s;
}

enum { BLOBS = 4000 };

// A store of blobs by a bucket's start.
static struct {
	int64_t start;
	struct buf bytes;
} blobs[BLOBS];
static size_t nblobs;

static void put(void *arg, int64_t start, enum state_op op, const void *bytes, size_t n)
{
	size_t i = 0;

	(void)arg;
	while (i < nblobs && blobs[i].start != start)
		i++;
	if (op == STATE_DROP) {
		cr_assert_lt(i, nblobs, "dropped and never written");
		buf_release(&blobs[i].bytes);
		blobs[i] = blobs[--nblobs];
		return;
	}
	cr_assert(op == STATE_APPEND && i < BLOBS);
	if (i == nblobs)
		blobs[nblobs++].start = start, buf_init(&blobs[i].bytes);
	buf_add(&blobs[i].bytes, bytes, n);
}

static struct seen *loaded(int64_t span, int64_t lateness)
{
	struct seen *s = seen_new(span, lateness);

	for (size_t i = nblobs; i-- > 0;) // in any order
		seen_load(s, blobs[i].start, blobs[i].bytes.data, blobs[i].bytes.len);
	return s;
}

static void forget_blobs(void)
{
	while (nblobs)
		buf_release(&blobs[--nblobs].bytes);
}

TestSuite(seen, .fini = forget_blobs);

Test(seen, is_a_list_of_all_that_came)
{
	enum { N = 6000 };
	static struct {
		uint64_t hash;
		int64_t ms;
	} list[N];
	unsigned r = seed("is_a_list_of_all_that_came");

	for (int round = 0; round < 12; round++) {
		int64_t span = 1000 + rand_r(&r) % 100000, lateness = rand_r(&r) % 3 ? rand_r(&r) % 50000 : 0;
		int64_t now = -(rand_r(&r) % 1000000), max = INT64_MIN;
		struct seen *s = seen_new(span, lateness), *again = seen_new(span, lateness);
		size_t kept = 0, breaks = 0, restarts = 0;

		for (int i = 0; i < N; i++) {
			uint64_t hash = (uint64_t)rand_r(&r) % 300;
			int64_t ms = now - (lateness ? rand_r(&r) % (lateness + 1) : 0);
			bool want = false;

			for (size_t k = 0; k < kept; k++)
				want |= list[k].hash == hash && llabs(list[k].ms - ms) < span;
			if (!want)
				list[kept].hash = hash, list[kept++].ms = ms;
			breaks += want;
			enum seen_answer is = seen_value(s, hash, ms, max);
			cr_assert_eq(is, want ? SEEN_BEFORE : SEEN_NEW, "round %d, %d", round, i);
			cr_assert_eq(seen_value(again, hash, ms, max), is, "with restarts, round %d, %d", round, i);
			max = ms > max ? ms : max;
			now = max;
			if (!(rand_r(&r) % 3))
				now += rand_r(&r) % (rand_r(&r) % 50 ? 200 : (unsigned)(2 * span));
			if (!(rand_r(&r) % 40)) {
				seen_write(again, put, NULL);
				seen_free(again);
				again = loaded(span, lateness);
				restarts++;
			}
		}
		cr_assert(breaks > 100 && kept > 100 && restarts > 50, "%zu %zu %zu", breaks, kept, restarts);
		cr_assert_leq(nblobs, 12, "%zu blobs", nblobs);
		seen_free(s);
		seen_free(again);
		forget_blobs();
	}
}

Test(seen, is_bounded_and_says_so_at_the_same_value_after_a_restart)
{
	struct seen *s = seen_new(60000, 1000);

	for (uint64_t i = 0; i < SEEN_MAX; i++) {
		cr_assert_eq(seen_value(s, i * 0x9e3779b97f4a7c15ULL, (int64_t)(i % 60000), 59999), SEEN_NEW);
		if (i == SEEN_MAX / 2) {
			seen_write(s, put, NULL);
			seen_free(s);
			s = loaded(60000, 1000);
		}
	}
	cr_expect_eq(seen_value(s, 1, 100, 59999), SEEN_FULL);
	cr_expect_eq(seen_value(s, 1, 100, 59999), SEEN_FULL, "it was not remembered");
	cr_expect_eq(seen_value(s, 0, 100, 59999), SEEN_BEFORE);
	cr_expect_eq(seen_value(s, 1, 130000, 130000), SEEN_NEW, "what is old makes room");
	cr_expect_eq(seen_value(s, 1, 130001, 130000), SEEN_BEFORE);
	seen_free(s);
}

Test(seen, forgets_on_demand)
{
	struct seen *s = seen_new(60000, 0);

	cr_assert_eq(seen_value(s, 7, 100, INT64_MIN), SEEN_NEW);
	seen_write(s, put, NULL);
	cr_assert_eq(seen_value(s, 8, 200, 100), SEEN_NEW);
	seen_drop(s);
	cr_assert_eq(seen_value(s, 7, 300, 100), SEEN_NEW);
	seen_write(s, put, NULL);
	seen_free(s);
	s = loaded(60000, 0);
	cr_assert_eq(seen_value(s, 8, 200, 100), SEEN_NEW);
	cr_assert_eq(seen_value(s, 7, 300, 100), SEEN_BEFORE);
	seen_free(s);
}
