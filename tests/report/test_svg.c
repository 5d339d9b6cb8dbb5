// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/html.h"
#include "report/svg.h"

// Every element is closed in its turn, but for those of HTML that have no end; text holds no markup.
static void expect_well_formed(const char *s)
{
	char stack[64][16];
	size_t depth = 0;

	for (const char *p = s; (p = strchr(p, '<'));) {
		const char *end = strchr(p, '>');
		bool closing = p[1] == '/';
		size_t n = strcspn(p + 1 + closing, " />");
		char name[16] = "";
		cr_assert(end && n < sizeof name, "at %.40s", p);
		memcpy(name, p + 1 + closing, n);
		if (closing) {
			cr_assert(depth && !strcmp(stack[depth - 1], name), "</%s> closes %s at %.60s", name,
				  depth ? stack[depth - 1] : "nothing", p);
			depth--;
		} else if (end[-1] != '/' && *name != '!' && strcmp(name, "meta") != 0) {
			cr_assert(depth < 64);
			memcpy(stack[depth++], name, sizeof name);
		}
		p = end;
	}
	cr_assert_eq(depth, 0, "%s is open", stack[depth ? depth - 1 : 0]);
}

static size_t count(const char *s, const char *what)
{
	size_t n = 0;

	while ((s = strstr(s, what))) {
		n++;
		s += strlen(what);
	}
	return n;
}

static const struct svg_about about = {"f-1", "<amount>", "a & b", "base\"line", "win<dow"};

Test(svg, categories)
{
	struct share_row rows[] = {{(char *)"<script>alert(1)</script>", 0.5, 0.1}, {(char *)"", 0, 0.9}};
	struct buf out = BUF_INIT;

	svg_shares(&out, &about, rows, 2);
	expect_well_formed(out.data);
	cr_expect(strstr(out.data, "<title id=\"f-1-t\">&lt;amount&gt;</title><desc id=\"f-1-d\">a &amp; b</desc>"));
	cr_expect(strstr(out.data, "aria-labelledby=\"f-1-t f-1-d\""));
	cr_expect(strstr(out.data, "(empty)"));
	cr_expect(!strstr(out.data, "<script"));
	cr_expect(strstr(out.data, "50.00 %") && strstr(out.data, "90.00 %") && strstr(out.data, ">0 %"));
	// The largest share has the whole width, the others in proportion; what is 0 has no bar.
	cr_expect(strstr(out.data, "x=\"180.0\" y=\"69.0\" width=\"470.0\""));
	cr_expect(strstr(out.data, "x=\"180.0\" y=\"28.0\" width=\"261.1\""));
	cr_expect_eq(count(out.data, "x=\"180.0\""), 3);
	buf_release(&out);
}

Test(svg, numbers)
{
	struct fine_bin bins[] = {{0, 0, 5000, 50, 0}, {1, 11, 4000, 50, 0}, {11, 12, 999, 0, 0}, {9e9, 9e9, 1, 0, 0}};
	struct buf out = BUF_INIT;
	struct shape s;

	shape_of_bins(&s, bins, 4, 50);
	svg_shape(&out, &about, &s);
	expect_well_formed(out.data);
	cr_expect_eq(count(out.data, "<path class=\"r\""), 1);
	cr_expect_eq(count(out.data, "<path class=\"c\""), 1);
	cr_expect(strstr(out.data, "beyond, up to 9e+09"));
	cr_expect(!strstr(out.data, "nan") && !strstr(out.data, "inf"));
	shape_release(&s);
	shape_of_samples(&s, NULL, 0, NULL, 0, 50);
	buf_clear(&out);
	svg_shape(&out, &about, &s);
	expect_well_formed(out.data);
	buf_release(&out);
}

Test(svg, time_has_gaps_thresholds_and_firing)
{
	const struct svg_point points[] = {{0, 1}, {1000, 2}, {2000, NAN}, {3000, 1}, {4000, NAN}, {5000, 3}, {6000, 4}};
	const struct svg_span firing[] = {{5000, 6000}};
	const struct svg_mark marks[] = {{3000, "a <new> schema"}};
	const struct svg_line lines[] = {
		{"a: psi", points, 7, 2.5, NAN, firing, 1, SVG_AUTO},
		{"b: ks", NULL, 0, NAN, NAN, NULL, 0, SVG_LOG},
	};
	const struct svg_time t = {"t", "title", "desc", 0, 6000, lines, 2, marks, 1};
	struct buf out = BUF_INIT;

	svg_time(&out, &t);
	expect_well_formed(out.data);
	cr_expect_eq(count(out.data, "class=\"fi\""), 1);
	cr_expect_eq(count(out.data, "class=\"th\""), 1);
	cr_expect_eq(count(out.data, "class=\"un\""), 2);
	cr_expect_eq(count(out.data, "<circle"), 1);
	cr_expect(strstr(out.data, "a &lt;new&gt; schema"));
	const char *d = strstr(out.data, "class=\"ln\" d=\"");
	cr_assert(d);
	d += strlen("class=\"ln\" d=\"");
	const char *end = strchr(d, '"');
	size_t strokes = 0;
	for (; d < end; d++)
		strokes += *d == 'M';
	cr_expect_eq(strokes, 3, "%zu", strokes); // 0 to 1 s, 3 s, 5 to 6 s
	buf_release(&out);
}

Test(svg, a_long_series_stays_small_and_keeps_its_extremes)
{
	enum { N = 80640 }; // eight weeks of minutes
	struct svg_point *points = calloc(N, sizeof *points);
	struct svg_line line = {"x", points, N, NAN, NAN, NULL, 0, SVG_LINEAR};
	struct svg_time t = {"t", "title", "desc", 0, (int64_t)N * 60000, &line, 1, NULL, 0};
	struct buf out = BUF_INIT;

	for (int i = 0; i < N; i++)
		points[i] = (struct svg_point){(int64_t)i * 60000, i == 40321 ? 1 : (i % 7) * 0.01};
	svg_time(&out, &t);
	expect_well_formed(out.data);
	cr_expect_lt(out.len, 100000, "%zu", out.len);
	// 1 is at the panel's top but for the margin above it.
	const char *top = strstr(out.data, " 35.1");
	cr_expect(top, "the spike is lost");
	free(points);
	buf_release(&out);
}

Test(html, a_page_stands_by_itself)
{
	static const struct html_column columns[] = {{"field", false}, {"psi", true}};
	struct html h;

	html_init(&h, "A <title>");
	html_paragraph(&h, "%s & %d", "<b>", 3);
	html_heading(&h, 2, "First");
	html_table_begin(&h, columns, 2);
	html_row(&h);
	html_cell_link(&h, "a<b", "field-1");
	html_cell_number(&h, 0.25);
	html_row(&h);
	html_cell(&h, "c");
	html_cell_number(&h, NAN);
	html_table_end(&h);
	html_heading(&h, 2, "Second");
	html_fold_begin(&h, "more", "field-1", false);
	html_pre(&h, "x < y");
	html_fold_end(&h);
	char *page = html_finish(&h);
	expect_well_formed(page);
	cr_expect(strstr(page, "<title>A &lt;title&gt;</title>"));
	cr_expect(strstr(page, "<p>&lt;b&gt; &amp; 3</p>"));
	cr_expect(strstr(page, "<a href=\"#part-2\">Second</a>"));
	cr_expect(strstr(page, "<tr><td><a href=\"#field-1\">a&lt;b</a></td><td class=\"n\">0.25</td></tr>"));
	cr_expect(!strstr(page, "<script") && !strstr(page, "http://") && !strstr(page, "https://") &&
		  !strstr(page, "@import") && !strstr(page, "url("));
	free(page);
}
