// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>

#include "config/nearest.h"
#include "util/xalloc.h"

static const char *nearest_of(const char *word)
{
	static const char *const words[] = {"window", "slide", "lateness", "max_slices", "slice_by", "url"};
	struct nearest n;

	nearest_init(&n, word);
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		nearest_try(&n, words[i]);
	return n.best ? n.best : "";
}

Test(nearest, small_slips_are_understood)
{
	cr_expect_str_eq(nearest_of("windw"), "window");
	cr_expect_str_eq(nearest_of("widnow"), "window");
	cr_expect_str_eq(nearest_of("maxslices"), "max_slices");
	cr_expect_str_eq(nearest_of("slice-by"), "slice_by");
	cr_expect_str_eq(nearest_of("ulr"), "url");
}

Test(nearest, strangers_are_not)
{
	cr_expect_str_eq(nearest_of("compression"), "");
	cr_expect_str_eq(nearest_of("x"), "");
	cr_expect_str_eq(nearest_of(""), "");
	cr_expect_str_eq(
	    nearest_of("wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww"),
	    "");
}
