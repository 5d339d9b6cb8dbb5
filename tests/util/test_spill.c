// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/spill.h"

enum { PAGE = 4096, PAGES = 64 };

// Pages of [p, p + n) that the process has in memory.
static size_t resident(const uint8_t *p, size_t n)
{
	size_t kib = 0, of;
	char line[256];
	FILE *f = fopen("/proc/self/smaps", "r");
	bool mine = false;

	cr_assert(f);
	while (fgets(line, sizeof line, f)) {
		uintptr_t from, to;
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			mine = from <= (uintptr_t)p && (uintptr_t)p + n <= to;
		else if (mine && sscanf(line, "Rss: %zu kB", &of) == 1)
			kib += of;
	}
	fclose(f);
	return kib * 1024 / PAGE;
}

Test(spill, comes_back_and_is_forgotten)
{
	static uint8_t bytes[PAGES * PAGE];
	struct spill *s = spill_new(sizeof bytes);
	const uint8_t *p[2];

	cr_assert(s);
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 7 + i / PAGE);
	p[0] = spill_add(s, bytes, 1001);
	p[1] = spill_add(s, bytes + 1001, sizeof bytes - 1001);
	cr_assert(p[0] && p[1]);
	cr_expect_eq(p[1], p[0] + 1001);
	cr_expect_eq(resident(p[0], sizeof bytes), 0);
	spill_close(s);
	cr_expect_null(spill_add(s, bytes, 1));
	for (int i = 0; i < 2; i++) {
		cr_expect_eq(memcmp(p[0], bytes, sizeof bytes), 0);
		cr_expect_eq(resident(p[0], sizeof bytes), PAGES);
		spill_forget(s);
		cr_expect_eq(resident(p[0], sizeof bytes), 0);
	}
	spill_free(s);
	spill_forget(NULL);
	spill_free(NULL);
}

Test(spill, takes_no_more_than_was_said)
{
	struct spill *s = spill_new(10);

	cr_assert(s);
	const uint8_t *p = spill_add(s, "0123456", 7);
	cr_assert(p);
	cr_expect_null(spill_add(s, "789a", 4));
	cr_expect_eq(memcmp(p, "0123456", 7), 0);
	cr_expect_eq(memcmp(spill_add(s, "789", 3), "789", 3), 0);
	spill_free(s);
}

Test(spill, has_no_name)
{
	char dir[] = "/tmp/kdrift-spill-XXXXXX";

	cr_assert(mkdtemp(dir));
	setenv("TMPDIR", dir, 1);
	struct spill *s = spill_new(10);
	cr_assert(s && spill_add(s, "x", 1));
	cr_expect_eq(rmdir(dir), 0); // it is empty
	spill_free(s);
}
