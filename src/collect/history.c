// SPDX-License-Identifier: Apache-2.0
#include "collect/history.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collect/seen.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/map.h"
#include "util/xalloc.h"

enum order { INCREASING, STRICTLY_INCREASING, DECREASING, STRICTLY_DECREASING, ORDERS };

static const char *const orders[ORDERS] = {"increasing", "strictly_increasing", "decreasing", "strictly_decreasing"};
static const char unique_name[] = "unique:", monotonic_name[] = "monotonic:";

struct number {
	bool whole; // exactly `i`
	int64_t i;
	double d;
};

struct past {
	const struct field_conf *conf;
	struct seen *seen; // NULL: not unique
	enum order order;  // ORDERS: not monotonic
	bool has_last, last_changed;
	struct number last;
	char *unique_why, *monotonic_why;
};

struct history {
	struct past *items;
	size_t n;
};

static bool looks_back(const struct field_conf *f)
{
	return f->unique_ms || f->monotonic;
}

size_t history_rule(const struct stream_conf *c, const char *path)
{
	size_t n = 0;

	for (size_t i = 0; i < c->nfields; i++) {
		if (!looks_back(&c->fields[i]))
			continue;
		if (!strcmp(c->fields[i].path, path))
			return n;
		n++;
	}
	return SIZE_MAX;
}

static enum order order_of(const char *word)
{
	int i = 0;

	while (i < ORDERS && (!word || strcmp(orders[i], word) != 0))
		i++;
	return (enum order)i;
}

struct history *history_new(const struct stream_conf *c)
{
	struct history *h = NULL;
	char span[32];

	for (size_t i = 0; i < c->nfields; i++) {
		const struct field_conf *f = &c->fields[i];
		if (!looks_back(f))
			continue;
		h = h ? h : xcalloc(1, sizeof *h);
		h->items = xrealloc(h->items, (h->n + 1) * sizeof *h->items);
		h->items[h->n++] = (struct past){
			.conf = f, .order = order_of(f->monotonic),
			.seen = f->unique_ms ? seen_new(f->unique_ms, c->lateness_ms) : NULL,
			.unique_why = xasprintf("%.80s: came before within %s", f->path,
						duration_format(f->unique_ms, span, sizeof span)),
			.monotonic_why = xasprintf("%.80s: not %s after the value before it", f->path,
						   f->monotonic ? f->monotonic : ""),
		};
	}
	return h;
}

void history_clear(struct history *h)
{
	for (size_t i = 0; h && i < h->n; i++) {
		if (h->items[i].seen)
			seen_clear(h->items[i].seen);
		h->items[i].has_last = h->items[i].last_changed = false;
	}
}

void history_drop(struct history *h)
{
	for (size_t i = 0; h && i < h->n; i++) {
		struct past *p = &h->items[i];
		if (p->seen)
			seen_drop(p->seen);
		p->last_changed |= p->has_last;
		p->has_last = false;
	}
}

void history_free(struct history *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < h->n; i++) {
		seen_free(h->items[i].seen);
		free(h->items[i].unique_why);
		free(h->items[i].monotonic_why);
	}
	free(h->items);
	free(h);
}

// --- judging ------------------------------------------------------------------------------------------

static bool number_of(const struct value *v, struct number *out)
{
	*out = (struct number){v->kind == VALUE_NUMBER && v->whole, v->ms, v->num};
	return (v->kind == VALUE_NUMBER || v->kind == VALUE_TIME) && !isnan(v->num);
}

static uint64_t hash_number(const struct number *n)
{
	bool whole = n->whole || (n->d == floor(n->d) && fabs(n->d) < 0x1p63); // 5.0 is 5
	uint64_t bits = (uint64_t)(n->whole ? n->i : whole ? (int64_t)n->d : 0);
	uint8_t bytes[8];

	if (!whole)
		memcpy(&bits, &n->d, sizeof bits);
	for (int i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(bits >> (8 * i));
	return hash_bytes(bytes, sizeof bytes);
}

static bool hash_value(const struct value *v, uint64_t *hash)
{
	struct number n;

	if (v->kind == VALUE_STRING)
		*hash = hash_bytes(v->str, v->len);
	else if (number_of(v, &n))
		*hash = hash_number(&n);
	else
		return false;
	return true;
}

static int number_cmp(const struct number *a, const struct number *b)
{
	if (a->whole && b->whole)
		return (a->i > b->i) - (a->i < b->i);
	return (a->d > b->d) - (a->d < b->d);
}

static bool breaks_order(enum order order, int c)
{
	return order == INCREASING ? c < 0 : order == STRICTLY_INCREASING ? c <= 0 : order == DECREASING ? c > 0 : c >= 0;
}

static void judge_order(struct past *p, const struct plan *plan, const struct value *v, struct record_values *r)
{
	struct number n;

	if (p->order == ORDERS || !number_of(v, &n))
		return;
	if (p->has_last && breaks_order(p->order, number_cmp(&n, &p->last)))
		plan_breach(plan, r, VIOLATION_MONOTONIC, v->slot, p->monotonic_why);
	p->last_changed |= !p->has_last || n.whole != p->last.whole || number_cmp(&n, &p->last);
	p->last = n;
	p->has_last = true;
}

uint64_t history_judge(struct history *h, const struct plan *plan, const size_t *rules, struct record_values *r,
		       const struct history_record *at)
{
	uint64_t unknown = 0, hash;

	for (size_t i = 0; i < r->nvalues; i++) {
		const struct value *v = &r->values[i];
		if (rules[v->slot] == SIZE_MAX)
			continue;
		struct past *p = &h->items[rules[v->slot]];
		judge_order(p, plan, v, r);
		if (!p->seen || !at->in_time || !hash_value(v, &hash))
			continue;
		enum seen_answer seen = seen_value(p->seen, hash, at->event_ms, at->max_event);
		unknown += seen == SEEN_FULL;
		if (seen == SEEN_BEFORE)
			plan_breach(plan, r, VIOLATION_UNIQUE, v->slot, p->unique_why);
	}
	return unknown;
}

// --- state --------------------------------------------------------------------------------------------

static bool begins(const char *name, const char *with)
{
	return !strncmp(name, with, strlen(with));
}

bool history_owns(const char *name)
{
	return begins(name, unique_name) || begins(name, monotonic_name);
}

static struct past *find(struct history *h, const char *path)
{
	for (size_t i = 0; h && i < h->n; i++)
		if (!strcmp(h->items[i].conf->path, path))
			return &h->items[i];
	return NULL;
}

static bool load_unique(struct history *h, const struct state_blob *b)
{
	int64_t width, start;
	int n = 0;

	if (sscanf(b->name, "unique:%" SCNd64 ":%" SCNd64 ":%n", &width, &start, &n) != 2 || !n)
		return false;
	struct past *p = find(h, b->name + n);
	if (!p || !p->seen || seen_width(p->seen) != width)
		return false;
	seen_load(p->seen, start, b->bytes, b->len);
	return true;
}

bool history_load(struct history *h, const struct state_blob *b)
{
	struct rd r;

	if (begins(b->name, unique_name))
		return load_unique(h, b);
	struct past *p = find(h, b->name + sizeof monotonic_name - 1);
	if (!p || p->order == ORDERS)
		return false;
	rd_init(&r, b->bytes, b->len);
	p->last.whole = rd_u8(&r);
	p->last.i = (int64_t)rd_u64(&r);
	p->last.d = rd_f64(&r);
	p->has_last = !r.bad;
	return p->has_last;
}

struct out {
	const struct past *past;
	void (*write)(void *arg, const char *name, enum state_op op, const void *bytes, size_t n);
	void *arg;
};

static void write_bucket(void *arg, int64_t start, enum state_op op, const void *bytes, size_t n)
{
	const struct out *o = arg;
	char *name = xasprintf("%s%" PRId64 ":%" PRId64 ":%s", unique_name, seen_width(o->past->seen), start, o->past->conf->path);

	o->write(o->arg, name, op, bytes, n);
	free(name);
}

static void write_last(const struct past *p, const struct out *o, enum state_op op)
{
	char *name = xasprintf("%s%s", monotonic_name, p->conf->path);
	struct buf b = BUF_INIT;

	buf_u8(&b, p->last.whole);
	buf_u64(&b, (uint64_t)p->last.i);
	buf_f64(&b, p->last.d);
	o->write(o->arg, name, op, b.data, b.len);
	buf_release(&b);
	free(name);
}

void history_write(struct history *h, void (*write)(void *arg, const char *name, enum state_op op, const void *bytes, size_t n),
		   void *arg)
{
	for (size_t i = 0; h && i < h->n; i++) {
		struct past *p = &h->items[i];
		struct out o = {p, write, arg};
		if (p->last_changed)
			write_last(p, &o, p->has_last ? STATE_PUT : STATE_DROP);
		p->last_changed = false;
		if (p->seen)
			seen_write(p->seen, write_bucket, &o);
	}
}
