// SPDX-License-Identifier: Apache-2.0
// Plans of JSON Schemas against Python's json and jsonschema (tests/schema/make_json_cases.py): random schemas of
// every draft, records that mostly suit, the same ones mutated, and each cut short at every byte.
//
// Environment: KDRIFT_SEED (else by the clock; printed), KDRIFT_CASES (400 random schemas with eight records each).
#include <criterion/criterion.h>
#include <math.h>
#include <time.h>
#include <unistd.h>

#include "schema/plan.h"
#include "util/json.h"
#include "util/xalloc.h"

#define PYTHON SOURCE_DIR "/.cache/venv/bin/python"

static uint8_t *unhex(const char *hex, size_t *n)
{
	*n = strlen(hex) / 2;
	uint8_t *p = xmalloc(*n ? *n : 1);

	for (size_t i = 0; i < *n; i++) {
		const char *at = hex + 2 * i;
		p[i] = (uint8_t)((at[0] % 32 + 9) % 25 << 4 | (at[1] % 32 + 9) % 25);
	}
	return p;
}

static json_t *value_seen(const struct value *v)
{
	switch (v->kind) {
	case VALUE_NUMBER:
		return isinf(v->num) ? json_string(v->num > 0 ? "inf" : "-inf") : json_real(v->num);
	case VALUE_STRING:
		return json_stringn(v->str, v->len);
	case VALUE_BOOL:
		return json_boolean(v->num != 0);
	case VALUE_TIME:
		return json_integer(v->ms);
	default:
		return json_null();
	}
}

static json_t *values_seen(const struct plan *p, const struct record_values *r)
{
	json_t *all = json_object();

	for (size_t i = 0; i < r->nvalues; i++) {
		const char *path = plan_slot(p, r->values[i].slot)->path;
		json_t *list = json_object_get(all, path);

		if (!list)
			json_object_set_new(all, path, list = json_array());
		json_array_append_new(list, value_seen(&r->values[i]));
	}
	return all;
}

static json_t *kinds_seen(const struct record_values *r)
{
	json_t *list = json_array();

	for (int k = 0; k < VIOLATION_KINDS; k++) { // in the order of their names
		for (size_t i = 0; i < r->nbreaches; i++) {
			size_t at = 0;
			const char *name = violation_table[k].name;

			if (r->breaches[i].kind != (enum violation_kind)k)
				continue;
			while (at < json_array_size(list) && strcmp(json_string_value(json_array_get(list, at)), name) < 0)
				at++;
			json_array_insert_new(list, at, json_string(name));
			break;
		}
	}
	return list;
}

static void compare(const char *what, json_t *seen, const json_t *want, const char *schema, const uint8_t *bytes, size_t n)
{
	char *a = json_dumps(seen, JSON_SORT_KEYS), *b = json_dumps(want, JSON_SORT_KEYS);

	cr_expect(json_equal(seen, want), "%s\n  got  %s\n  want %s\n  of   %.*s\n  by   %s", what, a, b, (int)n,
		  (const char *)bytes, schema);
	free(a);
	free(b);
	json_decref(seen);
}

// Every shorter one is no record; white space behind it may go.
static void cut(const struct plan *p, const uint8_t *bytes, size_t n, struct record_values *r)
{
	while (n && strchr(" \t\r\n", bytes[n - 1]))
		n--;
	for (size_t k = 0; k < n; k++) {
		uint8_t *exact = xmalloc(k ? k : 1);

		memcpy(exact, bytes, k);
		plan_walk(p, exact, k, r);
		cr_expect(!r->decoded && r->breaches[0].kind == VIOLATION_UNDECODABLE && *r->detail, "%zu of %.*s", k, (int)n,
			  (const char *)bytes);
		free(exact);
	}
}

static size_t run(FILE *f)
{
	struct plan_options opt = {.all_fields = true};
	struct error err = ERROR_INIT;
	struct record_values r;
	struct plan *plan = NULL;
	char *line = NULL, *schema = NULL;
	size_t cap = 0, count = 0, n;

	record_values_init(&r);
	for (; getline(&line, &cap, f) > 0; count++) {
		json_t *doc = json_loads(line, JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, NULL);
		cr_assert(doc != NULL, "%s", line);
		json_t *exact = json_loads(line, JSON_ALLOW_NUL, NULL), *given = json_object_get(exact ? exact : doc, "schema");

		if (given) {
			plan_free(plan);
			free(schema);
			schema = json_text(given);
			plan = plan_compile(&(struct schema_text){.type = SCHEMA_JSON, .text = schema, .len = strlen(schema)}, &opt,
					    &err);
			cr_assert(plan != NULL, "%s: %s", schema, err.text);
		}
		uint8_t *bytes = unhex(json_get_str(doc, "record", ""), &n);
		const char *verdict = json_get_str(doc, "verdict", "");
		plan_walk(plan, bytes, n, &r);
		if (!strcmp(verdict, "ok") && r.decoded) {
			json_t *seen = values_seen(plan, &r);
			char *text = json_text(seen);
			compare("values", json_loads(text, JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, NULL),
				json_object_get(doc, "values"), schema, bytes, n);
			compare("breaches", kinds_seen(&r), json_object_get(doc, "kinds"), schema, bytes, n);
			free(text);
			json_decref(seen);
			if (count % 64 == 0 && *bytes == '{')
				cut(plan, bytes, n, &r);
		} else {
			cr_expect(!strcmp(verdict, "either") || r.decoded == !strcmp(verdict, "ok"), "%s, not %s: %s of %.*s",
				  r.decoded ? "decoded" : r.detail, verdict, schema, (int)n, (const char *)bytes);
		}
		free(bytes);
		json_decref(doc);
		json_decref(exact);
	}
	plan_free(plan);
	free(schema);
	free(line);
	record_values_release(&r);
	return count;
}

static void run_random(const char *more)
{
	const char *seed = getenv("KDRIFT_SEED"), *cases = getenv("KDRIFT_CASES");
	char *command = xasprintf(PYTHON " " SOURCE_DIR "/tests/schema/make_json_cases.py --seed %lld --cases %s %s",
				  seed ? atoll(seed) : (long long)time(NULL), cases ? cases : "400", more);

	if (access(PYTHON, X_OK) || system(PYTHON " -c 'import jsonschema' 2>/dev/null")) {
		free(command);
		cr_skip_test("no jsonschema in .cache/venv");
	}
	cr_log_info("%s", command);
	FILE *f = popen(command, "r");
	size_t n = run(f);
	cr_assert(pclose(f) == 0 && n > 0, "%s", command);
	free(command);
}

Test(json_cases, random_schemas)
{
	run_random("");
}

Test(json_cases, random_mutations)
{
	run_random("--mutate");
}
