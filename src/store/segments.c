// SPDX-License-Identifier: Apache-2.0
// Intervals and their segments, as they were counted and rolled up.
#include "store/segments.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/keys.h"
#include "util/xalloc.h"

enum { CHUNK = 256, STAGE_TTL_S = 600, WIDEST_MS = 86400000 };

char *segment_member(const struct interval_view *v)
{
	return v->width ? xasprintf("%" PRId64 "/%" PRId64, v->start, v->width) : xasprintf("%" PRId64, v->start);
}

redisReply *segment_widths(struct store *s, const char *stream, struct error *err)
{
	struct cmd c;

	cmd_init(&c, "SMEMBERS");
	cmd_take(&c, key_of(s->prefix, "widths", stream));
	return conn_ask(s, &c, "read the pane widths", err);
}

static int by_place(const void *a, const void *b)
{
	const struct interval_view *x = a, *y = b;

	return x->start != y->start ? (x->start > y->start ? 1 : -1) : (x->width > y->width) - (x->width < y->width);
}

static int read_writes(struct store *s, const char *stream, struct interval_view *v, size_t n, struct error *err)
{
	struct cmd c;

	if (!n)
		return 0;
	cmd_init(&c, "HMGET");
	cmd_take(&c, key_of(s->prefix, "w", stream));
	for (size_t i = 0; i < n; i++)
		cmd_take(&c, segment_member(&v[i]));
	redisReply *w = conn_ask(s, &c, "read the write counters", err);
	if (!w)
		return -1;
	for (size_t i = 0; i < n && i < w->elements; i++)
		v[i].writes = (uint64_t)reply_int(w->element[i], 0);
	freeReplyObject(w);
	return 0;
}

static redisReply *range(struct store *s, const char *index, const char *stream, int64_t from, int64_t to, struct error *err)
{
	struct cmd c;

	cmd_init(&c, "ZRANGEBYSCORE");
	cmd_take(&c, key_of(s->prefix, index, stream));
	cmd_addi(&c, from);
	cmd_take(&c, xasprintf("(%" PRId64, to));
	return conn_ask(s, &c, "list the intervals", err);
}

// Without their counters.
static int list_rolls(struct store *s, const char *stream, int64_t from, int64_t to, struct interval_view **v, size_t *n,
		      struct error *err)
{
	redisReply *r = range(s, "rolls", stream, from > INT64_MIN + WIDEST_MS ? from - WIDEST_MS : from, to, err);

	if (!r)
		return -1;
	*v = xrealloc(*v, (*n + r->elements + 1) * sizeof **v);
	for (size_t i = 0; i < r->elements; i++) {
		char *end;
		struct interval_view one = {.start = strtoll(r->element[i]->str, &end, 10)};
		one.width = *end == '/' ? strtoll(end + 1, NULL, 10) : 0;
		if (one.width > 0 && one.start + one.width > from)
			(*v)[(*n)++] = one;
	}
	freeReplyObject(r);
	return 0;
}

int segment_rolls(struct store *s, const char *stream, int64_t from, int64_t to, struct interval_view **out, size_t *n,
		  struct error *err)
{
	*out = NULL;
	*n = 0;
	if (list_rolls(s, stream, from, to, out, n, err) || read_writes(s, stream, *out, *n, err)) {
		free(*out);
		*out = NULL;
		return -1;
	}
	qsort(*out, *n, sizeof **out, by_place);
	return 0;
}

int store_intervals(struct store *s, const char *stream, int64_t from, int64_t to, struct interval_view **out, size_t *n,
		    struct error *err)
{
	// Those that are rolled up come second: what goes over to them meanwhile is listed twice rather than missed.
	redisReply *starts = range(s, "idx", stream, from, to, err);

	*out = NULL;
	*n = 0;
	if (!starts)
		return -1;
	*out = xcalloc(starts->elements + 1, sizeof **out);
	for (size_t i = 0; i < starts->elements; i++)
		(*out)[(*n)++].start = reply_int(starts->element[i], 0);
	freeReplyObject(starts);
	if (list_rolls(s, stream, from, to, out, n, err) || read_writes(s, stream, *out, *n, err)) {
		free(*out);
		*out = NULL;
		*n = 0;
		return -1;
	}
	qsort(*out, *n, sizeof **out, by_place);
	return 0;
}

// SLICE 1f TOPIC/PARTITION 1f, then NONCE 1f N or OVERFLOWS 1f MET; the slice's own text is escaped by its maker and
// holds no 1f.
// -> Their bytes.
static size_t each_segment(const redisReply *h, const struct interval_view *of,
			   void (*each)(void *, const struct interval_view *, const struct segment_view *), void *arg)
{
	size_t bytes = 0;

	for (size_t i = 0; i + 1 < h->elements; i += 2) {
		char *field = h->element[i]->str, *sep = strchr(field, '\x1f');
		char *sep2 = sep ? strchr(sep + 1, '\x1f') : NULL, *slash = NULL;
		if (!sep2)
			continue;
		*sep = *sep2 = 0;
		if (!(slash = strrchr(sep + 1, '/')))
			continue;
		*slash = 0;
		struct segment_view v = {.slice = field, .topic = sep + 1, .partition = atoi(slash + 1),
					 .bytes = h->element[i + 1]->str, .len = h->element[i + 1]->len, .rolled = of->width > 0};
		if (v.rolled) {
			char *end;
			v.overflows = strtoull(sep2 + 1, &end, 10);
			v.met = *end ? strtoull(end + 1, NULL, 10) : 0;
		}
		each(arg, of, &v);
		bytes += v.len;
	}
	return bytes;
}

static int append_get(struct store *s, char *key, struct error *err)
{
	struct cmd c;

	cmd_init(&c, "HGETALL");
	cmd_take(&c, key);
	int rc = conn_append(s, &c, err);
	cmd_release(&c);
	return rc;
}

static int append_interval(struct store *s, const char *stream, const struct interval_view *iv, const redisReply *widths,
			   struct error *err)
{
	if (iv->width)
		return append_get(s, key_roll(s->prefix, stream, iv->width, iv->start), err);
	for (size_t w = 0; w < widths->elements; w++)
		if (append_get(s, key_segment(s->prefix, stream, reply_int(widths->element[w], 0), iv->start), err))
			return -1;
	return 0;
}

// How many intervals may be on their way: the server holds them in memory until they are read.
static size_t ahead(size_t largest)
{
	enum { BYTES = 4 << 20, FIRST = 4 };
	size_t n = largest ? BYTES / largest : FIRST;

	return n < 1 ? 1 : n;
}

static int read_chunk(struct store *s, const char *stream, const struct interval_view *iv, size_t n, const redisReply *widths,
		      void (*each)(void *, const struct interval_view *, const struct segment_view *), void *arg,
		      struct error *err)
{
	size_t asked = 0, largest = 0;

	for (size_t i = 0; i < n; i++) {
		size_t bytes = 0;
		for (; asked < n && asked < i + ahead(largest); asked++)
			if (append_interval(s, stream, &iv[asked], widths, err))
				return -1;
		for (size_t w = 0; w < (iv[i].width ? 1 : widths->elements); w++) {
			redisReply *r = conn_reply(s, err);
			if (!r)
				return -1;
			if (r->type == REDIS_REPLY_ARRAY)
				bytes += each_segment(r, &iv[i], each, arg);
			freeReplyObject(r);
		}
		largest = bytes > largest ? bytes : largest;
	}
	return 0;
}

static bool overlaps(const struct interval_view *a, const struct interval_view *b)
{
	return a->start < b->start + (b->width ? b->width : 1) && b->start < a->start + (a->width ? a->width : 1);
}

// 1: one of them was rolled up since it was listed. Then what was read of it is missing, or is there twice.
static int check_rolls(struct store *s, const char *stream, const struct interval_view *iv, size_t n, struct error *err)
{
	struct interval_view *now;
	int64_t from = INT64_MAX, to = INT64_MIN;
	size_t nnow;
	bool same = true;

	for (size_t i = 0; i < n; i++) {
		int64_t end = iv[i].start + (iv[i].width ? iv[i].width : 1);
		from = iv[i].start < from ? iv[i].start : from;
		to = end > to ? end : to;
	}
	if (segment_rolls(s, stream, from, to, &now, &nnow, err))
		return -1;
	for (size_t k = 0; k < nnow && same; k++) {
		bool touched = false, known = false;
		for (size_t i = 0; i < n && !known; i++) {
			touched |= overlaps(&iv[i], &now[k]);
			known = !by_place(&iv[i], &now[k]) && iv[i].writes == now[k].writes;
		}
		same = known || !touched;
	}
	for (size_t i = 0; i < n && same; i++)
		same = !iv[i].width || bsearch(&iv[i], now, nnow, sizeof *now, by_place);
	free(now);
	return !same;
}

int store_segments(struct store *s, const char *stream, const struct interval_view *iv, size_t n,
		   void (*each)(void *arg, const struct interval_view *of, const struct segment_view *v), void *arg,
		   struct error *err)
{
	redisReply *widths = segment_widths(s, stream, err);
	int rc = widths ? 0 : -1;

	for (size_t base = 0; !rc && base < n; base += CHUNK)
		rc = read_chunk(s, stream, iv + base, base + CHUNK < n ? CHUNK : n - base, widths, each, arg, err);
	if (widths)
		freeReplyObject(widths);
	return rc || !n ? rc : check_rolls(s, stream, iv, n, err);
}

// --- rolling up ---------------------------------------------------------------------------------------

static int take_reply(struct store *s, struct error *err)
{
	redisReply *r = conn_reply(s, err);
	int bad = !r || r->type == REDIS_REPLY_ERROR;

	if (r && bad)
		error_set(err, "stage panes on redis %s: %s", s->shown, r->str);
	if (r)
		freeReplyObject(r);
	return bad ? -1 : 0;
}

// Under a key that nobody reads, until the script names it.
static int stage(struct store *s, const char *key, const struct roll_up *r, struct error *err)
{
	struct cmd c;

	for (size_t i = 0; i < r->nsegments; i++) {
		const struct segment_view *v = &r->segments[i];
		cmd_init(&c, "HSET");
		cmd_adds(&c, key);
		cmd_take(&c, xasprintf("%s\x1f%s/%" PRId32 "\x1f%" PRIu64 "\x1f%" PRIu64, v->slice, v->topic, v->partition,
				       v->overflows, v->met));
		cmd_add(&c, v->bytes, v->len);
		int rc = conn_append(s, &c, err);
		cmd_release(&c);
		cmd_init(&c, "EXPIRE");
		cmd_adds(&c, key);
		cmd_addi(&c, STAGE_TTL_S);
		rc = rc ? rc : conn_append(s, &c, err);
		cmd_release(&c);
		if (rc || take_reply(s, err) || take_reply(s, err))
			return -1;
	}
	return 0;
}

static void add_sources(struct store *s, const char *stream, const struct roll_up *r, const redisReply *widths,
			struct cmd *keys, struct cmd *args)
{
	for (size_t i = 0; i < r->nsources; i++) {
		const struct interval_view *v = &r->sources[i];
		cmd_take(args, segment_member(v));
		cmd_addi(args, (int64_t)v->writes);
		if (v->width == r->width)
			continue;
		if (v->width)
			cmd_take(keys, key_roll(s->prefix, stream, v->width, v->start));
		for (size_t w = 0; !v->width && w < widths->elements; w++)
			cmd_take(keys, key_segment(s->prefix, stream, reply_int(widths->element[w], 0), v->start));
	}
}

int store_roll_up(struct store *s, const char *stream, const struct roll_up *r, struct error *err)
{
	static const char *const kinds[] = {"idx", "w", "dirty", "rolls"};
	const struct interval_view target = {.start = r->start, .width = r->width};
	char *staged = xasprintf("%s:stage:%s:%" PRIu64, s->prefix, s->lease, s->stages++);
	redisReply *widths = segment_widths(s, stream, err), *reply = NULL;
	struct cmd keys, args;
	int rc = -1;

	cmd_init(&keys, NULL);
	cmd_init(&args, NULL);
	if (!widths || stage(s, staged, r, err))
		goto out;
	// A server that was restarted since the sources were listed may have gone back in time: its counters tell nothing.
	if (!s->redis || s->generation != r->generation) {
		error_set(err, "roll up stream %s: redis %s was away", stream, s->shown);
		goto out;
	}
	cmd_take(&keys, key_plain(s->prefix, "lease"));
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		cmd_take(&keys, key_of(s->prefix, kinds[i], stream));
	cmd_adds(&keys, staged);
	cmd_take(&keys, key_roll(s->prefix, stream, r->width, r->start));
	cmd_adds(&args, s->lease);
	cmd_addi(&args, r->start);
	cmd_take(&args, segment_member(&target));
	cmd_addi(&args, (int64_t)r->nsegments);
	add_sources(s, stream, r, widths, &keys, &args);
	reply = conn_script(s, SCRIPT_ROLL_UP, &keys, &args, err);
	if (reply && reply->type == REDIS_REPLY_ARRAY && reply->elements == 1 && !strcmp(reply->element[0]->str, "CHANGED"))
		rc = 0;
	else if (!conn_ok(s, &reply, "roll up panes", err))
		rc = 1;
	if (reply)
		freeReplyObject(reply);
out:
	if (widths)
		freeReplyObject(widths);
	cmd_release(&keys);
	cmd_release(&args);
	free(staged);
	return rc;
}
