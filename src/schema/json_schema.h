// SPDX-License-Identifier: Apache-2.0
// A JSON Schema (drafts 4, 6, 7, 2019-09, 2020-12) with its references followed: a graph of schemas, which may
// have cycles, from which json_types.c makes types and by which json_check.c judges records. docs/json.md lists
// the keywords that are checked. Private to schema/.
#ifndef KD_SCHEMA_JSON_SCHEMA_H
#define KD_SCHEMA_JSON_SCHEMA_H
#include "schema/text.h"
#include "stats/violation.h"
#include "util/error.h"
#include "util/json.h"
#include "util/re.h"

// Kinds of JSON value; a bit each in js.types.
enum {
	JS_NULL = 1,
	JS_BOOL = 2,
	JS_INTEGER = 4, // also 1.0, but in draft 4
	JS_NUMBER = 8,	// one that is no integer; a schema's "number" is both
	JS_STRING = 16,
	JS_ARRAY = 32,
	JS_OBJECT = 64,
	JS_ANY = 127,
};

// What a value can break.
enum js_keyword {
	JSK_TYPE,
	JSK_FALSE, // the schema `false`
	JSK_ENUM,
	JSK_CONST,
	JSK_MINIMUM,
	JSK_MAXIMUM,
	JSK_EXCLUSIVE_MINIMUM,
	JSK_EXCLUSIVE_MAXIMUM,
	JSK_MULTIPLE_OF,
	JSK_MIN_LENGTH,
	JSK_MAX_LENGTH,
	JSK_PATTERN,
	JSK_FORMAT,
	JSK_MIN_ITEMS,
	JSK_MAX_ITEMS,
	JSK_UNIQUE_ITEMS,
	JSK_CONTAINS,
	JSK_REQUIRED,
	JSK_MIN_PROPERTIES,
	JSK_MAX_PROPERTIES,
	JSK_ADDITIONAL,
	JSK_PROPERTY_NAMES,
	JSK_DEPENDENT,
	JSK_ALL_OF,
	JSK_ANY_OF,
	JSK_ONE_OF,
	JSK_NOT,
	JSK_THEN,
	JSK_ELSE,
	JSK_KEYWORDS
};
extern const struct js_keyword_info {
	const char *name;
	enum violation_kind kind; // VIOLATION_RULE: the rule's name is the keyword's
} js_keywords[JSK_KEYWORDS];

enum js_format { FORMAT_NONE, FORMAT_DATE_TIME, FORMAT_DATE, FORMAT_TIME, FORMAT_UUID, FORMAT_IPV4, FORMAT_IPV6, FORMAT_EMAIL, JS_FORMATS };
extern const char *const js_format_names[JS_FORMATS];

struct js;
struct json_keys; // schema/json_keys.h
struct js_list {
	struct js **items;
	size_t n;
};

struct js_property {
	char *name;
	size_t len;
	struct js *schema; // NULL: only required
	bool required;
};

struct js_pattern { // patternProperties
	struct re *re; // NULL: outside of what is supported, matches nothing
	struct js *schema;
};

struct js_dependent { // dependentRequired, dependentSchemas, dependencies
	char *name;
	char **required;
	size_t nrequired;
	struct js *schema; // NULL: none
};

struct js {
	unsigned types;	 // bit set; JS_ANY without `type`
	bool typed;	 // `type` is there
	bool never;	 // the schema `false`
	bool whole_text; // draft 4: 1.0 is no integer
	const json_t *of; // the schema itself, for what is no check
	// values
	json_t *values; // enum, or const in an array; NULL: any (borrowed but for a const's array)
	struct js_text {
		const char *s;
		size_t n;
	} *texts; // those of them that are texts
	size_t ntexts;
	bool is_const;
	unsigned checks; // bit set of enum js_keyword: those of JSK_MINIMUM to JSK_MAX_PROPERTIES that are there
	double minimum, maximum, exclusive_minimum, exclusive_maximum, multiple_of;
	size_t min_length, max_length, min_items, max_items, min_properties, max_properties;
	struct re *pattern;
	enum js_format format;
	// objects
	struct js_property *properties;
	size_t nproperties, nrequired;
	struct js *additional, *names; // NULL: anything
	struct js_pattern *patterns;
	size_t npatterns;
	struct js_dependent *dependents;
	size_t ndependents;
	// arrays
	struct js_list prefix;
	struct js *items, *contains;
	size_t min_contains, max_contains;
	// in place
	struct js_list all, any, one; // $ref is one of `all`
	struct js *no, *when, *then, *otherwise;
	const struct js *null_or; // it is oneOf or anyOf null and this one, and nothing else; NULL: it is not
	char *why[JSK_KEYWORDS]; // "breaks the schema's minimum 0"; NULL: not there
	struct json_keys *more;	 // of its properties; NULL: it has none
	unsigned visit;		 // of a search in progress
};

struct json_schema {
	struct js *root;
	struct js **all;
	size_t n, cap;
	json_t **docs; // its references, then the schema itself
	size_t ndocs;
	char **unchecked; // keywords with their values that are not checked, each once: "format \"iri\""
	size_t nunchecked;
};

struct json_schema *json_schema_parse(const struct schema_text *text, struct error *err) MUST_CHECK;
// Once all is read: refuses a schema that leads back to itself without a step into the value, sees through what is
// nothing but a $ref or a null beside another schema, and makes the tables of keys.
int json_schema_settle(struct json_schema *s, struct error *err) MUST_CHECK;
void json_schema_free(struct json_schema *s);

struct avsc;
// The types of what a schema allows; takes it over, also where it fails.
struct avsc *json_types(struct json_schema *s, struct error *err) MUST_CHECK;
#endif
