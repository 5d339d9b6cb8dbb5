// SPDX-License-Identifier: Apache-2.0
// The windows are kept by the caches of windows.c, so that as time goes on only the newest is read.
#include "judge/moving.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "judge/watermark.h"
#include "judge/windows.h"
#include "util/log.h"
#include "util/map.h"
#include "util/xalloc.h"

struct moving_history {
	int64_t window, from, to;
	uint64_t stamp;         // of the intervals
	struct map baselines;   // slice, "" all -> struct baseline
	struct histories *histories;
	struct windows *windows; // of this length alone
};

struct moving {
	const struct judge_port *port;
	const struct judge_stream *stream;
	struct moving_history **items;
	size_t n, cap;
};

struct moving *moving_new(const struct judge_port *port, const struct judge_stream *s)
{
	struct moving *m = xcalloc(1, sizeof *m);

	m->port = port;
	m->stream = s;
	return m;
}

static void free_baseline(void *b)
{
	baseline_free(b);
}

static void history_clear(struct moving_history *h)
{
	histories_free(h->histories);
	map_release(&h->baselines, free_baseline);
	h->histories = histories_new();
	h->stamp = 0;
}

void moving_free(struct moving *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n; i++) {
		history_clear(m->items[i]);
		histories_free(m->items[i]->histories);
		windows_free(m->items[i]->windows);
		free(m->items[i]);
	}
	free(m->items);
	free(m);
}

void moving_clear(struct moving *m)
{
	for (size_t i = 0; m && i < m->n; i++) {
		history_clear(m->items[i]);
		windows_clear(m->items[i]->windows);
	}
}

static struct moving_history *history_of(const struct moving *m, int64_t window_ms)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->items[i]->window == window_ms)
			return m->items[i];
	return NULL;
}

static struct moving_history *history_make(struct moving *m, int64_t window_ms)
{
	struct moving_history *h = history_of(m, window_ms);

	if (h)
		return h;
	h = xcalloc(1, sizeof *h);
	h->window = window_ms;
	h->histories = histories_new();
	h->windows = windows_new(m->port, m->stream->name, m->stream->pane_ms, window_ms, window_ms, NULL);
	map_init(&h->baselines);
	GROW(m->items, m->n, m->cap);
	return m->items[m->n++] = h;
}

const struct moving_history *moving_of(const struct moving *m, int64_t window_ms)
{
	const struct moving_history *h = history_of(m, window_ms);

	return h && h->baselines.count ? h : NULL;
}

const struct baseline *moving_baseline(const struct moving_history *h, const char *slice)
{
	return map_gets(&h->baselines, slice);
}

struct histories *moving_histories(const struct moving_history *h)
{
	return h->histories;
}

static int stamp_of(const struct moving *m, int64_t from, int64_t to, uint64_t *stamp, struct error *err)
{
	struct interval_view *iv;
	size_t n;

	if (m->port->intervals(m->port->ctx, m->stream->name, from, to, &iv, &n, err))
		return -1;
	*stamp = 1;
	for (size_t i = 0; i < n; i++) {
		uint64_t mix[4] = {*stamp, (uint64_t)iv[i].start, iv[i].writes, (uint64_t)iv[i].width};
		*stamp = hash_bytes(mix, sizeof mix) | 1;
	}
	free(iv);
	return 0;
}

// Takes the pane.
static void add_baseline(const struct moving *m, struct moving_history *h, const char *slice, struct pane **pane)
{
	struct error err = ERROR_INIT;
	struct baseline *b = baseline_from_pane(m->stream->name, *pane, h->from, h->to, h->window, json_object(), &err);

	*pane = pane_new();
	if (b)
		map_puts(&h->baselines, slice, b);
	else
		log_debug("judge", "stream %s%s%s: what its windows did before is not known: %s", m->stream->name, *slice ? ", slice " : "",
			  slice, err.text);
}

static void add_chunk(struct moving_history *h, const struct slice_stats *s, int64_t at)
{
	struct baseline *b = map_gets(&h->baselines, s->name);

	if (b)
		baseline_add_chunk(b, at, at + h->window, s->pane);
}

static int add_chunks(struct moving_history *h, struct error *err)
{
	int rc = 0;

	for (int64_t at = h->from; at < h->to && !rc; at += h->window) {
		struct merged one;

		rc = windows_merge(h->windows, at, at + h->window, &one, err);
		if (!rc)
			add_chunk(h, &one.total, at);
		for (size_t i = 0; i < one.nslices && !rc; i++)
			add_chunk(h, &one.slices[i], at);
		merged_release(&one);
	}
	return rc;
}

static int read_windows(const struct moving *m, struct moving_history *h, bool *damaged, struct error *err)
{
	struct merged total;

	windows_begin(h->windows);
	int rc = windows_merge(h->windows, h->from, h->to, &total, err);

	if (!rc) {
		merged_limit(&total, m->stream->max_slices);
		*damaged = total.total.damaged || total.cut;
		add_baseline(m, h, "", &total.total.pane);
		for (size_t i = 0; i < total.nslices; i++)
			if (strcmp(total.slices[i].name, "other") != 0 && slice_whole(&total, &total.slices[i]))
				add_baseline(m, h, total.slices[i].name, &total.slices[i].pane);
		rc = add_chunks(h, err);
	}
	merged_release(&total);
	windows_evict(h->windows, h->from);
	return rc;
}

int moving_look(struct moving *m, int64_t window_ms, int64_t end, int64_t first, const struct stream_view *view,
		struct error *err)
{
	struct moving_history *h = history_make(m, window_ms);
	int64_t to = time_floor(end, window_ms), from = to - MOVING_MOST * window_ms;
	bool damaged = false;
	uint64_t stamp;

	if (from < first)
		from = -time_floor(-first, window_ms);
	bool whole = to - from >= MOVING_LEAST * window_ms && !view_lost(view, from, to);
	if (!whole) {
		if (h->stamp)
			history_clear(h);
		return 0;
	}
	if (stamp_of(m, from, to, &stamp, err))
		return -1;
	if (h->stamp == stamp && h->from == from && h->to == to)
		return 0;
	history_clear(h);
	h->from = from;
	h->to = to;
	int rc = read_windows(m, h, &damaged, err);
	if (rc || damaged)
		history_clear(h);
	if (!rc)
		h->stamp = stamp;
	return rc;
}
