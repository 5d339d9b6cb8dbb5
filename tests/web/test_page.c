// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "util/json.h"
#include "util/xalloc.h"
#include "web/html.h"
#include "web/page.h"

static char *render(const char *status_json)
{
	struct error err = ERROR_INIT;
	struct buf out = BUF_INIT;
	json_t *status = status_json ? json_parse(status_json, strlen(status_json), &err) : NULL;

	cr_assert(!err.set, "%s", err.text);
	page_render(&out, status);
	json_decref(status);
	return buf_steal(&out);
}

static void expect(const char *page, const char *text)
{
	cr_expect(strstr(page, text), "the page lacks: %s", text);
}

static void expect_not(const char *page, const char *text)
{
	cr_expect(!strstr(page, text), "the page has: %s", text);
}

// What follows </style>: the style sheet names every class.
static const char *content(const char *page)
{
	return strstr(page, "</style>");
}

Test(html, text)
{
	struct buf out = BUF_INIT;

	html_text(&out, "<a href=\"x\" onclick='y'>&amp;</a>");
	cr_assert_str_eq(out.data, "&lt;a href=&quot;x&quot; onclick=&#39;y&#39;&gt;&amp;amp;&lt;/a&gt;");
	buf_release(&out);
}

Test(html, numbers)
{
	static const struct {
		int64_t n;
		const char *count, *age;
	} cases[] = {
		{0, "0", "0 s"},
		{999, "999", "0 s"},
		{1000, "1,000", "1 s"},
		{59999, "59,999", "59 s"},
		{60000, "60,000", "1 min"},
		{185000, "185,000", "3 min 5 s"},
		{7440000, "7,440,000", "2 h 4 min"},
		{86400000, "86,400,000", "1 d"},
		{442800000, "442,800,000", "5 d 3 h"},
		{-5, "0", "0 s"},
	};
	struct buf out = BUF_INIT;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		buf_clear(&out);
		html_count(&out, cases[i].n);
		cr_expect_str_eq(out.data, cases[i].count);
		buf_clear(&out);
		html_age(&out, cases[i].n);
		cr_expect_str_eq(out.data, cases[i].age);
	}
	buf_release(&out);
}

Test(html, ratios)
{
	static const struct {
		double part, whole;
		const char *text;
	} cases[] = {
		{0, 0, "\xe2\x80\x93"},	    {0, 10, "0 %"},	     {10, 10, "100 %"},
		{41730, 1284032, "3.25 %"}, {1, 1e6, "&lt; 0.01 %"},
	};
	struct buf out = BUF_INIT;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		buf_clear(&out);
		html_ratio(&out, cases[i].part, cases[i].whole);
		cr_expect_str_eq(out.data, cases[i].text);
	}
	buf_release(&out);
}

Test(page, sample)
{
	struct error err = ERROR_INIT;
	struct buf out = BUF_INIT;
	json_t *status = json_parse_file(TEST_DATA "/web/status.json", &err);

	cr_assert(status, "%s", err.text);
	page_render(&out, status);
	const char *page = out.data;
	expect(page, "http-equiv=\"refresh\" content=\"5\"");
	expect(page, "<title>(1) kdrift</title>");
	expect(page, "1 immediate alert firing; 2 of 4 streams cannot be judged");
	expect(page, "<dd>1,284,032<small>to 2026-11-21 03:12:00Z");
	expect(page,
	       "<dd>3.25 % <small>range 41,022, null 704, unknown_schema 4</small>"); // 41730 of 1284032
	expect(page, "8 min 40 s<small>since 2026-11-21 03:04:00Z");
	expect(page, "<dd>30 s</dd>"); // 03:12:40 less 03:12:10
	expect(page, "<dd>no window yet</dd>");
	expect(page, "registry <b>away</b>");
	expect(page, "<p class=\"trouble\">GET http://registry-1:8081: Connection refused</p>");
	expect(page, "messages owed <b>2</b>");
	expect(page, "messages refused for good <b>1</b>");
	expect(page, "staleness: cannot tell, no data");
	expect(page, "next 2026-11-23 08:00:00Z");
	expect(page, "<a rel=\"noreferrer\" href=\"https://example.com/runbooks/schema\">runbook</a>");
	expect(page, "model_version=2026-11-18");
	expect_not(page, "<script");
	// The worst first: streams, and the fields of one.
	cr_expect(strstr(page, "<h3>payments-features") < strstr(page, "<h3>chargeback-labels"));
	cr_expect(strstr(page, "<h3>risk-features") < strstr(page, "<h3>fraud-predictions"));
	cr_expect(strstr(page, ">amount ") < strstr(page, ">device.fingerprint "));
	cr_expect(strstr(page, ">device.fingerprint ") < strstr(page, ">currency "));
	cr_expect(strstr(page, ">currency ") < strstr(page, ">merchant.country "));
	json_decref(status);
	buf_release(&out);
}

// A field shows the worst state of its readings, not the reading furthest beyond its limit alone.
Test(page, a_field_with_an_unknown_reading_is_not_ok)
{
	char *page = render(
		"{\"streams\":[{\"name\":\"a\",\"state\":\"healthy\",\"fields\":["
		"{\"path\":\"f\",\"worst\":{\"measure\":\"psi\",\"state\":\"ok\",\"value\":1},\"readings\":["
		"{\"measure\":\"psi\",\"state\":\"ok\",\"value\":1},"
		"{\"measure\":\"ks\",\"state\":\"unknown\",\"reading\":\"too_few\",\"value\":null}]},"
		"{\"path\":\"g\",\"worst\":null,\"readings\":[]}]}]}");

	expect(page, "badge unknown");
	expect(page, "ks<small>too few</small>");
	expect_not(page, ">psi<");
	expect(page, "no rule");
	free(page);
}

Test(page, verdicts)
{
#define S(state)       "{\"name\":\"a\",\"state\":\"" state "\"}"
#define A(tier, state) "{\"alert\":\"r\",\"tier\":\"" tier "\",\"state\":\"" state "\"}"
	static const struct {
		const char *status, *class, *text;
	} cases[] = {
		{NULL, "unknown", "Nothing is known yet"},
		{"{}", "unknown", "Nothing is known yet"},
		{"{\"streams\":null,\"alerts\":{}}", "unknown", "Nothing is known yet"},
		{"{\"streams\":[" S("healthy") "]}", "ok", "Nothing fires. 1 stream judged"},
		{"{\"streams\":[" S("healthy") "],\"store_up\":false}", "unknown",
		 "Blind: Redis does not answer"},
		{"{\"streams\":[" S("healthy") "," S("no_data") "]}", "unknown",
		 "1 of 2 streams cannot be judged"},
		{"{\"streams\":[{\"name\":\"a\"}]}", "unknown", "1 of 1 stream cannot be judged"},
		{"{\"streams\":[" S("healthy") "],\"alerts\":[" A("weekly", "firing") "]}", "pending",
		 "1 finding for the digests"},
		{"{\"streams\":[" S("healthy") "],\"alerts\":[" A("immediate", "unknown") "]}", "unknown",
		 "1 alert cannot tell"},
		{"{\"streams\":[" S("healthy") "],\"alerts\":[" A("immediate", "firing") "," A("daily",
											       "firing") "]}",
		 "firing", "1 immediate alert firing"},
		{"{\"streams\":[" S("healthy") "],\"alerts\":[" A("hourly", "firing") "]}", "firing",
		 "1 immediate alert firing"},
		{"{\"streams\":[" S("alerting") "]}", "firing", "1 of 1 stream firing"},
		{"{\"streams\":[" S("healthy") "],\"alerts\":[" A("daily", "pending") "]}", "pending",
		 "something is pending"},
		{"{\"streams\":[" S("healthy") "],\"alerts\":[" A("daily", "resolved") "]}", "ok",
		 "Nothing fires"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *page = render(cases[i].status);
		char *class = xasprintf("class=\"verdict %s\"", cases[i].class);
		expect(page, class);
		expect(page, cases[i].text);
		free(class);
		free(page);
	}
}

Test(page, what_follows_names_its_cause_and_does_not_count)
{
	char *page = render("{\"streams\":[{\"name\":\"pay\",\"state\":\"alerting\"}],\"alerts\":["
			    "{\"alert\":\"Dropped<Field>\",\"tier\":\"immediate\",\"state\":\"firing\",\"page\":\"page_1\"},"
			    "{\"alert\":\"AllNull\",\"tier\":\"immediate\",\"state\":\"firing\",\"page\":null,\"follows\":\"page_1\"},"
			    "{\"alert\":\"Left\",\"tier\":\"immediate\",\"state\":\"firing\",\"page\":null,\"follows\":\"page_0\"}]}");

	expect(page, "1 immediate alert firing");
	expect(page, "; follows from Dropped&lt;Field&gt;");
	expect(page, "; follows from page_0");
	free(page);
}

Test(page, only_ok_is_green)
{
	static const char *const states[] = {
		"no_data", "catching_up", "recalibrating", "uncalibrated", "pending", "firing", "OK", "okay",
		"",	   "alerting",	  "never_seen",	   "no_baseline",  "unknown"};

	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		char *status = xasprintf(
			"{\"store_up\":true,\"streams\":[{\"name\":\"a\",\"state\":\"%s\",\"fields\":"
			"[{\"path\":\"f\",\"worst\":{\"state\":\"%s\"}}]}],\"alerts\":[]}",
			states[i], states[i]);
		char *page = render(status);
		expect_not(content(page), "badge ok");
		expect_not(content(page), "article class=\"ok\"");
		expect_not(content(page), "verdict ok");
		free(page);
		free(status);
	}
}

// Every text of the status comes from outside: names, slices and reasons.
Test(page, hostile_text_is_escaped)
{
#define EVIL "</td><script>alert(1)</script>\\\"'&"
	char *page = render(
		"{\"clock\":\"" EVIL "\",\"version\":\"" EVIL "\",\"trouble\":\"" EVIL
		"\",\"registry_error\":\"" EVIL "\",\"streams\":[{\"name\":\"" EVIL "\",\"topic\":\"" EVIL
		"\",\"role\":\"" EVIL "\",\"owner\":\"" EVIL "\",\"state\":\"" EVIL "\",\"reason\":\"" EVIL
		"\",\"watermark\":\"" EVIL "\",\"baseline\":\"" EVIL
		"\",\"window\":{\"records\":5,\"violating_records\":2,\"to\":\"" EVIL
		"\",\"violations\":{\"" EVIL "\":2}},\"fields\":[{\"path\":\"" EVIL "\",\"type\":\"" EVIL
		"\",\"worst\":{\"state\":\"" EVIL "\",\"measure\":\"" EVIL "\",\"reading\":\"" EVIL
		"\",\"slice\":\"" EVIL "\",\"value\":1,\"threshold\":\"" EVIL "\",\"rule\":\"" EVIL
		"\"}}]}],\"alerts\":[{\"alert\":\"" EVIL "\",\"tier\":\"" EVIL "\",\"stream\":\"" EVIL
		"\",\"field\":\"" EVIL "\",\"slice\":\"" EVIL "\",\"measure\":\"" EVIL "\",\"state\":\"" EVIL
		"\",\"why\":\"" EVIL "\",\"owner\":\"" EVIL "\",\"runbook\":\"https://" EVIL
		"\",\"value\":\"" EVIL "\",\"since\":\"" EVIL "\"},"
		"{\"runbook\":\"javascript:" EVIL "\"}]}");

	expect_not(page, "<script");
	expect_not(page, "</td>");
	expect_not(page, "alert(1)</s");
	size_t n = 0;
	for (const char *p = page;
	     (p = strstr(p, "&lt;/td&gt;&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;")); p++)
		n++;
	// version, trouble, registry_error; name, topic, role, owner, state, reason, kind; path, type, state,
	// measure, reading, slice, rule; alert, stream, field, slice, measure, state, why, owner, runbook
	// twice. The baseline is there whole in a link and its title, and cut. Times and numbers show nothing.
	cr_assert_eq(n, 29, "%zu", n);
	expect_not(page, "href=\"javascript:");
	free(page);
}

Test(page, many_fields_are_cut_but_none_that_is_not_ok)
{
	struct buf status = BUF_INIT;

	buf_adds(&status, "{\"streams\":[{\"name\":\"a\",\"state\":\"ok\",\"fields\":[");
	for (int i = 0; i < 300; i++)
		buf_addf(&status, "%s{\"path\":\"f%03d\",\"worst\":{\"state\":\"%s\"}}", i ? "," : "", i,
			 i % 3 == 2 ? "unknown" : "ok");
	buf_adds(&status, "]}]}");
	char *page = render(status.data);
	for (int i = 2; i < 300; i += 3) {
		char path[16];
		snprintf(path, sizeof path, ">f%03d", i);
		expect(page, path);
	}
	expect(page, "and 200 more fields where nothing is wrong");
	free(page);
	buf_release(&status);
}
