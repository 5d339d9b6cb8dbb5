// SPDX-License-Identifier: Apache-2.0
// Sub-streams: one a record type, in the event time of their stream and under its rules.
#include <criterion/criterion.h>
#include <string.h>

#include "setup.h"

static const int64_t T0 = SETUP_T0;

// "pay" of several types, of which "pay/A" and "pay/B" are known.
static void init(struct setup *s)
{
	setup_init(s, 5 * MINUTE, MINUTE);
	s->streams[0].by_record = true;
	s->streams[1] = stream_of("pay/A", 5 * MINUTE, MINUTE);
	s->streams[2] = stream_of("pay/B", 5 * MINUTE, MINUTE);
	s->streams[1].of = s->streams[2].of = "pay";
	s->conf.nstreams = 3;
}

// A record of a type: its own newest event, and the stream's.
static void put(struct setup *s, const char *type, int partition, int64_t at, bool bad)
{
	struct partition_view *p = fake_part(s->f, "pay", partition);

	fake_record_at(s->f, type, "", partition, at, bad, NULL, 0);
	p->next++;
	p->max_event = at > p->max_event ? at : p->max_event;
}

static void fill(struct setup *s, const char *type, int64_t from, int minutes, bool bad)
{
	for (int i = 0; i < minutes * 6; i++)
		put(s, type, 0, from + (int64_t)i * 10 * SECOND, bad);
}

static const char *state_of(struct setup *s, const char *stream, const char *alert)
{
	static char out[64];
	json_t *status = judge_status(s->j), *a;
	size_t i;

	snprintf(out, sizeof out, "ok");
	json_array_foreach(json_object_get(status, "alerts"), i, a)
		if (!strcmp(json_get_str(a, "stream", ""), stream) && !strcmp(json_get_str(a, "alert", ""), alert))
			snprintf(out, sizeof out, "%s", json_get_str(a, "state", ""));
	json_decref(status);
	return out;
}

static struct rule below(const char *name, double limit)
{
	struct rule r = rule_above(name, TIER_DAILY, "records", 0);

	r.has_above = false;
	r.has_below = true;
	r.below = limit;
	return r;
}

Test(types, a_rule_for_the_stream_holds_for_each_type)
{
	struct setup s;

	init(&s);
	add_rule(&s, rule_above("Bad", TIER_DAILY, "violation_ratio", 0.5))->stream = (char *)"pay";
	add_rule(&s, rule_above("OnlyB", TIER_DAILY, "violation_ratio", 0.5))->stream = (char *)"*/B";
	start(&s);
	fill(&s, "pay/A", T0, 10, true);
	fill(&s, "pay/B", T0, 10, true);
	tick(s.j, T0 + 10 * MINUTE);
	cr_expect_str_eq(state_of(&s, "pay/A", "Bad"), "firing");
	cr_expect_str_eq(state_of(&s, "pay/B", "Bad"), "firing");
	cr_expect_str_eq(state_of(&s, "pay/A", "OnlyB"), "ok");
	cr_expect_str_eq(state_of(&s, "pay/B", "OnlyB"), "firing");
	cr_expect_str_neq(state_of(&s, "pay", "Bad"), "firing");
	cr_expect_str_eq(status_state(s.j, 0), "healthy", "that its own windows are empty is no news");
	setup_free(&s);
}

// The type came in partition 0 alone; partition 1 has others, and is behind.
Test(types, windows_close_by_the_event_time_of_all_types)
{
	struct setup s;

	init(&s);
	add_rule(&s, below("Few", 1000000))->stream = (char *)"pay/A";
	start(&s);
	fill(&s, "pay/A", T0, 10, false);
	put(&s, "pay/B", 1, T0 + 3 * MINUTE, false);
	tick(s.j, T0 + 10 * MINUTE);
	cr_expect_str_eq(state_of(&s, "pay/A", "Few"), "ok", "partition 1 holds every window back");
	for (int i = 0; i < 40; i++) // A comes no more
		for (int p = 0; p < 2; p++)
			put(&s, "pay/B", p, T0 + 10 * MINUTE + i * MINUTE, false);
	tick(s.j, T0 + 50 * MINUTE);
	cr_expect_str_eq(state_of(&s, "pay/A", "Few"), "firing", "and a type that stops does not");
	setup_free(&s);
}

Test(types, what_waits_is_told_once_and_what_is_lost_concerns_all)
{
	struct setup s;

	init(&s);
	add_rule(&s, rule_above("Wait", TIER_IMMEDIATE, "schema_wait", 1));
	add_rule(&s, below("Few", 1));
	start(&s);
	fill(&s, "pay/A", T0, 10, false);
	fake_hole(s.f, "pay", T0 + 7 * MINUTE, T0 + 8 * MINUTE);
	fake_part(s.f, "pay", 0)->waiting_since = T0 + 9 * MINUTE;
	tick(s.j, T0 + 10 * MINUTE);
	cr_expect_str_eq(state_of(&s, "pay", "Wait"), "firing");
	cr_expect_str_eq(state_of(&s, "pay/A", "Wait"), "ok");
	cr_expect_str_eq(state_of(&s, "pay/A", "Few"), "unknown");
	cr_expect_str_eq(state_of(&s, "pay", "Few"), "ok", "too little is a type's affair");
	cr_expect_str_eq(status_state(s.j, 1), "unknown");
	setup_free(&s);
}

// A judge that is made anew, with one more stream, goes on where the other was: nothing is told again or ended.
Test(types, a_new_type_changes_nothing_for_the_others)
{
	struct setup s;

	init(&s);
	s.conf.nstreams = 2;
	add_rule(&s, rule_above("Bad", TIER_IMMEDIATE, "violation_ratio", 0.5));
	start(&s);
	fill(&s, "pay/A", T0, 10, true);
	tick(s.j, T0 + 10 * MINUTE);
	size_t told = s.f->nmessages;
	cr_assert_gt(told, 0);
	judge_free(s.j);
	s.j = NULL;
	s.conf.nstreams = 3;
	start(&s);
	tick(s.j, T0 + 10 * MINUTE);
	cr_expect_eq(s.f->nmessages, told);
	cr_expect_str_eq(state_of(&s, "pay/A", "Bad"), "firing");
	fill(&s, "pay/B", T0 + 10 * MINUTE, 10, true);
	tick(s.j, T0 + 20 * MINUTE);
	cr_expect_str_eq(state_of(&s, "pay/B", "Bad"), "firing");
	setup_free(&s);
}

// Workers go by the stream's floor: it must not pass what a type is yet to be judged for.
Test(types, the_floor_is_one)
{
	struct setup s;

	init(&s);
	for (int i = 0; i < 3; i++)
		s.streams[i].retention_ms = 10 * MINUTE;
	add_rule(&s, rule_above("Bad", TIER_DAILY, "violation_ratio", 0.5));
	struct rule *slow = add_rule(&s, rule_above("Slow", TIER_DAILY, "violation_ratio", 0.5));
	slow->stream = (char *)"pay/B";
	slow->over_ms = 30 * MINUTE;
	start(&s);
	fill(&s, "pay/A", T0, 60, false);
	put(&s, "pay/B", 0, T0 + 60 * MINUTE, false);
	tick(s.j, T0 + 60 * MINUTE);
	cr_expect_eq(s.f->floor, T0 + 30 * MINUTE);
	setup_free(&s);
}
