// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/xalloc.h"
#include "web/metrics.h"

static char *one(enum metric m, double value, const char *const *labels)
{
	struct metrics_writer w;
	struct buf out = BUF_INIT;

	metrics_begin(&w, &out);
	metrics_add(&w, m, value, labels);
	char *sample = strrchr(out.data, '#');
	sample = xstrdup(strchr(sample, '\n') + 1);
	buf_release(&out);
	return sample;
}

// The text exposition format, version 0.0.4: in a label's value \, " and line feeds are escaped.
Test(metrics, label_values)
{
	static const struct {
		const char *value, *written;
	} cases[] = {
		{"payments", "payments"},
		{"a\"b", "a\\\"b"},
		{"a\\n", "a\\\\n"},
		{"two\nlines", "two\\nlines"},
		{"", ""},
		{"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
		{"bad\xffz", "bad\xef\xbf\xbdz"},
		{"cut\xe2\x82", "cut\xef\xbf\xbd\xef\xbf\xbd"},
		{"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},		  // overlong
		{"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, // a surrogate
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *got = one(METRIC_RECORDS, 1, (const char *const[]){cases[i].value});
		char *want = xasprintf("kdrift_records_total{stream=\"%s\"} 1\n", cases[i].written);
		cr_expect_str_eq(got, want);
		free(got);
		free(want);
	}
}

Test(metrics, values)
{
	static const struct {
		double value;
		const char *written;
	} cases[] = {
		{0, "0"},
		{1284032, "1284032"},
		{9007199254740991.0, "9007199254740991"},
		{0.1, "0.1"},
		{1.0 / 3, "0.3333333333333333"},
		{-2.5, "-2.5"},
		{1795230760.25, "1795230760.25"},
		{NAN, "NaN"},
		{INFINITY, "+Inf"},
		{-INFINITY, "-Inf"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *got = one(METRIC_OUTBOX, cases[i].value, NULL);
		char *want = xasprintf("kdrift_outbox_entries %s\n", cases[i].written);
		cr_expect_str_eq(got, want);
		free(got);
		free(want);
	}
}

Test(metrics, help_and_type_once_a_metric)
{
	struct metrics_writer w;
	struct buf out = BUF_INIT;

	metrics_begin(&w, &out);
	metrics_add(&w, METRIC_ALERTS, 1, (const char *const[]){"immediate", "firing"});
	metrics_add(&w, METRIC_ALERTS, 2, (const char *const[]){"daily", "firing"});
	metrics_add(&w, METRIC_STORE_UP, 1, NULL);
	cr_assert_str_eq(out.data, "# HELP kdrift_alerts Alerts by tier and state.\n"
				   "# TYPE kdrift_alerts gauge\n"
				   "kdrift_alerts{tier=\"immediate\",state=\"firing\"} 1\n"
				   "kdrift_alerts{tier=\"daily\",state=\"firing\"} 2\n"
				   "# HELP kdrift_store_up 1 while Redis answers.\n"
				   "# TYPE kdrift_store_up gauge\n"
				   "kdrift_store_up 1\n");
	buf_release(&out);
}

// Prometheus' own checker reads every metric of the table, with hostile label values.
Test(metrics, promtool_check_metrics)
{
	struct metrics_writer w;
	struct buf out = BUF_INIT;
	static const char *const hostile[] = {"a\"b\\c\nd\xff", "\xe2\x82\xac", "{}=,", ""};

	if (system("command -v promtool >/dev/null 2>&1") != 0) {
		cr_skip_test("promtool is not installed");
		return;
	}
	metrics_begin(&w, &out);
	for (int m = 0; m < METRICS; m++)
		metrics_add(&w, (enum metric)m, m == METRIC_MEASURE ? NAN : 0.25 * m, hostile);
	FILE *p = popen("promtool check metrics >&2", "w");
	cr_assert(p);
	fwrite(out.data, 1, out.len, p);
	int rc = pclose(p);
	cr_assert(WIFEXITED(rc) && WEXITSTATUS(rc) == 0, "promtool says %d of:\n%s", WEXITSTATUS(rc),
		  out.data);
	buf_release(&out);
}
