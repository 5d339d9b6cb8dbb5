// SPDX-License-Identifier: Apache-2.0
// JSON: the first byte chooses a schema, the rest is a record; or, of 255, a schema up to the first NUL and a record
// behind it. What is of no type is learned, and then nothing more is.
#include <string.h>

#include "checks.h"

static const char *const schemas[] = {
    "{}",
    "{\"type\":\"object\",\"required\":[\"a\"],\"properties\":{\"a\":{\"type\":\"integer\",\"minimum\":0,\"multipleOf\":2},"
    "\"b\":{\"oneOf\":[{\"type\":\"null\"},{\"type\":\"string\",\"maxLength\":3,\"pattern\":\"^[a-z]\"}]},"
    "\"t\":{\"type\":\"string\",\"format\":\"date-time\"},\"u\":{},\"m\":{\"type\":\"object\",\"additionalProperties\":"
    "{\"type\":\"array\",\"items\":{\"type\":\"number\"},\"uniqueItems\":true}}},\"additionalProperties\":false}",
    "{\"$ref\":\"#/definitions/T\",\"definitions\":{\"T\":{\"type\":\"object\",\"properties\":{\"v\":{\"enum\":[1,\"x\",null,[1],{}]},"
    "\"kids\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/definitions/T\"},\"contains\":{\"required\":[\"v\"]}}},"
    "\"patternProperties\":{\"^x\":{\"type\":\"boolean\"}},\"propertyNames\":{\"maxLength\":5},\"not\":{\"required\":[\"no\"]},"
    "\"if\":{\"required\":[\"v\"]},\"then\":{\"minProperties\":2},\"dependencies\":{\"v\":[\"kids\"]}}}}",
    "{\"type\":[\"array\",\"number\",\"null\"],\"items\":[{\"type\":\"string\",\"format\":\"ipv4\"},{\"allOf\":[{\"minItems\":1},"
    "{\"type\":\"array\",\"items\":{\"anyOf\":[{\"const\":0.5},{\"type\":\"string\",\"format\":\"date\"}]}}]}],"
    "\"additionalItems\":{\"type\":\"object\"},\"minimum\":-1}",
};
static char *allowed[] = {(char *)(uintptr_t) "7", (char *)(uintptr_t) "true"};
static const struct field_rule rules[] = {
    {.path = "a", .type = FIELD_CATEGORICAL, .cast = true, .required = true, .allowed = allowed, .nallowed = 2},
    {.path = "b", .type = FIELD_TYPES, .not_null = true, .has_length = true, .length_max = 3},
    {.path = "m{}[]", .type = FIELD_NUMERIC, .required = true, .has_range = true, .range_max = 9, .not_null = true},
    {.path = "u.t", .type = FIELD_TIME, .required = true, .not_null = true},
    {.path = "value[].x", .type = FIELD_BOOLEAN, .required = true},
};

static void walk(struct plan *p, const struct plan_options *opt, const uint8_t *data, size_t n)
{
	static struct record_values r, again;
	struct error err = ERROR_INIT;

	plan_walk(p, data, n, &r);
	if (r.unknown) {
		bool learned = !plan_learn(p, opt, &r, &err);

		check(learned || plan_full(p));
		plan_walk(p, data, n, &r);
		check(!r.unknown);
	}
	check_walk(p, &r, n);
	plan_walk(p, data, n, &again);
	check(r.nvalues == again.nvalues && r.nbreaches == again.nbreaches && r.decoded == again.decoded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct plan_options opt = {.event_time = "ts", .rules = rules, .nrules = sizeof rules / sizeof *rules, .all_fields = true};
	struct error err = ERROR_INIT;
	struct schema_text schema = {.type = SCHEMA_JSON};

	if (!n)
		return 0;
	if (*data == 255) {
		schema.text = (char *)(uintptr_t)data + 1;
		schema.len = strnlen(schema.text, n - 1);
	} else {
		schema.text = (char *)(uintptr_t)schemas[*data % (sizeof schemas / sizeof *schemas)];
		schema.len = strlen(schema.text);
	}
	struct plan *p = plan_compile(&schema, &opt, &err);
	check(p || *err.text);
	check(p || *data == 255);
	const size_t skip = *data == 255 ? (schema.len + 2 < n ? schema.len + 2 : n) : 1;
	if (p)
		walk(p, &opt, data + skip, n - skip);
	plan_free(p);
	return 0;
}
