// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <string.h>

#include "report/bars.h"
#include "util/escape.h"

Test(bars, both_sides_share_one_scale)
{
	struct share_row rows[] = {{(char *)"A", 0.5, 0.25}, {(char *)"\x1b[31m", 0.0001, 0}};
	struct buf out = BUF_INIT;

	bars_shares(&out, rows, 2, "baseline", "window");
	cr_expect_str_eq(out.data,
			 "                      baseline                     window\n"
			 "A                     50.00 % ███████████████████  25.00 % █████████▌\n"
			 "\\x1b[31m               0.01 % ▏                     0.00 %\n");
	buf_release(&out);
}

Test(bars, no_line_is_too_wide)
{
	struct fine_bin bins[64];
	struct shape s;
	struct buf out = BUF_INIT;

	for (int i = 0; i < 64; i++)
		bins[i] = (struct fine_bin){-1e6 + i * 37.5, -1e6 + i * 37.5 + 37.5, i, 64 - i, 0};
	shape_of_bins(&s, bins, 64, BARS_CELLS);
	bars_shape(&out, &s, "a name of a side that is by far too long for its column", "b");
	for (char *line = strtok(out.data, "\n"); line; line = strtok(NULL, "\n")) {
		struct buf plain = BUF_INIT;
		cr_expect_leq(plain_text(&plain, line, strlen(line), 1000), BARS_COLUMNS, "%s", line);
		buf_release(&plain);
	}
	buf_release(&out);
	shape_release(&s);
}

static void expect_plain(const char *text, size_t n, size_t columns, const char *shown, size_t used)
{
	struct buf out = BUF_INIT;

	buf_adds(&out, "");
	cr_expect_eq(plain_text(&out, text, n, columns), used, "%s", shown);
	cr_expect_str_eq(out.data ? out.data : "", shown);
	buf_release(&out);
}

Test(escape, a_terminal_is_told_nothing)
{
	expect_plain("plain", 5, 10, "plain", 5);
	expect_plain("a\x1b]0;x\x07\n", 8, 40, "a\\x1b]0;x\\x07\\x0a", 17);
	expect_plain("Z\xc3\xbcrich", 7, 10, "Z\xc3\xbcrich", 6);
	expect_plain("\xe6\x9d\xb1\xe4\xba\xac", 6, 4, "\xe6\x9d\xb1\xe4\xba\xac", 4); // two wide characters
	expect_plain("\xe6\x9d\xb1\xe4\xba\xac", 6, 3, "\xe6\x9d\xb1\xe2\x80\xa6", 3);
	expect_plain("\xc3", 1, 10, "\\xc3", 4);			      // cut off
	expect_plain("\xed\xa0\x80", 3, 20, "\\xed\\xa0\\x80", 12);	      // a surrogate
	expect_plain("\xc0\xaf", 2, 20, "\\xc0\\xaf", 8);		      // overlong
	expect_plain("\xe2\x80\xae" "abc", 6, 20, "\\xe2\\x80\\xaeabc", 15);  // right to left
	expect_plain("\xc2\x9b", 2, 20, "\\xc2\\x9b", 8);		      // a control of eight bits
	expect_plain("abcdef", 6, 4, "abc\xe2\x80\xa6", 4);
	expect_plain("abcd", 4, 4, "abcd", 4);
	expect_plain("ab\x01", 3, 5, "ab\xe2\x80\xa6", 3);
	expect_plain("abc", 3, 0, "", 0);
	expect_plain("a\0b", 3, 10, "a\\x00b", 6);
}

Test(bars, categories_without_a_row_are_told)
{
	struct shape s = SHAPE_INIT;
	struct buf out = BUF_INIT;

	shape_add(&s, "A", 1, 0.5, 0.5);
	s.others_r = 0.5;
	s.others_c = 0.25;
	bars_shape(&out, &s, "a", "b");
	cr_expect(strstr(out.data, "all others            50.00 %                      25.00 %\n"), "%s", out.data);
	buf_release(&out);
	shape_release(&s);
}
