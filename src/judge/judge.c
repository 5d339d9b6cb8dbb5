// SPDX-License-Identifier: Apache-2.0
#include "judge/judge.h"

#include <stdlib.h>
#include <string.h>

#include "judge/state.h"
#include "util/gcd.h"
#include "util/log.h"
#include "util/map.h"
#include "util/xalloc.h"

enum { SHOW_MS = 1000, REOPEN_MS = 60000 };

// --- building -----------------------------------------------------------------------------------------

static struct stream_state *stream_named(struct judge *j, const char *name)
{
	for (size_t i = 0; i < j->conf->nstreams; i++)
		if (!strcmp(j->conf->streams[i].name, name))
			return &j->streams[i];
	return NULL;
}

static struct track *track_of(struct judge *j, struct stream_state *s, struct stream_state *other)
{
	for (size_t i = 0; i < j->ntracks; i++)
		if (j->tracks[i].stream == s && j->tracks[i].other == other)
			return &j->tracks[i];
	GROW(j->tracks, j->ntracks, j->captracks);
	struct track *t = &j->tracks[j->ntracks++];
	*t = (struct track){.stream = s, .other = other, .end = TIME_NONE, .limit = TIME_NONE};
	t->key = other ? xasprintf("%s|%s", s->conf->name, other->conf->name) : xstrdup(s->conf->name);
	return t;
}

static void add_group(struct judge *j, struct stream_state *s, const struct rule *r)
{
	struct group *g = xcalloc(1, sizeof *g);

	if (rule_rank(r)) {
		GROW(s->causes, s->ncauses, s->capcauses);
		s->causes[s->ncauses++] = g;
	}
	g->rule = r;
	g->stream = s;
	map_init(&g->alerts);
	GROW(j->groups, j->ngroups, j->capgroups);
	j->groups[j->ngroups++] = g;
	if (rule_is_clock(r)) {
		GROW(s->clock, s->nclock, s->capclock);
		s->clock[s->nclock++] = g;
		return;
	}
	if (rule_is_eager(r) && r->against.kind == AGAINST_BASELINE) {
		GROW(s->eager, s->neager, s->capeager);
		s->eager[s->neager++] = g;
	}
	struct track *t = track_of(j, s, r->against.kind == AGAINST_STREAM ? stream_named(j, r->against.name) : NULL);
	GROW(t->groups, t->ngroups, t->capgroups);
	t->groups[t->ngroups++] = g;
}

static bool applies(const struct rule *r, const struct judge_stream *c)
{
	if (!rule_matches_stream(r, c->name, c->role) && !(c->of && rule_matches_stream(r, c->of, c->role)))
		return false;
	if (rule_is_version(r))
		return c->contract;
	if (rule_is_wait(r))
		return !c->of; // it is the partition that waits: told once
	// Too little is too little of a type; and what drifts are a type's fields.
	return !(c->by_record && (r->has_below || r->measure->needs_reference));
}

static void add_stream(struct judge *j, struct stream_state *s, const struct judge_stream *c)
{
	int64_t unit = gcd(c->slide_ms, c->window_ms), longest = SCAN_WINDOWS * c->window_ms;
	bool spans = false;

	s->own = *c;
	s->lookback = c->window_ms > c->slide_ms ? c->window_ms : c->slide_ms;
	for (int rank = RULE_RANKS; rank-- > 0;) // what others may follow from is judged first
		for (size_t i = 0; i < j->conf->nrules; i++) {
			const struct rule *r = &j->conf->rules[i];
			if (rule_rank(r) != rank || !applies(r, c))
				continue;
			add_group(j, s, r);
			int64_t back = rule_window(r, c) + rule_earlier(r, c);
			s->lookback = back > s->lookback ? back : s->lookback;
			spans |= r->measure->by_slide && (c->baseline || c->nslices);
			unit = gcd(gcd(unit, rule_window(r, c)), rule_earlier(r, c));
		}
	s->histories = histories_new();
	s->moving = c->previous_ms ? moving_new(j->port, s->conf) : NULL;
	longest = longest < c->retention_ms ? longest : c->retention_ms;
	longest = longest > c->window_ms ? longest : c->window_ms;
	if (spans && longest > s->lookback)
		s->lookback = longest;
	s->unit = unit;
	s->windows = windows_new(j->port, c->name, c->pane_ms, unit, s->lookback, c->baseline);
	if (spans)
		s->spans = spans_new(s->windows, s->conf, longest);
}

struct judge *judge_new(const struct judge_conf *conf, const struct judge_port *port)
{
	struct judge *j = xcalloc(1, sizeof *j);

	j->conf = conf;
	j->port = port;
	j->clock = TIME_NONE;
	pthread_mutex_init(&j->lock, NULL);
	map_init(&j->pages);
	batch_init(&j->batch);
	j->streams = xcalloc(conf->nstreams + 1, sizeof *j->streams);
	for (size_t i = 0; i < conf->nstreams; i++) {
		j->streams[i].own = conf->streams[i];
		j->streams[i].conf = &j->streams[i].own;
		track_of(j, &j->streams[i], NULL);
	}
	for (size_t i = 0; i < conf->nstreams; i++)
		add_stream(j, &j->streams[i], &conf->streams[i]);
	for (int t = TIER_DAILY; t < TIERS; t++) {
		struct error err = ERROR_INIT;
		if (!conf->digests[t].enabled)
			continue;
		j->digests[t].zone = tz_load(conf->digests[t].timezone ? conf->digests[t].timezone : "UTC", &err);
		if (!j->digests[t].zone) {
			log_error("judge", "%s; the %s digest goes by UTC", err.text, tier_names[t]);
			j->digests[t].zone = tz_load("UTC", &err);
		}
	}
	state_drop(j);
	return j;
}

void judge_free(struct judge *j)
{
	if (!j)
		return;
	state_drop(j);
	for (size_t i = 0; i < j->conf->nstreams; i++) {
		struct stream_state *s = &j->streams[i];
		spans_free(s->spans);
		windows_free(s->windows);
		histories_free(s->histories);
		moving_free(s->moving);
		stream_view_release(&s->view);
		free(s->clock);
		free(s->eager);
		free(s->causes);
		json_decref(s->window);
		json_decref(s->fields);
		fields_release(s);
	}
	for (size_t i = 0; i < j->ntracks; i++) {
		free(j->tracks[i].key);
		free(j->tracks[i].groups);
	}
	for (size_t i = 0; i < j->ngroups; i++)
		free(j->groups[i]);
	for (int t = 0; t < TIERS; t++)
		tz_free(j->digests[t].zone);
	free(j->groups);
	free(j->tracks);
	free(j->streams);
	status_free(j->status);
	pthread_mutex_destroy(&j->lock);
	free(j);
}

bool judge_behind(const struct judge *j)
{
	return j->behind;
}

// --- where things stand -------------------------------------------------------------------------------

// A sub-stream knows when its own records came; how far event time has come, and what was lost, its stream knows.
static void take_clock(struct stream_state *s, const struct stream_state *of)
{
	const struct progress own = s->progress;
	const uint64_t mix[] = {own.position, of->progress.position};

	s->progress = of->progress;
	s->progress.newest = own.newest;
	s->progress.untimed = own.untimed;
	s->progress.position = hash_bytes(mix, sizeof mix);
	s->view.too_old = s->view.records_lost = 0;
	s->view.nholes = of->view.nholes;
	s->view.holes = xrealloc(s->view.holes, (of->view.nholes + 1) * sizeof *s->view.holes);
	if (of->view.nholes)
		memcpy(s->view.holes, of->view.holes, of->view.nholes * sizeof *s->view.holes);
}

// Watermarks are read before panes: what is closed by them is complete in what is read next.
static int read_views(struct judge *j, struct wall_time now, struct error *err)
{
	j->clock = j->conf->clock_is_watermark ? TIME_NONE : now.ms;
	for (size_t i = 0; i < j->conf->nstreams; i++) {
		struct stream_state *s = &j->streams[i];
		stream_view_release(&s->view);
		s->view = (struct stream_view){0};
		if (j->port->view(j->port->ctx, s->conf->name, &s->view, err))
			return -1;
		uint64_t was = s->progress.position;
		s->progress = progress_of(&s->view);
		if (s->conf->of)
			take_clock(s, stream_named(j, s->conf->of));
		s->changed = s->progress.position != was;
		if (s->changed)
			windows_begin(s->windows);
		if (j->conf->clock_is_watermark && s->progress.watermark.ms > j->clock)
			j->clock = s->progress.watermark.ms;
	}
	return 0;
}

// The last boundary that the stream's watermark has closed.
static int64_t closed(const struct stream_state *s, const struct stream_state *of)
{
	if (!event_time_set(of->progress.watermark))
		return TIME_NONE;
	return stream_boundary(s, of->progress.watermark.ms - of->conf->lateness_ms);
}

// The stream's first data, as long as no window was judged; later it is what the mark says.
static int find_first(struct stream_state *s, const struct track *own, struct error *err)
{
	if (own->end != TIME_NONE || !event_time_set(s->progress.newest) || (s->first != TIME_NONE && !s->changed))
		return 0;
	if (windows_need(s->windows, INT64_MIN, INT64_MAX, err))
		return -1;
	int64_t first = windows_next(s->windows, INT64_MIN);
	s->first = first == INT64_MAX ? TIME_NONE : first;
	return 0;
}

// A stream is judged from the first record of any of its types on.
static void share_first(struct judge *j, const struct stream_state *type)
{
	struct stream_state *of = stream_named(j, type->conf->of);
	bool begun = j->tracks[of - j->streams].end != TIME_NONE;

	if (!begun && type->first != TIME_NONE && (of->first == TIME_NONE || type->first < of->first))
		of->first = type->first;
}

static int plan_tracks(struct judge *j, struct error *err)
{
	for (size_t i = 0; i < j->conf->nstreams; i++) {
		if (j->streams[i].since == TIME_NONE) {
			j->streams[i].since = j->clock;
			mark_store(j, &j->tracks[i]);
		}
		if (find_first(&j->streams[i], &j->tracks[i], err))
			return -1;
		if (j->streams[i].conf->of)
			share_first(j, &j->streams[i]);
	}
	for (size_t i = 0; i < j->ntracks; i++) {
		struct track *t = &j->tracks[i];
		struct stream_state *s = t->stream;
		t->limit = closed(s, s);
		if (t->other && t->limit != TIME_NONE) {
			int64_t limit = closed(s, t->other);
			t->limit = limit < t->limit ? limit : t->limit;
		}
		if (s->first == TIME_NONE)
			t->limit = TIME_NONE;
		if (t->limit == TIME_NONE)
			continue;
		int64_t from = t->end == TIME_NONE ? stream_boundary(s, s->first) : t->end;
		int64_t to = from + PASS_BOUNDARIES * s->conf->slide_ms;
		if (t->limit <= from)
			continue;
		if (to >= t->limit) // up to the newest record: one list for eager rules, too
			to = s->progress.newest.ms < t->limit ? t->limit : s->progress.newest.ms + s->conf->pane_ms;
		if (windows_need(s->windows, from + s->conf->slide_ms - s->lookback, to, err))
			return -1;
	}
	return 0;
}

// --- the pass -----------------------------------------------------------------------------------------

// Begins them at the first data, or where the clock is a clock, now.
static void begin_digests(struct judge *j)
{
	int64_t at = j->clock;

	for (size_t i = 0; j->conf->clock_is_watermark && i < j->conf->nstreams; i++)
		if (j->streams[i].first != TIME_NONE && j->streams[i].first < at)
			at = j->streams[i].first;
	for (int t = TIER_DAILY; t < TIERS && at != TIME_NONE; t++)
		digest_begin(j, (enum tier)t, at);
}

static void judge_by_clock(struct judge *j, struct stream_state *s)
{
	struct moment m = moment_of(j, s, NULL);
	int64_t last = event_time_set(s->progress.newest) ? s->progress.newest.ms : m.since.ms;

	for (size_t i = 0; i < s->nclock; i++) {
		const struct rule *r = s->clock[i]->rule;
		struct evaluation e = {.judge = j,
				       .group = s->clock[i],
				       .moment = &m,
				       .mode = ALERT_CLOCK,
				       .boundary = rule_is_version(r)						     ? s->version.since
					   : rule_is_wait(r) && s->progress.waiting_since ? s->progress.waiting_since
					   : rule_is_letters(r) && s->progress.letters_stopped ? s->progress.letters.since
											  : last,
				       .at = j->clock,
				       .show = true};
		group_evaluate(&e);
	}
}

static bool is_type_of(const struct stream_state *s, const struct stream_state *of)
{
	return s->conf->of && !strcmp(s->conf->of, of->conf->name);
}

// Does the floor of s wait for the track? One of a type without data waits for nothing.
static bool holds_floor(const struct track *t, const struct stream_state *s)
{
	return t->stream == s || t->other == s || (is_type_of(t->stream, s) && t->stream->first != TIME_NONE);
}

static int set_floor(struct judge *j, struct stream_state *s, int64_t floor, struct error *err)
{
	if (floor <= s->first)
		return 0;
	s->first = floor;
	return j->port->set_floor(j->port->ctx, s->conf->name, floor, err);
}

// Deletes what no window will look at again. Workers go by the stream's floor for all of its types.
static int raise_floor(struct judge *j, struct stream_state *s, struct error *err)
{
	int64_t keep = s->conf->retention_ms, floor = s->progress.watermark.ms;

	for (size_t i = 0; i < j->ntracks; i++) {
		const struct track *t = &j->tracks[i];
		if (!holds_floor(t, s))
			continue;
		keep = t->stream->lookback > keep ? t->stream->lookback : keep;
		if (t->end == TIME_NONE || s->progress.watermark.ms == TIME_NONE)
			return 0;
		floor = t->end < floor ? t->end : floor;
	}
	floor = stream_boundary(s, floor - keep);
	if (s->floor != TIME_NONE && floor <= s->floor)
		return 0;
	if (set_floor(j, s, floor, err))
		return -1;
	for (size_t i = 0; s->conf->by_record && i < j->conf->nstreams; i++)
		if (is_type_of(&j->streams[i], s) && j->streams[i].first != TIME_NONE &&
		    set_floor(j, &j->streams[i], floor, err))
			return -1;
	s->floor = floor;
	return 0;
}

// How far panes may be rolled up to a width: not where a window still begins or ends within, and not those that
// people look at.
static int64_t roll_limit(const struct judge *j, const struct stream_state *s, size_t level)
{
	static const int64_t kept[ROLL_WIDTHS] = {2 * 86400000LL, 8 * 86400000LL};
	const int64_t width = roll_widths[level];
	int64_t limit = INT64_MAX;

	if ((width % s->unit && s->unit % width) || s->moving)
		return INT64_MIN;
	for (size_t i = 0; i < j->ntracks; i++) {
		const struct track *t = &j->tracks[i];
		if (t->stream != s && t->other != s)
			continue;
		if (t->end == TIME_NONE)
			return INT64_MIN;
		const struct judge_stream *c = t->stream->conf;
		roll_up_limit(&(struct roll_use){c->window_ms, 0, c->slide_ms, t->end}, width, &limit);
		roll_up_limit(&(struct roll_use){kept[level], 0, 1, t->end}, width, &limit);
		for (size_t k = 0; k < t->ngroups; k++) {
			const struct rule *r = t->groups[k]->rule;
			bool spans = r->measure->by_slide && t->stream->spans;
			const struct roll_use u = {spans ? t->stream->lookback : rule_window(r, c), rule_earlier(r, c),
						   !spans && r->every_ms ? r->every_ms : c->slide_ms, t->end};
			roll_up_limit(&u, width, &limit);
		}
	}
	for (size_t k = 0; k < s->neager; k++) { // at every pane, up to the newest record
		int64_t newest = s->progress.newest.ms - EAGER_BOUNDARIES * s->conf->pane_ms;
		int64_t end = j->tracks[s - j->streams].end;
		const struct roll_use u = {rule_window(s->eager[k]->rule, s->conf), 0, 1, newest < end ? newest : end};
		roll_up_limit(&u, width, &limit);
	}
	return limit == INT64_MAX ? INT64_MIN : limit;
}

// What comes late for what was rolled up follows once a minute: a writer whose segment was rolled up must claim anew.
static int roll_up_panes(struct judge *j, struct stream_state *s, struct error *err)
{
	int64_t limits[ROLL_WIDTHS];
	bool any = false;

	if (!j->port->roll_up || j->conf->replay || !event_time_set(s->progress.newest))
		return 0;
	if (s->reopened != INT64_MAX && (j->clock >= s->reopened_at || s->reopened_at - j->clock > REOPEN_MS)) {
		rolled_reopen(&s->rolled, s->reopened);
		s->reopened = INT64_MAX;
	}
	for (size_t i = 0; i < ROLL_WIDTHS; i++)
		limits[i] = roll_limit(j, s, i);
	if (roll_up_stream(j->port, s->conf->name, limits, &s->rolled, &any, err))
		return -1;
	if (any)
		windows_begin(s->windows);
	return 0;
}

static int empty_dirty(struct judge *j, struct stream_state *s, struct error *err)
{
	int64_t *starts = NULL;
	size_t n;

	if (j->port->dirty(j->port->ctx, s->conf->name, &starts, &n, err))
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (starts[i] >= s->rolled.at[0] && starts[i] >= s->rolled.at[ROLL_WIDTHS - 1])
			continue;
		s->reopened_at = s->reopened == INT64_MAX ? j->clock + REOPEN_MS : s->reopened_at;
		s->reopened = starts[i] < s->reopened ? starts[i] : s->reopened;
	}
	free(starts);
	return 0;
}

static int pass(struct judge *j, struct wall_time now, struct error *err)
{
	uint64_t generation = j->port->generation(j->port->ctx);
	bool loading = !j->loaded || generation != j->generation, any = false;

	if (loading) {
		state_drop(j);
		j->generation = generation;
		if (state_load(j, err))
			return -1;
	}
	if (read_views(j, now, err))
		return -1;
	if (j->clock != TIME_NONE) {
		if (loading)
			state_end_orphans(j);
		if (plan_tracks(j, err))
			return -1;
		begin_digests(j);
		if (judge_closed(j, &any, err))
			return -1;
		for (size_t i = 0; i < j->conf->nstreams; i++) {
			struct stream_state *s = &j->streams[i];
			if (s->neager && (s->changed || judge_eager_pending(s)) &&
			    judge_eager(j, s, err))
				return -1;
			version_look(j, s);
			judge_by_clock(j, s);
		}
	}
	if (!j->conf->replay && (any || j->batch.nevents || j->shown_at == TIME_NONE || j->clock < j->shown_at ||
				 j->clock - j->shown_at >= SHOW_MS)) {
		status_take(j);
		j->shown_at = j->clock;
	}
	if (batch_commit(&j->batch, j->port, err))
		return -1;
	for (size_t i = 0; any && i < j->conf->nstreams; i++)
		if ((!j->streams[i].conf->of && raise_floor(j, &j->streams[i], err)) || empty_dirty(j, &j->streams[i], err))
			return -1;
	for (size_t i = 0; !j->behind && i < j->conf->nstreams; i++)
		if (roll_up_panes(j, &j->streams[i], err))
			return -1;
	return 0;
}

int judge_tick(struct judge *j, struct wall_time now, struct error *err)
{
	if (!pass(j, now, err))
		return 0;
	state_drop(j);
	return -1;
}
