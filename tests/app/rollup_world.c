// SPDX-License-Identifier: Apache-2.0
#include "rollup_world.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/xalloc.h"

struct test_redis redis;
struct error failure;
uint64_t world_seed;
struct judge_port port;
struct collector collectors[PARTS];
struct record records[PARTS][LOG];
bool newest_is_mark;
unsigned fenced;
char fenced_why[sizeof failure.text];

uint64_t world_rnd(uint64_t n)
{
	world_seed = world_seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (world_seed >> 33) % n;
}

void world_start(void)
{
	test_redis_start(&redis);
	failure = (struct error)ERROR_INIT;
}

void world_stop(void)
{
	test_redis_stop(&redis);
}

struct store *world_store(void)
{
	const struct store_conf conf = {.url = redis.url, .prefix = "t", .scope = "c/g", .timeout_ms = 5000, .max_panes = 100};
	struct store *s = store_new(&conf, &failure);

	cr_assert(s, "%s", failure.text);
	return s;
}

bool record_overflows(const struct record *r)
{
	return !strcmp(r->slice, "other") && (int64_t)(r->x * 7) % 40 == 0;
}

static void count(struct pane *p, const struct record *r, int64_t offset)
{
	static char x[] = "x", c[] = "c";
	const struct field_def number = {.path = x, .type = FIELD_NUMERIC}, text = {.path = c, .type = FIELD_CATEGORICAL};
	char word[16];

	pane_count_record(p, r->event, offset, 7, true, false, false);
	p->overflowed += record_overflows(r);
	field_add_number(pane_field(p, 0, &number), r->x);
	int n = snprintf(word, sizeof word, "v%d", (int)(r->x * 10) % 400);
	field_add_category(pane_field(p, 1, &text), word, (size_t)n);
}

void collector_drop(struct collector *c)
{
	for (size_t i = 0; i < c->nopen; i++)
		pane_free(c->open[i].pane);
	c->nopen = 0;
	c->segments = 0;
}

void collector_claim(struct collector *c)
{
	struct claim got;

	collector_drop(c);
	cr_assert_eq(store_claim(c->store, "topic", (int32_t)(c - collectors), &got, &failure), 0, "%s", failure.text);
	snprintf(c->nonce, sizeof c->nonce, "%s", got.nonce);
	c->acked = got.next;
	c->next = got.next < 0 ? 0 : got.next;
	claim_release(&got);
}

static struct open *open_at(struct collector *c, int64_t interval, const char *slice)
{
	for (size_t i = 0; i < c->nopen; i++)
		if (c->open[i].interval == interval && !strcmp(c->open[i].slice, slice))
			return &c->open[i];
	cr_assert_lt(c->nopen, ARRAY_LEN(c->open));
	c->open[c->nopen] = (struct open){interval, slice, pane_new(), c->segments++, false, false};
	return &c->open[c->nopen++];
}

void collector_read(struct collector *c, size_t n)
{
	for (; n-- && c->next < LOG; c->next++) {
		const struct record *r = &records[c - collectors][c->next];
		struct open *o = open_at(c, r->event / MINUTE * MINUTE, r->slice);
		count(o->pane, r, c->next);
		o->dirty = true;
	}
}

enum store_result collector_put(struct collector *c, const struct segment_write *w, size_t n)
{
	static const int64_t width = MINUTE;
	int64_t newest = 1;
	for (int64_t i = 0; newest_is_mark && i < c->next; i++)
		newest = records[c - collectors][i].event > newest ? records[c - collectors][i].event : newest;
	const struct stream_mark mark = {.stream = (char[]){"s"}, .max_event = newest, .max_untimed = 1, .next = -1};
	const struct checkpoint cp = {.topic = "topic", .partition = (int32_t)(c - collectors), .nonce = c->nonce,
				      .expected_next = c->acked, .next = c->next, .check_offset = -1, .end = -1, .target = -1,
				      .marks = &mark, .nmarks = 1, .segments = w, .nsegments = n};
	int64_t floor;
	struct error why = ERROR_INIT;
	enum store_result r = store_checkpoint(c->store, &cp, &width, &floor, &why);

	cr_assert(r == STORE_OK || r == STORE_FENCED, "%s", why.text);
	if (r == STORE_OK) {
		c->acked = c->next;
		return r;
	}
	fenced++;
	memcpy(fenced_why, why.text, sizeof fenced_why);
	collector_claim(c);
	return r;
}

enum store_result collector_checkpoint(struct collector *c)
{
	struct segment_write *w = xcalloc(c->nopen + 1, sizeof *w);
	struct buf *b = xcalloc(c->nopen + 1, sizeof *b);
	size_t n = 0, total = c->nopen;

	for (size_t i = 0; i < c->nopen; i++) {
		struct open *o = &c->open[i];
		if (!o->dirty)
			continue;
		pane_encode(o->pane, &b[n]);
		w[n] = (struct segment_write){.stream = "s", .slice = o->slice, .interval = o->interval, .n = o->n,
					      .bytes = b[n].data, .len = b[n].len, .again = o->written};
		n++;
	}
	enum store_result r = collector_put(c, w, n);
	for (size_t i = 0; r == STORE_OK && i < c->nopen; i++) {
		c->open[i].written |= c->open[i].dirty;
		c->open[i].dirty = false;
	}
	for (size_t i = 0; i < total; i++)
		buf_release(&b[i]);
	free(b);
	free(w);
	return r;
}

// Panes are freed once they are acknowledged; what comes for them later is a new segment.
void collector_close(struct collector *c)
{
	size_t k = 0;

	for (size_t i = 0; i < c->nopen; i++) {
		if (c->open[i].dirty || world_rnd(2))
			c->open[k++] = c->open[i];
		else
			pane_free(c->open[i].pane);
	}
	c->nopen = k;
}

void world_expect(const struct pane *got, int64_t from, int64_t to, const char *slice, const char *what)
{
	struct pane *want = pane_new();
	struct buf a = BUF_INIT, b = BUF_INIT;

	for (int p = 0; p < PARTS; p++)
		for (int64_t i = 0; i < collectors[p].acked; i++) {
			const struct record *r = &records[p][i];
			if (r->event >= from && r->event < to && (!slice || !strcmp(slice, r->slice)))
				count(want, r, i);
		}
	pane_encode(got, &a);
	pane_encode(want, &b);
	cr_assert_eq(got->records, want->records, "%s: %" PRIu64 " records, not %" PRIu64, what, got->records, want->records);
	cr_assert(a.len == b.len && !memcmp(a.data, b.data, a.len), "%s: other bytes", what);
	buf_release(&a);
	buf_release(&b);
	pane_free(want);
}

void collector_put_all(struct collector *c, size_t n)
{
	while (n && c->next < LOG) {
		size_t some = n < 200 ? n : 200;
		collector_read(c, some);
		cr_assert_eq(collector_checkpoint(c), STORE_OK, "%s", failure.text);
		for (size_t i = 0; i < c->nopen; i++)
			pane_free(c->open[i].pane);
		c->nopen = 0;
		n -= some;
	}
}

int64_t world_listed(int64_t width)
{
	struct interval_view *iv;
	int64_t of = 0;
	size_t n;

	cr_assert_eq(port.intervals(port.ctx, "s", INT64_MIN, INT64_MAX, &iv, &n, &failure), 0, "%s", failure.text);
	for (size_t i = 0; i < n; i++)
		of += iv[i].width == width;
	free(iv);
	return of;
}

char *world_digest(void)
{
	return test_redis_cli(&redis, "EVAL \"local keys, all = redis.call('KEYS', '*'), {} table.sort(keys) "
				      "for _, k in ipairs(keys) do if k ~= 't:lease' and string.sub(k, 1, 8) ~= 't:stage:' then "
				      "all[#all + 1] = k .. '=' .. redis.call('DUMP', k) end end "
				      "return redis.sha1hex(table.concat(all)) .. ' ' .. #all\" 0");
}
