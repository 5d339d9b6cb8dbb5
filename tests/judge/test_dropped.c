// SPDX-License-Identifier: Apache-2.0
// A field that a writer has dropped is one page with its cause; what follows from it has none of its own.
#include <criterion/criterion.h>
#include <string.h>

#include "setup.h"

#define T0 SETUP_T0

static const char *const both[] = {"amount", "currency", NULL}, *const amount[] = {"amount", NULL};

static bool name_schema(void *ctx, const char *stream, int64_t id, struct schema_view *out)
{
	(void)ctx;
	(void)stream;
	*out = (struct schema_view){"pay-value", (int32_t)id - 6};
	return id == 8;
}

// The shipped rules, the cause last: the order of the file says nothing.
static void begin(struct setup *s)
{
	setup_init(s, 5 * MINUTE, MINUTE);
	s->f->port.schema = name_schema;
	struct rule *r = add_rule(s, rule_above("SchemaViolations", TIER_IMMEDIATE, "violation_ratio", 0.01));
	r->min_records = 100;
	add_rule(s, rule_above("IncompatibleSchema", TIER_IMMEDIATE, "incompatible_schema", 0));
	r = add_rule(s, rule_above("FieldAllNull", TIER_IMMEDIATE, "missing_ratio", 0.3));
	r->min_records = 10;
	add_rule(s, rule_above("Spread", TIER_DAILY, "stddev", 0.5));
	add_rule(s, rule_above("DroppedField", TIER_IMMEDIATE, "dropped_field", 0));
	start(s);
}

// n records a minute, every other one of the schema that lacks the fields.
static void feed_dropped(struct setup *s, int64_t from, int minutes, int n, const char *const *fields, bool bad)
{
	static const struct fake_value values[] = {{"amount", 1}, {"other", 1}};

	for (int i = 0; i < minutes * n; i++) {
		int64_t at = from + (int64_t)i * MINUTE / n;
		if (i % 2 && fields)
			fake_dropped(s->f, "pay", at, bad, fields, values + 1, 1);
		else
			fake_record(s->f, "pay", "", at, false, values, 2);
	}
}

static const json_t *page(const struct setup *s, size_t message)
{
	return json_object_get(body(s, message), "data");
}

static void expect_page(const struct setup *s, size_t message, const char *alert, const char *status)
{
	cr_expect_str_eq(json_get_str(page(s, message), "alert", ""), alert);
	cr_expect_str_eq(json_get_str(page(s, message), "status", ""), status);
}

static size_t size(const json_t *data, const char *key)
{
	return json_array_size(json_object_get(data, key));
}

Test(dropped, the_first_record_pages_once_with_all_fields_and_their_schema)
{
	struct setup s;

	begin(&s);
	feed_dropped(&s, T0, 10, 20, NULL, false);
	tick(s.j, T0 + 10 * MINUTE);
	fake_dropped(s.f, "pay", T0 + 10 * MINUTE, false, both, NULL, 0);
	tick(s.j, T0 + 10 * MINUTE + SECOND);
	cr_assert_eq(s.f->nmessages, 2, "one page to two receivers, not %zu messages", s.f->nmessages);
	expect_page(&s, 0, "DroppedField", "firing");
	const json_t *data = page(&s, 0), *item = json_array_get(json_object_get(data, "items"), 1);
	cr_expect_eq(size(data, "items"), 2);
	cr_expect_str_eq(json_get_str(item, "field", ""), "currency");
	const json_t *schema = json_array_get(json_object_get(item, "schemas"), 0), *first = json_object_get(schema, "first");
	cr_expect_eq(json_get_int(schema, "id", 0), 8);
	cr_expect_eq(json_get_int(schema, "version", 0), 2);
	cr_expect_eq(json_get_int(first, "offset", 0), 200);
	cr_expect(strstr(json_get_str(data, "summary", ""),
			 "schema id 8 (version 2 of pay-value) lacks amount, currency, first in pay/0 at offset 200 (") &&
			  strstr(json_get_str(data, "summary", ""),
				 "others have schema id 7. The contract says: a: reader field missing default value. Roll"),
		  "%s", json_get_str(data, "summary", ""));
	cr_expect_eq(size(data, "follows"), 1, "the broken contract is listed, in the message already");
	for (int i = 2; i < 6; i++)
		tick(s.j, T0 + 10 * MINUTE + i * SECOND);
	start(&s);
	tick(s.j, T0 + 10 * MINUTE + 7 * SECOND);
	cr_expect_eq(s.f->nmessages, 2, "nor by another leader");
	setup_free(&s);
}

Test(dropped, what_follows_is_listed_and_told_by_no_page_of_its_own)
{
	struct setup s;

	begin(&s);
	feed_dropped(&s, T0, 10, 20, NULL, false);
	feed_dropped(&s, T0 + 10 * MINUTE, 10, 100, amount, false);
	feed_dropped(&s, T0 + 20 * MINUTE, 10, 30, NULL, false);
	for (int m = 1; m <= 30; m++) {
		// As if the records came with the ticks: closed windows too see only what has come.
		fake_part(s.f, "pay", 0)->max_event = T0 + m * MINUTE;
		tick(s.j, T0 + m * MINUTE);
	}
	cr_assert_eq(s.f->nmessages, 4, "%zu", s.f->nmessages);
	expect_page(&s, 0, "DroppedField", "firing");
	expect_page(&s, 2, "DroppedField", "resolved");
	const json_t *follows = json_object_get(page(&s, 2), "follows");
	const char *names[] = {"IncompatibleSchema", "SchemaViolations", "FieldAllNull"};
	for (size_t i = 0; i < 3; i++) {
		bool found = false;
		for (size_t k = 0; k < json_array_size(follows); k++)
			found |= !strcmp(json_get_str(json_array_get(follows, k), "alert", ""), names[i]);
		cr_expect(found, "%s", names[i]);
	}
	cr_expect_eq(fake_docs(s.f, "alert"), 0, "and all of it is over");
	setup_free(&s);
}

Test(dropped, violations_of_values_still_page)
{
	struct setup s;

	begin(&s);
	feed_dropped(&s, T0, 10, 100, amount, false);
	tick(s.j, T0 + 10 * MINUTE);
	cr_assert_eq(s.f->nmessages, 2);
	feed_dropped(&s, T0 + 10 * MINUTE, 2, 100, amount, true);
	tick(s.j, T0 + 12 * MINUTE);
	cr_assert_eq(s.f->nmessages, 4, "%zu", s.f->nmessages);
	expect_page(&s, 2, "SchemaViolations", "firing");
	setup_free(&s);
}

Test(dropped, what_outlives_the_cause_pages_on_its_own)
{
	struct setup s;
	static const struct fake_value values[] = {{"other", 1}};

	begin(&s);
	s.rules[2].over_ms = 5 * MINUTE;
	feed_dropped(&s, T0, 10, 20, NULL, false);
	for (int i = 0; i < 100; i++)
		fake_dropped(s.f, "pay", T0 + 10 * MINUTE + i * SECOND, false, amount, values, 1);
	tick(s.j, T0 + 12 * MINUTE);
	cr_assert_eq(s.f->nmessages, 2);
	// The old schema again, but the field stays empty.
	for (int i = 0; i < 600; i++)
		fake_record(s.f, "pay", "", T0 + 12 * MINUTE + i * SECOND, false, values, 1);
	for (int m = 13; m <= 22; m++)
		tick(s.j, T0 + m * MINUTE);
	size_t n[2] = {0};
	for (size_t i = 0; i < s.f->nmessages; i += 2) {
		n[0] += !strcmp(json_get_str(page(&s, i), "alert", ""), "DroppedField");
		n[1] += !strcmp(json_get_str(page(&s, i), "alert", ""), "FieldAllNull") &&
			!strcmp(json_get_str(page(&s, i), "status", ""), "firing");
	}
	cr_expect_eq(n[0], 2, "fired and resolved");
	cr_expect_eq(n[1], 1);
	setup_free(&s);
}

Test(dropped, without_such_a_rule_everything_pages)
{
	struct setup s;

	begin(&s);
	s.conf.nrules--;
	start(&s);
	feed_dropped(&s, T0, 10, 100, amount, false);
	tick(s.j, T0 + 10 * MINUTE);
	cr_assert_eq(s.f->nmessages, 4);
	expect_page(&s, 0, "FieldAllNull", "firing");
	expect_page(&s, 2, "IncompatibleSchema", "firing");
	cr_expect_eq(size(page(&s, 2), "follows"), 1, "from the broken contract the violations still follow");
	setup_free(&s);
}

Test(dropped, another_field_updates_the_page)
{
	struct setup s;

	begin(&s);
	feed_dropped(&s, T0, 10, 20, NULL, false);
	fake_dropped(s.f, "pay", T0 + 10 * MINUTE, false, amount, NULL, 0);
	tick(s.j, T0 + 10 * MINUTE);
	fake_dropped(s.f, "pay", T0 + 10 * MINUTE + SECOND, false, amount, NULL, 0);
	tick(s.j, T0 + 10 * MINUTE + SECOND);
	cr_assert_eq(s.f->nmessages, 2);
	fake_dropped(s.f, "pay", T0 + 10 * MINUTE + 2 * SECOND, false, both, NULL, 0);
	tick(s.j, T0 + 10 * MINUTE + 2 * SECOND);
	cr_assert_eq(s.f->nmessages, 4);
	cr_expect_str_eq(json_get_str(page(&s, 2), "id", "a"), json_get_str(page(&s, 0), "id", "b"));
	cr_expect(strcmp(s.f->messages[0].id, s.f->messages[2].id) != 0);
	cr_expect(strstr(json_get_str(page(&s, 2), "summary", ""), "lacks amount, currency"), "%s",
		  json_get_str(page(&s, 2), "summary", ""));
	setup_free(&s);
}

// Ticks at any times say the same by the watermark's clock.
Test(dropped, when_it_is_judged_changes_nothing)
{
	char *said[2] = {NULL, NULL};

	for (int k = 0; k < 2; k++) {
		struct setup s;
		begin(&s);
		for (size_t i = 0; i < s.conf.nrules; i++)
			s.rules[i].tier = TIER_DAILY; // which has no eager evaluation: what those say depends on the tick
		start(&s);
		feed_dropped(&s, T0, 10, 20, NULL, false);
		feed_dropped(&s, T0 + 10 * MINUTE, 10, 100, both, false);
		feed_dropped(&s, T0 + 20 * MINUTE, 20, 20, NULL, false);
		s.conf.clock_is_watermark = true;
		start(&s);
		for (int m = k ? 1 : 40; m <= 40; m++) {
			fake_part(s.f, "pay", 0)->max_event = T0 + m * MINUTE;
			tick(s.j, 0);
		}
		said[k] = json_dumps(s.f->events, 0);
		cr_expect_eq(fake_count(s.f, "alert_firing"), 1);
		cr_expect_eq(fake_count(s.f, "item_follows"), 1, "%zu", fake_count(s.f, "item_follows"));
		cr_expect_eq(size(page_of(&s, "alert_resolved", 0), "follows"), 3);
		setup_free(&s);
	}
	cr_expect_str_eq(said[0], said[1]);
	free(said[0]);
	free(said[1]);
}

static struct contract_view registered;

static bool look(void *ctx, const char *stream, struct contract_view *out)
{
	(void)ctx;
	(void)stream;
	*out = registered;
	return true;
}

Test(dropped, a_version_that_is_already_written_with_waits_for_its_records_page_to_end)
{
	struct setup s;

	begin(&s);
	s.streams[0].contract = true;
	s.f->port.contract = look;
	add_rule(&s, rule_above("BreakingVersion", TIER_IMMEDIATE, "breaking_version", 0));
	start(&s);
	registered = (struct contract_view){"pay-value", 1, 7, 0, ""};
	feed_dropped(&s, T0, 10, 20, NULL, false);
	feed_dropped(&s, T0 + 10 * MINUTE, 1, 20, amount, false);
	tick(s.j, T0 + 11 * MINUTE);
	registered = (struct contract_view){"pay-value", 2, 8, 1, "a: reader field missing default value"};
	tick(s.j, T0 + 11 * MINUTE + SECOND);
	cr_assert_eq(s.f->nmessages, 2, "%zu", s.f->nmessages);
	feed_dropped(&s, T0 + 11 * MINUTE, 10, 20, NULL, false);
	for (int m = 12; m <= 21; m++)
		tick(s.j, T0 + m * MINUTE);
	cr_assert_eq(s.f->nmessages, 6, "%zu", s.f->nmessages);
	expect_page(&s, 2, "DroppedField", "resolved");
	expect_page(&s, 4, "BreakingVersion", "firing"); // the producer went back, the registry did not
	// Another version than the one that is written with is another cause.
	registered = (struct contract_view){"pay-value", 3, 9, 0, ""};
	tick(s.j, T0 + 22 * MINUTE);
	feed_dropped(&s, T0 + 21 * MINUTE, 2, 20, amount, false);
	tick(s.j, T0 + 23 * MINUTE);
	registered = (struct contract_view){"pay-value", 4, 10, 1, "b: x"};
	tick(s.j, T0 + 23 * MINUTE + SECOND);
	cr_assert_eq(s.f->nmessages, 12, "%zu", s.f->nmessages);
	expect_page(&s, 10, "BreakingVersion", "firing");
	setup_free(&s);
}
