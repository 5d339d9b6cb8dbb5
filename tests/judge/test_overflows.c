// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>

#include "judge/overflows.h"
#include "util/xalloc.h"

struct slice {
	uint64_t met;
};

static uint64_t total;

static void add(void *of, void *slice, uint64_t overflows, uint64_t met)
{
	*(uint64_t *)of += overflows;
	((struct slice *)slice)->met += met;
}

// Counted by hand: three places overflow (minutes 0 and 1 of partition 0, minute 1 of partition 1), and seven of what
// was rolled up.
Test(overflows, a_place_counts_once_and_so_does_each_slice_that_was_there)
{
	struct slice a = {0}, b = {0}, other = {0};
	const struct {
		int minute, partition;
		struct slice *slice;
		bool overflowed;
		uint64_t rolled, met; // rolled: overflows of what was rolled up
	} segments[] = {
		{0, 0, &a, false, 0, 0}, {0, 0, &a, false, 0, 0}, {0, 0, &other, true, 0, 0}, {0, 0, &other, true, 0, 0},
		{1, 0, &other, true, 0, 0}, {1, 0, &b, false, 0, 0},
		{1, 1, &other, true, 0, 0}, {0, 1, &a, false, 0, 0}, {0, 1, &b, false, 0, 0},
		{60, 0, &a, false, 7, 5}, {60, 0, &b, false, 7, 0}, {60, 0, &other, false, 7, 7},
	};
	struct overflows o = {0};

	total = 0;
	for (size_t i = 0; i < ARRAY_LEN(segments); i++) {
		const struct interval_view at = {.start = segments[i].minute * 60000, .width = segments[i].rolled ? 3600000 : 0};
		const struct segment_view v = {.topic = "t", .partition = segments[i].partition, .rolled = segments[i].rolled,
					       .overflows = segments[i].rolled, .met = segments[i].met};
		overflows_add(&o, &at, &v, segments[i].overflowed, &total, segments[i].slice);
	}
	overflows_count(&o, add);
	cr_expect_eq(total, 3 + 7);
	cr_expect_eq(a.met, 1 + 5);
	cr_expect_eq(b.met, 1);
	cr_expect_eq(other.met, 3 + 7);
	overflows_release(&o);
	overflows_count(&o, add);
	cr_expect_eq(total, 3 + 7, "nothing is left");
}
