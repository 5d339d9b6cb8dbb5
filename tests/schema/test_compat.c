// SPDX-License-Identifier: Apache-2.0
// Every pair under tests/schema/compat (its README tells where the verdicts come from), levels, and bounds.
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/compat.h"
#include "util/json.h"
#include "util/xalloc.h"

static struct avsc *schema_of(const json_t *v, const char *name)
{
	struct error err = ERROR_INIT;
	char *text = json_text(v);
	struct avsc *a = avsc_parse(&(struct schema_text){.text = (char *)text, .len = strlen(text)}, &err);

	cr_assert(a != NULL, "%s: %s: %s", name, text, err.text);
	free(text);
	return a;
}

static char *told(const struct mismatches *m)
{
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < m->n; i++)
		buf_addf(&b, "%s at \"%s\"\n", mismatch_names[m->items[i].kind], m->items[i].path);
	return buf_steal(&b);
}

static char *expected(const json_t *breaches)
{
	struct buf b = BUF_INIT;
	const json_t *item;
	size_t i;

	json_array_foreach(breaches, i, item) buf_addf(&b, "%s at \"%s\"\n", json_string_value(json_array_get(item, 0)),
						       json_string_value(json_array_get(item, 1)));
	return buf_steal(&b);
}

static size_t run_group(const char *path)
{
	FILE *f = fopen(path, "r");
	char *line = NULL;
	size_t cap = 0, count = 0;

	cr_assert(f != NULL, "%s", path);
	while (getline(&line, &cap, f) > 0) {
		struct error err = ERROR_INIT;
		struct mismatches found = {0};
		json_t *doc = json_parse(line, strlen(line), &err);

		cr_assert(doc != NULL, "%s: %s", path, err.text);
		const char *name = json_get_str(doc, "name", "?");
		struct avsc *writer = schema_of(json_object_get(doc, "writer"), name);
		struct avsc *reader = schema_of(json_object_get(doc, "reader"), name);
		const json_t *breaches = json_object_get(doc, "breaches");
		bool ok = avsc_resolve(writer, reader, &found);
		char *want = expected(breaches), *got = told(&found);

		cr_expect(ok == !json_array_size(breaches), "%s: %s: verdict %d", path, name, ok);
		cr_expect(strcmp(want, got) == 0, "%s: %s: expected\n%sgot\n%s", path, name, want, got);
		cr_expect(avsc_resolve(writer, reader, NULL) == ok, "%s: %s", path, name);
		mismatches_release(&found);
		free(want);
		free(got);
		avsc_free(writer);
		avsc_free(reader);
		json_decref(doc);
		count++;
	}
	free(line);
	fclose(f);
	return count;
}

Test(compat, matrix)
{
	glob_t g;
	size_t count = 0;

	cr_assert(glob(TEST_DATA "/../schema/compat/*.jsonl", 0, NULL, &g) == 0);
	for (size_t i = 0; i < g.gl_pathc; i++)
		count += run_group(g.gl_pathv[i]);
	globfree(&g);
	cr_assert(count >= 120, "%zu pairs", count);
}

static struct avsc *parse(const char *text)
{
	struct error err = ERROR_INIT;
	struct avsc *a = avsc_parse(&(struct schema_text){.text = (char *)text, .len = strlen(text)}, &err);

	cr_assert(a != NULL, "%s: %s", text, err.text);
	return a;
}

// What each level says to: the field b without a default added, dropped, added with one; long made of int.
Test(compat, levels)
{
#define R(fields) "{\"type\":\"record\",\"name\":\"R\",\"fields\":[" fields "]}"
#define A	  "{\"name\":\"a\",\"type\":\"int\"}"
	static const char *const olds[] = {R(A), R(A ",{\"name\":\"b\",\"type\":\"int\"}"), R(A), R(A), R(A)};
	static const char *const news[] = {R(A ",{\"name\":\"b\",\"type\":\"int\"}"), R(A),
					   R(A ",{\"name\":\"b\",\"type\":\"int\",\"default\":0}"),
					   R("{\"name\":\"a\",\"type\":\"long\"}"), R("{\"name\":\"a\",\"type\":\"string\"}")};
	static const bool backward[] = {false, true, true, true, false};
	static const bool forward[] = {true, false, true, false, false};

	for (size_t i = 0; i < ARRAY_LEN(olds); i++) {
		struct avsc *older = parse(olds[i]), *newer = parse(news[i]);
		const bool want[COMPAT_LEVELS] = {
		    [COMPAT_NONE] = true,
		    [COMPAT_BACKWARD] = backward[i],
		    [COMPAT_BACKWARD_TRANSITIVE] = backward[i],
		    [COMPAT_FORWARD] = forward[i],
		    [COMPAT_FORWARD_TRANSITIVE] = forward[i],
		    [COMPAT_FULL] = backward[i] && forward[i],
		    [COMPAT_FULL_TRANSITIVE] = backward[i] && forward[i],
		};
		for (int l = 0; l < COMPAT_LEVELS; l++) {
			struct compat c = {0};
			bool ok = compat_check((enum compat_level)l, older, newer, &c);

			cr_expect(ok == want[l], "pair %zu, %s", i, compat_rules[l].name);
			cr_expect(ok == !(c.backward.n + c.forward.n), "pair %zu, %s", i, compat_rules[l].name);
			cr_expect(compat_level_of(compat_rules[l].name) == (enum compat_level)l);
			compat_release(&c);
		}
		avsc_free(older);
		avsc_free(newer);
	}
	cr_expect(compat_level_of(NULL) == COMPAT_BACKWARD);
}

Test(compat, why_counts_the_rest)
{
	struct avsc *older = parse(R(A)), *newer = parse(R("{\"name\":\"a\",\"type\":\"string\"},{\"name\":\"b\",\"type\":\"int\"}"));
	struct compat c = {0};
	char why[120];

	compat_why(&c, why, sizeof why);
	cr_expect(why[0] == 0);
	compat_check(COMPAT_FULL, older, newer, &c);
	compat_why(&c, why, sizeof why);
	cr_expect(strcmp(why, "a: type mismatch (reader string, writer int); and 2 more") == 0, "%s", why);
	compat_why(&c, why, 10);
	cr_expect(strcmp(why, "a: type m") == 0, "%s", why);
	mismatches_release(&c.backward);
	compat_why(&c, why, sizeof why);
	cr_expect(strcmp(why, "FORWARD: a: type mismatch (reader int, writer string)") == 0, "%s", why);
	compat_release(&c);
	avsc_free(older);
	avsc_free(newer);
}

// N records, each with a field of every other: the paths through them are beyond number.
static char *clique(int n, const char *leaf)
{
	struct buf b = BUF_INIT;

	buf_adds(&b, "[");
	for (int i = 0; i < n; i++) { // defined within each other, since Avro has no reference forward
		buf_addf(&b, "%s{\"type\":\"record\",\"name\":\"T%d\",\"fields\":[{\"name\":\"v\",\"type\":\"%s\"}", "", i,
			 i ? "int" : leaf);
		for (int k = 0; k < i; k++)
			buf_addf(&b, ",{\"name\":\"f%d\",\"type\":\"T%d\"}", k, k);
		if (i + 1 < n)
			buf_addf(&b, ",{\"name\":\"f%d\",\"type\":", i + 1);
	}
	for (int i = n - 1; i >= 0; i--) {
		if (i + 1 < n)
			buf_addc(&b, '}');
		for (int k = i + 2; k < n; k++)
			buf_addf(&b, ",{\"name\":\"f%d\",\"type\":\"T%d\"}", k, k);
		buf_adds(&b, "]}");
	}
	buf_adds(&b, "]");
	return buf_steal(&b);
}

Test(compat, types_that_refer_to_each_other_are_bounded, .timeout = 20)
{
	char *old_text = clique(14, "int"), *new_text = clique(14, "string");
	struct avsc *older = parse(old_text), *newer = parse(new_text);
	struct mismatches m = {0};

	cr_expect(avsc_resolve(older, newer, &m) == false);
	cr_expect(m.n >= 1 && m.n <= 200);
	cr_expect(strcmp(m.items[0].path, "v") == 0, "%s", m.items[0].path);
	cr_expect(avsc_resolve(older, older, NULL));
	mismatches_release(&m);
	avsc_free(older);
	avsc_free(newer);
	free(old_text);
	free(new_text);
}

Test(compat, a_long_list_says_so)
{
	struct buf b = BUF_INIT;
	struct mismatches m = {0};

	for (int i = 0; i < 300; i++)
		buf_addf(&b, "%s{\"name\":\"f%d\",\"type\":\"int\"}", i ? "," : "", i);
	char *text = xasprintf(R("%s"), b.data);
	struct avsc *older = parse(R("")), *newer = parse(text);

	cr_expect(avsc_resolve(older, newer, &m) == false);
	cr_expect(eq(sz, m.n, 200));
	cr_expect(m.more);
	mismatches_release(&m);
	cr_expect(m.n == 0 && m.more == false);
	avsc_free(older);
	avsc_free(newer);
	free(text);
	buf_release(&b);
}
