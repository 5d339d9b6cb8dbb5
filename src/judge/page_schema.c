// SPDX-License-Identifier: Apache-2.0
#include "judge/page_schema.h"

#include <inttypes.h>
#include <string.h>

enum { FIELDS_SAID = 5, SCHEMAS_SAID = 3 };

static bool has(const json_t *ids, int64_t id)
{
	for (size_t i = 0; i < json_array_size(ids); i++)
		if (json_integer_value(json_array_get(ids, i)) == id)
			return true;
	return false;
}

static void insert(json_t *ids, int64_t id)
{
	size_t at = 0;

	while (at < json_array_size(ids) && json_integer_value(json_array_get(ids, at)) < id)
		at++;
	if (!has(ids, id))
		json_array_insert_new(ids, at, json_integer(id));
}

void schemas_evidence(json_t *evidence, const json_t *items, const struct pane *window)
{
	json_t *ids = json_array(), *others = json_array(), *contract = json_array();

	for (size_t i = 0; i < json_array_size(items); i++) {
		const json_t *schemas = json_object_get(json_array_get(items, i), "schemas");
		for (size_t k = 0; k < json_array_size(schemas); k++)
			insert(ids, json_get_int(json_array_get(schemas, k), "id", -1));
	}
	for (size_t i = 0; window && i < window->nschemas; i++)
		if (window->schemas[i].id >= 0 && !has(ids, window->schemas[i].id))
			insert(others, window->schemas[i].id);
	for (size_t i = 0; window && i < window->nfaults; i++)
		if (!fault_of_field(&window->faults[i]) && has(ids, window->faults[i].schema_id))
			json_array_append_new(contract, json_str(window->faults[i].why));
	json_object_set_new(evidence, "schema_ids", ids);
	json_object_set_new(evidence, "other_schema_ids", others);
	json_object_set_new(evidence, "contract", contract);
}

static const json_t *schema_of(const json_t *item, int64_t id)
{
	const json_t *schemas = json_object_get(item, "schemas");

	for (size_t i = 0; i < json_array_size(schemas); i++)
		if (json_get_int(json_array_get(schemas, i), "id", -1) == id)
			return json_array_get(schemas, i);
	return NULL;
}

// "lacks a, b and 2 more"; returns how many.
static size_t say_fields(struct buf *b, const json_t *items, int64_t id, const char *kind, const char *before,
			 const char *after)
{
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(items); i++) {
		const json_t *s = schema_of(json_array_get(items, i), id);
		if (!s || strcmp(json_get_str(s, "kind", ""), kind) != 0)
			continue;
		if (n++ < FIELDS_SAID)
			buf_addf(b, "%s%s", n == 1 ? before : ", ", json_get_str(json_array_get(items, i), "field", ""));
	}
	if (n > FIELDS_SAID)
		buf_addf(b, " and %zu more", n - FIELDS_SAID);
	if (n)
		buf_adds(b, after);
	return n;
}

static const json_t *first_of(const json_t *items, int64_t id)
{
	for (size_t i = 0; i < json_array_size(items); i++)
		if (schema_of(json_array_get(items, i), id))
			return schema_of(json_array_get(items, i), id);
	return NULL;
}

static void say_schema(struct buf *b, const json_t *items, int64_t id)
{
	const json_t *s = first_of(items, id), *first = json_object_get(s, "first");

	buf_addf(b, "schema id %" PRId64, id);
	if (json_is_integer(json_object_get(s, "version")))
		buf_addf(b, " (version %" PRId64 " of %s)", json_get_int(s, "version", 0), json_get_str(s, "subject", ""));
	size_t lacks = say_fields(b, items, id, "missing_field", " lacks ", "");
	size_t other = say_fields(b, items, id, "wrong_type", lacks ? " and has " : " has ", " in another type");
	if (!lacks && !other)
		buf_adds(b, " breaks the contract");
	buf_addf(b, ", first in %s/%" PRId64 " at offset %" PRId64 " (%s)", json_get_str(first, "topic", ""),
		 json_get_int(first, "partition", 0), json_get_int(first, "offset", 0), json_get_str(first, "at", ""));
}

static bool about_fields(const json_t *items)
{
	return json_is_string(json_object_get(json_array_get(items, 0), "field"));
}

void say_schemas(struct buf *b, const json_t *items, const json_t *evidence)
{
	static const char breaks[] = "breaks the contract: ";
	const json_t *ids = json_object_get(evidence, "schema_ids"), *others = json_object_get(evidence, "other_schema_ids");
	const json_t *item = json_array_get(items, 0);
	const char *contract = json_string_value(json_array_get(json_object_get(evidence, "contract"), 0));
	size_t n = json_array_size(ids);

	if (!n) // without an id: `framing: none`
		buf_adds(b, "the schema that the records are written with breaks the contract");
	for (size_t i = 0; i < n && i < SCHEMAS_SAID; i++) {
		buf_adds(b, i ? "; " : "");
		say_schema(b, items, json_integer_value(json_array_get(ids, i)));
	}
	if (n > SCHEMAS_SAID)
		buf_addf(b, "; and %zu more schemas", n - SCHEMAS_SAID);
	buf_addf(b, ". So far %.0f of %" PRId64 " records", json_get_num(item, "value", 0), json_get_int(item, "n_current", 0));
	for (size_t i = 0; i < json_array_size(others) && i < SCHEMAS_SAID; i++)
		buf_addf(b, "%s%" PRId64, i ? ", " : "; others have schema id ",
			 (int64_t)json_integer_value(json_array_get(others, i)));
	if (contract && strstr(contract, breaks))
		buf_addf(b, ". The contract says: %s", strstr(contract, breaks) + sizeof breaks - 1);
	buf_adds(b, about_fields(items) ? ". Roll the producer back, or bring the fields back in a new version; if no reader needs them, "
					  "take them out of the contract, `fields:` or the baseline"
					: ". Roll the producer back, or agree on a new contract");
}
