// SPDX-License-Identifier: Apache-2.0
#include "schema/json_schema.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "schema/json_keys.h"
#include "schema/json_refs.h"
#include "util/xalloc.h"

#define MAX_DEPTH 128 // schemas within one another
#define MAX_SHOWN 80  // characters of a keyword's value in a reason

const struct js_keyword_info js_keywords[JSK_KEYWORDS] = {
    [JSK_TYPE] = {"type", VIOLATION_WRONG_TYPE},
    [JSK_FALSE] = {"false", VIOLATION_RULE},
    [JSK_ENUM] = {"enum", VIOLATION_ALLOWED},
    [JSK_CONST] = {"const", VIOLATION_ALLOWED},
    [JSK_MINIMUM] = {"minimum", VIOLATION_RANGE},
    [JSK_MAXIMUM] = {"maximum", VIOLATION_RANGE},
    [JSK_EXCLUSIVE_MINIMUM] = {"exclusiveMinimum", VIOLATION_RANGE},
    [JSK_EXCLUSIVE_MAXIMUM] = {"exclusiveMaximum", VIOLATION_RANGE},
    [JSK_MULTIPLE_OF] = {"multipleOf", VIOLATION_RULE},
    [JSK_MIN_LENGTH] = {"minLength", VIOLATION_LENGTH},
    [JSK_MAX_LENGTH] = {"maxLength", VIOLATION_LENGTH},
    [JSK_PATTERN] = {"pattern", VIOLATION_PATTERN},
    [JSK_FORMAT] = {"format", VIOLATION_PATTERN},
    [JSK_MIN_ITEMS] = {"minItems", VIOLATION_LENGTH},
    [JSK_MAX_ITEMS] = {"maxItems", VIOLATION_LENGTH},
    [JSK_UNIQUE_ITEMS] = {"uniqueItems", VIOLATION_RULE},
    [JSK_CONTAINS] = {"contains", VIOLATION_RULE},
    [JSK_REQUIRED] = {"required", VIOLATION_MISSING_FIELD},
    [JSK_MIN_PROPERTIES] = {"minProperties", VIOLATION_LENGTH},
    [JSK_MAX_PROPERTIES] = {"maxProperties", VIOLATION_LENGTH},
    [JSK_ADDITIONAL] = {"additionalProperties", VIOLATION_RULE},
    [JSK_PROPERTY_NAMES] = {"propertyNames", VIOLATION_RULE},
    [JSK_DEPENDENT] = {"dependencies", VIOLATION_RULE},
    [JSK_ALL_OF] = {"allOf", VIOLATION_RULE},
    [JSK_ANY_OF] = {"anyOf", VIOLATION_RULE},
    [JSK_ONE_OF] = {"oneOf", VIOLATION_RULE},
    [JSK_NOT] = {"not", VIOLATION_RULE},
    [JSK_THEN] = {"then", VIOLATION_RULE},
    [JSK_ELSE] = {"else", VIOLATION_RULE},
};

const char *const js_format_names[JS_FORMATS] = {
    [FORMAT_NONE] = "",	    [FORMAT_DATE_TIME] = "date-time", [FORMAT_DATE] = "date", [FORMAT_TIME] = "time",
    [FORMAT_UUID] = "uuid", [FORMAT_IPV4] = "ipv4",	      [FORMAT_IPV6] = "ipv6", [FORMAT_EMAIL] = "email",
};

struct reading {
	struct json_schema *s;
	struct json_refs refs;
	struct map nodes;     // const json_t * -> struct js
	struct map unchecked;
	struct error *err;
	int depth;
};

static struct js *read_schema(struct reading *r, const struct json_place *p);

static void not_checked(struct reading *r, const char *keyword, const json_t *value)
{
	char *text = json_is_string(value) ? xasprintf("%s \"%.60s\"", keyword, json_string_value(value)) : xstrdup(keyword);

	if (map_puts(&r->unchecked, text, r)) {
		free(text);
		return;
	}
	r->s->unchecked = xrealloc(r->s->unchecked, (r->s->nunchecked + 1) * sizeof *r->s->unchecked);
	r->s->unchecked[r->s->nunchecked++] = text;
}

static void may_break(struct js *j, enum js_keyword k, const json_t *value)
{
	char *shown = value ? json_text(value) : NULL;

	free(j->why[k]);
	j->checks |= 1u << k;
	j->why[k] = shown ? xasprintf("breaks the schema's %s %.*s%s", js_keywords[k].name, MAX_SHOWN, shown,
				      strlen(shown) > MAX_SHOWN ? "..." : "")
			  : xasprintf("breaks the schema's %s", js_keywords[k].name);
	free(shown);
}

static void read_number(struct js *j, const json_t *v, enum js_keyword k, double *out)
{
	const json_t *n = json_object_get(v, js_keywords[k].name);

	if (!json_is_number(n))
		return;
	*out = json_number_value(n);
	may_break(j, k, n);
}

static void read_size(struct js *j, const json_t *v, enum js_keyword k, size_t *out)
{
	const json_t *n = json_object_get(v, js_keywords[k].name);
	double size = json_number_value(n);

	if (!json_is_number(n) || size < 0)
		return;
	*out = size < 1e15 ? (size_t)size : (size_t)1e15;
	may_break(j, k, n);
}

static int read_types(struct reading *r, struct js *j, const json_t *v)
{
	static const struct {
		const char *name;
		unsigned bits;
	} names[] = {{"null", JS_NULL},	    {"boolean", JS_BOOL},	     {"integer", JS_INTEGER},
		     {"string", JS_STRING}, {"number", JS_INTEGER | JS_NUMBER}, {"array", JS_ARRAY},
		     {"object", JS_OBJECT}};
	const json_t *type = json_object_get(v, "type");
	size_t n = json_is_array(type) ? json_array_size(type) : 1;

	j->types = JS_ANY;
	if (!type)
		return 0;
	j->types = 0;
	j->typed = true;
	for (size_t i = 0; i < n; i++) {
		const char *name = json_string_value(json_is_array(type) ? json_array_get(type, i) : type);
		size_t k = 0;

		while (k < ARRAY_LEN(names) && (!name || strcmp(names[k].name, name) != 0))
			k++;
		if (k == ARRAY_LEN(names))
			return error_set(r->err, "\"type\": \"%.60s\" is no type", name ? name : "");
		j->types |= names[k].bits;
	}
	may_break(j, JSK_TYPE, type);
	return 0;
}

static void read_values(struct js *j, const json_t *v)
{
	const json_t *one = json_object_get(v, "const"), *list = json_object_get(v, "enum");
	size_t i;

	if (one) {
		j->values = json_array();
		json_array_append(j->values, (json_t *)(uintptr_t)one);
		j->is_const = true;
		may_break(j, JSK_CONST, one);
	} else if (json_is_array(list)) {
		j->values = json_incref((json_t *)(uintptr_t)list);
		may_break(j, JSK_ENUM, list);
	}
	j->texts = xcalloc(json_array_size(j->values) + 1, sizeof *j->texts);
	json_array_foreach(j->values, i, list) if (json_is_string(list))
	    j->texts[j->ntexts++] = (struct js_text){json_string_value(list), json_string_length(list)};
}

// Draft 4 has booleans that make the bound itself exclusive.
static void read_numbers(struct js *j, const json_t *v)
{
	read_number(j, v, JSK_MINIMUM, &j->minimum);
	read_number(j, v, JSK_MAXIMUM, &j->maximum);
	read_number(j, v, JSK_EXCLUSIVE_MINIMUM, &j->exclusive_minimum);
	read_number(j, v, JSK_EXCLUSIVE_MAXIMUM, &j->exclusive_maximum);
	read_number(j, v, JSK_MULTIPLE_OF, &j->multiple_of);
	if (!(j->multiple_of > 0))
		j->checks &= ~(1u << JSK_MULTIPLE_OF);
	if (json_is_true(json_object_get(v, "exclusiveMinimum")) && j->checks >> JSK_MINIMUM & 1) {
		j->exclusive_minimum = j->minimum;
		may_break(j, JSK_EXCLUSIVE_MINIMUM, json_object_get(v, "minimum"));
	}
	if (json_is_true(json_object_get(v, "exclusiveMaximum")) && j->checks >> JSK_MAXIMUM & 1) {
		j->exclusive_maximum = j->maximum;
		may_break(j, JSK_EXCLUSIVE_MAXIMUM, json_object_get(v, "maximum"));
	}
}

// Patterns are ECMA 262's, which RE2 reads but for \uXXXX, assertions and references back. NULL: not this one.
static struct re *pattern_new(const char *pattern)
{
	struct buf text = BUF_INIT;
	struct error ignored = ERROR_INIT;

	buf_adds(&text, "");
	for (const char *p = pattern; *p; p++) {
		if (*p == '\\' && p[1] == 'u' && strspn(p + 2, "0123456789abcdefABCDEF") >= 4) {
			buf_addf(&text, "\\x{%.4s}", p + 2);
			p += 5;
			continue;
		}
		buf_addc(&text, *p);
		if (*p == '\\' && p[1])
			buf_addc(&text, *++p);
	}
	struct re *re = re_new(text.data, text.len, &ignored);
	buf_release(&text);
	return re;
}

static void read_texts(struct reading *r, struct js *j, const json_t *v)
{
	const json_t *pattern = json_object_get(v, "pattern"), *format = json_object_get(v, "format");

	read_size(j, v, JSK_MIN_LENGTH, &j->min_length);
	read_size(j, v, JSK_MAX_LENGTH, &j->max_length);
	j->pattern = json_is_string(pattern) ? pattern_new(json_string_value(pattern)) : NULL;
	if (j->pattern)
		may_break(j, JSK_PATTERN, pattern);
	else if (pattern)
		not_checked(r, "pattern", pattern);
	for (int f = FORMAT_NONE + 1; json_is_string(format) && f < JS_FORMATS; f++)
		if (!strcmp(json_string_value(format), js_format_names[f]))
			j->format = (enum js_format)f;
	if (j->format)
		may_break(j, JSK_FORMAT, format);
	else if (format)
		not_checked(r, "format", format);
}

// The schema under a keyword; NULL with r->err untouched where there is none.
static int read_below(struct reading *r, const struct json_place *p, const json_t *v, struct js **out)
{
	struct json_place below;

	if (!json_is_object(v) && !json_is_boolean(v))
		return 0;
	below = json_is_object(v) ? json_place_of(&r->refs, v, p) : (struct json_place){v, p->base, p->draft};
	*out = read_schema(r, &below);
	return *out ? 0 : -1;
}

static int read_list(struct reading *r, const struct json_place *p, const json_t *list, struct js_list *out)
{
	const json_t *item;
	size_t i;

	if (!json_is_array(list))
		return 0;
	out->items = xcalloc(json_array_size(list) + 1, sizeof *out->items);
	json_array_foreach(list, i, item)
	{
		if (read_below(r, p, item, &out->items[out->n]))
			return -1;
		out->n += out->items[out->n] != NULL;
	}
	return 0;
}

static struct js_property *property_of(struct js *j, const char *name)
{
	for (size_t i = 0; i < j->nproperties; i++)
		if (!strcmp(j->properties[i].name, name))
			return &j->properties[i];
	return NULL;
}

static int read_properties(struct reading *r, const struct json_place *p, struct js *j)
{
	json_t *list = json_object_get(p->node, "properties"), *required = json_object_get(p->node, "required"), *item;
	size_t most = json_object_size(list) + json_array_size(required), i;
	const char *name;

	j->properties = xcalloc(most + 1, sizeof *j->properties);
	json_object_foreach(list, name, item)
	{
		struct js_property *at = &j->properties[j->nproperties++];

		*at = (struct js_property){.name = xstrdup(name), .len = strlen(name)};
		if (read_below(r, p, item, &at->schema))
			return error_prefix(r->err, "property \"%.60s\"", name);
	}
	json_array_foreach(required, i, item)
	{
		struct js_property *at = json_is_string(item) ? property_of(j, json_string_value(item)) : NULL;

		if (!json_is_string(item) || (at && at->required))
			continue;
		if (!at) {
			at = &j->properties[j->nproperties++];
			*at = (struct js_property){.name = xstrdup(json_string_value(item)), .len = json_string_length(item)};
		}
		at->required = true;
		j->nrequired++;
		may_break(j, JSK_REQUIRED, required);
	}
	return 0;
}

static int read_dependents(struct reading *r, const struct json_place *p, struct js *j, const char *keyword)
{
	json_t *list = json_object_get(p->node, keyword), *item, *name;
	const char *key;
	size_t i;

	json_object_foreach(list, key, item)
	{
		j->dependents = xrealloc(j->dependents, (j->ndependents + 1) * sizeof *j->dependents);
		struct js_dependent *d = &j->dependents[j->ndependents++];

		*d = (struct js_dependent){.name = xstrdup(key)};
		may_break(j, JSK_DEPENDENT, NULL);
		if (json_is_array(item)) {
			d->required = xcalloc(json_array_size(item) + 1, sizeof *d->required);
			json_array_foreach(item, i, name) if (json_is_string(name))
			    d->required[d->nrequired++] = xstrdup(json_string_value(name));
		} else if (read_below(r, p, item, &d->schema)) {
			return -1;
		}
	}
	return 0;
}

static int read_object(struct reading *r, const struct json_place *p, struct js *j)
{
	json_t *patterns = json_object_get(p->node, "patternProperties"), *item;
	const char *key;

	if (read_properties(r, p, j) || read_below(r, p, json_object_get(p->node, "additionalProperties"), &j->additional) ||
	    read_below(r, p, json_object_get(p->node, "propertyNames"), &j->names) ||
	    read_dependents(r, p, j, "dependencies") || read_dependents(r, p, j, "dependentRequired") ||
	    read_dependents(r, p, j, "dependentSchemas"))
		return -1;
	read_size(j, p->node, JSK_MIN_PROPERTIES, &j->min_properties);
	read_size(j, p->node, JSK_MAX_PROPERTIES, &j->max_properties);
	j->patterns = xcalloc(json_object_size(patterns) + 1, sizeof *j->patterns);
	json_object_foreach(patterns, key, item)
	{
		struct js_pattern *at = &j->patterns[j->npatterns++];

		at->re = pattern_new(key);
		if (!at->re) {
			json_t *name = json_string(key);
			not_checked(r, "patternProperties", name);
			json_decref(name);
		}
		if (read_below(r, p, item, &at->schema))
			return -1;
	}
	if (j->additional)
		may_break(j, JSK_ADDITIONAL, NULL);
	if (j->names)
		may_break(j, JSK_PROPERTY_NAMES, NULL);
	return 0;
}

static int read_array(struct reading *r, const struct json_place *p, struct js *j)
{
	const json_t *items = json_object_get(p->node, "items");
	const bool tuple = json_is_array(items);

	read_size(j, p->node, JSK_MIN_ITEMS, &j->min_items);
	read_size(j, p->node, JSK_MAX_ITEMS, &j->max_items);
	if (json_is_true(json_object_get(p->node, "uniqueItems")))
		may_break(j, JSK_UNIQUE_ITEMS, NULL);
	if (read_list(r, p, tuple ? items : json_object_get(p->node, "prefixItems"), &j->prefix) ||
	    read_below(r, p, tuple ? json_object_get(p->node, "additionalItems") : items, &j->items) ||
	    read_below(r, p, json_object_get(p->node, "contains"), &j->contains))
		return -1;
	const json_t *least = json_object_get(p->node, "minContains"), *most = json_object_get(p->node, "maxContains");
	j->min_contains = json_is_number(least) ? (size_t)json_number_value(least) : 1;
	j->max_contains = json_is_number(most) ? (size_t)json_number_value(most) : SIZE_MAX;
	if (j->contains)
		may_break(j, JSK_CONTAINS, NULL);
	return 0;
}

static int read_in_place(struct reading *r, const struct json_place *p, struct js *j)
{
	const json_t *v = p->node;

	if (read_list(r, p, json_object_get(v, "allOf"), &j->all) || read_list(r, p, json_object_get(v, "anyOf"), &j->any) ||
	    read_list(r, p, json_object_get(v, "oneOf"), &j->one) || read_below(r, p, json_object_get(v, "not"), &j->no) ||
	    read_below(r, p, json_object_get(v, "if"), &j->when))
		return -1;
	if (j->when && (read_below(r, p, json_object_get(v, "then"), &j->then) ||
			read_below(r, p, json_object_get(v, "else"), &j->otherwise)))
		return -1;
	const struct {
		bool there;
		enum js_keyword k;
	} has[] = {{j->all.n, JSK_ALL_OF}, {j->any.n, JSK_ANY_OF}, {j->one.n, JSK_ONE_OF},
		   {j->no, JSK_NOT},	   {j->then, JSK_THEN},	   {j->otherwise, JSK_ELSE}};
	for (size_t i = 0; i < ARRAY_LEN(has); i++)
		if (has[i].there)
			may_break(j, has[i].k, NULL);
	return 0;
}

static int read_reference(struct reading *r, const struct json_place *p, struct js *j, const char *ref)
{
	struct json_place to = json_refs_follow(&r->refs, p, ref);

	if (!to.node)
		return error_set(r->err, "$ref \"%.120s\" leads nowhere", ref);
	if (!json_is_object(to.node) && !json_is_boolean(to.node))
		return error_set(r->err, "$ref \"%.120s\" leads to no schema", ref);
	struct js *target = read_schema(r, &to);
	if (!target)
		return -1;
	j->all.items = xrealloc(j->all.items, (j->all.n + 1) * sizeof *j->all.items);
	j->all.items[j->all.n++] = target;
	may_break(j, JSK_ALL_OF, NULL);
	return 0;
}

static int fill(struct reading *r, const struct json_place *p, struct js *j)
{
	static const char *const others[] = {"unevaluatedProperties", "unevaluatedItems", "$dynamicRef", "$recursiveRef"};
	const char *ref = json_get_str(p->node, "$ref", NULL);

	j->types = JS_ANY;
	if (json_is_boolean(p->node)) {
		j->never = json_is_false(p->node);
		j->why[JSK_FALSE] = xstrdup("stands where the schema allows nothing");
		return 0;
	}
	if (ref && p->draft < DRAFT_2019)
		return read_reference(r, p, j, ref);
	j->whole_text = p->draft == DRAFT_4;
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (json_object_get(p->node, others[i]))
			not_checked(r, others[i], NULL);
	if (read_types(r, j, p->node))
		return -1;
	read_values(j, p->node);
	read_numbers(j, p->node);
	read_texts(r, j, p->node);
	if (read_object(r, p, j) || read_array(r, p, j) || read_in_place(r, p, j))
		return -1;
	return ref ? read_reference(r, p, j, ref) : 0;
}

static struct js *read_schema(struct reading *r, const struct json_place *p)
{
	struct js *j = map_get(&r->nodes, &p->node, sizeof p->node);

	if (j)
		return j;
	if (++r->depth > MAX_DEPTH) {
		error_set(r->err, "schemas are nested deeper than %d", MAX_DEPTH);
		return NULL;
	}
	j = xcalloc(1, sizeof *j);
	j->of = p->node;
	GROW(r->s->all, r->s->n, r->s->cap);
	r->s->all[r->s->n++] = j;
	map_put(&r->nodes, &p->node, sizeof p->node, j);
	bool ok = !fill(r, p, j);
	r->depth--;
	return ok ? j : NULL;
}

static int add_document(struct reading *r, const char *name, const char *text, size_t len, struct json_place *out)
{
	json_error_t e;
	json_t *doc = json_loadb(text, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &e);

	if (!doc) // a bound of 18446744073709551615 is one of a schema
		doc = json_loadb(text, len, JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &e);
	if (!doc)
		return error_set(r->err, "line %d column %d: %s", e.line, e.column, e.text);
	r->s->docs[r->s->ndocs++] = doc;
	*out = json_is_object(doc) ? json_refs_add(&r->refs, name, doc) : (struct json_place){doc, "", DRAFT_7};
	return json_is_object(doc) || json_is_boolean(doc) ? 0 : error_set(r->err, "neither an object nor a boolean");
}

static int read_all(struct reading *r, const struct schema_text *text)
{
	struct json_place root;

	for (size_t i = 0; i < text->nrefs; i++)
		if (add_document(r, text->refs[i].name, text->refs[i].text, strlen(text->refs[i].text), &root))
			return error_prefix(r->err, "reference %.150s", text->refs[i].name);
	if (add_document(r, "", text->text, text->len, &root) || !(r->s->root = read_schema(r, &root)))
		return -1;
	return json_schema_settle(r->s, r->err);
}

struct json_schema *json_schema_parse(const struct schema_text *text, struct error *err)
{
	struct reading r = {.s = xcalloc(1, sizeof *r.s), .err = err};

	map_init(&r.refs.places);
	map_init(&r.nodes);
	map_init(&r.unchecked);
	r.s->docs = xcalloc(text->nrefs + 1, sizeof *r.s->docs);
	int rc = read_all(&r, text);
	json_refs_release(&r.refs);
	map_release(&r.nodes, NULL);
	map_release(&r.unchecked, NULL);
	if (rc) {
		json_schema_free(r.s);
		return NULL;
	}
	return r.s;
}

static void js_free(struct js *j)
{
	json_decref(j->values);
	re_free(j->pattern);
	free(j->texts);
	for (size_t i = 0; i < j->nproperties; i++)
		free(j->properties[i].name);
	for (size_t i = 0; i < j->npatterns; i++)
		re_free(j->patterns[i].re);
	for (size_t i = 0; i < j->ndependents; i++) {
		for (size_t k = 0; k < j->dependents[i].nrequired; k++)
			free(j->dependents[i].required[k]);
		free(j->dependents[i].required);
		free(j->dependents[i].name);
	}
	for (int k = 0; k < JSK_KEYWORDS; k++)
		free(j->why[k]);
	json_keys_free(j->more);
	free(j->properties);
	free(j->patterns);
	free(j->dependents);
	free(j->prefix.items);
	free(j->all.items);
	free(j->any.items);
	free(j->one.items);
	free(j);
}

void json_schema_free(struct json_schema *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n; i++)
		js_free(s->all[i]);
	for (size_t i = 0; i < s->ndocs; i++)
		json_decref(s->docs[i]);
	for (size_t i = 0; i < s->nunchecked; i++)
		free(s->unchecked[i]);
	free(s->unchecked);
	free(s->docs);
	free(s->all);
	free(s);
}
