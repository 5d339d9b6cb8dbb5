// SPDX-License-Identifier: Apache-2.0
#include "schema/json_dom.h"

#include <simdjson.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

extern "C" {
#include "util/xalloc.h"
}

struct infinite { // which of a text's numbers are, in order
	size_t ordinal;
	bool negative;
};

struct json_dom {
	simdjson::dom::parser parser;
	uint8_t *bytes, *other; // padded copies; other: with its numbers rewritten
	size_t cap, capother;
	struct infinite *infinite;
	size_t ninfinite, capinfinite;
};

extern "C" struct json_dom *json_dom_new(void)
{
	json_dom *d = new (std::nothrow) json_dom();

	if (!d)
		abort();
	return d;
}

extern "C" void json_dom_free(struct json_dom *d)
{
	if (!d)
		return;
	free(d->bytes);
	free(d->other);
	free(d->infinite);
	delete d;
}

// Twice what is asked for, so that records of growing length allocate but now and then.
static void reserve(uint8_t **p, size_t *cap, size_t n)
{
	if (n + simdjson::SIMDJSON_PADDING <= *cap)
		return;
	*cap = 2 * n + 1024 + simdjson::SIMDJSON_PADDING;
	*p = static_cast<uint8_t *>(xrealloc(*p, *cap));
}

static simdjson::error_code parse(json_dom *d, const uint8_t *bytes, size_t n)
{
	if (!d->parser.capacity() || d->parser.capacity() < n) {
		const size_t cap = 2 * n + 1024;

		if (d->parser.allocate(cap, JSON_MAX_DEPTH + 1) || d->parser.doc.allocate(cap))
			return simdjson::MEMALLOC;
	}
	return d->parser.parse(bytes, n, false).error();
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static const uint8_t *digits(const uint8_t *p, const uint8_t *end)
{
	while (p < end && is_digit(*p))
		p++;
	return p;
}

// The end of a number as JSON writes it; NULL: it is none, or what follows would be read as a part of it.
static const uint8_t *number_end(const uint8_t *p, const uint8_t *end)
{
	p += p < end && *p == '-';
	if (p == end || !is_digit(*p))
		return nullptr;
	p = *p == '0' ? p + 1 : digits(p, end);
	if (p < end && *p == '.') {
		if (++p == end || !is_digit(*p))
			return nullptr;
		p = digits(p, end);
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		p += p < end && (*p == '+' || *p == '-');
		if (p == end || !is_digit(*p))
			return nullptr;
		p = digits(p, end);
	}
	return p == end || strchr(" \t\n\r,]}", *p) ? p : nullptr;
}

static const uint8_t *string_end(const uint8_t *p, const uint8_t *end) // behind the closing quote
{
	for (p++; p < end && *p != '"'; p++)
		p += *p == '\\';
	return p < end ? p + 1 : end;
}

// What simdjson is given in a number's place; NULL: the number itself will do.
static const char *other_number(json_dom *d, const uint8_t *p, size_t n, size_t ordinal, char text[32])
{
	const double v = strtod(reinterpret_cast<const char *>(p), nullptr);
	const bool whole = !memchr(p, '.', n) && !memchr(p, 'e', n) && !memchr(p, 'E', n);

	if (!std::isfinite(v)) {
		if (d->ninfinite == d->capinfinite) {
			d->capinfinite = 2 * d->capinfinite + 16;
			d->infinite = static_cast<struct infinite *>(
			    xrealloc(d->infinite, d->capinfinite * sizeof *d->infinite));
		}
		d->infinite[d->ninfinite++] = {ordinal, v < 0};
		return "0";
	}
	if (!whole || (v < 0x1p64 && v > -0x1p63))
		return nullptr;
	snprintf(text, 32, "%.17g", v); // reads back as the same double
	return text;
}

// The text in `other`, with every number such that simdjson takes it. 0: a number among them is none.
static size_t rewrite_numbers(json_dom *d, size_t n)
{
	const uint8_t *p = d->bytes, *end = d->bytes + n;
	size_t at = 0, ordinal = 0;

	reserve(&d->other, &d->capother, 2 * n + 32); // 17 digits and an exponent for at least 19 digits
	d->ninfinite = 0;
	while (p < end) {
		const uint8_t *next = *p == '"' ? string_end(p, end) : p + 1;
		const char *other = nullptr;
		char text[32];

		if (*p == '-' || is_digit(*p)) {
			next = number_end(p, end);
			if (!next)
				return 0;
			other = other_number(d, p, static_cast<size_t>(next - p), ordinal++, text);
		}
		const size_t len = other ? strlen(other) : static_cast<size_t>(next - p);
		memcpy(d->other + at, other ? reinterpret_cast<const uint8_t *>(other) : p, len);
		at += len;
		p = next;
	}
	return at;
}

static void put_infinities(json_dom *d)
{
	uint64_t *words = d->parser.doc.tape.get();
	size_t ordinal = 0, k = 0;

	for (size_t at = 1; k < d->ninfinite; at++) {
		const char kind = tape_kind(words[at]);

		if (kind != 'l' && kind != 'u' && kind != 'd')
			continue;
		if (ordinal++ == d->infinite[k].ordinal) {
			const double v = d->infinite[k++].negative ? -HUGE_VAL : HUGE_VAL;

			words[at] = static_cast<uint64_t>('d') << 56;
			memcpy(&words[at + 1], &v, sizeof v);
		}
		at++;
	}
}

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// The end of the first value, if it is one.
static const uint8_t *value_end(const uint8_t *p, const uint8_t *end)
{
	size_t depth = 0;

	while (p < end && is_space(*p))
		p++;
	if (p < end && *p == '"')
		return string_end(p, end);
	if (p < end && *p != '{' && *p != '[') {
		while (p < end && !is_space(*p) && !strchr(",:[]{}\"", *p))
			p++;
		return p;
	}
	while (p < end) {
		if (*p == '"') {
			p = string_end(p, end);
			continue;
		}
		depth += *p == '{' || *p == '[';
		depth -= *p == '}' || *p == ']';
		p++;
		if (!depth)
			break;
	}
	return p;
}

static const char *reason(simdjson::error_code e)
{
	switch (e) {
	case simdjson::EMPTY:
		return "empty";
	case simdjson::UTF8_ERROR:
		return "a text that is not UTF-8";
	case simdjson::DEPTH_ERROR:
		return "nested deeper than 128";
	case simdjson::NUMBER_ERROR:
		return "a number that is not written as JSON";
	case simdjson::STRING_ERROR:
		return "a text with an escape that is none";
	case simdjson::UNESCAPED_CHARS:
		return "a control character within a text";
	case simdjson::UNCLOSED_STRING:
		return "a text without an end";
	default:
		return "no JSON: commas, brackets, keys or values are wrong";
	}
}

// Parses the first n bytes of d->bytes.
static simdjson::error_code parse_copy(json_dom *d, size_t n)
{
	auto e = parse(d, d->bytes, n);

	if (e != simdjson::NUMBER_ERROR)
		return e;
	const size_t len = rewrite_numbers(d, n);
	if (!len)
		return e;
	e = parse(d, d->other, len);
	if (!e)
		put_infinities(d);
	return e;
}

extern "C" enum json_verdict json_dom_parse(struct json_dom *d, const uint8_t *bytes, size_t n, struct json_tape *out)
{
	reserve(&d->bytes, &d->cap, n);
	if (n)
		memcpy(d->bytes, bytes, n);
	d->bytes[n] = 0; // where a number's conversion ends
	auto e = parse_copy(d, n);
	out->words = d->parser.doc.tape.get();
	out->strings = d->parser.doc.string_buf.get();
	if (!e)
		return JSON_READ;
	out->why = reason(e);
	const uint8_t *end = value_end(d->bytes, d->bytes + n), *rest = end;
	while (rest < d->bytes + n && is_space(*rest))
		rest++;
	if (rest == d->bytes + n || parse_copy(d, static_cast<size_t>(end - d->bytes)))
		return JSON_UNREADABLE;
	out->end = static_cast<size_t>(end - d->bytes);
	out->why = "bytes after the record";
	return JSON_TRAILING;
}
