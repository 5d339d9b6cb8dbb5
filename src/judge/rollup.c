// SPDX-License-Identifier: Apache-2.0
#include "judge/rollup.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "judge/overflows.h"
#include "stats/pane.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/map.h"
#include "util/xalloc.h"

enum { STEPS = 2, SPAN = 48 }; // a call: rolled up, and looked at

struct total {           // of a slice in a partition
	char *slice, *topic;
	int32_t partition;
	struct pane *pane;
	uint64_t met, *overflows; // overflows: of the partition
};

struct sum {
	const char *stream;
	struct map totals, partitions; // partitions: their overflows, uint64_t
	struct overflows overflows;
	bool broken;             // a segment that cannot be read is left for people to look at
};

static uint64_t *overflows_of(struct sum *s, const struct segment_view *v)
{
	char *key = xasprintf("%s/%" PRId32, v->topic, v->partition);
	uint64_t *n = map_gets(&s->partitions, key);

	if (!n)
		map_puts(&s->partitions, key, n = xcalloc(1, sizeof *n));
	free(key);
	return n;
}

static struct total *total_of(struct sum *s, const struct segment_view *v)
{
	char *key = xasprintf("%s\037%s/%" PRId32, v->slice, v->topic, v->partition);
	struct total *t = map_gets(&s->totals, key);

	if (!t) {
		t = xcalloc(1, sizeof *t);
		*t = (struct total){xstrdup(v->slice), xstrdup(v->topic), v->partition, pane_new(), 0, overflows_of(s, v)};
		map_puts(&s->totals, key, t);
	}
	free(key);
	return t;
}

static void on_segment(void *arg, const struct interval_view *of, const struct segment_view *v)
{
	struct sum *s = arg;
	struct error err = ERROR_INIT;
	struct pane *p = pane_decode(v->bytes, v->len, NULL, NULL, &err);

	if (!p) {
		if (!s->broken)
			log_error("judge", "stream %s: panes from %" PRId64 " stay as they are: %s", s->stream, of->start, err.text);
		s->broken = true;
		return;
	}
	struct total *t = total_of(s, v);
	overflows_add(&s->overflows, of, v, p->overflowed > 0, t, t);
	pane_merge(t->pane, p);
	pane_free(p);
}

static void on_overflow(void *of, void *slice, uint64_t overflows, uint64_t met)
{
	struct total *t = of;

	(void)slice;
	*t->overflows += overflows;
	t->met += met;
}

static void total_free(void *p)
{
	struct total *t = p;

	pane_free(t->pane);
	free(t->slice);
	free(t->topic);
	free(t);
}

static int write_sum(const struct judge_port *port, struct sum *s, struct roll_up *r, struct error *err)
{
	struct segment_view *v = xcalloc(s->totals.count + 1, sizeof *v);
	struct buf bytes = BUF_INIT;
	size_t n = 0;

	for (struct map_entry *e = NULL; (e = map_next(&s->totals, e)); n++) {
		const struct total *t = e->value;
		size_t at = bytes.len;
		pane_encode(t->pane, &bytes);
		v[n] = (struct segment_view){t->slice, t->topic, t->partition, (void *)at, bytes.len - at, true,
					     *t->overflows, t->met};
	}
	for (size_t i = 0; i < n; i++) // offsets become pointers once the buffer no longer moves
		v[i].bytes = bytes.data + (size_t)v[i].bytes;
	r->segments = v;
	r->nsegments = n;
	int rc = port->roll_up(port->ctx, s->stream, r, err);
	buf_release(&bytes);
	free(v);
	return rc;
}

int roll_up(const struct judge_port *port, const char *stream, int64_t start, int64_t width,
	    const struct interval_view *sources, size_t n, uint64_t generation, struct error *err)
{
	struct roll_up r = {.start = start, .width = width, .generation = generation, .sources = sources, .nsources = n};
	struct sum s = {.stream = stream};

	map_init(&s.totals);
	map_init(&s.partitions);
	int rc = port->segments(port->ctx, stream, sources, n, on_segment, &s, err);
	if (!rc && !s.broken && s.totals.count) {
		overflows_count(&s.overflows, on_overflow);
		rc = write_sum(port, &s, &r, err);
	} else if (rc > 0) { // another did
		rc = 0;
	}
	map_release(&s.totals, total_free);
	map_release(&s.partitions, free);
	overflows_release(&s.overflows);
	return rc;
}

// --- which ones ---------------------------------------------------------------------------------------

// Is it in a wider one that is there already? That takes it up, then.
static bool in_wider(const struct interval_view *iv, size_t n, int64_t start, int64_t width)
{
	for (size_t i = 0; i < n && iv[i].start <= start; i++)
		if (iv[i].width > width && iv[i].start + iv[i].width > start)
			return true;
	return false;
}

// One interval of a level, if it has anything finer. -> as roll_up
static int roll_up_one(const struct judge_port *port, const char *stream, const struct interval_view *iv, size_t n,
		       int64_t start, int64_t width, uint64_t generation, struct error *err)
{
	struct interval_view *sources = xcalloc(n + 1, sizeof *sources);
	size_t count = 0;
	bool finer = false;

	for (size_t i = 0; i < n; i++) {
		if (iv[i].start < start || iv[i].start >= start + width || iv[i].width > width)
			continue;
		sources[count++] = iv[i];
		finer |= iv[i].width < width;
	}
	int rc = finer && !in_wider(iv, n, start, width)
			 ? roll_up(port, stream, start, width, sources, count, generation, err)
			 : 0;
	free(sources);
	return rc;
}

static int roll_up_level(const struct judge_port *port, const char *stream, int64_t width, int64_t limit, int64_t *at,
			 bool *any, struct error *err)
{
	uint64_t generation = port->generation(port->ctx);
	int64_t to = *at == INT64_MIN || limit - *at < SPAN * width ? limit : *at + SPAN * width;
	struct interval_view *iv;
	size_t n;
	int done = 0, rc = 0;

	if (limit == INT64_MIN || *at >= limit)
		return 0;
	if (port->intervals(port->ctx, stream, *at, to, &iv, &n, err))
		return -1;
	for (size_t i = 0; i < n && done < STEPS && rc >= 0; i++) {
		int64_t start = time_floor(iv[i].start, width);
		if (iv[i].width >= width || start < *at)
			continue;
		rc = roll_up_one(port, stream, iv, n, start, width, generation, err);
		done += rc > 0;
		*at = start + width; // one that cannot be rolled up now waits until it is written to, or the next start
	}
	*any |= done > 0;
	if (rc >= 0 && done < STEPS)
		*at = to;
	free(iv);
	return rc < 0 ? -1 : 0;
}

void rolled_forget(struct rolled *r)
{
	for (size_t i = 0; i < ROLL_WIDTHS; i++)
		r->at[i] = INT64_MIN;
}

void rolled_reopen(struct rolled *r, int64_t start)
{
	for (size_t i = 0; i < ROLL_WIDTHS; i++) {
		int64_t whole = time_floor(start, roll_widths[i]);
		r->at[i] = whole < r->at[i] ? whole : r->at[i];
	}
}

int roll_up_stream(const struct judge_port *port, const char *stream, const int64_t *limits, struct rolled *r, bool *any,
		   struct error *err)
{
	for (size_t i = 0; i < ROLL_WIDTHS; i++)
		if (roll_up_level(port, stream, roll_widths[i], limits[i], &r->at[i], any, err))
			return -1;
	return 0;
}

void roll_up_limit(const struct roll_use *u, int64_t width, int64_t *limit)
{
	bool whole = u->over % width == 0 && u->earlier % width == 0 && u->step % width == 0;
	int64_t most = whole ? u->end : u->end - u->over - u->earlier;

	most = time_floor(most, width);
	*limit = most < *limit ? most : *limit;
}
