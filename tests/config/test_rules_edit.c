// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/rules_edit.h"
#include "util/xalloc.h"

static char path[] = "/tmp/kdrift-edit-XXXXXX";

static int edit(const char *text, const struct rule_edit *edits, size_t n, struct buf *out, struct error *err)
{
	snprintf(path, sizeof path, "/tmp/kdrift-edit-XXXXXX");
	int fd = mkstemp(path);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	int rc = rules_edit(path, edits, n, out, err);
	unlink(path);
	return rc;
}

static void gives(const char *text, const char *want)
{
	const struct rule_edit edits[] = {{.rule = "B", .key = "below", .value = 0.25, .why = "why b"},
					   {.rule = "A", .key = "above", .value = 7, .why = "why a"}};
	struct error err = ERROR_INIT;
	struct buf out = BUF_INIT;

	cr_assert_eq(edit(text, edits, 2, &out, &err), 0, "%s", err.text);
	cr_assert_str_eq(out.data, want);
	buf_release(&out);
}

Test(rules_edit, a_rule_in_lines_of_its_own)
{
	gives("# ours\n- alert: A\n  above: 5\n\n- below:   1e-1  \n  alert: B\n",
	      "# ours\n- alert: A\n  above: 7 # why a\n\n- below:   0.25   # why b\n  alert: B\n");
}

Test(rules_edit, comments_stay)
{
	gives("- alert: A # one\n  above: 5 # two\n- {alert: B, below: 3}",
	      "- alert: A # one\n  # A: why a\n  above: 7 # two\n- {alert: B, below: 0.25} # why b");
}

Test(rules_edit, several_rules_in_a_line)
{
	gives("[{\"alert\": \"A\", \"above\": 5}, {\"below\": -2, \"alert\": \"B\"}]\n",
	      "# A: why a\n# B: why b\n[{\"alert\": \"A\", \"above\": 7}, {\"below\": 0.25, \"alert\": \"B\"}]\n");
}

Test(rules_edit, places_are_bytes)
{
	gives("\xef\xbb\xbf# gr\xc3\xb6\xc3\x9f" "er\r\n- alert: A\r\n  summary: \"\xe2\x82\xac above: 5\"\r\n  above: 5\r\n- {alert: B, below: 1}\r\n",
	      "\xef\xbb\xbf# gr\xc3\xb6\xc3\x9f" "er\r\n- alert: A\r\n  summary: \"\xe2\x82\xac above: 5\"\r\n  above: 7 # why a\r\n- {alert: B, below: 0.25} # why b\r\n");
}

Test(rules_edit, what_is_no_number_is_refused)
{
	const struct rule_edit edits[] = {{.rule = "A", .key = "above", .value = 7, .why = "why"}};
	static const char *const bad[] = {"- {alert: A, above: {chunks: {std: 3}}}\n", "- {alert: A, below: 5}\n", "- {alert: C, above: 5}\n",
					  "- {alert: A, above: '5'}\n", "[]\n"};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct error err = ERROR_INIT;
		struct buf out = BUF_INIT;
		cr_assert_eq(edit(bad[i], edits, 1, &out, &err), -1, "%s", bad[i]);
		cr_assert(strstr(err.text, "A") && strstr(err.text, "by hand"), "%s", err.text);
		buf_release(&out);
	}
}

static const struct rule_edit said[] = {{.rule = "A", .key = "budget", .value = NAN, .why = "tune: well"}},
			      put[] = {{.rule = "A", .key = "budget", .value = NAN, .why = "tune: past", .instead = {{"clear_below", "3"}, {"above", "4.5"}}}};

static void edited(const struct rule_edit *e, const char *text, const char *want)
{
	struct error err = ERROR_INIT;
	struct buf out = BUF_INIT;

	cr_assert_eq(edit(text, e, 1, &out, &err), 0, "%s", err.text);
	cr_assert_str_eq(out.data, want);
	buf_release(&out);
}

Test(rules_edit, a_reason_alone)
{
	edited(said, "- alert: A\n  budget: 1/week\n  for: 1h\n", "- alert: A\n  budget: 1/week # tune: well\n  for: 1h\n");
	edited(said, "- {alert: A, budget: '1/week'} # ours\n", "# A: tune: well\n- {alert: A, budget: '1/week'} # ours\n");
}

Test(rules_edit, an_earlier_reason_goes)
{
	edited(said, "- alert: A\n  budget: 1/week # tune: before\n", "- alert: A\n  budget: 1/week # tune: well\n");
	edited(said, "# B: tune: before\n# A: tune: before\n- {alert: A, budget: '1/week'} # ours\n",
	       "# B: tune: before\n# A: tune: well\n- {alert: A, budget: '1/week'} # ours\n");
}

Test(rules_edit, keys_instead_of_a_key)
{
	edited(put, "- alert: A\n  summary: budget, x,\n  budget :  1/week\n",
	       "- alert: A\n  summary: budget, x,\n  clear_below: 3\n  above: 4.5 # tune: past\n");
	edited(put, "- budget: 1/week\n  alert: A\n", "- clear_below: 3\n  above: 4.5 # tune: past\n  alert: A\n");
	edited(put, "- {alert: A, budget: 1/week, stream: x}\n", "- {alert: A, clear_below: 3, above: 4.5, stream: x} # tune: past\n");
	edited(put, "[{\"alert\": \"A\", \"budget\": \"1/week\"}]\n",
	       "[{\"alert\": \"A\", \"clear_below\": 3, \"above\": 4.5}] # tune: past\n");
	edited(put, "[{\"alert\": \"A\",\n  \"budget\":\n \"1/week\"}]\n",
	       "[{\"alert\": \"A\",\n  \"clear_below\": 3, \"above\": 4.5}] # tune: past\n");
}

Test(rules_edit, a_value_whose_reason_is_said_elsewhere)
{
	static const struct rule_edit held = {.rule = "A", .key = "for", .value = NAN, .instead = {{"for", "2h"}}};

	edited(&held, "- {alert: A, for: 1h} # ours\n", "- {alert: A, for: 2h} # ours\n");
	edited(&held, "- alert: A\n  for: 1h\n", "- alert: A\n  for: 2h\n");
}

Test(rules_edit, nothing_to_edit_copies)
{
	struct error err = ERROR_INIT;
	struct buf out = BUF_INIT;

	cr_assert_eq(edit("# x\n[]\n", NULL, 0, &out, &err), 0);
	cr_assert_str_eq(out.data, "# x\n[]\n");
	buf_release(&out);
}
