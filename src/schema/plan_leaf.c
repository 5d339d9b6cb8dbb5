// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/json_check.h"
#include "schema/leaf.h"
#include "schema/plan_read.h"
#include "schema/utf8.h"
#include "util/clock.h"
#include "util/xalloc.h"

#define MAX_EVENT_MS 8.64e15 // an event time further from 1970 is none

// The shortest text that reads back the same; buf >= TEXT_SIZE. `single`: as a float.
static size_t number_text(double v, bool single, char *buf)
{
	int digits = single ? 6 : 15;
	int most = single ? 9 : 17;
	int n;

	do
		n = snprintf(buf, TEXT_SIZE, "%.*g", digits++, v);
	while (digits <= most && (single ? strtof(buf, NULL) != (float)v : strtod(buf, NULL) != v));
	return (size_t)n;
}

void set_detail(struct record_values *out, const char *text)
{
	size_t n = strnlen(text, sizeof out->detail - 1);

	memcpy(out->detail, text, n);
	out->detail[n] = 0;
}

void plan_breach(const struct plan *p, struct record_values *out, enum violation_kind kind, size_t slot, const char *why)
{
	if (p->json || p->slots[slot].element >= 0) { // once a record, not once an element
		if (out->broken[slot] >> kind & 1)
			return;
		out->broken[slot] |= 1u << kind;
	}
	if (!out->nbreaches)
		set_detail(out, why);
	out->breaches[out->nbreaches++] = (struct breach){.kind = kind, .slot = (int32_t)slot, .why = why};
}

void add_breach(struct walk *w, enum violation_kind kind, uint32_t slot, const char *text)
{
	plan_breach(w->plan, w->out, kind, slot, text);
}

static bool pattern_breaks(const struct checks *c, const char *s, size_t n)
{
	return c->pattern && !re_found(c->pattern, s, n);
}

void leaf_length(struct walk *w, uint32_t slot, uint64_t n)
{
	const struct checks *c = w->plan->checks[slot];

	if (c && c->has_length && (n < c->least || n > c->most))
		add_breach(w, VIOLATION_LENGTH, slot, c->length_text);
}

static void check_length(struct walk *w, const struct leaf *l, const char *s, size_t n)
{
	if (l->checks->has_length)
		leaf_length(w, l->slot, l->raw ? n : utf8_characters((const uint8_t *)s, n));
}

static void check_text(struct walk *w, const struct leaf *l, const char *s, size_t n)
{
	const struct checks *c = l->checks;

	if (c->has_allowed && !map_get(&c->allowed, s, n))
		add_breach(w, VIOLATION_ALLOWED, l->slot, c->allowed_text);
	if (pattern_breaks(c, s, n))
		add_breach(w, VIOLATION_PATTERN, l->slot, c->pattern_text);
	if (l->convert != AS_BOOL)
		check_length(w, l, s, n);
}

static void check_number(struct walk *w, const struct leaf *l, double v, const char *text, size_t n)
{
	const struct checks *c = l->checks;
	size_t i = 0;

	if (c->has_range && (v < c->min || v > c->max))
		add_breach(w, VIOLATION_RANGE, l->slot, c->range_text);
	while (i < c->nnumbers && c->numbers[i] != v)
		i++;
	if (c->has_allowed && i == c->nnumbers)
		add_breach(w, VIOLATION_ALLOWED, l->slot, c->allowed_text);
	if (pattern_breaks(c, text, n))
		add_breach(w, VIOLATION_PATTERN, l->slot, c->pattern_text);
	if (l->convert == AS_TEXT)
		check_length(w, l, text, n);
}

static void check_time(struct walk *w, const struct leaf *l, double ms)
{
	const struct checks *c = l->checks;
	const bool of_day = l->type && (l->type->logical == LOGICAL_TIME_MILLIS || l->type->logical == LOGICAL_TIME_MICROS ||
					l->type->logical == LOGICAL_TEXT_TIME);

	if (c && c->freshness_ms && !of_day && w->out->kafka_ms && ms < (double)(w->out->kafka_ms - c->freshness_ms))
		add_breach(w, VIOLATION_FRESHNESS, l->slot, c->fresh_text);
}

static void set_event_time(struct walk *w, double ms)
{
	if (fabs(ms) <= MAX_EVENT_MS) { // false for NaN
		w->out->has_event_time = true;
		w->out->event_ms = (int64_t)floor(ms);
	}
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static void add_time(struct walk *w, uint32_t slot, double ms, int64_t whole)
{
	struct value *v = add_value(w, slot, VALUE_TIME);

	v->num = ms;
	v->ms = whole;
}

// `whole`: the value as an integer, NULL for what is none.
static void leaf_number(struct walk *w, const struct leaf *l, double num, const int64_t *whole, bool single)
{
	double ms = num * (double)l->times / (double)l->per;

	if (l->event_time)
		set_event_time(w, ms);
	if (l->slot == NO_SLOT)
		return;
	if (l->convert == AS_TIME) {
		if (whole)
			add_time(w, l->slot, ms, floor_div(*whole * l->times, l->per));
		else if (fabs(ms) <= MAX_EVENT_MS)
			add_time(w, l->slot, ms, (int64_t)floor(ms));
		else
			add_value(w, l->slot, VALUE_OTHER);
		if (whole || fabs(ms) <= MAX_EVENT_MS)
			check_time(w, l, ms);
		return;
	}
	char local[TEXT_SIZE];
	char *text = l->convert == AS_TEXT ? w->text : local;
	size_t n = 0;
	if (l->convert == AS_TEXT || (l->checks && l->checks->pattern))
		n = whole ? (size_t)snprintf(text, TEXT_SIZE, "%lld", (long long)*whole)
			  : number_text(num, single, text);
	if (l->convert == AS_TEXT) {
		w->text += TEXT_SIZE;
		add_text(w, l->slot, text, n);
	} else {
		struct value *v = add_value(w, l->slot, VALUE_NUMBER);

		v->num = ms;
		if (l->checks && l->checks->compared) {
			v->whole = whole != NULL;
			v->ms = whole ? *whole : 0;
		}
	}
	if (l->checks)
		check_number(w, l, ms, text, n);
}

static inline void operand(struct walk *w, const struct leaf *l, struct cel_value v)
{
	if (l->operand)
		w->out->operands[l->operand - 1] = v;
}

// Past an int64.
static void leaf_unsigned(struct walk *w, const struct leaf *l, uint64_t v)
{
	if (l->convert != AS_TEXT || l->slot == NO_SLOT) {
		leaf_number(w, l, (double)v, NULL, false);
		return;
	}
	size_t n = (size_t)snprintf(w->text, TEXT_SIZE, "%llu", (unsigned long long)v);
	add_text(w, l->slot, w->text, n);
	if (l->checks)
		check_number(w, l, (double)v, w->text, n);
	w->text += TEXT_SIZE;
}

void leaf_integer(struct walk *w, const struct leaf *l, int64_t v)
{
	const bool from_0 = l->type && l->type->logical == LOGICAL_UNSIGNED;

	operand(w, l, from_0 ? (struct cel_value){.type = CEL_UINT, .u = (uint64_t)v} : cel_int(v));
	if (from_0 && v < 0) {
		leaf_unsigned(w, l, (uint64_t)v);
		return;
	}
	leaf_number(w, l, (double)v, &v, false);
}

void leaf_real(struct walk *w, const struct leaf *l, double v, bool single)
{
	operand(w, l, cel_double(v));
	leaf_number(w, l, v, NULL, single);
}

void leaf_bool(struct walk *w, const struct leaf *l, bool v)
{
	const char *text = v ? "true" : "false";

	operand(w, l, cel_bool(v));
	if (l->slot == NO_SLOT)
		return;
	if (l->convert == AS_TEXT)
		add_text(w, l->slot, text, strlen(text));
	else
		add_value(w, l->slot, VALUE_BOOL)->num = v;
	if (l->checks)
		check_text(w, l, text, strlen(text));
}

void leaf_enum(struct walk *w, const struct leaf *l, size_t i)
{
	operand(w, l, cel_text(CEL_STRING, l->type->symbols[i], l->lengths[i]));
	if (l->slot == NO_SLOT)
		return;
	add_text(w, l->slot, l->type->symbols[i], l->lengths[i]);
	if (l->breaks && l->breaks[i] & 1)
		add_breach(w, VIOLATION_ALLOWED, l->slot, l->checks->allowed_text);
	if (l->breaks && l->breaks[i] & 2)
		add_breach(w, VIOLATION_PATTERN, l->slot, l->checks->pattern_text);
	if (l->breaks && l->breaks[i] & 4)
		add_breach(w, VIOLATION_LENGTH, l->slot, l->checks->length_text);
}

static void event_time_of_text(struct walk *w, const uint8_t *p, size_t n)
{
	char text[64];
	int64_t ms;

	if (n >= sizeof text || memchr(p, 0, n))
		return;
	memcpy(text, p, n);
	text[n] = 0;
	if (!time_parse(text, &ms))
		set_event_time(w, (double)ms);
}

static void leaf_text_time(struct walk *w, const struct leaf *l, const uint8_t *p, size_t n)
{
	const bool of_day = l->type->logical == LOGICAL_TEXT_TIME;
	const char *s = (const char *)p;
	char text[80];
	int64_t ms = 0;
	bool is = of_day ? js_text_is(FORMAT_TIME, s, n) : js_text_is(FORMAT_DATE_TIME, s, n) || js_text_is(FORMAT_DATE, s, n);

	if (is && n <= 64) {
		snprintf(text, sizeof text, "%s%.*s", of_day ? "1970-01-01T" : "", (int)n, s);
		is = !time_parse(text, &ms);
	}
	if (!is || n > 64) {
		add_value(w, l->slot, VALUE_OTHER);
		return;
	}
	add_time(w, l->slot, (double)ms, ms);
	check_time(w, l, (double)ms);
}

void leaf_string(struct walk *w, const struct leaf *l, const uint8_t *p, size_t n)
{
	operand(w, l, cel_text(l->raw ? CEL_BYTES : CEL_STRING, (const char *)p, n));
	if (l->event_time)
		event_time_of_text(w, p, n);
	if (l->slot == NO_SLOT)
		return;
	if (l->convert == AS_TIME) {
		leaf_text_time(w, l, p, n);
		return;
	}
	add_text(w, l->slot, (const char *)p, n);
	if (l->checks)
		check_text(w, l, (const char *)p, n);
}

static void leaf_uuid(struct walk *w, const struct leaf *l, const uint8_t *p)
{
	char *at = w->text;

	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*at++ = '-';
		*at++ = "0123456789abcdef"[p[i] >> 4];
		*at++ = "0123456789abcdef"[p[i] & 15];
	}
	add_text(w, l->slot, w->text, 36);
	if (l->checks)
		check_text(w, l, w->text, 36);
	w->text += TEXT_SIZE;
}

// Up to 16 bytes exactly rounded; longer ones lose the last digits.
static double decimal_value(const uint8_t *p, size_t n, int32_t scale)
{
	static const double tens[] = {1e0,  1e1,  1e2,	1e3,  1e4,  1e5,  1e6,	1e7,  1e8,  1e9,  1e10, 1e11,
				      1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
	char text[80];
	char *at = text + 48;

	if (!n)
		return 0;
	if (n > 16) {
		long double v = (int8_t)p[0];

		for (size_t i = 1; i < n; i++)
			v = v * 256 + p[i];
		return (double)(v / powl(10, scale));
	}
	unsigned __int128 u = p[0] & 0x80 ? ~(unsigned __int128)0 : 0;
	for (size_t i = 0; i < n; i++)
		u = u << 8 | p[i];
	bool negative = p[0] & 0x80;
	if (negative)
		u = -u;
	if (u <= 1ULL << 53 && (size_t)scale < ARRAY_LEN(tens)) {
		double v = (double)(uint64_t)u / tens[scale];

		return negative ? -v : v;
	}
	snprintf(at, 32, "e%lld", -(long long)scale);
	do
		*--at = (char)('0' + (int)(u % 10));
	while (u /= 10);
	if (negative)
		*--at = '-';
	return strtod(at, NULL);
}

// An unscaled value with its length, and its scale, both as Avro writes them. False: it is not that.
static bool big_decimal(const uint8_t *p, size_t n, double *out)
{
	const uint8_t *end = p + n, *unscaled;
	int64_t scale;

	if (get_length(&p, end, &n))
		return false;
	unscaled = p;
	p += n;
	if (get_int(&p, end, &scale) || p != end)
		return false;
	*out = decimal_value(unscaled, n, (int32_t)scale);
	return true;
}

// Months, days and milliseconds, each an unsigned little-endian number of 32 bits.
static double duration_ms(const uint8_t *p)
{
	uint64_t part[3];

	for (int i = 0; i < 3; i++, p += 4)
		part[i] = (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24;
	return (double)((part[0] * 30 + part[1]) * 86400000 + part[2]);
}

void leaf_bytes(struct walk *w, const struct leaf *l, const uint8_t *p, size_t n)
{
	double v;

	operand(w, l, cel_text(CEL_BYTES, (const char *)p, n));
	switch (l->type->logical) {
	case LOGICAL_DECIMAL:
		leaf_number(w, l, decimal_value(p, n, l->type->scale), NULL, false);
		break;
	case LOGICAL_BIG_DECIMAL:
		if (big_decimal(p, n, &v))
			leaf_number(w, l, v, NULL, false);
		else if (l->slot != NO_SLOT)
			add_value(w, l->slot, VALUE_OTHER);
		break;
	case LOGICAL_DURATION:
		leaf_number(w, l, duration_ms(p), NULL, false);
		break;
	case LOGICAL_UUID:
		if (l->slot != NO_SLOT)
			leaf_uuid(w, l, p);
		break;
	default:
		leaf_string(w, l, p, n);
	}
}
