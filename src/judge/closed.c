// SPDX-License-Identifier: Apache-2.0
// What happens in a pass is ordered by the time at which it can be known: a boundary at its end plus the
// lateness, a digest at its instant. Where the clock is the watermark that order is kept between streams and
// digests too, so that when a pass happens to run changes nothing of what is said.
#include <stdlib.h>
#include <string.h>

#include "judge/in_force.h"
#include "judge/state.h"
#include "util/xalloc.h"

int64_t rule_window(const struct rule *r, const struct judge_stream *s)
{
	return r->over_ms ? r->over_ms : s->window_ms;
}

int64_t rule_earlier(const struct rule *r, const struct judge_stream *s)
{
	return time_floor(rule_previous(r, s), s->pane_ms);
}

int64_t stream_boundary(const struct stream_state *s, int64_t ms)
{
	return time_floor(ms, s->conf->slide_ms);
}

struct moment moment_of(const struct judge *j, const struct stream_state *s, const struct merged *w)
{
	struct wall_time since = {s->since};

	if (!j->conf->clock_is_watermark && s->view.first_seen != INT64_MIN)
		since.ms = s->view.first_seen;
	return (struct moment){.stream = s->conf,
			       .window = w,
			       .progress = &s->progress,
			       .version = &s->version,
			       .since = since,
			       .now = {j->clock},
			       .histories = s->histories,
			       .tests = 1};
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
		t->end = stream_boundary(s, s->first);
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
	int64_t edge = view_lost_edge(&s->view, t->end);
	next = edge < next ? edge : next;
	*out = next < t->limit ? stream_boundary(s, next) + slide : t->limit;
	return 0;
}

struct window_cache { // of one boundary: rules of equal length share a window
	struct shared {
		const struct windows *windows;
		bool moments;
		struct merged m;
		struct field_list fields; // those of it
	} **items;
	size_t n, cap;
	int64_t *whole; // lengths of windows of which some rule needs more than moments
	size_t nwhole, capwhole;
};

// `moments`: they are enough.
static int cached_window(struct window_cache *c, struct stream_state *s, int64_t from, int64_t to, bool moments,
			 const struct merged **out, struct error *err)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct shared *w = c->items[i];
		if (w->windows == s->windows && w->m.from == from && w->m.to == to && w->moments <= moments) {
			*out = &w->m;
			return 0;
		}
	}
	struct shared *w = xcalloc(1, sizeof *w);
	w->windows = s->windows;
	w->moments = moments;
	GROW(c->items, c->n, c->cap);
	c->items[c->n++] = w;
	if ((moments ? windows_moments : windows_merge)(s->windows, from, to, &w->m, err))
		return -1;
	merged_limit(&w->m, s->conf->max_slices);
	w->m.lost = view_lost(&s->view, from, to);
	*out = &w->m;
	return 0;
}

// Of a window in the cache: filled by the first who needs it.
static struct field_list *cached_fields(const struct window_cache *c, const struct merged *w)
{
	size_t i = 0;

	while (&c->items[i]->m != w)
		i++;
	return &c->items[i]->fields;
}

static void cache_release(struct window_cache *c)
{
	for (size_t i = 0; i < c->n; i++) {
		field_list_release(&c->items[i]->fields);
		merged_release(&c->items[i]->m);
		free(c->items[i]);
	}
	free(c->items);
	free(c->whole);
}

// The replay hears of a window that the data's start or end cuts.
static int tell_cut(struct judge *j, struct stream_state *s, struct group *g, int64_t end, struct window_cache *cache,
		    struct error *err)
{
	const struct merged *w;

	if (!j->conf->replay)
		return 0;
	if (cached_window(cache, s, end - rule_window(g->rule, s->conf), end, g->rule->measure->moments, &w, err))
		return -1;
	struct moment m = moment_of(j, s, w);
	struct evaluation e = {.judge = j, .group = g, .moment = &m, .mode = ALERT_WINDOW, .boundary = end, .cut = true,
			       .fields = cached_fields(cache, w)};
	group_evaluate(&e);
	return 0;
}

static int64_t group_every(const struct group *g)
{
	return g->rule->every_ms ? g->rule->every_ms : g->stream->conf->slide_ms;
}

static bool is_due(const struct group *g, int64_t end)
{
	return end % group_every(g) == 0;
}

static void find_whole(struct window_cache *c, const struct track *t, int64_t end)
{
	for (size_t i = 0; i < t->ngroups; i++) {
		const struct group *g = t->groups[i];
		if (g->rule->measure->moments || !is_due(g, end))
			continue;
		GROW(c->whole, c->nwhole, c->capwhole);
		c->whole[c->nwhole++] = rule_window(g->rule, g->stream->conf);
	}
}

// Are moments enough for all that look at the group's window?
static bool moments_do(const struct window_cache *c, const struct group *g)
{
	bool whole = !g->rule->measure->moments;

	for (size_t i = 0; i < c->nwhole && !whole; i++)
		whole = c->whole[i] == rule_window(g->rule, g->stream->conf);
	return !whole;
}

static int judge_group(struct judge *j, struct track *t, struct group *g, int64_t end, int64_t at, bool last,
		       struct window_cache *cache, struct error *err)
{
	struct stream_state *s = t->stream;
	const struct judge_replay *replay = j->conf->replay;
	const struct merged *w, *other = NULL;
	int64_t from = end - rule_window(g->rule, s->conf), earlier = rule_earlier(g->rule, s->conf);

	if (from < s->first) {
		t->cut = true;
		return tell_cut(j, s, g, end, cache, err);
	}
	if (earlier && from - earlier >= s->first &&
	    cached_window(cache, s, from - earlier, end - earlier, g->rule->measure->moments, &other, err))
		return -1;
	if (t->other && t->other->first != TIME_NONE && from >= t->other->first &&
	    cached_window(cache, t->other, from, end, g->rule->measure->moments, &other, err))
		return -1;
	if (cached_window(cache, s, from, end, moments_do(cache, g), &w, err))
		return -1;
	struct moment m = moment_of(j, s, w);
	if (s->moving && rule_moves(g->rule, s->conf)) {
		if (moving_look(s->moving, end - from, end - earlier, s->first, &s->view, err))
			return -1;
		m.moving = moving_of(s->moving, end - from);
	}
	m.other = other;
	if (g->rule->measure->by_slide && s->spans) {
		if (spans_at(s->spans, &s->view, end, s->first, err))
			return -1;
		m.spans = s->spans;
	}
	m.thin = replay && replay->least && w->total.pane->records < replay->least(replay->least_ctx, s->conf, w->to - w->from);
	struct evaluation e = {.judge = j, .group = g, .moment = &m, .mode = ALERT_WINDOW, .boundary = end, .at = at,
			       .show = last && !replay, .fields = cached_fields(cache, w)};
	group_evaluate(&e);
	return 0;
}

static void count_totals(struct totals *t, const struct pane *p)
{
	t->records += p->records;
	for (size_t i = 0; i < p->nviolations; i++)
		t->violations[p->violations[i].kind] += p->violations[i].n;
}

static bool same_fields(const json_t *shown, const struct field_list *l)
{
	bool same = json_array_size(shown) == l->n;

	for (size_t i = 0; same && i < l->n; i++) {
		const json_t *f = json_array_get(shown, i);
		same = !strcmp(json_get_str(f, "path", ""), l->items[i].path) &&
		       !strcmp(json_get_str(f, "type", ""), field_type_name(l->items[i].type));
	}
	return same;
}

static void show_window(struct stream_state *s, const struct merged *w, struct field_list *fields)
{
	const struct pane *p = w->total.pane;
	struct totals t = {0};

	count_totals(&t, p);
	json_decref(s->window);
	s->window = totals_json(&t, NULL);
	json_object_set_new(s->window, "from", json_time(w->from));
	json_object_set_new(s->window, "to", json_time(w->to));
	json_object_set_new(s->window, "tombstones", json_integer((json_int_t)p->tombstones));
	json_object_set_new(s->window, "late", json_integer((json_int_t)p->late));
	json_object_set_new(s->window, "violating_records", json_integer((json_int_t)p->violating_records));
	json_object_set_new(s->window, "opaque", json_integer((json_int_t)p->opaque));
	json_object_set_new(s->window, "unsupported", json_integer((json_int_t)p->unsupported));
	json_object_set_new(s->window, "overflowed", json_integer((json_int_t)p->overflowed));
	field_list_need(fields, s->conf, w);
	if (!same_fields(s->fields, fields)) {
		json_decref(s->fields);
		s->fields = json_array();
		for (size_t i = 0; i < fields->n; i++)
			json_array_append_new(s->fields, json_pack("{s:o, s:s}", "path", json_str(fields->items[i].path), "type",
								   field_type_name(fields->items[i].type)));
	}
}

static int judge_boundary(struct judge *j, struct track *t, int64_t end, struct error *err)
{
	struct stream_state *s = t->stream;
	struct window_cache cache = {0};
	bool last = end + s->conf->slide_ms > t->limit, pending = false, all = true;
	int64_t at = j->conf->clock_is_watermark ? close_time(t, end) : j->clock;
	const struct merged *w;
	int rc = -1;

	t->cut = false;
	find_whole(&cache, t, end);
	if (windows_need(s->windows, end - s->lookback, end, err) || (!t->other && in_force_look(j, s, end, at, err)))
		goto out;
	for (size_t i = 0; i < t->ngroups; i++) {
		bool due = is_due(t->groups[i], end);
		all &= due;
		if (due && judge_group(j, t, t->groups[i], end, at, end + group_every(t->groups[i]) > t->limit, &cache, err))
			goto out;
		for (struct map_entry *e = NULL; (e = map_next(&t->groups[i]->alerts, e));)
			pending |= alert_pending(&((struct alert *)e->value)->state);
	}
	causes_tell(j, s, at);
	if (!t->other) {
		if (cached_window(&cache, s, end - s->conf->slide_ms, end, true, &w, err))
			goto out;
		count_totals(&t->totals, w->total.pane);
		bool whole = end - s->conf->window_ms >= s->first, show = last && !j->conf->replay;
		if ((whole || show) && cached_window(&cache, s, end - s->conf->window_ms, end, true, &w, err))
			goto out;
		if (whole)
			fields_look(j, s, w, at);
		if (show)
			show_window(s, w, cached_fields(&cache, w));
	}
	windows_evict(s->windows, end + s->conf->slide_ms - s->lookback);
	t->quiet = all && !pending && !t->cut && !t->other && windows_next(s->windows, end - s->lookback) >= end &&
		   view_lost_edge(&s->view, end - s->lookback + 1) >= end;
	t->end = end;
	rc = 0;
out:
	cache_release(&cache);
	return rc;
}

// --- the order of things ------------------------------------------------------------------------------

// Digests by the watermark: not before every stream has come as far, or all have nothing left to read. One alone may just
// have been read faster than its records came.
static int64_t digest_limit(const struct judge *j)
{
	int64_t limit = j->clock;
	bool all_read = true;

	for (size_t i = 0; j->conf->clock_is_watermark && i < j->conf->nstreams; i++) {
		const struct progress *p = &j->streams[i].progress;
		if (!j->streams[i].view.nparts)
			continue;
		all_read &= p->at_end;
		if (p->watermark.ms < limit)
			limit = p->watermark.ms;
	}
	return all_read ? j->clock : limit;
}

int judge_closed(struct judge *j, bool *any, struct error *err)
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

static int finish_track(struct judge *j, const struct track *t, struct error *err)
{
	struct stream_state *s = t->stream;
	struct window_cache cache = {0};
	int64_t end = t->end != TIME_NONE ? t->end : stream_boundary(s, s->first);
	int rc = 0;

	while (!rc && end <= s->progress.newest.ms) {
		end += s->conf->slide_ms;
		rc = windows_need(s->windows, end - s->lookback, end, err);
		for (size_t i = 0; i < t->ngroups && !rc; i++)
			rc = tell_cut(j, s, t->groups[i], end, &cache, err);
	}
	cache_release(&cache);
	return rc;
}

int judge_finish(struct judge *j, struct error *err)
{
	for (size_t i = 0; i < j->ntracks; i++) {
		const struct track *t = &j->tracks[i];
		if (t->stream->first != TIME_NONE && event_time_set(t->stream->progress.newest) && finish_track(j, t, err))
			return -1;
	}
	return 0;
}

bool judge_eager_pending(const struct stream_state *s)
{
	for (size_t i = 0; i < s->neager; i++)
		for (struct map_entry *e = NULL; (e = map_next(&s->eager[i]->alerts, e));)
			if (alert_pending(&((struct alert *)e->value)->state))
				return true;
	return false;
}

static int eager_up_to(struct judge *j, struct stream_state *s, int64_t end, int64_t over, struct error *err)
{
	struct window_cache cache = {0};
	int rc = -1;

	if (windows_need(s->windows, end - over, end, err))
		goto out;
	for (size_t i = 0; i < s->neager; i++) {
		struct group *g = s->eager[i];
		const struct merged *w;
		if (cached_window(&cache, s, end - rule_window(g->rule, s->conf), end, g->rule->measure->moments, &w, err))
			goto out;
		struct moment m = moment_of(j, s, w);
		struct evaluation e = {.judge = j,
				       .group = g,
				       .moment = &m,
				       .mode = ALERT_EAGER,
				       .boundary = end,
				       .at = j->clock,
				       .show = true,
				       .fields = cached_fields(&cache, w)};
		group_evaluate(&e);
	}
	causes_tell(j, s, j->clock);
	rc = 0;
out:
	cache_release(&cache);
	return rc;
}

// The boundary to begin with: that of the last evaluation again (its pane may have been open), or after a
// start the first that is not closed. So an incident is named by the boundary at which it became true, also
// where it is judged again after a rollback and by then more records are there.
static int64_t eager_begin(const struct judge *j, const struct stream_state *s, int64_t end)
{
	int64_t pane = s->conf->pane_ms, at = end - (EAGER_BOUNDARIES - 1) * pane;
	int64_t closed = j->tracks[s - j->streams].end;

	if (s->eager_at != TIME_NONE && time_floor(s->eager_at, pane) + pane > at)
		at = time_floor(s->eager_at, pane) + pane;
	if (closed != TIME_NONE && time_floor(closed, pane) + pane > at)
		at = time_floor(closed, pane) + pane;
	return at < end ? at : end;
}

// The trailing window of each rule, up to the end of the newest record's pane. Where a producer writes bytes
// that give no event time, that record is found by Kafka's; if the two clocks are so far apart that no window
// holds both, each has its own.
int judge_eager(struct judge *j, struct stream_state *s, struct error *err)
{
	int64_t pane = s->conf->pane_ms, newest = s->progress.newest.ms, untimed = s->progress.untimed.ms, over = 0;
	bool ahead = event_time_set(s->progress.untimed) && (newest == TIME_NONE || untimed > newest);
	bool moved = newest != s->eager_at;

	for (size_t i = 0; i < s->neager; i++) {
		int64_t w = rule_window(s->eager[i]->rule, s->conf);
		over = w > over ? w : over;
	}
	if (newest != TIME_NONE && (!ahead || (moved && untimed - newest > over))) {
		int64_t end = time_floor(newest, pane) + pane;
		for (int64_t at = eager_begin(j, s, end); at <= end; at += pane)
			if (eager_up_to(j, s, at, over, err))
				return -1;
	}
	s->eager_at = newest;
	return ahead ? eager_up_to(j, s, time_floor(untimed, pane) + pane, over, err) : 0;
}
