// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "judge/explain.h"
#include "setup.h"

static const int64_t T0 = SETUP_T0;

// n records of one category a minute.
static void kinds(struct setup *s, int64_t minute, const char *slice, int partition, int64_t schema, const char *kind, int n)
{
	char path[] = "kind";
	struct field_def def = {.path = path, .type = FIELD_CATEGORICAL};
	int64_t start = T0 + minute * MINUTE;
	struct pane *p = fake_pane(s->f, "pay", start, slice, partition);
	struct partition_view *part = fake_part(s->f, "pay", partition);
	struct field_stats *f = pane_find(p, path, FIELD_CATEGORICAL);

	f = f ? f : pane_field(p, p->nfields, &def);
	for (int i = 0; i < n; i++)
		pane_count_record(p, start + i, part->next++, schema, true, false, false);
	field_add_category_times(f, kind, strlen(kind), (uint64_t)n);
	part->max_event = start + n;
}

// Ten minutes of A and B, 60 each a minute in two slices and partitions; from the eleventh on v=2 sends C for half of
// its A's, with schema 9.
static void feed_kinds(struct setup *s, int minutes)
{
	for (int m = 0; m < minutes; m++) {
		for (int part = 0; part < 2; part++) {
			const char *slice = part ? "v=2" : "v=1";
			bool moved = part && m >= 10;
			kinds(s, m, slice, part, moved ? 9 : 7, "A", moved ? 30 : 60);
			kinds(s, m, slice, part, moved ? 9 : 7, "B", 60);
			if (moved)
				kinds(s, m, slice, part, 9, "C", 30);
		}
	}
	for (int part = 0; part < 2; part++)
		fake_part(s->f, "pay", part)->max_event = T0 + minutes * MINUTE;
}

static struct setup *under_roll; // what was listed is rolled up before it is read, every other time

static int segments_rolled(void *ctx, const char *stream, const struct interval_view *iv, size_t n,
			   void (*each)(void *arg, const struct interval_view *of, const struct segment_view *v), void *arg,
			   struct error *err)
{
	static int calls;
	int rc = under_roll->f->port.segments(ctx, stream, iv, n, each, arg, err);

	return rc ? rc : ++calls % 2;
}

static json_t *explained(struct setup *s, const struct judge_conf *c, const char *id, struct error *err)
{
	struct judge_port port = s->f->port;
	const struct explain_conf conf = {c, &port, NULL, 0};

	if (under_roll)
		port.segments = segments_rolled;
	json_t *found = explain_find(&port, id, err), *out = found ? explain_page(&conf, found, err) : NULL;

	json_decref(found);
	return out;
}

static json_t *explain(struct setup *s, size_t page)
{
	struct error err = ERROR_INIT;
	const json_t *data = page_of(s, "alert_firing", page);

	s->f->has_journal = true;
	cr_assert_not_null(data, "no page %zu", page);
	json_t *out = explained(s, &s->conf, json_get_str(data, "id", ""), &err);
	cr_assert_not_null(out, "%s", err.text);
	return out;
}

static const json_t *at(const json_t *list, size_t i)
{
	return json_array_get(list, i);
}

static const json_t *in(const json_t *obj, const char *key)
{
	return json_object_get(obj, key);
}

static void setup_kinds(struct setup *s)
{
	setup_init(s, 5 * MINUTE, 5 * MINUTE);
	s->streams[0].retention_ms = DAY;
	struct rule *r = add_rule(s, rule_above("Kinds", TIER_WEEKLY, "psi", 0.05));
	r->against.kind = AGAINST_PREVIOUS;
	r->against.previous_ms = 5 * MINUTE;
	start(s);
}

// Five minutes of violations, and twenty without.
static void setup_over(struct setup *s, int64_t retention)
{
	setup_init(s, 5 * MINUTE, 5 * MINUTE);
	s->streams[0].retention_ms = retention;
	add_rule(s, rule_above("V", TIER_IMMEDIATE, "violation_ratio", 0.1));
	start(s);
	feed(s, T0, 5, 60, 4);
	feed(s, T0 + 5 * MINUTE, 20, 60, 0);
	tick(s->j, T0 + 25 * MINUTE);
}

Test(explain, who_carries_it_and_since_when)
{
	struct setup s;

	setup_kinds(&s);
	feed_kinds(&s, 15);
	tick(s.j, T0 + 15 * MINUTE);
	json_t *v = explain(&s, 0);
	const json_t *items = in(v, "items");
	cr_assert_eq(json_array_size(items), 2, "v=2 and all together");
	const json_t *slice = at(items, 0), *all = at(items, 1);
	cr_expect_str_eq(json_get_str(slice, "slice", ""), "v=2");
	cr_expect(json_is_null(in(all, "slice")));
	const json_t *first = at(in(in(all, "contributions"), "rows"), 0);
	cr_expect_str_eq(json_get_str(first, "value", ""), "C");
	cr_expect_float_eq(json_get_num(first, "current", 0), 0.125, 1e-12);
	cr_expect_eq(json_array_size(in(all, "slices")), 2);
	cr_expect_str_eq(json_get_str(at(in(all, "slices"), 0), "slice", ""), "v=2");
	cr_expect_float_eq(json_get_num(at(in(all, "slices"), 0), "value", 0), json_get_num(slice, "value", 1), 1e-12);
	cr_expect_eq(json_get_num(at(in(all, "slices"), 1), "value", 1), 0);
	cr_expect_eq(json_get_int(at(in(all, "partitions"), 0), "partition", -1), 1);
	cr_expect_eq(json_get_int(at(in(all, "partitions"), 0), "from_offset", -1), 10 * 120);
	cr_expect_eq(json_get_int(at(in(all, "partitions"), 0), "to_offset", -1), 15 * 120 - 1);
	cr_expect_eq(json_get_int(at(in(all, "schemas"), 0), "schema_id", -1), 9);
	cr_expect_eq(json_get_int(all, "records_of_mixed_schemas", -1), 0);
	cr_expect_eq(json_array_size(in(slice, "partitions")), 1, "the slice's own panes only");
	cr_expect_null(in(slice, "approximate"));
	int64_t began;
	cr_assert(!time_parse(json_get_str(in(all, "began"), "window_to", ""), &began));
	cr_expect_eq(began, T0 + 15 * MINUTE);
	cr_expect(json_is_false(in(in(all, "began"), "or_earlier")));
	cr_expect_eq(json_integer_value(at(in(in(v, "schemas"), "new"), 0)), 9);
	const json_t *rows = in(in(all, "distribution"), "rows");
	cr_expect_eq(json_array_size(rows), 3);
	cr_expect_eq(json_get_int(at(rows, 0), "reference", 0), 600);
	cr_expect_eq(json_get_int(at(rows, 0), "current", 0), 450);
	json_decref(v);
	setup_free(&s);
}

Test(explain, what_is_rolled_up_while_it_reads_is_read_again)
{
	struct setup s;

	setup_kinds(&s);
	feed_kinds(&s, 15);
	tick(s.j, T0 + 15 * MINUTE);
	json_t *calm = explain(&s, 0);
	under_roll = &s;
	json_t *rolled = explain(&s, 0);
	cr_expect(json_equal(calm, rolled));
	json_decref(calm);
	json_decref(rolled);
	setup_free(&s);
}

// A pane that holds two schemas does not say which values are whose.
Test(explain, mixed_panes_are_told_apart)
{
	struct setup s;

	setup_kinds(&s);
	feed_kinds(&s, 15);
	kinds(&s, 14, "v=1", 0, 9, "B", 1);
	pass_to(&s, T0 + 15 * MINUTE);
	json_t *v = explain(&s, 0);
	const json_t *all = at(in(v, "items"), 1);
	cr_expect_eq(json_get_int(all, "records_of_mixed_schemas", 0), 121);
	cr_expect_eq(json_get_int(at(in(all, "schemas"), 1), "records", 0), 4 * 120, "schema 7");
	json_decref(v);
	setup_free(&s);
}

// More categories than are kept: the page and what explains it say so.
Test(explain, past_a_bound_values_are_approximate)
{
	struct setup s;
	char kind[16];

	setup_kinds(&s);
	feed_kinds(&s, 15);
	for (int i = 0; i < PANE_MAX_VALUES; i++) {
		snprintf(kind, sizeof kind, "new %d", i);
		kinds(&s, 14, "v=2", 1, 9, kind, 1);
	}
	fake_part(s.f, "pay", 1)->max_event = T0 + 15 * MINUTE;
	tick(s.j, T0 + 15 * MINUTE);
	json_t *v = explain(&s, 0);
	const json_t *item = at(in(page_of(&s, "alert_firing", 0), "items"), 0);
	cr_expect(json_is_true(in(item, "approximate")));
	cr_expect(json_is_true(in(at(in(v, "items"), 0), "approximate")));
	json_decref(v);
	setup_free(&s);
}

Test(explain, redacted_values_are_not_there)
{
	struct setup s;
	char path[] = "kind", *redact[] = {path};
	struct error err = ERROR_INIT;

	setup_kinds(&s);
	feed_kinds(&s, 15);
	tick(s.j, T0 + 15 * MINUTE);
	s.f->has_journal = true;
	const struct explain_conf conf = {&s.conf, &s.f->port, redact, 1};
	json_t *found = explain_find(&s.f->port, json_get_str(page_of(&s, "alert_firing", 0), "fingerprint", ""), &err);
	json_t *v = explain_page(&conf, found, &err);
	cr_assert_not_null(v, "%s", err.text);
	const json_t *all = at(in(v, "items"), 1);
	cr_expect(json_is_true(in(all, "redacted")) && !in(all, "distribution") && !in(all, "contributions"));
	cr_expect_eq(json_array_size(in(all, "slices")), 2);
	json_decref(found);
	json_decref(v);
	setup_free(&s);
}

Test(explain, a_page_that_is_over_and_whose_rule_is_gone)
{
	struct setup s;
	struct error err = ERROR_INIT;
	struct judge_conf later;

	setup_over(&s, DAY);
	cr_assert_eq(fake_count(s.f, "alert_resolved"), 1);
	cr_expect_eq(fake_docs(s.f, "page"), 0);
	later = s.conf;
	later.nrules = 0;
	s.f->has_journal = true;
	const char *id = json_get_str(page_of(&s, "alert_firing", 0), "id", "");
	json_t *v = explained(&s, &later, id, &err);
	cr_assert_not_null(v, "%s", err.text);
	cr_expect_str_eq(json_get_str(in(v, "page"), "status", ""), "resolved");
	const json_t *item = at(in(v, "items"), 0), *violation = at(in(v, "violations"), 0);
	cr_expect_float_eq(json_get_num(at(in(item, "partitions"), 0), "value", 0), 0.25, 1e-12);
	cr_expect_str_eq(json_get_str(violation, "kind", ""), "range");
	cr_expect_str_eq(json_get_str(violation, "field", ""), "amount");
	json_decref(v);
	cr_expect_null(explained(&s, &later, "page_0", &err));
	cr_expect(strstr(err.text, "no page page_0"), "%s", err.text);
	error_clear(&err);
	later.nstreams = 0;
	cr_expect_null(explained(&s, &later, id, &err));
	cr_expect(strstr(err.text, "stream pay, which is not in the configuration"), "%s", err.text);
	setup_free(&s);
}

Test(explain, a_page_whose_panes_are_gone)
{
	struct setup s;

	setup_over(&s, 5 * MINUTE);
	json_t *v = explain(&s, 0);
	cr_expect(json_is_false(in(v, "kept")));
	cr_expect_null(in(at(in(v, "items"), 0), "partitions"));
	json_decref(v);
	setup_free(&s);
}

// Judged by the clock, it has no window: the page and its rule are all that there is.
Test(explain, silence)
{
	struct setup s;

	setup_init(&s, 5 * MINUTE, 5 * MINUTE);
	add_rule(&s, rule_above("Silent", TIER_IMMEDIATE, "staleness", 600));
	start(&s);
	feed(&s, T0, 5, 60, 0);
	tick(s.j, T0 + 5 * MINUTE);
	tick(s.j, T0 + 30 * MINUTE);
	json_t *v = explain(&s, 0);
	cr_expect_str_eq(json_get_str(in(v, "rule"), "measure", ""), "staleness");
	cr_expect_null(in(v, "window"));
	json_decref(v);
	setup_free(&s);
}

Test(explain, a_dropped_field)
{
	static const char *const dropped[] = {"amount", NULL};
	struct setup s;

	setup_init(&s, 5 * MINUTE, 5 * MINUTE);
	s.streams[0].retention_ms = DAY;
	add_rule(&s, rule_above("Dropped", TIER_IMMEDIATE, "dropped_field", 0));
	start(&s);
	feed(&s, T0, 10, 60, 0);
	for (int i = 0; i < 30; i++)
		fake_dropped(s.f, "pay", T0 + 11 * MINUTE + i, false, dropped, NULL, 0);
	tick(s.j, T0 + 15 * MINUTE);
	json_t *v = explain(&s, 0);
	const json_t *item = at(in(v, "items"), 0);
	cr_expect_str_eq(json_get_str(item, "field", ""), "amount");
	cr_expect_eq(json_integer_value(at(in(in(v, "schemas"), "new"), 0)), 8);
	cr_expect_eq(json_get_num(at(in(item, "partitions"), 0), "value", 0), 30);
	json_decref(v);
	setup_free(&s);
}
