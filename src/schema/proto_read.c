// SPDX-License-Identifier: Apache-2.0
// Two steps a message. The first goes over its bytes and holds what is said of each field: the last number or text
// of a single one, a chain of what was seen of a message, an array or a map. The second writes the fields in the
// schema's order, doing the same for the messages within. Both arrays are stacks that a message leaves as it found
// them; they move as they grow, so what lies in them is named by index.
//
// A message that is there several times is a chain of stretches of bytes which are gone over in turn: merging
// messages is the same as reading their bytes one behind the other.
#include "schema/proto_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/proto_wire.h"
#include "schema/utf8.h"
#include "util/map.h"
#include "util/xalloc.h"

#define MAX_NESTING 64
#define NONE	    UINT32_MAX

struct seen {
	const uint8_t *p; // NULL: a number
	uint64_t bits;	  // the number, or how many bytes
	uint64_t key;	  // map: of the entry's key, and its text
	const uint8_t *key_text;
	uint32_t next;
	bool packed, replaced; // map: a later entry has the key
};

struct held {
	const uint8_t *p;
	uint64_t bits;
	uint32_t n; // how many are in the chain; of one that is no chain 1. Of a oneof: its member + 1
	uint32_t first, last;
};

struct proto_scratch {
	struct buf out;
	struct held *held;
	size_t nheld, capheld;
	struct seen *seen;
	size_t nseen, capseen;
	uint32_t *table; // of a map's keys: index into seen + 1
	size_t captable;
};

struct reading {
	struct proto_scratch *s;
	const struct proto *proto;
	const struct proto_field *path[MAX_NESTING + 1]; // of the messages in hand
	const struct proto_message *top;
	int depth;
	int discarding; // what is written is thrown away: only its bytes must be sound
	bool dropped; // an entry whose value is a number that its closed enum has not
	struct proto_fault fault; // at: of the message in hand, while there is none
};

struct proto_scratch *proto_scratch_new(void)
{
	return xcalloc(1, sizeof(struct proto_scratch));
}

void proto_scratch_free(struct proto_scratch *s)
{
	if (!s)
		return;
	buf_release(&s->out);
	free(s->held);
	free(s->seen);
	free(s->table);
	free(s);
}

static enum proto_wire wire_of(enum proto_kind k)
{
	static const enum proto_wire wires[] = {
	    [PROTO_DOUBLE] = WIRE_FIXED64,   [PROTO_FLOAT] = WIRE_FIXED32,    [PROTO_FIXED32] = WIRE_FIXED32,
	    [PROTO_FIXED64] = WIRE_FIXED64,  [PROTO_SFIXED32] = WIRE_FIXED32, [PROTO_SFIXED64] = WIRE_FIXED64,
	    [PROTO_STRING] = WIRE_BYTES,     [PROTO_BYTES] = WIRE_BYTES,      [PROTO_MESSAGE] = WIRE_BYTES,
	};

	return wires[k]; // WIRE_VARINT is 0
}

static bool is_chain(const struct proto_field *f)
{
	return f->shape != PROTO_ONE || f->kind == PROTO_MESSAGE;
}

static void append(struct reading *r, size_t at, const struct proto_value *v, bool packed)
{
	struct proto_scratch *s = r->s;
	uint32_t i = (uint32_t)s->nseen;
	struct held *h = &s->held[at];

	GROW(s->seen, s->nseen, s->capseen);
	s->seen[s->nseen++] = (struct seen){.p = v->p, .bits = v->bits, .next = NONE, .packed = packed};
	if (h->n++)
		s->seen[h->last].next = i;
	else
		h->first = i;
	h->last = i;
}

static int write_message(struct reading *r, const struct proto_message *m, uint32_t first);

// Of what is written over the bytes must be sound all the same.
static int discard(struct reading *r, const struct proto_field *f, size_t at)
{
	const size_t len = r->s->out.len;
	int rc = 0;

	r->discarding++;
	if (is_chain(f))
		rc = write_message(r, &r->proto->messages[f->type], r->s->held[at].first);
	r->discarding--;
	r->s->out.len = len;
	r->s->held[at] = (struct held){.first = NONE};
	return rc;
}

static bool is_unknown_symbol(const struct reading *r, const struct proto_field *f, uint64_t bits)
{
	const struct proto_enum *e = &r->proto->enums[f->type];

	return e->closed && proto_symbol(e, (int32_t)bits) == e->n;
}

static int hold(struct reading *r, const struct proto_message *m, size_t base, const struct proto_field *f,
		const struct proto_value *v, bool packed)
{
	const size_t at = base + (size_t)(f - m->fields);

	if (f->kind == PROTO_ENUM && !packed && is_unknown_symbol(r, f, v->bits)) {
		r->dropped |= m->entry;
		return 0;
	}
	if (f->kind == PROTO_STRING && f->utf8 && !utf8_valid(v->p, v->bits, v->p + v->bits))
		return proto_fail(&r->fault, v->p, "a text that is not UTF-8");
	if (f->oneof >= 0) {
		struct held *o = &r->s->held[base + m->nfields + (size_t)f->oneof];
		const uint32_t before = o->n, now = (uint32_t)(f - m->fields) + 1;

		o->n = now;
		if (before && before != now && discard(r, &m->fields[before - 1], base + before - 1))
			return -1;
	}
	if (is_chain(f)) {
		append(r, at, v, packed);
	} else {
		r->s->held[at] = (struct held){.p = v->p, .bits = v->bits, .n = 1, .first = NONE};
	}
	return 0;
}

static int read_stretch(struct reading *r, const struct proto_message *m, size_t base, const uint8_t *p, size_t n)
{
	const uint8_t *const end = p + n;

	while (p < end) {
		const uint8_t *start = p;
		uint32_t number;
		enum proto_wire wire;
		struct proto_value v;

		if (proto_get_tag(&r->fault, &p, end, &number, &wire))
			return -1;
		if (wire == WIRE_END_GROUP)
			return proto_fail(&r->fault, start, "the end of a group that did not begin");
		if (wire == WIRE_GROUP) {
			if (proto_skip_group(&r->fault, &p, end, number))
				return -1;
			continue;
		}
		if (proto_get_value(&r->fault, &p, end, wire, &v))
			return -1;
		const struct proto_field *f = proto_field_of(m, number);
		if (!f)
			continue;
		const enum proto_wire own = wire_of(f->kind);
		const bool packed = f->shape == PROTO_MANY && own != WIRE_BYTES && wire == WIRE_BYTES;
		if ((wire == own || packed) && hold(r, m, base, f, &v, packed))
			return -1;
	}
	return 0;
}

// -> where the message's fields are held, then what its oneofs are; they are given back by setting nheld to it.
static size_t open_message(struct reading *r, const struct proto_message *m)
{
	struct proto_scratch *s = r->s;
	const size_t base = s->nheld, n = m->nfields + m->noneofs;

	s->nheld += n;
	if (s->nheld > s->capheld) {
		s->capheld = 2 * s->nheld;
		s->held = xrealloc(s->held, s->capheld * sizeof *s->held);
	}
	for (size_t i = base; i < s->nheld; i++)
		s->held[i] = (struct held){.first = NONE};
	return base;
}

static int read_chain(struct reading *r, const struct proto_message *m, size_t base, uint32_t first)
{
	for (uint32_t i = first; i != NONE; i = r->s->seen[i].next)
		if (read_stretch(r, m, base, r->s->seen[i].p, r->s->seen[i].bits))
			return -1;
	return 0;
}

static int64_t unzigzag(uint64_t v)
{
	return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

static void write_number(struct reading *r, const struct proto_field *f, uint64_t bits)
{
	struct buf *out = &r->s->out;

	switch (f->kind) {
	case PROTO_DOUBLE:
		buf_u64(out, bits);
		break;
	case PROTO_FLOAT:
		buf_u32(out, (uint32_t)bits);
		break;
	case PROTO_INT32:
	case PROTO_SFIXED32:
		buf_svar(out, (int32_t)(uint32_t)bits);
		break;
	case PROTO_UINT32:
	case PROTO_FIXED32:
		buf_svar(out, (uint32_t)bits);
		break;
	case PROTO_SINT32:
		buf_svar(out, unzigzag((uint32_t)bits));
		break;
	case PROTO_SINT64:
		buf_svar(out, unzigzag(bits));
		break;
	case PROTO_BOOL:
		buf_u8(out, bits != 0);
		break;
	case PROTO_ENUM:
		buf_svar(out, (int64_t)proto_symbol(&r->proto->enums[f->type], (int32_t)bits));
		break;
	default: // 64 bits, of the unsigned ones too
		buf_svar(out, (int64_t)bits);
		break;
	}
}

static void write_text(struct reading *r, const uint8_t *p, size_t n)
{
	buf_svar(&r->s->out, (int64_t)n);
	buf_add(&r->s->out, p, n);
}

static uint64_t held_or(const struct held *h, uint64_t fallback)
{
	return h->n ? h->bits : fallback;
}

// Seconds and nanoseconds: the fields 1 and 2 of both.
static int write_moment(struct reading *r, const struct proto_message *m, size_t base)
{
	const struct held *h = &r->s->held[base];
	const int64_t s = (int64_t)held_or(&h[0], 0), ns = (int32_t)(uint32_t)held_or(&h[1], 0);

	if (m->special == PROTO_DURATION) {
		double ms = (double)s * 1e3 + (double)ns / 1e6;
		uint64_t bits;

		memcpy(&bits, &ms, 8);
		buf_u64(&r->s->out, bits);
		return 0;
	}
	if (r->discarding)
		return 0;
	if (s < -62135596800 || s > 253402300799 || ns < 0 || ns > 999999999)
		return proto_fail(&r->fault, r->fault.at, "a Timestamp outside the years 1 to 9999");
	buf_svar(&r->s->out, s * 1000000 + ns / 1000);
	return 0;
}

static int write_field(struct reading *r, const struct proto_field *f, size_t at);

static int write_fields(struct reading *r, const struct proto_message *m, size_t base)
{
	if (m->special == PROTO_TIMESTAMP || m->special == PROTO_DURATION)
		return write_moment(r, m, base);
	for (size_t i = 0; i < m->nfields; i++) {
		r->path[r->depth] = &m->fields[i];
		if (write_field(r, &m->fields[i], base + i))
			return -1;
	}
	return 0;
}

static int write_message(struct reading *r, const struct proto_message *m, uint32_t first)
{
	struct proto_scratch *s = r->s;
	const size_t nseen = s->nseen, base = open_message(r, m);

	if (r->depth == MAX_NESTING)
		return proto_fail(&r->fault, r->fault.at, "messages nested deeper than 64");
	r->depth++;
	r->path[r->depth] = NULL;
	if (first != NONE)
		r->fault.at = s->seen[first].p;
	if (read_chain(r, m, base, first) || write_fields(r, m, base))
		return -1;
	r->depth--;
	s->nheld = base;
	s->nseen = nseen;
	return 0;
}

// A run of numbers without tags.
static int write_packed(struct reading *r, const struct proto_field *f, const uint8_t *p, size_t n)
{
	const enum proto_wire wire = wire_of(f->kind);
	const uint8_t *const end = p + n;
	struct proto_value v;

	while (p < end) {
		if (proto_get_value(&r->fault, &p, end, wire, &v))
			return -1;
		if (f->kind == PROTO_ENUM && is_unknown_symbol(r, f, v.bits))
			continue;
		buf_svar(&r->s->out, 1);
		write_number(r, f, v.bits);
	}
	return 0;
}

// One value of a field's kind.
static int write_one(struct reading *r, const struct proto_field *f, const uint8_t *p, uint64_t bits, uint32_t chain)
{
	if (f->kind == PROTO_MESSAGE)
		return write_message(r, &r->proto->messages[f->type], chain);
	if (f->kind == PROTO_STRING || f->kind == PROTO_BYTES)
		write_text(r, p, bits);
	else
		write_number(r, f, bits);
	return 0;
}

static int write_array(struct reading *r, const struct proto_field *f, uint32_t first)
{
	for (uint32_t i = first; i != NONE;) {
		struct seen *v = &r->s->seen[i];
		const uint32_t next = v->next;

		v->next = NONE; // an item of messages is a chain of one
		if (v->packed) {
			if (write_packed(r, f, v->p, v->bits))
				return -1;
		} else {
			buf_svar(&r->s->out, 1);
			if (write_one(r, f, v->p, v->bits, i))
				return -1;
		}
		i = next;
	}
	buf_svar(&r->s->out, 0);
	return 0;
}

static bool same_key(const struct seen *a, const struct seen *b)
{
	if (a->key != b->key || !a->key_text != !b->key_text)
		return false;
	return !a->key_text || !memcmp(a->key_text, b->key_text, a->key);
}

// Marks the entries whose key comes again.
static void mark_replaced(struct reading *r, uint32_t first, uint32_t n)
{
	struct proto_scratch *s = r->s;
	size_t cap = 16;

	while (cap < 2 * (size_t)n)
		cap *= 2;
	if (cap > s->captable) {
		s->captable = cap;
		s->table = xrealloc(s->table, cap * sizeof *s->table);
	}
	memset(s->table, 0, cap * sizeof *s->table);
	for (uint32_t i = first; i != NONE; i = s->seen[i].next) {
		const struct seen *v = &s->seen[i];
		size_t at = v->key_text ? hash_bytes(v->key_text, v->key) : hash_bytes(&v->key, sizeof v->key);

		for (at &= cap - 1; s->table[at]; at = (at + 1) & (cap - 1)) {
			if (same_key(&s->seen[s->table[at] - 1], v)) {
				s->seen[s->table[at] - 1].replaced = true;
				break;
			}
		}
		s->table[at] = i + 1;
	}
}

static void write_key(struct reading *r, const struct proto_field *f, const struct seen *v)
{
	char text[24];
	int n;

	if (f->kind == PROTO_STRING) {
		write_text(r, v->key_text, v->key);
		return;
	}
	if (f->kind == PROTO_BOOL)
		n = snprintf(text, sizeof text, "%s", v->key ? "true" : "false");
	else if (f->kind == PROTO_UINT64 || f->kind == PROTO_FIXED64)
		n = snprintf(text, sizeof text, "%llu", (unsigned long long)v->key);
	else
		n = snprintf(text, sizeof text, "%lld", (long long)v->key);
	write_text(r, (const uint8_t *)text, (size_t)n);
}

// A key as it is compared: two spellings of a number are one.
static void take_key(const struct proto_field *f, const struct held *h, struct seen *v)
{
	static const uint8_t empty[1];

	v->key = held_or(h, 0);
	v->key_text = NULL;
	if (f->kind == PROTO_STRING)
		v->key_text = h->n ? h->p : empty;
	else if (f->kind == PROTO_BOOL)
		v->key = v->key != 0;
	else if (f->kind == PROTO_INT32 || f->kind == PROTO_SFIXED32)
		v->key = (uint64_t)(int64_t)(int32_t)(uint32_t)v->key;
	else if (f->kind == PROTO_UINT32 || f->kind == PROTO_FIXED32)
		v->key = (uint32_t)v->key;
	else if (f->kind == PROTO_SINT32)
		v->key = (uint64_t)unzigzag((uint32_t)v->key);
	else if (f->kind == PROTO_SINT64)
		v->key = (uint64_t)unzigzag(v->key);
}

// An entry's key and value; or its key is only taken down.
static int write_entry(struct reading *r, const struct proto_message *m, uint32_t at, bool only_key)
{
	struct proto_scratch *s = r->s;
	const size_t nseen = s->nseen, base = open_message(r, m);
	const struct proto_field *key = &m->fields[m->by_number[0]], *value = &m->fields[m->by_number[1]];
	const size_t key_at = base + (size_t)(key - m->fields), value_at = base + (size_t)(value - m->fields);
	int rc = read_stretch(r, m, base, s->seen[at].p, s->seen[at].bits);

	if (!rc && only_key) {
		take_key(key, &s->held[key_at], &s->seen[at]);
	} else if (!rc) {
		write_key(r, key, &s->seen[at]);
		rc = write_field(r, value, value_at);
	}
	s->nheld = base;
	s->nseen = nseen;
	return rc;
}

static int write_map(struct reading *r, const struct proto_field *f, size_t held)
{
	const struct proto_message *m = &r->proto->messages[f->type];
	struct proto_scratch *s = r->s;
	const uint32_t first = s->held[held].first, n = s->held[held].n;

	for (uint32_t i = first; i != NONE; i = s->seen[i].next) {
		r->dropped = false;
		if (write_entry(r, m, i, true))
			return -1;
		s->seen[i].replaced = r->dropped;
	}
	if (n > 1)
		mark_replaced(r, first, n);
	for (uint32_t i = first; i != NONE; i = s->seen[i].next) {
		const size_t len = s->out.len;

		const bool replaced = s->seen[i].replaced;

		buf_svar(&s->out, 1);
		r->discarding += replaced;
		if (write_entry(r, m, i, false))
			return -1;
		r->discarding -= replaced;
		if (replaced)
			s->out.len = len;
	}
	buf_svar(&s->out, 0);
	return 0;
}

static int write_field(struct reading *r, const struct proto_field *f, size_t at)
{
	const struct held *h = &r->s->held[at];
	const bool absent = h->first == NONE && !h->n;

	if (f->shape == PROTO_MANY)
		return write_array(r, f, h->first);
	if (f->shape == PROTO_MAP)
		return write_map(r, f, at);
	if (absent && f->required && r->discarding)
		return 0;
	if (absent && f->required)
		return proto_fail(&r->fault, r->fault.at, "required, and not there");
	if (f->presence)
		buf_svar(&r->s->out, !absent);
	if (absent && f->presence)
		return 0;
	if (absent && f->kind == PROTO_ENUM) {
		buf_svar(&r->s->out, f->initial);
		return 0;
	}
	return write_one(r, f, h->p, h->bits, h->first);
}

static void say_where(const struct reading *r, char *out, size_t n)
{
	int at = 0;

	for (int i = 0; i <= r->depth && r->path[i] && (size_t)at < n; i++)
		at += snprintf(out + at, n - (size_t)at, "%s%.40s", i ? "." : "", r->path[i]->name);
	if (!at)
		snprintf(out, n, "%.80s", r->top->name);
}

int proto_to_avro(struct proto_scratch *s, const struct proto *p, const struct proto_message *m, const uint8_t *bytes,
		  size_t n, const struct buf **out, char *why, size_t why_size)
{
	struct reading r = {.s = s, .proto = p, .top = m, .fault = {.at = bytes}};
	char where[160];

	buf_clear(&s->out);
	buf_reserve(&s->out, 2 * n + 1);
	s->nheld = s->nseen = 0;
	*out = &s->out;
	const size_t base = open_message(&r, m);
	if (!read_stretch(&r, m, base, bytes, n) && !write_fields(&r, m, base))
		return 0;
	say_where(&r, where, sizeof where);
	snprintf(why, why_size, "%.80s: %s (byte %zu of %zu)", where, r.fault.why, (size_t)(r.fault.at - bytes), n);
	return -1;
}
