// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>

#include "judge/watermark.h"

enum { NONE = -1 }; // no event yet

struct part {
	int max;
	bool owned, idle;
};

Test(watermark, cases)
{
	static const struct {
		const char *what;
		struct part parts[3];
		size_t n;
		int watermark, newest;
		bool at_end;
	} rows[] = {
		{"no partition", {{0, 0, 0}}, 0, NONE, NONE, true},
		{"one that is read", {{100, true, false}}, 1, 100, 100, false},
		{"the slowest holds", {{100, true, false}, {40, true, false}}, 2, 40, 100, false},
		{"idle does not hold", {{100, true, false}, {40, true, true}}, 2, 100, 100, false},
		{"idle and ahead does not lead", {{100, true, false}, {400, true, true}}, 2, 100, 400, false},
		{"unowned holds, although idle", {{100, true, false}, {40, false, true}}, 2, 40, 100, false},
		{"all idle: the newest", {{100, true, true}, {40, true, true}}, 2, 100, 100, true},
		{"idle and empty", {{100, true, false}, {NONE, true, true}}, 2, 100, 100, false},
		{"unread and empty", {{100, true, false}, {NONE, true, false}}, 2, NONE, 100, false},
		{"unowned and empty", {{100, true, true}, {NONE, false, false}}, 2, NONE, 100, false},
		{"all idle and empty", {{NONE, true, true}}, 1, NONE, NONE, true},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct partition_view parts[3] = {{0}};
		struct stream_view v = {.parts = parts, .nparts = rows[i].n};
		for (size_t k = 0; k < rows[i].n; k++)
			parts[k] = (struct partition_view){
				.max_event = rows[i].parts[k].max == NONE ? INT64_MIN : rows[i].parts[k].max,
				.max_untimed = INT64_MIN,
				.end = -1,
				.idle = rows[i].parts[k].idle,
				.owned = rows[i].parts[k].owned};
		struct progress p = progress_of(&v);
		cr_expect_eq(p.watermark.ms, rows[i].watermark == NONE ? INT64_MIN : rows[i].watermark, "%s", rows[i].what);
		cr_expect_eq(p.newest.ms, rows[i].newest == NONE ? INT64_MIN : rows[i].newest, "%s", rows[i].what);
		cr_expect_eq(p.at_end, rows[i].at_end, "%s", rows[i].what);
	}
}

Test(watermark, lag_and_position)
{
	struct partition_view part = {.max_event = 5, .next = 10, .end = 10, .owned = true};
	struct stream_view v = {.parts = &part, .nparts = 1};
	struct progress a = progress_of(&v);

	cr_expect_not(a.lagging);
	part.end = 12;
	cr_expect(progress_of(&v).lagging);
	part.idle = true;
	cr_expect_not(progress_of(&v).lagging, "idle: it stood at the end");
	part.owned = false;
	cr_expect(progress_of(&v).lagging, "nobody reads it");
	cr_expect_eq(progress_of(&v).position, a.position);
	part.next++;
	cr_expect_neq(progress_of(&v).position, a.position);
}

Test(watermark, what_was_lost)
{
	struct hole holes[] = {{100, 200}, {INT64_MIN, 10}, {150, 300}};
	const struct stream_view v = {.holes = holes, .nholes = 3}, whole = {0};

	cr_expect_not(view_lost(&whole, INT64_MIN, INT64_MAX));
	cr_expect(view_lost(&v, -1000, 0));
	cr_expect_not(view_lost(&v, 10, 100), "both ends are half open");
	cr_expect(view_lost(&v, 10, 101));
	cr_expect(view_lost(&v, 299, 500));
	cr_expect_not(view_lost(&v, 300, 500));
	cr_expect(view_lost(&v, 0, 1000));
	cr_expect_eq(view_lost_edge(&v, 0), 10);
	cr_expect_eq(view_lost_edge(&v, 11), 100);
	cr_expect_eq(view_lost_edge(&v, 150), 150);
	cr_expect_eq(view_lost_edge(&v, 151), 200);
	cr_expect_eq(view_lost_edge(&v, 201), 300);
	cr_expect_eq(view_lost_edge(&v, 301), INT64_MAX);
}
