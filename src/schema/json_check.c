// SPDX-License-Identifier: Apache-2.0
#include "schema/json_check.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "schema/json_keys.h"
#include "schema/utf8.h"
#include "util/map.h"
#include "util/xalloc.h"

#define BIT(k) (1u << (k))

unsigned js_kind(const struct json_tape *t, size_t at, bool whole_text)
{
	double v;

	switch (tape_kind(t->words[at])) {
	case 'n':
		return JS_NULL;
	case 't':
	case 'f':
		return JS_BOOL;
	case 'l':
	case 'u':
		return JS_INTEGER;
	case 'd':
		v = tape_number(t, at);
		if (whole_text && fabs(v) < 0x1p63) // past that an integer is a double, too
			return JS_NUMBER;
		return v == floor(v) && isfinite(v) ? JS_INTEGER : JS_NUMBER;
	case '"':
		return JS_STRING;
	case '[':
		return JS_ARRAY;
	default:
		return JS_OBJECT;
	}
}

static bool same(const struct json_tape *t, size_t at, const json_t *v);

static bool same_object(const struct json_tape *t, size_t at, const json_t *v)
{
	size_t count = 0, n;

	for (size_t i = at + 1; tape_kind(t->words[i]) != '}'; i = tape_next(t->words, i + 1), count++) {
		const char *key = tape_text(t, i, &n);
		const json_t *other = strlen(key) == n ? json_object_get(v, key) : NULL;

		if (!other || !same(t, i + 1, other))
			return false;
	}
	return count == json_object_size(v);
}

static bool same_array(const struct json_tape *t, size_t at, const json_t *v)
{
	size_t count = 0;

	for (size_t i = at + 1; tape_kind(t->words[i]) != ']'; i = tape_next(t->words, i), count++)
		if (count == json_array_size(v) || !same(t, i, json_array_get(v, count)))
			return false;
	return count == json_array_size(v);
}

static bool same(const struct json_tape *t, size_t at, const json_t *v)
{
	size_t n;
	const char *s;

	switch (tape_kind(t->words[at])) {
	case 'n':
		return json_is_null(v);
	case 't':
		return json_is_true(v);
	case 'f':
		return json_is_false(v);
	case 'l':
		if (json_is_integer(v))
			return json_integer_value(v) == (int64_t)t->words[at + 1];
		return json_is_real(v) && json_real_value(v) == tape_number(t, at);
	case 'u':
	case 'd':
		return json_is_number(v) && json_number_value(v) == tape_number(t, at);
	case '"':
		s = tape_text(t, at, &n);
		return json_is_string(v) && json_string_length(v) == n && !memcmp(s, json_string_value(v), n);
	case '[':
		return json_is_array(v) && same_array(t, at, v);
	default:
		return json_is_object(v) && same_object(t, at, v);
	}
}

static bool among(const struct json_tape *t, size_t at, const struct js *j)
{
	const json_t *v;
	size_t i, n;

	if (tape_kind(t->words[at]) == '"') {
		const char *s = tape_text(t, at, &n);

		for (i = 0; i < j->ntexts; i++)
			if (j->texts[i].n == n && !memcmp(j->texts[i].s, s, n))
				return true;
		return false;
	}
	json_array_foreach(j->values, i, v) if (same(t, at, v)) return true;
	return false;
}

// Exactly where the divisor is what was written (2, 0.5); else as people write numbers: 0.3 is a multiple of 0.1, whose
// quotient as doubles is off by at most the three roundings.
static bool is_multiple(double v, double of)
{
	double q = v / of;

	if (of * 1024 == floor(of * 1024))
		return fmod(v, of) == 0;
	return isfinite(q) && fabs(q - nearbyint(q)) <= 2 * DBL_EPSILON * fmax(1, fabs(q));
}

static unsigned number_breaks(const struct js *j, double v)
{
	const unsigned broken = (v < j->minimum ? BIT(JSK_MINIMUM) : 0) | (v > j->maximum ? BIT(JSK_MAXIMUM) : 0) |
				(v <= j->exclusive_minimum ? BIT(JSK_EXCLUSIVE_MINIMUM) : 0) |
				(v >= j->exclusive_maximum ? BIT(JSK_EXCLUSIVE_MAXIMUM) : 0);

	if (j->checks & BIT(JSK_MULTIPLE_OF) && !is_multiple(v, j->multiple_of))
		return (broken & j->checks) | BIT(JSK_MULTIPLE_OF);
	return broken & j->checks;
}

bool js_pattern_matches(const struct js_pattern *p, const char *key, size_t n)
{
	return p->re && re_found(p->re, key, n);
}

static unsigned text_breaks(const struct js *j, const char *s, size_t n)
{
	unsigned broken = 0;

	if (j->checks & (BIT(JSK_MIN_LENGTH) | BIT(JSK_MAX_LENGTH))) {
		const uint64_t characters = utf8_characters((const uint8_t *)s, n);

		broken |= (characters < j->min_length ? BIT(JSK_MIN_LENGTH) : 0) |
			  (characters > j->max_length ? BIT(JSK_MAX_LENGTH) : 0);
	}
	if (j->checks & BIT(JSK_PATTERN) && !re_found(j->pattern, s, n))
		broken |= BIT(JSK_PATTERN);
	if (j->checks & BIT(JSK_FORMAT) && !js_text_is(j->format, s, n))
		broken |= BIT(JSK_FORMAT);
	return broken & j->checks;
}

unsigned js_value_breaks(const struct js *j, const struct json_tape *t, size_t at, unsigned kind)
{
	unsigned broken = j->types & kind ? 0 : BIT(JSK_TYPE);
	size_t n;

	if (j->values && !among(t, at, j))
		broken |= BIT(j->is_const ? JSK_CONST : JSK_ENUM);
	if (kind & (JS_INTEGER | JS_NUMBER))
		return broken | number_breaks(j, tape_number(t, at));
	if (kind == JS_STRING) {
		const char *s = tape_text(t, at, &n);

		return broken | text_breaks(j, s, n);
	}
	return broken;
}

static size_t find_key(const struct json_tape *t, size_t at, const char *name) // the value's; 0: none
{
	size_t len = strlen(name), n, found_at = 0;

	for (size_t i = at + 1; tape_kind(t->words[i]) != '}'; i = tape_next(t->words, i + 1)) {
		const char *key = tape_text(t, i, &n);

		if (n == len && !memcmp(key, name, n))
			found_at = i + 1;
	}
	return found_at;
}

static bool dependents_hold(const struct js *j, const struct json_tape *t, size_t at)
{
	for (size_t i = 0; i < j->ndependents; i++) {
		const struct js_dependent *d = &j->dependents[i];

		if (!find_key(t, at, d->name))
			continue;
		for (size_t k = 0; k < d->nrequired; k++)
			if (!find_key(t, at, d->required[k]))
				return false;
		if (d->schema && !js_valid(d->schema, t, at))
			return false;
	}
	return true;
}

static bool same_on_tape(const struct json_tape *t, size_t a, size_t b);

static bool same_members(const struct json_tape *t, size_t a, size_t b)
{
	size_t na = 0, nb = 0, n;

	for (size_t i = b + 1; tape_kind(t->words[i]) != '}'; i = tape_next(t->words, i + 1))
		nb++;
	for (size_t i = a + 1; tape_kind(t->words[i]) != '}'; i = tape_next(t->words, i + 1), na++) {
		const char *key = tape_text(t, i, &n);
		size_t other = strlen(key) == n ? find_key(t, b, key) : 0;

		if (!other || !same_on_tape(t, i + 1, other))
			return false;
	}
	return na == nb;
}

static bool same_on_tape(const struct json_tape *t, size_t a, size_t b)
{
	const char ka = tape_kind(t->words[a]), kb = tape_kind(t->words[b]);
	const bool numbers = strchr("lud", ka) && strchr("lud", kb);
	size_t na, nb;

	if (numbers)
		return ka == kb ? t->words[a + 1] == t->words[b + 1] || (ka == 'd' && tape_number(t, a) == tape_number(t, b))
				: tape_number(t, a) == tape_number(t, b);
	if (ka != kb)
		return false;
	if (ka == '"') {
		const char *x = tape_text(t, a, &na), *y = tape_text(t, b, &nb);

		return na == nb && !memcmp(x, y, na);
	}
	if (ka == '{')
		return same_members(t, a, b);
	if (ka != '[')
		return true;
	for (a++, b++; tape_kind(t->words[a]) != ']' && tape_kind(t->words[b]) != ']';
	     a = tape_next(t->words, a), b = tape_next(t->words, b))
		if (!same_on_tape(t, a, b))
			return false;
	return tape_kind(t->words[a]) == tape_kind(t->words[b]);
}

// Equal values have equal hashes: numbers by their double, objects whatever the order of their keys.
static uint64_t hash_value(const struct json_tape *t, size_t at)
{
	const char kind = tape_kind(t->words[at]);
	uint64_t h = (uint64_t)(unsigned char)kind;
	double v;
	size_t n;

	switch (kind) {
	case 'l':
	case 'u':
	case 'd':
		v = tape_number(t, at);
		v = v == 0 ? 0 : v;
		return hash_bytes(&v, sizeof v);
	case '"': {
		const char *s = tape_text(t, at, &n);
		return hash_bytes(s, n) + 1;
	}
	case '[':
		for (size_t i = at + 1; tape_kind(t->words[i]) != ']'; i = tape_next(t->words, i))
			h = h * 31 + hash_value(t, i);
		return h;
	case '{':
		for (size_t i = at + 1; tape_kind(t->words[i]) != '}'; i = tape_next(t->words, i + 1))
			h += hash_value(t, i) * (2 * hash_value(t, i + 1) + 1);
		return h;
	default:
		return h;
	}
}

struct hashed {
	uint64_t hash;
	size_t at;
};

static int by_hash(const void *a, const void *b)
{
	const struct hashed *x = a, *y = b;

	return x->hash < y->hash ? -1 : x->hash > y->hash;
}

static bool all_unique(const struct json_tape *t, size_t at, size_t n)
{
	struct hashed few[64], *list = n <= ARRAY_LEN(few) ? few : xmalloc(n * sizeof *list);
	bool unique = true;
	size_t k = 0;

	for (size_t i = at + 1; tape_kind(t->words[i]) != ']'; i = tape_next(t->words, i))
		list[k++] = (struct hashed){hash_value(t, i), i};
	qsort(list, k, sizeof *list, by_hash);
	for (size_t i = 1; i < k && unique; i++)
		for (size_t b = i; b-- > 0 && list[b].hash == list[i].hash && unique;)
			unique = !same_on_tape(t, list[b].at, list[i].at);
	if (list != few)
		free(list);
	return unique;
}

static bool contains_enough(const struct js *j, const struct json_tape *t, size_t at)
{
	size_t n = 0;

	for (size_t i = at + 1; tape_kind(t->words[i]) != ']'; i = tape_next(t->words, i))
		n += js_valid(j->contains, t, i);
	return n >= j->min_contains && n <= j->max_contains;
}

static bool names_hold(const struct js *j, const struct json_tape *t, size_t at)
{
	for (size_t i = at + 1; tape_kind(t->words[i]) != '}'; i = tape_next(t->words, i + 1))
		if (!js_valid(j->names, t, i))
			return false;
	return true;
}

unsigned js_whole_breaks(const struct js *j, const struct json_tape *t, size_t at, size_t n)
{
	unsigned broken = 0;

	if (tape_kind(t->words[at]) == '[') {
		broken |= (n < j->min_items ? BIT(JSK_MIN_ITEMS) : 0) | (n > j->max_items ? BIT(JSK_MAX_ITEMS) : 0);
		if (j->checks & BIT(JSK_UNIQUE_ITEMS) && !all_unique(t, at, n))
			broken |= BIT(JSK_UNIQUE_ITEMS);
		if (j->contains && !contains_enough(j, t, at))
			broken |= BIT(JSK_CONTAINS);
		return broken & j->checks;
	}
	broken |= (n < j->min_properties ? BIT(JSK_MIN_PROPERTIES) : 0) |
		  (n > j->max_properties ? BIT(JSK_MAX_PROPERTIES) : 0);
	if (j->names && !names_hold(j, t, at))
		broken |= BIT(JSK_PROPERTY_NAMES);
	if (j->ndependents && !dependents_hold(j, t, at))
		broken |= BIT(JSK_DEPENDENT);
	return broken & j->checks;
}

unsigned js_branches_break(const struct js *j, const struct json_tape *t, size_t at)
{
	unsigned broken = 0;
	size_t n = 0;

	for (size_t i = 0; i < j->any.n && !n; i++)
		n += js_valid(j->any.items[i], t, at);
	broken |= j->any.n && !n ? BIT(JSK_ANY_OF) : 0;
	n = 0;
	for (size_t i = 0; i < j->one.n && n < 2; i++)
		n += js_valid(j->one.items[i], t, at);
	broken |= j->one.n && n != 1 ? BIT(JSK_ONE_OF) : 0;
	if (j->no && js_valid(j->no, t, at))
		broken |= BIT(JSK_NOT);
	if (j->then || j->otherwise) {
		const bool yes = js_valid(j->when, t, at);
		const struct js *then = yes ? j->then : j->otherwise;

		if (then && !js_valid(then, t, at))
			broken |= BIT(yes ? JSK_THEN : JSK_ELSE);
	}
	return broken;
}

static bool member_valid(const struct js *j, const struct json_tape *t, size_t at, const struct json_key *k)
{
	bool named = k && k->property;
	size_t n;
	const char *key = tape_text(t, at, &n);

	if (named && !js_valid(k->schema, t, at + 1))
		return false;
	for (size_t i = 0; i < j->npatterns; i++) {
		if (!js_pattern_matches(&j->patterns[i], key, n))
			continue;
		named = true;
		if (!js_valid(j->patterns[i].schema, t, at + 1))
			return false;
	}
	return named || !j->additional || js_valid(j->additional, t, at + 1);
}

static bool object_valid(const struct js *j, const struct json_tape *t, size_t at)
{
	size_t count = 0, next = 0, required = 0, n;

	for (size_t i = at + 1; tape_kind(t->words[i]) != '}'; i = tape_next(t->words, i + 1), count++) {
		const char *key = tape_text(t, i, &n);
		const struct json_key *k = j->more ? json_keys_find(j->more, key, n, &next) : NULL;

		if (!member_valid(j, t, i, k))
			return false;
	}
	for (size_t i = 0; i < j->nproperties && j->nrequired; i++)
		required += j->properties[i].required && find_key(t, at, j->properties[i].name);
	return required == j->nrequired && !js_whole_breaks(j, t, at, count);
}

static bool array_valid(const struct js *j, const struct json_tape *t, size_t at)
{
	size_t n = 0;

	for (size_t i = at + 1; tape_kind(t->words[i]) != ']'; i = tape_next(t->words, i), n++) {
		const struct js *item = n < j->prefix.n ? j->prefix.items[n] : j->items;

		if (item && !js_valid(item, t, i))
			return false;
	}
	return !js_whole_breaks(j, t, at, n);
}

bool js_valid(const struct js *j, const struct json_tape *t, size_t at)
{
	const unsigned kind = js_kind(t, at, j->whole_text);

	if (j->null_or)
		return kind == JS_NULL || js_valid(j->null_or, t, at);
	if (j->never || js_value_breaks(j, t, at, kind))
		return false;
	if (kind == JS_OBJECT && !object_valid(j, t, at))
		return false;
	if (kind == JS_ARRAY && !array_valid(j, t, at))
		return false;
	for (size_t i = 0; i < j->all.n; i++)
		if (!js_valid(j->all.items[i], t, at))
			return false;
	return !js_branches_break(j, t, at);
}
