// SPDX-License-Identifier: Apache-2.0
// A stream takes to a baseline on other grids. What is said of every window must be, to the byte, what a judge says that
// only ever had the old baseline, and from one boundary on what one says that only ever had the new one; restarts,
// failed writes and stores that went back change nothing of it.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "setup.h"
#include "util/xalloc.h"

enum { SLIDE = 5 * MINUTE, BOUNDARIES = 40, PARTS = 2, A_MINUTE = 20, KEEPS = 12 };
static const int64_t T0 = SETUP_T0;
static uint64_t state;

static uint64_t rnd(uint64_t n)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (state >> 33) % n;
}

static double unit(void)
{
	return ((double)rnd(1u << 30) + 0.5) / (1u << 30);
}

// Two baselines with other cuts and categories; each has a number that the other has not.
static struct baseline *make(double scale, const char *own, const char *const *words)
{
	struct baseline_builder *b = baseline_builder_new("pay", true);
	struct error err = ERROR_INIT;

	for (int i = 0; i < 8000; i++) {
		const char *w = words[rnd(3)];
		baseline_builder_row(b, T0 - DAY + i * 10000LL, 1);
		baseline_builder_number(b, "a", FIELD_NUMERIC, scale * unit() * unit());
		baseline_builder_number(b, own, FIELD_NUMERIC, 5 + unit());
		baseline_builder_text(b, "k", FIELD_CATEGORICAL, w, strlen(w));
	}
	struct baseline *out = baseline_builder_finish(b, json_object(), &err);
	struct buf text = BUF_INIT;
	cr_assert(out, "%s", err.text);
	baseline_print(out, out->hash, &text);
	buf_release(&text);
	return out;
}

static struct baseline *old_one, *new_one;
static bool lost; // the old one is to be had nowhere

static void make_both(void)
{
	static const char *const words[] = {"x", "y", "z"}, *const others[] = {"y", "z", "new"};

	state = 11;
	old_one = make(100, "b", words);
	new_one = make(90, "c", others);
	lost = false;
}

static void free_both(void)
{
	baseline_free(old_one);
	baseline_free(new_one);
}

TestSuite(in_force, .init = make_both, .fini = free_both, .timeout = 120);

static int find(void *ctx, const char *stream, const char *hash, const char *file, struct baseline **out, struct error *err)
{
	struct buf text = BUF_INIT;
	char own[65];

	(void)ctx;
	(void)err;
	cr_expect(!strcmp(stream, "pay") && !strcmp(hash, old_one->hash) && !strcmp(file, "/old.json"), "%s %s", stream, file);
	*out = NULL;
	if (lost)
		return 0;
	baseline_print(old_one, own, &text);
	*out = baseline_parse(text.data, text.len, err);
	buf_release(&text);
	return 0;
}

static const struct field_def *def_in(const struct baseline *b, const char *path)
{
	const struct baseline_field *f = b ? baseline_find(b, path) : NULL;

	return f ? &f->def : NULL;
}

// As collect does, on the baseline and, not NULL, the one that is still in force.
static struct field_stats *field(struct pane *p, const char *path, enum field_type type, const struct baseline *b,
				 const struct baseline *also)
{
	const struct field_def plain = {.path = (char *)(uintptr_t)path, .type = type}, *d = def_in(b, path), *o = def_in(also, path);
	struct field_stats *f = pane_find(p, path, type);

	if (f)
		return f;
	f = pane_field(p, p->nfields, d ? d : &plain);
	if (also)
		field_count_also(f, o ? o : &plain);
	return f;
}

static void count(struct fake *f, int part, int64_t event, const struct baseline *b, const struct baseline *also)
{
	static const char *const words[] = {"x", "y", "z", "new", "odd"};
	struct partition_view *v = fake_part(f, "pay", part);
	// What counted on other grids before is another claim's segment: a slice of its own stands for it here.
	const char *slice = also ? "v=2" : b == old_one ? "v=1" : "v=3";
	struct pane *p = fake_pane(f, "pay", time_floor(event, MINUTE), slice, part);
	const char *w = words[rnd(ARRAY_LEN(words))];

	pane_count_record(p, event, v->next++, 7, true, false, false);
	field_add_number(field(p, "a", FIELD_NUMERIC, b, also), 95 * unit() * unit());
	field_add_number(field(p, "b", FIELD_NUMERIC, b, also), 5 + unit());
	field_add_number(field(p, "c", FIELD_NUMERIC, b, also), 5 + unit());
	field_add_category(field(p, "k", FIELD_CATEGORICAL, b, also), w, strlen(w));
	v->max_event = event > v->max_event ? event : v->max_event;
}

struct plan {
	int swap;         // the boundary after which the new one is configured; 0: from the start, BOUNDARIES: never
	int lags;         // so many slides longer a worker of the second partition has the old configuration
	int quiet;        // the boundary after which nothing comes for an hour; 0: none
	uint64_t trouble; // of so many boundaries one meets a restart, a write that fails, or a store that went back; 0: none
};

static char *said[BOUNDARIES + 1], *hashes[BOUNDARIES + 1]; // of the last run, by boundary
static int taken;                                              // the boundary of baseline_taken; 0: none

// What the status shows of the total's readings: slices stand for segments here.
static void note(struct setup *s, int k)
{
	json_t *status = judge_status(s->j), *stream = json_array_get(json_object_get(status, "streams"), 0), *f, *r;
	json_t *out = json_array();
	size_t i, n;

	json_array_foreach(json_object_get(stream, "fields"), i, f)
		json_array_foreach(json_object_get(f, "readings"), n, r)
			if (!json_is_string(json_object_get(r, "slice")))
				json_array_append(out, r);
	cr_assert_gt(json_array_size(out), 0);
	free(said[k]);
	free(hashes[k]);
	said[k] = json_text(out);
	hashes[k] = xstrdup(json_get_str(stream, "baseline", ""));
	json_decref(out);
	json_decref(status);
}

static void count_old(void *arg, const char *stream, const char *slice, const struct baseline *b)
{
	cr_expect_str_eq(stream, "pay");
	cr_expect_str_eq(slice, "");
	cr_expect_str_eq(b->hash, old_one->hash);
	++*(int *)arg;
}

static void run(const struct plan *p)
{
	struct setup s;
	json_t *saved = NULL;
	struct rule earlier = rule_above("Earlier", TIER_DAILY, "ks", 2);
	uint64_t trouble = p->trouble ? 77 + p->trouble : 0;

	setup_init(&s, 20 * MINUTE, SLIDE);
	s.f->port.baseline = find;
	s.streams[0].retention_ms = DAY;
	earlier.against.kind = AGAINST_PREVIOUS;
	earlier.against.previous_ms = 15 * MINUTE;
	add_rule(&s, rule_above("Shape", TIER_DAILY, "ks", 2));
	add_rule(&s, rule_above("Unseen", TIER_DAILY, "unseen_ratio", 2));
	add_rule(&s, rule_above("Mean", TIER_DAILY, "mean_shift", 1e6));
	add_rule(&s, rule_above("Drift", TIER_WEEKLY, "drift", 1e6));
	add_rule(&s, earlier);
	state = 5;
	taken = 0;
	for (int k = 0; k <= BOUNDARIES; k++) {
		bool swapped = k >= p->swap, done = taken || !p->swap;
		int64_t from = T0 + k * (int64_t)SLIDE + (p->quiet && k >= p->quiet ? HOUR : 0);
		if (!k || k == p->swap) {
			s.streams[0].baseline = swapped ? new_one : old_one;
			s.streams[0].baseline_file = swapped ? "/new.json" : "/old.json";
			start(&s);
		}
		for (int i = 0; i < SLIDE / MINUTE * A_MINUTE; i++) {
			int part = i % PARTS;
			bool knows = swapped && (part == 0 || k >= p->swap + p->lags);
			count(s.f, part, from + i * (int64_t)(MINUTE / A_MINUTE), knows ? new_one : old_one,
			      knows && !done ? old_one : NULL);
		}
		for (int part = 0; part < PARTS; part++) // the watermark: the boundary is closed
			fake_part(s.f, "pay", part)->max_event = from + SLIDE;
		if (trouble) {
			uint64_t kind = (trouble = trouble * 6364136223846793005ULL + 1442695040888963407ULL) >> 40;
			if (kind % p->trouble == 0)
				start(&s);
			s.f->fail_commits = kind % p->trouble == 1;
			if (s.f->fail_commits) {
				struct error err = ERROR_INIT;
				cr_expect_eq(judge_tick(s.j, (struct wall_time){from + SLIDE}, &err), -1);
			}
			if (kind % p->trouble == 2 && saved)
				fake_roll_back(s.f, saved);
			else
				json_decref(saved);
			saved = NULL;
		}
		do
			tick(s.j, from + SLIDE);
		while (judge_behind(s.j));
		if (k >= KEEPS) { // all windows are whole
			int before = 0;
			note(&s, k);
			judge_before(s.j, count_old, &before);
			cr_expect_eq(before, swapped && !strcmp(hashes[k], old_one->hash), "boundary %d", k);
		}
		if (fake_count(s.f, "baseline_taken") && !taken)
			taken = k;
		if (trouble && !taken)
			saved = fake_save(s.f);
	}
	json_decref(saved);
	setup_free(&s);
}

static void keep(char *out[BOUNDARIES + 1])
{
	memcpy(out, said, sizeof said);
	memset(said, 0, sizeof said);
}

static void drop(char *lines[BOUNDARIES + 1])
{
	for (int k = 0; k <= BOUNDARIES; k++) {
		free(lines[k]);
		lines[k] = NULL;
	}
}

// That of the window, its slides, and the earlier one: 35 minutes.
enum { LOOKBACK = 7 };

static void expect_like(char *before[BOUNDARIES + 1], char *after[BOUNDARIES + 1], int at, const char *what)
{
	cr_expect_eq(taken, at, "%s: taken at %d, not %d", what, taken, at);
	for (int k = KEEPS; k <= BOUNDARIES; k++) {
		cr_expect_str_eq(said[k], k < at ? before[k] : after[k], "%s: boundary %d", what, k);
		cr_expect_str_eq(hashes[k], k < at ? old_one->hash : new_one->hash, "%s: boundary %d", what, k);
	}
}

Test(in_force, is_the_old_one_until_all_was_counted_on_the_new_grids)
{
	static char *olds[BOUNDARIES + 1], *news[BOUNDARIES + 1], *quiet[BOUNDARIES + 1], *quiet_new[BOUNDARIES + 1];

	run(&(struct plan){.swap = BOUNDARIES + 1});
	keep(olds);
	cr_expect(strstr(olds[20], "\"reading\":\"known\"") && !strstr(olds[20], "recalibrating") && !strstr(olds[20], "mixed_grids"), "%s", olds[20]);
	run(&(struct plan){.swap = 0});
	keep(news);
	cr_expect_str_neq(olds[20], news[20]);
	run(&(struct plan){.swap = 15});
	expect_like(olds, news, 15 + LOOKBACK - 1, "a swap");
	for (uint64_t n = 3; n < 9; n++) {
		char what[32];
		snprintf(what, sizeof what, "trouble of %d", (int)n);
		run(&(struct plan){.swap = 15, .trouble = n});
		expect_like(olds, news, 15 + LOOKBACK - 1, what);
	}
	run(&(struct plan){.swap = 15, .lags = 4, .trouble = 5});
	expect_like(olds, news, 19 + LOOKBACK - 1, "a worker that lags");
	run(&(struct plan){.swap = BOUNDARIES + 1, .quiet = 18});
	keep(quiet);
	run(&(struct plan){.swap = 0, .quiet = 18});
	keep(quiet_new);
	for (uint64_t n = 0; n < 6; n += 3) {
		run(&(struct plan){.swap = 15, .quiet = 18, .trouble = n});
		expect_like(quiet, quiet_new, 18, "quiet for longer than windows are");
	}
	drop(olds);
	drop(news);
	drop(quiet);
	drop(quiet_new);
	drop(said);
	drop(hashes);
}
