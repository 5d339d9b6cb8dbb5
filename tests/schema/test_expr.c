// SPDX-License-Identifier: Apache-2.0
// Expressions against Google's implementation of CEL (tests/schema/make_cel_cases.py): the lines of
// tests/data/cel_cases.jsonl always, random ones where that is at hand. And by hand what is ours: how nulls are
// skipped, what is refused and how.
//
// Environment: KDRIFT_SEED (else by the clock; printed), KDRIFT_CEL_CASES (6,000).
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "schema/expr.h"
#include "util/json.h"
#include "util/xalloc.h"

#define PYTHON SOURCE_DIR "/.cache/venv/bin/python"

static const char *const verdicts[] = {"false", "true", "null", "error"};

static struct cel_value value_of(const json_t *v)
{
	const char *s;

	if ((s = json_get_str(v, "int", NULL)))
		return cel_int(strtoll(s, NULL, 10));
	if ((s = json_get_str(v, "double", NULL)))
		return cel_double(strtod(s, NULL));
	if ((s = json_get_str(v, "string", NULL)))
		return cel_text(CEL_STRING, s, strlen(s));
	if (json_is_boolean(json_object_get(v, "bool")))
		return cel_bool(json_is_true(json_object_get(v, "bool")));
	return (struct cel_value){.type = json_object_get(v, "absent") ? CEL_ABSENT : CEL_NULL};
}

static const char *evaluate(const char *text, const json_t *vars, struct buf *scratch, struct error *err)
{
	struct expr *e = expr_parse(text, err);
	struct cel_value operands[32];
	const char *why;

	if (!e)
		return "refused";
	for (size_t i = 0; i < expr_refs(e); i++) {
		const json_t *v = json_object_get(vars, expr_ref(e, i));

		cr_assert(v != NULL, "%s: no %s", text, expr_ref(e, i));
		operands[i] = value_of(v);
		expr_bind(e, i, (uint32_t)i);
	}
	const char *verdict = verdicts[expr_eval(e, operands, scratch, &why)];
	expr_free(e);
	return verdict;
}

static size_t check_lines(FILE *f)
{
	struct buf scratch = BUF_INIT;
	size_t n = 0, cap = 0;
	char *line = NULL;

	while (getline(&line, &cap, f) > 0) {
		struct error err = ERROR_INIT;
		json_t *doc = json_parse(line, strlen(line), &err);
		cr_assert(doc != NULL, "%s", err.text);
		const char *text = json_get_str(doc, "expr", NULL), *want = json_get_str(doc, "want", NULL);
		const bool nulls = json_is_true(json_object_get(doc, "nulls"));
		const char *got = evaluate(text, json_object_get(doc, "vars"), &scratch, &err);
		// To CEL a null that no operator takes is an error like any other.
		const bool same = !strcmp(got, want) || (nulls && !strcmp(want, "error") && !strcmp(got, "null"));
		cr_expect(same, "%s: %s, not %s (%s) %s", text, got, want, err.text, line);
		json_decref(doc);
		n++;
	}
	free(line);
	buf_release(&scratch);
	return n;
}

Test(expr, says_what_cel_says)
{
	FILE *f = fopen(SOURCE_DIR "/tests/data/cel_cases.jsonl", "r");

	cr_assert(f != NULL);
	cr_expect(check_lines(f) >= 400);
	fclose(f);
}

Test(expr, says_what_cel_says_at_random, .timeout = 120)
{
	const char *seed = getenv("KDRIFT_SEED"), *cases = getenv("KDRIFT_CEL_CASES");
	unsigned long s = seed ? strtoul(seed, NULL, 10) : (unsigned long)time(NULL);

	if (system(PYTHON " -c 'import cel_expr_python' 2>/dev/null") != 0)
		cr_skip_test("no cel-expr-python in .cache/venv");
	fprintf(stderr, "expr: KDRIFT_SEED=%lu\n", s);
	char *cmd = xasprintf(PYTHON " " SOURCE_DIR "/tests/schema/make_cel_cases.py --seed %lu --cases %s", s,
			      cases ? cases : "6000");
	FILE *f = popen(cmd, "r");
	cr_assert(f != NULL);
	cr_expect(check_lines(f) >= (cases ? strtoul(cases, NULL, 10) : 6000));
	cr_expect(eq(int, pclose(f), 0));
	free(cmd);
}

Test(expr, what_a_null_makes_undecidable_is_skipped)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
	    {"n <= 5", "null"},
	    {"start <= n", "null"},
	    {"!n", "null"},
	    {"n + 1 > 0", "null"},
	    {"n.startsWith('a')", "null"},
	    {"size(n) > 0", "null"},
	    {"int(n) == 1", "null"},
	    {"n.matches('a')", "null"},
	    {"n ? true : false", "null"},
	    {"n", "null"},
	    // what CEL has a meaning for is judged
	    {"n == null", "true"},
	    {"n != null", "false"},
	    {"n == 3", "false"},
	    {"n in [1, 2]", "false"},
	    {"n in [1, null]", "true"},
	    {"has(n)", "false"},
	    {"has(start)", "true"},
	    {"has(n) ? n > 3 : true", "true"},
	    {"!has(n) || n > 3", "true"},
	    // a side that decides, decides
	    {"n > 3 || start == 4", "true"},
	    {"n > 3 && start == 5", "false"},
	    {"n > 3 && start == 4", "null"},
	    {"start == 4 && n > 3", "null"},
	    {"n > 3 && 1 / zero == 1", "null"},
	    {"1 / zero == 1 && n > 3", "null"},
	    {"1 / zero == 1 || start == 4", "true"},
	    {"1 / zero == 1 || start == 5", "error"},
	    // within a record that is null
	    {"gone.x > 1", "null"},
	    {"gone.x == null", "null"},
	    {"has(gone.x)", "null"},
	    {"gone.x > 1 || start == 4", "true"},
	    // as rules may end
	    {"start > 3 ? '' : 'too early'", "true"},
	    {"start < 3 ? '' : 'too late'", "false"},
	    {"start + 1", "error"},
	};
	struct error err = ERROR_INIT;
	struct buf scratch = BUF_INIT;
	json_t *vars = json_pack("{s{sn}s{ss}s{ss}s{sn}}", "n", "null", "start", "int", "4", "zero", "int", "0", "gone.x",
				 "absent");

	cr_assert(vars != NULL);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *got = evaluate(cases[i].text, vars, &scratch, &err);
		cr_expect(eq(str, (char *)got, (char *)cases[i].want), "%s %s", cases[i].text, err.text);
	}
	buf_release(&scratch);
	json_decref(vars);
}

// One line of numbers, as the specification says: an int is not rounded to be compared.
Test(expr, ints_and_doubles_are_compared_exactly)
{
	static const char *const all_true[] = {
	    "dyn(9007199254740993) > dyn(9007199254740992.0)",	"dyn(9007199254740993) != dyn(9007199254740992.0)",
	    "dyn(9007199254740992) == dyn(9007199254740992.0)", "dyn(-9007199254740993) < dyn(-9007199254740992.0)",
	    "dyn(9223372036854775807) < dyn(9223372036854775808.0)", "dyn(9223372036854775808u) == dyn(9223372036854775808.0)",
	    "dyn(-9223372036854775808) == dyn(-9223372036854775808.0)", "dyn(18446744073709551615u) < dyn(1.8446744073709552e19)",
	    "dyn(-1) < dyn(0u)", "dyn(9007199254740993u) > dyn(9007199254740992.0)", "!(dyn(9007199254740993) in [9007199254740992.0])",
	    "dyn(3) < dyn(3.5)", "dyn(-3) > dyn(-3.5)", "dyn(3) == dyn(3u)", "dyn(1e300) > dyn(9223372036854775807)",
	};
	struct buf scratch = BUF_INIT;
	struct error err = ERROR_INIT;
	json_t *none = json_object();

	for (size_t i = 0; i < ARRAY_LEN(all_true); i++)
		cr_expect(strcmp(evaluate(all_true[i], none, &scratch, &err), "true") == 0, "%s %s", all_true[i], err.text);
	json_decref(none);
	buf_release(&scratch);
}

Test(expr, refuses_by_name_and_column)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
	    {"this.all(x, x > 0)", "column 5: this.all() is not supported"},
	    {"this.a.exists(x, x > 0)", "column 7: this.a.exists() is not supported"},
	    {"timestamp.of(this) < now", "column 10: timestamp.of() is not supported"},
	    {"duration('1h') > this", "column 1: duration() is not supported"},
	    {"this > 1 && isEmail(this)", "column 13: isEmail() is not supported"},
	    {"this.isEmail()", "column 5: this.isEmail() is not supported"},
	    {"this['a'] > 1", "column 5: an index in brackets is not supported"},
	    {"{'a': 1} == this", "column 1: a map or a message in braces is not supported"},
	    {"Foo{a: 1} == this", "column 4: a message in braces is not supported"},
	    {"this == b'x'", "column 9: a bytes literal is not supported"},
	    {"this.matches(this)", "column 5: matches() with a pattern that is no literal is not supported"},
	    {"this.matches('(?=a)')", "column 5: invalid perl operator: (?="},
	    {"this.matches('a(')", "column 5: missing ): a("},
	    {"this.matches('((a{1000}){1000}){1000}')", "column 5: invalid repetition size: {1000}"},
	    {"[1, 2] == this", "column 1: a list that does not stand behind in is not supported"},
	    {"this in 'abc'", "column 1: in before what is no list is not supported"},
	    {"this >", "column 7: the expression ends too early"},
	    {"this > 1 2", "column 10: expected an operator or the end"},
	    {"this = 1", "column 6: expected an operator or the end"},
	    {"(this > 1", "column 10: expected ')'"},
	    {"this > 9223372036854775808", "column 8: an int out of range"},
	    {"this > 18446744073709551616u", "column 8: an int out of range"},
	    {"this == 'a", "column 9: a text without its end"},
	    {"this == '\\q'", "column 10: an escape that is none"},
	    {"this == '\\ud800'", "column 10: an escape that is none"},
	    {"for > 1", "column 1: a reserved word"},
	    {"size(this, 1) > 1", "column 1: size() with this many arguments"},
	    {"has(1)", "column 1: has() takes a field"},
	    {"", "column 1: the expression ends too early"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error err = ERROR_INIT;
		struct expr *e = expr_parse(cases[i].text, &err);

		cr_expect(e == NULL, "%s", cases[i].text);
		cr_expect(eq(str, err.text, (char *)cases[i].why), "%s", cases[i].text);
		expr_free(e);
	}
}

Test(expr, nesting_and_length_are_bounded)
{
	static const char *const open[] = {"(", "!", "-", "[", "has(", "a ? b : (", "1 + (", "size("};
	struct error err = ERROR_INIT;

	for (size_t i = 0; i < ARRAY_LEN(open); i++) {
		struct buf text = BUF_INIT;

		while (text.len < 60000)
			buf_adds(&text, open[i]);
		error_clear(&err);
		cr_expect(expr_parse(text.data, &err) == NULL);
		buf_release(&text);
	}
	struct buf chain = BUF_INIT;
	buf_adds(&chain, "a > 0");
	for (int i = 0; i < 240; i++)
		buf_addf(&chain, " && a > %d", -i);
	struct expr *e = expr_parse(chain.data, &err);
	cr_expect(e != NULL, "%s", err.text);
	expr_free(e);
	buf_adds(&chain, " && a > 0 && a > 0 && a > 0 && a > 0 && a > 0 && a > 0 && a > 0 && a > 0 && a > 0 && a > 0");
	error_clear(&err);
	cr_expect(expr_parse(chain.data, &err) == NULL);
	buf_release(&chain);
}

// No text makes the parser read past its end or crash; whether it is an expression does not matter.
Test(expr, survives_rubbish)
{
	static const char *const words[] = {"this", ".", "a", "(", ")", "[", "]", "!", "-", "&&", "||", "?", ":", "1", "1.5e", "0x",
					    "'", "\"", "r'", "\\", "'''", "in", "has(", "size", ".matches('", "[^", "{2", "u",
					    "//", "\n", " ", ",", "{", "é", "==", "<", "null", "\\x4", "b'", ".5", "1e-"};
	unsigned seed = getenv("KDRIFT_SEED") ? (unsigned)atoi(getenv("KDRIFT_SEED")) : (unsigned)time(NULL);
	struct buf scratch = BUF_INIT;

	fprintf(stderr, "expr: KDRIFT_SEED=%u\n", seed);
	for (int i = 0; i < 20000; i++) {
		struct buf text = BUF_INIT;
		struct error err = ERROR_INIT;
		const char *why;

		buf_adds(&text, "");
		for (int k = (int)(rand_r(&seed) % 12); k >= 0; k--)
			buf_adds(&text, words[(size_t)rand_r(&seed) % ARRAY_LEN(words)]);
		char *exact = xstrdup(text.data);
		struct expr *e = expr_parse(exact, &err);
		cr_expect(err.set != !!e, "%s", exact);
		struct cel_value operands[16] = {{0}};
		for (size_t r = 0; e && r < expr_refs(e); r++)
			expr_bind(e, r, (uint32_t)r);
		if (e && expr_refs(e) <= 16)
			expr_eval(e, operands, &scratch, &why);
		expr_free(e);
		free(exact);
		buf_release(&text);
	}
	buf_release(&scratch);
}
