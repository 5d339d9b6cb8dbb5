// SPDX-License-Identifier: Apache-2.0
#include "setup.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static const char *const receivers[] = {"oncall", "team"};

void setup_init(struct setup *s, int64_t window, int64_t slide)
{
	memset(s, 0, sizeof *s);
	s->f = fake_new(MINUTE);
	s->streams[0] = stream_of("pay", window, slide);
	s->conf = (struct judge_conf){.streams = s->streams,
				      .nstreams = 1,
				      .rules = s->rules,
				      .config_path = "kdrift.yaml"};
	for (int t = 0; t < TIERS; t++) {
		s->conf.routes[t] = receivers;
		s->conf.nroutes[t] = 2;
	}
}

void start(struct setup *s)
{
	judge_free(s->j);
	s->j = judge_new(&s->conf, &s->f->port);
}

void setup_free(struct setup *s)
{
	judge_free(s->j);
	fake_free(s->f);
}

struct rule *add_rule(struct setup *s, struct rule r)
{
	s->rules[s->conf.nrules] = r;
	return &s->rules[s->conf.nrules++];
}

void feed(struct setup *s, int64_t from, int minutes, int n, int bad_every)
{
	for (int m = 0; m < minutes; m++)
		for (int i = 0; i < n; i++)
			fake_record(s->f, "pay", "", from + (int64_t)m * MINUTE + i * (MINUTE / n), bad_every && i % bad_every == 0,
				    NULL, 0);
}

void feed_values(struct setup *s, const char *stream, const char *slice, int64_t from, int minutes,
		 double mean)
{
	for (int m = 0; m < minutes; m++)
		for (int i = 0; i < 60; i++)
			fake_record(s->f, stream, slice, from + (int64_t)m * MINUTE + i * SECOND, false,
				    &(struct fake_value){"a", mean + i % 7 - 3}, 1);
}

void pass_to(struct setup *s, int64_t event)
{
	fake_newest(s->f, "pay", event);
	tick(s->j, event);
}

double uniform(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return ((double)((z ^ (z >> 31)) >> 11) + 0.5) * 0x1p-53;
}

double normal(uint64_t *state)
{
	double u = uniform(state), v = uniform(state);

	return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

const json_t *page_of(const struct setup *s, const char *type, size_t nth)
{
	return json_object_get(fake_event(s->f, type, nth), "page");
}

const json_t *body(const struct setup *s, size_t i)
{
	cr_assert_lt(i, s->f->nmessages);
	return s->f->messages[i].body;
}
