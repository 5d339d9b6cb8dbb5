// SPDX-License-Identifier: Apache-2.0
// A version that breaks the contract pages before any record: the registry is played.
#include <criterion/criterion.h>
#include <string.h>

#include "setup.h"

#define T0 SETUP_T0

static struct contract_view registered;
static bool answers;
static int asked;

static bool look(void *ctx, const char *stream, struct contract_view *out)
{
	cr_assert_eq(ctx, &asked);
	cr_assert_str_eq(stream, "pay");
	asked++;
	*out = registered;
	return answers;
}

static void is_registered(int32_t version, uint64_t breaches, const char *why)
{
	registered = (struct contract_view){"pay-value", version, version * 10, breaches, why};
	answers = true;
}

static void begin(struct setup *s, bool contract)
{
	setup_init(s, 5 * MINUTE, MINUTE);
	s->streams[0].contract = contract;
	s->f->port.contract = look;
	s->f->port.contracts = &asked;
	add_rule(s, rule_above("BreakingVersion", TIER_IMMEDIATE, "breaking_version", 0));
	answers = false;
	asked = 0;
	start(s);
}

Test(version, a_breaking_one_pages_without_a_record_and_once)
{
	struct setup s;

	begin(&s, true);
	is_registered(1, 0, "");
	tick(s.j, T0);
	cr_expect_eq(s.f->nmessages, 0);
	cr_expect_eq(fake_count(s.f, "schema_version"), 1, "the first that is seen is an event");
	is_registered(2, 3, "a: type mismatch (reader int, writer string); and 2 more");
	tick(s.j, T0 + SECOND);
	cr_assert_eq(s.f->nmessages, 2);
	const json_t *data = json_object_get(body(&s, 0), "data");
	cr_expect_str_eq(json_get_str(data, "alert", ""), "BreakingVersion");
	cr_expect(strstr(json_get_str(data, "summary", ""),
			 "version 2 (schema id 20) of pay-value breaks the contract in 3 places: a: type mismatch (reader int, "
			 "writer string); and 2 more"),
		  "%s", json_get_str(data, "summary", ""));
	cr_expect_eq(json_get_num(json_array_get(json_object_get(data, "items"), 0), "value", 0), 3);
	const json_t *evidence = json_object_get(data, "evidence"), *ids = json_object_get(evidence, "schema_ids");
	cr_expect_eq(json_array_size(ids), 1);
	cr_expect_eq(json_integer_value(json_array_get(ids, 0)), 20);
	cr_expect_eq(json_array_size(json_object_get(evidence, "partitions")), 0);
	cr_expect_str_eq(json_string_value(json_array_get(json_object_get(data, "commands"), 1)),
			 "kdrift schema check --config kdrift.yaml");
	const json_t *event = fake_event(s.f, "schema_version", 1);
	cr_expect_str_eq(json_get_str(event, "subject", ""), "pay-value");
	cr_expect_eq(json_get_int(event, "version", 0), 2);
	cr_expect_eq(json_get_int(event, "breaches", 0), 3);

	for (int i = 2; i < 10; i++)
		tick(s.j, T0 + i * SECOND);
	start(&s); // as another leader after the first has died
	tick(s.j, T0 + 20 * SECOND);
	cr_expect_eq(s.f->nmessages, 2);
	cr_expect_eq(fake_count(s.f, "schema_version"), 2);
	setup_free(&s);
}

Test(version, it_resolves_by_the_next_and_the_next_incident_is_another)
{
	struct setup s;

	begin(&s, true);
	is_registered(2, 1, "a: x");
	tick(s.j, T0);
	is_registered(3, 0, "");
	tick(s.j, T0 + SECOND);
	cr_assert_eq(s.f->nmessages, 4);
	cr_expect_str_eq(json_get_str(json_object_get(body(&s, 2), "data"), "status", ""), "resolved");
	is_registered(4, 1, "a: x");
	tick(s.j, T0 + 2 * SECOND);
	cr_assert_eq(s.f->nmessages, 6);
	cr_expect(strcmp(json_get_str(page_of(&s, "alert_firing", 0), "id", "a"),
			 json_get_str(page_of(&s, "alert_firing", 1), "id", "a")) != 0);
	setup_free(&s);
}

Test(version, silence_neither_fires_nor_resolves_and_shows)
{
	struct setup s;

	begin(&s, true);
	feed(&s, T0 - 20 * MINUTE, 20, 10, 0);
	fake_idle(s.f, "pay", true);
	tick(s.j, T0);
	cr_expect_eq(s.f->nmessages, 0);
	cr_expect_str_eq(status_state(s.j, 0), "unknown", "a registry that has not answered is not health");
	is_registered(1, 0, "");
	tick(s.j, T0 + 2 * SECOND);
	cr_expect_str_eq(status_state(s.j, 0), "healthy");
	is_registered(2, 1, "a: x");
	tick(s.j, T0 + 3 * SECOND);
	cr_expect_eq(s.f->nmessages, 2);
	answers = false;
	tick(s.j, T0 + 4 * SECOND);
	start(&s);
	tick(s.j, T0 + 5 * SECOND);
	cr_expect_eq(s.f->nmessages, 2);
	cr_expect_str_eq(status_state(s.j, 0), "alerting");
	setup_free(&s);
}

Test(version, what_was_not_committed_is_told_again)
{
	struct setup s;
	struct error err = ERROR_INIT;

	begin(&s, true);
	is_registered(2, 1, "a: x");
	s.f->fail_commits = 1;
	cr_expect_eq(judge_tick(s.j, (struct wall_time){T0}, &err), -1);
	cr_expect_eq(fake_count(s.f, "schema_version"), 0);
	tick(s.j, T0 + SECOND);
	tick(s.j, T0 + 2 * SECOND);
	cr_expect_eq(fake_count(s.f, "schema_version"), 1);
	cr_expect_eq(s.f->nmessages, 2);
	setup_free(&s);
}

Test(version, the_page_is_not_held_back_by_lag)
{
	struct setup s;

	begin(&s, true);
	feed(&s, T0 - 20 * MINUTE, 5, 10, 0);
	fake_part(s.f, "pay", 0)->end = fake_part(s.f, "pay", 0)->next + 1000;
	is_registered(2, 1, "a: x");
	tick(s.j, T0);
	cr_expect_eq(s.f->nmessages, 2);
	setup_free(&s);
}

Test(version, a_stream_without_a_contract_asks_nobody)
{
	struct setup s;

	begin(&s, false);
	is_registered(2, 1, "a: x");
	tick(s.j, T0);
	cr_expect_eq(asked, 0);
	cr_expect_eq(s.f->nmessages, 0);
	cr_expect_eq(fake_docs(s.f, "version"), 0);
	setup_free(&s);
}

Test(version, a_contract_that_is_given_up_is_forgotten_and_its_page_ends)
{
	struct setup s;

	begin(&s, true);
	is_registered(2, 1, "a: x");
	tick(s.j, T0);
	s.streams[0].contract = false;
	start(&s);
	tick(s.j, T0 + SECOND);
	cr_expect_eq(s.f->nmessages, 4);
	cr_expect_eq(fake_docs(s.f, "version"), 0);
	setup_free(&s);
}
