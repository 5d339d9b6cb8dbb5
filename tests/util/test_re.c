// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <string.h>

#include "util/re.h"
#include "util/xalloc.h"

Test(re, finds_anywhere_by_character)
{
	static const struct {
		const char *pattern, *text;
		bool found;
	} cases[] = {
	    {"^[^@]+@[^@]+$", "a@b", true},   {"^[^@]+@[^@]+$", "a@b@c", false}, {"b", "abc", true},
	    {"^b", "abc", false},	      {"^.$", "\xe6\x97\xa5", true},	 {"^..$", "\xe6\x97\xa5", false},
	    {"[[:digit:]]{3}", "x123", true}, {"\\d+$", "12\n", false},		 {"", "", true},
	    {"a|^$", "", true},		      {"(a*)*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", false},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error err = ERROR_INIT;
		struct re *re = re_new(cases[i].pattern, strlen(cases[i].pattern), &err);

		cr_assert(re, "%s", err.text);
		cr_assert_eq(re_found(re, cases[i].text, strlen(cases[i].text)), cases[i].found, "/%s/ in \"%s\"",
			     cases[i].pattern, cases[i].text);
		re_free(re);
	}
}

Test(re, a_text_goes_on_behind_a_nul)
{
	struct error err = ERROR_INIT;
	struct re *re = re_new("b$", 2, &err);

	cr_assert(re && re_found(re, "a\0b", 3) && !re_found(re, "b\0a", 3));
	re_free(re);
	re_free(NULL);
}

Test(re, says_what_is_wrong)
{
	struct error err = ERROR_INIT;

	cr_assert_null(re_new("a(", 2, &err));
	cr_assert_not_null(strstr(err.text, "missing )"), "%s", err.text);
}
