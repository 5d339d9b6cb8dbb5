// SPDX-License-Identifier: Apache-2.0
// Is a value on a tape what a JSON Schema allows? Pure; allocates nothing but for uniqueItems of long arrays. Private to schema/.
#ifndef KD_SCHEMA_JSON_CHECK_H
#define KD_SCHEMA_JSON_CHECK_H
#include "schema/json_dom.h"
#include "schema/json_schema.h"

unsigned js_kind(const struct json_tape *t, size_t at, bool whole_text); // JS_NULL, ...
// The keywords that the value itself breaks, as bits: type, enum, const, numbers, texts. What it holds inside, and
// the in-place applicators, are not looked at.
unsigned js_value_breaks(const struct js *j, const struct json_tape *t, size_t at, unsigned kind);
// dependencies, contains, uniqueItems, propertyNames, sizes: of the object or array as a whole, of n entries.
unsigned js_whole_breaks(const struct js *j, const struct json_tape *t, size_t at, size_t n);
// anyOf, oneOf, not, then, else; but not allOf.
unsigned js_branches_break(const struct js *j, const struct json_tape *t, size_t at);
bool js_pattern_matches(const struct js_pattern *p, const char *key, size_t n);
// All of it.
bool js_valid(const struct js *j, const struct json_tape *t, size_t at);
bool js_text_is(enum js_format f, const char *s, size_t n);
#endif
