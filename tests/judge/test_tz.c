// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>

#include "judge/tz.h"

// tz.tsv comes from Python's zoneinfo (tz.py): each line a due instant and the one after it.
Test(tz, due_instants_agree_with_zoneinfo)
{
	char zone[64];
	struct digest_schedule s = {.enabled = true};
	int64_t a, b;
	unsigned rows = 0;
	FILE *f = fopen(SOURCE_DIR "/tests/judge/tz.tsv", "r");

	cr_assert_not_null(f);
	while (fscanf(f, "%63s %d %d:%d %" SCNd64 " %" SCNd64, zone, &s.weekday, &s.hour, &s.minute, &a, &b) == 6) {
		struct error err = ERROR_INIT;
		struct tz *z = tz_load(zone, &err);
		cr_assert_not_null(z, "%s", err.text);
		a *= 1000;
		b *= 1000;
		cr_expect_eq(schedule_next(&s, z, a), b, "%s after %" PRId64 ": %" PRId64, zone, a / 1000,
			     schedule_next(&s, z, a) / 1000);
		cr_expect_eq(schedule_next(&s, z, a - 1), a, "%s just before %" PRId64, zone, a / 1000);
		cr_expect_eq(schedule_next(&s, z, (a + b) / 2), b, "%s between", zone);
		cr_expect_eq(schedule_last(&s, z, b), b, "%s at", zone);
		cr_expect_eq(schedule_last(&s, z, b - 1), a, "%s last before %" PRId64 ": %" PRId64, zone, b / 1000,
			     schedule_last(&s, z, b - 1) / 1000);
		cr_expect_eq(schedule_last(&s, z, (a + b) / 2), a, "%s between, last", zone);
		tz_free(z);
		rows++;
	}
	fclose(f);
	cr_expect_gt(rows, 50);
}

Test(tz, refuses_what_is_no_zone)
{
	static const char *const names[] = {"Europe/Atlantis", "../../etc/passwd", "/etc/passwd", "", "tzdata.zi"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct error err = ERROR_INIT;
		cr_expect_null(tz_load(names[i], &err), "%s", names[i]);
		cr_expect(err.set);
	}
}
