// SPDX-License-Identifier: Apache-2.0
// The pass. What happens is ordered by the time at which it can be known: a boundary at its end plus the
// lateness, a digest at its instant. Where the clock is the watermark that order is kept between streams and
// digests too, so that when a pass happens to run changes nothing of what is said.
#include "judge/judge.h"

#include <stdlib.h>
#include <string.h>

#include "judge/state.h"
#include "util/log.h"
#include "util/xalloc.h"

enum { PASS_BOUNDARIES = 512, SHOW_MS = 1000 };

// --- building -----------------------------------------------------------------------------------------

static int64_t gcd(int64_t a, int64_t b)
{
	while (b) {
		int64_t r = a % b;
		a = b;
		b = r;
	}
	return a;
}

static int64_t rule_window(const struct rule *r, const struct judge_stream *s)
{
	return r->over_ms ? r->over_ms : s->window_ms;
}

static int64_t rule_earlier(const struct rule *r, const struct judge_stream *s)
{
	return r->against.kind == AGAINST_PREVIOUS ? time_floor(r->against.previous_ms, s->pane_ms) : 0;
}

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

static void add_stream(struct judge *j, struct stream_state *s, const struct judge_stream *c)
{
	int64_t unit = gcd(c->slide_ms, c->window_ms);

	s->conf = c;
	s->lookback = c->window_ms > c->slide_ms ? c->window_ms : c->slide_ms;
	for (size_t i = 0; i < j->conf->nrules; i++) {
		const struct rule *r = &j->conf->rules[i];
		if (!rule_matches_stream(r, c->name, c->role))
			continue;
		add_group(j, s, r);
		int64_t back = rule_window(r, c) + rule_earlier(r, c);
		s->lookback = back > s->lookback ? back : s->lookback;
		unit = gcd(gcd(unit, rule_window(r, c)), rule_earlier(r, c));
	}
	s->windows = windows_new(j->port, c->name, c->pane_ms, unit, s->lookback, c->baseline);
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
		j->streams[i].conf = &conf->streams[i];
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
		windows_free(s->windows);
		stream_view_release(&s->view);
		free(s->clock);
		free(s->eager);
		json_decref(s->window);
		json_decref(s->fields);
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
	json_decref(j->status);
	pthread_mutex_destroy(&j->lock);
	free(j);
}

json_t *judge_status(struct judge *j)
{
	pthread_mutex_lock(&j->lock);
	json_t *copy = j->status ? json_deep_copy(j->status) : json_object();
	pthread_mutex_unlock(&j->lock);
	return copy;
}

bool judge_behind(const struct judge *j)
{
	return j->behind;
}

// --- where things stand -------------------------------------------------------------------------------

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
		s->changed = s->progress.position != was;
		if (s->changed)
			windows_begin(s->windows);
		if (j->conf->clock_is_watermark && s->progress.watermark.ms > j->clock)
			j->clock = s->progress.watermark.ms;
	}
	return 0;
}

static int64_t boundary(const struct stream_state *s, int64_t ms)
{
	return time_floor(ms, s->conf->slide_ms);
}

// The last boundary that the stream's watermark has closed.
static int64_t closed(const struct stream_state *s, const struct stream_state *of)
{
	if (!event_time_set(of->progress.watermark))
		return TIME_NONE;
	return boundary(s, of->progress.watermark.ms - of->conf->lateness_ms);
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

static int plan_tracks(struct judge *j, struct error *err)
{
	for (size_t i = 0; i < j->conf->nstreams; i++) {
		if (j->streams[i].since == TIME_NONE) {
			j->streams[i].since = j->clock;
			mark_store(j, &j->tracks[i]);
		}
		if (find_first(&j->streams[i], &j->tracks[i], err))
			return -1;
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
		int64_t from = t->end == TIME_NONE ? boundary(s, s->first) : t->end;
		int64_t to = from + PASS_BOUNDARIES * s->conf->slide_ms;
		if (t->limit <= from)
			continue;
		if (to >= t->limit) // up to the newest record: one list for eager rules, too
			to = s->progress.newest.ms + s->conf->pane_ms;
		if (windows_need(s->windows, from + s->conf->slide_ms - s->lookback, to, err))
			return -1;
	}
	return 0;
}

// --- closed windows -----------------------------------------------------------------------------------

static int64_t close_time(const struct track *t, int64_t end)
{
	int64_t late = t->stream->conf->lateness_ms;

	if (t->other && t->other->conf->lateness_ms > late)
		late = t->other->conf->lateness_ms;
	return end + late;
}

// The next boundary to judge, TIME_NONE if none is closed. Where nothing can change before the next record,
// the boundaries between are passed over.
static int next_boundary(struct track *t, int64_t *out, struct error *err)
{
	struct stream_state *s = t->stream;
	int64_t slide = s->conf->slide_ms;

	*out = TIME_NONE;
	if (t->limit == TIME_NONE)
		return 0;
	if (t->end == TIME_NONE)
		t->end = boundary(s, s->first);
	if (t->end >= t->limit)
		return 0;
	*out = t->end + slide;
	if (!t->quiet)
		return 0;
	int64_t near = t->end + PASS_BOUNDARIES * slide < t->limit ? t->end + PASS_BOUNDARIES * slide : t->limit;
	if (windows_need(s->windows, t->end, near, err))
		return -1;
	int64_t next = windows_next(s->windows, t->end);
	if (next >= near && near < t->limit) {
		if (windows_need(s->windows, t->end, t->limit, err))
			return -1;
		next = windows_next(s->windows, t->end);
	}
	*out = next < t->limit ? boundary(s, next) + slide : t->limit;
	return 0;
}

struct window_cache { // of one boundary: rules of equal length share a window
	struct shared {
		const struct windows *windows;
		struct merged m;
	} **items;
	size_t n, cap;
};

static int cached_window(struct window_cache *c, struct stream_state *s, int64_t from, int64_t to,
			 const struct merged **out, struct error *err)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct shared *w = c->items[i];
		if (w->windows == s->windows && w->m.from == from && w->m.to == to) {
			*out = &w->m;
			return 0;
		}
	}
	struct shared *w = xcalloc(1, sizeof *w);
	w->windows = s->windows;
	GROW(c->items, c->n, c->cap);
	c->items[c->n++] = w;
	if (windows_merge(s->windows, from, to, &w->m, err))
		return -1;
	merged_limit(&w->m, s->conf->max_slices);
	*out = &w->m;
	return 0;
}

static void cache_release(struct window_cache *c)
{
	for (size_t i = 0; i < c->n; i++) {
		merged_release(&c->items[i]->m);
		free(c->items[i]);
	}
	free(c->items);
}

static struct moment moment_of(const struct judge *j, const struct stream_state *s, const struct merged *w)
{
	struct wall_time since = {s->since};

	if (!j->conf->clock_is_watermark && s->view.first_seen != INT64_MIN)
		since.ms = s->view.first_seen;
	return (struct moment){s->conf, w, NULL, &s->progress, since, {j->clock}};
}

static int judge_group(struct judge *j, struct track *t, struct group *g, int64_t end, int64_t at, bool last,
		       struct window_cache *cache, struct error *err)
{
	struct stream_state *s = t->stream;
	const struct merged *w, *other = NULL;
	int64_t from = end - rule_window(g->rule, s->conf), earlier = rule_earlier(g->rule, s->conf);

	if (from < s->first) {
		t->cut = true;
		return 0;
	}
	if (earlier && from - earlier >= s->first &&
	    cached_window(cache, s, from - earlier, end - earlier, &other, err))
		return -1;
	if (t->other && t->other->first != TIME_NONE && from >= t->other->first &&
	    cached_window(cache, t->other, from, end, &other, err))
		return -1;
	if (cached_window(cache, s, from, end, &w, err))
		return -1;
	struct moment m = moment_of(j, s, w);
	m.other = other;
	struct evaluation e = {
		.judge = j, .group = g, .moment = &m, .mode = ALERT_WINDOW, .boundary = end, .at = at, .show = last};
	group_evaluate(&e);
	return 0;
}

static void count_totals(struct totals *t, const struct pane *p)
{
	t->records += p->records;
	for (size_t i = 0; i < p->nviolations; i++)
		t->violations[p->violations[i].kind] += p->violations[i].n;
}

static void show_window(struct stream_state *s, const struct merged *w)
{
	const struct pane *p = w->total.pane;
	struct totals t = {0};
	struct field_list fields;

	count_totals(&t, p);
	json_decref(s->window);
	s->window = totals_json(&t, NULL);
	json_object_set_new(s->window, "from", json_time(w->from));
	json_object_set_new(s->window, "to", json_time(w->to));
	json_object_set_new(s->window, "tombstones", json_integer((json_int_t)p->tombstones));
	json_object_set_new(s->window, "late", json_integer((json_int_t)p->late));
	json_object_set_new(s->window, "violating_records", json_integer((json_int_t)p->violating_records));
	json_object_set_new(s->window, "overflowed", json_integer((json_int_t)p->overflowed));
	json_decref(s->fields);
	s->fields = json_array();
	field_list_fill(&fields, s->conf, w);
	for (size_t i = 0; i < fields.n; i++)
		json_array_append_new(s->fields, json_pack("{s:o, s:s}", "path", json_str(fields.items[i].path), "type",
							   field_type_name(fields.items[i].type)));
	field_list_release(&fields);
}

static int judge_boundary(struct judge *j, struct track *t, int64_t end, struct error *err)
{
	struct stream_state *s = t->stream;
	struct window_cache cache = {NULL, 0, 0};
	bool last = end + s->conf->slide_ms > t->limit, pending = false;
	int64_t at = j->conf->clock_is_watermark ? close_time(t, end) : j->clock;
	const struct merged *w;
	int rc = -1;

	t->cut = false;
	if (windows_need(s->windows, end - s->lookback, end, err))
		goto out;
	for (size_t i = 0; i < t->ngroups; i++) {
		if (judge_group(j, t, t->groups[i], end, at, last, &cache, err))
			goto out;
		for (struct map_entry *e = NULL; (e = map_next(&t->groups[i]->alerts, e));)
			pending |= alert_pending(&((struct alert *)e->value)->state);
	}
	if (!t->other) {
		if (cached_window(&cache, s, end - s->conf->slide_ms, end, &w, err))
			goto out;
		count_totals(&t->totals, w->total.pane);
		if (last) {
			if (cached_window(&cache, s, end - s->conf->window_ms, end, &w, err))
				goto out;
			show_window(s, w);
		}
	}
	windows_evict(s->windows, end + s->conf->slide_ms - s->lookback);
	t->quiet = !pending && !t->cut && !t->other && windows_next(s->windows, end - s->lookback) >= end;
	t->end = end;
	rc = 0;
out:
	cache_release(&cache);
	return rc;
}

// --- the order of things ------------------------------------------------------------------------------

// Digests by the watermark: not before every stream that still has something to read has come as far.
static int64_t digest_limit(const struct judge *j)
{
	int64_t limit = j->clock;

	for (size_t i = 0; j->conf->clock_is_watermark && i < j->conf->nstreams; i++) {
		const struct progress *p = &j->streams[i].progress;
		if (j->streams[i].view.nparts && !p->at_end && p->watermark.ms < limit)
			limit = p->watermark.ms;
	}
	return limit;
}

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

static int judge_closed(struct judge *j, bool *any, struct error *err)
{
	int64_t limit = digest_limit(j);

	j->behind = false;
	for (int done = 0;; done++) {
		struct track *track = NULL;
		int64_t when = INT64_MAX, end = TIME_NONE;
		int tier = TIERS;
		for (size_t i = 0; i < j->ntracks; i++) {
			int64_t e;
			if (next_boundary(&j->tracks[i], &e, err))
				return -1;
			if (e != TIME_NONE && close_time(&j->tracks[i], e) < when) {
				track = &j->tracks[i];
				when = close_time(track, end = e);
			}
		}
		// By the wall clock a digest holds all that is closed by now.
		for (int t = TIER_DAILY; t < TIERS && (j->conf->clock_is_watermark || !track); t++) {
			int64_t due = digest_due(j, (enum tier)t);
			if (due != TIME_NONE && due < when) {
				when = due;
				tier = t;
			}
		}
		if (tier < TIERS ? when > limit : !track)
			return 0;
		if (done == PASS_BOUNDARIES) {
			j->behind = true;
			return 0;
		}
		*any = true;
		if (tier < TIERS)
			digest_tell(j, (enum tier)tier, when, j->conf->clock_is_watermark ? when : j->clock);
		else if (judge_boundary(j, track, end, err))
			return -1;
		else
			mark_store(j, track);
	}
}

static bool eager_pending(const struct stream_state *s)
{
	for (size_t i = 0; i < s->neager; i++)
		for (struct map_entry *e = NULL; (e = map_next(&s->eager[i]->alerts, e));)
			if (alert_pending(&((struct alert *)e->value)->state))
				return true;
	return false;
}

// The trailing window of each rule, up to the end of the newest record's pane.
static int judge_eager(struct judge *j, struct stream_state *s, struct error *err)
{
	struct window_cache cache = {NULL, 0, 0};
	int64_t pane = s->conf->pane_ms, end = time_floor(s->progress.newest.ms, pane) + pane, over = 0;
	int rc = -1;

	for (size_t i = 0; i < s->neager; i++) {
		int64_t w = rule_window(s->eager[i]->rule, s->conf);
		over = w > over ? w : over;
	}
	if (windows_need(s->windows, end - over, end, err))
		goto out;
	for (size_t i = 0; i < s->neager; i++) {
		struct group *g = s->eager[i];
		const struct merged *w;
		if (cached_window(&cache, s, end - rule_window(g->rule, s->conf), end, &w, err))
			goto out;
		struct moment m = moment_of(j, s, w);
		struct evaluation e = {.judge = j,
				       .group = g,
				       .moment = &m,
				       .mode = ALERT_EAGER,
				       .boundary = end,
				       .at = j->clock,
				       .show = true};
		group_evaluate(&e);
	}
	rc = 0;
out:
	cache_release(&cache);
	return rc;
}

static void judge_by_clock(struct judge *j, struct stream_state *s)
{
	struct moment m = moment_of(j, s, NULL);
	int64_t last = event_time_set(s->progress.newest) ? s->progress.newest.ms : m.since.ms;

	for (size_t i = 0; i < s->nclock; i++) {
		struct evaluation e = {.judge = j,
				       .group = s->clock[i],
				       .moment = &m,
				       .mode = ALERT_CLOCK,
				       .boundary = last,
				       .at = j->clock,
				       .show = true};
		group_evaluate(&e);
	}
}

// Deletes what no window will look at again.
static int raise_floor(struct judge *j, struct stream_state *s, struct error *err)
{
	int64_t keep = s->conf->retention_ms, floor = s->progress.watermark.ms;

	for (size_t i = 0; i < j->ntracks; i++) {
		const struct track *t = &j->tracks[i];
		if (t->stream != s && t->other != s)
			continue;
		keep = t->stream->lookback > keep ? t->stream->lookback : keep;
		if (t->end == TIME_NONE || s->progress.watermark.ms == TIME_NONE)
			return 0;
		floor = t->end < floor ? t->end : floor;
	}
	floor = boundary(s, floor - keep);
	if (s->floor != TIME_NONE && floor <= s->floor)
		return 0;
	if (floor > s->first) {
		if (j->port->set_floor(j->port->ctx, s->conf->name, floor, err))
			return -1;
		s->first = floor;
	}
	s->floor = floor;
	return 0;
}

static int empty_dirty(struct judge *j, struct stream_state *s, struct error *err)
{
	int64_t *starts = NULL;
	size_t n;

	if (j->port->dirty(j->port->ctx, s->conf->name, &starts, &n, err))
		return -1;
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
			if (s->neager && event_time_set(s->progress.newest) && (s->changed || eager_pending(s)) &&
			    judge_eager(j, s, err))
				return -1;
			judge_by_clock(j, s);
		}
	}
	if (any || j->batch.nevents || j->shown_at == TIME_NONE || j->clock < j->shown_at ||
	    j->clock - j->shown_at >= SHOW_MS) {
		status_build(j);
		j->shown_at = j->clock;
	}
	if (batch_commit(&j->batch, j->port, err))
		return -1;
	for (size_t i = 0; any && i < j->conf->nstreams; i++)
		if (raise_floor(j, &j->streams[i], err) || empty_dirty(j, &j->streams[i], err))
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
