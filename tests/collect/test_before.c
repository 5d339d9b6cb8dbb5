// SPDX-License-Identifier: Apache-2.0
// While another baseline is in force, what a worker counts is what two workers would, one with each of them.
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collect/stream.h"
#include "play.h"
#include "stats/regrid.h"
#include "util/xalloc.h"

static struct baseline *before_one, *own;
static bool away;

static struct baseline *make(double scale, const char *only, const char *word)
{
	struct baseline_builder *b = baseline_builder_new("s", false);
	struct error err = ERROR_INIT;

	for (int i = 0; i < 2000; i++) {
		baseline_builder_row(b, i, -1);
		baseline_builder_number(b, "a", FIELD_NUMERIC, scale * (i * 7919 % 2000));
		baseline_builder_number(b, only, FIELD_NUMERIC, scale * (i * 7919 % 1999));
		baseline_builder_text(b, "k", FIELD_CATEGORICAL, i % 2 ? word : "both", i % 2 ? strlen(word) : 4);
	}
	struct baseline *out = baseline_builder_finish(b, json_object(), &err);
	cr_assert(out, "%s", err.text);
	snprintf(out->hash, sizeof out->hash, "%s", only); // any name
	return out;
}

static int look(void *ctx, const char *stream, const struct baseline *b, const char *known, struct baseline **out, struct error *err)
{
	(void)ctx, (void)err;
	cr_expect(!strcmp(stream, "s") && b == own);
	*out = NULL;
	if (away)
		return -1;
	if (!before_one)
		return 0;
	if (!strcmp(before_one->hash, known))
		return 2;
	*out = make(1, "old", "was");
	return 1;
}

static void add(struct wstream *s, struct pane *p, const char *path, double x)
{
	size_t i = wstream_field(s, path, FIELD_NUMERIC, false);

	field_add_number(wstream_pane_field(s, p, i), x);
}

static void fill(struct wstream *s, struct pane *p)
{
	static const char *const paths[] = {"a", "old", "new", "neither"}, *const words[] = {"was", "is", "both", "other"};

	for (int i = 0; i < 300; i++)
		for (size_t k = 0; k < ARRAY_LEN(paths); k++)
			add(s, p, paths[k], i * 7.3 - 50);
	size_t k = wstream_field(s, "k", FIELD_CATEGORICAL, false);
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		field_add_category(wstream_pane_field(s, p, k), words[i], strlen(words[i]));
}

static bool same(struct pane *two, const struct pane *one, const struct baseline *b)
{
	struct buf x = BUF_INIT, y = BUF_INIT;
	struct pane *copy = pane_new(), *want = pane_new();

	pane_merge(copy, two);
	pane_merge(want, one);
	baseline_keep_grids(b, copy);
	const struct baseline_field *k = baseline_find(b, "k");
	cr_expect(field_know(pane_find(copy, "k", FIELD_CATEGORICAL), k->def.categories, k->def.ncategories));
	pane_encode(copy, &x);
	pane_encode(want, &y);
	bool equal = x.len == y.len && !memcmp(x.data, y.data, x.len);
	buf_release(&x);
	buf_release(&y);
	pane_free(copy);
	pane_free(want);
	return equal;
}

static struct pane *counted(const struct baseline *b)
{
	struct collect_stream def = play.def;
	struct wstream alone;
	struct pane *p = pane_new();

	def.baseline = b;
	wstream_init(&alone, &def);
	fill(&alone, p);
	wstream_release(&alone);
	return p;
}

Test(before, panes_are_what_either_baseline_makes_of_them)
{
	struct error err = ERROR_INIT;

	play_begin();
	play_stream();
	before_one = make(1, "old", "was");
	own = make(2, "new", "is");
	play.def.baseline = own;
	struct wstream s;
	wstream_init(&s, &play.def);
	const struct collect_port port = {.before = look};
	size_t a = wstream_field(&s, "a", FIELD_NUMERIC, false); // met before it is looked
	away = true;
	cr_expect_eq(wstream_look_before(&s, &port, &err), -1);
	cr_expect(!s.looked_before);
	away = false;
	cr_expect_eq(wstream_look_before(&s, &port, &err), 0);
	struct pane *two = pane_new(), *with_old = counted(before_one), *with_new = counted(own), *one = pane_new();
	fill(&s, two);
	cr_expect(two->fields[a]->second && same(two, with_old, before_one), "the one before");
	cr_expect(same(two, with_new, own), "its own");
	wstream_recheck_before(&s, &port);
	cr_expect_not_null(s.also[a]);
	baseline_free(before_one);
	before_one = NULL; // it has taken to its own
	wstream_recheck_before(&s, &port);
	add(&s, two, "a", 3); // a pane that is open goes on
	cr_expect(two->fields[a]->second && field_has_grid(two->fields[a], two->fields[a]->second->grid));
	fill(&s, one);
	cr_expect(!one->fields[a]->second && same(one, with_new, own), "its own alone");
	pane_free(two);
	pane_free(one);
	pane_free(with_old);
	pane_free(with_new);
	wstream_release(&s);
	play.def.baseline = NULL;
	baseline_free(own);
	play_worker(0);
	play_stop();
}
